"""The page's side door to its agent: static files and one control websocket, on the loopback interface.

Who may come in: the Host header must name the loopback interface (against DNS rebinding), the Origin must be this
very server, and the first message must show the key that stands in the fragment of the page's address. One page at a
time: a newer one takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from facewire.base.errors import ProtocolError
from facewire.call.agent import Agent
from facewire.call.messages import page_messages as page
from facewire.call.messages.frames import next_frame
from facewire.call.messages.wire import LONGEST_TEXT, VERSION
from facewire.transport.flood import Permits

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/face.js": ("face.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Everything that is served; there is no way to another file."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ENTER_SECONDS = 5.0
MESSAGE_RATE, MESSAGE_BURST = 40.0, 120.0
"""Messages a second and at once; dragging the face sends the most."""
MOST_WAITING = 256
"""Messages that wait to be sent to the page; a page that takes none loses its connection."""


class PageServer:
    """Serves one agent's page.

    Args:
        agent: the agent.
        assets: the folder with the page's files.
    """

    def __init__(self, agent: Agent, assets: Path) -> None:
        self._agent, self._assets = agent, assets
        self._current: web.WebSocketResponse | None = None
        self.app = web.Application(middlewares=[_guard], client_max_size=1024)
        for path in FILES:
            self.app.router.add_get(path, self._file)
        self.app.router.add_get("/control", self._control)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name, kind = FILES[request.path]
        host = request.headers["Host"]
        headers = {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"img-src 'self' blob:; media-src 'self' blob:; connect-src 'self' ws://{host}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Permissions-Policy": "camera=(self), microphone=(self)",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        body = (self._assets / name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") != f"http://{request.headers['Host']}":
            return web.Response(status=403, text="this page only")
        socket = web.WebSocketResponse(
            heartbeat=15.0, timeout=1.0, max_msg_size=page.LARGEST_PHOTO_FILE, compress=False
        )
        try:
            await socket.prepare(request)
        except ValueError:  # a handshake that is none; aiohttp lets some through
            return web.Response(status=400, text="not a websocket")
        try:
            await self._admit(socket)
        except ProtocolError as error:
            await _refuse(socket, str(error))
            return socket
        before, self._current = self._current, socket
        if before is not None:
            await _refuse(before, "the page was opened again elsewhere")
            await self._agent.page_left()
        await self._serve(socket)
        return socket

    async def _admit(self, socket: web.WebSocketResponse) -> None:
        message = await self._next(socket, ENTER_SECONDS)
        if not isinstance(message, page.Enter) or not secrets.compare_digest(
            message.key.encode(), self._agent.key.encode()
        ):
            raise ProtocolError("open the address that `facewire call` printed, unchanged")
        if message.version != VERSION:
            raise ProtocolError("the page is of another version: load it again")

    async def _serve(self, socket: web.WebSocketResponse) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)

        def say(message: page.ToPage) -> None:
            if self._current is not socket:
                return
            if queue.full():
                asyncio.ensure_future(socket.close())  # noqa: RUF006
                return
            queue.put_nowait(page.TO_PAGE.encode(message))

        sending = asyncio.create_task(_send_all(socket, queue))
        permits = Permits(MESSAGE_RATE, MESSAGE_BURST)
        self._agent.page_came(say)
        try:
            while True:
                message = await self._next(socket)
                if not permits.take(time.monotonic()):
                    raise ProtocolError("too many messages")
                if isinstance(message, bytes):
                    await self._agent.hear_photo(message)
                else:
                    await self._agent.hear_page(message)
        except ProtocolError as error:
            await _refuse(socket, str(error))
        finally:
            sending.cancel()
            if self._current is socket:
                self._current = None
                await self._agent.page_left()

    async def _next(
        self, socket: web.WebSocketResponse, timeout: float | None = None
    ) -> page.ToAgent | bytes:
        frame = await next_frame(socket, timeout)
        if frame.type is WSMsgType.BINARY:
            return bytes(frame.data)
        if frame.type is not WSMsgType.TEXT or len(frame.data) > LONGEST_TEXT:
            raise ProtocolError("the connection ended")
        return page.TO_AGENT.parse(frame.data)


@web.middleware
async def _guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse every request that was not meant for the loopback interface."""
    host = request.headers.get("Host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name not in LOOPBACK:
        return web.Response(status=403, text="loopback only")
    response: web.StreamResponse = await handler(request)
    return response


async def _send_all(socket: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        while True:
            await socket.send_str(await queue.get())


async def _refuse(socket: web.WebSocketResponse, reason: str) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError, asyncio.TimeoutError):
        if not socket.closed:
            await asyncio.wait_for(socket.send_str(page.TO_PAGE.encode(page.Failure(problem=reason))), 2.0)
            await socket.close(code=4000, message=b"refused")
