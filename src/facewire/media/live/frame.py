"""Frames of a live connection: between the library's own and arrays."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.packet import Packet
from av.video.frame import VideoFrame

from facewire.media.frame import Pixels, check_pixels
from facewire.media.sound.opus import SAMPLE_RATE, Sound, joined

LARGEST_SIDE = 1920
"""Pixels; a camera picture with a longer side is made smaller when it comes in."""


def video_frame(pixels: Pixels, pts: int, time_base: Fraction) -> VideoFrame:
    """Return pixels [H, W, 3] as a frame to be sent."""
    check_pixels("pixels", pixels)
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame.pts, frame.time_base = pts, time_base
    return frame


def pixels_of(frame: VideoFrame) -> Pixels:
    """Return a received frame as RGB [H, W, 3]; no side is longer than LARGEST_SIDE."""
    longest = max(frame.width, frame.height)
    if longest > LARGEST_SIDE:
        share = LARGEST_SIDE / longest
        frame = frame.reformat(
            width=max(1, int(frame.width * share)), height=max(1, int(frame.height * share))
        )
    return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))


def sound_frame(sound: Sound, pts: int) -> AudioFrame:
    """Return samples (n,) as a frame to be sent; pts in samples."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound)[None], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.time_base = Fraction(1, SAMPLE_RATE)
    frame.pts = pts
    return frame


class SoundIntake:
    """Turns received sound frames of any kind into mono samples at 48 kHz."""

    def __init__(self) -> None:
        self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)

    def samples(self, frame: AudioFrame) -> Sound:
        """Return the samples (n,) of a frame."""
        return joined([frame], self._resampler)


def packet(data: bytes, pts: int) -> Packet[Any]:
    """Return coded sound as a packet to be sent; pts in samples."""
    wrapped: Packet[Any] = Packet(data)
    wrapped.pts, wrapped.time_base = pts, Fraction(1, SAMPLE_RATE)
    return wrapped
