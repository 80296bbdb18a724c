"""The page's WebRTC connection, with a connection of aiortc in the browser's place."""

from __future__ import annotations

import asyncio
import re

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from facewire.base.errors import ProtocolError
from facewire.call.page_link import PageLink, with_addresses
from facewire.media.frame import Pixels

NAME = "87e6a766-7ee6-44b2-a5aa-81b2b0e3d3e7.local"


def link(saw: list[Pixels]) -> PageLink:
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
