"""The way to the other agent: the rendezvous, then a connection, as often as the course of the call wants.

ask -> SignalClient -> seated, the other is here -> connect -> RtcPeer: offer, answer -> opened -> Conversation
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from facewire.base.errors import CallError, ProtocolError
from facewire.call.conversation.conversation import Conversation
from facewire.call.conversation.course import Course
from facewire.call.conversation.states import Event, State
from facewire.call.meeting.rtc_peer import IceServer, PeerHandlers, RtcPeer
from facewire.call.meeting.signal_client import SignalClient, SignalHandlers
from facewire.call.messages.signal_messages import Sealed
from facewire.transport.invitation import Invitation

LAST_WORDS_SECONDS = 0.1
"""Left for the last messages to get out."""
PATIENCE, LAST_PATIENCE = 1.0, 5.0
"""Seconds that STUN and TURN servers have to answer: at the first attempt; at every later one, and where there is no
way without them."""


@dataclass(frozen=True, slots=True)
class MeetingHandlers:
    """What a meeting calls.

    on       something happened
    explain  why what will happen next happens, for the user
    reached  a phase of setting up is over (`set_up.SetUpTimes`)
    begin    a connection is open: the conversation over it, or None if there is nothing to be shown with
    start    lets something happen beside
    """

    on: Callable[[Event], None]
    explain: Callable[[str], None]
    reached: Callable[[str], None]
    begin: Callable[[RtcPeer], Conversation | None]
    start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Meeting:
    """One agent's connection to the other, and what leads to it.

    Args:
        course: of the call; read only.
        ice: STUN and TURN servers.
        relay: use TURN servers only.
        handlers: what to call.
    """

    def __init__(
        self, course: Course, ice: tuple[IceServer, ...], relay: bool, handlers: MeetingHandlers
    ) -> None:
        self.talk: Conversation | None = None
        """The conversation over the connection that is open, if one is."""
        self._course, self._ice, self._relay, self._handlers = course, ice, relay, handlers
        self._peer: RtcPeer | None = None
        self._client: SignalClient | None = None
        self._visit: asyncio.Task[None] | None = None
        self._attempt = ""
        self._patience = PATIENCE
        """Seconds that STUN and TURN servers have in the next attempt."""

    def forget_seat(self) -> None:
        """Ask for a new seat next time: it is another room."""
        self._client = None
        self._patience = PATIENCE

    def ask(self, invitation: Invitation, delay: float) -> None:
        """Visit the signalling server in `delay` seconds, again with the seat held before."""
        if self._visit is not None:
            self._visit.cancel()
        key = self._client.key if self._client is not None else ""
        tell = self._handlers

        def current(client: SignalClient) -> bool:
            return self._client is client

        def seated(seat: str) -> None:
            if current(client):
                tell.on(Event.ADMITTED)

        def other(here: bool) -> None:
            if current(client):
                tell.on(Event.PEER_HERE if here else Event.PEER_GONE)

        def heard(sealed: Sealed) -> None:
            if current(client):
                tell.start(self._hear(sealed))

        def refused(reason: str) -> None:
            if current(client):
                tell.explain(reason)
                tell.on(Event.REFUSED)

        def lost() -> None:
            if current(client):
                if self._course.state is State.JOINING:
                    tell.explain("the signalling server cannot be reached: check --signal and the network")
                tell.on(Event.SIGNAL_LOST)

        client = SignalClient(invitation, SignalHandlers(seated, other, heard, refused, lost), key)
        self._client = client

        async def visit() -> None:
            await asyncio.sleep(delay)
            await client.run()

        self._visit = tell.start(visit())

    async def connect(self) -> None:
        """Build a new connection: both gather the ways to their machines, then seat a offers and seat b answers."""
        await self.close_peer()
        client = self._client
        if client is None or self._peer is not None:  # meanwhile an offer was answered, or it was begun anew
            return
        self._attempt = attempt = secrets.token_hex(8) if client.seat == "a" else ""
        peer = self._peer = self._new_peer()
        try:
            if client.seat != "a":
                await peer.gather()
                return
            offer = await peer.offer()
        except (ConnectionError, CallError) as error:
            self._failed(peer, error)
            return
        if self._peer is peer:
            client.say(Sealed(kind="offer", attempt=attempt, sdp=offer))

    async def close_peer(self) -> None:
        """Close the connection, if there is one."""
        peer, self._peer = self._peer, None
        self.talk = None
        if peer is not None:
            await peer.close()

    async def leave(self) -> None:
        """Leave the room for good."""
        if self._client is not None:
            self._client.leave()
            await asyncio.sleep(LAST_WORDS_SECONDS)
        if self._visit is not None:
            self._visit.cancel()
        self._client = None

    def _failed(self, peer: RtcPeer | None, error: Exception) -> None:
        """Note that a connection cannot be built, unless another one took its place."""
        if peer is None or self._peer is not peer:
            return
        if isinstance(error, ConnectionError):
            self._handlers.on(Event.BROKEN)
            return
        self._handlers.explain(str(error))
        self._handlers.on(Event.MISFIT)

    async def _hear(self, sealed: Sealed) -> None:
        client, peer = self._client, self._peer
        if client is None:
            return
        try:
            if sealed.kind == "offer" and client.seat == "b" and self._course.state is State.CONNECTING:
                if self._attempt or peer is None:  # that one has answered an offer already
                    await self.close_peer()
                    peer = self._peer = self._new_peer()
                self._attempt = sealed.attempt
                answer = await peer.answer(sealed.sdp)
                if self._peer is peer:
                    self._handlers.reached("descriptions")
                    client.say(Sealed(kind="answer", attempt=sealed.attempt, sdp=answer))
            elif sealed.kind == "answer" and sealed.attempt == self._attempt and peer is not None:
                self._handlers.reached("descriptions")
                await peer.accept(sealed.sdp)
        except (ConnectionError, CallError, ProtocolError) as error:
            self._failed(peer, error)

    def _new_peer(self) -> RtcPeer:
        def of_this(act: Callable[[Conversation], None]) -> None:
            if self._peer is peer and self.talk is not None:
                act(self.talk)

        def opened() -> None:
            if self._peer is not peer:
                return
            self._patience = PATIENCE
            self._handlers.reached("secured")
            talk = self._handlers.begin(peer)
            if talk is not None:
                self.talk = talk
                self._handlers.on(Event.OPENED)

        def broken() -> None:
            if self._peer is peer:
                self._handlers.on(Event.BROKEN)

        def found() -> None:
            if self._peer is peer:
                self._handlers.reached("ways")

        clock = time.monotonic
        patience, self._patience = LAST_PATIENCE if self._relay else self._patience, LAST_PATIENCE
        peer = RtcPeer(
            PeerHandlers(
                media=lambda data, at: of_this(lambda talk: talk.hear_media(data, at, clock())),
                reliable=lambda data: of_this(lambda talk: talk.hear_reliable(data, clock())),
                loose=lambda data: of_this(lambda talk: talk.hear_loose(data, clock())),
                found=found,
                opened=opened,
                broken=broken,
            ),
            self._ice,
            relay=self._relay,
            patience=patience,
        )
        return peer
