"""Shared by the face tests: one finder, the astronaut, MediaPipe's recorded answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray

from facewire.face.finder import Face, FaceFinder

Reference = dict[str, NDArray[np.float64]]
Photo = NDArray[np.uint8]


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def astronaut() -> Photo:
    pictures: Any = skimage.data
    return np.array(pictures.astronaut(), np.uint8)


@pytest.fixture(scope="session")
def face(finder: FaceFinder, astronaut: Photo) -> Face:
    return finder.find(astronaut)[0]


@pytest.fixture(scope="session")
def reference() -> Reference:
    with np.load(Path(__file__).parent / "fixtures" / "mediapipe_astronaut.npz") as stored:
        return {key: stored[key].astype(np.float64) for key in stored}


@pytest.fixture(autouse=True)
def fixed_seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
