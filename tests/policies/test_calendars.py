"""The shipped calendars: a fresh build gives the same files, and every state has its days."""

import json
from calendar import isleap
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from typer.testing import CliRunner

from gerbang.bundled import bundled
from gerbang.cli import configuration
from gerbang.cli.calendar import app
from gerbang.errors import GerbangError
from gerbang.loading import each, sources
from gerbang.model import Office, Regime
from gerbang.policy.calendar import Calendar, compile_calendar, parse_calendar
from gerbang.policy.calendar_build import SUBDIVISIONS, holiday_file, listed_holidays
from gerbang.policy.calendar_cases import CaseResult, parse_calendar_cases, run_calendar_cases
from gerbang.policy.calendar_document import Change, Service, Status

FOLDER = bundled("policies/calendars")
YEARS = (2025, 2026, 2027)
MADE_ON = date(2026, 11, 24)

# The weekly days off as the domain's own table has them, for the years that are shipped.
FRIDAY_STATES = {"KDH", "KTN", "TRG"}


@cache
def shipped() -> Calendar:
    return compile_calendar(each(sources((bundled("policies"),), "calendars"), parse_calendar))


def days(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=number) for number in range(366 if isleap(year) else 365)]


@pytest.mark.parametrize("year", YEARS)
def test_a_fresh_build_gives_the_shipped_file(year: int) -> None:
    """A new version of the library shows here as a difference to review; it rewrites no history by itself."""
    file = FOLDER / f"holidays-{year}.yaml"
    assert holiday_file(year, MADE_ON) == file.read_text("utf-8")


@pytest.mark.parametrize("year", [2024, 2030, 2077])
def test_a_build_is_the_same_twice_and_can_be_taken(year: int) -> None:
    text = holiday_file(year, MADE_ON)
    assert text == holiday_file(year, MADE_ON)
    document = parse_calendar(text, f"holidays-{year}.yaml")
    assert {one.year for one in document.content.complete_for} == {year}
    assert len(document.content.holidays) > 40


@pytest.mark.parametrize("state", SUBDIVISIONS)
@pytest.mark.parametrize("year", YEARS)
def test_every_day_of_every_state_is_at_work_or_off_as_listed(state: str, year: int) -> None:
    """Against the library's own lists, the domain's weekly days off, and the confirmed overrides; 10:30 each day."""
    listed = holidays.country_holidays("MY", subdiv=SUBDIVISIONS[state], years=year)
    added = {
        one.day
        for one in shipped().overrides
        if one.status is Status.CONFIRMED and state in one.states and (not one.scope or Service.FEDERAL in one.scope)
    }
    weekend = {4, 5} if state in FRIDAY_STATES else {5, 6}
    office = Office("hq", state, shipped().states[state].timezone)
    for day in days(year):
        found = shipped().hours(office, datetime.combine(day, time(10, 30), ZoneInfo(office.timezone)))
        off = day.weekday() in weekend or day in listed or day in added
        assert found.regime is (Regime.REST_DAY if off else Regime.OFFICE_HOURS), day


def test_confirmed_overrides_only_add_and_doubtful_ones_change_nothing() -> None:
    confirmed = [one for one in shipped().overrides if one.status is Status.CONFIRMED]
    doubtful = [one for one in shipped().overrides if one.status is Status.DOUBTFUL]
    assert {one.change for one in confirmed} == {Change.ADD}
    assert len(doubtful) == 9
    for one in doubtful:
        if one.change is Change.ADD:
            names = [off.ms for state in one.states for off in shipped().holidays(state, one.day)]
            assert one.ms not in names


def test_every_override_says_where_it_is_from() -> None:
    assert all(one.source for one in shipped().overrides)
    assert all(one.authority for one in shipped().overrides if one.status is Status.CONFIRMED)


def test_a_day_for_the_state_service_is_none_for_federal_offices() -> None:
    """6 January 2025 was given to Johor's own civil servants."""
    moment = datetime(2025, 1, 6, 10, tzinfo=ZoneInfo("Asia/Kuala_Lumpur"))
    assert shipped().hours(Office("hq", "JHR"), moment).regime is Regime.OFFICE_HOURS
    assert shipped().hours(Office("hq", "JHR", legal_regime="state"), moment).regime is Regime.REST_DAY
    assert shipped().hours(Office("hq", "JHR", legal_regime="something-else"), moment).regime is Regime.OFFICE_HOURS


def test_days_that_hang_on_the_moon_are_estimates_until_they_are_past() -> None:
    before = {(row.day, row.ms) for row in listed_holidays(2027, date(2027, 1, 1)) if row.estimated}
    after = {(row.day, row.ms) for row in listed_holidays(2027, date(2028, 1, 1)) if row.estimated}
    assert (date(2027, 3, 10), "Hari Raya Puasa") in before
    assert (date(2027, 10, 28), "Hari Deepavali") in before
    assert not any(name in {"Hari Kebangsaan", "Hari Krismas"} for _, name in before)
    assert after == set()


def test_the_librarys_own_estimates_are_marked_and_lose_their_mark_in_the_name() -> None:
    rows = listed_holidays(2030, date(2026, 11, 24))
    assert any(row.estimated and row.ms == "Tahun Baharu Cina" for row in rows)
    assert not any("anggaran" in row.ms or "estimated" in row.en for row in rows)


def test_a_year_beyond_the_library_is_an_error() -> None:
    for year in (1900, 2078):
        with pytest.raises(ValueError, match=str(year)):
            listed_holidays(year, MADE_ON)


CASES = parse_calendar_cases((FOLDER / "malaysia.cases.yaml").read_text("utf-8"), "malaysia.cases.yaml")


@pytest.mark.parametrize("result", run_calendar_cases(CASES, shipped()), ids=lambda result: result.name)
def test_the_shipped_case(result: CaseResult) -> None:
    assert result.failures == ()


# ---------------------------------------------------------------- the command


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_build_writes_the_file_and_says_what_it_cannot_know(tmp_path: Path) -> None:
    said = run("build", "--year", "2027", "--known-on", "2026-11-24", "--out", str(tmp_path))
    assert (tmp_path / "holidays-2027.yaml").read_text("utf-8") == (FOLDER / "holidays-2027.yaml").read_text("utf-8")
    assert "2027-03-10 Hari Raya Puasa" in said
    assert "cuti peristiwa" in said


def test_next_years_file_marks_what_the_library_does_not_and_can_be_taken(tmp_path: Path) -> None:
    said = run("build", "--year", "2028", "--known-on", "2026-11-24", "--out", str(tmp_path))
    assert "the dates of Ramadan: add a season to `profiles`" in said
    made = parse_calendar((tmp_path / "holidays-2028.yaml").read_text("utf-8"), "holidays-2028.yaml")
    marks = {(one.ms, one.estimated) for one in made.content.holidays}
    assert {("Hari Thaipusam", True), ("Hari Deepavali", True), ("Hari Raya Puasa", True)} <= marks
    assert ("Hari Kebangsaan", False) in marks
    documents = each(sources((bundled("policies"),), "calendars"), parse_calendar)
    calendar = compile_calendar([*documents, made])
    office = Office("hq", "PJY")
    found = calendar.hours(office, datetime(2028, 8, 31, 10, tzinfo=ZoneInfo("Asia/Kuala_Lumpur")))
    assert found.arguments["name"] == "Hari Kebangsaan"


def test_a_list_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "holidays-2028.yaml"
    file.write_text("looked through\n")
    with pytest.raises(GerbangError, match=r"holidays-2028.yaml: is already there; .* move it aside"):
        CliRunner().invoke(app, ["build", "--year", "2028", "--out", str(tmp_path)], catch_exceptions=False)
    assert file.read_text() == "looked through\n"
    with pytest.raises(GerbangError, match=r"not a directory"):
        CliRunner().invoke(app, ["build", "--year", "2028", "--out", str(file)], catch_exceptions=False)


def test_the_corrections_that_the_page_shows_hold_as_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "calendars.md").read_text("utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    documents = each(sources((bundled("policies"),), "calendars"), parse_calendar)
    calendar = compile_calendar([*documents, parse_calendar(example, "ours.yaml")])
    zone = ZoneInfo("Asia/Kuala_Lumpur")

    def regime(state: str, *moment: int) -> Regime:
        return calendar.hours(Office("hq", state, pattern="fixed"), datetime(*moment, tzinfo=zone)).regime  # type: ignore[arg-type,misc]

    assert [one.ms for one in calendar.holidays("KDH", date(2027, 1, 22))] == ["Cuti peristiwa Thaipusam"]
    assert regime("PJY", 2027, 3, 9, 12, 29) is Regime.OFFICE_HOURS
    assert regime("PJY", 2027, 3, 9, 12, 30) is Regime.REST_DAY
    assert regime("PJY", 2027, 3, 9, 16, 59) is Regime.REST_DAY
    assert regime("PLS", 2027, 3, 11, 10) is Regime.OFFICE_HOURS
    assert regime("PLS", 2027, 3, 12, 10) is Regime.REST_DAY


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("build", "--year", "2400"), "no holidays are known for 2400; give a year from 1964 to 2077"),
        (("build", "--year", "2027", "--known-on", "semalam"), "`semalam` is no date; write it as `2026-11-24`"),
        (
            ("build", "--year", "2027", "--out", "/not/there"),
            "/not/there/holidays-2027.yaml: no such file or",
        ),
        (("show", "--month", "2026-13", "--state", "PJY"), "`2026-13` is no month"),
        (("show", "--month", "2026-03", "--state", "JH"), "unknown state `JH`; did you mean `JHR`?"),
        (("show", "--month", "2026-03", "--state", "PJY", "--pattern", "fleksi"), "unknown pattern `fleksi`; did you"),
        (("show", "--month", "2026-03"), "say which office; give either `--office NAME` or `--state CODE`"),
        (("show", "--month", "2026-03", "--office", "hq"), "unknown office `hq`"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GerbangError) as caught:
        CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert sentence in str(caught.value)


def test_without_an_office_the_first_of_the_settings_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gerbang.toml").write_text('[[offices]]\nname = "cawangan"\nstate = "KTN"\n')
    configuration.choose(None)
    shown = CliRunner().invoke(app, ["show", "--month", "2026-03"], catch_exceptions=False)
    assert shown.output.startswith("cawangan, flexi")


def test_show_prints_a_month_and_what_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("show", "--month", "2027-06", "--state", "JHR")
    assert "2027-06-07 Mon" in said
    assert "in doubt, not applied: 2027-06-08 add Cuti Awal Muharam" in said


def test_the_cases_can_be_tried_on_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped ones hold; an office's own day off that breaks one is shown with the case that it breaks."""
    monkeypatch.chdir(tmp_path)
    assert "cases, 0 failed" in run("test")
    own = tmp_path / "policies" / "calendars"
    own.mkdir(parents=True)
    (own / "own.yaml").write_text(
        "calendar: own\noverrides:\n"
        "  - {date: 2026-11-24, states: [KUL], kind: add, ms: Cuti, en: Day off, source: notis}\n",
        encoding="utf-8",
    )
    (tmp_path / "gerbang.toml").write_text(f'policies = ["bundled", "{own.parent}"]\n', encoding="utf-8")
    configuration.choose(tmp_path / "gerbang.toml")
    result = CliRunner().invoke(app, ["test", "--json"])
    assert result.exit_code == 1
    said = json.loads(result.output)
    assert [one["case"] for one in said["failed"]] == [
        "an ordinary Tuesday morning",
        "lunch is not working time",
        "the night",
    ]
    assert said["failed"][1]["why"] == "the regime is `rest-day`, not `break`; the fact is `holiday`, not `rest-break`"


@pytest.fixture(autouse=True)
def _no_settings() -> Iterator[None]:
    configuration.choose(None)
    yield
    configuration.choose(None)


def test_show_as_json_has_each_stretch_with_its_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (day,) = json.loads(run("show", "--month", "2026-08-31", "--state", "PJY", "--json"))
    (stretch,) = day["stretches"]
    assert (stretch["regime"], stretch["fact"], stretch["arguments"]["name"]) == (
        "rest-day",
        "holiday",
        "Hari Kebangsaan",
    )
