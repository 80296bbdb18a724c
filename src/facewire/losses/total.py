"""The total loss: every term is computed without its weight, and weighted here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from facewire.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class LossWeights:
    """The paper's lambdas (spec section 4), one field per term; 0 switches a term off."""

    perceptual: float = 10.0
    """P, VGG-19 and face network together."""
    adversarial: float = 1.0
    """G, the hinge part."""
    feature_matching: float = 10.0
    """G, feature matching; the paper names no weight of its own, its authors' library uses 10."""
    equivariance: float = 20.0
    """E, keypoints."""
    equivariance_jacobian: float = 20.0
    """E, Jacobians; only where they are estimated."""
    keypoint_prior: float = 10.0
    """L."""
    head_pose: float = 20.0
    """H, per degree."""
    deformation_prior: float = 5.0
    """Delta."""

    def __post_init__(self) -> None:
        for name, weight in self.by_name().items():
            if not 0 <= weight < float("inf"):
                raise ConfigError(name, weight, "a finite number of 0 or more")

    def by_name(self) -> dict[str, float]:
        """Return the weight of each term."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class LossReport:
    """A weighted sum and what it is made of.

    total  scalar with gradient
    terms  the unweighted terms by name, scalars without gradient, so that runs of other weights compare
    """

    total: Tensor
    terms: Mapping[str, Tensor]

    def numbers(self) -> dict[str, float]:
        """Return terms and total as plain numbers for a log; waits for the device."""
        named = {**self.terms, "total": self.total.detach()}
        values = torch.stack([value.float() for value in named.values()]).tolist()
        return dict(zip(named, values, strict=True))


def weighted_total(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> LossReport:
    """Return the weighted sum of the given terms; weights without a term (a GAN that is off) are ignored.

    Args:
        terms: unweighted scalars by name, at least one.
        weights: by the same names, such as `LossWeights().by_name()`.

    Raises:
        ConfigError: there is no term, or a term has no weight.
    """
    if not terms:
        raise ConfigError("terms", {}, "at least one loss term")
    for name in terms:
        if name not in weights:
            raise ConfigError(name, None, f"a term with a weight: {', '.join(weights)}")
    weighted = [weights[name] * term.float() for name, term in terms.items() if weights[name] != 0]
    total = torch.stack(weighted).sum() if weighted else torch.zeros(())
    return LossReport(total, {name: term.detach() for name, term in terms.items()})
