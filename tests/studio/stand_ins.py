"""A preview without networks, and a studio on it with its page's door open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import numpy as np

import facewire
from facewire.base.errors import NoFaceFound
from facewire.media.frame import Pixels
from facewire.media.image import load_image, save_image
from facewire.studio import messages as page
from facewire.studio.jobs.commands import Base
from facewire.studio.library import Library
from facewire.studio.library import jpeg as jpeg
from facewire.studio.preview.native import FaceBox, NativePreview, Opened, Wanted
from facewire.studio.preview.page_engine import Head
from facewire.studio.server import StudioServer
from facewire.studio.session import Session
from facewire.transport.web.serve import serve

SITE = Path(facewire.__file__).parent / "studio" / "site"
BOX = FaceBox(left=0.25, top=0.25, right=0.5, bottom=0.5)


class GreyPreview:
    """Every photo shows two faces; the picture is as bright as the smile, and remembered."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self.animator = cast(Any, None)
        self.asked: list[Wanted] = []
        self.gate = threading.Event()
        self.gate.set()

    def open(self, photo: Path) -> Opened:
        height, width = load_image(photo).shape[:2]
        if "nobody" in photo.name:
            raise NoFaceFound(photo.name)
        return Opened(width=width, height=height, faces=(BOX, BOX))

    def picture(self, wanted: Wanted) -> Pixels:
        self.gate.wait(10)
        self.asked.append(wanted)
        time.sleep(self._seconds)
        return np.full((48, 64, 3), round(100 + 100 * wanted.project.look.smile), np.uint8)

    def reference(self, wanted: Wanted) -> int | None:
        return None

    def heads(self, wanted: Wanted) -> tuple[Head, ...] | None:
        self.asked.append(wanted)
        turn = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        place = {"left": 0.25, "top": 0.25, "width": 0.5, "height": 0.5}
        return (
            Head(
                face=0,
                **place,
                rotation=turn,
                translation=(0.0,) * 3,
                expression=(wanted.project.look.smile,) * 3,
            ),
        )

    def square(self, wanted: Wanted, face: int) -> bytes:
        return bytes([face, 1, 2, 255])

    def milliseconds(self) -> float:
        return 40.0


RENDERER = """export class Renderer {
  constructor() { this.ready = Promise.resolve({ provider: "none", threads: 1 }); this.people = []; }
  async person(pixels) { return this.people.push(pixels) - 1; }
  async render(id) { globalThis.rendered = (globalThis.rendered ?? 0) + 1; return { pixels: this.people[id] }; }
  forget() {}
}"""
"""Shows everybody as they are; counts in `rendered`."""


def engine_folder(folder: Path) -> Path:
    """Write what looks like a folder of `facewire web`, whose renderer computes nothing."""
    (folder / "render").mkdir(parents=True)
    manifest = {"weights": "ab", "resolution": 256, "keypoints": 20}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "render" / "index.js").write_text(RENDERER)
    (folder / "secret.txt").write_text("secret")
    return folder


def photo(folder: Path, name: str = "photo.png", size: tuple[int, int] = (64, 48)) -> Path:
    """Write a grey photo, (width, height)."""
    folder.mkdir(parents=True, exist_ok=True)
    save_image(folder / name, np.full((size[1], size[0], 3), 90, np.uint8))
    return folder / name


class Page:
    """The other end of the door: what a page hears, and may say."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, port: int, session: Session) -> None:
        self.socket, self.port, self.session = socket, port, session
        self.pictures: list[bytes] = []

    async def say(self, message: page.ToStudio) -> None:
        await self.socket.send_str(page.TO_STUDIO.encode(message))

    async def told(self, kind: type[Any], when: Callable[[Any], bool] = lambda message: True) -> Any:
        """Return the next message of a kind; pictures on the way are kept, and told to be drawn."""
        while True:
            frame = await self.socket.receive(timeout=20)
            if frame.type is aiohttp.WSMsgType.BINARY:
                await self._draw(frame.data)
                continue
            message = page.TO_PAGE.parse(frame.data)
            if isinstance(message, kind) and when(message):
                return message

    async def picture(self) -> bytes:
        """Return the next picture with its head."""
        while True:
            frame = await self.socket.receive(timeout=20)
            if frame.type is aiohttp.WSMsgType.BINARY:
                await self._draw(frame.data)
                return bytes(frame.data)

    async def headers(self, path: str) -> Mapping[str, str]:
        """Return the headers of a path's answer."""
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{self.port}{path}") as answer,
        ):
            return dict(answer.headers)

    async def _draw(self, data: bytes) -> None:
        self.pictures.append(data)
        with contextlib.suppress(ConnectionError):  # another page has taken over
            await self.say(page.Shown(number=int.from_bytes(data[:4], "little")))

    async def put(self, name: str, data: bytes, **headers: str) -> tuple[int, str]:
        """Send a file; return status and text."""
        given = {"X-Facewire-Key": self.session.key, "Origin": f"http://127.0.0.1:{self.port}", **headers}
        return await self._asked("PUT", f"/media/{name}", given, data)

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and text of a path."""
        return await self._asked("GET", path, {"X-Facewire-Key": self.session.key, **headers})

    async def _asked(
        self, method: str, path: str, headers: dict[str, str], data: bytes | None = None
    ) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as client,
            client.request(
                method, f"http://127.0.0.1:{self.port}{path}", headers=headers, data=data
            ) as answer,
        ):
            return answer.status, (await answer.read()).decode(errors="replace")


@asynccontextmanager
async def studio(
    folder: Path, preview: GreyPreview | None = None, engine: Path | None = None
) -> AsyncIterator[tuple[Session, int]]:
    """Open a studio on a folder; `engine` is that of the page's own engine."""
    shown = cast(NativePreview, preview or GreyPreview())
    session = Session(shown, Library(folder), Base(folder.parent), web=engine is not None)
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    app = StudioServer(session, SITE, engine).app
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result, session.run()))
    try:
        yield session, await port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def opened(session: Session, port: int) -> AsyncIterator[Page]:
    """Open its page."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(
            f"http://127.0.0.1:{port}/control", headers={"Origin": f"http://127.0.0.1:{port}"}
        ) as socket,
    ):
        one = Page(socket, port, session)
        await one.say(page.Enter(key=session.key))
        yield one


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test that must end."""

    async def limited() -> None:
        await asyncio.wait_for(test(), 60)

    asyncio.run(limited())
