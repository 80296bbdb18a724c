"""Writes the golden streams of tests/codec/golden anew. Other bytes than before are a new major version.

    cd tests && python -m codec.regenerate --regen             streams, with the tables that are there
    cd tests && python -m codec.regenerate --regen --tables    tables and input motion too

Without --regen nothing is written and the exit code is 2. With it, what changed is listed and the exit code
is 1 unless nothing did, so that no automatic run passes with changed streams.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np

from facewire.codec.fitting.fit import FitSettings, fit_tables
from facewire.codec.importance import posed_metric
from facewire.codec.tables.artefact import load_tables, parse_tables
from facewire.media.bare_still import avif_of

from .golden_streams import BARE, FOLDER, STREAMS, decoded_vectors, write_stream
from .motion import made_up_clips

KEYPOINTS = 5


def write_tables() -> None:
    """Fit small tables to made-up motion; write them and the motion that the streams code."""
    clips = made_up_clips(clips=6, frames=200, keypoints=KEYPOINTS, seed=5)
    canonical = np.random.default_rng(5).normal(0, 0.3, (KEYPOINTS, 3))
    settings = FitSettings(id=65000, name="golden", step=0.006, ends=(2, 3, 4, 5), tables=24)
    tables = fit_tables(clips, posed_metric(canonical), settings)
    damped = replace(tables, damping=tuple(128 if i % 4 == 0 else d for i, d in enumerate(tables.damping)))
    (FOLDER / "tables.json").write_bytes(parse_tables(damped.to_bytes()).to_bytes())
    motion = made_up_clips(clips=1, frames=60, keypoints=KEYPOINTS, seed=6)[0]
    motion[40:44] = motion[40]
    np.save(FOLDER / "motion.npy", motion)


def write_streams() -> list[str]:
    """Write streams and their decoded values; return the names of those that changed."""
    changed = []
    (FOLDER / "bare.avif").write_bytes(avif_of(BARE))
    tables = load_tables(FOLDER / "tables.json")
    motion = np.load(FOLDER / "motion.npy")
    for name in STREAMS:
        path = FOLDER / f"{name}.fwv"
        before = path.read_bytes() if path.exists() else None
        data = write_stream(name, motion, tables)
        if data != before:
            changed.append(f"{name}: {len(before or b'')} bytes before, {len(data)} now")
        path.write_bytes(data)
        np.save(FOLDER / f"{name}.npy", decoded_vectors(data, tables))
    return changed


def main() -> int:
    """Regenerate, if told so."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--regen", action="store_true", help="really write")
    parser.add_argument("--tables", action="store_true", help="tables and motion too")
    arguments = parser.parse_args()
    if not arguments.regen:
        sys.stdout.write("nothing written: use --regen, and then the format gets a new major version\n")
        return 2
    if arguments.tables:
        write_tables()
    changed = write_streams()
    sys.stdout.write("\n".join(changed or ["no stream changed"]) + "\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
