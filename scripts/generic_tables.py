"""Makes the coding tables for imported weights, whose motion nobody has recorded here.

    python scripts/generic_tables.py

Their statistics are those of a made-up head: every component wanders smoothly and independently about zero, as fast
as heads do, so that no component is expected to help another. They cost more bytes than tables fitted to recorded
motion (facewire fit-tables) and code every motion equally finely. The keypoints of foreign weights are in no
order of importance, so that all of them are sent.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from facewire.base.files import read_json, write_json
from facewire.codec.fitting.fit import FitSettings, fit_tables
from facewire.codec.state import POSE
from facewire.codec.tables.artefact import save_tables
from facewire.codec.tables.shipped import FOLDER

COUNTS = {15: 101, 21: 102}
"""Keypoints, and the id of their tables."""
STEP = 0.004
"""Picture units and radians."""
CLIPS, FRAMES = 12, 250
SPREAD = {"angles": 0.12, "translation": 0.06, "expression": 0.02}
"""Standard deviation of each kind of component, radians and picture units."""
SECONDS = 0.6
"""Time after which a component has forgotten half."""


def main() -> int:
    """Make the tables and enter them in the manifest."""
    manifest = [
        entry for entry in read_json(FOLDER / "manifest.json") if not entry["name"].startswith("generic-")
    ]
    for keypoints, number in COUNTS.items():
        name = f"generic-{keypoints}-standard"
        settings = FitSettings(id=number, name=name, step=STEP, ends=(keypoints,), tables=48)
        tables = fit_tables(wandering(keypoints), np.eye(POSE + 3 * keypoints), settings)
        digest = save_tables(tables, FOLDER / f"{name}.json")
        manifest.append({"id": number, "name": name, "file": f"{name}.json", "sha256": digest})
        print(f"{name}: {digest}")
    write_json(FOLDER / "manifest.json", manifest)
    return 0


def wandering(keypoints: int) -> list[npt.NDArray[np.float64]]:
    """Return made-up clips (T, 6 + 3K): noise that was smoothed twice."""
    source = np.random.default_rng(keypoints)
    size = POSE + 3 * keypoints
    spread = np.full(size, SPREAD["expression"])
    spread[:3], spread[3:POSE] = SPREAD["angles"], SPREAD["translation"]
    keep = 0.5 ** (1 / (25 * SECONDS))
    clips = []
    for _ in range(CLIPS):
        clip = source.standard_normal((FRAMES + 200, size))
        for _ in range(2):
            for row in range(1, len(clip)):
                clip[row] = keep * clip[row - 1] + (1 - keep) * clip[row]
        clips.append(clip[200:] / clip[200:].std(axis=0) * spread * source.uniform(0.3, 1.5))
    return clips


if __name__ == "__main__":
    sys.exit(main())
