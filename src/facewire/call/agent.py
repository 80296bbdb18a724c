"""The local agent: one page, one call. It joins camera, networks, connection and page on one event loop.

    page --PageLink--> newest picture --thread--> Performer ---> Conversation ---> RtcPeer ---> the other agent
    page <--PageLink-- picture <--thread-- engine.render <--- Conversation <--- RtcPeer <---

Slow work happens in two threads, one for sending and one for receiving, each with room for a single job: what comes
while one is busy replaces what waited. Pictures live in memory only and appear in no log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from facewire.base.errors import CallError, ConfigError, FacewireError, MediaError, NoFaceFound, ProtocolError
from facewire.call import page_messages as page
from facewire.call.conversation import SILENCE_SECONDS, Conversation, IncomingPhoto, Party
from facewire.call.course import Course
from facewire.call.engine import FaceEngine
from facewire.call.face_receiver import Show
from facewire.call.meters import Direction, H264Comparison
from facewire.call.modes import ModeSettings
from facewire.call.page_link import PageLink
from facewire.call.performer import Performance, Performer
from facewire.call.rtc_peer import IceServer, PeerHandlers, RtcPeer
from facewire.call.same_person import Likeness, SamePerson
from facewire.call.signal_client import SignalClient, SignalHandlers
from facewire.call.signal_messages import Sealed
from facewire.call.states import Action, Event, State
from facewire.call.view import FreeView
from facewire.codec.tables.artefact import CodecTables
from facewire.face.crop import crop, crop_box_from_faces
from facewire.face.finder import FaceFinder
from facewire.media.frame import Pixels
from facewire.media.opus import Sound
from facewire.media.picture_bytes import decode_picture
from facewire.runtime.engine import Prepared
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO
from facewire.transport.invitation import Invitation

_log = logging.getLogger(__name__)

MOST_PHOTO_PIXELS = 24_000_000
"""Of a photo that the user chooses."""
POLL_SECONDS = 0.005
WATCH_SECONDS = 0.05
CHECK_SECONDS = 0.5
METER_SECONDS = 1.0
PREVIEW_SECONDS = 0.1
VIDEO_SECONDS = 0.1
"""Between ordinary pictures."""
AGAIN_SECONDS = 1.0
"""Before the signalling server is asked again."""
PAGE_GONE_SECONDS = 5.0
"""A page that was reloaded has so long to come back before the call is hung up."""
DARK, BRIGHT = 50.0, 215.0
"""Mean grey of the head crop, 0 to 255."""
KEPT_PEOPLE = 4
"""Prepared photos of the other side: as many epochs as a stream can tell apart."""

Result = TypeVar("Result")
ModeName = Literal["synthesis", "video", "off"]
MODE_NAMES: dict[int, ModeName] = {SYNTHESIS: "synthesis", VIDEO: "video", PAUSED: "off"}


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSettings:
    """What the command line decides."""

    signal: str
    room: str
    invitation: Invitation | None = None
    """The other side's, if one was given."""
    ice: tuple[IceServer, ...] = ()
    allow_avatar: bool = False
    video: bool = True
    trailer: bool = True


class Agent:
    """One user's side.

    Args:
        engine: the networks.
        finder: the face finder.
        tables: coding tables.
        settings: what the command line decides.
    """

    def __init__(
        self, engine: FaceEngine, finder: FaceFinder, tables: CodecTables, settings: AgentSettings
    ) -> None:
        self.engine, self.finder, self.tables, self.settings = engine, finder, tables, settings
        self.key = secrets.token_urlsafe(24)
        """What a page must show; it stands in the fragment of the page's address."""
        self.course = Course(time.monotonic())
        self.talk: Conversation | None = None
        self.own = settings.invitation or Invitation.create(settings.signal, settings.room)
        self._sending = ThreadPoolExecutor(1, "facewire-send")
        self._receiving = ThreadPoolExecutor(1, "facewire-receive")
        self._same_person = SamePerson(finder)
        self._performer = Performer(engine, finder, self._mode_settings(False), self._is_same)
        self._view = FreeView()
        self._people: dict[int, Prepared] = {}
        self._held: IncomingPhoto | None = None
        self._peer: RtcPeer | None = None
        self._client: SignalClient | None = None
        self._client_task: asyncio.Task[None] | None = None
        self._attempt = ""
        self._link: PageLink | None = None
        self._say: Callable[[page.ToPage], None] = lambda message: None
        self._page_left: float | None = None
        self._newest: tuple[Pixels, float] | None = None
        self._saw = asyncio.Event()
        self._last: Performance | None = None
        self._chosen: Pixels | None = None
        self._muted = False
        self._invitation = self.own
        self._problem = ""
        self._last_show: Show | None = None
        self._video_at = self._preview_at = float("-inf")
        self._told: dict[type[page.ToPage], page.ToPage] = {}
        self._sent_h264, self._shown_h264 = H264Comparison(engine.size), H264Comparison(engine.size)
        self._frames_sent = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    # Life.

    async def run(self) -> None:
        """Work until cancelled."""
        loops = (self._perform_all, self._tick_all, self._show_all, self._watch_all)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await self._finish(Event.HANG_UP)
            if self._link is not None:
                await self._link.close()
            self._sending.shutdown(wait=False, cancel_futures=True)
            self._receiving.shutdown(wait=False, cancel_futures=True)

    # The page.

    def page_came(self, say: Callable[[page.ToPage], None]) -> None:
        """Note that a page showed the key; it hears everything from now on."""
        self._say, self._page_left = say, None
        self._told.clear()
        self._say(
            page.Welcome(room=self.own.room, avatar_allowed=self.settings.allow_avatar, size=self.engine.size)
        )
        self._tell_course()

    async def page_left(self) -> None:
        """Note that the page is gone; its camera and microphone are released at once."""
        self._say = lambda message: None
        self._page_left = time.monotonic()
        link, self._link = self._link, None
        self._newest = None
        if link is not None:
            await link.close()

    async def hear_page(self, message: page.ToAgent) -> None:
        """Do what the page asks for.

        Raises:
            ProtocolError: it may not ask for this.
        """
        if isinstance(message, page.Offer):
            await self._connect_page(message.sdp)
        elif isinstance(message, page.TakePhoto):
            await self._take_photo()
        elif isinstance(message, page.Join):
            await self._join(message.invitation)
        elif isinstance(message, page.HangUp):
            self._on(Event.HANG_UP)
        elif isinstance(message, page.Mute):
            self._muted = message.on
            if self.talk is not None:
                self.talk.microphone.muted = message.on
        elif isinstance(message, page.CameraOff):
            self._performer.keeper.camera_off = message.on
            if self.talk is not None:
                self.talk.set_mode(self._performer.keeper.mode)
        elif isinstance(message, page.View):
            self._view.aim(message.yaw, message.pitch, message.roll, message.frontal)
        else:
            raise ProtocolError("entered already")

    async def hear_photo(self, data: bytes) -> None:
        """Take a photo file that the user chose, and say whether it can be used."""
        try:
            photo = await self._in(self._sending, lambda: decode_picture(data, MOST_PHOTO_PIXELS))
            head = await self._in(self._sending, lambda: self._head_of(photo, "photo"))
            likeness = await self._likeness(photo)
        except FacewireError as error:
            self._say(page.PhotoResult(ok=False, problem=str(error)))
            return
        if not likeness.same and not self.settings.allow_avatar:
            self._say(page.PhotoResult(ok=False, problem=_refusal(likeness)))
            return
        self._chosen = photo
        await self._use(head, from_camera=False, avatar=not likeness.same)

    async def _connect_page(self, offer: str) -> None:
        if self._link is not None:
            await self._link.close()
        self._link = PageLink(self.engine.size, self._read_sound, self._see, self._hear_microphone)
        self._say(page.Answer(sdp=await self._link.answer(offer)))

    async def _take_photo(self) -> None:
        newest = self._newest
        try:
            if newest is None:
                raise MediaError("camera", "no picture has come yet: allow the camera")
            head = await self._in(self._sending, lambda: self._head_of(newest[0], "camera"))
        except FacewireError as error:
            self._say(page.PhotoResult(ok=False, problem=str(error)))
            return
        self._chosen = None
        await self._use(head, from_camera=True, avatar=False)

    async def _use(self, head: Pixels, *, from_camera: bool, avatar: bool) -> None:
        self._performer.keeper.settings = self._mode_settings(avatar)
        source = await self._in(
            self._sending, lambda: self._performer.use(head, from_camera=from_camera, avatar=avatar)
        )
        if self.talk is not None:
            self.talk.new_source(source)
        self._say(page.PhotoResult(ok=True, avatar=avatar))

    async def _join(self, link: str) -> None:
        try:
            invitation = Invitation.parse(link) if link else self.own
            if self._performer.source is None:
                raise CallError("choose a photo first")
            if self._chosen is not None and not self._performer.keeper.settings.avatar:
                likeness = await self._likeness(self._chosen)
                if not likeness.same:
                    raise CallError(_refusal(likeness))
        except (ConfigError, CallError) as error:
            self._say(page.Failure(problem=str(error)))
            return
        if self.course.state in (State.IDLE, State.ENDED):
            if invitation != self._invitation:
                self._client = None
            self._invitation, self._problem = invitation, ""
            self._held = None
            self._people.clear()
        self._on(Event.JOIN)

    def _mode_settings(self, avatar: bool) -> ModeSettings:
        return ModeSettings(video=self.settings.video, refresh=not avatar, avatar=avatar)

    def _head_of(self, photo: Pixels, name: str) -> Pixels:
        """Return the head crop of the largest face.

        Raises:
            NoFaceFound: there is none.
        """
        faces = self.finder.find(photo)
        if not faces:
            raise NoFaceFound(name, "use a picture in which the face is larger and seen from the front")
        return crop(photo, crop_box_from_faces(faces[:1], *photo.shape[:2]), self.engine.size)

    async def _likeness(self, photo: Pixels) -> Likeness:
        newest = self._newest
        if newest is None:
            return Likeness(False, None, "the camera shows no picture to compare the photo with")
        return await self._in(self._sending, lambda: self._same_person.compare(photo, newest[0]))

    def _is_same(self, source: Pixels, crop: Pixels) -> bool:
        """Say whether a picture from the camera may replace the source; where this cannot be measured, it may:
        it is of whoever sits before the camera."""
        return not self._same_person.available or self._same_person.compare(source, crop).same

    def _see(self, picture: Pixels, now: float) -> None:
        self._newest = (picture, now)
        self._saw.set()

    def _hear_microphone(self, sound: Sound) -> None:
        if self.talk is not None:
            self.talk.microphone.put(sound)

    def _read_sound(self, count: int) -> Sound:
        talk = self.talk
        if talk is None or not talk.live:
            return np.zeros(count, np.int16)
        return talk.sound(count, time.monotonic())

    # The course of the call.

    def _on(self, event: Event) -> None:
        now = time.monotonic()
        talk = self.talk
        before = self.course.state
        action = self.course.on(event, now)
        if self.course.state is not before:
            _log.info("call: %s -> %s", before.value, self.course.state.value)
        if action is Action.ASK:
            self._ask(0.0)
        elif action is Action.CONNECT:
            self._start(self._connect())
        elif action is Action.GREET and talk is not None:
            talk.greet()
        elif action is Action.START and talk is not None:
            talk.live = True
        elif action is Action.DROP:
            self._start(self._close_peer())
        elif action is Action.AGAIN:
            self._start(self._close_peer())
            self._ask(AGAIN_SECONDS)
        elif action is Action.FINISH:
            self._start(self._finish(event))
        self._tell_course()

    def _ask(self, delay: float) -> None:
        """Visit the signalling server, again with the seat held before."""
        if self._client_task is not None:
            self._client_task.cancel()
        key = self._client.key if self._client is not None else ""

        def current(client: SignalClient) -> bool:
            return self._client is client

        def seated(seat: str) -> None:
            if current(client):
                self._on(Event.ADMITTED)

        def other(here: bool) -> None:
            if current(client):
                self._on(Event.PEER_HERE if here else Event.PEER_GONE)

        def heard(sealed: Sealed) -> None:
            if current(client):
                self._start(self._hear_sealed(sealed))

        def refused(reason: str) -> None:
            if current(client):
                self._problem = reason
                self._on(Event.REFUSED)

        def lost() -> None:
            if current(client):
                if self.course.state is State.JOINING:
                    self._problem = "the signalling server cannot be reached: check --signal and the network"
                self._on(Event.SIGNAL_LOST)

        client = SignalClient(self._invitation, SignalHandlers(seated, other, heard, refused, lost), key)
        self._client = client

        async def visit() -> None:
            await asyncio.sleep(delay)
            await client.run()

        self._client_task = self._start(visit())

    async def _connect(self) -> None:
        """Build a new connection; seat a offers, seat b waits for the offer."""
        await self._close_peer()
        client = self._client
        if client is None or client.seat != "a":
            return
        self._attempt = attempt = secrets.token_hex(8)
        peer = self._peer = self._new_peer()
        try:
            offer = await peer.offer()
        except (ConnectionError, CallError):
            return
        if self._attempt == attempt and self._peer is peer:
            client.say(Sealed(kind="offer", attempt=attempt, sdp=offer))

    async def _hear_sealed(self, sealed: Sealed) -> None:
        client = self._client
        if client is None:
            return
        try:
            if sealed.kind == "offer" and client.seat == "b" and self.course.state is State.CONNECTING:
                await self._close_peer()
                self._attempt = sealed.attempt
                peer = self._peer = self._new_peer()
                answer = await peer.answer(sealed.sdp)
                if self._peer is peer:
                    client.say(Sealed(kind="answer", attempt=sealed.attempt, sdp=answer))
            elif sealed.kind == "answer" and sealed.attempt == self._attempt and self._peer is not None:
                await self._peer.accept(sealed.sdp)
        except ProtocolError as error:
            self._problem = str(error)
            self._on(Event.MISFIT)
        except (ConnectionError, CallError):
            self._on(Event.BROKEN)

    def _new_peer(self) -> RtcPeer:
        def of_this(act: Callable[[Conversation], None]) -> None:
            if self._peer is peer and self.talk is not None:
                act(self.talk)

        def opened() -> None:
            source = self._performer.source
            if self._peer is not peer or source is None:
                return
            party = Party(
                self.engine.fingerprint, self.tables, self.engine.size, self.settings.trailer, source.avatar
            )
            self.talk = Conversation(party, source, peer, time.monotonic(), self._held)
            self.talk.microphone.muted = self._muted
            self.talk.set_mode(self._performer.keeper.mode)
            self._on(Event.OPENED)

        def broken() -> None:
            if self._peer is peer:
                self._on(Event.BROKEN)

        clock = time.monotonic
        peer = RtcPeer(
            PeerHandlers(
                media=lambda data, at: of_this(lambda talk: talk.hear_media(data, at, clock())),
                reliable=lambda data: of_this(lambda talk: talk.hear_reliable(data, clock())),
                loose=lambda data: of_this(lambda talk: talk.hear_loose(data, clock())),
                opened=opened,
                broken=broken,
            ),
            self.settings.ice,
        )
        return peer

    async def _close_peer(self) -> None:
        peer, self._peer = self._peer, None
        self.talk = None
        self._last_show = None
        if peer is not None:
            await peer.close()

    async def _finish(self, event: Event) -> None:
        talk, client = self.talk, self._client
        if talk is not None:
            if event is Event.HANG_UP:
                talk.hang_up()
            elif event is Event.MISFIT:
                talk.hang_up(talk.problem)
            elif event is Event.BYE:
                self._problem = "the other side hung up"
        if client is not None:
            client.leave()
            await asyncio.sleep(0.1)  # so that the last words get out
        if self._client_task is not None:
            self._client_task.cancel()
        self._client = None
        self._held = None
        self._people.clear()
        await self._close_peer()

    # What goes on all the time.

    async def _perform_all(self) -> None:
        while True:
            await self._saw.wait()
            self._saw.clear()
            newest = self._newest
            if newest is None:
                continue
            picture, at = newest
            done = await self._in(self._sending, lambda: self._performer.perform(picture, at))  # noqa: B023
            self._last = done
            await self._send(done, at)
            await self._preview(done)

    async def _send(self, done: Performance, at: float) -> None:
        talk = self.talk
        if talk is None:
            return
        if done.source is not None:
            talk.new_source(done.source)
        talk.set_mode(self._performer.keeper.mode)
        if done.motion is not None and talk.mode == SYNTHESIS:
            talk.motion(done.motion, at)
            self._frames_sent += 1
        if talk.mode == VIDEO and at - self._video_at >= VIDEO_SECONDS:
            self._video_at = at
            await self._in(self._sending, lambda: talk.picture(done.sight.crop, at))
        if talk.live and talk.mode != PAUSED:
            await self._in(self._sending, lambda: self._sent_h264.see(done.sight.crop))

    async def _preview(self, done: Performance) -> None:
        """Before a call, show the user their own avatar."""
        now = time.monotonic()
        if self.course.state in (State.LIVE, State.LOST) or now - self._preview_at < PREVIEW_SECONDS:
            return
        self._preview_at = now
        motion = done.motion
        picture = None
        if motion is not None:
            picture = await self._in(self._receiving, lambda: self._performer.preview(motion))
        if self._link is not None:
            self._link.face.show(done.sight.crop if picture is None else picture)

    async def _tick_all(self) -> None:
        while True:
            talk = self.talk
            if talk is None:
                await asyncio.sleep(0.02)
                continue
            wait = talk.next_tick - time.monotonic()
            if wait < -1.0:  # the machine slept; what was missed is not made up
                self._on(Event.BROKEN)
                await asyncio.sleep(0.1)
                continue
            if wait > 0:
                await asyncio.sleep(wait)
            if self.talk is talk:
                talk.tick(time.monotonic())

    async def _show_all(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            talk, link = self.talk, self._link
            if talk is None or link is None or not talk.live:
                continue
            picture = talk.video_picture()
            if picture is None:
                show = talk.due(time.monotonic()) or (self._last_show if self._view.moving else None)
                if show is None:
                    continue
                picture = await self._rendered(talk, show)
            if picture is None or self.talk is not talk:
                continue
            link.face.show(picture)
            talk.meters.shown.add(time.monotonic(), 0)
            shown = picture
            if shown.shape[0] == self.engine.size:
                await self._in(self._receiving, lambda: self._shown_h264.see(shown))  # noqa: B023

    async def _rendered(self, talk: Conversation, show: Show) -> Pixels | None:
        person = self._people.get(show.epoch)
        self._last_show = show
        if person is None:
            return None
        begin = time.monotonic()
        turn = self._view.turn(show.motion)
        picture = await self._in(self._receiving, lambda: self.engine.render(person, show.motion, turn))
        talk.playout.rendered(time.monotonic() - begin)
        return picture

    async def _watch_all(self) -> None:
        checked = metered = float("-inf")
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            talk = self.talk
            if talk is not None:
                await self._look_after(talk, now)
            if self.course.is_overdue(now):
                self._on(Event.TIMEOUT)
            if self._page_left is not None and now - self._page_left > PAGE_GONE_SECONDS:
                self._page_left = None
                self._on(Event.HANG_UP)
            if now - checked >= CHECK_SECONDS:
                checked = now
                self._tell_check()
            if now - metered >= METER_SECONDS and talk is not None and talk.live:
                metered = now
                self._say(self._meters(talk, now))
            self._tell_course()

    async def _look_after(self, talk: Conversation, now: float) -> None:
        while talk.photos and self.talk is talk:
            photo = talk.photos.popleft()
            try:
                person = await self._in(self._receiving, lambda: self._prepare(photo))  # noqa: B023
            except FacewireError as error:
                talk.photo_spoilt(str(error))
                continue
            if self.talk is not talk:
                return
            self._people[photo.epoch] = person
            for old in [epoch for epoch in self._people if epoch <= photo.epoch - KEPT_PEOPLE]:
                del self._people[old]
            self._held = photo
            talk.photo_prepared(photo)
        for event in talk.events():
            if event is Event.MISFIT:
                self._problem = talk.problem
            self._on(event)
        if self.course.state is State.LIVE and talk.silent_for(now) > SILENCE_SECONDS:
            self._on(Event.BROKEN)
        self._tell(page.Remote(mode=MODE_NAMES[talk.their_mode], avatar=talk.their_avatar))
        keeper = self._performer.keeper
        self._tell(page.Own(mode=MODE_NAMES[keeper.mode], reasons=keeper.reasons))

    def _prepare(self, photo: IncomingPhoto) -> Prepared:
        """Decode and prepare a photo of the other side, which must be a picture of the agreed size.

        Raises:
            MediaError: it is not.
        """
        size = self.engine.size
        picture = decode_picture(photo.picture, size * size, "the other side's photo")
        if picture.shape != (size, size, 3):
            raise MediaError("the other side's photo", f"is not {size}x{size} pixels")
        return self.engine.person(picture)

    # What the page is told.

    def _tell(self, message: page.ToPage) -> None:
        """Tell the page something that it does not know yet."""
        if self._told.get(type(message)) != message:
            self._told[type(message)] = message
            self._say(message)

    def _tell_course(self) -> None:
        state = self.course.state
        shares = state in (State.WAITING, State.JOINING, State.CONNECTING)
        progress = 1.0 if self.talk is None else round(self.talk.photo_progress(), 2)
        self._tell(
            page.Course(
                state=state.value,
                link=self._invitation.link if shares else "",
                problem=self._problem if state is State.ENDED else "",
                photo_progress=progress,
            )
        )

    def _tell_check(self) -> None:
        last = self._last
        if last is None or self._newest is None:
            self._tell(page.Check(picture=False, face=False, faces=0, light="unknown", photo=False))
            return
        grey = float(last.sight.crop.mean())
        light: Literal["dark", "good", "bright"] = (
            "dark" if grey < DARK else "bright" if grey > BRIGHT else "good"
        )
        self._tell(
            page.Check(
                picture=True,
                face=last.sight.found and last.reading.present,
                faces=last.sight.faces,
                light=light,
                photo=self._performer.source is not None,
            )
        )

    def _meters(self, talk: Conversation, now: float) -> page.Meters:
        meters = talk.meters
        rate = self._frames_sent / METER_SECONDS
        self._frames_sent = 0
        return page.Meters(
            sent=_way(meters.sent, now, rate, self._sent_h264.kbit_per_s),
            received=_way(meters.received, now, meters.shown.per_s(now), self._shown_h264.kbit_per_s),
            round_trip=1000 * (talk.sender.round_trip or 0.0),
            loss=talk.their_loss.loss,
            delay=1000 * talk.playout.delay,
        )

    # Small things.

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something happen beside the loops; what fails in it is logged, and ends the call, not the agent."""

        async def guarded() -> None:
            try:
                await work
            except FacewireError as error:
                self._problem = str(error)
                self._on(Event.MISFIT)

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _way(direction: Direction, now: float, frames: float, h264: float) -> page.Way:
    return page.Way(
        face=round(direction.face.kbit_per_s(now), 2),
        sound=round(direction.sound.kbit_per_s(now), 2),
        video=round(direction.video.kbit_per_s(now), 2),
        ip=round(direction.ip.kbit_per_s(now), 2),
        frames=round(frames, 1),
        h264=round(h264, 1),
    )


def _refusal(likeness: Likeness) -> str:
    if likeness.problem:
        return (
            f"{likeness.problem}; without this check only `facewire call --allow-avatar` takes a chosen photo"
        )
    return (
        "the photo does not show the person before the camera: choose another, or start with --allow-avatar, "
        "which tells the other side"
    )
