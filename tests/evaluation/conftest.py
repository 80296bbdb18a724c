"""A real face in small clips, and models that need no training: one stands still, one moves with the driver."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facewire.animation.animator import Animator
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Store
from facewire.evaluation.measuring.settings import Settings
from facewire.evaluation.measuring.workbench import Bench
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.video import VideoWriter
from facewire.networks.manifest import Manifest, Provenance
from facewire.networks.presets import Model
from facewire.networks.types import Identity

Pixels = NDArray[np.uint8]
SIDE = 192
KEYPOINTS = 4
MOST_SHIFT = 12


class Pretender(nn.Module):
    """A talking head that renders the source shifted by t, rounded to pixels.

    follows  False: t is always 0, so every result is the source; True: t is how far the picture lies to the
             right of the astronaut's first window, found by comparing the means of its columns
    """

    resolution = SIDE
    keypoints = KEYPOINTS

    def __init__(self, follows: bool = False) -> None:
        super().__init__()
        self.follows = follows
        self.weight = nn.Parameter(torch.zeros(1))

    def identity(self, image: Tensor) -> Identity:
        points = torch.zeros(len(image), KEYPOINTS, 3) + image.mean(dim=(1, 2, 3))[:, None, None]
        return Identity((image,), CanonicalKeypoints(points), self.motion(image))

    def motion(self, image: Tensor) -> HeadMotion:
        batch = len(image)
        shift = torch.zeros(batch, 3)
        if self.follows:
            shift[:, 0] = torch.tensor([_shift(own) for own in image])
        return HeadMotion(torch.eye(3).expand(batch, 3, 3), shift, torch.zeros(batch, KEYPOINTS, 3))

    def render(self, identity: Identity, motion: HeadMotion, kept: int | Tensor | None = None) -> Tensor:
        own = identity.motion.translation[0, 0]
        moves = [round(float((t[0] - own) * SIDE / 2)) for t in motion.translation]
        return torch.cat([identity.features[0].roll(move, dims=3) for move in moves])


def _shift(image: Tensor) -> float:
    """Return how far (3, H, W) lies to the right of portrait(0), in half picture sides."""
    first = torch.from_numpy(portrait(0)).float().mean(dim=(0, 2))
    columns = image.mean(dim=(0, 1))
    inner = slice(MOST_SHIFT, -MOST_SHIFT)
    moves = range(-MOST_SHIFT, MOST_SHIFT + 1)
    alike = [torch.corrcoef(torch.stack((first.roll(m)[inner], columns[inner])))[0, 1] for m in moves]
    return moves[int(torch.stack(alike).argmax())] * 2 / SIDE


def animator_of(model: nn.Module, sha256: str = "0" * 64) -> Animator:
    manifest = Manifest("pretender", {}, sha256, Provenance(steps=7, notes="no training"))
    return Animator(cast(Model, model), manifest, torch.device("cpu"))


@pytest.fixture(scope="session")
def still() -> Animator:
    return animator_of(Pretender())


@pytest.fixture(scope="session")
def follower() -> Animator:
    return animator_of(Pretender(follows=True), "1" * 64)


def portrait(shift: int, light: float = 1.0) -> Pixels:
    """Return a head crop of NASA's astronaut, the window shifted to the left."""
    pictures: Any = skimage.data
    crop = pictures.astronaut()[8 : 8 + SIDE, 128 + shift : 128 + shift + SIDE]
    return np.ascontiguousarray((crop * light).clip(0, 255).astype(np.uint8))


def write_clip(path: Path, shifts: list[int], light: float = 1.0) -> None:
    with VideoWriter(path, (SIDE, SIDE), Fraction(25), crf=4) as writer:
        for index, shift in enumerate(shifts):
            writer.write(Frame(portrait(shift, light), index, Fraction(1, 25)))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of two people (so the manifest says) and a portrait."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "val").mkdir()
    (folder / "stills").mkdir()
    write_clip(folder / "val" / "a_00.mp4", [0, 2, 4, 6, 8])
    write_clip(folder / "val" / "a_01.mp4", [8, 6, 4, 2], light=0.9)
    write_clip(folder / "val" / "b_00.mp4", [0, -3, -6, -9], light=0.6)
    (folder / "manifest.csv").write_text("id,split,person\na_00,val,P1\na_01,val,P1\nb_00,val,P2\n")
    save_image(folder / "stills" / "s.png", portrait(4, 0.8))
    return folder


@pytest.fixture(scope="session")
def panel(still: Animator) -> Panel:
    """The metrics that need no network from elsewhere, without dlib: it is slow and optional."""
    found = Panel.load(None, SIDE, still.device)
    found.identity = None
    found.absent |= {"csim": "left out in tests", "same-person": "left out in tests"}
    return found


@pytest.fixture
def bench(still: Animator, panel: Panel, tmp_path: Path) -> Bench:
    return Bench(still, panel, Settings(), Store(tmp_path / "rows", {"weights": "w"}))
