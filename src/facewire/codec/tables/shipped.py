"""The tables that come with the package, beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from facewire.codec.tables.artefact import CodecTables
from facewire.codec.tables.shelf import Shelf

FOLDER = Path(__file__).parent
DEFAULT = "compact-standard"
"""Tables for the compact model at the rate where the picture does not suffer."""


@cache
def shipped() -> Shelf:
    """Return all of them."""
    return Shelf(FOLDER)


def shipped_tables(name: str = DEFAULT) -> CodecTables:
    """Return tables by name.

    Raises:
        ConfigError: there are none of this name.
        HashMismatch: the file is not the one of the manifest.
    """
    return shipped().named(name)


def find_shipped(table: int, digest: bytes) -> CodecTables | None:
    """Return the tables that a stream names by id and the first 8 bytes of their hash, or None."""
    return shipped().find(table, digest)
