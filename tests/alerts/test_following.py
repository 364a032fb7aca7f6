"""The journal followed: what is sent, once and in turn, across restarts, stops and receivers that are away."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alert_receivers import a_hook
from builders import TUESDAY_MORNING, a_decision, a_match
from gerbang import serving
from gerbang.activations import Activations
from gerbang.alerts import following
from gerbang.alerts.following import MOST_TRIES, OLD, Follower, run_alerts
from gerbang.alerts.state import AlertState, read_state
from gerbang.alerts.telling import Message
from gerbang.errors import AlertError
from gerbang.journal.writer import Journal
from gerbang.model import Mode
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.record.event import decision_event
from gerbang.settings import AlertSettings, Settings
from journal_builders import KEYS, Clock, a_journal
from waiting import until

POLICY = """\
policy: trial
title: {ms: Dasar, en: Policy}
clauses:
  R3: {text: {ms: Teks, en: Text}}
rules:
  - {id: rule, title: {ms: Satu, en: One}, clause: R3, when: {activity: post}, effect: block, alert: unit, final: true}
  - {id: other, title: {ms: Dua, en: Two}, clause: R3, when: {activity: comment}, effect: block}
"""
DIGEST = compile_policy([parse_policy(POLICY, "trial.yaml")]).digest


def settings(folder: Path, *, url: str = "http://127.0.0.1:9/x", **more: Any) -> Settings:
    secret = folder / "rahsia"
    secret.write_text("0123456789abcdef\n")
    secret.chmod(0o600)
    alert = {"name": "unit", "webhook": {"url": url, "secret_file": secret}, "language": "en"}
    found = Settings.model_validate({"state": folder / "state", "alerts": [alert | more]})
    Activations(found.state).keep(DIGEST, {"trial": POLICY})
    return found


class Office:
    """A journal that a test writes, and a follower of it whose messages are kept."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.settings = settings(folder, **more)
        self.clock = Clock()
        self.journal = a_journal(self.settings.journal_folder, clock=self.clock)
        self.sent: list[Message] = []
        self.failures = 0
        self.stop = threading.Event()
        self.follower = self.again()

    def again(self) -> Follower:
        self.follower = Follower(self.settings.alerts[0], self.settings, self.clock, self.stop, self.send)
        return self.follower

    def send(self, _: AlertSettings, message: Message, __: float) -> None:
        if self.failures:
            self.failures -= 1
            raise AlertError("the webhook at `amaran.contoh.my` answers 500")
        self.sent.append(message)

    def write(self, *numbers: str, rule: str = "trial/rule", moment: datetime | None = None, **match: Any) -> None:
        write(self.journal, *numbers, moment=moment or self.clock.now, rule=rule, **match)

    @property
    def state(self) -> AlertState:
        found = read_state(self.settings.alerts_folder, "unit")
        assert found is not None
        return found

    def told(self) -> list[str]:
        return [str(message.data.get("decision", message.data.get("count"))) for message in self.sent]


def write(journal: Journal, *numbers: str, moment: datetime, rule: str = "trial/rule", **match: Any) -> None:
    for number in numbers:
        decision = a_decision(number=number, moment=moment, matches=(a_match(rule, **match),))
        decision = replace(decision, basis=replace(decision.basis, policy=DIGEST))
        journal.append(decision_event(decision, "answered", [], KEYS)).result()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path, at_most="3/hour")
    yield made
    made.journal.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.002)


def test_a_rule_that_names_the_alert_is_told_once(office: Office) -> None:
    office.write("A", "B")
    office.write("C", rule="trial/other")
    office.write("D", mode=Mode.OBSERVE)
    office.follower.once()
    office.follower.once()
    assert office.told() == ["A", "B", "D"]
    assert office.sent[0].data["rules"][0]["title"] == "One"  # type: ignore[index,call-overload]
    assert (office.state.sent, office.state.failed) == (3, 0)


def test_a_rule_that_the_settings_name_is_told_too(tmp_path: Path) -> None:
    office = Office(tmp_path, rules=["trial/oth*"])
    office.write("A", rule="trial/other")
    office.write("B", rule="elsewhere/other")
    office.follower.once()
    assert office.told() == ["A"]
    office.journal.close()


def test_a_policy_that_is_not_kept_takes_no_alert_of_the_settings_away(tmp_path: Path) -> None:
    office = Office(tmp_path, rules=["trial/*"])
    for file in (office.settings.state / "policies" / DIGEST).iterdir():
        file.unlink()
    office.write("A")
    office.follower.once()
    assert office.told() == ["A"]
    assert office.sent[0].data["rules"][0]["title"] is None  # type: ignore[index,call-overload]
    office.journal.close()


def test_a_new_alert_begins_with_what_comes(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    clock = Clock()
    journal = a_journal(chosen.journal_folder, clock=clock)
    write(journal, "A", moment=clock.now)
    sent: list[Message] = []
    follower = Follower(chosen.alerts[0], chosen, clock, threading.Event(), lambda _, message, __: sent.append(message))
    write(journal, "B", moment=clock.now)
    follower.once()
    assert [message.data["decision"] for message in sent] == ["B"]
    journal.close()


def test_the_next_process_goes_on_where_the_last_one_stood(office: Office) -> None:
    office.write("A")
    office.follower.once()
    office.write("B")
    office.again().once()
    assert office.told() == ["A", "B"]


def test_a_kept_position_that_is_damaged_begins_anew(office: Office) -> None:
    office.write("A")
    (office.settings.alerts_folder / "unit.json").write_text("{")
    office.again().once()
    office.write("B")
    office.follower.once()
    assert office.told() == ["B"]


def test_more_than_the_pace_are_one_summary(office: Office) -> None:
    office.write(*"ABCDEFG")
    office.follower.once()
    assert office.told() == ["A", "B", "C"]
    office.clock.pass_by(minutes=59)
    office.follower.once()
    assert len(office.sent) == 3
    office.again()  # what was counted outlives the process
    office.clock.pass_by(minutes=2)
    office.follower.once()
    office.follower.once()
    assert office.told() == ["A", "B", "C", "4"]
    summary = office.sent[-1]
    assert (
        "4 more decisions were not told one by one, since this alert is limited to 3 messages an hour." in summary.text
    )
    assert "4 × trial/rule" in summary.text
    office.write(*"HIJ")
    office.follower.once()
    assert office.told()[4:] == ["H", "I"], "the summary counts as a message"
    assert (office.state.summarised, office.state.held.count) == (4, 1)


def test_a_clock_that_goes_back_does_not_silence_an_alert(office: Office) -> None:
    office.write(*"ABCD")
    office.follower.once()
    office.clock.set_to(TUESDAY_MORNING - timedelta(hours=2))
    office.follower.once()
    assert office.told() == ["A", "B", "C", "1"]


def test_what_is_older_than_a_day_is_one_summary(office: Office) -> None:
    office.write("A", "B")
    office.clock.pass_by(seconds=OLD + 1)
    office.write("C")
    office.again().once()
    assert office.told() == ["C", "2"]
    assert "2 decisions were made more than a day before" in office.sent[-1].text
    office.follower.once()
    assert len(office.sent) == 2


def test_a_decision_of_a_day_is_still_told_by_itself(office: Office) -> None:
    office.write("A")
    office.clock.pass_by(seconds=OLD)
    office.follower.once()
    assert office.told() == ["A"]


def test_a_receiver_that_comes_back_misses_nothing(office: Office) -> None:
    office.failures = MOST_TRIES - 1
    office.write("A", "B")
    office.follower.once()
    assert office.told() == ["A", "B"]
    assert (office.state.failed, office.state.failing, office.state.why) == (0, None, None)


def test_what_was_tried_often_enough_counts_as_failed_and_the_next_is_tried(office: Office) -> None:
    office.failures = MOST_TRIES
    office.write("A", "B")
    office.follower.once()
    assert office.told() == ["B"]
    assert (office.state.sent, office.state.failed) == (1, 1)


def test_a_failure_is_kept_for_others_to_say(office: Office) -> None:
    office.failures = 2 * MOST_TRIES
    office.write("A", "B")
    office.follower.once()
    assert office.state.failed == 2
    assert office.state.failing == TUESDAY_MORNING.timestamp()
    assert office.state.why == "the webhook at `amaran.contoh.my` answers 500"


def test_who_is_stopped_while_trying_leaves_the_message_to_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 60.0)
    office.failures = 1
    office.write("A")
    thread = threading.Thread(target=office.follower.run)
    thread.start()
    until(lambda: office.state.failing is not None)
    office.stop.set()
    thread.join()
    assert not office.sent
    office.stop.clear()
    office.again().once()
    assert office.told() == ["A"]


def test_a_fault_over_one_decision_keeps_no_other_waiting(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told = following.of_decision

    def faulty(alert: str, body: Any, *more: Any) -> Message:
        if body["number"] == "A":
            raise ZeroDivisionError
        return told(alert, body, *more)

    monkeypatch.setattr(following, "of_decision", faulty)
    office.write("A", "B")
    office.follower.once()
    assert office.told() == ["B"]
    assert office.state.failed == 1


def test_what_is_kept_is_for_its_owner_alone_and_names_nobody(office: Office) -> None:
    office.write("A")
    office.follower.once()
    file = office.settings.alerts_folder / "unit.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert office.settings.alerts_folder.stat().st_mode & 0o777 == 0o700
    assert "0123456789abcdef" not in file.read_text()


def test_an_alert_that_was_taken_out_begins_anew_when_it_comes_again(office: Office) -> None:
    stop = threading.Event()
    stop.set()
    run_alerts(office.settings.model_copy(update={"alerts": ()}), office.clock, stop)
    assert not (office.settings.alerts_folder / "unit.json").exists()


def test_a_broken_line_keeps_no_alert_waiting(office: Office) -> None:
    office.write("A")
    office.journal.close()
    (file,) = office.settings.journal_folder.glob("*/*.jsonl")
    with file.open("ab") as opened:
        opened.write(b'{"broken"\n')
    whole = next(line for line in file.read_bytes().splitlines(keepends=True) if b'"decision"' in line)
    with file.open("ab") as opened:
        opened.write(whole)
    office.follower.once()
    assert office.told() == ["A", "A"]


# ---------------------------------------------------------------- as a process


@contextmanager
def a_process(chosen: Settings) -> Iterator[serving.Part]:
    """The alerts' process, at work; nothing but a kill may have ended it before."""
    with serving.in_process("alerts", chosen) as part:
        until(lambda: read_state(chosen.alerts_folder, "unit"))
        yield part


def a_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def test_down_and_up_and_killed_in_the_middle(tmp_path: Path) -> None:
    port = a_port()
    chosen = settings(tmp_path, url=f"http://127.0.0.1:{port}/x")
    journal = a_journal(chosen.journal_folder)
    write(journal, "A", moment=datetime.now(UTC))  # before there was an alert
    met, over = threading.Event(), threading.Event()

    def never_answers(_: socket.socket) -> None:
        met.set()
        over.wait(30)

    with a_process(chosen) as part:
        write(journal, "B", moment=datetime.now(UTC))
        until(lambda: (state := read_state(chosen.alerts_folder, "unit")) and state.failing)
        with a_hook(port=port, hostile=never_answers) as hook:
            until(met.is_set)
            assert part.process.pid is not None
            os.kill(part.process.pid, signal.SIGKILL)
            part.process.join()
            over.set()
            (first,) = hook.taken
    write(journal, "C", moment=datetime.now(UTC))
    with a_hook(port=port) as hook, a_process(chosen):
        until(lambda: len(hook.taken) == 2)
        until(lambda: (state := read_state(chosen.alerts_folder, "unit")) and state.sent == 2)
        assert [json.loads(body)["decision"] for _, body in hook.taken] == ["B", "C"]
        assert hook.taken[0][0]["x-gerbang-id"] == first[0]["x-gerbang-id"]
    journal.close()


def test_the_process_is_there_where_an_alert_is_and_holds_no_other_secret(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    assert "alerts" in serving.wanted(chosen)
    assert "alerts" not in serving.wanted(Settings())
    assert set(serving.ENDING) == set(serving.PARTS)
    token = "sebuah-rahsia-yang-panjang"
    whole = Settings.model_validate(
        {
            "console": {"metrics_token": token},
            "database": {"url": f"postgresql://g:{token}@db/x"},
            "downstream": [{"networks": ["10.1.0.4"], "secret": token}],
        }
    )
    assert token in whole.model_dump_json()
    assert token not in serving.without_secrets(whole).model_dump_json()
