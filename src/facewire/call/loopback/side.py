"""One agent of a loopback call: the real course and conversation, with a modelled network and rendezvous."""

from __future__ import annotations

from collections.abc import Callable

from facewire.call.conversation.conversation import SILENCE_SECONDS, Conversation
from facewire.call.conversation.course import Course
from facewire.call.conversation.party import Party
from facewire.call.conversation.source_photo import IncomingPhoto, OwnSource
from facewire.call.conversation.states import Action, Event, State
from facewire.call.loopback.virtual_time import ReliablePipe, Timeline
from facewire.call.person.portrait import Portrait
from facewire.transport.link import Link, LinkSettings
from facewire.transport.overhead import channel_bytes, rtp_bytes

SET_UP_SECONDS, SET_UP_TRIPS, SET_UP_BYTES = 0.1, 10, 4_500
"""What machines take from joining until the channels are open; one-way delays in a row, as real sockets have them
(benchmarks/thin_sockets.py): TCP 2, room and offer 2, answer 1, ICE 1, DTLS 4; bytes that wait for each other."""


def connecting_seconds(settings: LinkSettings) -> float:
    """Return how long the way from the rendezvous to open channels takes on a link."""
    sent = 8 * SET_UP_BYTES / (1000 * settings.rate_kbit_per_s) if settings.rate_kbit_per_s else 0.0
    return SET_UP_SECONDS + SET_UP_TRIPS * settings.delay_ms / 1000 + sent


class Side:
    """One agent: its course, its conversation, its half of the network."""

    def __init__(self, name: str, line: Timeline, link: Link, party: Party, source: OwnSource) -> None:
        self.name, self.line, self.link, self.party, self.source = name, line, link, party, source
        self.course = Course(0.0)
        self.talk: Conversation | None = None
        self.pipe: ReliablePipe | None = None
        self.other: Side = self
        self.held: IncomingPhoto | None = None
        self.people: dict[int, Portrait] = {}
        self.control_bytes = 0
        self.live_at: list[float] = []
        self.prepare: Callable[[IncomingPhoto], Portrait | None] = lambda photo: None

    # The outbox of the conversation.

    def media(self, payload: bytes, timestamp: int) -> None:
        """Send a sound packet over the link."""
        self._send(rtp_bytes(len(payload)), lambda talk: talk.hear_media(payload, timestamp, self.line.now))

    def loose(self, message: bytes) -> None:
        """Send a message that may be lost over the link."""
        self._send(channel_bytes(len(message)), lambda talk: talk.hear_loose(message, self.line.now))

    def reliable(self, message: str | bytes) -> None:
        """Send a message that is not lost."""
        if self.pipe is not None:
            self.pipe.send(message)

    # The course of the call.

    def on(self, event: Event) -> None:
        """Take an event and do what the table says."""
        action = self.course.on(event, self.line.now)
        if action is Action.ASK:
            self._meet()
        elif action is Action.CONNECT:
            self._connect()
        elif action is Action.GREET:
            if self.talk is not None:
                self.talk.greet()
        elif action is Action.START:
            self.live_at.append(self.line.now)
            if self.talk is not None:
                self.talk.live = True
        elif action in (Action.DROP, Action.AGAIN, Action.FINISH):
            self._drop()
            if action is Action.AGAIN:
                self.line.at(self.line.now + 0.5, self._meet)

    def look_after(self) -> None:
        """Take photos and events of the conversation, and see whether it is still alive."""
        talk = self.talk
        if talk is not None:
            while talk.photos:
                photo = talk.photos.popleft()
                person = self.prepare(photo)
                if person is not None:
                    self.people[photo.epoch] = person
                self.held = photo
                talk.photo_prepared(photo)
            for event in talk.events():
                self.on(event)
            if self.course.state is State.LIVE and talk.silent_for(self.line.now) > SILENCE_SECONDS:
                self.on(Event.BROKEN)
        if self.course.is_overdue(self.line.now):
            self.on(Event.TIMEOUT)

    def _send(self, size: int, hear: Callable[[Conversation], None]) -> None:
        arrival = self.link.send(self.line.now, size)
        target = self.other.talk
        if arrival is not None and target is not None:
            self.line.at(arrival, lambda: hear(target) if self.other.talk is target else None)

    def _meet(self) -> None:
        """Ask the rendezvous: both meet when neither is in a call and the link is up."""
        ready = (State.JOINING, State.WAITING, State.LOST)
        if self.course.state not in ready:
            return
        if self.link.cut(self.line.now):
            self.line.at(self.line.now + 1.0, self._meet)
            return
        if self.other.course.state in ready:
            for side in (self, self.other):
                side.on(Event.PEER_HERE)
        elif self.course.state is not State.WAITING:
            self.on(Event.ADMITTED)

    def _connect(self) -> None:
        self._drop()
        self.line.at(self.line.now + connecting_seconds(self.link.at(self.line.now)), self._open)

    def _open(self) -> None:
        if self.course.state is not State.CONNECTING:
            return
        if self.link.cut(self.line.now):
            self.on(Event.BROKEN)
            return
        self.pipe = ReliablePipe(self.line, self.link, self.other.link, self._told)
        self.talk = Conversation(self.party, self.source, self, self.line.now, self.held)
        self.line.at(self.talk.next_tick, lambda talk=self.talk: self._tick(talk))  # type: ignore[misc]
        self.line.at(self.line.now + 0.001, lambda: self.on(Event.OPENED))

    def _told(self, message: str | bytes) -> None:
        if self.other.talk is not None:
            self.other.talk.hear_reliable(message, self.line.now)

    def _tick(self, talk: Conversation) -> None:
        if self.talk is talk:
            talk.tick(self.line.now)
            self.line.at(talk.next_tick, lambda: self._tick(talk))

    def _drop(self) -> None:
        if self.pipe is not None:
            self.control_bytes += self.pipe.bytes
            self.pipe.closed = True
        self.talk, self.pipe = None, None
