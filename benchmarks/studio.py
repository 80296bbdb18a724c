"""How fast the studio turns a head by dragging, and where the time of a picture goes.

    python benchmarks/studio.py --seconds 8
    python benchmarks/studio.py --photo photo.jpg --engine torch --json

A whole studio with its page in headless Chromium; it drags the picture, so that every mouse event is a wish, and
counts what the page has drawn. Processor time of the studio's process (all its threads, so also networks that use
several) per picture by stage, and that of all of Chromium's processes; other programs lengthen it less than the time
on the clock. Chromium draws without a graphics card here, which costs it most of its time. Needs Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from skimage.data import astronaut

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.call.browsers.browser import Browser  # the driver of the browser tests
from tests.call.browsers.chromium import Chromium, write_y4m
from tests.studio.stand_ins import SITE

from facewire.animation.animator import Animator
from facewire.animation.composition.composer import Composer
from facewire.media.image import save_image
from facewire.studio import painter
from facewire.studio.jobs.commands import Base
from facewire.studio.library import Library
from facewire.studio.preview.native import NativePreview
from facewire.studio.project import Project
from facewire.studio.server import StudioServer
from facewire.studio.session import Session
from facewire.transport.web.serve import serve

EVENTS = 60
"""Mouse events a second."""
WARM_SECONDS = 2.0
DRAWN = "document.getElementById('picture').dataset.number"


class Stages:
    """Processor and clock milliseconds of stages, summed."""

    def __init__(self) -> None:
        self.processor: dict[str, float] = {}
        self.clock: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Measure a stage."""
        processor, clock = time.process_time(), time.perf_counter()
        yield
        for sums, passed in (
            (self.processor, time.process_time() - processor),
            (self.clock, time.perf_counter() - clock),
        ):
            sums[stage] = sums.get(stage, 0.0) + 1000 * passed
        self.counts[stage] = self.counts.get(stage, 0) + 1

    def around(self, owner: Any, name: str, stage: str) -> None:
        """Measure a function or a method whenever it is called."""
        inner: Callable[..., Any] = getattr(owner, name)

        def measured(*given: Any, **named: Any) -> Any:
            with self.of(stage):
                return inner(*given, **named)

        setattr(owner, name, measured)

    def clear(self) -> None:
        """Begin again."""
        for sums in (self.processor, self.clock, self.counts):
            sums.clear()


def main() -> None:
    """Drag, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photo", type=Path, help="(default: scikit-image's astronaut)")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--window", default="1280x860")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report = asyncio.run(measured(given))
    print(
        json.dumps(report)
        if given.json
        else "\n".join(f"{name:28} {value}" for name, value in report.items())
    )


async def measured(given: argparse.Namespace) -> dict[str, Any]:
    """Return what was measured."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        photo = folder / "studio" / "photo.png"
        photo.parent.mkdir()
        (folder / "browser").mkdir()
        if given.photo is None:
            save_image(photo, astronaut())
        else:
            photo.write_bytes(given.photo.read_bytes())
        write_y4m(folder / "camera.y4m", [np.ascontiguousarray(astronaut()[:480])], 10)
        animator = Animator.load()
        choice = animator.use(given.engine)
        stages = Stages()
        preview = NativePreview(animator)
        stages.around(animator, "parts", "networks")
        stages.around(Composer, "whole", "composition")
        stages.around(painter, "jpeg", "jpeg")
        stages.around(preview, "picture", "picture")
        session = Session(preview, Library(folder / "studio"), Base(folder), choice.name)
        session.history.now = Project(photo="photo.png")
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            serve(StudioServer(session, SITE).app, "127.0.0.1", 0, port.set_result, session.run())
        )
        width, height = map(int, given.window.split("x"))
        try:
            address = f"http://127.0.0.1:{await port}/#key={session.key}"
            async with Chromium(folder / "browser", folder / "camera.y4m", (width, height)) as browser:
                await browser.open(address)
                await browser.until("document.getElementById('picture').dataset.exact == 'true'", 120)
                await dragged(browser, WARM_SECONDS)
                stages.clear()
                return await timed(browser, given.seconds, stages) | {
                    "engine": choice.name,
                    "size": await browser.value(
                        "document.getElementById('picture').width + ' x ' + "
                        "document.getElementById('picture').height"
                    ),
                }
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def timed(browser: Browser, seconds: float, stages: Stages) -> dict[str, Any]:
    """Drag for a while; return pictures a second and milliseconds of processors per picture."""
    first, begun = int(await browser.value(DRAWN)), time.perf_counter()
    own, others = time.process_time(), chromium_seconds()
    await dragged(browser, seconds)
    passed = time.perf_counter() - begun
    count = int(await browser.value(DRAWN)) - first
    own = time.process_time() - own
    others = {kind: seconds - others.get(kind, 0.0) for kind, seconds in chromium_seconds().items()}
    parts = {
        f"chromium, {kind}, processor ms": round(1000 * seconds / count, 1)
        for kind, seconds in others.items()
    }
    per = {
        f"{stage} ms": f"{stages.processor[stage] / count:.1f} processor, {stages.clock[stage] / count:.1f} clock"
        for stage in stages.processor
    }
    return {
        "pictures a second": round(count / passed, 1),
        **per,
        "studio, all, processor ms": round(1000 * own / count, 1),
        **parts,
    }


async def dragged(browser: Browser, seconds: float) -> None:
    """Drag from side to side with a real mouse."""
    box = json.loads(
        await browser.value("JSON.stringify(document.getElementById('stage').getBoundingClientRect())")
    )
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def mouse(kind: str, across: float) -> None:
        await browser.command(
            "Input.dispatchMouseEvent", type=kind, x=x + across, y=y, button="left", buttons=1, clickCount=1
        )

    await mouse("mousePressed", 0)
    begun = time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        await mouse("mouseMoved", 120 * math.sin(2 * math.pi * passed / 2.5))
        await asyncio.sleep(1 / EVENTS)
    await mouse("mouseReleased", 0)


def chromium_seconds() -> dict[str, float]:
    """Return the processor seconds of all processes below this one, by what they are in Chromium."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    kinds: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_text()
            except OSError:
                continue
            process = int(entry.name)
            parents[process] = int(fields[1])
            used[process] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            kinds[process] = found[1] if (found := re.search("--type=([a-z-]+)", words)) else "browser"

    def is_below(process: int) -> bool:
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    sums: dict[str, float] = {}
    for process, seconds in used.items():
        if process != os.getpid() and is_below(process):
            sums[kinds[process]] = sums.get(kinds[process], 0.0) + seconds
    return sums


if __name__ == "__main__":
    main()
