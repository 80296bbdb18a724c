"""What one page works with: the project and its history, the clock, what is read and what is rendered.

    page --Change--> project --+
                clock ---------+--> Wanted --painter thread--> picture --> page        the newest only
    page --webcam--> reader thread --> motion

Two threads beside the event loop, each with room for one job: the painter's opens photos and renders, the reader's
reads drivers and webcam pictures.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from facewire.animation.clips.source_video import Clip, length, read_clip
from facewire.animation.driving import RecordedMotion
from facewire.animation.person import LONGEST
from facewire.base.errors import FacewireError, MediaError, ProtocolError
from facewire.media.frame import Pixels
from facewire.media.image import save_image
from facewire.studio import messages as page
from facewire.studio.clock import Clock
from facewire.studio.driver import read_driver, steady
from facewire.studio.history import FILE as HISTORY_FILE
from facewire.studio.history import read_history
from facewire.studio.jobs.commands import Base, line_of, words_for
from facewire.studio.jobs.queue import FILE as JOBS_FILE
from facewire.studio.jobs.queue import Queue
from facewire.studio.jobs.tools import tool_words
from facewire.studio.library import Library, picture_of
from facewire.studio.painter import Painter
from facewire.studio.preview.moment import Live
from facewire.studio.preview.native import NativePreview, Wanted
from facewire.studio.preview.page_engine import is_fast_enough
from facewire.studio.project import FILE, Project, read_project, with_faces, write_project
from facewire.studio.timeline import timeline_of
from facewire.studio.webcam import WebcamReader

WEBCAM_SECONDS = 1.0
"""With a webcam a picture is rendered whenever one was read, and at least so often."""
KEYED_RATE = 25.0
"""Frames a second of keyframes without a driver."""
SAVE_SECONDS = 0.5
SIZE_STEP = 64
"""Photos are made ready at such sizes, not again for every stage that is a little larger."""

Show = Callable[[Pixels], None]
Result = TypeVar("Result")


class NotWanted(MediaError):
    """Another driver was chosen, or the studio ends, while one is being read."""


class Session:
    """One project, open.

    Args:
        preview: renders.
        library: the folder.
        base: how command lines are written.
        engine: what computes, in words.
        shown: gets every picture of the result as well, such as a virtual camera.
        web: whether the page may try the web package's engine.
    """

    def __init__(
        self,
        preview: NativePreview,
        library: Library,
        base: Base,
        engine: str = "",
        shown: Show | None = None,
        web: bool = False,
    ) -> None:
        self.key = secrets.token_urlsafe(24)
        self.library, self._preview, self._base, self._engine = library, preview, base, engine
        file = library.folder / FILE
        project = read_project(file) if file.exists() else Project()
        self.history = read_history(library.folder / HISTORY_FILE, project)
        self.queue = Queue(library.folder / JOBS_FILE, base.here, self._tell_jobs)
        self._say: Callable[[Any], None] = _nobody
        self._photo = page.Photo(name="")
        self._driver = page.Driver(name="")
        self._recorded: RecordedMotion | None = None
        self._steady: RecordedMotion | None = None
        self._last_moment = 0.0
        self._read_key: object = None
        self._clip: Clip | None = None
        self._clip_key: object = None
        self._webcam: WebcamReader | None = None
        self._clock, self._heard, self._plays, self._on_camera = Clock(), 0, 0, shown is not None
        self._painter = Painter(preview, self._asked, self._frame_seconds, self._send, self._fail, shown)
        self._reader = ThreadPoolExecutor(1, "studio-read")
        self._web = web
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # The page.

    def page_came(self, say: Callable[[Any], None]) -> None:
        """Take a page in and tell it everything."""
        self._say = say
        self._heard = self._plays = 0
        self._painter.by_page = False
        say(page.Welcome(folder=str(self.library.folder), engine=self._engine, web=self._web))
        self.tell_media()
        say(self._photo)
        say(self._driver)
        self._tell_state()
        self._tell_playing()
        self._tell_jobs()
        self._painter.restart()

    async def page_left(self) -> None:
        """Go on without a page: nothing plays, the webcam is forgotten, jobs go on."""
        self._say = _nobody
        self._webcam = None
        self._clock.playing = False

    async def hear_page(self, message: page.ToStudio) -> None:
        """Take a message."""
        try:
            await self._hear(message)
        except ProtocolError:
            raise
        except (FacewireError, OSError) as error:
            self._say(page.Failure(problem=str(error)))

    async def hear_bytes(self, data: bytes) -> None:
        """Take a picture of the webcam; while one is being read others are passed over."""
        if self._webcam is None or "webcam" in self._tasks:
            return
        self._begin("webcam", self._look_at(self._webcam, data))

    async def run(self) -> None:
        """Render and do jobs until cancelled."""
        work = [asyncio.create_task(self._painter.run()), asyncio.create_task(self.queue.run())]
        self._project_changed(Project())
        try:
            await asyncio.gather(*work)
        finally:
            for task in (*work, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(*work, *self._tasks.values(), return_exceptions=True)
            self._save()
            self._read_key = None
            self._reader.shutdown(wait=False, cancel_futures=True)

    def tell_media(self) -> None:
        """Say what lies in the folder."""
        self._say(page.Media(media=self.library.media()))

    @property
    def project(self) -> Project:
        """What is chosen."""
        return self.history.now

    async def square(self, face: int) -> bytes:
        """Return what the page's engine makes a person of; nothing without a photo."""
        return await self._painter.square(face)

    async def before(self) -> bytes:
        """Return the photo as the preview shows it, without any change, as PNG; nothing without a photo."""
        return await self._painter.before()

    async def _hear(self, message: page.ToStudio) -> None:
        self._heard += isinstance(message, page.Change | page.Undo | page.Redo)
        self._plays += isinstance(message, page.Play)
        match message:
            case page.Change(project=project, gesture=gesture):
                self._choose(project, gesture)
            case page.Undo():
                self._walk(self.history.undo)
            case page.Redo():
                self._walk(self.history.redo)
            case page.View():
                self._painter.view = message
            case page.Play(on=on, seconds=seconds):
                self._play(on, seconds)
            case page.Shown(number=number):
                self._painter.drawn(number)
                return
            case page.Measured(milliseconds=milliseconds, name=name):
                self._begin("engines", self._choose_engine(milliseconds, name))
            case page.Webcam(on=on, again=again):
                self._use_webcam(on, again)
            case page.Render(photos=photos, drivers=drivers):
                self._render(photos, drivers)
            case page.Encode() | page.Decode() | page.Compare():
                words = tool_words(message, self.library, self._base, self.queue.outputs)
                self.queue.add(words, line_of(words))
            case page.TakeFrame(name=name, frame=frame):
                await self._take_frame(self.library.path(name), frame)
            case page.Order(job=job, action="use"):
                await self._use(job)
            case page.Order(job=job, action=action):
                self.queue.order(job, action)
            case page.Enter():
                raise ProtocolError("entered already")
        self._wish()

    # What is chosen.

    def _choose(self, project: Project, gesture: str) -> None:
        before = self.project
        self.history.change(project, gesture)
        self._project_changed(before)

    async def _take_frame(self, video: Path, frame: int) -> None:
        """Put a frame of a video among the photos, and choose it."""
        picture = await self._read_in(lambda: picture_of(video, frame))
        target = self.library.fresh(f"{video.stem} frame {frame}.png")
        await self._read_in(lambda: save_image(target, picture))
        self.tell_media()
        self._choose(replace(self.project, photo=target.name, faces=(0,)), "")

    def _walk(self, step: Callable[[], None]) -> None:
        before = self.project
        step()
        self._project_changed(before)

    def _project_changed(self, before: Project) -> None:
        now = self.project
        if now.photo != before.photo:
            self._photo = page.Photo(name=now.photo)
            self._begin("open", self._open(now.photo))
        self._clip_changed()
        key = now.driver, now.motion.face, None if now.is_of_video else now.motion.end
        if key != self._read_key:
            if now.driver != before.driver or self._read_key is None:
                self._recorded = self._steady = None
                self._driver = page.Driver(name=now.driver)
                self._say(self._driver)
                self._play(False, now.motion.start)
            self._read_key = key
            self._begin("read", self._read(key))
        elif self._clip is not None and now.motion.start != before.motion.start:
            self._begin("refer", self._tell_timeline())
        elif now.motion != before.motion or now.faces != before.faces:
            self._begin("refer", self._refer())
        if now.motion != before.motion or now.keys != before.keys:
            self._play(self._clock.playing, self._now())
        self._begin("save", self._save_soon())
        self._tell_state()
        self._wish()

    def _clip_changed(self) -> None:
        """Read the video that is to be changed, where it is another one or another of its people."""
        now = self.project
        key = (now.photo, now.faces[0]) if now.is_of_video else None
        if key == self._clip_key:
            return
        self._clip, self._clip_key = None, key
        if key is not None:
            self._begin("clip", self._read_source(key))
        else:
            self._begin("timeline", self._tell_timeline())

    async def _read_source(self, key: tuple[str, int]) -> None:
        """Read the video that is to be changed."""
        name, face = key
        told = self._told_while(name, lambda: key == self._clip_key)
        try:
            path, animator = self.library.path(name), self._preview.animator
            clip = await self._read_in(lambda: read_clip(animator, path, face=face, progress=told))
            await self._read_in(lambda: clip.motions)
            if key == self._clip_key:
                self._clip = clip
        except NotWanted:
            return
        except FacewireError as error:
            self._say(page.Failure(problem=self._told(error)))
        self._say(page.Working())
        self._play(False, self.project.motion.start)
        await self._tell_timeline()

    async def _open(self, name: str) -> None:
        """Look at a photo and say who is there."""
        if not name:
            self._say(self._photo)
            return
        self._say(page.Working(stage="looking for faces"))
        try:
            path = self.library.path(name)
            seen = await self._painter.do(lambda: self._preview.open(path))
            self._photo = page.Photo(name=name, width=seen.width, height=seen.height, faces=seen.faces)
            self.history.now = with_faces(self.project, len(seen.faces))
        except FacewireError as error:
            self._photo = page.Photo(name=name, problem=self._told(error))
        self._say(page.Working())
        self._say(self._photo)
        self._tell_state()
        if self._recorded is not None and self._clip_key is None:
            self._begin("refer", self._refer())
        self._wish()

    async def _read(self, key: tuple[str, int, float | None]) -> None:
        """Read a driver and say what it does."""
        name, face, until = key
        if not name:
            await self._tell_timeline()
            return
        told = self._told_while(name, lambda: key == self._read_key)
        try:
            path, animator = self.library.path(name), self._preview.animator
            recorded = await self._read_in(
                lambda: read_driver(animator, path, face=face, until=until, progress=told)
            )
            self._last_moment = recorded.seconds[-1]
            self._steady = await self._read_in(lambda: steady(recorded))
            fresh, self._recorded = self._recorded is None, recorded
        except FacewireError as error:
            self._recorded = self._steady = None
            self._driver = page.Driver(name=name, problem=self._told(error))
            self._play(False, 0.0)
            fresh = False
        self._say(page.Working())
        if fresh:
            self._play(self._say is not _nobody, self.project.motion.start)
        await self._tell_timeline()

    def _told_while(self, name: str, wanted: Callable[[], bool]) -> Callable[[str, int, int | None], None]:
        """Return a progress for another thread, which ends what it is told by once that is not wanted any more."""
        loop = asyncio.get_running_loop()

        def progress(stage: str, done: int, total: int | None) -> None:
            if not wanted():
                raise NotWanted(name, "is not wanted any more")
            share = done / total if total else 0.0
            loop.call_soon_threadsafe(self._say, page.Working(stage=stage, share=min(1.0, share)))

        return _seldom(progress)

    async def _tell_timeline(self) -> None:
        """Say what the timeline shows; where only a part of a driver was read again, the whole one stays."""
        project, recorded, clip, before = self.project, self._recorded, self._clip, self._driver
        name, start = project.driver, project.motion.start
        problem = before.problem if recorded is None and name == before.name else ""
        if recorded is None and clip is None:
            self._driver = page.Driver(name=name, problem=problem)
        else:
            made = await self._read_in(lambda: timeline_of(name, recorded, clip, start))
            is_part = clip is None and name == before.name and made.seconds < before.seconds
            if not is_part or before.of_video:
                self._driver = replace(made, problem=made.problem or problem)
        await self._refer()

    async def _refer(self) -> None:
        """Say which frame of the driver stands for the photo."""
        wanted, reference, recorded = self._asked(), None, self._recorded
        if wanted is not None:
            try:
                reference = await self._painter.do(lambda: self._preview.reference(wanted))
            except FacewireError as error:
                self._say(page.Failure(problem=str(error)))
        if recorded is not self._recorded:
            return
        self._driver = replace(self._driver, reference=-1 if reference is None else reference)
        self._say(self._driver)
        self._wish()

    async def _save_soon(self) -> None:
        await asyncio.sleep(SAVE_SECONDS)
        self._save()

    def _save(self) -> None:
        if self.project != Project() or (self.library.folder / FILE).exists():
            self.library.folder.mkdir(parents=True, exist_ok=True)
            write_project(self.library.folder / FILE, self.project)
            self.history.write(self.library.folder / HISTORY_FILE)

    def _told(self, error: FacewireError) -> str:
        """Return what is wrong, without the folder and without advice that is for the command line."""
        return str(error).replace(f"{self.library.folder}{os.sep}", "").partition(", or --")[0]

    # The clock.

    def _play(self, on: bool, seconds: float) -> None:
        self._clock.set(on, seconds)
        self._tell_playing()

    def _now(self) -> float:
        """Return the moment that is shown."""
        return self._clock.now(*self._part())

    def _part(self) -> tuple[float, float]:
        """Return from when to when it plays."""
        motion, keys = self.project.motion, self.project.keys
        if self._clip is not None:
            last = self._clip.seconds[-1]
            if self._recorded is not None:
                last = min(last, motion.start + length(self._recorded) - 1 / float(self._clip.rate))
        elif self._recorded is not None:
            last = self._last_moment
        else:
            return 0.0, max((key.seconds for key in keys), default=0.0)
        end = last if motion.end is None else min(last, motion.end)
        return min(motion.start, end), end

    def _frame_seconds(self) -> float | None:
        """Return how long a frame lasts while the clock runs; a webcam's pictures come by themselves."""
        if self._webcam is not None:
            return WEBCAM_SECONDS
        if not self._clock.playing:
            return None
        shown = self._clip or self._recorded
        return 1 / (KEYED_RATE if shown is None else float(shown.rate))

    async def _choose_engine(self, in_page: float, name: str) -> None:
        """Let the faster engine render what moves, the page's or this machine's."""
        here = await self._painter.do(self._preview.milliseconds)
        self._painter.by_page = self._web and is_fast_enough(in_page, here)
        what = (
            "what moves is rendered in the page" if self._painter.by_page else "the page's engine is not used"
        )
        text = f"{self._engine} {here:.0f} ms a head, in the page ({name}) {in_page:.0f} ms: {what}"
        self._say(page.Engines(text=text, page=self._painter.by_page))
        self._wish()

    # The webcam.

    def _use_webcam(self, on: bool, again: bool) -> None:
        if on and (self._webcam is None or again):
            engine = self._preview.animator.engine
            self._webcam = WebcamReader(self._preview.animator, engine)
        elif not on:
            self._webcam = None
        self._tell_playing()

    async def _look_at(self, webcam: WebcamReader, data: bytes) -> None:
        at = time.monotonic()
        seen = await self._read_in(lambda: webcam.look(data, at))
        if seen != webcam.face:
            webcam.face = seen
            self._tell_playing()
        self._wish()

    # Pictures.

    def _wish(self) -> None:
        self._painter.wish()

    def _send(self, picture: Any) -> None:
        self._say(picture)

    def _fail(self, problem: str) -> None:
        self._say(page.Failure(problem=problem))
        self._clock.playing = False
        self._tell_playing()

    def _asked(self) -> Wanted | None:
        """Return the picture to show now; None while there is nothing to show."""
        project = self.project
        if self._say is _nobody and not self._on_camera:
            return None
        if not project.photo or not self._photo.faces or self._photo.name != project.photo:
            return None
        recorded: RecordedMotion | Live | None = self._steady if project.motion.smooth else self._recorded
        if self._webcam is not None:
            recorded = self._webcam.live
        return Wanted(
            project=project,
            photo=self.library.folder / project.photo,
            recorded=recorded,
            seconds=self._now(),
            size=self._size(project),
            show=self._painter.view.show,
            clip=self._clip,
        )

    def _size(self, project: Project) -> int:
        """Return the longest side to render: what the stage can show, or with zoom all that a render has."""
        usual = LONGEST if not project.result.head else self._preview.animator.size
        full = project.result.size or usual
        view = self._painter.view
        if view.zoom or project.result.head:
            return full
        width, height = self._photo.width, self._photo.height
        share = min(view.width / width, view.height / height, 1.0)
        needed = SIZE_STEP * math.ceil(share * max(width, height) / SIZE_STEP)
        return min(needed, full)

    # Jobs.

    def _render(self, photos: tuple[str, ...], drivers: tuple[str, ...]) -> None:
        """Queue every photo with every driver; the chosen faces are those of the chosen photo."""
        project = self.project
        for driver in drivers or (project.driver,):
            for photo in photos or (project.photo,):
                one = replace(project, photo=photo, driver=driver)
                if photo != project.photo:
                    one = replace(one, faces=(0,))
                words = words_for(one, self.library, self._base, self.queue.outputs)
                self.queue.add(words, line_of(words))

    async def _use(self, number: int) -> None:
        """Put a result among the media, where it can drive."""
        for job in self.queue.jobs:
            if job.number == number and job.state == "done":
                made = self._base.here / job.output
                target = self.library.fresh(made.name)
                await asyncio.to_thread(shutil.copyfile, made, target)
                self.tell_media()

    def _tell_jobs(self) -> None:
        self._say(page.Jobs(jobs=self.queue.jobs, paused=self.queue.paused))

    # What is told.

    def _tell_state(self) -> None:
        history = self.history
        self._say(
            page.State(
                project=self.project,
                heard=self._heard,
                can_undo=history.can_undo,
                can_redo=history.can_redo,
                command=self._command(),
            )
        )

    def _command(self) -> str:
        if not self.project.photo:
            return ""
        try:
            return line_of(words_for(self.project, self.library, self._base, self.queue.outputs))
        except FacewireError:
            return ""

    def _tell_playing(self) -> None:
        webcam = self._webcam
        self._say(
            page.Playing(
                heard=self._plays,
                on=self._clock.playing,
                seconds=round(self._now(), 3),
                webcam=webcam is not None,
                face=webcam is None or webcam.face,
            )
        )

    # Threads and tasks.

    async def _read_in(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin a task in place of one of the same name."""
        if before := self._tasks.pop(name, None):
            before.cancel()
        task = self._tasks[name] = asyncio.create_task(work)

        def ended(task: asyncio.Task[None]) -> None:
            if self._tasks.get(name) is task:
                del self._tasks[name]
            if not task.cancelled() and (problem := task.exception()) is not None:
                self._say(page.Failure(problem=f"{type(problem).__name__}: {problem}"))

        task.add_done_callback(ended)


def _nobody(message: Any) -> None:
    """Tell nobody."""


def _seldom(progress: Callable[[str, int, int | None], None]) -> Callable[[str, int, int | None], None]:
    """Return a progress that speaks five times a second at most."""
    last = 0.0

    def told(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > 0.2:
            last = now
            progress(stage, done, total)

    return told
