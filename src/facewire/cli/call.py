"""facewire call: the agent of one person, with a page in the browser as its face."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.transport.invitation import Invitation

DEFAULT_PORT = 8712
DEFAULT_SIGNAL = "http://127.0.0.1:8765"
SITE = Path(__file__).parent.parent / "call" / "page" / "site"
KNOCK_AGAIN_SECONDS = 2.0
"""Between looks for a signalling server that is not there."""
TURN_PASSWORD = "FACEWIRE_TURN_PASSWORD"

EXAMPLES = f"""examples:
  facewire signal &                                      the server where both meet
  facewire call                                          prints the address of your page
  facewire call --join 'http://.../join#room=...&token=...'
  facewire call --signal https://signal.example.org --ice stun:stun.example.org:3478
  facewire call --thin                                   as few bits as it takes, some 12 kbit/s each way

The page is served to this machine only. Pictures and photos are never written to disk. The password of a TURN server
is read from {TURN_PASSWORD}."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "call",
        help="call somebody: keypoints and sound instead of video",
        description="Run the agent of one person; a browser page on this machine is its face.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--room", default="talk", help="name of the room (default: talk)")
    parser.add_argument(
        "--signal",
        default=DEFAULT_SIGNAL,
        metavar="URL",
        help=f"signalling server (default: {DEFAULT_SIGNAL})",
    )
    parser.add_argument("--join", metavar="LINK", help="invitation link; replaces --room and --signal")
    parser.add_argument(
        "--port",
        type=whole("port", 0, 65535),
        default=DEFAULT_PORT,
        help=f"of the page, 0 for any free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--ice",
        action="append",
        default=[],
        metavar="URL",
        help="STUN or TURN server; can be given several times",
    )
    parser.add_argument("--turn-user", metavar="NAME", help="user name for TURN servers")
    parser.add_argument(
        "--relay",
        action="store_true",
        help="go through TURN servers only, so that the other side does not learn your address",
    )
    parser.add_argument(
        "--allow-avatar",
        action="store_true",
        help="take a photo that does not show you; the other side is told",
    )
    parser.add_argument(
        "--no-video", action="store_true", help="never fall back to ordinary video of the camera"
    )
    parser.add_argument(
        "--no-trailer",
        action="store_true",
        help="send the face on a channel of its own, not behind the sound",
    )
    parser.add_argument(
        "--thin",
        action="store_true",
        help="thin mode from the start, for both sides; without it the call follows the line",
    )
    parser.add_argument(
        "--size",
        type=whole("size", 256, 1024),
        metavar="N",
        help="side of the largest faces that are shown and sent, 256 to 1024 (default: 512 if this machine shows 25 "
        "a second of them, else 256)",
    )
    options.add_weights_options(parser)
    options.add_engine_option(parser)
    places.declare(parser, places.WEIGHTS)
    parser.set_defaults(run=run)


def require_call_extra() -> None:
    """Raise CallError unless the packages of a call are there."""
    from facewire.base.errors import CallError

    missing = [name for name in ("aiohttp", "aiortc") if importlib.util.find_spec(name) is None]
    if missing:
        raise CallError(f"{' and '.join(missing)} is not installed: pip install 'facewire[call]'")


async def _tell_of_server(invitation: Invitation) -> None:
    """Say at once that the signalling server is not there, and when it has come."""
    import asyncio

    from facewire.call.meeting.signal_client import obstacle

    told = ""
    while problem := await obstacle(invitation):
        if problem != told:
            options.note(
                f"{problem}: start it with facewire signal, or choose another with --signal or --join"
            )
        told = problem
        await asyncio.sleep(KNOCK_AGAIN_SECONDS)
    if told:
        options.note("the signalling server is there now")


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    require_call_extra()
    import asyncio

    from facewire.base.errors import ConfigError
    from facewire.call.agent import Agent
    from facewire.call.meeting.rtc_peer import IceServer
    from facewire.call.page_server import PageServer
    from facewire.call.person.engine import NetworkEngine
    from facewire.call.settings import AgentSettings
    from facewire.talks.coding_tables import tables_of
    from facewire.transport.invitation import Invitation
    from facewire.transport.web.serve import serve

    password = os.environ.get(TURN_PASSWORD)
    servers = tuple(
        IceServer(url=url, name=given.turn_user, password=password)
        if url.startswith("turn")
        else IceServer(url=url)
        for url in given.ice
    )
    if given.relay and not any(server.url.startswith("turn") for server in servers):
        raise ConfigError("relay", "no TURN server", "--ice turn:HOST:PORT with it")
    if given.thin and given.no_trailer:
        raise ConfigError("no-trailer", "with --thin", "one of them: thin mode sends faces behind the sound")
    settings = AgentSettings(
        signal=given.signal,
        room=given.room,
        invitation=Invitation.parse(given.join) if given.join else None,
        ice=servers,
        relay=given.relay,
        allow_avatar=given.allow_avatar,
        video=not given.no_video,
        trailer=not given.no_trailer,
        thin=given.thin,
        size=given.size,
    )
    animator = options.animator_of(given)
    engine, choice = animator.open(given.engine)
    options.tell_engine(choice)

    async def both() -> None:
        networks = NetworkEngine.of(animator, engine)
        agent = Agent(networks, animator.finder, tables_of(animator), settings)

        def started(port: int) -> None:
            options.note(f"open http://127.0.0.1:{port}/#key={agent.key}")

        async def work() -> None:
            knocking = asyncio.create_task(_tell_of_server(agent.own))
            try:
                await agent.run()
            finally:
                knocking.cancel()

        await serve(PageServer(agent, SITE).app, "127.0.0.1", given.port, started, work())

    asyncio.run(both())
    return 0
