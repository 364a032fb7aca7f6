"""`gerbang policy replay` over a journal, as an admin runs it before a policy is put into force."""

import csv
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli_builders import an_office
from gerbang.cli.configuration import choose
from gerbang.cli.main import app
from gerbang.journal.reader import read, slots
from gerbang.journal.sidecar import erase
from gerbang.policy.document import compile_policy, parse_policy
from policy_builders import a_policy_text, a_rule
from record_builders import write_journal

HOURS = a_rule("hours", when={"activity": "publishing", "regime": "office-hours"}, effect="block")
LUNCH = a_rule("lunch", when={"activity": "publishing", "regime": "break"}, effect="coach")
COUNT = int(os.environ.get("REPLAYED_DECISIONS", "2000"))
"""100000 for the whole promise: under a minute, in memory that does not grow with the journal."""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Path]:
    an_office(tmp_path)
    (tmp_path / "now.yaml").write_text(a_policy_text(HOURS))
    (tmp_path / "new.yaml").write_text(a_policy_text(LUNCH))
    policy = compile_policy([parse_policy(a_policy_text(HOURS), "now.yaml")])
    write_journal(tmp_path / "state" / "journal", policy, COUNT)
    yield tmp_path
    choose(None)


def run(office: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", "replay", *words])
    return done.exit_code, done.stdout


def replayed(office: Path, *words: str) -> dict[str, Any]:
    status, output = run(office, *words, "--since", "2026-11-01", "--until", "2027-06-01", "--json")
    assert status == 0, output
    told: dict[str, Any] = json.loads(output)
    return told


def test_the_policy_in_force_then_changes_nothing(office: Path) -> None:
    told = replayed(office, str(office / "now.yaml"))
    assert (told["decisions"], told["same"], told["flipped"], told["cannot_be_told"]) == (COUNT, COUNT, 0, {})


def test_every_flip_is_counted_and_written(office: Path) -> None:
    began = time.monotonic()
    told = replayed(office, str(office / "new.yaml"), "--csv", str(office / "flips.csv"))
    took, memory = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{COUNT} decisions in {took:.1f} s, at most {memory} MiB")
    assert told["same"] + told["flipped"] == told["decisions"] == COUNT
    pairs = {(one["before"], one["after"]) for one in told["changes"]}
    assert pairs == {("block", "allow"), ("allow", "coach")}
    with (office / "flips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == told["flipped"] == sum(one["decisions"] for one in told["flips"])
    assert {row["rules"] for row in rows} == {"trial/hours", "trial/lunch"}
    assert "Pegawai" not in (office / "flips.csv").read_text()


def test_the_table_names_no_officer(office: Path) -> None:
    status, output = run(office, str(office / "new.yaml"), "--since", "2026-11-01", "--until", "2027-06-01")
    assert status == 0, output
    assert "block -> allow" in output
    assert "█" in output
    assert "Pegawai" not in output
    assert "P-1" not in output


def test_what_was_erased_is_counted_and_not_guessed(office: Path) -> None:
    folder = office / "state" / "journal"
    events = [line.link.id for line in read(folder) if line.link.kind == "decision"][:50]
    assert erase(slots(folder)[0], events) == 50
    by_group = a_rule("group", when={"activity": ["publishing", "view", "react"], "group": "official-social-media"})
    (office / "group.yaml").write_text(a_policy_text(by_group))
    told = replayed(office, str(office / "group.yaml"))
    assert 0 < told["cannot_be_told"]["the private part was erased (group)"] <= 50
    assert told["same"] + told["flipped"] + sum(told["cannot_be_told"].values()) == COUNT


def test_a_damaged_line_is_counted(office: Path) -> None:
    file = min((office / "state" / "journal").glob("*/2*.jsonl"))
    raw = file.read_bytes().split(b"\n")
    raw[9] = raw[9].replace(b'"platform":"x"', b'"platform":"y"')
    file.write_bytes(b"\n".join(raw))
    assert replayed(office, str(office / "now.yaml"))["cannot_be_told"] == {"this version cannot read the line": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "--since", "2026-11-01"), "there is no policy `nowhere`"),
        (("deadbeef", "--since", "2026-11-01"), "there is no policy `deadbeef`"),
        (("active", "--since", "2026-11-01"), "no policy came into force yet"),
        (("{office}/new.yaml", "--since", "yesterday"), "`yesterday` is no time for `--since`"),
        (("{office}/new.yaml", "--since", "2026-11-02", "--until", "2026-11-01"), "the period of the replay is empty"),
        (("{office}/new.yaml", "--since", "2026-11-02", "--csv", "{office}/no/file.csv"), "the file cannot be written"),
    ],
)
def test_a_slip_is_told_in_a_sentence(office: Path, words: tuple[str, ...], said: str) -> None:
    given = [word.format(office=office) for word in words]
    outcome = CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", "replay", *given])
    assert outcome.exit_code != 0
    assert said in str(outcome.exception)


def test_small_units_are_told_together_unless_they_are_asked_for(tmp_path: Path) -> None:
    an_office(tmp_path)
    (tmp_path / "new.yaml").write_text(a_policy_text(a_rule("all", when={"activity": ["publishing", "view", "react"]})))
    policy = compile_policy([parse_policy(a_policy_text(HOURS), "now.yaml")])
    write_journal(tmp_path / "state" / "journal", policy, 40, officers=6)  # one or two officers in each of five units
    try:
        folded = replayed(tmp_path, str(tmp_path / "new.yaml"))
        named = replayed(tmp_path, str(tmp_path / "new.yaml"), "--small-units")
    finally:
        choose(None)
    assert {one["unit"] for one in folded["flips"]} <= {"others (small units)", "not known"}
    assert {"Komunikasi", "Kewangan"} <= {one["unit"] for one in named["flips"]}
    assert sum(one["decisions"] for one in folded["flips"]) == sum(one["decisions"] for one in named["flips"])


def test_vocabularies_that_are_not_todays_are_told(office: Path) -> None:
    party = a_rule("party", when={"activity": "publishing", "finding": {"category": "political"}})
    (office / "party.yaml").write_text(a_policy_text(party))
    (one,) = replayed(office, str(office / "party.yaml"))["judged_by_other_vocabularies"]
    assert (one["category"], one["checks"]) == ("political", ["party-names", "trial"])
    assert 0 < one["decisions"] <= COUNT
    status, output = run(office, str(office / "party.yaml"), "--since", "2026-11-01", "--until", "2027-06-01")
    assert status == 0
    assert f"findings as they were then: {one['decisions']} decisions" in output
    assert replayed(office, str(office / "new.yaml"))["judged_by_other_vocabularies"] == []


def test_without_a_terminal_it_says_now_and_then_how_far_it_is(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.cli.policy.replaying._BETWEEN_LINES", 0.0)
    words = ["policy", "replay", str(office / "new.yaml"), "--since", "2026-11-01", "--json"]
    done = CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), *words])
    assert "reading the journal: " in done.stderr
    assert "\x1b" not in done.stderr
    assert json.loads(done.stdout)["decisions"] == COUNT
