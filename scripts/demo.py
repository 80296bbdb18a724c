"""The main job on real input: NASA's photograph of Eileen Collins, animated and turned.

Writes demo.mp4 (a recorded motion), freeview.mp4 (the head seen from all sides while it talks), demo.png (a
contact sheet) and prints what was done.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from skimage.data import astronaut

from facewire.animation.animate import AnimateOptions, AnimateReport, animate, transferred, viewed
from facewire.animation.animator import Animator, Person
from facewire.animation.driving import RecordedMotion
from facewire.animation.view import ViewPath
from facewire.geometry.head_motion import HeadMotion
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels
from facewire.media.image import save_image
from facewire.talks.motion_file import DEMO_MOTION, read_motion

SWEEP = ViewPath(yaw=(0, 30, -30, 0), pitch=(0, 10, 0, -10, 0))
COLUMNS = 3
SHEET_YAW = (-20.0, 10.0, 20.0)
CELL = 320


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder to write to (default: out)")
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    animator = Animator.load()
    person = animator.person(astronaut())
    recorded = read_motion(DEMO_MOTION, animator)
    print(f"source        scikit-image's astronaut, {person.faces} face found, shown whole")
    print(f"motion        {len(recorded)} frames at {recorded.rate} per second, recorded from a real video")
    for name, view in (("demo.mp4", ViewPath()), ("freeview.mp4", SWEEP)):
        report = video(animator, person, recorded, folder / name, view)
        print(
            f"{name:<14}{report.frames} frames rendered at {report.frames_per_second:.1f} frames per second"
        )
    save_image(folder / "demo.png", sheet(animator, person, recorded), synthetic=True)
    size = DEMO_MOTION.stat().st_size
    seconds = len(recorded) / recorded.rate
    print(
        f"stream        {size / len(recorded):.1f} bytes a frame, {8 * size / float(seconds) / 1000:.2f} kbit/s"
    )
    print(f"files         {folder / 'demo.mp4'}  {folder / 'freeview.mp4'}  {folder / 'demo.png'}")
    print(f"took          {time.perf_counter() - begin:.1f} s")
    return 0


def video(
    animator: Animator, person: Person, recorded: RecordedMotion, output: Path, view: ViewPath
) -> AnimateReport:
    """Render the recorded motion, seen along a view path."""
    return animate(animator, person, recorded, output, AnimateOptions(view=view))


def sheet(animator: Animator, person: Person, recorded: RecordedMotion) -> Pixels:
    """Return the source, frames of the recorded motion and the head turned, as one picture."""
    motions, _ = transferred(recorded.motions, person.identity.motion, AnimateOptions())
    picked = np.linspace(0, len(motions) - 1, COLUMNS).round().astype(int)
    talking = list(animator.render(person, HeadMotion.cat([motions[index : index + 1] for index in picked])))
    own = person.identity.motion
    views = HeadMotion.cat([viewed(own, ViewPath(yaw=(yaw,))) for yaw in SHEET_YAW])
    rows = [[person.shown, *talking], [person.shown, *animator.render(person, views)]]
    labels = [
        "source",
        *(f"frame {index} / yaw {yaw:+.0f}" for index, yaw in zip(picked, SHEET_YAW, strict=True)),
    ]
    return contact_sheet(
        rows, row_labels=["motion", "free view"], column_labels=labels, cell_size=(CELL, CELL)
    )


if __name__ == "__main__":
    sys.exit(main())
