"""Golden numbers of the originals, made by running them on random weights, and those weights by their formula.

golden/networks.npz holds inputs and outputs of small configurations, sample 0 of each; golden/full.npz samples of the
outputs at the published sizes; golden/pipeline.npz LivePortrait from picture to picture; golden/true.npz samples of
what its true weights give; golden/motion.npz and golden/crop.npz the originals' motion and crop arithmetic;
golden/keys.json.xz every key and shape of the published files. None of it is a published weight.

They are samples of larger files; with FACEWIRE_GOLDEN, the folder of those, the same tests compare all of their
numbers.
"""

from __future__ import annotations

import json
import lzma
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facewire.networks.relatives.spectral import SpectralConv2d

FOLDER = Path(__file__).parent / "golden"
Golden = dict[str, Tensor]


WHOLE = os.environ.get("FACEWIRE_GOLDEN")
LARGER = {"networks.npz": "tiny_{}.npz", "full.npz": "full_{}.npz", "motion.npz": "{}.npz"}
"""File of samples -> the larger file of one group."""


def _group(file: str, name: str) -> Golden:
    if WHOLE is not None:
        return _whole(Path(WHOLE) / LARGER[file].format(name), "out/" if file == "full.npz" else "")
    with np.load(FOLDER / file) as held:
        wanted = [key for key in held.files if key.startswith(f"{name}/") and held[key].dtype.kind != "U"]
        return {key.removeprefix(f"{name}/"): torch.from_numpy(np.array(held[key])) for key in wanted}


def _whole(path: Path, outer: str) -> Golden:
    with np.load(path) as held:
        wanted = [key for key in held.files if key.startswith(outer) and held[key].dtype.kind != "U"]
        return {
            key.removeprefix(outer).replace("_shape_stats", "_stats"): torch.from_numpy(np.array(held[key]))
            for key in wanted
        }


@pytest.fixture(scope="session")
def network_golden() -> Callable[[str], Golden]:
    return lambda name: _group("networks.npz", name)


@pytest.fixture(scope="session")
def full_golden() -> Callable[[str], Golden]:
    return lambda name: _group("full.npz", name)


@pytest.fixture(scope="session")
def golden_file() -> Callable[[str], Golden]:
    """Return all numbers of a file."""

    def read(name: str) -> Golden:
        with np.load(FOLDER / name) as held:
            wanted = [key for key in held.files if held[key].dtype.kind != "U"]
            return {key: torch.from_numpy(np.array(held[key])) for key in wanted}

    return read


@pytest.fixture(scope="session")
def motion_golden() -> Callable[[str], Golden]:
    return lambda name: _group("motion.npz", name)


@pytest.fixture(scope="session")
def motion_meta() -> Callable[[str], dict[str, Any]]:
    def read(name: str) -> dict[str, Any]:
        with np.load(FOLDER / "motion.npz") as held:
            meta: dict[str, Any] = json.loads(str(held[f"{name}/meta"]))
        return meta

    return read


@pytest.fixture(scope="session")
def published_keys() -> dict[str, list[tuple[str, list[int], str]]]:
    keys: dict[str, list[tuple[str, list[int], str]]] = json.loads(
        lzma.decompress((FOLDER / "keys.json.xz").read_bytes())
    )
    return keys


FACTORS = {
    "dense_motion_network.mask.weight": 6.0,
    "mask_conv.weight": 3.0,
    "fc.weight": 1 / 32,
    "detector.downsample_layers.0.0.weight": 1 / 16,
}


@dataclass(frozen=True)
class Recipe:
    """How the formula was used.

    seed     of the draws
    step     numbers are multiples of 1 / step; None: not rounded
    powers   steps of the power iteration behind u and v
    factors  on single tensors
    """

    seed: int = 7
    step: int | None = 1024
    powers: int = 2
    factors: Mapping[str, float] = field(default_factory=lambda: FACTORS)


FULL = Recipe(seed=0, step=None, powers=3, factors={})


def drawn(key: str, shape: tuple[int, ...], recipe: Recipe) -> Tensor:
    """Return a tensor of the formula."""
    source = np.random.RandomState((zlib.crc32(key.encode()) + recipe.seed) & 0xFFFFFFFF)
    x: Any = source.uniform(-1, 1, shape)
    last = key.rpartition(".")[2]
    if last == "running_mean":
        x = 0.1 * x
    elif last == "running_var":
        x = 1 + 0.5 * x
    elif last in ("gamma", "beta"):
        x = 0.3 * x
    elif last == "bias":
        x = 0.1 * x
    elif last == "weight" and len(shape) == 1:
        x = 1 + 0.2 * x
    elif last in ("weight", "weight_orig"):
        x = x * float(np.sqrt(6 / np.prod(shape[1:])))
    if recipe.step is not None and last not in ("weight_u", "weight_v"):
        x = np.round(x * recipe.step) / recipe.step
    return torch.from_numpy(np.asarray(x * recipe.factors.get(key, 1.0) * _gain(key), np.float32))


def _gain(key: str) -> float:
    quiet = key.startswith(("block", "res_layers.")) and key.endswith(
        ("norm3.weight", "layers.2.layers.1.weight")
    )
    return 0.25 if quiet else 1.0


Fill = Callable[..., nn.Module]
"""(network, step=1024, original=the same names) -> the network with the formula's numbers."""


@pytest.fixture(scope="session")
def fill() -> Fill:
    return filled


@pytest.fixture(scope="session")
def fill_full() -> Fill:
    """Do the same with the published sizes' numbers."""
    return lambda network, original=lambda key: key: filled(network, original=original, recipe=FULL)


def filled(
    network: nn.Module,
    step: int = 1024,
    original: Callable[[str], str] = lambda key: key,
    recipe: Recipe | None = None,
) -> nn.Module:
    """Give a network the formula's numbers; `original` tells a key's name in the published file."""
    recipe = recipe or Recipe(step=step)
    for key, tensor in network.state_dict().items():
        if key.endswith("num_batches_tracked") or original(key) == "down.weight":
            continue
        tensor.copy_(drawn(original(key), tuple(tensor.shape), recipe))
    for name, module in network.named_modules():
        if isinstance(module, SpectralConv2d):
            _estimate(module, original(f"{name}.weight_u"), recipe)
    return network.eval()


def _estimate(conv: SpectralConv2d, key: str, recipe: Recipe) -> None:
    """Give u and v some steps of the power iteration."""
    weight = conv.weight_orig.detach().flatten(1).double().numpy()
    seed = (zlib.crc32(key.encode()) + recipe.seed) & 0xFFFFFFFF
    u: Any = np.random.RandomState(seed).uniform(-1, 1, weight.shape[0])
    u = u / np.linalg.norm(u)
    v = u
    for _ in range(recipe.powers):
        v = weight.T @ u
        v = v / np.linalg.norm(v)
        u = weight @ v
        u = u / np.linalg.norm(u)
    conv.weight_u.copy_(torch.from_numpy(u))
    conv.weight_v.copy_(torch.from_numpy(v))
