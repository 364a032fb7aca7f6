"""`gerbang alerts`, and what `policy check`, the doctor and `/healthz` say of alerts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from alert_receivers import a_hook
from cli_builders import an_office
from gerbang.alerts.state import AlertState, write_state
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.console.health import State, View, health
from gerbang.doctor.alerting import alerts as exam
from gerbang.doctor.outcome import Level, Patient
from gerbang.errors import GerbangError
from gerbang.settings import load_settings
from gerbang.store import Backlog
from status_builders import a_snapshot

ALERT = """
[[alerts]]
name = "unit-integriti"
rules = [{rules}]
language = "en"
webhook = {{ url = "{url}", secret_file = "rahsia" }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    an_office(tmp_path)
    secret = tmp_path / "rahsia"
    secret.write_text("0123456789abcdef\n")
    secret.chmod(0o600)
    return tmp_path


def with_alert(folder: Path, url: str = "http://127.0.0.1:9/rahsia-di-laluan", rules: str = '"trial/posts"') -> None:
    file = folder / "gerbang.toml"
    file.write_text(file.read_text() + ALERT.format(url=url, rules=rules))


def alerting_rule(folder: Path, names: str) -> None:
    file = folder / "rules/trial/policy.yaml"
    file.write_text(file.read_text().replace("    effect: block\n", f"    effect: block\n    alert: {names}\n", 1))


def run(folder: Path, *arguments: str) -> Result:
    configuration.choose(None)
    return CliRunner().invoke(app, ["--config", str(folder / "gerbang.toml"), *arguments])


def test_a_trial_is_sent(folder: Path) -> None:
    with a_hook() as hook:
        with_alert(folder, hook.url)
        done = run(folder, "alerts", "test", "unit-integriti")
        assert done.exit_code == 0, done.output
        assert done.output == f"taken for 127.0.0.1:{hook.port}\n"
    ((_, body),) = hook.taken
    told = json.loads(body)
    assert (told["kind"], told["alert"]) == ("trial", "unit-integriti")
    assert not (folder / "state/alerts").exists()


def test_a_trial_that_fails_or_has_no_name_is_a_sentence(folder: Path) -> None:
    failed = run(folder, "alerts", "test", "unit")
    assert str(failed.exception) == "there is no alert `unit`; `[[alerts]]` in the settings makes one"
    with_alert(folder)
    failed = run(folder, "alerts", "test", "unit-integrit")
    assert isinstance(failed.exception, GerbangError)
    assert "did you mean `unit-integriti`?" in str(failed.exception)
    failed = run(folder, "alerts", "test", "unit-integriti")
    assert str(failed.exception) == "the webhook at `127.0.0.1:9` cannot be reached: connection refused"


def test_alerts_are_listed_without_the_address_behind_their_host(folder: Path) -> None:
    assert run(folder, "alerts", "list").output == "no alerts; `[[alerts]]` in the settings makes one\n"
    with_alert(folder)
    state = AlertState(sent=3, failed=1, failing=1.0, why="the webhook at `127.0.0.1:9` answers 500")
    write_state(folder / "state/alerts", "unit-integriti", state)
    shown = run(folder, "alerts", "list", "--json").output
    (listed,) = json.loads(shown)
    assert (listed["name"], listed["by"], listed["to"]) == ("unit-integriti", "webhook", "127.0.0.1:9")
    assert (listed["sent"], listed["failed"], listed["failing"]) == (3, 1, state.why)
    for output in (shown, run(folder, "alerts", "list").output):
        assert "rahsia" not in output


def test_policy_check_notes_an_alert_that_no_settings_know(folder: Path) -> None:
    alerting_rule(folder, "[unit-integrity, lain]")
    assert "add it as an `[[alerts]]` entry of the settings" in " ".join(run(folder, "policy", "check").output.split())
    with_alert(folder, rules='"trial/post", "trial/*"')
    notes = json.loads(run(folder, "policy", "check", "--json").output)["notes"]
    near = "rule `posts` alerts `unit-integrity`, which no settings know; did you mean `unit-integriti`?"
    assert any(f"policy.yaml:12:13: {near}" in note for note in notes), notes
    assert any("alerts `lain`" in note for note in notes)
    assert (
        "the alert `unit-integriti` names the rule `trial/post`, which no policy has; expected one of `trial/posts`"
        in (notes)
    )
    assert not any("trial/*" in note for note in notes)


def looked(folder: Path) -> list[tuple[Level, str]]:
    file = folder / "gerbang.toml"
    patient = Patient(load_settings(file, {}), file, datetime.now(UTC))
    return [(found.level, found.what) for found in exam(patient)]


def test_the_doctor_looks_at_each_alert(folder: Path) -> None:
    assert looked(folder) == []
    with_alert(folder)
    assert looked(folder) == [(Level.GOOD, "alert `unit-integriti` has not begun; `gerbang serve` begins it")]
    for state, level, said in (
        (AlertState(sent=2), Level.GOOD, "2 messages sent"),
        (AlertState(sent=2, failed=1), Level.WARNING, "1 messages were given up, 2 sent"),
        (AlertState(failing=1.0, why="it answers 500"), Level.BAD, "cannot be sent: it answers 500"),
    ):
        write_state(folder / "state/alerts", "unit-integriti", state)
        ((found, what),) = looked(folder)
        assert found is level
        assert said in what
    (folder / "state/alerts/unit-integriti.json").write_text("[]")
    assert "what is kept of it cannot be read" in looked(folder)[0][1]
    (folder / "rahsia").chmod(0o644)
    assert looked(folder)[0] == (
        Level.BAD,
        f"alert `unit-integriti`: others can read or change `webhook.secret_file`: {folder / 'rahsia'}",
    )
    alerting_rule(folder, "lain")
    assert looked(folder)[0][0] is Level.WARNING


def test_health_is_degraded_while_an_alert_reaches_nobody() -> None:
    def told(**alerts: AlertState) -> tuple[State, object]:
        view = View(datetime.now(UTC), (a_snapshot(),), {"gate-0": Backlog()}, alerts)
        whole, found = health(view)
        return whole, SimpleNamespace(**found).parts.get("alerts")  # type: ignore[attr-defined]

    assert told() == (State.GOOD, None)
    assert told(one=AlertState()) == (State.GOOD, {"state": State.GOOD, "failing": 0})
    whole, part = told(one=AlertState(), other=AlertState(failing=1.0, why="secret"))
    assert whole is State.DEGRADED
    assert "secret" not in str(part)
    assert part["failing"] == 1  # type: ignore[index]
