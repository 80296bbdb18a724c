"""facewire bench train: how fast training is on this machine."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    import torch

    from facewire.training.machine.ranks import Ranks

NAME = "bench train"
"""See TWO_WORDS in main.py."""

EXAMPLES = """examples:
  facewire bench train --json
  facewire bench train compact-256 --data shards/ --decode live --steps 50
  facewire bench train compact-256 --ranks 2 --precision bf16
  facewire bench train compact-256 --device cuda --batch 64 --precision bf16 --profile profile.txt

Without --data made-up clips are used, without --perceptual a VGG-19 with random numbers: as slow as the real one.
All losses are on, nothing is written."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        NAME,
        help="pairs a second in training, and the share of time waiting for data",
        description="Train for some steps and say how fast that was.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "preset", nargs="?", default="compact-256", metavar="PRESET", help="default: compact-256"
    )
    parser.add_argument("--data", metavar="SHARDS|DIR", help="shards or clips (default: made-up clips)")
    parser.add_argument(
        "--steps", type=whole("steps", 1), default=20, metavar="N", help="timed steps (default: 20)"
    )
    parser.add_argument(
        "--warm-up", type=whole("warm-up", 0), default=5, metavar="N", help="steps before those (default: 5)"
    )
    parser.add_argument(
        "--batch", type=whole("batch", 1), metavar="N", help="pairs in a step (default: the preset's)"
    )
    parser.add_argument("--precision", choices=("auto", "bf16", "fp16", "fp32"), help="default: auto")
    parser.add_argument(
        "--perceptual", nargs="+", default=[], metavar="FILE", help="network of the perceptual loss"
    )
    parser.add_argument("--face-perceptual", metavar="FILE", help="VGG-Face (paper presets)")
    parser.add_argument("--cache", metavar="DIR", help="folder for decoded clips")
    parser.add_argument(
        "--decode", choices=("auto", "first", "live"), default="auto", help="as facewire train"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    options.add_thread_option(parser)
    parser.add_argument(
        "--ranks",
        type=whole("ranks", 1),
        default=1,
        metavar="N",
        help="processes that train together (default: 1)",
    )
    parser.add_argument(
        "--slices", type=whole("slices", 1), metavar="N", help="parts of a batch (default: one for each rank)"
    )
    parser.add_argument(
        "--workers", type=whole("workers", 1), metavar="N", help="threads that prepare batches"
    )
    parser.add_argument("--compile", action="store_true", help="torch.compile the networks")
    parser.add_argument("--profile", metavar="FILE", help="also write a table of what takes longest")
    options.add_report_options(parser)
    places.declare(
        parser,
        places.Input("data", places.any_folder),
        places.Input("perceptual", places.network),
        places.Input("face_perceptual", places.network),
        places.Output("profile", places.ends_in(".txt")),
        places.Output("cache", folder=True),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.cli.train import device_of, launch
    from facewire.training.machine.ranks import joined_ranks, launched_ranks, local_device

    if given.ranks > 1 and launched_ranks() == 1:
        return launch(given.ranks)
    device = local_device(device_of(given.device))
    with joined_ranks(device) as ranks, TemporaryDirectory(prefix="facewire-bench-") as folder:
        _measure(given, device, ranks, Path(folder))
    return 0


def _measure(given: argparse.Namespace, device: torch.device, ranks: Ranks, folder: Path) -> None:
    from facewire.base.files import atomic_output, write_text
    from facewire.benchmarks import training as bench
    from facewire.cli.train import TrainBars, clips_of, networks_of
    from facewire.training.precision import flushed_denormals
    from facewire.training.recipes import recipe
    from facewire.training.run import FrozenNetworks, open_run, resolution

    bars = TrainBars(True)
    wanted = {name: getattr(given, name) for name in ("batch", "precision")}
    wanted["slices"] = given.slices or ranks.count
    config = replace(
        recipe(given.preset), **{name: value for name, value in wanted.items() if value is not None}
    )
    data = given.data or "made up"
    if given.data is None:
        bench.write_made_up_clips(folder, resolution(config))
        given.data, given.cache = str(folder), str(folder / "cache")
    networks = networks_of(given, bars) if given.perceptual else FrozenNetworks(bench.stand_in_vgg())
    with ranks.first_before_others():
        clips = clips_of(given, resolution(config), bars)
    trainer = open_run(
        config, clips, networks, folder, device, ranks=ranks, workers=given.workers, compiled=given.compile
    )
    with flushed_denormals():
        report = bench.measure(trainer, data, warm_up=given.warm_up, steps=given.steps)
        if given.profile is not None:
            table = bench.profile(trainer)
            if ranks.first:
                with atomic_output(given.profile, overwrite=given.overwrite) as temporary:
                    write_text(temporary, table)
    if ranks.first:
        options.show(report, given.json, lambda: _lines(report))


def _lines(report: Any) -> list[str]:
    return [
        f"{report.preset}, batch {report.batch}, {report.precision}, {report.ranks} ranks of {report.threads} "
        f"threads, {report.device}",
        f"{report.samples_per_s:.2f} pairs/s, {report.step_ms:.0f} ms a step, "
        f"{report.data_wait_share:.1%} waiting for data, {report.cpu_s_per_sample:.3f} processor seconds a pair, "
        f"{report.peak_mb:.0f} MB",
    ]
