"""What the compact model is trained on.

Few people, many faces to come: pose and landmarks supervise the motion from the first step, the flow on the
face is known at every landmark, and the pictures do the rest. Terms are unweighted; weights stand in
`CompactWeights` and are applied once.

    picture        L1 on the frame, eyes and mouth counted more, their insides most
    warped         L1 on the warped source picture: the flow must explain the frame by itself
    matte          the person that the flow moves covers what the driving frame's person covers (models with layers)
    perceptual     features of a frozen network, several scales (spec section 4, term 1)
    detail         the same at full size in the square around eyes and mouth: lids, irises, lips
    mouth          the same in the square around the lips: what opens is dark, teeth are light
    landmarks      guided keypoints lie on their landmarks when the driving motion moves the source
    flow           the composite flow at a driving landmark leads to the same landmark of the source
    pose           R against the labelled head pose (term 5)
    translation    t against the labelled head centre
    canonical      both frames of a person have the same canonical keypoints
    expression     |delta|, small (term 6)
    equivariance   keypoints follow a bent picture (term 3)
    prior          free keypoints keep apart from all others (term 4)
    turned         a head turned as free view turns it looks turned as far (turned_term.py)
    adversarial, feature_matching   the insides of mouths and eyes look real to a small critic (term 2)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.base.config import to_dict
from facewire.base.errors import ConfigError
from facewire.data.labels import LANDMARKS
from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.grid import image_grid
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.geometry.transform import PlaneTransform, random_transform
from facewire.geometry.warp import warp_image
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossReport, weighted_total
from facewire.networks.compact.guides import GUIDES
from facewire.networks.compact.model import CompactSynthesis, CompactTalkingHead
from facewire.networks.compact.motion import body_size, guided_points
from facewire.networks.compact.openings import CHANNELS as OPENING_CHANNELS
from facewire.networks.compact.openings import OPEN_EYES, OPEN_MOUTH
from facewire.networks.types import Identity
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.objective import Made, random_kept
from facewire.training.objectives.turn_and_return import turned_sources
from facewire.training.objectives.turned_term import turned_term


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactWeights:
    """Weight of every term, 0 or more; 0 switches a term off."""

    picture: float = 10.0
    warped: float = 4.0
    matte: float = 2.0
    perceptual: float = 1.5
    detail: float = 0.5
    mouth: float = 1.0
    landmarks: float = 20.0
    flow: float = 10.0
    pose: float = 5.0
    translation: float = 2.0
    canonical: float = 10.0
    expression: float = 10.0
    equivariance: float = 2.0
    prior: float = 1.0
    turned: float = 10.0
    adversarial: float = 0.1
    feature_matching: float = 0.5

    def __post_init__(self) -> None:
        for name, weight in to_dict(self).items():
            if not 0 <= weight < float("inf"):
                raise ConfigError(name, weight, "a finite number of 0 or more")


DETAIL_LANDMARKS = (*range(36, 68), 68, 73)
"""Lids, lips and irises."""
DETAIL_WEIGHT = 4.0
"""How much more a pixel on one of them counts."""
OPEN_WEIGHT = 12.0
"""The same for a pixel within an open mouth or eye: there are few, and nothing else teaches what they hold."""
DETAIL_VARIANCE = 0.0025
"""Of the spots around them, in squared picture units."""
DETAIL_MARGIN = 1.25
"""Side of the square around them, in extents of lids and lips."""
DETAIL_SIDE = 112
"""Its side in pixels: about as many as it has in the picture."""
LIPS = tuple(range(48, 68))
MOUTH_MARGIN = 1.5
MOUTH_SIDE = 80
"""The same for the square around the lips."""
RIM = 5
"""Side of the square of cells, of 128, that widens every cell of an opening before the critic sees it."""
CRITIC_BASE = 24
"""Channels of the first layer of its network."""
JUDGED_CHANNELS = 3 + OPENING_CHANNELS
FINE = ("lip", "lid", "iris")
"""Words in the names of keypoints that small movements happen at."""
FINE_LANDMARKS = 4.0
"""Weight of lids, lips and irises among the landmarks of the flow term."""
FINE_GUIDES = 3.0
"""Weight of those among the guided ones."""
LANDMARK_NOISE = 0.003
"""Standard deviation added to labelled landmarks (0.4 px of 256): what the landmark reader's own noise is."""
TURNED_SHARE = 0.4
"""Of the sources of a batch, those that are also turned without a second frame."""
APART = 0.02
"""Squared distance below which a free keypoint and another one repel."""


def guide_weights() -> Tensor:
    """Return the weight of every guided keypoint, mean 1."""
    weights = [FINE_GUIDES if any(word in guide.name for word in FINE) else 1.0 for guide in GUIDES]
    return torch.tensor(weights) / (sum(weights) / len(weights))


def fine_weights() -> Tensor:
    """Return the weight of every landmark in the flow term, mean 1: lids, lips and irises count most."""
    weight = torch.ones(LANDMARKS)
    weight[list(DETAIL_LANDMARKS)] = FINE_LANDMARKS
    return weight / weight.mean()


class CompactObjective:
    """Computes the terms of one batch."""

    def __init__(
        self,
        perceptual: PerceptualLoss,
        weights: CompactWeights,
        drop_tail: float = 0.5,
        critic: Critic | None = None,
    ) -> None:
        """With probability `drop_tail` a pair loses a random tail of its keypoints.

        The critic judges what `judged` returns; without one there is no adversarial term.
        """
        self.perceptual = perceptual
        self.detail = PerceptualLoss(perceptual.taps, weights=perceptual.weights, scales=1)
        self.critic = critic
        self.weights: dict[str, float] = to_dict(weights)
        self.drop_tail = drop_tail

    def __call__(
        self, model: CompactTalkingHead, pair: PairBatch, generator: torch.Generator
    ) -> tuple[LossReport, Made]:
        """Return the loss and the pictures of a batch."""
        source, driving = turned_sources(model, pair.source, pair.still, generator), pair.driving
        batch, device = len(source.image), source.image.device
        bend = random_transform(batch, generator, device=device)
        small = [body_size(frames.image) for frames in (source, driving)]
        landmarks = torch.cat((source.landmarks, driving.landmarks, _unbent(bend, driving.landmarks)))
        noise = LANDMARK_NOISE * torch.randn(landmarks.shape, generator=generator).to(device)
        canonical, motion = model.motion_reader.from_landmarks(
            torch.cat((*small, bend.image(small[1]))), landmarks + noise
        )
        rows = [slice(0, batch), slice(batch, 2 * batch), slice(2 * batch, 3 * batch)]
        own = [CanonicalKeypoints(canonical.points[row]) for row in rows]
        shown = CanonicalKeypoints(_free_only(own[0].points))
        identity = model.identity_from(source.image, shown, _for_pictures(motion[rows[0]]))
        kept = random_kept(model.keypoints, batch, generator, self.drop_tail, device)
        made = model.synthesis(identity, _for_pictures(motion[rows[1]]), kept)
        moved = place(own[0], motion[rows[1]])
        seen, bent = (place(own[row], motion[rows[row]]).points[..., :2] for row in (1, 2))
        some = slice(0, max(1, round(TURNED_SHARE * batch)))
        features = tuple(part[some] for part in identity.features)
        turned = Identity(features, CanonicalKeypoints(shown.points[some]), identity.motion[some])
        terms = {
            **self._picture_terms(made, driving),
            "turned": turned_term(model, turned, generator),
            **_field_terms(made, source, driving),
            "landmarks": _landmark_term(moved.points, driving),
            **_head_terms(motion[: 2 * batch], source, driving),
            "canonical": (own[0].points - own[1].points).abs().mean(),
            "expression": motion.expression[:, : len(GUIDES)].abs().mean(),
            "equivariance": (bend.points(bent) - seen).abs().mean(),
        }
        if made.parts.matte is not None:
            terms["matte"] = (made.parts.matte - model.matte_of(driving.image)).abs().mean()
        pictures = None
        if self.critic is not None and self.critic.judges:
            pictures = judged(made, driving)
            terms |= self.critic.model_terms(*pictures)
        return weighted_total(terms, self.weights), Made(made.image, made.warped, pictures)

    def _picture_terms(self, made: CompactSynthesis, driving: FrameBatch) -> dict[str, Tensor]:
        """Return the terms that compare pictures."""
        size = driving.image.shape[-1]
        grid = image_grid(size // 4, size // 4, device=driving.image.device)
        places = driving.landmarks[:, list(DETAIL_LANDMARKS)]
        spots = gaussian_maps(places, grid, DETAIL_VARIANCE).amax(dim=1, keepdim=True)
        weight = 1 + DETAIL_WEIGHT * _enlarged(spots, size)
        shown = weight + OPEN_WEIGHT * _enlarged(_inside(made), size)
        return {
            "picture": ((made.image - driving.image).abs() * shown).mean(),
            "warped": ((made.warped - driving.image).abs() * weight).mean(),
            "perceptual": self.perceptual(made.image, driving.image),
            "detail": self.detail(*(face_square(p, driving.landmarks) for p in (made.image, driving.image))),
            "mouth": self.detail(*(mouth_square(p, driving.landmarks) for p in (made.image, driving.image))),
        }


def face_square(image: Tensor, landmarks: Tensor) -> Tensor:
    """Return the square around eyes and mouth of pictures (B, 3, H, W), (B, 3, DETAIL_SIDE, DETAIL_SIDE)."""
    return _square(image, landmarks[:, list(DETAIL_LANDMARKS)], DETAIL_MARGIN, DETAIL_SIDE)


def mouth_square(image: Tensor, landmarks: Tensor) -> Tensor:
    """Return the square around the lips of pictures (B, 3, H, W), (B, 3, MOUTH_SIDE, MOUTH_SIDE)."""
    return _square(image, landmarks[:, list(LIPS)], MOUTH_MARGIN, MOUTH_SIDE)


def _square(image: Tensor, places: Tensor, margin: float, side: int) -> Tensor:
    """Return the square around places (B, N, 2), wider by a factor, as pictures of a side."""
    low, high = places.amin(dim=1), places.amax(dim=1)
    half = 0.5 * margin * (high - low).amax(dim=-1)
    grid = image_grid(side, side, device=image.device)
    return warp_image(image, (low + high)[:, None, None] / 2 + half[:, None, None, None] * grid)


def judged(made: CompactSynthesis, driving: FrameBatch) -> tuple[Tensor, Tensor]:
    """Return the insides of mouths and eyes, made and real, as the critic sees them: two (B, 3 + 6, side, side).

    Both show the real face; only what lies within an opening, and a rim around it, is made. Behind closed lips teeth
    are as likely as none: a distance from what was there teaches the grey between, a critic does not. The maps of the
    openings come along, so that it can tell what belongs where.
    """
    size = driving.image.shape[-1]
    share = _enlarged(F.max_pool2d(_inside(made), RIM, stride=1, padding=RIM // 2), size)
    patched = driving.image + share * (made.image - driving.image)
    maps = face_square(made.openings.detach(), driving.landmarks)
    first, second = (
        torch.cat((face_square(picture, driving.landmarks), maps), dim=1)
        for picture in (patched, driving.image)
    )
    return first, second


def _inside(made: CompactSynthesis) -> Tensor:
    """Return where mouth or eyes stand open, (B, 1, 128, 128) in [0, 1]."""
    return made.openings[:, [OPEN_MOUTH, OPEN_EYES]].sum(dim=1, keepdim=True)


def _enlarged(maps: Tensor, size: int) -> Tensor:
    """Return maps (B, 1, h, w) at the size of the picture."""
    return F.interpolate(maps, (size, size), mode="bilinear", align_corners=True)


def _field_terms(made: CompactSynthesis, source: FrameBatch, driving: FrameBatch) -> dict[str, Tensor]:
    """Return the terms on keypoints and on the flow at landmarks."""
    guided, points = len(GUIDES), made.driving.points
    surface = made.field.surface().permute(0, 3, 1, 2)
    flow = warp_image(surface, driving.landmarks[:, None])[:, :, 0].transpose(1, 2)
    squared = (points[:, :, None] - points[:, None]).square().sum(dim=-1)
    return {
        "flow": ((flow - source.landmarks).abs().mean(dim=-1) * fine_weights().to(flow.device)).mean(),
        "prior": F.relu(APART - squared).triu(1)[:, :, guided:].sum(dim=(1, 2)).mean(),
    }


def _landmark_term(points: Tensor, driving: FrameBatch) -> Tensor:
    """Return how far the guided ones of posed keypoints (B, K, 3) are from their landmarks."""
    error = (points[:, : len(GUIDES), :2] - guided_points(driving.landmarks)).abs().mean(dim=-1)
    return (error * guide_weights().to(error.device)).mean()


def _for_pictures(motion: HeadMotion) -> HeadMotion:
    """Return the motion as the picture terms may see it: only the free keypoints learn from pictures.

    Pictures do not care how a landmark's place is divided between R x_c + t and delta. Left to them, the depths of
    the canonical keypoints drift and the head falls apart when the receiver turns it (docs/lab).
    """
    return HeadMotion(motion.rotation.detach(), motion.translation.detach(), _free_only(motion.expression))


def _free_only(points: Tensor) -> Tensor:
    """Return keypoints (B, K, 3) with gradients for the free ones alone."""
    guided = len(GUIDES)
    return torch.cat((points[:, :guided].detach(), points[:, guided:]), dim=1)


def _head_terms(motion: HeadMotion, source: FrameBatch, driving: FrameBatch) -> dict[str, Tensor]:
    """Return the terms on the head poses of all source, then all driving frames."""
    rotation = torch.cat((source.rotation, driving.rotation))
    centre = torch.cat((source.translation, driving.translation))
    return {
        "pose": (motion.rotation - rotation).abs().sum(dim=(1, 2)).mean(),
        "translation": (motion.translation - centre).abs().mean(),
    }


def _unbent(bend: PlaneTransform, landmarks: Tensor) -> Tensor:
    """Return where landmarks (B, N, 2) of a picture lie in its bent version: T^-1, by fixed-point steps."""
    found = landmarks
    for _ in range(4):
        found = found - (bend.points(found) - landmarks)
    return found
