"""facewire info: what is in a talk, and what pictures and videos say of how they were made."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import pipes, places

if TYPE_CHECKING:
    from facewire.codec.inspection import TalkInfo

EXAMPLES = """examples:
  facewire info talk.fwv
  facewire info talk.fwv --json --packets
  facewire info talk.mp4                      a talk in an ordinary video stream (encode --carrier)
  cat talk.fwv | facewire info -
  facewire info talking.mp4                   was it made by a model, who signed it"""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "info",
        help="say what is in a talk, or how a picture or video was made",
        description="Say what is in a .fwv file: header, bytes by kind, bytes and keypoints a frame. Of pictures and "
        "videos, say whether they are marked as synthetic and who signed that.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("talk", metavar="FILE", help="the file, or - for standard input")
    parser.add_argument(
        "--weights", metavar="NAME|FILE", help="the talk's weights, if its coding tables lie beside them"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--packets", action="store_true", help="list every frame too")
    places.declare(parser, places.Input("talk", pipe=True))
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.base.errors import BitstreamError, MotionFileError
    from facewire.codec.inspection import inspect_talk
    from facewire.networks.manifest import resolve
    from facewire.talks.carrier.opening import open_talk
    from facewire.talks.coding_tables import shelf_beside

    if given.talk != places.PIPE and not _is_talk(given.talk):
        return _say_how_made(given)
    shelf = shelf_beside(None if given.weights is None else resolve(given.weights))
    with pipes.opened(given.talk) as stream:
        try:
            info = inspect_talk(open_talk(stream, shelf.find, name=given.talk))
        except BitstreamError as problem:
            raise MotionFileError(given.talk, str(problem)) from problem
    if given.json:
        document = asdict(info)
        if not given.packets:
            del document["packets"]
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(_lines(info, given.packets)))
    return 0


def _is_talk(path: str) -> bool:
    """Return whether a file is for the talk reader: so are files that are not there, and it says so."""
    from facewire.bitstream.header import MAGIC
    from facewire.talks.carrier.opening import carries_talk

    try:
        with Path(path).open("rb") as stream:
            if stream.read(len(MAGIC)) == MAGIC or Path(path).suffix.lower() == ".fwv":
                return True
    except OSError:
        return True
    return carries_talk(path)


def _say_how_made(given: argparse.Namespace) -> int:
    """Print what a picture or video says of how it was made."""
    from facewire.media.image import is_picture
    from facewire.media.marks.content_credentials import signed_by
    from facewire.media.marks.synthetic_mark import read_mark
    from facewire.media.video import VideoReader

    if not is_picture(given.talk):
        VideoReader(given.talk).close()  # says what is wrong with it
    mark, signature = read_mark(given.talk), signed_by(given.talk)
    if given.json:
        print(json.dumps({"mark": None if mark is None else asdict(mark), "signature": signature}, indent=2))
    elif mark is None:
        print(f"made by     nothing in the file says\nsignature   {signature or 'none'}")
    else:
        kind = mark.source_type.rsplit("/", 1)[-1]
        print(f"made by     {mark.tool or 'a tool that is not named'}, marked as {kind} ({mark.source_type})")
        print(f"signature   {signature or 'none'}")
    return 0


def _lines(info: TalkInfo, packets: bool) -> list[str]:
    """Return the talk for people."""
    per_frame, keypoints = info.bytes_per_frame, info.keypoints
    cut = "" if info.complete else ", CUT OFF OR DAMAGED"
    lines = [
        f"talk        format {info.version}, profile {info.profile}, marked as synthetic{cut}",
        f"weights     {_weights(info.model_fingerprint)}",
        f"tables      {_tables(info)}",
        f"picture     {info.width}x{info.height}, {info.fps:g} frames a second, {info.frames} frames, "
        f"{info.seconds:.2f} s",
        f"file        {info.file_bytes} bytes",
        f"motion      frames alone {per_frame.min:.1f} to {per_frame.max:.1f} bytes, median {per_frame.median:.1f}",
        f"keypoints   {keypoints.mean:.2f} a frame ({keypoints.min:g} to {keypoints.max:g}, median "
        f"{keypoints.median:g})",
    ]
    if info.carrier:
        lines.insert(1, f"carried in  {info.carrier}")
    if info.problem:
        lines.insert(4, f"ends early  {info.problem}")
    if info.audio_packets:
        lines.append(f"audio       {info.audio_packets} Opus packets")
    lines += ["", *info.costs.lines()]
    lines += ["", f"{'section':<12}{'count':>7}{'bytes':>10}"]
    lines += [f"{row.kind:<12}{row.count:>7}{row.bytes:>10}" for row in info.sections]
    lines += ["", f"{'picture':<12}{'frame':>7}{'bytes':>10}  type"]
    lines += [f"{row.kind:<12}{row.frame:>7}{row.bytes:>10}  {row.mime}" for row in info.pictures]
    if packets:
        lines += ["", f"{'frame':>7}{'source':>8}{'bytes':>9}{'keypoints':>11}"]
        lines += [f"{row.frame:>7}{row.epoch:>8}{row.bytes:>9.2f}{row.keypoints:>11}" for row in info.packets]
    return lines


def _weights(fingerprint: str) -> str:
    """Return the beginning of the weights' SHA-256, and by what name they are here."""
    from facewire.networks.manifest import known_as

    name = known_as(bytes.fromhex(fingerprint))
    return f"{fingerprint}, {'not here' if name is None else name}"


def _tables(info: TalkInfo) -> str:
    """Return which coding tables were used."""
    from facewire.talks.coding_tables import is_generic

    if not info.tables_name:
        return "none, numbers as they are"
    said = f"{info.tables_name}, number {info.tables} ({info.tables_hash})"
    if not is_generic(info.tables_name):
        return said
    return f"{said}; generic, made for no face: facewire fit-tables makes ones that take fewer bytes"
