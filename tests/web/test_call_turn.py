"""A call between two pages that only a TURN server lets through, in a real browser with stand-ins for the networks.

Needs Chromium and coturn; without them this is skipped.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from facewire.call.meeting.page_ice import PageIce
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.meeting.site import Site
from facewire.web.folder import HEADERS
from tests.call.browsers.chromium import Chromium, chromium
from tests.call.turn_server import SECRET, turn_server

from .pages import call, ready, served, write_camera
from .stand_in_site import write_stand_in_site

RELAYED = """(() => {
  const Own = RTCPeerConnection;
  const kinds = async (connection) => {
    const stats = await connection.getStats();
    const { selectedCandidatePairId } = [...stats.values()].find(({ type }) => type === "transport");
    const { localCandidateId, remoteCandidateId } = stats.get(selectedCandidatePairId);
    return [localCandidateId, remoteCandidateId].map((id) => stats.get(id).candidateType).join();
  };
  window.RTCPeerConnection = class extends Own {
    constructor(given) {
      super({ ...given, iceTransportPolicy: "relay" });
      this.addEventListener("connectionstatechange", async () => {
        if (this.connectionState === "connected") globalThis.way = await kinds(this);
      });
    }
  };
})()"""
"""What a firewall does: nothing but the TURN server is reached. Notes the kinds of both ends of a connection."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.turn,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_call_goes_through_the_turn_server_that_pages_are_told_of(tmp_path: Path) -> None:
    with turn_server() as url:
        asyncio.run(asyncio.wait_for(through(tmp_path, url), 240))


async def through(folder: Path, url: str) -> None:
    (folder / "site").mkdir()
    site = Site(write_stand_in_site(folder / "site"), HEADERS)
    camera = write_camera(folder / "camera.y4m", 25)
    for name in "ab":
        (folder / name).mkdir()
    async with (
        served(SignalServer(site=site, ice=PageIce([url], SECRET)).app) as signal,
        Chromium(folder / "a", camera) as a,
        Chromium(folder / "b", camera) as b,
    ):
        for page in (a, b):
            await ready(page, f"http://127.0.0.1:{signal}/")
            await page.value(RELAYED)
        await call(a, b)
        for page in (a, b):
            assert await page.until("globalThis.way") == "relay,relay"
        assert a.console + b.console == []
