"""facewire curves: how training runs went, as a page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from facewire.cli import places

EXAMPLES = """examples:
  facewire curves run/
  facewire curves run-a/ run-b/ -o beside.html
  facewire curves run/ --json

A run that still goes on is shown as far as it is."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "curves",
        help="show how training runs went",
        description="Draw the losses of one or more runs of facewire train beside each other, with their newest "
        "pictures.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of facewire train")
    parser.add_argument(
        "-o", "--output", metavar="PAGE.html", help="the page (default: curves.html in the first folder)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the numbers at the end of each run as JSON"
    )
    places.declare(
        parser,
        places.Input("runs", places.any_folder),
        places.Output("output", places.ends_in(".html", ".htm")),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.evaluation.reports.curves import curves_page, read_curves
    from facewire.evaluation.reports.page import write_page

    runs = [read_curves(Path(folder)) for folder in given.runs]
    output = Path(given.output or Path(given.runs[0], "curves.html"))
    write_page(curves_page(runs), output, overwrite=given.overwrite is not False)
    if given.json:
        found = [
            {"run": run.name, "steps": run.steps, "last": {term: run.last(term) for term in run.terms}}
            for run in runs
        ]
        print(json.dumps({"page": str(output), "runs": found}, indent=2))
    else:
        print(f"{output}: {len(runs)} {'run' if len(runs) == 1 else 'runs'}")
    return 0
