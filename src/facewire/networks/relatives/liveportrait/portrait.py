"""LivePortrait at its best: eyes, lips and stitching, as head motions and keypoints.

    motion carried over -> eyes and lips opened -> placed -> stitched -> strength

Unlike in the original, eyes and lips are opened on top of the driven motion instead of in its place, and before
stitching, so that what they change is stitched too. What opens them is a shift of keypoints, which is a change of
delta in s (A x_c + delta) + t: so it goes wherever a motion goes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.relatives.correction import retargeted, stitched
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity

OPEN_LIPS = 0.03
"""Lips of a photo that are open as far as this are closed before others move them."""


def opened(
    model: RelativeTalkingHead,
    identity: Identity,
    motion: HeadMotion,
    *,
    eyes: Tensor | None = None,
    lips: Tensor | None = None,
) -> HeadMotion:
    """Return motions (B) of an identity with eyes or lips opened in addition.

    Args:
        model: with the networks for it.
        identity: of one person.
        motion: (B).
        eyes: (B, 3) or (1, 3), openness of the source's left and right eye and the one that is wanted; None leaves
            them.
        lips: (B, 2) or (1, 2), openness of the source's lips and the one that is wanted; None leaves them.

    Raises:
        ConfigError: a network for it was not imported.
    """
    source = model.points(identity, identity.motion)
    scale = (-motion.translation[:, 2]).exp()[:, None, None]
    for name, ratios in (("eye", eyes), ("lip", lips)):
        if ratios is not None:
            points = source.expand(len(ratios), *source.shape[1:])
            added = retargeted(network(model, name), points, ratios.to(source.device))
            motion = motion.with_expression(motion.expression + added / scale)
    return motion


def portrait_points(
    model: RelativeTalkingHead,
    identity: Identity,
    motion: HeadMotion,
    *,
    stitch: bool = True,
    strength: float = 1.0,
) -> Tensor:
    """Return the driving points (B, K, 3) of an identity in a motion.

    Args:
        model: whose.
        identity: one per frame, or of one person.
        motion: (B).
        stitch: keeps the shoulders where the source has them.
        strength: share of the motion that is shown; above 1 exaggerates.

    Raises:
        ConfigError: it is to be stitched and the network for it was not imported.
    """
    identity = identity.expand(len(motion))
    source = model.points(identity, identity.motion)
    driving = model.points(identity, motion)
    if stitch:
        driving = stitched(network(model, "stitching"), source, driving)
    return torch.lerp(source, driving, strength) if strength != 1 else driving


def network(model: RelativeTalkingHead, name: str) -> torch.nn.Module:
    """Return one of the small networks.

    Raises:
        ConfigError: it was not imported.
    """
    if name not in model.corrections:
        raise ConfigError(name, "wanted", "weights imported with stitching_retargeting_module")
    return model.corrections[name]
