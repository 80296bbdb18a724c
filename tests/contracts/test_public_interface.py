"""The public interface: the checked-in list of names, the page that describes them, and that they are there."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import facewire

ROOT = Path(__file__).parent.parent.parent
NAMES = {
    "Animator",
    "DecodeOptions",
    "EncodeOptions",
    "FacewireError",
    "HeadMotion",
    "Person",
    "RecordedMotion",
    "__version__",
    "decode",
    "encode",
    "evaluate",
    "load",
    "record",
    "turn",
}
"""A name may be added; one that is taken away or renamed breaks programs of others and needs a new major version."""
METHODS = {
    "Animator": {"load", "person", "render", "use"},
    "HeadMotion": {"cat", "relative", "turned", "turned_at_neck"},
}


def test_no_public_name_has_disappeared() -> None:
    assert set(facewire.__all__) >= NAMES
    for name in facewire.__all__:
        assert getattr(facewire, name) is not None
    for name, methods in METHODS.items():
        assert methods <= set(dir(getattr(facewire, name)))


def test_the_page_names_what_is_public_and_nothing_else() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", page, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    assert named | {"__version__"} == set(facewire.__all__)


def test_the_page_has_the_arguments_as_they_are() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in ("load", "record", "turn", "encode", "decode", "evaluate"):
        (written,) = re.findall(rf"^\| `{name}\((.*)\)` \|", page, flags=re.MULTILINE)
        real = inspect.signature(getattr(facewire, name)).parameters
        assert [part.split("=")[0].strip() for part in written.split(",")] == list(real)


def test_every_public_name_says_what_it_is() -> None:
    for name in set(facewire.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(facewire, name))


def test_importing_the_package_is_light() -> None:
    code = "import sys, facewire; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
