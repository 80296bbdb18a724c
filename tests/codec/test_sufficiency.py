"""How many keypoints are sent: the rule's promise holds for whatever motion, and what is held does not drift."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.bitstream.header import FILE
from facewire.codec.encoder import Trial
from facewire.codec.importance import posed_jacobian
from facewire.codec.state import MotionFrame
from facewire.codec.sufficiency import PIXELS, adaptive, worthwhile_counts
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import TalkWriter, talk_header

from .motion import Floats

CANONICAL = np.random.default_rng(3).normal(0, 0.3, (5, 3))


def displacement(shown: MotionFrame, full: MotionFrame) -> float:
    """Return the farthest in-plane distance of posed keypoints, pixels of 256, by the definition."""
    moved = (posed_jacobian(CANONICAL) @ (shown.vector() - full.vector())).reshape(-1, 3)[:, :2]
    return float(PIXELS * np.linalg.norm(moved, axis=1).max())


def test_counts_worth_trying_are_the_ends_of_the_stages() -> None:
    assert worthwhile_counts((12, 12, 15, 18, 21)) == (2, 3, 4, 5)
    assert worthwhile_counts((21, 21, 21)) == (3,)


def test_the_first_sufficient_count_is_taken() -> None:
    frames = {count: MotionFrame.from_vector(np.full(21, 0.003 * (5 - count))) for count in range(1, 6)}
    asked = []

    def trial(count: int) -> MotionFrame:
        asked.append(count)
        return frames[count]

    apart = {count: displacement(frames[count], frames[5]) for count in (2, 3, 4)}
    columns = (12, 12, 15, 18, 21)
    assert adaptive(CANONICAL, columns, apart[3] + 0.01)(trial) == 3
    assert asked == [5, 2, 3]
    assert adaptive(CANONICAL, columns, apart[2] + 0.01)(trial) == 2
    assert adaptive(CANONICAL, columns, apart[4] / 2)(trial) == 5


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_no_frame_of_a_talk_is_displaced_beyond_the_limit(
    limit: float, tables: CodecTables, motion: Floats
) -> None:
    header = talk_header(
        FILE, tables, weights_sha256=bytes(32), size=(256, 256), fps=Fraction(25), keypoints=5
    )
    sink = io.BytesIO()
    writer = TalkWriter(sink, header, tables)
    writer.source(MotionFrame.from_vector(motion[0]), b"x", 1)
    seen = list[float]()
    rule = adaptive(CANONICAL, tables.columns, limit)

    def watched(trial: Trial) -> int:
        count = rule(trial)
        seen.append(displacement(trial(count), trial(5)))
        return count

    used = []
    for row in motion:
        writer.frame(MotionFrame.from_vector(row), watched)
        used.append(writer.latest.used)
    assert max(seen) <= limit + 1e-6
    assert min(used) < 5


@pytest.mark.parametrize("limit", [0.0, -1.0, 9.0, float("nan")])
def test_limits_out_of_range_are_refused(limit: float) -> None:
    with pytest.raises(ConfigError, match="limit"):
        adaptive(CANONICAL, (12, 12, 15, 18, 21), limit)
