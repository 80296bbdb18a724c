"""facewire info: what is in a talk."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from facewire.cli import pipes, places

if TYPE_CHECKING:
    from facewire.codec.inspection import TalkInfo

EXAMPLES = """examples:
  facewire info talk.fwv
  facewire info talk.fwv --json --packets
  cat talk.fwv | facewire info -"""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "info",
        help="say what is in a talk",
        description="Say what is in a .fwv file: header, bytes by kind, bytes and keypoints a frame.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("talk", metavar="TALK.fwv", help="the file, or - for standard input")
    parser.add_argument(
        "--weights", metavar="NAME|FILE", help="the talk's weights, if its coding tables lie beside them"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--packets", action="store_true", help="list every frame too")
    places.declare(parser, places.Input("talk", places.talk, pipe=True))
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.base.errors import BitstreamError, MotionFileError
    from facewire.codec.inspection import inspect
    from facewire.networks.weights import resolve
    from facewire.talks.coding_tables import shelf_beside

    shelf = shelf_beside(None if given.weights is None else resolve(given.weights))
    with pipes.opened(given.talk) as stream:
        try:
            info = inspect(stream, shelf.find)
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


def _lines(info: TalkInfo, packets: bool) -> list[str]:
    """Return the talk for people."""
    per_frame, keypoints = info.bytes_per_frame, info.keypoints
    cut = "" if info.complete else ", CUT OFF OR DAMAGED"
    lines = [
        f"talk        format {info.version}, profile {info.profile}, tables {info.tables} ({info.tables_hash}), "
        f"model {info.model_fingerprint}, marked as synthetic{cut}",
        f"picture     {info.width}x{info.height}, {info.fps:g} frames a second, {info.frames} frames, "
        f"{info.seconds:.2f} s",
        f"file        {info.file_bytes} bytes: source {info.source_bytes}, refresh {info.refresh_bytes}, "
        f"motion {info.motion_bytes}, audio {info.audio_bytes}",
        f"motion      {per_frame.mean:.2f} bytes a frame (frames alone {per_frame.min:.1f} to {per_frame.max:.1f}, "
        f"median {per_frame.median:.1f}), {info.kbit_per_s:.2f} kbit/s",
        f"keypoints   {keypoints.mean:.2f} a frame ({keypoints.min:g} to {keypoints.max:g}, median "
        f"{keypoints.median:g})",
    ]
    if info.problem:
        lines.insert(2, f"ends early  {info.problem}")
    if info.audio_packets:
        lines.append(f"audio       {info.audio_packets} Opus packets, {info.audio_kbit_per_s:.1f} kbit/s")
    lines += ["", f"{'section':<12}{'count':>7}{'bytes':>10}"]
    lines += [f"{row.kind:<12}{row.count:>7}{row.bytes:>10}" for row in info.sections]
    lines += ["", f"{'picture':<12}{'frame':>7}{'bytes':>10}  type"]
    lines += [f"{row.kind:<12}{row.frame:>7}{row.bytes:>10}  {row.mime}" for row in info.pictures]
    if packets:
        lines += ["", f"{'frame':>7}{'source':>8}{'bytes':>9}{'keypoints':>11}"]
        lines += [f"{row.frame:>7}{row.epoch:>8}{row.bytes:>9.2f}{row.keypoints:>11}" for row in info.packets]
    return lines
