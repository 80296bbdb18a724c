"""The second look on real pictures, and in the commands that take it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facewire.animation.animator import Animator, Person, Pixels
from facewire.animation.second_look import look_again
from facewire.cli.main import main
from facewire.geometry.head_motion import HeadMotion
from facewire.media.image import resize
from facewire.networks.compact.guides import BODY, GUIDES
from tests.cli.test_animate import frames_of

pytestmark = pytest.mark.slow


def far(pictures: list[Pixels], seen: list[Pixels]) -> float:
    return float(
        np.mean([np.abs(one.astype(int) - other).mean() for one, other in zip(pictures, seen, strict=True)])
    )


def test_shoulders_beside_their_places_are_led_back(animator: Animator, person: Person) -> None:
    seen = person.picture
    still = person.identity.motion.arrays()
    wrong = np.array(still.expression)
    wrong[:, list(BODY), :2] += (0.03, -0.02)
    beside = replace(still, expression=wrong)
    looked = look_again(animator, person, [seen], beside)
    before, after, best = (
        far(animator.render_batch(person, motion), [seen]) for motion in (beside, looked, still)
    )
    assert after - best < 0.6 * (before - best)


def test_a_head_that_turns_comes_nearer_and_its_lids_and_lips_stay(
    animator: Animator, driving_pictures: list[Pixels]
) -> None:
    source, *seen = driving_pictures
    owner = animator.person(source, crop_mode="none")
    read = animator.motion(seen)
    looked = look_again(animator, owner, seen, read)
    assert isinstance(looked, HeadMotion)
    assert far(animator.render_batch(owner, looked), seen) < far(animator.render_batch(owner, read), seen)
    moved = np.asarray(looked.expression) - np.asarray(read.expression)
    fine = [number for number, guide in enumerate(GUIDES) if "lid" in guide.name or "lip" in guide.name]
    assert np.ptp(moved[:, fine, :2], axis=1).max() < 1e-4  # together with the face, if at all
    assert np.abs(moved).max() * 128 < 8
    np.testing.assert_array_equal(looked.rotation, read.rotation)


def test_the_papers_model_comes_nearer_by_what_its_head_network_reads(driving_pictures: list[Pixels]) -> None:
    animator = Animator.load("paper-128")
    source, *seen = (resize(picture, (animator.size, animator.size)) for picture in driving_pictures)
    owner = animator.person(source, crop_mode="none")
    read = animator.motion(seen)
    looked = look_again(animator, owner, seen, read)
    assert far(animator.render_batch(owner, looked), seen) < far(animator.render_batch(owner, read), seen)
    beside = replace(read, translation=read.translation + 0.06)
    back = look_again(animator, owner, seen, beside)
    shown = {
        name: far(animator.render_batch(owner, motion), seen)
        for name, motion in {"read": read, "beside": beside, "back": back}.items()
    }
    assert shown["back"] - shown["read"] < 0.4 * (shown["beside"] - shown["read"])


def test_encode_looks_twice_unless_told_otherwise(driving: Path, tmp_path: Path) -> None:
    talks = {}
    for looks in ("1", "2", ""):
        talk = tmp_path / f"looks{looks}.fwv"
        more = ["--looks", looks] if looks else []
        assert main(["encode", str(driving), "-o", str(talk), "-q", *more]) == 0
        talks[looks] = talk
    assert talks["2"].read_bytes() == talks[""].read_bytes()
    assert talks["1"].read_bytes() != talks[""].read_bytes()
    assert main(["decode", str(talks[""]), "-o", str(tmp_path / "out.mp4"), "-q"]) == 0
    assert len(frames_of(tmp_path / "out.mp4")) == 5
