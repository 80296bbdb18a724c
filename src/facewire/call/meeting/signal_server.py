"""The rendezvous: two agents with the same room and token find each other here and exchange sealed texts.

The server never sees a token, only what is derived from it (`transport.invitation`). Room and derived value together
name the room, so whoever has another token is in another, empty room: there is nothing to guess at, nothing to
occupy, and no answer that tells whether a room exists. Nothing of this is logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from facewire.base.errors import ConfigError, ProtocolError
from facewire.base.wire import VERSION
from facewire.call.meeting.page_ice import PageIce
from facewire.call.meeting.site import Site
from facewire.call.messages.signal_messages import (
    ENTERING,
    TO_AGENT,
    TO_SERVER,
    Enter,
    Leave,
    Other,
    Refused,
    Say,
    Seated,
    ToAgent,
    from_protocol,
)
from facewire.transport.flood import Permits
from facewire.transport.web.frames import SilenceError, next_frame

MOST_ROOMS = 10_000
MOST_CONNECTIONS = 20_000
MOST_PER_ADDRESS = 64
LONGEST_MESSAGE = 32 * 1024
"""Bytes; larger ones end the connection."""
ENTER_SECONDS = 5.0
"""Within this an agent must say where it wants to go."""
HEARTBEAT_SECONDS = 15.0
CLOSE_SECONDS = 1.0
"""How long a refused agent has to say goodbye."""
MESSAGE_RATE, MESSAGE_BURST = 5.0, 30.0
SEND_SECONDS = 5.0
"""An agent that does not take a message within this loses its connection."""


@dataclass(slots=True)
class _Seat:
    socket: web.WebSocketResponse | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(16))


class SignalServer:
    """The rendezvous as an application: `/room/NAME` for agents and pages, `/join` for people, `/ice` for pages,
    `/health` for machines.

    Args:
        join_page: what people read who open an invitation link, unless there is a page to call from.
        site: with the page of a call; pages of this server may enter rooms then.
        page: address of the page of a call on another host, whose pages may enter rooms, too; invitation links lead
            there unless there is a site.
        ice: servers that pages are told of.

    Raises:
        ConfigError: `page` is no address of a page.
    """

    def __init__(
        self, join_page: str = "", site: Site | None = None, page: str = "", ice: PageIce | None = None
    ) -> None:
        self._page, self._origin = page, _origin(page)
        self._ice = PageIce() if ice is None else ice
        self._rooms: dict[bytes, dict[str, _Seat]] = {}
        self._connections: dict[str, int] = {}
        self._join_page = join_page
        self.app = web.Application(client_max_size=1024)
        self.app.router.add_get("/room/{room}", self._room)
        self._has_page = site is not None
        if site is not None or page:
            self.app.router.add_get("/ice", self._tell_ice)
        if site is None:
            self.app.router.add_get("/join", self._join)
        else:
            site.add_to(self.app)
        self.app.router.add_get("/health", self._health)

    @property
    def rooms(self) -> int:
        """Rooms in use."""
        return len(self._rooms)

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _tell_ice(self, request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self._origin:
            headers["Access-Control-Allow-Origin"] = self._origin
        return web.json_response(self._ice.servers(time.time()), headers=headers)

    async def _join(self, request: web.Request) -> web.Response:
        if self._page:  # browsers take what stands after # along
            raise web.HTTPFound(self._page, headers={"Referrer-Policy": "no-referrer"})
        headers = {
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
            "Referrer-Policy": "no-referrer",
        }
        return web.Response(text=self._join_page, content_type="text/html", headers=headers)

    async def _room(self, request: web.Request) -> web.StreamResponse:
        if not self._may_enter(request):
            return web.Response(status=403, text="agents and this server's own page only")
        address = request.remote or ""
        if (
            sum(self._connections.values()) >= MOST_CONNECTIONS
            or self._connections.get(address, 0) >= MOST_PER_ADDRESS
        ):
            return web.Response(status=429, text="too many connections")
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS,
            timeout=CLOSE_SECONDS,
            max_msg_size=LONGEST_MESSAGE,
            protocols=(ENTERING,),
        )
        self._connections[address] = self._connections.get(address, 0) + 1
        try:
            try:
                await socket.prepare(request)
            except ValueError:  # a handshake that is none; aiohttp lets some through
                return web.Response(status=400, text="not a websocket")
            await self._serve(socket, request.match_info["room"], _entry(request))
        finally:
            self._connections[address] -= 1
            if not self._connections[address]:
                del self._connections[address]
        return socket

    def _may_enter(self, request: web.Request) -> bool:
        """Agents send no origin; a page in a browser does, and only this server's own and one other are let in."""
        origin = request.headers.get("Origin")
        own = self._has_page and urlsplit(origin or "").netloc == request.host
        return origin is None or own or (origin == self._origin != "")

    async def _serve(self, socket: web.WebSocketResponse, room: str, entry: str | None) -> None:
        try:
            if entry is None:
                first = TO_SERVER.parse(await _text(socket, ENTER_SECONDS))
            else:
                first = from_protocol(entry)
            if not isinstance(first, Enter):
                raise ProtocolError("enter first")
        except SilenceError:
            return  # a busy machine, which comes again: being refused would end its call
        except ProtocolError as error:
            await _refuse(socket, str(error))
            return
        if first.version != VERSION:
            await _refuse(socket, f"this server speaks version {VERSION}")
            return
        name = hashlib.sha256(f"{room}\0{first.admission}".encode()).digest()
        place = self._take_seat(name, first.key, socket)
        if isinstance(place, str):
            await _refuse(socket, place)
            return
        letter, seat, before = place
        if before is not None and not before.closed:
            await before.close(code=4001, message=b"the same agent came again")
        try:
            await _send(socket, Seated(seat=letter, key=seat.key))  # type: ignore[arg-type]
            await self._tell_other(name, letter, Other(here=True))
            if self._other(name, letter) is not None:
                await _send(socket, Other(here=True))
            await self._pass_on(socket, name, letter)
        finally:
            await self._give_up(name, letter, socket)

    def _take_seat(
        self, name: bytes, key: str, socket: web.WebSocketResponse
    ) -> tuple[str, _Seat, web.WebSocketResponse | None] | str:
        """Return letter, seat and the connection that had it, or why there is none."""
        seats = self._rooms.get(name)
        if seats is None:
            if len(self._rooms) >= MOST_ROOMS:
                return "the server is full: try again later"
            seats = self._rooms[name] = {}
        for letter, seat in seats.items():
            if key and secrets.compare_digest(seat.key, key):
                before, seat.socket = seat.socket, socket
                return letter, seat, before
        free = [letter for letter in "ab" if letter not in seats or seats[letter].socket is None]
        if not free:
            return "there are two in this room already"
        seats[free[0]] = _Seat(socket)
        return free[0], seats[free[0]], None

    async def _pass_on(self, socket: web.WebSocketResponse, name: bytes, letter: str) -> None:
        permits = Permits(MESSAGE_RATE, MESSAGE_BURST)
        try:
            while True:
                message = TO_SERVER.parse(await _text(socket))
                if not permits.take(time.monotonic()):
                    raise ProtocolError("too many messages")
                if isinstance(message, Leave):
                    return
                if not isinstance(message, Say):
                    raise ProtocolError("entered already")
                await self._tell_other(name, letter, message)
        except ProtocolError as error:
            await _refuse(socket, str(error))

    def _other(self, name: bytes, letter: str) -> web.WebSocketResponse | None:
        seat = self._rooms.get(name, {}).get("b" if letter == "a" else "a")
        return seat.socket if seat is not None else None

    async def _tell_other(self, name: bytes, letter: str, message: ToAgent) -> None:
        other = self._other(name, letter)
        if other is not None:
            await _send(other, message)

    async def _give_up(self, name: bytes, letter: str, socket: web.WebSocketResponse) -> None:
        seats = self._rooms.get(name, {})
        seat = seats.get(letter)
        if seat is None or seat.socket is not socket:
            return  # the same agent came again and has the seat now
        seat.socket = None
        if all(one.socket is None for one in seats.values()):
            self._rooms.pop(name, None)
        else:
            await self._tell_other(name, letter, Other(here=False))


def _entry(request: web.Request) -> str | None:
    """Return what goes behind ENTERING in the request, which saves a trip; None if it is a message as usual."""
    names = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return names[1] if len(names) == 2 and names[0] == ENTERING else None


def _origin(page: str) -> str:
    """Return what browsers call the origin of a page; "" for none."""
    if not page:
        return ""
    parts = urlsplit(page)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
        raise ConfigError("page", page, "the address of a page, such as https://example.org/call.html")
    return f"{parts.scheme}://{parts.netloc.lower()}"


async def _text(socket: web.WebSocketResponse, timeout: float | None = None) -> str:
    """Return the next text.

    Raises:
        ProtocolError: something else came, or nothing in time.
    """
    message = await next_frame(socket, timeout)
    if message.type is not WSMsgType.TEXT:
        raise ProtocolError("the connection ended, or said something other than text")
    return str(message.data)


async def _send(socket: web.WebSocketResponse, message: ToAgent) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError, asyncio.TimeoutError):
        await asyncio.wait_for(socket.send_str(TO_AGENT.encode(message)), SEND_SECONDS)


async def _refuse(socket: web.WebSocketResponse, reason: str) -> None:
    if not socket.closed:
        await _send(socket, Refused(reason=reason[:200]))
        with contextlib.suppress(ConnectionError, RuntimeError):
            await socket.close(code=4000, message=b"refused")
