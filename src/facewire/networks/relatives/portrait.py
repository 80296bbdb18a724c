"""LivePortrait at its best: which parts of a face are animated, stitching, eyes and lips, on keypoints.

    motion carried over -> region -> eyes and lips -> stitching -> strength

Unlike in the original, eyes and lips are opened on top of the driven motion instead of in its place, and before
stitching, so that what they change is stitched too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.relatives.correction import retargeted, stitched
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.types import Identity

LIP = (6, 12, 14, 17, 19, 20)
EYES = (11, 13, 15, 16, 18)
REGIONS = ("all", "exp", "pose", "lip", "eyes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What is done to the points of a frame.

    eyes    (B, 3) openness of the source's left and right eye and the one that is wanted; None leaves them
    lips    (B, 2) openness of the source's lips and the one that is wanted; None leaves them
    """

    stitch: bool = True
    eyes: Tensor | None = None
    lips: Tensor | None = None
    strength: float = 1.0
    """Share of the motion that is shown; above 1 exaggerates."""


def in_region(moved: HeadMotion, source: HeadMotion, region: str) -> HeadMotion:
    """Return relative motion (B) of one region of the face only; the rest stays the source's (1).

    Raises:
        ConfigError: the region is none of REGIONS.
    """
    if region not in REGIONS:
        raise ConfigError("region", region, ", ".join(REGIONS))
    own = source.expand(len(moved))
    expression = moved.expression
    if region == "pose":
        expression = own.expression
    elif region in ("lip", "eyes"):
        points = list(LIP if region == "lip" else EYES)
        expression = own.expression.clone()
        expression[:, points] = moved.expression[:, points]
    if region == "all":
        return moved
    rotation = moved.rotation if region == "pose" else own.rotation
    plane = moved.translation if region == "pose" else own.translation
    translation = torch.cat((plane[:, :2], own.translation[:, 2:]), dim=1)
    return replace(moved, rotation=rotation, translation=translation, expression=expression)


def portrait_points(
    model: RelativeTalkingHead, identity: Identity, motion: HeadMotion, wanted: Portrait
) -> Tensor:
    """Return the driving points (B, K, 3) of an identity in a motion with everything that is wanted.

    Raises:
        ConfigError: a network for it was not imported.
    """
    identity = identity.expand(len(motion))
    source = model.points(identity, identity.motion)
    driving = model.points(identity, motion)
    for name, ratios in (("eye", wanted.eyes), ("lip", wanted.lips)):
        if ratios is not None:
            driving = driving + retargeted(_network(model, name), source, ratios)
    if wanted.stitch:
        driving = stitched(_network(model, "stitching"), source, driving)
    return source + (driving - source) * wanted.strength


def _network(model: RelativeTalkingHead, name: str) -> torch.nn.Module:
    if name not in model.corrections:
        raise ConfigError(name, "wanted", "weights imported with stitching_retargeting_module")
    return model.corrections[name]
