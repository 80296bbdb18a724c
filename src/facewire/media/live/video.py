"""Ordinary live video in memory: what a call falls back to, and what it is compared with.

Vp8Encoder   pictures -> one packet each, no delay, keyframe on request
Vp8Decoder   packets -> pictures
H264Meter    pictures -> how many bytes H.264 would take; the bytes are thrown away
"""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
import av.error
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from facewire.base.errors import CorruptPacket
from facewire.media.frame import Pixels

LARGEST_SIDE = 1024
"""Pixels; a decoded picture with a longer side is refused."""


class Vp8Encoder:
    """Codes pictures of one size at a low rate.

    Args:
        side: width and height, pixels.
        frames_per_second: how many come.
        bit_rate: bits per second.
    """

    def __init__(self, side: int, frames_per_second: int, bit_rate: int) -> None:
        codec = _encoder("libvpx", side, frames_per_second)
        codec.bit_rate = bit_rate
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "error-resilient": "1",
            "minrate": str(bit_rate),
            "maxrate": str(bit_rate),
            "bufsize": str(bit_rate),
            "g": "100000",
        }
        self._codec = codec
        self._count = 0

    def encode(self, picture: Pixels, *, keyframe: bool = False) -> bytes:
        """Return the packet of a picture; empty if the encoder drops it to hold the rate."""
        frame = _frame(picture, self._count, keyframe)
        self._count += 1
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class Vp8Decoder:
    """Turns packets back into pictures. Any bytes give pictures or CorruptPacket."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("vp8", "r")
        self._codec.thread_count = 1

    def decode(self, data: bytes) -> list[Pixels]:
        """Return the pictures of a packet, none or one.

        Raises:
            CorruptPacket: these bytes are no VP8 frame, or the picture is too large.
        """
        check_vp8(data)
        try:
            frames = self._codec.decode(av.Packet(data))
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            raise CorruptPacket(0, f"not a VP8 frame ({type(error).__name__})") from None
        return [np.ascontiguousarray(frame.to_ndarray(format="rgb24")) for frame in frames]


class H264Meter:
    """Says how many bytes H.264 would take for the pictures of a call: x264, low delay, constant quality.

    crf 28 at 256x256 is about the quality that callers accept; x264 is set as a live encoder would be.
    """

    def __init__(self, side: int, frames_per_second: int) -> None:
        codec = _encoder("libx264", side, frames_per_second)
        codec.options = {"preset": "veryfast", "tune": "zerolatency", "crf": "28", "g": "100000"}
        codec.thread_count = 1
        self._codec = codec
        self._count = 0

    def size(self, picture: Pixels) -> int:
        """Return the bytes of the next picture."""
        frame = _frame(picture, self._count, False)
        self._count += 1
        return sum(packet.size for packet in self._codec.encode(frame))


def check_vp8(data: bytes) -> None:
    """Raise CorruptPacket unless the bytes begin like a VP8 frame of a bearable size (RFC 6386, 9.1)."""
    if len(data) < 3:
        raise CorruptPacket(0, "too short for a VP8 frame")
    if data[0] & 1:
        return
    if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a":
        raise CorruptPacket(3, "no VP8 start code")
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    if not (16 <= width <= LARGEST_SIDE and 16 <= height <= LARGEST_SIDE):
        raise CorruptPacket(6, f"a picture of {width}x{height} is not possible in a call")


def _encoder(name: str, side: int, frames_per_second: int) -> VideoCodecContext:
    codec = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    codec.width = codec.height = side
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, frames_per_second)
    codec.framerate = Fraction(frames_per_second)
    codec.thread_count = 1
    return codec


def _frame(picture: Pixels, pts: int, keyframe: bool) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format="yuv420p")
    frame.pts = pts
    frame.pict_type = PictureType.I if keyframe else PictureType.NONE
    return frame
