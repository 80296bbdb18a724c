"""An agent's end of the rendezvous: takes a seat, says and hears sealed texts, comes again when the line breaks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from facewire.base.errors import ProtocolError
from facewire.call.messages.signal_messages import (
    ENTERING,
    SEALED,
    TO_AGENT,
    TO_SERVER,
    Enter,
    Leave,
    Other,
    Refused,
    Say,
    Sealed,
    Seated,
    ToServer,
    as_protocol,
)
from facewire.transport.invitation import Invitation

LONGEST_MESSAGE = 32 * 1024
CONNECT_SECONDS = 8.0
KNOCK_SECONDS = 4.0
DEFLATE = 15
"""Bits of the window: descriptions are half as long on the way to the server (RFC 7692)."""
MOST_WAITING = 16
"""Messages that wait to be sent."""


async def obstacle(invitation: Invitation) -> str:
    """Return why a signalling server cannot be visited, found by knocking at its door; "" if it can."""
    timeout = aiohttp.ClientTimeout(total=KNOCK_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(invitation.join_address),
        ):
            return ""
    except TimeoutError:
        reason = f"no answer in {KNOCK_SECONDS:g} s"
    except aiohttp.WSServerHandshakeError as error:
        reason = f"something else answers there, with HTTP status {error.status}"
    except aiohttp.ClientConnectorError as error:
        known = error.os_error.errno or 0  # negative where a name has no address
        reason = os.strerror(known) if known > 0 else str(error.os_error.strerror)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
    return f"the signalling server {invitation.server} cannot be reached ({reason})"


@dataclass(frozen=True, slots=True)
class SignalHandlers:
    """Who hears of what; called on the event loop."""

    seated: Callable[[str], None]
    other: Callable[[bool], None]
    heard: Callable[[Sealed], None]
    refused: Callable[[str], None]
    lost: Callable[[], None]


class SignalClient:
    """One visit to the rendezvous; `run` ends with it.

    Args:
        invitation: where to and with which secret.
        handlers: who hears of what.
        key: of the seat held before, or "".
    """

    def __init__(self, invitation: Invitation, handlers: SignalHandlers, key: str = "") -> None:
        self.key = key
        self.seat = ""
        self._invitation, self._handlers = invitation, handlers
        self._queue: asyncio.Queue[ToServer] = asyncio.Queue(MOST_WAITING)

    def say(self, message: Sealed) -> None:
        """Say something to the other agent, sealed."""
        body = SEALED.encode(message)
        self._put(Say(body=body, seal=self._invitation.seal(self.seat, body)))

    def leave(self) -> None:
        """Give the seat up."""
        self._put(Leave())

    async def run(self) -> None:
        """Visit the server until it ends; every way in which it ends calls one handler, being cancelled none."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
        entry = Enter(admission=self._invitation.admission, key=self.key)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.ws_connect(
                    self._invitation.join_address,
                    protocols=(ENTERING, as_protocol(entry)),
                    heartbeat=10.0,
                    max_msg_size=LONGEST_MESSAGE,
                    compress=DEFLATE,
                ) as socket,
            ):
                if socket.protocol != ENTERING:  # an older server
                    await socket.send_str(TO_SERVER.encode(entry))
                sending = asyncio.create_task(self._send_all(socket))
                try:
                    await self._hear_all(socket)
                finally:
                    sending.cancel()
        except ProtocolError as error:
            self._handlers.refused(f"the signalling server cannot be understood: {error}")
        except (aiohttp.ClientError, OSError, TimeoutError):
            self._handlers.lost()

    async def _send_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            message = await self._queue.get()
            await socket.send_str(TO_SERVER.encode(message))

    async def _hear_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = TO_AGENT.parse(frame.data)
            if isinstance(message, Refused):
                self._handlers.refused(message.reason)
                return
            if isinstance(message, Seated):
                self.seat, self.key = message.seat, message.key
                self._handlers.seated(message.seat)
            elif isinstance(message, Other):
                self._handlers.other(message.here)
            else:
                self._hear_sealed(message)
        self._handlers.lost()

    def _hear_sealed(self, message: Say) -> None:
        """Pass on what the other seat sealed; anything else is dropped: the server may say what it likes."""
        other = "b" if self.seat == "a" else "a"
        if not self._invitation.is_sealed(other, message.body, message.seal):
            return
        try:
            sealed = SEALED.parse(message.body)
        except ProtocolError:
            return
        self._handlers.heard(sealed)

    def _put(self, message: ToServer) -> None:
        if not self._queue.full():
            self._queue.put_nowait(message)
