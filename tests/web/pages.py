"""Two pages of a call as tests drive them: before cameras of files, ready, calling, seeing each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from skimage.data import astronaut

from facewire.call.agent import Agent
from facewire.media.image import resize
from facewire.transport.web.serve import serve
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import write_y4m

SHIFTS = (0, 2, 4, 6, 8, 6, 4, 2)
LOAD_SECONDS = 300


def photo() -> NDArray[np.uint8]:
    return resize(astronaut(), (480, 360), window=(80, 0, 384, 228))


def write_camera(path: Path, rate: int = 10) -> Path:
    """Write what a camera sees, a head that sways a little."""
    write_y4m(path, [np.roll(photo(), shift, axis=1) for shift in SHIFTS], rate)
    return path


@asynccontextmanager
async def served(app: web.Application, agent: Agent | None = None) -> AsyncIterator[int]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    beside = None if agent is None else agent.run()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result, beside))
    try:
        yield await port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def click(browser: Browser, name: str) -> None:
    await browser.value(f"document.getElementById('{name}').click()")


async def text(browser: Browser, name: str) -> str:
    return str(await browser.value(f"document.getElementById('{name}').textContent"))


async def ready(browser: Browser, address: str) -> None:
    """Open a page and choose the picture from the camera."""
    await browser.open(address)
    await browser.until("document.getElementById('check-face').dataset.ok == 'yes'", LOAD_SECONDS)
    assert await browser.value("document.getElementById('start').disabled")
    await click(browser, "take")
    await browser.until("!document.getElementById('start').disabled", 120)


async def call(first: Browser, second: Browser) -> None:
    """Start a call and enter it, each on a page that is ready."""
    await click(first, "start")
    link = await first.until("document.getElementById('link').value")
    await second.value(
        f"(() => {{ const field = document.getElementById('invitation'); field.value = '{link}';"
        "field.dispatchEvent(new Event('input')); document.getElementById('enter').click(); })()"
    )
    for browser in (first, second):
        await browser.until("document.body.dataset.state == 'live'", 120)


async def flows(browser: Browser) -> None:
    """Sound and motion come and pictures are drawn; they are marked.

    How much comes says more of the machine than of the call: 21 to 24 kbit/s of sound where little else runs, from
    Firefox as from Chromium, and 2 to 3 between two Chromiums under a load of ten.
    """
    for name in ("received-sound", "received-face", "received-frames"):
        await browser.until(f"parseFloat(document.getElementById('{name}').textContent) > 0", 120)
    assert await text(browser, "mark") == "Synthesised"
    assert await browser.value("getComputedStyle(document.getElementById('mark')).visibility == 'visible'")
