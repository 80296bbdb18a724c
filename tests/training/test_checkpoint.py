"""Checkpoints: everything comes back, exactly and in the same layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from facewire import __version__
from facewire.base.errors import WeightsError
from facewire.training.checkpoint import (
    Checkpoint,
    CheckpointWriter,
    code_version,
    like,
    load_record,
    load_tensors,
    optimizer_tensors,
    part,
    prefixed,
    restore_optimizer,
    step_folder,
    stored_steps,
)
from facewire.training.recipes import recipe

TENSORS = {
    "model.a": torch.randn(3, 2, 4, 4).to(memory_format=torch.channels_last),
    "ema.n": torch.tensor(7),
    "optimizer.0.step": torch.tensor(3.0),
    "model.half": torch.ones(2, dtype=torch.bfloat16),
    "model.empty": torch.zeros(0),
}


def _write(folder: Path, *steps: int) -> None:
    writer = CheckpointWriter(folder)
    for step in steps:
        writer.save(Checkpoint(step, recipe("tiny"), "ab", "plain", TENSORS))
    writer.wait()


def test_a_checkpoint_survives_the_disk(tmp_path: Path) -> None:
    _write(tmp_path, 12)
    folder = step_folder(tmp_path, 12)
    record = load_record(folder)
    assert (record.step, record.config, record.data_sha256, record.perceptual) == (
        12,
        recipe("tiny"),
        "ab",
        "plain",
    )
    loaded = load_tensors(folder)
    assert loaded.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor), name


def test_a_checkpoint_names_the_code_and_holds_no_pickle(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    folder = step_folder(tmp_path, 1)
    record = json.loads((folder / "run.json").read_text())
    assert record["code"] == code_version()
    assert record["code"].startswith(f"{__version__}+")
    assert record["config"]["optimizer"]["beta1"] == 0.5
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}


def test_tensors_are_those_of_the_moment(tmp_path: Path) -> None:
    value = torch.zeros(1000)
    writer = CheckpointWriter(tmp_path)
    writer.save(Checkpoint(1, recipe("tiny"), "", "", {"x": value}))
    value += 1
    writer.wait()
    assert not load_tensors(step_folder(tmp_path, 1))["x"].any()


def test_the_last_two_are_kept_and_half_a_one_is_none(tmp_path: Path) -> None:
    _write(tmp_path, 1, 2, 3)
    assert stored_steps(tmp_path) == [3, 2]
    (tmp_path / "checkpoints" / ".step-00000009").mkdir()
    assert stored_steps(tmp_path) == [3, 2]
    _write(tmp_path, 9)
    assert stored_steps(tmp_path) == [9, 3]
    assert stored_steps(tmp_path / "none") == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"step": 1}),
        json.dumps({"step": "x", "config": {"preset": "tiny"}, "data_sha256": "", "perceptual": ""}),
        json.dumps(
            {"step": 1, "config": {"preset": "tiny", "setting": 3}, "data_sha256": "", "perceptual": ""}
        ),
    ],
)
def test_other_records_are_refused(tmp_path: Path, text: str) -> None:
    _write(tmp_path, 1)
    folder = step_folder(tmp_path, 1)
    (folder / "run.json").write_text(text)
    with pytest.raises(WeightsError, match=r"not a checkpoint of this version.*remove it"):
        load_record(folder)
    (folder / "run.json").unlink()
    with pytest.raises(WeightsError, match="not a checkpoint of this version"):
        load_record(folder)


def test_damaged_tensors_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    folder = step_folder(tmp_path, 1)
    (path,) = folder.glob("*.safetensors")
    for data in (path.read_bytes()[:-5], b""):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match="not a checkpoint"):
            load_tensors(folder)


def test_parts_have_names() -> None:
    tensors: dict[str, Tensor] = {"a.b": torch.zeros(1), "c": torch.ones(1)}
    joined = prefixed("model", tensors) | prefixed("model2", tensors)
    assert part("model", joined).keys() == tensors.keys()


def test_an_optimizer_goes_on_exactly_where_it_was() -> None:
    def built() -> tuple[nn.Conv2d, torch.optim.AdamW]:
        torch.manual_seed(0)
        layer = nn.Conv2d(3, 4, 3)
        layer.weight.data = layer.weight.data.to(memory_format=torch.channels_last)
        return layer, torch.optim.AdamW(layer.parameters(), lr=1e-2)

    def advance(layer: nn.Conv2d, optimizer: torch.optim.AdamW) -> None:
        optimizer.zero_grad()
        layer(torch.ones(1, 3, 8, 8)).square().sum().backward()
        optimizer.step()

    straight, optimizer = built()
    advance(straight, optimizer)
    stored = {name: tensor.clone().contiguous() for name, tensor in optimizer_tensors(optimizer).items()}
    weights = {name: tensor.clone() for name, tensor in straight.state_dict().items()}
    advance(straight, optimizer)

    resumed, other = built()
    resumed.load_state_dict(weights)
    restore_optimizer(other, stored)
    moment = other.state[resumed.weight]["exp_avg"]
    assert moment.is_contiguous(memory_format=torch.channels_last)
    advance(resumed, other)
    assert torch.equal(resumed.weight, straight.weight)
    assert torch.equal(resumed.bias, straight.bias)  # type: ignore[arg-type]


def test_a_copy_takes_layout_but_not_type() -> None:
    pattern = torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last)
    value = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    copy = like(pattern, value)
    assert copy.is_contiguous(memory_format=torch.channels_last)
    assert copy.dtype == torch.float64
    assert torch.equal(copy, value)
    scalar = torch.tensor(3.0)
    assert like(pattern, scalar).shape == ()
