"""The rates of one model's coding tables, as a folder that lies beside its weights.

    clips (T, 6 + 3K), canonical keypoints -> one artefact a rate, manifest.json

Tables that streams were made with keep their numbers for ever: a stream names them by number and hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facewire.base.files import write_json
from facewire.codec.fitting.fit import FitSettings, fit_tables
from facewire.codec.importance import posed_metric
from facewire.codec.tables.artefact import save_tables
from facewire.codec.tables.shelf import MANIFEST, entries_of

RATES = {"standard": 0.005, "fine": 0.003, "coarse": 0.010}
"""Quantiser steps in picture units: about 0.2, 0.13 and 0.4 pixels of a 256-pixel picture as root mean square
error of a keypoint's x or y."""
STAGES = (5, 8, 11, 14, 17)
"""Keypoints after each stage of the transform where they are ordered by importance."""


def fit_rates(
    clips: Sequence[npt.NDArray[np.float64]],
    canonical: npt.NDArray[np.float64],
    folder: Path,
    *,
    family: str,
    first_id: int,
    ordered: bool = True,
) -> Iterator[str]:
    """Fit and write one artefact a rate, then the manifest; yield each one's name when it is written.

    Tables of other families in the folder stay.

    Args:
        clips: (T, 6 + 3K) each, 25 frames a second: yaw, pitch, roll in radians, translation, K x 3 offsets.
        canonical: (K, 3) mean canonical keypoints.
        folder: where to, made if need be.
        family: first part of the names.
        first_id: number of the first artefact, the others follow.
        ordered: False if the keypoints have no order of importance; all of them are sent then.

    Raises:
        ConfigError: no clip is long enough.
        ShapeError: clips and keypoints do not fit.
    """
    count = len(canonical)
    ends = (*(end for end in STAGES if end < count), count) if ordered else (count,)
    folder.mkdir(parents=True, exist_ok=True)
    names = {f"{family}-{rate}" for rate in RATES}
    manifest = [entry for entry in entries_of(folder) if entry["name"] not in names]
    for number, (rate, step) in enumerate(RATES.items(), first_id):
        name = f"{family}-{rate}"
        tables = fit_tables(
            clips, posed_metric(canonical), FitSettings(id=number, name=name, step=step, ends=ends)
        )
        digest = save_tables(tables, folder / f"{name}.json")
        manifest.append({"id": number, "name": name, "file": f"{name}.json", "sha256": digest})
        yield name
    write_json(folder / MANIFEST, manifest)
