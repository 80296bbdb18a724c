"""The golden streams: the same bytes out of the encoder, the same values out of the decoder, on every machine.

They change only with `cd tests && python -m codec.regenerate --regen`, and then the format's major version does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facewire.codec.tables.artefact import CodecTables

from .golden_streams import FOLDER, STREAMS, decoded_vectors, write_stream
from .motion import Floats

TESTS = Path(__file__).parents[1]


def test_all_are_there() -> None:
    assert {path.stem for path in FOLDER.glob("*.fwv")} == set(STREAMS)


@pytest.mark.parametrize("name", STREAMS)
def test_decoder(name: str, golden: dict[str, bytes], tables: CodecTables) -> None:
    np.testing.assert_array_equal(decoded_vectors(golden[name], tables), np.load(FOLDER / f"{name}.npy"))


@pytest.mark.parametrize("name", STREAMS)
def test_encoder(name: str, golden: dict[str, bytes], tables: CodecTables, motion: Floats) -> None:
    assert write_stream(name, motion, tables) == golden[name]


def test_nothing_is_regenerated_without_the_switch() -> None:
    before = {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()}
    command = [sys.executable, "-m", "codec.regenerate", "--tables"]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--regen" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()} == before
