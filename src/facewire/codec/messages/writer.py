"""Motion to GFV messages (docs/carriers.md): coefficients as a feature matrix, keypoints as coordinates.

source's own coefficients -> message of the base picture;  a frame's -> message of a picture generated from it
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from facewire.bitstream.header import Header
from facewire.bitstream.sei.message import (
    FEATURES,
    PAYLOAD_TYPE,
    Coordinates,
    GfvMessage,
    Matrices,
    Matrix,
)
from facewire.bitstream.sei.nal import Message
from facewire.bitstream.sei.writer import GfvWriter

USER_DATA: Final = 5
"""Payload type of messages that anybody may define: 16 bytes that name who, then theirs."""
OURS: Final = UUID("c7b4b1e2-6d0c-4f0e-9a39-6e0ed0f3a5d1").bytes
FACE, REST = b"\0", b"\1"
"""What follows `OURS`: a GFV payload; the motion of a reference section (docs/bitstream.md 9.8)."""
TAG: Final = "tag:facewire.invalid,2026:talk"
URI: Final = "data:application/octet-stream;base64,"
"""Of the network: the header of a .fwv file stands for it."""
PLACE_BITS: Final = 8
"""Keypoints are stated in units of 2^-8, half a pixel of a 256-pixel picture."""
LEVEL_BITS: Final = 1
"""The least that the syntax can say; a coefficient of 1 is 2^-1."""

Place = tuple[float, float]
"""x and y of a keypoint, picture units."""


class MotionMessages:
    """Makes messages; they must be sent in the order of the calls.

    Args:
        header: of the talk.
        private: as user data of ours instead of GFV messages.
    """

    def __init__(self, header: Header, *, private: bool) -> None:
        self._header, self._private = header, private
        self._writer = GfvWriter()
        self._id = self._base = self._count = -1

    def base(self, id: int, levels: Sequence[int], places: Sequence[Place]) -> Message:
        """Return the message of a key picture: its own motion, and, the first time, the talk's header."""
        network = (TAG, URI + b64encode(self._header.to_bytes()).decode()) if self._base < 0 else None
        self._id = self._base = id
        self._count = 1
        return self._message(
            GfvMessage(
                id=id,
                count=0,
                base=True,
                network=network,
                coordinates=_coordinates(places),
                predict_coordinates=True,
                matrices=_matrices(levels),
            )
        )

    def repeated(self, id: int) -> None:
        """Note that the next frame goes with a repeat of a picture, which need not be the one that is shown."""
        self._id, self._count = id, 0

    def frame(self, levels: Sequence[int], places: Sequence[Place]) -> Message:
        """Return the message of the next frame."""
        predict = self._count > 0 or self._id == self._base
        message = GfvMessage(
            id=self._id,
            count=self._count,
            coordinates=_coordinates(places),
            predict_coordinates=predict,
            matrices=_matrices(levels),
            predict_matrices=predict,
        )
        self._count += 1
        return self._message(message)

    def rest(self, motion: bytes) -> Message:
        """Return the message of what stands for rest from the next frame on."""
        return Message(USER_DATA, OURS + REST + motion)

    def _message(self, message: GfvMessage) -> Message:
        payload = self._writer.write(message)
        return Message(USER_DATA, OURS + FACE + payload) if self._private else Message(PAYLOAD_TYPE, payload)


def _coordinates(places: Sequence[Place]) -> Coordinates:
    most = 1 << PLACE_BITS
    points = (tuple(max(-most, min(most, round(value * most))) for value in place) for place in places)
    return Coordinates(PLACE_BITS, tuple(points))


def _matrices(levels: Sequence[int]) -> Matrices:
    return Matrices(LEVEL_BITS, (Matrix(FEATURES, 1, 1, len(levels), tuple(levels)),))
