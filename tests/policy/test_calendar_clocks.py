"""Every clock of the world over a century and more, minute by minute around each change of an offset."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gerbang.model import Hours, Office, Regime
from gerbang.policy.calendar import Calendar, compile_calendar, parse_calendar

ZONES = sorted(available_timezones())
FIRST, LAST = 1950, 2050
MINUTE = timedelta(minutes=1)

YEARS = "\n".join(f"  - {{year: {year}, states: [XAA]}}" for year in range(FIRST - 1, LAST + 2))
TEXT = f"""
calendar: clocks
states:
  XAA:
    name: {{ms: Contoh, en: Example}}
    timezone: UTC
    region: contoh
    rest: [{{from: 1900-01-01, days: [sun], source: contoh}}]
complete_for:
{YEARS}
patterns:
  day: {{title: {{ms: Siang, en: Day}}, days: [{{hours: "08:00-17:00", break: "12:30-13:30"}}]}}
  night: {{title: {{ms: Malam, en: Night}}, days: [{{hours: "22:00-06:00", break: "02:00-02:30"}}]}}
  whole: {{title: {{ms: Sehari, en: Whole}}, days: [{{hours: "00:00-24:00"}}]}}
  small: {{title: {{ms: Kecil, en: Small}}, days: [{{core: "01:30-01:45", flexible: ["02:15-02:45", "23:30-00:30"]}}]}}
"""
PATTERNS = ("day", "night", "whole", "small")


@cache
def calendar() -> Calendar:
    return compile_calendar([parse_calendar(TEXT, "clocks.yaml")])


def hours(zone: str, moment: datetime, pattern: str) -> Hours:
    return calendar().hours(Office("hq", "XAA", zone, pattern=pattern), moment)


def plainly(zone: str, moment: datetime, pattern: str) -> Regime:
    """What the wall clock says, read without any table: a window belongs to the day on which it starts."""
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    minute, today, before = wall.hour * 60 + wall.minute, wall.weekday() != 6, wall.weekday() != 0
    regime = Regime.REST_DAY if not today else Regime.OUTSIDE_HOURS
    if pattern == "day" and today and 480 <= minute < 1020:
        regime = Regime.BREAK if 750 <= minute < 810 else Regime.OFFICE_HOURS
    elif pattern == "night":
        if (today and minute >= 1320) or (before and minute < 360):
            regime = Regime.BREAK if 120 <= minute < 150 else Regime.OFFICE_HOURS
    elif pattern == "whole" and today:
        regime = Regime.OFFICE_HOURS
    elif pattern == "small":
        if today and 90 <= minute < 105:
            regime = Regime.OFFICE_HOURS
        elif (today and (135 <= minute < 165 or minute >= 1410)) or (before and minute < 30):
            regime = Regime.FLEXIBLE
    return regime


moments = st.datetimes(datetime(FIRST, 1, 2), datetime(LAST, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=1500, deadline=None)
@given(zone=st.sampled_from(ZONES), moment=moments, pattern=st.sampled_from(PATTERNS))
@example("Asia/Kathmandu", datetime(1985, 12, 31, 18, 20, tzinfo=UTC), "small")  # to a quarter of an hour
@example("Africa/Monrovia", datetime(1972, 1, 6, 23, 59, 31, tzinfo=UTC), "small")  # by 44 minutes and 30 seconds
@example("Asia/Kuala_Lumpur", datetime(1981, 12, 31, 16, 0, tzinfo=UTC), "small")  # from half past seven to eight
def test_an_answer_is_what_the_wall_clock_says(zone: str, moment: datetime, pattern: str) -> None:
    assert hours(zone, moment, pattern).regime is plainly(zone, moment, pattern)


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """The instants at which a zone's offset becomes another one, to the second; looked for by the day."""
    clock, found = ZoneInfo(zone), []
    at = datetime(FIRST, 1, 2, tzinfo=UTC)
    while at.year < LAST:
        later = at + timedelta(days=7)
        offset = at.astimezone(clock).utcoffset()
        if later.astimezone(clock).utcoffset() != offset:
            low, high = 0, 7 * 86400
            while low + 1 < high:
                middle = (low + high) // 2
                same = (at + timedelta(seconds=middle)).astimezone(clock).utcoffset() == offset
                low, high = (middle, high) if same else (low, middle)
            found.append(at + timedelta(seconds=high))
        at = later
    return tuple(found)


ODD = (
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/Caracas",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kuala_Lumpur",
    "Asia/Pyongyang",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
    "America/Juneau",
    "Asia/Manila",
)


@pytest.mark.parametrize("zone", ODD)
def test_around_each_change_of_a_clock_each_minute_is_right(zone: str) -> None:
    """Three hours to either side of a dozen changes of an offset, gap or fold or a whole day left out."""
    found = changes(zone)
    assert found
    chosen = found[:: max(1, len(found) // 12)]
    for pattern in ("small", "night"):
        for change in chosen:
            moment = change - timedelta(hours=3)
            known = hours(zone, moment, pattern)
            while moment < change + timedelta(hours=3):
                now = hours(zone, moment, pattern)
                assert now.regime is plainly(zone, moment, pattern), moment
                if known.until and moment < in_utc(known.until):
                    assert now.regime is known.regime, moment
                else:
                    assert now.regime is not known.regime, moment  # `until` is a change, and the first
                    known = now
                moment += MINUTE


def in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


@settings(max_examples=150, deadline=None)
@given(zone=st.sampled_from(ZONES), moment=moments, pattern=st.sampled_from(PATTERNS))
def test_until_is_the_first_minute_of_another_regime(zone: str, moment: datetime, pattern: str) -> None:
    found = hours(zone, moment, pattern)
    assert found.until is not None
    end = in_utc(found.until)
    assert end > moment
    walk = moment
    while walk < end:
        assert plainly(zone, walk, pattern) is found.regime
        walk += MINUTE
    assert plainly(zone, end - timedelta(microseconds=1), pattern) is found.regime
    assert plainly(zone, end, pattern) is not found.regime


def walked(zone: str, day: date) -> Iterator[datetime]:
    """The instants of a day by its zone's own clock, a minute apart."""
    moment = datetime.combine(day, time(), UTC) - timedelta(hours=27)
    for _ in range(72 * 60):
        if moment.astimezone(ZoneInfo(zone)).date() == day:
            yield moment
        moment += MINUTE


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        ("America/New_York", "2026-03-08", 23 * 60),
        ("America/New_York", "2026-11-01", 25 * 60),
        ("Australia/Lord_Howe", "2026-04-05", 24 * 60 + 30),
        ("Australia/Lord_Howe", "2026-10-04", 23 * 60 + 30),
        ("Antarctica/Troll", "2026-03-29", 22 * 60),
        ("Pacific/Apia", "2011-12-29", 24 * 60),
        ("Pacific/Apia", "2011-12-30", 0),  # the day that never was
        ("Pacific/Apia", "2011-12-31", 24 * 60),
        ("Pacific/Kwajalein", "1993-08-21", 0),
        ("Asia/Kuala_Lumpur", "1981-12-31", 23 * 60 + 30),
        ("Asia/Kuala_Lumpur", "2026-11-24", 24 * 60),
    ],
)
def test_a_day_has_as_many_minutes_as_its_clock_shows(zone: str, day: str, minutes: int) -> None:
    walk = [*walked(zone, date.fromisoformat(day))]
    assert len(walk) == minutes
    for moment in walk:
        for pattern in PATTERNS:
            assert hours(zone, moment, pattern).regime is plainly(zone, moment, pattern)


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(FIRST, 1, 2), date(LAST, 12, 30)),
    pattern=st.sampled_from(PATTERNS),
)
@example("Pacific/Apia", date(2011, 12, 30), "night")
def test_the_stretches_cover_each_day_exactly(zone: str, day: date, pattern: str) -> None:
    stretches = calendar().day(Office("hq", "XAA", zone, pattern=pattern), day)
    assert (stretches[0].start, stretches[-1].end) == (0, 1440)
    assert all(one.end == other.start and one.start < one.end for one, other in pairwise(stretches))
