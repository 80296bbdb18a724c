"""What a loopback call was like, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Median, 95th percentile and largest."""

    median: float
    p95: float
    largest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of some values, zeros if there are none."""
        if not values:
            return cls(median=0.0, p95=0.0, largest=0.0)
        median, p95 = np.percentile(values, (50, 95))
        return cls(median=float(median), p95=float(p95), largest=float(max(values)))


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopbackReport:
    """What a call was like, seen by the receiver of the clip.

    face_kbit_per_s  trailers and their length bytes (or face messages), acknowledgements included
    ip_kbit_per_s    sound and face with all headers, one way
    line_kbit_per_s  everything that agent A put on the line since both were live: photos and confirmations too
    control_bytes    of the reliable channel in the whole run, photo included
    delay_ms         from a camera frame to the picture made of it
    longest_freeze_ms  for which the picture stood still: between two pictures made of the sender's frames, or on the
                     way to rest if some part of the face moved by a quarter of a pixel
    longest_cut_free_freeze_ms  the same, cuts of the link not counted
    longest_without_news_ms  between two pictures made of the sender's frames: no transport can make this shorter
                     than the losses in a row, less the playout delay
    lost_in_a_row    packets, the most on the link that carries the clip, cuts not counted
    delivered        share of the camera's frames that were shown
    filled, eased    pictures shown in place of lost ones: between two frames, or on the way to rest
    moved            pictures that were moved instead of drawn, because drawing took too long
    sound_concealed  share of the sound that was covered because it was lost or too late
    sound_waited     share by which it was made longer because what followed had not come yet
    lip_skew_ms      how much later the lips are than the sound, absolute
    side             of the last picture that was rendered, pixels; 0 if none was
    psnr             dB against the camera's frames, mean; None if no picture was compared
    set_up_s         from meeting in the room to both seeing each other, the photo included
    first_face_s     from meeting to the first face that was shown; None if there was none
    steps            seconds in each step, by its name
    step_changes     how often agent A took another step
    reconnect_s      from the end of a cut to the next picture, None without a cut
    memory_mb        of the process at a tenth of the run and at its end
    memory_growth    share by which the second is more than the first
    delay_growth_ms  by which the median delay of the last tenth is more than that of the first
    render_ms, send_ms  what the engines took here
    state            how both ended
    """

    seconds: float
    frames: int
    face_kbit_per_s: float
    sound_kbit_per_s: float
    ip_kbit_per_s: float
    line_kbit_per_s: float
    control_bytes: int
    delay_ms: Spread
    early_delay_ms: Spread
    late_delay_ms: Spread
    longest_freeze_ms: float
    longest_cut_free_freeze_ms: float
    longest_without_news_ms: float
    lost_in_a_row: int
    delivered: float
    filled: int
    eased: int
    moved: int
    video_pictures: int
    sound_concealed: float
    sound_waited: float
    lip_skew_ms: Spread
    side: int
    psnr: float | None
    set_up_s: float
    first_face_s: float | None
    steps: dict[str, int]
    step_changes: int
    reconnects: int
    reconnect_s: float | None
    memory_mb: tuple[float, float]
    memory_growth: float
    delay_growth_ms: float
    render_ms: Spread
    send_ms: Spread
    state: tuple[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return asdict(self)
