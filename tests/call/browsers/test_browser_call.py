"""Two real browsers with a fake camera, two agents, real WebRTC, the real page: a whole call, looked at from outside.

Needs Chromium, and for one of the calls Firefox (`apt-get install chromium firefox-esr`); without them these tests
are skipped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from aiohttp import web
from skimage.data import astronaut

import facewire
from facewire.animation.animator import Animator
from facewire.call.agent import Agent
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.page_server import PageServer
from facewire.call.person.engine import NetworkEngine
from facewire.call.settings import AgentSettings
from facewire.codec.tables.shipped import shipped_tables
from facewire.engines.torch_engine import TorchEngine
from facewire.media.image import resize
from facewire.transport.web.serve import serve
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, chromium, write_y4m
from tests.call.browsers.firefox import Firefox, firefox

SITE = Path(facewire.__file__).parent / "call" / "page" / "site"
SHIFTS = (0, 2, 4, 6, 8, 6, 4, 2)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_the_page_is_declared_in_one_place() -> None:
    page = (SITE / "index.html").read_text(encoding="utf-8")
    assert "http://" not in page
    assert "https://" not in page.replace('placeholder="https://…', "")
    for name in ("style=", "onclick=", "<script>"):
        assert name not in page


@pytest.mark.parametrize(
    "other",
    [
        "chromium",
        pytest.param(
            "firefox",
            marks=pytest.mark.skipif(
                firefox() is None, reason="Firefox is not installed: apt-get install firefox-esr"
            ),
        ),
    ],
)
def test_two_people_call_each_other(tmp_path: Path, other: str) -> None:
    asyncio.run(asyncio.wait_for(call(tmp_path, other), 550))


async def listen(app: web.Application, beside: Coroutine[Any, Any, None] | None = None) -> tuple[int, Any]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result, beside))
    return await port, task


async def call(folder: Path, other: str) -> None:
    camera = folder / "camera.y4m"
    photo = resize(astronaut(), (480, 360), window=(80, 0, 384, 228))  # a head of more than 256 pixels
    write_y4m(camera, [np.roll(photo, shift, axis=1) for shift in SHIFTS], 10)
    torch.set_num_threads(1)
    animator = Animator.load()
    networks = TorchEngine(animator.model)
    signal, signal_task = await listen(SignalServer((SITE / "join.html").read_text(encoding="utf-8")).app)
    settings = AgentSettings(signal=f"http://127.0.0.1:{signal}", room="talk", size=512)
    agents = [
        Agent(
            NetworkEngine(networks, animator.manifest.sha256),
            animator.finder,
            shipped_tables(),
            settings,
        )
        for _ in range(2)
    ]
    doors = [await listen(PageServer(agent, SITE).app, agent.run()) for agent in agents]
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    try:
        first: Browser = Chromium(folder / "a", camera)
        if other == "firefox":
            first = Firefox(folder / "a", photo)
        async with first as a, Chromium(folder / "b", camera) as b:
            for browser, agent, (port, _) in zip((a, b), agents, doors, strict=True):
                await browser.open(f"http://127.0.0.1:{port}/#key={agent.key}")
            for browser in (a, b):
                await browser.until("document.getElementById('check-face').dataset.ok == 'yes'", 120)
                assert await browser.value("document.getElementById('start').disabled")
                await browser.value("document.getElementById('take').click()")
                await browser.until("!document.getElementById('start').disabled")
            await a.value("document.getElementById('start').click()")
            link = await a.until("document.getElementById('link').value")
            await b.value(
                "(() => { const field = document.getElementById('invitation');"
                f"field.value = {json.dumps(link)}; field.dispatchEvent(new Event('input'));"
                "document.getElementById('enter').click(); })()"
            )
            for browser in (a, b):
                await browser.until("document.body.dataset.state == 'live'", 240)
                await browser.until("document.getElementById('remote').videoWidth > 256")
                await browser.until("parseFloat(document.getElementById('received-sound').textContent) > 10")
                await browser.until("parseFloat(document.getElementById('received-face').textContent) > 0")
                await browser.until("parseFloat(document.getElementById('connected').textContent) > 0")
                assert await browser.value("document.getElementById('mark').textContent") == "Synthesised"
                assert await browser.value(
                    "getComputedStyle(document.getElementById('mark')).visibility == 'visible'"
                )
            await a.value("document.getElementById('look').click()")
            await a.until("document.getElementById('look').getAttribute('aria-pressed') == 'true'")
            await a.value("document.getElementById('thin').click()")
            for browser, why in ((a, "thin mode was chosen"), (b, "thin mode was chosen by the other side")):
                await browser.until("document.getElementById('step').textContent == 'thin'")
                assert why in await browser.value("document.getElementById('why').textContent")
                await browser.until("parseFloat(document.getElementById('received-sound').textContent) < 8")
            await a.until("document.getElementById('thin').getAttribute('aria-pressed') == 'true'")
            await a.value("document.getElementById('thin').click()")
            await a.until("document.getElementById('thin').getAttribute('aria-pressed') == 'false'")
            for own, remote in ((b, a), (a, b)):
                await own.value("document.getElementById('camera').click()")
                await remote.until("document.getElementById('mark').textContent == 'Camera off'")
                await own.until("document.getElementById('sent-frames').textContent == '0'")
                look = "getComputedStyle(document.getElementById('remote')).visibility"
                assert await remote.value(look) == "hidden"
                assert await remote.value("document.getElementById('look').disabled")
                await own.value("document.getElementById('camera').click()")
                await remote.until("document.getElementById('mark').textContent == 'Synthesised'")
                await own.until("parseFloat(document.getElementById('sent-frames').textContent) > 0")
            await a.screenshot(folder / "desktop.png")
            await a.size(390, 844, phone=True)
            assert await a.value("document.documentElement.scrollWidth <= 390")
            await a.screenshot(folder / "phone.png")
            await b.value("document.getElementById('hang-up').click()")
            await a.until("document.body.dataset.state == 'ended'")
            assert "hung up" in await a.value("document.getElementById('state').textContent")
            # Firefox says so of a connection that its other end gave up, as after a late goodbye of a slow machine.
            told = [line for line in a.console + b.console if "WebRTC: ICE failed" not in line]
            assert told == []
    finally:
        for task in (*(task for _, task in doors), signal_task):
            task.cancel()
        await asyncio.gather(*(task for _, task in doors), signal_task, return_exceptions=True)
