"""Small tables (5 keypoints, 21 coefficients) and motion, as the golden streams use them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings

from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables, load_tables

from .golden_streams import FOLDER
from .motion import Floats, frames_of

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
"""Times of single examples say nothing on a busy machine."""


@pytest.fixture(scope="session")
def tables() -> CodecTables:
    return load_tables(FOLDER / "tables.json")


@pytest.fixture(scope="session")
def motion() -> Floats:
    clip: Floats = np.load(FOLDER / "motion.npy")
    return clip


@pytest.fixture
def frames(motion: Floats) -> list[MotionFrame]:
    return frames_of(motion)


@pytest.fixture(scope="session")
def golden() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.fwv"))}
