"""A headless Chromium for tests, driven over its DevTools protocol; nothing but the browser and aiohttp is needed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 60.0


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


class Browser:
    """One browser with one page.

    Args:
        folder: for its profile.
        camera: a .y4m file that it takes as camera.
        size: of the window.
    """

    def __init__(self, folder: Path, camera: Path, size: tuple[int, int] = (1280, 860)) -> None:
        self._folder, self._camera, self._size = folder, camera, size
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.console: list[str] = []

    async def __aenter__(self) -> Browser:
        program = chromium()
        assert program is not None
        self._process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--mute-audio",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={self._camera}",
                "--disable-features=WebRtcHideLocalIpsWithMdns",
                f"--window-size={self._size[0]},{self._size[1]}",
                f"--user-data-dir={self._folder}",
                "--remote-debugging-port=0",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._session = aiohttp.ClientSession()
        port = await self._port()
        async with self._session.get(f"http://127.0.0.1:{port}/json") as response:
            pages = [one for one in await response.json() if one["type"] == "page"]
        self._socket = await self._session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        await self.command("Runtime.enable")
        await self.command("Page.enable")
        return self

    async def __aexit__(self, *error: object) -> None:
        self._reader.cancel()
        with contextlib.suppress(Exception):
            await self._socket.close()
        await self._session.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    async def open(self, address: str) -> None:
        """Load a page."""
        await self.command("Page.navigate", url=address)
        await self.until("location.protocol == 'http:' && document.readyState == 'complete'")

    async def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = await self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = 60.0) -> Any:
        """Wait until an expression is true."""
        for _ in range(round(seconds / 0.1)):
            value = await self.value(expression)
            if value:
                return value
            await asyncio.sleep(0.1)
        text = await self.value("document.body ? document.body.innerText : ''")
        raise AssertionError(f"never true: {expression}\n{text}\n{self.console}")

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

    async def command(self, method: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol and return its result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(self._waiting[number], 60)

    async def _port(self) -> int:
        file = self._folder / "DevToolsActivePort"
        for _ in range(round(START_SECONDS / 0.1)):
            if file.exists() and file.read_text().strip():
                return int(file.read_text().split()[0])
            await asyncio.sleep(0.1)
        raise AssertionError("the browser did not start")

    async def _read(self) -> None:
        async for frame in self._socket:
            message = frame.json()
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message.get("result", message))
            elif message["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                self.console.append(str(message["params"])[:500])
