"""What `python -m build` makes: a wheel and an sdist that install and work where no checkout is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return wheel and sdist, made from what git holds (the wheel from the sdist, as `python -m build` does)."""
    folder = tmp_path_factory.mktemp("distribution")
    copy, made = folder / "copy", folder / "made"
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).symlink_to(ROOT / name)
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), str(copy), cwd=folder)
    (wheel,), (sdist,) = made.glob("*.whl"), made.glob("*.tar.gz")
    return wheel, sdist


def test_both_hold_the_same_package(built: tuple[Path, Path]) -> None:
    wheel, sdist = built
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("facewire/")}
    with tarfile.open(sdist) as archive:
        source = {name.partition("/src/")[2] for name in archive.getnames() if "/src/facewire/" in name}
    assert packed
    assert packed <= source
    here = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "facewire").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert packed == here


@pytest.mark.parametrize("kind", [0, 1], ids=["wheel", "sdist"])
def test_it_installs_and_does_the_demo_outside_the_checkout(
    built: tuple[Path, Path], kind: int, tmp_path: Path
) -> None:
    """Installed by pip to a folder of its own; what it depends on comes from the environment of the tests."""
    target = tmp_path / "installed"
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
    _run(
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        "--target",
        str(target),
        str(built[kind]),
        cwd=tmp_path,
    )
    # -P and a foreign folder keep the checkout away, -S the link to it in site-packages.
    path = os.pathsep.join((str(target), sysconfig.get_paths()["purelib"]))
    environment = {"PYTHONPATH": path, "FACEWIRE_ENGINE": "torch"}
    program = (sys.executable, "-S", "-P", "-m", "facewire.cli.main")
    where = _run(
        *program[:-2], "-c", "import facewire; print(facewire.__file__)", cwd=tmp_path, more=environment
    )
    assert Path(where.strip()).is_relative_to(target)
    said = _run(
        *(*program, "demo", "-o", "out", "--frames", "2", "--json", "-q"),
        cwd=tmp_path,
        more=environment,
    )
    assert json.loads(said)["frames"] == 2
    assert len(list((tmp_path / "out").iterdir())) == 3


def _run(*words: str, cwd: Path, more: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | (more or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout
