"""What happens inside `silent` looks no name up, connects nowhere, writes nowhere else and leaves no temporary file.

For what is too dear to be done once more in a process of its own, as tests/cli/test_privacy.py does it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.watch.sitecustomize import noteworthy

_listening: list[tuple[list[str], Collection[str]]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening:
        noted, may_write = _listening[-1]
        if note := noteworthy(event, arguments, may_write):
            noted.append(note)


sys.addaudithook(_hear)


@contextmanager
def silent(folder: Path, *results: Path) -> Iterator[None]:
    """Fail where something is not.

    `folder` is empty, and stands for the home and for temporary files; `results` may be written.
    """
    noted: list[str] = []
    watched = noted, [os.path.realpath(place) for place in (folder, *results)]
    _listening.append(watched)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(folder))
            patch.setenv("HOME", str(folder))
            patch.setenv("TMPDIR", str(folder))
            patch.setenv(
                "TORCHINDUCTOR_CACHE_DIR", str(folder / "inductor")
            )  # torch keeps the first it found
            patch.delenv("XDG_CACHE_HOME", raising=False)
            yield
    finally:
        _listening.remove(watched)
    assert not noted, noted
    assert [path for path in folder.rglob("*") if path.is_file()] == []
