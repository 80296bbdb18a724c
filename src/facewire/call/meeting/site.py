"""The folder of `facewire web` as the signalling server serves it: a closed list of files, packed for the way.

/, /join   the page of a call
/...       every file of the folder, as it was when the server started
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from facewire.base.errors import ConfigError

PAGE = "call.html"
NEEDED = (PAGE, "manifest.json")
KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
"""By suffix, where the system's own table may say otherwise."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: str
    tag: str


class Site:
    """One folder.

    Args:
        folder: as `facewire web` wrote it.
        headers: of every answer.

    Raises:
        ConfigError: it is not such a folder.
    """

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        if not all((folder / name).is_file() for name in NEEDED):
            raise ConfigError("site", str(folder), "a folder that `facewire web -o` wrote")
        self._headers = {**headers, "Cache-Control": "no-cache", "X-Frame-Options": "DENY"}
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": _file(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith("_")
        }
        for address in ("/", "/join"):
            self._files[address] = self._files[f"/{PAGE}"]
        self._packed: dict[str, bytes] = {}

    def add_to(self, app: web.Application) -> None:
        """Let an application serve the folder."""
        for address in self._files:
            app.router.add_get(address, self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        file = self._files[request.path]
        headers = {**self._headers, "ETag": f'"{file.tag}"', "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=file.path.read_bytes(), content_type=file.kind, headers=headers)
        if file.tag not in self._packed:
            self._packed[file.tag] = await asyncio.to_thread(
                lambda: gzip.compress(file.path.read_bytes(), 6, mtime=0)
            )
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self._packed[file.tag], content_type=file.kind, headers=headers)


def _file(path: Path) -> _File:
    kind = KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(path, kind, hashlib.sha256(path.read_bytes()).hexdigest()[:32])
