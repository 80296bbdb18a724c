"""Two whole agents in two network namespaces, real sockets, a modelled line between them.

    sudo python benchmarks/thin_sockets.py CLIP --seconds 60 --json out.json       (Linux, /dev/net/tun)

    agent A, namespace A, tun --IP packets--> Link (rate, delay, loss) --> tun, namespace B, agent B

Everything goes that way: signalling, ICE, DTLS, SRTP, data channels; every byte of IP is counted. Photo and motions
are those of the clip, read beforehand; networks are stand-ins (the tests' own), so that a busy machine measures the
line and not itself. Delay runs from a picture handed to agent A to the moment at which agent B draws it, without
reading (15 ms) and drawing (35 ms).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from aiortc import rtcrtpsender

from facewire.animation.animator import Animator
from facewire.call.agent import Agent
from facewire.call.conversation.conversation import Conversation
from facewire.call.conversation.source_photo import OwnSource
from facewire.call.conversation.states import State
from facewire.call.loopback.loopback import _speech, _to_and_fro
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.messages import page_messages as page
from facewire.call.page.link import CameraPicture
from facewire.call.person.engine import NetworkEngine
from facewire.call.person.modes import ModeSettings
from facewire.call.person.performer import Performer
from facewire.call.playout.face_receiver import Show
from facewire.call.playout.playout import RATE
from facewire.call.settings import AgentSettings
from facewire.codec.state import MotionFrame
from facewire.codec.tables.shipped import shipped_tables
from facewire.engines.choice import open_engine
from facewire.media.live.frame import video_frame
from facewire.media.video import VideoReader
from facewire.transport.link import Link, LinkSettings
from facewire.transport.shapes import SHAPES, LinkShape
from facewire.transport.web.serve import serve

CASES: dict[str, tuple[LinkSettings | LinkShape, bool]] = {
    "no limits": (LinkSettings(delay_ms=1), False),
    "no limits, --thin": (LinkSettings(delay_ms=1), True),
    "16 kbit/s, 600 ms, --thin": (LinkSettings(rate_kbit_per_s=16, delay_ms=300, queue_ms=2000), True),
    "16 kbit/s, 600 ms": (LinkSettings(rate_kbit_per_s=16, delay_ms=300, queue_ms=2000), False),
    "24 kbit/s, 2 % lost": (LinkSettings(rate_kbit_per_s=24, delay_ms=50, queue_ms=1000, loss=0.02), False),
    "edge": (SHAPES["edge"], False),
}
ADDRESSES = ("10.77.0.1", "10.77.0.2")
PORT = 8001
SETTLE_SECONDS = 10.0
"""After the first face, until bytes are counted: the photo is still on its way."""
RTP_START = 1 << 20
"""Where the clocks of RTP begin, for once not just anywhere: so delays can be told."""
TUNSETIFF, TUN_WITHOUT_HEAD = 0x400454CA, 0x1001
UDP = 17
STEPS = 129
"""Pictures of the clip, to and fro: the first pixel of a stand-in's picture says which of 256."""


def main() -> None:
    """Make the calls, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="", help="calls whose names hold this text")
    parser.add_argument("--seed", type=int, default=0, help="of the line")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--side", type=int, nargs=2, metavar=("NUMBER", "SOCKET"), help=argparse.SUPPRESS)
    parser.add_argument("--thin", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side is not None:
        source, motions = pickle.loads(Path(given.clip).read_bytes())
        number, control = given.side
        asyncio.run(Caller(number, control, source, motions).call(given.seconds, thin=given.thin))
        return
    report = {}
    person = Path(tempfile.mkdtemp()) / "person"
    person.write_bytes(pickle.dumps(_person(given.clip)))
    for name, (link, thin) in CASES.items():
        if given.only in name:
            report[name] = asyncio.run(between(person, link, given.seconds, thin, given.seed))
            print(
                f"{name:28}" + "  ".join(f"{key} {value}" for key, value in report[name].items()), flush=True
            )
    if given.json is not None:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


async def between(
    person: Path, shape: LinkSettings | LinkShape, seconds: float, thin: bool, seed: int
) -> dict[str, Any]:
    """Let two sides call each other through the model, and return what it was like."""
    loop = asyncio.get_running_loop()
    talks, processes = [], []
    for number in (0, 1):
        ours, theirs = socket.socketpair()
        own = [
            sys.executable,
            __file__,
            str(person),
            "--side",
            str(number),
            str(theirs.fileno()),
            "--seconds",
            str(seconds),
        ]
        command = ["unshare", "-n", *own, *(["--thin"] if thin and number == 0 else [])]
        processes.append(subprocess.Popen(command, pass_fds=(theirs.fileno(),)))
        talks.append(ours)
    devices = [socket.recv_fds(one, 16, 1)[1][0] for one in talks]
    counted: list[list[tuple[float, int, int]]] = [[], []]
    links = [Link(shape, 2 * seed + number) for number in (0, 1)]
    begin = time.monotonic()

    def put(number: int, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the end has come meanwhile
            os.write(devices[number], data)

    def carry(number: int) -> None:
        data = os.read(devices[number], 4096)
        if data[0] >> 4 != 4:
            return
        now = time.monotonic() - begin
        counted[number].append((now, len(data), data[9]))
        arrival = links[number].send(now, len(data))
        if arrival is not None:
            loop.call_later(arrival - now, put, 1 - number, data)

    for number in (0, 1):
        os.set_blocking(devices[number], False)
        loop.add_reader(devices[number], carry, number)
        talks[number].setblocking(False)
    try:
        invitation = await loop.sock_recv(talks[0], 4096)
        await loop.sock_sendall(talks[1], invitation)
        told = [json.loads(await _whole(loop, one)) for one in talks]
    finally:
        for number in (0, 1):
            loop.remove_reader(devices[number])
            os.close(devices[number])
            talks[number].close()
            processes[number].terminate()
            processes[number].wait()
    return _figures(told, counted, begin)


def _figures(
    told: list[dict[str, Any]], counted: list[list[tuple[float, int, int]]], begin: float
) -> dict[str, Any]:
    began = told[0]["began"] + told[1]["origin"] / RATE
    delays = [1000 * (now - began - media / RATE) for now, media, _ in told[1]["shown"]]
    lips = [abs(lip) for _, _, lip in told[1]["shown"]]
    tenth = max(1, len(delays) // 10)
    shown = [now for now, _, _ in told[1]["shown"]]
    ends = [one["end"] - begin for one in told]
    counts = [one["seconds"] for one in told]
    wire = [
        sum(size for at, size, kind in one if kind == UDP and end - span < at < end)
        for one, end, span in zip(counted, ends, counts, strict=True)
    ]
    packets = sum(kind == UDP and ends[0] - counts[0] < at < ends[0] for at, _, kind in counted[0])
    return {
        "first face s": round(told[1]["first"], 2),
        "set-up ms": {name: round(spent) for name, spent in told[1]["phases"].items()},
        "on the wire kbit/s": [
            round(8 * size / span / 1000, 2) for size, span in zip(wire, counts, strict=True)
        ],
        "counted by the call kbit/s": [round(one["meter"], 2) for one in told],
        "packets/s": round(packets / counts[0], 1),
        "delay ms": round(float(np.median(delays))),
        "delay p95 ms": round(float(np.percentile(delays, 95))),
        "sound to lips p95 ms": round(float(np.percentile(lips, 95))),
        "delay growth ms": round(float(np.median(delays[-tenth:]) - np.median(delays[:tenth]))),
        "longest without news ms": round(max(after - before for before, after in pairwise(shown)) * 1000),
        "sound covered": round(told[1]["covered"], 4),
        "reconnects": told[1]["reconnects"],
        "steps": [one["step"] for one in told],
    }


async def _whole(loop: asyncio.AbstractEventLoop, talk: socket.socket) -> bytes:
    out = b""
    while not out.endswith(b"\n"):
        part = await loop.sock_recv(talk, 1 << 20)
        if not part:
            raise SystemExit("a side ended early")
        out += part
    return out


class Caller:
    """One agent in its namespace.

    Args:
        number: 0 or 1.
        control: what the parent listens to: takes the device, the invitation and, at the end, the figures.
        source: with which this side is shown.
        motions: what its pictures say.
    """

    def __init__(self, number: int, control: int, source: OwnSource, motions: list[MotionFrame]) -> None:
        self.number, self._source, self._motions = number, source, motions
        self._control = socket.socket(fileno=control)
        socket.send_fds(self._control, [b"device"], [_device(ADDRESSES[number])])
        self._shown: list[tuple[float, float, float]] = []
        self._read = (0.0, 0.0)
        self._connections = 0

    async def call(self, seconds: float, *, thin: bool) -> None:
        """Call, measure for so many seconds, tell."""
        from tests.call.stand_ins import engine, finder

        self._watch()
        running = []
        if self.number == 0:
            port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            running.append(
                asyncio.create_task(serve(SignalServer().app, ADDRESSES[0], PORT, port.set_result))
            )
            await port
        settings = AgentSettings(signal=f"http://{ADDRESSES[0]}:{PORT}", room="talk", thin=thin)
        agent = Agent(engine(), finder(), shipped_tables(), settings)
        agent._link = Screen()  # type: ignore[assignment]
        running += [asyncio.create_task(work) for work in (agent.run(), self._see(agent), self._speak(agent))]
        await _until(lambda: agent._newest is not None)
        await agent.hear_page(page.TakePhoto())
        agent._performer._start = self._source, self._source.motion
        await self._join(agent)
        await _until(lambda: agent.set_up.times)
        await asyncio.sleep(SETTLE_SECONDS)
        talk = agent.talk
        assert talk is not None
        begin, sent = time.monotonic(), talk.meters.sent.ip.total_bytes
        self._shown.clear()
        speaker = talk.loudspeaker
        covered, played = speaker.concealed, speaker.played
        await asyncio.sleep(seconds)
        end = time.monotonic()
        covered, played = speaker.concealed - covered, speaker.played - played
        times = agent.set_up.times
        told = {
            "began": talk.begin,
            "origin": (talk.clock_origin or 0) - RTP_START,
            "shown": self._shown,
            "end": end,
            "seconds": end - begin,
            "meter": 8 * (talk.meters.sent.ip.total_bytes - sent) / (end - begin) / 1000,
            "covered": covered / max(1, covered + played),
            "step": talk.line.step.name,
            "reconnects": self._connections - 1,
            "first": times.whole / 1000 if times else 0.0,
            "phases": asdict(times) if times else {},
        }
        self._control.sendall(json.dumps(told).encode() + b"\n")
        await asyncio.sleep(5)
        os._exit(0)

    async def _join(self, agent: Agent) -> None:
        loop = asyncio.get_running_loop()
        if self.number == 0:
            await agent.hear_page(page.Join())
            await _until(lambda: agent.course.state is State.WAITING)
            self._control.sendall(agent.own.link.encode())
        else:
            self._control.setblocking(False)
            link = (await loop.sock_recv(self._control, 4096)).decode()
            self._control.setblocking(True)
            await agent.hear_page(page.Join(invitation=link))

    async def _see(self, agent: Agent) -> None:
        from tests.call.stand_ins import frame

        number, next_at = 0, time.monotonic()
        while True:
            now = time.monotonic()
            agent._see(CameraPicture(video_frame(frame(number), number, Fraction(1, 25))), now)
            number, next_at = number + 1, next_at + 0.04
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def _speak(self, agent: Agent) -> None:
        import random

        voice, begin, count = _speech(random.Random(self.number)), time.monotonic(), 0
        talk = None
        while True:
            if agent.talk is not None and agent.talk is not talk:
                talk, self._connections = agent.talk, self._connections + 1
            if agent.talk is not None:
                agent.talk.microphone.put(voice(0.02 * count))
                agent._read_sound(960)
                self._read = time.monotonic(), (agent.talk.loudspeaker.position or 0.0) - 960
            count += 1
            await asyncio.sleep(max(0.0, begin + 0.02 * count - time.monotonic()))

    def _watch(self) -> None:
        """Let pictures say the clip's motions; note of each that is drawn when it was taken, and how far its sound
        is off, ms."""
        from tests.call import stand_ins

        rtcrtpsender.random32 = lambda: RTP_START  # type: ignore[attr-defined]
        stand_ins.motion = lambda step: self._motions[_to_and_fro(step, len(self._motions))]
        due = Conversation.due

        def seen(talk: Conversation, now: float) -> Show | None:
            show = due(talk, now)
            if show is not None and show.kind == "fresh":
                playing = self._read[1] + (now - self._read[0]) * RATE
                self._shown.append((time.monotonic(), show.capture, 1000 * (playing - show.capture) / RATE))
            return show

        Conversation.due = seen  # type: ignore[method-assign, assignment]


class Screen:
    """Takes the place of the page's WebRTC connection."""

    def __init__(self) -> None:
        self.face = self

    def show(self, picture: object) -> None:
        """Show nothing."""

    async def close(self) -> None:
        """Do nothing."""


def _person(clip: str) -> tuple[OwnSource, list[MotionFrame]]:
    """Return the source that a call makes of a clip's first picture, and the motions of the first STEPS of them."""
    with VideoReader(clip) as reader:
        pictures = [frame.pixels for frame in islice(reader, STEPS)]
    animator = Animator.load()
    networks, _ = open_engine(animator.model, animator.manifest.sha256, "auto")
    engine = NetworkEngine(networks, animator.manifest.sha256)
    performer = Performer(engine, animator.finder, ModeSettings())
    box = performer.perform(pictures[0], 0.0).sight.box
    source = performer.use(pictures[0], box, from_camera=True)
    done = [performer.perform(picture, 0.04 * number).motion for number, picture in enumerate(pictures)]
    return source, [motion for motion in done if motion is not None]


def _device(address: str) -> int:
    """Return a TUN device that is the namespace's only way out."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"line", TUN_WITHOUT_HEAD))
    for command in ("link set lo up", f"addr add {address}/24 dev line", "link set line mtu 1400 up"):
        subprocess.run(["ip", *command.split()], check=True)
    return device


async def _until(ready: Callable[[], object]) -> None:
    while not ready():
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    main()
