"""facewire studio: a page on this machine that shows what you do, while you do it."""

from __future__ import annotations

import argparse
import importlib.util
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.studio.session import Session
    from facewire.studio.virtual_camera import VirtualCamera

DEFAULT_PORT = 8713
SITE = Path(__file__).parent.parent / "studio" / "site"

EXAMPLES = """examples:
  facewire studio                    prints the address of the page; what you drop goes into the folder studio/
  facewire studio mine/              the photos, videos and the project of another folder
  facewire studio --virtual-camera   other programs see the result as a camera

The page is served to this machine only, and nothing is sent anywhere. The folder holds the project (project.json),
what was dropped, the queue (jobs.json), and the results in out/."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "studio",
        help="a page that shows what you do: photos, sliders, drivers, a queue of renders",
        description="Open a page on this machine that does what animate and rotate do, while you look.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        default="studio",
        metavar="FOLDER",
        help="of the project and its media (default: studio)",
    )
    parser.add_argument(
        "--port",
        type=whole("port", 0, 65535),
        default=DEFAULT_PORT,
        help=f"of the page, 0 for any free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--virtual-camera", action="store_true", help="show the result on a virtual camera, too"
    )
    parser.add_argument(
        "--web",
        type=Path,
        metavar="DIR",
        help="a folder of `facewire web`: the page renders what moves itself, where it is faster at that",
    )
    options.add_engine_option(parser)
    options.add_weights_options(parser)
    places.declare(
        parser,
        places.WEIGHTS,
        places.Input("web", places.any_folder),
        places.Output("folder", folder=True, writes=("project.json", "jobs.json")),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.base.errors import NotInstalled

    if importlib.util.find_spec("aiohttp") is None:
        raise NotInstalled("aiohttp", "studio")
    import asyncio

    with ExitStack() as stack:
        camera = _camera(given, stack)
        asyncio.run(_both(given, camera))
    return 0


async def _both(given: argparse.Namespace, camera: VirtualCamera | None) -> None:
    from facewire.studio.server import StudioServer
    from facewire.transport.web.serve import serve

    session = _session(given, camera)

    def started(port: int) -> None:
        options.note(f"open http://127.0.0.1:{port}/#key={session.key}")

    app = StudioServer(session, SITE, given.web).app
    await serve(app, "127.0.0.1", given.port, started, session.run())


def _session(given: argparse.Namespace, camera: VirtualCamera | None) -> Session:
    from facewire.studio.jobs.commands import Base
    from facewire.studio.library import Library
    from facewire.studio.preview.native import NativePreview
    from facewire.studio.preview.page_engine import checked_folder
    from facewire.studio.session import Session

    animator = options.animator_of(given)
    if given.web is not None:
        checked_folder(given.web, animator.manifest.sha256)
    choice = animator.use(given.engine)
    options.tell_engine(choice)
    more = [
        (name, getattr(given, name.strip("-")), usual)
        for name, usual in (("--weights", "compact-256"), ("--device", "cpu"), ("--threads", None))
    ]
    words = tuple(str(word) for name, value, usual in more if value != usual for word in (name, value))
    return Session(
        NativePreview(animator),
        Library(Path(given.folder).absolute()),
        Base(Path.cwd(), words, given.engine),
        choice.name,
        None if camera is None else camera.show,
        given.web is not None,
    )


def _camera(given: argparse.Namespace, stack: ExitStack) -> VirtualCamera | None:
    from facewire.studio.virtual_camera import VirtualCamera

    if not given.virtual_camera:
        return None
    camera = VirtualCamera()
    stack.callback(camera.close)
    options.note(f"the result is shown on {camera.name}")
    return camera
