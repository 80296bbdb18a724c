"""Small plots as inline SVG: numbers in, text out.

Knows nothing about clips or metrics. Every mark carries a title, which browsers show when the pointer rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

INK, FAINT, GRID = "#1f2328", "#8c959f", "#e4e8ec"
PALETTE = (
    "#1f6feb", "#d1242f", "#1a7f37", "#bf8700", "#8250df", "#0a8f9c",
    "#bc4c00", "#6e7781", "#b3256e", "#4d5a2a", "#3b3f8c", "#a06a4b",
)  # fmt: skip
ROUNDING = 1e-6
"""Of a value: nearer ones are drawn as the same."""
Limits = tuple[float | None, float | None]
"""Least and greatest possible value; None is unbounded."""
RESULT_COLOUR, BASELINE_COLOUR = PALETTE[0], "#9aa4ae"


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale from values to pixels.

    low, high      values at both ends
    first, last    pixels at both ends
    """

    low: float
    high: float
    first: float
    last: float

    @staticmethod
    def over(values: Sequence[float], first: float, last: float) -> Axis:
        """Return an axis that has room for all values."""
        low, high = min(values), max(values)
        size = max(abs(low), abs(high))
        margin = 0.05 * (high - low) if high - low > ROUNDING * size else 0.5 * size or 0.5
        return Axis(low - margin, high + margin, first, last)

    def within(self, limits: Limits) -> Axis:
        """Return the axis without what lies outside the limits of all possible values."""
        least, most = limits
        low = self.low if least is None else max(self.low, least)
        high = self.high if most is None else min(self.high, most)
        return Axis(low, high, self.first, self.last)

    def __call__(self, value: float) -> float:
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round values inside, at most about `most`."""
        step = 10 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (factor * step) <= most)
        start = math.ceil(self.low / step)
        return [index * step for index in range(start, math.floor(self.high / step) + 1)]


@dataclass(frozen=True, slots=True)
class LogAxis(Axis):
    """A logarithmic scale; `low` and `high` are decimal logarithms."""

    @staticmethod
    def over_positive(values: Sequence[float], first: float, last: float) -> LogAxis:
        """Return an axis that has room for all values, which are above zero."""
        linear = Axis.over([math.log10(value) for value in values], first, last)
        return LogAxis(linear.low, linear.high, first, last)

    def __call__(self, value: float) -> float:
        return Axis(self.low, self.high, self.first, self.last)(math.log10(value))

    def ticks(self, most: int = 5) -> list[float]:
        """Return 1, 2 and 5 times powers of ten inside; powers of ten alone if those are more than twice `most`."""
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        fine = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
        inside = [value for value in fine if self.low <= math.log10(value) <= self.high]
        return (
            inside
            if len(inside) <= 2 * most
            else [10.0**decade for decade in decades if self.low <= decade <= self.high]
        )


def number(value: float) -> str:
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
    every = [value for dots in known.values() for value in dots.values()]
    if not every:
        return ""
    left, right, top, line = 66, width - 14, 34, 26
    axis = Axis.over(every, left, right).within(limits)
    bottom = top + line * len(known)
    parts = [_heading(left, 16, title, unit)]
    parts += _vertical_grid(axis, top, bottom)
    for index, (label, dots) in enumerate(known.items()):
        y = top + line * (index + 0.5)
        colour = RESULT_COLOUR if index == 0 else BASELINE_COLOUR
        parts.append(_text(left - 8, y + 4, label, anchor="end", size=11))
        parts += [_dot(axis(value), y, colour, f"{name}: {number(value)}") for name, value in dots.items()]
        mean = sum(dots.values()) / len(dots)
        x = axis(mean)
        parts.append(
            f'<path d="M{x:.1f} {y - 10:.1f}v20" stroke="{INK}" stroke-width="2">'
            f"<title>mean {number(mean)}</title></path>"
        )
    return _svg(width, bottom + 24, parts, title)


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
        y_label: above it.
        diagonal: draw y = x.
        level: a horizontal line with its meaning.
        log_x: whether x is drawn on a logarithmic scale.
        size: (width, height) in pixels.
    """
    points = [point for line in series.values() for point in line]
    if not points:
        return ""
    width, height = size
    heights = (
        [y for _, y in points] + ([level[0]] if level else []) + ([x for x, _ in points] if diagonal else [])
    )
    across = (LogAxis.over_positive if log_x else Axis.over)([x for x, _ in points], 52, width - 14)
    upward = Axis.over(heights, height - 62, 40)
    parts = [_text(52, 16, title, weight=600), _text(52, 32, y_label, colour=FAINT, size=11)]
    parts += _vertical_grid(across, 40, height - 62)
    parts += _horizontal_grid(upward, 52, width - 14)
    parts.append(_text((52 + width - 14) / 2, height - 30, x_label, anchor="middle", colour=FAINT, size=11))
    if diagonal:
        ends = [(v, v) for v in (max(across.low, upward.low), min(across.high, upward.high))]
        parts.append(_polyline(across, upward, ends, FAINT, dashed=True))
    if level:
        parts.append(
            _polyline(across, upward, [(across.low, level[0]), (across.high, level[0])], FAINT, dashed=True)
        )
        parts.append(_text(width - 16, upward(level[0]) - 5, level[1], anchor="end", colour=FAINT, size=11))
    for colour, (label, line) in zip(_colours(len(series)), series.items(), strict=True):
        parts.append(_polyline(across, upward, line, colour))
        parts += [
            _dot(across(x), upward(y), colour, f"{label}: {number(x)}, {number(y)}", 3) for x, y in line
        ]
    return _svg(width, height, [*parts, *_legend(list(series), 52, height - 12)], title)


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
    points = [point for dots in series.values() for point in dots]
    if not points:
        return ""
    width, height = size
    rows = math.ceil(len(series) / 6)
    across = Axis.over([x for x, _, _ in points], 14, width - 14)
    upward = Axis.over([y for _, y, _ in points], height - 16 - 18 * rows, 30)
    parts = [_text(14, 16, title, weight=600)]
    for colour, (label, dots) in zip(_colours(len(series)), series.items(), strict=True):
        parts += [_dot(across(x), upward(y), colour, f"{label}: {name}", 4) for x, y, name in dots]
    labels = list(series)
    for row in range(rows):
        chosen = slice(6 * row, 6 * row + 6)
        parts += _legend(
            labels[chosen], 14, height - 6 - 18 * (rows - 1 - row), _colours(len(series))[chosen]
        )
    return _svg(width, height, parts, title)


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(title)}">{body}</svg>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    size: int = 12,
    weight: int = 400,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _heading(x: float, y: float, title: str, unit: str) -> str:
    small = (
        f'<tspan font-weight="400" font-size="11" fill="{FAINT}" dx="8">{escape(unit)}</tspan>'
        if unit
        else ""
    )
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} fill="{INK}" font-size="12" font-weight="600">{escape(title)}{small}</text>'


def _dot(x: float, y: float, colour: str, title: str, radius: float = 4.5) -> str:
    place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius}"'
    return f'<circle {place} fill="{colour}" fill-opacity="0.62"><title>{escape(title)}</title></circle>'


def _polyline(
    across: Axis, upward: Axis, line: Sequence[tuple[float, float]], colour: str, dashed: bool = False
) -> str:
    places = " ".join(f"{across(x):.1f},{upward(y):.1f}" for x, y in line)
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'


def _vertical_grid(axis: Axis, top: float, bottom: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        x = axis(tick)
        parts.append(f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{GRID}"/>')
        parts.append(_text(x, bottom + 15, number(tick), anchor="middle", colour=FAINT, size=11))
    return parts


def _horizontal_grid(axis: Axis, left: float, right: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        y = axis(tick)
        parts.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{GRID}"/>')
        parts.append(_text(left - 6, y + 4, number(tick), anchor="end", colour=FAINT, size=11))
    return parts


def _legend(labels: Sequence[str], left: float, y: float, colours: Sequence[str] | None = None) -> list[str]:
    parts, x = [], left
    for label, colour in zip(labels, colours or _colours(len(labels)), strict=True):
        parts.append(_dot(x + 4, y - 4, colour, label))
        parts.append(_text(x + 12, y, label, size=11))
        x += 24 + 6.6 * len(label)
    return parts


def _colours(count: int) -> list[str]:
    return [PALETTE[index % len(PALETTE)] for index in range(count)]
