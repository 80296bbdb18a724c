"""LivePortrait's editor: sliders that move single keypoints of an expression.

Values are the editor's own numbers; `facewire --edit` gives shares of FULL. Eyes and lips that open by a wanted
amount are not here: networks do that (portrait.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Entries = tuple[tuple[int, str, float], ...]
"""(keypoint, axis, factor)."""

UP: Mapping[str, Entries] = {
    "gaze right": ((11, "x", 0.0007), (15, "x", 0.001)),
    "gaze up": ((11, "y", -0.0005), (15, "y", -0.0005), (13, "y", -0.00015), (16, "y", -0.00015)),
    "smile": (
        (20, "y", -0.01), (14, "y", -0.02), (17, "y", 0.0065), (17, "z", 0.003), (13, "y", -0.00275),
        (16, "y", -0.00275), (3, "y", -0.0035), (7, "y", -0.0035),
    ),
    "wink": ((11, "y", 0.001), (13, "y", -0.0003), (17, "x", 0.0003), (17, "y", 0.0003), (3, "y", -0.0003)),
    "brows": ((1, "y", 0.001), (2, "y", -0.001)),
    "lip zero": ((19, "x", 1.0),),
    "lip one": ((14, "y", 0.001), (3, "y", -0.0005), (7, "y", -0.0005), (17, "z", -0.0005)),
    "lip two": ((20, "z", -0.001), (20, "y", -0.001), (14, "y", -0.001)),
    "lip three": ((19, "y", 0.001), (19, "z", 0.0001), (17, "y", -0.0001)),
    "move right": ((5, "x", -1.0),),
    "move down": ((5, "y", 1.0),),
}  # fmt: skip
"""Slider -> what a value above 0 does, and one below unless DOWN has another way."""
DOWN: Mapping[str, Entries] = {
    "gaze right": ((11, "x", 0.001), (15, "x", 0.0007)),
    "brows": ((1, "x", -0.001), (2, "x", 0.001), (1, "y", 0.0003), (2, "y", -0.0003)),
}
FULL = {"smile": 1.0, "gaze right": 20.0, "gaze up": 20.0, "brows": 20.0}
"""Value of a slider that `--edit NAME=1` stands for."""


def slid(expression: Tensor, values: Mapping[str, float]) -> Tensor:
    """Return expressions (B, 21, 3) with sliders at values.

    Raises:
        KeyError: there is no such slider.
    """
    added = torch.zeros_like(expression[0])
    for name, value in values.items():
        entries = UP[name] if value > 0 else DOWN.get(name, UP[name])
        for row, axis, factor in entries:
            added[row, "xyz".index(axis)] += factor * value
    return expression + added
