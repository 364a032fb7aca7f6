"""The calendar's documents: states, weekly hours, working patterns, holidays and overrides, as an admin writes them.

All calendar files share one shape with optional sections, so that an office can add a day off, a pattern or
a whole state in a file of its own. What a reader needs to know of each key stands at its field.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gerbang.documents import Part, Steps, Tree, read_yaml, shown, spelled, told, validated
from gerbang.errors import Place, one_of

DAY = 24 * 60


class Weekday(StrEnum):
    """Days in the order of `datetime.date.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Service(StrEnum):
    """Whose days off an override speaks of; an office's legal regime tells its service."""

    FEDERAL = "federal-service"
    STATE = "state-service"
    SCHOOL = "school"


class Change(StrEnum):
    """What an override does to the list of holidays."""

    ADD = "add"
    REMOVE = "remove"
    MOVE = "move"


class Status(StrEnum):
    """Whether an override has been confirmed. A doubtful one is shown, and never applied."""

    CONFIRMED = "confirmed"
    DOUBTFUL = "doubtful"


class Window(NamedTuple):
    """Minutes since midnight, start included, end excluded. An end above 1440 lies on the next day."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{clock(self.start)}-{clock(self.end)}"


def clock(minute: int) -> str:
    """The wall clock at a minute since midnight.

    >>> clock(450), clock(1440), clock(1500)
    ('07:30', '24:00', '01:00')
    """
    if minute > DAY:
        minute -= DAY
    return f"{minute // 60:02}:{minute % 60:02}"


WINDOW = re.compile(r"(\d\d):(\d\d) ?[-–] ?(\d\d):(\d\d)", re.ASCII)


def window(text: object) -> Window:
    """A stretch of the day. One that ends before it starts goes over midnight.

    >>> window("07:30-18:00")
    Window(start=450, end=1080)
    >>> window("22:00-06:00")
    Window(start=1320, end=1800)
    """
    if isinstance(text, Window):
        return text
    found = WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise told(f"`{shown(text)}` is no stretch of the day", "write it as `07:30-18:00`")
    hour, minute, end_hour, end_minute = (int(part) for part in found.groups())
    if max(minute, end_minute) > 59 or hour > 23 or end_hour > 24 or (end_hour == 24 and end_minute):
        raise told(f"`{text}` names a time that no clock shows", "times go from `00:00` to `24:00`")
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if start == end:
        raise told(f"`{text}` starts and ends at once", "a whole day is `00:00-24:00`")
    return Window(start, end if end > start else end + DAY)


def _listed(value: object) -> object:
    """One value where a list may stand is a list of one."""
    return (value,) if isinstance(value, str) else value


def _within_a_day(value: Window) -> Window:
    if value.end > DAY:
        raise told(f"`{value}` goes over midnight", "give each day a line of its own")
    return value


def _unbroken(value: str) -> str:
    if not value.strip() or any(ord(character) < 32 for character in value):
        raise told("text is expected here, on one line")
    return value.strip()


def _service(value: object) -> object:
    if value not in list(Service):
        raise told(f"unknown service `{shown(value)}`", one_of(Service, str(value)))
    return value


type Line = Annotated[str, Field(max_length=400), AfterValidator(_unbroken)]
type Name = Annotated[str, spelled("[a-z0-9][a-z0-9-]{0,63}", "name", "small letters, digits and hyphens are expected")]
type Code = Annotated[
    str, spelled("[A-Z0-9][A-Z0-9-]{0,15}", "code of a state", "capital letters, digits and hyphens are expected")
]
type Span = Annotated[Window, BeforeValidator(window)]
type Windows = Annotated[tuple[Span, ...], BeforeValidator(_listed), Field(max_length=24)]
type Weekdays = Annotated[tuple[Weekday, ...], BeforeValidator(_listed), Field(max_length=7)]
type Names = Annotated[tuple[Name, ...], BeforeValidator(_listed)]
type Codes = Annotated[tuple[Code, ...], BeforeValidator(_listed)]


class Words(Part):
    """One text in Malay and in English."""

    ms: Line
    en: Line


class WeeklyRest(Part):
    """The weekly days off from a date on, until the next entry's date."""

    since: date = Field(alias="from")
    days: Weekdays
    source: Line


class State(Part):
    """A place with its own weekly days off and holidays. `region` is what breaks are listed by."""

    name: Words
    alias: Code | None = None
    timezone: Line
    region: Name
    rest: tuple[WeeklyRest, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def in_order(self) -> Self:
        dates = [entry.since for entry in self.rest]
        if dates != sorted(set(dates)):
            raise told("the entries of `rest` are not in the order of their dates")
        return self


class Where(Part):
    """The days and places that an entry speaks of: all, where nothing is said.

    `rest` is the state's weekly days off, so that `rest: [fri, sat]` with `days: [thu]` is the short Thursday.
    """

    days: Weekdays = ()
    rest: Weekdays = ()
    regions: Names = ()
    states: Codes = ()


class Breaks(Where):
    """Rest breaks. Of the entries that speak of a day, the last one stands."""

    breaks: Windows = Field(alias="break")
    source: Line | None = None


class Day(Where):
    """The hours of a working day. Of the entries that speak of a day, the last one stands.

    `hours` and `core` are office hours; `flexible` are the bands in which the gate cannot know. Breaks are the
    state's unless the entry has its own. No window at all is a day without hours.
    """

    hours: Windows = ()
    core: Windows = ()
    flexible: Windows = ()
    breaks: Windows | None = Field(default=None, alias="break")


class Pattern(Part):
    """A way of working. `profiles` has the days that stand instead while a profile runs.

    `roster`: the hours are each officer's own shifts, in the register of own days; without them nothing is known.
    """

    title: Words
    source: Line | None = None
    based_on: Name | None = None
    days: tuple[Day, ...] = ()
    profiles: dict[Name, tuple[Day, ...]] = Field(default_factory=dict)
    roster: bool = False

    @model_validator(mode="after")
    def one_or_the_other(self) -> Self:
        if self.roster and (self.days or self.profiles or self.based_on):
            raise told("a pattern has a `roster`, or days of its own", "leave one of them out")
        return self


class Season(Part):
    """First and last day of a profile."""

    since: date = Field(alias="from")
    until: date = Field(alias="to")
    states: Codes = ()
    estimated: bool = False
    source: Line | None = None

    @model_validator(mode="after")
    def forward(self) -> Self:
        if self.until < self.since:
            raise told(f"`to: {self.until}` lies before `from: {self.since}`")
        return self


class Profile(Part):
    """Dates on which other hours and breaks stand, for the patterns that take part in it."""

    title: Words
    seasons: tuple[Season, ...]
    breaks: tuple[Breaks, ...] = ()


class Complete(Part):
    """For which year and states the list of holidays is whole. Elsewhere the calendar knows nothing."""

    year: int = Field(ge=1900, le=9999)
    states: Codes = Field(min_length=1)


class Holiday(Part):
    """A day off in some states. `in_lieu`: for another that fell on a day off. `estimated`: may still move."""

    day: date = Field(alias="date")
    states: Codes = Field(min_length=1)
    ms: Line
    en: Line
    in_lieu: bool = False
    estimated: bool = False


class Override(Part):
    """A holiday that the made list lacks, has wrongly, or has on the wrong day, with what it rests on.

    `scope` is left out where it holds for everybody; `offices` narrows it to offices by name; `between` makes it a
    part of the day. `remove` and `move` take the day's holidays of that Malay name, or all of them where none is given.
    """

    day: date = Field(alias="date")
    change: Change = Field(alias="kind")
    to: date | None = None
    states: Codes = ()
    offices: Names = ()
    scope: Annotated[tuple[Service, ...], BeforeValidator(_listed)] = ()
    ms: Line | None = None
    en: Line | None = None
    between: Annotated[Span, AfterValidator(_within_a_day)] | None = None
    authority: Line | None = None
    instrument: Line | None = None
    announced_on: date | None = None
    source: Line
    status: Status = Status.CONFIRMED

    @model_validator(mode="after")
    def whole(self) -> Self:
        if not self.states and not self.offices:
            raise told("says neither `states` nor `offices`")
        if (self.to is not None) != (self.change is Change.MOVE):
            raise told("`to` goes with `kind: move`, and only with it")
        if self.change is Change.ADD and not (self.ms and self.en):
            raise told("a day that is added needs its name in `ms` and `en`")
        if self.between and self.change is not Change.ADD:
            raise told("`between` goes only with `kind: add`")
        return self


class Content(Part):
    """One calendar file."""

    calendar: Name
    title: Words | None = None
    made_with: Line | None = None
    known_on: date | None = None
    services: dict[Annotated[Service, BeforeValidator(_service)], Names] = Field(default_factory=dict)
    states: dict[Code, State] = Field(default_factory=dict)
    breaks: tuple[Breaks, ...] = ()
    patterns: dict[Name, Pattern] = Field(default_factory=dict)
    profiles: dict[Name, Profile] = Field(default_factory=dict)
    complete_for: tuple[Complete, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarDocument:
    """A valid calendar file, and where each of its keys stands."""

    file: str
    content: Content
    tree: Tree

    def place(self, path: Steps) -> Place:
        """The place of a key or list entry, or of the nearest thing around it."""
        return self.tree.place(path, key=True)


def parse_calendar(text: str, file: str) -> CalendarDocument:
    """A calendar file's text, checked for itself. Raises `DocumentErrors` with all that is wrong in it."""
    tree = read_yaml(text, file)
    return CalendarDocument(file, validated(Content, tree), tree)
