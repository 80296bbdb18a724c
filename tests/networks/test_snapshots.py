"""Names and shapes of all stored tensors: a change here makes old weights unreadable.

To accept a change on purpose, run this file as a program; it rewrites the snapshots.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from facewire.networks.manifest import COMPACT
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.paper.face_vid2vid import build
from facewire.networks.presets import build_preset

FOLDER = Path(__file__).parent / "snapshots"
BASED_ON = {"paper-512": "paper-256"}
"""Presets stored as what they add to another one."""
PRESETS = (COMPACT, *PAPER_PRESETS)
"""Those whose weights anybody keeps; the ablation's are measured and thrown away."""


@cache
def _names(preset: str) -> list[str]:
    with torch.device("meta"):
        parts: dict[str, nn.Module] = {"model": build_preset(preset)}
        if preset in PAPER_PRESETS:
            parts["critic"] = Discriminator(
                PAPER_PRESETS[preset].base, PAPER_PRESETS[preset].discriminator_scales
            )
    return [
        f"{part}.{name} {list(tensor.shape)}"
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    ]


def _stored(preset: str) -> list[str]:
    names: list[str] = json.loads((FOLDER / f"{preset}.json").read_text(encoding="utf-8"))
    return names


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_names_and_shapes_are_the_stored_ones(preset: str) -> None:
    base = BASED_ON.get(preset)
    expected = _stored(preset) + (_stored(base) if base else [])
    assert sorted(_names(preset)) == sorted(expected)


def test_weights_of_before_the_layers_have_the_same_names_but_for_the_matte_network() -> None:
    """Their shapes, too, outside of the blocks that were wider inside."""
    with torch.device("meta"):
        older = build_preset(COMPACT, {}).state_dict()
    names = [name for name in _names(COMPACT) if not name.startswith("model.matte.")]
    wide = [f"model.{name} {list(tensor.shape)}" for name, tensor in older.items()]
    assert [name.split()[0] for name in names] == [name.split()[0] for name in wide]
    changed = [new for new, old in zip(names, wide, strict=True) if new != old]
    assert len(changed) == 5 * 3
    assert all(name.startswith("model.generator.block") for name in changed)


@pytest.mark.slow
def test_weights_of_256_go_on_at_512() -> None:
    small, large = ([n for n in _names(p) if n.startswith("model.")] for p in ("paper-256", "paper-512"))
    assert small == large


@pytest.mark.slow
@pytest.mark.parametrize("preset", PAPER_PRESETS)
def test_without_jacobians_their_head_is_gone_and_nothing_else(preset: str) -> None:
    with torch.device("meta"):
        plain = build(replace(PAPER_PRESETS[preset], jacobians=False)).state_dict()
        full = build(PAPER_PRESETS[preset]).state_dict()
    assert full.keys() - plain.keys() == {f"canonical.jacobian_head.{name}" for name in ("weight", "bias")}
    assert plain.keys() <= full.keys()


def _rewrite(preset: str) -> None:
    known = set(_names(BASED_ON[preset])) if preset in BASED_ON else set()
    added = [name for name in _names(preset) if name not in known]
    (FOLDER / f"{preset}.json").write_text(json.dumps(added, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for preset_name in PRESETS:
        _rewrite(preset_name)
