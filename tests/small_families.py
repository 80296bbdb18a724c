"""Small models of every family with random numbers, and their files in the published packings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from facewire.networks.published.checkpoints import PLACES
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.model import RelativeTalkingHead, build

VOLUME = {"channels": 4, "depth": 2}
HOURGLASS = {"compressed": 1, "widths": [8, 8, 8], "last": 4}
OWN = {
    "appearance": {"widths": [2, 4, 8], "blocks": 1, **VOLUME},
    "warping": {"plane": 8, **HOURGLASS, **VOLUME},
}
EYES = {"stitching": [126, 8, 65], "lip": [65, 8, 63], "eye": [66, 8, 63]}
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "liveportrait": {
        **OWN,
        "head": {"keypoints": 21, "depths": [1, 1, 1, 1], "widths": [8, 8, 16, 16]},
        "decoder": {"plane": 8, "last": 4, "upscale": 2},
        **{name: {"widths": widths} for name, widths in EYES.items()},
    },
    "zlh": {
        **OWN,
        "head": {"keypoints": 15, "widths": [8, 16, 24, 32, 40], "repeats": [1, 1, 1, 1]},
        "canonical": {
            "keypoints": 15,
            "downs": [8, 8],
            "ups": [16, 8, 4],
            "depth": 4,
            "shrinks": True,
        },
        "decoder": {"plane": 8, "last": 4, "upscale": 1},
    },
    "zlh-beta": {
        **OWN,
        "appearance": {**OWN["appearance"], "kernel": 7},
        "head": {"keypoints": 15, "widths": [8, 16, 24, 32, 40], "repeats": [1, 1, 1, 1]},
        "canonical": {
            "keypoints": 15,
            "downs": [8, 8, 8, 8],
            "ups": [16, 8, 4],
            "depth": 4,
            "shrinks": False,
        },
        "decoder": {"widths": [8, 8, 4], "blocks": 1},
    },
    "zk": {
        "appearance": OWN["appearance"],
        "head": {"keypoints": 15, "widths": [8, 16, 24, 32, 40], "repeats": [1, 1, 1, 1]},
        "canonical": {"keypoints": 15, "downs": [3, 8, 8], "ups": [16, 8, 4], "depth": 4},
        "field": {
            "keypoints": 15,
            "compressed": 1,
            "downs": [8, 16],
            "ups": [16, 8, 4],
            **VOLUME,
        },
        "decoder": {"widths": [16, 8, 8], "blocks": 1, **VOLUME},
    },
}


SIZES["sadtalker"] = SIZES["zlh"]


def model_of(family: str) -> RelativeTalkingHead:
    """Return a small model with random numbers."""
    sizes = {name: dict(size) for name, size in SIZES[family].items()}
    for name in ("warping", "field"):
        if name in sizes:
            sizes[name]["keypoints"] = FAMILIES[family].keypoints
    torch.manual_seed(0)
    model = build({"family": family, "sizes": sizes})
    state = model.state_dict()
    for key, tensor in state.items():
        if key.endswith(("weight_orig", "weight_u", "weight_v")):
            tensor.copy_(0.3 + 0.1 * torch.randn(tensor.shape))
    if family == "liveportrait":
        state["head.detector.fc_scale.bias"].fill_(1.3)
    return model.eval()


def part(model: RelativeTalkingHead, name: str) -> dict[str, Tensor]:
    """Return the tensors of one network by its own keys."""
    prefix = PLACES.get(name, f"{name}.")
    state = {key: tensor.clone().contiguous() for key, tensor in model.state_dict().items()}
    return {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}


def liveportrait_files(model: RelativeTalkingHead, folder: Path, packing: str = "official") -> Path:
    """Write the files of LivePortrait."""
    (folder / "base_models").mkdir(parents=True)
    names = {
        "appearance": "appearance_feature_extractor",
        "head": "motion_extractor",
        "warping": "warping_module",
        "decoder": "spade_generator",
    }
    for name, file in names.items():
        if packing == "official":
            torch.save(part(model, name), folder / "base_models" / f"{file}.pth")
        else:
            save_file(part(model, name), folder / "base_models" / f"{file}.safetensors")
    chains = {"stitching": "retarget_shoulder", "lip": "retarget_mouth", "eye": "retarget_eye"}
    if packing == "official":
        held = {
            outer: {f"module.{key}": value for key, value in part(model, f"corrections.{name}").items()}
            for name, outer in chains.items()
        }
        torch.save(held, folder / "stitching_retargeting_module.pth")
    else:
        flat = {
            f"{outer}_module.{key}": value
            for name, outer in chains.items()
            for key, value in part(model, f"corrections.{name}").items()
        }
        save_file(flat, folder / "stitching_retargeting_module.safetensors")
    return folder


def zlh_file(model: RelativeTalkingHead, path: Path) -> Path:
    """Write ZLH's one file, with the optimiser that it holds too."""
    generator = {**part(model, "appearance"), **part(model, "warping")}
    inside = "decoder." if "plane" in SIZES[model.family.name]["decoder"] else ""
    generator |= {f"{inside}{key}": tensor for key, tensor in part(model, "decoder").items()}
    held = {
        "generator": {f"module.{key}": tensor for key, tensor in generator.items()},
        "kp_detector": part(model, "canonical"),
        "he_estimator": part(model, "head"),
        "optimizer_generator": {"state": {0: {"step": torch.zeros(1)}}},
        "epoch": 3,
    }
    torch.save(held, path)
    return path


def zk_file(model: RelativeTalkingHead, path: Path) -> Path:
    """Write ZK's one file."""
    names = {
        "afe": "appearance",
        "ckd": "canonical",
        "hpe_ede": "head",
        "mfe": "field",
        "generator": "decoder",
    }
    torch.save({outer: part(model, name) for outer, name in names.items()}, path)
    return path


DECLARED = {"zlh-beta": "zlh"}
"""What the command calls a family, where that is not its name."""
FILES: dict[str, Callable[[RelativeTalkingHead, Path], Path]] = {
    "liveportrait": lambda model, folder: liveportrait_files(model, folder / "lp"),
    "zlh": lambda model, folder: zlh_file(model, folder / "zlh.pth.tar"),
    "zlh-beta": lambda model, folder: zlh_file(model, folder / "beta.pth.tar"),
    "sadtalker": lambda model, folder: zlh_file(model, folder / "sadtalker.pth.tar"),
    "zk": lambda model, folder: zk_file(model, folder / "zk.pth.tar"),
}
