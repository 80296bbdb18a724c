"""Stills are turned by the model; what is no still stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facewire.base.errors import MediaError
from facewire.data.clips import ClipSet
from facewire.data.pairs import PairSampler
from facewire.data.stills import joined, open_stills
from facewire.media.image import save_image
from facewire.metrics.pose_error import rotation_angle
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.weights import load_model
from facewire.training.objectives.turn_and_return import turned_sources

SHIFTED = (96, 118, 140)
"""Left edges of the astronaut's crops; the last picture shows no face."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stills")
    for left in SHIFTED:
        save_image(folder / f"at{left}.png", astronaut()[0:256, left : left + 256])
    save_image(folder / "grey.png", np.full((256, 256, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def stills(folder: Path) -> ClipSet:
    return open_stills(folder, folder / "cache", 256)


@pytest.mark.slow
def test_every_still_with_a_face_is_a_clip_of_one_frame(stills: ClipSet, folder: Path) -> None:
    assert [clip.name for clip in stills.clips] == [f"at{left}" for left in sorted(SHIFTED, key=str)]
    assert [(len(clip), clip.seen) for clip in stills.clips] == [(1, 1)] * 3
    assert len(stills.skipped) == 1
    assert "grey.png" in stills.skipped[0]
    again = open_stills(folder, folder / "cache", 256)
    assert again.sha256 == stills.sha256 != joined([stills, stills]).sha256
    by_name = {clip.name: clip.labels.landmarks[0, :, 0].mean() for clip in stills.clips}
    shift = (by_name["at96"] - by_name["at140"]) * 255 / 2
    assert shift == pytest.approx(44, abs=2)


def test_pictures_that_are_no_square_crops_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no pictures"):
        open_stills(tmp_path, tmp_path / "cache", 256)
    save_image(tmp_path / "wide.png", np.zeros((64, 80, 3), np.uint8))
    with pytest.raises(MediaError, match="not square"):
        open_stills(tmp_path, tmp_path / "cache", 256)


def test_stills_come_back_turned_with_their_labels(stills: ClipSet) -> None:
    pair = PairSampler(stills.clips, 2, seed=1, prefer_opening=0.5).load(0)
    assert pair.still == (True, True)
    model, _ = load_model()
    assert isinstance(model, CompactTalkingHead)
    made = turned_sources(model, pair.source, (False, True), torch.Generator().manual_seed(5))
    for part, before in ((made.image, pair.source.image), (made.rotation, pair.source.rotation)):
        assert torch.equal(part[0], before[0])
        assert not torch.equal(part[1], before[1])
    with torch.no_grad():
        seen = model.motion(made.image[1:])
    asked, found, own = (
        part.numpy()[None] for part in (made.rotation[1], seen.rotation[0], pair.source.rotation[1])
    )
    assert rotation_angle(asked, own)[0] > 10
    assert rotation_angle(asked, found)[0] < 8
    nothing = turned_sources(model, pair.source, (False, False), torch.Generator())
    assert nothing is pair.source
