"""A protocol from weights and a folder to REPORT/report.json and REPORT/report.html.

REPORT/report.json    every number
REPORT/report.html    the page, self-contained
REPORT/rows/          finished rows, taken up by the next run of the same key
REPORT/pictures/      strips and films of the page
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from facewire import __version__
from facewire.animation.animator import Animator
from facewire.base.config import to_dict
from facewire.base.files import write_json
from facewire.evaluation.measuring.clips import data_hash, find_clips
from facewire.evaluation.measuring.panel import Panel
from facewire.evaluation.measuring.rows import Store
from facewire.evaluation.measuring.settings import Settings
from facewire.evaluation.measuring.summary import Summary, document, summarise
from facewire.evaluation.measuring.workbench import Bench, Progress
from facewire.evaluation.protocols.registry import protocol_of
from facewire.evaluation.reports.page import write_page
from facewire.evaluation.reports.pages import page
from facewire.evaluation.reports.plots import require_matplotlib


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation left behind.

    document  report.json
    summary   the same as objects
    page      report.html
    """

    document: Mapping[str, Any]
    summary: Summary
    page: Path


def evaluate(
    name: str,
    animator: Animator,
    data: Path,
    output: Path,
    settings: Settings,
    *,
    nets: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Run a protocol and write its report.

    Args:
        name: of the protocol.
        animator: the model.
        data: folder of clips.
        output: REPORT, made if need be.
        settings: how.
        nets: folder of the metrics' networks.
        workers: rows computed at once.
        progress: told after every row.

    Raises:
        ConfigError: no such protocol.
        MediaError: there is no clip.
        NotInstalled: matplotlib is missing.
        WeightsError: a network of a metric is not the published one.
    """
    require_matplotlib()
    protocol = protocol_of(name)
    clips = find_clips(data, settings.clips)
    panel = Panel.load(nets, animator.size, animator.device, settings.stride)
    store = Store(output / "rows", _common(name, animator, settings, panel))
    reporting = {} if progress is None else {"progress": progress}
    bench = Bench(animator, panel, settings, store, workers, **reporting)
    rows = list(protocol.rows(bench, clips))
    absent = dict(panel.absent)
    absent |= {
        own: panel.absent[base] for own, base in (protocol.absent or {}).items() if base in panel.absent
    }
    summary = summarise(name, rows, protocol.metrics, absent, store, protocol.sets)
    summary = summary.with_entries(protocol.pooled(bench, summary.good))
    config = _config(name, animator, data, settings, len(clips))
    hashes = {"weights": animator.manifest.sha256, "data": data_hash(clips), "nets": panel.hashes}
    report = document(summary, config, hashes)
    write_json(output / "report.json", report)
    pictures = output / "pictures"
    pictures.mkdir(exist_ok=True)
    own = protocol.sections(bench, clips, summary, pictures) if summary.good else []
    subtitle = f"{protocol.question} {len(summary.good)} {protocol.what}s, weights {config['weights']}"
    written = page(
        f"Facewire: {name}", subtitle, summary, own, protocol.published, protocol.baseline, config, hashes
    )
    return Outcome(report, summary, write_page(written, output / "report.html"))


def _common(name: str, animator: Animator, settings: Settings, panel: Panel) -> dict[str, Any]:
    """Return what all rows of a run have in common."""
    chosen = to_dict(settings)
    del chosen["clips"]  # says how many rows there are, not what is in them
    return {
        "protocol": name,
        "weights": animator.manifest.sha256,
        "settings": chosen,
        "nets": panel.hashes,
        "absent": sorted(panel.absent),
    }


def _config(name: str, animator: Animator, data: Path, settings: Settings, clips: int) -> dict[str, Any]:
    manifest = animator.manifest
    return {
        "protocol": name,
        "weights": f"{manifest.preset}, {manifest.provenance.steps} steps, {manifest.sha256[:12]}",
        "data": data.resolve().name,
        **to_dict(settings),
        "clips": clips,
        "device": animator.device.partition(":")[0],
        "facewire": __version__,
        "torch": torch.__version__,
    }
