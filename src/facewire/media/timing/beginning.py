"""The beginning of a video, without decoding the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from facewire.media.frame import Frame


def beginning(frames: Iterable[Frame], seconds: float | None) -> Iterator[Frame]:
    """Yield frames up to, not including, a moment in seconds after the first one; None yields all of them."""
    first = None
    for frame in frames:
        first = frame.time if first is None else first
        if seconds is not None and float(frame.time - first) >= seconds:
            return
        yield frame
