"""Whole runs on small clips: exact resume, what is written, what is refused."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facewire.base.errors import (
    ConfigError,
    NonFiniteLoss,
    OutputError,
    SchemaMismatch,
    TrainingError,
    WeightsError,
)
from facewire.data.clips import ClipSet, find_clips, open_clips
from facewire.face.networks.mesh import load_face_mesh
from facewire.media.image import load_image
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.weights import load_model
from facewire.training.checkpoint import Checkpoint
from facewire.training.config import Padding, TrainConfig
from facewire.training.preview import pixels_of
from facewire.training.recipes import recipe
from facewire.training.run import FrozenNetworks, open_run, stored_run
from facewire.training.trainer import Trainer

CPU = torch.device("cpu")
TINY = replace(recipe("tiny"), steps=4)


class PlainTaps:
    """A network that sees the picture itself."""

    name = "plain"
    divisors = (1.0,)

    def __call__(self, image: Tensor) -> list[Tensor]:
        return [image]


class MirroredTaps(nn.Module):
    """A convolution that sees mirrored borders."""

    name = "mirrored"
    divisors = (1.0,)

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.only(image)]


NETWORKS = FrozenNetworks(PlainTaps())


@dataclass(frozen=True)
class Straight:
    """A finished run."""

    folder: Path
    trainer: Trainer


@pytest.fixture(scope="module")
def clips(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a", "b", "c"):
        make_clip(folder, name)
    return open_clips(find_clips(folder), folder / "cache", 64)


@pytest.fixture(scope="module")
def straight(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Straight:
    """Return four steps at one go. Copy the folder to change it."""
    folder = tmp_path_factory.mktemp("run") / "straight"
    return Straight(folder, _run(TINY, clips, folder))


@pytest.fixture(scope="module")
def watched(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Straight:
    """Return the same steps, reported all four together."""
    folder, seen = tmp_path_factory.mktemp("watched"), list[int]()
    trainer = open_run(replace(TINY, preview_every=3, log_every=4), clips, NETWORKS, folder, CPU)
    assert trainer.run(lambda step, numbers: seen.append(step))
    assert seen == [1, 2, 3, 4]
    return Straight(folder, trainer)


@pytest.fixture(scope="module")
def single(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a step without jacobians and with a network for faces."""
    folder = tmp_path_factory.mktemp("single")
    networks = FrozenNetworks(PlainTaps(), PlainTaps())
    assert networks.name == "plain + plain"
    _run(replace(TINY, jacobians=False, steps=1), clips, folder, networks=networks)
    return folder


@pytest.fixture(scope="module")
def begun(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run before its first step; only read it."""
    folder = tmp_path_factory.mktemp("begun")
    _save(open_run(TINY, clips, NETWORKS, folder, CPU))
    return folder


@pytest.fixture(scope="module")
def large_clips(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    folder = tmp_path_factory.mktemp("large")
    make_clip(folder, "a", side=256)
    return open_clips(find_clips(folder), folder / "cache", 256)


def _run(
    config: TrainConfig,
    clips: ClipSet,
    folder: Path,
    *,
    stop_after: int | None = None,
    **others: Any,
) -> Trainer:
    """Do what the command does."""
    stored = stored_run(folder, config)
    networks = others.pop("networks", NETWORKS)
    trainer = open_run(config, clips, networks, folder, CPU, stored=stored, **others)
    finished = trainer.run(stopped=lambda: stop_after is not None and trainer.step >= stop_after)
    assert finished == (stop_after is None)
    return trainer


def _save(trainer: Trainer) -> None:
    trainer.save()
    trainer.writer.wait()


def _assert_same(one: Trainer, other: Trainer) -> None:
    mine, theirs = one.learner.tensors(), other.learner.tensors()
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert torch.equal(theirs[name], tensor), name


def _lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_and_two_steps_are_four_bit_for_bit(clips: ClipSet, straight: Straight, tmp_path: Path) -> None:
    first = _run(TINY, clips, tmp_path / "resumed", stop_after=2)
    assert first.step == 2
    resumed = _run(TINY, clips, tmp_path / "resumed")
    assert resumed.step == straight.trainer.step == 4
    names = {name.split(".")[0] for name in straight.trainer.learner.tensors()}
    assert names == {"model", "ema", "optimizer", "critic", "critic_optimizer"}
    assert any(name.endswith("._u") for name in straight.trainer.learner.tensors())
    _assert_same(straight.trainer, resumed)
    assert _lines(straight.folder) == _lines(tmp_path / "resumed")
    one, other = (
        (folder / "weights.safetensors").read_bytes() for folder in (straight.folder, tmp_path / "resumed")
    )
    assert one == other


@pytest.mark.slow
def test_one_and_one_step_are_two_for_the_compact_model(large_clips: ClipSet, tmp_path: Path) -> None:
    config = replace(recipe("compact-256"), steps=2, batch=1)
    straight = _run(config, large_clips, tmp_path / "straight")
    _run(config, large_clips, tmp_path / "resumed", stop_after=1)
    _assert_same(straight, _run(config, large_clips, tmp_path / "resumed"))
    model, manifest = load_model(tmp_path / "straight" / "weights.safetensors")
    assert isinstance(model, CompactTalkingHead)
    assert manifest.provenance.steps == 2


@pytest.mark.slow
def test_a_run_killed_between_checkpoints_goes_on_from_the_last(
    clips: ClipSet, straight: Straight, tmp_path: Path
) -> None:
    config = replace(TINY, checkpoint_every=2)

    class Killed(Exception):
        pass

    def die(step: int, numbers: dict[str, float]) -> None:
        if step == 4:
            raise Killed

    (tmp_path / "killed").mkdir()
    with pytest.raises(Killed):
        open_run(config, clips, NETWORKS, tmp_path / "killed", CPU).run(die)
    stored = stored_run(tmp_path / "killed", config)
    assert stored is not None
    assert stored.step == 2
    _assert_same(straight.trainer, _run(config, clips, tmp_path / "killed"))
    assert [line["step"] for line in _lines(tmp_path / "killed")] == [1, 2, 3, 4]


@pytest.mark.slow
def test_what_a_run_leaves_behind(watched: Straight) -> None:
    folder, trainer = watched.folder, watched.trainer
    names = {path.name for path in folder.iterdir()} - {"tensorboard"}
    assert names == {
        "checkpoints",
        "weights.safetensors",
        "weights.json",
        "scalars.jsonl",
        "preview-0000003.png",
        "preview-0000004.png",
    }
    sheet = load_image(folder / "preview-0000004.png")
    assert sheet.shape[0] > 3 * 64
    assert sheet.shape[1] > 2 * 64
    model, manifest = load_model(folder / "weights.safetensors")
    assert manifest.preset == "tiny"
    assert manifest.provenance.steps == 4
    assert manifest.provenance.perceptual == "plain"
    assert manifest.provenance.data is not None
    assert (manifest.provenance.data.clips, manifest.provenance.data.frames) == (3, 18)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, trainer.learner.average[name], rtol=1e-3, atol=1e-5)
    assert {"total", "head_pose", "critic", "rate", "step"} <= _lines(folder)[-1].keys()


@pytest.mark.slow
def test_runs_report_means(straight: Straight, watched: Straight) -> None:
    (mean,) = _lines(watched.folder)
    totals = [line["total"] for line in _lines(straight.folder)]
    assert mean["total"] == pytest.approx(np.mean(totals), rel=1e-6)


@pytest.mark.slow
def test_a_finished_run_is_seen_and_can_be_made_longer(
    clips: ClipSet, straight: Straight, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(straight.folder, folder)
    stored = stored_run(folder, TINY)
    assert stored is not None
    assert stored.step == 4
    longer = _run(replace(TINY, steps=6), clips, folder)
    assert longer.step == 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"preset": "paper-256"}, "preset tiny, not paper-256"),
        ({"batch": 3}, "batch 2, not 3"),
        ({"seed": 9}, "seed 1, not 9"),
        ({"jacobians": False}, "jacobians"),
        ({"precision": "bf16"}, "precision fp32, not bf16"),
    ],
)
def test_other_settings_are_refused(begun: Path, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(TrainingError, match=named) as caught:
        stored_run(begun, replace(TINY, **changed))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_other_clips_and_networks_are_refused(clips: ClipSet, begun: Path) -> None:
    with pytest.raises(TrainingError, match="other clips"):
        _run(TINY, replace(clips, sha256="other"), begun)
    taps = PlainTaps()
    taps.name = "other taps"
    with pytest.raises(TrainingError, match="another perceptual network"):
        _run(TINY, clips, begun, networks=FrozenNetworks(taps))


@pytest.mark.slow
def test_checkpoints_of_other_models_are_refused(clips: ClipSet, tmp_path: Path) -> None:
    trainer = open_run(TINY, clips, NETWORKS, tmp_path, CPU)
    _save(trainer)
    stored = stored_run(tmp_path, TINY)
    assert stored is not None
    fewer = {name: tensor for name, tensor in stored.tensors.items() if name != "model.head.yaw.bias"}
    with pytest.raises(TrainingError, match="another version"):
        trainer.restore(replace(stored, tensors=fewer))
    for path in (tmp_path / "checkpoints").glob("*/*.safetensors"):
        path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        stored_run(tmp_path, TINY)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_keeps_the_checkpoint(clips: ClipSet, tmp_path: Path) -> None:
    class Faulty(PlainTaps):
        calls = 0

        def __call__(self, image: Tensor) -> list[Tensor]:
            self.calls += 1
            return [image * (float("nan") if self.calls > 8 else 1.0)]  # 2 scales x 2 pictures a step

    config = replace(TINY, checkpoint_every=1)
    with pytest.raises(NonFiniteLoss, match=r"step 2: .*\b[abc]\b.*--init"):
        open_run(config, clips, FrozenNetworks(Faulty()), tmp_path, CPU).run()
    stored = stored_run(tmp_path, config)
    assert stored is not None
    assert stored.step == 2
    assert all(torch.isfinite(tensor).all() for tensor in stored.tensors.values())


@pytest.mark.slow
def test_a_full_disk_keeps_the_checkpoint_before(clips: ClipSet, tmp_path: Path) -> None:
    trainer = open_run(TINY, clips, NETWORKS, tmp_path, CPU)
    _save(trainer)
    before = _files(tmp_path)
    trainer.step = 1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        trainer.writer.save(Checkpoint(1, TINY, "", "", trainer.learner.tensors()))
        with pytest.raises(OutputError, match="checkpoints"):
            trainer.writer.wait()
        with pytest.raises(OutputError, match=r"weights\.safetensors"):
            trainer.save()
        trainer.writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {name: data for name, data in _files(tmp_path).items() if "/." not in name} == before
    stored = stored_run(tmp_path, TINY)
    assert stored is not None
    assert stored.step == 0


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        stored_run(tmp_path / "file" / "run", TINY)


def test_the_first_weights_follow_from_the_seed_alone(clips: ClipSet, tmp_path: Path) -> None:
    def first(seed: int) -> dict[str, Tensor]:
        torch.manual_seed(next(elsewhere))
        return open_run(replace(TINY, seed=seed), clips, NETWORKS, tmp_path, CPU).learner.tensors()

    elsewhere = iter(range(3))
    with torch.random.fork_rng():
        one, same, other = first(1), first(1), first(2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["model.head.yaw.weight"], other["model.head.yaw.weight"])


def test_motion_first_is_refused_where_there_is_no_h(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="motion_first"):
        open_run(replace(TINY, preset="compact-256", motion_first=1), clips, NETWORKS, tmp_path, CPU)


def test_precision_that_crashes_is_refused_and_never_chosen(
    clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    with pytest.raises(ConfigError, match="fp32"):
        open_run(replace(TINY, precision="bf16"), clips, NETWORKS, tmp_path, CPU)
    trainer = open_run(replace(TINY, precision="auto"), clips, NETWORKS, tmp_path, CPU)
    assert trainer.learner.precision == torch.float32


@pytest.mark.slow
def test_runs_start_from_weights(clips: ClipSet, straight: Straight, tmp_path: Path) -> None:
    weights = straight.folder / "weights.safetensors"
    second = open_run(TINY, clips, NETWORKS, tmp_path, CPU, init=str(weights))
    for name, tensor in load_model(weights)[0].state_dict().items():
        assert torch.equal(second.learner.tensors()[f"model.{name}"], tensor)
        assert torch.equal(second.learner.average[name], tensor)
    with pytest.raises(SchemaMismatch):
        open_run(replace(TINY, jacobians=False), clips, NETWORKS, tmp_path, CPU, init=str(weights))
    with pytest.raises(WeightsError, match="no such weights"):
        open_run(TINY, clips, NETWORKS, tmp_path, CPU, init="none")


@pytest.mark.slow
def test_a_run_without_jacobians_makes_such_weights(single: Path) -> None:
    model, manifest = load_model(single / "weights.safetensors")
    assert manifest.config["jacobians"] is False
    assert not [name for name in model.state_dict() if "jacobian" in name]
    assert "equivariance_jacobian" not in _lines(single)[0]


def test_the_compact_model_starts_with_the_published_landmark_reader(
    large_clips: ClipSet, tmp_path: Path
) -> None:
    config = replace(recipe("compact-256"), batch=1)
    model = open_run(config, large_clips, NETWORKS, tmp_path, CPU).learner.model
    assert isinstance(model, CompactTalkingHead)
    published = load_face_mesh().state_dict()
    own = model.motion_reader.reader.coarse.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in published.items())


def test_the_compact_model_compares_no_faces(large_clips: ClipSet, tmp_path: Path) -> None:
    networks = FrozenNetworks(PlainTaps(), PlainTaps())
    with pytest.raises(TrainingError, match="--face-perceptual"):
        open_run(recipe("compact-256"), large_clips, networks, tmp_path, CPU)


@pytest.mark.parametrize(("padding", "mode"), [("own", "reflect"), ("zeros", "zeros")])
def test_the_perceptual_network_pads_as_the_recipe_says(
    clips: ClipSet, tmp_path: Path, padding: Padding, mode: str
) -> None:
    taps = MirroredTaps()
    config = replace(TINY, perceptual=replace(TINY.perceptual, padding=padding))
    open_run(config, clips, FrozenNetworks(taps), tmp_path, CPU)
    assert taps.only.padding_mode == mode


@pytest.mark.slow
def test_names_of_both_networks_are_kept(single: Path) -> None:
    assert load_model(single / "weights.safetensors")[1].provenance.perceptual == "plain + plain"


@pytest.mark.slow
def test_a_run_learns(clips: ClipSet, tmp_path: Path) -> None:
    optimizer = replace(TINY.optimizer, warmup_steps=0, learning_rate=4e-3, decay_share=0)
    _run(replace(TINY, steps=18, optimizer=optimizer), clips, tmp_path)
    perceptual = [line["perceptual"] for line in _lines(tmp_path)]
    assert np.mean(perceptual[-6:]) < 0.75 * np.mean(perceptual[:4])


def test_previews_clamp() -> None:
    image = torch.tensor([-0.5, 0.0, 0.5, 1.0, 1.5]).expand(3, 1, 5)
    assert pixels_of(image)[0, :, 0].tolist() == [0, 0, 128, 255, 255]
