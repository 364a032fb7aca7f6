"""`gerbang audit` and `gerbang db`, as an auditor types them."""

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from builders import a_decision, an_activity
from gerbang.cli import main
from gerbang.cli.slot import who
from gerbang.journal.keys import load_keys
from gerbang.journal.reader import read
from gerbang.journal.sidecar import erase, read_private
from gerbang.journal.writer import Journal
from gerbang.model import Effect, Finding, Likelihood
from gerbang.record.event import decision_event, objection_event
from gerbang.store import Forwarder, open_store
from journal_builders import KEYS

NUMBERS = ("0000-0000-0000", "7K3M-9Q2X-4TBG")
LATER = an_activity("Notis", belongs_to=("1111-1111-1111",), sent_earlier=(NUMBERS[0], "1111-1111-1111"))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GERBANG_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "state"


@pytest.fixture
def run(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit status, standard output and standard error of `gerbang ...`, run on that state."""
    assert not state.exists()

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gerbang", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return command


@pytest.fixture
def record(state: Path, run: Run) -> Path:
    """Two decisions on record, an excerpt of the first of which would steer a terminal, and an objection to it."""
    journal = Journal(state / "journal", "gate", 0, seal_key=load_keys(state / "keys").seal, witness=state / "witness")
    finding = Finding("words", "political", Likelihood.LIKELY, 0, 4)
    first = a_decision(number=NUMBERS[0], findings=(finding,))
    for event in (
        decision_event(first, "answered", ["s•\x1b[31m•t [red]"], KEYS),
        decision_event(a_decision(Effect.ALLOW, number=NUMBERS[1], activity=LATER), "forwarded", [], KEYS),
        objection_event(NUMBERS[0], "P-1001", "ini kerja rasmi", first.moment, KEYS),
    ):
        journal.append(event).result(10)
    journal.close()
    assert run("db", "upgrade")[0] == 0
    store = open_store(f"sqlite:///{state / 'gerbang.db'}")
    Forwarder(state / "journal", store).once()
    store.close()
    return state


@pytest.mark.usefixtures("record")
def test_show_names_the_decisions_on_earlier_steps(run: Run) -> None:
    lines = [" ".join(line.split()) for line in run("audit", "show", NUMBERS[1])[1].splitlines()]
    assert "belongs to 1111-1111-1111" in lines
    assert f"sent earlier {NUMBERS[0]}; 1111-1111-1111" in lines
    assert "earlier" not in run("audit", "show", NUMBERS[0])[1]


@pytest.mark.usefixtures("record")
def test_list_shows_masked_names_and_takes_filters(run: Run) -> None:
    status, out, _ = run("audit", "list")
    assert status == 0
    assert "A••• b••• C•••" in out
    assert "Aminah" not in out
    found = json.loads(run("audit", "list", "--json", "--effect", "block")[1])
    assert [row["number"] for row in found] == [NUMBERS[0]]
    assert found[0]["categories"] == ["political"]
    assert json.loads(run("audit", "list", "--json", "--since", "2026-11-25")[1]) == []
    assert len(json.loads(run("audit", "list", "--json", "--until", "2026-11-24T10:01+08:00")[1])) == 2
    assert "there are more" in run("audit", "list", "--limit", "1")[1]


@pytest.mark.usefixtures("record")
def test_show_tells_the_whole_reasoning_and_cannot_steer_the_terminal(run: Run) -> None:
    status, out, _ = run("audit", "show", "0000 0000 oooo")
    assert "known by   name and password (htpasswd)" in out
    assert status == 0
    for word in (
        "refused, since the policy says block",
        "office-hours, because: working-hours",
        "trial/rule",
        "R3",
        "likely political",
        "objection",
        "ini kerja rasmi",
        "gate-0/",
    ):
        assert word in out
    assert "s•\ufffd[31m•t [red]" in out
    assert "\x1b" not in out
    assert "Aminah" not in out


def test_show_in_json_has_the_line_it_rests_on(record: Path, run: Run) -> None:
    found = json.loads(run("audit", "show", NUMBERS[0], "--json")[1])
    line = (record / "journal" / found["journal"]["slot"] / found["journal"]["file"]).read_text().splitlines()[1]
    assert found["journal"]["hash"] in line
    assert found["body"] == json.loads(line)["body"]
    assert [other["kind"] for other in found["related"]] == ["objection"]


def looks(state: Path) -> list[tuple[dict[str, Any], Mapping[str, Any]]]:
    return [(line.link.body, read_private(line)) for line in read(state / "journal") if line.link.kind == "looked"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_who_looks_is_in_the_journal_before_anything_is_shown(record: Path, run: Run, more: tuple[str, ...]) -> None:
    assert run("audit", "list", "--officer", "P-1001", *more)[0] == 0
    assert run("audit", "show", NUMBERS[0], *more)[0] == 0
    (listed, private), (shown, _) = looks(record)
    assert (listed["page"], listed["role"], listed["number"]) == ("decisions", "cli", None)
    assert (shown["page"], shown["number"]) == ("decision", NUMBERS[0])
    assert private == {"reader": who(), "filters": {"officer": "P-1001"}}
    assert "P-1001" not in json.dumps(listed)
    assert who() not in listed["reader"]
    status, out, _ = run("audit", "verify")
    assert status == 0
    assert "gate-cli: 8 lines" in out


@pytest.mark.parametrize(
    "arguments", [("list",), ("list", "--json"), ("show", NUMBERS[0]), ("show", NUMBERS[0], "--json")]
)
def test_where_the_look_cannot_be_recorded_nothing_is_shown(
    record: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("gerbang.cli.slot.PATIENCE", 0.1)
    (record / "journal" / "gate-cli").write_text("no folder")
    status, out, err = run("audit", *arguments)
    assert (status, out) == (2, "")
    assert "the journal cannot be written" in err
    (record / "journal" / "gate-cli").unlink()
    other = Journal(record / "journal", "gate", "cli", seal_key=load_keys(record / "keys").seal)
    status, out, err = run("audit", *arguments)
    other.close()
    assert (status, out) == (2, "")
    assert "another process writes the journal's slot" in err


def test_two_who_look_at_once_wait_for_each_other(record: Path, run: Run) -> None:
    other = Journal(record / "journal", "gate", "cli", seal_key=load_keys(record / "keys").seal)
    timer = threading.Timer(0.3, other.close)
    timer.start()
    assert run("audit", "show", NUMBERS[0])[0] == 0
    timer.join()
    assert len(looks(record)) == 1


@pytest.mark.usefixtures("record")
def test_in_80_columns_number_and_time_can_be_copied(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("gerbang.cli.output.console.width", 80, raising=False)
    out = run("audit", "list")[1]
    assert max(map(len, out.splitlines())) <= 80
    for word in (*NUMBERS, "2026-11-24 02:00", "times in UTC"):
        assert word in out


@pytest.mark.usefixtures("record")
def test_times_are_those_of_the_first_office(run: Run) -> None:
    Path("gerbang.toml").write_text('[[offices]]\nname = "hq"\nstate = "PJY"\n')
    out = run("audit", "list")[1]
    assert "2026-11-24 10:00" in out
    assert "times in Asia/Kuala_Lumpur" in out
    assert len(json.loads(run("audit", "list", "--json", "--until", "2026-11-24T10:01")[1])) == 2
    assert json.loads(run("audit", "list", "--json", "--until", "2026-11-24T09:59")[1]) == []
    assert "2026-11-24 10:00:00+08:00" in run("audit", "show", NUMBERS[0])[1]


def test_one_is_told_in_the_singular(record: Path, run: Run) -> None:
    out = run("audit", "verify")[1]
    assert "gate-0: 6 lines in 1 file, 1 seal, 0 private parts erased" in out
    assert "1 line since" in run("audit", "verify", "--witness", str(record / "witness"))[1]


def forwarded(state: Path) -> None:
    store = open_store(f"sqlite:///{state / 'gerbang.db'}")
    Forwarder(state / "journal", store).once()
    store.close()


def bytes_of(state: Path) -> bytes:
    return b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())


def test_erase_takes_the_private_parts_of_one_decision_everywhere_and_says_so(record: Path, run: Run) -> None:
    assert b"ini kerja rasmi" in bytes_of(record)
    status, out, _ = run("audit", "erase", NUMBERS[0], "--reason", "perintah 7/2026")
    assert status == 0
    assert f"erased of {NUMBERS[0]}: 2 private parts in the journal, 2 copies and 0 names in the database" in out
    assert b"ini kerja rasmi" not in bytes_of(record)
    assert bytes_of(record).count(b"Aminah") == 3  # of the other decision: the line, its copy and the name
    forwarded(record)
    status, out, _ = run("audit", "verify")
    assert status == 0
    assert "2 private parts erased" in out
    assert "whole: 10 lines" in out
    (said,) = [line for line in read(record / "journal") if line.link.kind == "erased"]
    assert len(said.link.body["events"]) == 2  # type: ignore[arg-type]
    assert read_private(said) == {"reader": who(), "reason": "perintah 7/2026"}
    found = json.loads(run("audit", "show", NUMBERS[0], "--json")[1])
    assert found["private"] == {}
    assert [other["kind"] for other in found["related"]] == ["objection", "erased"]


def test_a_name_goes_with_the_last_decision_that_holds_it(record: Path, run: Run) -> None:
    for number in NUMBERS:
        told = json.loads(run("audit", "erase", number, "--reason", "x", "--json")[1])
    assert (told["journal"], told["database"], told["names"]) == (1, 1, 1)
    assert b"Aminah" not in bytes_of(record)
    forwarded(record)
    assert run("audit", "verify")[0] == 0
    status, out, err = run("audit", "erase", NUMBERS[0], "--reason", "again")
    assert (status, out) == (2, "")
    assert "nothing left to erase" in err


def test_an_erasure_that_was_interrupted_is_finished_by_the_next(record: Path, run: Run) -> None:
    """The journal's part went, and the database was not reached."""
    events = [line.link.id for line in read(record / "journal") if line.link.kind == "decision"]
    erase(record / "journal" / "gate-0", events)
    assert "still in the database: 2" in run("audit", "verify")[1]
    told = json.loads(run("audit", "erase", NUMBERS[0], "--reason", "x", "--json")[1])
    assert (told["journal"], told["database"]) == (1, 2)  # the objection's part stood in both


def test_nothing_is_erased_that_cannot_be_recorded(record: Path, run: Run) -> None:
    (record / "journal" / "gate-cli").write_text("no folder")
    before = bytes_of(record)
    for arguments in (("--reason", "x"), ("--reason", " ")):
        status, out, _ = run("audit", "erase", NUMBERS[0], *arguments)
        assert (status, out) == (2, "")
    assert bytes_of(record).count(b"Aminah") == before.count(b"Aminah")


def test_verify_is_0_on_a_whole_record(record: Path, run: Run) -> None:
    status, out, err = run("audit", "verify")
    assert (status, err) == (0, "")
    assert "not witnessed" in out
    assert "whole: 6 lines" in out
    status, out, _ = run("audit", "verify", "--witness", str(record / "witness"))
    assert status == 0
    assert "witnessed up to" in out
    assert json.loads(run("audit", "verify", "--json")[1])["slots"][0]["in_database"] == 6


def test_verify_is_1_on_a_damaged_one_and_names_the_line(record: Path, run: Run) -> None:
    (path,) = (record / "journal" / "gate-0").glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"effect":"block"', b'"effect":"allow"', 1))
    status, out, _ = run("audit", "verify")
    assert status == 1
    assert f"{path}:2: the line was changed" in out
    assert json.loads(run("audit", "verify", "--json")[1])["whole"] is False
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-2]))
    status, out, _ = run("audit", "verify")
    assert status == 1
    assert "the database knows line 6" in out
    assert run("audit", "verify", "--no-database")[0] == 0


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("audit", "show", "0000-0000-0001"), "is no decision's number: a character is wrong"),
        (("audit", "show", "1111-1111-1114"), "there is no decision"),
        (("audit", "list", "--until", "9999-12-31"), "`9999-12-31` is no time for `--until`"),
        (("audit", "list", "--since", "yesterday"), "`yesterday` is no time for `--since`"),
        (("audit", "verify", "--key", "nowhere.pub"), "the key of the seals cannot be read"),
        (("audit", "verify", "--witness", "nowhere"), "there is no folder `nowhere`"),
    ],
)
def test_what_is_typed_wrongly_is_one_sentence(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("audit", "list"), ("audit", "show", NUMBERS[0]), ("audit", "verify")])
def test_where_there_is_no_record_it_says_so_and_makes_none(state: Path, run: Run, arguments: tuple[str, ...]) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert "there is no" in err
    assert not state.exists()


def test_a_database_of_a_newer_version_is_refused_everywhere(record: Path, run: Run) -> None:
    import sqlite3

    with sqlite3.connect(record / "gerbang.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for arguments in (("audit", "list"), ("audit", "verify"), ("db", "upgrade")):
        status, _, err = run(*arguments)
        assert status == 2
        assert "newer version of Gerbang" in err


def test_upgrade_says_what_it_did(state: Path, run: Run) -> None:
    assert run("db", "upgrade")[1] == "the database is at revision 0004, newly made\n"
    assert run("db", "upgrade")[1] == "the database is up to date (revision 0004)\n"
    shutil.rmtree(state)
    assert json.loads(run("db", "upgrade", "--json")[1]) == {"before": None, "after": "0004"}


def test_the_accounts_that_acted_are_listed_and_the_look_is_written_down(state: Path, run: Run, record: Path) -> None:
    assert record
    status, out, _ = run("accounts", "seen", "--days", "3650", "--json")
    listed = json.loads(out)
    assert (status, [(one["platform"], one["people"]) for one in listed]) == (0, [("x", 1)])
    assert listed[0]["id"].endswith("•••")
    whole = json.loads(run("accounts", "seen", "--days", "3650", "--whole", "--json")[1])
    assert whole[0]["id"] == an_activity("Notis").account.id
    assert [body["page"] for body, _ in looks(state)] == ["accounts", "accounts"]
    assert "no account acted" in run("accounts", "seen", "--platform", "sembang")[1]


def test_without_a_database_accounts_say_what_makes_it(run: Run) -> None:
    status, _, err = run("accounts", "seen")
    assert status == 2
    assert "there is no database at" in err
