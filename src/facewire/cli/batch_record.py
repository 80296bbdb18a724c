"""What the results in a batch's folder were made from: so that other options, or another photo, make them again.

    .facewire-batch.json    name of a result -> digest of the options, and of size and time of source and driver

A result that the record does not know is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from facewire.base.files import atomic_output

NAME = ".facewire-batch.json"
WHAT = frozenset(("command", "run", "source", "driving", "source_option", "driving_option", "more"))
HOW = frozenset(("output", "overwrite", "threads", "debug", "quiet", "json"))
"""Arguments that say nothing about what a result looks like, or that are looked at as files."""


class BatchRecord:
    """The record of one folder, written after every result."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._made: dict[str, Any] = {}
        with suppress(OSError, ValueError):  # none yet, or damaged: nothing is known then
            read = json.loads(self.path.read_text(encoding="utf-8"))
            self._made = read if isinstance(read, dict) else {}

    def is_other(self, result: Path, digest: str) -> bool:
        """Say whether a result is known to have been made from something else."""
        return bool(self._made.get(result.name, digest) != digest)

    def note(self, result: Path, digest: str) -> None:
        """Keep what a result was made from.

        Raises:
            OutputError: the record cannot be written.
        """
        self._made[result.name] = digest
        with atomic_output(self.path) as temporary:
            temporary.write_text(json.dumps(self._made, indent=1, sort_keys=True), encoding="utf-8")


def digest_of(given: argparse.Namespace, *files: Path) -> str:
    """Return what identifies a job: every option that changes its result, and the files it reads."""
    options = {name: repr(value) for name, value in vars(given).items() if name not in WHAT | HOW}
    stats = [path.stat() for path in files]
    seen = [options, [[stat.st_size, stat.st_mtime_ns] for stat in stats]]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]
