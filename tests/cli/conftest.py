"""A real face on video, made once: NASA's astronaut, animated by the shipped model, with a tone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facewire.animation.animator import Animator, Person, Pixels
from facewire.evaluation.codecs import protocol
from facewire.evaluation.codecs.methods import anchor_methods
from facewire.evaluation.codecs.protocol import PROTOCOLS, TALKS
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_angles
from facewire.media import still
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.still import encode_still
from facewire.media.video import VideoWriter
from facewire.talks import encoder

RATE = Fraction(30000, 1001)
PICTURES, IN_CLIP = 7, (0, 1, 3, 5, 6)
"""Of the turning head, and those of them that the clip shows."""
FRAMES = len(IN_CLIP)
"""Pictures are made four at a time: a whole batch and a part of one."""
NODS = 9.0
"""Degrees of yaw between the first and the last frame."""


@pytest.fixture(scope="session", autouse=True)
def reference_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands compute in torch unless a test asks for more, and never touch the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEWIRE_ENGINE", "torch")
        patch.setenv("FACEWIRE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def stills_coded_once() -> Iterator[None]:
    """Code equal pictures in equal quality once, and quickly: AVIF takes half a second and more."""
    known: dict[tuple[bytes, tuple[int, ...], str, int], tuple[str, bytes]] = {}

    def coded(pixels: Pixels, kind: str, quality: int) -> tuple[str, bytes]:
        key = (pixels.tobytes(), pixels.shape, kind, quality)
        if key not in known:
            known[key] = encode_still(pixels, kind, quality)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "encode_still", coded)
        patch.setattr(still, "AVIF_SPEED", 9)
        yield


@pytest.fixture
def few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves of `facewire compare` have two points of ours and every third of the anchors."""
    fewer = [
        replace(method, anchor=replace(method.anchor, qualities=method.anchor.qualities[::3]))
        for method in anchor_methods()
    ]
    monkeypatch.setattr(protocol, "anchor_methods", lambda: fewer)
    monkeypatch.setitem(PROTOCOLS, "talks", replace(TALKS, settings=("coarse 20", "fine 20")))


@pytest.fixture(scope="session")
def animator() -> Animator:
    return Animator.load()


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    save_image(path, astronaut())
    return path


@pytest.fixture(scope="session")
def person(animator: Animator, photo: Path) -> Person:
    return animator.person(photo, head=True)


@pytest.fixture(scope="session")
def turning_pictures(animator: Animator, person: Person) -> list[Pixels]:
    """Return the astronaut turning from left to right, one head crop per frame."""
    own = person.identity.motion
    yaw = torch.deg2rad(torch.linspace(-NODS / 2, NODS / 2, PICTURES))
    turns = rotation_from_angles(yaw, torch.zeros_like(yaw), torch.zeros_like(yaw))
    motions = HeadMotion.cat([own.turned(turn) for turn in turns])
    return list(animator.render(person, motions))


@pytest.fixture(scope="session")
def driving_pictures(turning_pictures: list[Pixels]) -> list[Pixels]:
    """Return what the driving clip shows of them."""
    return [turning_pictures[number] for number in IN_CLIP]


@pytest.fixture(scope="session")
def driving(driving_pictures: list[Pixels], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wide video (448x320) of the turning head, with 29.97 frames per second exactly."""
    path = tmp_path_factory.mktemp("driving") / "driving.mp4"
    with VideoWriter(path, (448, 320), RATE) as writer:
        for index, picture in enumerate(driving_pictures):
            wide = np.full((320, 448, 3), 128, np.uint8)
            wide[40:296, 96:352] = picture
            writer.write(Frame(wide, index, 1 / RATE))
    return path
