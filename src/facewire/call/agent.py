"""The local agent: one page, one call. It joins camera, networks, connection and page on one event loop.

    page --PageLink--> newest picture --thread--> Performer ---> Conversation ---> RtcPeer ---> the other agent
    page <--PageLink-- picture <--thread-- LivePictures <--- Conversation <--- RtcPeer <---

Slow work happens in three threads, each with room for a single job: one sends, one receives, and one does what no
picture may wait for (where is the face, does synthesis fit, is a photo the person). What comes while one is busy
replaces what waited. While the camera is off nothing looks at it. Pictures live in memory only and appear in no log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from facewire.base.errors import CallError, ConfigError, FacewireError, ProtocolError
from facewire.call.conversation.conversation import SILENCE_SECONDS, Conversation
from facewire.call.conversation.course import Course
from facewire.call.conversation.party import Party
from facewire.call.conversation.source_photo import IncomingPhoto, OwnSource
from facewire.call.conversation.states import Action, Event, State
from facewire.call.conversation.steering import QUICK
from facewire.call.meeting.meeting import Meeting, MeetingHandlers
from facewire.call.meeting.rtc_peer import RtcPeer
from facewire.call.messages import page_messages as page
from facewire.call.page.link import CameraPicture, PageLink
from facewire.call.page.reporter import METER_SECONDS, PageReporter
from facewire.call.person.engine import FaceEngine
from facewire.call.person.live_pictures import LivePictures
from facewire.call.person.performer import Performance
from facewire.call.person.photo_choice import PhotoChoice
from facewire.call.person.their_photos import TheirPhotos
from facewire.call.person.view import FreeView
from facewire.call.playout.face_receiver import Show
from facewire.call.set_up import SetUp
from facewire.call.settings import AgentSettings
from facewire.codec.tables.artefact import CodecTables
from facewire.face.crop import crop
from facewire.face.finder import FaceFinder
from facewire.media.frame import Pixels
from facewire.media.sound.opus import Sound
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO
from facewire.transport.invitation import Invitation
from facewire.transport.overhead import TURN_CHANNEL

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.005
WATCH_SECONDS, SOON_SECONDS = 0.05, 0.01
"""Between looks at what has happened; while a connection is built, every one of them is waited for."""
CHECK_SECONDS = 0.5
PREVIEW_SECONDS = 0.1
AT_REST = (State.IDLE, State.JOINING, State.WAITING, State.ENDED)
"""When the own avatar is shown: it takes the thread in which the other side's photo is prepared."""
VIDEO_SECONDS = 0.1
"""Between ordinary pictures."""
AGAIN_SECONDS = 1.0
"""Before the signalling server is asked again."""
PAGE_GONE_SECONDS = 5.0
"""A page that was reloaded has so long to come back before the call is hung up."""
BEHIND_SECONDS = 1.0
"""Sound that is later than this is not sent any more."""
CLOSE_SECONDS = 2.0
"""Left for what is under way when the agent ends."""

Result = TypeVar("Result")


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
        self.own = settings.invitation or Invitation.create(settings.signal, settings.room)
        self._sending = ThreadPoolExecutor(1, "facewire-send")
        self._receiving = ThreadPoolExecutor(1, "facewire-receive")
        self._reflecting = ThreadPoolExecutor(1, "facewire-reflect")
        self._reflects = False
        self._meeting = Meeting(
            self.course,
            settings.ice,
            settings.relay,
            MeetingHandlers(self._on, self._explain, self._reached, self._begin, self._start),
        )
        self.set_up = SetUp()
        """How long the call took to come up."""
        self._photos = PhotoChoice(engine, finder, settings, self._newest_picture)
        self._performer = self._photos.performer
        self._reporter = PageReporter()
        self._view = FreeView()
        self._theirs = TheirPhotos(engine)
        self._pictures = LivePictures(engine)
        self._link: PageLink | None = None
        self._page_left: float | None = None
        self._newest: tuple[CameraPicture, float] | None = None
        self._saw = asyncio.Event()
        self._last: Performance | None = None
        self._muted = False
        self._thin = settings.thin
        self._invitation = self.own
        self._problem = ""
        self._last_show: Show | None = None
        self._video_at = self._preview_at = float("-inf")
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def talk(self) -> Conversation | None:
        """The conversation with the other agent, if there is one."""
        return self._meeting.talk

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
            if self._tasks:  # connections that are being closed
                await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
            if self._link is not None:
                await self._link.close()
            for pool in (self._sending, self._receiving, self._reflecting):
                pool.shutdown(wait=False, cancel_futures=True)

    # The page.

    def page_came(self, say: Callable[[page.ToPage], None]) -> None:
        """Note that a page showed the key; it hears everything from now on."""
        self._page_left = None
        self._reporter.page_came(say)
        self._reporter.say(
            page.Welcome(
                room=self.own.room,
                avatar_allowed=self.settings.allow_avatar,
                video_allowed=self.settings.video,
                size=self.engine.size,
                muted=self._muted,
                camera_off=self._performer.keeper.camera_off,
                thin=self._thin,
                video=not self._performer.keeper.refused,
            )
        )
        self._tell_course()

    async def page_left(self) -> None:
        """Note that the page is gone; its camera and microphone are released at once."""
        self._reporter.page_left()
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
            await self._use(self._photos.from_camera)
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
            self._newest = None
            if self.talk is not None:
                self.talk.set_mode(self._performer.keeper.mode)
        elif isinstance(message, page.Thin):
            self._thin = message.on
            if self.talk is not None:
                self.talk.want_thin(message.on)
        elif isinstance(message, page.OrdinaryVideo):
            self._performer.keeper.refused = not message.on
        elif isinstance(message, page.View):
            self._view.aim(message.yaw, message.pitch, message.roll, message.frontal)
        else:
            raise ProtocolError("entered already")

    async def hear_bytes(self, data: bytes) -> None:
        """Take a photo file that the user chose, and say whether it can be used."""
        await self._use(lambda: self._photos.from_file(data))

    async def _connect_page(self, offer: str) -> None:
        if self._link is not None:
            await self._link.close()
        self._link = PageLink(self.engine.size, self._read_sound, self._see, self._hear_microphone)
        self._reporter.say(page.Answer(sdp=await self._link.answer(offer)))

    async def _use(self, choose: Callable[[], OwnSource]) -> None:
        """Use another photo, and say whether it can be used."""
        try:
            source = await self._in(self._reflecting, choose)
        except FacewireError as error:
            self._reporter.say(page.PhotoResult(ok=False, problem=str(error)))
            return
        _log.info("call: faces are shown with up to %d pixels", self._performer.shows)
        if self.talk is not None:
            self.talk.new_source(source)
        self._reporter.say(page.PhotoResult(ok=True, avatar=source.avatar))

    async def _join(self, link: str) -> None:
        idle = self.course.state in (State.IDLE, State.ENDED)
        if idle:
            self.set_up.begin(time.monotonic())
        try:
            invitation = Invitation.parse(link) if link else self.own
        except ConfigError:
            problem = "this is no invitation link: paste all of it, with what stands after #"
            self._reporter.say(page.Failure(problem=problem))
            return
        try:
            await self._in(self._reflecting, self._photos.check)
        except CallError as error:
            self._reporter.say(page.Failure(problem=str(error)))
            return
        if idle:
            self._reached("check")
            if invitation != self._invitation:
                self._meeting.forget_seat()
            self._invitation, self._problem = invitation, ""
            self._theirs.forget()
        self._on(Event.JOIN)

    def _newest_picture(self) -> Pixels | None:
        newest = self._newest
        return None if newest is None else newest[0].pixels

    def _see(self, picture: CameraPicture, now: float) -> None:
        if not self._performer.keeper.camera_off:
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
        if self.course.state is State.LOST:
            self.set_up.begin(now)
        elif event is Event.ADMITTED:
            self._reached("room")
        if action is Action.ASK:
            self._meeting.ask(self._invitation, 0.0)
        elif action is Action.CONNECT:
            self.set_up.go_on(now)
            self._start(self._meeting.connect())
        elif action is Action.GREET and talk is not None:
            talk.greet()
        elif action is Action.START and talk is not None:
            talk.live = True
            self._reached("photos")
        elif action is Action.DROP:
            self._start(self._meeting.close_peer())
        elif action is Action.AGAIN:
            self._start(self._meeting.close_peer())
            self._meeting.ask(self._invitation, AGAIN_SECONDS)
        elif action is Action.FINISH:
            self._start(self._finish(event))
        self._tell_course()

    def _reached(self, phase: str) -> None:
        """Note that a phase of setting up is over; at the last one say how long it took."""
        if self.set_up.reached(phase, time.monotonic()) and self.set_up.times is not None:
            times = self.set_up.times
            _log.info("call: %s", times)
            self._reporter.say(page.Connected(live=times.live / 1000, whole=times.whole / 1000, phases=times))

    def _begin(self, peer: RtcPeer) -> Conversation | None:
        """Return the conversation over a new connection."""
        source = self._performer.source
        if source is None:
            return None
        party = Party(
            self.engine.fingerprint,
            self.tables,
            self.engine.size,
            self.settings.trailer,
            source.avatar,
            self._performer.shows,
            self._thin,
        )
        talk = Conversation(party, source, peer, time.monotonic(), self._theirs.newest)
        talk.relay_bytes = TURN_CHANNEL if peer.relayed else 0
        talk.microphone.muted = self._muted
        talk.set_mode(self._performer.keeper.mode)
        self._last_show = None
        return talk

    def _explain(self, problem: str) -> None:
        self._problem = problem

    async def _finish(self, event: Event) -> None:
        talk = self.talk
        if talk is not None:
            if event is Event.HANG_UP:
                talk.hang_up()
            elif event is Event.MISFIT:
                talk.hang_up(talk.problem)
            elif event is Event.BYE:
                self._problem = "the other side hung up"
        await self._meeting.leave()
        self._theirs.forget()
        await self._meeting.close_peer()

    # What goes on all the time.

    async def _perform_all(self) -> None:
        while True:
            await self._saw.wait()
            self._saw.clear()
            newest = self._newest
            if newest is None:
                continue
            picture, at = newest
            done = await self._in(
                self._sending,
                lambda: self._performer.perform(picture.pixels, at),  # noqa: B023
            )
            self._last = done
            await self._send(picture, done, at)
            if not self._reflects and self._performer.due(at):
                self._reflects = True
                self._start(self._reflect(picture, done, at))
            await self._preview(done)

    async def _reflect(self, picture: CameraPicture, done: Performance, at: float) -> None:
        try:
            led = await self._in(self._reflecting, lambda: self._performer.reflect(picture.pixels, done, at))
        finally:
            self._reflects = False
        if self.talk is not None and led.source is not None and led.source is self._performer.source:
            self.talk.new_source(led.source)

    async def _send(self, picture: CameraPicture, done: Performance, at: float) -> None:
        talk = self.talk
        if talk is None:
            return
        talk.set_mode(self._performer.keeper.mode)
        if done.motion is not None and talk.mode == SYNTHESIS:
            self._reporter.frames_sent += talk.motion(done.motion, at)
        if talk.mode == VIDEO and at - self._video_at >= VIDEO_SECONDS:
            self._video_at = at
            talk.picture(await self._in(self._sending, lambda: talk.coded(done.sight.crop, at)), at)
        if talk.live and talk.mode != PAUSED:
            side, box = talk.sent_side, done.sight.box
            await self._in(
                self._sending,
                lambda: self._reporter.sent_h264.see(side, lambda: crop(picture.pixels, box, side)),
            )

    async def _preview(self, done: Performance) -> None:
        """Before a call, show the user their own avatar."""
        now = time.monotonic()
        if self.course.state not in AT_REST or now - self._preview_at < PREVIEW_SECONDS:
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
            now = time.monotonic()
            wait = talk.next_tick - now
            if wait < -SILENCE_SECONDS:  # the machine slept; the other side has given this connection up
                self._on(Event.BROKEN)
                await asyncio.sleep(0.1)
                continue
            if wait < -BEHIND_SECONDS:
                talk.skip(now)
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
            synthesised = picture is None
            if picture is None:
                self._try_drawing(talk)
                show = talk.due(time.monotonic()) or (self._last_show if self._view.moving else None)
                if show is None:
                    continue
                picture = await self._rendered(talk, show)
            if picture is None or self.talk is not talk:
                continue
            link.face.show(picture)
            self._reached("face")
            talk.meters.shown.add(time.monotonic(), 0)
            shown = picture
            if synthesised:
                await self._in(
                    self._receiving,
                    lambda: self._reporter.shown_h264.see(len(shown), lambda: shown),  # noqa: B023
                )

    def _try_drawing(self, talk: Conversation) -> None:
        """While ordinary video is shown, see now and then how quickly this machine would draw."""
        show = self._last_show
        person = None if show is None or talk.their_mode != VIDEO else self._theirs.person(show.epoch)
        if show is not None and person is not None and self._pictures.pace.due(time.monotonic(), QUICK):
            self._receiving.submit(self._pictures.draw, person, show.motion)

    async def _rendered(self, talk: Conversation, show: Show) -> Pixels | None:
        person = self._theirs.person(show.epoch)
        self._last_show = show
        if person is None:
            return None
        begin = time.monotonic()
        turn = self._view.turn(show.motion)
        picture = await self._in(self._receiving, lambda: self._pictures.render(person, show.motion, turn))
        talk.playout.rendered(time.monotonic() - begin)
        return picture

    async def _watch_all(self) -> None:
        checked = metered = float("-inf")
        while True:
            building = self.course.state in (State.CONNECTING, State.GREETING)
            await asyncio.sleep(SOON_SECONDS if building else WATCH_SECONDS)
            now = time.monotonic()
            talk = self.talk
            if talk is not None:
                await self._look_after(talk, now)
            if self.course.is_overdue(now):
                if self.course.state is State.JOINING:
                    self._explain("the signalling server does not answer: check --signal and the network")
                self._on(Event.TIMEOUT)
            if self._page_left is not None and now - self._page_left > PAGE_GONE_SECONDS:
                self._page_left = None
                self._on(Event.HANG_UP)
            if now - checked >= CHECK_SECONDS:
                checked = now
                last = None if self._newest is None else self._last
                self._reporter.tell_check(last, self._performer.source is not None)
            if now - metered >= METER_SECONDS and talk is not None and talk.live:
                metered = now
                self._reporter.say_meters(talk, now, self._pictures.drawn_share())
            self._tell_course()

    async def _look_after(self, talk: Conversation, now: float) -> None:
        if talk.photos:  # one at a time: the call begins with the preview, not with the photo after it
            await self._prepare(talk, talk.photos.popleft())
        if self.talk is not talk:
            return
        talk.line.draws = self._pictures.pace.per_s
        self._performer.keeper.hear_draws(talk.line.their_draws(now))
        for event in talk.events():
            if event is Event.MISFIT:
                self._problem = talk.problem
            self._on(event)
        if self.course.state is State.LIVE and talk.silent_for(now) > SILENCE_SECONDS:
            self._on(Event.BROKEN)
        self._reporter.tell_modes(talk, self._performer.keeper)
        self._reporter.tell_line(talk)

    async def _prepare(self, talk: Conversation, photo: IncomingPhoto) -> None:
        try:
            shows = talk.party.shows
            person = await self._in(self._receiving, lambda: self._theirs.prepare(photo, shows))
        except FacewireError as error:
            talk.photo_spoilt(str(error))
            return
        if self.talk is talk:
            self._theirs.keep(photo, person)
            talk.photo_prepared(photo)

    # What the page is told.

    def _tell_course(self) -> None:
        state = self.course.state
        shares = state in (State.WAITING, State.JOINING, State.CONNECTING)
        progress = 1.0 if self.talk is None else round(self.talk.photo_progress(), 2)
        self._reporter.tell(
            page.Course(
                state=state.value,
                link=self._invitation.link if shares else "",
                problem=self._problem if state is State.ENDED else "",
                photo_progress=progress,
            )
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
