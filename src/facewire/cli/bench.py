"""facewire bench: how fast this machine is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from facewire.cli import options, places
from facewire.cli.arguments import whole
from facewire.engines.processor.instruction_sets import LEVELS, levels_here

EXAMPLES = """examples:
  facewire bench
  facewire bench photo.jpg --engine torch --json
  facewire bench --no-paper --frames 40
  facewire bench --isa all --frames 40         a call as smaller processors would have it"""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench",
        help="measure sender and receiver on this machine",
        description="Measure sender, receiver and both at once: medians and 95th percentiles of every stage, "
        "memory, and the share of what this machine's processors can do. Leave the machine alone meanwhile.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "photo", nargs="?", help="a picture with a face (default: scikit-image's astronaut, if installed)"
    )
    parser.add_argument(
        "--frames", type=whole("frames", 1), default=100, metavar="N", help="timed frames (default: 100)"
    )
    parser.add_argument(
        "--threads", type=whole("threads", 1), metavar="N", help="processors to use (default: all)"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8", "int8-float32"),
        help="of the receiver's convolutions (default: what was measured to be the fastest)",
    )
    parser.add_argument(
        "--isa",
        type=_levels,
        metavar="NAME[,NAME]|all",
        help="instead: OpenVINO held to these instructions of the processor, in every number format that they have: "
        + ", ".join(LEVELS),
    )
    parser.add_argument(
        "--compile", action="store_true", help="with --engine torch: compile the renderer first"
    )
    parser.add_argument(
        "--no-paper",
        action="store_true",
        help="leave out the comparison with paper-256 (half a minute, 2 GB)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.json", help="also write the figures here")
    parser.add_argument(
        "--weights", default="compact-256", metavar="NAME|FILE", help="which model (default: compact-256)"
    )
    options.add_engine_option(parser)
    options.add_report_options(parser)
    places.declare(
        parser,
        places.Input("photo", places.photo),
        places.WEIGHTS,
        places.Output("output", places.ends_in(".json")),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.base.files import write_json
    from facewire.benchmarks.figures import measure
    from facewire.benchmarks.live import Settings

    settings = Settings(
        weights=given.weights,
        engine=given.engine,
        threads=given.threads,
        precision=given.precision,
        compiled=given.compile,
        frames=given.frames,
    )
    if given.isa is not None:
        _check_levels(given.isa)
    photo = _photo(given.photo)
    if not given.quiet:
        options.note("measuring, about a minute")
    if given.isa is not None:
        return _tell_levels(given, photo, settings)
    numbers = measure(photo, settings, paper_frames=0 if given.no_paper else 2)
    if given.output is not None:
        write_json(given.output, numbers, overwrite=given.overwrite)
    print(json.dumps(numbers, indent=2) if given.json else "\n".join(_lines(numbers)))
    return 0


def _levels(text: str) -> tuple[str, ...]:
    """Return which instructions are meant, of those that we know.

    Raises:
        ConfigError: unknown.
    """
    from facewire.base.errors import ConfigError

    levels = levels_here() if text == "all" else tuple(text.split(","))
    if not levels or not set(levels) <= LEVELS.keys():
        raise ConfigError("isa", text, f"all, or some of {', '.join(LEVELS)}")
    return levels


def _check_levels(levels: tuple[str, ...]) -> None:
    """Raise ConfigError unless this processor has them."""
    from facewire.base.errors import ConfigError

    here = levels_here()
    if not set(levels) <= set(here):
        raise ConfigError(
            "isa", ",".join(levels), f"what this processor has: {', '.join(here) or 'none of these'}"
        )


def _tell_levels(given: argparse.Namespace, photo: Any, settings: Any) -> int:
    from facewire.base.files import write_json
    from facewire.benchmarks.instructions import measure_levels

    rows = measure_levels(photo, given.isa, settings)
    if given.output is not None:
        write_json(given.output, rows, overwrite=given.overwrite)
    lines = [
        "isa     precision     receiver ms  (processor)  by float32  sender ms  (processor)  both fps   MB  PSNR dB"
    ]
    lines += [
        f"{row['isa']:7} {row['precision']:13} {row['receiver_ms']:11.2f}  {row['receiver_processor_ms']:11.2f}"
        f"  {row['receiver_by_float32']:10.2f}  {row['sender_ms']:9.2f}  {row['sender_processor_ms']:11.2f}"
        f"  {row['both_fps']:8.1f}  {row['peak_mb']:3}  {row['psnr_db'] or '':>7}"
        for row in rows
    ]
    print(json.dumps(rows, indent=2) if given.json else "\n".join(lines))
    return 0


def _photo(path: str | None) -> Any:
    from facewire.base.errors import ConfigError
    from facewire.media.image import load_image

    if path is not None:
        return load_image(path)
    try:
        from skimage.data import astronaut
    except ImportError as problem:
        raise ConfigError("photo", None, "facewire bench photo.jpg") from problem
    return astronaut()


def _lines(numbers: dict[str, Any]) -> list[str]:
    lines = [
        f"engine         {numbers['engine']}, {numbers['precision']}, {numbers['threads']} threads: {numbers['why']}",
        f"receiver       {_both(numbers['receiver_ms'])}, {numbers['receiver_fps']} frames per second",
        f"sender         {_both(numbers['sender_ms'])}, {numbers['sender_fps']} frames per second",
        f"both at once   {numbers['both_fps']} frames per second",
        f"photo of 1280  {numbers['photo_1280_fps']} frames per second, composed and written as a file",
        f"first frame    {numbers['first_frame_ms']:g} ms after loading began",
        f"peak memory    {numbers['peak_mb']:g} MB",
        f"receiver       {numbers['gmacs']} GMAC a frame, {100 * numbers['share_of_peak']:.0f} % of "
        f"{numbers['machine_gflops']} GFLOP/s in {numbers['peak_format']}",
    ]
    if numbers["paper_256_ratio"] is not None:
        lines.append(
            f"paper-256      {numbers['paper_256_ms']} ms a frame in torch, {numbers['paper_256_ratio']} times"
        )
    for title, key in (("stage", "stages_ms"), ("camera", "camera_ms"), ("people in turn", "identities_ms")):
        lines += [f"{title:14} {name}: {_both(value)}" for name, value in numbers[key].items()]
    lines += [f"frames in a row {name}: {value} per second" for name, value in numbers["batch_fps"].items()]
    return lines


def _both(value: dict[str, float]) -> str:
    return f"{value['median']} ms median, {value['p95']} ms p95"
