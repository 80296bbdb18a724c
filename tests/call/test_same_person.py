"""The identity check on a real face (the only one at hand is always the same person)."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facewire.base.errors import WeightsError
from facewire.call.person import same_person
from facewire.call.person.same_person import SamePerson
from facewire.face.finder import FaceFinder
from facewire.metrics.identity import absence

PICTURE = np.ascontiguousarray(astronaut()[:300, 80:380])


@pytest.mark.skipif(bool(absence()), reason=absence() or "-")
class TestWithTheNetwork:
    def test_the_same_face_in_other_light(self) -> None:
        checker = SamePerson(FaceFinder())
        likeness = checker.compare(PICTURE, (PICTURE * 0.7).astype(np.uint8))
        assert likeness.same
        assert likeness.distance is not None
        assert likeness.distance < 0.4

    def test_without_a_face_the_answer_is_no(self) -> None:
        likeness = SamePerson(FaceFinder()).compare(PICTURE, np.zeros((200, 200, 3), np.uint8))
        assert not likeness.same
        assert "camera" in likeness.problem


def test_without_the_network_the_answer_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise WeightsError("network", "is not installed")

    monkeypatch.setattr(same_person, "IdentityNetwork", missing)
    checker = SamePerson(FaceFinder())
    assert not checker.available
    likeness = checker.compare(PICTURE, PICTURE)
    assert not likeness.same
    assert "not installed" in likeness.problem
