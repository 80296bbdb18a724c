"""The parts of a page that every protocol has: results, the paper beside them, spreads, failures, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from facewire.evaluation.measuring.summary import Entry, Summary
from facewire.evaluation.reports.page import Block, Page, Plots, Section, Table, Text
from facewire.evaluation.reports.plots import strip_plot
from facewire.evaluation.reports.published import PublishedTable
from facewire.metrics.metric import Metric

NONE = "–"


def page(
    title: str,
    subtitle: str,
    summary: Summary,
    own: Sequence[Section],
    published: PublishedTable | None,
    baseline: str,
    config: Mapping[str, Any],
    hashes: Mapping[str, Any],
) -> Page:
    """Return a protocol's page.

    Args:
        title: heading.
        subtitle: what was measured on what.
        summary: the numbers.
        own: sections of the protocol itself.
        published: the paper's table.
        baseline: what the baseline is.
        config: the effective configuration.
        hashes: of weights, data and networks.
    """
    sections = [_results(summary, baseline)]
    if published is not None:
        sections.append(_beside_paper(summary, published))
    sections += own
    plots = _spreads(summary, baseline)
    if plots:
        sections.append(Section("Spread over clips", plots))
    sections += [_per_clip(summary), _definitions(summary), _provenance(config, hashes)]
    return Page(title, subtitle, sections)


def shown(value: float | None) -> str:
    """Return a number with digits that suit its size; a dash for none."""
    if value is None:
        return NONE
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero turns -0.0 into 0.0


def printed(value: float | None) -> str:
    """Return a number of the paper with at least two digits after the point, and all that it has."""
    if value is None:
        return NONE
    return max(f"{value:.2f}", str(value), key=len)


def arrow(metric: Metric) -> str:
    """Return which way is better."""
    return {"lower": "↓", "higher": "↑"}.get(metric.better, f"→ {metric.ideal:g}")


def absences(summary: Summary) -> list[str]:
    """Return what was not computed and why, one line per reason."""
    titles: dict[str, list[str]] = {}
    for entry in summary.entries.values():
        if entry.absent:
            titles.setdefault(entry.absent, []).append(entry.metric.title)
    return [f"{', '.join(names)} – {reason}" for reason, names in titles.items()]


def _results(summary: Summary, baseline: str) -> Section:
    blocks: list[Block] = []
    if summary.failed:
        names = ", ".join(summary.failed)
        text = f"{len(summary.failed)} of {len(summary.rows)} failed and are in no number: {names}. Reasons below."
        blocks.append(Text(text, warning=True))
    head = ["metric", "better", "result", "± between rows", "95 % interval"]
    rows = []
    for entry in summary.entries.values():
        metric = entry.metric
        title = f"{metric.title} ({metric.unit})" if metric.unit else metric.title
        cells = [title, arrow(metric)]
        if entry.absent:
            rows.append([*cells, "not computed", "", "", *([""] if baseline else [])])
            continue
        spread = f"{shown(entry.interval[0])} to {shown(entry.interval[1])}" if entry.interval else NONE
        own = [shown(entry.mean), shown(entry.std), spread]
        rows.append([*cells, *own, *([shown(entry.baseline)] if baseline else [])])
    caption = "Interval: bootstrap over people."
    if baseline:
        head.append("baseline")
        caption += f" Baseline: {baseline}."
    blocks.append(Table(head, rows, caption=caption))
    blocks += [Text(f"Not computed: {line}.") for line in absences(summary)]
    return Section("Result", blocks)


def _beside_paper(summary: Summary, published: PublishedTable) -> Section:
    ours = [("Facewire", [_number_of(summary, name) for name in published.ours])]
    baseline = [_number_of(summary, name, baseline=True) for name in published.ours]
    if any(value is not None for value in baseline):
        ours.append(("baseline", baseline))
    return Section("Beside the paper", [published_table(published, ours)])


def published_table(published: PublishedTable, ours: Sequence[tuple[str, Sequence[float | None]]]) -> Table:
    """Return the paper's rows with ours below.

    Args:
        published: the paper's table.
        ours: (name, numbers in the columns of the table), the first ones set apart.
    """
    rows = [[source, method, *map(printed, numbers)] for source, method, numbers in published.rows]
    mine = [["this report", name, *map(shown, numbers)] for name, numbers in ours]
    strong = frozenset(len(rows) + index for index, (name, _) in enumerate(ours) if name != "baseline")
    caption = f"{published.title}. {published.apart}"
    return Table(["data", "method", *published.columns], [*rows, *mine], strong, caption, texts=2)


def _number_of(summary: Summary, name: str, baseline: bool = False) -> float | None:
    entry: Entry | None = summary.entries.get(name)
    if entry is None:
        return None
    return entry.baseline if baseline else entry.mean


def _spreads(summary: Summary, baseline: str) -> list[Block]:
    plots = []
    for entry in summary.entries.values():
        series = {"result": entry.per_clip}
        if baseline:
            series["baseline"] = entry.baseline_per_clip
        title = f"{entry.metric.title} {arrow(entry.metric)}"
        plots.append(strip_plot(title, series, unit=entry.metric.unit, limits=entry.metric.range))
    found = [plot for plot in plots if plot]
    return (
        [Plots(found, "One dot per row, the stroke is their mean; rest on a dot for its name.")]
        if found
        else []
    )


def _per_clip(summary: Summary) -> Section:
    entries = [entry for entry in summary.entries.values() if entry.per_clip]
    head = ["row", "who", "frames", *(entry.metric.title for entry in entries)]
    rows = [
        [row.name, row.group, str(row.frames), *(shown(entry.per_clip.get(row.name)) for entry in entries)]
        for row in summary.good
    ]
    blocks: list[Block] = [Table(head, rows, texts=2)]
    if summary.failed:
        failed = [[name, reason] for name, reason in summary.failed.items()]
        blocks.append(Table(["failed", "reason"], failed, texts=2))
    return Section("Every row", blocks)


def _definitions(summary: Summary) -> Section:
    rows = []
    for entry in summary.entries.values():
        metric = entry.metric
        low, high = ("" if end is None else f"{end:g}" for end in metric.range)
        rows.append([metric.title, metric.source, metric.note or NONE, f"{low} … {high}"])
    return Section("Definitions", [Table(["metric", "definition", "mind", "range"], rows, texts=3)])


def _provenance(config: Mapping[str, Any], hashes: Mapping[str, Any]) -> Section:
    settings = [[name, str(value)] for name, value in config.items()]
    sums = [[name, str(value)] for name, value in _flat(hashes)]
    return Section(
        "Configuration and hashes",
        [Table(["setting", "value"], settings, texts=2), Table(["SHA-256 of", "value"], sums, texts=2)],
    )


def _flat(hashes: Mapping[str, Any], at: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in hashes.items():
        path = f"{at}{name}"
        found += _flat(value, f"{path}: ") if isinstance(value, Mapping) else [(path, value)]
    return found
