"""Two real connections of aiortc on this machine: sound with trailers, both channels, and what a packet costs."""

from __future__ import annotations

import asyncio

import pytest

from facewire.base.errors import ConfigError, ProtocolError
from facewire.call.rtc_peer import IceServer, PeerHandlers, RtcPeer
from facewire.transport.overhead import IP_UDP, rtp_bytes
from facewire.transport.trailer import join, split

PACKETS = 25


class Ear:
    def __init__(self) -> None:
        self.media: list[tuple[bytes, int]] = []
        self.reliable: list[str | bytes] = []
        self.loose: list[bytes] = []
        self.opened, self.broken = asyncio.Event(), asyncio.Event()
        self.peer = RtcPeer(
            PeerHandlers(
                lambda data, at: self.media.append((data, at)),
                self.reliable.append,
                self.loose.append,
                self.opened.set,
                self.broken.set,
            )
        )


async def talk() -> None:
    a, b = Ear(), Ear()
    await a.peer.accept(await b.peer.answer(await a.peer.offer()))
    await asyncio.wait_for(asyncio.gather(a.opened.wait(), b.opened.wait()), 60)
    a.peer.reliable("text")
    a.peer.reliable(b"bytes")
    b.peer.loose(b"maybe")
    await asyncio.sleep(0.5)
    packets, size = await a.peer.bytes_sent()
    for step in range(PACKETS):
        a.peer.media(join(bytes((8,)) * 120, bytes((step,)) * 30), 1920 * step)
        await asyncio.sleep(0.01)
    while len(b.media) < PACKETS:
        await asyncio.sleep(0.05)
    more, whole = await a.peer.bytes_sent()
    assert [split(data)[1][0] for data, _ in b.media] == list(range(PACKETS))
    steps = {
        (after - before) % (1 << 32) for (_, before), (_, after) in zip(b.media, b.media[1:], strict=False)
    }
    assert steps == {1920}
    assert a.reliable == []
    assert b.reliable == ["text", b"bytes"]
    assert a.loose == [b"maybe"]
    sound = PACKETS * (rtp_bytes(151) - IP_UDP)
    assert whole - size >= sound
    assert whole - size - sound < 60 * (more - packets - PACKETS + 1) + 200  # reports of RTCP besides
    await a.peer.close()
    await asyncio.wait_for(b.broken.wait(), 60)
    await b.peer.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_two_peers_on_one_machine() -> None:
    asyncio.run(asyncio.wait_for(talk(), 240))


@pytest.mark.parametrize("text", ["", "v=0", "v=0\r\n" * 10, "v=0\r\nm=audio x", "x" * 20_000])
def test_what_is_no_offer(text: str) -> None:
    async def test() -> None:
        ear = Ear()
        with pytest.raises(ProtocolError):
            await ear.peer.answer(text)
        await ear.peer.close()

    asyncio.run(test())


def test_ice_servers() -> None:
    assert "secret" not in repr(IceServer(url="turn:host:3478?transport=udp", name="me", password="secret"))
    for url in ("http://x", "stun:", "turn:host?transport=sctp", ""):
        with pytest.raises(ConfigError):
            IceServer(url=url)
