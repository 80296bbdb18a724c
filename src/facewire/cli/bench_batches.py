"""facewire bench batches: how many pictures a second the networks make in batches."""

from __future__ import annotations

import argparse
from typing import Any

from facewire.cli import options, places
from facewire.cli.arguments import number, whole

NAME = "bench batches"
"""See TWO_WORDS in main.py."""

EXAMPLES = """examples:
  facewire bench batches compact-256 --batch 8
  facewire bench batches compact-256 --device cuda --batch 64 --compile --json
  facewire bench batches paper-256 --device cuda --batch 16 --precision fp16 --compile

On a CPU `facewire bench` measures what a call reaches; this is PyTorch, for GPUs and for comparison."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        NAME,
        help="pictures a second in batches, in PyTorch on any device",
        description="Measure sender and receiver in batches in PyTorch, with fresh weights, beside what a large "
        "matrix product reaches on the device.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "preset",
        nargs="?",
        default="compact-256",
        metavar="PRESET|NAME",
        help="a preset, or weights that were imported (default: compact-256)",
    )
    parser.add_argument(
        "--batch", type=whole("batch", 1), default=8, metavar="N", help="pictures at once (default: 8)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    options.add_thread_option(parser)
    parser.add_argument(
        "--precision", choices=("auto", "bf16", "fp16", "fp32"), default="auto", help="default: auto"
    )
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile first; CUDA graphs on a GPU (minutes)"
    )
    parser.add_argument(
        "--seconds",
        type=number("seconds", 0, 3600),
        default=5.0,
        metavar="S",
        help="for sender and receiver each (default: 5)",
    )
    options.add_report_options(parser)
    places.declare(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.benchmarks.batches import measure
    from facewire.cli.train import device_of
    from facewire.training.precision import compute_type

    device = device_of(given.device)
    dtype = compute_type(given.precision, device)
    report = measure(
        given.preset, device, batch=given.batch, dtype=dtype, compiled=given.compile, seconds=given.seconds
    )
    options.show(report, given.json, lambda: _lines(report))
    return 0


def _lines(report: Any) -> list[str]:
    compiled = ", compiled" if report.compiled else ""
    return [
        f"{report.preset}, batch {report.batch}, {report.precision}{compiled}, {report.device}",
        f"receiver   {report.receiver_fps:g} frames per second, {report.receiver_ms:g} ms a batch, "
        f"{report.gmacs:g} GMAC a frame, {report.share_of_peak:.1%} of {report.machine_gflops:g} GFLOP/s",
        f"sender     {report.sender_fps:g} frames per second, {report.sender_ms:g} ms a batch, "
        f"{report.sender_gmacs:g} GMAC a frame",
        f"together   {report.fps:g} frames per second, {report.peak_mb:g} MB",
    ]
