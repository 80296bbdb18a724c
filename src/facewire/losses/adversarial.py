"""Adversarial term G: pictures should look real to a critic that learns along (spec section 4, term 2).

Hinge losses and feature matching, each averaged over the critic's scales.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facewire.networks.paper.discriminator import Verdict


def hinge_discriminator(real: list[Verdict], fake: list[Verdict]) -> Tensor:
    """Return the critic's own loss, mean max(0, 1 - D(real)) + mean max(0, 1 + D(fake)); 0 when sure."""
    terms = [
        F.relu(1 - r.score.float()).mean() + F.relu(1 + f.score.float()).mean()
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()


def hinge_generator(fake: list[Verdict]) -> Tensor:
    """Return -mean D(fake); unbounded below, because the critic moves too."""
    return torch.stack([-verdict.score.float().mean() for verdict in fake]).mean()


def feature_matching(real: list[Verdict], fake: list[Verdict]) -> Tensor:
    """Return the L1 distance of the critic's inner activations, summed over layers; no gradient to `real`."""
    terms = [
        torch.stack(
            [(a.detach() - b).abs().mean(dtype=torch.float32) for a, b in zip(r.features, f.features)]
        )
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack([term.sum() for term in terms]).mean()
