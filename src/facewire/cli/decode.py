"""facewire decode: a talk becomes a video."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from facewire.cli import options, pipes, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.animation.animator import Animator, Person
    from facewire.talks.decoder import DecodeReport

EXAMPLES = """examples:
  facewire decode talk.fwv -o talk.mp4
  facewire decode talk.fwv -o turned.mp4 --yaw 20
  facewire decode talk.fwv -o sweep.mp4 --yaw -25:25
  facewire decode talk.fwv -o somebody.mp4 --source somebody.jpg --size 512
  cat talk.fwv | facewire decode - -o - | ffplay -

View and identity are chosen here and cost no bits. Standard output carries Matroska.

A talk that is cut off or damaged: everything before is written, and the exit code is 5; 0 with --tolerant, which also
goes on after damage where that is possible."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "decode",
        help="render a talk into a video",
        description="Render a .fwv file into a video, from any side, with its own person or another.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("talk", metavar="TALK.fwv", help="the file, or - for standard input")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help=".mp4, .mov, .mkv, .webm, .gif, or - for a pipe"
    )
    parser.add_argument("--source", metavar="IMAGE", help="show this person instead")
    parser.add_argument(
        "--absolute", action="store_true", help="with --source: take the talker's own pose, not the changes"
    )
    parser.add_argument(
        "--size",
        type=whole("size", 256, 1024),
        metavar="N",
        help="with --source: side of the pictures, 256 to 1024 (default: as the talk has it, from a pipe 256)",
    )
    options.add_view_options(parser)
    parser.add_argument(
        "--tolerant", action="store_true", help="pass over damage instead of stopping, and end with 0"
    )
    options.add_quality_option(parser)
    options.add_source_options(parser)
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser,
        places.Input("talk", places.talk, pipe=True),
        places.Input("source", places.photo),
        places.WEIGHTS,
        places.Output("output", places.video_name, pipe=True),
    )
    parser.set_defaults(run=run, ahead=options.open_ahead)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.base.errors import ConfigError, MotionFileError
    from facewire.talks.decoder import DecodeOptions, decode

    view = options.view_of(given)
    frames = None if given.talk == places.PIPE else _length(given)
    relative = not given.absolute
    if given.source is not None:
        relative = options.relative_of(None if relative else False, frames, given.talk)
    chosen = DecodeOptions(
        view=view,
        relative=relative,
        tolerant=given.tolerant,
        crf=options.quality_of(given),
        overwrite=given.overwrite is not False,
    )
    if given.size is not None and given.source is None:
        raise ConfigError(
            "size", given.size, "--source with it; a talk's own person has the size it was coded with"
        )
    animator = options.animator_of(given)
    options.use_engine(given, animator)
    other = None if given.source is None else _other(given, animator)
    bars = options.Bars(given.quiet)
    piped = given.output == places.PIPE
    with pipes.opened(given.talk) as stream:
        report = decode(
            animator,
            stream,
            given.output,
            chosen,
            name=given.talk,
            other=other,
            sink=sys.stdout.buffer if piped else None,
            frames=frames,
            progress=bars,
        )
    bars.close()
    if report.skipped:
        options.note(f"{given.talk}: {report.skipped} damaged sections or packets were passed over")
    if report.problem:
        options.note(f"{given.talk}: {report.problem}; the {report.frames} frames before are written")
    if not piped:
        options.show(report, given.json, lambda: _lines(report))
    return MotionFileError.exit_code if report.problem and not given.tolerant else 0


def _other(given: argparse.Namespace, animator: Animator) -> Person:
    """Return the person to show instead of the talk's, as large as is asked for or as the talk's pictures are."""
    side = given.size
    if side is None and given.talk != places.PIPE:
        side = _side(given, animator.size)
    return animator.person(given.source, crop_mode=given.crop, face=given.face, head=True, size=side)


def _side(given: argparse.Namespace, own: int) -> int | None:
    """Return how large a file's pictures are; None if it is no talk, or one that cannot be shown."""
    from facewire.base.errors import BitstreamError
    from facewire.networks.manifest import resolve
    from facewire.talks.carrier.opening import open_talk
    from facewire.talks.coding_tables import shelf_beside
    from facewire.talks.picture_size import can_be_shown

    shelf = shelf_beside(resolve(given.weights))
    with pipes.opened(given.talk) as stream:
        try:
            side = open_talk(stream, shelf.find, name=given.talk).header.width
        except BitstreamError:
            return None
    return side if can_be_shown(side, own) else None


def _length(given: argparse.Namespace) -> int | None:
    """Return how many frames a file says it has, or, if it is cut off, how many there are; None if it is no talk."""
    from facewire.base.errors import BitstreamError
    from facewire.bitstream.container import stated_frames
    from facewire.codec.inspection import inspect_talk
    from facewire.networks.manifest import resolve
    from facewire.talks.carrier.opening import open_talk
    from facewire.talks.coding_tables import shelf_beside

    shelf = shelf_beside(resolve(given.weights))
    with pipes.opened(given.talk) as stream:
        try:
            stated = stated_frames(stream)
            if stated is None:
                return inspect_talk(open_talk(stream, shelf.find, name=given.talk)).frames
            return stated
        except BitstreamError:
            return None


def _lines(report: DecodeReport) -> list[str]:
    """Return the report for people."""
    return [f"{report.output}: {report.frames} frames, {report.frames_per_second:.1f} frames per second"]
