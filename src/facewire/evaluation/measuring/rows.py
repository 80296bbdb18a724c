"""Results that survive: one row per clip (or pair, or person), one small file per row.

    REPORT/rows/NAME.json   the row and the key under which it was computed
    REPORT/rows/NAME.npz    its feature vectors, for distances of whole sets

A row is used again only if its key fits: weights, protocol, settings, the clip's bytes, the metrics' networks and
the revision of this code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facewire.base.errors import MediaError
from facewire.base.files import atomic_output, name_bytes, read_json, write_json

REVISION = 3
"""Counted up whenever a number of an unchanged clip may come out differently."""

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came out for one clip.

    name      the clip, pair or person
    group     who is seen; rows of one group are not independent
    frames    measured frames
    values    metric -> number; a metric that is not defined here is absent
    baseline  the same for the unchanged source picture
    sums      correlation metric -> (count, result^2, truth^2, product), of the result
    detail    whatever else the protocol's plots need, as JSON holds it
    reason    why the row failed; empty if it did not
    seconds   of computing
    """

    name: str
    group: str = ""
    frames: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    sums: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether there are no numbers."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class Measured:
    """A row and its feature vectors, as a protocol returns them."""

    row: Row
    arrays: Arrays = field(default_factory=dict)


class Store:
    """Rows on disk."""

    def __init__(self, folder: Path, common: Mapping[str, Any]) -> None:
        """Take the folder (made if need be) and what all rows have in common.

        Args:
            folder: REPORT/rows.
            common: anything JSON holds; part of every key.
        """
        self._folder = folder
        self._common = dict(common)
        folder.mkdir(parents=True, exist_ok=True)

    def key(self, own: Mapping[str, Any]) -> str:
        """Return the key of a row that also depends on `own`."""
        text = json.dumps({"revision": REVISION, **self._common, "own": dict(own)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def get(self, name: str, key: str) -> Row | None:
        """Return a finished row, or None if there is none of that key; failed rows are tried again."""
        path = self._path(name, ".json")
        if not path.is_file():
            return None
        try:
            stored = read_json(path)
            if stored["key"] != key:
                return None
            row = Row(**stored["row"])
        except (MediaError, KeyError, TypeError):
            return None
        return None if row.failed else row

    def put(self, key: str, measured: Measured) -> None:
        """Keep a row; its vectors first, so that a row that is there is whole."""
        if measured.arrays:
            with (
                atomic_output(self._path(measured.row.name, ".npz")) as temporary,
                temporary.open("wb") as stream,
            ):
                np.savez(stream, allow_pickle=False, **dict(measured.arrays))
        write_json(self._path(measured.row.name, ".json"), {"key": key, "row": asdict(measured.row)})

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """Return the vectors of a row; empty if it has none."""
        path = self._path(name, ".npz")
        if not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}

    def _path(self, name: str, suffix: str) -> Path:
        plain = re.sub(r"[^\w.-]+", "_", name)
        if plain != name:
            plain = f"{plain}-{hashlib.sha256(name_bytes(name)).hexdigest()[:8]}"
        return self._folder / (plain + suffix)
