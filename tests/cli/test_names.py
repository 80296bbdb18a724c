"""Names of files that the output's encoding lacks, or that are no Unicode at all, are shown with escapes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from facewire.base.files import name_bytes, read_json, write_json
from facewire.data.preparation.lists.videos import key_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
PLAIN = {"PYTHONIOENCODING": "ascii"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def rotated(photo: Path, name: bytes, folder: Path, variables: dict[str, str], *more: str) -> bytes:
    words = ["-m", "facewire.cli.main", "rotate", str(photo), "--yaw", "5", *more, "-o"]
    done = subprocess.run(
        [sys.executable.encode(), *(word.encode() for word in words), name],
        env=os.environ | variables,
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (os.fsencode(folder) + b"/" + name) in (os.fsencode(path) for path in folder.iterdir())
    return done.stdout


@pytest.mark.slow
def test_letters_that_ascii_lacks(photo: Path, tmp_path: Path) -> None:
    assert rotated(photo, "café.png".encode(), tmp_path, PLAIN) == b"caf\\xe9.png: 1 frame(s)\n"


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{}, PLAIN, C_LOCALE])
def test_bytes_that_are_no_unicode(photo: Path, tmp_path: Path, variables: dict[str, str]) -> None:
    assert b"\\udcff.png" in rotated(photo, b"caf\xff.png", tmp_path, variables)


@pytest.mark.slow
def test_json_carries_every_name(photo: Path, tmp_path: Path) -> None:
    report = json.loads(rotated(photo, b"caf\xff.png", tmp_path, PLAIN, "--json"))
    assert os.fsencode(report["output"]) == b"caf\xff.png"


def test_json_files_carry_every_name(tmp_path: Path) -> None:
    names = ["café", "odd \udcff", "two \\udcff backslashed"]
    write_json(tmp_path / "names.json", names)
    assert read_json(tmp_path / "names.json") == names
    assert "café" in (tmp_path / "names.json").read_text(encoding="utf-8")


def test_odd_names_are_keys_of_their_own() -> None:
    keys = {key_of(name) for name in ("v", "v\udcff", "v\udcfe", "vé")}
    assert len(keys) == 4
    assert all(key.isascii() for key in keys)
    assert name_bytes("vé\udcff") == "vé".encode() + b"\xff"
