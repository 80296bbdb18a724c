"""When another picture is sent or named: gain added up over time against bytes, the bank first, within a budget."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from facewire.animation.animator import Animator, Person
from facewire.animation.driving import HeadSquare
from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.talks.source_choice import LEAD_SECONDS, KnownSource, NewSource, SourceChoice

RATE = Fraction(25)
GREY = np.full((256, 256, 3), 100, np.uint8)
TRUTH = HeadSquare(GREY, GREY, GREY)


def motion_at(x: float) -> HeadMotion:
    """Return a head that stands at a place."""
    return HeadMotion(torch.eye(3)[None], torch.tensor([[x, 0.0, 0.0]]), torch.zeros(1, 4, 3))


def person_at(x: float, level: int) -> Person:
    """Return somebody whose picture was taken there; whatever is rendered from it is this grey."""
    identity = SimpleNamespace(canonical=CanonicalKeypoints(torch.zeros(1, 4, 3)), motion=motion_at(x))
    picture = np.full((256, 256, 3), level, np.uint8)
    return cast(Person, SimpleNamespace(identity=identity, picture=picture))


def choice_of(size: int = 2500, fresh: int = 100, budget: float | None = None) -> SourceChoice:
    """Return a choice whose pictures take `size` bytes and render as `fresh`."""
    animator = SimpleNamespace(render_batch=lambda person, motion: [person.picture])

    def still(square: HeadSquare) -> tuple[str, bytes]:
        return "image/avif", bytes(size)

    def read(kind: str, data: bytes) -> Person:
        return person_at(0, fresh)

    return SourceChoice(cast(Animator, animator), still, read, RATE, budget)


def sent(choice: SourceChoice, person: Person, frames: range) -> list[int]:
    """Return the frames at which a new picture is chosen, while the old one stays in use."""
    found = []
    for number in frames:
        chosen = choice.choose(number, person, motion_at(0), TRUTH)
        if chosen is not None:
            assert isinstance(chosen, NewSource)
            found.append(number)
    return found


def test_a_good_synthesis_buys_nothing() -> None:
    assert sent(choice_of(), person_at(0, 102), range(500)) == []


def test_a_dearer_picture_waits_longer() -> None:
    # 8 grey levels wrong are 5 too many: a level-second each 0.2 s, a kilobyte a level-second
    assert sent(choice_of(size=5500), person_at(0, 108), range(100)) == [30, 60, 90]
    assert sent(choice_of(size=9500), person_at(0, 108), range(100)) == [50]


def test_what_passes_by_is_forgotten() -> None:
    choice = choice_of(size=5000)
    bad, good = person_at(0, 108), person_at(0, 100)
    assert sent(choice, bad, range(20)) == []
    assert sent(choice, good, range(20, 60)) == []
    assert sent(choice, bad, range(60, 80)) == []


def test_a_picture_that_mends_nothing_is_not_sent() -> None:
    assert sent(choice_of(fresh=108), person_at(0, 108), range(200)) == []


def test_two_pictures_are_a_second_apart() -> None:
    found = sent(choice_of(size=100), person_at(0, 160), range(100))
    assert found == [25, 50, 75]


def test_a_view_that_was_sent_already_is_named() -> None:
    choice = choice_of()
    now, before, elsewhere = person_at(0.5, 110), person_at(0.1, 101), person_at(-0.5, 100)
    for epoch, person in enumerate((before, elsewhere, now)):
        choice.bank.add(epoch, person)
    chosen = choice.choose(5, now, motion_at(0), TRUTH)
    assert chosen == KnownSource(0, before)


def test_a_farther_picture_is_named_only_when_the_synthesis_fails() -> None:
    choice = choice_of()
    before = person_at(0.2, 100)
    choice.bank.add(0, before)
    assert choice.choose(5, person_at(0.1, 102), motion_at(0), TRUTH) is None
    assert choice.choose(5, person_at(0.1, 110), motion_at(0), TRUTH) == KnownSource(0, before)


def test_a_picture_that_is_hardly_better_is_not_named() -> None:
    choice = choice_of()
    choice.bank.add(0, person_at(0.0, 102))
    assert choice.choose(5, person_at(0.1, 102), motion_at(0), TRUTH) is None


def test_a_budget_is_kept() -> None:
    budget, size, frames = 4.0, 1500, 500
    found = sent(choice_of(size=size, budget=budget), person_at(0, 160), range(frames))
    assert found[:1] == [25]
    for count, number in enumerate(found, 1):
        assert count * size <= budget * 125 * (LEAD_SECONDS + number / 25)
    assert len(found) == int(budget * 125 * (LEAD_SECONDS + 475 / 25) // size)
    assert sent(choice_of(budget=0), person_at(0, 160), range(100)) == []
    with pytest.raises(ConfigError, match="budget"):
        choice_of(budget=-1)


def test_a_farther_picture_that_does_not_mend_is_not_named() -> None:
    choice = choice_of()
    choice.bank.add(0, person_at(0.2, 105))
    assert choice.choose(5, person_at(0.1, 110), motion_at(0), TRUTH) is None
    assert choice.choose(10, person_at(0.3, 110), motion_at(0), TRUTH) is not None
