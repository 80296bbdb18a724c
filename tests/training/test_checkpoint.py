"""Checkpoints: everything comes back, exactly and in the same layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from facewire.base.errors import WeightsError
from facewire.training.checkpoint import (
    Checkpoint,
    like,
    load_checkpoint,
    optimizer_tensors,
    part,
    prefixed,
    restore_optimizer,
    save_checkpoint,
)
from facewire.training.recipes import recipe


def test_a_checkpoint_survives_the_disk(tmp_path: Path) -> None:
    tensors = {
        "model.a": torch.randn(3, 2, 4, 4).to(memory_format=torch.channels_last),
        "ema.n": torch.tensor(7),
    }
    saved = Checkpoint(12, recipe("tiny"), "ab", "plain", tensors)
    save_checkpoint(tmp_path / "c.safetensors", saved)
    loaded = load_checkpoint(tmp_path / "c.safetensors")
    assert (loaded.step, loaded.config, loaded.data_sha256, loaded.perceptual) == (
        12,
        recipe("tiny"),
        "ab",
        "plain",
    )
    assert loaded.tensors.keys() == tensors.keys()
    assert all(torch.equal(loaded.tensors[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "{",
        "[]",
        json.dumps({"step": 1}),
        json.dumps({"step": "x", "config": {"preset": "tiny"}, "data_sha256": "", "perceptual": ""}),
        json.dumps(
            {"step": 1, "config": {"preset": "tiny", "setting": 3}, "data_sha256": "", "perceptual": ""}
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, metadata: str | None) -> None:
    path = tmp_path / "c.safetensors"
    save_file({"x": torch.zeros(1)}, path, None if metadata is None else {"facewire": metadata})
    with pytest.raises(WeightsError, match="not a checkpoint of this version"):
        load_checkpoint(path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, Checkpoint(1, recipe("tiny"), "", "", {"x": torch.zeros(99)}))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(WeightsError, match="not a checkpoint"):
        load_checkpoint(path)
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        load_checkpoint(path)


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
