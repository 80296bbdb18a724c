"""Where onnxruntime-web comes from: its npm package in one version, unpacked in the cache or given as a folder.

It is not part of this package: its programs are 14 and 17 MB, and npm keeps and checks them.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from facewire.base import cache
from facewire.base.errors import ConfigError, OutputError
from facewire.base.files import beside, write_advice

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of its archive, as npm writes it; web/package-lock.json has the same."""


class Program(NamedTuple):
    """A build of it: what a page imports, what that imports, and the program that both run."""

    module: str
    loader: str
    program: str


PROGRAMS: Mapping[str, Program] = {
    "wasm": Program("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    "webgpu": Program(
        "ort.jspi.min.mjs", "ort-wasm-simd-threaded.jspi.mjs", "ort-wasm-simd-threaded.jspi.wasm"
    ),
}
"""By what they compute on; the second one also computes on the first's."""
FILES = tuple(name for program in PROGRAMS.values() for name in program)


def found_in(folder: Path) -> Path:
    """Return where the files lie in a folder of the unpacked package.

    Raises:
        ConfigError: they are not there.
    """
    for place in (folder / "dist", folder):
        if _is_whole(place):
            return place
    raise ConfigError("runtime", str(folder), f"a folder of the npm package {PACKAGE} {VERSION}")


def fetched() -> Path:
    """Return where the files lie in the cache, after npm has fetched them if they are not there yet.

    Raises:
        OutputError: npm is not there or cannot fetch them, or there is no place for them.
    """
    kept = cache.folder()
    place = (
        kept if kept is not None and cache.obstacle(kept) is None else cache.temporary()
    ) / f"{PACKAGE}-{VERSION}"
    if not _is_whole(place):
        _fetch(place)
    return found_in(place)


def _is_whole(place: Path) -> bool:
    return all((place / name).is_file() for name in FILES)


def _fetch(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise OutputError(
            PACKAGE, "npm is not there to fetch it: install Node, or give --runtime a folder that has it"
        )
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"],
            cwd=temporary,
            capture_output=True,
            text=True,
            check=False,
        )
        archives = list(Path(temporary).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise OutputError(
                PACKAGE, "npm could not fetch it: check the network, or give --runtime a folder"
            )
        unpack(archives[0], place)


def unpack(archive: Path, place: Path) -> None:
    """Put the files of the package's archive into a folder, which appears whole or not at all.

    Raises:
        OutputError: the archive is not the one of this version, or the folder cannot be written.
    """
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise OutputError(archive.name, f"is not {PACKAGE} {VERSION} as it was published")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(place)
        temporary.mkdir()
        with tarfile.open(archive) as packed:
            for name in FILES:
                content = packed.extractfile(f"package/dist/{name}")
                assert content is not None
                (temporary / name).write_bytes(content.read())
        shutil.rmtree(place, ignore_errors=True)  # of a version that needed fewer files
        temporary.rename(place)
    except OSError as problem:
        raise OutputError(place, write_advice(problem)) from problem
