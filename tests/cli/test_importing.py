"""`gerbang calendar import`: what iCal and CSV files give, what changes, and what hostile ones do not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli_builders import an_office
from gerbang.cli import configuration
from gerbang.cli.ical import DEEPEST_COMPONENT, ICAL_LIMIT, MOST_EVENTS, MOST_TIMES, read_events
from gerbang.cli.main import _run
from gerbang.cli.output import guarded
from gerbang.errors import DocumentError
from gerbang.living import LivingWorld
from waiting import until

LEAVE = "UID:1\nSUMMARY:Cuti\nDTSTART;VALUE=DATE:20260406\nDTEND;VALUE=DATE:20260408"


def ical(*events: str) -> str:
    inner = "".join(f"BEGIN:VEVENT\n{one}\nEND:VEVENT\n" for one in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{inner}END:VCALENDAR\n"


def events(folder: Path, text: str) -> list[tuple[str, str]]:
    file = folder / "a.ics"
    file.write_text(text)
    return [(one.start.isoformat(), one.end.isoformat()) for one in read_events(file)]


def test_events(tmp_path: Path) -> None:
    weekly = "UID:2\nDTSTART;TZID=Europe/London:20261018T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3"
    assert events(tmp_path, ical(LEAVE, "UID:3\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260410")) == [
        ("2026-04-06", "2026-04-08")
    ]
    assert events(tmp_path, ical(f"{weekly}\nEXDATE;TZID=Europe/London:20261025T100000")) == [
        ("2026-10-18T10:00:00+01:00", "2026-10-18T11:00:00+01:00"),
        ("2026-11-01T10:00:00+00:00", "2026-11-01T11:00:00+00:00"),  # ten o'clock stays ten o'clock
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("junk", "is no iCal file"),
        ("\x1b[2Jjunk", "is no iCal file: [^\x1b]*$"),
        (ical(LEAVE.replace("20260406", "20269906")), "`Cuti` has a date or a time that is none; put it right"),
        (ical("UID:1\nDTSTART;VALUE=DATE:20260406\nDTEND;VALUE=DATE:20260406"), "ends when it begins"),
        (ical(f"{LEAVE}\nRRULE:FREQ=SECONDLY"), "recurs by a rule that is not understood"),
        (ical(f"{LEAVE}\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "recurs by a rule that is not understood"),
        (ical(f"{LEAVE}\nRRULE:FREQ=DAILY"), f"comes more than {MOST_TIMES} times"),
        (ical(*[LEAVE] * (MOST_EVENTS + 1)), "has more than 2,000 events"),
        ("BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\n" * DEEPEST_COMPONENT, "is nested deeper than 8"),
        ("X" * (ICAL_LIMIT + 1), "is larger than 4 MiB"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_taken_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DocumentError, match=told):
        events(tmp_path, text)


def test_as_much_as_may_be_is_taken(tmp_path: Path) -> None:
    assert len(events(tmp_path, ical(*[LEAVE] * MOST_EVENTS))) == MOST_EVENTS
    assert len(events(tmp_path, ical(f"{LEAVE}\nRRULE:FREQ=DAILY;COUNT={MOST_TIMES}"))) == MOST_TIMES


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    an_office(tmp_path)
    (tmp_path / "a.ics").write_text(ical(LEAVE))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    configuration.choose(None)
    return guarded(lambda: _run(["calendar", "import", *words]))


def test_leave_is_added_once(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("a.ics", "--officer", "aminah", "--kind", "leave", "--reference", "C 1", "--yes")
    file = office / "state" / "registers" / "own-days.csv"
    assert run(*words) == 0
    assert "1 added" in capsys.readouterr().out
    assert "aminah,leave,2026-04-06,2026-04-07,C 1," in file.read_text()
    before = file.read_bytes()
    assert run(*words) == 0
    assert "0 new, 1 there already" in capsys.readouterr().out
    assert file.read_bytes() == before


def test_clock_ins_from_csv(office: Path) -> None:
    (office / "in.csv").write_text("officer,kind,from\naminah,clock-in,2026-04-06T08:07\n")
    assert run("in.csv", "--yes") == 0
    assert "aminah,clock-in,2026-04-06T08:07" in (office / "state" / "registers" / "own-days.csv").read_text()


def test_an_errand_of_more_than_half_of_its_day_is_refused(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = office / "gerbang.toml"
    file.write_text(file.read_text().replace('["rules"]', '["bundled", "rules"]'))
    for calendar in (office / "rules" / "calendars").glob("*.yaml"):
        calendar.unlink()
    (office / "rules" / "calendars").mkdir(exist_ok=True)
    half = '{date: 2026-12-03, offices: [hq], kind: add, between: "12:30-24:00", ms: a, en: Half-day, source: notice}'
    (office / "rules" / "calendars" / "ours.yaml").write_text(f"calendar: ours\noverrides:\n  - {half}\n")
    officers = office / "state" / "registers" / "officers.csv"
    officers.parent.mkdir(parents=True, exist_ok=True)
    officers.write_text("id,name,office\naminah,Aminah,hq\n")
    errand = "officer,kind,from,until,reference,by\naminah,errand,2026-12-03T08:00,2026-12-03T1%d:00,U 1,devi\n"
    (office / "u.csv").write_text(errand % 1)
    assert run("u.csv", "--yes") == 2
    assert "an errand on 2026-12-03 takes more than half of the " in capsys.readouterr().err
    assert not (office / "state" / "registers" / "own-days.csv").exists()
    (office / "u.csv").write_text(errand % 0)
    assert run("u.csv", "--yes") == 0


def test_days_off_of_a_state(office: Path) -> None:
    assert run("a.ics", "--state", "PJY", "--into", "rules", "--yes") == 0
    made = (office / "rules" / "calendars" / "imported-a.yaml").read_text()
    assert '"date": "2026-04-06"' in made
    assert '"date": "2026-04-07"' in made
    assert "2026-04-08" not in made


@pytest.mark.parametrize("where", [("--state", "PJY"), ("--office", "hq")])
def test_days_off_are_taken_by_a_gate_at_work(office: Path, where: tuple[str, str]) -> None:
    file = office / "gerbang.toml"
    file.write_text(file.read_text().replace('["rules"]', '["bundled", "rules"]'))
    for calendar in (office / "rules" / "calendars").glob("*.yaml"):
        calendar.unlink()
    configuration.choose(None)
    living = LivingWorld(configuration.settings())

    def regime() -> str:
        return living.world.calendar.hours(living.world.offices["hq"], datetime(2026, 4, 6, 2, tzinfo=UTC)).regime

    assert regime() == "office-hours"
    living.start()
    try:
        assert run("a.ics", *where, "--into", "rules", "--yes") == 0
        until(lambda: regime() == "rest-day")
    finally:
        living.close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("a.ics",), "say whose days these are"),
        (("gone.ics", "--officer", "a", "--kind", "leave"), "cannot be read"),
        (("a.ics", "--officer", "a", "--kind", "holiday"), "`--kind` cannot be `holiday`"),
        (("a.ics", "--officer", "a", "--kind", "errand"), "an errand has dates alone"),
        (("a.ics", "--state", "XXX", "--into", "rules"), "unknown state `XXX`"),
        (("a.ics", "--state", "PJY"), "a policies folder of your own"),
        (("a.ics", "--state", "PJY", "--into", "elsewhere"), "`elsewhere` is no folder that `policies` names"),
        (("a.ics", "--office", "moon", "--into", "rules"), "unknown office `moon`"),
        (("gone.csv",), "there is no file"),
    ],
)
def test_wrong_input_is_told(
    office: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert run(*words) == 2
    assert told in capsys.readouterr().err
    assert not (office / "state" / "registers" / "own-days.csv").exists()
