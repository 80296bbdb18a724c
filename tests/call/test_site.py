"""The signalling server serves the page of a call: which files, with which headers, and who may enter a room."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from facewire.base.errors import ConfigError
from facewire.call.meeting.page_ice import PageIce
from facewire.call.meeting.signal_server import SignalServer
from facewire.call.meeting.site import Site
from facewire.web.folder import HEADERS
from tests.call.test_servers import listening


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "call").mkdir(parents=True)
    (site / "call.html").write_text("<title>call</title>")
    (site / "manifest.json").write_text("{}")
    (site / "call" / "states.js").write_text("export {};" * 100)
    (site / "_headers").write_text("for static hosts")
    (tmp_path / "secret.txt").write_text("not for the page")
    return site


def visit(folder: Path, test: Callable[[aiohttp.ClientSession, str], Awaitable[None]]) -> None:
    async def limited() -> None:
        app = SignalServer(site=Site(folder, HEADERS)).app
        async with listening(app) as port, aiohttp.ClientSession(auto_decompress=False) as session:
            await test(session, f"http://127.0.0.1:{port}")

    asyncio.run(asyncio.wait_for(limited(), 60))


@pytest.mark.parametrize("address", ["/", "/join", "/call.html"])
def test_the_page_is_served_with_its_policy(folder: Path, address: str) -> None:
    async def test(session: aiohttp.ClientSession, server: str) -> None:
        async with session.get(server + address) as answer:
            assert gzip.decompress(await answer.read()) == b"<title>call</title>"
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert answer.content_type == "text/html"

    visit(folder, test)


def test_files_are_packed_and_kept(folder: Path) -> None:
    async def test(session: aiohttp.ClientSession, server: str) -> None:
        address = f"{server}/call/states.js"
        async with session.get(address, headers={"Accept-Encoding": "gzip"}) as answer:
            packed, tag = await answer.read(), answer.headers["ETag"]
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.content_type == "text/javascript"
        async with session.get(address, headers={"Accept-Encoding": "identity"}) as answer:
            whole = await answer.read()
        assert gzip.decompress(packed) == whole == (folder / "call" / "states.js").read_bytes()
        assert len(packed) < len(whole) / 4
        async with session.get(address, headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304

    visit(folder, test)


@pytest.mark.parametrize(
    "path", ["/_headers", "/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/call"]
)
def test_nothing_else_is_served(folder: Path, path: str) -> None:
    async def test(session: aiohttp.ClientSession, server: str) -> None:
        async with session.get(server + path) as answer:
            assert answer.status == 404

    visit(folder, test)


@pytest.mark.parametrize(
    ("origin", "status"), [("{own}", 101), ("http://elsewhere.example", 403), ("null", 403)]
)
def test_only_the_own_page_enters_rooms(folder: Path, origin: str, status: int) -> None:
    async def test(session: aiohttp.ClientSession, server: str) -> None:
        try:
            async with session.ws_connect(f"{server}/room/talk", origin=origin.format(own=server)):
                found = 101
        except aiohttp.WSServerHandshakeError as error:
            found = error.status
        assert found == status

    visit(folder, test)


def test_without_a_site_no_page_enters() -> None:
    async def test() -> None:
        async with listening(SignalServer().app) as port, aiohttp.ClientSession() as session:
            server = f"http://127.0.0.1:{port}"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{server}/room/talk", origin=server)

    asyncio.run(asyncio.wait_for(test(), 60))


def test_pages_are_told_servers_and_credentials_that_end() -> None:
    ice = PageIce(["turn:turn.example.org:3478", "stun:stun.example.org"], "north")
    stun, turn = ice.servers(1_800_000_000.4)
    assert stun == {"urls": "stun:stun.example.org"}
    assert turn == {
        "urls": "turn:turn.example.org:3478",
        "username": "1800043200:facewire",
        "credential": "ALY1ya+aw6LqhD1Wjbybozs/BV0=",  # openssl dgst -sha1 -hmac north -binary | base64
    }
    with pytest.raises(ConfigError, match="static-auth-secret"):
        PageIce(["turn:turn.example.org:3478"])
    with pytest.raises(ConfigError, match="stun:HOST:PORT"):
        PageIce(["http://turn.example.org"])


def test_a_page_on_another_host_is_let_in_told_servers_and_led_to() -> None:
    page = "https://Pages.example.org/deep/call.html"

    async def test() -> None:
        app = SignalServer(page=page, ice=PageIce(["stun:stun.example.org"])).app
        async with listening(app) as port, aiohttp.ClientSession() as session:
            server = f"http://127.0.0.1:{port}"
            async with session.get(f"{server}/ice") as answer:
                assert await answer.json() == [{"urls": "stun:stun.example.org"}]
                assert answer.headers["Access-Control-Allow-Origin"] == "https://pages.example.org"
            async with session.get(f"{server}/join", allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (302, page.replace("P", "p"))
            async with session.ws_connect(f"{server}/room/talk", origin="https://pages.example.org"):
                pass
            for other in (server, "https://pages.example.org.evil.example", "null"):
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await session.ws_connect(f"{server}/room/talk", origin=other)

    asyncio.run(asyncio.wait_for(test(), 60))
    with pytest.raises(ConfigError, match=r"call\.html"):
        SignalServer(page="pages.example.org")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="facewire web -o"):
        Site(tmp_path, HEADERS)
