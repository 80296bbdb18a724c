"""Single frames out of a short clip in memory, without decoding all of it.

    bytes of a clip -> seek to the keyframe before -> decode up to the frame -> RGB

For clips that `VideoWriter` wrote at a constant rate with keyframes close together.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction

import av

from facewire.base.errors import MediaError
from facewire.media.colours.colour import RgbConverter
from facewire.media.frame import Pixels
from facewire.media.libav_errors import reading


def pick_frames(data: bytes, wanted: Sequence[int], rate: Fraction, name: str) -> list[Pixels]:
    """Return frames of a clip by number, in the order asked for.

    Args:
        data: the whole file.
        wanted: numbers from 0; frame n is shown n / rate after the first one.
        rate: frames per second.
        name: of the clip, for error texts.

    Raises:
        MediaError: the clip cannot be decoded, or has no such frame.
    """
    found: dict[int, Pixels] = {}
    with reading(name), av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1  # several clips are read at once, each in a thread of its own
        convert, base = RgbConverter(), stream.time_base or Fraction(1, 90_000)
        start = stream.start_time or 0
        reached: int | None = None
        for number in sorted(set(wanted)):
            if reached is None or number > reached:
                container.seek(start + round(number / rate / base), stream=stream)
            for picture in container.decode(stream):
                reached = round(((picture.pts or 0) - start) * base * rate)
                if reached >= number:
                    found[number] = convert(picture, (picture.width, picture.height))
                    break
            if reached != number:
                raise MediaError(name, f"has no frame {number}: prepare it again")
    return [found[number] for number in wanted]
