"""An officer asks on the decision's page, sees where it stands, and posts again; nobody else can."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity, an_actor
from gate.test_own_host import KEYS, NUMBER, OTHER, Host, header
from gate_builders import (
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
    world_of,
)
from gerbang.approving import Approver, Asked, Queue, TooMany
from gerbang.feeds import News
from gerbang.gate.asking import RequestBook, a_request
from gerbang.gate.releases import ReleaseBook
from gerbang.gate.shown import WORDS, words_shown
from gerbang.model import Decision, Effect, Evidence, Finding, Likelihood, Release, Text
from gerbang.pipeline import World
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.record.event import Event, asked_event
from gerbang.record.number import decision_number
from gerbang.settings import Settings
from waiting import until

SITI = Approver("siti", "siti")
NOTE = {"note": "Ketua Jabatan telah membaca draf ini"}
WORD = Finding("marks", "personal-data", Likelihood.LIKELY, 7, 13)


class Desk(Host):
    """The own host with an approvers' queue behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: list[Asked] = []
        self.full = False
        self.given = ReleaseBook()
        self.requests = RequestBook(self.given, self.decisions, lambda: self.moment)
        self.state = replace(self.state, requests=self.requests, ask=self.put)

    async def put(self, asked: Asked, event: Event) -> Asked:
        if self.full:
            raise TooMany("too many")
        await self.books.append(event)
        self.queue.append(asked)
        return asked

    def answer(self, answer: str, note: str = "", number: str = NUMBER, **more: Any) -> None:
        line = {"what": "answered", "number": number, "answer": answer, "note": note}
        line["moment"] = self.moment.isoformat()
        if answer == "granted":
            line |= {"release": "ab12", "until": (self.moment + timedelta(hours=1)).isoformat()}
        self.requests.take(News(False, [line | more]))

    def page(self, language: str = "en", **more: Any) -> str:
        return self.ask(f"/d/{NUMBER}?lang={language}", **more).body.decode()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def a_wait(*, rules: Mapping[str, tuple[str, ...]] | None = None, **more: Any) -> Decision:
    matches = tuple(
        a_match(rule, Effect.APPROVE, approvers=approvers)
        for rule, approvers in (rules or {"trial/official": ()}).items()
    )
    activity = an_activity("Notis: 012345 untuk awam")
    made = a_decision(Effect.APPROVE, number=NUMBER, matches=matches, activity=activity, findings=(WORD,))
    return replace(made, **more)


# ---------------------------------------------------------------- asking


def test_it_is_asked_with_a_note_and_what_the_approver_will_read(desk: Desk) -> None:
    desk.remember(a_wait(rules={"trial/b": ("siti",), "trial/a": ()}))
    page = desk.page()
    assert "Ask for approval" in page
    assert "Notis: •••••• untuk awam" in page
    assert "012345" not in page
    reply = desk.send(f"/d/{NUMBER}/ask", NOTE)
    assert (reply.status, header(reply, "Location")) == (303, f"/d/{NUMBER}?lang=ms")
    (asked,) = desk.queue
    assert (asked.officer, asked.rules, asked.approvers) == (AMINAH.id, ("trial/a", "trial/b"), ((), ("siti",)))
    assert asked.expires == TUESDAY_MORNING + timedelta(days=3)
    assert asked.lasts == 8 * 3600
    (event,) = desk.books.events
    assert event.kind == "asked"
    assert event.sidecar["note"][1] == NOTE["note"]
    assert event.sidecar["words"][1] == ["Notis: •••••• untuk awam"]
    chained = json.dumps(event.body)
    assert "Ketua" not in chained
    assert "Notis" not in chained
    assert AMINAH.name not in chained


def test_a_grant_lasts_as_long_as_the_shortest_of_its_rules(desk: Desk) -> None:
    matches = tuple(a_match(f"trial/{n}", Effect.APPROVE, release_for=n) for n in (7200, 1800))
    desk.remember(a_wait(matches=matches))
    desk.send(f"/d/{NUMBER}/ask", NOTE)
    assert desk.queue[0].lasts == 1800


STATES = [
    ("granted", "Approved?", ("diluluskan", "approved"), "Hantar kandungan yang sama", "Send the same content"),
    ("refused", "Bukan untuk awam", ("tidak diluluskan", "not approved"), "Ia tidak dihantar", "It was not sent"),
    ("changes", "Buang nombor itu", ("perubahan diminta", "changes wanted"), "Ubah kandungannya", "Change the content"),
]


@pytest.mark.parametrize(("answer", "note", "tag", "malay", "english"), STATES)
def test_the_answer_is_seen_on_the_page_and_under_mine(
    desk: Desk, answer: str, note: str, tag: tuple[str, str], malay: str, english: str
) -> None:
    desk.remember(a_wait())
    desk.send(f"/d/{NUMBER}/ask", NOTE)
    assert "waits for an approver" in desk.page()
    assert "waiting for an approver" in desk.ask("/mine?lang=en").body.decode()
    assert "Ask for approval" not in desk.page()
    desk.answer(answer, note)
    for language, words, told in zip(("ms", "en"), (malay, english), tag, strict=True):
        page = desk.page(language)
        assert words in page
        assert note in page
        assert told in desk.ask(f"/mine?lang={language}").body.decode()


def test_a_request_that_nobody_answered_has_expired(desk: Desk) -> None:
    desk.remember(a_wait())
    desk.send(f"/d/{NUMBER}/ask", NOTE)
    desk.moment += timedelta(days=3)
    assert "Nobody answered" in desk.page()
    assert "tamat" in desk.ask("/mine?lang=ms").body.decode()


def test_where_the_decision_is_gone_the_request_still_tells(desk: Desk) -> None:
    decision = a_wait()
    desk.remember(decision)
    desk.send(f"/d/{NUMBER}/ask", NOTE)
    desk.answer("refused", "Bukan untuk awam")
    desk.decisions._remove(NUMBER)
    assert "Bukan untuk awam" in desk.page()
    assert NUMBER in desk.ask("/mine").body.decode()
    assert desk.ask(f"/d/{NUMBER}", an_actor(OTHER)).status == 404
    assert NUMBER not in desk.ask("/mine", an_actor(OTHER)).body.decode()
    assert desk.ask(f"/d/{NUMBER}", an_actor(None)).status == 404


def test_the_same_content_again_shows_the_request_that_waits(desk: Desk) -> None:
    desk.remember(a_wait())
    desk.send(f"/d/{NUMBER}/ask", NOTE)
    again = decision_number(b"7654321")
    desk.remember(a_wait(number=again))
    page = desk.ask(f"/d/{again}?lang=en").body.decode()
    assert "You asked about the same content" in page
    assert NUMBER in page
    desk.send(f"/d/{again}/ask", NOTE)
    assert len(desk.queue) == 1
    changed = decision_number(b"7654322")
    desk.remember(a_wait(number=changed, digest="1" * 64))
    assert "Ask for approval" in desk.ask(f"/d/{changed}?lang=en").body.decode()


# ---------------------------------------------------------------- who must not


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_forged_form_asks_for_nothing(desk: Desk, token: str) -> None:
    desk.remember(a_wait())
    assert desk.send(f"/d/{NUMBER}/ask", NOTE, token=token).status == 403
    assert desk.queue == []


def test_another_sites_form_asks_for_nothing(desk: Desk) -> None:
    desk.remember(a_wait())
    assert desk.send(f"/d/{NUMBER}/ask", NOTE, Origin="http://evil.example").status == 403
    assert desk.queue == []


def test_another_officers_number_asks_for_nothing(desk: Desk) -> None:
    desk.remember(a_wait())
    assert desk.send(f"/d/{NUMBER}/ask", NOTE, an_actor(OTHER)).status == 403
    assert desk.queue == []


def test_an_unknown_officer_never_asks(desk: Desk) -> None:
    unknown = an_actor(None)
    desk.remember(a_wait(actor=unknown))
    opened = desk.ask(f"/d/{NUMBER}?k=1&lang=en", unknown)
    cookie = (header(opened, "Set-Cookie") or "").partition(";")[0]
    assert b"signed in at the proxy" in opened.body
    assert desk.send(f"/d/{NUMBER}/ask", NOTE, unknown, Cookie=cookie).status == 403
    assert desk.queue == []


@pytest.mark.parametrize("effect", [Effect.BLOCK, Effect.COACH])
def test_only_what_waits_for_an_approver_can_be_asked_for(desk: Desk, effect: Effect) -> None:
    desk.remember(a_decision(effect, number=NUMBER))
    assert desk.send(f"/d/{NUMBER}/ask", NOTE).status == 409
    assert desk.queue == []


@pytest.mark.parametrize("note", ["", "ya", "." * 50, "a" * 1001])
def test_a_note_that_says_nothing_or_too_much_is_asked_again(desk: Desk, note: str) -> None:
    desk.remember(a_wait())
    reply = desk.send(f"/d/{NUMBER}/ask", {"note": note})
    assert reply.status == 422
    assert b'aria-invalid="true"' in reply.body
    assert desk.queue == []


def test_a_note_is_text_and_nothing_else(desk: Desk) -> None:
    desk.remember(a_wait())
    hostile = "<script>alert(1)</script>\x00\x1b[31m\u202e tolong luluskan"
    desk.send(f"/d/{NUMBER}/ask", {"note": hostile})
    written = str(desk.books.events[0].sidecar["note"][1])
    assert not any(letter in written for letter in "\x00\x1b\u202e")
    desk.answer("refused", "<img src=x onerror=alert(1)> tidak")
    page = desk.page()
    assert "<img" not in page
    assert "&lt;img" in page


def test_too_many_are_told_so(desk: Desk) -> None:
    desk.remember(a_wait())
    desk.full = True
    reply = desk.send(f"/d/{NUMBER}/ask?lang=en", NOTE)
    assert reply.status == 429
    assert b"Too many requests" in reply.body


def test_what_cannot_be_recorded_is_not_asked(desk: Desk) -> None:
    desk.remember(a_wait())
    desk.books.broken = OSError(28, "No space left on device")
    assert desk.send(f"/d/{NUMBER}/ask", NOTE).status == 503
    desk.books.broken = None
    assert "Ask for approval" in desk.page()


# ---------------------------------------------------------------- what an approver reads


@pytest.mark.parametrize(
    ("evidence", "finding", "words", "why"),
    [
        (Evidence.MASKED, "personal-data", ("Notis: •••••• untuk awam",), None),
        (Evidence.SEALED, "personal-data", ("Notis: •••••• untuk awam",), None),
        (Evidence.NONE, "personal-data", (), "evidence"),
        (Evidence.MASKED, "official-information", (), "official"),
        (Evidence.SEALED, "official-information", (), "official"),
    ],
)
def test_an_approver_reads_as_much_as_the_rules_allow_and_no_secret(
    evidence: Evidence, finding: str, words: tuple[str, ...], why: str | None
) -> None:
    match = a_match("trial/official", Effect.APPROVE, evidence=evidence)
    shown = words_shown(a_wait(matches=(match,), findings=(replace(WORD, category=finding),)))
    assert (shown.words, shown.why) == (words, why)


def test_what_goes_on_is_said_to_go_on() -> None:
    activity = replace(an_activity(), texts=(Text("a", "x" * (WORDS - 1)), Text("b", "yz"), Text("c", "w")))
    shown = words_shown(a_wait(activity=activity, findings=()))
    assert shown.cut
    assert sum(map(len, shown.words)) == WORDS
    assert not words_shown(a_wait(findings=())).cut


def test_of_what_came_before_a_start_no_words_are_left(desk: Desk) -> None:
    desk.remember(a_wait())
    found = desk.decisions._all[NUMBER]
    found.shown, found.restored = None, True
    assert "The gate was started again" in desk.page()


# ---------------------------------------------------------------- a real gate

POLICY = """
policy: trial
title: {ms: Dasar cubaan, en: Trial policy}
clauses:
  R5: {text: {ms: Perlu kelulusan, en: Needs approval}}
rules:
  - id: official
    title: {ms: Hantaran rasmi, en: An official post}
    clause: R5
    when: {activity: publishing}
    effect: approve
"""


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com"])


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    server = Upstream(server_context(trust, "x.com", tmp_path), b"{}")
    yield server
    server.close()


def settings_for(folder: Path, platform: Upstream, trust: Trust, **sections: Any) -> Settings:
    hosts = {"x.com": f"127.0.0.1:{platform.address[1]}"}
    gate = {"upstream": {"hosts": hosts, "trusted_ca": trust.file}}
    return office_settings(folder, gate=gate, **sections)


def a_world(settings: Any) -> World:
    return replace(world_of(settings), policy=compile_policy([parse_policy(POLICY, "trial.yaml")]))


def tweeted(gate: RunningGate, words: str) -> tuple[dict[str, Any], bytes]:
    before = len(gate.decisions())
    with gate.tls() as post:
        post.sendall(a_tweet(words))
        answer = receive(post)
    return gate.decisions()[before], answer


def asked_of(gate: RunningGate, number: str) -> Queue:
    """The request on a decision, as the officer's page puts it."""
    found = gate.gate.decisions.find(number, an_actor())
    assert found is not None
    asked = a_request(found.decision, gate.clock(), 3600, 3600)
    shown = found.shown or words_shown(found.decision)
    event = asked_event(found.decision, asked.approvers, NOTE["note"], shown, asked.expires, gate.clock(), KEYS)
    gate.loop.call(gate.gate._ask(asked, event))
    return Queue(gate.settings.feeds_folder)


def named(gate: RunningGate) -> None:
    actor = gate.gate.admission._actor
    gate.gate.admission._actor = lambda *given: replace(actor(*given), officer=AMINAH)  # type: ignore[method-assign]


def grant(gate: RunningGate, number: str) -> None:
    queue = Queue(gate.settings.feeds_folder)
    queue.answer(
        number, "granted", SITI, "", gate.clock(), "api", lambda event: gate.journal.append(event).result(10), KEYS
    )
    until(lambda: (found := gate.gate.requests.find(number, AMINAH.id)) is not None and found.release is not None)


def test_a_grant_lets_that_act_through_once_and_no_other(tmp_path: Path, platform: Upstream, trust: Trust) -> None:
    settings = settings_for(tmp_path, platform, trust)
    with a_gate(settings, trust, world=a_world(settings)) as gate:
        named(gate)
        held, answer = tweeted(gate, "Pengumuman rasmi jabatan")
        assert (held["effect"], held["done"]) == ("approve", "held")
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200"))
        asked_of(gate, held["number"])
        assert tweeted(gate, "Pengumuman rasmi jabatan")[0]["done"] == "held"
        grant(gate, held["number"])
        assert tweeted(gate, "Pengumuman lain sama sekali")[0]["done"] == "held"
        sent, _ = tweeted(gate, "Pengumuman rasmi jabatan")
        assert sent["done"] == "forwarded"
        assert sent["matches"][0]["released_by"] == gate.gate.requests.find(held["number"], AMINAH.id).release  # type: ignore[union-attr]
        assert tweeted(gate, "Pengumuman rasmi jabatan")[0]["done"] == "held", "it is good once"
        # The feed read whole anew, as after a compaction, gives nothing twice.
        Queue(settings.feeds_folder).feed.compact(lambda _: True)
        until(lambda: len(gate.gate.requests) == 1)
        assert tweeted(gate, "Pengumuman rasmi jabatan")[0]["done"] == "held"


def test_a_grant_that_has_ended_lets_nothing_through(tmp_path: Path, platform: Upstream, trust: Trust) -> None:
    settings = settings_for(tmp_path, platform, trust)
    with a_gate(settings, trust, world=a_world(settings)) as gate:
        named(gate)
        held, _ = tweeted(gate, "Pengumuman rasmi jabatan")
        asked_of(gate, held["number"])
        release = Release("ab", frozenset({"trial/official"}), "x", gate.clock(), AMINAH.id, granted=True)
        gate.gate.releases.add(release)
        assert tweeted(gate, "Pengumuman rasmi jabatan")[0]["done"] == "held"


def test_a_confirmation_is_no_grant(tmp_path: Path, platform: Upstream, trust: Trust) -> None:
    """A rule may have been changed from `coach` to `approve` since."""
    settings = settings_for(tmp_path, platform, trust)
    with a_gate(settings, trust, world=a_world(settings)) as gate:
        named(gate)
        later = gate.clock() + timedelta(hours=1)
        gate.gate.releases.add(Release("ab", frozenset({"trial/official"}), "x", later, AMINAH.id))
        assert tweeted(gate, "Pengumuman rasmi jabatan")[0]["done"] == "held"
        gate.gate.releases.add(Release("cd", frozenset({"trial/official"}), "x", later, AMINAH.id, granted=True))
        assert tweeted(gate, "Pengumuman rasmi jabatan")[0]["done"] == "forwarded"
