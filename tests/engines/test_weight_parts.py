"""Constants of graphs are found among weights, and come back to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facewire.engines.graphs.upsampled_convolution import phases, transposed
from facewire.engines.graphs.weight_parts import KnownWeights, numbers_of

TENSORS = {
    "wide": torch.arange(2 * 3 * 9, dtype=torch.float32).reshape(2, 3, 3, 3),
    "other": -1 - torch.arange(2 * 2 * 9, dtype=torch.float32).reshape(2, 2, 3, 3),
    "bias": torch.linspace(0.5, 2, 16),
    "count": torch.arange(20),
}
STATE = {name: tensor.numpy() for name, tensor in TENSORS.items()}


@pytest.fixture(scope="module")
def known() -> KnownWeights:
    return KnownWeights(STATE)


def test_a_tensor_is_known_in_any_shape(known: KnownWeights) -> None:
    assert known.part(STATE["bias"].reshape(1, 16, 1, 1)) == ["weight", "bias"]
    assert known.part(STATE["wide"]) == ["weight", "wide"]


def test_some_inputs_in_another_order_and_one_of_zeros(known: KnownWeights) -> None:
    wide = TENSORS["wide"]
    given = torch.stack((wide[:, 2], torch.zeros(2, 3, 3), wide[:, 0]), dim=1).numpy()
    part = known.part(given)
    assert part == ["columns", "wide", [2, -1, 0]]
    assert numbers_of(part, STATE) == given.tobytes()


def test_the_convolution_of_doubled_maps(known: KnownWeights) -> None:
    given = transposed(TENSORS["wide"][:, 1:]).numpy()
    part = known.part(given)
    assert part == ["transposed", "wide", [1, 2]]
    assert numbers_of(part, STATE) == given.tobytes()


def test_the_plain_convolution_in_its_place(known: KnownWeights) -> None:
    given = phases(transposed(TENSORS["wide"][:, 1:])).numpy()
    part = known.part(given)
    assert part == ["phases", "wide", [1, 2]]
    assert numbers_of(part, STATE) == given.tobytes()


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((2, 3, 3, 3), np.float32),
        np.ones((2, 3, 3, 3), np.float32),
        np.concatenate((STATE["wide"][:, :1], STATE["other"][:, :1]), axis=1),
        STATE["wide"] + np.float32(0.5),
        STATE["bias"][:8],
        STATE["bias"].astype(np.float64),
        STATE["count"],
    ],
    ids=["zeros", "ones", "of two tensors", "changed", "few", "double", "integers"],
)
def test_what_is_no_weight_stays_with_the_graph(known: KnownWeights, given: np.ndarray) -> None:
    assert known.part(given) is None
