"""facewire record: the head motion of a video, a few bytes a frame."""

from __future__ import annotations

import argparse
from typing import Any

from facewire.cli import options, places

EXAMPLES = """examples:
  facewire record driving.mp4 -o motion.fwv
  facewire animate photo.jpg motion.fwv -o talking.mp4"""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "record",
        help="record the head motion of a video",
        description="Read the head motion of a video into a small file that animates any photo later.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("driving", metavar="DRIVING", help="video")
    parser.add_argument("-o", "--output", required=True, metavar="OUT.fwv", help="motion file")
    options.add_crop_option(parser)
    options.add_driving_face(parser, "--face")
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser,
        places.Input("driving", places.video),
        places.WEIGHTS,
        places.Output("output", places.ends_in(".fwv")),
    )
    parser.set_defaults(run=run, ahead=options.open_ahead)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.animation.driving import record
    from facewire.talks.motion_file import write_motion

    animator = options.animator_of(given)
    options.use_engine(given, animator)
    bars = options.Bars(given.quiet)
    recorded = record(animator, given.driving, crop_mode=given.crop, face=given.driving_face, progress=bars)
    bars.close()
    options.note_driving(given.driving, recorded, given.driving_face)
    report = write_motion(given.output, recorded, animator, overwrite=given.overwrite)
    options.show(
        report,
        given.json,
        lambda: [
            f"{report.output}: {report.frames} frames, {report.bytes_per_frame:.1f} bytes a frame, "
            f"{report.kbit_per_s:.2f} kbit/s"
        ],
    )
    return 0
