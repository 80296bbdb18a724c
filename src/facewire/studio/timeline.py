"""What the timeline shows: a driver, or of a video that is changed the video with what its head is to do."""

from __future__ import annotations

from dataclasses import replace

from facewire.animation.clips.source_video import Clip, resampled
from facewire.animation.driving import RecordedMotion
from facewire.studio.driver import curves_of
from facewire.studio.messages import Driver
from facewire.studio.preview.clip import motion_of


def timeline_of(name: str, recorded: RecordedMotion | None, clip: Clip | None, start: float) -> Driver:
    """Return what is told of a driver, of a clip, or of both, of which there is one at least.

    Args:
        name: the driver's.
        recorded: its motion.
        clip: the video that is changed.
        start: the moment of the clip with which the driver begins, seconds.
    """
    if clip is None:
        assert recorded is not None
        shown, rate = recorded, recorded.rate
    elif recorded is None:
        shown, rate = motion_of(clip), clip.rate
    else:
        at = [seconds - start for seconds in clip.seconds]
        shown, rate = replace(motion_of(clip), motions=resampled(recorded, at)), recorded.rate
    return Driver(
        name=name,
        seconds=shown.seconds[-1] + 1 / float(shown.rate),
        rate=float(shown.rate),
        frames=len(shown),
        own_rate=float(rate),
        of_video=clip is not None,
        drives=recorded is not None,
        people=1 if recorded is None else recorded.people,
        missing=shown.missing if recorded is None else recorded.missing,
        curves=curves_of(shown),
        problem="" if recorded is None else recorded.problem,
    )
