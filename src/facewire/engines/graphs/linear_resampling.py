"""Resampling with fixed weights as matrix products, which engines do faster: rows @ picture @ columns.

shrinking    a triangle as wide as what a new pixel covers
means        around every pixel, or over large squares that lie side by side
enlarging    linear between old pixels, from corner to corner; a flow as it lies in memory, without transposing it;
             a product along rows only: whole rows lie in one piece, and are faster blended
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
    """Return the means around every pixel of pictures (B, C, H, W), of what lies inside; for average pooling."""
    around = [side // 2 for side in kernel]
    kept = all(side % 2 for side in kernel) and list(padding) == around and list(stride) == [1, 1]
    if not kept or with_padding or divisor is not None:
        return KEEP
    for dim, reach in zip((2, 3), around, strict=True):
        if reach:
            weights = _around(x.shape[dim], reach, x)
            x = weights @ x if dim == 2 else x @ weights.transpose(0, 1)
    return x


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
    columns = _between(width, wide).T
    graph, flow = module.graph, _is_flow(picture, node)
    with graph.inserting_before(node):
        if flow:
            # x and y of a cell are neighbours: both are weighed alike, a line is twice as long.
            parts = picture.meta["tensor_meta"].shape[1]
            columns = torch.kron(columns.contiguous(), torch.eye(parts))
            picture = graph.call_function(
                aten.reshape.default, (picture.args[0], [-1, height, width * parts])
            )
        module.register_buffer(f"{node.name}_columns", columns.contiguous())
        wide_rows = graph.call_function(
            aten.matmul.default, (picture, graph.get_attr(f"{node.name}_columns"))
        )
        new = _blended_rows(module, wide_rows, node.name, height, tall)
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


def _blended_rows(module: GraphModule, maps: Node, name: str, old: int, new: int) -> Node:
    """Return maps (..., old, W) with `new` rows for their `old` ones."""
    graph = module.graph
    places = torch.arange(new) * ((old - 1) / (new - 1))
    before = places.floor().long().clamp(max=max(0, old - 2))
    share = (places - before).unsqueeze(1)
    for buffer, numbers in (
        ("before", before),
        ("behind", (before + 1).clamp(max=old - 1)),
        ("share", share),
    ):
        module.register_buffer(f"{name}_{buffer}", numbers)
    near, far = (
        graph.call_function(aten.index_select.default, (maps, -2, graph.get_attr(f"{name}_{side}")))
        for side in ("before", "behind")
    )
    step = graph.call_function(aten.sub.Tensor, (far, near))
    part = graph.call_function(aten.mul.Tensor, (step, graph.get_attr(f"{name}_share")))
    return graph.call_function(aten.add.Tensor, (near, part))


def _around(side: int, reach: int, like: Tensor) -> Tensor:
    """Return the weights (side, side) of all pixels within `reach` of each."""
    places = torch.arange(side, device=like.device)
    near = ((places.unsqueeze(1) - places).abs() <= reach).to(like.dtype)
    return near / near.sum(dim=1, keepdim=True)


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
