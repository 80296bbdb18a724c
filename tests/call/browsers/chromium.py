"""A headless Chromium for tests, driven over its DevTools protocol; nothing but the browser and aiohttp is needed."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from tests.call.browsers.browser import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the browser's path, or None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def write_y4m(path: Path, pictures: list[NDArray[np.uint8]], rate: int = 25) -> None:
    """Write pictures (H, W, 3) as an uncompressed video, which Chromium takes as its camera."""
    height, width = pictures[0].shape[:2]
    with path.open("wb") as sink:
        sink.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in pictures:
            sink.write(b"FRAME\n" + _planes(picture))


def _planes(picture: NDArray[np.uint8]) -> bytes:
    """Return full-range BT.601 planes with halved colour."""
    r, g, b = np.moveaxis(picture.astype(np.float32), -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = [y, *(_halved(128 + (c - y) * k) for c, k in ((b, 0.564), (r, 0.713)))]
    return b"".join(np.clip(np.rint(plane), 0, 255).astype(np.uint8).tobytes() for plane in planes)


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = plane.shape
    halved: NDArray[np.float32] = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return halved


class Chromium(Browser):
    """Chromium over its DevTools protocol.

    Args:
        folder: for its profile.
        camera: a .y4m file that it takes as camera.
        size: of the window.
        microphone: a .wav file that it takes as microphone; None for its own beeps.
    """

    def __init__(
        self,
        folder: Path,
        camera: Path,
        size: tuple[int, int] = (1280, 860),
        microphone: Path | None = None,
    ) -> None:
        super().__init__(folder, size)
        self._camera, self._microphone = camera, microphone

    def program(self) -> list[str]:
        """Return the command line."""
        path = chromium()
        assert path is not None
        return [
            path,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--mute-audio",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={self._camera}",
            *([f"--use-file-for-fake-audio-capture={self._microphone}"] if self._microphone else []),
            "--disable-features=WebRtcHideLocalIpsWithMdns",
            f"--window-size={self._size[0]},{self._size[1]}",
            f"--user-data-dir={self.folder}",
            "--remote-debugging-port=0",
            "about:blank",
        ]

    async def address(self, session: aiohttp.ClientSession) -> str:
        """Return where the page listens for commands."""
        port = int((await self.appears(self.folder / "DevToolsActivePort")).split()[0])
        async with session.get(f"http://127.0.0.1:{port}/json") as response:
            pages = [one for one in await response.json() if one["type"] == "page"]
        return str(pages[0]["webSocketDebuggerUrl"])

    async def prepare(self) -> None:
        """Let the page say what it complains of."""
        await self.command("Runtime.enable")
        await self.command("Page.enable")

    async def load(self, address: str) -> None:
        """Begin to load a page."""
        await self.command("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = await self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Change the page's size."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    async def screenshot(self, path: Path) -> None:
        """Write what the page looks like."""
        answer = await self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def hear(self, message: dict[str, Any]) -> None:
        """Take an event."""
        if message["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.console.append(str(message["params"])[:500])
