"""A modelled line between two pages: every packet of a call goes through it, and no page learns where the other is.

    page A --UDP--> way to B: loss, delay, reordering, cuts --UDP, from the way to A--> page B

A page asks the server for the way to each address of the other side, and calls that (`WAYS`, for its console).
Signalling goes another way, but is refused during a cut, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from aiohttp import web

from facewire.transport.link import Link, LinkSettings

HEADER_BYTES = 28
"""Of IPv4 and UDP."""
WAYS = r"""(() => {
  const take = RTCPeerConnection.prototype.setRemoteDescription;
  const moved = async (line) => {
    if (!line.startsWith("a=candidate:")) return [line];
    const words = line.split(" ");
    if (words[2].toLowerCase() !== "udp" || !/^[0-9.]+$/.test(words[4])) return [];
    words[5] = await (await fetch(`SERVER/way?host=${words[4]}&port=${words[5]}`)).text();
    return [words.join(" ")];
  };
  RTCPeerConnection.prototype.setRemoteDescription = async function ({ type, sdp }) {
    const lines = await Promise.all(sdp.split("\r\n").map(moved));
    return take.call(this, { type, sdp: lines.flat().join("\r\n") });
  };
})()"""

Address = tuple[str, int]


class ModelledLine:
    """A line; `close` it.

    Args:
        settings: what each direction is like, until they are changed.
    """

    def __init__(self, settings: LinkSettings) -> None:
        self.settings = settings
        self.cut = False
        """Nothing passes while this is set."""
        self.sent = self.lost = 0
        self._loop = asyncio.get_running_loop()
        self._ways: dict[Address, _Way] = {}

    def added_to(self, app: web.Application) -> web.Application:
        """Let pages ask an application for ways, and let it answer nobody during a cut."""

        @web.middleware
        async def refusing(request: web.Request, handler: Callable[..., object]) -> web.StreamResponse:
            if self.cut:
                return web.Response(status=503)
            return await handler(request)  # type: ignore[no-any-return,misc]

        app.middlewares.append(refusing)
        app.router.add_get("/way", self._tell_way)
        return app

    def at(self, now: float) -> LinkSettings:
        """Return what the line is like."""
        return self.settings

    def close(self) -> None:
        """Take all ways away."""
        for way in self._ways.values():
            way.close()

    async def _tell_way(self, request: web.Request) -> web.Response:
        port = self.way((request.query["host"], int(request.query["port"]))).port
        return web.Response(text=str(port), headers={"Access-Control-Allow-Origin": "*"})

    def way(self, to: Address) -> _Way:
        """Return the way to an address, the same one every time."""
        if to not in self._ways:
            self._ways[to] = _Way(self, to, Link(self, len(self._ways)))
        return self._ways[to]


class _Way:
    """One direction: a port whose packets arrive at an address, from the way back to where they came from."""

    def __init__(self, line: ModelledLine, to: Address, link: Link) -> None:
        self._line, self._to, self._link = line, to, link
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((to[0], 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._carry)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _carry(self) -> None:
        data, source = self._socket.recvfrom(65536)
        now = self._loop.time()
        arrival = self._link.send(now, HEADER_BYTES + len(data))
        self._line.sent += not self._line.cut
        if self._line.cut:
            return
        if arrival is None:
            self._line.lost += 1
        else:
            self._loop.call_at(arrival, self._line.way(source).put, data, self._to)

    def put(self, data: bytes, to: Address) -> None:
        """Send from here."""
        if not self._line.cut:
            with contextlib.suppress(OSError):  # the other end, or this one, has gone
                self._socket.sendto(data, to)
