"""The tables artefact: every rule of the format document is checked, and the hash decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facewire.base.errors import ConfigError, HashMismatch, WeightsError
from facewire.codec.tables.artefact import CodecTables, load_tables, parse_tables, save_tables
from facewire.codec.tables.shipped import FOLDER, find_shipped, shipped_tables

from . import golden_streams

Change = Callable[[dict[str, Any]], object]


def changed(tables: CodecTables, change: Change) -> bytes:
    values = json.loads(tables.to_bytes())
    change(values)
    return json.dumps(values).encode()


def test_bytes_round_trip(tables: CodecTables) -> None:
    again = parse_tables(tables.to_bytes())
    assert again.to_bytes() == tables.to_bytes()
    assert again.sha256 == hashlib.sha256(tables.to_bytes()).digest() == tables.sha256
    assert again.fingerprint == tables.sha256[:8]


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(schema=2),
        lambda v: v.update(more=1),
        lambda v: v.pop("still"),
        lambda v: v.update(id=0),
        lambda v: v.update(id=True),
        lambda v: v.update(id=1.0),
        lambda v: v.update(name="x" * 65),
        lambda v: v.update(keypoints=65),
        lambda v: v.update(keypoints=4),
        lambda v: v["offset"].pop(),
        lambda v: v["offset"].__setitem__(0, 1 << 21),
        lambda v: v["basis"].pop(),
        lambda v: v["basis"][3].pop(),
        lambda v: v["basis"][3].__setitem__(0, 1 << 24),
        lambda v: v["basis"][3].__setitem__(0, 0.5),
        lambda v: v.update(basis=[[] for _ in v["basis"]]),
        lambda v: v.update(basis=[0 for _ in v["basis"]]),
        lambda v: v["columns"].__setitem__(0, 22),
        lambda v: v["columns"].reverse(),
        lambda v: v["damping"].__setitem__(0, 257),
        lambda v: v.update(own_edges=[1, 2]),
        lambda v: v.update(own_edges=[]),
        lambda v: v.update(activity_edges=[0, 3, 3]),
        lambda v: v.update(activity_edges=[0, 512]),
        lambda v: v["cdfs"][0].__setitem__(5, v["cdfs"][0][6]),
        lambda v: v["cdfs"][0].pop(),
        lambda v: v.update(cdfs=[]),
        lambda v: v["cells"].pop(),
        lambda v: v["cells"][0].pop(),
        lambda v: v["cells"][0].__setitem__(0, v["cells"][0][0][:-2] + "ff"),
        lambda v: v["cells"][0].__setitem__(0, v["cells"][0][0][:-2]),
        lambda v: v["cells"][0].__setitem__(0, v["cells"][0][0][:-2] + "0A"),
        lambda v: v["cells"][0].__setitem__(0, v["cells"][0][0] + " "),
        lambda v: v["cells"][0].__setitem__(0, "zz" * 35),
        lambda v: v["cells"][0].__setitem__(0, 5),
        lambda v: v["kept_cdf"].__setitem__(0, 1),
        lambda v: v["still"].__setitem__(0, [0, 1]),
        lambda v: v["still"][0].__setitem__(0, 65536),
        lambda v: v["analysis"].pop(),
        lambda v: v["analysis"][0].__setitem__(0, 1 << 31),
        lambda v: v["stages"].pop(),
        lambda v: v["stages"].__setitem__(0, v["stages"][1]),
        lambda v: v["dead_zone"].__setitem__(0, 128),
        lambda v: v["dead_zone"].__setitem__(0, -1),
    ],
)
def test_every_rule_is_checked(tables: CodecTables, change: Change) -> None:
    with pytest.raises(WeightsError):
        parse_tables(changed(tables, change), "tables.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 100000, b"NaN", b" " * (5 << 20)])
def test_other_files(data: bytes) -> None:
    with pytest.raises(WeightsError):
        parse_tables(data)


def test_files_and_hashes(tables: CodecTables, tmp_path: Path) -> None:
    digest = save_tables(tables, tmp_path / "t.json")
    assert load_tables(tmp_path / "t.json", digest).sha256 == tables.sha256
    with pytest.raises(HashMismatch):
        load_tables(tmp_path / "t.json", "0" * 64)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_tables(tmp_path / "missing.json")


class TestShipped:
    def test_all_of_the_manifest_load(self) -> None:
        entries = json.loads((FOLDER / "manifest.json").read_text())
        assert len({entry["id"] for entry in entries}) == len(entries)
        for entry in entries:
            found = shipped_tables(entry["name"])
            assert (found.id, found.name, found.sha256.hex()) == (entry["id"], entry["name"], entry["sha256"])
            assert find_shipped(found.id, found.fingerprint) is found

    def test_every_file_is_in_the_manifest(self) -> None:
        entries = json.loads((FOLDER / "manifest.json").read_text())
        files = {path.name for path in FOLDER.glob("*.json")} - {"manifest.json"}
        assert files == {entry["file"] for entry in entries}

    def test_unknown_names_and_hashes(self) -> None:
        with pytest.raises(ConfigError, match="compact-standard"):
            shipped_tables("other")
        assert find_shipped(1, bytes(8)) is None
        assert find_shipped(60000, shipped_tables().fingerprint) is None

    def test_transform_and_analysis_belong_together(self) -> None:
        """Within a stage, what analysis finds is what basis rebuilds."""
        found = shipped_tables()
        product = found.analysis @ found.basis / 2.0**28
        start = 0
        for stop in found.stages:
            np.testing.assert_allclose(product[start:stop, start:stop], np.eye(stop - start), atol=0.02)
            start = stop

    def test_first_keypoints_need_the_first_coefficients_only(self) -> None:
        found = shipped_tables()
        for kept, columns in enumerate(found.columns, 1):
            assert not found.basis[: 6 + 3 * kept, columns:].any()


def test_golden_tables_are_not_shipped(tables: CodecTables) -> None:
    assert golden_streams.FOLDER != FOLDER
    assert find_shipped(tables.id, tables.fingerprint) is None
