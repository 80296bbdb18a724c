"""The page of a comparison of codecs: ratios, curves, pictures at equal rate, what was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from facewire.evaluation.codecs.clips import Crops
from facewire.evaluation.codecs.curves import NO_OVERLAP, OUR_METHOD, Curves
from facewire.evaluation.codecs.methods import DEFAULT_SETTING, OURS, Method
from facewire.evaluation.codecs.rates import ACCOUNTS
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.reports.page import Block, Page, Plots, Section, Table, Text
from facewire.evaluation.reports.pages import NONE, arrow, shown
from facewire.evaluation.reports.plots import line_plot
from facewire.evaluation.reports.showcase import spread_columns, strip
from facewire.media.frame import Pixels
from facewire.metrics.metric import Metric

SHOWN_CLIPS: Final = 3
"""With the lowest, the median and the highest ratio."""
REFERENCE: Final = "x264 low delay"


def codec_page(
    bench: Bench,
    crops: Crops,
    clips: Sequence[EvaluationClip],
    methods: Sequence[Method],
    curves: Curves,
    document: Mapping[str, Any],
    folder: Path,
) -> Page:
    """Return the page; pictures are written under `folder`."""
    sections = [_result(curves, document), _curves(curves)]
    if curves.clips:
        sections += [_pictures(bench, crops, clips, methods, curves, folder), _per_clip(curves)]
    sections += [_points(curves), _provenance(document)]
    subtitle = f"{len(curves.clips)} clips, weights {document['config']['weights']}, ours: {DEFAULT_SETTING}"
    return Page("Facewire: bits against ordinary video codecs", subtitle, sections)


def _result(curves: Curves, document: Mapping[str, Any]) -> Section:
    """Return how many times the bits of ours each anchor needs."""
    blocks: list[Block] = []
    for name, reason in document["failed"].items():
        blocks.append(Text(f"Failed, in no number: {name}: {reason}", warning=True))
    for metric in curves.metrics[:1]:
        blocks.append(_ratios(curves, metric, ACCOUNTS))
    for metric in curves.metrics[1:]:
        blocks.append(_ratios(curves, metric, (curves.account,)))
    if curves.metrics:
        blocks.append(_bjontegaard(curves))
    blocks += [Text(f"Not measured: {name} – {why}.") for name, why in document["absent_methods"].items()]
    blocks += [Text(f"Not computed: {name} – {why}.") for name, why in document["absent_metrics"].items()]
    return Section("How many times our bits, at equal quality", blocks)


def _ratios(curves: Curves, metric: Metric, accounts: Sequence[str]) -> Table:
    head = ["anchor", *accounts, "common qualities", "clips", "anchor better", "anchor worse"]
    rows = []
    for anchor in curves.anchors:
        cells = [_ratio(curves, anchor, metric, account) for account in accounts]
        found = curves.ratio(anchor, metric, curves.account)
        if found is None:
            continue
        counts = [str(len(group)) for group in (found.per_clip, found.better, found.worse)]
        rows.append([anchor, *cells, NONE if found.curve is None else f"{found.curve:.2f}", *counts])
    caption = (
        f"{metric.title} {arrow(metric)}. Ratio of the anchor's rate to ours where its mean curve has the quality of "
        "ours; inside measured points only. First columns: how the first pictures are charged. Common qualities: "
        f"mean over all qualities that both curves reach, {curves.account}. Clips: those with an equal point; "
        "then those on which the anchor is better even at its lowest rate, and worse even at its highest."
    )
    return Table(head, rows, caption=caption, texts=1)


def _bjontegaard(curves: Curves) -> Table:
    """Return how many per cent more bits each anchor needs over the common qualities, by metric."""
    rows = [
        [anchor, *(_percent(curves, anchor, metric) for metric in curves.metrics)]
        for anchor in curves.anchors
    ]
    caption = (
        f"Bjontegaard rates: how many per cent more bits than ours an anchor needs ({curves.account}), mean over all "
        "qualities that both mean curves reach, log rate linear between points. Below 0 the anchor is better."
    )
    return Table(["anchor", *(m.title for m in curves.metrics)], rows, caption=caption, texts=1)


def _percent(curves: Curves, anchor: str, metric: Metric) -> str:
    rate = curves.bjontegaard(anchor, metric)
    return NO_OVERLAP if rate is None else f"{rate:+.0f} %"


def _ratio(curves: Curves, anchor: str, metric: Metric, account: str) -> str:
    ratio = curves.ratio(anchor, metric, account)
    if ratio is None:
        return NONE
    return ratio.reason if ratio.overall is None else f"{ratio.overall:.2f}"


def _curves(curves: Curves) -> Section:
    plots = []
    for metric in curves.metrics:
        series = {}
        for method in curves.methods:
            points = curves.points(method, metric, curves.account)
            if points:
                series[method] = sorted((point.rate, point.quality) for point in points)
        title = f"{metric.title} {arrow(metric)}"
        plots.append(
            line_plot(title, series, x_label=f"kbit/s, {curves.account}", log_x=True, size=(1040, 420))
        )
    return Section("Rate and distortion", [Plots(plots, "Means over all clips at each setting.")])


def _pictures(
    bench: Bench,
    crops: Crops,
    clips: Sequence[EvaluationClip],
    methods: Sequence[Method],
    curves: Curves,
    folder: Path,
) -> Section:
    """Return strips of pictures at our rate, or the lowest rate that an anchor reaches."""
    text = (
        f"Every codec at the setting whose rate ({curves.account}) is nearest to ours: for the anchors that is "
        "the lowest they reach. Clips with the lowest, the median and the highest ratio."
    )
    blocks: list[Block] = [Text(text)]
    by_name = {clip.name: clip for clip in clips}
    for name in _chosen(curves):
        clip, stride = crops.of(by_name[name].path), bench.settings.stride
        wanted = list(clip.pictures[::stride])
        places = [place + 1 for place in spread_columns(len(wanted) - 1)]
        rows: list[list[Pixels]] = [[wanted[place] for place in places]]
        labels = ["truth"]
        for method in methods:
            setting, rate = _nearest(curves, method.name, name)
            pictures = list(method.code(clip, setting, stride).pictures)
            rows.append([pictures[place] for place in places])
            labels.append(f"{method.name} {rate:.1f}")
        columns = [f"frame {place * stride}" for place in places]
        blocks.append(strip(folder / f"{name}.jpg", rows, labels, columns, f"{name}; labels end in kbit/s"))
    return Section("Pictures at equal rate", blocks)


def _chosen(curves: Curves) -> list[str]:
    """Return the clips to show."""
    metric = curves.metrics[0]
    anchor = REFERENCE if REFERENCE in curves.anchors else next(iter(curves.anchors), None)
    ratio = None if anchor is None else curves.ratio(anchor, metric, curves.account)
    order = list(curves.clips)
    if ratio is not None:
        found = {**ratio.better, **ratio.worse, **ratio.per_clip}
        order = sorted(found, key=lambda clip: found[clip]) or order
    return list(dict.fromkeys([order[0], order[len(order) // 2], order[-1]]))[:SHOWN_CLIPS]


def _nearest(curves: Curves, method: str, clip: str) -> tuple[str, float]:
    """Return the setting of a method whose rate is nearest to ours, and that rate."""
    settings = curves.measured[method]
    ours = method.startswith(OURS)
    rates = {
        key: by_clip[clip].cost.kbit_per_s(curves.account, ours=ours) for key, by_clip in settings.items()
    }
    target = 0.0
    if OUR_METHOD in curves.measured:
        own = curves.measured[OUR_METHOD][DEFAULT_SETTING][clip]
        target = own.cost.kbit_per_s(curves.account, ours=True)
    setting = DEFAULT_SETTING if ours else min(rates, key=lambda key: abs(rates[key] - target))
    return setting, rates[setting]


def _per_clip(curves: Curves) -> Section:
    metric = curves.metrics[0]
    ratios = {anchor: curves.ratio(anchor, metric, curves.account) for anchor in curves.anchors}
    rows = []
    for clip in curves.clips:
        cells = []
        for ratio in ratios.values():
            if ratio is None:
                cells.append(NONE)
            elif clip in ratio.per_clip:
                cells.append(f"{ratio.per_clip[clip]:.1f}")
            elif clip in ratio.better:
                cells.append(f"< {ratio.better[clip]:.1f}")
            else:
                cells.append(f"> {ratio.worse[clip]:.1f}" if clip in ratio.worse else NONE)
        rows.append([clip, *cells])
    caption = f"Ratio of rates ({curves.account}) at equal {metric.title}; < and >: no equal point, a bound."
    return Section("Clip by clip", [Table(["clip", *ratios], rows, caption=caption)])


def _points(curves: Curves) -> Section:
    """Return every point of the mean curves."""
    head = [
        "method",
        "setting",
        *(f"kbit/s, {account}" for account in ACCOUNTS),
        "of it refreshes",
        *(m.title for m in curves.metrics),
    ]
    rows: list[list[str]] = []
    strong: set[int] = set()
    for method, settings in curves.document()["curves"].items():
        for setting, point in settings.items():
            if method == OUR_METHOD and setting == DEFAULT_SETTING:
                strong.add(len(rows))
            rates = [shown(point["kbit_per_s"][account]) for account in ACCOUNTS]
            rates.append(shown(point["refresh_kbit_per_s"]))
            rows.append(
                [method, setting, *rates, *(shown(point["values"].get(m.name)) for m in curves.metrics)]
            )
    return Section("All points", [Table(head, rows, frozenset(strong), "Means over all clips.", texts=2)])


def _provenance(document: Mapping[str, Any]) -> Section:
    rows = [[key, str(value)] for key, value in {**document["config"], **document["hashes"]}.items()]
    return Section("What was run", [Table(["what", "value"], rows, texts=2)])
