"""Hostile bytes on the real sockets of the signalling server and of the page's door.

FACEWIRE_HOSTILE sets how many pieces are thrown at each. Nothing crashes, strangers hear nothing but refusals, and
those who came in properly notice nothing.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
from collections.abc import Callable

import aiohttp
import pytest

from facewire.call.conversation.states import State
from facewire.call.meeting import signal_server as server
from facewire.call.messages import page_messages as page
from facewire.call.messages.signal_messages import TO_SERVER, Enter, Leave, Say, ToServer
from tests.call.test_servers import HEX, control, door, entered, heard, listening, told

COUNT = int(os.environ.get("FACEWIRE_HOSTILE", "5000"))
PIECES = 25
"""Thrown at most at one connection."""
AT_ONCE = 8
TOKENS = [
    "{",
    "}",
    "[",
    '"type"',
    '"enter"',
    '"say"',
    ":",
    ",",
    "null",
    "1e999",
    "-1",
    '"\\ud800"',
    "\x00",
    "[" * 500,
]


def frame(chance: random.Random, payload: bytes) -> bytes:
    """Return a websocket frame, often with a head that breaks the rules."""
    opcode = chance.choice((1, 1, 1, 1, 2, 2, 0, 8, 9, 10, chance.randrange(16)))
    first = opcode | (0x80 if chance.random() < 0.9 else chance.randrange(0, 128, 16))
    masked = 0x80 if chance.random() < 0.95 else 0
    length = (
        len(payload)
        if chance.random() < 0.9
        else chance.choice((0, 125, 126, 70_000, 1 << 40, (1 << 64) - 1))
    )
    if length < 126:
        size = bytes((masked | length,))
    elif length < 1 << 16:
        size = bytes((masked | 126,)) + length.to_bytes(2, "big")
    else:
        size = bytes((masked | 127,)) + length.to_bytes(8, "big")
    mask = chance.randbytes(4) if masked else b""
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if masked else payload
    return bytes((first,)) + size + mask + body


def payload(chance: random.Random, known: list[str]) -> bytes:
    """Return bytes made up, a good message, one with damage, or something like JSON."""
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return "".join(chance.choices(TOKENS, k=chance.randrange(1, 20))).encode("utf-8", "replace")
    data = bytearray(chance.choice(known).encode())
    if kind == 2:
        return bytes(data)
    if kind == 3:
        return json.dumps(json.loads(data) | {chance.choice(("type", "version", "key", "x")): None}).encode()
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def request(chance: random.Random, port: int, path: str, origin: str | None) -> bytes:
    """Return the request for a websocket, now and then a broken one."""
    key = base64.b64encode(chance.randbytes(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
    lines += [f"Origin: {origin}"] if origin else []
    data = bytearray(("\r\n".join(lines) + "\r\n\r\n").encode())
    if chance.random() < 0.3:
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


async def attack(port: int, path: str, origin: str | None, known: list[str], seed: int, count: int) -> bytes:
    """Open one connection, throw `count` pieces at it as fast as it takes them, and return what came back."""
    chance = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    back = asyncio.create_task(reader.read(1 << 20))
    try:
        begin = request(chance, port, path, origin) if chance.random() < 0.85 else chance.randbytes(300)
        writer.write(begin)
        for _ in range(count):
            writer.write(frame(chance, payload(chance, known)))
        await writer.drain()
        await asyncio.wait({back}, timeout=0.02)
    except ConnectionError:
        pass
    writer.close()
    heard = await asyncio.gather(back, writer.wait_closed(), return_exceptions=True)
    return heard[0] if isinstance(heard[0], bytes) else b""


async def flood(port: int, path: str, origin: str | None, known: list[str]) -> bytes:
    """Throw COUNT pieces from AT_ONCE connections at a time and return all that came back."""
    gate, echo = asyncio.Semaphore(AT_ONCE), bytearray()

    async def one(seed: int) -> None:
        async with gate:
            echo.extend(await attack(port, path, origin, known, seed, PIECES))
            del echo[: -(1 << 24)]

    for begin in range(0, COUNT // PIECES, 1000):
        await asyncio.gather(*(one(seed) for seed in range(begin, min(begin + 1000, COUNT // PIECES))))
    return bytes(echo)


async def refusal(socket: aiohttp.ClientWebSocketResponse) -> page.Failure:
    """Listen, however long it takes, until something is refused; pings are answered only by who listens."""
    while True:
        message = page.TO_PAGE.parse(await socket.receive_str())
        if isinstance(message, page.Failure):
            return message


@pytest.fixture
def crashes() -> tuple[list[object], Callable[[], None]]:
    """Return what no task caught, and what begins to watch for it inside a loop."""
    seen: list[object] = []

    def watch() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context))

    return seen, watch


def test_hostile_bytes_at_the_signalling_server(
    crashes: tuple[list[object], Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    seen, watch = crashes
    stranger: list[ToServer] = [
        Enter(admission="1" * 64),
        Enter(admission=HEX, key="0" * 32),
        Say(body="hello", seal=HEX),
        Leave(),
    ]
    known = [TO_SERVER.encode(message) for message in stranger]

    async def test() -> None:
        watch()
        signal = server.SignalServer()
        async with listening(signal.app) as port, entered(port) as a, entered(port) as b:
            keys = [(await heard(a)).key, (await heard(b)).key]
            await heard(a)
            await heard(b)
            hears = asyncio.create_task(b.receive_str())  # pings are answered only by who listens
            others = asyncio.create_task(a.receive_str())
            echo = await flood(port, "/room/elsewhere", None, known)
            assert b"Switching Protocols" in echo
            assert b"refused" in echo
            assert not any(key.encode() in echo for key in keys)
            said = Say(body="still here", seal=HEX)
            await a.send_str(TO_SERVER.encode(said))
            assert await asyncio.wait_for(hears, 20) == TO_SERVER.encode(said)  # and nothing came before
            assert not others.done()
            others.cancel()
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/health") as response,
            ):
                assert response.status == 200
            for _ in range(100):  # the last strangers are still being shown out
                if signal.rooms == 1:
                    break
                await asyncio.sleep(0.1)
            assert signal.rooms == 1

    asyncio.run(test())
    assert seen == []
    assert "Traceback" not in caplog.text


def test_hostile_bytes_at_the_pages_door(
    crashes: tuple[list[object], Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    seen, watch = crashes
    stranger: list[page.ToAgent] = [
        page.Enter(key="x" * 32),
        page.HangUp(),
        page.TakePhoto(),
        page.Join(),
        page.Offer(sdp="v=0\r\n"),
    ]
    known = [page.TO_AGENT.encode(message) for message in stranger]

    async def test() -> None:
        watch()
        async with door() as (agent, port), control(port) as own:
            await own.send_str(page.TO_AGENT.encode(page.Enter(key=agent.key)))
            await told(own, page.Welcome)
            hears = asyncio.create_task(refusal(own))
            echo = await flood(port, "/control", f"http://127.0.0.1:{port}", known)
            assert b"Switching Protocols" in echo
            assert b"failure" in echo
            secret = (agent.key, agent.own.token, '"welcome"', '"course"', '"check"', '"answer"', '"meters"')
            assert not any(text.encode() in echo for text in secret)
            assert agent.course.state is State.IDLE
            await own.send_str(page.TO_AGENT.encode(page.Join()))
            assert "photo" in (await asyncio.wait_for(hears, 20)).problem

    asyncio.run(test())
    assert seen == []
    assert "Traceback" not in caplog.text
