"""How training runs went: their losses as curves, run beside run, with the newest pictures of each.

    RUN/scalars.jsonl, RUN/preview-*.png  ->  one page

Terms are unweighted (losses/total.py), so runs with other weights compare; the total does not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facewire.base.errors import MediaError
from facewire.evaluation.reports.page import Block, Embedded, Page, Plots, Section, Table
from facewire.evaluation.reports.plots import line_plot, number

MOST_POINTS = 120
"""Of a curve; longer ones are drawn as means of neighbouring reports."""
LAST_SHARE = 0.1
"""Of a run's reports, whose mean stands in the table."""
PLOT = (330, 240)
"""Pixels of a plot; three stand side by side."""
SCALARS, PREVIEWS = "scalars.jsonl", "preview-*.png"
"""What training writes into its folder (training/trainer.py)."""

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curves:
    """One run.

    name     of its folder
    terms    name -> (step, mean since the report before), in the order of the file
    preview  the newest picture, PNG bytes; None before the first
    """

    name: str
    terms: Mapping[str, Points]
    preview: bytes | None

    @property
    def steps(self) -> int:
        """The last reported step."""
        return int(max(points[-1][0] for points in self.terms.values()))

    def last(self, term: str) -> float | None:
        """Return the mean of a term over the last tenth of the reports; None where the run has no such term."""
        points = self.terms.get(term)
        if not points:
            return None
        values = [value for _, value in points[-math.ceil(LAST_SHARE * len(points)) :]]
        return sum(values) / len(values)


def read_curves(folder: Path) -> Curves:
    """Return what a training run has written so far; lines that are cut off or not finite are left out.

    Raises:
        MediaError: there is no run, or it has not reported yet.
    """
    path = folder / SCALARS
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as problem:
        raise MediaError(path, "is no training run's file: name a folder of facewire train") from problem
    terms: dict[str, Points] = {}
    for line in lines:
        try:
            values = {name: float(value) for name, value in json.loads(line).items()}
            step = values.pop("step")
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        for name, value in values.items():
            if math.isfinite(value) and math.isfinite(step):
                terms.setdefault(name, []).append((step, value))
    if not terms:
        raise MediaError(path, "holds no numbers yet: wait for the first report of the run")
    newest = max(folder.glob(PREVIEWS), default=None)
    return Curves(folder.resolve().name, terms, None if newest is None else newest.read_bytes())


def curves_page(runs: Sequence[Curves]) -> Page:
    """Return the page of some runs."""
    labels = _labels(runs)
    terms = list(dict.fromkeys(term for run in runs for term in run.terms))
    plots = [
        line_plot(
            term,
            {label: thinned(run.terms[term]) for label, run in labels.items() if term in run.terms},
            size=PLOT,
        )
        for term in terms
    ]
    rows = [[term, *(_shown(run.last(term)) for run in runs)] for term in terms]
    blocks: list[Block] = [
        Plots(plots, "Over steps; every point is the mean since the one before. Terms are unweighted."),
        Table(["", *labels], rows, caption=f"Means of the last {LAST_SHARE:.0%} of the reports."),
    ]
    pictures = [
        Embedded(run.preview, ".png", f"{label}: source, driving, made, warped")
        for label, run in labels.items()
        if run.preview is not None
    ]
    sections = [Section("Losses", blocks)] + ([Section("Newest pictures", pictures)] if pictures else [])
    lengths = ", ".join(f"{label}: {run.steps} steps" for label, run in labels.items())
    return Page("Training curves", lengths, sections)


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """Return at most `most` points, means of equally many neighbours each."""
    group = math.ceil(len(points) / most)
    return [
        (part[-1][0], sum(value for _, value in part) / len(part))
        for part in (points[start : start + group] for start in range(0, len(points), group))
    ]


def _labels(runs: Sequence[Curves]) -> dict[str, Curves]:
    """Return the runs by names that differ."""
    labels: dict[str, Curves] = {}
    for run in runs:
        label, count = run.name, 2
        while label in labels:
            label, count = f"{run.name} ({count})", count + 1
        labels[label] = run
    return labels


def _shown(value: float | None) -> str:
    return "-" if value is None else number(value)
