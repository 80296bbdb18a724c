"""facewire export: the networks as graphs that other engines run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facewire.cli import options, places

EXAMPLES = """examples:
  facewire export --format onnx -o facewire-onnx/
  facewire export --format openvino --precision bfloat16 -o facewire-openvino/

The folder holds four graphs (identity, find, read, render) and manifest.json, see docs/engines.md."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write sender and receiver as ONNX or OpenVINO graphs",
        description="Write sender and receiver as graphs with portable operators, with hashes and the weights' "
        "fingerprint beside them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--format", required=True, choices=("onnx", "openvino"), help="what to write")
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "bfloat16", "int8", "int8-float32"),
        help="of the receiver's convolutions; coordinates are float32 always (default: float32)",
    )
    parser.add_argument(
        "--weights", default="compact-256", metavar="NAME|FILE", help="which model (default: compact-256)"
    )
    options.add_thread_option(parser)
    options.add_report_options(parser)
    places.declare(parser, places.WEIGHTS, places.Output("output", folder=True))
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    import json

    from facewire.engines.graphs.exporting import export
    from facewire.networks.weights import load_model

    model, manifest = load_model(given.weights)
    if not given.quiet:
        options.note("recording and converting the networks, about half a minute")
    written = export(model, manifest.sha256, given.output, given.format, given.precision)
    files = {name: str(graph["file"]) for name, graph in written.graphs.items()}
    if given.json:
        report = {
            "output": str(written.folder),
            "format": written.format,
            "precision": written.precision,
            "weights_sha256": written.weights,
            "graphs": files,
        }
        print(json.dumps(report, indent=2))
    else:
        print(f"{written.folder}: {', '.join(files.values())}, weights {written.weights[:16]}")
    return 0
