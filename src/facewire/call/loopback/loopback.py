"""A whole call between two agents through two seeded links, in virtual time: benchmark, test and soak.

    clip -> Performer -> Conversation A --Link--> Conversation B -> Show -> engine -> compared with the clip
            (measured)                 <--Link--                    (measured)

Both agents are the real ones, with the real state table, codec, sound and photo; what is modelled is the network
(`transport.link`), the reliable channel on top of it, and the rendezvous. Events happen in virtual time, and what the
networks and codecs take on this machine is measured and charged to the agent that does it, each as on a machine of
its own. So a run needs no waiting, can be faster than the clock, and says what a call would be like.

Glass to glass means from the moment a frame is handed to agent A to the moment the picture made of it leaves agent B;
camera, browsers and screens are not in it.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from facewire.base.errors import CallError
from facewire.call.conversation.conversation import Conversation
from facewire.call.conversation.party import Party
from facewire.call.conversation.source_photo import IncomingPhoto
from facewire.call.conversation.states import Event
from facewire.call.loopback.report import LoopbackReport, Spread
from facewire.call.loopback.side import Side
from facewire.call.loopback.virtual_time import Timeline
from facewire.call.person.camera import Sight
from facewire.call.person.engine import FaceEngine
from facewire.call.person.live_pictures import LivePictures
from facewire.call.person.modes import ModeSettings
from facewire.call.person.performer import Performance, Performer
from facewire.call.person.portrait import Portrait
from facewire.call.person.their_photos import TheirPhotos
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.face.crop import crop
from facewire.face.finder import FaceFinder
from facewire.media.frame import Pixels
from facewire.media.sound.opus import SAMPLE_RATE, Sound
from facewire.transport.face_message import SYNTHESIS, VIDEO
from facewire.transport.link import Link, LinkSettings
from facewire.transport.shapes import LinkShape

FRAME_SECONDS = 0.04
POLL_SECONDS = 0.005
"""How often the receiver looks whether something is due."""
SOUND_SECONDS = 0.02

QUARTER_PIXEL = 1 / 512
"""Of a picture of 256, in picture units; in one frame of ten a face moves less (docs/lab/2026-11-22-call.md)."""
HEAD_RADIUS = 0.5
"""Picture units: what a radian moves at the head's edge."""

FIXED_SEND, FIXED_RENDER = 0.015, 0.035
"""Seconds charged where nothing is measured."""

PERFECT = LinkSettings()
Costs = Literal["wall", "cpu", "fixed"]
Result = TypeVar("Result")
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopbackSettings:
    """One run."""

    seconds: float = 20.0
    """Of call, beyond setting it up; the clip is played to and fro for as long as that."""
    link: LinkSettings | LinkShape = PERFECT
    """Both directions alike."""
    seed: int = 0
    thin: bool = False
    """Thin mode is wanted."""
    trailer: bool = True
    size: int | None = None
    """Side of the largest face that is sent and shown, pixels; None: what the networks make."""
    pictures: int = 1
    """Every n-th shown picture is rendered and compared; 0 renders none and measures no quality (for soaks)."""
    costs: Costs = "wall"
    """What the networks are charged with: wall, the time they took; cpu, the processor time they took, which holds
    on a busy machine too if they run in one thread; fixed, 15 ms to send and 35 ms to render."""


class Loopback:
    """One run.

    Args:
        engine: the networks, used by both agents.
        finder: the face finder.
        tables: coding tables.
        frames: the clip, any size, at 25 frames per second; at least two.
        settings: the run.
    """

    def __init__(
        self,
        engine: FaceEngine,
        finder: FaceFinder,
        tables: CodecTables,
        frames: Sequence[Pixels],
        settings: LoopbackSettings,
    ) -> None:
        if len(frames) < 2:
            raise CallError("the clip is too short for a call: use one of at least two frames")
        self.settings, self.frames, self.engine = settings, frames, engine
        self.line = Timeline()
        shows = settings.size or engine.size
        self.performer = Performer(
            engine, finder, ModeSettings(), largest=shows, clock=lambda: 0.0
        )  # looks as often as may be, on every machine
        self.performer.shows = shows
        first = self.performer.perform(frames[0], -1.0)
        self.performer.reflect(frames[0], first, -1.0)
        box = self.performer.perform(frames[0], -1.0).sight.box
        own = self.performer.use(frames[0], box, from_camera=True)
        party = Party(
            engine.fingerprint, tables, engine.size, settings.trailer, shows=shows, thin=settings.thin
        )
        self.a = Side("a", self.line, Link(settings.link, 2 * settings.seed), party, own)
        self.b = Side("b", self.line, Link(settings.link, 2 * settings.seed + 1), party, own)
        self.a.other, self.b.other = self.b, self.a
        self.b.prepare = self._prepare
        self._performed: dict[int, MotionFrame] = {}
        self._sights: dict[int, Sight] = {}
        self._theirs = TheirPhotos(engine)
        self._pictures = LivePictures(engine, self._clock)
        self._side = 0
        self._taken: dict[float, int] = {}
        self._done: Performance | None = None
        self._busy = 0.0
        self._rendering = 0.0
        self._sound = _speech(random.Random(settings.seed))
        # Arrays: in a soak these are all that grows, and memory is measured.
        self._captures, self._moved, self._news = _numbers(), _numbers(), _numbers()
        self._delays, self._skews, self._psnr = _numbers(), _numbers(), _numbers()
        self._render_ms, self._send_ms = _numbers(), _numbers()
        self._seen: MotionFrame | None = None
        self._kinds = {"fresh": 0, "filled": 0, "eased": 0}
        self._first_face: float | None = None
        self._read: tuple[float, float] | None = None
        """When agent B last read sound, and the media time of its first sample."""
        self._steps: Counter[str] = Counter()
        self._changes, self._step = -1, ""
        self._videos = 0
        self._memory = 0.0

    def run(self, progress: Progress | None = None) -> LoopbackReport:
        """Play the whole call and return what it was like."""
        line, whole = self.line, self.settings.seconds
        for side in (self.a, self.b):
            line.at(0.0, lambda side=side: side.on(Event.JOIN))  # type: ignore[misc]
        self._look_after()
        line.at(0.013, self._camera)
        line.at(0.0, self._play_sound)
        self._poll()
        while not (self.a.live_at and self.b.live_at):
            line.run(line.now + 0.1)
            if line.now > 120:
                raise CallError("the two agents did not come together through this link: make it better")
        met, live = max(self.a.live_at[0], self.b.live_at[0]), line.now
        self._captures = _numbers()
        self._kinds = dict.fromkeys(self._kinds, 0)
        marks, on_line = self._marks(), self.a.link.bytes
        end, tenth = live + whole, live + whole / 10
        while line.now < end:
            line.run(min(line.now + 1.0, end))
            self._note_step()
            if not self._memory and line.now >= tenth:
                self._memory = _memory_mb()
            if progress is not None:
                progress("calling", round(line.now - live), round(whole))
        return self._report(met, live, end, marks, self.a.link.bytes - on_line)

    # What happens again and again.

    def _camera(self) -> None:
        """Hand the next frame of the clip to agent A, when its engine is free."""
        now = self.line.now
        self.line.at(now + FRAME_SECONDS, self._camera)
        talk = self.a.talk
        if talk is None or not talk.live:
            return
        index = _to_and_fro(round(now / FRAME_SECONDS), len(self.frames))
        self._captures.append(now)
        if now < self._busy:
            return
        motion, spent = self._charged(lambda: self._motion(index, now), FIXED_SEND)
        self._send_ms.append(1000 * spent)
        self._busy = now + spent
        order = self._reflect(index, now)
        if order == "to video":
            talk.set_mode(VIDEO)
        elif order == "to synthesis":
            talk.set_mode(SYNTHESIS)
        self._taken[now] = index

        def done() -> None:
            if self.a.talk is talk:
                if motion is not None:
                    talk.motion(motion, now)
                if talk.mode == VIDEO:
                    talk.picture(talk.coded(self._sights[index].crop, now), now)

        self.line.at(self._busy, done)

    def _motion(self, index: int, now: float) -> MotionFrame | None:
        if self.settings.pictures == 0 and index in self._performed:
            return self._performed[index]
        self._done = done = self.performer.perform(self.frames[index], now)
        self._sights[index] = done.sight
        if done.motion is not None:
            self._performed[index] = done.motion
        return done.motion

    def _reflect(self, index: int, now: float) -> str:
        """Let the sender think about the frame; a thread of its own does that, so it is not charged."""
        done, self._done = self._done, None
        if done is None or not self.performer.due(now):
            return "none"
        led = self.performer.reflect(self.frames[index], done, now)
        if led.source is not None and self.a.talk is not None:
            self.a.source = led.source
            self.a.talk.new_source(led.source)
        return led.order

    def _play_sound(self) -> None:
        now = self.line.now
        self.line.at(now + SOUND_SECONDS, self._play_sound)
        for side in (self.a, self.b):
            talk = side.talk
            if talk is None or not talk.live:
                continue
            talk.microphone.put(self._sound(now))
            count = round(SOUND_SECONDS * SAMPLE_RATE)
            talk.sound(count, now)
            position = talk.loudspeaker.position
            if side is self.b and position is not None:
                self._read = now, position - count
            if side is self.b and self.a.talk is not None and self.a.talk.live:
                # The other direction carries a face too, so that both ways cost the same.
                talk.motion(self._still(now), now)

    def _still(self, now: float) -> MotionFrame:
        index = _to_and_fro(round(now / FRAME_SECONDS), len(self.frames))
        return self._performed.get(index, self.b.source.motion)

    def _poll(self) -> None:
        now = self.line.now
        self.line.at(now + POLL_SECONDS, self._poll)
        talk = self.b.talk
        if talk is None or not talk.live or now < self._rendering:
            return
        if talk.video_picture() is not None:
            self._videos += 1
            self._moved.append(now)
            self._news.append(now)
        show = talk.due(now)
        if show is None:
            return
        self._kinds[show.kind] += 1
        if self._first_face is None:
            self._first_face = now
        spent = self._render(show.motion, show.epoch, show.capture, now, talk)
        self._rendering = now + spent
        talk.playout.rendered(spent)
        at = now + spent
        if show.kind != "eased":
            self._news.append(at)
        if show.kind != "eased" or self._seen is None or _moves(self._seen, show.motion):
            self._moved.append(at)
            self._seen = show.motion
        if show.kind == "fresh" and self.a.talk is not None:
            capture = self._capture_of(show.capture, now)
            if capture is not None:
                self._delays.append(1000 * (at - capture))
            if self._read is not None:
                playing = self._read[1] + (at - self._read[0]) * SAMPLE_RATE
                self._skews.append(abs(playing - show.capture) / SAMPLE_RATE * 1000)

    def _capture_of(self, media: float, now: float) -> float | None:
        """Return when the frame was really taken; ages are rounded to 4 ms on the wire."""
        talk = self.a.talk
        origin = None if talk is None or self.b.talk is None else self.b.talk.clock_origin
        if talk is None or origin is None:
            return None
        told = talk.begin + (media + origin) / SAMPLE_RATE
        near = [at for at in self._taken if abs(at - told) < 0.02 and at <= now]
        for old in [at for at in self._taken if at < now - 30]:
            del self._taken[old]
        return min(near, key=lambda at: abs(at - told)) if near else None

    def _render(self, motion: MotionFrame, epoch: int, media: float, now: float, talk: Conversation) -> float:
        every = self.settings.pictures
        person = self.b.people.get(epoch)
        if every == 0 or person is None or sum(self._kinds.values()) % every:
            return talk.playout.render_seconds
        picture, spent = self._charged(lambda: self._pictures.render(person, motion), FIXED_RENDER)
        self._render_ms.append(1000 * spent)
        capture = self._capture_of(media, now)
        self._side = len(picture)
        index = None if capture is None else self._taken[capture]
        if index in self._sights:
            truth = crop(self.frames[index], self._sights[index].box, self._side)
            self._psnr.append(_psnr(picture, truth))
        return spent

    def _charged(self, work: Callable[[], Result], fixed: float) -> tuple[Result, float]:
        """Do some work and return its result and what it costs, seconds."""
        begin = self._clock()
        result = work()
        return result, fixed if self.settings.costs == "fixed" else self._clock() - begin

    def _clock(self) -> float:
        """Return the time that this machine's work is measured with; it stands still where nothing is."""
        costs = self.settings.costs
        return {"wall": time.perf_counter, "cpu": time.process_time, "fixed": float}[costs]()

    def _look_after(self) -> None:
        for side in (self.a, self.b):
            side.look_after()
        self.line.at(self.line.now + 0.02, self._look_after)

    def _prepare(self, photo: IncomingPhoto) -> Portrait:
        return self._theirs.prepare(photo, self.b.party.shows)

    def _note_step(self) -> None:
        """Count the seconds in which agent A sends with each step."""
        talk = self.a.talk
        if talk is not None:
            self._changes += talk.line.step.name != self._step
            self._step = talk.line.step.name
            self._steps[self._step] += 1

    # The report.

    def _marks(self) -> tuple[int, int, int]:
        sent = self.a.talk.meters.sent if self.a.talk else None
        return (
            (0, 0, 0)
            if sent is None
            else (sent.face.total_bytes, sent.sound.total_bytes, sent.ip.total_bytes)
        )

    def _report(
        self, met: float, live: float, end: float, marks: tuple[int, int, int], on_line: int
    ) -> LoopbackReport:
        memory = _memory_mb()
        delays = self._delays
        tenth = max(1, len(delays) // 10)
        counts = [now - before for now, before in zip(self._marks(), marks, strict=True)]
        reconnects = len(self.a.live_at) - 1
        if reconnects:  # a new connection counts from zero
            counts, live_for = list(self._marks()), end - self.a.live_at[-1]
        else:
            live_for = end - live
        face, sound, ip = (8 * count / 1000 / live_for for count in counts)
        cut = self.a.link.at(0.0)
        cut_end = cut.cut_start_s + cut.cut_s if cut.cut_start_s >= 0 else None
        after = [at for at in self._news if cut_end is not None and at > cut_end]
        talk = self.b.talk
        concealed = waited = 0.0
        if talk is not None:
            heard = talk.loudspeaker.played + talk.loudspeaker.concealed
            concealed = talk.loudspeaker.concealed / heard if heard else 0.0
            waited = talk.loudspeaker.waited / heard if heard else 0.0
        gaps = [(1000 * (b - a), a, b) for a, b in pairwise([*self._moved, end])]
        news = [1000 * (b - a) for a, b in pairwise([*self._news, end])]
        outside = [gap for gap, a, b in gaps if cut_end is None or b < cut.cut_start_s or a > cut_end]
        for side in (self.a, self.b):
            if side.pipe is not None:
                side.control_bytes += side.pipe.bytes
        early, late = Spread.of(delays[:tenth]), Spread.of(delays[-tenth:])
        return LoopbackReport(
            seconds=end - live,
            frames=len(self._captures),
            face_kbit_per_s=face,
            sound_kbit_per_s=sound,
            ip_kbit_per_s=ip,
            line_kbit_per_s=8 * on_line / 1000 / (end - live),
            control_bytes=self.a.control_bytes,
            delay_ms=Spread.of(delays),
            early_delay_ms=early,
            late_delay_ms=late,
            longest_freeze_ms=max((gap for gap, _, _ in gaps), default=0.0),
            longest_cut_free_freeze_ms=max(outside, default=0.0),
            longest_without_news_ms=max(news, default=0.0),
            lost_in_a_row=self.a.link.longest_run,
            delivered=self._kinds["fresh"] / max(1, len(self._captures)),
            filled=self._kinds["filled"],
            eased=self._kinds["eased"],
            moved=self._pictures.moved,
            video_pictures=self._videos,
            sound_concealed=concealed,
            sound_waited=waited,
            lip_skew_ms=Spread.of(self._skews),
            side=self._side,
            psnr=float(np.mean(self._psnr)) if self._psnr else None,
            set_up_s=met,
            first_face_s=self._first_face,
            steps=dict(sorted(self._steps.items())),
            step_changes=self._changes,
            reconnects=reconnects,
            reconnect_s=after[0] - cut_end if after and cut_end is not None else None,
            memory_mb=(self._memory, memory),
            memory_growth=memory / self._memory - 1 if self._memory else 0.0,
            delay_growth_ms=late.median - early.median,
            render_ms=Spread.of(self._render_ms),
            send_ms=Spread.of(self._send_ms),
            state=(self.a.course.state.value, self.b.course.state.value),
        )


def _to_and_fro(step: int, count: int) -> int:
    """Return the frame at a step when a clip of `count` frames is played forwards, backwards, forwards, ..."""
    place = step % (2 * (count - 1))
    return place if place < count else 2 * (count - 1) - place


def _numbers() -> array[float]:
    return array("d")


def _moves(before: MotionFrame, after: MotionFrame) -> bool:
    """Say whether some part of the face is elsewhere in the second motion by a quarter of a pixel."""
    turned = HEAD_RADIUS * np.abs(after.angles - before.angles).max()
    placed = np.abs(after.translation - before.translation).max()
    shaped = np.abs(after.expression - before.expression).max()
    return bool(max(turned, placed, shaped) >= QUARTER_PIXEL)


def _psnr(first: Pixels, second: Pixels) -> float:
    error = float(np.mean((first.astype(np.float32) - second.astype(np.float32)) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))


def _memory_mb() -> float:
    """Return the memory the process holds now, MB; where only the peak is known, the peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / 1e6
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def _speech(noise: random.Random) -> Callable[[float], Sound]:
    """Return a source of sound about as busy as speech: a gliding voice in syllables, with breath."""
    rng = np.random.default_rng(noise.randrange(1 << 32))
    count = round(SOUND_SECONDS * SAMPLE_RATE)

    def piece(now: float) -> Sound:
        times = now + np.arange(count) / SAMPLE_RATE
        pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * times)
        voice = sum(np.sin(2 * np.pi * k * pitch * times) / k for k in range(1, 6))
        syllables = np.maximum(0, np.sin(2 * np.pi * 3.1 * times))
        return np.asarray(3000 * syllables * voice + rng.normal(0, 120, count), np.int16)

    return piece
