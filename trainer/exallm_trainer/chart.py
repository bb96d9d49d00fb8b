"""Line charts as SVG: no library, no script, no font of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 44, 46
# Okabe and Ito's colours, which colour-blind readers tell apart; dashes do so in print.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_DASHES = ("none", "6 3", "2 2", "8 3 2 3")
_TICKS = 5

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A line through points, in their order."""

    name: str
    points: Points


@dataclass(frozen=True)
class Mark:
    """A place on the axis of x that has a name."""

    x: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Up to four lines on common axes; a logarithmic axis leaves out what is not above 0."""

    title: str
    x_title: str
    y_title: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    log_x: bool = False
    log_y: bool = False

    def drawn(self) -> tuple[Line, ...]:
        """The lines with the points that have a place on the axes; one without any is left out."""
        kept = (Line(line.name, tuple(filter(self._has_place, line.points))) for line in self.lines)
        return tuple(line for line in kept if line.points)

    def _has_place(self, point: tuple[float, float]) -> bool:
        x, y = point
        finite = math.isfinite(x) and math.isfinite(y)
        return finite and (x > 0 or not self.log_x) and (y > 0 or not self.log_y)


@dataclass(frozen=True)
class _Axis:
    """From values to units of the drawing."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def place(self, value: float) -> float:
        scale: Callable[[float], float] = math.log10 if self.log else float
        low, high = scale(self.low), scale(self.high)
        return self.start + (scale(value) - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        # A logarithmic axis of less than a decade may hold no power of ten.
        if self.log and self.high / self.low >= 10:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            every = math.ceil((last - first + 1) / (_TICKS + 3))
            ticks = [10.0**power for power in range(first, last + 1, every)]
        else:
            step = _round_step((self.high - self.low) / _TICKS)
            first, last = math.floor(self.low / step), math.ceil(self.high / step)
            ticks = [number * step for number in range(first, last + 1)]
        return [tick for tick in ticks if self.low <= tick <= self.high]


def svg(chart: Chart) -> str:
    """The drawing as one ``<svg>`` element, which is also a whole file.

    ``ValueError`` where no point has a place on the axes.
    """
    lines = chart.drawn()
    if not lines:
        raise ValueError(f"the chart {chart.title!r} has no points")
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    x_axis = _Axis(*_range(xs, chart.log_x), _LEFT, WIDTH - _RIGHT, chart.log_x)
    y_axis = _Axis(*_range(ys, chart.log_y), HEIGHT - _BOTTOM, _TOP, chart.log_y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="sans-serif" font-size="11" fill="#222">',
        f"<title>{escape(chart.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_grid(chart, x_axis, y_axis),
        *_marks(chart, x_axis),
    ]
    for number, line in enumerate(lines):
        parts += _line(line, number, x_axis, y_axis)
    return "\n".join([*parts, "</svg>\n"])


def _grid(chart: Chart, x_axis: _Axis, y_axis: _Axis) -> list[str]:
    parts = []
    for tick in x_axis.ticks():
        x = x_axis.place(tick)
        parts.append(_stroke(x, _TOP, x, HEIGHT - _BOTTOM, "#ddd"))
        parts.append(_text(x, HEIGHT - _BOTTOM + 15, _number(tick), "middle"))
    for tick in y_axis.ticks():
        y = y_axis.place(tick)
        parts.append(_stroke(_LEFT, y, WIDTH - _RIGHT, y, "#ddd"))
        parts.append(_text(_LEFT - 6, y + 4, _number(tick), "end"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, chart.x_title, "middle"))
    parts.append(_text(4, _TOP - 10, chart.y_title, "start"))
    return parts


def _marks(chart: Chart, x_axis: _Axis) -> list[str]:
    parts = []
    inside = [mark for mark in chart.marks if x_axis.low <= mark.x <= x_axis.high]
    for number, mark in enumerate(inside):
        x = x_axis.place(mark.x)
        anchor, shift = ("end", -4) if x > WIDTH / 2 else ("start", 4)
        parts.append(_stroke(x, _TOP, x, HEIGHT - _BOTTOM, "#555", "3 3"))
        parts.append(_text(x + shift, _TOP - 5 + 17 * number, mark.label, anchor))
    return parts


def _line(line: Line, number: int, x_axis: _Axis, y_axis: _Axis) -> list[str]:
    colour, dash = _COLOURS[number], _DASHES[number]
    points = [(x_axis.place(x), y_axis.place(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    legend = _LEFT + 10 + 140 * number
    parts = [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"'
        f' stroke-dasharray="{dash}"/>'
    ]
    if len(points) == 1:
        parts.append(f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/>')
    return [
        *parts,
        _stroke(legend, 14, legend + 24, 14, colour, dash, 1.6),
        _text(legend + 30, 18, line.name, "start"),
    ]


def _stroke(
    x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "none", width: float = 1
) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        f' stroke-dasharray="{dash}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _range(values: Sequence[float], log: bool) -> tuple[float, float]:
    """The axis' ends; a single value gets room on both sides."""
    low, high = min(values), max(values)
    if low < high:
        return low, high
    return (low / 2, high * 2) if log else (low - 1, high + 1)


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, 20 ... that is no smaller."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"
