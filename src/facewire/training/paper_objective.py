"""The paper's losses, all together (spec section 4): P, G with feature matching, E, L, H and Delta.

H's teacher angles are the labelled poses of source and driving frame. As in the spec, E, L and Delta look at the
driving frame; the keypoints of the bent frame T(d) are placed from the source's canonical keypoints.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.data.pairs import PairBatch
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import place
from facewire.geometry.pose import angles_from_rotation
from facewire.geometry.transform import random_transform
from facewire.losses.adversarial import feature_matching, hinge_discriminator, hinge_generator
from facewire.losses.deformation_prior import deformation_prior
from facewire.losses.equivariance import jacobian_equivariance, keypoint_equivariance
from facewire.losses.head_pose import head_pose
from facewire.losses.keypoint_prior import keypoint_prior
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossReport, LossWeights, weighted_total
from facewire.networks.discriminator import Discriminator
from facewire.networks.face_vid2vid import FaceVid2Vid
from facewire.training.objective import Made, random_kept


class PaperObjective:
    """Computes the terms of a batch for F, L, H, Delta, M and G, and the critic's own loss."""

    def __init__(
        self,
        perceptual: PerceptualLoss,
        weights: LossWeights,
        critic: Discriminator,
        *,
        face: PerceptualLoss | None = None,
        drop_tail: float = 0.5,
    ) -> None:
        """`face` is the optional face network of the perceptual term."""
        self.perceptual, self.face, self.critic = perceptual, face, critic
        self.weights = weights.by_name()
        self.drop_tail = drop_tail

    def __call__(self, model: FaceVid2Vid, pair: PairBatch, generator: torch.Generator) -> tuple[LossReport, Made]:
        """Return the model's loss and the pictures of a batch."""
        source, driving = pair.source.image, pair.driving.image
        batch = source.shape[0]
        bend = random_transform(batch, generator, device=source.device)
        identity = model.identity(source)
        motion = model.motion(torch.cat((driving, bend.image(driving))))
        made = model.synthesis(identity, motion[:batch], random_kept(model.keypoints, batch, generator, self.drop_tail))
        bent = place(identity.canonical, motion[batch:])
        points = made.keypoints
        real, fake = self.critic(driving), self.critic(made.image)
        terms = {
            "perceptual": self._perceptual(made.image, driving),
            "adversarial": hinge_generator(fake),
            "feature_matching": feature_matching(real, fake),
            "equivariance": keypoint_equivariance(points, bent, bend),
            "keypoint_prior": keypoint_prior(points.points),
            "head_pose": _pose_term(identity.motion, made.motion, pair),
            "deformation_prior": deformation_prior(made.motion.expression),
        }
        if identity.canonical.jacobians is not None:
            terms["equivariance_jacobian"] = jacobian_equivariance(points, bent, bend)
        return weighted_total(terms, self.weights), Made(made.image)

    def critic_loss(self, pair: PairBatch, made: Made) -> Tensor:
        """Return the critic's hinge loss on the real driving frames and the made ones, detached."""
        return hinge_discriminator(self.critic(pair.driving.image), self.critic(made.image.detach()))

    def _perceptual(self, image: Tensor, target: Tensor) -> Tensor:
        term: Tensor = self.perceptual(image, target)
        return term if self.face is None else term + self.face(image, target)


def _pose_term(source: HeadMotion, driving: HeadMotion, pair: PairBatch) -> Tensor:
    rotation = torch.cat((source.rotation, driving.rotation))
    labels = torch.cat((pair.source.rotation, pair.driving.rotation))
    return head_pose(rotation, torch.stack(angles_from_rotation(labels), dim=-1))
