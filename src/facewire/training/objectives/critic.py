"""The critic of the adversarial term: what the model learns from it, and what it learns itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facewire.losses.adversarial import feature_matching, hinge_discriminator, hinge_generator
from facewire.networks.paper.discriminator import Discriminator


class Critic:
    """A patch critic in training."""

    def __init__(self, network: Discriminator) -> None:
        """Take the network, on its device."""
        self.network: nn.Module = network
        self.judges = True
        """Off while it does not take part yet; whoever counts the steps switches it."""

    def model_terms(self, made: Tensor, real: Tensor) -> dict[str, Tensor]:
        """Return the adversarial and feature-matching terms of made pictures (B, 3, S, S).

        Gradients reach `made` only; the critic's own weights take none from here.
        """
        self.network.requires_grad_(False)
        try:
            with torch.no_grad():
                wanted = self.network(real)
            found = self.network(made)
        finally:
            self.network.requires_grad_(True)
        return {
            "adversarial": hinge_generator(found),
            "feature_matching": feature_matching(wanted, found),
        }

    def own_loss(self, made: Tensor, real: Tensor) -> Tensor:
        """Return the hinge loss that the critic itself minimises; gradients reach its weights only."""
        return hinge_discriminator(self.network(real), self.network(made.detach()))
