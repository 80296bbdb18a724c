"""The side door of a page to what it shows: static files and one websocket, on the loopback interface.

Who may come in: the Host header must name the loopback interface (against DNS rebinding), the Origin must be this
very server, and the first message must show the key that stands in the fragment of the page's address. One page at a
time: a newer one takes over.

    page --text---> hear(message)        of a closed set, so many a second
         --binary-> hear_bytes(data)
         <--text--- say(message)         in order; a page that takes none loses its connection
         <--binary- show(data)           the newest only
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from facewire.base.errors import ProtocolError
from facewire.base.wire import LONGEST_TEXT, VERSION, MessageSet, short
from facewire.transport.flood import Permits
from facewire.transport.web.frames import next_frame

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ENTER_SECONDS = 5.0
MOST_WAITING = 256
"""Messages that wait to be sent to the page; a page that takes none loses its connection."""
UNSEEN = b""
"""No picture waits."""

Files = Mapping[str, tuple[str, str]]
"""Path -> file and kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enter:
    """A page's first message: the key that stands in the fragment of its address."""

    version: int = VERSION
    key: str

    def __post_init__(self) -> None:
        short("key", self.key, 64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The page broke the rules, or something failed; the text can be shown."""

    problem: str = field(default="")


class Host(Protocol):
    """What a page belongs to."""

    @property
    def key(self) -> str:
        """What the page must show."""

    def page_came(self, say: Callable[[Any], None]) -> None:
        """Take a page in; `say` sends it messages, and bytes as the newest picture."""

    async def page_left(self) -> None:
        """Go on without a page."""

    async def hear_page(self, message: Any) -> None:
        """Take a message."""

    async def hear_bytes(self, data: bytes) -> None:
        """Take a binary message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a page may do.

    files       everything that is served; there is no way to another file
    to_host     what it may say; Enter among it
    to_page     what it is told; Failure among it
    largest     bytes of a binary message
    rate, burst messages a second and at once
    allowed     what its Permissions-Policy allows
    command     what prints its address
    computes    whether the page runs WebAssembly, with threads
    """

    files: Files
    to_host: MessageSet[Any]
    to_page: MessageSet[Any]
    largest: int
    rate: float
    burst: float
    allowed: str
    command: str
    computes: bool = False


class Door:
    """Serves the page of a host.

    Args:
        host: what the page belongs to.
        assets: the folder with the page's files.
        rules: what it may do.
    """

    def __init__(self, host: Host, assets: Path, rules: Rules) -> None:
        self._host, self._assets, self._rules = host, assets, rules
        self._current: web.WebSocketResponse | None = None
        self.app = web.Application(middlewares=[_guard], client_max_size=1024)
        for path in rules.files:
            self.app.router.add_get(path, self._file)
        self.app.router.add_get("/control", self._control)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name, kind = self._rules.files[request.path]
        headers = self._protective(request)
        body = (self._assets / name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    def _protective(self, request: web.Request) -> dict[str, str]:
        headers = protective(request.headers["Host"], self._rules.allowed)
        return headers | (computing(headers) if self._rules.computes else {})

    async def _control(self, request: web.Request) -> web.StreamResponse:
        if not is_own(request):
            return web.Response(status=403, text="this page only")
        socket = web.WebSocketResponse(
            heartbeat=15.0, timeout=1.0, max_msg_size=self._rules.largest, compress=False
        )
        try:
            await socket.prepare(request)
        except ValueError:  # a handshake that is none; aiohttp lets some through
            return web.Response(status=400, text="not a websocket")
        try:
            await self._admit(socket)
        except ProtocolError as error:
            await self._refuse(socket, str(error))
            return socket
        before, self._current = self._current, socket
        if before is not None:
            await self._refuse(before, "the page was opened again elsewhere")
            await self._host.page_left()
        await self._serve(socket)
        return socket

    async def _admit(self, socket: web.WebSocketResponse) -> None:
        message = await self._next(socket, ENTER_SECONDS)
        if not isinstance(message, Enter) or not is_key(message.key, self._host.key):
            raise ProtocolError(f"open the address that `{self._rules.command}` printed, unchanged")
        if message.version != VERSION:
            raise ProtocolError("the page is of another version: load it again")

    async def _serve(self, socket: web.WebSocketResponse) -> None:
        outbox = _Outbox()

        def say(message: Any) -> None:
            if self._current is not socket:
                return
            taken = outbox.put(message if isinstance(message, bytes) else self._rules.to_page.encode(message))
            if not taken:
                asyncio.ensure_future(socket.close())  # noqa: RUF006

        sending = asyncio.create_task(outbox.send_to(socket))
        permits = Permits(self._rules.rate, self._rules.burst)
        self._host.page_came(say)
        try:
            while True:
                message = await self._next(socket)
                if not permits.take(time.monotonic()):
                    raise ProtocolError("too many messages")
                if isinstance(message, bytes):
                    await self._host.hear_bytes(message)
                else:
                    await self._host.hear_page(message)
        except ProtocolError as error:
            await self._refuse(socket, str(error))
        finally:
            sending.cancel()
            if self._current is socket:
                self._current = None
                await self._host.page_left()

    async def _next(self, socket: web.WebSocketResponse, timeout: float | None = None) -> Any:
        frame = await next_frame(socket, timeout)
        if frame.type is WSMsgType.BINARY:
            return bytes(frame.data)
        if frame.type is not WSMsgType.TEXT or len(frame.data) > LONGEST_TEXT:
            raise ProtocolError("the connection ended")
        return self._rules.to_host.parse(frame.data)

    async def _refuse(self, socket: web.WebSocketResponse, reason: str) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError, asyncio.TimeoutError):
            if not socket.closed:
                text = self._rules.to_page.encode(Failure(problem=reason))
                await asyncio.wait_for(socket.send_str(text), 2.0)
                await socket.close(code=4000, message=b"refused")


class _Outbox:
    """What waits to be sent to a page: texts in order, and the newest picture after them."""

    def __init__(self) -> None:
        self._texts: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._picture = UNSEEN
        self._filled = asyncio.Event()

    def put(self, message: str | bytes) -> bool:
        """Take a message; False if too many wait."""
        if isinstance(message, bytes):
            self._picture = message
        elif self._texts.full():
            return False
        else:
            self._texts.put_nowait(message)
        self._filled.set()
        return True

    async def send_to(self, socket: web.WebSocketResponse) -> None:
        """Send whatever comes, until the connection ends."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                await self._filled.wait()
                self._filled.clear()
                while not self._texts.empty():
                    await socket.send_str(self._texts.get_nowait())
                picture, self._picture = self._picture, UNSEEN
                if picture:
                    await socket.send_bytes(picture)


def protective(host: str, allowed: str) -> dict[str, str]:
    """Return the headers of every file: nothing but what comes from here runs, loads or is asked."""
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"img-src 'self' blob:; media-src 'self' blob:; connect-src 'self' ws://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Permissions-Policy": allowed,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def computing(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that differ where a page runs WebAssembly in workers that share memory."""
    policy = headers["Content-Security-Policy"]
    return {
        "Content-Security-Policy": policy.replace(
            "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
    }


def is_own(request: web.Request) -> bool:
    """Return whether a request comes from the page of this very server."""
    return request.headers.get("Origin") == f"http://{request.headers['Host']}"


def is_key(shown: str, key: str) -> bool:
    """Return whether a key is the right one, in a time that does not tell how much of it is."""
    return secrets.compare_digest(shown.encode(), key.encode())


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse every request that was not meant for the loopback interface."""
    host = request.headers.get("Host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name not in LOOPBACK:
        return web.Response(status=403, text="loopback only")
    return await handler(request)
