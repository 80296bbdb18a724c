"""Two real connections of aiortc on this machine: sound with trailers, both channels, and what a packet costs."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aioice.ice import Connection
from aioice.stun import TransactionTimeout
from aioice.turn import TurnClientUdpProtocol

from facewire.base.errors import CallError, ConfigError, ProtocolError
from facewire.call.meeting import rtc_peer
from facewire.call.meeting.description import attribute, sent, taken
from facewire.call.meeting.page_ice import PageIce
from facewire.call.meeting.quick_dtls import Repeats
from facewire.call.meeting.quick_sctp import SCTP_INIT
from facewire.call.meeting.rtc_peer import IceServer, PeerHandlers, RtcPeer
from facewire.transport.overhead import IP_UDP, TURN_CHANNEL, rtp_bytes
from facewire.transport.trailer import join, split

from .turn_server import SECRET, turn_server

PACKETS = 25


class Ear:
    def __init__(self, **options: Any) -> None:
        self.media: list[tuple[bytes, int]] = []
        self.reliable: list[str | bytes] = []
        self.loose: list[bytes] = []
        self.found, self.opened, self.broken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.peer = RtcPeer(
            PeerHandlers(
                lambda data, at: self.media.append((data, at)),
                self.reliable.append,
                self.loose.append,
                self.found.set,
                self.opened.set,
                self.broken.set,
            ),
            **options,
        )


async def talk() -> None:
    a, b = Ear(), Ear()
    await a.peer.accept(await b.peer.answer(await a.peer.offer()))
    await asyncio.wait_for(asyncio.gather(a.opened.wait(), b.opened.wait()), 60)
    assert a.found.is_set()
    assert b.found.is_set()
    assert (a.peer.relayed, b.peer.relayed) == (False, False)
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


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("older", ["offer", "answer", ""])
def test_channels_open_with_older_programs_too(older: str) -> None:
    """Without the attribute in both descriptions SCTP shakes hands as usual; with it nothing of that is sent."""

    async def test() -> None:
        a, b = Ear(), Ear()
        offer = await a.peer.offer()
        answer = await b.peer.answer(without(offer) if older == "offer" else offer)
        assert (f"a={SCTP_INIT}:" in answer) == (older != "offer")
        await a.peer.accept(without(answer) if older == "answer" else answer)
        await asyncio.wait_for(asyncio.gather(a.opened.wait(), b.opened.wait()), 60)
        a.peer.reliable("hello")
        b.peer.reliable("hello")
        while not (a.reliable and b.reliable):
            await asyncio.sleep(0.01)
        await asyncio.gather(a.peer.close(), b.peer.close())

    asyncio.run(asyncio.wait_for(test(), 120))


def without(description: str) -> str:
    lines = description.split("\r\n")
    return "\r\n".join(line for line in lines if not line.startswith(f"a={SCTP_INIT}:"))


@pytest.mark.parametrize(
    "value", ["", "!", "AAAA", "AQAAFAAAAAAAAAAAAAEAAQAAAAA=", "AgAAFAAAAAEAAAABAAEAAQAAAAE="]
)
def test_what_is_no_init_chunk(value: str) -> None:
    async def test() -> None:
        a, b = Ear(), Ear()
        offer = without(await a.peer.offer()) + f"a={SCTP_INIT}:{value or 'x'}\r\n"
        with pytest.raises(ProtocolError, match="INIT"):
            await b.peer.answer(offer)
        await asyncio.gather(a.peer.close(), b.peer.close())

    asyncio.run(test())


def test_of_a_handshake_nothing_goes_twice_unless_nothing_comes() -> None:
    hello, rest = record(1, 0, 40), record(11, 1, 60)
    repeats = Repeats()
    assert repeats.left_out(hello) == hello
    assert repeats.left_out(hello + rest) == rest
    assert repeats.left_out(hello + rest) == b""
    parts = record(11, 2, 30) + record(11, 2, 30, begin=30)
    assert repeats.left_out(parts[:55]) + repeats.left_out(parts[55:]) == parts
    repeats.forget()
    assert repeats.left_out(hello + rest) == hello + rest


def record(kind: int, number: int, length: int, begin: int = 0) -> bytes:
    """Return a record of DTLS with a part of a message."""
    head = bytes((kind, 0, 0, 90, 0, number)) + begin.to_bytes(3, "big") + length.to_bytes(3, "big")
    return bytes((22, 254, 253)) + bytes(8) + (12 + length).to_bytes(2, "big") + head + bytes(length)


def test_a_description_says_nothing_twice_that_can_be_left_out() -> None:
    text = "v=0\r\na=extmap:1 x\r\na=fingerprint:sha-256 AA\r\na=fingerprint:sha-512 BB\r\n"
    assert sent(text, "a=b:c") == "v=0\r\na=fingerprint:sha-256 AA\r\na=b:c\r\n"
    assert taken(text) == "v=0\r\na=fingerprint:sha-256 AA\r\na=fingerprint:sha-512 BB\r\n"
    assert (attribute(text, "extmap"), attribute(text, "b")) == ("1 x", "")


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


def test_servers_that_do_not_answer_are_waited_for_once_and_not_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    gather = Connection.get_component_candidates

    async def listen(self: Connection, **options: Any) -> Any:
        waited.append(options["timeout"])
        return await gather(self, **options)

    monkeypatch.setattr(Connection, "get_component_candidates", listen)

    async def test() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            ear = Ear(servers=(IceServer(url=f"stun:127.0.0.1:{silent.getsockname()[1]}"),), patience=0.05)
            await ear.peer.gather()
            offer = await ear.peer.offer()
            assert " typ host" in offer
            assert offer.count("a=ice-ufrag") == 2  # sound and channels
            await ear.peer.close()
        assert waited == [0.05]

    asyncio.run(test())


def test_without_an_answer_of_its_turn_server_a_relayed_call_ends_with_a_reason() -> None:
    async def test() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            server = IceServer(url=f"turn:127.0.0.1:{silent.getsockname()[1]}", name="me", password="x")
            ear = Ear(servers=(server,), relay=True, patience=0.05)
            with pytest.raises(CallError, match="TURN"):
                await ear.peer.offer()
            await ear.peer.close()

    asyncio.run(test())


def test_consent_is_asked_for_patiently_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer may take longer than a satellite's round trip; one missed is forgiven, three in a row are not."""
    monkeypatch.setattr(rtc_peer, "CONSENT_SECONDS", 0.0)
    answers, asked, closed = [True, False, False, True, False, False, False], [], []

    async def ask(request: str, address: object, *, integrity_key: bytes, retransmissions: int) -> None:
        asked.append((request, integrity_key, sum(0.5 * 2**n for n in range(retransmissions + 1))))
        if not answers[len(asked) - 1]:
            raise TransactionTimeout

    async def close() -> None:
        closed.append(len(asked))

    pair = SimpleNamespace(protocol=SimpleNamespace(request=ask), remote_addr=("192.0.2.1", 9))
    ice = SimpleNamespace(
        _nominated={1: pair}, build_request=lambda pair, nominate: "ask", remote_password="key", close=close
    )
    asyncio.run(rtc_peer.keep_consent(ice))
    assert closed == [7]
    assert asked == [("ask", b"key", 3.5)] * 7


@pytest.fixture
def turn() -> Iterator[IceServer]:
    """A real TURN server, with credentials as pages are told them."""
    with turn_server() as url:
        (told,) = PageIce([url], SECRET).servers(time.time())
        yield IceServer(url=url, name=told["username"], password=told["credential"])


@pytest.mark.turn
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_two_peers_through_a_turn_server(turn: IceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is said goes as channel data: 4 bytes a packet, and the call counts them."""
    out: list[bytes] = []
    send = TurnClientUdpProtocol._send

    def keep(self: TurnClientUdpProtocol, data: bytes) -> None:
        out.append(data)
        send(self, data)

    monkeypatch.setattr(TurnClientUdpProtocol, "_send", keep)

    async def test() -> None:
        for _ in range(100):  # it takes a moment until it listens
            a = Ear(servers=(turn,), relay=True, patience=2.0)
            try:
                offer = await a.peer.offer()
            except CallError:
                await a.peer.close()
            else:
                break
        b = Ear(servers=(turn,), relay=True)
        answer = await b.peer.answer(offer)
        for description in (offer, answer):
            kinds = {
                line.split(" typ ")[1].split()[0] for line in description.split("\r\n") if " typ " in line
            }
            assert kinds == {"relay"}
        await a.peer.accept(answer)
        await asyncio.gather(a.opened.wait(), b.opened.wait())
        out.clear()
        a.peer.reliable("text")
        while not b.reliable or not a.media:
            b.peer.media(join(bytes((8,)) * 120, bytes(30)), 0)
            await asyncio.sleep(0.05)
        assert b.reliable == ["text"]
        assert (a.peer.relayed, b.peer.relayed) == (True, True)
        sound = rtp_bytes(151) - IP_UDP
        spoken = [
            data for data in out if len(data) >= sound and data[4] & 0xC0 == 0x80
        ]  # RTP of the trailer above
        assert {len(data) for data in spoken} == {sound + TURN_CHANNEL}
        assert all(0x40 <= data[0] < 0x50 and int.from_bytes(data[2:4]) == sound for data in spoken)
        assert not any(data[:2] == bytes((0, 0x16)) for data in out)  # no indication (RFC 8656, 11.1)
        await a.peer.close()
        await b.peer.close()

    asyncio.run(asyncio.wait_for(test(), 240))
