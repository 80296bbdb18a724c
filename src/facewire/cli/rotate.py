"""facewire rotate: turn the head of a photo."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.cli import options, places
from facewire.cli.arguments import number

EXAMPLES = """examples:
  facewire rotate photo.jpg -o right.png --yaw 20
  facewire rotate photo.jpg -o sweep.mp4 --yaw 0:30:-30:0
  facewire rotate photo.jpg -o sheet.png                        a sheet of views"""

SHEET_YAW = (-30.0, -15.0, 0.0, 15.0, 30.0)
SHEET_PITCH = (15.0, 0.0, -15.0)


@dataclass(frozen=True, slots=True)
class RotateReport:
    """What was done."""

    output: str
    frames: int


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "rotate",
        help="turn the head of a photo",
        description="Turn the head of a photo: one picture, a sweep as a video, or a sheet of views.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", metavar="IMAGE", help="photo")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="picture, or video for a sweep")
    options.add_source_options(parser)
    options.add_view_options(parser)
    parser.add_argument(
        "--seconds", type=number("seconds", 0.1, 600), default=4.0, help="length of a sweep (default: 4)"
    )
    options.add_model_options(parser)
    places.declare(
        parser, places.Input("image", places.photo), places.WEIGHTS, places.Output("output", _name)
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.animation.animate import AnimateOptions, animate, still, viewed
    from facewire.media.image import save_image

    view = options.view_of(given)
    animator = options.animator_of(given)
    person = animator.person(given.image, crop_mode=given.crop, face=given.face)
    frames = 1
    if view.is_sweep:
        frames = round(25 * given.seconds)
        bars = options.Bars(given.quiet)
        chosen = AnimateOptions(relative=False, view=view, overwrite=given.overwrite)
        animate(animator, person, still(person, frames), given.output, chosen, progress=bars)
        bars.close()
    elif view.is_still:
        save_image(given.output, sheet(animator, person), overwrite=given.overwrite)
    else:
        motion = viewed(person.identity.motion, view)
        picture = animator.render_batch(person, motion)[0]
        save_image(given.output, picture, overwrite=given.overwrite)
    report = RotateReport(str(Path(given.output)), frames)
    options.show(report, given.json, lambda: [f"{report.output}: {report.frames} frame(s)"])
    return 0


def _name(path: str, given: argparse.Namespace) -> None:
    """Take the name of a video for a sweep, else that of a picture."""
    kind = places.video_name if options.view_of(given).is_sweep else places.picture_name
    kind(path, given)


def sheet(animator: Any, person: Any) -> Any:
    """Return a picture of the head from all sides, rows by pitch, columns by yaw."""
    from facewire.geometry.head_motion import HeadMotion
    from facewire.geometry.pose import rotation_from_degrees
    from facewire.media.contact_sheet import contact_sheet

    own: HeadMotion = person.identity.motion
    rows = []
    for pitch in SHEET_PITCH:
        turned = HeadMotion.cat(
            [own.turned_at_neck(rotation_from_degrees(yaw, pitch, 0.0)) for yaw in SHEET_YAW]
        )
        rows.append(animator.render_batch(person, turned))
    return contact_sheet(
        rows,
        row_labels=[f"pitch {pitch:+.0f}" for pitch in SHEET_PITCH],
        column_labels=[f"yaw {yaw:+.0f}" for yaw in SHEET_YAW],
    )
