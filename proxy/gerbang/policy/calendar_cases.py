"""Calendar cases: what time it is expected to be at an office, tried by the function that enforcement asks.

A case file stands beside a calendar file (`malaysia.cases.yaml`). Its offices are its own; the calendar is whole,
with all files of all folders, because that is what an office lives by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gerbang.documents import Part, Steps, Tree, read_yaml, refuse, told, validated
from gerbang.errors import DocumentError, RegisterError, one_of
from gerbang.model import Hours, Office, OwnDay, OwnDays, Regime
from gerbang.policy.calendar import Calendar
from gerbang.policy.calendar_document import Line, Name
from gerbang.policy.own_days import MOST_ENTRIES, own_day, own_hours, spoken

MOST_CASES = 2000


def _wall(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or len(value) < len("2026-11-24T10:00"):
        raise told(f"`{value[:40]}` is no time at the office", "write it without an offset, like `2026-11-24T10:15`")
    return value


type Wall = Annotated[str, AfterValidator(_wall)]


class OfficeEntry(Part):
    name: Name = "hq"
    state: Line
    pattern: Name = "flexi"
    legal_regime: Name = "federal"
    timezone: Line | None = None


class Expected(Part):
    """`holiday` is the Malay name that the answer must give; `until` the next change, on the office's clock."""

    regime: Regime
    fact: Name | None = None
    holiday: Line | None = None
    until: Wall | None = None


class OwnDayEntry(Part):
    """What the officer of the case has on file; see `policy.own_days`."""

    kind: Line
    since: Annotated[Line, BeforeValidator(spoken), Field(alias="from")]
    until: Annotated[Line, BeforeValidator(spoken)] | None = None
    office: Name | None = None

    @model_validator(mode="after")
    def sound(self) -> Self:
        try:
            self.value()
        except RegisterError as error:
            raise told(error.what, error.hint) from None
        return self

    def value(self) -> OwnDay:
        return own_day("case", self.kind, self.since, self.until or "", "case", "case", self.office or "")


class CalendarCase(Part):
    """`at` is the wall clock at the office; `own_days` are those of the officer whose time is asked for."""

    name: Line
    office: OfficeEntry
    at: Wall
    expect: Expected
    own_days: Annotated[tuple[OwnDayEntry, ...], Field(max_length=MOST_ENTRIES)] = ()


class Shape(Part):
    """`offices` are those that own days may name, each by its name."""

    offices: Annotated[tuple[OfficeEntry, ...], Field(max_length=MOST_CASES)] = ()
    cases: tuple[CalendarCase, ...] = Field(min_length=1, max_length=MOST_CASES)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, tried. `failures` are sentences; none means that it holds."""

    file: str
    line: int | None
    name: str
    hours: Hours
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalendarCases:
    """The cases of one file."""

    file: str
    shape: Shape
    tree: Tree


def parse_calendar_cases(text: str, file: str) -> CalendarCases:
    """The cases of a file. Raises `DocumentErrors`."""
    tree = read_yaml(text, file)
    return CalendarCases(file, validated(Shape, tree), tree)


def run_calendar_cases(cases: CalendarCases, calendar: Calendar) -> tuple[CaseResult, ...]:
    """Every case, tried; raises `DocumentErrors` where one speaks of a state or pattern that no calendar has."""
    refuse(_strangers(cases, calendar))
    return tuple(_tried(cases, number, calendar) for number in range(len(cases.shape.cases)))


def _strangers(cases: CalendarCases, calendar: Calendar) -> Iterator[DocumentError]:
    shape = cases.shape
    places: list[tuple[Steps, OfficeEntry]] = [
        *((("offices", number), office) for number, office in enumerate(shape.offices)),
        *((("cases", number, "office"), case.office) for number, case in enumerate(shape.cases)),
    ]
    for path, office in places:
        if calendar.state(office.state) is None:
            hint = one_of(calendar.states, office.state)
            yield cases.tree.error((*path, "state"), f"unknown state `{office.state}`", hint)
        if office.pattern not in calendar.patterns:
            hint = one_of(calendar.patterns, office.pattern)
            yield cases.tree.error((*path, "pattern"), f"unknown pattern `{office.pattern}`", hint)
    names = [office.name for office in shape.offices]
    for number, case in enumerate(shape.cases):
        for index, entry in enumerate(case.own_days):
            if entry.office and entry.office not in names:
                hint = one_of(names, entry.office) if names else "write it under `offices`"
                path = ("cases", number, "own_days", index, "office")
                yield cases.tree.error(path, f"unknown office `{entry.office}`", hint)


def _tried(cases: CalendarCases, number: int, calendar: Calendar) -> CaseResult:
    case = cases.shape.cases[number]
    office = _office(case.office, calendar)
    offices = {entry.name: _office(entry, calendar) for entry in cases.shape.offices}
    moment = calendar.moment(office, datetime.fromisoformat(case.at))
    own = OwnDays(tuple(entry.value() for entry in case.own_days))
    hours = own_hours(own, calendar, offices, office, None, moment)
    line = cases.tree.place(("cases", number)).line
    return CaseResult(cases.file, line, case.name, hours, tuple(_failures(case.expect, hours)))


def _office(entry: OfficeEntry, calendar: Calendar) -> Office:
    state = calendar.state(entry.state)
    zone = entry.timezone or (state.timezone if state else "")
    return Office(entry.name, entry.state, zone, entry.legal_regime, entry.pattern)


def _failures(expect: Expected, hours: Hours) -> Iterator[str]:
    until = hours.until.replace(tzinfo=None).isoformat(timespec="minutes") if hours.until else "nothing"
    for what, wanted, found in (
        ("the regime", expect.regime, hours.regime),
        ("the fact", expect.fact, hours.fact),
        ("the holiday", expect.holiday, hours.arguments.get("name", "none")),
        ("the next change", expect.until, until),
    ):
        if wanted is not None and wanted != found:
            yield f"{what} is `{found}`, not `{wanted}`"
