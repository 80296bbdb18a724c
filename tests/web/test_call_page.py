"""Calls of the page without an agent in real browsers: with another such page, and with the agent of `facewire call`.

Fake cameras, real networks, real WebRTC. Needs Chromium and onnxruntime-web (`npm ci` in web/), and for one call
Firefox; without them these tests are skipped.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import facewire
from facewire.animation.animator import Animator
from facewire.call.agent import Agent
from facewire.call.line.controller import Controller
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.meeting.site import Site
from facewire.call.page_server import PageServer
from facewire.call.person.drawing_pace import LAST
from facewire.call.person.engine import NetworkEngine
from facewire.call.settings import AgentSettings
from facewire.codec.tables.shipped import shipped_tables
from facewire.engines.torch_engine import TorchEngine
from facewire.transport.line_report import LineReport
from facewire.web.folder import HEADERS
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, chromium
from tests.call.browsers.firefox import Firefox, firefox

from .conftest import RUNTIME
from .pages import call, click, flows, photo, ready, served, text, write_camera

AGENT_PAGE = Path(facewire.__file__).parent / "call" / "page" / "site"
WATCHED = (
    "(() => { const Own = RTCPeerConnection; window.connections = []; window.RTCPeerConnection ="
    "class extends Own { constructor(...given) { super(...given); connections.push(this); } }; })()"
)
"""Lets a test reach a page's connections."""
SLOWED = (
    "(() => { const post = Worker.prototype.postMessage;"
    "Worker.prototype.postMessage = function (message, ...given) {"
    "const send = () => post.call(this, message, ...given);"
    "if (message?.type === 'render') setTimeout(send, 300); else send(); }; })()"
)
"""Lets a page draw three pictures a second at most."""
SIZES = ((1280, 860, False), (390, 844, True))

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.skipif(not RUNTIME.is_dir(), reason="onnxruntime-web is not there: npm ci in web/"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_camera(tmp_path_factory.mktemp("camera") / "camera.y4m")


def agent_of(signal: int) -> Agent:
    animator = Animator.load()
    networks = NetworkEngine(TorchEngine(animator.model), animator.manifest.sha256)
    settings = AgentSettings(signal=f"http://127.0.0.1:{signal}", room="talk", size=256)
    return Agent(networks, animator.finder, shipped_tables(), settings)


async def switches(own: Browser, remote: Browser) -> None:
    """The camera can be turned off and on; what was asked for as thin becomes thin on the other side."""
    await click(own, "camera")
    await remote.until("document.getElementById('mark').textContent == 'Camera off'")
    await click(own, "camera")
    await remote.until("document.getElementById('mark').textContent == 'Synthesised'")
    await click(own, "thin")
    await remote.until("document.getElementById('step').textContent == 'thin'")
    await click(own, "thin")


async def slow_sides(page: Browser, agent_page: Browser, agent: Agent) -> None:
    """Whoever draws few pictures is sent ordinary video, by pages and agents, if their users allow it.

    The line counts as a good one: on a busy machine packets wait as on a full one, which carries no video.
    """
    assert agent.talk is not None
    agent.talk.line.controller = Controller()
    agent.talk.line.hear = lambda *report: None  # type: ignore[method-assign]
    agent.talk.line._report = lambda now: LineReport()  # type: ignore[method-assign]
    await page.value(SLOWED)
    await click(agent_page, "video")
    await page.until("document.getElementById('mark').textContent == 'Ordinary video'", 120)
    assert "the other side draws" in await text(agent_page, "notice")
    await click(agent_page, "video")
    await page.until("document.getElementById('mark').textContent == 'Synthesised'")
    for _ in range(LAST):
        agent._pictures.pace.drew(1.0)
    await click(page, "video")
    await agent_page.until("document.getElementById('mark').textContent == 'Ordinary video'", 120)
    assert "the other side draws" in await text(page, "why")
    await click(page, "video")
    await agent_page.until("document.getElementById('mark').textContent == 'Synthesised'")


async def hung_up(own: Browser, remote: Browser) -> None:
    await click(own, "hang-up")
    await remote.until("document.body.dataset.state == 'ended'")
    assert "hung up" in await text(remote, "state")


async def looks_right(browser: Browser, folder: Path, name: str) -> None:
    """Take a picture at both sizes; nothing reaches beyond the window."""
    for width, height, phone in SIZES:
        await browser.size(width, height, phone=phone)
        await browser.screenshot(folder / f"{name}-{width}.png")
        assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), (name, width)


def test_a_page_calls_a_page_and_an_agent(tmp_path: Path, web_site: Path, camera: Path) -> None:
    asyncio.run(asyncio.wait_for(page_and_agent(tmp_path, web_site, camera), 580))


async def page_and_agent(folder: Path, site: Path, camera: Path) -> None:
    server = SignalServer(site=Site(site, HEADERS))
    for name in "ab":
        (folder / name).mkdir()
    async with (
        served(server.app) as signal,
        Chromium(folder / "a", camera) as a,
        Chromium(folder / "b", camera) as b,
    ):
        page = f"http://127.0.0.1:{signal}/"
        await ready(a, page)
        assert await a.value("crossOriginIsolated")
        await looks_right(a, folder, "ready")
        await ready(b, page)
        await a.value(WATCHED)
        for browser in (a, b):
            await click(browser, "video")  # both draw slowly where both run on one machine
        await call(a, b)
        for browser in (a, b):
            await flows(browser)
        await looks_right(a, folder, "live")
        await switches(a, b)
        await broken(a, b)
        await hung_up(b, a)

        agent = agent_of(signal)
        async with served(PageServer(agent, AGENT_PAGE).app, agent) as door:
            await ready(a, f"http://127.0.0.1:{door}/#key={agent.key}")
            await click(a, "video")
            await call(b, a)
            for browser in (a, b):
                await flows(browser)
            await switches(b, a)
            await slow_sides(b, a, agent)
            assert agent.talk is not None
            assert agent.talk.refused == agent.talk.faces.refused == 0
            await hung_up(a, b)
        assert a.console + b.console == []


async def broken(a: Browser, b: Browser) -> None:
    """A connection that breaks is built again, and the photos need not travel again."""
    await a.value("connections.at(-1).close()")
    for browser in (a, b):
        await browser.until("document.getElementById('received-photos').textContent == '0.0'", 120)
        await browser.until("document.body.dataset.state == 'live'", 120)
        await flows(browser)


@pytest.mark.skipif(firefox() is None, reason="Firefox is not installed: apt-get install firefox-esr")
def test_firefox_calls_chromium(tmp_path: Path, web_site: Path, camera: Path) -> None:
    asyncio.run(asyncio.wait_for(firefox_call(tmp_path, web_site, camera), 580))


async def firefox_call(folder: Path, site: Path, camera: Path) -> None:
    server = SignalServer(site=Site(site, HEADERS))
    for name in "ab":
        (folder / name).mkdir()
    async with (
        served(server.app) as signal,
        Firefox(folder / "a", photo()) as a,
        Chromium(folder / "b", camera) as b,
    ):
        for browser in (a, b):
            await ready(browser, f"http://127.0.0.1:{signal}/")
            await click(browser, "video")
        await call(a, b)
        for browser in (a, b):
            await flows(browser)
        await hung_up(a, b)
        assert a.console + b.console == []
