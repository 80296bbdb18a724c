"""Resampling with fixed weights as matrix products, rows @ picture @ columns, which engines do faster.

shrinking    a triangle as wide as what a new pixel covers
means        over squares that lie side by side
enlarging    linear between old pixels, from corner to corner; a flow as it lies in memory, without transposing it
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

aten = torch.ops.aten

KEEP: Tensor = NotImplemented
"""What a replacement answers when an operator may stay as it is."""
TO_PLANES, FROM_PLANES = [0, 3, 1, 2], [0, 2, 3, 1]


def shrunk(x: Tensor, size: Sequence[int], corners: bool, *scales: float | None) -> Tensor:
    """Return pictures (B, C, H, W) made smaller; for the antialiasing interpolation."""
    if corners or size[0] > x.shape[2] or size[1] > x.shape[3]:
        return KEEP
    rows, columns = (_triangles(old, new, x) for old, new in zip(x.shape[2:], size, strict=True))
    return rows @ x @ columns.transpose(0, 1)


def pooled(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    ceil: bool = False,
    with_padding: bool = True,
    divisor: int | None = None,
) -> Tensor:
    """Return the means of squares of pictures (B, C, H, W); for average pooling."""
    plain = list(stride or kernel) == list(kernel) and not any(padding) and divisor is None
    if not plain or any(old % side for old, side in zip(x.shape[2:], kernel, strict=True)):
        return KEEP
    return _means(x, [old // side for old, side in zip(x.shape[2:], kernel, strict=True)])


def pooled_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return pictures (B, C, H, W) of another size by means; for adaptive pooling."""
    if any(old % new for old, new in zip(x.shape[2:], size, strict=True)):
        return KEEP
    return _means(x, size)


def enlarge_by_products(module: GraphModule, node: Node) -> None:
    """Replace a linear interpolation from corner to corner in a graph whose nodes know their shapes."""
    if node.target is not aten.upsample_bilinear2d.vec:
        return
    picture, size, corners, *_ = node.args
    assert isinstance(picture, Node)
    if not isinstance(size, list) or not corners or 1 in size:
        return
    height, width = picture.meta["tensor_meta"].shape[2:]
    tall, wide = size
    rows, columns = _between(height, tall), _between(width, wide).T
    graph, flow = module.graph, _is_flow(picture, node)
    with graph.inserting_before(node):
        if flow:
            # x and y of a cell are neighbours: both are weighed alike, a line is twice as long.
            parts = picture.meta["tensor_meta"].shape[1]
            columns = torch.kron(columns.contiguous(), torch.eye(parts))
            picture = graph.call_function(
                aten.reshape.default, (picture.args[0], [-1, height, width * parts])
            )
        module.register_buffer(f"{node.name}_rows", rows)
        module.register_buffer(f"{node.name}_columns", columns.contiguous())
        new = graph.call_function(aten.matmul.default, (picture, graph.get_attr(f"{node.name}_columns")))
        new = graph.call_function(aten.matmul.default, (graph.get_attr(f"{node.name}_rows"), new))
        if flow:
            new = graph.call_function(aten.reshape.default, (new, [-1, tall, wide, parts]))
    for end in list(node.users) if flow else [node]:
        end.replace_all_uses_with(new)


def _is_flow(picture: Node, node: Node) -> bool:
    """Return whether an interpolation takes a flow (B, H, W, C) brought into planes, and gives it back."""
    return (
        picture.target is aten.permute.default
        and picture.args[1] == TO_PLANES
        and all(user.target is aten.permute.default and user.args[1] == FROM_PLANES for user in node.users)
    )


def _means(x: Tensor, size: Sequence[int]) -> Tensor:
    rows, columns = (
        torch.eye(new, device=x.device, dtype=x.dtype).repeat_interleave(old // new, dim=1) * (new / old)
        for old, new in zip(x.shape[2:], size, strict=True)
    )
    return rows @ (x @ columns.transpose(0, 1))


def _between(old: int, new: int) -> Tensor:
    """Return the weights (new, old) of old pixels in new ones when both reach from corner to corner."""
    places = torch.arange(new).unsqueeze(1) * ((old - 1) / (new - 1))
    return (1 - (places - torch.arange(old)).abs()).clamp_min(0)


def _triangles(old: int, new: int, like: Tensor) -> Tensor:
    """Return the weights (new, old) of old pixels in new ones."""
    step = old / new
    centres = (torch.arange(new, device=like.device).unsqueeze(1) + 0.5) * step
    places = torch.arange(old, device=like.device) + 0.5
    weights = (1 - (places - centres).abs() / step).clamp_min(0)
    return (weights / weights.sum(dim=1, keepdim=True)).to(like.dtype)
