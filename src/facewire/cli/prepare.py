"""facewire prepare: from raw videos to shards of clips that training reads."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import number, whole

if TYPE_CHECKING:
    from facewire.data.preparation.lists.videos import RawVideo
    from facewire.data.preparation.run import PrepareReport
    from facewire.data.preparation.settings import PrepareConfig

SOME_FAILED = 8
SETTINGS = {
    "size": (whole("size", 64), "N", "side of the clips in pixels"),
    "least_seconds": (number("least_seconds", 0), "S", "shortest clip"),
    "most_seconds": (number("most_seconds", 0), "S", "longest clip; longer takes are cut into equal pieces"),
    "least_face": (
        number("least_face", 0, 1),
        "SHARE",
        "least height of the face in the video, as a share of --size",
    ),
    "least_motion": (
        number("least_motion", 0),
        "SHARE",
        "least movement within the face, as a share of its size",
    ),
    "least_sharpness": (
        number("least_sharpness", 0),
        "X",
        "least variance of the Laplacian of grey levels, at 256 pixels for any --size",
    ),
    "most_enlarged": (
        number("most_enlarged", 0, open_below=True),
        "X",
        "most times a head may be enlarged to --size; 1 refuses all enlarging (default: no limit)",
    ),
    "least_bits": (number("least_bits", 0), "X", "least bits per pixel and frame of the video file"),
    "val_share": (
        number("val_share", 0, 1),
        "SHARE",
        "identities that go to validation, where the list does not say",
    ),
    "seed": (whole("seed", 0), "N", "of that split"),
    "crf": (whole("crf", 0, 51), "N", "x264 quality, smaller is better"),
    "shard_bytes": (whole("shard_bytes", 1), "N", "a shard is closed when it is larger"),
}

WRITTEN = ("manifest.json", "videos.csv", "clips.csv", "rejected.csv", "summary.html")
"""What lies beside the shards."""

EXAMPLES = """examples:
  facewire prepare raw/ -o shards/                      again: goes on where it stopped
  facewire prepare videos.csv -o shards/ --size 512     lines PATH[,IDENTITY[,train|val]]
  find raw -name '*.mts' | facewire prepare - -o shards/          a list through a pipe
  facewire prepare raw/ -o shards/ --workers 16
  facewire prepare raw/ -o /shared/shards --cluster auto          a Ray cluster; "local" tries it here
  facewire prepare youtube/ -o vox2/ --recipe voxceleb2 --list vox2_dev_txt/txt
  facewire prepare train/1min_clips/ -o th1kh/ --recipe talkinghead-1kh --list train_video_tubes.txt
  facewire train compact-256 --data shards/ -o run/

Without a list, the first folder below RAW_DIR names the person, else the file does; nobody is in both train and val.
The shards are WebDataset tars; summary.html shows what was kept and what was thrown away, rejected.csv why.

exit codes: 0 done, 8 done but some videos gave nothing because they are missing or broken"""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "prepare",
        help="make training data of raw videos",
        description="Find heads in raw videos, cut them out, label them, and pack the clips into shards.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", metavar="RAW_DIR|LIST", help="folder of raw videos, or a list of them; - for standard input"
    )
    parser.add_argument("-o", "--output", required=True, metavar="SHARDS", help="folder for the shards")
    parser.add_argument(
        "--recipe",
        choices=("voxceleb2", "talkinghead-1kh"),
        help="read a published list; RAW_DIR holds its videos, or one-minute chunks",
    )
    parser.add_argument(
        "--list", metavar="PATH", help="the published list: VoxCeleb2's folder txt, or a list of tubes"
    )
    parser.add_argument(
        "--split",
        choices=("train", "val"),
        help="where all clips go (default: as published, else by identity)",
    )
    parser.add_argument(
        "--workers",
        type=whole("workers", 1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: one for each core)",
    )
    parser.add_argument("--cluster", metavar="ADDRESS", help="Ray cluster: its address, auto, or local")
    parser.add_argument(
        "--limit",
        type=number("limit", 0, open_below=True),
        default=3600.0,
        metavar="S",
        help="longest time for one video (default: 3600)",
    )
    for name, (kind, metavar, text) in SETTINGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=text)
    options.add_report_options(parser)
    places.declare(
        parser,
        places.Input("source", places.anything),
        places.Input("list", places.unchecked),
        places.Output("output", folder=True, writes=WRITTEN),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.data.preparation.run import prepare

    config, videos = _config(given), _videos(given)
    bars = options.Bars(given.quiet, unit="video")
    try:
        report = prepare(
            videos,
            Path(given.output),
            config,
            workers=given.workers,
            cluster=given.cluster,
            limit_s=given.limit,
            progress=bars,
        )
    finally:
        bars.close()
    if not given.quiet:
        for problem in report.problems:
            options.note(f"left out: {problem}")
    options.show(report, given.json, lambda: _lines(report))
    return SOME_FAILED if report.problems else 0


def _config(given: argparse.Namespace) -> PrepareConfig:
    from facewire.data.preparation.settings import PrepareConfig

    wanted = {name: getattr(given, name) for name in SETTINGS}
    return PrepareConfig(**{name: value for name, value in wanted.items() if value is not None})


def _videos(given: argparse.Namespace) -> list[RawVideo]:
    """Return what is to be prepared.

    Raises:
        ConfigError: --recipe and --list do not go together.
        MediaError: there is nothing, or not in the format that was named.
    """
    from facewire.base.errors import ConfigError
    from facewire.data.preparation.lists.folder import look_through
    from facewire.data.preparation.lists.talking_head import talking_head_videos
    from facewire.data.preparation.lists.videos import find_videos
    from facewire.data.preparation.lists.voxceleb import voxceleb_videos

    source = Path(given.source)
    if (given.recipe is None) != (given.list is None):
        raise ConfigError("list", given.list, "--recipe and --list together, or neither")
    if given.recipe is None:
        if source.is_dir() and not given.quiet:
            for words in look_through(source).passed_over:
                options.note(words)
        videos = find_videos(source)
    elif given.recipe == "voxceleb2":
        videos = voxceleb_videos(source, Path(given.list))
    else:
        videos = talking_head_videos(source, Path(given.list))
    return [replace(video, split=given.split) for video in videos] if given.split else videos


def _lines(report: PrepareReport) -> list[str]:
    """Return the report for people."""
    from facewire.data.preparation.takes import REASONS, REMNANT

    seconds = report.frames / 25
    lines = [
        f"{report.folder}: {report.clips} clips, {seconds / 60:.1f} minutes, {report.identities} identities, "
        f"{report.shards} shards of {report.videos} videos ({report.new} new); look at summary.html"
    ]
    if report.enlarged:
        lines.append(
            f"{report.enlarged} clips show a smaller head enlarged; --most-enlarged 1 leaves such out"
        )
    lines += [
        f"left out {count:6d}  {reason}: {REASONS[reason]}"
        for reason, count in report.rejected.items()
        if reason != REMNANT
    ]
    if REMNANT in report.rejected:
        lines.append(f"passed over {report.rejected[REMNANT]} shots that are shorter than a clip")
    if report.changed:
        lines.append(
            f"{report.changed} videos have changed since they were packed; another -o takes them as they are"
        )
    return lines
