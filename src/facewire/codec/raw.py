"""Profile raw, the paper's baseline: 66 half floats a frame, no coding (docs/bitstream.md section 7)."""

from __future__ import annotations

import numpy as np

from facewire.base.errors import ConfigError, CorruptPacket
from facewire.codec.quantizer import ANGLE_LIMIT, PLACE_LIMIT, frame_of_points, limits
from facewire.codec.state import POSE, MotionFrame
from facewire.codec.tables.artefact import POINT_BITS

NUMBER_BYTES = 2


def encode_raw(frame: MotionFrame) -> bytes:
    """Return 6 + 3 kept little-endian half floats: 132 bytes for 20 keypoints."""
    limit = limits(POSE + 3 * frame.keypoints, ANGLE_LIMIT, PLACE_LIMIT) / (1 << POINT_BITS)
    vector = np.clip(frame.vector(), -limit, limit)[: POSE + 3 * frame.used]
    return vector.astype("<f2").tobytes()


def decode_raw(packet: bytes, keypoints: int, offset: int = 0) -> MotionFrame:
    """Return the frame of a packet; the length says how many keypoints are kept.

    Args:
        packet: its bytes.
        keypoints: K; dropped ones are 0.
        offset: of the packet in the stream, for error texts.

    Raises:
        CorruptPacket: an impossible length, or a number that is not finite.
    """
    if keypoints < 1:
        raise ConfigError("keypoints", keypoints, "1 or more")
    count, odd = divmod(len(packet), NUMBER_BYTES)
    kept, rest = divmod(count - POSE, 3)
    if odd or rest or not 1 <= kept <= keypoints:
        raise CorruptPacket(offset, f"{len(packet)} bytes are no raw packet of up to {keypoints} keypoints")
    values = np.frombuffer(packet, dtype="<f2").astype(np.float64)
    if not np.isfinite(values).all():
        raise CorruptPacket(offset, "a number is not finite")
    points = np.zeros(POSE + 3 * keypoints, dtype=np.int64)
    points[:count] = np.rint(values * (1 << POINT_BITS))
    limit = limits(len(points), ANGLE_LIMIT, PLACE_LIMIT)
    return frame_of_points(np.clip(points, -limit, limit), kept)
