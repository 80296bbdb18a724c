"""The tables that come with the package, beside this file, named and hashed in `manifest.json`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from facewire.base.errors import ConfigError
from facewire.base.files import read_json
from facewire.bitstream.header import FINGERPRINT_BYTES
from facewire.codec.tables.artefact import CodecTables, load_tables

FOLDER = Path(__file__).parent
DEFAULT = "compact-standard"
"""Tables for the compact model at the rate where the picture does not suffer."""


@cache
def shipped_tables(name: str = DEFAULT) -> CodecTables:
    """Return tables by name.

    Raises:
        ConfigError: there are none of this name.
        HashMismatch: the file is not the one of the manifest.
    """
    for entry in _manifest():
        if entry["name"] == name:
            return load_tables(FOLDER / entry["file"], entry["sha256"])
    raise ConfigError("tables", name, "one of: " + ", ".join(entry["name"] for entry in _manifest()))


def find_shipped(table: int, digest: bytes) -> CodecTables | None:
    """Return the tables that a stream names by id and the first 8 bytes of their hash, or None."""
    for entry in _manifest():
        if entry["id"] == table and bytes.fromhex(entry["sha256"])[:FINGERPRINT_BYTES] == digest:
            return shipped_tables(entry["name"])
    return None


@cache
def _manifest() -> tuple[dict[str, Any], ...]:
    """Return id, name, file and sha256 of each."""
    return tuple(read_json(FOLDER / "manifest.json"))
