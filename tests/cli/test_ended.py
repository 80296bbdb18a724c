"""Commands that are told to end while they write: nothing is left, nothing runs on, one line is said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ClipMaker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has fewer signals"),
]
LONG_S = 400.0
"""For machines that are busy; otherwise a command begins within seconds."""
LONG = ("--yaw", "0:30:-30:0", "--seconds", "600")
"""A sweep that takes longer than any test waits."""


def started(*words: str, temporary: Path) -> subprocess.Popen[str]:
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "facewire.cli.main", *words],
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LONG_S
    while not true():
        assert process.poll() is None, process.communicate()[1]
        if time.monotonic() > end:
            process.kill()
            process.communicate()
            pytest.fail("nothing has begun")
        time.sleep(0.02)


def end(process: subprocess.Popen[str], number: int) -> str:
    process.send_signal(number)
    _, said = process.communicate(timeout=LONG_S)
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_video_half_written_goes(photo: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    process = started("rotate", str(photo), "-o", str(out / "o.mp4"), *LONG, temporary=tmp_path / "tmp")
    wait_until(lambda: list(out.glob(".facewire-*")), process)
    said = end(process, signal.Signals[name])
    assert name in said
    assert list(out.iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_export_half_written_goes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    process = started("export", "--format", "openvino", "-o", str(out / "graphs"), temporary=tmp_path / "tmp")
    wait_until(lambda: list(out.glob(".facewire-*")), process)
    end(process, signal.SIGTERM)
    assert list(out.iterdir()) == []


def test_nohup_lets_a_command_run_on(photo: Path, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = started(
            *("rotate", str(photo), "-o", str(tmp_path / "o.mp4"), "--yaw", "0:20", "--seconds", "0.4"),
            temporary=tmp_path / "tmp",
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_until(lambda: list(tmp_path.glob(".facewire-*")), process)
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, said
    assert (tmp_path / "o.mp4").exists()


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in children.read_text(encoding="utf-8").split()]


@pytest.fixture(scope="module")
def raw(make_clip: ClipMaker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a video that takes a while."""
    folder = tmp_path_factory.mktemp("raw")
    make_clip(folder, "long", frames=250, side=256, labels=False)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="processes are listed in /proc")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_workers_end_with_the_command(raw: Path, tmp_path: Path, name: str) -> None:
    """However the command goes, its workers go too, with their temporary files and without a word."""
    temporary = tmp_path / "tmp"
    process = started(
        *("prepare", str(raw), "-o", str(tmp_path / "shards"), "--workers", "1"),
        temporary=temporary,
    )
    wait_until(lambda: len(workers_of(process)) >= 2 and busy(workers_of(process)[-1]), process)
    workers = workers_of(process)
    process.send_signal(signal.Signals[name])
    _, said = process.communicate(timeout=LONG_S)  # ends only when no worker holds standard error any more
    assert "Traceback" not in said
    deadline = time.monotonic() + LONG_S
    while any(runs(worker) for worker in workers):
        assert time.monotonic() < deadline, "workers run on"
        time.sleep(0.02)
    assert not list(tmp_path.rglob(".facewire-*"))
    assert list(temporary.iterdir()) == []


def runs(worker: int) -> bool:
    """Say whether a process is there; one that has ended and is waited for by nobody (Z) is not."""
    try:
        return Path(f"/proc/{worker}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def busy(worker: int) -> bool:
    """Say whether a process has the raw video open."""
    with contextlib.suppress(OSError):  # a file that was closed meanwhile
        return any(file.resolve().name == "long.mp4" for file in Path(f"/proc/{worker}/fd").iterdir())
    return False
