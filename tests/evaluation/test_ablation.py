"""Models of the ablation as the command meets them: files with a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from facewire.animation.animator import Animator
from facewire.networks.manifest import Provenance
from facewire.networks.presets import build_preset, preset_config
from facewire.networks.weights import save_weights

from .conftest import portrait


@pytest.mark.parametrize(
    "preset", ["ablation-5-keypoints", "ablation-direct", "ablation-2d-warp", "ablation-fomm"]
)
def test_their_weights_animate_a_picture(tmp_path: Path, preset: str) -> None:
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    model = build_preset(preset)
    save_weights(path, model.state_dict(), preset, preset_config(preset), Provenance(steps=3))
    animator = Animator.load(path)
    assert (animator.manifest.preset, animator.size) == (preset, 64)
    person = animator.person(portrait(0), crop_mode="none")
    (picture,) = animator.render_batch(person, animator.motion([portrait(8)]))
    assert picture.shape == (64, 64, 3)
