"""compact-256: the paper's five steps, made to run live on a CPU.

    source image  -> F           -> features, volume          \\
    source image  -> L, H, Delta -> x_c, (R, t, delta)_s        > once per source (Identity)
    driving frame -> H, Delta    -> (R, t, delta)_d            HeadMotion: all that is ever sent
    x_c, motions  -> place       -> x_s, x_d
    x_s, x_d      -> M           -> masks, depth, occlusion    SurfaceField
    field, volume -> warp, G     -> frame      (openings.py tells G where mouth and eyes stand open)

What M, warp and G cost per frame and what L, H and Delta cost is tested in tests/networks/test_compact.py.
No Jacobians are estimated: J = R J_c cancels J_c in every flow (see geometry/flow.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.face.networks.matte import PersonMatte
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints, place
from facewire.geometry.warp import resize_flow
from facewire.networks.compact.background import complete
from facewire.networks.compact.config import CompactConfig
from facewire.networks.compact.field import CompactField, SurfaceField
from facewire.networks.compact.guides import BODY, GUIDES, MIRRORED, UNIT
from facewire.networks.compact.head_surface import HeadSurface
from facewire.networks.compact.image import CompactAppearance, CompactGenerator, GeneratedParts, unfolded
from facewire.networks.compact.motion import CompactMotion
from facewire.networks.compact.openings import eyes_turning_away, opening_maps
from facewire.networks.compact.strands import with_strands
from facewire.networks.composition import Candidate, Composition, Layers
from facewire.networks.sources import PERSON, PHOTO
from facewire.networks.types import Identity

PLAIN = CompactConfig()


class CompactFeatures(NamedTuple):
    """The features of an `Identity` by name; what a model does not make is not in it.

    image       (B, 3, 256, 256)     the source picture
    half        (B, 7, 128, 128)     and quarter (B, 12, 64, 64), volume (B, 16, 8, 32, 32): what G reads
    compressed  (B, 4, 64, 64)       what M reads
    matte       (B, 1, 256, 256)     share of the person in every pixel
    background  (B, 3, 256, 256)     what stands behind the person, completed where the person hides it
    """

    image: Tensor
    half: Tensor
    quarter: Tensor
    volume: Tensor
    compressed: Tensor
    matte: Tensor | None = None
    background: Tensor | None = None


@dataclass(frozen=True, slots=True)
class CompactSynthesis:
    """A frame and how it came about, for the losses and for larger pictures.

    image     (B, 3, 256, 256)
    parts     what the generator said
    openings  (B, 6, 128, 128)  where mouth and eyes stand open
    """

    image: Tensor
    parts: GeneratedParts
    openings: Tensor
    field: SurfaceField
    source: Keypoints
    driving: Keypoints

    @property
    def warped(self) -> Tensor:
        """The source picture along the visible surface, (B, 3, 256, 256)."""
        return self.parts.warped

    def composition(self) -> Composition:
        """Return how the frame is put together, for larger pictures."""
        moved = PHOTO if self.parts.matte is None else PERSON
        candidates = [
            Candidate(moved, self.field.surface()),
            Candidate(moved, self.field.head),
            Candidate(PHOTO, None),
        ]
        if self.parts.mirror:
            candidates.append(Candidate(PERSON, self.field.mirrored))
        shares = unfolded(self.shares())
        return Composition(tuple(candidates), shares, unfolded(self.parts.repair), self.openings)

    def shares(self) -> Tensor:
        """Return the shares of the candidates, four pixels of a square one behind the other, (B, N, 4, 128, 128).

        Head and mirror are one read at 256, and two pictures otherwise.
        """
        shares = self.parts.shares[:, :3]
        if not self.parts.mirror:
            return shares
        side = 2 * shares.shape[-1]
        there = (resize_flow(self.field.mirror, side, side).permute(0, 3, 1, 2) > 0).to(shares.dtype)
        mirrored = F.pixel_unshuffle(there, 2)[:, None]
        head = shares[:, 1:2]
        return torch.cat((shares[:, :1], head * (1 - mirrored), shares[:, 2:], head * mirrored), dim=1)


class CompactTalkingHead(nn.Module):
    """The compact model; the same interface as the paper's `FaceVid2Vid`."""

    resolution = 256

    def __init__(self, config: CompactConfig = PLAIN) -> None:
        super().__init__()
        self.config = config
        self.matte = PersonMatte().requires_grad_(False) if config.layers else None
        self.appearance = CompactAppearance()
        self.motion_reader = CompactMotion()
        surface = HeadSurface([guide.canonical for guide in GUIDES], UNIT)
        self.field = CompactField(self.motion_reader.keypoints, surface, BODY, mirrored=MIRRORED)
        self.generator = CompactGenerator(config)

    @property
    def keypoints(self) -> int:
        """K."""
        return self.motion_reader.keypoints

    def identity(self, image: Tensor) -> Identity:
        """Return what the receiver keeps of source pictures (B, 3, 256, 256); once per source."""
        canonical, motion = self.motion_reader(image)
        return self.identity_from(image, canonical, motion)

    def identity_from(self, image: Tensor, canonical: CanonicalKeypoints, motion: HeadMotion) -> Identity:
        """Return the identity when keypoints and motion of the pictures are known already."""
        return Identity((image, *self.appearance(image), *self.layers(image)), canonical, motion)

    @torch.no_grad()
    def matte_of(self, image: Tensor) -> Tensor:
        """Return the person's share (B, 1, H, W) of pictures (B, 3, H, W); of a model with layers."""
        assert self.matte is not None
        with torch.autocast(image.device.type, enabled=False):
            share: Tensor = self.matte(image.float())
            return share

    def layers(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return matte (B, 1, H, W) and background (B, 3, H, W) of source pictures; nothing of others."""
        if self.matte is None:
            return ()
        matte = with_strands(image.float(), self.matte_of(image))
        return matte, complete(image.float(), matte)

    def motion(self, image: Tensor) -> HeadMotion:
        """Return R, t and delta of driving frames (B, 3, H, W); all that a sender needs."""
        motion: HeadMotion = self.motion_reader(image)[1]
        return motion

    def read(self, image: Tensor) -> tuple[HeadMotion, Tensor]:
        """Return the motion of driving frames (B, 3, H, W) and the probability (B) that each shows a face."""
        landmarks, presence = self.motion_reader.reader(image)
        return self.motion_reader.from_landmarks(image, landmarks)[1], torch.sigmoid(presence)

    def render(self, identity: Identity, motion: HeadMotion, kept: Tensor | int | None = None) -> Tensor:
        """Return frames (B, 3, 256, 256) in [0, 1] of an identity in the given motion."""
        return self.synthesis(identity, motion, kept).image.clamp(0, 1)

    def composition(
        self, identity: Identity, motion: HeadMotion, kept: Tensor | int | None = None
    ) -> Composition:
        """Return how the frames that `render` returns are put together; arguments as there."""
        return self.synthesis(identity, motion, kept).composition()

    def synthesis(
        self, identity: Identity, motion: HeadMotion, kept: Tensor | int | None = None
    ) -> CompactSynthesis:
        """Return frames with keypoints, field and warped source.

        Args:
            identity: B identities, or one for all.
            motion: B motions.
            kept: how many of the ordered keypoints are present, one number or (B,); None means all.
        """
        batch = len(motion)
        if not isinstance(kept, Tensor):
            count = self.keypoints if kept is None else kept
            kept = torch.full((batch,), count, device=motion.rotation.device)
        identity = identity.expand(batch)
        image, half, quarter, volume, compressed, matte, background = CompactFeatures(*identity.features)
        source = place(identity.canonical, identity.motion)
        driving = place(identity.canonical, motion)
        field = self.field(compressed, source, driving, kept)
        with torch.autocast(image.device.type, enabled=False):
            openings = opening_maps(identity.canonical, source, driving, kept)
            away = eyes_turning_away(identity.canonical, source, driving, kept)
        layers = None if matte is None or background is None else Layers.of(image, matte, background)
        turned = (identity.motion.rotation[..., 2] * motion.rotation[..., 2]).sum(dim=-1)
        parts = self.generator(image, (half, quarter, volume), field, openings, layers, turned, away)
        return CompactSynthesis(parts.frame(), parts, openings, field, source, driving)
