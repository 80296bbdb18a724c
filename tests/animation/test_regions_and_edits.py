"""Regions and sliders: what is carried over and what stays, on numbers; sliders as the mesh reads them on a face."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facewire.animation.animator import Animator, Person
from facewire.animation.edits import ROWS, SLIDERS, TABLE, Edit, edited, parse_edit
from facewire.animation.regions import (
    EVERYTHING,
    REGIONS,
    carried_over,
    in_regions,
    keypoints_of,
    parse_regions,
    turned,
)
from facewire.base.errors import ConfigError
from facewire.face.expression import eye_aperture, gaze_offset, mouth_aperture
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.compact.guides import GUIDES

K = 20


def motion(yaw: float, seed: int, count: int = 1) -> HeadMotion:
    generator = torch.Generator().manual_seed(seed)
    rotation = rotation_from_degrees(yaw, 3.0, 1.0).expand(count, 3, 3)
    translation = torch.randn(count, 3, generator=generator) / 10
    return HeadMotion(rotation, translation, torch.randn(count, K, 3, generator=generator) / 50)


def rows(*regions: str) -> list[int]:
    return list(np.flatnonzero(keypoints_of(regions, K)))


def test_every_guided_keypoint_but_nose_and_jaw_has_one_region() -> None:
    parts = [row for name in ("lips", "eyes", "brows", "gaze") for row in rows(name)]
    assert len(parts) == len(set(parts)) == 13
    assert {GUIDES[row].name.split(",")[0] for row in set(rows("expression")) - set(parts)} == {
        "nose tip",
        "jaw",
        "nose bridge",
    }
    assert rows("expression") == list(range(17))
    assert rows("pose") == [17, 18, 19]
    assert rows("all") == list(range(K))


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_takes_its_own_and_nothing_else(region: str) -> None:
    own, wanted = motion(10, 1), motion(-20, 2, 3)
    made = in_regions(wanted, own, frozenset({region}))
    taken, kept = rows(region), [row for row in range(K) if row not in rows(region)]
    posed = wanted if region in ("pose", "all") else own.expand(3)
    torch.testing.assert_close(made.rotation, posed.rotation)
    torch.testing.assert_close(made.translation, posed.translation)
    expected = wanted.expression if region in ("pose", "all") else turned(wanted, posed)
    torch.testing.assert_close(made.expression[:, taken], expected[:, taken])
    torch.testing.assert_close(made.expression[:, kept], turned(own.expand(3), posed)[:, kept])


def test_regions_together_are_all() -> None:
    own, wanted = motion(10, 1), motion(-20, 2, 3)
    made = in_regions(wanted, own, frozenset({"expression", "pose"}))
    torch.testing.assert_close(made.expression, wanted.expression)
    assert in_regions(wanted, own, EVERYTHING) is wanted


def test_a_driver_at_its_reference_changes_nothing() -> None:
    source, reference = motion(10, 1), motion(-20, 2)
    for region in REGIONS:
        made = carried_over(reference, reference, source, frozenset({region}))
        torch.testing.assert_close(made.expression, source.expression)
        torch.testing.assert_close(made.rotation, source.rotation)


def test_expressions_are_compared_in_the_heads_own_axes() -> None:
    source, reference = motion(0, 1), motion(30, 2)
    out = torch.zeros(1, K, 3)
    out[:, 0] = torch.tensor([0.0, 0.0, -0.1])  # lips pushed forward, where the driver's nose points
    pushed = reference.with_expression(reference.expression + (reference.rotation @ out.mT).mT)
    made = carried_over(pushed, reference, source, frozenset({"lips"}))
    torch.testing.assert_close(made.expression - source.expression, (source.rotation @ out.mT).mT)


def test_in_a_clip_other_regions_stay_the_clips_own() -> None:
    driver, base, own = motion(0, 1, 4), motion(0, 2), motion(5, 3, 4)
    made = carried_over(driver, driver[0:1], base, frozenset({"lips"}), own)
    kept = [row for row in range(K) if row not in rows("lips")]
    torch.testing.assert_close(made.rotation, own.rotation)
    torch.testing.assert_close(made.expression[:, kept], own.expression[:, kept])
    torch.testing.assert_close(made.expression[0, rows("lips")], turned(base, own[0:1])[0, rows("lips")])


@pytest.mark.parametrize("text", ["", "lip", "lips,nose", ","])
def test_unknown_regions_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="regions"):
        parse_regions(text)


def test_sliders_are_read_as_written() -> None:
    edit = parse_edit("smile=0.5, blink=1,gaze=-0.3:0.1,mouth=0.4,brows=-.2")
    assert edit.values == {
        "smile": 0.5,
        "blink": 1.0,
        "gaze right": -0.3,
        "gaze up": 0.1,
        "mouth": 0.4,
        "brows": -0.2,
    }
    assert parse_edit("gaze=0.5").values == {"gaze right": 0.5}
    assert not Edit()
    assert not parse_edit("smile=0")


@pytest.mark.parametrize(
    "text",
    ["smile", "smile=a", "smile=1.1", "smile=nan", "nose=1", "smile=0.1:0.2", "gaze=0:0:0", "blink=1:1:1"],
)
def test_other_sliders_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_edit(text)


def test_the_table_is_the_same_on_both_sides() -> None:
    names = {guide.name for guide in GUIDES}
    for slider, directions in TABLE.items():
        for name, (x, y, z) in directions.items():
            assert name in names
            if name.endswith("left"):
                other = directions[name.replace("left", "right")]
                assert other == ((x if slider.startswith("gaze") else -x), y, z)


def test_one_eye_alone_is_half_of_both() -> None:
    both, left, right = (ROWS[f"blink{side}"] for side in ("", " left", " right"))
    assert {**left, **right} == both
    assert len(left) == len(right) == 2
    assert parse_edit("blink=0.5") == Edit({"blink": 0.5})
    assert parse_edit("blink=0.5:1") == Edit({"blink left": 0.5, "blink right": 1.0})


def test_eyes_look_no_further_on_a_diagonal_than_sideways(person: Person) -> None:
    own, canonical = person.identity.motion, person.identity.canonical
    half, all_ = (edited(own, canonical, parse_edit(f"gaze={g}:{-g},smile=1")) for g in (math.sqrt(0.5), 1))
    torch.testing.assert_close(all_.expression, half.expression)
    sideways, less = (edited(own, canonical, parse_edit(f"gaze={g}")).expression for g in (1, 0.5))
    torch.testing.assert_close(sideways - own.expression, 2 * (less - own.expression))


@pytest.fixture(scope="module")
def animator() -> Animator:
    return Animator.load()


@pytest.fixture(scope="module")
def person(animator: Animator) -> Person:
    return animator.person(astronaut(), head=True)


MEASURED = {
    "blink": "eyes",
    "mouth": "lips",
    "smile": "corners",
    "brows": "brows",
    "gaze right": "x",
    "gaze up": "y",
}


def measure(landmarks: torch.Tensor, what: str) -> float:
    """Return a measure of landmarks (478, 3) that rises with its slider."""
    eyes = landmarks[263, :2] - landmarks[33, :2]
    wide = eyes.norm()
    match what:
        case "eyes":
            return -float(eye_aperture(landmarks[:, :2]).mean())
        case "lips":
            return float(mouth_aperture(landmarks[:, :2]))
        case "corners":
            corners = landmarks[[61, 291], :2]
            lift = landmarks[2, 1] - corners[:, 1].mean()
            return float(((corners[1] - corners[0]).norm() + lift) / wide)
        case "brows":
            return float((landmarks[[159, 386], 1].mean() - landmarks[[63, 293], 1].mean()) / wide)
    offset = gaze_offset(landmarks[:, :2]).reshape(-1, 2).mean(dim=0)
    return float(offset[0] if what == "x" else -offset[1])


@pytest.mark.slow
@pytest.mark.parametrize("slider", MEASURED)
def test_what_a_slider_does_rises_with_its_value(slider: str, animator: Animator, person: Person) -> None:
    own, canonical = person.identity.motion, person.identity.canonical
    values = (-1.0, 0.0, 1.0) if slider.startswith("gaze") else (0.0, 0.5, 1.0)
    moved = HeadMotion.cat([edited(own, canonical, Edit({slider: value})) for value in values])
    seen = []
    for picture in animator.render(person, moved):
        (face,) = animator.finder.find(picture)
        seen.append(measure(torch.from_numpy(face.landmarks), MEASURED[slider]))
    assert seen == sorted(seen)
    least = {"smile": 0.01, "brows": 0.02, "gaze right": 0.12, "gaze up": 0.03}
    assert seen[-1] - seen[0] > least.get(slider, 0.1)
    if slider == "blink":
        assert -seen[-1] < 0.16  # shut


@pytest.mark.slow
def test_a_slider_keeps_pose_and_the_rest_of_the_face(animator: Animator, person: Person) -> None:
    own = person.identity.motion
    for name in SLIDERS:
        edit = parse_edit(f"{name}=0.5")
        moved = edited(own, person.identity.canonical, edit)
        assert torch.equal(moved.rotation, own.rotation)
        assert torch.equal(moved.translation, own.translation)
        touched = (moved.expression != own.expression).any(dim=-1)[0]
        named = {guide for row in edit.values for guide in TABLE[row]}
        assert {GUIDES[row].name for row in touched.nonzero().flatten().tolist()} == named
