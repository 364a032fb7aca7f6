"""Calendar cases: what time it is expected to be at an office, tried by the function that enforcement asks.

A case file stands beside a calendar file (`malaysia.cases.yaml`). Its offices are its own; the calendar is whole,
with all files of all folders, because that is what an office lives by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from gerbang.documents import Part, Tree, read_yaml, refuse, told, validated
from gerbang.errors import DocumentError, one_of
from gerbang.model import Hours, Office, Regime
from gerbang.policy.calendar import Calendar
from gerbang.policy.calendar_document import Line, Name

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


class CalendarCase(Part):
    """`at` is the wall clock at the office."""

    name: Line
    office: OfficeEntry
    at: Wall
    expect: Expected


class Shape(Part):
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
    for number, case in enumerate(cases.shape.cases):
        office = case.office
        if calendar.state(office.state) is None:
            hint = one_of(calendar.states, office.state)
            yield cases.tree.error(("cases", number, "office", "state"), f"unknown state `{office.state}`", hint)
        if office.pattern not in calendar.patterns:
            hint = one_of(calendar.patterns, office.pattern)
            yield cases.tree.error(("cases", number, "office", "pattern"), f"unknown pattern `{office.pattern}`", hint)


def _tried(cases: CalendarCases, number: int, calendar: Calendar) -> CaseResult:
    case = cases.shape.cases[number]
    state = calendar.state(case.office.state)
    zone = case.office.timezone or (state.timezone if state else "")
    office = Office(case.office.name, case.office.state, zone, case.office.legal_regime, case.office.pattern)
    hours = calendar.hours(office, calendar.moment(office, datetime.fromisoformat(case.at)))
    line = cases.tree.place(("cases", number)).line
    return CaseResult(cases.file, line, case.name, hours, tuple(_failures(case.expect, hours)))


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
