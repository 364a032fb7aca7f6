"""The approver's queue over the API: who sees what, who may answer, and what happens to the second of two answers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity
from console_builders import KEYS, PASSWORD, Office
from gerbang.approving import Queue
from gerbang.console.api.requests import BODY, Requests, add_requests
from gerbang.console.api.tokens import Entrance
from gerbang.console.app import create_app
from gerbang.console.looks import Look, write_down
from gerbang.console.policies import PastPolicies
from gerbang.console.users import Users
from gerbang.gate.asking import a_request
from gerbang.gate.shown import words_shown
from gerbang.model import Effect, Finding, Likelihood, Officer
from gerbang.record.event import asked_event, decision_event
from gerbang.record.number import decision_number
from gerbang.tokens import Right, Tokens
from journal_builders import entries

NUMBER = decision_number(b"1234567")
NOTE = "Ketua Jabatan telah membaca draf ini"
OFFICERS = {"siti": Officer("siti", "Siti", groups=frozenset({"ketua-jabatan"})), "farid": Officer("farid", "Farid")}


class Desk:
    """An office with one request in its queue, and tokens of several people."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder)
        self.moment = TUESDAY_MORNING
        self.users, self.tokens = Users(folder / "users.json", rounds=4), Tokens(folder)
        self.queue = Queue(folder / "feeds")
        self.shown: dict[str, str] = {}
        people = (("siti", "approver", None), ("farid", "approver", None), ("bos", "approver", AMINAH.id))
        for name, role, officer in (*people, ("nora", "auditor", None)):
            self.users.add(name, role, PASSWORD, TUESDAY_MORNING, officer)
            self.shown[name] = self.tokens.add(name, (Right.APPROVALS,), TUESDAY_MORNING, name)[1]
        self.shown["nobody"] = self.tokens.add("nobody", (Right.APPROVALS,), TUESDAY_MORNING)[1]
        self.shown["radius"] = self.tokens.add("radius", (Right.SESSIONS,), TUESDAY_MORNING, "siti")[1]

        def endpoints(app: FastAPI) -> None:
            desk = Requests(
                self.office.store,
                self.queue,
                lambda: OFFICERS,
                PastPolicies(self.office.store).wording,
                self.look,
                lambda event: self.office.journal.append(event).result(10),
                KEYS,
                lambda: self.moment,
            )
            add_requests(app, Entrance(self.tokens, self.users, lambda: 0.0, lambda: self.moment), desk)

        hosts = frozenset({"testserver"})
        app = create_app(self.office.store, self.users, self.look, hosts=hosts, endpoints=endpoints)
        self.client = TestClient(app, raise_server_exceptions=False)

    def look(self, look: Look) -> None:
        write_down(look, self.office.journal, self.moment, KEYS)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        return [line["body"] for line in entries(self.office.folder / "journal", kind)]

    def asks(self, **more: Any) -> None:
        match = a_match("trial/rule", Effect.APPROVE, approvers=more.pop("approvers", ()))
        finding = Finding("marks", "personal-data", Likelihood.LIKELY, 7, 13)
        activity = replace(an_activity("Notis: 012345 untuk awam"), audience="public")
        made = {"number": NUMBER, "matches": (match,), "activity": activity, "findings": (finding,)}
        waiting = a_decision(Effect.APPROVE, **made)
        self.office.journal.append(decision_event(waiting, "held", ["•••"], KEYS)).result(10)
        asked = a_request(waiting, self.moment, 3 * 86400, 3600)
        event = asked_event(waiting, asked.approvers, NOTE, words_shown(waiting), asked.expires, self.moment, KEYS)
        self.queue.ask(asked, lambda: self.office.journal.append(event).result(10))
        self.office.forwarder.once()

    def get(self, who: str = "siti", number: str = "") -> Any:
        path = f"/api/v1/requests/{number}" if number else "/api/v1/requests"
        return self.client.get(path, headers={"Authorization": f"Bearer {self.shown[who]}"})

    def post(self, what: str, who: str = "siti", note: object = "Boleh dihantar") -> Any:
        headers = {"Authorization": f"Bearer {self.shown[who]}"}
        return self.client.post(f"/api/v1/requests/{NUMBER}/{what}", headers=headers, json={"note": note})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.office.journal.close()
    made.office.store.close()


def test_an_approver_sees_who_asks_by_which_rule_and_the_words_that_may_be_kept(desk: Desk) -> None:
    desk.asks()
    (row,) = desk.get().json()["requests"]
    assert (row["number"], row["state"], row["officer"]["name"]) == (NUMBER, "asked", AMINAH.name)
    told = desk.get(number=NUMBER).json()
    assert told["words"] == ["Notis: •••••• untuk awam"]
    assert told["note"] == NOTE
    assert told["audience"] == "public"
    assert (told["rules"][0]["rule"], told["rules"][0]["clause"]) == ("trial/rule", "R3")
    assert told["account"]["id"] == "2001"
    looks = [(look["page"], look["number"], look["role"]) for look in desk.lines("looked")]
    assert looks == [("requests", None, "approver"), ("request", NUMBER, "approver")]


def test_a_grant_is_given_once_and_told_to_who_comes_second(desk: Desk) -> None:
    desk.asks()
    answer = desk.post("grant")
    assert answer.status_code == 200
    assert answer.json()["until"] == (TUESDAY_MORNING + timedelta(hours=1)).isoformat()
    second = desk.post("refuse", "farid")
    assert (second.status_code, second.json()["why"]) == (409, "answered")
    assert "granted already" in second.json()["detail"]
    assert desk.post("grant").status_code == 409
    desk.office.forwarder.once()
    told = desk.get(number=NUMBER).json()
    assert (told["state"], told["answer"]["by"], told["answer"]["note"]) == ("granted", "siti", "Boleh dihantar")
    assert [line["answer"] for line in desk.lines("answered")] == ["granted"]


@pytest.mark.parametrize(("what", "state"), [("refuse", "refused"), ("changes", "changes")])
def test_a_refusal_and_wanted_changes_say_why(desk: Desk, what: str, state: str) -> None:
    desk.asks()
    for note in ("", "ya", "." * 40, "a" * 1001):
        assert desk.post(what, note=note).status_code == 422
    assert desk.post(what, note="Buang nombor itu\x00\x1b[31m dahulu").status_code == 200
    settled = desk.queue.all()[NUMBER]
    assert settled.answer == state
    assert not any(letter in settled.note for letter in "\x00\x1b")


def test_nobody_answers_or_sees_their_own(desk: Desk) -> None:
    desk.asks()
    assert desk.get("bos").json() == {"requests": []}
    assert desk.get("bos", NUMBER).status_code == 404
    assert desk.post("grant", "bos").json()["why"] == "own"
    assert desk.queue.all()[NUMBER].answer is None


def test_a_rule_may_name_who_grants_it(desk: Desk) -> None:
    desk.asks(approvers=("group:ketua-jabatan",))
    assert desk.get("farid").json() == {"requests": []}
    assert desk.post("grant", "farid").json()["why"] == "not-yours"
    assert desk.post("grant").status_code == 200


@pytest.mark.parametrize("who", ["nora", "nobody", "radius"])
def test_only_an_approvers_token_for_it_is_taken(desk: Desk, who: str) -> None:
    desk.asks()
    for answer in (desk.get(who), desk.get(who, NUMBER), desk.post("grant", who)):
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert AMINAH.name not in answer.text
    assert desk.queue.all()[NUMBER].answer is None


def test_without_a_token_nothing_is_told(desk: Desk) -> None:
    desk.asks()
    assert desk.client.get("/api/v1/requests").status_code == 401
    assert desk.client.post(f"/api/v1/requests/{NUMBER}/grant").status_code == 401


def test_a_request_that_has_expired_is_not_granted(desk: Desk) -> None:
    desk.asks()
    desk.moment += timedelta(days=3)
    assert desk.get().json()["requests"][0]["state"] == "expired"
    assert desk.post("grant").json()["why"] == "expired"


@pytest.mark.parametrize(
    "path", [f"{NUMBER}/approve", "nonsense/grant", f"{decision_number(b'7654321')}/grant", "..%2f..%2f/grant"]
)
def test_what_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    desk.asks()
    headers = {"Authorization": f"Bearer {desk.shown['siti']}"}
    assert desk.client.post(f"/api/v1/requests/{path}", headers=headers, json={}).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"note": 3}', "application/json", 422),
        (b'{"note": "a", "officer": "b"}', "application/json", 422),
        (b"note=a", "application/x-www-form-urlencoded", 415),
        (b" " * (BODY + 1), "application/json", 413),
    ],
)
def test_a_body_that_will_not_do_answers_nothing(desk: Desk, body: bytes, kind: str, status: int) -> None:
    desk.asks()
    headers = {"Authorization": f"Bearer {desk.shown['siti']}", "Content-Type": kind}
    answer = desk.client.post(f"/api/v1/requests/{NUMBER}/grant", headers=headers, content=body)
    assert answer.status_code == status
    assert json.loads(answer.content)["status"] == status
    assert desk.queue.all()[NUMBER].answer is None


def test_an_approvers_account_has_no_pages(desk: Desk) -> None:
    csrf = desk.client.get("/sign-in").cookies["gerbang-guest"]
    sent = {"name": "siti", "password": PASSWORD, "csrf": csrf}
    answer = desk.client.post("/sign-in?lang=en", data=sent, follow_redirects=False)
    assert answer.status_code == 403
    assert "no pages here" in answer.text


def test_the_decision_s_page_says_what_was_asked_and_answered(desk: Desk) -> None:
    desk.asks()
    desk.post("changes", note="Buang nombor telefon itu")
    desk.office.forwarder.once()
    desk.office.sign_in("nora", client=desk.client)
    page = desk.client.get(f"/decisions/{NUMBER}?lang=en").text
    assert "an approver was asked on" in page
    assert NOTE in page
    assert "changes wanted: by siti on" in page
    assert "Buang nombor telefon itu" in page
