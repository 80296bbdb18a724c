"""facewire demo: the main job, without a driving video at hand."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.animation.animator import Animator, Person
    from facewire.animation.driving import RecordedMotion
    from facewire.media.frame import Pixels

EXAMPLES = """examples:
  facewire demo                               an astronaut (NASA, public domain), to out/
  facewire demo photo.jpg -o mine/            your own photo
  facewire demo photo.jpg --frames 25         only the first second

It writes demo.mp4 (a recorded motion), freeview.mp4 (the head seen from all sides while it talks) and demo.png (a
sheet of both)."""

WRITES = ("demo.mp4", "freeview.mp4", "demo.png")
COLUMNS = 3
SHEET_YAW = (-20.0, 10.0, 20.0)
CELL = 320


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What was done.

    frames_per_second  of whole pictures, motion and free view
    bytes_a_frame      of the recorded motion, everything counted
    """

    files: tuple[str, ...]
    frames: int
    frames_per_second: tuple[float, float]
    bytes_a_frame: float
    kbit_per_second: float
    seconds: float


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="animate and turn a photo by a motion that is part of the package",
        description="Animate a photo by a recorded motion that is part of the package, and turn it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photo", nargs="?", metavar="PHOTO", help="default: scikit-image's astronaut")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("out"),
        metavar="DIR",
        help="folder to write to (default: out)",
    )
    parser.add_argument(
        "--frames", type=whole("frames", 1), metavar="N", help="of the motion, at most (default: all)"
    )
    options.add_source_options(parser)
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser,
        places.Input("photo", places.photo),
        places.WEIGHTS,
        places.Output("output", folder=True, writes=WRITES),
    )
    parser.set_defaults(run=run, ahead=options.open_ahead)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.animation.animate import AnimateOptions, animate
    from facewire.animation.view import ViewPath
    from facewire.media.image import save_image
    from facewire.talks.motion_file import DEMO_MOTION, read_motion

    begin = time.perf_counter()
    photo = given.photo or _astronaut()
    animator = options.animator_of(given)
    options.use_engine(given, animator)
    person = animator.person(photo, crop_mode=given.crop, face=given.face)
    recorded = read_motion(DEMO_MOTION, animator)
    bytes_a_frame = DEMO_MOTION.stat().st_size / len(recorded)
    shown = _first(recorded, given.frames)
    folder: Path = given.output
    folder.mkdir(parents=True, exist_ok=True)
    talking, freeview, picture = (folder / name for name in WRITES)
    speeds = []
    sweep = ViewPath(yaw=(0, 30, -30, 0), pitch=(0, 10, 0, -10, 0))
    for path, view in ((talking, ViewPath()), (freeview, sweep)):
        bars = options.Bars(given.quiet)
        report = animate(animator, person, shown, path, AnimateOptions(view=view), progress=bars)
        bars.close()
        speeds.append(round(report.frames_per_second, 1))
    save_image(picture, sheet(animator, person, shown), synthetic=True)
    done = DemoReport(
        files=tuple(str(path) for path in (talking, freeview, picture)),
        frames=len(shown),
        frames_per_second=(speeds[0], speeds[1]),
        bytes_a_frame=round(bytes_a_frame, 1),
        kbit_per_second=round(float(8 * bytes_a_frame * recorded.rate) / 1000, 2),
        seconds=round(time.perf_counter() - begin, 1),
    )
    options.show(done, given.json, lambda: _lines(done))
    return 0


def _astronaut() -> Any:
    from facewire.base.errors import NotInstalled

    try:
        from skimage.data import astronaut
    except ImportError as problem:
        raise NotInstalled("scikit-image", "demo") from problem
    return astronaut()


def _first(recorded: RecordedMotion, frames: int | None) -> RecordedMotion:
    count = min(len(recorded), frames or len(recorded))
    return replace(
        recorded,
        motions=recorded.motions[:count],
        times=recorded.times[:count],
        stretches=recorded.stretches[:count],
    )


def _lines(report: DemoReport) -> list[str]:
    return [
        *report.files,
        f"{report.frames} whole pictures, {report.frames_per_second[0]} a second, "
        f"{report.frames_per_second[1]} with the head turned; {report.seconds} s in all",
        f"the motion takes {report.bytes_a_frame} bytes a frame, {report.kbit_per_second} kbit/s",
    ]


def sheet(animator: Animator, person: Person, recorded: RecordedMotion) -> Pixels:
    """Return the source, frames of the recorded motion and the head turned, as one picture."""
    import numpy as np

    from facewire.animation.animate import AnimateOptions, moved_as, viewed
    from facewire.animation.view import ViewPath
    from facewire.geometry.head_motion import HeadMotion
    from facewire.media.contact_sheet import contact_sheet

    own = person.identity.motion
    motions, _ = moved_as(animator, person, recorded, AnimateOptions())
    picked = np.linspace(0, len(motions) - 1, COLUMNS).round().astype(int)
    talking = animator.render(person, HeadMotion.cat([motions[index : index + 1] for index in picked]))
    turned = HeadMotion.cat([viewed(own, ViewPath(yaw=(yaw,))) for yaw in SHEET_YAW])
    return contact_sheet(
        [[person.shown, *talking], [person.shown, *animator.render(person, turned)]],
        row_labels=["motion", "free view"],
        column_labels=[
            "source",
            *(f"frame {index} / yaw {yaw:+.0f}" for index, yaw in zip(picked, SHEET_YAW, strict=True)),
        ],
        cell_size=(CELL, CELL),
    )
