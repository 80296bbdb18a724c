"""facewire doctor: what was found on this machine, what will be used, what it costs and what is missing."""

from __future__ import annotations

import argparse
from typing import Any

from facewire.cli import options, places

EXAMPLES = """examples:
  facewire doctor
  facewire doctor --json"""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="what this machine can run, and what is missing",
        description="Tell what was found, which engine will be used and why, what it costs and what is missing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights", default="compact-256", metavar="NAME|FILE", help="which model (default: compact-256)"
    )
    options.add_report_options(parser)
    places.declare(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command; exit code 0 if a call could be made with what is here."""
    from facewire.engines.health import examine

    health = examine(given.weights)
    options.show(health, given.json, lambda: _lines(health))
    return 0 if health.usable else 4


def _lines(health: Any) -> list[str]:
    lines = [
        f"facewire {health.facewire}, Python {health.python}, {health.system}",
        f"processor   {health.processor}, {health.processors} to use; {health.memory_gb:g} GB memory",
    ]
    for finding in health.engines:
        lines.append(f"{finding.name:11} {'ok     ' if finding.usable else 'missing'} {finding.detail}")
    for extra in health.extras:
        lines.append(f"{extra.name:11} {'ok     ' if extra.usable else 'missing'} {extra.detail}")
    lines.append(f"weights     {health.weights}")
    lines.append(f"engine      {health.engine}: {health.reason}")
    lines.append(f"formats     {health.formats}")
    lines.append(f"costs       {health.costs}")
    lines.append(f"cache       {health.cache}")
    return lines
