"""A day as pieces in which the regime and the fact behind it stay, for one officer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from gerbang.model import Hours, OwnKind

OWN = frozenset(
    {*OwnKind, "off-shift", "no-shift", "clocked-in", "began-on-duty", "before-clock-in", "hours-served", "clocked-out"}
)

type Asked = Callable[[datetime], Hours]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a day in which the regime and its fact stay."""

    start: datetime
    end: datetime
    hours: Hours

    def __str__(self) -> str:
        end = "24:00" if self.end.date() > self.start.date() else f"{self.end:%H:%M}"
        return f"{self.start:%H:%M}-{end} {self.hours.regime}"


def day_of(day: date, zone: tzinfo, asked: Asked) -> tuple[Piece, ...]:
    """The pieces of a day from midnight to midnight, to the minute."""
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    pieces: list[Piece] = []
    minutes = int((end.timestamp() - start.timestamp()) // 60)
    for number in range(minutes):
        moment = datetime.fromtimestamp(start.timestamp() + number * 60, zone)
        found = asked(moment)
        last = pieces[-1] if pieces else None
        if last and (last.hours.regime, last.hours.fact) == (found.regime, found.fact):
            continue
        if last:
            pieces[-1] = Piece(last.start, moment, last.hours)
        pieces.append(Piece(moment, end, found))
    return tuple(pieces)


def is_own(pieces: Sequence[Piece]) -> bool:
    return any(one.hours.fact in OWN or "elsewhere" in one.hours.arguments for one in pieces)


def is_estimated(pieces: Sequence[Piece]) -> bool:
    return any("estimated" in one.hours.arguments for one in pieces)
