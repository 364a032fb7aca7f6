"""Days on which states differ, from the official lists and notices of 2025 to 2027, written down apart from the files.

Each row names every state that is off; all others are at work that day. A day that is in doubt stands as it is applied.
"""

from collections.abc import Iterator
from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from gerbang.bundled import bundled
from gerbang.loading import each, sources
from gerbang.model import Office, Regime
from gerbang.policy.calendar import Calendar, compile_calendar, parse_calendar

ALL = "JHR KDH KTN MLK NSN PHG PNG PRK PLS SGR TRG SBH SWK KUL LBN PJY"
FRIDAY = "KDH KTN TRG"  # their weekly days off are Friday and Saturday
SUNDAY = "JHR MLK NSN PHG PNG PRK PLS SGR SBH SWK KUL LBN PJY"
TERRITORIES = "KUL LBN PJY"
THAIPUSAM = "JHR NSN PNG PRK SGR KUL PJY"


def but(states: str, *without: str) -> str:
    return " ".join(code for code in states.split() if code not in without)


OFF: tuple[tuple[str, str, str], ...] = (
    # ------------------------------------------------------------ 2025
    ("2025-01-01", "New Year", but(ALL, "JHR", "KDH", "KTN", "PLS", "TRG")),
    ("2025-01-03", "Johor's first Friday at work", FRIDAY),
    ("2025-01-05", "and its first Sunday off", SUNDAY),
    ("2025-01-06", "the day for that change was the state service's only", ""),
    ("2025-02-03", "Territory Day on a Saturday gives no Monday", ""),
    ("2025-02-11", "Thaipusam, in Kedah by notice", f"{THAIPUSAM} KDH"),
    ("2025-03-30", "the day before Aidilfitri, a working Sunday elsewhere", f"{SUNDAY} KTN TRG"),
    ("2025-03-31", "Aidilfitri", ALL),
    ("2025-06-02", "the Agong's birthday", ALL),
    ("2025-06-04", "Sarawak's for Gawai and the Agong", "SWK"),
    ("2025-06-15", "the Sultan of Kedah's birthday, as it is listed", f"{SUNDAY} KDH"),
    ("2025-06-22", "the other day that is told for it", SUNDAY),
    ("2025-06-29", "in doubt: Awal Muharam on a Friday", SUNDAY),
    ("2025-07-22", "Sarawak Day", "SWK"),
    ("2025-08-31", "National Day, a Sunday", ALL),
    ("2025-09-01", "its Monday where Sunday is the day off", SUNDAY),
    ("2025-09-07", "Maulid on Friday moves in Kedah, not in Kelantan and Terengganu", f"{SUNDAY} KDH"),
    ("2025-09-08", "and not on", ""),
    ("2025-09-15", "the day beside Malaysia Day", ALL),
    ("2025-09-16", "Malaysia Day", ALL),
    ("2025-10-20", "Deepavali, not in Sarawak", but(ALL, "SWK")),
    ("2025-11-07", "the Sultan of Perak's birthday, the first Friday", f"PRK {FRIDAY}"),
    ("2025-12-25", "Christmas", ALL),
    # ------------------------------------------------------------ 2026
    ("2026-01-01", "New Year, in Perlis by notice", but(ALL, "JHR", "KDH", "KTN", "TRG")),
    ("2026-02-01", "Thaipusam on a Sunday, in Kedah by notice", f"{SUNDAY} KDH"),
    ("2026-02-02", "one Monday for Thaipusam and Territory Day", f"{THAIPUSAM} LBN"),
    ("2026-02-03", "and no Tuesday for civil servants", ""),
    ("2026-03-08", "Nuzul Al-Quran on a Saturday moves in two states", f"{SUNDAY} KTN TRG"),
    ("2026-03-20", "the extra day before Raya", ALL),
    ("2026-03-23", "the Monday after Raya; Kedah gives no day for a Saturday", but(ALL, "KDH")),
    ("2026-05-01", "Labour Day", ALL),
    ("2026-05-03", "which moves from Friday in Kedah only", f"{SUNDAY} KDH"),
    ("2026-05-27", "Raya Haji", ALL),
    ("2026-05-28", "its second day", "KDH KTN PLS TRG"),
    ("2026-06-01", "the Agong's birthday", ALL),
    ("2026-06-02", "for Wesak on a Sunday, past the Agong's Monday", SUNDAY),
    ("2026-06-03", "past Gawai too in Sarawak; in Sabah and Labuan in doubt", "SWK"),
    ("2026-06-04", "in doubt in Sarawak", ""),
    ("2026-06-21", "the third Sunday, from which the Sultan of Kedah's birthday was moved", SUNDAY),
    ("2026-07-05", "the Sultan of Kedah's birthday", f"{SUNDAY} KDH"),
    ("2026-08-31", "National Day", ALL),
    ("2026-09-16", "Malaysia Day", ALL),
    ("2026-11-06", "the Sultan of Perak's birthday", f"PRK {FRIDAY}"),
    ("2026-11-08", "Deepavali, a Sunday", ALL),
    ("2026-11-09", "its Monday, not in Sarawak nor where Sunday was off by itself", but(SUNDAY, "SWK")),
    ("2026-12-27", "Christmas on a Friday moves in Kedah", f"{SUNDAY} KDH"),
    # ------------------------------------------------------------ 2027
    ("2027-01-06", "Israk and Mikraj", "KDH NSN PLS TRG"),
    ("2027-01-22", "Thaipusam, a Friday; Kedah's is decided each January", f"{THAIPUSAM} {FRIDAY}"),
    ("2027-02-01", "Territory Day", TERRITORIES),
    ("2027-02-08", "New Year's Monday, or the first of Ramadan", ALL),
    ("2027-02-09", "the second day in lieu in Johor only", "JHR"),
    ("2027-03-10", "Aidilfitri", ALL),
    ("2027-03-12", "its third day in Melaka, a Friday", f"MLK {FRIDAY}"),
    ("2027-05-02", "Labour Day on a Saturday moves in two states", f"{SUNDAY} KTN TRG"),
    ("2027-05-18", "Raya Haji's second day", "KDH KTN PLS TRG"),
    ("2027-06-07", "the Agong's birthday", ALL),
    ("2027-06-08", "in doubt: Awal Muharam on Sunday", ""),
    ("2027-07-12", "in doubt: Hari Hol Johor on Sunday", ""),
    ("2027-08-15", "Maulid, a Sunday", ALL),
    ("2027-08-16", "its Monday where Sunday is the day off", SUNDAY),
    ("2027-10-28", "Deepavali, not in Sarawak", but(ALL, "SWK")),
    ("2027-12-26", "Christmas on a Saturday moves in Kelantan; Israk and Mikraj elsewhere", ALL),
)


@cache
def shipped() -> Calendar:
    return compile_calendar(each(sources((bundled("policies"),), "calendars"), parse_calendar))


def off(day: date, legal_regime: str = "federal") -> Iterator[str]:
    for code in ALL.split():
        zone = shipped().states[code].timezone
        office = Office("hq", code, zone, legal_regime, "fixed")
        found = shipped().hours(office, datetime.combine(day, time(10), ZoneInfo(zone)))
        assert found.regime in {Regime.OFFICE_HOURS, Regime.REST_DAY}
        if found.regime is Regime.REST_DAY:
            yield code


@pytest.mark.parametrize(("day", "what", "states"), OFF, ids=[f"{day} {what}" for day, what, _ in OFF])
def test_the_states_that_are_off_on_a_day(day: str, what: str, states: str) -> None:
    assert set(off(date.fromisoformat(day))) == set(states.split()), what


def test_johors_day_for_its_own_service() -> None:
    day = date(2025, 1, 6)
    assert [*off(day, "state")] == ["JHR"]
    assert [*off(day, "local-authority")] == ["JHR"]
    assert [*off(day, "statutory-body")] == []


# ---------------------------------------------------------------- Friday's break, and Ramadan's, to the minute

FRIDAYS = {
    **dict.fromkeys(but(SUNDAY, "SBH", "LBN", "SWK").split(), (("12:15", "14:45"), ("12:30", "14:30"))),
    **dict.fromkeys(("SBH", "LBN"), (("11:30", "14:00"), ("11:45", "13:45"))),
    "SWK": (("11:45", "14:15"), ("12:00", "14:00")),
}


def regime(state: str, pattern: str, moment: str) -> Regime:
    zone = ZoneInfo(shipped().states[state].timezone)
    return (
        shipped()
        .hours(Office("hq", state, str(zone), pattern=pattern), datetime.fromisoformat(moment).replace(tzinfo=zone))
        .regime
    )


@pytest.mark.parametrize("state", FRIDAYS)
@pytest.mark.parametrize(
    ("day", "pattern", "ramadan"),
    [
        ("2026-11-27", "fixed", False),
        ("2026-03-06", "fixed", False),  # in Ramadan, for those who do not use its hours
        ("2025-03-07", "fixed-ramadan", True),
        ("2026-03-06", "fixed-ramadan", True),
        ("2027-02-19", "fixed-ramadan", True),  # as estimated
        ("2027-03-19", "fixed-ramadan", False),  # after it
    ],
)
def test_fridays_break_to_the_minute(state: str, day: str, pattern: str, ramadan: bool) -> None:
    for edge, before, after in zip(
        FRIDAYS[state][ramadan],
        (Regime.OFFICE_HOURS, Regime.BREAK),
        (Regime.BREAK, Regime.OFFICE_HOURS),
        strict=True,
    ):
        hour, minute = (int(part) for part in edge.split(":"))
        earlier, later = hour * 60 + minute - 1, hour * 60 + minute + 1
        assert regime(state, pattern, f"{day}T{earlier // 60:02}:{earlier % 60:02}:59.999999") is before
        assert regime(state, pattern, f"{day}T{edge}") is after
        assert regime(state, pattern, f"{day}T{later // 60:02}:{later % 60:02}") is after


@pytest.mark.parametrize(
    ("day", "runs"),
    [
        ("2025-03-03", True),
        ("2025-03-28", True),
        ("2025-04-02", False),
        ("2026-02-16", False),
        ("2026-02-19", True),
        ("2026-03-19", True),
        ("2026-03-24", False),
        ("2027-02-05", False),
        ("2027-02-09", True),
        ("2027-03-09", True),
        ("2027-03-15", False),
    ],
)
@pytest.mark.parametrize("state", ["PJY", "SGR", "SBH", "SWK", "LBN"])
def test_ramadan_runs_from_its_first_working_day_to_its_last(state: str, day: str, runs: bool) -> None:
    expected = (Regime.OUTSIDE_HOURS, Regime.OFFICE_HOURS)[not runs]
    assert regime(state, "envelope-ramadan", f"{day}T17:29") is Regime.OFFICE_HOURS
    assert regime(state, "envelope-ramadan", f"{day}T17:30") is expected
    assert regime(state, "envelope", f"{day}T17:30") is Regime.OFFICE_HOURS
