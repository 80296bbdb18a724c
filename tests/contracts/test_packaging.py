"""What an installed package holds: every data file of the source tree, and nothing of the tests."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "src" / "facewire"


def test_every_data_file_is_declared_as_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["facewire"]
    data = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]
    assert data
    assert [name for name in data if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)] == []


def test_weights_are_few_and_small() -> None:
    weights = {path.stem: path.stat().st_size for path in (PACKAGE / "weights").glob("*.safetensors")}
    assert set(weights) == {"compact-256", "paper-128"}
    assert sum(weights.values()) < 20e6
