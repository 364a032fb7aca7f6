"""A policy that was in force before is so again, and the journal says who did it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli_builders import an_office, gone, policy
from gerbang.activations import Activations
from gerbang.cli.configuration import choose
from gerbang.cli.main import app
from journal_builders import entries


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Path]:
    an_office(tmp_path)
    yield tmp_path
    choose(None)


def run(office: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", *words])


def activated(office: Path) -> str:
    done = run(office, "activate", "--json")
    assert done.exit_code == 0, done.exception
    return str(json.loads(done.output)["digest"])


def test_the_policy_before_is_in_force_again_and_the_journal_knows(office: Path) -> None:
    first = activated(office)
    policy("effect: block", "effect: record")(office)
    gone("rules/trial/policy.cases.yaml")(office)
    second = activated(office)
    assert first != second
    done = run(office, "rollback")
    assert done.exit_code == 0, done.exception
    assert [entry.digest for entry in Activations(office / "state").read()] == [first, second, first]
    told = [entry["body"] for entry in entries(office / "state" / "journal", "policy-activated")]
    assert [body["change"]["what"] for body in told] == ["activate", "activate", "rollback"]
    assert told[-1]["basis"]["policy"] == first
    assert told[-1]["change"]["instead_of"] == second
    assert len({body["change"]["by"] for body in told}) == 1
    assert run(office, "rollback", "--to", second[:10]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no other policy was in force before"),
        (("--to", "deadbeef"), "there is no policy `deadbeef`"),
        (("--to", "active"), "is in force already"),
    ],
)
def test_a_slip_changes_nothing(office: Path, words: tuple[str, ...], said: str) -> None:
    first = activated(office)
    done = run(office, "rollback", *words)
    assert said in str(done.exception)
    assert [entry.digest for entry in Activations(office / "state").read()] == [first]
