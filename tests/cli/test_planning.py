"""A policy from a date on, and by two persons: who may do what, and what a start makes of it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from structlog.testing import capture_logs
from typer.testing import CliRunner

from cli_builders import an_office, gone, policy, settings
from gerbang import living as following
from gerbang.activations import MOST_PLANS, PLANS, Activations, Plan, Step
from gerbang.cli.configuration import choose
from gerbang.cli.main import app
from gerbang.cli.policy import activating
from gerbang.gate.clock import TrialClock
from gerbang.serving import grounds
from gerbang.settings import load_settings
from journal_builders import entries
from waiting import until

LATER = "2999-01-01T00:00+08:00"
EXPLAIN = ("explain", "--platform", "x", "--activity", "post", "--text", "Selamat pagi", "--json", "--time")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.02)
    an_office(tmp_path)
    yield tmp_path
    choose(None)


@pytest.fixture
def as_person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def become(name: str) -> None:
        monkeypatch.setattr(activating, "person", lambda: name)
        monkeypatch.setattr(activating, "who", lambda: name)

    become("aminah")
    return become


def run(office: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(office / "gerbang.toml"), "policy", *words])


def printed(office: Path, *words: str) -> Any:
    done = run(office, *words, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.output)


def changed(office: Path) -> None:
    policy("effect: block", "effect: record")(office)
    gone("rules/trial/policy.cases.yaml")(office)


def two_persons(office: Path) -> None:
    settings("[gate]", '[policy]\nactivation = "two-persons"\n\n[gate]')(office)


def in_force(office: Path) -> str:
    return Activations(office / "state").read()[-1].digest


def steps(office: Path) -> list[str]:
    return [str(entry["body"]["step"]) for entry in entries(office / "state" / "journal", "policy-planned")]


# ---------------------------------------------------------------- from a date on


def test_a_scheduled_policy_waits_and_is_shown_asked_and_cancelled(office: Path) -> None:
    first = printed(office, "activate")["digest"]
    changed(office)
    second = printed(office, "activate", "--from", LATER, "--by", "perintah 7/2026")
    assert (second["state"], in_force(office)) == ("scheduled", first)
    rows = printed(office, "list")
    assert [(row["digest"], row["state"].split()[0]) for row in rows] == [
        (first, "in"),
        (second["digest"], "scheduled"),
    ]
    assert "was blocked, is now allowed" in run(office, "diff", "active", second["digest"][:12]).output
    now, then = printed(office, *EXPLAIN, "2998-12-31T23:59+08:00"), printed(office, *EXPLAIN, LATER)
    assert (now["policy"], now["effect"]) == (first, "block")
    assert (then["policy"], then["effect"]) == (second["digest"], "record")
    assert datetime.fromisoformat(then["policy_in_force_from"]) == datetime.fromisoformat(LATER)
    assert (
        "scheduled to be in force from 2998-12-31 16:00:00 UTC"
        in run(office, *(word for word in EXPLAIN if word != "--json"), LATER).output
    )
    assert run(office, "cancel", second["digest"][:12]).exit_code == 0
    assert [row["digest"] for row in printed(office, "list")] == [first]
    assert steps(office) == ["scheduled", "cancelled"]
    assert printed(office, *EXPLAIN, LATER)["policy"] == first


def test_the_running_gate_follows_at_that_instant_by_its_own_clock(office: Path) -> None:
    first = printed(office, "activate")["digest"]
    changed(office)
    second = printed(office, "activate", "--from", LATER)["digest"]
    chosen, at = load_settings(office / "gerbang.toml", {}), datetime.fromisoformat(LATER)
    with capture_logs() as logs, grounds(chosen, at - timedelta(hours=1)) as found:
        assert [entry["in_force"] for entry in logs if entry["event"] == "documents-wait"] == [first]
        assert found.world.world.policy.digest == first
        assert isinstance(found.clock, TrialClock)
        found.clock.set(at - timedelta(seconds=0.3))
        until(lambda: found.world.world.policy.digest == second)
        assert found.clock() >= at
        until(lambda: in_force(office) == second)
    told = [entry["body"] for entry in entries(office / "state" / "journal", "policy-activated")]
    (taken,) = [body for body in told if body["change"] and body["change"]["what"] == "scheduled"]
    assert (taken["basis"]["policy"], taken["change"]["instead_of"]) == (second, first)
    assert datetime.fromisoformat(taken["moment"]) == at
    assert Activations(chosen.state).open_plans() == ()


def test_a_start_after_the_instant_puts_it_into_force_first(office: Path) -> None:
    printed(office, "activate")
    changed(office)
    second = printed(office, "activate", "--from", LATER)["digest"]
    with grounds(
        load_settings(office / "gerbang.toml", {}), datetime.fromisoformat(LATER) + timedelta(days=3)
    ) as found:
        assert found.world.world.policy.digest == second
    assert Activations(office / "state").at(datetime.fromisoformat(LATER)) == (datetime.fromisoformat(LATER), second)


def test_what_was_put_into_force_after_the_instant_goes_before_it(office: Path) -> None:
    first = printed(office, "activate")["digest"]
    activations, past = Activations(office / "state"), datetime.now(UTC) - timedelta(hours=1)
    changed(office)
    second = printed(office, "activate", "--from", LATER)["digest"]
    (plan,) = activations.open_plans()
    activations.plan(Plan(past, Step.SCHEDULED, second, plan.documents, past, "aminah"))
    policy("effect: record", "effect: block")(office)
    with capture_logs() as logs, grounds(load_settings(office / "gerbang.toml", {}), None) as found:
        assert found.world.world.policy.digest == first
    assert [entry["policy"] for entry in logs if entry["event"] == "policy-overtaken"] == [second]


def test_a_kept_policy_that_was_changed_never_comes_into_force(office: Path) -> None:
    first = printed(office, "activate")["digest"]
    changed(office)
    second = printed(office, "activate", "--from", LATER)["digest"]
    kept = office / "state" / "policies" / second / "trial.yaml"
    kept.write_text(kept.read_text().replace("effect: record", "effect: allow"))
    policy("effect: record", "effect: block")(office)
    at = datetime.fromisoformat(LATER) + timedelta(minutes=1)
    with capture_logs() as logs, grounds(load_settings(office / "gerbang.toml", {}), at) as found:
        assert found.world.world.policy.digest == first
    assert [entry["event"] for entry in logs if entry["event"] == "policy-refused"] == ["policy-refused"]


# ---------------------------------------------------------------- two persons


def test_one_proposes_and_another_confirms(office: Path, as_person: Callable[[str], None]) -> None:
    first = printed(office, "activate")["digest"]
    two_persons(office)
    changed(office)
    proposed = printed(office, "activate", "--by", "atas arahan Devi")
    assert (proposed["state"], in_force(office)) == ("proposed", first)
    mine = run(office, "confirm", proposed["digest"][:8], "--by", "devi")
    assert "`aminah` proposed the policy" in str(mine.exception)
    as_person("devi")
    done = run(office, "confirm", proposed["digest"][:8])
    assert done.exit_code == 0, done.exception
    assert "was blocked, is now allowed and recorded" in done.output
    assert in_force(office) == proposed["digest"]
    change = entries(office / "state" / "journal", "policy-activated")[-1]["body"]["change"]
    assert change["what"] == "confirm"
    assert change["by"] != change["proposed_by"]
    assert steps(office) == ["proposed"]
    assert "was proposed or scheduled" in str(run(office, "confirm", proposed["digest"]).exception)


def test_a_date_and_two_persons_together(office: Path, as_person: Callable[[str], None]) -> None:
    first = printed(office, "activate")["digest"]
    two_persons(office)
    changed(office)
    digest = printed(office, "activate", "--from", LATER)["digest"]
    as_person("devi")
    assert printed(office, "confirm", digest)["state"] == "scheduled"
    assert in_force(office) == first
    assert steps(office) == ["proposed", "scheduled"]
    assert "is scheduled already" in str(run(office, "confirm", digest).exception)


def test_going_back_wants_the_second_person_too(office: Path, as_person: Callable[[str], None]) -> None:
    first = printed(office, "activate")["digest"]
    changed(office)
    second = printed(office, "activate")["digest"]
    two_persons(office)
    assert printed(office, "rollback")["state"] == "proposed"
    assert in_force(office) == second
    as_person("devi")
    assert run(office, "confirm", first[:10]).exit_code == 0
    assert in_force(office) == first


@pytest.mark.parametrize("proposed", [False, True])
def test_a_start_does_not_go_round_the_second_person(office: Path, proposed: bool) -> None:
    first = printed(office, "activate")["digest"]
    two_persons(office)
    changed(office)
    if proposed:
        printed(office, "activate")
    with capture_logs() as logs, grounds(load_settings(office / "gerbang.toml", {}), None) as found:
        assert found.world.world.policy.digest == first
    (told,) = [entry for entry in logs if entry["event"] == "documents-wait"]
    assert "second person" in told["why"]
    assert in_force(office) == first


def test_a_proposal_is_not_rolled_back_to(office: Path) -> None:
    printed(office, "activate")
    two_persons(office)
    changed(office)
    digest = printed(office, "activate")["digest"]
    settings('"two-persons"', '"one-person"')(office)
    assert "was never in force" in str(run(office, "rollback", "--to", digest[:12]).exception)


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("activate", "--from", "tomorrow"), "`tomorrow` is no time for `--from`"),
        (("activate", "--from", "2027-01-01"), "has no time of day"),
        (("activate", "--from", "2999-01-01T00:00"), "has no offset"),
        (("activate", "--from", "2020-01-01T00:00+08:00"), "has passed already"),
        (("activate", "--by", ""), "`--by` has no words"),
        (("activate", "--by", "x" * 201), "`--by` has no words, or too many"),
        (("confirm", "deadbeef"), "no policy `deadbeef` was proposed or scheduled"),
        (("confirm", ""), "no policy `` was proposed or scheduled"),
        (("cancel", "../../x"), "no policy `../../x` was proposed or scheduled"),
    ],
)
def test_a_slip_changes_nothing(office: Path, words: tuple[str, ...], said: str) -> None:
    first = printed(office, "activate")["digest"]
    assert said in str(run(office, *words).exception)
    assert in_force(office) == first
    assert not (office / "state" / "policies" / PLANS).exists()


def test_the_same_policy_and_the_same_instant_are_planned_once(office: Path) -> None:
    printed(office, "activate")
    changed(office)
    printed(office, "activate", "--from", LATER)
    assert "is scheduled already" in str(run(office, "activate", "--from", "2999-02-01T00:00+08:00").exception)
    policy("effect: record", "effect: allow")(office)
    assert "is to come into force at that instant" in str(run(office, "activate", "--from", LATER).exception)


def test_so_many_are_planned_and_no_more(office: Path) -> None:
    activations = Activations(office / "state")
    now = datetime.now(UTC)
    for number in range(MOST_PLANS):
        start = now + timedelta(days=number + 1)
        activations.plan(Plan(now, Step.SCHEDULED, f"{number:064x}", ("trial",), start, "aminah"))
    assert "20 policies are planned already" in str(run(office, "activate", "--from", LATER).exception)
    activations.plan(Plan(now, Step.CANCELLED, f"{0:064x}", ("trial",), now, "aminah"))
    assert run(office, "activate", "--from", LATER).exit_code == 0


@pytest.mark.parametrize("line", ["", "{", "[]", "null", '{"moment": "2026-11-24T12:00:00+00:00", "step": "done"}'])
def test_a_line_that_is_no_plan_is_passed_over(office: Path, line: str) -> None:
    printed(office, "activate")
    changed(office)
    digest = printed(office, "activate", "--from", LATER)["digest"]
    with (office / "state" / "policies" / PLANS).open("a") as file:
        file.write(line + "\n")
    assert [plan.digest for plan in Activations(office / "state").open_plans()] == [digest]
    assert ((office / "state" / "policies" / PLANS).stat().st_mode & 0o777) == 0o600
