"""The real networks behind a call: what is drawn of a larger photo is what the animator draws of it."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.call.person.engine import NetworkEngine
from facewire.engines.torch_engine import TorchEngine
from facewire.media.image import resize
from facewire.talks.bridge import to_motions

HEAD = (130, 10, 310, 190)
"""The astronaut's head: left, top, right, bottom."""


@pytest.mark.parametrize("side", [256, 384])
def test_a_face_is_drawn_as_large_as_its_photo(side: int) -> None:
    animator = Animator.load()
    engine = NetworkEngine(TorchEngine(animator.model), animator.manifest.sha256)
    photo = resize(astronaut(), (side, side), window=HEAD)
    portrait = engine.person(photo)
    motion = engine.own_motion(portrait)
    drawn = engine.render(portrait, motion)
    assert drawn.shape == (side, side, 3)
    person = animator.person(photo, crop_mode="none", size=side)
    (same,) = animator.render(person, to_motions([motion]))
    assert np.abs(drawn.astype(int) - same).max() <= 1
    small = engine.render(portrait.small, motion)
    assert small.shape == (256, 256, 3)
    assert np.abs(resize(drawn, (256, 256)).astype(int) - small).mean() < 3
