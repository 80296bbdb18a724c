"""What a clip must be to be kept, and how clips are stored."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from facewire.base.config import to_dict
from facewire.base.errors import ConfigError

RATE = Fraction(25)
"""Frames per second of every clip; of a video with another rate the nearest frames are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """Settings of a preparation; shards made with other settings are other shards."""

    size: int = 256
    """Side of the clips in pixels, even."""
    least_seconds: float = 1.2
    most_seconds: float = 12.0
    """Longer takes are cut into equal pieces."""
    least_face: float = 0.43
    """Least height of the face (hairline to chin) in the source, as a share of `size`: 110 px for 256."""
    least_share: float = 0.38
    """Least height of the face as a share of the square; below it the square would have to follow the head."""
    most_missing: float = 0.05
    """Share of frames in which the face may be lost."""
    least_motion: float = 0.01
    """Movement within the face, as a share of its size, below which it is a still picture."""
    least_sharpness: float = 12.0
    """Variance of the Laplacian of grey levels (0 to 255) in the square, seen at 256 pixels whatever `size` is."""
    most_enlarged: float = 0.0
    """Most times that a square may be enlarged to become `size` pixels, 1 or more; 0 takes all."""
    darkest: float = 16.0
    """Least mean grey level of 255."""
    brightest: float = 240.0
    """Greatest mean grey level of 255."""
    least_bits: float = 0.0
    """Least bits per pixel and frame of the video file; 0 takes all. The paper kept high bit rates only."""
    val_share: float = 0.05
    """Share of identities that go to validation, where the list does not say."""
    seed: int = 1
    """Of the split."""
    crf: int = 18
    """x264 quality of the clips."""
    keyframe_every: int = 12
    """Frames between keyframes: a random frame costs at most so many decoded ones."""
    shard_bytes: int = 256 * 1024 * 1024
    """A shard is closed when it is larger than this."""

    def __post_init__(self) -> None:
        if self.size < 64 or self.size % 2:
            raise ConfigError("size", self.size, "an even number of 64 or more")
        if not 0 < self.least_seconds <= self.most_seconds:
            raise ConfigError("least_seconds", self.least_seconds, f"above 0, up to {self.most_seconds:g}")
        for name in ("val_share", "most_missing", "least_face", "least_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(name, getattr(self, name), "a share from 0 to 1")
        if 0 < self.most_enlarged < 1:
            raise ConfigError("most_enlarged", self.most_enlarged, "1 or more, or 0 to take all")
        if self.keyframe_every < 1 or self.shard_bytes < 1:
            raise ConfigError("keyframe_every", self.keyframe_every, "a whole number of 1 or more")
        for name, value in to_dict(self).items():
            if value < 0:
                raise ConfigError(name, value, "0 or more")

    @property
    def least_frames(self) -> int:
        """Frames of the shortest clip."""
        return round(self.least_seconds * RATE)

    @property
    def most_frames(self) -> int:
        """Frames of the longest clip."""
        return round(self.most_seconds * RATE)

    @property
    def least_face_px(self) -> float:
        """Least height of the face in pixels of the video."""
        return self.least_face * self.size
