"""LivePortrait's small networks on keypoints: stitching, lips and eyes; always in float32."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facewire.base.errors import ShapeError
from facewire.geometry.precision import unreduced


class Chain(nn.Module):
    """Linear layers with ReLUs between; `widths` from input to output."""

    def __init__(self, *, widths: Sequence[int]) -> None:
        super().__init__()
        self.mlp = nn.Sequential()
        for number, (a, b) in enumerate(itertools.pairwise(widths)):
            self.mlp.add_module(str(2 * number), nn.Linear(a, b))
            if number < len(widths) - 2:
                self.mlp.add_module(str(2 * number + 1), nn.ReLU())
        self.inputs = widths[0]

    def forward(self, *parts: Tensor) -> Tensor:
        """Return (B, outputs) of parts (B, ...) that are flattened and joined.

        Raises:
            ShapeError: they are not as many numbers as the network takes.
        """
        joined = torch.cat([part.flatten(1) for part in parts], dim=1)
        if joined.shape[1] != self.inputs:
            raise ShapeError("inputs", f"(B, {self.inputs})", joined.shape)
        with unreduced(joined):
            out: Tensor = self.mlp(joined.float())
        return out


STITCHING = (126, 128, 128, 64, 65)
LIP = (65, 128, 128, 64, 63)
EYE = (66, 256, 256, 128, 128, 64, 63)


def stitched(network: nn.Module, source: Tensor, driving: Tensor) -> Tensor:
    """Return driving points (B, K, 3) moved so that the shoulders stay those of the source points (B, K, 3)."""
    delta: Tensor = network(source, driving)
    count = driving.shape[1]
    moved = driving + delta[:, : 3 * count].unflatten(1, (count, 3))
    plane = torch.nn.functional.pad(delta[:, 3 * count :], (0, 1))
    shifted: Tensor = moved + plane[:, None]
    return shifted


def retargeted(network: nn.Module, source: Tensor, ratios: Tensor) -> Tensor:
    """Return what to add to points so that eyes or lips open as `ratios` (B, n) say, (B, K, 3)."""
    delta: Tensor = network(source, ratios)
    return delta.view_as(source)
