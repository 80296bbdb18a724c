"""CSIM: vectors by hand, and dlib's own alignment where its package is there."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import skimage.data

from facewire.base.errors import ShapeError, WeightsError
from facewire.face.expression import SEVENTY_EIGHT
from facewire.face.finder import FaceFinder
from facewire.metrics import identity
from facewire.metrics.identity import THRESHOLD, IdentityNetwork, cosine, distance

needs_dlib = pytest.mark.skipif(
    bool(identity.absence()), reason="the packages of the extra eval are not installed"
)


def test_cosine_and_distance_by_hand() -> None:
    a, b = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    assert cosine(a, b) == pytest.approx(24 / 25)
    assert cosine(a, -2 * a) == pytest.approx(-1)
    assert distance(a, b) == pytest.approx(np.sqrt(2))


def test_without_the_package_the_reason_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "facewire[eval]" in identity.absence()
    with pytest.raises(WeightsError, match="dlib"):
        IdentityNetwork()


@needs_dlib
def test_the_same_face_in_another_picture_is_the_same_person() -> None:
    network = IdentityNetwork()
    pictures: Any = skimage.data
    photo = np.ascontiguousarray(pictures.astronaut()[:256, 96:352])
    face = FaceFinder().find(photo)[0]
    points = face.landmarks[list(SEVENTY_EIGHT)]
    own = network.embed(photo, points)
    assert own.shape == (128,)
    darker = network.embed((photo * 0.7).astype(np.uint8), points)
    mirrored = points.copy()
    mirrored[:, 0] = 255 - mirrored[:, 0]
    swap = [42 + i for i in (3, 2, 1, 0, 5, 4)]
    mirrored[36:42], mirrored[42:48] = (
        mirrored[swap].copy(),
        mirrored[[36 + i for i in (3, 2, 1, 0, 5, 4)]].copy(),
    )
    mirror = network.embed(np.ascontiguousarray(photo[:, ::-1]), mirrored)
    assert distance(own, darker) < THRESHOLD / 2
    assert distance(own, mirror) < THRESHOLD
    with pytest.raises(ShapeError):
        network.embed(photo, points[:5])
