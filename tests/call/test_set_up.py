"""How long setting up takes: phases by hand, and two whole agents that meet through the real signalling server."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from av.video.frame import VideoFrame

import facewire
from facewire.call.agent import Agent
from facewire.call.conversation.states import State
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.messages import page_messages as page
from facewire.call.page.link import CameraPicture
from facewire.call.set_up import PHASES, SetUp, SetUpTimes
from facewire.call.settings import AgentSettings
from facewire.codec.tables.shipped import shipped_tables
from tests.call.stand_ins import engine, finder, frame
from tests.call.test_servers import listening

SITE = Path(facewire.__file__).parent / "call" / "page" / "site"


def test_each_phase_is_the_time_since_the_one_before() -> None:
    clock = SetUp()
    clock.begin(10.0)
    for step, phase in enumerate(PHASES[:-1], 1):
        assert not clock.reached(phase, 10.0 + 0.1 * step)
        assert not clock.reached(phase, 99.0)  # once is enough
    assert clock.times is None
    assert clock.reached("face", 11.0)
    times = clock.times
    assert times is not None
    assert [getattr(times, name) for name in PHASES] == pytest.approx([100.0] * 6 + [400.0])
    assert times.live == pytest.approx(600)
    assert times.whole == pytest.approx(1000)
    assert str(times).startswith("connected in 0.60 s, first face after 1.00 s (check 100, room 100,")
    assert not clock.reached("face", 12.0)  # every later face


def test_absence_and_phases_passed_over_count_as_nothing() -> None:
    clock = SetUp()
    clock.reached("room", 1.0)
    clock.go_on(2.0)
    clock.begin(5.0)
    clock.reached("room", 5.1)
    clock.go_on(65.1)
    clock.reached("photos", 65.6)
    clock.reached("face", 66.0)
    assert clock.times == SetUpTimes(room=100.0, photos=500.0, face=400.0)
    clock.begin(70.0)
    assert not clock.reached("face", 70.2)  # of the connection before
    clock.reached("photos", 71.0)
    assert clock.reached("face", 71.5)
    assert clock.times == SetUpTimes(photos=1000.0, face=500.0)


class Screen:
    """Takes the place of the page's WebRTC connection."""

    def __init__(self) -> None:
        self.face, self.shown = self, 0

    def show(self, picture: Any) -> None:
        self.shown += 1

    async def close(self) -> None:
        pass


async def feed(agent: Agent) -> None:
    step = 0
    while True:
        agent._see(CameraPicture(VideoFrame.from_ndarray(frame(step), format="rgb24")), time.monotonic())
        step += 1
        await asyncio.sleep(0.08)


async def until(ready: Any) -> None:
    while not ready():
        await asyncio.sleep(0.01)


async def meet() -> None:
    told: list[list[page.ToPage]] = [[], []]
    async with listening(SignalServer().app) as port:
        settings = AgentSettings(signal=f"http://127.0.0.1:{port}", room="talk")
        engines = [engine(), engine()]
        agents = [Agent(one, finder(), shipped_tables(), settings) for one in engines]
        running = [asyncio.create_task(work) for agent in agents for work in (agent.run(), feed(agent))]
        try:
            for agent, heard in zip(agents, told, strict=True):
                agent.page_came(heard.append)
                agent._link = Screen()  # type: ignore[assignment]
                await until(lambda agent=agent: agent._newest is not None)
                await agent.hear_page(page.TakePhoto())
            a, b = agents
            await a.hear_page(page.Join())
            await until(lambda: a.course.state is State.WAITING)
            await b.hear_page(page.Join(invitation=a.own.link))
            await until(lambda: a.set_up.times and b.set_up.times)
            assert {a.course.state, b.course.state} == {State.LIVE}
            engines[0].present = False  # nobody before the camera: ordinary video
            await until(lambda: b.talk is not None and b.talk.meters.received.video.total_bytes > 0)
            shown = b._link.shown  # type: ignore[union-attr]
            await until(lambda: b._link.shown > shown + 2)  # type: ignore[union-attr]
            modes = ["synthesis", "video"]
            await until(lambda: [m.mode for m in told[1] if isinstance(m, page.Remote)] == modes)
            await b.hear_page(
                page.Thin(on=True)
            )  # the other side follows, and ordinary video is too much then
            for heard, why in zip(
                told, ("thin mode was chosen by the other side", "thin mode was chosen"), strict=True
            ):
                await until(lambda heard=heard, why=why: page.Line(step="thin", why=why) in heard)
            await until(lambda: [m.mode for m in told[1] if isinstance(m, page.Remote)][-1] == "synthesis")
            await b.hear_page(page.HangUp())
            await until(lambda: a.course.state is State.ENDED)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    for agent, heard in zip(agents, told, strict=True):
        times = agent.set_up.times
        assert times is not None
        said = [message for message in heard if isinstance(message, page.Connected)]
        assert said == [page.Connected(live=times.live / 1000, whole=times.whole / 1000, phases=times)]
        assert page.TO_PAGE.parse(page.TO_PAGE.encode(said[0])) == said[0]
        assert min(times.room, times.descriptions, times.ways, times.secured, times.photos, times.face) > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_two_agents_meet_and_say_how_long_it_took() -> None:
    asyncio.run(asyncio.wait_for(meet(), 120))
