"""Models by name."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
import torch

from facewire.base.errors import ConfigError
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.manifest import COMPACT
from facewire.networks.paper.config import PAPER_PRESETS, to_dict
from facewire.networks.paper.face_vid2vid import FaceVid2Vid
from facewire.networks.presets import PRESETS, Model, build_preset, parameter_count, preset_config


def test_the_published_names() -> None:
    small = {"full", "15-keypoints", "10-keypoints", "5-keypoints", "jacobians", "direct", "2d-warp", "fomm"}
    assert set(PRESETS) == {
        "compact-256",
        "paper-256",
        "paper-512",
        "paper-128",
        "tiny",
        *(f"ablation-{n}" for n in small),
    }


@cache
def built(name: str) -> Model:
    """Return the model of a preset, without numbers."""
    with torch.device("meta"):
        return build_preset(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_stored_configuration_builds_the_same_model(name: str) -> None:
    config = json.loads(json.dumps(preset_config(name)))
    model = built(name)
    with torch.device("meta"):
        again = build_preset(name, config or None)
    assert isinstance(model, CompactTalkingHead if name == COMPACT else FaceVid2Vid)
    assert {key: tensor.shape for key, tensor in model.state_dict().items()} == {
        key: tensor.shape for key, tensor in again.state_dict().items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER_PRESETS)
def test_jacobians_are_estimated_unless_switched_off(name: str) -> None:
    assert preset_config(name)["jacobians"] is True
    assert preset_config(name, jacobians=False) == to_dict(replace(PAPER_PRESETS[name], jacobians=False))
    with torch.device("meta"):
        plain = build_preset(name, preset_config(name, jacobians=False))
    assert parameter_count(built(name)) > parameter_count(plain)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="compact-256, paper-256, paper-512, paper-128, tiny"):
        build_preset("paper-256-v1")
    with pytest.raises(ConfigError, match="preset"):
        preset_config("huge")
    for switch in (True, False):
        with pytest.raises(ConfigError, match="no Jacobians"):
            preset_config(COMPACT, jacobians=switch)
    with pytest.raises(ConfigError, match="layers"):
        build_preset(COMPACT, {"width": 3})
