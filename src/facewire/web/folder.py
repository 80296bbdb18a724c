"""The folder that a static host serves: a player of .fwv files, with everything that it needs.

OUT/*.html, *.js, *.css, codec/, face/, motion/, render/ ...     the pages, as they lie in site/
OUT/tables/      the coding tables of the package, the same files
OUT/graphs/      the graphs of receiver, sender and face finder, and weights.bin with the weights of them all
OUT/runtime/     onnxruntime-web, without and with WebGPU
OUT/manifest.json  whose weights these are; name, size and SHA-256 of what the pages fetch and keep
OUT/_headers     what a host that reads such a file adds: policy, and the isolation that threads need
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facewire import __version__
from facewire.base.errors import ConfigError, OutputError
from facewire.base.files import beside, sha256_of, write_advice, write_json
from facewire.codec.tables.shipped import FOLDER as TABLES
from facewire.engines.artefact import Artefact
from facewire.engines.graphs.names import FIND, IDENTITY, PICTURE, READ, RENDER
from facewire.face.pose import canonical_face
from facewire.web import runtime
from facewire.web.light_graphs import WEIGHTS, Wanted, write_light

SITE = Path(__file__).parent / "site"
OF_CALL = Path(__file__).parent.parent / "call" / "page" / "site"
SHARED = ("controls.js", "face.js", "page.css", "icon.svg")
"""Files of the page of a call that the player has too."""
SCHEMA = 3
ON_GRAPHICS = f"{RENDER}_webgpu"
"""The receiver's graph where a GPU computes it, in float32."""
_SIGNAL = re.compile(r"http(s?://[A-Za-z0-9.-]+(:[0-9]+)?)")
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'"
)
"""Of the page, which has it in its own head too: nothing is fetched from elsewhere or can be sent away. A signalling
server that was named is let through."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class WebFolder:
    """What was written: where, how many bytes in all, and how many of them a browser without WebGPU fetches once."""

    folder: Path
    size: int
    fetched: int


def write_folder(
    graphs: Artefact, finder: Mapping[str, Path], runtime_files: Path, folder: Path, signal: str = ""
) -> WebFolder:
    """Write everything into a new or empty folder; it appears complete or not at all.

    Args:
        graphs: exported as ONNX.
        finder: of `write_finder_graphs`.
        runtime_files: where the files of onnxruntime-web lie.
        folder: becomes the site.
        signal: address of the signalling server that the page of a call uses; "": the host of the page is one.

    Raises:
        ConfigError: `signal` is no such address.
        OutputError: the folder cannot be written or has something in it.
    """
    allowed = policy(signal)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(folder, "is there already: choose another folder or empty it")
    temporary = beside(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(SITE, temporary)
        for name in SHARED:
            shutil.copyfile(OF_CALL / name, temporary / name)
        for page in temporary.glob("*.html"):
            page.write_text(page.read_text(encoding="utf-8").replace("@POLICY@", allowed), encoding="utf-8")
        _copy(TABLES, temporary / "tables", [path.name for path in TABLES.glob("*.json")])
        _copy(runtime_files, temporary / "runtime", runtime.FILES)
        wanted = _wanted(graphs, finder)
        (temporary / "graphs").mkdir()
        halves = write_light(wanted, temporary / "graphs")
        manifest = _manifest(graphs, wanted, temporary) | {"halves": halves, "signal": signal}
        write_json(temporary / "manifest.json", manifest)
        (temporary / "_headers").write_text(_headers(allowed), encoding="utf-8")
        with suppress(OSError):
            folder.rmdir()  # an empty one
        temporary.rename(folder)
    except OSError as problem:
        raise OutputError(folder, write_advice(problem)) from problem
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    spared = {manifest["runtimes"]["webgpu"]["program"], ON_GRAPHICS}
    fetched = sum(entry["bytes"] for name, entry in manifest["files"].items() if name not in spared)
    return WebFolder(folder, size, fetched)


def _copy(source: Path, target: Path, names: tuple[str, ...] | list[str]) -> None:
    target.mkdir()
    for name in names:
        shutil.copyfile(source / name, target / name)


def _wanted(graphs: Artefact, finder: Mapping[str, Path]) -> dict[str, Wanted]:
    own = {name: Wanted(graphs.file(name)) for name in (IDENTITY, FIND, READ)}
    shown = {
        RENDER: Wanted(graphs.file(RENDER), (PICTURE,), person=graphs.file(IDENTITY)),
        ON_GRAPHICS: Wanted(graphs.file(RENDER), (PICTURE,), graphics=True),
    }
    return own | shown | {name: Wanted(path) for name, path in finder.items()}


def _manifest(graphs: Artefact, names: Iterable[str], folder: Path) -> dict[str, Any]:
    kept = {"weights": f"graphs/{WEIGHTS}"}
    kept |= {name: f"graphs/{name}.onnx" for name in names}
    kept |= {_program(name): f"runtime/{files.program}" for name, files in runtime.PROGRAMS.items()}
    return {
        "schema": SCHEMA,
        "facewire": __version__,
        "weights": graphs.weights,
        "resolution": graphs.resolution,
        "keypoints": graphs.keypoints,
        "canonical_face": _canonical_face(),
        "runtimes": {
            name: {
                "module": f"runtime/{files.module}",
                "loader": f"runtime/{files.loader}",
                "program": _program(name),
            }
            for name, files in runtime.PROGRAMS.items()
        },
        "files": {
            name: {
                "file": file,
                "bytes": (folder / file).stat().st_size,
                "sha256": sha256_of(folder / file),
            }
            for name, file in kept.items()
        },
    }


def _program(name: str) -> str:
    return f"program_{name}"


def _canonical_face() -> dict[str, list[Any]]:
    """Return the points that a pose is fitted to: which of the mesh, where, and how much each counts."""
    face = canonical_face()
    used = np.flatnonzero(face.weights)
    return {
        "indices": used.tolist(),
        "points": face.points[used].reshape(-1).tolist(),
        "weights": face.weights[used].tolist(),
    }


def policy(signal: str) -> str:
    """Return what the pages may do, with a signalling server of another host.

    Raises:
        ConfigError: it is no address of one.
    """
    if not signal:
        return POLICY
    found = _SIGNAL.fullmatch(signal)
    if not found:
        raise ConfigError("signal", signal, "http(s)://HOST[:PORT], the address of a signalling server")
    return POLICY.replace("connect-src 'self'", f"connect-src 'self' {signal} ws{found[1]}")


def _headers(allowed: str) -> str:
    headers = {**HEADERS, "Content-Security-Policy": allowed}
    return "/*\n" + "".join(f"  {name}: {value}\n" for name, value in headers.items())
