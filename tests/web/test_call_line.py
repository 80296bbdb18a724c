"""A call between two pages through a line that is bad at times, in real browsers with stand-ins for the networks.

The pages come from a static host and meet at a signalling server of another address.
`benchmarks/web_line.py` measures what a viewer sees of it. Needs Chromium; without it this is skipped.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from facewire.call.meeting.signal_server import SignalServer
from facewire.transport.link import LinkSettings
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, chromium

from .conftest import served as static
from .modelled_line import WAYS, ModelledLine
from .pages import call, click, ready, served, text, write_camera
from .stand_in_site import write_stand_in_site

GOOD = LinkSettings(delay_ms=20)
BAD = LinkSettings(delay_ms=40, jitter_ms=5, loss=0.1, reorder=0.1)
PICTURES = 100
CUT_SECONDS = 6
"""Longer than the silence after which a connection counts as broken."""

COLOURFUL = (
    "(() => { const canvas = document.getElementById('remote');"
    "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
    "return data.some((level, at) => at % 4 == 0 && Math.abs(level - data[at + 2]) > 40); })()"
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_call_lives_through_an_empty_chair_losses_and_a_cut(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(hard_times(tmp_path), 240))


async def hard_times(folder: Path) -> None:
    site = folder / "site"
    site.mkdir()
    line = ModelledLine(GOOD)
    camera = write_camera(folder / "camera.y4m", 25)
    for name in "ab":
        (folder / name).mkdir()
    async with (
        static(site, False) as (host, _),
        served(line.added_to(SignalServer(page=f"{host}/call.html").app)) as signal,
        Chromium(folder / "a", camera) as a,
        Chromium(folder / "b", camera) as b,
    ):
        address = f"http://127.0.0.1:{signal}"
        write_stand_in_site(site, address)
        for page in (a, b):
            await ready(page, f"{host}/call.html")
            await page.value(WAYS.replace("SERVER", address))
        await call(a, b)
        await empty_chair(a, b)
        await slow_device(a, b)
        await thin(a, b)
        line.settings = BAD
        for page in (a, b):
            await moves(page)
            await page.until("document.getElementById('why').textContent.includes('sent twice')")
        assert line.lost > 20

        line.cut = True
        await asyncio.sleep(CUT_SECONDS)
        for page in (a, b):
            await page.until("document.body.dataset.state != 'live'")
            await page.value("drawn.length = 0")
        line.cut = False
        for page in (a, b):
            await page.until("document.body.dataset.state == 'live'", 120)
            await moves(page)
            assert await text(page, "received-photos") == "0.0"  # held from before
        line.close()
        assert a.console + b.console == []


async def empty_chair(own: Browser, remote: Browser) -> None:
    """Whoever leaves the camera's view is shown in ordinary video, and synthesised again when they are back."""
    await own.value("globalThis.nobody = true")
    await remote.until("document.getElementById('mark').textContent == 'Ordinary video'")
    await remote.until("parseFloat(document.getElementById('received-video').textContent) > 5")
    await remote.until(COLOURFUL)  # what a stand-in draws is grey
    assert await text(own, "step") == "ordinary video"
    assert await text(own, "why") == "no face"
    await own.value("globalThis.nobody = false")
    await remote.until("document.getElementById('mark').textContent == 'Synthesised'")
    await moves(remote)


async def slow_device(own: Browser, remote: Browser) -> None:
    """Whoever draws few pictures is sent ordinary video, unless the other user refuses, until more are drawn."""
    await own.value("globalThis.slow = 300")
    await own.until("document.getElementById('mark').textContent == 'Ordinary video'", 60)
    await own.until(COLOURFUL)
    assert await text(remote, "step") == "ordinary video"
    assert re.fullmatch("the other side draws [0-3] pictures a second", await text(remote, "why"))
    assert await text(remote, "mark") == "Synthesised"  # that side is quick
    await click(remote, "video")
    await own.until("document.getElementById('mark').textContent == 'Synthesised'")
    await click(remote, "video")
    await own.until("document.getElementById('mark').textContent == 'Ordinary video'")
    await own.value("globalThis.slow = 0")
    await own.until("document.getElementById('mark').textContent == 'Synthesised'", 60)
    await moves(own)


async def thin(own: Browser, remote: Browser) -> None:
    """What was asked for as thin takes less than packets of 40 ms could."""
    await click(own, "thin")
    for page in (own, remote):
        await page.until("document.getElementById('step').textContent == 'thin'")
        await page.until("parseFloat(document.getElementById('received-ip').textContent) < 17")
        await moves(page)
    await click(own, "thin")
    await remote.until("document.getElementById('step').textContent != 'thin'")


async def moves(page: Browser) -> None:
    """The head is seen to turn to and fro, as the sender's stand-in does."""
    await page.value("drawn.length = 0")
    await page.until(f"drawn.length > {PICTURES}")
    turned = "drawn.map(([, , turn]) => turn)"
    assert await page.value(f"Math.max(...{turned}) > 0.1 && Math.min(...{turned}) < -0.1")
