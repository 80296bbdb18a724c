"""`-` on the command line: standard input and output as bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from facewire.base.errors import MediaError
from facewire.base.files import atomic_output, check_regular_file
from facewire.cli.places import PIPE


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Yield the bytes of a file, or standard input for "-".

    Raises:
        MediaError: there is no such file.
    """
    if path == PIPE:
        yield sys.stdin.buffer
        return
    check_regular_file(Path(path))
    try:
        with Path(path).open("rb") as stream:
            yield stream
    except PermissionError as error:
        raise MediaError(path, "no permission to read it: change its permissions") from error


@contextmanager
def sink(path: str, *, overwrite: bool | None = True) -> Iterator[BinaryIO]:
    """Yield where bytes go: a file that appears when it is whole, or standard output for "-"."""
    if path == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with atomic_output(path, overwrite=overwrite is not False) as temporary, temporary.open("wb") as stream:
        yield stream
