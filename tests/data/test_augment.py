"""Augmentation: labels follow the picture exactly, both frames change alike."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

from facewire.base.errors import ConfigError
from facewire.data.augment import MIRRORED, AugmentConfig, augment
from facewire.data.pairs import FrameBatch, PairBatch
from facewire.face.expression import SEVENTY_EIGHT, SIXTY_EIGHT
from facewire.face.finder import FaceFinder
from facewire.face.pose import canonical_face
from facewire.geometry.grid import image_grid
from facewire.geometry.pose import rotation_from_angles

STILL = AugmentConfig(mirror=0, zoom=0, stretch=0, turn_degrees=0, shift=0, colour=0)
FULL = AugmentConfig(mirror=0.5, zoom=0.3, stretch=0.2, turn_degrees=25, shift=0.1, colour=0)
SIDE = 96


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rotations(batch: int) -> Tensor:
    angles = 1.2 * torch.rand(3, batch, generator=_generator(9)) - 0.6
    rotations: Tensor = rotation_from_angles(*angles)
    return rotations


@cache
def _dotted(batch: int = 78) -> FrameBatch:
    """Faces of 78 landmarks; picture i shows a dot at landmark i only."""
    landmarks = 0.9 * torch.rand(78, 2, generator=_generator(5)) - 0.45
    grid = image_grid(SIDE, SIDE)
    dots = torch.exp(-(grid - landmarks[:, None, None]).square().sum(-1) / (2 * 0.03**2))
    return FrameBatch(
        dots[:batch, None].expand(batch, 3, SIDE, SIDE).contiguous(),
        landmarks.expand(batch, 78, 2).contiguous(),
        _rotations(batch),
        torch.cat((0.2 * torch.rand(batch, 2, generator=_generator(6)), torch.zeros(batch, 1)), dim=1),
    )


def _both(frames: FrameBatch) -> PairBatch:
    return PairBatch(frames, frames, ("a",))


def _found(image: Tensor) -> Tensor:
    """Return where the dots of pictures (B, 3, H, W) are, (B, 2): the centre of mass."""
    weight = image[:, 0].square()
    return (weight[..., None] * image_grid(SIDE, SIDE)).sum((1, 2)) / weight.sum((1, 2))[:, None]


def test_landmarks_follow_the_picture() -> None:
    changed = augment(_both(_dotted()), _generator(1), FULL).source
    straight = changed.landmarks[torch.arange(78), torch.arange(78)]
    swapped = changed.landmarks[torch.arange(78), torch.tensor(MIRRORED)]
    found = _found(changed.image)
    errors = torch.stack([(found - there).abs().amax(dim=1) for there in (straight, swapped)])
    assert errors.amin(dim=0).max() < 0.5 * 2 / SIDE  # half a pixel
    follows = errors[0] < errors[1]
    assert 20 < follows.sum() < 58  # some rows were mirrored, some not


def test_without_mirroring_every_landmark_stays_its_own() -> None:
    changed = augment(_both(_dotted()), _generator(1), replace(FULL, mirror=0)).source
    own = changed.landmarks[torch.arange(78), torch.arange(78)]
    torch.testing.assert_close(_found(changed.image), own, atol=1 / SIDE, rtol=0)


def test_a_turned_crop_has_a_turned_pose() -> None:
    """What is a rigid point of the head in the picture before is it afterwards."""
    frames = _dotted()
    point = torch.tensor((0.1, 0.2, -0.3))
    seen = (frames.rotation @ point)[:, :2] + frames.translation[:, :2]
    marked = replace(frames, landmarks=seen[:, None].expand(-1, 78, -1))
    changed = augment(_both(marked), _generator(2), replace(STILL, turn_degrees=30, shift=0.1)).driving
    there = (changed.rotation @ point)[:, :2] + changed.translation[:, :2]
    torch.testing.assert_close(there, changed.landmarks[:, 0], atol=1e-5, rtol=0)
    assert (changed.rotation - frames.rotation).abs().max() > 0.1


def test_a_clockwise_turn_adds_to_the_roll() -> None:
    frames = replace(_dotted(8), rotation=torch.eye(3).expand(8, 3, 3))
    changed = augment(_both(frames), _generator(3), replace(STILL, turn_degrees=30)).source
    right = frames.landmarks[:, 1] - frames.landmarks[:, 0]
    turned = changed.landmarks[:, 1] - changed.landmarks[:, 0]
    cross = right[:, 0] * turned[:, 1] - right[:, 1] * turned[:, 0]
    angle = torch.atan2(cross, (right * turned).sum(dim=1))  # y points down: positive is clockwise as seen
    expected = rotation_from_angles(torch.zeros(8), torch.zeros(8), angle)
    torch.testing.assert_close(changed.rotation, expected, atol=1e-5, rtol=0)


def test_a_mirrored_head_has_a_mirrored_pose() -> None:
    frames = _dotted()
    changed = augment(_both(frames), _generator(0), replace(STILL, mirror=1)).source
    flip = torch.diag(torch.tensor((-1.0, 1.0, 1.0)))
    point = torch.tensor((0.1, 0.2, -0.3))
    torch.testing.assert_close(changed.rotation @ (flip @ point), (frames.rotation @ point) @ flip)
    torch.testing.assert_close(torch.linalg.det(changed.rotation), torch.ones(78))
    torch.testing.assert_close(changed.translation, frames.translation @ flip)


def test_mirrored_twice_is_as_before() -> None:
    mirror = replace(STILL, mirror=1)
    twice = augment(augment(_both(_dotted()), _generator(), mirror), _generator(), mirror).source
    for name in ("image", "landmarks", "rotation", "translation"):
        torch.testing.assert_close(getattr(twice, name), getattr(_dotted(), name), atol=1e-5, rtol=0)


def test_nothing_asked_for_changes_nothing() -> None:
    same = augment(_both(_dotted()), _generator(), STILL).driving
    for name in ("image", "landmarks", "rotation", "translation"):
        torch.testing.assert_close(getattr(same, name), getattr(_dotted(), name), atol=1e-5, rtol=0)


def test_both_frames_change_alike_and_rows_differ() -> None:
    pair = augment(_both(_dotted(8)), _generator(4), replace(FULL, colour=0.2))
    for name in ("image", "landmarks", "rotation", "translation"):
        assert torch.equal(getattr(pair.source, name), getattr(pair.driving, name))
    assert len({tuple(row.flatten().tolist()) for row in pair.source.rotation - _dotted(8).rotation}) == 8
    assert pair.clips == ("a",)


def test_the_generator_alone_decides() -> None:
    config = replace(FULL, colour=0.2)
    first, again, other = (augment(_both(_dotted(4)), _generator(s), config).source for s in (7, 7, 8))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.landmarks, again.landmarks)
    assert not torch.equal(first.image, other.image)


def test_colours_stay_colours_and_labels_stay() -> None:
    frames = replace(_dotted(8), image=torch.rand(8, 3, SIDE, SIDE, generator=_generator(1)))
    changed = augment(_both(frames), _generator(1), replace(STILL, colour=0.5)).source
    assert changed.image.min() >= 0
    assert changed.image.max() <= 1
    assert (changed.image - frames.image).abs().mean() > 0.02
    torch.testing.assert_close(changed.landmarks, frames.landmarks, atol=1e-6, rtol=0)


def test_mirrored_is_an_involution() -> None:
    assert sorted(MIRRORED) == list(range(78))
    assert [MIRRORED[i] for i in MIRRORED] == list(range(78))


def test_mirrored_pairs_lie_opposite_each_other_on_the_canonical_face() -> None:
    points = torch.from_numpy(canonical_face().points)[list(SIXTY_EIGHT)]
    opposite = points[list(MIRRORED[:68])] * torch.tensor((-1.0, 1.0, 1.0))
    assert (points - opposite).norm(dim=1).max() < 0.2  # centimetres


def test_mirrored_irises_lie_opposite_each_other() -> None:
    pictures: Any = skimage.data
    photo = np.array(pictures.astronaut(), np.uint8)
    finder = FaceFinder()
    faces = [finder.find(np.ascontiguousarray(view))[0] for view in (photo, photo[:, ::-1])]
    own, mirrored = (torch.from_numpy(face.landmarks[list(SEVENTY_EIGHT), :2]) for face in faces)
    own[:, 0] = photo.shape[1] - own[:, 0]
    expected = own[list(MIRRORED)]
    radius = (own[69] - own[68]).norm()
    assert (mirrored[68:] - expected[68:]).norm(dim=1).max() < 0.5 * radius


@pytest.mark.parametrize(
    ("name", "value"),
    [("mirror", 1.5), ("zoom", -0.1), ("turn_degrees", 91.0), ("colour", 0.6), ("shift", float("nan"))],
)
def test_ranges_are_checked(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        AugmentConfig(**{name: value})


def test_pictures_are_only_read_inside() -> None:
    """Beyond its edge the picture is mirrored, never black."""
    white = replace(_dotted(4), image=torch.ones(4, 3, SIDE, SIDE))
    changed = augment(_both(white), _generator(1), FULL).source
    torch.testing.assert_close(changed.image, torch.ones_like(changed.image))
