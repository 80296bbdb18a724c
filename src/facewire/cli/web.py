"""facewire web: a folder that any static host can serve, with a player of .fwv files that runs in the page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facewire.cli import options, places

EXAMPLES = """examples:
  facewire web -o site/
  python -m http.server --directory site 8000     then open http://localhost:8000
  facewire web -o site/ --signal https://signal.example.org     its page of calls meets others there

The page plays .fwv files and lets the head be turned; everything is computed in the browser and nothing is uploaded.
docs/web.md says what a host should add. onnxruntime-web is fetched with npm once, or taken from --runtime."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "web",
        help="write a page that plays .fwv files in a browser",
        description="Write a folder for any static host: a player of .fwv files that runs wholly in the browser.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument(
        "--runtime",
        type=Path,
        metavar="DIR",
        help="the npm package onnxruntime-web, such as node_modules/onnxruntime-web (default: npm fetches it)",
    )
    parser.add_argument(
        "--signal",
        default="",
        metavar="URL",
        help="the signalling server (facewire signal --page) that the page of a call uses (default: its own host)",
    )
    parser.add_argument(
        "--weights", default="compact-256", metavar="NAME|FILE", help="which model (default: compact-256)"
    )
    options.add_report_options(parser)
    places.declare(
        parser,
        places.WEIGHTS,
        places.Input("runtime", places.any_folder),
        places.Output("output", folder=True),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    import json
    import tempfile

    from facewire.engines.artefact import FLOAT32, ONNX
    from facewire.engines.graphs.exporting import cached
    from facewire.networks.weights import load_model
    from facewire.web import runtime
    from facewire.web.finder_graphs import write_finder_graphs
    from facewire.web.folder import write_folder

    files = runtime.fetched() if given.runtime is None else runtime.found_in(given.runtime)
    model, manifest = load_model(given.weights)
    if not given.quiet:
        options.note("converting the networks; the first time that takes half a minute")
    graphs, remark = cached(model, manifest.sha256, ONNX, FLOAT32)
    if remark:
        options.note(remark)
    with tempfile.TemporaryDirectory() as temporary:
        finder = write_finder_graphs(Path(temporary))
        written = write_folder(graphs, finder, files, given.output, given.signal.rstrip("/"))
    if given.json:
        report = {"output": str(written.folder), "bytes": written.size, "fetched_bytes": written.fetched}
        print(json.dumps(report, indent=2))
    else:
        print(f"{written.folder}: {written.size / 1e6:.1f} MB, weights {graphs.weights[:16]}")
    return 0
