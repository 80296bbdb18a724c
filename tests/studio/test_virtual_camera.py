"""The virtual camera, with a library that only counts."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facewire.base.errors import CallError, NotInstalled
from facewire.cli.main import main
from facewire.media.frame import Pixels
from facewire.studio.virtual_camera import HEIGHT, WIDTH, VirtualCamera, on_screen


@pytest.mark.parametrize(
    ("size", "bars"), [((300, 400), "sides"), ((400, 1600), "above"), ((1440, 2560), "")]
)
def test_pictures_are_shown_whole_in_the_middle(size: tuple[int, int], bars: str) -> None:
    screen = on_screen(np.full((*size, 3), 200, np.uint8))
    assert screen.shape == (HEIGHT, WIDTH, 3)
    assert (screen[HEIGHT // 2, WIDTH // 2] == 200).all()
    assert (screen[HEIGHT // 2, 0] == (0 if bars == "sides" else 200)).all()
    assert (screen[0, WIDTH // 2] == (0 if bars == "above" else 200)).all()


def test_pictures_go_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Pixels] = []

    class Camera:
        device = "/dev/video9"

        def __init__(self, **fields: Any) -> None:
            assert fields == {"width": WIDTH, "height": HEIGHT, "fps": 25}

        def send(self, picture: Pixels) -> None:
            sent.append(picture)

        def close(self) -> None:
            sent.clear()

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Camera))
    camera = VirtualCamera()
    camera.show(np.zeros((10, 10, 3), np.uint8))
    assert (camera.name, len(sent)) == ("/dev/video9", 1)
    camera.close()
    assert sent == []


def test_without_library_or_device_a_word_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(NotInstalled, match=r"facewire\[virtual-camera\]"):
        VirtualCamera()

    def none(**fields: Any) -> None:
        raise RuntimeError("'v4l2loopback' backend: no device\nmore")

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=none))
    with pytest.raises(CallError, match=r"no virtual camera .*no device.*modprobe v4l2loopback"):
        VirtualCamera()
    assert main(["studio", "--virtual-camera"]) == CallError.exit_code
    assert len(capsys.readouterr().err.splitlines()) == 1
