"""facewire signal: the small server where two agents find each other."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from facewire.cli import options, places
from facewire.cli.arguments import whole
from facewire.cli.call import require_call_extra

DEFAULT_PORT = 8765
SITE = Path(__file__).parent.parent / "call" / "page" / "site"

TURN_SECRET = "FACEWIRE_TURN_SECRET"

EXAMPLES = f"""examples:
  facewire signal
  facewire signal --host 0.0.0.0 --port 8765     behind a proxy that speaks TLS
  facewire web -o site/ && facewire signal --site site/     calls in the browser, nothing installed
  facewire signal --page https://pages.example.org/call.html     the same with the site on another host

It passes sealed texts between the two sides of a call and sees neither tokens nor pictures nor sound. It logs nothing
about rooms. For TURN servers (--ice turn:HOST:PORT) the secret that they share with this server, coturn's
static-auth-secret, is read from {TURN_SECRET}; pages get credentials that end after twelve hours."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "signal",
        help="run the server where two sides of a call meet",
        description="Run the rendezvous server of calls.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)"
    )
    parser.add_argument(
        "--port",
        type=whole("port", 0, 65535),
        default=DEFAULT_PORT,
        help=f"port, 0 for any free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--site",
        type=Path,
        metavar="DIR",
        help="a folder of `facewire web`: whoever opens this server in a browser can call without an agent",
    )
    parser.add_argument(
        "--ice",
        action="append",
        default=[],
        metavar="URL",
        help="STUN or TURN server for pages; can be given several times",
    )
    parser.add_argument(
        "--page",
        default="",
        metavar="URL",
        help="page of a call on another host (facewire web --signal): it may enter rooms, and links lead there",
    )
    places.declare(parser, places.Input("site", places.any_folder))
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    require_call_extra()
    import asyncio

    from facewire.call.meeting.page_ice import PageIce
    from facewire.call.meeting.signal_server import SignalServer
    from facewire.call.meeting.site import Site
    from facewire.transport.web.serve import serve
    from facewire.web.folder import HEADERS

    site = None if given.site is None else Site(given.site, HEADERS)
    ice = PageIce(given.ice, os.environ.get(TURN_SECRET, ""))
    server = SignalServer((SITE / "join.html").read_text(encoding="utf-8"), site, given.page, ice)

    def started(port: int) -> None:
        what = "signalling server" if site is None else "signalling server and page of calls"
        options.note(f"{what} on http://{given.host}:{port}; stop it with Ctrl-C")

    asyncio.run(serve(server.app, given.host, given.port, started))
    return 0
