"""No command looks a name up, connects anywhere or writes outside its output and the cache.

Every command runs in a process of its own, with a fresh home, under a hook that notes what Python itself does in it
and in all processes that it starts (tests/cli/watch/sitecustomize.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import facewire
from tests.conftest import ClipMaker

WATCH = Path(__file__).parent / "watch"
SOURCES = Path(facewire.__file__).parent.parent


class Home:
    """A fresh home, a folder to work in, and what was noted."""

    def __init__(self, place: Path) -> None:
        self.home, self.work, self.temporary = place / "home", place / "work", place / "tmp"
        self.noted = place / "noted.txt"
        for folder in (self.home, self.work, self.temporary):
            folder.mkdir()

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        environment = {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": f"{WATCH}{os.pathsep}{SOURCES}",
            "FACEWIRE_WATCH": str(self.noted),
            "OMP_NUM_THREADS": "1",
            "FACEWIRE_ENGINE": "torch",
        }
        return subprocess.run(
            [sys.executable, "-m", "facewire.cli.main", *words],
            env=kept | environment | variables,
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def connections(self) -> str:
        return self.noted.read_text(encoding="utf-8") if self.noted.exists() else ""

    @property
    def left(self) -> list[str]:
        """Everything in the home and the folder for temporary files, but the cache."""
        files = [*self.home.rglob("*"), *self.temporary.rglob("*")]
        kept = self.home / ".cache" / "facewire"
        return [str(path) for path in files if path.is_file() and not path.is_relative_to(kept)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def check(home: Home, done: subprocess.CompletedProcess[str], code: int = 0) -> None:
    assert done.returncode == code, done.stderr
    assert home.connections == ""
    assert home.left == []


def test_the_watch_notices(home: Home) -> None:
    program = "import socket\ntry: socket.getaddrinfo('example.invalid', 80)\nexcept OSError: pass"
    environment = os.environ | {"PYTHONPATH": str(WATCH), "FACEWIRE_WATCH": str(home.noted)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert "example.invalid" in home.connections


@pytest.mark.slow
def test_doctor_loads_every_engine_in_silence(home: Home) -> None:
    done = home.run("doctor")
    check(home, done)
    assert list(home.home.rglob("*")) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["auto", "onnxruntime"])
def test_engines_are_silent(
    home: Home, engine: str, photo: Path, driving: Path, request: pytest.FixtureRequest
) -> None:
    """Graphs of ONNX Runtime are in the cache: they are recorded and exported in silence, too (tests/silence.py)."""
    cache = home.home / ".cache" / "facewire"
    if engine == "onnxruntime":
        graphs = request.getfixturevalue("onnx_graphs").folder
        shutil.copytree(graphs, cache / graphs.name)
    check(home, home.run("animate", str(photo), str(driving), "-o", "o.mp4", "--engine", engine))
    assert [path.name for path in home.work.iterdir()] == ["o.mp4"]
    assert len(list(cache.glob("onnx-*"))) == (engine == "onnxruntime")


@pytest.mark.slow
def test_files_come_and_go_in_silence(home: Home, photo: Path, driving: Path) -> None:
    check(home, home.run("rotate", str(photo), "-o", "turned.png", "--yaw", "20"))
    check(home, home.run("record", str(driving), "-o", "motion.fwv"))
    check(home, home.run("encode", str(driving), "-o", "talk.fwv"))
    check(home, home.run("info", "talk.fwv"))
    check(home, home.run("decode", "talk.fwv", "-o", "talk.mp4"))
    check(home, home.run("loopback", str(driving), "--seconds", "1", "--pictures", "0"))
    check(home, home.run("prepare", str(driving), "-o", "shards", "--workers", "1"), code=3)


@pytest.mark.slow
def test_training_is_silent(home: Home, make_clip: ClipMaker, stand_in: Path) -> None:
    make_clip(home.work / "clips" / "train", "a")
    command = ("train", "tiny", "--data", "clips", "-o", "run", "--steps", "2", "--batch", "2")
    check(home, home.run(*command, "--perceptual", str(stand_in)))
    assert list(home.home.rglob("*.npy"))


@pytest.mark.slow
def test_training_downloads_nothing_unasked(home: Home, make_clip: ClipMaker) -> None:
    make_clip(home.work / "clips" / "train", "a")
    done = home.run("train", "tiny", "--data", "clips", "-o", "run")
    check(home, done, code=7)
    assert "--fetch" in done.stderr
    assert done.stderr.count("\n") == 1
