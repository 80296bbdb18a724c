"""Sizes of networks, read from the shapes of their tensors; keys are the files' own, without any prefix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Tensors = Mapping[str, Tensor]
Sizes = dict[str, Any]


def appearance(tensors: Tensors) -> Sizes:
    """Return the sizes of F."""
    channels = _columns(tensors, "resblocks_3d.3dr0.conv1.weight")
    return {
        "widths": [_rows(tensors, "first.conv.weight"), *_series(tensors, "down_blocks.{}.conv.weight")],
        "channels": channels,
        "depth": _rows(tensors, "second.weight") // channels,
        "blocks": len(_series(tensors, "resblocks_3d.3dr{}.conv1.weight")),
        "kernel": tensors["first.conv.weight"].shape[-1],
    }


def extractor(tensors: Tensors) -> Sizes:
    """Return the sizes of LivePortrait's M."""
    at = "detector.stages.{}.0.dwconv.weight"
    widths = _series(tensors, at)
    depths = [
        len(_series(tensors, f"detector.stages.{stage}.{{}}.dwconv.weight")) for stage in range(len(widths))
    ]
    return {"keypoints": _rows(tensors, "detector.fc_kp.weight") // 3, "depths": depths, "widths": widths}


def warping(tensors: Tensors) -> Sizes:
    """Return the sizes of W."""
    motion = "dense_motion_network"
    slots, joined = tensors[f"{motion}.mask.weight"].shape[:2]
    compressed, channels = tensors[f"{motion}.compress.weight"].shape[:2]
    return {
        "channels": channels,
        "depth": _columns(tensors, f"{motion}.occlusion.weight") // joined,
        "plane": _rows(tensors, "fourth.weight"),
        "keypoints": slots - 1,
        "compressed": compressed,
        "widths": _series(tensors, motion + ".hourglass.encoder.down_blocks.{}.conv.weight"),
        "last": joined - slots * (compressed + 1),
    }


def decoder(tensors: Tensors) -> Sizes:
    """Return the sizes of a decoder of planes, SPADE or residual."""
    if "fc.weight" not in tensors:
        widths = [
            _rows(tensors, "resblocks_2d.2dr0.conv1.weight"),
            *_series(tensors, "up_blocks.{}.conv.weight"),
        ]
        return {"widths": widths, "blocks": len(_series(tensors, "resblocks_2d.2dr{}.conv1.weight"))}
    doubled = "conv_img.0.weight" in tensors
    last = tensors["conv_img.0.weight" if doubled else "conv_img.weight"].shape[1]
    return {"plane": _columns(tensors, "fc.weight"), "last": last, "upscale": 2 if doubled else 1}


def canonical(tensors: Tensors) -> Sizes:
    """Return the sizes of ZLH's keypoint network."""
    up = "predictor.up_blocks.up{}.conv.weight"
    first = _columns(tensors, up.format(0))
    return {
        "keypoints": _rows(tensors, "kp.weight"),
        "downs": _series(tensors, "predictor.down_blocks.down{}.conv.weight"),
        "ups": [first, *_series(tensors, up)],
        "depth": _rows(tensors, "predictor.conv.weight") // first,
        "shrinks": "down.weight" in tensors,
    }


def head(tensors: Tensors) -> Sizes:
    """Return the sizes of ZLH's head network."""
    widths, step = [_rows(tensors, "conv1.weight")], 2
    while f"conv{step}.weight" in tensors:
        widths.append(_rows(tensors, f"conv{step}.weight"))
        step += 1
    blocks = range(1, 2 * len(widths) - 2, 2)
    repeats = [len(_series(tensors, f"block{b}.b{b}_{{}}.conv1.weight")) for b in blocks]
    return {"keypoints": _rows(tensors, "fc_exp.weight") // 3, "widths": widths, "repeats": repeats}


def chain(tensors: Tensors) -> Sizes:
    """Return the sizes of a chain of linear layers."""
    widths, number = [_columns(tensors, "mlp.0.weight")], 0
    while f"mlp.{number}.weight" in tensors:
        widths.append(_rows(tensors, f"mlp.{number}.weight"))
        number += 2
    return {"widths": widths}


def zk_appearance(tensors: Tensors) -> Sizes:
    """Return the sizes of ZK's afe."""
    channels = _rows(tensors, "res.0.layers.0.layers.0.weight")
    first = _rows(tensors, "in_conv.layers.0.weight")
    return {
        "widths": [first, *_series(tensors, "down.{}.layers.0.layers.0.weight")],
        "channels": channels,
        "depth": _rows(tensors, "mid_conv.weight") // channels,
        "blocks": len(_series(tensors, "res.{}.layers.0.layers.0.weight")),
    }


def zk_canonical(tensors: Tensors) -> Sizes:
    """Return the sizes of ZK's ckd."""
    first = _columns(tensors, "up.0.layers.1.layers.0.weight")
    return {
        "keypoints": _rows(tensors, "out_conv.weight"),
        "downs": [3, *_series(tensors, "down.{}.layers.0.layers.0.weight")],
        "ups": [first, *_series(tensors, "up.{}.layers.1.layers.0.weight")],
        "depth": _rows(tensors, "mid_conv.weight") // first,
    }


def zk_head(tensors: Tensors) -> Sizes:
    """Return the sizes of ZK's hpe_ede; a group of bottlenecks begins where its skip is convolved."""
    outputs = _series(tensors, "res_layers.{}.layers.2.layers.0.weight")
    starts = [i for i in range(len(outputs)) if f"res_layers.{i}.down_sample.layers.0.weight" in tensors]
    repeats = [stop - start for start, stop in zip(starts, [*starts[1:], len(outputs)])]
    first = _rows(tensors, "pre_layers.0.layers.0.weight")
    return {
        "keypoints": _rows(tensors, "fc_delta.weight") // 3,
        "widths": [first, *(outputs[start] for start in starts)],
        "repeats": repeats,
    }


def zk_field(tensors: Tensors) -> Sizes:
    """Return the sizes of ZK's mfe."""
    slots, joined = tensors["mask_conv.weight"].shape[:2]
    compressed, channels = tensors["compress.weight"].shape[:2]
    first = _columns(tensors, "up.0.layers.1.layers.0.weight")
    return {
        "keypoints": slots - 1,
        "channels": channels,
        "depth": _columns(tensors, "occlusion_conv.weight") // joined,
        "compressed": compressed,
        "downs": _series(tensors, "down.{}.layers.0.layers.0.weight"),
        "ups": [first, *_series(tensors, "up.{}.layers.1.layers.0.weight")],
    }


def zk_decoder(tensors: Tensors, channels: int) -> Sizes:
    """Return the sizes of ZK's generator; the volume's channels are not in it."""
    first, flat = tensors["in_conv.layers.0.weight_orig"].shape[:2]
    return {
        "channels": channels,
        "depth": flat // channels,
        "widths": [first, *_series(tensors, "up.{}.layers.1.layers.0.weight_orig")],
        "blocks": len(_series(tensors, "res.{}.layers.0.layers.0.weight")),
    }


def sizes(parts: Mapping[str, Tensors], family: str) -> dict[str, Sizes]:
    """Return the sizes of all networks of a model by the names that `model.build` takes.

    Args:
        parts: tensors by network, then key.
        family: name of the family.

    Raises:
        KeyError: a tensor that tells a size is missing.
    """
    read: dict[str, Callable[[Tensors], Sizes]] = {
        "appearance": appearance, "canonical": canonical, "head": head, "warping": warping,
        "decoder": decoder, "stitching": chain, "lip": chain, "eye": chain,
    }  # fmt: skip
    if family == "liveportrait":
        read["head"] = extractor
    if family == "zk":
        channels = zk_appearance(parts["appearance"])["channels"]
        read.update(
            appearance=zk_appearance, canonical=zk_canonical, head=zk_head, field=zk_field,
            decoder=lambda tensors: zk_decoder(tensors, channels),
        )  # fmt: skip
    return {name: read[name](tensors) for name, tensors in parts.items()}


def _rows(tensors: Tensors, key: str) -> int:
    return tensors[key].shape[0]


def _columns(tensors: Tensors, key: str) -> int:
    return tensors[key].shape[1]


def _series(tensors: Tensors, pattern: str) -> list[int]:
    """Return the rows of pattern 0, 1, 2, ... as long as there are any."""
    found: list[int] = []
    while (key := pattern.format(len(found))) in tensors:
        found.append(_rows(tensors, key))
    return found
