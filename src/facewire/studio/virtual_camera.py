"""The preview as a camera that other programs can choose: pyvirtualcam, where the system has such a device.

Linux: the module v4l2loopback; macOS and Windows: the virtual camera of OBS.
"""

from __future__ import annotations

import importlib
from typing import Any

import cv2
import numpy as np

from facewire.base.errors import CallError, NotInstalled
from facewire.media.frame import Pixels

WIDTH, HEIGHT, RATE = 1280, 720, 25
ADVICE = (
    "Linux: sudo modprobe v4l2loopback exclusive_caps=1; macOS and Windows: install OBS Studio and start its virtual "
    "camera once"
)


class VirtualCamera:
    """Shows pictures on a virtual camera of 1280 x 720 pixels, whole, on black.

    Raises:
        NotInstalled: pyvirtualcam is missing.
        CallError: there is no device; the text says how to get one.
    """

    def __init__(self) -> None:
        try:
            library: Any = importlib.import_module("pyvirtualcam")
        except ImportError:
            raise NotInstalled("pyvirtualcam", "virtual-camera") from None
        try:
            self._camera = library.Camera(width=WIDTH, height=HEIGHT, fps=RATE)
        except RuntimeError as problem:
            reason = str(problem).strip().splitlines()[0]
            raise CallError(f"there is no virtual camera ({reason}). {ADVICE}") from None
        self.name = str(self._camera.device)

    def show(self, picture: Pixels) -> None:
        """Show a picture (H, W, 3) of any size."""
        self._camera.send(on_screen(picture))

    def close(self) -> None:
        """Let the device go."""
        self._camera.close()


def on_screen(picture: Pixels) -> Pixels:
    """Return a picture whole in the middle of a black screen, (720, 1280, 3)."""
    height, width = picture.shape[:2]
    share = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(share * width)), max(1, round(share * height))
    filter_ = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    screen = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    screen[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=filter_)
    return screen
