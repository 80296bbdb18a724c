"""THE MAIN PATH: how one source photo and a driving frame become a picture (paper Fig. 3; spec section 1).

    source photo --F---------> volume f_s -----------------------------+
    source photo --L---------> x_c --------------+                     |
    source photo --H, Delta--> (R, t, delta)_s --+--> x_s --+          |     Identity: once per source
    ---------------------------------------------|----------|----------|---------------------------------
    driving frame --H, Delta-> (R, t, delta)_d --+--> x_d --+          |     once per frame
                               HeadMotion: all       place  |          |
                               that is ever sent            +--M--> flow w, occlusion o
                                                                       |
                                                        warp(f_s, w) --+--G--> picture

    sizes at 256x256, K = 20: f_s 32 x 16 x 64 x 64; x 20 x 3; R 3 x 3; t 3; delta 20 x 3; w 16 x 64 x 64 x 3;
    o 1 x 64 x 64; picture 3 x 256 x 256

Read next: networks/paper/motion_field.py, then geometry/ (keypoints.py, flow.py, warp.py).
"""

from __future__ import annotations

from torch import Tensor, nn

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.geometry.warp import warp_volume
from facewire.networks.paper.appearance import AppearanceExtractor
from facewire.networks.paper.canonical import CanonicalDetector
from facewire.networks.paper.config import PaperConfig
from facewire.networks.paper.direct_motion import DirectMotion, NoCanonical
from facewire.networks.paper.generator import Generator
from facewire.networks.paper.head import HeadMotionEstimator
from facewire.networks.paper.motion_field import MotionFieldEstimator
from facewire.networks.types import Identity, MotionField, Synthesis


class FaceVid2Vid(nn.Module):
    """The paper's model, composed of its built parts; a `TalkingHead`."""

    def __init__(
        self,
        *,
        appearance: AppearanceExtractor,
        canonical: CanonicalDetector | NoCanonical,
        head: HeadMotionEstimator | DirectMotion,
        motion_field: MotionFieldEstimator,
        generator: Generator,
        resolution: int,
    ) -> None:
        super().__init__()
        self.appearance = appearance
        self.canonical = canonical
        self.head = head
        self.motion_field = motion_field
        self.generator = generator
        self.resolution = resolution

    @property
    def keypoints(self) -> int:
        """K."""
        return self.head.keypoints

    def identity(self, image: Tensor) -> Identity:
        """Return what is kept of source pictures (B, 3, H, W), RGB in [0, 1]; once per source."""
        volume: Tensor = self.appearance(image)
        canonical: CanonicalKeypoints = self.canonical(image)
        return Identity((volume,), canonical, self.motion(image))

    def motion(self, image: Tensor) -> HeadMotion:
        """Return the head motion of pictures (B, 3, H, W), RGB in [0, 1]; once per driving frame."""
        motion: HeadMotion = self.head(image)
        return motion

    def render(self, identity: Identity, motion: HeadMotion, kept: int | Tensor | None = None) -> Tensor:
        """Return pictures (B, 3, H, W), RGB in [0, 1].

        Args:
            identity: one source for all frames, or one per frame.
            motion: B driving motions.
            kept: how many of the ordered keypoints are known, one number or (B,); None is all.
        """
        return self.synthesis(identity, motion, kept).image

    def synthesis(
        self, identity: Identity, motion: HeadMotion, kept: int | Tensor | None = None
    ) -> Synthesis:
        """Return pictures with everything that the losses look at; arguments as `render`."""
        identity = identity.expand(len(motion))
        (volume,) = identity.features
        driving = place(identity.canonical, motion)
        field: MotionField = self.motion_field(volume, identity.keypoints, driving, kept)
        warped = warp_volume(volume, field.flow)
        image = self.generator(warped, field.occlusion)
        return Synthesis(image, driving, motion, field)

    def forward(self, source: Tensor, driving: Tensor, kept: int | Tensor | None = None) -> Synthesis:
        """Return what training needs of pairs of pictures (B, 3, H, W), RGB in [0, 1]."""
        return self.synthesis(self.identity(source), self.motion(driving), kept)


def build(config: PaperConfig) -> FaceVid2Vid:
    """Return the model of a configuration, freshly initialised from torch's global generator."""
    direct = config.composition == "direct"
    return FaceVid2Vid(
        appearance=AppearanceExtractor(config),
        canonical=NoCanonical(config) if direct else CanonicalDetector(config),
        head=DirectMotion(config) if direct else HeadMotionEstimator(config),
        motion_field=MotionFieldEstimator(config),
        generator=Generator(config),
        resolution=config.resolution,
    )
