"""What one page works with: the project and its history, the clock, what is read and what is rendered.

    page --Change--> project --+
                clock ---------+--> Wanted --painter thread--> picture --> page        the newest only
    page --webcam--> reader thread --> motion

Two threads beside the event loop, each with room for one job: the painter opens photos and renders, the reader reads
drivers and webcam pictures. At most two previews are on their way to the page; it says when it has drawn one.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from facewire.animation.driving import RecordedMotion
from facewire.animation.person import LONGEST
from facewire.base.errors import FacewireError, ProtocolError
from facewire.media.frame import Pixels
from facewire.studio import messages as page
from facewire.studio.commands import Base, line_of, tool_words, words_for
from facewire.studio.driver import curves_of, read_driver, steady
from facewire.studio.jobs import FILE as JOBS_FILE
from facewire.studio.jobs import Queue
from facewire.studio.library import Library, fitted, jpeg, png
from facewire.studio.preview import Live, NativePreview, Wanted
from facewire.studio.project import FILE, History, Project, read_project, with_faces, write_project
from facewire.studio.webcam import WebcamReader

MOST_UNSEEN = 2
"""Previews on their way."""
UNSEEN_SECONDS = 2.0
"""A page that draws nothing for so long is sent another."""
QUALITY = 88
"""Of a moving preview, as JPEG counts."""
REST_SECONDS = 0.25
"""A picture that stands for so long is sent again, bit by bit."""
KEYED_RATE = 25.0
"""Frames a second of keyframes without a driver."""
SAVE_SECONDS = 0.5
SIZE_STEP = 64
"""Photos are made ready at such sizes, not again for every stage that is a little larger."""
USUAL_VIEW = page.View(width=960, height=640)

Show = Callable[[Pixels], None]
Result = TypeVar("Result")


class Session:
    """One project, open.

    Args:
        preview: renders.
        library: the folder.
        base: how command lines are written.
        engine: what computes, in words.
        shown: gets every picture of the result as well, such as a virtual camera.
    """

    def __init__(
        self,
        preview: NativePreview,
        library: Library,
        base: Base,
        engine: str = "",
        shown: Show | None = None,
    ) -> None:
        self.key = secrets.token_urlsafe(24)
        self.library, self._preview, self._base, self._engine = library, preview, base, engine
        self._shown = shown
        file = library.folder / FILE
        self.history = History(read_project(file) if file.exists() else Project())
        self.queue = Queue(library.folder / JOBS_FILE, base.here, self._tell_jobs)
        self._say: Callable[[Any], None] = _nobody
        self._view = USUAL_VIEW
        self._photo = page.Photo(name="")
        self._driver = page.Driver(name="")
        self._recorded: RecordedMotion | None = None
        self._steady: RecordedMotion | None = None
        self._read_key: object = None
        self._webcam: WebcamReader | None = None
        self._playing, self._seconds, self._since = False, 0.0, 0.0
        self._number = self._drawn = self._heard = 0
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._threads = {name: ThreadPoolExecutor(1, f"studio-{name}") for name in ("paint", "read")}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # The page.

    def page_came(self, say: Callable[[Any], None]) -> None:
        """Take a page in and tell it everything."""
        self._say = say
        self._number = self._drawn = self._heard = 0
        say(page.Welcome(folder=str(self.library.folder), engine=self._engine))
        self.tell_media()
        say(self._photo)
        say(self._driver)
        self._tell_state()
        self._tell_playing()
        self._tell_jobs()
        self._wish()

    async def page_left(self) -> None:
        """Go on without a page: nothing plays, the webcam is forgotten, jobs go on."""
        self._say = _nobody
        self._webcam = None
        self._playing = False

    async def hear_page(self, message: page.ToStudio) -> None:
        """Take a message."""
        try:
            await self._hear(message)
        except ProtocolError:
            raise
        except FacewireError as error:
            self._say(page.Failure(problem=str(error)))

    async def hear_bytes(self, data: bytes) -> None:
        """Take a picture of the webcam; while one is being read others are passed over."""
        if self._webcam is None or "webcam" in self._tasks:
            return
        self._begin("webcam", self._look_at(self._webcam, data))

    async def run(self) -> None:
        """Render and do jobs until cancelled."""
        work = [asyncio.create_task(self._paint()), asyncio.create_task(self.queue.run())]
        self._project_changed(Project())
        try:
            await asyncio.gather(*work)
        finally:
            for task in (*work, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(*work, *self._tasks.values(), return_exceptions=True)
            self._save()
            for pool in self._threads.values():
                pool.shutdown(wait=False, cancel_futures=True)

    def tell_media(self) -> None:
        """Say what lies in the folder."""
        self._say(page.Media(media=self.library.media()))

    @property
    def project(self) -> Project:
        """What is chosen."""
        return self.history.now

    async def before(self) -> bytes:
        """Return the photo as the preview shows it, without any change, as PNG; nothing without a photo."""
        wanted = self._asked()
        if wanted is None:
            return b""
        still = replace(wanted, show="before")
        return png(await self._in("paint", lambda: self._in_view(self._preview.picture(still))))

    async def _hear(self, message: page.ToStudio) -> None:
        self._heard += isinstance(message, page.Change | page.Undo | page.Redo)
        match message:
            case page.Change(project=project, gesture=gesture):
                self._choose(project, gesture)
            case page.Undo():
                self._walk(self.history.undo)
            case page.Redo():
                self._walk(self.history.redo)
            case page.View():
                self._view = message
            case page.Play(on=on, seconds=seconds):
                self._play(on, seconds)
            case page.Shown(number=number):
                self._drawn = max(self._drawn, number)
                self._room.set()
                return
            case page.Webcam(on=on, again=again):
                self._use_webcam(on, again)
            case page.Render(photos=photos, drivers=drivers):
                self._render(photos, drivers)
            case page.Tool(command=command, name=name):
                words = tool_words(command, name, self.library, self._base, self.queue.outputs)
                self.queue.add(words, line_of(words))
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

    def _walk(self, step: Callable[[], None]) -> None:
        before = self.project
        step()
        self._project_changed(before)

    def _project_changed(self, before: Project) -> None:
        now = self.project
        if now.photo != before.photo:
            self._photo = page.Photo(name=now.photo)
            self._begin("open", self._open(now.photo))
        key = now.driver, now.motion.face, now.motion.end
        if key != self._read_key:
            if now.driver != before.driver or self._read_key is None:
                self._recorded = self._steady = None
                self._driver = page.Driver(name=now.driver)
                self._say(self._driver)
                self._play(bool(now.driver), now.motion.start)
            self._read_key = key
            self._begin("read", self._read(key))
        elif now.motion != before.motion or now.faces != before.faces:
            self._begin("refer", self._refer())
        if now.motion != before.motion or now.keys != before.keys:
            self._play(self._playing, self._now())
        self._begin("save", self._save_soon())
        self._tell_state()
        self._wish()

    async def _open(self, name: str) -> None:
        """Look at a photo and say who is there."""
        if not name:
            self._say(self._photo)
            return
        self._say(page.Working(stage="looking for faces"))
        try:
            path = self.library.path(name)
            seen = await self._in("paint", lambda: self._preview.open(path))
            self._photo = page.Photo(name=name, width=seen.width, height=seen.height, faces=seen.faces)
            self.history.now = with_faces(self.project, len(seen.faces))
        except FacewireError as error:
            self._photo = page.Photo(name=name, problem=_without_options(str(error)))
        self._say(page.Working())
        self._say(self._photo)
        self._tell_state()
        if self._recorded is not None:
            self._begin("refer", self._refer())
        self._wish()

    async def _read(self, key: tuple[str, int, float | None]) -> None:
        """Read a driver and say what it does."""
        name, face, until = key
        if not name:
            self._say(self._driver)
            self._wish()
            return
        loop = asyncio.get_running_loop()

        def progress(stage: str, done: int, total: int | None) -> None:
            share = done / total if total else 0.0
            loop.call_soon_threadsafe(self._say, page.Working(stage=stage, share=min(1.0, share)))

        try:
            path, animator = self.library.path(name), self._preview.animator
            self._recorded = await self._in(
                "read",
                lambda: read_driver(animator, path, face=face, until=until, progress=_seldom(progress)),
            )
            self._steady = await self._in("read", lambda r=self._recorded: steady(r))  # type: ignore[misc]
            self._driver = self._described(name, self._recorded, self._driver)
        except FacewireError as error:
            self._recorded = self._steady = None
            self._driver = page.Driver(name=name, problem=str(error))
            self._play(False, 0.0)
        self._say(page.Working())
        await self._refer()

    def _described(self, name: str, recorded: RecordedMotion, before: page.Driver) -> page.Driver:
        """Return what is told of a driver; where only a part was read again, the curves of the whole stay."""
        seconds = recorded.seconds[-1] + 1 / float(recorded.rate)
        if before.name == name and before.seconds > seconds:
            return before
        return page.Driver(
            name=name,
            seconds=seconds,
            rate=float(recorded.rate),
            frames=len(recorded),
            people=recorded.people,
            missing=recorded.missing,
            curves=curves_of(recorded),
            problem=recorded.problem,
        )

    async def _refer(self) -> None:
        """Say which frame of the driver stands for the photo."""
        wanted, reference = self._asked(), None
        if wanted is not None:
            try:
                reference = await self._in("paint", lambda: self._preview.reference(wanted))
            except FacewireError as error:
                self._say(page.Failure(problem=str(error)))
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

    # The clock.

    def _play(self, on: bool, seconds: float) -> None:
        self._playing, self._seconds, self._since = on, seconds, time.monotonic()
        self._tell_playing()

    def _now(self) -> float:
        """Return the moment that is shown; at the end of the chosen part it begins again."""
        start, end = self._part()
        passed = time.monotonic() - self._since if self._playing else 0.0
        at = self._seconds + passed
        if self._playing and at >= end > start:
            at = start + (at - start) % (end - start)
        return min(max(at, start), end)

    def _part(self) -> tuple[float, float]:
        """Return from when to when it plays."""
        motion, keys = self.project.motion, self.project.keys
        if self._recorded is None:
            return 0.0, max((key.seconds for key in keys), default=0.0)
        last = self._recorded.seconds[-1]
        end = last if motion.end is None else min(last, motion.end)
        return min(motion.start, end), end

    def _frame_seconds(self) -> float:
        return 1 / (KEYED_RATE if self._recorded is None else float(self._recorded.rate))

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
        seen = await self._in("read", lambda: webcam.look(data, at))
        if seen != webcam.face:
            webcam.face = seen
            self._tell_playing()
        self._wish()

    # Pictures.

    def _wish(self) -> None:
        self._news.set()

    def _asked(self) -> Wanted | None:
        """Return the picture to show now; None while there is nothing to show."""
        project = self.project
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
            show=self._view.show,
        )

    def _size(self, project: Project) -> int:
        """Return the longest side to render: what the stage can show, or with zoom all that a render has."""
        usual = LONGEST if not project.result.head else self._preview.animator.size
        full = project.result.size or usual
        if self._view.zoom or project.result.head:
            return full
        width, height = self._photo.width, self._photo.height
        share = min(self._view.width / width, self._view.height / height, 1.0)
        needed = SIZE_STEP * math.ceil(share * max(width, height) / SIZE_STEP)
        return min(needed, full)

    async def _paint(self) -> None:
        """Render the newest wish, again and again."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._wait_for_room()
            wanted = self._asked()
            if wanted is None:
                continue
            begun = time.monotonic()
            try:
                picture, data = await self._in("paint", lambda w=wanted: self._painted(w))  # type: ignore[misc]
            except (FacewireError, OSError) as error:
                self._say(page.Failure(problem=str(error)))
                self._playing = False
                continue
            self._send(wanted.seconds, time.monotonic() - begun, False, data)
            if self._playing or self._webcam is not None:
                if self._webcam is None:
                    self._begin("tick", self._tick(wanted.seconds, begun))
            elif not await self._changes_soon():
                data = await self._in("paint", lambda p=picture: png(p))  # type: ignore[misc]
                self._send(wanted.seconds, 0.0, True, data)

    def _painted(self, wanted: Wanted) -> tuple[Pixels, bytes]:
        picture = self._preview.picture(wanted)
        if self._shown is not None and wanted.show == "result":
            self._shown(picture)
        seen = self._in_view(picture)
        return seen, jpeg(seen, QUALITY)

    def _in_view(self, picture: Pixels) -> Pixels:
        """Return what of a picture the stage shows: all of it, made smaller if need be, or with zoom a part of it."""
        view, (height, width) = self._view, picture.shape[:2]
        if not view.zoom:
            return fitted(
                picture, round(max(width, height) * min(1, view.width / width, view.height / height))
            )
        rows, columns = (
            _middle(share, length, shown)
            for share, length, shown in ((view.y, height, view.height), (view.x, width, view.width))
        )
        return picture[rows, columns]

    async def _wait_for_room(self) -> None:
        while self._number - self._drawn >= MOST_UNSEEN:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), UNSEEN_SECONDS)
            except TimeoutError:
                self._drawn = self._number

    async def _changes_soon(self) -> bool:
        try:
            await asyncio.wait_for(self._news.wait(), REST_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _tick(self, shown: float, begun: float) -> None:
        """Wish for the frame after the one that was shown, when it is its turn."""
        spent = time.monotonic() - begun
        await asyncio.sleep(max(0.0, self._frame_seconds() - spent))
        self._wish()

    def _send(self, seconds: float, took: float, exact: bool, data: bytes) -> None:
        self._number += 1
        self._say(page.preview(self._number, seconds, 1000 * took, exact, data))

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
                on=self._playing,
                seconds=round(self._now(), 3),
                webcam=webcam is not None,
                face=webcam is None or webcam.face,
            )
        )

    # Threads and tasks.

    async def _in(self, thread: str, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads[thread], work)

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


def _without_options(problem: str) -> str:
    """Return what is wrong without advice that is for the command line."""
    return problem.partition(", or --")[0]


def _middle(share: float, length: int, shown: int) -> slice:
    """Return which part of a line is seen around a place, `shown` long."""
    low = round(share * length - shown / 2)
    low = min(max(0, low), max(0, length - shown))
    return slice(low, min(length, low + shown))


def _seldom(progress: Callable[[str, int, int | None], None]) -> Callable[[str, int, int | None], None]:
    """Return a progress that speaks five times a second at most."""
    last = 0.0

    def told(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > 0.2:
            last = now
            progress(stage, done, total)

    return told
