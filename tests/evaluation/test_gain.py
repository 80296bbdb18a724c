"""Whether a model moves anything: a model that copies gains nothing, one that follows nearly everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facewire.animation.animator import Animator
from facewire.base.errors import MediaError
from facewire.evaluation.measuring.clips import find_clips
from facewire.evaluation.measuring.gain import Gain, gain_of

from .conftest import SIDE, portrait, write_clip


def test_copying_gains_nothing_and_following_does(still: Animator, follower: Animator, data: Path) -> None:
    clips = find_clips(data)
    copied, followed = gain_of(still, clips, stride=2), gain_of(follower, clips, stride=2)
    assert copied.share == 0
    assert copied.l1 == copied.repeated == followed.repeated
    assert followed.share > 0.5


def test_a_gain_by_hand(still: Animator, tmp_path: Path) -> None:
    assert Gain(8.0, 10.0).share == pytest.approx(0.2)
    write_clip(tmp_path / "one.mp4", [0, 4])
    expected = np.abs(portrait(0).astype(int) - portrait(4)).mean()
    assert gain_of(still, find_clips(tmp_path), stride=1).repeated == pytest.approx(expected, abs=0.5)
    assert portrait(0).shape == (SIDE, SIDE, 3)
    with pytest.raises(MediaError, match="no frame 25"):
        gain_of(still, find_clips(tmp_path))
