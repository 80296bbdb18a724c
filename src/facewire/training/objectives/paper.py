"""The paper's losses, all together (spec section 4): P, G with feature matching, E, L, H and Delta.

H's teacher angles are the labelled poses of source and driving frame. As in the spec, E, L and Delta look at
the driving frame; the keypoints of the bent frame T(d) are placed from the source's canonical keypoints.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.data.pairs import PairBatch
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import place
from facewire.geometry.pose import angles_from_rotation
from facewire.geometry.transform import PlaneTransform, random_transform
from facewire.losses.deformation_prior import deformation_prior
from facewire.losses.equivariance import jacobian_equivariance, keypoint_equivariance
from facewire.losses.head_pose import head_pose
from facewire.losses.keypoint_prior import keypoint_prior
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossReport, LossWeights, weighted_total
from facewire.networks.paper.face_vid2vid import FaceVid2Vid
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.objective import Made, random_kept


class PaperObjective:
    """Computes the terms of a batch for F, L, H, Delta, M and G."""

    def __init__(
        self,
        perceptual: PerceptualLoss,
        weights: LossWeights,
        critic: Critic,
        *,
        face: PerceptualLoss | None = None,
        drop_tail: float = 0.5,
    ) -> None:
        """Take the frozen networks, all on the model's device.

        Args:
            perceptual: the perceptual term.
            weights: of every term.
            critic: learns along.
            face: the optional face network of the perceptual term.
            drop_tail: probability that a pair loses a random tail of its keypoints.
        """
        self.perceptual, self.face = perceptual, face
        self.critic: Critic | None = critic
        self.weights = weights.by_name()
        self.drop_tail = drop_tail
        self.motion_only = False
        """Whether pictures are left out; the learner says when."""

    def __call__(
        self, model: FaceVid2Vid, pair: PairBatch, generator: torch.Generator
    ) -> tuple[LossReport, Made]:
        """Return the model's loss and the pictures of a batch."""
        source, driving = pair.source.image, pair.driving.image
        batch = len(source)
        bend = random_transform(batch, generator, device=source.device)
        if self.motion_only:
            terms = _motion_terms(model, pair, bend)
            return weighted_total(terms, self.weights), Made(source)
        kept = random_kept(model.keypoints, batch, generator, self.drop_tail, source.device)
        identity = model.identity(source)
        motion = model.motion(torch.cat((driving, bend.image(driving))))
        made = model.synthesis(identity, motion[:batch], kept)
        bent = place(identity.canonical, motion[batch:])
        points = made.keypoints
        terms = {
            "perceptual": self._perceptual(made.image, driving),
            "equivariance": keypoint_equivariance(points, bent, bend),
            "keypoint_prior": keypoint_prior(points.points),
            "head_pose": _pose_term(identity.motion, made.motion, pair),
            "deformation_prior": deformation_prior(made.motion.expression),
        }
        judged = None
        if self.critic is not None and self.critic.judges:
            judged = (made.image, driving)
            terms |= self.critic.model_terms(*judged)
        if identity.canonical.jacobians is not None or made.motion.jacobians is not None:
            terms["equivariance_jacobian"] = jacobian_equivariance(points, bent, bend)
        return weighted_total(terms, self.weights), Made(made.image, judged=judged)

    def _perceptual(self, image: Tensor, target: Tensor) -> Tensor:
        term: Tensor = self.perceptual(image, target)
        return term if self.face is None else term + self.face(image, target)


def _motion_terms(model: FaceVid2Vid, pair: PairBatch, bend: PlaneTransform) -> dict[str, Tensor]:
    """Return the terms that need no picture; E, L and Delta with one person's canonical keypoints for all."""
    source, driving = pair.source.image, pair.driving.image
    batch = len(source)
    canonical = model.canonical(source[:1]).expand(batch)
    motion = model.motion(torch.cat((source, driving, bend.image(driving))))
    read, seen, bent = (motion[part * batch : (part + 1) * batch] for part in range(3))
    points = place(canonical, seen)
    return {
        "equivariance": keypoint_equivariance(points, place(canonical, bent), bend),
        "keypoint_prior": keypoint_prior(points.points),
        "head_pose": _pose_term(read, seen, pair),
        "deformation_prior": deformation_prior(seen.expression),
    }


def _pose_term(source: HeadMotion, driving: HeadMotion, pair: PairBatch) -> Tensor:
    """Return term H of source and driving frames together."""
    rotation = torch.cat((source.rotation, driving.rotation))
    labels = torch.cat((pair.source.rotation, pair.driving.rotation))
    return head_pose(rotation, torch.stack(angles_from_rotation(labels), dim=-1))
