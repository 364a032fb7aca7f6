"""A year at each office, counted against a walk that knows nothing of how a calendar lays out its days."""

from collections import Counter
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gerbang.bundled import bundled
from gerbang.loading import each, sources
from gerbang.model import Office, Regime
from gerbang.policy.calendar import Calendar, compile_calendar, parse_calendar
from gerbang.policy.coverage import DayKind, Year, calendar_gaps, doubtful, years_of

STATES = ("JHR KDH KTN MLK NSN PHG PNG PRK PLS SGR TRG SBH SWK KUL LBN PJY").split()  # noqa: SIM905
FLEXIBLE = ("flexi", "flexi-ramadan", "envelope", "envelope-ramadan", "core")
FIXED = ("fixed", "fixed-ramadan", "wp1", "wp2", "wp3", "wp1-ramadan", "wp2-ramadan", "wp3-ramadan")
PATTERNS = (*FLEXIBLE, *FIXED)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FOLDER: Path = bundled("policies/calendars")


@cache
def shipped() -> Calendar:
    return compile_calendar(each(sources((bundled("policies"),), "calendars"), parse_calendar))


# ---------------------------------------------------------------- the walk


@cache
def raw() -> dict[str, Any]:
    """The shipped files as plain YAML, sections of the same name together."""
    whole: dict[str, Any] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        if file.name.endswith(".cases.yaml"):
            continue
        for key, value in yaml.safe_load(file.read_text("utf-8")).items():
            if isinstance(value, dict):
                whole.setdefault(key, {}).update(value)
            elif isinstance(value, list):
                whole.setdefault(key, []).extend(value)
    return whole


def day_of(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def minutes_of(spans: Any) -> set[int]:
    covered: set[int] = set()
    for span in many(spans):
        start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in span.split("-"))
        covered |= set(range(start, end if end > start else end + 1440))
    return covered


def speaking(entries: list[Any], weekday: str, rest: frozenset[str], state: str) -> dict[str, Any]:
    """The last entry that speaks of a day there."""
    region = raw()["states"][state]["region"]
    heard = [
        entry
        for entry in entries
        if ("days" not in entry or weekday in many(entry["days"]))
        and ("rest" not in entry or set(entry["rest"]) == rest)
        and ("regions" not in entry or region in many(entry["regions"]))
        and ("states" not in entry or state in many(entry["states"]))
    ]
    return heard[-1] if heard else {}


@cache
def days_off(state: str, service: str) -> frozenset[date]:
    listed = {day_of(one["date"]) for one in raw()["holidays"] if state in one["states"]}
    for one in raw()["overrides"]:
        if one.get("status") == "doubtful" or state not in one.get("states", ()):
            continue
        if "scope" in one and service not in many(one["scope"]):
            continue
        assert one["kind"] == "add", "the walk knows no other confirmed change"
        listed.add(day_of(one["date"]))
    return frozenset(listed)


@cache
def working_minutes(state: str, pattern: str, weekday: str, rest: frozenset[str], ramadan: bool) -> tuple[Regime, ...]:
    """The 1440 minutes of a working day, each looked at for itself."""
    chain = [raw()["patterns"][pattern]]
    while "based_on" in chain[0]:
        chain.insert(0, raw()["patterns"][chain[0]["based_on"]])
    days = [entry for one in chain for entry in one.get("days", ())]
    breaks = list(raw()["breaks"])
    special = [entry for one in chain for entry in one.get("profiles", {}).get("ramadan", ())]
    if ramadan and special:
        days += special
        breaks += raw()["profiles"]["ramadan"]["breaks"]
    hours = speaking(days, weekday, rest, state)
    free = minutes_of(speaking(breaks, weekday, rest, state).get("break"))
    office = minutes_of(hours.get("hours")) | minutes_of(hours.get("core"))
    flexible = minutes_of(hours.get("flexible"))
    found = []
    for minute in range(1440):
        if minute not in office | flexible:
            found.append(Regime.OUTSIDE_HOURS)
        elif minute in free:
            found.append(Regime.BREAK)
        else:
            found.append(Regime.OFFICE_HOURS if minute in office else Regime.FLEXIBLE)
    return tuple(found)


def walked(
    state: str, pattern: str, year: int, service: str = "federal-service"
) -> tuple[Counter[Regime], Counter[DayKind]]:
    """Every minute of a year on its own, and what each day is."""
    totals: Counter[Regime] = Counter()
    kinds: Counter[DayKind] = Counter()
    seasons = raw()["profiles"]["ramadan"]["seasons"]
    day = date(year, 1, 1)
    while day.year == year:
        entries = [entry for entry in raw()["states"][state]["rest"] if day_of(entry["from"]) <= day]
        rest = frozenset(entries[-1]["days"])
        weekday = DAYS[day.weekday()]
        if weekday in rest or day in days_off(state, service):
            kinds[DayKind.WEEKLY if weekday in rest else DayKind.HOLIDAY] += 1
            minutes: tuple[Regime, ...] = (Regime.REST_DAY,) * 1440
        else:
            ramadan = any(day_of(one["from"]) <= day <= day_of(one["to"]) for one in seasons)
            minutes = working_minutes(state, pattern, weekday, rest, ramadan)
            kinds[DayKind.WORKING] += 1
        for regime in minutes:
            totals[regime] += 1
        day += timedelta(days=1)
    return totals, kinds


@pytest.mark.parametrize("year", [2025, 2026, 2027])
@pytest.mark.parametrize("state", STATES)
def test_the_totals_are_those_of_a_walk_by_minutes(state: str, year: int) -> None:
    """Every state and year, each with two of the patterns, other ones from state to state and year to year."""
    place = STATES.index(state) + year
    for pattern in (PATTERNS[place % len(PATTERNS)], PATTERNS[(place * 5 + 3) % len(PATTERNS)]):
        office = Office("hq", state, raw()["states"][state]["timezone"], pattern=pattern)
        (found,) = years_of(shipped(), [(office, pattern)], year)
        minutes, kinds = walked(state, pattern, year)
        assert Counter(found.minutes) == minutes, pattern
        assert {kind: found.count(kind) for kind in kinds} == kinds
        assert found.working_days + kinds[DayKind.WEEKLY] + kinds[DayKind.HOLIDAY] == len(found.days)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("state", ["PJY", "KTN", "SBH", "SWK"])
def test_every_pattern_is_walked_in_every_kind_of_state(state: str, pattern: str) -> None:
    office = Office("hq", state, raw()["states"][state]["timezone"], pattern=pattern)
    (found,) = years_of(shipped(), [(office, pattern)], 2026)
    assert Counter(found.minutes) == walked(state, pattern, 2026)[0]


def test_the_state_service_has_days_of_its_own() -> None:
    """Johor's day for the change of its weekly days off, in 2025, was for its own service only."""
    federal, state = (
        years_of(shipped(), [(Office("hq", "JHR", legal_regime=regime), "fixed")], 2025)[0]
        for regime in ("federal", "state")
    )
    assert Counter(state.minutes) == walked("JHR", "fixed", 2025, "state-service")[0]
    assert state.working_days == federal.working_days - 1


# ---------------------------------------------------------------- days that are not the shipped ones


OWN = """
calendar: own
states:
  XAA:
    name: {ms: Contoh, en: Example}
    timezone: Asia/Kuala_Lumpur
    region: contoh
    rest: [{from: 1900-01-01, days: [sat, sun], source: contoh}]
complete_for: [{year: 2026, states: [XAA]}]
holidays:
  - {date: 2026-11-25, states: [XAA], ms: Hari Contoh, en: Example Day}
  - {date: 2026-11-27, states: [XAA], ms: Hari Anggaran, en: Estimated Day, estimated: true}
overrides:
  - {date: 2026-11-24, states: [XAA], kind: add, between: "12:00-24:00", ms: Separuh, en: Half, source: notis}
  - {date: 2026-11-26, offices: [cawangan], kind: add, ms: Banjir, en: Flood, source: notis}
  - {date: 2026-12-01, states: [XAA], kind: add, ms: Ragu, en: Doubt, source: khabar, status: doubtful}
profiles:
  puasa: {title: {ms: Puasa, en: Fast}, seasons: [{from: 2025-03-01, to: 2025-03-30}]}
patterns:
  day: {title: {ms: Siang, en: Day}, days: [{hours: "08:00-17:00"}], profiles: {puasa: [{hours: "08:00-16:00"}]}}
  night: {title: {ms: Malam, en: Night}, days: [{hours: "22:00-06:00"}]}
  mondays: {title: {ms: Isnin, en: Mondays}, days: [{days: [mon], hours: "08:00-12:00"}]}
"""


@cache
def own() -> Calendar:
    return compile_calendar([parse_calendar(OWN, "own.yaml")])


def own_year(pattern: str, year: int = 2026) -> Year:
    return years_of(own(), [(Office("hq", "XAA", pattern=pattern), pattern)], year)[0]


def kinds(year: Year, *days: str) -> list[str]:
    return [next(one.kind for one in year.days if str(one.day) == day) for day in days]


def test_a_half_day_is_worked_and_a_shift_that_runs_into_a_day_off_is_not_of_it() -> None:
    days = ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-28")
    assert kinds(own_year("day"), *days) == ["working", "part-holiday", "holiday", "weekly-rest"]
    assert kinds(own_year("night"), *days) == ["working", "part-holiday", "holiday", "weekly-rest"]
    assert kinds(own_year("mondays"), "2026-11-23", "2026-12-01") == ["working", "no-hours"]


def test_what_may_still_move_is_told() -> None:
    assert [(str(day.day), day.names) for day in own_year("day").estimated] == [("2026-11-27", ("Hari Anggaran",))]


def test_a_year_without_a_list_is_unknown_day_by_day() -> None:
    year = own_year("day", 2027)
    assert year.count(DayKind.UNKNOWN) == 261
    assert year.working_days == 0
    assert year.minutes[Regime.UNKNOWN] == 261 * 9 * 60


def test_offices_whose_years_are_the_same_share_one() -> None:
    ways = [(Office(name, "XAA", pattern="day"), "day") for name in ("hq", "dua", "cawangan")]
    years = years_of(own(), ways, 2026)
    assert [one.offices for one in years] == [("hq", "dua"), ("cawangan",)]
    assert years[1].working_days == years[0].working_days - 1


def test_gaps_name_what_is_missing_and_what_would_fill_it() -> None:
    office = Office("hq", "XAA", pattern="day")
    assert [(gap.what, gap.serious) for gap in calendar_gaps(own(), [office], [(office, "day")], 2027)] == [
        ("no list of holidays of 2027 for any state", True),
        ("the profile `puasa` has no dates in 2027, and `day` would change with it", True),
    ]
    assert [(gap.what, gap.serious) for gap in calendar_gaps(own(), [office], [(office, "night")], 2026)] == [
        ("the profile `puasa` has no dates in 2026", False),
        ("the override of 2026-11-26 speaks of the office `cawangan`, which the settings do not list", False),
    ]
    assert [str(one.day) for one in doubtful(own(), [office], 2026)] == ["2026-12-01"]
    assert doubtful(own(), [Office("hq", "elsewhere")], 2026) == ()


def test_the_last_year_that_can_be_written_ends() -> None:
    assert len(own_year("day", 9999).days) == 365
