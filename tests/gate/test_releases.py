"""Releases: bound, bounded, used once, and found again after a restart."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis.strategies import integers, lists

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity, an_actor
from gerbang.gate.decisions import OWN_LIMIT, DecisionBook
from gerbang.gate.releases import ReleaseBook
from gerbang.gate.remembering import Recent, recent
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.model import Effect, Finding, Kind, Likelihood, Release
from gerbang.record.event import RecordKeys, decision_event, objection_event, release_event
from gerbang.record.number import decision_number

FINDING = Finding("party-names", "political", Likelihood.LIKELY, 0, 4)
SOON = TUESDAY_MORNING + timedelta(minutes=10)


def a_release(number: str = "r1", **more: object) -> Release:
    release = Release(number, frozenset({"trial/rule"}), "x", SOON, officer=AMINAH.id, kind=Kind.POST, digest="0" * 64)
    return replace(release, **more)  # type: ignore[arg-type]


def resting_on(number: str) -> object:
    return a_decision(Effect.COACH, matches=(a_match(effect=Effect.COACH, released_by=number),))


def test_a_release_is_its_officers_and_ends() -> None:
    book = ReleaseBook()
    book.add(a_release())
    assert [release.id for release in book.of(an_actor(), TUESDAY_MORNING)] == ["r1"]
    assert book.of(an_actor(replace(AMINAH, id="P-1002")), TUESDAY_MORNING) == ()
    assert book.of(an_actor(None), TUESDAY_MORNING) == ()
    assert book.of(an_actor(), SOON) == ()
    assert len(book) == 0


def test_an_unknown_officers_release_is_the_clients() -> None:
    """The cookie by which it was given does not come with a platform's request: the address binds it, no other's."""
    book = ReleaseBook()
    release = a_release(officer=None, client="10.1.2.3")
    book.add(release)
    assert book.of(an_actor(None), TUESDAY_MORNING) == (release,)
    assert book.of(an_actor(), TUESDAY_MORNING) == ()
    assert book.of(an_actor(None, client="10.1.2.4"), TUESDAY_MORNING) == ()


def test_two_requests_cannot_use_one_release() -> None:
    book = ReleaseBook()
    book.add(a_release())
    first, second = resting_on("r1"), resting_on("r1")
    assert book.claim(first)  # type: ignore[arg-type]
    assert not book.claim(second)  # type: ignore[arg-type]
    assert book.of(an_actor(), TUESDAY_MORNING) == ()
    book.give_back(first)  # type: ignore[arg-type]
    assert book.claim(second)  # type: ignore[arg-type]
    book.spend(second)  # type: ignore[arg-type]
    assert len(book) == 0


def test_a_release_for_visits_is_not_used_up() -> None:
    book = ReleaseBook()
    book.add(a_release(single_use=False))
    for _ in range(3):
        assert book.claim(resting_on("r1"))  # type: ignore[arg-type]
        book.spend(resting_on("r1"))  # type: ignore[arg-type]
    assert len(book) == 1


@given(lists(integers(0, 5), max_size=60))
def test_the_book_is_bounded_for_all_and_for_each(owners: list[int]) -> None:
    book = ReleaseBook(limit=20, own_limit=4)
    for number, owner in enumerate(owners):
        book.add(a_release(f"r{number}", officer=f"P-{owner}"))
    assert len(book) <= 20
    for owner in range(6):
        held = book.of(an_actor(replace(AMINAH, id=f"P-{owner}")), TUESDAY_MORNING)
        assert len(held) <= 4
        wanted = [f"r{number}" for number, one in enumerate(owners) if one == owner][-4:]
        assert [release.id for release in held] == wanted[len(wanted) - len(held) :]


def test_a_gate_that_starts_again_knows_what_runs_and_what_was_used(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "keys")
    record = RecordKeys.made_of(keys.record, os.urandom)
    journal = Journal(tmp_path / "journal", "gate", 0, seal_key=keys.seal)
    releases = [
        a_release("0000000000000001", answers={"official-purpose": "mesyuarat"}),
        a_release("0000000000000002", account="2001"),
        a_release("0000000000000003", expires=TUESDAY_MORNING),
        a_release("0000000000000004", officer=None, client="10.1.2.3"),
        a_release("0000000000000005", officer="P-gone"),
        a_release("0000000000000006", kind=Kind.VIEW, digest=None, account=None, single_use=False),
    ]
    events = [release_event(release, "K7Q4-M2XP", TUESDAY_MORNING, record) for release in releases]
    used = a_decision(Effect.ALLOW, matches=(a_match(effect=Effect.COACH, released_by="0000000000000002"),))
    events.append(decision_event(used, "forwarded", (), record))
    for event in events:
        journal.append(event).result(10)
    journal.close()
    found, spent, *_ = recent(tmp_path / "journal", [AMINAH], record, TUESDAY_MORNING)
    assert spent == {"0000000000000002"}
    by_id = {release.id[-1]: release for release in found}
    assert sorted(by_id) == ["1", "2", "4", "6"]
    assert by_id["1"] == replace(releases[0], account="", answers={})
    assert by_id["2"] == releases[1]
    assert by_id["4"] == replace(releases[3], account="")
    assert by_id["6"] == releases[5]
    book = ReleaseBook()
    book.restore(found, spent, TUESDAY_MORNING)
    assert [release.id[-1] for release in book.of(an_actor(), TUESDAY_MORNING)] == ["1", "6"]


def test_without_a_journal_there_is_nothing_to_remember(tmp_path: Path) -> None:
    record = RecordKeys.made_of(bytes(32), os.urandom)
    assert recent(tmp_path / "none", [], record, TUESDAY_MORNING) == Recent()


def test_a_start_takes_up_the_officers_latest_decisions_with_what_became_of_them(tmp_path: Path) -> None:
    record = RecordKeys.made_of(bytes(32), os.urandom)
    numbers = [decision_number(bytes([n]) * 7) for n in range(OWN_LIMIT + 8)]
    held = a_decision(Effect.COACH, number=numbers[0], activity=an_activity("rahsia"), findings=(FINDING,))
    contested = a_decision(Effect.BLOCK, number=numbers[1])
    release = a_release("0000000000000001", kind=Kind.POST, account="2001")
    sent = replace(resting_on(release.id), number=numbers[2], effect=Effect.RECORD)
    events = [
        decision_event(held, "held", ("r•••",), record),
        decision_event(contested, "answered", (), record),
        release_event(release, held.number, TUESDAY_MORNING, record),
        decision_event(sent, "forwarded", (), record),
        objection_event(contested.number, AMINAH.id, "Ini hantaran rasmi", TUESDAY_MORNING, record),
        decision_event(a_decision(number=numbers[3], actor=an_actor(None)), "answered", (), record),
        decision_event(a_decision(number=numbers[4], actor=an_actor(replace(AMINAH, id="P-2"))), "held", (), record),
    ]
    journal = Journal(tmp_path / "journal", "gate", 0, seal_key=load_keys(tmp_path / "keys").seal)
    for event in events:
        journal.append(event).result(10)
    journal.close()
    found = recent(tmp_path / "journal", [AMINAH], record, TUESDAY_MORNING)
    book = DecisionBook()
    for entry in found.decisions:
        book.put(entry)
    mine = {entry.decision.number: entry for entry in book.mine(an_actor(), None)}
    assert set(mine) == set(numbers[:3])
    assert mine[numbers[0]].used_by == numbers[2]
    assert [mine[number].objected for number in numbers[:3]] == [False, True, False]
    restored = mine[numbers[0]].decision
    assert restored == replace(
        held,
        activity=replace(held.activity, texts=()),
        actor=replace(held.actor, zone=replace(held.actor.zone, networks=())),
        hours=replace(held.hours, local=restored.hours.local),
    )


def test_of_many_decisions_a_start_takes_up_the_latest(tmp_path: Path) -> None:
    record = RecordKeys.made_of(bytes(32), os.urandom)
    numbers = [decision_number(bytes([n, 1]) * 4) for n in range(OWN_LIMIT + 5)]
    journal = Journal(tmp_path / "journal", "gate", 0, seal_key=load_keys(tmp_path / "keys").seal)
    lines = [journal.append(decision_event(a_decision(number=number), "answered", (), record)) for number in numbers]
    for line in lines:
        line.result(10)
    journal.close()
    found = recent(tmp_path / "journal", [AMINAH], record, TUESDAY_MORNING).decisions
    assert sorted(entry.decision.number for entry in found) == sorted(numbers[5:])
    assert recent(tmp_path / "journal", [AMINAH], record, TUESDAY_MORNING + timedelta(days=400)) == Recent()
