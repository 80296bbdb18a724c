"""The studio's page behind the door of transport/web/door.py, and what goes through besides: files in, pictures out.

    PUT /media/NAME    a file comes into the folder, in pieces, whole or not at all
    GET /media/NAME    it comes back, for its sound
    GET /thumb/NAME    a small picture of it; ?frame=N of a frame of a video
    GET /before        the photo as the preview shows it, unchanged
    GET /head/N        what the page's own engine makes face N of
    GET /out/NAME      a result, to look at

All of it only with the key, in the header X-Facewire-Key. Without it, as the page's own files, only /web/...:
programs and networks of a folder that `facewire web` wrote, where there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from facewire.base.errors import FacewireError
from facewire.base.files import atomic_output
from facewire.studio import messages as page
from facewire.studio.library import OUT, thumbnail
from facewire.studio.session import Session
from facewire.transport.web.door import Door, Rules, is_key, is_own

KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".bin": "application/octet-stream",
    ".safetensors": "application/octet-stream",
}
"""Of a folder of `facewire web` that are served."""
SCRIPTS = (
    "studio",
    "link",
    "stage",
    "sound",
    "controls",
    "timeline",
    "media",
    "jobs",
    "tools",
    "engine",
    "dom",
)
FILES = {
    "/": ("index.html", "text/html"),
    "/studio.css": ("studio.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in SCRIPTS},
}
KEY = "X-Facewire-Key"
LARGEST_FILE = 4 << 30
"""Bytes of a file that may come in."""
ALLOWED = "camera=(self), microphone=()"
RULES = Rules(
    files=FILES,
    to_host=page.TO_STUDIO,
    to_page=page.TO_PAGE,
    largest=page.LARGEST_PICTURE,
    rate=150.0,  # sliders, drawn previews and webcam pictures together
    burst=600.0,
    allowed=ALLOWED,
    command="facewire studio",
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StudioServer(Door):
    """Serves one studio's page.

    Args:
        session: the studio.
        assets: the folder with the page's files.
        engine: a folder of `facewire web`, for the page's own engine.
    """

    def __init__(self, session: Session, assets: Path, engine: Path | None = None) -> None:
        super().__init__(session, assets, replace(RULES, computes=engine is not None))
        self._session = session
        router = self.app.router
        router.add_put("/media/{name}", self._keyed(self._take))
        router.add_get("/media/{name}", self._keyed(self._medium))
        router.add_get("/thumb/{name}", self._keyed(self._thumbnail))
        router.add_get("/out/{name}", self._keyed(self._result))
        router.add_get("/before", self._keyed(self._before))
        router.add_get("/head/{face:[0-9]{1,2}}", self._keyed(self._head))
        self._engine = {} if engine is None else _served(engine)
        router.add_get("/web/{path:.+}", self._of_engine)

    def _keyed(self, answer: Answer) -> Answer:
        """Return what answers only the page: it shows the key, and where browsers tell, it is this server's."""

        async def answered(request: web.Request) -> web.StreamResponse:
            foreign = "Origin" in request.headers and not is_own(request)
            if foreign or not is_key(request.headers.get(KEY, ""), self._session.key):
                return web.Response(status=403, text="this page only")
            try:
                response = await answer(request)
            except FacewireError as error:
                return web.Response(status=422, text=str(error))
            response.headers.update(self._protective(request))
            return response

        return answered

    async def _take(self, request: web.Request) -> web.StreamResponse:
        target = self._session.library.fresh(request.match_info["name"])
        if (request.content_length or 0) > LARGEST_FILE:
            return web.Response(status=413, text=_too_large())
        target.parent.mkdir(parents=True, exist_ok=True)
        taken = 0
        with atomic_output(target, overwrite=False) as temporary, temporary.open("wb") as sink:
            async for piece in request.content.iter_chunked(1 << 20):
                taken += len(piece)
                if taken > LARGEST_FILE:
                    raise web.HTTPRequestEntityTooLarge(LARGEST_FILE, taken, text=_too_large())
                await asyncio.to_thread(sink.write, piece)
        self._session.tell_media()
        return web.json_response({"name": target.name})

    async def _medium(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self._session.library.path(request.match_info["name"]))

    async def _thumbnail(self, request: web.Request) -> web.StreamResponse:
        path = self._session.library.path(request.match_info["name"])
        frame = request.query.get("frame", "0")
        number = int(frame) if frame.isdecimal() else 0
        data = await asyncio.to_thread(thumbnail, path, number)
        return web.Response(body=data, content_type="image/jpeg")

    async def _result(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self._session.library.folder / OUT / name
        if Path(name).name != name or name.startswith(".") or not path.is_file():
            return web.Response(status=404, text="there is no such result")
        return web.FileResponse(path)

    async def _head(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=await self._session.square(int(request.match_info["face"])))

    async def _of_engine(self, request: web.Request) -> web.StreamResponse:
        path = self._engine.get(request.match_info["path"])
        if path is None:
            return web.Response(status=404, text="there is no such file")
        headers = self._protective(request) | {"Content-Type": KINDS[path.suffix]}
        return web.FileResponse(path, headers=headers)

    async def _before(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=await self._session.before(), content_type="image/png")


def _served(folder: Path) -> dict[str, Path]:
    """Return the files of a folder of `facewire web` by the paths under which they are asked for."""
    files = (path for path in folder.rglob("*") if path.suffix in KINDS and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in files}


def _too_large() -> str:
    return f"at most {LARGEST_FILE >> 30} GB: put larger files into the folder yourself"
