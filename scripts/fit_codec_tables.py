"""Makes the coding tables of a model from recorded motion.

    python scripts/fit_codec_tables.py MOTION.npz --canonical CANONICAL.npy -o FOLDER
    python scripts/fit_codec_tables.py MOTION.npz --canonical CANONICAL.npy --model paper-128 --first-id 7 \
        -o run/weights-tables          found beside run/weights.safetensors by encode, decode, record and info

MOTION.npz holds one array (T, 6 + 3K) a clip: yaw, pitch, roll in radians, translation, then K x 3 expression
offsets, 25 frames a second, as the model's own motion reader gives them. CANONICAL.npy is (K, 3): the mean
canonical keypoints. Writes one artefact a rate and manifest.json. Tables that were ever published keep
their ids; give new ones with --first-id.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from facewire.base.files import write_json
from facewire.codec.fitting.fit import FitSettings, fit_tables
from facewire.codec.importance import posed_metric
from facewire.codec.tables.artefact import save_tables

RATES = {"standard": 0.005, "fine": 0.003, "coarse": 0.010}
"""Quantiser steps in picture units: about 0.2, 0.13 and 0.4 pixels of a 256-pixel picture as root mean square
error of a keypoint's x or y."""


def main() -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("motion", type=Path)
    parser.add_argument("--canonical", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="compact", help="preset, first part of the names")
    parser.add_argument("--first-id", type=int, default=1)
    arguments = parser.parse_args()
    with np.load(arguments.motion) as stored:
        clips = [stored[name] for name in sorted(stored.files)]
    canonical = np.load(arguments.canonical).astype(np.float64)
    ends = tuple(sorted({end for end in (5, 8, 11, 14, 17) if end < len(canonical)} | {len(canonical)}))
    arguments.output.mkdir(parents=True, exist_ok=True)
    manifest = []
    for number, (rate, step) in enumerate(RATES.items(), arguments.first_id):
        name = f"{arguments.model}-{rate}"
        settings = FitSettings(id=number, name=name, step=step, ends=ends)
        tables = fit_tables(clips, posed_metric(canonical), settings)
        digest = save_tables(tables, arguments.output / f"{name}.json")
        manifest.append({"id": number, "name": name, "file": f"{name}.json", "sha256": digest})
        print(f"{name}: id {number}, step {step}, {sum(map(len, clips))} frames, {digest}")
    write_json(arguments.output / "manifest.json", manifest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
