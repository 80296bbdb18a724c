"""The `facewire` command: one parser, one border where errors become a line and an exit code.

Only this folder prints. Commands live in their own files and import their rooms when they run, so that
`facewire --help` is instant.
"""

from __future__ import annotations

import argparse
import atexit
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from facewire import __version__
from facewire.base.endings import Ended, signals_end
from facewire.base.errors import FacewireError
from facewire.cli import options, places
from facewire.cli.arguments import Parser
from facewire.cli.warnings_shown import warnings_shown

COMMANDS = (
    "animate",
    "rotate",
    "studio",
    "record",
    "encode",
    "decode",
    "info",
    "compare",
    "call",
    "signal",
    "loopback",
    "web",
    "prepare",
    "train",
    "curves",
    "evaluate",
    "export",
    "import_weights",
    "fit_tables",
    "bench",
    "bench_batches",
    "bench_train",
    "demo",
    "doctor",
)
"""The files they live in, in the order in which they are listed."""
TWO_WORDS = ("bench batches", "bench train")
"""Commands whose names are two words on the command line."""
INTERRUPTED = 130

EPILOG = """examples:
  facewire demo
  facewire animate photo.jpg driving.mp4 -o talking.mp4
  facewire animate photo.jpg driving.mp4 -o turned.mp4 --yaw -25:25
  facewire animate photos/ drivers/ -o out/
  facewire rotate photo.jpg -o turned.png --yaw 20
  facewire studio mine/
  facewire record driving.mp4 -o motion.fwv
  facewire encode talk.mp4 -o talk.fwv
  facewire decode talk.fwv -o talk.mp4
  facewire call --join LINK
  facewire loopback talk.mp4 --loss 0.1
  facewire web -o site/
  facewire prepare raw/ -o shards/
  facewire train compact-256 --data shards/ -o run/
  facewire curves run/
  facewire evaluate reconstruction --data clips/ -o report/

A file that is already there: on a terminal you are asked, elsewhere it is replaced, in one step and only when the new
one is whole; --overwrite and --no-overwrite decide. An output that is also an input is always refused.

exit codes: 0 done, 2 wrong setting, 3 picture or video, 4 weights, 5 motion file, 6 call, 7 training,
8 some clips or jobs failed, 130 stopped, 129 and 143 ended by SIGHUP and SIGTERM

Of a video or .fwv that is cut off, everything before the cut is used or written, with a line that says so; the exit
code is 0 for a video, 5 for a .fwv, and 0 for it with --tolerant."""


def parser(*only: str) -> argparse.ArgumentParser:
    """Return the command line, of all COMMANDS or of some alone: the fewer there are, the sooner it is there."""
    top = Parser(
        prog="facewire",
        description="One photo and a thin stream of numbers become a talking head.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"facewire {__version__}")
    top.add_argument("--debug", action="store_true", help="show where an error came from")
    top.set_defaults(ahead=lambda given: None)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in only or COMMANDS:
        import_module(f"facewire.cli.{name}").add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    show_every_name()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if " ".join(words[:2]) in TWO_WORDS:
        words[:2] = [" ".join(words[:2])]
    try:
        with signals_end(), warnings_shown():
            given = parser(*_named(words)).parse_args(words)
            options.use_threads(given)
            places.check_inputs(given)
            given.ahead(given)
            places.check_outputs(given)
            code: int = given.run(given)
        return code
    except FacewireError as error:
        if "--debug" in words:
            raise
        print(f"facewire: {error}", file=sys.stderr)
        return error.exit_code
    except Ended as signal:
        print(f"facewire: ended by {signal}; nothing half-written is left", file=sys.stderr)
        return signal.exit_code
    except KeyboardInterrupt:
        print("facewire: stopped; nothing half-written is left", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return 0


def _named(words: Sequence[str]) -> list[str]:
    """Return the command that comes first, if one does."""
    name = words[0].translate(str.maketrans("- ", "__")) if words else ""
    return [name] if name in COMMANDS else []


def show_every_name() -> None:
    """Let names of files that the terminal's or pipe's encoding lacks be written with escapes, such as \\xe9."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def command() -> NoReturn:
    """Run the command of this process and end it, with all that is to be done at its end but one.

    Libraries take their machinery apart piece by piece, a tenth of a second; the system takes it all at once.
    """
    done: list[int] = []

    def leave() -> None:
        if done:
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(done[0])

    atexit.register(leave)  # the first to be registered is the last to run
    done.append(main())
    sys.exit(done[0])


if __name__ == "__main__":
    command()
