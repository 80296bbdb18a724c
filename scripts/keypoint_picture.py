"""Draw a model's keypoints on faces, canonical and posed, and say how well they move with the picture.

    python scripts/keypoint_picture.py --weights run/weights.safetensors astronaut.png one.jpg -o keypoints.png
    python scripts/keypoint_picture.py --weights paper-128 *.jpg -o keypoints.png --data clips/val

One row for each photo: the photo, canonical keypoints x_c, posed ones, with expression, and the head turned to either
side. With --data the equivariance error on these clips is printed (evaluation/measuring/equivariance.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from facewire.animation.animator import Animator
from facewire.evaluation.measuring.clips import find_clips
from facewire.evaluation.measuring.equivariance import equivariance_of
from facewire.evaluation.reports.keypoint_picture import keypoint_sheet
from facewire.media.image import save_image


def main() -> int:
    """Draw and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO")
    parser.add_argument("--weights", required=True, metavar="NAME|FILE")
    parser.add_argument("-o", "--output", required=True, metavar="PICTURE")
    parser.add_argument("--data", metavar="DIR", help="clips to measure equivariance on")
    given = parser.parse_args()
    animator = Animator.load(given.weights)
    save_image(given.output, keypoint_sheet(animator, [animator.person(photo) for photo in given.photos]))
    if given.data:
        print(json.dumps(asdict(equivariance_of(animator, find_clips(Path(given.data))))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
