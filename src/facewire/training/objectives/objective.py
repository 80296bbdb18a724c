"""What an objective promises to the training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from facewire.data.pairs import PairBatch
from facewire.losses.total import LossReport
from facewire.training.objectives.critic import Critic


@dataclass(frozen=True, slots=True)
class Made:
    """The pictures of a step.

    image   (B, 3, S, S)          the rendered driving frames
    warped  (B, 3, S, S) or None  the warped source pictures, where the model warps pictures
    judged  (made, real) or None  what the critic compares, where there is one
    """

    image: Tensor
    warped: Tensor | None = None
    judged: tuple[Tensor, Tensor] | None = None

    def detach(self) -> Made:
        """Return the same without gradients."""
        warped = None if self.warped is None else self.warped.detach()
        judged = None if self.judged is None else (self.judged[0].detach(), self.judged[1].detach())
        return Made(self.image.detach(), warped, judged)


class Objective(Protocol):
    """Computes the loss of a batch."""

    @property
    def critic(self) -> Critic | None:
        """The network that learns along to tell made pictures from real ones, if there is one."""

    def __call__(self, model: Any, pair: PairBatch, generator: torch.Generator) -> tuple[LossReport, Made]:
        """Return the model's loss on a batch and the pictures it made."""


def random_kept(
    keypoints: int, batch: int, generator: torch.Generator, drop_tail: float, device: torch.device
) -> Tensor:
    """Return how many of the ordered keypoints each pair keeps, (B,).

    With probability `drop_tail` a random tail of up to three quarters of the list is dropped, so that at run
    time a quarter to all of the keypoints can be sent (spec section 8, adaptive count).
    """
    tail = torch.randint(1, max(2, 3 * keypoints // 4 + 1), (batch,), generator=generator)
    drop = torch.rand(batch, generator=generator) < drop_tail
    return (keypoints - torch.where(drop, tail, 0)).to(device)
