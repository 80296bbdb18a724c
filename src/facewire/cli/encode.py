"""facewire encode: a video becomes a talk of a few bytes a frame."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, pipes, places
from facewire.cli.arguments import number, whole

if TYPE_CHECKING:
    from facewire.talks.carrier.writer import Carrier
    from facewire.talks.encoder import EncodeReport

EXAMPLES = """examples:
  facewire encode me.mp4 -o me.fwv
  facewire encode me.mp4 -o me.fwv --source portrait.jpg
  facewire encode me.mp4 -o me.fwv --size 512
  facewire encode me.mp4 -o me.fwv --profile stream --keypoints 20
  facewire encode me.mp4 -o me-carried.mp4 --carrier h264
  cat me.mkv | facewire encode - -o - | facewire decode - -o - | ffplay -

A pipe must carry a format that can be read without going back: Matroska, WebM, MPEG-TS, fragmented MP4."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "encode",
        help="code a video as source image, motion and sound",
        description="Code a talking head: one picture, then a few bytes of motion a frame, and the sound.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("video", metavar="VIDEO", help="the video, or - for standard input")
    parser.add_argument("-o", "--output", required=True, metavar="TALK.fwv", help="or - for standard output")
    parser.add_argument(
        "--source",
        metavar="IMAGE",
        help="source image (default: the first frame with a face, and one more for each shot)",
    )
    parser.add_argument(
        "--absolute",
        action="store_true",
        help="with --source: send the video's own pose, not its changes since the frame most like the source",
    )
    parser.add_argument(
        "--size",
        type=whole("size", 256, 1024),
        metavar="N",
        help="side of the pictures that are shown, 256 to 1024; source images take more bytes, motion does not "
        "(default: 256)",
    )
    parser.add_argument(
        "--profile",
        choices=("file", "stream", "raw"),
        default="file",
        help="file: smallest; stream: every packet stands for itself; raw: the paper's half floats "
        "(default: file)",
    )
    parser.add_argument(
        "--keypoints",
        type=_count,
        default="all",
        metavar="N|all|adaptive",
        help="keypoints sent a frame: a number, all, or as many as the frame needs (default: all)",
    )
    parser.add_argument(
        "--limit",
        type=number("limit", 0, 256, open_below=True),
        metavar="PIXELS",
        help="adaptive: how far a keypoint may be off for not being sent, of 256 pixels (default: 1)",
    )
    parser.add_argument(
        "--rate",
        choices=("fine", "standard", "coarse"),
        help="how finely motion is quantised (default: coarse, or standard where own tables have no coarse)",
    )
    parser.add_argument(
        "--refresh",
        choices=("source", "patch", "off"),
        default="source",
        help="what is sent when the synthesis fails: a new source image, a region, nothing (default: source)",
    )
    parser.add_argument(
        "--still",
        choices=("av1", "avif", "webp", "jpeg"),
        default="av1",
        help="codec of pictures; av1 is avif without its container (default: av1)",
    )
    parser.add_argument(
        "--still-quality",
        type=whole("still quality", 1, 100),
        default=60,
        metavar="Q",
        help="quality of the first, 1 to 100 (default: 60)",
    )
    parser.add_argument(
        "--looks",
        type=whole("looks", 1),
        metavar="N",
        help="how often each frame is looked at: 1 reads its motion, each further time corrects it by what the "
        "receiver would show, for nearer pictures at twice the time (default: 2; 1 where the output is a pipe)",
    )
    parser.add_argument(
        "--refresh-quality",
        type=whole("refresh quality", 1, 100),
        default=40,
        metavar="Q",
        help="quality of later pictures, 1 to 100 (default: 40)",
    )
    parser.add_argument(
        "--budget",
        type=number("budget", 0, unit=" kbit/s"),
        metavar="KBIT",
        help="what later source images may take, kbit/s on average (default: as much as they are worth)",
    )
    parser.add_argument(
        "--carrier",
        choices=("h264", "h265", "h266"),
        help="write an ordinary video stream of the source pictures instead (.mp4, .mkv, .h264, .h265), with the "
        "motion in it as messages; players show the pictures standing still, decode and info take it as a talk "
        "(h266: no encoder for it here)",
    )
    parser.add_argument(
        "--messages",
        choices=("gfv", "user-data"),
        default="gfv",
        help="with --carrier: generative face video messages (SEI 223), or unregistered user data (default: gfv)",
    )
    parser.add_argument(
        "--confirm-after",
        type=whole("confirm after", 0),
        default=5,
        metavar="N",
        help="stream: frames until a packet counts as received, 0 for never (default: 5)",
    )
    parser.add_argument("--no-audio", action="store_true", help="leave the sound out")
    parser.add_argument(
        "--audio-rate",
        type=whole("audio rate", 6, 256),
        default=24,
        metavar="KBIT",
        help="of the sound, kbit/s (default: 24)",
    )
    parser.add_argument(
        "--start",
        type=number("start", 0, unit=" seconds"),
        default=0.0,
        metavar="SECONDS",
        help="leave the video's beginning out (default: 0)",
    )
    options.add_source_options(parser)
    options.add_driving_face(parser)
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser,
        places.Input("video", places.video, pipe=True),
        places.Input("source", places.photo),
        places.WEIGHTS,
        places.Output("output", _name, pipe=True),
    )
    parser.set_defaults(run=run, ahead=options.open_ahead)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.codec.sufficiency import LIMIT
    from facewire.media.still import check_still
    from facewire.talks.encoder import EncodeOptions, encode
    from facewire.talks.squares import TalkSquares

    chosen = EncodeOptions(
        profile=given.profile,
        rate=given.rate,
        size=given.size,
        keypoints=given.keypoints,
        limit=LIMIT if given.limit is None else given.limit,
        still=given.still,
        still_quality=given.still_quality,
        relative=not given.absolute,
        confirm_after=given.confirm_after or None,
        refresh=given.refresh,
        refresh_quality=given.refresh_quality,
        budget=given.budget,
        looks=given.looks,
        carrier=_carrier(given),
    )
    check_still(given.still, given.still_quality)
    animator = options.animator_of(given)
    options.use_engine(given, animator)
    options.check_keypoints(given.keypoints, animator)
    own = None
    if given.source is not None:
        own = animator.person(given.source, crop_mode=given.crop, face=given.face, head=True, size=given.size)
    bars = options.Bars(given.quiet)
    squares = TalkSquares(
        animator,
        given.video,
        pipe=sys.stdin.buffer if given.video == places.PIPE else None,
        crop_mode=given.crop,
        face=_person(given),
        start=given.start,
        sound=not given.no_audio and (chosen.carrier is None or chosen.carrier.has_sound),
        kbit_per_s=given.audio_rate,
        progress=bars,
    )
    if own is not None:
        relative = options.relative_of(None if chosen.relative else False, squares.expected, given.video)
        chosen = replace(chosen, relative=relative)
    with squares, pipes.sink(given.output, overwrite=given.overwrite) as sink:
        report = encode(
            animator,
            squares,
            sink,
            chosen,
            output=given.output,
            photo=None if own is None else own.shown,
            live=given.output == places.PIPE,
            progress=bars,
        )
    bars.close()
    if report.missing:
        options.note(
            f"{given.video}: no face in {report.missing} of {report.frames} frames; they hold the last motion"
        )
    if given.output != places.PIPE:
        options.show(report, given.json, lambda: _lines(report))
    elif not given.quiet:
        for line in _lines(report):
            options.note(line)
    return 0


def _carrier(given: argparse.Namespace) -> Carrier | None:
    """Return how an ordinary video stream is to carry the talk; None: it is a file of its own."""
    from facewire.talks.carrier.writer import Carrier

    if given.carrier is None:
        return None
    suffix = ".mkv" if given.output == places.PIPE else Path(given.output).suffix.lower()
    return Carrier(codec=given.carrier, messages=given.messages, suffix=suffix)


def _name(path: str, given: argparse.Namespace) -> None:
    """Take what a talk may be called: .fwv, or as a video where one carries it."""
    from facewire.talks.carrier.writer import suffixes_of

    suffixes = [".fwv"] if given.carrier is None else suffixes_of(given.carrier)
    places.ends_in(*suffixes)(path, given)


def _person(given: argparse.Namespace) -> int:
    """Return which person of the video is meant: without a photo --face says it, too."""
    face: int = given.driving_face
    return face or (given.face if given.source is None else 0)


def _count(text: str) -> int | str:
    """Return a number of keypoints, or the word all or adaptive."""
    return text if text in ("all", "adaptive") else whole("keypoints", 1)(text)


def _lines(report: EncodeReport) -> list[str]:
    """Return the report for people."""
    return [
        f"{report.output}: {report.file_bytes} bytes, {report.frames} frames, {report.keypoints:.1f} keypoints a "
        f"frame, {report.refreshes} later pictures sent, {report.recalls} named again",
        *report.costs.lines(),
    ]
