"""Fill the README's tables and tree from reports, so that no number is typed by hand.

    python scripts/readme_tables.py            rewrite README.md
    python scripts/readme_tables.py --check    fail if it is out of date

Reads docs/reports/reconstruction.json (facewire evaluate reconstruction) and docs/reports/speed.json
(benchmarks/frame_speed.py); fills whatever stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from facewire.base.files import read_json

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
REPORTS = ROOT / "docs" / "reports"
WORST = 5


def main() -> int:
    """Rewrite or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    filled = fill(text)
    if check and filled != text:
        print("README.md is out of date: python scripts/readme_tables.py", file=sys.stderr)
        return 1
    README.write_text(filled, encoding="utf-8")
    return 0


def fill(text: str) -> str:
    """Return the text with every table replaced."""
    tables = {
        "quality": quality(read_json(REPORTS / "reconstruction.json")),
        "worst": worst(read_json(REPORTS / "reconstruction.json")),
        "speed": speed(read_json(REPORTS / "speed.json")),
    }
    for name, table in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not (begin and end):
            raise SystemExit(f"README.md needs a <!-- {name} --> block")
        text = before + begin + table + "\n" + end + after
    return text


def quality(report: dict[str, Any]) -> str:
    """Return the table of all metrics against the static source picture."""
    rows = ["| measure | better | Facewire | source picture repeated |", "|---|---|---|---|"]
    for name, entry in report["metrics"].items():
        if entry["mean"] is None:
            continue
        unit = f", {entry['unit']}" if entry["unit"] else ""
        still = report["baseline"].get(name)
        cells = (f"{entry['title']}{unit}", entry["better"], _number(entry["mean"]), _number(still))
        rows.append("| " + " | ".join(cells) + " |")
    absent = [entry["title"] for entry in report["metrics"].values() if entry["mean"] is None]
    return "\n".join(rows) + (f"\n\nNot computed here: {', '.join(absent)}." if absent else "")


def _number(value: float | None) -> str:
    """Return a number with as many digits as mean something."""
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def worst(report: dict[str, Any]) -> str:
    """Return the clips with the largest L1."""
    clips = sorted(report["metrics"]["l1"]["per_clip"].items(), key=lambda item: -item[1])[:WORST]
    still = report["baseline_per_clip"]["l1"] if "baseline_per_clip" in report else {}
    rows = ["| worst clips | L1 | source picture repeated |", "|---|---|---|"]
    rows += [f"| {name} | {value:.1f} | {still.get(name, float('nan')):.1f} |" for name, value in clips]
    return "\n".join(rows)


def speed(report: dict[str, Any]) -> str:
    """Return the table of speeds."""
    rows = ["| what | value |", "|---|---|"]
    rows += [f"| {name.replace('_', ' ')} | {value} |" for name, value in report.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
