"""facewire evaluate: measure a model by one of the paper's protocols, or compare two reports."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.animation.animator import Animator
    from facewire.evaluation.measuring.compare import Comparison
    from facewire.evaluation.protocols.run import Outcome

EXAMPLES = """examples:
  facewire evaluate reconstruction --data clips/val -o report/ --nets nets/
  facewire evaluate reconstruction --weights run/ema.safetensors --data clips/val -o quick/ --stride 5 --clips 8
  facewire evaluate reconstruction --data clips/val -o report/ --nets nets/ --fetch
  facewire evaluate freeview --data clips/val -o freeview/
  facewire evaluate ablation --weights a.safetensors b.safetensors --data clips/val -o ablation/
  facewire evaluate --compare before/report.json after/report.json

The report is REPORT/report.html and REPORT/report.json. A run that was stopped goes on where it was. The exit code
is 8 if a clip failed; its reason is in the report."""

ABLATION = "ablation"
PROTOCOLS = ("reconstruction", "transfer", "freeview", "canonical", "occlusion", ABLATION)
Shown = tuple[Mapping[str, Any], list[str], Mapping[str, str]]
"""A document, its lines for people, and what failed with its reason."""
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
    parser.add_argument(
        "protocol", nargs="?", metavar="PROTOCOL", choices=PROTOCOLS, help=", ".join(PROTOCOLS)
    )
    parser.add_argument(
        "--compare", nargs=2, metavar=("A.json", "B.json"), help="what changed from one report to another"
    )
    parser.add_argument("--data", metavar="DIR", help="folder of clips: square head crops, one person each")
    parser.add_argument("-o", "--output", metavar="REPORT", help="folder of the report, made if need be")
    parser.add_argument(
        "--clips", type=whole("clips", 1), metavar="N", help="only N clips, spread over the folder"
    )
    parser.add_argument(
        "--stride",
        type=whole("stride", 1),
        metavar="S",
        help="measure every S-th frame (default: by protocol)",
    )
    parser.add_argument(
        "--looks",
        type=whole("looks", 1),
        default=2,
        metavar="N",
        help="reconstruction: 1 reads the motion of a frame by itself, each further look corrects it by what the "
        "receiver would show, as encode does (default: 2)",
    )
    parser.add_argument(
        "--kept", "--keypoints", type=whole("kept", 1), metavar="K", help="use only the first K keypoints"
    )
    parser.add_argument("--nets", metavar="DIR", help="folder of the networks that some metrics need")
    parser.add_argument(
        "--fetch", action="store_true", help="download what LPIPS, DISTS and FID need into --nets, 890 MB"
    )
    parser.add_argument(
        "--workers",
        type=whole("workers", 1),
        metavar="N",
        help="clips measured at once (default: one per core, up to 4)",
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        default=["compact-256"],
        metavar="NAME|FILE",
        help="published name or file; several for ablation (default: compact-256)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    options.add_thread_option(parser)
    options.add_report_options(parser)
    places.declare(
        parser,
        places.Input("compare"),
        places.Input("data", places.any_folder),
        places.WEIGHTS,
        places.Output("output", folder=True),
    )
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
    if given.protocol != ABLATION and len(given.weights) > 1:
        raise ConfigError("weights", " ".join(given.weights), "one file; only ablation takes several")
    if given.fetch:
        _fetch(given)
    elif given.nets is not None:
        places.networks(given.nets)
    document, lines, failed = _ablate(given) if given.protocol == ABLATION else _evaluate(given)
    print(json.dumps(document, indent=2) if given.json else "\n".join(lines))
    for name, reason in failed.items():
        options.note(f"{name}: {reason}")
    return SOME_FAILED if failed else 0


def _fetch(given: argparse.Namespace) -> None:
    """Download the published networks; what cannot be had is told, and the metric left out with its reason."""
    from facewire.base.errors import ConfigError
    from facewire.evaluation.measuring.panel import fetch_published

    if given.nets is None:
        raise ConfigError("fetch", "without --nets", "--nets DIR, the folder to put the networks into")
    for problem in fetch_published(Path(given.nets)):
        options.note(problem)


def _evaluate(given: argparse.Namespace) -> Shown:
    outcome = _measure(given, given.protocol, _load(given, given.weights[0]), Path(given.output))
    return outcome.document, _lines(outcome), outcome.summary.failed


def _ablate(given: argparse.Namespace) -> Shown:
    from facewire.evaluation.measuring.clips import find_clips
    from facewire.evaluation.protocols.ablation import ablate

    if given.kept is not None and len(given.weights) > 1:
        for weights in given.weights:  # each is measured for long before the next one is loaded
            _load(given, weights)
    outcome = ablate(
        given.weights,
        lambda weights: _load(given, weights),
        lambda animator, folder: _measure(given, "reconstruction", animator, folder),
        find_clips(Path(given.data), given.clips),
        Path(given.output),
        given.kept,
    )
    return outcome.document, [f"{outcome.page}: {len(outcome.variants)} models"], outcome.failed


def _load(given: argparse.Namespace, weights: str) -> Animator:
    """Load one of the weights."""
    from facewire.base.errors import ConfigError

    animator = options.animator_of(argparse.Namespace(weights=weights, device=given.device))
    if given.kept is not None and not 1 <= given.kept <= animator.keypoints:
        raise ConfigError("kept", given.kept, f"1 to {animator.keypoints}")
    return animator


def _measure(given: argparse.Namespace, protocol: str, animator: Animator, folder: Path) -> Outcome:
    """Run a protocol with a progress bar."""
    from facewire.evaluation.measuring.settings import Settings
    from facewire.evaluation.protocols.registry import protocol_of
    from facewire.evaluation.protocols.run import evaluate

    stride = protocol_of(protocol).stride if given.stride is None else given.stride
    bars = options.Bars(given.quiet)
    outcome = evaluate(
        protocol,
        animator,
        Path(given.data),
        folder,
        Settings(stride=stride, kept=given.kept, looks=given.looks, clips=given.clips),
        nets=None if given.nets is None else Path(given.nets),
        workers=_workers(given),
        progress=bars,
    )
    bars.close()
    return outcome


def _workers(given: argparse.Namespace) -> int:
    """Return how many rows are computed at once; each then has one thread of its own."""
    import torch

    from facewire.base.processors import processors

    workers: int = given.workers if given.workers is not None else min(MOST_WORKERS, processors())
    if workers > 1:
        torch.set_num_threads(1)
    return workers


def _lines(outcome: Outcome) -> list[str]:
    """Return the numbers for people."""
    from facewire.evaluation.reports.pages import absences, shown

    rows = [("metric", "result", "baseline")]
    for entry in outcome.summary.entries.values():
        if not entry.absent:
            baseline = "" if entry.baseline is None else shown(entry.baseline)
            rows.append((entry.metric.title, shown(entry.mean), baseline))
    width = max(len(title) for title, _, _ in rows)
    lines = [f"{title:<{width}}  {result:>9}  {baseline:>9}".rstrip() for title, result, baseline in rows]
    lines += [f"not computed: {line}" for line in absences(outcome.summary)]
    good, every = len(outcome.summary.good), len(outcome.summary.rows)
    return [*lines, f"{outcome.page}: {good} of {every} rows"]


def _compare(given: argparse.Namespace) -> int:
    from facewire.base.files import read_json
    from facewire.evaluation.measuring.compare import compare

    comparison = compare(*(read_json(path) for path in given.compare))
    for warning in comparison.warnings:
        options.note(warning)
    options.show(comparison, given.json, lambda: _changes(comparison))
    return 0


def _changes(comparison: Comparison) -> list[str]:
    """Return a comparison for people."""
    from facewire.evaluation.reports.pages import shown

    width = max((len(change.title) for change in comparison.changes), default=6)
    lines = [f"{'metric':<{width}}  {'before':>9}  {'after':>9}  {'change':>9}  95 % interval"]
    for change in comparison.changes:
        spread = f"{shown(change.interval[0])} to {shown(change.interval[1])}" if change.interval else ""
        numbers = "  ".join(
            f"{shown(value):>9}" for value in (change.before, change.after, change.difference)
        )
        lines.append(f"{change.title:<{width}}  {numbers}  {spread:<18}  {change.verdict}")
    return [*lines, f"{comparison.clips} rows in both; people drawn with replacement"]
