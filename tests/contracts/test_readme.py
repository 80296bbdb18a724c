"""The README says what the reports say, and its tree names what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_tables_are_those_of_the_reports() -> None:
    script = ROOT / "scripts" / "readme_tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_place_in_the_tree_exists_and_every_room_is_in_the_tree() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = set(re.findall(r"^      (\w+)/  ", text, flags=re.MULTILINE))
    real = {path.name for path in (ROOT / "src" / "facewire").iterdir() if path.is_dir()} - {"__pycache__"}
    assert rooms == real
    for place in re.findall(r"^    ((?:docs|scripts|benchmarks|tests)\S*)", text, flags=re.MULTILINE):
        assert (ROOT / place).exists(), place


def test_documents_that_the_readme_points_to_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for place, heading in re.findall(r"\]\((?!http)([^)#]+)#?([^)]*)\)", text):
        assert (ROOT / place).exists(), place
        assert not heading or heading in _headings(ROOT / place), f"{place}#{heading}"


def _headings(document: Path) -> set[str]:
    """Return the headings of a document as links name them."""
    lines = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}
