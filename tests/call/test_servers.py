"""The signalling server and the page's door, over real sockets on the loopback interface."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from av.video.frame import VideoFrame

import facewire
from facewire.base.errors import CallError
from facewire.call.agent import Agent
from facewire.call.meeting import signal_server as server
from facewire.call.meeting.signal_client import SignalClient, SignalHandlers, obstacle
from facewire.call.messages import page_messages as page
from facewire.call.messages.signal_messages import (
    ENTERING,
    TO_AGENT,
    TO_SERVER,
    Enter,
    Other,
    Refused,
    Say,
    Sealed,
    Seated,
)
from facewire.call.page.link import CameraPicture
from facewire.call.page_server import PageServer
from facewire.call.settings import AgentSettings
from facewire.codec.tables.shipped import shipped_tables
from facewire.transport.invitation import Invitation
from facewire.transport.web.serve import serve
from tests.call.stand_ins import engine, finder, frame

SITE = Path(facewire.__file__).parent / "call" / "page" / "site"
HEX = "0" * 64


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test(), 120)

    asyncio.run(limited())


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[int]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, port.set_result))
    try:
        yield await port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def entered(
    port: int, room: str = "talk", **fields: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/room/{room}") as socket,
    ):
        await socket.send_str(TO_SERVER.encode(Enter(**{"admission": HEX, **fields})))
        yield socket


async def heard(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return TO_AGENT.parse(await socket.receive_str(timeout=20))


class TestSignal:
    def test_two_meet_and_speak(self) -> None:
        async def test() -> None:
            signal = server.SignalServer()
            async with listening(signal.app) as port, entered(port) as a:
                assert (await heard(a)).seat == "a"
                async with entered(port) as b:
                    assert (await heard(b)).seat == "b"
                    assert await heard(b) == Other(here=True)
                    assert await heard(a) == Other(here=True)
                    said = Say(body="hello", seal=HEX)
                    await a.send_str(TO_SERVER.encode(said))
                    assert await heard(b) == said
                assert await heard(a) == Other(here=False)
                assert signal.rooms == 1
            assert signal.rooms == 0

        run(test)

    def test_a_third_is_refused(self) -> None:
        async def test() -> None:
            async with listening(server.SignalServer().app) as port, entered(port) as a, entered(port) as b:
                await heard(a)
                await heard(b)
                async with entered(port) as c:
                    assert isinstance(await heard(c), Refused)

        run(test)

    @pytest.mark.parametrize("fields", [{"admission": "1" * 64}, {"room": "other"}])
    def test_another_token_or_room_leads_elsewhere(self, fields: dict[str, str]) -> None:
        async def test() -> None:
            async with listening(server.SignalServer().app) as port, entered(port) as a:
                await heard(a)
                async with entered(port, **fields) as stranger:
                    assert (await heard(stranger)).seat == "a"
                    await stranger.send_str(TO_SERVER.encode(Say(body="let me in", seal=HEX)))
                    with pytest.raises(TimeoutError):
                        await a.receive_str(timeout=0.3)

        run(test)

    def test_the_same_agent_gets_its_seat_again(self) -> None:
        async def test() -> None:
            async with listening(server.SignalServer().app) as port, entered(port) as a, entered(port) as b:
                seated = await heard(a)
                await heard(b)
                assert isinstance(seated, Seated)
                async with entered(port, key=seated.key) as again:
                    assert (await heard(again)).seat == "a"
                    assert await heard(again) == Other(here=True)
                    assert await heard(b) == Other(here=True)
                    assert await heard(b) == Other(here=True)

        run(test)

    @pytest.mark.parametrize(
        "first", ["", "nonsense", '{"type": "leave"}', '{"type": "enter"}', "x" * 40_000]
    )
    def test_what_is_no_entry_is_refused(self, first: str) -> None:
        async def test() -> None:
            signal = server.SignalServer()
            async with (
                listening(signal.app) as port,
                aiohttp.ClientSession() as session,
                session.ws_connect(f"http://127.0.0.1:{port}/room/talk") as socket,
            ):
                await socket.send_str(first)
                frame = await socket.receive(timeout=20)
                if frame.type is aiohttp.WSMsgType.TEXT:
                    assert isinstance(TO_AGENT.parse(frame.data), Refused)
                    frame = await socket.receive(timeout=20)
                assert frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
                assert signal.rooms == 0

        run(test)

    @pytest.mark.parametrize(
        "entry", ["", "1", "1.x.", f"x.{HEX}.", f"1.{HEX}.1", f"99.{HEX}.", f"1.{HEX}..x"]
    )
    def test_what_is_no_entry_in_the_request_is_refused(self, entry: str) -> None:
        async def test() -> None:
            signal = server.SignalServer()
            async with (
                listening(signal.app) as port,
                aiohttp.ClientSession() as session,
                session.ws_connect(
                    f"http://127.0.0.1:{port}/room/talk", protocols=(ENTERING, entry)
                ) as socket,
            ):
                if entry:
                    assert isinstance(await heard(socket), Refused)
                assert signal.rooms == 0

        run(test)

    @pytest.mark.parametrize("early", [True, False])
    def test_clients_enter_with_the_request_or_after_it(self, early: bool) -> None:
        """An older server does not know of the first way, and is told by a message."""

        async def older(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            entries.append(TO_SERVER.parse(await socket.receive_str(timeout=20)))
            await socket.send_str(TO_AGENT.encode(Seated(seat="a", key="0" * 32)))
            return socket

        async def test() -> None:
            seated = asyncio.Event()

            def nothing(*values: Any) -> None:
                pass

            handlers = SignalHandlers(lambda seat: seated.set(), nothing, nothing, nothing, nothing)
            app = server.SignalServer().app
            if not early:
                app = web.Application()
                app.router.add_get("/room/{room}", older)
            async with listening(app) as port:
                invitation = Invitation.create(f"http://127.0.0.1:{port}", "talk")
                task = asyncio.create_task(SignalClient(invitation, handlers).run())
                await asyncio.wait_for(seated.wait(), 20)
                assert entries == ([] if early else [Enter(admission=invitation.admission)])
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        entries: list[Any] = []
        run(test)

    def test_pages_of_browsers_do_not_come_in(self) -> None:
        async def test() -> None:
            async with listening(server.SignalServer().app) as port, aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await session.ws_connect(f"http://127.0.0.1:{port}/room/x", origin="https://evil.example")
                assert caught.value.status == 403

        run(test)

    @pytest.mark.slow
    def test_a_flood_ends_that_connection_only(self) -> None:
        async def test() -> None:
            async with listening(server.SignalServer().app) as port, entered(port) as a, entered(port) as b:
                await heard(a)
                await heard(b)
                await heard(b)
                await heard(a)
                for _ in range(200):
                    if a.closed:
                        break
                    await a.send_str(TO_SERVER.encode(Say(body="x", seal=HEX)))
                messages: list[Any] = []
                while not messages or not isinstance(messages[-1], Other):
                    messages.append(await heard(b))
                assert messages[-1] == Other(here=False)
                assert len(messages) <= server.MESSAGE_BURST + 10

        run(test)

    def test_clients_hear_only_what_the_other_seat_sealed(self) -> None:
        async def test() -> None:
            got: list[Sealed] = []
            async with listening(server.SignalServer().app) as port:
                invitation = Invitation.create(f"http://127.0.0.1:{port}", "talk")
                here = [asyncio.Event(), asyncio.Event()]

                def handlers(index: int) -> SignalHandlers:
                    def other(there: bool) -> None:
                        here[index].set()

                    def nothing(*values: Any) -> None:
                        pass

                    return SignalHandlers(nothing, other, got.append, nothing, nothing)

                clients = [SignalClient(invitation, handlers(index)) for index in (0, 1)]
                tasks = [asyncio.create_task(client.run()) for client in clients]
                await asyncio.gather(*(event.wait() for event in here))
                forged = Say(body=clients[0].key, seal=HEX)
                clients[0]._put(forged)
                sealed = Sealed(kind="offer", attempt="0" * 16, sdp="v=0\r\n")
                reflected = Sealed(kind="answer", attempt="1" * 16, sdp="v=0\r\n")
                clients[0].seat, seat = clients[1].seat, clients[0].seat
                clients[0].say(reflected)  # sealed as if it came from the receiver's own seat
                clients[0].seat = seat
                clients[0].say(sealed)
                while not got:
                    await asyncio.sleep(0.02)
                assert got == [sealed]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        run(test)

    def test_tokens_and_rooms_are_not_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

        async def test() -> None:
            async with listening(server.SignalServer().app) as port, entered(port, "secret-room") as a:
                await heard(a)

        run(test)
        assert "secret-room" not in caplog.text
        assert HEX not in caplog.text


@asynccontextmanager
async def door() -> AsyncIterator[tuple[Agent, int]]:
    settings = AgentSettings(signal="http://127.0.0.1:1", room="talk")
    agent = Agent(engine(), finder(), shipped_tables(), settings)
    async with listening(PageServer(agent, SITE).app) as port:
        running = asyncio.create_task(agent.run())
        try:
            yield agent, port
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def control(port: int, **headers: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    given = {"Origin": f"http://127.0.0.1:{port}", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/control", headers=given) as socket,
    ):
        yield socket


async def told(socket: aiohttp.ClientWebSocketResponse, kind: type[Any]) -> Any:
    while True:
        message = page.TO_PAGE.parse(await socket.receive_str(timeout=20))
        if isinstance(message, kind):
            return message


class TestPage:
    def test_files_are_served_and_nothing_else(self) -> None:
        async def test() -> None:
            async with door() as (_, port), aiohttp.ClientSession() as session:
                for path in ("/", "/page.css", "/page.js", "/controls.js", "/face.js", "/icon.svg"):
                    async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                        assert response.status == 200
                        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                        assert response.headers["Cache-Control"] == "no-store"
                for path in ("/join.html", "/../cli/main.py", "/%2e%2e/cli/main.py", "/control/x", "/key"):
                    async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                        assert response.status == 404

        run(test)

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", ""])
    def test_other_hosts_are_refused(self, host: str) -> None:
        async def test() -> None:
            async with (
                door() as (_, port),
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/", headers={"Host": host}) as response,
            ):
                assert response.status == 403

        run(test)

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
    def test_other_origins_are_refused(self, origin: str) -> None:
        async def test() -> None:
            async with door() as (_, port):
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    async with control(port, Origin=origin):
                        pass
                assert caught.value.status == 403

        run(test)

    @pytest.mark.parametrize("first", ['{"type": "enter", "key": "wrong"}', '{"type": "hang-up"}', "x"])
    def test_without_the_key_nothing_is_heard_or_done(self, first: str) -> None:
        async def test() -> None:
            async with door() as (agent, port), control(port) as socket:
                await socket.send_str(first)
                message = page.TO_PAGE.parse(await socket.receive_str(timeout=20))
                assert isinstance(message, page.Failure)
                assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE
                assert agent.key not in message.problem

        run(test)

    def test_with_the_key_the_page_is_told_where_it_stands(self) -> None:
        async def test() -> None:
            async with door() as (agent, port), control(port) as socket:
                await socket.send_str(page.TO_AGENT.encode(page.Enter(key=agent.key)))
                assert (await told(socket, page.Welcome)).room == "talk"
                assert (await told(socket, page.Course)).state == "idle"
                await socket.send_str(page.TO_AGENT.encode(page.Join()))
                assert "photo" in (await told(socket, page.Failure)).problem
                await socket.send_bytes(b"no picture")
                assert not (await told(socket, page.PhotoResult)).ok
                await socket.send_str(page.TO_AGENT.encode(page.Join(invitation="https://nowhere")))
                assert "invitation" in (await told(socket, page.Failure)).problem
                await socket.send_str("nonsense")
                assert "not JSON" in (await told(socket, page.Failure)).problem
                assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE

        run(test)

    def test_a_page_loaded_again_stays_muted_and_off_and_nothing_looks_at_the_camera(self) -> None:
        async def test() -> None:
            async with door() as (agent, port):
                async with control(port) as socket:
                    await socket.send_str(page.TO_AGENT.encode(page.Enter(key=agent.key)))
                    welcome = await told(socket, page.Welcome)
                    assert (welcome.muted, welcome.camera_off) == (False, False)
                    picture = CameraPicture(VideoFrame.from_ndarray(frame(1), format="rgb24"))
                    agent._see(picture, 0.0)
                    while (await told(socket, page.Check)).picture is False:
                        pass
                    await socket.send_str(page.TO_AGENT.encode(page.Mute(on=True)))
                    await socket.send_str(page.TO_AGENT.encode(page.CameraOff(on=True)))
                    while (await told(socket, page.Check)).picture is True:
                        pass
                    performed = agent._last
                    agent._see(picture, 1.0)
                    await asyncio.sleep(0.1)
                    assert agent._newest is None
                    assert agent._last is performed
                    await socket.send_str(page.TO_AGENT.encode(page.TakePhoto()))
                    assert "camera" in (await told(socket, page.PhotoResult)).problem
                async with control(port) as socket:
                    await socket.send_str(page.TO_AGENT.encode(page.Enter(key=agent.key)))
                    welcome = await told(socket, page.Welcome)
                    assert (welcome.muted, welcome.camera_off) == (True, True)

        run(test)

    def test_a_newer_page_takes_over(self) -> None:
        async def test() -> None:
            async with door() as (agent, port), control(port) as first, control(port) as second:
                enter = page.TO_AGENT.encode(page.Enter(key=agent.key))
                await first.send_str(enter)
                await told(first, page.Welcome)
                await second.send_str(enter)
                await told(second, page.Welcome)
                assert "opened again" in (await told(first, page.Failure)).problem

        run(test)


def test_a_port_that_is_taken_is_one_line() -> None:
    async def test() -> None:
        async with listening(server.SignalServer().app) as port:
            with pytest.raises(CallError, match="--port"):
                await serve(server.SignalServer().app, "127.0.0.1", port, lambda port: None)

    run(test)


def test_the_agent_has_no_key_in_its_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys: list[str] = []

    async def test() -> None:
        async with door() as (agent, port), control(port) as socket:
            keys.append(agent.key)
            keys.append(agent.own.token)
            await socket.send_str(page.TO_AGENT.encode(page.Enter(key=agent.key)))
            await told(socket, page.Welcome)

    run(test)
    assert len(keys) == 2
    assert all(key not in caplog.text for key in keys)


def test_a_server_that_is_there_is_no_obstacle() -> None:
    async def test() -> None:
        async with listening(server.SignalServer("").app) as port:
            assert await obstacle(Invitation.create(f"http://127.0.0.1:{port}", "talk")) == ""

    run(test)


def test_a_server_that_is_not_there_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facewire.call.meeting.signal_client.KNOCK_SECONDS", 0.2)

    async def test() -> None:
        async with listening(web.Application()) as port:
            other = await obstacle(Invitation.create(f"http://127.0.0.1:{port}", "talk"))
        gone = await obstacle(Invitation.create(f"http://127.0.0.1:{port}", "talk"))
        with socket.create_server(("127.0.0.1", 0)) as mute:
            silent = await obstacle(Invitation.create(f"http://127.0.0.1:{mute.getsockname()[1]}", "talk"))
        assert "something else answers there, with HTTP status 404" in other
        assert f"http://127.0.0.1:{port} cannot be reached (Connection refused)" in gone
        assert "no answer in 0.2 s" in silent

    run(test)
