"""The sender in JavaScript sees in pictures what the one in Python sees: faces, squares, motions.

A photo is moved about before the camera, leaves it, and comes back elsewhere; both sides get the same pixels.
Needs Node and onnxruntime-web (`npm ci` in web/); without them these tests are skipped.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.data import astronaut

from facewire.animation.head_tracker import HeadTracker, Look
from facewire.engines.torch_engine import TorchEngine
from facewire.face.crop import CropBox, crop
from facewire.face.finder import FaceFinder, prominence
from facewire.face.pose import head_pose
from facewire.face.region import SquareRegion
from tests.conftest import Recorded

from .both_sides import NODE, ROOT
from .conftest import RUNTIME

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 240, 320
AWAY = range(14, 21)
"""Pictures that show nobody."""
SECONDS = [0.04 * number for number in range(14)] + [0.56 + 0.1 * number for number in range(16)]
MOTION_TOLERANCE = 1e-3
"""Of numbers of a motion: entries of a rotation, and picture units of 128 pixels."""
PIXELS = 0.3
"""Of a face's box."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="needs Node (apt-get install nodejs)"),
    pytest.mark.skipif(not RUNTIME.is_dir(), reason="onnxruntime-web is not there: npm ci in web/"),
]


def pictures() -> list[Pixels]:
    """Return what a camera sees: a head that moves out of its square, leaves, and comes back larger."""
    photo = astronaut()
    shown = []
    for number in range(len(SECONDS)):
        x, angle, side = 215 + 60 * np.sin(number / 4), 0.02 * number, 380 - 4 * number
        picture = SquareRegion(float(x), 150.0, float(side), angle).cut(photo, WIDTH)[:HEIGHT]
        shown.append(np.full_like(picture, 90) if number in AWAY else picture)
    return shown


@dataclass(frozen=True)
class Both:
    """What either side saw."""

    there: dict[str, Any]
    here: list[Look]
    first: Pixels
    finder: FaceFinder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, recorded: Recorded, web_site: Path) -> Both:
    assert NODE is not None
    shown = pictures()
    file = tmp_path_factory.mktemp("pictures") / "rgba"
    opaque = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    file.write_bytes(b"".join(np.dstack((picture, opaque)).tobytes() for picture in shown))
    asked = {"pictures": str(file), "width": WIDTH, "height": HEIGHT, "seconds": SECONDS}
    done = subprocess.run(
        [NODE, str(ROOT / "web" / "test" / "face_side.js"), str(web_site), str(RUNTIME)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    finder = FaceFinder()
    tracker = HeadTracker(TorchEngine(recorded.model), finder=finder)
    looks = [tracker.look(picture, time) for picture, time in zip(shown, SECONDS, strict=True)]
    return Both(json.loads(done.stdout), looks, shown[0], finder)


def test_squares_are_laid_alike(both: Both) -> None:
    assert any(look.box is None for look in both.here)
    for mine, theirs in zip(both.here, both.there["looks"], strict=True):
        if mine.box is None:
            assert theirs["box"] is None
        else:
            assert theirs["box"] == {"left": mine.box.left, "top": mine.box.top, "side": mine.box.side}


def test_motions_are_equal(both: Both) -> None:
    seen = 0
    for mine, theirs in zip(both.here, both.there["looks"], strict=True):
        assert (theirs["motion"] is None) == (mine.motion is None)
        assert theirs["presence"] == pytest.approx(mine.presence, abs=0.02)
        if mine.motion is not None:
            seen += 1
            for part in ("rotation", "translation", "expression"):
                expected = np.asarray(getattr(mine.motion, part)).reshape(-1)
                np.testing.assert_allclose(theirs["motion"][part], expected, atol=MOTION_TOLERANCE)
    assert seen > len(SECONDS) / 2


def test_faces_are_found_alike(both: Both) -> None:
    (mine,) = both.finder.find(both.first)
    (theirs,) = both.there["faces"]
    np.testing.assert_allclose(theirs["box"], mine.box, atol=PIXELS)
    assert theirs["score"] == pytest.approx(mine.score, abs=0.01)
    rotation = head_pose(torch.from_numpy(mine.landmarks)).rotation.reshape(-1)
    np.testing.assert_allclose(theirs["rotation"], rotation, atol=5e-3)
    assert both.there["prominence"] == pytest.approx([prominence(mine, HEIGHT, WIDTH)], rel=0.02)


def test_crops_are_equal_within_a_level(both: Both) -> None:
    for box, theirs in zip((CropBox(-20, 30, 300), CropBox(50, 80, 90)), both.there["crops"], strict=True):
        away = np.array(theirs).reshape(256, 256, 3) - crop(both.first, box, 256).astype(int)
        assert np.abs(away).max() <= 1
