"""Our codec against ordinary ones on the same head crops: rates at equal quality, curves, pictures side by side.

clip x method -> Row: at each setting bytes and metrics          (resumable, one file a row)
rows -> mean curves, ratios per clip and overall -> report.json, report.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from facewire import __version__
from facewire.animation.animator import BATCH, Animator
from facewire.base.batches import in_batches
from facewire.base.errors import ConfigError
from facewire.base.files import write_json
from facewire.evaluation.codecs.clips import Crops, Trial, clips_of
from facewire.evaluation.codecs.curves import Curves
from facewire.evaluation.codecs.methods import (
    DEFAULT_SETTING,
    OUR_RATES,
    Method,
)
from facewire.evaluation.codecs.pages import codec_page
from facewire.evaluation.codecs.protocol import TALKS, Protocol, protocol_of
from facewire.evaluation.measuring.clips import data_hash
from facewire.evaluation.measuring.look import Observer
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Measured, Row, Store
from facewire.evaluation.measuring.scores import ClipScores, FaceTrack
from facewire.evaluation.measuring.settings import Settings
from facewire.evaluation.measuring.workbench import Bench, Progress
from facewire.evaluation.reports.page import write_page
from facewire.evaluation.reports.plots import require_matplotlib
from facewire.media.anchor_codecs import absence
from facewire.talks.coding_tables import tables_of
from facewire.talks.picture_size import checked_side

NAME: Final = "compare"
MOST_FRAMES: Final = 7500
"""Of a clip."""
STRIDE: Final = 5
"""Every how many frames pictures are measured; all are coded."""
REFRESH: Final = "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """What a user chooses."""

    crop_mode: str = "auto"
    stride: int = STRIDE
    clips: int | None = None
    protocol: str = TALKS.name
    """Of `protocol.PROTOCOLS`."""
    frames: int | None = None
    """Of a clip at most; None: as the protocol says."""
    size: int | None = None
    """Side of the pictures that all codecs code, pixels; None: what the networks make."""
    methods: tuple[str, ...] = ()
    """Only methods of these names, or whose names contain one of these; empty: all but those of ours that refresh
    in another way than by default, or not at all."""

    def __post_init__(self) -> None:
        if not 1 <= self.stride <= 100:
            raise ConfigError("stride", self.stride, "1 to 100")
        if not 2 * self.stride <= self.most <= MOST_FRAMES:
            raise ConfigError("frames", self.most, f"{2 * self.stride} to {MOST_FRAMES}")

    @property
    def most(self) -> int:
        """Frames of a clip at most."""
        return protocol_of(self.protocol).frames if self.frames is None else self.frames


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison left behind."""

    document: Mapping[str, Any]
    curves: Curves
    page: Path
    failed: Mapping[str, str]


def compare_codecs(
    animator: Animator,
    paths: Sequence[Path],
    output: Path,
    settings: CompareSettings,
    *,
    nets: Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Measure all methods on clips and write REPORT/report.json and REPORT/report.html.

    Args:
        animator: the model of our codec.
        paths: videos, and folders of videos.
        output: REPORT, made if need be.
        settings: how.
        nets: folder of the networks that some metrics need.
        progress: told after every clip and method.

    Raises:
        MediaError: there is no clip.
        ConfigError: no method has such a name.
        NotInstalled: matplotlib is missing.
        WeightsError: a network of a metric is not the published one.
    """
    require_matplotlib()
    clips = clips_of(paths, settings.clips)
    protocol = protocol_of(settings.protocol)
    chosen, absent = _methods(animator, protocol, settings.methods)
    side = checked_side(settings.size, animator.size)
    panel = Panel.load(nets, side, animator.device, settings.stride)
    common = {
        "protocol": NAME,
        "counted": "refreshes too",
        "version": __version__,
        "weights": animator.manifest.sha256,
        "tables": [tables_of(animator, rate).fingerprint.hex() for rate in OUR_RATES],
        "settings": {
            key: value for key, value in asdict(settings).items() if key not in ("clips", "methods", "size")
        }
        | {"side": side, "frames": settings.most},
        "nets": panel.hashes,
        "absent": sorted(panel.absent),
    }
    reporting = {} if progress is None else {"progress": progress}
    bench = Bench(
        animator, panel, Settings(stride=settings.stride), Store(output / "rows", common), 1, **reporting
    )
    crops = Crops(animator, settings.crop_mode, settings.most, side)
    trials = [Trial(clip, method) for clip in clips for method in chosen]
    rows = list(bench.each(trials, lambda bench, trial: measure(bench, trial, crops)))
    failed = {row.name: row.reason for row in rows if row.failed}
    curves = Curves.of([row for row in rows if not row.failed], panel, protocol.account)
    document = {
        "schema": 1,
        "protocol": NAME,
        **curves.document(),
        "default": DEFAULT_SETTING,
        "absent_methods": absent,
        "absent_metrics": panel.absent,
        "failed": failed,
        "config": {
            **asdict(settings),
            "frames": settings.most,
            "size": side,
            "weights": f"{animator.manifest.preset}, {animator.manifest.sha256[:12]}",
            "clips": len(clips),
        },
        "hashes": {"weights": animator.manifest.sha256, "data": data_hash(clips), "nets": panel.hashes},
    }
    write_json(output / "report.json", document)
    pictures = output / "pictures"
    pictures.mkdir(exist_ok=True)
    page = codec_page(bench, crops, clips, chosen, curves, document, pictures)
    return Comparison(document, curves, write_page(page, output / "report.html"), failed)


def measure(bench: Bench, trial: Trial, crops: Crops) -> Measured:
    """Code a clip at all settings of a method and measure what comes out.

    The first picture is not measured: it is the source image of one side and the key picture of the other.
    """
    clip, stride = crops.of(trial.clip.path), bench.settings.stride
    coded = {setting: trial.method.code(clip, setting, stride) for setting in trial.method.settings}
    wanted = list(clip.pictures[::stride])
    outcomes = {setting: list(one.pictures) for setting, one in coded.items()}
    observers = {setting: _observer(bench) for setting in coded}
    scores = {setting: ClipScores(bench.panel) for setting in coded}
    truth_observer, faces = _observer(bench), FaceTrack()
    for places in in_batches(range(1, len(wanted)), BATCH):
        truth = truth_observer.look([wanted[place] for place in places])
        faces.add(truth)
        for setting, pictures in outcomes.items():
            scores[setting].add(observers[setting].look([pictures[place] for place in places]), truth)
    points = []
    for setting, one in coded.items():
        values = scores[setting].finish(faces).values
        points.append({"setting": setting, **asdict(one.cost), "values": values})
    detail = {"clip": trial.clip.name, "method": trial.method.name, "points": points}
    return Measured(Row(name=trial.name, group=trial.group, frames=len(wanted) - 1, detail=detail))


def _methods(
    animator: Animator, protocol: Protocol, wanted: Sequence[str]
) -> tuple[list[Method], dict[str, str]]:
    """Return the methods to run, and why others cannot be."""
    anchors = protocol.anchors()
    absent = {method.name: reason for method in anchors if (reason := absence(method.anchor))}
    every: list[Method] = [
        *protocol.own(animator),
        *(method for method in anchors if method.name not in absent),
    ]
    if not wanted:
        return [method for method in every if REFRESH not in method.name], absent
    names = {method.name for method in every}
    chosen = [
        method
        for method in every
        if any(part == method.name or (part not in names and part in method.name) for part in wanted)
    ]
    if not chosen:
        raise ConfigError(
            "methods", ", ".join(wanted), "parts of: " + ", ".join(method.name for method in every)
        )
    return chosen, absent


def _observer(bench: Bench) -> Observer:
    stride = bench.settings.identity_stride
    return Observer(bench.panel, bench.animator.device, features=False, identity_stride=stride)
