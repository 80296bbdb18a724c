"""The matte network on a real photograph, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from skimage.data import astronaut

from facewire.base.errors import ShapeError
from facewire.face.networks.matte import load_person_matte


@pytest.fixture(scope="module")
def matte() -> torch.Tensor:
    picture = torch.from_numpy(astronaut()[None, ::2, ::2].copy()).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        share: torch.Tensor = load_person_matte()(picture)
    return share[0, 0]


def test_the_astronaut_stands_before_her_flag_and_her_shuttle(matte: torch.Tensor) -> None:
    assert matte.shape == (256, 256)
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert matte[30:75, 100:125].min() > 0.95  # her face
    assert matte[110:170, 50:110].min() > 0.95  # her suit
    assert matte[:100, :15].mean() < 0.02  # the flag
    assert matte[:60, 190:].max() < 0.05  # the shuttle
    assert ((matte > 0.1) & (matte < 0.9)).float().mean() < 0.1  # the outline is sharp


def test_sides_must_fit() -> None:
    with pytest.raises(ShapeError):
        load_person_matte()(torch.zeros(1, 3, 250, 256))
