"""A convolution over doubled maps as one over the maps themselves, with 4/9 of the multiplications.

Nearest doubling shows a 3 x 3 window only 2 x 2 different cells. Per axis an even row sees cells i - 1, i, i and an
odd one i, i, i + 1, so three weights become two:

    even   w0 x[i-1] + (w1 + w2) x[i]          odd   (w0 + w1) x[i] + w2 x[i+1]

which together are a transposed convolution of 4 x 4 with stride 2. Zeros beyond the border stay zeros, so borders are
exact too. Where plain convolutions are faster, it is one of 2 x 2 that makes the four cells of each square as maps.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.fx import Node

aten = torch.ops.aten

STRIDE, PADDING = [2, 2], [1, 1]
"""Of the transposed convolution."""


def is_doubling(node: object) -> bool:
    """Return whether a node repeats every cell of its maps twice along both sides."""
    return (
        isinstance(node, Node)
        and node.target is aten.upsample_nearest2d.vec
        and node.args[1] is None
        and node.args[2] == [2.0, 2.0]
    )


def is_plain_3x3(convolution: Node, weight: Tensor) -> bool:
    """Return whether a convolution has 3 x 3 windows at every cell, one cell of zeros around, and no groups."""
    defaults = ([1, 1], [0, 0], [1, 1], 1)
    settings = (*convolution.args[3:], *defaults[max(0, len(convolution.args) - 3) :])
    return weight.shape[2:] == (3, 3) and [*settings] == [[1, 1], [1, 1], [1, 1], 1]


def transposed(weight: Tensor) -> Tensor:
    """Return the weights (in, out, 4, 4) of the transposed convolution for those (out, in, 3, 3) after doubling."""
    by_row = torch.stack(_four(weight, 2), dim=2)
    return torch.stack(_four(by_row, 3), dim=3).transpose(0, 1).contiguous()


def phases(weight: Tensor) -> Tensor:
    """Return the weights (4 out, in, 2, 2) of a plain convolution for those (in, out, 4, 4) of the transposed one.

    With a cell of zeros around it makes of (H, W) cells (H + 1, W + 1), every four maps of which are the cells of a
    square (`pixel_shuffle`): what the transposed one makes, and one cell more on each side.
    """
    given, made = weight.shape[:2]
    squares = weight.view(given, made, 2, 2, 2, 2).flip(2, 4)  # the taps run the other way in a plain one
    return squares.permute(1, 3, 5, 0, 2, 4).reshape(4 * made, given, 2, 2).contiguous()


def _four(weight: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what the taps of the transposed convolution weigh along a side: entry k meets row 2 i + k - 1."""
    first, middle, last = weight.unbind(dim)
    return last, middle + last, first + middle, first
