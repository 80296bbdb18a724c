"""Coding tables by name, and by what a stream says of them.

A folder of tables has a `manifest.json`, a list of id, name, file and sha256;
facewire fit-tables writes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facewire.base.errors import ConfigError
from facewire.base.files import read_json
from facewire.bitstream.header import FINGERPRINT_BYTES
from facewire.codec.tables.artefact import CodecTables, load_tables

MANIFEST = "manifest.json"


class Shelf:
    """The tables of a few folders; where a name is in several, the first folder's count."""

    def __init__(self, *folders: Path) -> None:
        """Read the folders' manifests; the tables themselves are read when they are asked for.

        Raises:
            MediaError: a manifest cannot be read.
        """
        self._entries = [(folder, entry) for folder in folders for entry in entries_of(folder)]
        self._loaded: dict[Path, CodecTables] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What there is, each name once."""
        return tuple(dict.fromkeys(entry["name"] for _, entry in self._entries))

    def named(self, name: str) -> CodecTables:
        """Return tables by name.

        Raises:
            ConfigError: there are none of this name.
            HashMismatch: the file is not the one of the manifest.
        """
        for folder, entry in self._entries:
            if entry["name"] == name:
                return self._load(folder, entry)
        raise ConfigError("tables", name, "one of: " + ", ".join(self.names))

    def find(self, table: int, digest: bytes) -> CodecTables | None:
        """Return the tables that a stream names by id and the first 8 bytes of their hash, or None."""
        for folder, entry in self._entries:
            if entry["id"] == table and bytes.fromhex(entry["sha256"])[:FINGERPRINT_BYTES] == digest:
                return self._load(folder, entry)
        return None

    def _load(self, folder: Path, entry: Mapping[str, Any]) -> CodecTables:
        path = folder / entry["file"]
        if path not in self._loaded:
            self._loaded[path] = load_tables(path, entry["sha256"])
        return self._loaded[path]


def entries_of(folder: Path) -> list[dict[str, Any]]:
    """Return what a folder's manifest lists; nothing where there is none.

    Raises:
        MediaError: it cannot be read.
    """
    path = folder / MANIFEST
    return list(read_json(path)) if path.is_file() else []
