"""Eyes and lips of LivePortrait, opened as wanted, as head motions.

    motion carried over -> eyes and lips opened -> placed -> stitched (model.py)

Unlike in the original, eyes and lips are opened on top of the driven motion instead of in its place, and before
stitching, so that what they change is stitched too. What opens them is a shift of keypoints, which is a change of
delta in s (A x_c + delta) + t: so it goes wherever a motion goes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.relatives.correction import retargeted
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity


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


def network(model: RelativeTalkingHead, name: str) -> torch.nn.Module:
    """Return one of the small networks.

    Raises:
        ConfigError: it was not imported.
    """
    if name not in model.corrections:
        raise ConfigError(name, "wanted", "weights imported with stitching_retargeting_module")
    return model.corrections[name]
