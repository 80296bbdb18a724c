"""The page's WebRTC connection, with a connection of aiortc in the browser's place."""

from __future__ import annotations

import asyncio
import re

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from facewire.base.errors import ProtocolError
from facewire.call.page.link import CameraPicture, FaceTrack, PageLink, with_addresses
from facewire.call.page.prompt_buffer import PACKETS, PromptPictures, PromptSound

NAME = "87e6a766-7ee6-44b2-a5aa-81b2b0e3d3e7.local"


def link(saw: list[CameraPicture]) -> PageLink:
    return PageLink(
        64, lambda n: np.zeros(n, np.int16), lambda picture, at: saw.append(picture), lambda sound: None
    )


def test_hidden_addresses_are_those_of_this_machine() -> None:
    hidden = f"a=candidate:0 1 UDP 2122187007 {NAME} 35780 typ host"
    given = "\r\n".join(("v=0", hidden, "a=candidate:1 1 UDP 1 192.0.2.7 9 typ host", ""))
    lines = with_addresses(given).split("\r\n")
    assert lines[0] == "v=0"
    assert lines[-2:] == ["a=candidate:1 1 UDP 1 192.0.2.7 9 typ host", ""]
    assert all(
        re.fullmatch(r"a=candidate:0 1 UDP 2122187007 [0-9a-f.:]+ 35780 typ host", x) for x in lines[1:-2]
    )
    assert NAME not in "".join(lines)


def piece(number: int, time: int, data: bytes, *, last: bool = False) -> RtpPacket:
    """Return a packet as aiortc's receiver hands it to its buffer."""
    packet = RtpPacket(sequence_number=number % (1 << 16), timestamp=time, marker=int(last))
    packet._data = data  # type: ignore[attr-defined]
    return packet


class TestPromptPictures:
    def add(self, buffer: PromptPictures, *packets: RtpPacket) -> list[tuple[int, bytes]]:
        frames = [buffer.add(packet)[1] for packet in packets]
        return [(frame.timestamp, frame.data) for frame in frames if frame is not None]

    @pytest.mark.parametrize("first", [0, 7, (1 << 16) - 2])
    def test_a_picture_is_there_with_its_last_packet(self, first: int) -> None:
        buffer = PromptPictures()
        assert self.add(buffer, piece(first, 0, b"a"), piece(first + 1, 0, b"b")) == []
        assert self.add(buffer, piece(first + 2, 0, b"c", last=True)) == [(0, b"abc")]
        assert self.add(buffer, piece(first + 3, 3600, b"d", last=True)) == [(3600, b"d")]

    def test_a_lost_packet_is_waited_for(self) -> None:
        buffer = PromptPictures()
        assert self.add(buffer, piece(0, 0, b"a", last=True)) == [(0, b"a")]
        assert (
            self.add(buffer, piece(2, 1, b"c", last=True), piece(3, 2, b"d"), piece(4, 2, b"e", last=True))
            == []
        )
        assert self.add(buffer, piece(1, 1, b"b")) == [(1, b"bc")]
        assert self.add(buffer, piece(5, 3, b"f", last=True)) == [(2, b"de")]

    def test_padding_is_no_picture(self) -> None:
        buffer = PromptPictures()
        self.add(buffer, piece(0, 0, b"a", last=True))
        assert self.add(buffer, piece(1, 0, b""), piece(2, 0, b""), piece(3, 1, b"b", last=True)) == [
            (1, b"b")
        ]

    def test_a_picture_without_a_mark_is_there_with_the_next_one(self) -> None:
        buffer = PromptPictures()
        assert self.add(buffer, piece(0, 0, b"a"), piece(1, 1, b"b")) == [(0, b"a")]

    def test_what_never_comes_is_given_up_and_a_keyframe_wanted(self) -> None:
        buffer = PromptPictures()
        self.add(buffer, piece(0, 0, b"a", last=True))
        wanted = [buffer.add(piece(2 + n, 1 + n, b"x", last=True))[0] for n in range(PACKETS)]
        assert wanted.count(True) == 1


def test_sound_is_handed_on_packet_by_packet_in_order() -> None:
    buffer = PromptSound()
    numbers = [65534, 65535, 0, 0, 65535, 2, 1, 3]
    frames = [buffer.add(piece(number, number, bytes((number % 256,)))) for number in numbers]
    assert [frame.timestamp for _, frame in frames if frame is not None] == [65534, 65535, 0, 2, 3]
    assert not any(wanted for wanted, _ in frames)


async def shows_one_picture() -> None:
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    track = FaceTrack(64)
    browser.addTrack(track)
    saw: list[CameraPicture] = []
    agent = link(saw)
    await browser.setLocalDescription(await browser.createOffer())
    asked, answer = asyncio.Event(), await agent.answer(browser.localDescription.sdp)
    once = track.recv

    async def recv() -> object:
        if asked.is_set():
            await asyncio.Event().wait()
        asked.set()
        return await once()

    track.recv = recv  # type: ignore[method-assign]
    await browser.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    while not saw:
        await asyncio.sleep(0.02)
    assert saw[0].pixels.shape == (64, 64, 3)
    assert saw[0].pixels is saw[0].pixels
    await agent.close()
    await browser.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_picture_does_not_wait_for_the_next_one() -> None:
    asyncio.run(asyncio.wait_for(shows_one_picture(), 60))


async def hides_its_addresses() -> None:
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("audio", "video"):
        browser.addTransceiver(kind)
    came = asyncio.Event()
    browser.on("track", lambda track: came.set())
    await browser.setLocalDescription(await browser.createOffer())
    offer = re.sub(r"(a=candidate:\S+ \d udp \d+ )\S+", rf"\g<1>{NAME}", browser.localDescription.sdp)
    assert NAME in offer
    agent = link([])
    answer = await agent.answer(offer)
    assert " typ host" in answer
    await browser.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    while browser.connectionState != "connected":
        assert browser.connectionState != "failed"
        await asyncio.sleep(0.02)
    assert came.is_set()
    await agent.close()
    await browser.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_browser_that_hides_its_addresses_is_connected() -> None:
    asyncio.run(asyncio.wait_for(hides_its_addresses(), 120))


def test_what_is_no_offer() -> None:
    async def test() -> None:
        agent = link([])
        with pytest.raises(ProtocolError):
            await agent.answer("v=0\r\nm=audio x")
        await agent.close()

    asyncio.run(test())
