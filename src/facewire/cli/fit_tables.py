"""facewire fit-tables: the coding tables of own or imported weights."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.animation.animator import Animator

NAME = "fit-tables"
EXAMPLES = """examples:
  facewire fit-tables --weights run/weights.safetensors --data clips/
  facewire fit-tables --weights mylp --data clips/ --clips 40
  facewire fit-tables --data clips/train -o tables/ --first-id 7

Without -o they go to NAME-tables/ beside the weights, where encode, record, decode and info find them. Talks that
were coded with other tables are decoded with those: keep them."""
OWN_IDS = range(1024, 65_500)
"""Numbers of tables that are not part of the package."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """What was done."""

    output: str
    clips: int
    frames: int
    keypoints: int
    tables: tuple[str, ...]
    first_id: int


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        NAME,
        help="make the coding tables of own or imported weights",
        description="Read the motion of clips with a model's networks and fit coding tables to it: fewer bytes a "
        "frame than with tables made for other networks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="folder of clips: square head crops, one person each"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="where to (default: NAME-tables/ beside the weights)"
    )
    parser.add_argument(
        "--clips", type=whole("clips", 1), metavar="N", help="only N clips, spread over the folder"
    )
    parser.add_argument(
        "--first-id",
        type=whole("first-id", 1, OWN_IDS.stop),
        metavar="N",
        help="number of the first table (default: from the weights' hash)",
    )
    options.add_model_options(parser)
    places.declare(
        parser,
        places.Input("data", places.any_folder),
        places.WEIGHTS,
        places.Output("output", folder=True),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.codec.fitting.rates import RATES, fit_rates
    from facewire.evaluation.codecs.motions import motions_of
    from facewire.evaluation.measuring.clips import find_clips
    from facewire.networks.presets import PRESETS
    from facewire.talks.coding_tables import family_of, folder_beside

    animator = options.animator_of(given)
    folder = given.output or folder_beside(_own_file(animator))
    clips = find_clips(Path(given.data), given.clips)
    bars = options.Bars(given.quiet, "clip")
    motions, canonical = motions_of(animator, clips, bars)
    first = given.first_id or _number(animator.manifest.sha256, len(RATES))
    preset = animator.manifest.preset
    names = []
    fitted = fit_rates(
        motions, canonical, folder, family=family_of(preset), first_id=first, ordered=preset in PRESETS
    )
    for name in fitted:
        names.append(name)
        bars("fitting", len(names), len(RATES))
    bars.close()
    report = FitReport(str(folder), len(motions), sum(map(len, motions)), len(canonical), tuple(names), first)
    options.show(
        report,
        given.json,
        lambda: [f"{folder}: {', '.join(names)}, from {report.frames} frames of {report.clips} clips"],
    )
    return 0


def _own_file(animator: Animator) -> Path:
    from facewire.base.errors import ConfigError
    from facewire.networks.manifest import PUBLISHED

    if animator.path is None or animator.path.parent == PUBLISHED:
        raise ConfigError("output", None, "-o DIR; the package's own folder is left as it is")
    return animator.path


def _number(sha256: str, count: int) -> int:
    """Return a number that weights of another hash hardly share; a stream's table hash decides in any case."""
    return OWN_IDS.start + int(sha256[:8], 16) % (len(OWN_IDS) // count) * count
