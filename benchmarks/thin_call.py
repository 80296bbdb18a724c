"""Whole calls on thin lines, in virtual time: every figure that docs/call.md gives of them, from one run.

    python benchmarks/thin_call.py CLIP --json docs/reports/thin-call.json

Both agents are the real ones, with the real face finder, networks, codecs and protocol (`facewire loopback`); the
networks are charged with 15 ms to read a face and 35 to draw it, and nothing is rendered. So the machine's speed
changes nothing but how long this takes: a minute for each ten minutes of call.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from facewire.animation.animator import Animator
from facewire.call.conversation.steering import Steering
from facewire.call.line.steps import STEPS
from facewire.call.loopback.loopback import Loopback, LoopbackSettings
from facewire.call.loopback.report import LoopbackReport
from facewire.call.person.engine import NetworkEngine
from facewire.engines.choice import open_engine
from facewire.media.frame import Pixels
from facewire.media.video import VideoReader
from facewire.talks.coding_tables import tables_of
from facewire.transport.link import LinkSettings
from facewire.transport.shapes import SHAPES

THIN_16 = LinkSettings(rate_kbit_per_s=16, delay_ms=300, queue_ms=2000)
THIN_24 = LinkSettings(rate_kbit_per_s=24, loss=0.02, delay_ms=50, queue_ms=1000)
LOSSY = LinkSettings(loss=0.2, delay_ms=40)
MOST_FRAMES = 250


def rows() -> dict[str, LoopbackSettings]:
    """Return the calls by their names, in the order in which they are made."""
    plain = LoopbackSettings(costs="fixed", pictures=0)
    ten_minutes = replace(plain, seconds=600.0, link=THIN_16)
    return (
        {f"perfect line, {step.name} all the time": plain for step in STEPS}
        | {"perfect line": plain, "perfect line, --thin": replace(plain, thin=True)}
        | {
            f"24 kbit/s, 2 % lost, seed {n}": replace(plain, seconds=40.0, link=THIN_24, seed=n)
            for n in range(5)
        }
        | {
            f"20 % lost, {name}": replace(
                plain, seconds=60.0, link=replace(LOSSY, **burst), thin="thin" in name
            )
            for name, burst in (
                ("bursts of up to 5", {"burst": 5, "longest_burst": 5}),
                ("mean burst 2.5", {"burst": 2.5}),
                ("mean burst 5", {"burst": 5}),
                ("bursts of up to 5, --thin", {"burst": 5, "longest_burst": 5}),
            )
        }
        | {name: replace(plain, seconds=80.0, link=shape) for name, shape in SHAPES.items()}
        | {"16 kbit/s, 600 ms, ten minutes": ten_minutes}
        | {"16 kbit/s, 600 ms, three minutes, --thin": replace(ten_minutes, seconds=180.0, thin=True)}
    )


def main() -> None:
    """Make the calls, print a line each, write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--only", default="", help="calls whose names hold this text")
    parser.add_argument("--engine", default="auto")
    given = parser.parse_args()
    with VideoReader(given.clip) as reader:
        frames = [frame.pixels for frame in islice(reader, MOST_FRAMES)]
    animator = Animator.load()
    networks, _ = open_engine(animator.model, animator.manifest.sha256, given.engine)
    engine = NetworkEngine(networks, animator.manifest.sha256)
    read: dict[int, Any] = {}
    report: dict[str, dict[str, Any]] = {}
    for name, settings in rows().items():
        if given.only in name:
            step = name.removeprefix("perfect line, ").removesuffix(" all the time")
            with held_at(step if name.endswith("all the time") else ""):
                report[name] = figures(call(animator, engine, frames, settings, read))
            print(
                f"{name:42}" + "  ".join(f"{key} {value}" for key, value in report[name].items()), flush=True
            )
    if given.json is not None:
        given.json.write_text(json.dumps({"schema": 1, "calls": report}, indent=1) + "\n", encoding="utf-8")


def call(
    animator: Animator,
    engine: NetworkEngine,
    frames: list[Pixels],
    settings: LoopbackSettings,
    read: dict[int, Any],
) -> LoopbackReport:
    """Make a call; what was read of the clip is kept for the next one."""
    one = Loopback(engine, animator.finder, tables_of(animator), frames, settings)
    one._performed = read
    return one.run()


@contextmanager
def held_at(name: str) -> Iterator[None]:
    """Send with the step of a name whatever the line is like; "": follow the line."""
    before = Steering.step
    held = next((step for step in STEPS if step.name == name), None)
    if held is not None:
        Steering.step = property(lambda self: held if self.known else STEPS[0])  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Steering.step = before  # type: ignore[method-assign]


def figures(report: LoopbackReport) -> dict[str, Any]:
    """Return what is told of a call; rates in kbit/s, times in ms unless they say s."""
    first = report.first_face_s
    return {
        "first face s": None if first is None else round(first, 2),
        "face": round(report.face_kbit_per_s, 2),
        "sound": round(report.sound_kbit_per_s, 2),
        "sound and face": round(report.ip_kbit_per_s, 2),
        "on the line": round(report.line_kbit_per_s, 2),
        "delay": round(report.delay_ms.median),
        "delay p95": round(report.delay_ms.p95),
        "delay growth": round(report.delay_growth_ms),
        "freeze": round(report.longest_cut_free_freeze_ms),
        "without news": round(report.longest_without_news_ms),
        "shown": round(report.delivered, 3),
        "sound covered": round(report.sound_concealed, 4),
        "sound to lips p95": round(report.lip_skew_ms.p95),
        "lost in a row": report.lost_in_a_row,
        "steps s": report.steps,
        "reconnects": report.reconnects,
        "reconnect s": report.reconnect_s,
    }


if __name__ == "__main__":
    main()
