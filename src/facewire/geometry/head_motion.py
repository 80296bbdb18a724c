"""HeadMotion, the seam of the whole system.

Networks produce it from a picture, the codec carries it, the call moves it, the receiver consumes it:
rotation R, translation t and expression deformation delta. Everything else about a person stays at home
in the source image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from facewire.base.errors import ShapeError
from facewire.geometry.arrays import Numbers, as_array, library, like
from facewire.geometry.precision import apply, compose

NECK = (0.0, 0.23, 0.26)
"""The point of a head, in picture units and its own axes, that stays where it is when the head turns: below and
behind its middle (least squares over R and t of the training clips)."""


@dataclass(frozen=True, slots=True)
class HeadMotion:
    """What one frame says about a head; B heads at once.

    All parts are tensors of torch, or all are arrays of numpy: whatever computed them. Where two motions meet, the
    result is of the kind of the one that is asked.

    rotation     (B, 3, 3)  R of `geometry.pose`
    translation  (B, 3)     t, in picture coordinates [-1, 1]
    expression   (B, K, 3)  delta, one offset per keypoint in the same units (paper section 3.1)
    jacobians    (B, K, 3, 3) or None  local frames of keypoints that were found directly (the ablation's rival of the
                 paper); None everywhere else, there they follow from R
    """

    rotation: Numbers
    translation: Numbers
    expression: Numbers
    jacobians: Numbers | None = None

    def __post_init__(self) -> None:
        batch = self.rotation.shape[0]
        if self.rotation.shape != (batch, 3, 3):
            raise ShapeError("rotation", "(B, 3, 3)", self.rotation.shape)
        if self.translation.shape != (batch, 3):
            raise ShapeError("translation", f"({batch}, 3)", self.translation.shape)
        if self.expression.ndim != 3 or self.expression.shape[0] != batch or self.expression.shape[2] != 3:
            raise ShapeError("expression", f"({batch}, K, 3)", self.expression.shape)
        if self.jacobians is not None and self.jacobians.shape != (*self.expression.shape, 3):
            raise ShapeError("jacobians", f"{(*self.expression.shape, 3)}", self.jacobians.shape)

    def __len__(self) -> int:
        return len(self.rotation)

    def __getitem__(self, index: slice | Sequence[int] | Numbers) -> HeadMotion:
        return self._each(lambda part: part[index])

    def expand(self, batch: int) -> HeadMotion:
        """Return the same motion for `batch` heads (only from a batch of one)."""
        return self._each(lambda part: library(part).broadcast_to(part, (batch, *part.shape[1:])))

    def to(self, device: Any) -> HeadMotion:
        """Return the same motion as tensors on a device."""
        import torch

        return self._each(lambda part: torch.as_tensor(part, device=device))

    def arrays(self) -> HeadMotion:
        """Return the same motion as arrays of numpy."""
        return self._each(as_array)

    def like(self, other: HeadMotion) -> HeadMotion:
        """Return the same motion as the same kind of numbers as another one."""
        return self._each(lambda part: like(part, other.rotation))

    def turned(self, rotation: Numbers, translation: Numbers | None = None) -> HeadMotion:
        """Return the motion seen from another side: R <- R_u R and t <- t_u + t (spec section 3, free view).

        Args:
            rotation: R_u, (3, 3) or (B, 3, 3).
            translation: t_u, (3,) or (B, 3); None means zero.

        The paper leaves delta where it is. We turn it with the head, because an open mouth stays an open
        mouth from the side; for R_u = I both are the same.
        """
        moved = self.translation
        if translation is not None:
            moved = moved + like(translation, moved)
        turned = library(self.rotation).broadcast_to(like(rotation, self.rotation), (len(self), 3, 3))
        frames = None if self.jacobians is None else compose(turned[:, None], self.jacobians)
        return HeadMotion(
            compose(turned, self.rotation), moved, apply(turned[:, None], self.expression), frames
        )

    def turned_at_neck(self, rotation: Numbers) -> HeadMotion:
        """Return the motion of a head that turns by R_u, (3, 3) or (B, 3, 3), where heads turn: about NECK.

        `turned` with t_u = R p - R_u R p, which leaves the point p of the head where it is. Turned about the middle
        of the head instead, the far cheek would have to vanish into the picture, which no real head does.
        """
        rotation = like(rotation, self.rotation)
        joint = apply(self.rotation, like(np.array(NECK, np.float32), self.rotation))
        stays = joint - apply(rotation, joint)
        return self.turned(rotation, stays)

    def relative(self, reference: HeadMotion, source: HeadMotion) -> HeadMotion:
        """Return the source's own motion plus what changed between `reference` and this frame.

        R' = R R_0^-1 R_s, t' = t_s + t - t_0, delta' = delta_s + delta - delta_0 (spec section 3), and where there
        are local frames of their own, J' = J J_0^-1 J_s.
        With this frame equal to the reference the source is returned unchanged.
        """
        batch = len(self)
        first, own = (other.like(self).expand(batch) for other in (reference, source))
        return HeadMotion(
            compose(compose(self.rotation, first.rotation.swapaxes(-1, -2)), own.rotation),
            own.translation + self.translation - first.translation,
            own.expression + self.expression - first.expression,
            _relative_frames(self.jacobians, first.jacobians, own.jacobians),
        )

    def with_expression(self, expression: Numbers) -> HeadMotion:
        """Return the same pose with another delta (B, K, 3)."""
        return replace(self, expression=expression)

    @staticmethod
    def cat(motions: list[HeadMotion]) -> HeadMotion:
        """Join motions along the batch."""
        frames = [m.jacobians for m in motions if m.jacobians is not None]
        join = library(motions[0].rotation).concatenate
        return HeadMotion(
            join([m.rotation for m in motions]),
            join([m.translation for m in motions]),
            join([m.expression for m in motions]),
            join(frames) if frames else None,
        )

    def _each(self, change: Callable[[Numbers], Numbers]) -> HeadMotion:
        """Return the motion with every part changed alike along the batch."""
        frames = None if self.jacobians is None else change(self.jacobians)
        return HeadMotion(change(self.rotation), change(self.translation), change(self.expression), frames)


def _relative_frames(now: Numbers | None, first: Numbers | None, own: Numbers | None) -> Numbers | None:
    if now is None or first is None or own is None:
        return None
    return compose(compose(now, library(first).linalg.inv(first)), own)
