"""`gerbang approvals queue` and `gerbang notice`, as an approver and an admin type them on a terminal of 80 columns."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from builders import AMINAH, a_decision, a_match, an_activity
from cli_builders import NUMBERS, PASSWORD, an_office, database
from gerbang.approving import Queue
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.console.users import Users
from gerbang.errors import GerbangError
from gerbang.gate.asking import a_request
from gerbang.gate.shown import words_shown
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.model import Effect
from gerbang.record.event import acknowledged_event, asked_event, decision_event
from gerbang.store import Forwarder, open_store
from journal_builders import KEYS, entries

NOTE = "Ketua Jabatan telah membaca draf ini"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office with an approver, and a request of an officer that waits."""
    monkeypatch.setenv("COLUMNS", "80")
    an_office(tmp_path)
    database(tmp_path)
    users = Users(tmp_path / "state/console/users.json", rounds=4)
    for name, role in (("siti", "approver"), ("farid", "approver"), ("nora", "auditor")):
        users.add(name, role, PASSWORD, datetime.now(UTC))
    users.add("bos", "approver", PASSWORD, datetime.now(UTC), AMINAH.id)
    opened = Journal(tmp_path / "state/journal", "gate", 0, seal_key=load_keys(tmp_path / "state/keys").seal)
    moment = datetime.now(UTC)
    match = a_match("trial/posts", Effect.APPROVE, approvers=("siti", "bos"))
    waiting = a_decision(Effect.APPROVE, number=NUMBERS[1], matches=(match,), activity=an_activity("Kaunter dibuka"))
    opened.append(decision_event(waiting, "held", [], KEYS)).result(10)
    asked = a_request(waiting, moment, 3 * 86400, 3600)
    event = asked_event(waiting, asked.approvers, NOTE, words_shown(waiting), asked.expires, moment, KEYS)
    Queue(tmp_path / "state/feeds").ask(asked, lambda: opened.append(event).result(10))
    opened.append(acknowledged_event("2026-01", "a" * 64, AMINAH, "10.0.0.9", moment, KEYS)).result(10)
    opened.close()
    return tmp_path


def run(folder: Path, *arguments: str, typed: str = PASSWORD) -> Result:
    store = open_store(f"sqlite:///{folder / 'state/gerbang.db'}")
    Forwarder(folder / "state/journal", store).once()
    store.close()
    configuration.choose(None)
    return CliRunner().invoke(app, ["--config", str(folder / "gerbang.toml"), *arguments], input=f"{typed}\n")


def queue(folder: Path, *arguments: str, user: str = "siti", typed: str = PASSWORD) -> Result:
    return run(folder, "approvals", "queue", *arguments, "--user", user, "--password-stdin", typed=typed)


def test_what_waits_is_listed_within_80_columns_with_numbers_whole(folder: Path) -> None:
    listed = queue(folder, "list")
    assert listed.exit_code == 0, listed.output
    assert NUMBERS[1] in listed.output
    assert "asked" in listed.output
    assert max(len(line) for line in listed.output.splitlines()) <= 80
    assert "times in Asia/Kuala_Lumpur" in listed.output
    assert queue(folder, "list", user="bos").output == "no request waits for this approver\n"  # her own
    assert queue(folder, "list", user="farid").output == "no request waits for this approver\n"  # the rule names others
    looks = [line["body"]["page"] for line in entries(folder / "state/journal", "looked")]
    assert looks == ["requests"] * 3


def test_a_request_is_shown_with_who_why_and_the_words(folder: Path) -> None:
    told = queue(folder, "show", NUMBERS[1]).output
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[0] == f"Request {NUMBERS[1]}: asked"
    for line in (f"note {NOTE}", "words Kaunter dibuka", "act post on x"):
        assert line in lines
    assert any(line.startswith("by trial/posts") for line in lines)
    assert "answered" not in told
    assert json.loads(queue(folder, "show", NUMBERS[1], "--json").output)["note"] == NOTE


def test_a_grant_is_told_and_the_second_answer_refused(folder: Path) -> None:
    granted = queue(folder, "grant", NUMBERS[1], "--note", "Boleh dihantar")
    assert granted.output.startswith(f"{NUMBERS[1]} is granted, for one act with that content, until 2")
    assert refused(queue(folder, "refuse", NUMBERS[1], "--note", "Terlambat untuk ini")) == "granted already"
    assert queue(folder, "list").output == "no request waits for this approver\n"
    assert "granted" in queue(folder, "list", "--all").output
    told = queue(folder, "show", NUMBERS[1]).output
    assert "Boleh dihantar" in told
    assert "good until" in told
    whole = " ".join(run(folder, "audit", "show", NUMBERS[1]).output.split())
    assert "answered: " in whole
    assert "answer granted" in whole


@pytest.mark.parametrize(("what", "told"), [("refuse", "is refused"), ("ask-changes", "is sent back for changes")])
def test_other_answers_are_told_too(folder: Path, what: str, told: str) -> None:
    assert queue(folder, what, NUMBERS[1], "--note", "Buang nombor telefon").output == f"{NUMBERS[1]} {told}\n"
    assert Queue(folder / "state/feeds").all()[NUMBERS[1]].note == "Buang nombor telefon"


def refused(result: Result) -> str:
    assert isinstance(result.exception, GerbangError), result.output
    return next((words for words in SAID if words in str(result.exception)), str(result.exception))


SAID = (
    "granted already",
    "there is no account `ali`",
    "the name or the password is not right",
    "is no approver's",
    "is your own",
    "the rule lets others answer",
    "is no decision's number",
    "there is no request",
    "write a note of 8 letters or more",
    "write at most 1000",
    "there is no terminal to ask for a password on",
)


@pytest.mark.parametrize(
    ("arguments", "user", "typed", "said"),
    [
        (("list",), "ali", PASSWORD, SAID[1]),
        (("list",), "siti", "not this one at all", SAID[2]),
        (("list",), "siti", "", SAID[2]),
        (("list",), "nora", PASSWORD, SAID[3]),
        (("grant", NUMBERS[1]), "bos", PASSWORD, SAID[4]),
        (("grant", NUMBERS[1]), "farid", PASSWORD, SAID[5]),
        (("grant", "7K3M-9Q2X-4TBF"), "siti", PASSWORD, SAID[6]),
        (("grant", NUMBERS[0]), "siti", PASSWORD, SAID[7]),
        (("show", NUMBERS[0]), "siti", PASSWORD, SAID[7]),
        (("show", NUMBERS[1]), "farid", PASSWORD, SAID[7]),
        (("refuse", NUMBERS[1], "--note", "ya"), "siti", PASSWORD, SAID[8]),
        (("refuse", NUMBERS[1], "--note", "a" * 1001), "siti", PASSWORD, SAID[9]),
    ],
)
def test_what_will_not_do_is_said_and_answers_nothing(
    folder: Path, arguments: tuple[str, ...], user: str, typed: str, said: str
) -> None:
    assert refused(queue(folder, *arguments, user=user, typed=typed)) == said
    assert Queue(folder / "state/feeds").all()[NUMBERS[1]].answer is None
    assert entries(folder / "state/journal", "answered") == []


def test_without_a_terminal_the_password_is_not_waited_for(folder: Path) -> None:
    assert refused(run(folder, "approvals", "queue", "list", "--user", "siti")) == SAID[10]


def test_an_erasure_reaches_the_queue(folder: Path) -> None:
    queue(folder, "refuse", NUMBERS[1], "--note", "Buang nombor telefon")
    feed = folder / "state/feeds/approvals.jsonl"
    assert AMINAH.id in feed.read_text("utf-8")
    erased = run(folder, "audit", "erase", NUMBERS[1], "--reason", "perintah 7/2026")
    assert erased.exit_code == 0, erased.output
    assert "its request is gone from the approvers' queue" in erased.output
    for private in (AMINAH.id, "Buang nombor"):
        assert private not in feed.read_text("utf-8")
    rest = [file for file in (folder / "state").rglob("*") if file.is_file() and NOTE.encode() in file.read_bytes()]
    assert rest == []
    assert Queue(folder / "state/feeds").forget(NUMBERS[1]) is False


def test_the_notice_and_who_acknowledged_it(folder: Path) -> None:
    status = run(folder, "notice", "status").output
    assert "2026-01" in status
    assert "version not stated is in force: 0 acknowledged it, of 0 officers in the register" in status
    assert "Notis pemintasan" in run(folder, "notice", "show").output
    assert "Notice of interception" in run(folder, "notice", "show", "--language", "en").output


def test_a_rule_that_nobody_could_approve_is_noted(folder: Path) -> None:
    rules = folder / "rules/trial/policy.yaml"
    text = rules.read_text("utf-8").replace("effect: block\n    final: true", "effect: approve\n    approvers: [devi]")
    rules.write_text(text, "utf-8")
    told = " ".join(run(folder, "policy", "check").output.split())
    assert "note: rule `trial/posts` waits for an approver, and of `devi` none is an approver's account" in told
    assert "run `gerbang users add devi --role approver`" in told
    rules.write_text(text.replace("[devi]", "[siti]"), "utf-8")
    assert "waits for an approver" not in run(folder, "policy", "check").output
    rules.write_text(text.replace("\n    approvers: [devi]", ""), "utf-8")
    assert "waits for an approver" not in run(folder, "policy", "check").output
    (folder / "state/console/users.json").unlink()
    told = " ".join(run(folder, "policy", "check").output.split())
    assert "note: rule `trial/posts` waits for an approver, and there is none" in told
    assert "run `gerbang users add NAME --role approver --officer ID`" in told
