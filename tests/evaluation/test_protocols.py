"""Every protocol on a real face with models that pretend: what must come out is known beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facewire.animation.animator import Animator
from facewire.base.errors import ConfigError
from facewire.evaluation.measuring.clips import EvaluationClip, find_clips
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Row, Store
from facewire.evaluation.measuring.settings import Settings
from facewire.evaluation.measuring.summary import summarise
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.protocols import canonical, freeview, occlusion, reconstruction, transfer
from facewire.evaluation.protocols.canonical import Gallery, nearest_hits, principal_plane, rms, shape_of
from facewire.evaluation.protocols.occluders import KINDS, Kind, occluder
from facewire.evaluation.protocols.registry import PROTOCOLS, protocol_of
from facewire.evaluation.reports.page import Section
from facewire.geometry.pose import rotation_from_degrees
from facewire.metrics.pose_error import rotation_angle

from .conftest import SIDE, portrait, write_clip


@pytest.fixture
def clips(data: Path) -> list[EvaluationClip]:
    return find_clips(data)


def test_a_model_that_stands_still_is_its_own_baseline(bench: Bench, clips: list[EvaluationClip]) -> None:
    (row,) = reconstruction.rows(bench, clips[:1])
    assert row.reason == ""
    assert row.frames == 4
    for name in ("l1", "psnr", "ssim", "ms-ssim", "akd", "pose-error"):
        assert row.values[name] == pytest.approx(row.baseline[name], rel=0.02, abs=0.4), name
    assert row.values["l1"] > 5
    assert row.values["akd"] == pytest.approx(5 * 256 / SIDE, rel=0.15)  # shifts of 2, 4, 6 and 8 pixels
    assert row.baseline["jitter"] < 0  # nothing trembles less than a picture
    assert row.values["face-lost"] == 0
    assert "lip-correlation" not in row.baseline


def test_a_model_that_follows_beats_the_static_baseline(
    bench: Bench, follower: Animator, clips: list[EvaluationClip]
) -> None:
    (row,) = reconstruction.rows(replace(bench, animator=follower), clips[2:])
    assert row.reason == ""
    assert row.values["akd"] < 0.6 * row.baseline["akd"]


def test_a_clip_of_one_frame_and_a_file_that_is_no_video_fail_with_a_reason(
    bench: Bench, tmp_path: Path
) -> None:
    write_clip(tmp_path / "short.mp4", [0])
    (tmp_path / "text.mp4").write_text("no video")
    clips = [EvaluationClip(name, tmp_path / f"{name}.mp4", name) for name in ("short", "text", "gone")]
    rows = list(reconstruction.rows(bench, clips))
    assert [row.failed for row in rows] == [True, True, True]
    assert "no frame after the first" in rows[0].reason
    assert "no such file" in rows[2].reason


def test_a_stride_thins_the_frames_and_jitter_is_left_out(bench: Bench, still: Animator) -> None:
    panel = Panel.load(None, SIDE, still.device, stride=2)
    assert "--stride 1" in panel.absent["jitter"]
    assert "squeezenet" in panel.absent["squeeze-perceptual"]
    assert Panel.load(None, 64, still.device).absent["ms-ssim"].startswith("pictures of 64 pixels")


def test_sources_of_transfer_are_other_people_and_portraits(clips: list[EvaluationClip]) -> None:
    names = [pair.name for pair in transfer.pairs(clips)]
    assert names == [
        "b_00 driven by a_00",
        "portrait s driven by a_00",
        "b_00 driven by a_01",
        "portrait s driven by a_01",
        "a_00 driven by b_00",
        "portrait s driven by b_00",
    ]
    assert transfer.pairs([]) == []
    assert {"clip", "source"} == set(transfer.pairs(clips)[0].identity())


@pytest.mark.slow
def test_transfer_measures_pose_against_what_each_mode_asks_for(
    bench: Bench, clips: list[EvaluationClip]
) -> None:
    pair = transfer.pairs(clips)[0]
    row = transfer.measure(bench, pair).row
    assert row.frames == 5
    for mode in transfer.MODES:  # the result is the source, and so is the baseline
        assert row.values[f"{mode}-pose-error"] == pytest.approx(row.baseline[f"{mode}-pose-error"], abs=0.5)
        assert row.values[f"{mode}-face-lost"] == 0
        still = row.baseline[f"{mode}-expression-error"]
        assert row.values[f"{mode}-expression-error"] == pytest.approx(still, abs=0.3)
    assert row.values["relative-pose-error"] < 8


@pytest.mark.slow
def test_free_view_of_a_picture_that_does_not_turn(bench: Bench, clips: list[EvaluationClip]) -> None:
    row = freeview.measure(bench, clips[0]).row
    for axis in freeview.AXES:
        assert row.values[f"{axis}-slope"] == pytest.approx(0, abs=0.02)
    assert row.values["yaw-error"] == pytest.approx(np.mean(np.abs(freeview.STEPS["yaw"])), rel=0.1)
    assert row.values["frontal-angle"] == row.baseline["frontal-angle"]
    assert [len(row.detail[axis]) for axis in freeview.AXES] == [7, 7, 5]
    assert len(row.detail["grid"]) == len(freeview.GRID) == 45
    turns = [
        rotation_angle(rotation_from_degrees(*turn).double().numpy(), np.eye(3)) for turn in freeview.GRID
    ]
    for name in ("yaw-error", "grid-error"):
        assert row.values[name] == pytest.approx(row.baseline[name], abs=0.5)
    assert row.baseline["grid-error"] == pytest.approx(np.mean(turns))
    asked = [step[1] for step in row.detail["yaw"]]
    assert np.diff(asked) == pytest.approx(10, abs=0.5)
    assert "csim" not in row.values
    assert row.values.get("edge-movement", 0.0) == pytest.approx(0, abs=0.02)


def test_a_background_that_moves_with_the_head_is_measured(bench: Bench) -> None:
    rows, columns = np.indices((bench.animator.size, bench.animator.size))
    wall = (60 + 100 * ((rows // 37 + columns // 41) % 2))[..., None].repeat(3, axis=2).astype(np.uint8)
    still, moved = freeview._edges(bench, wall, [wall, np.roll(wall, 2, axis=1)])
    assert still == pytest.approx(0, abs=1e-6)
    assert moved > 0.5
    assert np.isnan(freeview._edges(bench, np.full_like(wall, 90), [wall])).all()


def test_the_line_through_asked_and_measured_angles() -> None:
    none = float("nan")
    steps = [freeview.Step(x, x, 0.5 * x + 2, 1.0, abs(x), none, none, none) for x in (-20.0, 0.0, 20.0)]
    found = freeview.line_numbers("yaw", steps)
    assert found == pytest.approx({"yaw-slope": 0.5, "yaw-intercept": 2.0, "yaw-error": 1.0})
    assert freeview.line_numbers("yaw", steps[:2]) == {}


def test_frontal_and_turned_motions_have_the_rotation_asked_for(still: Animator) -> None:
    person = still.person(portrait(0), crop_mode="none")
    assert torch.allclose(freeview.frontal(person).rotation, torch.eye(3))
    assert len(freeview.turns(person, "roll")) == 5


def test_canonical_rows_hold_keypoints_and_pose_has_nothing_to_do_with_constant_ones(
    bench: Bench, clips: list[EvaluationClip]
) -> None:
    bench = replace(bench, settings=Settings(stride=2))
    rows = list(canonical.rows(bench, clips))
    assert [row.frames for row in rows] == [3, 2, 2]
    summary = summarise("canonical", rows, canonical.METRICS, {}, bench.store)
    summary = summary.with_entries(canonical.pooled(bench, rows))
    assert summary.entries["chance"].mean == 0.5
    assert summary.entries["canonical-accuracy"].mean == 1.0  # brightness tells the two people apart
    between, within = summary.entries["canonical-between"].mean, summary.entries["canonical-within"].mean
    assert between is not None
    assert within is not None
    assert between > 5 * within
    found = canonical.sections(bench, clips, summary, Path("unused"))
    assert found[0].title == "Clusters"


def test_recognition_looks_in_other_clips_only() -> None:
    gallery = Gallery(
        np.array([[0.0], [0.1], [5.0], [5.1], [0.2]]), ["p", "p", "q", "q", "q"], ["a", "b", "c", "c", "d"]
    )
    hits = nearest_hits(gallery, {"p", "q"})
    assert hits == {"a": [True], "b": [True], "c": [True, True], "d": [False]}
    assert nearest_hits(gallery, {"p"}) == {"a": [True], "b": [True]}


def test_one_person_alone_cannot_be_recognised(bench: Bench) -> None:
    assert all(entry.absent for entry in canonical.pooled(bench, []).values())


def test_shapes_and_planes_by_hand() -> None:
    shape = shape_of(np.random.default_rng(0).normal(3, 2, (78, 3)))
    assert shape.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert rms(shape) == pytest.approx(1)
    line = np.outer(np.arange(5.0), [1.0, 2.0, -1.0])
    plane, share = principal_plane(line)
    assert share == pytest.approx(1)
    assert np.abs(np.diff(plane[:, 0])) == pytest.approx(np.sqrt(6))


@pytest.mark.parametrize("kind", KINDS)
def test_things_cover_a_part_of_the_picture_and_nothing_else(kind: Kind) -> None:
    thing = occluder(kind, 128, (0.5, 0.6), seed=3)
    share = thing.mask.mean()
    assert 0.015 < share < 0.12
    picture = np.full((128, 128, 3), 255, np.uint8)
    covered = thing.on(picture)
    assert (covered[thing.cover == 0] == 255).all()
    assert covered[thing.cover == 1].mean() < 250
    again = occluder(kind, 128, (0.5, 0.6), seed=3)
    np.testing.assert_array_equal(thing.cover, again.cover)


def test_a_thing_before_the_driver_cannot_move_a_model_that_stands_still(
    bench: Bench, clips: list[EvaluationClip]
) -> None:
    row = occlusion.measure(bench, clips[0]).row
    assert row.values["driver-spill"] == 0
    assert row.values["driver-pose-shift"] == pytest.approx(0, abs=1e-3)
    assert row.values["driver-outside"] == row.baseline["driver-outside"]
    assert row.values["source-outside"] == pytest.approx(row.baseline["source-outside"], rel=0.05)
    assert row.values["source-inside"] > 1.5 * row.baseline["source-inside"]


def test_protocols_are_consistent() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        names = [metric.name for metric in protocol.metrics]
        assert len(set(names)) == len(names)
        assert set(protocol.sets or {}) <= set(names)
        if protocol.published is not None:
            assert set(protocol.published.ours) - {""} <= set(names)
    with pytest.raises(ConfigError, match="reconstruction"):
        protocol_of("nothing")


def test_sections_of_a_report_without_rows_do_not_fail(bench: Bench, tmp_path: Path) -> None:
    summary = summarise(
        "r", [Row(name="a", reason="x")], reconstruction.PROTOCOL.metrics, {}, Store(tmp_path, {})
    )
    found: list[Section] = reconstruction.sections(bench, [], summary, tmp_path)
    assert found == []
