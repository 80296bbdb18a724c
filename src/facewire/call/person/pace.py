"""How large faces this machine can show: a larger picture only if 25 a second of it can be made, by making some.

Asked when the first photo is chosen, so no call waits for it; the camera is read meanwhile, as in a call.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Final

from facewire.call.person.engine import FaceEngine
from facewire.media.frame import Pixels
from facewire.media.image import resize

LARGE: Final = 512
"""Side of the faces of a call where nothing else is asked for and machines are quick enough."""
FRAME_SECONDS: Final = 0.032
"""25 pictures a second, a fifth of the time left for everything else."""
FRAMES: Final = 5
"""Pictures that are made; one more before them does not count, since what networks do only once takes long."""


def side_kept(engine: FaceEngine, head: Pixels, clock: Callable[[], float] = time.perf_counter) -> int:
    """Return LARGE if this machine can show such faces, else the side of the networks' own pictures.

    Args:
        engine: the networks.
        head: (S, S, 3) any head crop.
        clock: seconds.
    """
    person = engine.person(resize(head, (LARGE, LARGE)))
    motion = engine.own_motion(person)
    engine.render(person, motion)
    times = []
    for _ in range(FRAMES):
        begin = clock()
        engine.render(person, motion)
        times.append(clock() - begin)
    return LARGE if statistics.median(times) <= FRAME_SECONDS else engine.size
