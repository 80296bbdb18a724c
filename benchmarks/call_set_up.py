"""How long a call takes to come up, phase by phase: two whole agents with real networks, without browsers.

    python benchmarks/call_set_up.py CLIP --calls 10
    python benchmarks/call_set_up.py CLIP --ice stun:192.0.2.1:3478     a server that never answers

Both agents and the signalling server share this process and its processors; the clip is their camera at 25 pictures a
second. Prints the median of every phase (facewire.call.set_up says what they are) and the worst whole, milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import islice

from facewire.animation.animator import Animator
from facewire.call.agent import Agent
from facewire.call.conversation.states import State
from facewire.call.meeting.rtc_peer import IceServer
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.messages import page_messages as page
from facewire.call.page.link import CameraPicture
from facewire.call.person.engine import NetworkEngine
from facewire.call.set_up import SetUpTimes
from facewire.call.settings import AgentSettings
from facewire.codec.tables.shipped import shipped_tables
from facewire.engines.choice import open_engine
from facewire.media.frame import Pixels
from facewire.media.live.frame import video_frame
from facewire.media.video import VideoReader
from facewire.transport.web.serve import serve

FRAME = Fraction(1, 25)
MOST_FRAMES = 100


class Screen:
    """Takes the place of the page's WebRTC connection."""

    def __init__(self) -> None:
        self.face = self

    def show(self, picture: Pixels) -> None:
        """Show nothing."""

    async def close(self) -> None:
        """Do nothing."""


def main() -> None:
    """Call, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip")
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--ice", action="append", default=[], metavar="URL")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with VideoReader(given.clip) as reader:
        frames = [frame.pixels for frame in islice(reader, MOST_FRAMES)]
    servers = tuple(IceServer(url=url) for url in given.ice)
    times = asyncio.run(calls(frames, given.calls, servers, given.engine))
    names = [field.name for field in dataclasses.fields(SetUpTimes)]
    report = {name: statistics.median(getattr(one, name) for one in times) for name in names}
    report |= {"live": statistics.median(one.live for one in times)}
    report |= {
        "whole": statistics.median(one.whole for one in times),
        "worst": max(one.whole for one in times),
    }
    if given.json:
        print(json.dumps({name: round(value, 1) for name, value in report.items()}))
        return
    for name, value in report.items():
        print(f"{name:<14}{value:8.0f} ms")


async def calls(
    frames: Sequence[Pixels], count: int, servers: tuple[IceServer, ...], name: str
) -> list[SetUpTimes]:
    """Hold calls and return the times of both sides of each."""
    animator = Animator.load()
    networks, _ = open_engine(animator.model, animator.manifest.sha256, name)
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = [asyncio.create_task(serve(SignalServer().app, "127.0.0.1", 0, port.set_result))]
    settings = AgentSettings(signal=f"http://127.0.0.1:{await port}", room="talk", ice=servers)
    agents = [
        Agent(
            NetworkEngine(networks, animator.manifest.sha256),
            animator.finder,
            shipped_tables(),
            settings,
        )
        for _ in range(2)
    ]
    running += [asyncio.create_task(work) for one in agents for work in (one.run(), _feed(one, frames))]
    holding = asyncio.create_task(_hold(agents, count))
    try:
        await asyncio.wait({holding, *running}, return_when=asyncio.FIRST_COMPLETED)
        if not holding.done():  # the server was told to stop
            raise SystemExit("stopped")
        return holding.result()
    finally:
        for task in (holding, *running):
            task.cancel()
        await asyncio.gather(holding, *running, return_exceptions=True)


async def _hold(agents: Sequence[Agent], count: int) -> list[SetUpTimes]:
    for agent in agents:
        agent._link = Screen()  # type: ignore[assignment]
        await _until(lambda agent=agent: agent._newest is not None)  # type: ignore[misc]
        await agent.hear_page(page.TakePhoto())
    times: list[SetUpTimes] = []
    a, b = agents
    for _ in range(count):
        await a.hear_page(page.Join())
        await _until(lambda: a.course.state is State.WAITING)
        await asyncio.sleep(0.5)
        for agent in agents:
            agent.set_up.times = None
        await b.hear_page(page.Join(invitation=a.own.link))
        await _until(lambda: a.set_up.times and b.set_up.times)
        times += [agent.set_up.times for agent in agents if agent.set_up.times]
        await a.hear_page(page.HangUp())
        await _until(lambda: {a.course.state, b.course.state} == {State.ENDED})
        await asyncio.sleep(0.5)
    return times


async def _feed(agent: Agent, frames: Sequence[Pixels]) -> None:
    number = 0
    while True:
        picture = CameraPicture(video_frame(frames[number % len(frames)], number, FRAME))
        agent._see(picture, time.monotonic())
        number += 1
        await asyncio.sleep(float(FRAME))


async def _until(ready: Callable[[], object]) -> None:
    while not ready():
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    main()
