"""Reads the motion of a folder of head crops, as scripts/fit_codec_tables.py wants it.

    python scripts/read_motions.py CLIPS -o MOTION.npz --canonical CANONICAL.npy

MOTION.npz gets one array (T, 6 + 3K) a clip: yaw, pitch, roll in radians, translation, K x 3 expression offsets.
CANONICAL.npy gets (K, 3), the mean canonical keypoints of the clips' first frames. Tables belong to the networks
that read the motion (--weights): for other weights run both scripts again and give the tables new ids.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from facewire.animation.animator import BATCH, Animator
from facewire.base.batches import in_batches
from facewire.base.files import atomic_output
from facewire.codec.state import Floats
from facewire.evaluation.measuring.clips import find_clips
from facewire.talks.bridge import to_frames


def main() -> int:
    """Read and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--canonical", type=Path, required=True)
    parser.add_argument("--weights", default="compact-256")
    arguments = parser.parse_args()
    animator = Animator.load(arguments.weights)
    motions, canonical = {}, []
    for clip in find_clips(arguments.clips):
        rows: list[Floats] = []
        for pictures in in_batches(clip.frames(animator.size), BATCH):
            if not rows:
                person = animator.person(pictures[0], crop_mode="none")
                canonical.append(person.identity.canonical.points[0].cpu().numpy())
            rows += [frame.vector() for frame in to_frames(animator.read(pictures)[0])]
        motions[clip.name] = np.stack(rows)
        print(f"{clip.name}: {len(rows)} frames", file=sys.stderr)
    with atomic_output(arguments.output) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **motions)
    with atomic_output(arguments.canonical) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.mean(canonical, axis=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
