"""What the compact model is trained on.

Few people, many faces to come: pose and landmarks supervise the motion from the first step, the flow on the
face is known at every landmark, and the pictures do the rest. Terms are unweighted; weights stand in
`CompactWeights` and are applied once.

    picture        L1 on the frame, eyes and mouth counted more
    warped         L1 on the warped source picture: the flow must explain the frame by itself
    perceptual     features of a frozen network, several scales (spec section 4, term 1)
    landmarks      guided keypoints lie on their landmarks, in source, driving and composed motion
    flow           the composite flow at a driving landmark leads to the same landmark of the source
    depth          the visible surface passes through the guided keypoints
    pose           R against the labelled head pose (term 5), t against the labelled head centre
    canonical      both frames of a person have the same canonical keypoints
    expression     |delta|, small (term 6)
    equivariance   keypoints follow a bent picture (term 3)
    prior          keypoints keep apart (term 4)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.grid import image_grid
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.keypoints import CanonicalKeypoints, Keypoints, place
from facewire.geometry.transform import random_transform
from facewire.geometry.warp import warp_image
from facewire.base.config import to_dict
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossReport, weighted_total
from facewire.networks.compact import CompactSynthesis, CompactTalkingHead
from facewire.networks.compact_motion import GUIDES, reading_size
from facewire.training.objective import Made, random_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactWeights:
    """Weight of every term."""

    picture: float = 10.0
    warped: float = 4.0
    perceptual: float = 1.5
    landmarks: float = 20.0
    flow: float = 10.0
    depth: float = 3.0
    pose: float = 5.0
    translation: float = 2.0
    canonical: float = 5.0
    expression: float = 0.5
    equivariance: float = 2.0
    prior: float = 1.0


DETAIL_LANDMARKS = (*range(36, 68), 68, 73)
"""Lids, lips and irises."""
DETAIL_WEIGHT = 4.0
DETAIL_VARIANCE = 0.0025
FINE_GUIDES = 3.0
"""Weight of lip, lid and iris keypoints among the guided ones."""
APART = 0.02
"""Squared distance below which two free keypoints repel."""


def guided_targets(landmarks: Tensor) -> Tensor:
    """Return where the guided keypoints should lie, (B, guided, 2), of labels (B, 78, 2)."""
    return torch.stack([landmarks[:, list(guide.landmarks)].mean(dim=1) for guide in GUIDES], dim=1)


def guide_weights() -> Tensor:
    """Return the weight of every guided keypoint, mean 1."""
    fine = torch.tensor([FINE_GUIDES if ("li" in g.name or "iris" in g.name) else 1.0 for g in GUIDES])
    return fine / fine.mean()


class CompactObjective:
    """Computes the terms of one batch."""

    def __init__(self, perceptual: PerceptualLoss, weights: CompactWeights, drop_tail: float = 0.5) -> None:
        """With probability `drop_tail` a pair loses a random tail of its keypoints."""
        self.perceptual = perceptual
        self.weights: dict[str, float] = to_dict(weights)
        self.drop_tail = drop_tail
        self.guides = guide_weights()

    def __call__(
        self, model: CompactTalkingHead, pair: PairBatch, generator: torch.Generator
    ) -> tuple[LossReport, Made]:
        """Return the loss and the pictures of a batch."""
        source, driving = pair.source, pair.driving
        batch = source.image.shape[0]
        bend = random_transform(batch, generator, device=source.image.device)
        read = [reading_size(frames.image) for frames in (source, driving)]
        canonical, motion = model.motion_reader(torch.cat((*read, bend.image(read[1]))))
        rows = [slice(0, batch), slice(batch, 2 * batch), slice(2 * batch, 3 * batch)]
        own = [CanonicalKeypoints(canonical.points[row]) for row in rows]
        identity = model.identity_from(source.image, own[0], motion[rows[0]])
        kept = random_kept(model.keypoints, batch, generator, self.drop_tail)
        made = model.synthesis(identity, motion[rows[1]], kept)
        seen = place(own[1], motion[rows[1]])
        seen_bent = place(own[2], motion[rows[2]])
        terms = self._picture_terms(made, driving)
        terms |= self._motion_terms(made, seen, source, driving)
        poses = motion.rotation[: 2 * batch]
        labels = torch.cat((source.rotation, driving.rotation))
        terms["pose"] = (poses - labels).abs().sum(dim=(1, 2)).mean()
        centres = torch.cat((source.translation, driving.translation))
        terms["translation"] = (motion.translation[: 2 * batch] - centres).abs().mean()
        terms["canonical"] = (own[0].points - own[1].points).abs().mean()
        terms["expression"] = motion.expression.abs().mean()
        terms["equivariance"] = (bend.points(seen_bent.points[..., :2]) - seen.points[..., :2]).abs().mean()
        return weighted_total(terms, self.weights), Made(made.image, made.warped)

    def _picture_terms(self, made: CompactSynthesis, driving: FrameBatch) -> dict[str, Tensor]:
        size = driving.image.shape[-1]
        grid = image_grid(size // 4, size // 4)
        spots = gaussian_maps(driving.landmarks[:, list(DETAIL_LANDMARKS)], grid, DETAIL_VARIANCE).amax(1, True)
        weight = 1 + DETAIL_WEIGHT * F.interpolate(spots, (size, size), mode="bilinear", align_corners=True)
        return {
            "picture": ((made.image - driving.image).abs() * weight).mean(),
            "warped": ((made.warped - driving.image).abs() * weight).mean(),
            "perceptual": self.perceptual(made.image, driving.image),
        }

    def _motion_terms(
        self, made: CompactSynthesis, seen: Keypoints, source: FrameBatch, driving: FrameBatch
    ) -> dict[str, Tensor]:
        guided = len(GUIDES)
        here, there = guided_targets(source.landmarks), guided_targets(driving.landmarks)
        errors = [
            (points.points[:, :guided, :2] - target).abs().mean(-1)
            for points, target in ((made.source, here), (seen, there), (made.driving, there))
        ]
        landmarks = (torch.stack(errors).mean(0) * self.guides).mean()
        at = driving.landmarks[:, None]
        flow = warp_image(made.field.surface().permute(0, 3, 1, 2), at)[:, :, 0].transpose(1, 2)
        depth = warp_image(made.field.depth.permute(0, 3, 1, 2), made.driving.points[:, None, :guided, :2].detach())
        surface = depth[:, 0, 0] - made.driving.points[:, :guided, 2].detach()
        free = made.driving.points[:, :, None] - made.driving.points[:, None]
        near = F.relu(APART - free.square().sum(-1)).triu(1)[:, :, guided:].sum(dim=(1, 2)).mean()
        return {
            "landmarks": landmarks,
            "flow": (flow - source.landmarks).abs().mean(),
            "depth": surface.abs().mean(),
            "prior": near,
        }
