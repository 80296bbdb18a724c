"""CodecTables: every number that coding depends on, as checked integers (docs/bitstream.md section 3).

The artefact is JSON. Its SHA-256 is its identity; what a stream names is id and hash. Nothing in it is a
float, so a decoder on any machine computes the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from facewire.base.errors import HashMismatch, WeightsError
from facewire.base.files import atomic_output
from facewire.bitstream.cdf import is_cdf
from facewire.bitstream.header import FINGERPRINT_BYTES, MOST_KEYPOINTS
from facewire.codec.modes import MODES
from facewire.codec.state import POSE, Integers
from facewire.codec.tokens import TOKENS

SCHEMA: Final = 1
BASIS_BITS, POINT_BITS, ANALYSIS_BITS = 20, 16, 8
"""Fractional bits of `basis`, of components and `offset`, and of `analysis`."""
MOST_COEFFICIENTS, MOST_CDFS, MOST_EDGES, LAST_EDGE = 256, 256, 16, 511
MOST_BYTES = 4 << 20
OFFSET_RANGE = (-(1 << 20), 1 << 20)
MEMBERS: Final = frozenset(
    (
        *("schema", "id", "name", "keypoints", "offset", "basis", "columns", "damping", "own_edges"),
        *("activity_edges", "cdfs", "cells", "kept_cdf", "still", "analysis", "stages", "dead_zone"),
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class CodecTables:
    """One artefact; the fields are those of docs/bitstream.md section 3, `sha256` the hash of its bytes.

    offset    (N,)    int64, units of 2^-16
    basis     (N, M)  int64, units of 2^-20 per step
    analysis  (M, N)  int64, units of 2^-8 steps
    """

    id: int
    name: str
    keypoints: int
    offset: Integers
    basis: Integers
    columns: tuple[int, ...]
    damping: tuple[int, ...]
    own_edges: tuple[int, ...]
    activity_edges: tuple[int, ...]
    cdfs: tuple[tuple[int, ...], ...]
    cells: tuple[tuple[bytes, ...], ...]
    kept_cdf: tuple[int, ...]
    still: tuple[tuple[int, ...], ...]
    analysis: Integers
    stages: tuple[int, ...]
    dead_zone: tuple[int, ...]
    sha256: bytes = field(default=b"", repr=False)

    @property
    def coefficients(self) -> int:
        """M."""
        return int(self.basis.shape[1])

    @property
    def fingerprint(self) -> bytes:
        """First 8 bytes of the SHA-256, as streams name it."""
        return self.sha256[:FINGERPRINT_BYTES]

    def to_bytes(self) -> bytes:
        """Return the artefact. The same tables give the same bytes."""
        values = {
            "schema": SCHEMA,
            "id": self.id,
            "name": self.name,
            "keypoints": self.keypoints,
            "offset": self.offset.tolist(),
            "basis": self.basis.tolist(),
            "columns": self.columns,
            "damping": self.damping,
            "own_edges": self.own_edges,
            "activity_edges": self.activity_edges,
            "cdfs": self.cdfs,
            "cells": [[row.hex() for row in mode] for mode in self.cells],
            "kept_cdf": self.kept_cdf,
            "still": self.still,
            "analysis": self.analysis.tolist(),
            "stages": self.stages,
            "dead_zone": self.dead_zone,
        }
        lines = (f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in values.items())
        return ("{" + ",\n".join(lines) + "}\n").encode()


def parse_tables(data: bytes, where: str | Path = "coding tables") -> CodecTables:
    """Return the tables of an artefact's bytes, every rule of docs/bitstream.md section 3 checked.

    Raises:
        WeightsError: they are not an artefact; the text names the first rule that is broken.
    """
    if len(data) > MOST_BYTES:
        raise WeightsError(where, f"is longer than {MOST_BYTES} bytes: these are not coding tables")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WeightsError(where, f"is not JSON ({error}): get the file again") from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA or set(values) != MEMBERS:
        raise WeightsError(where, f"is not an artefact of coding tables of schema {SCHEMA}")
    try:
        return _build(values, hashlib.sha256(data).digest())
    except (_RuleError, ValueError, TypeError, OverflowError) as error:
        raise WeightsError(where, f"breaks a rule of coding tables ({error}): get the file again") from error


def load_tables(path: str | Path, expected: str | None = None) -> CodecTables:
    """Return the tables of a file.

    Args:
        path: the artefact.
        expected: its SHA-256 in hexadecimal, from a manifest; checked before anything is read.

    Raises:
        WeightsError: the file is missing or wrong.
        HashMismatch: its bytes are not the expected ones.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise WeightsError(path, f"cannot be read ({error.strerror or error})") from error
    actual = hashlib.sha256(data).hexdigest()
    if expected is not None and actual != expected:
        raise HashMismatch(path, expected, actual)
    return parse_tables(data, path)


def save_tables(tables: CodecTables, path: str | Path) -> str:
    """Write the artefact and return its SHA-256 in hexadecimal."""
    data = tables.to_bytes()
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


class _RuleError(Exception):
    """A rule of the artefact is broken; the text says which."""


def _build(values: Mapping[str, Any], digest: bytes) -> CodecTables:
    keypoints = _number(values, "keypoints", 1, MOST_KEYPOINTS)
    components = POSE + 3 * keypoints
    name = values["name"]
    _need(isinstance(name, str) and len(name) <= 64, "name is a text of at most 64 characters")
    basis = _matrix(values, "basis", components, None, 1 << 24)
    size = basis.shape[1]
    _need(1 <= size <= MOST_COEFFICIENTS, f"basis has 1 to {MOST_COEFFICIENTS} columns")
    own, activity = (_edges(values, key) for key in ("own_edges", "activity_edges"))
    cdfs = values["cdfs"]
    _need(isinstance(cdfs, list) and 1 <= len(cdfs) <= MOST_CDFS, f"cdfs are 1 to {MOST_CDFS} lists")
    stages = _increasing(values, "stages", None, 1, size)
    _need(stages[-1] == size and len(set(stages)) == len(stages), "stages end in M")
    return CodecTables(
        id=_number(values, "id", 1, 0xFFFF),
        name=name,
        keypoints=keypoints,
        offset=np.array(_integers(values["offset"], "offset", components, *OFFSET_RANGE), dtype=np.int64),
        basis=basis,
        columns=_increasing(values, "columns", keypoints, 1, size),
        damping=_integers(values["damping"], "damping", size, 0, 256),
        own_edges=own,
        activity_edges=activity,
        cdfs=tuple(_cdf(cdf) for cdf in cdfs),
        cells=_cells(values["cells"], size, len(own) * len(activity), len(cdfs)),
        kept_cdf=_cdf(values["kept_cdf"]),
        still=_still(values["still"]),
        analysis=_matrix(values, "analysis", size, components, 1 << 31),
        stages=stages,
        dead_zone=_integers(values["dead_zone"], "dead_zone", size, 0, 127),
        sha256=digest,
    )


def _need(condition: bool, rule: str) -> None:
    if not condition:
        raise _RuleError(rule)


def _number(values: Mapping[str, Any], key: str, lowest: int, highest: int) -> int:
    return _integers([values[key]], key, 1, lowest, highest)[0]


def _integers(items: Any, name: str, count: int | None, lowest: int, highest: int) -> tuple[int, ...]:
    """Return a list of `count` integers (None: any number but none) within [lowest, highest]."""
    _need(isinstance(items, list) and len(items) > 0, f"{name} is a list")
    _need(count is None or len(items) == count, f"{name} has {count} entries")
    fits = all(type(item) is int and lowest <= item <= highest for item in items)
    _need(fits, f"{name} holds integers from {lowest} to {highest}")
    return tuple(items)


def _increasing(
    values: Mapping[str, Any], key: str, count: int | None, lowest: int, highest: int
) -> tuple[int, ...]:
    items = _integers(values[key], key, count, lowest, highest)
    _need(all(a <= b for a, b in pairwise(items)), f"{key} does not decrease")
    return items


def _edges(values: Mapping[str, Any], key: str) -> tuple[int, ...]:
    items = _increasing(values, key, None, 0, LAST_EDGE)
    fits = items[0] == 0 and len(set(items)) == len(items) <= MOST_EDGES
    _need(fits, f"{key} are distinct, the first is 0")
    return items


def _matrix(values: Mapping[str, Any], key: str, rows: int, columns: int | None, limit: int) -> Integers:
    items = values[key]
    _need(isinstance(items, list) and len(items) == rows, f"{key} has {rows} rows")
    width = columns or (len(items[0]) if isinstance(items[0], list) else 0)
    return np.array([_integers(row, key, width, 1 - limit, limit - 1) for row in items], dtype=np.int64)


def _cdf(items: Any) -> tuple[int, ...]:
    values = _integers(items, "a cdf", TOKENS + 1, 0, 1 << 16)
    _need(is_cdf(values, TOKENS), "a cdf increases from 0 to 65536")
    return values


def _still(modes: Any) -> tuple[tuple[int, ...], ...]:
    _need(isinstance(modes, list) and len(modes) == MODES, f"still has {MODES} modes")
    return tuple(_integers(pair, "still", 2, 1, 0xFFFF) for pair in modes)


def _cells(modes: Any, coefficients: int, cells: int, cdfs: int) -> tuple[tuple[bytes, ...], ...]:
    _need(isinstance(modes, list) and len(modes) == MODES, f"cells has {MODES} modes")
    return tuple(_mode_cells(mode, coefficients, cells, cdfs) for mode in modes)


def _mode_cells(rows: Sequence[Any], coefficients: int, cells: int, cdfs: int) -> tuple[bytes, ...]:
    _need(isinstance(rows, list) and len(rows) == coefficients, f"a mode has {coefficients} rows of cells")
    _need(all(isinstance(row, str) and row == row.lower() for row in rows), "cells are lower-case texts")
    parsed = tuple(bytes.fromhex(row) for row in rows)
    fits = all(len(row) == cells and max(row) < cdfs for row in parsed)
    plain = all(len(text) == 2 * cells for text in rows)
    _need(fits and plain, f"a row has {cells} cells that name one of {cdfs} cdfs")
    return parsed
