"""Whose time it is for one officer: her leave, errands, duty, shifts, clock-ins and days elsewhere, over the calendar.

Of what holds at one moment the first of these stands, and of two of a kind the one that began later:

1. `duty`: official duty is office hours, also at night and on a day off.
2. `leave`, `half-day-leave`, `errand`: what would be working time, or cannot be known, is `outside-hours`.
3. `shift`: her shifts stand in the place of the pattern on the days on which they start. With a pattern that is a
   roster, a day without a shift is her day off where the month has any, and not known where it has none.
4. clock-ins and clock-outs: the bands of flexible hours become exact.
5. the calendar of her office; while she works `elsewhere`, and that names an office, of that one.

Her entries become a line of instants once, when they are first asked for; an answer is a look into it and one into
the calendar's table.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, tzinfo
from sys import intern
from types import MappingProxyType

from gerbang.errors import RegisterError, one_of
from gerbang.model import Hours, Office, Officer, OwnDay, OwnDays, OwnKind, Regime
from gerbang.policy.calendar import HORIZON, Calendar, Stretch
from gerbang.policy.calendar_consistency import zone_of
from gerbang.policy.calendar_document import DAY

CLOCKED = frozenset({OwnKind.CLOCK_IN, OwnKind.CLOCK_OUT})
AWAY = frozenset({OwnKind.LEAVE, OwnKind.HALF_DAY_LEAVE, OwnKind.ERRAND})
LAYERS = (frozenset({OwnKind.DUTY}), AWAY, frozenset({OwnKind.SHIFT}), frozenset({OwnKind.ELSEWHERE}))

# MyPPSM SR.4.2.2(A): an errand takes four hours at most, or half of the day's working time where that is less.
ERRAND = timedelta(hours=4)
HALF_DAY = timedelta(hours=6)
# A doctor on call; nobody's shift is longer.
SHIFT = timedelta(hours=48)
# Two years of clocking in and out, and then some.
MOST_ENTRIES = 2_000
LONGEST_REFERENCE = 100

# Changes that are looked at for the next change of regime; the calendar itself has about six a day.
MOST_CHANGES = 600
MOST_CLOCKED_DAYS = 64

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
WRITE_A_TIME = "write a date as `2026-12-31`, or a time as `2026-12-31T17:00` or `2026-12-31T17:00+08:00`"

WORKED = frozenset({Regime.OFFICE_HOURS, Regime.BREAK, Regime.FLEXIBLE, Regime.UNKNOWN})
CLOCKABLE = frozenset({Regime.OFFICE_HOURS, Regime.FLEXIBLE})


# ---------------------------------------------------------------- an entry, as it is written


def own_day(
    officer: str, kind: str, since: str, until: str = "", reference: str = "", by: str = "", office: str = ""
) -> OwnDay:
    """An entry from its words. Raises `RegisterError` without a place, which the caller knows.

    A date alone is the whole day on the clock of the officer's office; seconds are dropped.
    """
    if kind not in list(OwnKind):
        raise RegisterError(f"`kind` cannot be `{kind[:60]}`", hint=one_of(OwnKind, kind))
    what = OwnKind(kind)
    start, whole = _moment("from", since)
    end = None
    if what in CLOCKED:
        if whole:
            raise RegisterError(f"`from` of a {what} is the date `{since}`", hint="write the time too")
        if until:
            raise RegisterError(f"`until` has a value, and a {what} is one moment", hint="leave it out")
    else:
        end = _end(what, since, until, whole)
        _check(what, start, end, whole)
        if what is not OwnKind.SHIFT:
            for name, value in (("reference", reference), ("by", by)):
                if not value:
                    raise RegisterError(f"`{name}` has no value", hint=f"{a(what)} rests on somebody's word; give it")
    if office and what is not OwnKind.ELSEWHERE:
        raise RegisterError(f"`office` goes with `elsewhere`, and not with `{what}`", hint="leave it out")
    if len(reference) > LONGEST_REFERENCE:
        raise RegisterError(f"`reference` is longer than {LONGEST_REFERENCE} characters", hint="write its number only")
    return OwnDay(intern(officer), what, start, end, reference, intern(by), intern(office), whole)


def spoken(value: object) -> object:
    """A date or time of a document as it was written; YAML makes values of them where they stand without quotes."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _end(kind: OwnKind, since: str, until: str, whole: bool) -> datetime:
    if not until and not whole:
        raise RegisterError("`until` has no value", hint=f"{a(kind)} that begins at a time ends at one")
    end, dated = _moment("until", until or since)
    if dated != whole:
        what = "one of `from`, `until` is a date and the other a time"
        raise RegisterError(what, hint="write two dates for whole days, or two times")
    return end + timedelta(days=1) if dated else end


def _check(kind: OwnKind, start: datetime, end: datetime, whole: bool) -> None:
    if (start.tzinfo is None) != (end.tzinfo is None):
        raise RegisterError("one of `from`, `until` has an offset", hint="write it at both or at neither")
    if end <= start:
        raise RegisterError("`until` does not lie after `from`", hint="exchange them, or correct one")
    if kind in {OwnKind.HALF_DAY_LEAVE, OwnKind.ERRAND, OwnKind.SHIFT} and whole:
        raise RegisterError(f"{a(kind)} has dates alone", hint="write its times, like `2026-12-31T08:00`")
    most = {OwnKind.ERRAND: ERRAND, OwnKind.HALF_DAY_LEAVE: HALF_DAY, OwnKind.SHIFT: SHIFT}.get(kind)
    if most and end - start > most:
        hint = "write it as `leave`, or correct its times" if kind in AWAY else "write each shift on a line of its own"
        raise RegisterError(f"{a(kind)} is longer than {most // timedelta(hours=1)} hours", hint=hint)


def check_errand(entry: OwnDay, calendar: Calendar, office: Office, pattern: str | None) -> None:
    """Raises `RegisterError` for an errand that takes more than half of its day's working time."""
    if entry.kind is not OwnKind.ERRAND or entry.until is None:
        return
    zone = zone_of(office.timezone) or UTC
    start, end = _stamp(entry.since, zone), _stamp(entry.until, zone, 1)
    day = datetime.fromtimestamp(start, zone).date()
    work = _working_minutes(calendar.day(office, day, pattern))
    if work and end - start > work * 30:
        what = f"an errand on {day} takes more than half of the {_told(work)} that are worked on that day"
        raise RegisterError(what, hint=f"write it as `leave`, or at most {_told(work // 2)}")


def _working_minutes(stretches: Sequence[Stretch]) -> int:
    """0 where nobody works, or it is not known."""
    if any(one.regime is Regime.UNKNOWN for one in stretches):
        return 0
    bands = [one.end - one.start for one in stretches if one.regime is Regime.FLEXIBLE]
    # Who comes an hour later leaves an hour later: of the two bands one is worked. A lone one may be worked whole.
    flexible = sum(bands) // 2 if len(bands) > 1 else sum(bands)
    return flexible + sum(one.end - one.start for one in stretches if one.regime is Regime.OFFICE_HOURS)


def _told(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def a(kind: OwnKind) -> str:
    return {OwnKind.ERRAND: "an errand", OwnKind.ELSEWHERE: "work elsewhere"}.get(kind, f"a {kind}")


def _moment(name: str, text: str) -> tuple[datetime, bool]:
    """A time, and whether it is a date alone."""
    try:
        if DATE.fullmatch(text):
            moment, whole = datetime.fromisoformat(text), True
        elif TIME.fullmatch(text):
            moment, whole = datetime.fromisoformat(text).replace(second=0), False
        else:
            raise ValueError(text)
    except ValueError:
        what = f"`{name}` cannot be `{text[:60]}`" if text else f"`{name}` has no value"
        raise RegisterError(what, hint=WRITE_A_TIME) from None
    # A year inside of what a date can hold, since it is compared with times everywhere on earth.
    if not MINYEAR + 1 < moment.year < MAXYEAR - 1:
        raise RegisterError(f"`{name}` cannot be `{text[:60]}`", hint=WRITE_A_TIME)
    return moment, whole


def by_officer(entries: Iterable[OwnDay]) -> dict[str, OwnDays]:
    """The entries of each officer. Raises `RegisterError` where one has out of all proportion."""
    gathered: dict[str, list[OwnDay]] = {}
    for entry in entries:
        theirs = gathered.setdefault(entry.officer, [])
        if len(theirs) >= MOST_ENTRIES:
            what = f"`{entry.officer}` has more than {MOST_ENTRIES:,} entries"
            raise RegisterError(what, hint="take out those that are long past")
        theirs.append(entry)
    return {officer: OwnDays(tuple(theirs)) for officer, theirs in gathered.items()}


# ---------------------------------------------------------------- whose time it is


def own_hours(
    own: OwnDays,
    calendar: Calendar,
    offices: Mapping[str, Office],
    office: Office,
    pattern: str | None,
    moment: datetime,
) -> Hours:
    """The regime for an officer who has entries of her own, with the fact behind it and when it next changes."""
    if moment.tzinfo is None or not MINYEAR + 1 < moment.year < MAXYEAR - 1:
        return calendar.hours(office, moment, pattern)
    return _line_of(own, calendar, offices, office, pattern).hours(moment)


def lay_out(
    days: Mapping[str, OwnDays], officers: Mapping[str, Officer], calendar: Calendar, offices: Mapping[str, Office]
) -> None:
    """Make ready what is asked of the officers' entries, so that nobody's first request waits for it. Those of who has
    no office of her own are asked for that of a zone, and made then."""
    for name, own in days.items():
        officer = officers.get(name)
        if officer is not None and (office := offices.get(officer.office)) is not None:
            _line_of(own, calendar, offices, office, officer.pattern)


def _line_of(
    own: OwnDays, calendar: Calendar, offices: Mapping[str, Office], office: Office, pattern: str | None
) -> "_Line":
    made = own.made
    if (
        not isinstance(made, _Line)
        or made.calendar is not calendar
        or made.offices is not offices
        or made.pattern != pattern
        or made.office != office
    ):
        made = own.made = _Line.of(own.entries, calendar, offices, office, pattern)
    return made


@dataclass(frozen=True, slots=True)
class _Top:
    """What stands in each layer between two edges."""

    duty: OwnDay | None = None
    away: OwnDay | None = None
    shift: OwnDay | None = None
    place: OwnDay | None = None


NOTHING = _Top()


@dataclass(frozen=True, slots=True)
class _Clocked:
    """A day's flexible hours by its clock-in, in seconds of UTC. `start` and `end` are `None` where none is known."""

    start: int | None
    end: int | None
    events: tuple[tuple[int, bool], ...]
    arguments: Mapping[str, str]
    known: bool
    """Whether the clock-in is one, and not a duty that stands for it."""

    def next(self, stamp: int) -> Iterator[int]:
        yield from (one for one in (self.start, self.end, *(event[0] for event in self.events)) if one and one > stamp)


@dataclass(slots=True)
class _Line:
    """One officer's entries as instants, for the calendar, offices and pattern that she has now."""

    calendar: Calendar
    offices: Mapping[str, Office]
    office: Office
    pattern: str | None
    zone: tzinfo
    edges: Sequence[int]
    tops: Sequence[_Top]
    shift_days: frozenset[int]
    shift_months: frozenset[tuple[int, int]]
    roster: bool
    events: Sequence[tuple[int, bool]]
    """Instants, and whether it is a clock-in."""
    duties: Sequence[int]
    clocked: dict[tuple[str, int], _Clocked | None] = field(default_factory=dict)
    facts: dict[int, Mapping[str, str]] = field(default_factory=dict)
    asked: tuple[int, int, Regime, datetime | None] | None = None
    """From when to when the last answer's change is known to be the next, the regime, and that change."""

    @classmethod
    def of(
        cls,
        entries: Sequence[OwnDay],
        calendar: Calendar,
        offices: Mapping[str, Office],
        office: Office,
        pattern: str | None,
    ) -> "_Line":
        zone = zone_of(office.timezone) or UTC
        spans = [(_stamp(one.since, zone), _stamp(one.until, zone, 1), one) for one in entries if one.until]
        shifts = [(start, one) for start, _, one in spans if one.kind is OwnKind.SHIFT]
        days = {datetime.fromtimestamp(start, zone).toordinal() for start, _ in shifts}
        dates = [date.fromordinal(day) for day in days]
        made = calendar.patterns.get(pattern or office.pattern)
        roster = bool(made and made.roster)
        cuts = {instant for start, end, _ in spans for instant in (start, end)}
        for day in days:
            cuts |= {_midnight(day, zone), _midnight(day + 1, zone)}
        if roster:
            for month in {(one.year, one.month) for one in dates}:
                first = date(*month, 1)
                cuts |= {_midnight(one.toordinal(), zone) for one in (first, _next_month(first))}
        edges = sorted(cuts)
        return cls(
            calendar,
            offices,
            office,
            pattern,
            zone,
            edges,
            _tops(edges, spans),
            frozenset(days),
            frozenset((one.year, one.month) for one in dates),
            roster,
            sorted((_stamp(one.since, zone), one.kind is OwnKind.CLOCK_IN) for one in entries if one.kind in CLOCKED),
            sorted(start for start, _, one in spans if one.kind is OwnKind.DUTY),
        )

    def hours(self, moment: datetime) -> Hours:
        stamp = int(moment.timestamp() // 1)
        found, change = self._at(moment, stamp)
        asked = self.asked
        if asked is None or not asked[0] <= stamp < asked[1] or asked[2] is not found.regime:
            until = self._until(stamp, found.regime, change)
            last = int(until.timestamp()) if until else stamp + 3600
            asked = self.asked = (stamp, last, found.regime, until)
        until = asked[3]
        return replace(found, until=until.astimezone(found.local.tzinfo) if until else None)

    def _until(self, stamp: int, regime: Regime, change: int | None) -> datetime | None:
        """The first instant at which the regime differs; `None` beyond the calendar's horizon."""
        end = stamp + HORIZON * 24 * 3600
        for _ in range(MOST_CHANGES):
            if change is None or change > end:
                return None
            moment = datetime.fromtimestamp(change, UTC)
            found, after = self._at(moment, change)
            if found.regime is not regime:
                return moment
            change = after
        return None

    def _at(self, moment: datetime, stamp: int) -> tuple[Hours, int | None]:
        """The regime at a moment, and the next instant at which it may be another."""
        index = bisect_right(self.edges, stamp)
        top = self.tops[index]
        edge = self.edges[index] if index < len(self.edges) else None
        place = top.place
        office = self.offices.get(place.office, self.office) if place and place.office else self.office
        if top.duty:
            return self._elsewhere(self._own(top.duty, Regime.OFFICE_HOURS, office, moment), place), edge
        found, change = self._worked(top, office, moment, stamp)
        if top.away and found.regime in WORKED:
            found = self._own(top.away, Regime.OUTSIDE_HOURS, office, moment)
        elif place and (place.office or found.regime in WORKED):
            found = self._elsewhere(found, place)
        return found, min((one for one in (edge, change) if one), default=None)

    def _worked(self, top: _Top, office: Office, moment: datetime, stamp: int) -> tuple[Hours, int | None]:
        """Without leave and duty: by the shifts, else by the calendar and the clock."""
        if top.shift:
            return self._own(top.shift, Regime.OFFICE_HOURS, office, moment), None
        if self.shift_days or self.roster:
            home = moment.astimezone(self.zone)
            if home.toordinal() in self.shift_days:
                return self._said(Regime.OUTSIDE_HOURS, "off-shift", office, moment), None
            if self.roster and (home.year, home.month) in self.shift_months:
                return self._said(Regime.REST_DAY, "no-shift", office, moment), None
        found = self.calendar.hours(office, moment, self.pattern)
        change = int(found.until.timestamp()) if found.until else None
        if (self.events or self.duties) and found.regime in CLOCKABLE:
            day = self._clocked(office, found.local)
            if day:
                found = _by_clock(day, found, stamp)
                change = min((one for one in (change, *day.next(stamp)) if one), default=None)
        return (found if office is self.office else replace(found, office=self.office.name)), change

    # ------------------------------------------------------------ answers

    def _said(
        self, regime: Regime, fact: str, office: Office, moment: datetime, arguments: Mapping[str, str] | None = None
    ) -> Hours:
        local = moment.astimezone(self.zone if office is self.office else zone_of(office.timezone) or UTC)
        return Hours(regime, self.office.name, local, fact, arguments or {})

    def _own(self, entry: OwnDay, regime: Regime, office: Office, moment: datetime) -> Hours:
        arguments = self.facts.get(id(entry))
        if arguments is None:
            arguments = self.facts[id(entry)] = MappingProxyType(_arguments(entry, self.zone))
        return self._said(regime, entry.kind, office, moment, arguments)

    def _elsewhere(self, found: Hours, place: OwnDay | None) -> Hours:
        if place is None:
            return found
        arguments = {**found.arguments, "elsewhere": place.office}
        if place.reference:
            arguments.setdefault("reference", place.reference)
        return replace(found, arguments=arguments)

    def _clocked(self, office: Office, local: datetime) -> _Clocked | None:
        key = (office.name, local.toordinal())
        if key not in self.clocked:
            if len(self.clocked) >= MOST_CLOCKED_DAYS:
                self.clocked.clear()
            self.clocked[key] = self._clock_of(office, local.date())
        return self.clocked[key]

    def _clock_of(self, office: Office, day: date) -> _Clocked | None:
        """What the clock says of a day with flexible hours; `None` where it says nothing."""
        bands = self._bands(office, day)
        if bands is None:
            return None
        opens, latest, leaves, closes = bands
        zone = zone_of(office.timezone) or UTC
        first, last = _wall(day, 0, zone), _wall(day, DAY, zone)
        opening = _wall(day, opens, zone)
        begin = bisect_left(self.events, (first, False))
        # Who leaves before the hours begin has worked through the night; she has not gone home for this day.
        events = tuple(
            one for one in self.events[begin : bisect_left(self.events, (last, False))] if one[1] or one[0] > opening
        )
        begin = bisect_left(self.duties, first)
        duty = next((one for one in self.duties[begin : begin + 1] if one < last), None)
        came = min((stamp for stamp, is_in in events if is_in), default=None)
        if came is None and duty is None:
            return _Clocked(None, None, events, {}, True) if events else None
        arrived = min(stamp for stamp in (came, duty) if stamp is not None)
        minute = _minute(arrived, zone)
        start = max(minute, opens)
        end = closes if minute > latest or leaves is None else min(start + leaves - opens, closes)
        arguments = {"in": _clock(minute), "from": _clock(start), "to": _clock(end)}
        return _Clocked(_wall(day, start, zone), _wall(day, end, zone), events, arguments, came is not None)

    def _bands(self, office: Office, day: date) -> tuple[int, int, int | None, int] | None:
        """The first and the last minute to come, and to leave; `None` for hours that are not flexible."""
        stretches = self.calendar.day(office, day, self.pattern)
        found = dict.fromkeys(
            (_minutes(one.arguments["from"]), _minutes(one.arguments["to"]))
            for one in stretches
            if one.fact == "flexi-band"
        )
        bands = sorted(found)
        core = [one for one in stretches if one.regime is Regime.OFFICE_HOURS]
        if len(bands) > 1:
            return bands[0][0], bands[0][1], bands[-1][0], bands[-1][1]
        # A part of the day is off, and one of the bands with it: of a morning alone the end is known, and that is all.
        if bands and core and bands[0][1] <= core[0].start:
            return bands[0][0], bands[0][1], None, core[-1].end
        return None


def _by_clock(day: _Clocked, found: Hours, stamp: int) -> Hours:
    """The calendar's answer within flexible hours, made exact by the clock."""
    before = [one for one in day.events if one[0] <= stamp]
    if before and not before[-1][1]:
        gone = datetime.fromtimestamp(before[-1][0], found.local.tzinfo)
        return replace(
            found, regime=Regime.OUTSIDE_HOURS, fact="clocked-out", arguments={"out": _clock(_minute_of(gone))}
        )
    if day.start is None or day.end is None:
        return found
    if day.start <= stamp < day.end:
        fact = "clocked-in" if day.known else "began-on-duty"
        return replace(found, regime=Regime.OFFICE_HOURS, fact=fact, arguments=day.arguments)
    if found.regime is not Regime.FLEXIBLE:
        return found  # late: the core hours had begun without her
    if stamp >= day.end:
        return replace(found, regime=Regime.OUTSIDE_HOURS, fact="hours-served", arguments=day.arguments)
    if day.known:
        return replace(found, regime=Regime.OUTSIDE_HOURS, fact="before-clock-in", arguments=day.arguments)
    return found


def _tops(edges: Sequence[int], spans: Iterable[tuple[int, int, OwnDay]]) -> list[_Top]:
    """What stands before the first edge, between each two, and after the last."""
    layers: list[list[OwnDay | None]] = []
    spans = list(spans)
    for kinds in LAYERS:
        painted: list[OwnDay | None] = [None] * (len(edges) + 1)
        # The one that began last is painted over the others; of two that began at once, the one that ends first.
        for start, end, entry in sorted(
            (one for one in spans if one[2].kind in kinds), key=lambda one: (one[0], -one[1])
        ):
            here, there = bisect_right(edges, start), bisect_right(edges, end)
            painted[here:there] = [entry] * (there - here)
        layers.append(painted)
    return [_Top(*tops) if any(tops) else NOTHING for tops in zip(*layers, strict=True)]


def _arguments(entry: OwnDay, zone: tzinfo) -> dict[str, str]:
    arguments = dict(zip(("from", "to"), told(entry, zone), strict=True))
    if entry.reference:
        arguments["reference"] = entry.reference
    return arguments


def told(entry: OwnDay, zone: tzinfo) -> tuple[str, str]:
    """Start and end as people write them on one clock: times within one day, dates for whole days, else both."""
    until = entry.until or entry.since
    if entry.whole:
        last = until - timedelta(days=1)
        return entry.since.date().isoformat(), last.date().isoformat()
    start = datetime.fromtimestamp(_stamp(entry.since, zone), zone)
    end = datetime.fromtimestamp(_stamp(until, zone, 1), zone)
    if start.date() == end.date():
        return f"{start:%H:%M}", f"{end:%H:%M}"
    return f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}"


# ---------------------------------------------------------------- clocks


def _stamp(moment: datetime, zone: tzinfo, fold: int = 0) -> int:
    """Seconds of UTC. Where the office's clock shows a time twice, a start is the first and an end the second."""
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone, fold=fold)).timestamp())


def _wall(day: date, minute: int, zone: tzinfo) -> int:
    return _stamp(datetime.combine(day, time()) + timedelta(minutes=minute), zone)


def _midnight(ordinal: int, zone: tzinfo) -> int:
    return _wall(date.fromordinal(ordinal), 0, zone)


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _minute(stamp: int, zone: tzinfo) -> int:
    return _minute_of(datetime.fromtimestamp(stamp, zone))


def _minute_of(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
