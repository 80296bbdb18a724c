"""Graphs that OpenVINO has compiled for this processor, kept in the user's cache: a quarter of the work is left.

    CACHE/compiled/GRAPH-KEY.blob     SHA-256 of the rest, then what OpenVINO exports

The key is made of the graph, of OpenVINO and of the processor with what it may be asked to leave unused. A file that
is damaged, or that cannot be written, is as good as none.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from facewire.base import cache
from facewire.base.errors import OutputError
from facewire.base.files import atomic_output
from facewire.engines.processor.instruction_sets import limit
from facewire.engines.processor.library import loaded

FOLDER = "compiled"
_DIGEST = hashlib.sha256().digest_size


def machine_key(core: Any) -> str:
    """Return what compiled graphs and measurements depend on besides the graph."""
    openvino = loaded()

    name = core.get_property("CPU", "FULL_DEVICE_NAME")
    able = ",".join(sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")))
    return f"{openvino.__version__} {name} {able} {limit()}"


def place(graph: str, fingerprint: str, machine: str) -> Path | None:
    """Return where a compiled graph is kept; None where nothing can be, and while oneDNN is held to less."""
    folder = cache.folder()
    if folder is None or limit():
        return None
    key = hashlib.sha256(f"{fingerprint} {machine}".encode()).hexdigest()[:16]
    return folder / FOLDER / f"{graph}-{key}.blob"


def read(file: Path | None) -> bytes | None:
    """Return a compiled graph; None if there is none, or none that is whole."""
    if file is None:
        return None
    try:
        data = file.read_bytes()
    except OSError:
        return None
    blob = data[_DIGEST:]
    return blob if hashlib.sha256(blob).digest() == data[:_DIGEST] else None


def keep(file: Path, blob: bytes) -> None:
    """Keep a compiled graph if it can be written."""
    with suppress(OSError, OutputError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(file) as temporary:
            temporary.write_bytes(hashlib.sha256(blob).digest() + blob)
