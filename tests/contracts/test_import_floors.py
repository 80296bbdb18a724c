"""Which room may know which: imports go down the floors, never up, never sideways.

    5  cli, web
    4  training, evaluation, call
    3  losses, metrics, runtime
    2  networks, codec, data
    1  geometry, bitstream, media, face, transport
    0  base

`face` is built on `media` and `geometry`, its neighbours. The package's own `__init__` is the front door: it
may know every room, and the rooms know nothing of it but the version.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import facewire

ROOT = Path(facewire.__file__).parent

FLOORS = (
    {"base"},
    {"geometry", "bitstream", "media", "face", "transport"},
    {"networks", "codec", "data"},
    {"losses", "metrics", "runtime"},
    {"training", "evaluation", "call"},
    {"cli", "web"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NEIGHBOURS = {("face", "media"), ("face", "geometry")}

ONLY_IN = {"av": {"media"}, "PIL": {"media"}}
"""Libraries that one room has for itself."""
NEVER_IN = {"torch": {"bitstream", "codec", "base"}}
"""Libraries that a room must do without."""


@dataclass(frozen=True)
class File:
    """One source file: its room, its path below the package, its syntax tree."""

    room: str
    path: str
    tree: ast.Module


def parse(path: str, text: str) -> File:
    """Return the file; `path` is relative to the package, such as geometry/warp.py."""
    first, slash, _ = path.partition("/")
    return File(first if slash else "", path, ast.parse(text))


def source_files() -> list[File]:
    """Return every source file of the package."""
    return [
        parse(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    ]


def imported(file: File) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of everything that the file imports, wherever in the file."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level
            else:
                for alias in node.names:
                    yield node.lineno, f"{node.module}.{alias.name}"


def import_faults(file: File) -> list[str]:
    """Return what is wrong with the imports of one file."""
    return [
        f"{file.path}:{line}: {fault}"
        for line, name in imported(file)
        for fault in (_fault(file.room, name),)
        if fault
    ]


def _fault(room: str, name: str) -> str:
    package, _, rest = name.partition(".")
    if name.startswith("."):
        return "relative import; write the full name"
    if package in ONLY_IN and room not in ONLY_IN[package]:
        return f"only {', '.join(ONLY_IN[package])} may import {package}"
    if package in NEVER_IN and room in NEVER_IN[package]:
        return f"{room} must not import {package}"
    if package != "facewire" or room == "":
        return ""
    target = rest.partition(".")[0]
    if target == "__version__" or target == room or (room, target) in NEIGHBOURS:
        return ""
    if room not in FLOOR or target not in FLOOR:
        return f"{room} or {target} is on no floor; add it to FLOORS"
    if FLOOR[target] >= FLOOR[room]:
        return f"{room} (floor {FLOOR[room]}) must not import {target} (floor {FLOOR[target]})"
    return ""


def _named(file: File, name: str) -> list[str]:
    """Return where a file speaks of `name`, plain or as an attribute."""
    found = []
    for node in ast.walk(file.tree):
        match node:
            case ast.Name(id=spoken) | ast.Attribute(attr=spoken):
                names = [spoken]
            case ast.ImportFrom(names=aliases):
                names = [alias.name for alias in aliases]
            case _:
                continue
        if name in names:
            found.append(f"{file.path}:{node.lineno}")
    return found


def sampler_faults(file: File) -> list[str]:
    """Return calls of the sampler outside its one place."""
    return [] if file.path == "geometry/warp.py" else _named(file, "grid_sample")


def print_faults(file: File) -> list[str]:
    """Return prints outside the command line."""
    return [] if file.room == "cli" else _named(file, "print")


FILES = source_files()


@pytest.mark.parametrize("file", FILES, ids=[file.path for file in FILES])
def test_every_file_keeps_to_its_floor(file: File) -> None:
    assert import_faults(file) == []
    assert sampler_faults(file) == []
    assert print_faults(file) == []


def test_every_folder_is_on_a_floor() -> None:
    rooms = {file.room for file in FILES} - {""}
    assert rooms <= FLOOR.keys()


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("geometry/a.py", "import facewire.networks.head", "must not import networks"),
        ("geometry/a.py", "from facewire.networks import head", "must not import networks"),
        ("geometry/a.py", "from facewire import networks", "must not import networks"),
        ("geometry/a.py", "def f():\n    from facewire.losses.total import x", "must not import losses"),
        ("geometry/a.py", "from facewire.media.frame import Frame", "must not import media"),
        ("media/a.py", "from facewire.face.mesh import Mesh", "must not import face"),
        ("networks/a.py", "from facewire.codec.state import State", "must not import codec"),
        ("training/a.py", "from facewire.evaluation.run import run", "must not import evaluation"),
        ("losses/a.py", "from .total import x", "relative import"),
        ("losses/a.py", "from facewire.attic.old import x", "no floor"),
        ("codec/a.py", "import torch", "must not import torch"),
        ("bitstream/a.py", "from torch.nn import functional", "must not import torch"),
        ("data/a.py", "import av", "only media"),
        ("cli/a.py", "from PIL import Image", "only media"),
    ],
)
def test_the_checker_sees_a_breach(path: str, text: str, fault: str) -> None:
    (found,) = import_faults(parse(path, text))
    assert fault in found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("face/a.py", "from facewire.media.frame import Frame\nfrom facewire.geometry.pose import x"),
        ("data/a.py", "from facewire.face.mesh import Mesh"),
        ("cli/a.py", "from facewire.training.trainer import x\nfrom facewire import __version__"),
        ("networks/a.py", "from facewire.networks.config import x\nimport torch"),
        ("media/a.py", "import av\nfrom PIL import Image"),
        ("__init__.py", "from facewire.runtime.animator import Animator"),
    ],
)
def test_the_checker_lets_good_files_pass(path: str, text: str) -> None:
    assert import_faults(parse(path, text)) == []


def test_the_checker_sees_samplers_and_prints() -> None:
    assert sampler_faults(parse("networks/a.py", "F.grid_sample(x, y)")) == ["networks/a.py:1"]
    assert sampler_faults(parse("networks/a.py", "from torch.nn.functional import grid_sample"))
    assert sampler_faults(parse("geometry/warp.py", "F.grid_sample(x, y)")) == []
    assert print_faults(parse("losses/a.py", "print(1)")) == ["losses/a.py:1"]
    assert print_faults(parse("cli/a.py", "print(1)")) == []
