"""Whose time it is: each kind of an officer's own entries at its edges, what stands where two meet, and what changes
next."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gerbang.errors import RegisterError
from gerbang.model import Hours, Office, OwnDays, OwnKind, Regime
from gerbang.policy.own_days import MOST_ENTRIES, by_officer, own_day, own_hours
from policy.test_calendar import KUALA_LUMPUR, an_office, shipped

IN, OUT, REST = Regime.OFFICE_HOURS, Regime.OUTSIDE_HOURS, Regime.REST_DAY
BREAK, FLEXIBLE, UNKNOWN = Regime.BREAK, Regime.FLEXIBLE, Regime.UNKNOWN

HQ = an_office()
TRG = Office("terengganu", "TRG", "Asia/Kuala_Lumpur")
LONDON = Office("london", "PJY", "Europe/London")
OFFICES = {office.name: office for office in (HQ, TRG, LONDON)}


def days(*lines: str) -> OwnDays:
    """Entries as `kind from until [office]`."""
    entries = []
    for line in lines:
        kind, since, *rest = line.split()
        until, office = (*rest, "", "")[:2]
        entries.append(own_day("aminah", kind, since, "" if until == "-" else until, "JPA 1/2026", "devi", office))
    return OwnDays(tuple(entries))


def asked(own: OwnDays, moment: str | datetime, office: Office = HQ, pattern: str | None = None) -> Hours:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(office.timezone))
    return own_hours(own, shipped(), OFFICES, office, pattern, moment)


def until(hours: Hours) -> str | None:
    return hours.until.replace(tzinfo=None).isoformat(timespec="minutes") if hours.until else None


# 24 November 2026 is a Tuesday without a holiday; 26 November is a Thursday.
EDGES = [
    # leave by dates: working time is hers, the night and the weekend stay what they are
    ("leave 2026-11-24 -", "2026-11-23T16:29", IN, "core-hours", "2026-11-23T16:30"),
    ("leave 2026-11-24 -", "2026-11-23T20:00", OUT, "after-hours", "2026-11-25T07:30"),
    ("leave 2026-11-24 -", "2026-11-24T07:29", OUT, "after-hours", "2026-11-25T07:30"),
    ("leave 2026-11-24 -", "2026-11-24T07:30", OUT, "leave", "2026-11-25T07:30"),
    ("leave 2026-11-24 -", "2026-11-24T13:30", OUT, "leave", "2026-11-25T07:30"),
    ("leave 2026-11-24 -", "2026-11-25T07:30", FLEXIBLE, "flexi-band", "2026-11-25T09:00"),
    ("leave 2026-11-27 2026-11-30", "2026-11-28T10:00", REST, "weekly-rest", "2026-11-30T00:00"),
    ("leave 2026-11-27 2026-11-30", "2026-11-30T10:00", OUT, "leave", "2026-12-01T07:30"),
    # half a day
    ("half-day-leave 2026-11-24T14:00 2026-11-24T18:00", "2026-11-24T12:59", IN, "core-hours", "2026-11-24T13:00"),
    (
        "half-day-leave 2026-11-24T14:00 2026-11-24T18:00",
        "2026-11-24T13:59",
        BREAK,
        "rest-break",
        "2026-11-24T14:00",
    ),
    (
        "half-day-leave 2026-11-24T14:00 2026-11-24T18:00",
        "2026-11-24T14:00",
        OUT,
        "half-day-leave",
        "2026-11-25T07:30",
    ),
    # an errand
    ("errand 2026-11-24T10:00 2026-11-24T12:00", "2026-11-24T09:59", IN, "core-hours", "2026-11-24T10:00"),
    ("errand 2026-11-24T10:00 2026-11-24T12:00", "2026-11-24T10:00", OUT, "errand", "2026-11-24T12:00"),
    ("errand 2026-11-24T10:00 2026-11-24T12:00", "2026-11-24T11:59", OUT, "errand", "2026-11-24T12:00"),
    ("errand 2026-11-24T10:00 2026-11-24T12:00", "2026-11-24T12:00", IN, "core-hours", "2026-11-24T13:00"),
    ("errand 2026-11-28T10:00 2026-11-28T12:00", "2026-11-28T11:00", REST, "weekly-rest", "2026-11-30T00:00"),
    # duty at night, on a day off, over midnight
    ("duty 2026-11-24T20:00 2026-11-24T23:00", "2026-11-24T19:59", OUT, "after-hours", "2026-11-24T20:00"),
    ("duty 2026-11-24T20:00 2026-11-24T23:00", "2026-11-24T20:00", IN, "duty", "2026-11-24T23:00"),
    ("duty 2026-11-24T20:00 2026-11-24T23:00", "2026-11-24T22:59", IN, "duty", "2026-11-24T23:00"),
    ("duty 2026-11-24T20:00 2026-11-24T23:00", "2026-11-24T23:00", OUT, "after-hours", "2026-11-25T07:30"),
    ("duty 2026-11-28T10:00 2026-11-28T12:00", "2026-11-28T10:00", IN, "duty", "2026-11-28T12:00"),
    ("duty 2026-11-28T10:00 2026-11-28T12:00", "2026-11-28T12:00", REST, "weekly-rest", "2026-11-30T00:00"),
    ("duty 2026-11-27T22:00 2026-11-28T02:00", "2026-11-28T01:59", IN, "duty", "2026-11-28T02:00"),
    ("duty 2026-11-24 -", "2026-11-24T00:00", IN, "duty", "2026-11-25T00:00"),
    ("duty 2026-11-24 -", "2026-11-23T23:59", OUT, "after-hours", "2026-11-24T00:00"),
    # elsewhere: the same hours, and the record says so; with an office, its calendar
    ("elsewhere 2026-11-24 -", "2026-11-24T10:00", IN, "core-hours", "2026-11-24T13:00"),
    ("elsewhere 2026-11-27 - terengganu", "2026-11-27T10:00", REST, "weekly-rest", "2026-11-30T00:00"),
    ("elsewhere 2026-11-22 - terengganu", "2026-11-22T10:00", IN, "core-hours", "2026-11-22T13:00"),
    ("elsewhere 2026-11-26 - terengganu", "2026-11-26T15:00", FLEXIBLE, "flexi-band", "2026-11-26T16:30"),
    # who came at 08:07 leaves at 17:07
    ("clock-in 2026-11-24T08:07", "2026-11-24T07:29", OUT, "after-hours", "2026-11-24T08:07"),
    ("clock-in 2026-11-24T08:07", "2026-11-24T08:06", OUT, "before-clock-in", "2026-11-24T08:07"),
    ("clock-in 2026-11-24T08:07", "2026-11-24T08:07", IN, "clocked-in", "2026-11-24T13:00"),
    ("clock-in 2026-11-24T08:07", "2026-11-24T13:00", BREAK, "rest-break", "2026-11-24T14:00"),
    ("clock-in 2026-11-24T08:07", "2026-11-24T17:06", IN, "clocked-in", "2026-11-24T17:07"),
    ("clock-in 2026-11-24T08:07", "2026-11-24T17:07", OUT, "hours-served", "2026-11-25T07:30"),
    ("clock-in 2026-11-24T08:07", "2026-11-23T17:07", FLEXIBLE, "flexi-band", "2026-11-23T18:00"),
    ("clock-in 2026-11-24T06:50", "2026-11-24T07:29", OUT, "after-hours", "2026-11-24T07:30"),
    ("clock-in 2026-11-24T06:50", "2026-11-24T07:30", IN, "clocked-in", "2026-11-24T13:00"),
    ("clock-in 2026-11-24T06:50", "2026-11-24T16:30", OUT, "hours-served", "2026-11-25T07:30"),
    ("clock-in 2026-11-24T09:00", "2026-11-24T17:59", IN, "clocked-in", "2026-11-24T18:00"),
    ("clock-in 2026-11-24T10:15", "2026-11-24T08:59", OUT, "before-clock-in", "2026-11-24T09:00"),
    ("clock-in 2026-11-24T10:15", "2026-11-24T10:14", IN, "core-hours", "2026-11-24T13:00"),
    ("clock-in 2026-11-24T10:15", "2026-11-24T17:59", IN, "clocked-in", "2026-11-24T18:00"),
    ("clock-in 2026-11-24T10:15", "2026-11-24T18:00", OUT, "after-hours", "2026-11-25T07:30"),
    ("clock-in 2026-11-28T08:00", "2026-11-28T10:00", REST, "weekly-rest", "2026-11-30T00:00"),
    # duty that began before 07:30 counts from 07:30; begun after 09:00 it ends at 18:00
    ("duty 2026-11-24T06:00 2026-11-24T08:00", "2026-11-24T16:29", IN, "began-on-duty", "2026-11-24T16:30"),
    ("duty 2026-11-24T06:00 2026-11-24T08:00", "2026-11-24T16:30", OUT, "hours-served", "2026-11-25T07:30"),
    ("duty 2026-11-24T09:30 2026-11-24T11:00", "2026-11-24T17:59", IN, "began-on-duty", "2026-11-24T18:00"),
    ("duty 2026-11-24T09:30 2026-11-24T11:00", "2026-11-24T08:00", FLEXIBLE, "flexi-band", "2026-11-24T09:00"),
]


@pytest.mark.parametrize(("line", "moment", "regime", "fact", "change"), EDGES)
def test_each_kind_at_its_edges(line: str, moment: str, regime: Regime, fact: str, change: str) -> None:
    found = asked(days(line), moment)
    assert (found.regime, found.fact, until(found)) == (regime, fact, change)


@pytest.mark.parametrize(
    ("moment", "regime", "fact", "change"),
    [
        ("2026-11-24T08:06", OUT, "before-clock-in", "2026-11-24T08:07"),
        ("2026-11-24T11:59", IN, "clocked-in", "2026-11-24T12:00"),
        ("2026-11-24T12:00", OUT, "clocked-out", "2026-11-24T13:00"),
        ("2026-11-24T14:00", OUT, "clocked-out", "2026-11-24T14:10"),
        ("2026-11-24T14:10", IN, "clocked-in", "2026-11-24T16:00"),
        ("2026-11-24T16:00", OUT, "clocked-out", "2026-11-25T07:30"),
        ("2026-11-24T17:00", OUT, "clocked-out", "2026-11-25T07:30"),
    ],
)
def test_a_clock_out_ends_the_hours_until_she_is_back(moment: str, regime: Regime, fact: str, change: str) -> None:
    own = days(
        "clock-in 2026-11-24T08:07",
        "clock-out 2026-11-24T12:00",
        "clock-in 2026-11-24T14:10",
        "clock-out 2026-11-24T16:00",
    )
    found = asked(own, moment)
    assert (found.regime, found.fact, until(found)) == (regime, fact, change)


def test_who_goes_home_in_the_night_has_not_gone_home_for_the_day() -> None:
    own = days("clock-in 2026-11-23T08:00", "clock-out 2026-11-24T00:40")
    assert asked(own, "2026-11-24T08:00").regime is FLEXIBLE


@pytest.mark.parametrize(
    ("office", "pattern", "came", "last", "change"),
    [
        (TRG, None, "2026-11-26T08:07", "2026-11-26T15:36", "2026-11-26T15:37"),  # the short Thursday is 7 h 30 min
        (TRG, None, "2026-11-26T09:20", "2026-11-26T16:29", "2026-11-26T16:30"),
        (TRG, None, "2026-11-25T08:07", "2026-11-25T17:06", "2026-11-25T17:07"),
        (HQ, "flexi-ramadan", "2026-03-03T08:07", "2026-03-03T16:36", "2026-03-03T16:37"),  # half an hour earlier
        (HQ, "flexi-ramadan", "2026-03-03T09:30", "2026-03-03T17:29", "2026-03-03T17:30"),
        (TRG, "flexi-ramadan", "2026-03-05T07:45", "2026-03-05T14:44", "2026-03-05T14:45"),
        (HQ, "wbf-pilot", "2026-11-24T08:10", "2026-11-24T17:09", "2026-11-24T17:10"),
    ],
)
def test_how_long_a_day_is(office: Office, pattern: str | None, came: str, last: str, change: str) -> None:
    own = days(f"clock-in {came}")
    found = asked(own, last, office, pattern)
    assert (found.regime, until(found)) == (IN, change)
    assert asked(own, change, office, pattern).regime is OUT


def test_hours_that_are_not_flexible_are_the_pattern_s_whenever_she_came() -> None:
    own = days("clock-in 2026-11-24T08:40", "clock-out 2026-11-24T15:00")
    for moment in ("2026-11-24T08:10", "2026-11-24T15:30"):
        assert asked(own, moment, pattern="fixed").fact == "working-hours"


# ---------------------------------------------------------------- shifts

ROSTER = (
    "shift 2026-11-25T07:00 2026-11-25T14:00",
    "shift 2026-11-27T21:00 2026-11-28T07:00",  # Friday's, into a Saturday
)


@pytest.mark.parametrize(
    ("moment", "regime", "fact", "change"),
    [
        ("2026-11-24T23:59", REST, "no-shift", "2026-11-25T00:00"),
        ("2026-11-25T06:59", OUT, "off-shift", "2026-11-25T07:00"),
        ("2026-11-25T07:00", IN, "shift", "2026-11-25T14:00"),
        ("2026-11-25T13:59", IN, "shift", "2026-11-25T14:00"),
        ("2026-11-25T14:00", OUT, "off-shift", "2026-11-26T00:00"),
        ("2026-11-26T10:00", REST, "no-shift", "2026-11-27T00:00"),
        ("2026-11-27T20:59", OUT, "off-shift", "2026-11-27T21:00"),
        ("2026-11-27T23:59", IN, "shift", "2026-11-28T07:00"),
        ("2026-11-28T00:00", IN, "shift", "2026-11-28T07:00"),
        ("2026-11-28T06:59", IN, "shift", "2026-11-28T07:00"),
        ("2026-11-28T07:00", REST, "no-shift", "2026-12-01T00:00"),
        ("2026-12-01T10:00", UNKNOWN, "no-data", None),  # a month that nobody rostered
        ("2026-10-31T23:59", UNKNOWN, "no-data", "2026-11-01T00:00"),
    ],
)
def test_a_roster(moment: str, regime: Regime, fact: str, change: str | None) -> None:
    found = asked(days(*ROSTER), moment, pattern="shift")
    assert (found.regime, found.fact, until(found)) == (regime, fact, change)


@pytest.mark.parametrize(
    ("moment", "regime", "fact"),
    [
        ("2026-11-24T10:00", IN, "core-hours"),
        ("2026-11-25T13:59", IN, "shift"),
        ("2026-11-25T15:00", OUT, "off-shift"),
        ("2026-11-26T10:00", IN, "core-hours"),
        ("2026-11-28T03:00", IN, "shift"),
        ("2026-11-28T10:00", REST, "weekly-rest"),
    ],
)
def test_who_has_a_pattern_of_days_has_a_shift_for_its_day_only(moment: str, regime: Regime, fact: str) -> None:
    found = asked(days(*ROSTER), moment)
    assert (found.regime, found.fact) == (regime, fact)


def test_leave_from_a_roster() -> None:
    own = days(*ROSTER, "leave 2026-11-25 -")
    found = asked(own, "2026-11-25T10:00", pattern="shift")
    assert (found.regime, found.fact, until(found)) == (OUT, "leave", "2026-11-26T00:00")
    assert asked(days(*ROSTER, "leave 2026-12-02 -"), "2026-12-02T10:00", pattern="shift").regime is OUT


def test_a_pattern_that_is_a_roster_tells_nothing_by_itself() -> None:
    found = shipped().hours(HQ, datetime(2026, 11, 24, 10, tzinfo=KUALA_LUMPUR), "shift")
    assert (found.regime, dict(found.arguments)) == (UNKNOWN, {"missing": "roster", "given": "shift"})


# ---------------------------------------------------------------- where two meet


def test_duty_stands_over_leave_and_leave_over_shifts_and_clock() -> None:
    own = days(
        "leave 2026-11-24 -",
        "duty 2026-11-24T10:00 2026-11-24T11:00",
        "clock-in 2026-11-24T08:00",
    )
    assert [asked(own, f"2026-11-24T{hour}").fact for hour in ("09:30", "10:00", "10:59", "11:00")] == [
        "leave",
        "duty",
        "duty",
        "leave",
    ]


def test_of_two_of_a_kind_the_one_that_began_later_stands() -> None:
    own = days("leave 2026-11-23 2026-11-27", "errand 2026-11-24T10:00 2026-11-24T11:00")
    assert asked(own, "2026-11-24T10:30").fact == "errand"
    assert asked(own, "2026-11-24T11:00").fact == "leave"


def test_elsewhere_is_said_with_the_reference() -> None:
    found = asked(days("elsewhere 2026-11-24 -"), "2026-11-24T10:00")
    assert (found.arguments["elsewhere"], found.arguments["reference"]) == ("", "JPA 1/2026")
    found = asked(days("elsewhere 2026-11-27 - terengganu"), "2026-11-27T10:00")
    assert (found.arguments["elsewhere"], found.office) == ("terengganu", "hq")


# ---------------------------------------------------------------- clocks that change


@pytest.mark.parametrize(
    ("moment", "regime"),
    [
        ("2026-10-25T00:29Z", IN),  # 01:29, before the clock is set back at 02:00 to 01:00
        ("2026-10-24T23:59Z", OUT),
        ("2026-10-25T00:00Z", IN),  # 01:00, the first time
        ("2026-10-25T01:29Z", IN),  # 01:29, the second time
        ("2026-10-25T01:30Z", OUT),
    ],
)
def test_where_a_clock_shows_a_time_twice_duty_begins_with_the_first_and_ends_with_the_second(
    moment: str, regime: Regime
) -> None:
    own = days("duty 2026-10-25T01:00 2026-10-25T01:30")
    found = asked(own, moment, LONDON)
    assert (found.regime is IN) is (regime is IN)


def test_a_time_without_an_offset_is_on_the_clock_of_her_office() -> None:
    own = days("duty 2026-11-24T20:00 2026-11-24T21:00", "duty 2026-11-25T20:00+08:00 2026-11-25T21:00+08:00")
    assert asked(own, "2026-11-24T20:30Z", LONDON).fact == "duty"
    assert asked(own, "2026-11-25T12:30Z", LONDON).fact == "duty"
    assert asked(own, "2026-11-25T20:30Z", LONDON).fact == "after-hours"


KINDS = st.sampled_from(
    [
        "leave {day}",
        "half-day-leave {day}T08:00 {day}T12:00",
        "errand {day}T{hour:02}:10 {day}T{hour:02}:50",
        "duty {day}T{hour:02}:20 {day}T{hour:02}:45",
        "elsewhere {day} {day} terengganu",
        "elsewhere {day}T{hour:02}:00 {day}T{hour:02}:59 london",
        "shift {day}T20:00 {day}T23:00",
        "clock-in {day}T{hour:02}:07",
        "clock-out {day}T{hour:02}:33",
    ]
)
LINES = st.builds(
    lambda form, day, hour: form.format(day=f"2026-10-{day:02}", hour=hour),
    KINDS,
    st.integers(20, 30),
    st.integers(0, 23),
)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(LINES, max_size=6),
    minutes=st.integers(0, 10 * 24 * 60),
    office=st.sampled_from([HQ, TRG, LONDON]),
    pattern=st.sampled_from([None, "shift", "fixed", "envelope"]),
)
def test_the_regime_stays_until_it_is_said_to_change_and_changes_then(
    lines: list[str], minutes: int, office: Office, pattern: str | None
) -> None:
    own = days(*lines)
    moment = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(minutes=minutes)
    found = asked(own, moment, office, pattern)
    last = min(found.until or moment + timedelta(days=2), moment + timedelta(days=2))
    step = max(timedelta(minutes=1), (last - moment) / 150)
    steps = int((last - moment) / step)
    for number in range(steps):
        again = asked(OwnDays(own.entries), moment + number * step, office, pattern)
        assert again.regime is found.regime
    if found.until:
        assert asked(own, found.until - timedelta(minutes=1), office, pattern).regime is found.regime
        assert asked(own, found.until, office, pattern).regime is not found.regime


def test_an_answer_that_is_kept_is_the_one_that_would_be_found() -> None:
    own = days("clock-in 2026-11-24T08:07", "errand 2026-11-24T10:00 2026-11-24T11:00", *ROSTER)
    start = datetime(2026, 11, 24, tzinfo=KUALA_LUMPUR)
    for minute in [*range(0, 3 * 1440, 7), 0, 500, 3]:
        moment = start + timedelta(minutes=minute)
        assert asked(own, moment) == asked(OwnDays(own.entries), moment)


# ---------------------------------------------------------------- what an entry may be


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("holiday 2026-11-24 -", "`kind` cannot be `holiday`", "expected one of `leave`"),
        ("leave 24.11.2026 -", "`from` cannot be `24.11.2026`", "write a date as `2026-12-31`"),
        ("leave 2026-11-31 -", "`from` cannot be `2026-11-31`", "write a date"),
        ("leave 0001-01-01 -", "`from` cannot be", "write a date"),
        ("leave 2026-11-24 2026-11-23", "`until` does not lie after `from`", "exchange them"),
        ("leave 2026-11-24 2026-11-24T10:00", "one of `from`, `until` is a date and the other a time", "two dates"),
        ("leave 2026-11-24T10:00 2026-11-24T11:00Z", "one of `from`, `until` has an offset", "at both"),
        ("leave 2026-11-24T10:00 -", "`until` has no value", "ends at one"),
        ("half-day-leave 2026-11-24 -", "a half-day-leave has dates alone", "write its times"),
        ("half-day-leave 2026-11-24T08:00 2026-11-24T14:01", "longer than 6 hours", "as `leave`"),
        ("errand 2026-11-24T08:00 2026-11-24T12:01", "an errand is longer than 4 hours", "as `leave`"),
        ("shift 2026-11-24T08:00 2026-11-26T08:01", "a shift is longer than 48 hours", "a line of its own"),
        ("clock-in 2026-11-24 -", "is the date", "write the time too"),
        ("clock-in 2026-11-24T08:00 2026-11-24T09:00", "`until` has a value", "leave it out"),
        ("duty 2026-11-24T08:00 2026-11-24T09:00 london", "`office` goes with `elsewhere`", "leave it out"),
    ],
)
def test_an_entry_that_cannot_be_taken_is_told(line: str, what: str, hint: str) -> None:
    with pytest.raises(RegisterError) as told:
        days(line)
    assert what in told.value.what
    assert hint in (told.value.hint or "")


def test_four_hours_are_an_errand() -> None:
    assert days("errand 2026-11-24T08:00 2026-11-24T12:00").entries[0].kind is OwnKind.ERRAND


@pytest.mark.parametrize(("reference", "by", "missing"), [("", "devi", "reference"), ("JPA 1", "", "by")])
def test_leave_rests_on_somebody_s_word(reference: str, by: str, missing: str) -> None:
    with pytest.raises(RegisterError, match=f"`{missing}` has no value"):
        own_day("aminah", "leave", "2026-11-24", reference=reference, by=by)
    assert own_day("aminah", "clock-in", "2026-11-24T08:00", reference=reference, by=by)


def test_an_officer_has_so_many_entries_and_no_more() -> None:
    entry = own_day("aminah", "clock-in", "2026-11-24T08:00")
    assert len(by_officer([entry] * MOST_ENTRIES)["aminah"].entries) == MOST_ENTRIES
    with pytest.raises(RegisterError, match="more than 2,000 entries"):
        by_officer([entry] * (MOST_ENTRIES + 1))


def test_as_many_entries_as_may_be_are_looked_up_all_the_same() -> None:
    start = datetime.fromisoformat("2026-01-01")
    lines = [
        own_day("a", "duty", f"{start + timedelta(hours=n):%Y-%m-%dT%H:%M}", "2026-12-31T00:00", "r", "b")
        for n in range(MOST_ENTRIES)
    ]
    found = asked(OwnDays(tuple(lines)), "2026-06-01T12:00")
    assert (found.fact, found.arguments["from"]) == ("duty", "2026-03-25 07:00")
