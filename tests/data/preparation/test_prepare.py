"""Real faces through the whole preparation, into shards and out again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.data.preparation.conftest import Scene, write_video

from facewire.base.errors import ConfigError, MediaError, OutputError
from facewire.cli.main import main
from facewire.data.clips import ClipSet
from facewire.data.pairs import PairSampler
from facewire.data.preparation.lists.talking_head import talking_head_videos
from facewire.data.preparation.lists.videos import find_videos
from facewire.data.preparation.lists.voxceleb import voxceleb_videos
from facewire.data.preparation.run import PrepareReport, prepare
from facewire.data.preparation.settings import PrepareConfig
from facewire.data.preparation.shards import (
    CLIPS,
    REJECTED,
    Row,
    description_of,
    read_manifest,
    read_table,
    write_table,
)
from facewire.data.preparation.video import finder
from facewire.data.shard_clips import is_shards, open_shards
from facewire.face.expression import SEVENTY_EIGHT
from facewire.geometry.grid import from_fractions
from facewire.media.image import load_image

CONFIG = PrepareConfig(size=128, val_share=0.0)
"""Faces of 55 pixels and more."""


@pytest.fixture(scope="module")
def shards(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shards")
    _prepare(raw, out)
    return out


def _prepare(raw: Path, out: Path, config: PrepareConfig = CONFIG) -> PrepareReport:
    return prepare(find_videos(raw), out, config, workers=0)


def _rows(out: Path, table: str) -> list[Row]:
    manifest = read_manifest(out)
    assert manifest is not None
    return read_table(out, table, manifest)


def _bytes(out: Path) -> dict[str, bytes]:
    """Everything but the pictures of what was left out."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.mark.slow
def test_shots_heads_and_rates_are_told_apart(shards: Path) -> None:
    found = {row["name"]: (float(row["start_s"]), int(row["frames"])) for row in _rows(shards, CLIPS)}
    assert found == {
        "ann__cut_000": (0.0, 32),
        "ann__cut_001": (1.28, 32),
        "bob__fast_000": (0.0, 32),
    }
    left_out = {row["source"]: row["reason"] for row in _rows(shards, REJECTED)}
    assert left_out == {"broken": "unreadable", "empty": "no-face"}


@pytest.mark.slow
def test_crops_follow_the_head(shards: Path) -> None:
    """The second shot of the first video shows the same head 180 pixels further right."""
    first, second = (
        next(r for r in _rows(shards, CLIPS) if r["name"] == f"ann__cut_00{n}") for n in range(2)
    )
    assert int(second["left"]) - int(first["left"]) == pytest.approx(180, abs=4)
    assert int(second["top"]) == pytest.approx(int(first["top"]), abs=4)
    assert float(first["face_px"]) / 128 == pytest.approx(0.57, abs=0.02)
    assert float(first["yaw_p98"]) - float(first["yaw_p2"]) > 10


def test_labels_lie_on_the_face_of_the_stored_picture(shards: Path, tmp_path: Path) -> None:
    clips = open_shards(shards, tmp_path, 128, decoded=False)
    for clip in clips.clips:
        for frame in (0, 20):
            (face,) = finder().find(clip.frames[frame])
            seen = face.landmarks[list(SEVENTY_EIGHT), :2] / 128
            label = clip.labels.landmarks[frame]
            expected = from_fractions(torch.from_numpy(seen), 128, 128).numpy()
            assert np.abs(label - expected).mean() * 64 < 1.0  # pixels


def test_training_reads_shards(shards: Path, tmp_path: Path) -> None:
    assert is_shards(shards)
    live = open_shards(shards, tmp_path, 64, decoded=False)
    first = open_shards(shards, tmp_path, 64, decoded=True)
    assert len(live.clips) == 3
    assert live.frames == first.frames == 96
    assert live.sha256 == first.sha256
    assert len(list(tmp_path.glob("*.npy"))) == 3
    assert not list(tmp_path.glob("*.mp4"))
    pairs = [PairSampler(clips.clips, 6, seed=1, prefer_change=1.0).load(0) for clips in (live, first)]
    assert np.array_equal(pairs[0].source.image.numpy(), pairs[1].source.image.numpy())
    assert np.array_equal(pairs[0].driving.landmarks.numpy(), pairs[1].driving.landmarks.numpy())
    _assert_same_as_reading_all(live)


def _assert_same_as_reading_all(clips: ClipSet) -> None:
    clip = clips.clips[0]
    assert clip.seen == int(clip.labels.detected.sum())
    assert clip.mean_turn == pytest.approx(float(clip.labels.turn[clip.labels.detected].mean()), abs=1e-3)
    assert len(clip) == len(clip.labels)


def test_shards_that_are_not_whole_are_named(shards: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shards, copy)
    with pytest.raises(MediaError, match="holds no clips for val"):
        open_shards(copy, tmp_path, 64, "val")
    tar = copy / "train-000000.tar"
    tar.write_bytes(tar.read_bytes()[:-1000])
    with pytest.raises(MediaError, match="copy the shards again"):
        open_shards(copy, tmp_path, 64)


def test_again_changes_nothing(raw: Path, shards: Path) -> None:
    before = _bytes(shards)
    report = _prepare(raw, shards)
    assert (report.new, report.clips, report.videos, report.problems) == (0, 3, 4, [])
    assert _bytes(shards) == before


@pytest.mark.slow
def test_killed_anywhere_the_shards_come_out_the_same(raw: Path, shards: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    for stop in (1, 3):

        def die(stage: str, done: int, total: int | None, stop: int = stop) -> None:
            if done == stop:
                raise Killed

        with pytest.raises(Killed):
            prepare(find_videos(raw), tmp_path, CONFIG, workers=0, progress=die)
        assert not is_shards(tmp_path)
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("*/*.tar")}
    assert done
    _prepare(raw, tmp_path)
    assert _bytes(tmp_path) == _bytes(shards)


def test_other_settings_need_another_folder(raw: Path, shards: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="size 128, not 64"):
        _prepare(raw, shards, PrepareConfig(size=64, val_share=0.0))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        _prepare(raw, tmp_path / "file" / "out")


def test_the_summary_shows_kept_and_left_out(shards: Path) -> None:
    page = (shards / "summary.html").read_text(encoding="utf-8")
    for said in ("clips for training", "no-face", "a shot shows no face", "summary-kept.jpg", "0-5°"):
        assert said in page
    kept = load_image(shards / "summary-kept.jpg")
    assert kept.shape[1] > 3 * 112
    assert load_image(shards / "summary-left-out.jpg").shape[0] > 112


@pytest.mark.slow
def test_voxceleb_clips_are_the_named_face_in_the_named_frames(scene: Scene, tmp_path: Path) -> None:
    both = [
        np.concatenate((one[:, :256], other[:, :256]), axis=1)
        for one, other in zip(scene(0, 22), reversed(scene(0, 22)), strict=True)
    ]
    write_video(tmp_path / "videos" / "a-B_c.mp4", [*both, *both])
    rows = "".join(f"{frame:06d} \t0.630 \t0.300 \t0.240 \t0.500 \n" for frame in range(10, 50))
    listed = tmp_path / "txt" / "id00012" / "a-B_c" / "00003.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"Identity  : \tid00012\n\nFRAME \tX \tY \tW \tH \n{rows}")
    prepare(voxceleb_videos(tmp_path / "videos", tmp_path / "txt"), tmp_path / "out", CONFIG, workers=0)
    (row,) = _rows(tmp_path / "out", CLIPS)
    assert row["name"] == "id00012#a-B_c#00003#000"
    assert (row["identity"], float(row["start_s"]), int(row["frames"])) == ("id00012", 0.4, 40)
    assert int(row["left"]) + int(row["side"]) / 2 > 256


@pytest.mark.slow
def test_talking_head_rectangles_are_rescaled(scene: Scene, tmp_path: Path) -> None:
    write_video(tmp_path / "v_0000.mp4", [*scene(100, 22), *scene(100, 22)])
    # The list saw 960x600 pictures, twice the size of these.
    (tmp_path / "tubes.txt").write_text(
        "v_0000,600,960,8,47,200,44,712,556\nmissing_0001,600,960,0,9,0,0,9,9\n"
    )
    report = prepare(
        talking_head_videos(tmp_path, tmp_path / "tubes.txt"), tmp_path / "out", CONFIG, workers=0
    )
    (row,) = _rows(tmp_path / "out", CLIPS)
    assert row["name"] == "v_0000_S8_E47_L200_T44_R712_B556"
    assert [int(row[name]) for name in ("left", "top", "side", "frames")] == [100, 22, 256, 40]
    assert float(row["start_s"]) == pytest.approx(8 / 25)
    assert report.rejected == {"missing": 1}
    assert report.problems[0].startswith("missing_0001: missing")


@pytest.mark.slow
def test_the_command_killed_outright_goes_on(
    raw: Path, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["prepare", str(raw), "-o", str(out), "--size", "128", "--val-share", "0", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "facewire.cli.main", *command], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    try:
        while not list((out / "parts").glob("*/*.json")):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert main([*command, "--json"]) == 8
    report = json.loads(capsys.readouterr().out)
    assert report["clips"] == 3
    assert report["problems"][0].startswith("broken: unreadable")
    mine, theirs = _bytes(out), _bytes(shards)
    assert mine.keys() == theirs.keys()
    for name in ("train-000000.tar", "clips.csv"):
        assert mine[name] == theirs[name], name


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_cluster_makes_the_same_shards(raw: Path, shards: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    out = tmp_path / "out"
    command = ["prepare", str(raw), "-o", str(out), "--size", "128", "--val-share", "0", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "facewire.cli.main", *command, "--cluster", "local"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 8, done.stderr.decode()[-2000:]
    mine, theirs = _bytes(out), _bytes(shards)
    for name in ("train-000000.tar", "clips.csv", "rejected.csv"):
        assert mine[name] == theirs[name], name


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--workers", "0"], 2, "workers = 0"),
        (["--recipe", "voxceleb2"], 2, "--recipe and --list together"),
        (["--recipe", "voxceleb2", "--list", "nowhere"], 3, "PERSON/VIDEO/UTTERANCE"),
        (["--size", "63"], 2, "size = 63"),
    ],
)
def test_mistakes_get_one_line(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, said: str
) -> None:
    assert main(["prepare", str(raw), "-o", str(tmp_path / "out"), *options]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_without_ray_the_line_says_what_to_install(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facewire.data.preparation.cluster.importlib.util.find_spec", lambda name: None)
    assert main(["prepare", str(raw), "-o", str(tmp_path / "out"), "--cluster", "local", "-q"]) == 2
    assert "facewire[cluster]" in capsys.readouterr().err


@pytest.fixture(scope="module")
def sizes(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Shards of one video, a shot and eight frames of another, with clips of two sizes."""
    folder = tmp_path_factory.mktemp("sizes")
    write_video(folder / "raw" / "ann.mp4", scene(20, 22) + scene(200, 22, frames=8, ground=200))
    for size in (128, 320):
        _prepare(folder / "raw", folder / str(size), replace(CONFIG, size=size))
    return {size: folder / str(size) for size in (128, 320)}


@pytest.mark.slow
def test_the_same_blur_counts_the_same_at_any_size(sizes: dict[int, Path]) -> None:
    sharpness = [float(_rows(out, CLIPS)[0]["sharpness"]) for out in sizes.values()]
    assert sharpness[0] == sharpness[1] > CONFIG.least_sharpness


@pytest.mark.slow
def test_enlarging_is_recorded_and_can_be_refused(sizes: dict[int, Path], tmp_path: Path) -> None:
    for size, out in sizes.items():
        (row,) = _rows(out, CLIPS)
        assert float(row["enlarged"]) == pytest.approx(size / int(row["side"]), abs=1e-3)
    raw = sizes[128].parent / "raw"
    refused = _prepare(raw, tmp_path / "refused", replace(CONFIG, size=320, most_enlarged=1.0))
    assert (refused.clips, refused.enlarged) == (0, 0)
    assert refused.rejected["enlarged"] == 1
    allowed = _prepare(raw, tmp_path / "allowed", replace(CONFIG, size=320, most_enlarged=2.0))
    assert (allowed.clips, allowed.enlarged) == (1, 1)


@pytest.mark.slow
def test_what_remains_after_a_cut_is_no_failure(
    sizes: dict[int, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = sizes[128]
    (row,) = _rows(out, REJECTED)
    assert (row["reason"], row["detail"], float(row["start"])) == ("remnant", "8 frames", 1.28)
    again = ["prepare", str(out.parent / "raw"), "-o", str(out), "--size", "128", "--val-share", "0"]
    assert main(again) == 0
    said = capsys.readouterr().out
    assert "left out" not in said
    assert "passed over 1 shots that are shorter than a clip" in said


@pytest.mark.slow
def test_shards_of_earlier_versions_take_more_clips(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "old"
    _prepare(raw / "bob", out)
    rows = [{name: text for name, text in row.items() if name != "enlarged"} for row in _rows(out, CLIPS)]
    stored = json.loads((out / "manifest.json").read_text())
    del stored["settings"]["most_enlarged"]
    stored["tables"][CLIPS] = write_table(out / CLIPS, rows)
    (out / "manifest.json").write_text(json.dumps(stored))
    both = tmp_path / "both"
    shutil.copytree(raw / "bob", both)
    shutil.copytree(raw / "ann", both / "ann")
    assert _prepare(both, out).clips == 3
    assert [description_of(row).enlarged > 0 for row in _rows(out, CLIPS)] == [False, True, True]
