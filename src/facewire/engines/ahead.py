"""Engines that begin to open before anybody needs them: graphs are loaded while everything else is imported.

run of a command --begin--> thread: engine, then the face finder's networks
                 imports ...
Animator.use     --take---> that engine, or one that is opened now
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final
from weakref import WeakKeyDictionary

from facewire.base.errors import FacewireError
from facewire.base.processors import processors
from facewire.engines.choice import AUTO, OPENVINO, Choice, choose, face_networks, open_faces, open_shipped
from facewire.engines.engine import Engine
from facewire.engines.processor.library import loaded
from facewire.engines.shipped_graphs import comes_with_graphs
from facewire.face.backend import FaceNetworks
from facewire.networks.manifest import WeightsFile

Opened = tuple[Engine, Choice]
_begun: Final[dict[tuple[Path, str], Future[Opened | None]]] = {}
_faces: Final[WeakKeyDictionary[Engine, FaceNetworks]] = WeakKeyDictionary()


def begin(weights: str | Path, wanted: str) -> None:
    """Begin to open what `take` will be asked for, if that is OpenVINO with the shipped weights.

    What is wrong is said where the engine is asked for.

    The library is imported here: where two threads import at once, each waits for the other.

    Args:
        weights: name or path.
        wanted: one of choice.ENGINES.
    """
    with suppress(FacewireError, ImportError):
        file = WeightsFile.of(weights)
        if wanted in (AUTO, OPENVINO) and comes_with_graphs(file.manifest.sha256):
            loaded()
            promised = _begun[file.path, wanted] = Future()
            Thread(target=_open, args=(file, wanted, promised), daemon=True).start()


def take(weights: WeightsFile, wanted: str) -> Opened:
    """Return what `choice.open_shipped` returns: the one that was begun, if there is one.

    Raises:
        ConfigError, WeightsError, HashMismatch: see there.
    """
    promised = _begun.pop((weights.path, wanted), None)
    return (promised.result() if promised else None) or open_shipped(weights, wanted)


def faces_beside(engine: Engine | None) -> FaceNetworks | None:
    """Return what `choice.face_networks` returns: those that were begun, if there are any."""
    begun = None if engine is None else _faces.get(engine)
    return begun or face_networks(engine)


def _open(file: WeightsFile, wanted: str, promised: Future[Opened | None]) -> None:
    """Open an engine; whatever hinders it hinders `take` too."""
    done = None
    with suppress(Exception):
        if choose(wanted).name == OPENVINO:
            faces = open_faces(processors())  # a face is looked for before anything else
            engine, _ = done = open_shipped(file, wanted)
            if faces is not None:
                _faces[engine] = faces
    promised.set_result(done)
