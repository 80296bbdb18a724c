"""scripts/narrow_generator.py: which channels go, and a generator that draws what the wide one draws."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tests.programs import script as load_script
from torch import Tensor
from torch.nn import functional as F

from facewire.benchmarks.training import write_made_up_clips
from facewire.networks.weights import load_model


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("narrow_generator")


def _products(maps: Tensor) -> Tensor:
    """Return what `statistics` would say of maps (1, C, H, W)."""
    cells = F.unfold(maps, 3)[0].double()
    cells = torch.cat((cells, torch.ones_like(cells[:1])))
    return cells @ cells.T / cells.shape[1]


def _maps() -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(3)
    while True:
        yield torch.rand(1, 1, 24, 24, generator=generator)


def test_a_channel_that_says_what_another_one_says_goes_and_nothing_changes(script: ModuleType) -> None:
    drawn = _maps()
    first, second, third = (next(drawn) for _ in range(3))
    maps = torch.cat((first, second, 0.5 * first, third), dim=1)
    weight = torch.randn(5, 4, 3, 3, generator=torch.Generator().manual_seed(4))
    bias = torch.arange(5.0)
    kept, narrow, shift = script.chosen_channels(_products(maps), weight, bias, 3)
    assert kept in ([0, 1, 3], [1, 2, 3])
    wanted = F.conv2d(maps, weight, bias, padding=1)
    found = F.conv2d(maps[:, kept], narrow, shift, padding=1)
    torch.testing.assert_close(found, wanted, atol=2e-2, rtol=0)
    assert (F.conv2d(maps[:, kept], weight[:, kept], bias, padding=1) - wanted).abs().max() > 0.5


def test_the_channel_that_counts_least_goes_first(script: ModuleType) -> None:
    drawn = _maps()
    maps = torch.cat([next(drawn) for _ in range(3)], dim=1)
    weight = torch.ones(1, 3, 3, 3) * torch.tensor([1.0, 0.1, 2.0])[:, None, None]
    kept, _, _ = script.chosen_channels(_products(maps), weight, torch.zeros(1), 2)
    assert kept == [0, 2]
    kept, _, _ = script.chosen_channels(_products(maps), weight, torch.zeros(1), 1)
    assert kept == [2]


def test_what_a_constant_channel_adds_goes_into_the_bias(script: ModuleType) -> None:
    maps = torch.cat((next(_maps()), torch.full((1, 1, 24, 24), 0.7)), dim=1)
    inner = maps.clone()
    weight = torch.ones(1, 2, 3, 3)
    kept, narrow, bias = script.chosen_channels(_products(inner), weight, torch.zeros(1), 1)
    assert kept == [0]
    middle = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    wanted = F.conv2d(maps, weight, padding=1)[middle]
    found = F.conv2d(maps[:, kept], narrow, bias, padding=1)[middle]
    assert (found - wanted).abs().max() < 1e-2


@pytest.mark.slow
def test_a_narrow_generator_learns_goes_on_and_leaves_all_else_as_it_was(
    script: ModuleType, tmp_path: Path
) -> None:
    write_made_up_clips(tmp_path, 256, clips=2, frames=8)
    out = tmp_path / "out"
    asked = ["--data", str(tmp_path), "-o", str(out), "--cache", str(tmp_path / "cache"), "--batch", "1"]
    asked += ["--inner", "8", "8", "8", "--pictures", "2"]
    assert script.main([*asked, "--steps", "2"]) == 0
    narrow, manifest = load_model(out / "weights.safetensors")
    wide, _ = load_model()
    assert {**manifest.config}.items() >= {"inner32": 8, "inner64": 8, "inner128": 8}.items()
    state = wide.state_dict()
    for name, tensor in narrow.state_dict().items():
        if ".blocks" not in name and ".block64" not in name and not name.startswith("generator."):
            assert torch.equal(tensor, state[name]), name
    assert script.main([*asked, "--steps", "3"]) == 0
    curve = json.loads((out / "curve.json").read_text())
    assert [line["step"] for line in curve] == [2, 3]
    for line in curve:
        assert 0 < line["plain"] < 40, "grey levels beside what the wide generator draws"
