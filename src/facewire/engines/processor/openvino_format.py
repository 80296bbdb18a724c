"""OpenVINO's file format: a graph is read; graphs/openvino_writing.py writes it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from facewire.engines.processor.library import loaded


class Ir(NamedTuple):
    """A graph as OpenVINO reads it: its text (XML) and the bytes of its constants."""

    text: bytes
    constants: bytes


def version() -> str:
    """Return the version of OpenVINO; ImportError where it is missing."""
    openvino = loaded()

    return str(openvino.__version__).partition("-")[0]


def read_ir(file: Path) -> Ir:
    """Return a written graph (.xml, with its .bin)."""
    return Ir(file.read_bytes(), file.with_suffix(".bin").read_bytes())
