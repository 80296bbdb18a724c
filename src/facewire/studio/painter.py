"""Renders what is wished for and sends it: the newest only, never more than the page draws.

    wish --> ask() --> Wanted --thread--> picture --JPEG--> page    while something moves
                                                  --PNG---> page    when it has stood for a quarter of a second

On a machine that is too slow for the stage, what moves is rendered at half the size, and in full when it stands.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from facewire.media.frame import Pixels
from facewire.studio.library import fitted, jpeg, png
from facewire.studio.messages import Heads, View, preview
from facewire.studio.preview.native import Preview, Wanted

MOST_UNSEEN = 2
"""Previews on their way."""
UNSEEN_SECONDS = 2.0
"""A page that draws nothing for so long is sent another."""
QUALITY = 88
"""Of a moving preview, as JPEG counts."""
REST_SECONDS = 0.25
"""A picture that stands for so long is sent again, bit by bit."""
SLOW_SECONDS = 1 / 15
"""A preview that takes longer is rendered at half the size while something moves."""
LEAST_HALVED = 1024
"""Pixels; at smaller sizes the networks take most of the time, and half of it would gain nothing."""
REMEMBERED = 5
USUAL_VIEW = View(width=960, height=640)

Result = TypeVar("Result")


class Painter:
    """One stage.

    Args:
        render: makes pictures, in a thread of its own.
        ask: returns what is to be shown now; None while there is nothing.
        pace: returns how long a frame lasts while a clock runs, None while nothing moves by itself.
        say: sends a picture, or what the page renders itself.
        fail: told why one could not be made.
        shown: gets every picture of the result as well.
    """

    def __init__(
        self,
        render: Preview,
        ask: Callable[[], Wanted | None],
        pace: Callable[[], float | None],
        say: Callable[[Any], None],
        fail: Callable[[str], None],
        shown: Callable[[Pixels], None] | None = None,
    ) -> None:
        self._render, self._ask, self._pace, self._say, self._fail = render, ask, pace, say, fail
        self._shown = shown
        self.view = USUAL_VIEW
        self.by_page = False
        """Whether the page renders what moves."""
        self._number = self._drawn = 0
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._size = 0
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "studio-paint")

    def wish(self) -> None:
        """Have what is chosen now rendered."""
        self._news.set()

    def restart(self) -> None:
        """Begin for another page."""
        self._number = self._drawn = 0
        self.wish()

    def drawn(self, number: int) -> None:
        """Take note that the page has drawn a picture."""
        self._drawn = max(self._drawn, number)
        self._room.set()

    @property
    def on_their_way(self) -> int:
        """How many pictures the page was sent and has not drawn."""
        return self._number - self._drawn

    async def do(self, work: Callable[[], Result]) -> Result:
        """Do something in the thread that renders."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self) -> None:
        """Render the newest wish, again and again, until cancelled."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._wait_for_room()
                if (wanted := self._ask()) is not None:
                    try:
                        await self._paint(wanted)
                    except FileNotFoundError as error:
                        self._fail(
                            f"{Path(error.filename or '').name} is not in the project's folder any more"
                        )
                    except Exception as error:  # whatever it was, the studio goes on
                        self._fail(str(error) or type(error).__name__)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def before(self) -> bytes:
        """Return the photo in the same view, without any change, as PNG; nothing without a photo."""
        wanted = self._ask()
        if wanted is None:
            return b""
        return await self.do(lambda: png(self._seen(replace(wanted, show="before"))))

    async def square(self, face: int) -> bytes:
        """Return what the page's engine makes a person of; nothing without a photo."""
        wanted = self._ask()
        if wanted is None:
            return b""
        return await self.do(lambda: self._render.square(wanted, face))

    async def _paint(self, wanted: Wanted) -> None:
        begun = time.monotonic()
        seen = None if await self._told(wanted) else await self._sent(wanted)
        pace = self._pace()
        if pace is not None:
            asyncio.get_running_loop().call_later(max(0.0, pace - time.monotonic() + begun), self.wish)
        elif not await self._changes_soon():
            exact = await self.do(lambda: png(self._seen(wanted) if seen is None else seen))
            if not self._news.is_set():
                self._send(wanted, 0.0, exact, exact=True)

    async def _sent(self, wanted: Wanted) -> Pixels | None:
        """Render and send a picture; return it if it is as large as it is wanted."""
        begun = time.monotonic()
        small = self._halved(wanted)
        seen = await self.do(lambda: self._seen(small))
        data = await self.do(lambda: jpeg(seen, QUALITY))
        took = time.monotonic() - begun
        self._note(small, took)
        self._send(wanted, took, data)
        return seen if small is wanted else None

    async def _told(self, wanted: Wanted) -> bool:
        """Tell the page what to render itself, if it can; return whether it was told."""
        if not self.by_page or self._shown is not None or self.view.zoom:
            return False
        heads = await self.do(lambda: self._render.heads(wanted))
        if heads is None:
            return False
        self._number += 1
        changed = wanted.photo.stat().st_mtime_ns
        key = f"{wanted.photo.name} {changed} {wanted.size} {self.view.width}x{self.view.height}"
        self._say(Heads(number=self._number, seconds=wanted.seconds, key=key, heads=heads))
        return True

    def _seen(self, wanted: Wanted) -> Pixels:
        """Return what of a picture the stage shows: all of it, made smaller if need be, or with zoom a part of it."""
        picture = self._render.picture(wanted)
        if self._shown is not None and wanted.show == "result":
            self._shown(picture)
        view, (height, width) = self.view, picture.shape[:2]
        if not view.zoom:
            share = min(1, view.width / width, view.height / height)
            return fitted(picture, round(max(width, height) * share))
        rows, columns = _middle(view.y, height, view.height), _middle(view.x, width, view.width)
        return picture[rows, columns]

    def _halved(self, wanted: Wanted) -> Wanted:
        """Return what is rendered while something moves."""
        if wanted.size != self._size:
            self._size = wanted.size
            self._took.clear()
        slow = len(self._took) == REMEMBERED and median(self._took) > SLOW_SECONDS
        if not slow or self.view.zoom or wanted.project.result.head or wanted.size < LEAST_HALVED:
            return wanted
        return replace(wanted, size=wanted.size // 2)

    def _note(self, small: Wanted, took: float) -> None:
        if small.size == self._size:
            self._took.append(took)

    async def _wait_for_room(self) -> None:
        while self.on_their_way >= MOST_UNSEEN:
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

    def _send(self, wanted: Wanted, took: float, data: bytes, *, exact: bool = False) -> None:
        self._number += 1
        self._say(preview(self._number, wanted.seconds, 1000 * took, exact, data))


def _middle(share: float, length: int, shown: int) -> slice:
    """Return which part of a line is seen around a place, `shown` long."""
    low = round(share * length - shown / 2)
    low = min(max(0, low), max(0, length - shown))
    return slice(low, min(length, low + shown))
