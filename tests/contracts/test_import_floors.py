"""Which room may know which: imports go down the floors, never up, never sideways.

    7  cli
    6  evaluation, call, benchmarks, studio, web
    5  talks, training
    4  animation
    3  losses, metrics, engines
    2  networks, codec, data
    1  geometry, bitstream, media, face, transport
    0  base

`face` is built on `media` and `geometry`, its neighbours. The package's own `__init__` is the front door: it
may know every room, and the rooms know nothing of it but the version.

Within a room its folders and its own files are ordered too: no two of them need each other, and no files anywhere
import each other in a circle, however far inside a function.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

import facewire

ROOT = Path(facewire.__file__).parent

FLOORS = (
    {"base"},
    {"geometry", "bitstream", "media", "face", "transport"},
    {"networks", "codec", "data"},
    {"losses", "metrics", "engines"},
    {"animation"},
    {"talks", "training"},
    {"evaluation", "call", "benchmarks", "studio", "web"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NEIGHBOURS = {("face", "media"), ("face", "geometry")}

ONLY_IN = {"av": {"media"}, "PIL": {"media"}}
"""Libraries that one room has for itself."""
NEVER_IN = {"torch": {"bitstream", "codec", "base"}}
"""Libraries that a room must do without."""


@dataclass(frozen=True)
class File:
    """One source file: its room, its path below the package, its text."""

    room: str
    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree: every process that collects tests knows the files, one looks into them."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of it, walked through once."""
        return list(ast.walk(self.tree))


def parse(path: str, text: str) -> File:
    """Return the file; `path` is relative to the package, such as geometry/warp.py."""
    first, slash, _ = path.partition("/")
    return File(first if slash else "", path, text)


def source_files() -> list[File]:
    """Return every source file of the package."""
    return [
        parse(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    ]


def imported(file: File) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of everything that the file imports, wherever in the file."""
    for node in file.nodes:
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


@dataclass(frozen=True)
class Import:
    """One file of the package imports another: paths below the package without suffix, and the line."""

    importer: str
    line: int
    imported: str


def inner_imports(files: Iterable[File]) -> list[Import]:
    """Return every import of one file of the package by another, wherever it stands in the file."""
    files = list(files)
    known = {file.path.removesuffix(".py") for file in files}
    found = []
    for file in files:
        for line, name in imported(file):
            parts = name.split(".")[1:] if name.startswith("facewire.") else []
            for end in (len(parts), len(parts) - 1):
                target = "/".join(parts[:end])
                if target in known:
                    found.append(Import(file.path.removesuffix(".py"), line, target))
                    break
    return found


def circles(imports: Iterable[Import], node: Callable[[str], str]) -> list[str]:
    """Return a line for every import that closes a circle among the nodes that files belong to."""
    edges = [(node(i.importer), node(i.imported), i) for i in imports]
    after: dict[str, set[str]] = {}
    for start, end, _ in edges:
        after.setdefault(start, set()).add(end)

    @cache
    def reached(start: str) -> frozenset[str]:
        seen, open_ = set[str](), [start]
        while open_:
            fresh = after.get(open_.pop(), set()) - seen
            seen |= fresh
            open_ += fresh
        return frozenset(seen)

    return [
        f"{i.importer}.py:{i.line}: {start} and {end} need each other"
        for start, end, i in edges
        if start != end and start in reached(end)
    ]


def part_of_room(path: str) -> str:
    """Return the room's folder that a file lies in, or the file itself where it lies in the room."""
    return "/".join(path.split("/")[:2])


def _named(file: File, name: str) -> list[str]:
    """Return where a file speaks of `name`, plain or as an attribute."""
    found = []
    for node in file.nodes:
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


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(inner_imports(FILES), lambda path: path) == []


def test_the_folders_of_a_room_are_ordered() -> None:
    within = [i for i in inner_imports(FILES) if i.importer.split("/")[0] == i.imported.split("/")[0]]
    assert len(within) > 100
    assert circles(within, part_of_room) == []


def test_every_folder_says_what_it_is_for() -> None:
    silent = [f.path for f in FILES if f.path.endswith("/__init__.py") and not ast.get_docstring(f.tree)]
    assert silent == []


def test_every_room_says_what_goes_in_what_comes_out_and_who_may_import_it() -> None:
    for room in FLOOR:
        (text,) = [ast.get_docstring(f.tree) or "" for f in FILES if f.path == f"{room}/__init__.py"]
        assert "Goes in: " in text, room
        assert "Comes out: " in text, room
        assert "import" in text.partition("Comes out: ")[2], room


LISTS = {"cli", "metrics"}
"""Folders that hold alike things, one a file."""
MOST_FILES = 16


def test_no_folder_has_grown_into_a_hall() -> None:
    sizes = Counter(str(Path(file.path).parent) for file in FILES)
    assert {name: size for name, size in sizes.items() if size > MOST_FILES and name not in LISTS} == {}


def test_the_checker_sees_circles() -> None:
    files = [
        parse("call/a.py", "from facewire.call.page.b import x"),
        parse("call/page/b.py", "def f():\n    from facewire.call.c import x"),
        parse("call/c.py", "from facewire.call import a"),
    ]
    imports = inner_imports(files)
    assert len(circles(imports, lambda path: path)) == 3
    assert "call/page/b.py:2: call/page/b and call/c need each other" in circles(imports, lambda path: path)
    assert circles(imports[:2], lambda path: path) == []
    others = [*imports[:1], Import("call/page/d", 1, "call/a")]
    assert circles(others, lambda path: path) == []
    assert len(circles(others, part_of_room)) == 2


def test_every_folder_is_on_a_floor() -> None:
    rooms = {file.room for file in FILES} - {""}
    assert rooms <= FLOOR.keys()


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("geometry/a.py", "import facewire.networks.paper.head", "must not import networks"),
        ("geometry/a.py", "from facewire.networks import head", "must not import networks"),
        ("geometry/a.py", "from facewire import networks", "must not import networks"),
        ("geometry/a.py", "def f():\n    from facewire.losses.total import x", "must not import losses"),
        ("geometry/a.py", "from facewire.media.frame import Frame", "must not import media"),
        ("media/a.py", "from facewire.face.networks.mesh import Mesh", "must not import face"),
        ("networks/a.py", "from facewire.codec.state import State", "must not import codec"),
        ("training/a.py", "from facewire.evaluation.protocols.run import run", "must not import evaluation"),
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
        ("data/a.py", "from facewire.face.networks.mesh import Mesh"),
        ("cli/a.py", "from facewire.training.trainer import x\nfrom facewire import __version__"),
        ("networks/a.py", "from facewire.networks.paper.config import x\nimport torch"),
        ("media/a.py", "import av\nfrom PIL import Image"),
        ("__init__.py", "from facewire.animation.animator import Animator"),
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
