"""The published models by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from facewire.base.errors import ConfigError
from facewire.networks.compact import config as compact_config
from facewire.networks.compact.config import CompactConfig
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.manifest import COMPACT
from facewire.networks.paper import config as paper_config
from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.networks.paper.config import PAPER_PRESETS, PaperConfig
from facewire.networks.paper.face_vid2vid import FaceVid2Vid, build
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.relatives.model import build as build_relative

COMPACT_PRESET = CompactConfig(layers=True, mirror=True, inner32=32, inner64=16, inner128=16)
"""What is trained now; older weights have a manifest with fewer settings."""
OF_PAPER: Mapping[str, PaperConfig] = {**PAPER_PRESETS, **ABLATION_PRESETS}
"""Every preset made of the paper's networks."""
PRESETS = (COMPACT, *OF_PAPER)
"""Every name that `build_preset` knows."""

Model = CompactTalkingHead | FaceVid2Vid | RelativeTalkingHead


def preset_config(name: str, *, jacobians: bool | None = None) -> dict[str, Any]:
    """Return the configuration of a preset as JSON holds it.

    Args:
        name: one of PRESETS.
        jacobians: overrides the preset's own switch (paper presets only); None leaves it.

    Raises:
        ConfigError: unknown name, or the compact model, which has no such switch.
    """
    if name == COMPACT:
        if jacobians is not None:
            raise ConfigError("jacobians", jacobians, "a paper preset; compact-256 has no Jacobians (J = R)")
        return compact_config.to_dict(COMPACT_PRESET)
    return paper_config.to_dict(_paper(name, jacobians))


def build_preset(name: str, config: Mapping[str, Any] | None = None) -> Model:
    """Return a freshly initialised model of a preset, or of a stored configuration of it.

    A family of foreign weights (networks.relatives) has no preset of its own: its configuration is read off its file.

    Raises:
        ConfigError: unknown name or setting.
    """
    if name == COMPACT:
        return CompactTalkingHead(COMPACT_PRESET if config is None else compact_config.from_dict(config))
    if name in FAMILIES and config is not None:
        return build_relative(config)
    return build(paper_config.from_dict(config) if config else _paper(name, None))


def parameter_count(model: nn.Module) -> int:
    """Return the number of trainable numbers."""
    return sum(parameter.numel() for parameter in model.parameters())


def _paper(name: str, jacobians: bool | None) -> PaperConfig:
    if name not in OF_PAPER:
        raise ConfigError("preset", name, f"one of {', '.join(PRESETS)}")
    config = OF_PAPER[name]
    return config if jacobians is None else replace(config, jacobians=jacobians)
