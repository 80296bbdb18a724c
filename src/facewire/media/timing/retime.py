"""Constant frame rate from any frame rate, without holding the clip.

Not needed for writing video files: `VideoWriter` keeps true times, so a variable rate stays variable and
sound stays in step. It is for consumers that count frames instead of reading times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil

from facewire.media.frame import Frame


def retime(frames: Iterable[Frame], rate: Fraction) -> Iterator[Frame]:
    """Yield one frame per tick of `rate`, each with the pixels of the input frame nearest in time.

    Ticks lie at whole multiples of 1 / rate on the input's own clock (`pts` counts them, `time_base` is 1 /
    rate), so the result stays in step with whatever else runs on that clock. Of two equally near frames the
    earlier one is taken. The last input frame lasts as long as the one before it. A video that already has
    this rate, up to half a tick of jitter, comes out frame by frame.

    Args:
        frames: with strictly increasing times.
        rate: frames per second, above zero.

    Cost: holds two frames.
    """
    if rate <= 0:
        raise ValueError(f"rate is {rate}, must be above zero")
    stream = iter(frames)
    current = next(stream, None)
    if current is None:
        return
    first = tick = _tick_at(current.time * rate)
    lasts = Fraction(1)
    for following in stream:
        lasts = (following.time - current.time) * rate
        if lasts <= 0:
            raise ValueError(f"frame times must increase: {following.time} s follows {current.time} s")
        while tick <= current.time * rate + lasts / 2:
            yield Frame(current.pixels, tick, 1 / rate)
            tick += 1
        current = following
    # Whole ticks unless the input is much denser: jitter of the last two times must not add or lose a frame.
    end = _tick_at(current.time * rate + (round(lasts) or lasts))
    while tick < max(end, first + 1):
        yield Frame(current.pixels, tick, 1 / rate)
        tick += 1


def _tick_at(position: Fraction) -> int:
    """The nearest tick; of two equally near ones the earlier."""
    return ceil(position - Fraction(1, 2))
