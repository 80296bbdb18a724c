"""Published files of a family become parts of a model: recognised by their keys, split, renamed, checked.

    flat tensors of every file --recognised--> part, tensors      "appearance", "head", "warping", ...
    all parts --checked--> configuration and tensors as `model.build` wants them

Nothing is guessed: a tensor that no network has, one that is missing and one of another shape are all named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from facewire.base.errors import WeightsError
from facewire.networks.published.shapes import sizes
from facewire.networks.relatives.families import family_of
from facewire.networks.relatives.model import CORRECTIONS, build

Tensors = Mapping[str, Tensor]
LIVEPORTRAIT, ZLH, ZK = "liveportrait", "zlh", "zk"

PARTS: Mapping[str, Mapping[str, str]] = {
    LIVEPORTRAIT: {
        "appearance": "appearance_feature_extractor",
        "head": "motion_extractor",
        "warping": "warping_module",
        "decoder": "spade_generator",
    },
    ZLH: {
        "appearance": "generator",
        "warping": "generator",
        "decoder": "generator",
        "canonical": "kp_detector",
        "head": "he_estimator",
    },
    ZK: {"appearance": "afe", "canonical": "ckd", "head": "hpe_ede", "field": "mfe", "decoder": "generator"},
}
"""What a model needs, and what its origin calls it; SadTalker is as ZLH."""

WHOLE: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (LIVEPORTRAIT, "head", ("detector.downsample_layers.0.0.weight",), ()),
    (LIVEPORTRAIT, "appearance", ("first.conv.weight", "second.weight"), ("third.conv.weight",)),
    (
        LIVEPORTRAIT,
        "warping",
        ("dense_motion_network.mask.weight", "third.conv.weight"),
        ("first.conv.weight",),
    ),
    (LIVEPORTRAIT, "decoder", ("fc.weight", "G_middle_0.conv_0.weight_orig"), ()),
)
"""Files that are one network: family, part, keys they have, keys they have not."""

CHAINS = {
    "retarget_shoulder.": "stitching",
    "retarget_shoulder_module.": "stitching",
    "stitching.": "stitching",
    "retarget_mouth.": "lip",
    "retarget_mouth_module.": "lip",
    "retarget_lip.": "lip",
    "retarget_eye.": "eye",
    "retarget_eye_module.": "eye",
}
"""LivePortrait's small networks in the three packings."""

OUTER = {
    ZLH: {
        "kp_detector.": "canonical",
        "kp_extractor.": "canonical",
        "he_estimator.": "head",
        "generator.": "",
    },
    ZK: {
        "afe.": "appearance",
        "ckd.": "canonical",
        "hpe_ede.": "head",
        "mfe.": "field",
        "generator.": "decoder",
    },
}
"""Files that hold a whole model; "" is split by INSIDE."""

INSIDE = {
    "first.": "appearance",
    "down_blocks.": "appearance",
    "second.": "appearance",
    "resblocks_3d.": "appearance",
    "dense_motion_network.": "warping",
    "third.": "warping",
    "fourth.": "warping",
    "decoder.": "decoder",
    "resblocks_2d.": "decoder",
    "up_blocks.": "decoder",
    "final.": "decoder",
}
"""Networks inside ZLH's generator; only "decoder." is no part of the names within."""

PLACES = {"warping": "painter.warping.", "field": "painter.field.", "decoder": "painter.decoder."}
SHOWN = 6
"""Names that an error lists."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file holds: networks of a family (ZLH also stands for SadTalker) and what is left out."""

    family: str
    parts: dict[str, dict[str, Tensor]]
    ignored: tuple[str, ...] = ()


def recognise(tensors: Tensors, name: str) -> Recognised:
    """Return which networks a file holds.

    Args:
        tensors: by key; keys of nested files are joined with dots.
        name: of the file, for error texts.

    Raises:
        WeightsError: it holds no network that is known here.
    """
    for family, part, has, lacks in WHOLE:
        if all(key in tensors for key in has) and not any(key in tensors for key in lacks):
            return Recognised(family, {part: dict(tensors)})
    if any(key.startswith(tuple(CHAINS)) for key in tensors):
        return _split(tensors, LIVEPORTRAIT, CHAINS)
    if "afe.in_conv.layers.0.weight" in tensors:
        return _split(tensors, ZK, OUTER[ZK])
    if "first.conv.weight" in tensors and "dense_motion_network.mask.weight" in tensors:
        tensors = {f"generator.{key}": tensor for key, tensor in tensors.items()}
    if any(key.startswith("generator.dense_motion_network.") for key in tensors):
        return _split_zlh(tensors)
    if "mapping.first.0.weight" in tensors:
        raise WeightsError(
            name,
            "is SadTalker's mapping from sound to motion, which Facewire does not run: leave it out and give "
            "facevid2vid_00189-model.pth.tar",
        )
    known = ", ".join(sorted(tensors)[:3]) or "no tensors"
    raise WeightsError(name, f"holds no network known here ({known}): see facewire import --help")


def checked(
    parts: Mapping[str, Tensors], family: str, name: str, side: int | None = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the configuration and the tensors of a whole model.

    Args:
        parts: networks as `recognise` found them, of all files together.
        family: which conventions hold: one of FAMILIES, or "zlh" for both of its kinds.
        name: for error texts.
        side: of the pictures that the networks read; None is the family's own.

    Raises:
        WeightsError: a network is missing, or a tensor is missing, strange, of another shape or not finite.
    """
    needed = PARTS[_kind(family)]
    missing = [f"{origin} ({part})" for part, origin in needed.items() if part not in parts]
    if missing:
        raise WeightsError(name, f"{', '.join(missing)} is not in these files: {_advice(family)}")
    if family == ZLH and "down.weight" not in parts["canonical"]:
        family = "zlh-beta"
    parts = {part: tensors for part, tensors in parts.items() if part in (*needed, *CORRECTIONS)}
    try:
        config: dict[str, Any] = {"family": family, "sizes": sizes(parts, family)}
    except KeyError as problem:
        raise WeightsError(
            name, f"{problem.args[0]} is missing: the file is cut or another version"
        ) from problem
    if side is not None:
        config["side"] = side
    with torch.device("meta"):
        wanted = build(config).state_dict()
    found = {_place(part) + key: tensor for part, tensors in parts.items() for key, tensor in tensors.items()}
    for key in wanted.keys() - found.keys():
        if key.endswith("num_batches_tracked"):
            found[key] = torch.zeros((), dtype=torch.int64)
    _compare(wanted, found, name)
    if (keypoints := wanted_keypoints(config)) != family_of(family).keypoints:
        raise WeightsError(name, f"has {keypoints} keypoints, {family} has {family_of(family).keypoints}")
    return config, {key: tensor.contiguous() for key, tensor in found.items()}


def wanted_keypoints(config: Mapping[str, Any]) -> int:
    """Return K of a configuration."""
    return int(config["sizes"]["head"]["keypoints"])


def _compare(wanted: Tensors, found: Tensors, name: str) -> None:
    absent = sorted(wanted.keys() - found.keys())
    strange = sorted(found.keys() - wanted.keys())
    both = sorted(wanted.keys() & found.keys())
    other = [key for key in both if wanted[key].shape != found[key].shape]
    broken = [key for key in both if not _finite(found[key])]
    faults = {"missing": absent, "strange": strange, "of another shape": other, "not finite": broken}
    said = [f"{len(keys)} {what}: {_some(keys)}" for what, keys in faults.items() if keys]
    if said:
        raise WeightsError(name, f"tensors do not fit the networks of this family ({'; '.join(said)})")


def _finite(tensor: Tensor) -> bool:
    return tensor.is_meta or not tensor.is_floating_point() or bool(tensor.isfinite().all())


def _split(tensors: Tensors, family: str, prefixes: Mapping[str, str]) -> Recognised:
    """Return the networks behind prefixes; whatever else the file holds is left out."""
    parts: dict[str, dict[str, Tensor]] = {}
    ignored = []
    for key, tensor in tensors.items():
        prefix = _prefix(key, prefixes)
        if prefix is None:
            ignored.append(key)
        else:
            parts.setdefault(prefixes[prefix], {})[key.removeprefix(prefix)] = tensor
    return Recognised(family, parts, _heads(ignored))


def _split_zlh(tensors: Tensors) -> Recognised:
    """Return the networks of a ZLH or SadTalker file."""
    found = _split(tensors, ZLH, OUTER[ZLH])
    parts = dict(found.parts)
    for key, tensor in parts.pop("").items():
        prefix = _prefix(key, INSIDE)
        part = "decoder" if prefix is None else INSIDE[prefix]
        parts.setdefault(part, {})[key.removeprefix("decoder.")] = tensor
    return Recognised(ZLH, parts, found.ignored)


def _prefix(key: str, prefixes: Iterable[str]) -> str | None:
    return next((prefix for prefix in prefixes if key.startswith(prefix)), None)


def _heads(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.partition(".")[0] for key in keys))


def _kind(family: str) -> str:
    return family if family in (LIVEPORTRAIT, ZK) else ZLH


def _place(part: str) -> str:
    return f"corrections.{part}." if part in CORRECTIONS else PLACES.get(part, f"{part}.")


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:SHOWN]) + (", ..." if len(keys) > SHOWN else "")


def _advice(family: str) -> str:
    if family == "sadtalker":
        return (
            "SadTalker's safetensors have no network that reads a face's motion from a picture; "
            "facevid2vid_00189-model.pth.tar of the same origin holds it"
        )
    return "give all files of the model, or their folder"
