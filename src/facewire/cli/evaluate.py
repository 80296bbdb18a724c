"""facewire evaluate: measure a model by one of the paper's protocols, or compare two reports."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options

if TYPE_CHECKING:
    from facewire.evaluation.compare import Comparison
    from facewire.evaluation.run import Outcome

EXAMPLES = """examples:
  facewire evaluate reconstruction --data clips/val -o report/ --nets nets/
  facewire evaluate reconstruction --weights run/ema.safetensors --data clips/val -o quick/ --stride 5 --clips 8
  facewire evaluate freeview --data clips/val -o freeview/
  facewire evaluate ablation --weights a.safetensors b.safetensors --data clips/val -o ablation/
  facewire evaluate --compare before/report.json after/report.json

The report is OUT/report.html and OUT/report.json. A run that was stopped goes on where it was. The exit code is 8 if a
clip failed; its reason is in the report."""

PROTOCOLS = ("reconstruction", "transfer", "freeview", "canonical", "occlusion", "ablation")
SOME_FAILED = 8
"""Exit code of a report in which rows are missing."""
MOST_WORKERS = 4


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a model",
        description="Measure a model by one of the paper's protocols, or compare two reports.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("protocol", nargs="?", metavar="PROTOCOL", choices=PROTOCOLS, help=", ".join(PROTOCOLS))
    parser.add_argument("--compare", nargs=2, metavar=("A.json", "B.json"), help="what changed from one report to another")
    parser.add_argument("--data", metavar="DIR", help="folder of clips: square head crops, one person each")
    parser.add_argument("-o", "--output", metavar="REPORT", help="folder of the report, made if need be")
    parser.add_argument("--clips", type=int, metavar="N", help="only N clips, spread over the folder")
    parser.add_argument("--stride", type=int, metavar="S", help="measure every S-th frame (default: by protocol)")
    parser.add_argument("--kept", "--keypoints", type=int, metavar="K", help="use only the first K keypoints")
    parser.add_argument("--nets", metavar="DIR", help="folder of the networks that some metrics need")
    parser.add_argument("--workers", type=int, metavar="N", help="clips measured at once (default: one per core, up to 4)")
    parser.add_argument(
        "--weights",
        nargs="+",
        default=["compact-256"],
        metavar="NAME|FILE",
        help="published name or file; several for ablation (default: compact-256)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    options.add_report_options(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.base.errors import ConfigError

    if given.compare is not None:
        if given.protocol is not None:
            raise ConfigError("protocol", given.protocol, "either a protocol or --compare")
        return _compare(given)
    if given.protocol is None or given.data is None or given.output is None:
        raise ConfigError("arguments", "too few", "facewire evaluate PROTOCOL --data DIR -o REPORT")
    outcome = _evaluate(given)
    if given.json:
        print(json.dumps(outcome.document, indent=2))
    else:
        print("\n".join(_lines(outcome)))
    for name, reason in outcome.summary.failed.items():
        options.note(f"{name}: {reason}")
    return SOME_FAILED if outcome.summary.failed else 0


def _evaluate(given: argparse.Namespace) -> Outcome:
    import torch

    from facewire.base.errors import ConfigError
    from facewire.evaluation.protocols import protocol_of
    from facewire.evaluation.run import evaluate
    from facewire.evaluation.settings import Settings

    protocol = protocol_of(given.protocol)
    if len(given.weights) > 1:
        raise ConfigError("weights", " ".join(given.weights), "one file; only ablation takes several")
    given.weights = given.weights[0]
    workers = given.workers if given.workers is not None else min(MOST_WORKERS, os.cpu_count() or 1)
    if workers < 1:
        raise ConfigError("workers", workers, "1 or more")
    if workers > 1:
        torch.set_num_threads(1)
    animator = options.animator_of(given)
    if given.kept is not None and not 1 <= given.kept <= animator.model.keypoints:
        raise ConfigError("kept", given.kept, f"1 to {animator.model.keypoints}")
    settings = Settings(
        stride=protocol.stride if given.stride is None else given.stride, kept=given.kept, clips=given.clips
    )
    bars = options.Bars(given.quiet)
    outcome = evaluate(
        given.protocol,
        animator,
        Path(given.data),
        Path(given.output),
        settings,
        nets=None if given.nets is None else Path(given.nets),
        workers=workers,
        progress=bars,
    )
    bars.close()
    return outcome


def _lines(outcome: Outcome) -> list[str]:
    """Return the numbers for people."""
    from facewire.evaluation.pages import shown

    rows = [("metric", "result", "baseline")]
    for entry in outcome.summary.entries.values():
        baseline = shown(entry.baseline) if entry.baseline is not None else ""
        result = f"not computed ({entry.absent})" if entry.absent else shown(entry.mean)
        rows.append((entry.metric.title, result, baseline))
    width = max(len(title) for title, _, _ in rows)
    lines = [f"{title:<{width}}  {result:>9}  {baseline:>9}".rstrip() for title, result, baseline in rows]
    good, every = len(outcome.summary.good), len(outcome.summary.rows)
    return [*lines, f"{outcome.page}: {good} of {every} rows"]


def _compare(given: argparse.Namespace) -> int:
    from facewire.base.files import read_json
    from facewire.evaluation.compare import compare

    comparison = compare(*(read_json(path) for path in given.compare))
    for warning in comparison.warnings:
        options.note(warning)
    options.show(comparison, given.json, lambda: _changes(comparison))
    return 0


def _changes(comparison: Comparison) -> list[str]:
    """Return a comparison for people."""
    from facewire.evaluation.pages import shown

    width = max((len(change.title) for change in comparison.changes), default=6)
    lines = [f"{'metric':<{width}}  {'before':>9}  {'after':>9}  {'change':>9}  95 % interval"]
    for change in comparison.changes:
        spread = f"{shown(change.interval[0])} to {shown(change.interval[1])}" if change.interval else ""
        numbers = "  ".join(f"{shown(value):>9}" for value in (change.before, change.after, change.difference))
        lines.append(f"{change.title:<{width}}  {numbers}  {spread:<18}  {change.verdict}")
    return [*lines, f"{comparison.clips} rows in both; people drawn with replacement"]
