"""A headless Firefox for tests, driven over WebDriver BiDi; nothing but the browser and aiohttp is needed."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.call.browsers.browser import Browser

NAMES = ("firefox-esr", "firefox")
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.volume_scale": "0.0",
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
CAMERA = """() => {
  if (!navigator.mediaDevices) return;
  const bytes = Uint8Array.from(atob("PICTURE"), (letter) => letter.charCodeAt(0));
  const fake = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const picture = await createImageBitmap(new Blob([bytes]));
    const canvas = document.createElement("canvas");
    canvas.width = picture.width - 16;
    canvas.height = picture.height;
    const context = canvas.getContext("2d");
    let step = 0;
    const draw = () => context.drawImage(picture, -8 - Math.round(8 * Math.sin(step++ / 5)), 0);
    draw();
    setInterval(draw, 100);
    const stream = await fake({ audio: wanted.audio });
    stream.addTrack(canvas.captureStream(10).getVideoTracks()[0]);
    return stream;
  };
}"""
"""Firefox takes no file as camera: its own fake microphone, and a canvas in place of the camera."""


def firefox() -> str | None:
    """Return the browser's path, or None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Firefox(Browser):
    """Firefox over WebDriver BiDi.

    Args:
        folder: for its profile.
        picture: what its camera shows, (H, W, 3), swaying a little.
        size: of the window.
    """

    def __init__(self, folder: Path, picture: NDArray[np.uint8], size: tuple[int, int] = (1280, 860)) -> None:
        super().__init__(folder, size)
        self._picture = picture

    def program(self) -> list[str]:
        """Return the command line."""
        path = firefox()
        assert path is not None
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        ]
        (self.folder / "user.js").write_text("\n".join(lines))
        return [
            path,
            "--headless",
            "--no-remote",
            "--profile",
            str(self.folder),
            "--remote-debugging-port",
            "0",
            f"--width={self._size[0]}",
            f"--height={self._size[1]}",
            "about:blank",
        ]

    async def address(self, session: aiohttp.ClientSession) -> str:
        """Return where the browser listens for commands."""
        server = json.loads(await self.appears(self.folder / "WebDriverBiDiServer.json"))
        return f"ws://{server['ws_host']}:{server['ws_port']}/session"

    async def prepare(self) -> None:
        """Open a session, and put the canvas in the camera's place."""
        await self.command("session.new", capabilities={})
        await self.command("session.subscribe", events=["log.entryAdded"])
        tree = await self.command("browsingContext.getTree")
        self._page = tree["contexts"][0]["context"]
        data = io.BytesIO()
        Image.fromarray(self._picture).save(data, "JPEG", quality=90)
        camera = CAMERA.replace("PICTURE", base64.b64encode(data.getvalue()).decode())
        await self.command("script.addPreloadScript", functionDeclaration=camera)

    async def load(self, address: str) -> None:
        """Begin to load a page."""
        await self.command("browsingContext.navigate", context=self._page, url=address, wait="none")

    async def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression: text, number, truth value or nothing."""
        answer = await self.command(
            "script.evaluate",
            expression=expression,
            target={"context": self._page},
            awaitPromise=True,
            userActivation=True,
        )
        assert answer.get("type") == "success", answer
        return answer["result"].get("value")

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Change the page's size."""
        await self.command(
            "browsingContext.setViewport",
            context=self._page,
            viewport={"width": width, "height": height},
            devicePixelRatio=2 if phone else 1,
        )

    async def screenshot(self, path: Path) -> None:
        """Write what the page looks like."""
        answer = await self.command("browsingContext.captureScreenshot", context=self._page)
        path.write_bytes(base64.b64decode(answer["data"]))

    def hear(self, message: dict[str, Any]) -> None:
        """Take an event."""
        if message.get("method") == "log.entryAdded":
            self.console.append(str(message["params"])[:500])
