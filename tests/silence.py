"""What happens inside `silent` looks no name up, connects nowhere and leaves no temporary file.

For what is too dear to be done once more in a process of its own, as tests/cli/test_privacy.py does it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.watch.sitecustomize import noteworthy

_listening: list[list[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and (note := noteworthy(event, arguments)):
        _listening[-1].append(note)


sys.addaudithook(_hear)


@contextmanager
def silent(folder: Path) -> Iterator[None]:
    """Fail where something is not; `folder` is empty, and takes temporary files."""
    noted: list[str] = []
    _listening.append(noted)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(folder))
            yield
    finally:
        _listening.remove(noted)
    assert noted == []
    assert [path for path in folder.rglob("*") if path.is_file()] == []
