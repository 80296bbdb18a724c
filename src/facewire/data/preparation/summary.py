"""A page that shows a person what was kept and what was thrown away.

    OUT/summary.html        numbers, reasons with how often each, pose histogram
    OUT/summary-kept.jpg    middle frames of some clips
    OUT/summary-left-out.jpg  pictures of some of what was left out, by reason

Which ones are shown follows from their names, so the page of the same shards is the same page.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from facewire.base.errors import MediaError
from facewire.base.files import atomic_output, name_bytes, write_text
from facewire.data.preparation.parts import PARTS, part_path
from facewire.data.preparation.settings import RATE
from facewire.data.preparation.shards import CLIPS, REJECTED, VIDEOS, Manifest, Row, read_table
from facewire.data.preparation.takes import REASONS, REMNANT
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels
from facewire.media.image import load_image, save_image
from facewire.media.timing.frame_picker import pick_frames

KEPT_ROWS, KEPT_COLUMNS = 4, 8
LEFT_OUT_COLUMNS = 8
CELL = 112
YAW_BINS = (0, 5, 10, 15, 20, 30, 45, 180)
"""Edges of the histogram of absolute yaw in degrees; of every clip the range from its 2nd to its 98th percentile
counts evenly."""


def write_summary(out: Path, manifest: Manifest) -> None:
    """Write the page and its pictures.

    Raises:
        OutputError: they cannot be written.
        MediaError: the tables are not those of the manifest.
    """
    clips, rejected = read_table(out, CLIPS, manifest), read_table(out, REJECTED, manifest)
    clips = [row for row in clips if row.get("name")]
    rejected = [row for row in rejected if row.get("reason")]
    pictures = _kept_sheet(out, clips), _left_out_sheet(out, rejected)
    for name, sheet in zip(("summary-kept.jpg", "summary-left-out.jpg"), pictures, strict=True):
        if sheet is not None:
            save_image(out / name, sheet)
    page = _page(out, manifest, clips, rejected, [sheet is not None for sheet in pictures])
    with atomic_output(out / "summary.html") as temporary:
        write_text(temporary, page)


def yaw_shares(clips: Iterable[Row]) -> list[float]:
    """Return the share of frames in each bin of absolute yaw."""
    counts = np.zeros(len(YAW_BINS) - 1)
    for row in clips:
        low, high = float(row["yaw_p2"]), float(row["yaw_p98"])
        turns = np.abs(np.linspace(low, high, 41))
        counts += np.histogram(turns, YAW_BINS)[0] * int(row["seen"]) / len(turns)
    shares: list[float] = (counts / max(1.0, counts.sum())).tolist()
    return shares


def _some(rows: Sequence[Row], count: int, name: str) -> list[Row]:
    """Return rows chosen by a hash of their names, in their own order."""
    by_hash = sorted(rows, key=lambda row: hashlib.sha256(name_bytes(row[name])).digest())
    chosen = {id(row) for row in by_hash[:count]}
    return [row for row in rows if id(row) in chosen]


def _kept_sheet(out: Path, clips: Sequence[Row]) -> Pixels | None:
    shown = []
    for row in _some(clips, KEPT_ROWS * KEPT_COLUMNS, "name"):
        with (out / row["shard"]).open("rb") as stream:
            stream.seek(int(row["video_offset"]))
            data = stream.read(int(row["video_bytes"]))
        shown += pick_frames(data, [int(row["frames"]) // 2], RATE, row["name"])
    rows = [shown[begin : begin + KEPT_COLUMNS] for begin in range(0, len(shown), KEPT_COLUMNS)]
    return contact_sheet(rows, cell_size=(CELL, CELL)) if rows else None


def _left_out_sheet(out: Path, rejected: Sequence[Row]) -> Pixels | None:
    """Return a sheet with a row for each reason that has pictures."""
    by_reason: dict[str, list[Row]] = defaultdict(list)
    order = Counter[str]()
    for row in rejected:
        row = row | {"index": str(order[row["source"]])}
        order[row["source"]] += 1
        if part_path(out, row["source"], f"-{row['index']}.jpg").exists():
            by_reason[row["reason"]].append(row)
    labels, rows = [], []
    for reason in REASONS:
        pictures = []
        for row in _some(by_reason[reason], LEFT_OUT_COLUMNS, "source"):
            try:
                pictures.append(load_image(part_path(out, row["source"], f"-{row['index']}.jpg")))
            except MediaError:
                continue
        if pictures:
            labels.append(reason)
            rows.append(pictures)
    return contact_sheet(rows, row_labels=labels, cell_size=(CELL, CELL)) if rows else None


def _page(
    out: Path, manifest: Manifest, clips: Sequence[Row], rejected: Sequence[Row], pictures: Sequence[bool]
) -> str:
    videos = [row for row in read_table(out, VIDEOS, manifest) if row.get("key")]
    hours = sum(int(row["frames"]) for row in clips) / float(RATE) / 3600
    facts = {
        "raw videos": len(videos),
        "of them without any clip": sum(row["clips"] == "0" for row in videos),
        "clips": len(clips),
        "hours": f"{hours:.3f}",
        "identities": len({row["identity"] for row in clips}),
        "clips for training": sum(row["split"] == "train" for row in clips),
        "clips for validation": sum(row["split"] == "val" for row in clips),
        "shards": len(manifest.shards),
        "clips enlarged to their size": sum(float(row.get("enlarged") or 0) > 1 for row in clips),
        "pieces left out": sum(row["reason"] != REMNANT for row in rejected),
    }
    seconds: dict[str, list[float]] = defaultdict(list)
    for row in rejected:
        seconds[row["reason"]].append(float(row["end"]) - float(row["start"]))
    environment = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("summary.html").render(
        facts=facts,
        kept=pictures[0],
        yaw=[(low, high, share) for (low, high), share in zip(pairwise(YAW_BINS), yaw_shares(clips))],
        left_out=[(reason, REASONS[reason], seconds[reason]) for reason in REASONS if seconds[reason]],
        refused=pictures[1],
        parts=PARTS,
    )
