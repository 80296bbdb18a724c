"""Settings of the paper's networks."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from facewire.base.errors import ConfigError
from facewire.networks.paper.config import PAPER_PRESETS, PaperConfig, from_dict, to_dict
from facewire.networks.paper.face_vid2vid import build
from facewire.networks.presets import parameter_count


@pytest.mark.parametrize("name", PAPER_PRESETS)
def test_presets_survive_json(name: str) -> None:
    config = PAPER_PRESETS[name]
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


def test_the_widths_of_the_paper() -> None:
    config = PaperConfig()
    assert config.encoder_widths() == (64, 128, 256, 512, 1024)
    assert config.decoder_widths() == (512, 256, 128, 64, 32)
    assert config.raster == 64


@pytest.mark.slow
def test_the_narrow_model_has_every_part_of_the_paper_s() -> None:
    with torch.device("meta"):
        narrow, whole = (build(PAPER_PRESETS[name]) for name in ("paper-128", "paper-256"))
    parts = {type(module).__name__ for module in whole.modules()}
    assert {type(module).__name__ for module in narrow.modules()} == parts
    assert (narrow.resolution, narrow.keypoints) == (128, 20)
    assert 2 * parameter_count(narrow) < 12e6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resolution", 300),
        ("keypoints", 0),
        ("keypoints", 65),
        ("depth", 1),
        ("channels", 2),
        ("base", 6),
        ("levels", 0),
        ("appearance_blocks", -1),
        ("generator_blocks", 99),
        ("detector_resolution", 48),
        ("detector_resolution", 512),
        ("head_resolution", 32),
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("compressed", 0),
        ("discriminator_scales", 4),
    ],
)
def test_values_out_of_range_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field):
        PaperConfig(**{field: value})


def test_a_raster_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(ConfigError, match="levels"):
        PaperConfig(resolution=64, levels=5)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="keypionts"):
        from_dict({"keypionts": 20})
