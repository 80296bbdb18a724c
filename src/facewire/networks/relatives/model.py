"""A published model of one family as a `TalkingHead`: the same interface as our own, so that everything runs it.

    picture --appearance--> volume -------------------+
    picture --canonical---> x_c --+                   |      LivePortrait reads x_c, pose, t, s and delta
    picture --head--> R, t, delta-+--> x_s            |      with one network
    driving --head--> R, t, delta -----> x_d --painter(volume, x_d, x_s)--> picture

A HeadMotion holds the family's raw numbers: R is its A, delta is added before scaling, and where a scale is
estimated t_z, which moves nothing there, is minus its logarithm: what is further away is smaller. So one motion file,
one codec and one kind of relative motion do for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.networks.relatives.appearance import Appearance
from facewire.networks.relatives.canonical import Canonical
from facewire.networks.relatives.correction import Chain, stitched
from facewire.networks.relatives.decoders import ResidualDecoder, SpadeDecoder
from facewire.networks.relatives.extractor import Extractor
from facewire.networks.relatives.families import Family, family_of
from facewire.networks.relatives.head import HeadEstimator
from facewire.networks.relatives.motion_field import Pair
from facewire.networks.relatives.pose import expected_angle, placed, rotation
from facewire.networks.relatives.warping import Warping
from facewire.networks.relatives.zk import ZkAppearance, ZkCanonical, ZkDecoder, ZkHead, ZkMotionField
from facewire.networks.types import Identity, MotionField

SMALLEST_SCALE = 1e-3
"""Below it no logarithm is taken."""
CELLS_PER_SIDE = 4
"""Pixels of the picture that the networks read, per cell of the volume."""


class Painter(Protocol):
    """Volume and two sets of keypoints to a picture."""

    def __call__(self, volume: Tensor, pair: Pair, kept: int | Tensor | None) -> tuple[Tensor, MotionField]:
        """Return pictures (B, 3, H, W) and the field that moved them."""


class PlanePainter(nn.Module):
    """W and a decoder of planes."""

    def __init__(self, warping: Warping, decoder: SpadeDecoder | ResidualDecoder) -> None:
        super().__init__()
        self.warping, self.decoder, self.scale = warping, decoder, decoder.scale

    def forward(
        self, volume: Tensor, pair: Pair, kept: int | Tensor | None = None
    ) -> tuple[Tensor, MotionField]:
        plane, field = self.warping(volume, pair, kept)
        return self.decoder(plane), field


class ZkPainter(nn.Module):
    """M and G of ZK."""

    def __init__(self, field: ZkMotionField, decoder: ZkDecoder) -> None:
        super().__init__()
        self.field, self.decoder, self.scale = field, decoder, decoder.scale

    def forward(
        self, volume: Tensor, pair: Pair, kept: int | Tensor | None = None
    ) -> tuple[Tensor, MotionField]:
        field: MotionField = self.field(volume, pair, kept)
        return self.decoder(volume, field.flow, field.occlusion), field


class RelativeTalkingHead(nn.Module):
    """A model of any family.

    Args:
        family: its conventions.
        appearance: pictures to volumes.
        head: pictures to the raw numbers of a head.
        painter: volumes and keypoints to pictures.
        canonical: pictures to canonical points; None if the head network gives them as `kp`.
        corrections: stitching, lip and eye networks by name; those that were imported.
        side: of the pictures that the networks read; None is the family's own.
    """

    def __init__(
        self,
        family: Family,
        *,
        appearance: nn.Module,
        head: nn.Module,
        painter: PlanePainter | ZkPainter,
        canonical: nn.Module | None = None,
        corrections: Mapping[str, nn.Module] | None = None,
        side: int | None = None,
    ) -> None:
        super().__init__()
        self.family = family
        self.appearance, self.head, self.painter = appearance, head, painter
        self.canonical = canonical
        self.corrections = nn.ModuleDict(dict(corrections or {}))
        self.side = side or family.picture
        self.reduced: torch.dtype | None = None
        """What the networks compute in under autocast; None: as they are called. Coordinates stay float32."""

    @property
    def keypoints(self) -> int:
        """K."""
        return self.family.keypoints

    @property
    def resolution(self) -> int:
        """Side of the pictures that come out; what goes in may have any size and is reduced."""
        return self.side // CELLS_PER_SIDE * self.painter.scale

    def identity(self, image: Tensor) -> Identity:
        """Return what is kept of source pictures (B, 3, H, W), RGB in [0, 1]."""
        small = self._seen(image)
        with self._reducing(image):
            numbers = self.head(small)
            points = numbers["kp"].unflatten(1, (-1, 3)) if self.canonical is None else self.canonical(small)
            volume = self.appearance(small)
        return Identity((volume,), CanonicalKeypoints(points.float()), self._motion(numbers))

    def motion(self, image: Tensor) -> HeadMotion:
        """Return the head motion of pictures (B, 3, H, W), RGB in [0, 1]."""
        with self._reducing(image):
            numbers = self.head(self._seen(image))
        return self._motion(numbers)

    def points(self, identity: Identity, motion: HeadMotion) -> Tensor:
        """Return the keypoints (B, K, 3) of an identity in a motion."""
        return placed(identity.canonical.points, motion, self.family)

    def render(self, identity: Identity, motion: HeadMotion, kept: int | Tensor | None = None) -> Tensor:
        """Return pictures (B, 3, S, S) in [0, 1]; arguments as `TalkingHead.render`.

        Where a stitching network was imported, the shoulders stay the source's.
        """
        identity = identity.expand(len(motion))
        return self.render_points(identity, self.driven(identity, motion), motion.rotation, kept)

    def driven(self, identity: Identity, motion: HeadMotion) -> Tensor:
        """Return where the keypoints (B, K, 3) of an identity go in motions (B): stitched where that is possible."""
        identity = identity.expand(len(motion))
        driving = self.points(identity, motion)
        if "stitching" not in self.corrections:
            return driving
        return stitched(self.corrections["stitching"], self.points(identity, identity.motion), driving)

    def render_points(
        self, identity: Identity, driving: Tensor, rotation: Tensor, kept: int | Tensor | None = None
    ) -> Tensor:
        """Return pictures (B, 3, S, S) in [0, 1] of driving points (B, K, 3), stitched or not.

        Args:
            identity: one per frame.
            driving: where the keypoints go.
            rotation: how the driving heads are turned (B, 3, 3); only ZK looks at it.
            kept: how many of the ordered keypoints are known.
        """
        source = self.points(identity, identity.motion)
        pair = Pair(driving, source, rotation, identity.motion.rotation)
        (volume,) = identity.features
        with self._reducing(driving):
            picture, _ = self.painter(volume, pair, kept)
        shown: Tensor = picture.float().clamp(0, 1)
        return shown

    def _reducing(self, like: Tensor) -> AbstractContextManager[object]:
        """Return the number format that was chosen, as a context."""
        return nullcontext() if self.reduced is None else torch.autocast(like.device.type, self.reduced)

    def _motion(self, numbers: Mapping[str, Tensor]) -> HeadMotion:
        """Return the family's reading of the head network's numbers."""
        names = {"pitch": "pitch", "yaw": "yaw", "roll": "roll"}
        if self.family.swapped:
            names.update(yaw="roll", roll="yaw")
        angles = {name: expected_angle(numbers[layer], self.family) for name, layer in names.items()}
        translation = numbers["t"].float()
        if self.family.scaled:
            depth = -numbers["scale"].float().clamp_min(SMALLEST_SCALE).log()
            translation = torch.cat((translation[:, :2], depth), dim=1)
        expression = numbers["exp"].float().unflatten(1, (-1, 3))
        return HeadMotion(rotation(self.family.turns, angles), translation, expression)

    def _seen(self, image: Tensor) -> Tensor:
        """Return pictures as the networks read them."""
        size = (self.side, self.side)
        if image.shape[2:] == size:
            return image
        return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def build(config: Mapping[str, Any]) -> RelativeTalkingHead:
    """Return the model of a manifest's configuration: the family, and the sizes of each network.

    Raises:
        ConfigError: there is no such family.
    """
    family = family_of(str(config["family"]))
    sizes: dict[str, dict[str, Any]] = {name: dict(size) for name, size in config["sizes"].items()}
    side = config.get("side")
    if family.name == "zk":
        return RelativeTalkingHead(
            family,
            appearance=ZkAppearance(**sizes["appearance"]),
            canonical=ZkCanonical(**sizes["canonical"]),
            head=ZkHead(**sizes["head"]),
            painter=ZkPainter(ZkMotionField(**sizes["field"]), ZkDecoder(**sizes["decoder"])),
            side=side,
        )
    warping = Warping(**sizes["warping"], slope=family.slope, floor=family.mask_floor)
    spade = "plane" in sizes["decoder"]
    decoder = SpadeDecoder(**sizes["decoder"]) if spade else ResidualDecoder(**sizes["decoder"])
    own = family.name == "liveportrait"
    return RelativeTalkingHead(
        family,
        appearance=Appearance(**sizes["appearance"]),
        canonical=None if own else Canonical(**sizes["canonical"]),
        head=Extractor(**sizes["head"]) if own else HeadEstimator(**sizes["head"]),
        painter=PlanePainter(warping, decoder),
        corrections={name: Chain(**sizes[name]) for name in CORRECTIONS if name in sizes},
        side=side,
    )


CORRECTIONS = ("stitching", "lip", "eye")
