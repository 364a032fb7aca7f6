"""What a year holds at each office: its days and hours by regime, and what the calendar does not know of it.

Minutes are those of the wall clock: every day has 1440 of them, also one on which a clock is changed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gerbang.model import Office, Regime
from gerbang.policy.calendar import Calendar, Stretch
from gerbang.policy.calendar_document import Override, Status

WORKED = frozenset({Regime.OFFICE_HOURS, Regime.FLEXIBLE})


class DayKind(StrEnum):
    """What a day is on the whole. A holiday is one on a day that would be worked; a part of one leaves it worked."""

    WORKING = "working"
    PART = "part-holiday"
    HOLIDAY = "holiday"
    WEEKLY = "weekly-rest"
    IDLE = "no-hours"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the picture. `estimated` where its holiday or its profile may still move."""

    day: date
    kind: DayKind
    estimated: bool
    profile: str | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Year:
    """A year of offices that work alike: its days, and the minutes of each regime."""

    offices: tuple[str, ...]
    state: str
    pattern: str
    days: tuple[Day, ...]
    minutes: Mapping[Regime, int]

    def count(self, kind: DayKind) -> int:
        return sum(day.kind is kind for day in self.days)

    @property
    def working_days(self) -> int:
        """Days with office hours or flexible hours, those with a part of a holiday among them."""
        return self.count(DayKind.WORKING) + self.count(DayKind.PART)

    @property
    def estimated(self) -> tuple[Day, ...]:
        return tuple(day for day in self.days if day.estimated)


@dataclass(frozen=True, slots=True)
class CalendarGap:
    """Something that the calendar lacks, and what would fill it. `serious` where hours are unknown without it."""

    what: str
    hint: str
    serious: bool = True


def years_of(calendar: Calendar, ways: Iterable[tuple[Office, str]], year: int) -> tuple[Year, ...]:
    """The year of each office in each pattern that is worked there; offices whose years are the same share one."""
    shared: dict[tuple[object, ...], Year] = {}
    for office, pattern in ways:
        found = _year(calendar, office, pattern, year)
        key = (found.state, pattern, found.days, tuple(sorted(found.minutes.items())))
        earlier = shared.get(key)
        names = (*earlier.offices, office.name) if earlier else (office.name,)
        shared[key] = Year(tuple(dict.fromkeys(names)), found.state, pattern, found.days, found.minutes)
    return tuple(shared.values())


def _year(calendar: Calendar, office: Office, pattern: str, year: int) -> Year:
    minutes: Counter[Regime] = Counter()
    days = []
    day = date(year, 1, 1)
    while day.year == year:
        stretches = calendar.day(office, day, pattern)
        for one in stretches:
            minutes[one.regime] += one.end - one.start
        days.append(_day(day, stretches))
        if day == date.max:
            break
        day += timedelta(days=1)
    return Year((office.name,), office.state, pattern, tuple(days), dict(minutes))


def _day(day: date, stretches: Sequence[Stretch]) -> Day:
    holidays = [one for one in stretches if one.fact == "holiday"]
    names = tuple(dict.fromkeys(one.arguments["name"] for one in holidays))
    return Day(
        day,
        _kind(stretches),
        any("estimated" in one.arguments for one in stretches),
        next((one.arguments["profile"] for one in stretches if "profile" in one.arguments), None),
        names,
    )


def _kind(stretches: Sequence[Stretch]) -> DayKind:
    facts, regimes = {one.fact for one in stretches}, {one.regime for one in stretches}
    if Regime.UNKNOWN in regimes:
        return DayKind.UNKNOWN
    # Around the shift of the evening before, a day off is a day off: what ends a day tells what it is.
    if "weekly-rest" in facts:
        return DayKind.WEEKLY
    if "holiday" in facts:
        return DayKind.PART if "after-hours" in facts or _worked_last(stretches) else DayKind.HOLIDAY
    return DayKind.WORKING if regimes & WORKED else DayKind.IDLE


def _worked_last(stretches: Sequence[Stretch]) -> bool:
    """Whether something is worked after a part of the day that is off, so that it is no shift's of the day before."""
    first = next(index for index, one in enumerate(stretches) if one.fact == "holiday")
    return any(one.regime in WORKED for one in stretches[first:])


# ---------------------------------------------------------------- what is missing


def calendar_gaps(
    calendar: Calendar, offices: Sequence[Office], patterns: Iterable[tuple[Office, str]], year: int
) -> Iterator[CalendarGap]:
    """Lists, profiles and offices that the year lacks."""
    without = sorted(code for code in calendar.states if year not in calendar.years(code))
    if without:
        places = "any state" if len(without) == len(calendar.states) else ", ".join(without)
        used = any(calendar.code(office.state) in without for office in offices)
        hint = f"make the list by `gerbang calendar build --year {year} --out FOLDER`"
        yield CalendarGap(f"no list of holidays of {year} for {places}", hint, used)
    worked = dict.fromkeys(pattern for _, pattern in patterns)
    for name, profile in calendar.profiles.items():
        if any(season.since.year <= year <= season.until.year for season in profile.seasons):
            continue
        users = [pattern for pattern in worked if pattern in calendar.patterns and calendar.takes_part(pattern, name)]
        what = f"the profile `{name}` has no dates in {year}"
        what += f", and {', '.join(f'`{user}`' for user in users)} would change with it" if users else ""
        yield CalendarGap(what, f"add a season to `profiles: {name}` in a calendar file", bool(users))
    known = {office.name for office in offices}
    for one in _within(calendar.overrides, year):
        for name in one.offices:
            if name not in known:
                what = f"the override of {one.day} speaks of the office `{name}`, which the settings do not list"
                yield CalendarGap(what, "correct its name, or take the line out", serious=False)


def doubtful(calendar: Calendar, offices: Sequence[Office], year: int) -> tuple[Override, ...]:
    """Overrides of the year that are not applied because nobody has seen what they rest on, where an office is."""
    states = {code for office in offices if (code := calendar.code(office.state))}
    names = {office.name for office in offices}
    return tuple(
        one
        for one in _within(calendar.overrides, year)
        if one.status is Status.DOUBTFUL and (states & set(one.states) or names & set(one.offices))
    )


def _within(overrides: Iterable[Override], year: int) -> Iterator[Override]:
    return (one for one in overrides if year in {one.day.year, one.to.year if one.to else one.day.year})
