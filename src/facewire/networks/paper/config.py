"""Settings of the paper's networks, and the named presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from facewire.base import config as strict
from facewire.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperConfig:
    """Sizes of F, L, H, Delta, M, G and D (spec section 2); the defaults are the paper's at 256x256."""

    resolution: int = 256
    """Height and width of source, driving and rendered pictures, pixels: 64, 128, 256 or 512."""
    keypoints: int = 20
    """K, the number of canonical keypoints, 1 to 64."""
    jacobians: bool = True
    """Estimate a Jacobian per keypoint (the paper's first version); off is its later revision, J = R."""
    depth: int = 16
    """D, cells of the appearance volume along z, 2 to 64."""
    channels: int = 32
    """C of the appearance volume, 4 to 128."""
    base: int = 64
    """Channels of the first layer of every network; all other widths are multiples of it: 4 to 128."""
    levels: int = 5
    """Down and up steps of L and of M's U-Net, 1 to 6."""
    appearance_blocks: int = 6
    """ResBlock3D in F, 0 to 12."""
    generator_blocks: int = 6
    """ResBlock2D in G, 0 to 12."""
    detector_resolution: int = 64
    """Side to which pictures are reduced for L, pixels; at most `resolution`."""
    head_resolution: int = 256
    """Side to which larger pictures are reduced for H and Delta, pixels; at least 64."""
    temperature: float = 0.1
    """Of the softmax that makes L's heat maps, above 0."""
    compressed: int = 4
    """Channels of the volume that M warps K + 1 times, 1 to 16."""
    generator_spectral_norm: bool = True
    """Spectral normalisation of every convolution of G (D always has it)."""
    discriminator_scales: int = 1
    """Picture sizes that D judges, 1 to 3."""
    window: int = 7
    """Cells that the last convolutions of L and M see along each axis, odd, 1 to 7."""
    composition: Literal["two-step", "direct"] = "two-step"
    """direct (ablation): L finds the final keypoints of every picture, with Jacobians also their local frames; see
    direct_motion.py."""
    warp: Literal["3-D", "2-D"] = "3-D"
    """2-D (ablation): the same numbers as one flat map, moved by keypoints without their depth."""

    def __post_init__(self) -> None:
        if self.resolution not in (64, 128, 256, 512):
            raise ConfigError("resolution", self.resolution, "64, 128, 256 or 512")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(name, getattr(self, name), f"{low} to {high}")
        if self.base % 4:
            raise ConfigError("base", self.base, "a multiple of 4 (bottlenecks use a quarter)")
        step = 2**self.levels
        if self.detector_resolution % step or self.detector_resolution > self.resolution:
            raise ConfigError(
                "detector_resolution", self.detector_resolution, f"a multiple of {step} up to resolution"
            )
        if self.raster % step:
            raise ConfigError(
                "levels", self.levels, f"so few that resolution / 4 = {self.raster} can be halved"
            )
        if not self.temperature > 0:
            raise ConfigError("temperature", self.temperature, "a number above 0")
        if self.window % 2 == 0:
            raise ConfigError("window", self.window, "an odd number, so that it has a centre")

    @property
    def volume_depth(self) -> int:
        """Cells of what is warped along z."""
        return 1 if self.warp == "2-D" else self.depth

    @property
    def volume_channels(self) -> int:
        """Channels of what is warped; a flat map keeps its depth as channels."""
        return self.channels * self.depth // self.volume_depth

    @property
    def detector_depth(self) -> int:
        """Cells along z of L's heat maps: flat where keypoints are found directly and warp flat maps."""
        return 1 if self.composition == "direct" and self.warp == "2-D" else self.depth

    @property
    def raster(self) -> int:
        """Height and width of the appearance volume in cells: a quarter of the picture's."""
        return self.resolution // 4

    def encoder_widths(self) -> tuple[int, ...]:
        """Channels after each down step of L and M: 64, 128, 256, 512, 1024."""
        return tuple(self.base * 2**level for level in range(self.levels))

    def decoder_widths(self) -> tuple[int, ...]:
        """Channels after each up step of L and M: 512, 256, 128, 64, 32."""
        return tuple(self.base * 2**level // 2 for level in reversed(range(self.levels)))


_RANGES = {
    "keypoints": (1, 64),
    "depth": (2, 64),
    "channels": (4, 128),
    "base": (4, 128),
    "levels": (1, 6),
    "appearance_blocks": (0, 12),
    "generator_blocks": (0, 12),
    "detector_resolution": (2, 512),
    "head_resolution": (64, 512),
    "compressed": (1, 16),
    "discriminator_scales": (1, 3),
    "window": (1, 7),
}

PAPER_PRESETS: Mapping[str, PaperConfig] = {
    "paper-256": PaperConfig(),
    "paper-512": PaperConfig(resolution=512, discriminator_scales=2),
    "paper-128": PaperConfig(
        resolution=128,
        depth=8,
        channels=16,
        base=16,
        levels=4,
        appearance_blocks=3,
        generator_blocks=4,
        detector_resolution=32,
        head_resolution=64,
        compressed=2,
        window=3,
    ),
    "tiny": PaperConfig(
        resolution=64,
        keypoints=5,
        depth=4,
        channels=8,
        base=4,
        levels=3,
        appearance_blocks=1,
        generator_blocks=1,
        detector_resolution=32,
        head_resolution=64,
    ),
}
"""By name: the paper at both sizes, the same classes narrow for two CPU cores, and tiny for tests."""


def to_dict(config: PaperConfig) -> dict[str, Any]:
    """Return the settings as a dictionary that JSON can hold."""
    return strict.to_dict(config)


def from_dict(data: Mapping[str, Any]) -> PaperConfig:
    """Return the settings of a dictionary.

    Raises:
        ConfigError: a name is unknown, a value has the wrong type or is out of range.
    """
    return strict.from_dict(PaperConfig, data)
