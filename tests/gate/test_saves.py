"""An editor that saves by itself: unchanged words need no line of their own, changed ones are judged anew."""

import asyncio
import copy
import json
import os
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity, an_actor
from gate_builders import TUESDAY_AT_NIGHT, TUESDAY_AT_TEN, Standing, office_settings, world_of
from gerbang.errors import RecordError
from gerbang.gate.clock import TrialClock
from gerbang.gate.decisions import DecisionBook
from gerbang.gate.judging import Judge, Verdict
from gerbang.gate.releases import ReleaseBook
from gerbang.gate.saves import UNCHANGED_FOR, SaveBook
from gerbang.model import Actor, Decision, Effect, Gap, Hours, Kind, Regime, Release, Request
from gerbang.model import Standing as AccountStanding
from gerbang.pipeline import World, grounds
from gerbang.record.event import Event, RecordKeys

HARMLESS = "Jadual baharu bas perantara bermula Isnin ini"
HELD = "Nombor kad pengenalan Encik Ali ialah 880512-14-5678"


# ---------------------------------------------------------------- the book


def a_save(target: str | None = "1/2", **more: Any) -> Decision:
    return a_decision(Effect.ALLOW, activity=an_activity("selamat pagi", target=target), **more)


def test_the_same_save_is_known_with_its_number() -> None:
    book = SaveBook()
    book.add(a_save(number="AAAA-AAAA"), let_go=True)
    save = book.unchanged(a_save(number="BBBB-BBBB"))
    assert save is not None
    assert (save.number, save.let_go) == ("AAAA-AAAA", True)


MORNING = Hours(Regime.OFFICE_HOURS, "hq", TUESDAY_MORNING, "working-hours")


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "1" * 64},
        {"hours": replace(MORNING, regime=Regime.BREAK)},
        {"standing": AccountStanding.OFFICIAL},
        {"basis": replace(a_save().basis, policy="1" * 64)},
        {"basis": replace(a_save().basis, platforms="1" * 64)},
        {"matches": (a_match(effect=Effect.RECORD),)},
        {"actor": an_actor(replace(AMINAH, id="P-1002"))},
        {"actor": an_actor(None)},
        {"activity": an_activity("selamat pagi", target="1/3")},
        {"activity": an_activity("selamat pagi", target="1/2", account="2002")},
        {"activity": an_activity("selamat pagi", target="1/2", audience="private")},
        {"activity": an_activity("selamat pagi", target="1/2", gaps=(Gap("unreadable"),))},
        {"moment": TUESDAY_MORNING + timedelta(seconds=UNCHANGED_FOR)},
        {"moment": TUESDAY_MORNING - timedelta(seconds=1)},
    ],
)
def test_whatever_is_another_makes_it_another_save(changed: dict[str, Any]) -> None:
    book = SaveBook()
    book.add(a_save(), let_go=True)
    assert book.unchanged(replace(a_save(), **changed)) is None


def test_what_was_released_is_no_part_of_it() -> None:
    held = (a_match(effect=Effect.COACH),)
    released = (replace(held[0], released_by="r1"),)
    assert grounds(replace(a_save(), matches=held)) == grounds(replace(a_save(), matches=released))
    exempted = (replace(held[0], exempted_by="group"),)
    assert grounds(replace(a_save(), matches=held)) != grounds(replace(a_save(), matches=exempted))


def test_only_the_last_decision_on_a_thing_counts() -> None:
    book = SaveBook()
    book.add(a_save(), let_go=True)
    book.add(a_save(digest="1" * 64), let_go=False)
    assert book.unchanged(a_save()) is None
    assert len(book) == 1


def test_at_the_bounds_the_oldest_makes_room_and_nobody_pushes_out_anothers_alone() -> None:
    book = SaveBook(limit=4, own_limit=3)
    for number in range(3):
        book.add(a_save(target=str(number)), let_go=True)
    assert [book.unchanged(a_save(target=str(number))) is not None for number in range(3)] == [True] * 3
    book.add(a_save(target="3"), let_go=True)
    assert [book.unchanged(a_save(target=str(number))) is not None for number in range(4)] == [False, True, True, True]
    other = an_actor(replace(AMINAH, id="P-1002"))
    book.add(a_save(actor=other), let_go=True)
    assert len(book) == 4
    book.add(a_save(target="9/9", actor=other), let_go=True)
    assert len(book) == 4
    assert book.unchanged(a_save(actor=other)) is not None
    assert book.unchanged(a_save(target="1")) is None


# ---------------------------------------------------------------- the judge


@dataclass
class Pages:
    """A ledger that keeps what it is given, or is away."""

    events: list[Event] = field(default_factory=list)
    away: bool = False

    def append(self, event: Event, *, patient: bool = False) -> "Future[Any]":  # noqa: ARG002  # the journal's own
        done: Future[Any] = Future()
        if self.away:
            done.set_exception(RecordError("the disk is full"))
        else:
            self.events.append(event)
            done.set_result(None)
        return done


@dataclass
class Desk:
    """A judge with its books, and an officer whose editor saves."""

    judge: Judge
    pages: Pages
    clock: TrialClock
    holder: Standing
    releases: ReleaseBook
    decisions: DecisionBook
    actor: Actor

    def save(self, words: str, post: str = "1/2", actor: Actor | None = None) -> Verdict:
        blog = json.dumps([post.partition("/")[0], None, f"<p>{words}</p>", 0])
        calls = json.dumps([[["AbCdEf", blog, None, "generic"]]])
        target = f"/_/BloggerUi/data/batchexecute?source-path=/blog/post/edit/{post}"
        kind = ("content-type", "application/x-www-form-urlencoded;charset=UTF-8")
        body = urlencode({"f.req": calls, "at": "APx:1"}).encode()
        request = Request("POST", "www.blogger.com", target, (kind,), body)
        return asyncio.run(self.judge.whole(request, actor or self.actor))

    def numbers(self) -> list[str]:
        return [str(event.body["number"]) for event in self.pages.events]

    def confirm(self, number: str) -> None:
        entry = self.decisions.find(number, self.actor)
        assert entry is not None
        decision = entry.decision
        entry.release = Release(
            id=f"r-{number}",
            rules=frozenset(match.rule for match in decision.matches),
            platform="blogger",
            expires=self.clock() + timedelta(minutes=10),
            officer=AMINAH.id,
            kind=Kind.POST,
            account="",
            digest=decision.digest,
        )
        self.releases.add(entry.release)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world_of(office_settings(tmp_path_factory.mktemp("world")))


@pytest.fixture
def desk(world: World) -> Desk:
    holder, pages, clock = Standing(world), Pages(), TrialClock(TUESDAY_AT_NIGHT)
    decisions, releases = DecisionBook(), ReleaseBook()
    keys = RecordKeys.made_of(bytes(32), os.urandom)
    judge = Judge(holder, pages, keys, clock, "http://gerbang.internal", decisions, releases)
    zone = world.zones[0]
    return Desk(judge, pages, clock, holder, releases, decisions, Actor(zone, "10.1.2.3", replace(AMINAH, office="")))


def test_an_unchanged_save_goes_out_without_another_line_and_is_counted(desk: Desk) -> None:
    first = desk.save(HARMLESS)
    assert first.reply is None
    assert len(first.forwarded) == 1
    again = desk.save(HARMLESS)
    assert (again.reply, again.act, again.forwarded) == (None, True, ())
    assert len(desk.pages.events) == 1
    assert desk.judge.figures.requests["unchanged"] == 1


def test_changed_words_another_post_and_another_person_are_judged_anew(desk: Desk) -> None:
    desk.save(HARMLESS)
    desk.save(f"{HARMLESS} pagi")
    desk.save(HARMLESS)
    desk.save(HARMLESS, post="1/3")
    desk.save(HARMLESS, post="1/3", actor=replace(desk.actor, officer=None))
    assert len(set(desk.numbers())) == 5


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_the_platform_did_not_take_has_a_line_when_it_is_sent_again(status: int, desk: Desk) -> None:
    """Else a first try that is made to fail would hide the second: the record would say that nothing was published."""
    (first,) = desk.save(HARMLESS).forwarded
    desk.judge.came_of(first, status, (), b"")
    again = desk.save(HARMLESS)
    assert len(again.forwarded) == 1
    assert again.forwarded[0].number != first.number
    assert [event.kind for event in desk.pages.events] == ["decision", "outcome", "decision"]
    desk.judge.came_of(first, status, (), b"")
    assert desk.save(HARMLESS).forwarded == (), "an answer that comes late says nothing of the later save"


def test_where_the_connection_broke_the_same_has_a_line_again(desk: Desk) -> None:
    (first,) = desk.save(HARMLESS).forwarded
    desk.judge.never_arrived(first)
    assert len(desk.save(HARMLESS).forwarded) == 1


def test_after_its_time_the_same_save_has_a_line_again(desk: Desk) -> None:
    desk.save(HARMLESS)
    desk.clock.set(TUESDAY_AT_NIGHT + timedelta(seconds=UNCHANGED_FOR + 1))
    desk.save(HARMLESS)
    assert len(desk.pages.events) == 2


def test_when_office_hours_begin_it_is_refused_and_again_under_one_number(desk: Desk) -> None:
    desk.clock.set(datetime.fromisoformat("2026-11-24T07:20+08:00"))
    assert desk.save(HARMLESS).reply is None
    desk.clock.set(TUESDAY_AT_TEN)
    refused = desk.save(HARMLESS).reply
    again = desk.save(HARMLESS).reply
    assert refused is not None
    assert again is not None
    assert refused.status == again.status == 403
    assert len(desk.pages.events) == 2
    number = desk.numbers()[1].encode()
    assert number in refused.body
    assert number in again.body
    other = desk.save(f"{HARMLESS} pagi").reply
    assert other is not None
    assert number not in other.body
    assert len(desk.pages.events) == 3


def test_another_policy_judges_again(desk: Desk, world: World) -> None:
    desk.save(HARMLESS)
    policy = copy.copy(world.policy)
    policy.digest = "1" * 64
    desk.holder.world = replace(world, policy=policy)
    desk.save(HARMLESS)
    assert len(desk.pages.events) == 2


def test_what_was_confirmed_once_is_not_asked_again_at_each_save(desk: Desk) -> None:
    held = desk.save(HELD)
    assert held.reply is not None
    assert held.reply.status == 428
    desk.confirm(desk.numbers()[0])
    assert desk.save(HELD).reply is None
    assert len(desk.releases) == 0
    assert desk.save(HELD).reply is None
    assert len(desk.pages.events) == 2
    changed = desk.save(f"{HELD}, dan telefonnya 012-3456789").reply
    assert changed is not None
    assert changed.status == 428
    # The words that were confirmed are not what was decided on last.
    assert desk.save(HELD).reply is not None


def test_a_confirmation_that_waits_is_not_used_up_by_what_needs_none(desk: Desk) -> None:
    desk.save(HELD)
    desk.confirm(desk.numbers()[0])
    desk.save(HELD)
    desk.releases.add(replace(desk.decisions.find(desk.numbers()[0], desk.actor).release, id="r2"))  # type: ignore[union-attr, arg-type]
    assert desk.save(HELD).reply is None
    assert len(desk.releases) == 1
    assert desk.releases.of(desk.actor, desk.clock())


def test_what_could_not_be_written_is_not_taken_for_decided(desk: Desk) -> None:
    desk.pages.away = True
    with pytest.raises(RecordError):
        desk.save(HARMLESS)
    with pytest.raises(RecordError):
        desk.save(HARMLESS)
    desk.pages.away = False
    assert desk.save(HARMLESS).reply is None
    assert len(desk.pages.events) == 1


def test_what_no_editor_sends_by_itself_has_a_line_each_time(desk: Desk) -> None:
    form = urlencode({"blogID": "1", "postID": "2", "commentBody": HARMLESS}).encode()
    kind = ("content-type", "application/x-www-form-urlencoded")
    request = Request("POST", "www.blogger.com", "/comment-iframe.do", (kind,), form)
    for _ in range(2):
        assert asyncio.run(desk.judge.whole(request, desk.actor)).reply is None
    assert len(desk.pages.events) == 2


def test_what_the_tests_above_send_is_what_the_document_knows(desk: Desk) -> None:
    desk.save(HARMLESS)
    event = desk.pages.events[0]
    assert (event.body["platform"], event.body["activity"], event.body["signature"]) == ("blogger", "post", "save")
