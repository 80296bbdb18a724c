"""A real face on video, made once: NASA's astronaut turning the head, animated by the shipped model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_angles
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter

Picture = NDArray[np.uint8]
Scene = Callable[..., list[Picture]]
"""(x, y, frames=32, ground=90) -> frames 480x300 with the head at x, y."""

RATE = Fraction(25)
DRAWN = 16


@pytest.fixture(scope="session")
def head() -> list[Picture]:
    """The head, turning one way and back: 32 pictures 256x256."""
    animator = Animator.load()
    person = animator.person(astronaut(), head=True)
    yaw = torch.deg2rad(torch.linspace(-10, 10, DRAWN))
    turns = rotation_from_angles(yaw, torch.zeros_like(yaw), torch.zeros_like(yaw))
    motions = HeadMotion.cat([person.identity.motion.turned(turn) for turn in turns])
    pictures = [np.ascontiguousarray(picture) for picture in animator.render(person, motions)]
    return pictures + pictures[::-1]


@pytest.fixture(scope="session")
def scene(head: list[Picture]) -> Scene:
    def shown(x: int, y: int, *, frames: int = 32, ground: int = 90) -> list[Picture]:
        pictures = []
        for picture in head[:frames]:
            wide = np.full((300, 480, 3), ground, np.uint8)
            wide[y : y + 256, x : x + 256] = picture
            pictures.append(wide)
        return pictures

    return shown


def write_video(path: Path, pictures: Sequence[Picture], rate: Fraction = RATE) -> Path:
    """Write pictures of one size as a video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height), rate) as writer:
        for number, picture in enumerate(pictures):
            writer.write(Frame(picture, number, 1 / rate))
    return path


@pytest.fixture(scope="session")
def raw(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of raw videos: two shots, another frame rate, no face, nothing decodable."""
    folder = tmp_path_factory.mktemp("raw")
    write_video(folder / "ann" / "cut.mp4", scene(20, 22) + scene(200, 22, ground=200))
    write_video(folder / "bob" / "fast.mp4", [p for p in scene(100, 20) for _ in range(2)], Fraction(50))
    write_video(folder / "empty.mp4", [np.full((300, 480, 3), number * 3, np.uint8) for number in range(32)])
    (folder / "broken.mp4").write_bytes(b"this is no video")
    return folder
