"""A sheet of photographs, each between itself turned by 30 degrees to both sides: the model card's look at free view.

python scripts/turned_sheet.py astronaut.png london/*_neutral.jpg -o docs/pictures/turned-30.jpg
"""

from __future__ import annotations

import argparse

import numpy as np

from facewire.animation.animator import Animator, Person
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.frame import Pixels
from facewire.media.image import resize, save_image

DEGREES, CELL, AROUND, ACROSS = 30.0, 160, 1.3, 4
"""Turn; side of a picture in the sheet; its side in the photo in heads' squares; people in a row."""


def row(animator: Animator, photo: str) -> Pixels:
    """Return a person turned to the left, as in the photo, and turned to the right."""
    person = animator.person(photo)
    own = person.identity.motion
    turned = [own.turned_at_neck(rotation_from_degrees(yaw, 0.0, 0.0)) for yaw in (-DEGREES, DEGREES)]
    left, right = animator.render(person, HeadMotion.cat(turned))
    return np.hstack([_cut(picture, person) for picture in (left, person.shown, right)])


def _cut(picture: Pixels, person: Person) -> Pixels:
    box = person.composer.box
    side = min(round(AROUND * box.side), *picture.shape[:2])
    left, top = (
        min(max(0, start + (box.side - side) // 2), length - side)
        for start, length in ((box.left, picture.shape[1]), (box.top, picture.shape[0]))
    )
    return resize(picture[top : top + side, left : left + side], (CELL, CELL))


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+")
    parser.add_argument("-o", "--output", required=True)
    given = parser.parse_args()
    animator = Animator.load()
    rows = [row(animator, photo) for photo in given.photos]
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % ACROSS)
    sheet = np.vstack([np.hstack(rows[first : first + ACROSS]) for first in range(0, len(rows), ACROSS)])
    save_image(given.output, sheet, overwrite=True, synthetic=True)


if __name__ == "__main__":
    main()
