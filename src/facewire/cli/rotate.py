"""facewire rotate: turn the head of a photo."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, picture_options, places
from facewire.cli.arguments import number

if TYPE_CHECKING:
    from facewire.animation.keyframes import Keys

EXAMPLES = """examples:
  facewire rotate photo.jpg -o right.png --yaw 20
  facewire rotate photo.jpg -o sweep.mp4 --yaw 0:30:-30:0
  facewire rotate photo.jpg -o sheet.png                        a sheet of views of the head
  facewire rotate photo.jpg -o smiling.png --edit smile=0.5,gaze=0.3
  facewire rotate photo.jpg -o wink.mp4 --key 0 blink=0 --key 1 blink=1:0,smile=0.5 --key 2 blink=0
  facewire rotate photo.jpg -o head.png --yaw 20 --head --size 512"""

RATE, USUAL_SECONDS = 25, 4.0
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
    options.add_source_options(parser, everyone=True)
    picture_options.add_picture_options(parser)
    picture_options.add_edit_option(parser)
    picture_options.add_key_option(parser)
    options.add_view_options(parser)
    options.add_quality_option(parser)
    options.add_colour_option(parser)
    parser.add_argument(
        "--seconds",
        type=number("seconds", 0.1, 600),
        metavar="SECONDS",
        help="length of a sweep (default: 4), or with --key of the clip (default: up to the last one)",
    )
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser, places.Input("image", places.photo), places.WEIGHTS, places.Output("output", _name)
    )
    parser.set_defaults(run=run, ahead=options.open_ahead)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.animation.animate import AnimateOptions, animate, moved_as, rendered, still
    from facewire.media.image import save_image

    view = options.view_of(given)
    animator = options.animator_of(given)
    options.use_engine(given, animator)
    edit, caption = picture_options.edit_of(given), picture_options.caption_of(given)
    keys = picture_options.keys_of(given)
    as_sheet = view.is_still and given.edit is None and not keys
    given.head = given.head or as_sheet
    people = picture_options.people_of(given, animator, given.image)
    chosen = AnimateOptions(
        relative=False,
        view=view,
        edit=edit,
        keys=keys,
        caption=caption,
        crf=options.quality_of(given),
        full_colour=given.full_colour,
        marked=not given.unmarked,
        overwrite=given.overwrite,
    )
    frames = 1
    if view.is_sweep or keys:
        frames = round(RATE * _length(given, keys))
        bars = options.Bars(given.quiet)
        animate(animator, people, still(people[0], frames), given.output, chosen, progress=bars)
        bars.close()
    else:
        if as_sheet:
            picture = sheet(animator, people[0])
        else:
            moved = [moved_as(animator, one, still(one, 1), chosen)[0] for one in people]
            (picture,) = rendered(animator, people, moved, None)
        save_image(given.output, chosen.finished(picture), overwrite=given.overwrite, synthetic=chosen.marked)
    report = RotateReport(str(Path(given.output)), frames)
    options.show(report, given.json, lambda: [f"{report.output}: {report.frames} frame(s)"])
    return 0


def _length(given: argparse.Namespace, keys: Keys) -> float:
    """Return how long a clip is, in seconds."""
    if given.seconds is not None:
        return float(given.seconds)
    return max(1 / RATE, *(key.seconds for key in keys)) if keys else USUAL_SECONDS


def _name(path: str, given: argparse.Namespace) -> None:
    """Take the name of a video for a sweep or keyframes, else that of a picture."""
    moves = given.keys or options.view_of(given).is_sweep
    kind = places.video_name if moves else places.picture_name
    kind(path, given)


def sheet(animator: Any, person: Any) -> Any:
    """Return a picture of the head from all sides, rows by pitch, columns by yaw."""
    from facewire.geometry.head_motion import HeadMotion
    from facewire.geometry.pose import turn_of_degrees
    from facewire.media.contact_sheet import contact_sheet

    own: HeadMotion = person.identity.motion
    rows = []
    for pitch in SHEET_PITCH:
        turned = HeadMotion.cat([own.turned_at_neck(turn_of_degrees(yaw, pitch, 0.0)) for yaw in SHEET_YAW])
        rows.append(list(animator.render(person, turned)))
    return contact_sheet(
        rows,
        row_labels=[f"pitch {pitch:+.0f}" for pitch in SHEET_PITCH],
        column_labels=[f"yaw {yaw:+.0f}" for yaw in SHEET_YAW],
    )
