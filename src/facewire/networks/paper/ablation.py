"""The variants of the paper's ablation (Table 5), small enough for a CPU: one change each against `ablation-full`.

`ablation-fomm` is another method, the paper's strongest rival of its day (first-order motion model, Siarohin et al.
2019), made of the same parts: flat keypoints with 2x2 Jacobians found in every picture by itself, first-order flow
of a flat map, no head pose. Detector and dense motion network are those of the other variants (no inner skips).

`ablation-full` is the paper's model without Jacobians (its later revision) at 64x64. Its volume has 16 x 16 cells
where the paper's has 64 x 64, so its last convolutions see 3 cells along each axis instead of 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from facewire.networks.paper.config import PaperConfig

FULL = PaperConfig(
    resolution=64,
    keypoints=20,
    jacobians=False,
    depth=8,
    channels=8,
    base=16,
    levels=3,
    appearance_blocks=2,
    generator_blocks=2,
    detector_resolution=32,
    head_resolution=64,
    compressed=2,
    window=3,
)

ABLATION_PRESETS: Mapping[str, PaperConfig] = {
    "ablation-full": FULL,
    "ablation-15-keypoints": replace(FULL, keypoints=15),
    "ablation-10-keypoints": replace(FULL, keypoints=10),
    "ablation-5-keypoints": replace(FULL, keypoints=5),
    "ablation-jacobians": replace(FULL, jacobians=True),
    "ablation-direct": replace(FULL, composition="direct"),
    "ablation-2d-warp": replace(FULL, warp="2-D"),
    "ablation-fomm": replace(FULL, composition="direct", jacobians=True, warp="2-D"),
}
"""By name, in the order of the table."""
