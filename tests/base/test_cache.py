"""Where caches are, and what counts as a place where nothing can be kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facewire.base import cache

linux = pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps caches")


def test_the_cache_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path))
    assert cache.folder() == tmp_path


@linux
@pytest.mark.parametrize(
    ("xdg", "home", "expected"),
    [
        ("/big/caches", "/home/me", "/big/caches/facewire"),
        (None, "/home/me", "/home/me/.cache/facewire"),
        ("", "/home/me", "/home/me/.cache/facewire"),
        ("caches", "/home/me", "/home/me/.cache/facewire"),
        (None, "here", None),
    ],
)
def test_the_cache_is_where_the_system_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, xdg: str | None, home: str, expected: str | None
) -> None:
    monkeypatch.setenv("FACEWIRE_CACHE", "")
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if xdg is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    assert cache.folder() == (None if expected is None else Path(expected))


@linux
@pytest.mark.parametrize("place", ["/proc/facewire", "/dev/null", "/dev/null/facewire", "/sys/facewire"])
def test_what_cannot_be_written_is_told_even_to_root(place: str) -> None:
    assert cache.obstacle(Path(place))


def test_a_file_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    assert cache.obstacle(tmp_path / "cache" / "facewire")
    assert cache.obstacle(None) == "this user has no home folder"


def test_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert cache.obstacle(tmp_path / "new" / "cache") is None
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_folder_goes_with_the_process(tmp_path: Path) -> None:
    program = "from facewire.base import cache; f = cache.temporary(); (f / 'a').touch(); print(f)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert not Path(done.stdout.strip()).exists()
