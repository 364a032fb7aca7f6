import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gerbang.cli import configuration
from gerbang.cli import users as command
from gerbang.console.users import LONGEST_PASSWORD, SHORTEST_PASSWORD, Users
from gerbang.errors import GerbangError, RegisterError

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PASSWORD = "empat perkataan panjang sekali"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "console" / "users.json", rounds=4)


def test_an_account_is_known_by_its_password_alone(users: Users) -> None:
    users.add("nora", "auditor", PASSWORD, NOW)
    assert users.check("nora", PASSWORD) == users.get("nora")
    for name, password in (("nora", PASSWORD + " "), ("nora", ""), ("badrul", PASSWORD), ("", "")):
        assert users.check(name, password) is None


def test_no_part_of_a_long_password_is_ignored(users: Users) -> None:
    """bcrypt itself stops after 72 bytes, and at a zero."""
    users.add("nora", "auditor", "a" * 100, NOW)
    assert users.check("nora", "a" * 99 + "b") is None
    users.add("badrul", "admin", "sandi\0panjang sekali", NOW)
    assert users.check("badrul", "sandi\0panjang sekal1") is None


def test_the_file_is_for_its_owner_and_holds_no_password(users: Users) -> None:
    users.add("nora", "auditor", PASSWORD, NOW)
    assert stat.S_IMODE(os.stat(users.file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(users.file.parent).st_mode) == 0o700
    assert PASSWORD not in users.file.read_text()


def test_another_process_sees_a_change(users: Users) -> None:
    other = Users(users.file, rounds=4)
    assert other.all() == ()
    users.add("nora", "auditor", PASSWORD, NOW)
    assert [user.name for user in other.all()] == ["nora"]
    users.remove("nora")
    assert other.get("nora") is None


@pytest.mark.parametrize("length", [SHORTEST_PASSWORD, LONGEST_PASSWORD])
def test_a_password_at_the_bound_is_taken(users: Users, length: int) -> None:
    users.add("nora", "auditor", "x" * length, NOW)
    assert users.check("nora", "x" * length)


@pytest.mark.parametrize(
    ("name", "role", "password", "message"),
    [
        ("Nora", "auditor", PASSWORD, "`Nora` will not do for an account name; use small letters"),
        ("", "auditor", PASSWORD, "`` will not do for an account name"),
        ("../x", "auditor", PASSWORD, "`../x` will not do"),
        ("n" * 33, "auditor", PASSWORD, "will not do for an account name"),
        ("nora", "auditer", PASSWORD, "unknown role `auditer`; did you mean `auditor`? expected one of `auditor`"),
        ("nora", "boss", PASSWORD, "unknown role `boss`; expected one of `auditor`, `admin`, `approver`"),
        ("nora", "auditor", "x" * (SHORTEST_PASSWORD - 1), "the password has 11 characters; use 12 to 256"),
        ("nora", "auditor", "x" * (LONGEST_PASSWORD + 1), "the password has 257 characters"),
        ("badrul", "admin", PASSWORD, "there is an account `badrul` already"),
    ],
)
def test_what_will_not_do_is_refused_with_a_hint(
    users: Users, name: str, role: str, password: str, message: str
) -> None:
    users.add("badrul", "auditor", PASSWORD, NOW)
    with pytest.raises(RegisterError) as refused:
        users.add(name, role, password, NOW)
    assert message in str(refused.value)
    assert "x" * 11 not in str(refused.value)
    assert [user.name for user in users.all()] == ["badrul"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '[{"name":"nora"}]',
        json.dumps([{"name": "nora", "role": "auditor", "password": "plain", "added": "2026-11-24T00:00:00Z"}]),
        json.dumps(
            [{"name": "nora", "role": "god", "password": "$2b$04$" + "a" * 53, "added": "2026-11-24T00:00:00Z"}]
        ),
        " " * ((1 << 20) + 1),
    ],
)
def test_a_broken_file_is_named_and_left_alone(users: Users, content: str) -> None:
    users.file.parent.mkdir(parents=True)
    users.file.write_text(content)
    for attempt in (
        users.all,
        lambda: users.check("nora", PASSWORD),
        lambda: users.add("nora", "admin", PASSWORD, NOW),
    ):
        with pytest.raises(RegisterError) as refused:
            attempt()
        assert str(refused.value).startswith(str(users.file))
        assert "pydantic" not in str(refused.value)
    assert users.file.read_text() == content


def test_another_password_takes_the_place_of_the_old_one_and_ends_its_sessions(users: Users) -> None:
    before = users.add("nora", "auditor", PASSWORD, NOW)
    users.set_password("nora", PASSWORD[::-1])
    assert users.check("nora", PASSWORD) is None
    after = users.check("nora", PASSWORD[::-1])
    assert after is not None
    assert (after.name, after.role, after.added) == (before.name, before.role, before.added)
    assert after.stamp != before.stamp


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("badrul", PASSWORD, "there is no account `badrul`; expected one of `nora`"),
        ("nora", "x" * (SHORTEST_PASSWORD - 1), "the password has 11 characters"),
    ],
)
def test_a_password_that_cannot_be_given_leaves_the_old_one(
    users: Users, name: str, password: str, message: str
) -> None:
    users.add("nora", "auditor", PASSWORD, NOW)
    with pytest.raises(RegisterError) as refused:
        users.set_password(name, password)
    assert message in str(refused.value)
    assert users.check("nora", PASSWORD)


def test_the_command_adds_lists_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GERBANG_STATE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    configuration.choose(None)
    runner = CliRunner()
    added = runner.invoke(command.app, ["add", "nora", "--role", "auditor", "--password-stdin"], input=f"{PASSWORD}\n")
    assert (added.exit_code, added.output) == (0, "nora can sign in to the console as auditor\n")
    listed = runner.invoke(command.app, ["list", "--json"])
    assert [(user["name"], user["role"]) for user in json.loads(listed.output)] == [("nora", "auditor")]
    assert Users(tmp_path / "console" / "users.json").check("nora", PASSWORD)
    changed = runner.invoke(command.app, ["password", "nora", "--password-stdin"], input=f"{PASSWORD[::-1]}\n")
    assert (changed.exit_code, changed.output) == (0, "nora has a new password, and is signed out\n")
    assert Users(tmp_path / "console" / "users.json").check("nora", PASSWORD[::-1])
    assert isinstance(runner.invoke(command.app, ["password", "badrul"]).exception, GerbangError)
    assert runner.invoke(command.app, ["remove", "nora"]).exit_code == 0
    assert json.loads(runner.invoke(command.app, ["list", "--json"]).output) == []
    gone = runner.invoke(command.app, ["remove", "nora"])
    assert isinstance(gone.exception, GerbangError)
    configuration.choose(None)
