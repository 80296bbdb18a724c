"""Small plots as inline SVG, drawn by matplotlib: numbers in, text out.

Knows nothing about clips or metrics. Every mark carries a title, which browsers show when the pointer rests on it.
The same numbers give the same text. matplotlib is loaded with the first plot.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from facewire.base import cache
from facewire.base.errors import NotInstalled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

INK, FAINT, GRID = "#1f2328", "#8c959f", "#e4e8ec"
PALETTE: Final = (
    "#1f6feb", "#d1242f", "#1a7f37", "#bf8700", "#8250df", "#0a8f9c",
    "#bc4c00", "#6e7781", "#b3256e", "#4d5a2a", "#3b3f8c", "#a06a4b",
)  # fmt: skip
RESULT_COLOUR, BASELINE_COLOUR = PALETTE[0], "#9aa4ae"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "facewire",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": INK,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.handlelength": 1,
}
POINTS_PER_INCH: Final = 72
"""Of an SVG, and so its pixels."""
ROUNDING: Final = 1e-6
"""Of a value: nearer ones are drawn as the same."""
MARKS: Final = "marks:"
"""Begins the ids of marks; their titles follow, for an id is what matplotlib hands through to the SVG."""
NAMESPACE: Final = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", NAMESPACE)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
Limits = tuple[float | None, float | None]
"""Least and greatest possible value; None is unbounded."""


def require_matplotlib() -> None:
    """Raise NotInstalled if plots cannot be drawn; asked before hours of measuring.

    Its list of fonts is kept in our cache, not in a folder of its own in the user's home.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise NotInstalled("matplotlib", "eval")
    if "MPLCONFIGDIR" not in os.environ:
        place = cache.folder()
        kept = cache.temporary() if place is None or cache.obstacle(place) else place
        os.environ["MPLCONFIGDIR"] = str(kept / "matplotlib")


def number(value: float, _: object = None) -> str:
    """Return a value with as many digits as help: three significant, trailing zeros dropped."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def strip_plot(
    title: str,
    series: Mapping[str, Mapping[str, float]],
    *,
    unit: str = "",
    limits: Limits = (None, None),
    width: int = 420,
) -> str:
    """Return dots along a line, one row per series: how numbers spread.

    Args:
        title: heading.
        series: label -> name of each dot -> value; the first is drawn in colour, the others in grey.
        unit: shown beside the title.
        limits: least and greatest possible value.
        width: pixels.
    """
    known = {label: dots for label, dots in series.items() if dots}

    def draw(axes: Axes) -> None:
        axes.set_title(unit, loc="right", color=FAINT, fontsize=11, fontweight=400)
        axes.set_yticks(range(len(known)), list(known), color=INK)
        axes.set_ylim(len(known) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        _scale(axes.xaxis)
        for row, (label, dots) in enumerate(known.items()):
            colour = RESULT_COLOUR if label == next(iter(known)) else BASELINE_COLOUR
            points = [(value, row, f"{name}: {number(value)}") for name, value in dots.items()]
            _marks(axes, points, colour, markersize=9)
            mean = sum(dots.values()) / len(dots)
            _marks(
                axes, [(mean, row, f"mean {number(mean)}")], INK, marker="|", markersize=20, markeredgewidth=2
            )
        low, high = _apart(*axes.get_xlim())
        least, most = limits
        axes.set_xlim(low if least is None else max(low, least), high if most is None else min(high, most))

    return _svg(title, (width, 58 + 26 * len(known)), draw) if known else ""


def line_plot(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str = "",
    y_label: str = "",
    diagonal: bool = False,
    level: tuple[float, str] | None = None,
    log_x: bool = False,
    size: tuple[int, int] = (420, 300),
) -> str:
    """Return lines with dots.

    Args:
        title: heading.
        series: label -> points (x, y).
        x_label: under the plot.
        y_label: beside it.
        diagonal: draw y = x.
        level: a horizontal line with its meaning.
        log_x: whether x is drawn on a logarithmic scale.
        size: (width, height) in pixels.
    """

    def draw(axes: Axes) -> None:
        axes.set(xlabel=x_label, ylabel=y_label)
        _scale(axes.xaxis, log=log_x)
        _scale(axes.yaxis)
        for colour, (label, line) in zip(cycle(PALETTE), series.items()):
            points = [(x, y, f"{label}: {number(x)}, {number(y)}") for x, y in line]
            _marks(axes, points, colour, label=label, linestyle="-", markersize=6)
        _legend(axes, size[0])
        ends = tuple(axes.dataLim.intervalx)
        dashed: dict[str, Any] = {"color": FAINT, "linestyle": (0, (4, 4)), "zorder": 1}
        if diagonal:
            axes.plot(ends, ends, **dashed)
        if level:
            axes.plot(ends, (level[0], level[0]), **dashed)
            axes.text(ends[1], level[0], level[1], color=FAINT, ha="right", va="bottom")
        axes.set_ylim(_apart(*axes.get_ylim()))

    return _svg(title, size, draw) if any(series.values()) else ""


def scatter_plot(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float, str]]],
    *,
    size: tuple[int, int] = (520, 460),
) -> str:
    """Return points without scales (projections have none).

    Args:
        title: heading.
        series: label -> points (x, y, name).
        size: (width, height) in pixels.
    """

    def draw(axes: Axes) -> None:
        axes.set_axis_off()
        for colour, (label, dots) in zip(cycle(PALETTE), series.items()):
            points = [(x, y, f"{label}: {name}") for x, y, name in dots]
            _marks(axes, points, colour, label=label, markersize=8)
        _legend(axes, size[0])

    return _svg(title, size, draw) if any(series.values()) else ""


def _marks(axes: Axes, points: Sequence[tuple[float, float, str]], colour: str, **given: Any) -> None:
    """Draw marks (x, y, title)."""
    x, y, titles = zip(*points) if points else ((), (), ())
    style: dict[str, Any] = {"marker": "o", "linestyle": "", "markeredgewidth": 0} | given
    axes.plot(x, y, color=colour, alpha=0.7, clip_on=False, gid=MARKS + json.dumps(titles), **style)


def _legend(axes: Axes, width: int) -> None:
    """Name the lines under the plot, in as many columns as fit."""
    lines: Iterable[Line2D] = axes.get_lines()
    labels = [str(line.get_label()) for line in lines]
    columns = max(1, int(width / (40 + 7 * max(map(len, labels)))))
    figure: Any = axes.get_figure()
    figure.legend(lines, labels, loc="outside lower left", ncols=columns)


def _scale(axis: Axis, *, log: bool = False) -> None:
    """Give an axis round numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    if log:
        axis.axes.set_xscale("log")
        axis.set_minor_locator(NullLocator())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if log else MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(number)


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis, further apart where they differ by no more than rounding."""
    size = max(abs(low), abs(high))
    margin = 0.0 if high - low > ROUNDING * size else 0.5 * size or 0.5
    return low - margin, high + margin


def _svg(title: str, size: tuple[int, int], draw: Callable[[Axes], None]) -> str:
    """Return a plot as one element that stands in a page."""
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    text = StringIO()
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has its own fonts
        width, height = (pixels / POINTS_PER_INCH for pixels in size)
        figure = Figure((width, height), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        draw(axes)
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _inline(text.getvalue(), title, size)


def _inline(text: str, title: str, size: tuple[int, int]) -> str:
    """Return matplotlib's file as an element: without ids that repeat in a page, with titles on its marks."""
    root = ElementTree.fromstring(text)
    root.attrib |= {"width": f"{size[0]}", "height": f"{size[1]}", "role": "img", "aria-label": title}
    for group in root.iter(f"{{{NAMESPACE}}}g"):
        name = group.attrib.pop("id", "")
        if name.startswith(MARKS):
            marks = group.iter(f"{{{NAMESPACE}}}use")
            for mark, said in zip(marks, json.loads(name.removeprefix(MARKS)), strict=True):
                ElementTree.SubElement(mark, f"{{{NAMESPACE}}}title").text = said
    return ElementTree.tostring(root, "unicode")
