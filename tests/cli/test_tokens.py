"""`gerbang tokens`, by its command, with the lines of the journal that it leaves."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli_builders import an_account, an_office
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.errors import GerbangError
from gerbang.journal.reader import read
from gerbang.tokens import Tokens


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    an_office(tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    configuration.choose(None)
    return CliRunner().invoke(app, ["--config", str(folder / "gerbang.toml"), "tokens", *arguments])


def changes(folder: Path) -> list[tuple[object, object]]:
    if not (folder / "state/journal").exists():
        return []
    lines = read(folder / "state/journal")
    return [(line.link.body["change"], line.link.body["token"]) for line in lines if line.link.kind == "token-changed"]


def test_a_token_is_made_listed_and_ended(folder: Path) -> None:
    made = run(folder, "add", "radius", "--may", "sessions,days", "--until", "2099-06-30")
    assert made.exit_code == 0, made.output
    first, shown = made.output.splitlines()
    assert first == "radius may days, sessions until 2099-06-30; its token, shown only now:"
    tokens = Tokens(folder / "state")
    assert tokens.find(shown) == tokens.all()[0]
    (listed,) = json.loads(run(folder, "list", "--json").output)
    assert listed["until"] == "2099-07-01T00:00:00+08:00"
    assert listed["last_used"] is None
    assert "digest" not in listed
    assert "never" in run(folder, "list").output
    assert run(folder, "revoke", "radius").output == "radius can no longer be used\n"
    assert tokens.find(shown) is None
    assert changes(folder) == [("added", "radius"), ("revoked", "radius")]
    assert all(shown.encode() not in file.read_bytes() for file in (folder / "state").rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "radius", "--may", "all"), "unknown right `all`"),
        (("add", "radius", "--may", ""), "the token may do nothing"),
        (("add", "Radius 1", "--may", "days"), "will not do for the name of a token"),
        (("add", "radius", "--may", "days", "--until", "tomorrow"), "`tomorrow` is no day; write it as `2027-06-30`"),
        (("add", "radius", "--may", "days", "--until", "9999-12-31"), "is no day"),
        (("add", "radius", "--may", "days", "--until", "2020-01-01"), "`2020-01-01` is past"),
        (("add", "radius", "--may", "approvals", "--user", "siti"), "there is no account `siti`"),
        (("revoke", "radius"), "there is no token `radius`"),
    ],
)
def test_what_will_not_do_is_a_sentence_and_leaves_nothing(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    failed = run(folder, *arguments)
    assert isinstance(failed.exception, GerbangError)
    assert said in str(failed.exception)
    assert Tokens(folder / "state").all() == ()
    assert changes(folder) == []


def test_a_token_for_an_account(folder: Path) -> None:
    an_account(folder)
    made = run(folder, "add", "queue", "--may", "approvals", "--user", "nora", "--json")
    told = json.loads(made.output)
    assert (told["user"], told["may"]) == ("nora", ["approvals"])
    assert Tokens(folder / "state").find(told["token"]) is not None


def test_a_token_that_nobody_could_write_down_is_not_there(folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "state/journal").write_text("a file where the folder should be")
    failed = run(folder, "add", "radius", "--may", "days")
    assert isinstance(failed.exception, GerbangError)
    assert Tokens(folder / "state").all() == ()
