"""Working time: the regime at an office, when it changes, and what is said where nothing is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gerbang.bundled import bundled
from gerbang.errors import DocumentErrors
from gerbang.loading import each, sources
from gerbang.model import Office, Regime
from gerbang.policy.calendar import (
    MOST_DAYS,
    MOST_TABLES,
    MOST_VIEWS,
    Calendar,
    Stretch,
    compile_calendar,
    parse_calendar,
)
from gerbang.policy.calendar_build import holiday_file
from gerbang.policy.calendar_document import CalendarDocument

KUALA_LUMPUR = ZoneInfo("Asia/Kuala_Lumpur")
ZONES = sorted(available_timezones())

IN, OUT, REST = Regime.OFFICE_HOURS, Regime.OUTSIDE_HOURS, Regime.REST_DAY
BREAK, FLEXIBLE, UNKNOWN = Regime.BREAK, Regime.FLEXIBLE, Regime.UNKNOWN


def shipped_documents() -> list[CalendarDocument]:
    return [*each(sources((bundled("policies"),), "calendars"), parse_calendar)]


@cache
def shipped() -> Calendar:
    return compile_calendar(shipped_documents())


@cache
def shipped_and_2024() -> Calendar:
    made = parse_calendar(holiday_file(2024, date(2026, 11, 24)), "made/holidays-2024.yaml")
    return compile_calendar([*shipped_documents(), made])


def an_office(state: str = "PJY", pattern: str = "flexi", **more: str) -> Office:
    timezone = "Asia/Kuching" if state in {"SBH", "SWK", "LBN"} else "Asia/Kuala_Lumpur"
    return replace(Office("hq", state, timezone, pattern=pattern), **more)


def at(text: str) -> datetime:
    """A wall-clock time in Malaysia."""
    return datetime.fromisoformat(text).replace(tzinfo=KUALA_LUMPUR)


# ---------------------------------------------------------------- the known days


@pytest.mark.parametrize(
    ("state", "moment", "regime"),
    [
        ("KUL", "2026-11-24T10:00", IN),  # an ordinary Tuesday
        ("KUL", "2026-11-24T13:30", BREAK),
        ("KUL", "2026-11-27T12:00", IN),  # the Friday break starts at 12:15 in the Peninsula
        ("SBH", "2026-11-27T12:00", BREAK),  # and at 11:30 in Sabah
        ("KDH", "2026-11-22T10:00", IN),  # Sunday is a working day
        ("KUL", "2026-11-22T10:00", REST),
        ("KDH", "2026-11-20T10:00", REST),  # and Friday is not
        ("TRG", "2026-11-26T16:45", OUT),  # the short Thursday ends at 16:30
        ("KUL", "2026-11-26T17:45", IN),
        ("JHR", "2024-12-27T10:00", REST),  # the last Friday off
        ("JHR", "2025-01-03T10:00", IN),  # the first Friday at work
        ("KUL", "2026-02-02T10:00", REST),  # in lieu of two holidays on one Sunday
        ("KUL", "2026-02-03T10:00", IN),  # which gives civil servants one day only
        ("KDH", "2026-02-01T10:00", REST),  # Thaipusam, by override
        ("PLS", "2026-01-01T10:00", REST),  # New Year, by override
        ("SWK", "2025-06-04T10:00", REST),  # by override, for state and federal service
        ("KUL", "2024-09-17T10:00", IN),  # two holidays on one working day give no second day
        ("SWK", "2026-11-09T10:00", IN),  # no Deepavali in Sarawak
        ("SGR", "2026-11-09T10:00", REST),  # in lieu of Sunday's
        ("KTN", "2026-11-09T10:00", IN),  # where Sunday itself was the day off
        ("KDH", "2026-12-27T10:00", REST),  # Christmas on a Friday, in lieu
        ("KUL", "2026-11-24T03:00", OUT),
    ],
)
def test_the_known_days_in_envelope_mode(state: str, moment: str, regime: Regime) -> None:
    assert shipped_and_2024().hours(an_office(state, "envelope"), at(moment)).regime is regime


def test_ramadan_hours_are_for_offices_and_officers_that_use_them() -> None:
    office, moment = an_office("KUL", "envelope"), at("2026-02-23T17:45")
    assert shipped().hours(office, moment).regime is IN
    found = shipped().hours(office, moment, "envelope-ramadan")
    assert found.regime is OUT
    assert shipped().hours(office, at("2026-02-23T13:45"), "envelope-ramadan").arguments["profile"] == "ramadan"


@pytest.mark.parametrize(
    ("state", "moment", "regime"),
    [
        ("KTN", "2025-03-02T13:45", IN),  # the first day
        ("KUL", "2026-02-16T13:45", BREAK),  # the last working day before
        ("KUL", "2026-02-19T13:45", IN),  # the first day
        ("KUL", "2027-03-09T13:45", IN),  # the last day
        ("KUL", "2027-03-15T13:45", BREAK),
    ],
)
def test_a_profile_runs_from_its_first_day_to_its_last(state: str, moment: str, regime: Regime) -> None:
    assert shipped().hours(an_office(state, "flexi-ramadan"), at(moment)).regime is regime


@pytest.mark.parametrize(
    ("state", "pattern", "day", "expected"),
    [
        ("PJY", "flexi", "2026-11-24", "out 07:30 flex 09:00 in 13:00 break 14:00 in 16:30 flex 18:00 out"),
        ("PJY", "flexi", "2026-11-27", "out 07:30 flex 09:00 in 12:15 break 14:45 in 16:30 flex 18:00 out"),
        ("SWK", "flexi", "2026-11-27", "out 07:30 flex 09:00 in 11:45 break 14:15 in 16:30 flex 18:00 out"),
        ("KDH", "flexi", "2026-11-26", "out 07:30 flex 09:00 in 13:00 break 14:00 in 15:00 flex 16:30 out"),
        ("KDH", "flexi", "2026-11-25", "out 07:30 flex 09:00 in 13:00 break 14:00 in 16:30 flex 18:00 out"),
        ("JHR", "flexi", "2024-12-26", "out 07:30 flex 09:00 in 13:00 break 14:00 in 15:00 flex 16:30 out"),
        ("JHR", "flexi", "2025-01-02", "out 07:30 flex 09:00 in 13:00 break 14:00 in 16:30 flex 18:00 out"),
        ("PJY", "envelope", "2026-11-24", "out 07:30 in 13:00 break 14:00 in 18:00 out"),
        ("PJY", "core", "2026-11-24", "out 09:00 in 13:00 break 14:00 in 16:30 out"),
        ("PJY", "fixed", "2026-11-24", "out 08:00 in 13:00 break 14:00 in 17:00 out"),
        ("TRG", "fixed", "2026-11-26", "out 08:00 in 13:00 break 14:00 in 15:30 out"),
        ("PJY", "wp1", "2026-11-24", "out 07:30 in 13:00 break 14:00 in 16:30 out"),
        ("PJY", "wp2", "2026-11-24", "out 08:00 in 13:00 break 14:00 in 17:00 out"),
        ("PJY", "wp3", "2026-11-24", "out 08:30 in 13:00 break 14:00 in 17:30 out"),
        ("PJY", "wp1-ramadan", "2026-03-02", "out 07:30 in 13:00 break 13:30 in 16:00 out"),
        ("PJY", "wp2-ramadan", "2026-03-02", "out 08:00 in 13:00 break 13:30 in 16:30 out"),
        ("PJY", "wp3-ramadan", "2026-03-06", "out 08:30 in 12:30 break 14:30 in 17:00 out"),
        (
            "KTN",
            "flexi-ramadan",
            "2026-03-05",
            "out 07:30 flex 09:00 in 13:00 break 13:30 in 14:30 flex 16:00 out",
        ),
        (
            "SBH",
            "flexi-ramadan",
            "2026-03-06",
            "out 07:30 flex 09:00 in 11:45 break 13:45 in 16:00 flex 17:30 out",
        ),
        (
            "PJY",
            "flexi-ramadan",
            "2026-11-24",
            "out 07:30 flex 09:00 in 13:00 break 14:00 in 16:30 flex 18:00 out",
        ),
        ("PJY", "flexi", "2026-11-28", "rest"),
        ("PJY", "flexi", "2026-08-31", "rest"),
    ],
)
def test_every_edge_of_the_day_to_the_minute(state: str, pattern: str, day: str, expected: str) -> None:
    """The minute before an edge has the regime before it; the edge's own minute and the one after, the regime after."""
    words = {"out": OUT, "in": IN, "break": BREAK, "flex": FLEXIBLE, "rest": REST}
    parts = ["00:00", *expected.split()]
    edges = [(parts[index], words[parts[index + 1]]) for index in range(0, len(parts), 2)]
    office = an_office(state, pattern)
    for index, (clock, regime) in enumerate(edges):
        edge = at(f"{day}T{clock}")
        assert shipped_and_2024().hours(office, edge).regime is regime
        assert shipped_and_2024().hours(office, edge + timedelta(minutes=1)).regime is regime
        if index:
            before = edge - timedelta(microseconds=1)
            assert shipped_and_2024().hours(office, before).regime is edges[index - 1][1]
            assert shipped_and_2024().hours(office, edge - timedelta(minutes=1)).until == edge
    starts = [str(one).partition("-")[0] for one in shipped_and_2024().day(office, date.fromisoformat(day))]
    assert starts == [clock for clock, _ in edges]


# ---------------------------------------------------------------- the fact behind it


@pytest.mark.parametrize(
    ("moment", "fact", "arguments"),
    [
        ("2026-11-24T10:00", "core-hours", {"from": "09:00", "to": "16:30", "pattern": "flexi"}),
        ("2026-11-24T17:00", "flexi-band", {"from": "16:30", "to": "18:00", "pattern": "flexi"}),
        ("2026-11-24T13:30", "rest-break", {"from": "13:00", "to": "14:00", "pattern": "flexi"}),
        ("2026-11-24T20:00", "after-hours", {"pattern": "flexi"}),
        ("2026-11-22T10:00", "weekly-rest", {"day": "sun"}),
        ("2028-11-24T10:00", "no-data", {"missing": "holidays", "given": "PJY 2028"}),
    ],
)
def test_the_answer_says_what_decided_it(moment: str, fact: str, arguments: dict[str, str]) -> None:
    found = shipped().hours(an_office(), at(moment))
    assert (found.fact, dict(found.arguments)) == (fact, arguments)
    assert found.local == at(moment)


def test_a_holiday_is_named_with_the_line_that_lists_it() -> None:
    found = shipped().hours(an_office(), at("2026-08-31T10:00"))
    assert (found.fact, found.arguments["name"], found.arguments["name_en"]) == (
        "holiday",
        "Hari Kebangsaan",
        "National Day",
    )
    file, line, _ = found.arguments["source"].rsplit(":", 2)
    assert file.endswith("holidays-2026.yaml")
    with open(file, encoding="utf-8") as lines:
        assert "2026-08-31" in lines.readlines()[int(line) - 1]


def test_an_override_is_named_with_its_authority_and_instrument() -> None:
    found = shipped().hours(an_office("KDH"), at("2026-02-01T10:00"))
    assert "s.9(1)" in found.arguments["source"]
    assert "Kerajaan Negeri Kedah" in found.arguments["source"]


def test_a_holiday_that_may_still_move_says_so() -> None:
    raya, national = at("2027-03-10T10:00"), at("2027-08-31T10:00")
    assert shipped().hours(an_office(), raya).arguments["estimated"] == "date"
    assert "estimated" not in shipped().hours(an_office(), national).arguments


def test_the_end_of_a_holiday_run_is_the_next_working_window() -> None:
    """Raya 2026: Friday 20 to Monday 23 March are off; on Friday evening the next change is Tuesday's clock-in."""
    found = shipped().hours(an_office(), at("2026-03-20T22:00"))
    assert (found.regime, found.until) == (REST, at("2026-03-24T00:00"))
    assert shipped().hours(an_office(), at("2026-03-24T00:00")).until == at("2026-03-24T07:30")


def test_a_state_is_known_by_its_number_too() -> None:
    assert shipped().hours(an_office("16"), at("2026-11-24T10:00")).regime is IN
    assert shipped().state("16") is shipped().state("PJY")


# ---------------------------------------------------------------- what is not known


@pytest.mark.parametrize(
    ("office", "moment", "pattern", "missing", "given"),
    [
        (an_office("XYZ"), "2026-11-24T10:00", None, "state", "XYZ"),
        (an_office(pattern="nights"), "2026-11-24T10:00", None, "pattern", "nights"),
        (an_office(), "2026-11-24T10:00", "nights", "pattern", "nights"),
        (an_office(timezone="Asia/Labuan"), "2026-11-24T10:00", None, "timezone", "Asia/Labuan"),
        (an_office(timezone="../../etc/passwd"), "2026-11-24T10:00", None, "timezone", "../../etc/passwd"),
        (an_office(timezone="Asia"), "2026-11-24T10:00", None, "timezone", "Asia"),
        (an_office(), "2031-06-04T10:00", None, "holidays", "PJY 2031"),
        (an_office(), "2000-06-05T10:00", None, "weekly-rest", "PJY 2000-06-05"),
    ],
)
def test_what_is_missing_is_unknown_and_named(
    office: Office, moment: str, pattern: str | None, missing: str, given: str
) -> None:
    found = shipped().hours(office, at(moment), pattern)
    assert (found.regime, found.fact) == (UNKNOWN, "no-data")
    assert dict(found.arguments) == {"missing": missing, "given": given}


def test_without_a_list_of_holidays_the_weekly_day_off_and_the_night_are_still_known() -> None:
    office = an_office()
    assert shipped().hours(office, at("2031-06-07T10:00")).regime is REST
    assert shipped().hours(office, at("2031-06-04T03:00")).regime is OUT
    for clock in ("08:00", "10:00", "13:30", "17:00"):
        assert shipped().hours(office, at(f"2031-06-04T{clock}")).regime is UNKNOWN


def test_a_time_without_a_zone_is_unknown() -> None:
    found = shipped().hours(an_office(), datetime(2026, 11, 24, 10))  # noqa: DTZ001
    assert (found.regime, found.arguments["missing"]) == (UNKNOWN, "timezone")
    assert found.local.tzinfo is not None


# ---------------------------------------------------------------- an office's own calendar

OWN = """
calendar: own
states:
  XAA:
    name: {ms: Contoh, en: Example}
    timezone: Asia/Kuala_Lumpur
    region: contoh
    rest: [{from: 1900-01-01, days: [sat, sun], source: contoh}]
complete_for:
YEARS
services:
  federal-service: [federal]
  state-service: [state]
holidays:
  - {date: 2026-11-25, states: [XAA], ms: Hari Contoh, en: Example Day}
patterns:
  day:
    title: {ms: Siang, en: Day}
    days: [{hours: "08:00-17:00", break: "12:30-13:30"}]
  night:
    title: {ms: Malam, en: Night}
    days: [{hours: "22:00-06:00", break: "02:00-02:30"}]
  whole:
    title: {ms: Sehari, en: Whole day}
    days: [{hours: "00:00-24:00"}]
  mixed:
    title: {ms: Campur, en: Mixed}
    days:
      - {hours: "22:00-02:30", flexible: ["05:00-09:00", "20:00-22:00"]}
      - {days: wed, core: "01:30-03:00"}
      - {days: [sat], hours: "09:00-12:00"}
"""
YEARS = "\n".join(f"  - {{year: {year}, states: [XAA]}}" for year in range(1900, 2101))


def own_document(*overrides: str) -> CalendarDocument:
    text = OWN.replace("YEARS", YEARS)
    if overrides:
        text += "overrides:\n" + "\n".join(f"  - {{{line}}}" for line in overrides)
    return parse_calendar(text, "own.yaml")


@cache
def own(*overrides: str) -> Calendar:
    return compile_calendar([own_document(*overrides)])


HERE = an_office("XAA", "day")
SAID = "ms: Cuti, en: Day off, source: notis"


def regimes(calendar: Calendar, office: Office, day: str) -> list[str]:
    return [str(one) for one in calendar.day(office, date.fromisoformat(day))]


def test_a_night_shift_belongs_to_the_day_on_which_it_starts() -> None:
    """Wednesday 25 November is a holiday: Tuesday's shift runs into it to its end, and none starts on it."""
    office = an_office("XAA", "night")
    assert regimes(own(), office, "2026-11-25") == [
        "00:00-02:00 office-hours",
        "02:00-02:30 break",
        "02:30-06:00 office-hours",
        "06:00-24:00 rest-day",
    ]
    assert regimes(own(), office, "2026-11-26") == ["00:00-22:00 outside-hours", "22:00-24:00 office-hours"]
    assert regimes(own(), office, "2026-11-28")[0] == "00:00-02:00 office-hours"  # Friday's shift, on Saturday
    assert regimes(own(), office, "2026-11-29") == ["00:00-24:00 rest-day"]


def test_a_window_of_a_whole_day_leaves_nothing_over() -> None:
    assert regimes(own(), an_office("XAA", "whole"), "2026-11-24") == ["00:00-24:00 office-hours"]
    found = own().hours(an_office("XAA", "whole"), at("2026-11-24T23:59"))
    assert (found.arguments["to"], found.until) == ("24:00", at("2026-11-25T00:00"))


def test_where_windows_meet_the_days_own_stand_before_those_of_the_evening_before() -> None:
    """And office hours stand before a flexible band of the same day."""
    assert regimes(own(), an_office("XAA", "mixed"), "2026-12-02") == [
        "00:00-01:30 office-hours",  # Tuesday's
        "01:30-03:00 office-hours",  # Wednesday's own
        "03:00-24:00 outside-hours",
    ]
    assert regimes(own(), an_office("XAA", "mixed"), "2026-12-03") == [
        "00:00-05:00 outside-hours",
        "05:00-09:00 flexible",
        "09:00-20:00 outside-hours",
        "20:00-22:00 flexible",
        "22:00-24:00 office-hours",
    ]


@pytest.mark.parametrize(
    ("override", "day", "expected"),
    [
        (f"date: 2026-11-24, states: [XAA], kind: add, {SAID}", "2026-11-24", "rest-day"),
        (f"date: 2026-11-24, offices: [hq], kind: add, {SAID}", "2026-11-24", "rest-day"),
        (f"date: 2026-11-24, offices: [branch], kind: add, {SAID}", "2026-11-24", "office-hours"),
        (f"date: 2026-11-24, states: [XAA], scope: state-service, kind: add, {SAID}", "2026-11-24", "office-hours"),
        (f"date: 2026-11-24, states: [XAA], scope: federal-service, kind: add, {SAID}", "2026-11-24", "rest-day"),
        (f"date: 2026-11-24, states: [XAA], kind: add, {SAID}, status: doubtful", "2026-11-24", "office-hours"),
        ("date: 2026-11-25, states: [XAA], kind: remove, ms: Hari Contoh, source: notis", "2026-11-25", "office-hours"),
        ("date: 2026-11-25, states: [XAA], kind: remove, source: notis", "2026-11-25", "office-hours"),
        ("date: 2026-11-25, states: [XAA], kind: move, to: 2026-11-26, source: notis", "2026-11-25", "office-hours"),
        ("date: 2026-11-25, states: [XAA], kind: move, to: 2026-11-26, source: notis", "2026-11-26", "rest-day"),
        ("date: 2026-11-25, states: [XAA], kind: move, to: 2026-11-26, source: notis", "2026-11-27", "office-hours"),
    ],
)
def test_an_override_holds_where_and_for_whom_it_says(override: str, day: str, expected: str) -> None:
    assert own(override).hours(HERE, at(f"{day}T10:00")).regime == expected


def test_what_is_removed_by_name_leaves_the_days_other_holidays() -> None:
    added = f"date: 2026-11-25, states: [XAA], kind: add, {SAID}"
    removed = "date: 2026-11-25, states: [XAA], kind: remove, ms: Hari Contoh, source: notis"
    found = own(added, removed).hours(HERE, at("2026-11-25T10:00"))
    assert (found.regime, found.arguments["name"]) == (REST, "Cuti")
    moved = "date: 2026-11-25, states: [XAA], kind: move, to: 2026-11-27, ms: Hari Contoh, source: notis"
    both = own(added, moved)
    assert [off.ms for off in both.holidays("XAA", date(2026, 11, 25))] == ["Cuti"]
    assert [off.ms for off in both.holidays("XAA", date(2026, 11, 27))] == ["Hari Contoh"]


def test_a_half_day_takes_its_part_of_the_day_off() -> None:
    half = f'date: 2026-11-24, states: [XAA], kind: add, between: "12:00-24:00", {SAID}'
    assert regimes(own(half), HERE, "2026-11-24") == [
        "00:00-08:00 outside-hours",
        "08:00-12:00 office-hours",
        "12:00-24:00 rest-day",
    ]


def test_an_added_day_off_is_known_also_in_a_year_without_a_list() -> None:
    calendar = own(f"date: 2101-06-01, states: [XAA], kind: add, {SAID}")
    assert calendar.hours(HERE, at("2101-06-01T10:00")).regime is REST
    assert calendar.hours(HERE, at("2101-06-02T10:00")).regime is UNKNOWN


def test_a_later_folders_document_takes_the_place_of_one_of_its_name() -> None:
    theirs = parse_calendar(OWN.replace("YEARS", YEARS).replace("08:00-17:00", "10:00-17:00"), "/etc/gerbang/own.yaml")
    calendar = compile_calendar([own_document(), theirs])
    assert calendar.hours(HERE, at("2026-11-24T09:00")).regime is OUT
    assert calendar.digest not in {own().digest, shipped().digest}


def test_the_digest_is_of_what_is_said_not_of_how_it_is_written() -> None:
    commented = parse_calendar("# a comment\n" + OWN.replace("YEARS", YEARS), "elsewhere.yaml")
    assert compile_calendar([commented]).digest == own().digest
    changed = OWN.replace("YEARS", YEARS).replace("2026-11-25", "2026-11-26")
    assert compile_calendar([parse_calendar(changed, "own.yaml")]).digest != own().digest


# ---------------------------------------------------------------- clocks that change


def instants(start: datetime, end: datetime, count: int) -> Iterator[datetime]:
    step = (end - start) / count
    return (start + step * index for index in range(count))


PATTERNS = ("day", "night", "whole", "mixed")


@settings(max_examples=400, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    moment=st.datetimes(datetime(1925, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    pattern=st.sampled_from(PATTERNS),
)
@example("Pacific/Apia", datetime(2011, 12, 30, 9, 0, tzinfo=UTC), "day")  # a day that never was
@example("Africa/Casablanca", datetime(2026, 2, 15, 1, 30, tzinfo=UTC), "mixed")
@example("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "mixed")  # the hour that comes twice
@example("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 50, tzinfo=UTC), "night")  # by half an hour
def test_until_is_the_first_change_on_every_clock_of_the_world(zone: str, moment: datetime, pattern: str) -> None:
    """From a moment to `until` the regime is one; at `until` it is another."""
    office = Office("hq", "XAA", zone, pattern=pattern)
    found = own().hours(office, moment)
    if found.until is None:
        end = moment + timedelta(days=30)
    else:
        assert found.until > moment
        assert own().hours(office, found.until).regime is not found.regime
        end = found.until
    assert all(own().hours(office, between).regime is found.regime for between in instants(moment, end, 41))
    assert own().hours(office, end - timedelta(seconds=1)).regime is found.regime


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    moment=st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Asia/Kuching"), ZoneInfo("America/New_York")])),
    state=st.sampled_from(["PJY", "KDH", "JHR", "01", "", "nowhere"]),
    pattern=st.none() | st.sampled_from(["flexi", "fixed-ramadan", "nothing"]),
)
@example("Pacific/Kiritimati", datetime.max.replace(tzinfo=UTC), "PJY", None)
@example("Pacific/Pago_Pago", datetime.min.replace(tzinfo=UTC), "PJY", None)
@example("UTC", datetime.max.replace(tzinfo=UTC), "PJY", None)
@example("UTC", datetime.min.replace(tzinfo=UTC), "PJY", None)
def test_no_moment_and_no_place_makes_it_raise(zone: str, moment: datetime, state: str, pattern: str | None) -> None:
    found = shipped().hours(Office("hq", state, zone), moment, pattern)
    assert found.regime in Regime
    assert (found.fact == "no-data") is (found.regime is UNKNOWN)


@given(
    day=st.dates(date(1901, 1, 1), date(2100, 12, 30)),
    zone=st.sampled_from(ZONES),
    pattern=st.sampled_from(PATTERNS),
)
def test_the_stretches_of_a_day_follow_one_another_from_midnight_to_midnight(
    day: date, zone: str, pattern: str
) -> None:
    stretches = own().day(Office("hq", "XAA", zone, pattern=pattern), day)
    assert (stretches[0].start, stretches[-1].end) == (0, 1440)
    assert all(one.end == other.start for one, other in pairwise(stretches))
    assert all(one.start < one.end for one in stretches)


@given(day=st.dates(date(2025, 1, 1), date(2027, 12, 31)), minute=st.integers(0, 1439))
def test_an_answer_is_the_stretch_of_its_minute(day: date, minute: int) -> None:
    """The look-up agrees with the table of the day, and with a plain reading of the Peninsula's flexible hours."""
    office = an_office("MLK")
    moment = datetime.combine(day, time(minute // 60, minute % 60), KUALA_LUMPUR)
    found = shipped().hours(office, moment)
    stretch = next(one for one in shipped().day(office, day) if one.start <= minute < one.end)
    assert (found.regime, found.fact) == (stretch.regime, stretch.fact)
    assert found.regime == plain_reading(day, minute)


def plain_reading(day: date, minute: int) -> Regime:
    if day.weekday() >= 5 or shipped().holidays("MLK", day):
        return REST
    rest = (735, 885) if day.weekday() == 4 else (780, 840)
    if rest[0] <= minute < rest[1]:
        return BREAK
    if 540 <= minute < 990:
        return IN
    return FLEXIBLE if 450 <= minute < 1080 else OUT


def test_an_hour_that_comes_twice_is_judged_alike_both_times() -> None:
    """In New York 01:00 to 02:00 of 1 November 2026 comes twice; a window from 01:30 starts, stops and starts again."""
    night = OWN.replace("YEARS", YEARS).replace("[sat, sun]", "[tue]").replace("22:00-06:00", "01:30-06:00")
    calendar = compile_calendar([parse_calendar(night, "own.yaml")])
    office = Office("hq", "XAA", "America/New_York", pattern="night")
    first = datetime(2026, 11, 1, 5, 15, tzinfo=UTC)  # 01:15, summer time
    found = calendar.hours(office, first)
    assert (found.regime, in_utc(found.until)) == (OUT, datetime(2026, 11, 1, 5, 30, tzinfo=UTC))
    again = calendar.hours(office, datetime(2026, 11, 1, 5, 45, tzinfo=UTC))
    assert (again.regime, in_utc(again.until)) == (IN, datetime(2026, 11, 1, 6, 0, tzinfo=UTC))
    assert calendar.hours(office, datetime(2026, 11, 1, 6, 29, tzinfo=UTC)).regime is OUT
    later = calendar.hours(office, datetime(2026, 11, 1, 6, 45, tzinfo=UTC))  # a break begins at 02:00
    assert (later.regime, in_utc(later.until)) == (IN, datetime(2026, 11, 1, 7, 0, tzinfo=UTC))
    assert calendar.hours(office, datetime(2026, 11, 1, 6, 30, tzinfo=UTC)).regime is IN


def in_utc(moment: datetime | None) -> datetime | None:
    """Python calls a wall-clock time that comes twice equal to nothing in another zone."""
    return moment.astimezone(UTC) if moment else None


def test_what_is_kept_of_days_and_offices_is_bounded() -> None:
    """However many ways of working are asked for, and however many days, the calendar does not grow without end."""
    calendar = compile_calendar([own_document()])
    for number in range(3 * MOST_VIEWS):
        other = replace(HERE, legal_regime=f"regime-{number}")
        for day in (24, 25):
            calendar.hours(other, at(f"2026-11-{day}T10:00"))
        calendar.hours(HERE, at("2026-11-24T10:00"))
    for days in range(400):
        calendar.hours(HERE, at("2026-01-05T10:00") + timedelta(days=days))
    kept = {**calendar._resting, **calendar._views}
    assert len(calendar._views) <= MOST_VIEWS
    assert len(calendar._resting) <= MOST_VIEWS
    assert max(len(view.days) for view in kept.values()) <= MOST_DAYS
    assert sum(len(view.days) for view in kept.values()) <= MOST_TABLES


def test_offices_that_work_alike_share_their_days() -> None:
    """Of two thousand offices one has a day off of its own: the others keep one set of tables."""
    override = f"date: 2026-11-24, offices: [office-7], kind: add, {SAID}"
    calendar = compile_calendar([own_document(override)])
    for number in range(2000):
        office = replace(HERE, name=f"office-{number}")
        found = calendar.hours(office, at("2026-11-24T10:00"))
        assert found.office == office.name
        assert found.regime is (REST if number == 7 else IN)
    assert len(calendar._views) == 2


# ---------------------------------------------------------------- documents that do not fit together


def broken(text: str, *others: CalendarDocument) -> str:
    with pytest.raises(DocumentErrors) as caught:
        compile_calendar([*others, parse_calendar(text, "trial.yaml")])
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "calendar: t\nbreaks:\n  - {states: [XAB], break: '13:00-14:00'}",
            "trial.yaml:3:6: unknown state `XAB`; did you mean `XAA`? expected one of `XAA`",
        ),
        (
            "calendar: t\nbreaks:\n  - {regions: [conto], break: '13:00-14:00'}",
            "trial.yaml:3:6: unknown region `conto`; did you mean `contoh`? expected one of `contoh`",
        ),
        (
            "calendar: t\npatterns:\n  p:\n    title: {ms: a, en: b}\n    based_on: dy",
            "trial.yaml:5:5: unknown pattern `dy`; did you mean `day`? "
            "expected one of `day`, `mixed`, `night`, `p`, `whole`",
        ),
        (
            "calendar: t\npatterns:\n  p:\n    title: {ms: a, en: b}\n    profiles: {puasa: []}",
            "trial.yaml:5:16: unknown profile `puasa`; no calendar has a profile",
        ),
        (
            "calendar: t\npatterns:\n  a:\n    title: {ms: a, en: b}\n    based_on: b\n"
            "  b:\n    title: {ms: a, en: b}\n    based_on: a",
            "trial.yaml:5:5: the pattern `a` is based on itself\ntrial.yaml:8:5: the pattern `b` is based on itself",
        ),
        (
            "calendar: t\npatterns:\n  day:\n    title: {ms: a, en: b}",
            "trial.yaml:3:3: the pattern `day` is already in own.yaml",
        ),
        (
            "calendar: t\nservices:\n  school:\n    - federal",
            "trial.yaml:4:7: the legal regime `federal` is already in own.yaml",
        ),
        (
            "calendar: t\nholidays:\n  - {date: 2150-01-01, states: [XAA], ms: a, en: b}",
            "trial.yaml:3:5: 2150-01-01 is listed for `XAA`, whose list for 2150 is not whole; "
            "add the year to `complete_for`, or make it an override with `kind: add`",
        ),
        (
            "calendar: t\noverrides:\n  - {date: 2026-11-25, states: [XAA], kind: remove, ms: Hari Conto, source: s}",
            "trial.yaml:3:5: `XAA` has no holiday `Hari Conto` on 2026-11-25; "
            "did you mean `Hari Contoh`? expected one of `Hari Contoh`",
        ),
        (
            "calendar: t\noverrides:\n  - {date: 2026-11-24, states: [XAA], kind: remove, source: s}",
            "trial.yaml:3:5: `XAA` has no holiday on 2026-11-24; take the line out",
        ),
        (
            "calendar: own",
            "trial.yaml:1:1: a calendar of the name `own` is also in own.yaml; give one of them another name",
        ),
    ],
)
def test_documents_that_do_not_fit_together_are_refused_with_the_place(text: str, sentence: str) -> None:
    assert broken(text, own_document()) == sentence


def test_two_profiles_at_once_are_refused() -> None:
    text = """
calendar: t
profiles:
  one: {title: {ms: a, en: b}, seasons: [{from: 2026-01-01, to: 2026-01-31}]}
  two: {title: {ms: a, en: b}, seasons: [{from: 2026-01-31, to: 2026-02-01}]}
patterns:
  p:
    title: {ms: a, en: b}
    profiles: {one: [], two: []}
"""
    assert broken(text, own_document()) == (
        "trial.yaml:9:5: the profiles `one` and `two` of the pattern `p` both run on 2026-01-31"
    )
    assert compile_calendar(
        [own_document(), parse_calendar(text.replace("to: 2026-01-31", "to: 2026-01-30"), "t.yaml")]
    )


def test_a_stretch_says_its_clock_and_regime() -> None:
    assert str(Stretch(450, 1440, FLEXIBLE, "flexi-band")) == "07:30-24:00 flexible"
