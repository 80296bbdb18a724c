"""Frechet distance: hand values, scipy's matrix root, streaming."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from facewire.base.errors import ShapeError
from facewire.metrics.frechet import Moments, frechet_distance


def features(seed: int, count: int, size: int, shift: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ rng.normal(size=(size, size)) + shift


def test_one_dimension_by_hand() -> None:
    a, b = np.array([[0.0], [2.0]]), np.array([[5.0], [11.0]])  # means 1 and 8, variances 2 and 18
    expected = 7**2 + (np.sqrt(2) - np.sqrt(18)) ** 2
    assert frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(expected)


def test_the_formula_with_the_root_of_scipy() -> None:
    a, b = features(0, 200, 6), features(1, 150, 6, shift=0.5)
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    shift = a.mean(axis=0) - b.mean(axis=0)
    expected = shift @ shift + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real)
    assert frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(expected)


def test_zero_for_equal_sets_symmetric_and_never_negative() -> None:
    a, b = Moments.of(features(0, 50, 8)), Moments.of(features(3, 50, 8))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    few = Moments.of(features(0, 4, 8))  # fewer vectors than dimensions
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)


def test_joined_moments_are_those_of_the_whole() -> None:
    whole = features(5, 90, 7).astype(np.float16)
    parts = [Moments.of(whole[:1]), Moments.of(whole[1:30]), Moments.of(whole[30:])]
    joined = parts[0].joined(parts[1]).joined(parts[2])
    expected = Moments.of(whole)
    assert joined.count == 90
    np.testing.assert_allclose(joined.mean, expected.mean)
    np.testing.assert_allclose(joined.scatter, expected.scatter)
    np.testing.assert_allclose(joined.covariance, np.cov(whole.astype(np.float64), rowvar=False))


def test_one_vector_has_no_spread() -> None:
    with pytest.raises(ShapeError):
        frechet_distance(Moments.of(np.zeros((1, 3))), Moments.of(np.zeros((5, 3))))
    with pytest.raises(ShapeError):
        Moments.of(np.zeros(3))
