"""`gerbang calendar show --officer`: a month, a day and a moment of one officer, and what is told of wrong input."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli_builders import an_office
from gerbang.cli import calendar as command
from gerbang.cli import configuration
from gerbang.cli.main import _run
from gerbang.cli.output import guarded


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    an_office(tmp_path)
    registers = tmp_path / "state" / "registers"
    registers.mkdir(parents=True, exist_ok=True)
    (registers / "officers.csv").write_text("id,name,office\naminah,Aminah,hq\n")
    (registers / "own-days.csv").write_text(
        "officer,kind,from,until,reference,by\n"
        "aminah,leave,2026-03-02,2026-03-03,C 1/2026,devi\n"
        "aminah,errand,2026-03-05T10:00,2026-03-05T12:00,U 1/2026,devi\n"
    )
    calendars = tmp_path / "rules" / "calendars" / "ours.yaml"
    calendars.write_text(calendars.read_text() + "complete_for: [{year: 2026, states: [PJY]}]\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    configuration.choose(None)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    configuration.choose(None)
    status = guarded(lambda: _run(["calendar", "show", *words]))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.usefixtures("office")
def test_a_month_is_drawn_in_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = StringIO()
    monkeypatch.setattr(command, "console", Console(file=drawn, force_terminal=True, width=80, no_color=True))
    assert _run(["calendar", "show", "--officer", "aminah", "--month", "2026-03"]) == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", drawn.getvalue()).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "leave" in drawn.getvalue()
    assert " 2 *" in drawn.getvalue()
    assert " 4 *" not in drawn.getvalue()
    assert "0800-1700" in drawn.getvalue()
    assert any("the officer's own day" in line for line in lines)


@pytest.mark.usefixtures("office")
def test_a_day_and_a_moment(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--officer", "aminah", "--day", "2026-03-05", "--json")
    assert status == 0
    (day,) = json.loads(out)
    assert [(one["from"][11:16], one["regime"], one["fact"]) for one in day["stretches"]] == [
        ("00:00", "outside-hours", "after-hours"),
        ("08:00", "office-hours", "working-hours"),
        ("10:00", "outside-hours", "errand"),
        ("12:00", "office-hours", "working-hours"),
        ("17:00", "outside-hours", "after-hours"),
    ]
    status, out, _ = run(capsys, "--officer", "aminah", "--at", "2026-03-05T11:59")
    assert (status, out.strip()) == (
        0,
        "2026-03-05 11:59: outside office hours (errand with permission, 10:00 to 12:00; reference U 1/2026); "
        "changes 2026-03-05 12:00",
    )


@pytest.mark.usefixtures("office")
def test_piped_it_is_a_plain_table(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--officer", "aminah", "--month", "2026-03")
    assert status == 0
    assert "2026-03-02 Mon *" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--officer", "amina", "--month", "2026-03"), "unknown officer `amina`; did you mean `aminah`?"),
        (("--officer", "aminah", "--month", "2026-13"), "`2026-13` is no month"),
        (("--officer", "aminah", "--day", "2026-02-30"), "`2026-02-30` is no date"),
        (("--officer", "aminah", "--at", "2026-03-05"), "`2026-03-05` is no time at the office"),
        (("--officer", "aminah", "--at", "2026-03-05T10:00Z"), "is no time at the office"),
        (("--officer", "aminah"), "say when"),
        (("--officer", "aminah", "--month", "2026-03", "--day", "2026-03-05"), "say when"),
        (("--officer", "aminah", "--month", "2026-03", "--office", "elsewhere"), "unknown office `elsewhere`"),
        (("--officer", "aminah", "--month", "2026-03", "--pattern", "nights"), "unknown pattern `nights`"),
    ],
)
@pytest.mark.usefixtures("office")
def test_wrong_input_is_told(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str) -> None:
    status, _, err = run(capsys, *words)
    assert status == 2
    assert told in err


def test_a_register_that_is_wrong_is_told_with_its_line(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = office / "state" / "registers" / "own-days.csv"
    file.write_text("officer,kind,from\naminah,holiday,2026-03-02\n")
    status, _, err = run(capsys, "--officer", "aminah", "--month", "2026-03")
    assert status == 2
    assert "own-days.csv:2: `kind` cannot be `holiday`" in err
