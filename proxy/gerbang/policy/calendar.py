"""What time it is for an officer: office hours, a break, a band nobody can know, after hours, a day off.

The calendar is data (`policies/calendars/`), compiled once. A day at an office becomes a short table of stretches of
the wall clock, kept while it is asked for; an answer is one look into that table.

- A window starts on its day and belongs to it, also where it runs over midnight: a day off has no windows of its own,
  and does not cut short those of the evening before.
- Where the answer hangs on data that is missing, the regime is `unknown` and the fact `no-data` says what is missing.
  A weekly day off and the hours outside all windows are known without a list of holidays.
- Windows are read on the wall clock. Where a clock is set back, the hour that comes twice is judged alike both times.
"""

import hashlib
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from pathlib import PurePath
from types import MappingProxyType

from gerbang.errors import DocumentError, DocumentErrors
from gerbang.model import Hours, Office, Regime
from gerbang.policy.calendar_consistency import Arrangement, arranged, inconsistencies, zone_of
from gerbang.policy.calendar_document import (
    DAY,
    CalendarDocument,
    Change,
    Override,
    Pattern,
    Profile,
    Season,
    Service,
    State,
    Status,
    Weekday,
    Where,
    Window,
    clock,
    parse_calendar,
)

__all__ = ["Calendar", "Stretch", "compile_calendar", "parse_calendar"]

WEEKDAYS = tuple(Weekday)

# How far a change is looked for. The longest run of days off is about ten; beyond this a change is not known.
HORIZON = 45
# Thousands of offices share a few hundred ways of working, and almost everything asked is about today. Only an office
# that an override names has tables of its own.
MOST_VIEWS = 4096
MOST_DAYS = 128
MOST_TABLES = 16_384  # of all together, about 3 KB each

NOTHING: Mapping[str, str] = MappingProxyType({})
NO_ARRANGEMENT = Arrangement((), {})


@dataclass(slots=True)
class Stretch:
    """Minutes of one day's wall clock in which nothing changes: start included, end excluded."""

    start: int
    end: int
    regime: Regime
    fact: str
    arguments: Mapping[str, str] = NOTHING
    # When the regime next changes, once it has been asked for; only on days whose clock is not changed.
    until: datetime | None = field(default=None, compare=False, repr=False)
    until_known: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{clock(self.start)}-{clock(self.end)} {self.regime}"


@dataclass(frozen=True, slots=True)
class DayOff:
    """A holiday as it holds in one state; `between` where it is only a part of the day."""

    ms: str
    en: str
    source: str
    in_lieu: bool = False
    estimated: bool = False
    between: Window | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """One day at one office. `even` tells that its clock is not changed between midnight and midnight."""

    starts: tuple[int, ...]
    stretches: tuple[Stretch, ...]
    even: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What starts on a day: the regime around its windows, the windows (up to the next midnight), and parts off."""

    around: Stretch
    windows: tuple[Stretch, ...] = ()
    off: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class _View:
    """What offices with the same state, clock, service and pattern share, looked up. `named` is the office where an
    override speaks of it; `missing` says what the calendar does not have."""

    named: str
    pattern: str
    zone: tzinfo
    missing: Mapping[str, str] | None
    code: str = ""
    state: State | None = None
    service: Service | None = None
    arrangement: Arrangement = NO_ARRANGEMENT
    days: dict[int, _Table] = field(default_factory=dict)


type _Key = tuple[str, str, str, str, str]
"""State, time zone, legal regime, pattern, and the office's name where an override speaks of it."""


class Calendar:
    """Working time for every office that the documents know. Made by `compile_calendar`."""

    def __init__(self, documents: Sequence[CalendarDocument]) -> None:
        contents = [document.content for document in documents]
        self.digest = _digest(documents)
        self.states: Mapping[str, State] = {code: state for each in contents for code, state in each.states.items()}
        self._codes = {state.alias: code for code, state in self.states.items() if state.alias}
        self._codes |= {code: code for code in self.states}
        self.patterns: Mapping[str, Pattern] = {name: made for each in contents for name, made in each.patterns.items()}
        self.profiles: Mapping[str, Profile] = {name: made for each in contents for name, made in each.profiles.items()}
        self._arrangements = {name: arranged(name, self.patterns) for name in self.patterns}
        self._breaks = tuple(entry for each in contents for entry in each.breaks)
        self._services = {
            regime: service for each in contents for service, names in each.services.items() for regime in names
        }
        self._complete = {(code, one.year) for each in contents for one in each.complete_for for code in one.states}
        self._made: dict[tuple[str, date], list[DayOff]] = defaultdict(list)
        for document in documents:
            for index, holiday in enumerate(document.content.holidays):
                source = str(
                    document.place(
                        (
                            "holidays",
                            index,
                        )
                    )
                )
                off = DayOff(holiday.ms, holiday.en, source, holiday.in_lieu, holiday.estimated)
                for code in holiday.states:
                    self._made[code, holiday.day].append(off)
        self.overrides: tuple[Override, ...] = tuple(one for each in contents for one in each.overrides)
        self._overrides: dict[date, list[Override]] = defaultdict(list)
        for override in self.overrides:
            if override.status is Status.CONFIRMED:
                self._overrides[override.day].append(override)
                if override.to and override.to != override.day:
                    self._overrides[override.to].append(override)
        self._named = frozenset(name for one in self.overrides for name in one.offices)
        self._views: dict[_Key, _View] = {}
        self._resting: dict[_Key, _View] = {}
        self._made_tables = 0

    def hours(self, office: Office, moment: datetime, pattern: str | None = None) -> Hours:
        """The regime at an office, with the fact behind it. `pattern` is the officer's own, before the office's.

        Never raises: what the calendar does not know is the regime `unknown`.
        """
        view = self._view(office, pattern)
        if moment.tzinfo is None:
            return _unknown(office, moment.replace(tzinfo=UTC), {"missing": "timezone", "given": str(moment)})
        try:
            local = moment.astimezone(view.zone)
        except OverflowError:
            return _unknown(office, moment, {"missing": "year", "given": str(moment.year)})
        if view.missing is not None:
            return _unknown(office, local, view.missing)
        ordinal = local.toordinal()
        table = view.days.get(ordinal) or self._table(view, ordinal)
        found = table.stretches[bisect_right(table.starts, local.hour * 60 + local.minute) - 1]
        if found.until_known:
            until = found.until
        else:
            until = self._until(view, local)
            if table.even:
                found.until, found.until_known = until, True
        return Hours(found.regime, office.name, local, found.fact, found.arguments, until)

    def day(self, office: Office, day: date, pattern: str | None = None) -> tuple[Stretch, ...]:
        """The stretches of one day at an office, from midnight to midnight."""
        view = self._view(office, pattern)
        if view.missing is not None:
            return (Stretch(0, DAY, Regime.UNKNOWN, "no-data", view.missing),)
        return (view.days.get(day.toordinal()) or self._table(view, day.toordinal())).stretches

    def holidays(
        self, state: str, day: date, *, office: str = "", service: Service | None = None
    ) -> tuple[DayOff, ...]:
        """The holidays of one day in a state, with the confirmed overrides that hold for the office and its service."""
        return self._holidays(self._codes.get(state, state), office, service, day)

    def state(self, name: str) -> State | None:
        """A state by its code or alias."""
        return self.states.get(self._codes.get(name, name))

    def code(self, name: str) -> str | None:
        """The code of a state by its code or alias."""
        return self._codes.get(name)

    def takes_part(self, pattern: str, profile: str) -> bool:
        """Whether a pattern has hours of its own while a profile runs."""
        return profile in self._arrangements[pattern].profiles

    def moment(self, office: Office, wall: datetime) -> datetime:
        """The instant at which an office's clock shows a time; the first where it shows it twice."""
        return wall.replace(tzinfo=zone_of(office.timezone) or UTC)

    def years(self, state: str) -> tuple[int, ...]:
        """The years for which a state's list of holidays is whole."""
        code = self._codes.get(state)
        return tuple(sorted(year for place, year in self._complete if place == code))

    def covered_until(self, state: str, day: date) -> date | None:
        """The last day up to which, from `day` on, a state's list of holidays is whole; `None` where it is not now."""
        known, year = self.years(state), day.year
        while year in known:
            year += 1
        return date(year - 1, 12, 31) if year > day.year else None

    # ------------------------------------------------------------ views and tables

    def _view(self, office: Office, pattern: str | None) -> _View:
        key: _Key = (
            office.state,
            office.timezone,
            office.legal_regime,
            pattern or office.pattern,
            office.name if office.name in self._named else "",
        )
        view = self._views.get(key)
        if view is None:
            view = self._resting.pop(key, None) or self._looked_up(*key)
            if len(self._views) >= MOST_VIEWS:
                # What was not asked for since the last time goes; what is in use comes back with its days.
                self._resting, self._views = self._views, {}
            self._views[key] = view
        return view

    def _looked_up(self, state: str, timezone: str, legal_regime: str, pattern: str, named: str) -> _View:
        zone = zone_of(timezone)
        code = self._codes.get(state)
        arrangement = self._arrangements.get(pattern)
        missing = None
        if zone is None:
            missing = {"missing": "timezone", "given": timezone}
        elif code is None:
            missing = {"missing": "state", "given": state}
        elif arrangement is None:
            missing = {"missing": "pattern", "given": pattern}
        elif self.patterns[pattern].roster:
            missing = {"missing": "roster", "given": pattern}
        if missing is not None or code is None or arrangement is None:
            return _View(named, pattern, zone or UTC, MappingProxyType(missing or {}))
        service = self._services.get(legal_regime)
        return _View(named, pattern, zone or UTC, None, code, self.states[code], service, arrangement)

    def _table(self, view: _View, ordinal: int) -> _Table:
        day = date.fromordinal(ordinal)
        plan = self._plan(view, day)
        before = self._plan(view, date.fromordinal(ordinal - 1)).windows if ordinal > 1 else ()
        spilled = tuple(_shifted(window) for window in before if window.end > DAY)
        stretches = tuple(_merged(_laid_out((*plan.off, *plan.windows, *spilled), plan.around, DAY)))
        starts = tuple(stretch.start for stretch in stretches)
        table = _Table(starts, stretches, _even(day, view.zone))
        if self._made_tables >= MOST_TABLES:
            self._views, self._resting, self._made_tables = {}, {}, 0
        if len(view.days) >= MOST_DAYS:
            view.days.clear()
        self._made_tables += 1
        view.days[ordinal] = table
        return table

    def _plan(self, view: _View, day: date) -> _Plan:
        assert view.state is not None  # noqa: S101  # a view without a state has `missing`
        weekly = [entry for entry in view.state.rest if entry.since <= day]
        if not weekly:
            return _Plan(_no_data({"missing": "weekly-rest", "given": f"{view.code} {day}"}))
        rest = weekly[-1].days
        weekday = WEEKDAYS[day.weekday()]
        if weekday in rest:
            return _Plan(_around(Regime.REST_DAY, "weekly-rest", {"day": str(weekday)}))
        holidays = self._holidays(view.code, view.named, view.service, day)
        if whole := [off for off in holidays if off.between is None]:
            return _Plan(_around(Regime.REST_DAY, "holiday", _told(day, whole)))
        profile = self._profile(view, day)
        windows = tuple(self._windows(view, weekday, rest, profile))
        if (view.code, day.year) not in self._complete:
            unknown = {"missing": "holidays", "given": f"{view.code} {day.year}"}
            windows = tuple(_no_data(unknown, window.start, window.end) for window in windows)
        off = tuple(
            Stretch(*part.between, Regime.REST_DAY, "holiday", _told(day, [part])) for part in holidays if part.between
        )
        return _Plan(_around(Regime.OUTSIDE_HOURS, "after-hours", {"pattern": view.pattern}), windows, off)

    def _profile(self, view: _View, day: date) -> tuple[str, Season] | None:
        for name in view.arrangement.profiles:
            for season in self.profiles[name].seasons:
                if season.since <= day <= season.until and (not season.states or view.code in season.states):
                    return name, season
        return None

    def _windows(
        self, view: _View, weekday: Weekday, rest: Sequence[Weekday], profile: tuple[str, Season] | None
    ) -> Iterator[Stretch]:
        """The windows that start on a working day, breaks taken out of the hours that they lie in."""
        assert view.state is not None  # noqa: S101  # a view without a state has `missing`
        place = (weekday, frozenset(rest), view.state.region, view.code)
        days, breaks = view.arrangement.days, self._breaks
        notes: dict[str, str] = {"pattern": view.pattern}
        if profile:
            name, season = profile
            days += view.arrangement.profiles[name]
            breaks += self.profiles[name].breaks
            notes["profile"] = name
            if season.estimated:
                notes["estimated"] = "profile"
        standing = _last(days, *place)
        if standing is None:
            return
        if standing.breaks is not None:
            free: Sequence[Window] = standing.breaks
        else:
            kept = _last(breaks, *place)
            free = kept.breaks if kept else ()
        # A break of a shift over midnight may lie on the far side of it.
        free = [*free, *(Window(one.start + DAY, one.end + DAY) for one in free if one.end <= DAY)]
        worked = [
            *(_stretch(one, Regime.OFFICE_HOURS, "core-hours", notes) for one in standing.core),
            *(_stretch(one, Regime.OFFICE_HOURS, "working-hours", notes) for one in standing.hours),
            *(_stretch(one, Regime.FLEXIBLE, "flexi-band", notes) for one in standing.flexible),
        ]
        pauses = [_stretch(one, Regime.BREAK, "rest-break", notes) for one in free]
        nowhere = Stretch(0, 2 * DAY, Regime.OUTSIDE_HOURS, "")
        for stretch in _laid_out(worked, nowhere, 2 * DAY, edges=pauses):
            if stretch.fact:
                pause = next((one for one in pauses if one.start <= stretch.start < one.end), stretch)
                yield Stretch(stretch.start, stretch.end, pause.regime, pause.fact, pause.arguments)

    def _holidays(self, code: str, office: str, service: Service | None, day: date) -> tuple[DayOff, ...]:
        rulings = [one for one in self._overrides.get(day, ()) if _holds(one, code, office, service)]
        kept = self._given(code, rulings, day)
        for one in rulings:
            if one.change is Change.REMOVE or (one.change is Change.MOVE and one.day == day):
                kept = [off for off in kept if one.ms not in {None, off.ms}]
        for one in rulings:
            if one.change is Change.MOVE and one.to == day:
                there = [other for other in self._overrides[one.day] if _holds(other, code, office, service)]
                moved = [off for off in self._given(code, there, one.day) if one.ms in {None, off.ms}]
                kept += [DayOff(off.ms, off.en, _cited(one)) for off in moved]
        return tuple(kept)

    def _given(self, code: str, rulings: Sequence[Override], day: date) -> list[DayOff]:
        """The made list's holidays and those that overrides add."""
        added = [
            DayOff(one.ms or "", one.en or "", _cited(one), between=one.between)
            for one in rulings
            if one.change is Change.ADD and one.day == day
        ]
        return [*added, *self._made.get((code, day), ())]

    # ------------------------------------------------------------ when it changes

    def _until(self, view: _View, local: datetime) -> datetime | None:
        """The first instant at which the regime differs, by the zone's own clock; `None` beyond the horizon."""
        regime = self._regime(view, local)
        try:
            for _ in range(8):  # more than the changes of a clock within the horizon
                offset = local.utcoffset() or timedelta()
                wall = self._next_wall(view, local, regime)
                if wall is None:
                    return None
                target = (wall - offset).replace(tzinfo=UTC).astimezone(view.zone)
                if target.utcoffset() == offset:
                    return target
                local = _clock_change(local, target, view.zone)
                if self._regime(view, local) is not regime:
                    return local
        except OverflowError:
            return None
        return None

    def _regime(self, view: _View, local: datetime) -> Regime:
        table = view.days.get(local.toordinal()) or self._table(view, local.toordinal())
        return table.stretches[bisect_right(table.starts, local.hour * 60 + local.minute) - 1].regime

    def _next_wall(self, view: _View, local: datetime, regime: Regime) -> datetime | None:
        minute = local.hour * 60 + local.minute
        for ordinal in range(local.toordinal(), min(local.toordinal() + HORIZON, date.max.toordinal())):
            for stretch in (view.days.get(ordinal) or self._table(view, ordinal)).stretches:
                if stretch.start > minute and stretch.regime is not regime:
                    return datetime.combine(date.fromordinal(ordinal), time()) + timedelta(minutes=stretch.start)
            minute = -1
        return None


# ---------------------------------------------------------------- laying out a day


def _around(regime: Regime, fact: str, arguments: Mapping[str, str]) -> Stretch:
    return Stretch(0, DAY, regime, fact, MappingProxyType(dict(arguments)))


def _no_data(arguments: Mapping[str, str], start: int = 0, end: int = DAY) -> Stretch:
    return Stretch(start, end, Regime.UNKNOWN, "no-data", MappingProxyType(dict(arguments)))


def _unknown(office: Office, local: datetime, arguments: Mapping[str, str]) -> Hours:
    return Hours(Regime.UNKNOWN, office.name, local, "no-data", arguments)


def _stretch(window: Window, regime: Regime, fact: str, notes: Mapping[str, str]) -> Stretch:
    arguments = {"from": clock(window.start % DAY), "to": clock(window.end), **notes}
    return Stretch(window.start, window.end, regime, fact, MappingProxyType(arguments))


def _shifted(window: Stretch) -> Stretch:
    """A window of the day before, on this day's clock."""
    return Stretch(max(window.start - DAY, 0), window.end - DAY, window.regime, window.fact, window.arguments)


def _laid_out(layers: Sequence[Stretch], around: Stretch, end: int, edges: Sequence[Stretch] = ()) -> Iterator[Stretch]:
    """The stretches from midnight to `end`: of the layers that cover a minute the first stands, else what is around.
    `edges` cut without covering."""
    cuts = {0, end} | {cut for one in (*layers, *edges) for cut in (one.start, one.end) if 0 < cut < end}
    points = sorted(cuts)
    for start, stop in pairwise(points):
        top = next((one for one in layers if one.start <= start < one.end), around)
        yield Stretch(start, stop, top.regime, top.fact, top.arguments)


def _merged(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    last: Stretch | None = None
    for one in stretches:
        if last and (last.regime, last.fact, last.arguments) == (one.regime, one.fact, one.arguments):
            last.end = one.end
            continue
        if last:
            yield last
        last = one
    if last:
        yield last


def _last[Entry: Where](
    entries: Iterable[Entry], weekday: Weekday, rest: frozenset[Weekday], region: str, code: str
) -> Entry | None:
    standing = None
    for entry in entries:
        if (
            (not entry.days or weekday in entry.days)
            and (not entry.rest or frozenset(entry.rest) == rest)
            and (not entry.regions or region in entry.regions)
            and (not entry.states or code in entry.states)
        ):
            standing = entry
    return standing


def _holds(one: Override, code: str, office: str, service: Service | None) -> bool:
    return (code in one.states or (bool(office) and office in one.offices)) and (not one.scope or service in one.scope)


def _told(day: date, holidays: Sequence[DayOff]) -> dict[str, str]:
    """A holiday's fact: its names, where it is written down, and whether it is still an estimate."""
    arguments = {
        "date": day.isoformat(),
        "name": "; ".join(dict.fromkeys(off.ms for off in holidays)),
        "name_en": "; ".join(dict.fromkeys(off.en for off in holidays)),
        "source": "; ".join(dict.fromkeys(off.source for off in holidays)),
    }
    if all(off.estimated for off in holidays):
        arguments["estimated"] = "date"
    return arguments


def _cited(one: Override) -> str:
    return "; ".join(part for part in (one.authority, one.instrument, one.source) if part)


# ---------------------------------------------------------------- clocks


def _even(day: date, zone: tzinfo) -> bool:
    """Whether the clock shows the same offset at both ends of a day and in its middle."""
    try:
        midnight = datetime.combine(day, time(), zone)
        return len({(midnight + timedelta(hours=hours)).utcoffset() for hours in (0, 6, 12, 18, 24)}) == 1
    except OverflowError:
        return False


def _clock_change(after: datetime, by: datetime, zone: tzinfo) -> datetime:
    """The first second after an instant at which the zone's offset is another one, at the latest `by`."""
    offset = after.utcoffset()
    low, high = int(after.timestamp()), int(by.timestamp())
    while low + 1 < high:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, zone)


# ---------------------------------------------------------------- compiling


def compile_calendar(documents: Sequence[CalendarDocument]) -> Calendar:
    """One calendar of all documents, in the order in which they are given.

    A document takes the place of an earlier one of its name, unless both lie in one folder. Raises `DocumentErrors`.
    """
    named: dict[str, CalendarDocument] = {}
    errors: list[DocumentError] = []
    for document in documents:
        earlier = named.get(document.content.calendar)
        if earlier and PurePath(earlier.file).parent == PurePath(document.file).parent:
            what = f"a calendar of the name `{document.content.calendar}` is also in {earlier.file}"
            errors.append(
                DocumentError(what, place=document.place(("calendar",)), hint="give one of them another name")
            )
        named[document.content.calendar] = document
    chosen = tuple(named.values())
    errors += inconsistencies(chosen)
    if errors:
        raise DocumentErrors(errors)
    return Calendar(chosen)


def _digest(documents: Sequence[CalendarDocument]) -> str:
    said = [document.content.model_dump(mode="json", by_alias=True) for document in documents]
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"gerbang calendar 1\n" + canonical.encode("utf-8", "surrogatepass")).hexdigest()
