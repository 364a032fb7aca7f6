"""Decisions over time as an SVG of stacked bars, drawn here, so that it needs no script and prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from gerbang.store import HourCount

WIDTH, HEIGHT = 960, 150
LEFT, BOTTOM, TOP = 36, 22, 8
HOURLY_UP_TO: Final = timedelta(hours=48)
MOST_BARS: Final = 62
# From the bottom of a bar to its top: what was refused lies on the base line, where lengths compare best.
STACK: Final = ("answered", "held", "forwarded")


@dataclass(frozen=True, slots=True)
class Part:
    done: str
    x: float
    y: float
    width: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour or day. `label` is under the axis where there is room for it."""

    start: datetime
    total: int
    parts: tuple[Part, ...]
    middle: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    hourly: bool
    total: int
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, int], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def chart(
    counts: Sequence[HourCount], zone: tzinfo, since: datetime | None = None, until: datetime | None = None
) -> Chart:
    """Bars by the hour up to two days, and else by the day, on the clock of `zone`; the latest of too many."""
    if not counts:
        return Chart(True, 0, (), ())
    first = since or min(count.hour for count in counts)
    last = (until - timedelta(seconds=1)) if until else max(count.hour for count in counts)
    hourly = last - first < HOURLY_UP_TO
    step = timedelta(hours=1) if hourly else timedelta(days=1)
    sums: dict[datetime, dict[str, int]] = {}
    for count in counts:
        bar = sums.setdefault(_start(count.hour, zone, hourly=hourly), {})
        bar[count.done] = bar.get(count.done, 0) + count.count
    starts = [_start(last, zone, hourly=hourly)]
    while starts[-1] > _start(first, zone, hourly=hourly) and len(starts) < MOST_BARS:
        starts.append(_start(starts[-1] - step / 2, zone, hourly=hourly))
    starts.reverse()
    highest = _nice(max((sum(sums.get(start, {}).values()) for start in starts), default=1) or 1)
    room = (WIDTH - LEFT) / len(starts)
    every = max(1, -(-len(starts) // 12))
    bars = tuple(
        _bar(start, sums.get(start, {}), LEFT + index * room, room, highest, _label(start, hourly, index % every == 0))
        for index, start in enumerate(starts)
    )
    lines = tuple((_y(value, highest), value) for value in sorted({0, highest // 2, highest}))
    return Chart(hourly, sum(bar.total for bar in bars), bars, lines)


def _bar(start: datetime, sums: dict[str, int], x: float, room: float, highest: int, label: str) -> Bar:
    width = min(max(room * 0.72, 1.0), 34.0)
    left, below, parts = x + (room - width) / 2, 0, []
    for done in STACK:
        if count := sums.get(done, 0):
            top = _y(below + count, highest)
            height = _y(below, highest) - top
            parts.append(Part(done, round(left, 1), round(top, 1), round(width, 1), round(height, 1), count))
            below += count
    return Bar(start, below, tuple(parts), round(x + room / 2, 1), label)


def _y(value: int, highest: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / highest, 1)


def _start(moment: datetime, zone: tzinfo, *, hourly: bool) -> datetime:
    local = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return local if hourly else local.replace(hour=0)


def _label(start: datetime, hourly: bool, shown: bool) -> str:
    return (f"{start:%H}:00" if hourly else f"{start.day}/{start.month}") if shown else ""


def _nice(value: int) -> int:
    """The next round and even number up, for the top of the axis.

    >>> [_nice(n) for n in (1, 3, 7, 13, 23, 140, 99_999)]
    [2, 4, 8, 14, 30, 140, 100000]
    """
    for step in (2, 4, 6, 8, 10, 12, 14):
        if step >= value:
            return step
    size = 1
    while True:
        for step in (16, 20, 30, 40, 50, 60, 80, 100, 120, 140):
            if (found := step * size) >= value:
                return found
        size *= 10
