"""`gerbang policy diff`, and what `activate` shows before it acts."""

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

WAS = "C1 posts: was blocked, is now allowed and recorded"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Path]:
    an_office(tmp_path)
    yield tmp_path
    choose(None)


def run(office: Path, *words: str, **more: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", *words], **more)


def changed(office: Path) -> None:
    policy("effect: block", "effect: record")(office)
    gone("rules/trial/policy.cases.yaml")(office)


def test_the_active_policy_against_a_folder_in_both_languages(office: Path) -> None:
    assert run(office, "activate").exit_code == 0
    changed(office)
    done = run(office, "diff", "active", str(office / "rules"))
    assert done.output.splitlines() == ["trial/C1: Text of the clause", f"  {WAS}"]
    malay = run(office, "diff", "active", str(office / "rules"), "--language", "ms")
    assert "dahulu disekat, kini dibenarkan dan direkodkan" in malay.output
    (change,) = json.loads(run(office, "diff", "active", str(office / "rules"), "--json").output)["changes"]
    assert (change["rule"], change["key"], change["before"], change["after"]) == ("posts", "effect", "block", "record")


def test_activation_shows_what_changes(office: Path) -> None:
    assert run(office, "activate").exit_code == 0
    changed(office)
    done = run(office, "activate")
    assert done.exit_code == 0
    assert WAS in done.output
    assert len(Activations(office / "state").read()) == 2
    assert "No rule and no clause differs." in run(office, "activate", "--yes").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("active", "rules"), "no policy came into force yet"),
        (("nowhere", "active"), "there is no policy `nowhere`"),
        (("rules", "rules", "--language", "fr"), "unknown language `fr`"),
    ],
)
def test_wrong_names_are_a_sentence(office: Path, words: tuple[str, ...], said: str) -> None:
    given = [str(office / word) if word == "rules" else word for word in words]
    assert said in str(run(office, "diff", *given).exception)
