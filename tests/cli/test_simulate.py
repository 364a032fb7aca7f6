"""`gerbang policy simulate`, as an admin runs it before a policy is put into force."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli_builders import an_office
from gerbang.cli.configuration import choose
from gerbang.cli.main import app
from gerbang.policy.document import compile_policy, parse_policy
from policy_builders import a_policy_text, a_rule
from record_builders import write_journal

NOW = a_rule("hours", when={"activity": "publishing", "regime": "office-hours", "account": ["personal", "unknown"]})
NEW = NOW | {"effect": "coach"}
COMPLETE = """\
complete_for:
  - {year: 2026, states: [PJY]}
"""
PERIOD = ("--from", "2026-12-01", "--to", "2026-12-31")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Path]:
    an_office(tmp_path)
    (tmp_path / "rules/trial/policy.yaml").write_text(a_policy_text(NOW))
    (tmp_path / "rules/trial/policy.cases.yaml").unlink()
    calendar = tmp_path / "rules/calendars/ours.yaml"
    calendar.write_text(f"{calendar.read_text()}{COMPLETE}")
    (tmp_path / "new.yaml").write_text(a_policy_text(NEW))
    yield tmp_path
    choose(None)


def run(office: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", "simulate", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_an_admin_reads_who_when_what_and_by_which_rule(office: Path) -> None:
    status, output = run(office, str(office / "new.yaml"), *PERIOD)
    assert status == 0
    assert "publishing by a personal account: block -> coach (trial/hours)" in output
    assert "office hq, office hours (" in output
    assert "█" in output
    assert "no decision of this period is in the journal" in output


def test_no_change_is_said_plainly(office: Path) -> None:
    status, output = run(office, str(office / "rules" / "trial" / "policy.yaml"), *PERIOD)
    assert status == 0
    assert "no act would be treated otherwise" in output
    assert "->" not in output


def test_a_program_gets_all_of_it_and_the_decisions_of_the_period(office: Path) -> None:
    policy = compile_policy([parse_policy(a_policy_text(NOW), "now.yaml")])
    write_journal(office / "state" / "journal", policy, 300)
    status, output = run(office, str(office / "new.yaml"), "--from", "2026-11-01", "--to", "2026-12-31", "--json")
    assert status == 0
    told = json.loads(output)
    (change,) = told["changes"]
    assert (change["before"], change["after"], change["rules"]) == ("block", "coach", ["trial/hours"])
    assert change["accounts"] == ["personal", "unknown"]
    assert change["regimes"] == ["office-hours"]
    assert change["offices"][0]["hours"] == told["hours"][0]["hours"] > 100
    assert told["recorded"]["decisions"] == 300
    assert {(one["before"], one["after"]) for one in told["recorded"]["changes"]} == {("block", "coach")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", *PERIOD), "there is no policy `nowhere`"),
        (("{office}/new.yaml", "--from", "soon", "--to", "2026-12-31"), "`soon` is no day for `--from`"),
        (("{office}/new.yaml", "--from", "2026-12-01", "--to", "2026-13-01"), "`2026-13-01` is no day for `--to`"),
        (("{office}/new.yaml", "--from", "2026-12-02", "--to", "2026-12-01"), "the period is empty"),
        (("{office}/new.yaml", "--from", "2026-12-01", "--to", "2029-12-06"), "more than 1100 days"),
        (("{office}/new.yaml", *PERIOD, "--office", "hk"), "unknown office `hk`"),
    ],
)
def test_a_slip_is_told_in_a_sentence(office: Path, words: tuple[str, ...], said: str) -> None:
    given = [word.format(office=office) for word in words]
    done = CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", "simulate", *given])
    assert done.exit_code != 0
    assert said in str(done.exception)


def test_hours_that_the_calendar_does_not_know_are_told(office: Path) -> None:
    status, output = run(office, str(office / "new.yaml"), "--from", "2027-01-01", "--to", "2027-01-31")
    assert status == 0
    assert "no act would be treated otherwise in this period, though rules differ: trial/hours" in output
    assert "the calendar does not know 189 h at office hq" in output
