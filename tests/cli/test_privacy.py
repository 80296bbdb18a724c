"""No command looks a name up, connects anywhere or writes outside its output and the cache.

Commands run in processes of their own, with a fresh home, under a hook that notes what Python itself does in them and
in all processes that they start (tests/cli/watch/sitecustomize.py). What libraries write is found in the home.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import facewire
from facewire.cli.main import COMMANDS, parser
from tests.conftest import ClipMaker

WATCH = Path(__file__).parent / "watch"
SOURCES = Path(facewire.__file__).parent.parent
ONE_AFTER_THE_OTHER = """
import json, sys
from facewire.cli.main import main
codes = []
for words in json.loads(sys.argv.pop()):
    sys.argv[1:] = words
    codes.append(main())
sys.exit(f"codes {codes}")
"""
WATCHED = {
    *("animate", "rotate", "record", "encode", "decode", "info", "demo", "loopback"),
    *("prepare", "train", "curves", "doctor", "web"),
}
ELSEWHERE = {
    "bench": "what it measures is what animate does",
    "bench batches": "what it measures is what animate does",
    "bench train": "what it measures is what train does",
    "call": "connects to the other side; its page is looked at in tests/call",
    "compare": "takes a while; its parts are those of encode, decode and curves",
    "evaluate": "takes a while; its parts are those of decode and curves",
    "export": "recorded and written in tests/conftest.py, in silence",
    "fit-tables": "reads talks and writes a file",
    "import": "reads a file and writes one",
    "signal": "is a server",
    "studio": "is a server on this machine; tests/studio",
}
"""Commands that are not run here, and why."""


class Home:
    """A fresh home, a folder to work in, and what was noted."""

    def __init__(self, place: Path) -> None:
        self.home, self.work, self.temporary = place / "home", place / "work", place / "tmp"
        self.noted = place / "noted.txt"
        for folder in (self.cache, self.work, self.temporary):
            folder.mkdir(parents=True)

    def run(self, *commands: Sequence[str | Path], **variables: str) -> str:
        """Run commands in one process, one after the other; return what they say and their exit codes."""
        words = json.dumps([list(map(str, command)) for command in commands])
        return self.python("-c", ONE_AFTER_THE_OTHER, words, **variables)

    def python(self, *words: str, **variables: str) -> str:
        """Run Python, watched; return what is said on standard error."""
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        may_write = (self.work, self.temporary, self.cache)
        environment = {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": f"{WATCH}{os.pathsep}{SOURCES}",
            "FACEWIRE_WATCH": str(self.noted),
            "FACEWIRE_MAY_WRITE": os.pathsep.join(map(os.path.realpath, may_write)),
            "OMP_NUM_THREADS": "1",
            "FACEWIRE_ENGINE": "torch",
        }
        return subprocess.run(
            [sys.executable, *words],
            env=kept | environment | variables,
            cwd=self.work,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        ).stderr

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "facewire"

    @property
    def notes(self) -> str:
        return self.noted.read_text(encoding="utf-8") if self.noted.exists() else ""

    @property
    def left(self) -> list[str]:
        """Everything in the home and the folder for temporary files, but the cache."""
        files = [*self.home.rglob("*"), *self.temporary.rglob("*")]
        return [str(path) for path in files if path.is_file() and not path.is_relative_to(self.cache)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def check(home: Home, said: str, *codes: int) -> None:
    assert said.rstrip().endswith(f"codes {list(codes)}"), said
    assert home.notes == ""
    assert home.left == []


@pytest.mark.parametrize(
    ("program", "noted"),
    [
        ("import socket\ntry: socket.getaddrinfo('example.invalid', 80)\nexcept OSError: pass", "example.invalid"),
        ("from pathlib import Path\nPath.home().joinpath('mine.txt').write_text('')", "mine.txt"),
        ("import os\nos.mkdir(os.path.expanduser('~/.mine'))", ".mine"),
        ("import os\nopen('a', 'w').close(), os.rename('a', os.path.expanduser('~/b'))", "os.rename"),
        ("open('a', 'w').close(), open('a').close()", ""),
    ],
)  # fmt: skip
def test_the_watch_notices(home: Home, program: str, noted: str) -> None:
    assert home.python("-c", program) == ""
    assert noted in home.notes
    assert bool(home.notes) == bool(noted)


def test_every_command_is_watched_or_says_why_not() -> None:
    (names,) = (list(action.choices) for action in parser()._subparsers._group_actions)  # type: ignore[union-attr,arg-type]
    assert len(names) == len(COMMANDS)
    assert sorted({*WATCHED, *ELSEWHERE}) == sorted(names)
    assert not WATCHED & ELSEWHERE.keys()


@pytest.mark.slow
def test_doctor_loads_every_engine_in_silence(home: Home) -> None:
    check(home, home.run(["doctor"]), 0)
    assert list(home.cache.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["auto", "onnxruntime"])
def test_engines_are_silent(
    home: Home, engine: str, photo: Path, driving: Path, request: pytest.FixtureRequest
) -> None:
    """Graphs of ONNX Runtime are in the cache: they are recorded and exported in silence, too (tests/silence.py)."""
    commands: list[list[str | Path]] = [["animate", photo, driving, "-o", "o.mp4", "--engine", engine]]
    if engine == "onnxruntime":
        graphs = request.getfixturevalue("onnx_graphs").folder
        shutil.copytree(graphs, home.cache / graphs.name)
        runtime = SOURCES.parent / "web" / "node_modules" / "onnxruntime-web" / "dist"
        if runtime.is_dir():  # else npm fetches it, which has a folder of its own in the home
            commands.append(["web", "-o", "site", "--runtime", runtime])
    check(home, home.run(*commands), *(0 for _ in commands))
    assert sorted(path.name for path in home.work.iterdir()) == ["o.mp4", "site"][: len(commands)]
    assert len(list(home.cache.glob("onnx-*"))) == (engine == "onnxruntime")


@pytest.mark.slow
def test_files_come_and_go_in_silence(
    home: Home, photo: Path, driving: Path, make_clip: ClipMaker, stand_in: Path
) -> None:
    make_clip(home.work / "clips" / "train", "a")
    said = home.run(
        ["rotate", photo, "-o", "turned.png", "--yaw", "20"],
        ["record", driving, "-o", "motion.fwv"],
        ["encode", driving, "-o", "talk.fwv"],
        ["info", "talk.fwv"],
        ["decode", "talk.fwv", "-o", "talk.mp4"],
        ["demo", "-o", "demo", "--frames", "1"],
        ["loopback", driving, "--seconds", "1", "--pictures", "0"],
        ["prepare", driving, "-o", "shards", "--workers", "1"],
        ["train", "tiny", "--data", "clips", "-o", "run", "--steps", "2", "--perceptual", stand_in],
        ["curves", "run"],
    )
    check(home, said, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0)
    assert list(home.cache.rglob("*.npy"))


@pytest.mark.slow
def test_training_downloads_nothing_unasked(home: Home, make_clip: ClipMaker) -> None:
    make_clip(home.work / "clips" / "train", "a")
    said = home.run(["train", "tiny", "--data", "clips", "-o", "run"])
    check(home, said, 7)
    assert "--fetch" in said
    assert said.count("\n") == 2
