"""facewire compare: our bits against H.264, H.265, AV1 and VVC on the user's own clips."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.evaluation.codecs.compare import Comparison

EXAMPLES = """examples:
  facewire compare me.mp4 -o report/
  facewire compare clips/val --crop none -o report/ --nets nets/
  facewire compare me.mp4 -o quick/ --frames 100 --methods file x264
  facewire compare me-in-hd.mp4 -o large/ --size 512
  facewire compare clips/ -o gfvc/ --protocol gfvc

The report is REPORT/report.html and REPORT/report.json. A run that was stopped goes on where it was. VVC is
measured if imageio-ffmpeg (pip install facewire[vvc]) or an ffmpeg with libvvenc is there. The exit code is 8 if
something failed."""

SOME_FAILED = 8


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="compare our codec with ordinary ones",
        description="Code the same head crops with Facewire, x264, x265, SVT-AV1 and VVenC at several rates, with "
        "low-delay and with best settings, and state the ratio of rates at equal quality.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="videos, or folders of videos")
    parser.add_argument("-o", "--output", required=True, metavar="REPORT", help="folder, made if need be")
    parser.add_argument(
        "--clips", dest="most", type=whole("clips", 1), metavar="N", help="only N clips of a folder, spread"
    )
    parser.add_argument(
        "--frames",
        type=whole("frames", 2),
        metavar="N",
        help="only the first N frames of a clip (default: 750, with --protocol gfvc 250)",
    )
    parser.add_argument(
        "--size",
        type=whole("size", 256, 1024),
        metavar="N",
        help="side of the pictures that all code, 256 to 1024; clips must show heads as large (default: 256)",
    )
    parser.add_argument(
        "--stride", type=whole("stride", 1), metavar="S", help="measure every S-th frame (default: 5)"
    )
    parser.add_argument(
        "--protocol",
        choices=("talks", "gfvc"),
        default="talks",
        help="gfvc: as generative face video coding is compared: 250 frames, the key picture in every rate and at "
        "four qualities, motion at three steps, anchors at half the size, too (default: talks)",
    )
    parser.add_argument("--nets", metavar="DIR", help="folder of the networks that some metrics need")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="only methods of these names or with these words in them; 'refresh' stands for ours with other "
        "refreshes than the default, or none",
    )
    parser.add_argument(
        "--crop", choices=("auto", "none"), default="auto", help="as for encode (default: auto)"
    )
    options.add_model_options(parser)
    places.declare(
        parser,
        places.Input("clips", places.file_or_folder),
        places.Input("nets", places.networks),
        places.WEIGHTS,
        places.Output("output", folder=True),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.evaluation.codecs.compare import STRIDE, CompareSettings, compare_codecs

    settings = CompareSettings(
        crop_mode=given.crop,
        stride=STRIDE if given.stride is None else given.stride,
        clips=given.most,
        protocol=given.protocol,
        frames=given.frames,
        size=given.size,
        methods=tuple(given.methods),
    )
    animator = options.animator_of(given)
    bars = options.Bars(given.quiet)
    done = compare_codecs(
        animator,
        [Path(clip) for clip in given.clips],
        Path(given.output),
        settings,
        nets=None if given.nets is None else Path(given.nets),
        progress=bars,
    )
    bars.close()
    print(json.dumps(done.document, indent=2) if given.json else "\n".join(_lines(done)))
    for name, reason in done.failed.items():
        options.note(f"{name}: {reason}")
    return SOME_FAILED if done.failed else 0


def _lines(done: Comparison) -> list[str]:
    """Return our rates and the ratios for people."""
    from facewire.evaluation.codecs.rates import ACCOUNTS

    lines = _rates(done.document)
    for metric in done.curves.metrics:
        lines.append(f"{metric.title}: the anchor's rate by ours at equal quality, all bytes counted")
        for anchor in done.curves.anchors:
            for account in ACCOUNTS:
                ratio = done.curves.ratio(anchor, metric, account)
                if ratio is not None:
                    number = ratio.reason if ratio.overall is None else f"{ratio.overall:.2f}"
                    lines.append(f"  {anchor:<18} {account:<36} {number}")
    lines += _bjontegaard(done.document)
    absent = [f"not measured: {name}: {why}" for name, why in done.document["absent_methods"].items()]
    return [*lines, *absent, f"{done.page}: {len(done.curves.clips)} clips"]


def _bjontegaard(document: Mapping[str, Any]) -> list[str]:
    """Return how many per cent more bits than ours each anchor needs."""
    lines = []
    for metric, anchors in document["bjontegaard_percent"].items():
        lines.append(f"{metric}: Bjontegaard rate of the anchor against ours, {document['account']}")
        for anchor, rate in anchors.items():
            lines.append(f"  {anchor:<28} {rate if isinstance(rate, str) else f'{rate:+.0f} %'}")
    return lines


def _rates(document: Mapping[str, Any]) -> list[str]:
    """Return what ours takes at each setting: motion, refreshes, and all with the first picture spread."""
    from facewire.evaluation.codecs.methods import OURS
    from facewire.evaluation.codecs.rates import HORIZONS, MOTION

    lines = []
    for method, settings in document["curves"].items():
        if not method.startswith(OURS):
            continue
        for setting, point in settings.items():
            rates, refreshes = point["kbit_per_s"], point["refresh_kbit_per_s"]
            spread = ", ".join(f"{rates[horizon]:.2f} over {horizon}" for horizon in HORIZONS)
            lines.append(
                f"{method}, {setting}: motion {rates[MOTION] - refreshes:.2f} kbit/s, refreshes {refreshes:.2f}; "
                f"with the first picture {spread}"
            )
    return lines
