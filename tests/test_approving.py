"""The approvers' queue: one answer a request, by somebody else, in time, within bounds."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import TUESDAY_MORNING
from gerbang import feeds
from gerbang.approving import (
    A_DAY,
    KEPT_FOR,
    OPEN,
    OPEN_IN_ALL,
    Approver,
    Asked,
    Queue,
    State,
    TooMany,
    Unanswerable,
    folded,
)
from gerbang.errors import FeedError
from gerbang.model import Kind
from gerbang.record.event import Answer, Event, RecordKeys
from gerbang.record.number import decision_number

KEYS = RecordKeys(b"p" * 32, os.urandom)
SITI = Approver("siti", "siti", frozenset({"ketua-jabatan"}))
FARID = Approver("farid", "P-7")
HOUR = timedelta(hours=1)


def an_asked(number: int = 1, **more: Any) -> Asked:
    asked = Asked(
        number=decision_number(number.to_bytes(7)),
        officer="aminah",
        moment=TUESDAY_MORNING,
        expires=TUESDAY_MORNING + timedelta(days=3),
        platform="x",
        kind=Kind.POST,
        account="9001",
        digest=f"{number:064x}",
        rules=("trial/official",),
        approvers=((),),
        lasts=3600,
    )
    return replace(asked, **more)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "feeds")


def asked_in(queue: Queue, *asked: Asked) -> Asked:
    for one in asked or (an_asked(),):
        last = queue.ask(one, lambda: None)
    return last


def answered(queue: Queue, answer: Answer = "granted", approver: Approver = SITI, later: timedelta = HOUR) -> Asked:
    number = an_asked().number
    moment = TUESDAY_MORNING + later
    return queue.answer(number, answer, approver, "Boleh", moment, "api", lambda event: event, KEYS)


def test_a_grant_is_bound_to_officer_act_account_and_content_and_ends(queue: Queue) -> None:
    asked_in(queue)
    written: list[Event] = []
    settled = queue.answer(an_asked().number, "granted", SITI, "", TUESDAY_MORNING + HOUR, "api", written.append, KEYS)
    release = settled.grant()
    assert release is not None
    assert (release.officer, release.platform, release.kind) == ("aminah", "x", Kind.POST)
    assert (release.account, release.digest, release.rules) == ("9001", an_asked().digest, {"trial/official"})
    assert release.single_use
    assert release.granted
    assert release.expires == TUESDAY_MORNING + 2 * HOUR
    assert [event.kind for event in written] == ["answered", "release"]
    assert written[0].body["release"] == written[1].body["release"] == release.id
    assert written[1].body["granted"] is True
    chained = str([event.body for event in written])
    assert "aminah" not in chained
    assert "siti" not in chained
    (standing,) = queue.all().values()
    assert standing == settled


def test_a_grant_of_a_visit_covers_visits_while_it_lasts(queue: Queue) -> None:
    asked_in(queue, an_asked(kind=Kind.VIEW))
    release = answered(queue).grant()
    assert release is not None
    assert (release.digest, release.account, release.single_use) == (None, None, False)


@pytest.mark.parametrize(("answer", "state"), [("refused", State.REFUSED), ("changes", State.CHANGES)])
def test_what_is_not_granted_makes_no_release(queue: Queue, answer: Answer, state: State) -> None:
    asked_in(queue)
    settled = answered(queue, answer)
    assert settled.grant() is None
    assert settled.note == "Boleh"
    assert settled.state(TUESDAY_MORNING + HOUR) is state


def why(queue: Queue, approver: Approver = SITI, later: timedelta = HOUR) -> str:
    with pytest.raises(Unanswerable) as trouble:
        answered(queue, approver=approver, later=later)
    return trouble.value.kind


def test_the_first_answer_stands_and_the_second_is_told(queue: Queue) -> None:
    asked_in(queue)
    answered(queue, "refused")
    assert why(queue) == "answered"
    assert queue.all()[an_asked().number].answer == "refused"


def test_of_many_at_once_one_answers(queue: Queue) -> None:
    asked_in(queue)

    def attempt(_: int) -> bool:
        try:
            answered(Queue(queue.feed.folder))
        except Unanswerable:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


def test_what_cannot_be_written_down_is_not_answered_nor_asked(queue: Queue) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError):
        queue.ask(an_asked(), fails)
    assert queue.all() == {}
    asked_in(queue)
    with pytest.raises(OSError):
        queue.answer(an_asked().number, "granted", SITI, "", TUESDAY_MORNING, "api", fails, KEYS)
    assert queue.all()[an_asked().number].answer is None
    assert answered(queue).answer == "granted"


def test_nobody_answers_their_own_or_what_is_others_or_past(queue: Queue) -> None:
    assert why(queue) == "unknown"
    asked_in(queue, an_asked(approvers=(("group:ketua-jabatan",), ())))
    assert why(queue, Approver("aminah", "other")) == "own"
    assert why(queue, Approver("am", "aminah")) == "own"
    assert why(queue, FARID) == "not-yours"
    assert why(queue, later=timedelta(days=3)) == "expired"
    assert answered(queue).answer == "granted"


@pytest.mark.parametrize(
    ("approvers", "may"),
    [
        (((),), True),
        ((("siti",),), True),
        ((("farid", "group:ketua-jabatan"),), True),
        ((("siti",), ("farid",)), False),
        ((("group:siti",),), False),
    ],
)
def test_who_may_is_asked_of_each_rule(approvers: tuple[tuple[str, ...], ...], may: bool) -> None:
    assert SITI.may(approvers) is may


def test_the_same_act_is_asked_about_once(queue: Queue) -> None:
    first = asked_in(queue)
    again = an_asked(2, digest=first.digest)
    assert asked_in(queue, again) == first
    assert asked_in(queue, replace(again, officer="devi")).officer == "devi"
    answered(queue, "changes")
    other = an_asked(3, digest=first.digest)
    assert asked_in(queue, other) == other


def test_one_officer_can_ask_so_often_and_no_more(queue: Queue) -> None:
    """Ten thousand requests by one officer leave a queue that others can still use."""
    asked_in(queue, *(an_asked(number) for number in range(OPEN)))
    for number in range(OPEN, OPEN + 20):
        with pytest.raises(TooMany):
            asked_in(queue, an_asked(number))
    assert len(queue.all()) == OPEN
    assert asked_in(queue, an_asked(900, officer="devi")).officer == "devi"


def test_answers_do_not_open_the_door_to_ever_more_in_a_day(queue: Queue) -> None:
    for number in range(A_DAY):
        asked = asked_in(queue, an_asked(number))
        queue.answer(asked.number, "refused", SITI, "Tidak", TUESDAY_MORNING, "cli", lambda event: event, KEYS)
    with pytest.raises(TooMany):
        asked_in(queue, an_asked(A_DAY))
    tomorrow = TUESDAY_MORNING + timedelta(days=1, seconds=1)
    assert asked_in(queue, an_asked(A_DAY, moment=tomorrow)).moment == tomorrow


def test_everybody_together_is_bounded(queue: Queue) -> None:
    records = [an_asked(number, officer=f"p{number // OPEN}").record() for number in range(OPEN_IN_ALL)]
    queue.feed.append(records)
    with pytest.raises(TooMany):
        asked_in(queue, an_asked(OPEN_IN_ALL, officer="devi"))


def test_what_ended_long_ago_goes(queue: Queue) -> None:
    asked_in(queue)
    late = TUESDAY_MORNING + timedelta(days=3) + KEPT_FOR
    asked_in(queue, an_asked(2, moment=late, expires=late + HOUR))
    assert len(queue.all()) == 2
    asked_in(queue, an_asked(3, moment=late + HOUR, expires=late + 2 * HOUR))
    assert an_asked().number not in queue.all()


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"what": "asked", "number": "x"},
        {"what": "answered", "number": "nobody's", "answer": "granted"},
        {"what": "answered", "number": an_asked().number, "answer": "yes", "moment": "2026-11-24T10:00:00+08:00"},
        {"what": "answered", "number": an_asked().number, "answer": "granted", "moment": "yesterday"},
        {"what": "answered", "number": an_asked().number, "answer": [], "moment": "2026-11-24T10:00:00+08:00"},
        {**an_asked().record(), "activity": "fly", "number": "y"},
    ],
)
def test_a_line_that_says_nothing_answers_nothing(record: dict[str, object]) -> None:
    found = folded([an_asked().record(), record])
    assert found == {an_asked().number: an_asked()}


def test_an_old_answer_that_is_written_again_changes_nothing(queue: Queue) -> None:
    asked_in(queue)
    settled = answered(queue, "refused")
    lines = queue.feed.read()
    granted = {**lines[-1], "answer": "granted", "release": "ab", "until": "2027-01-01T00:00:00+00:00"}
    assert folded([*lines, granted])[settled.number] == settled
    assert folded([granted], queue.all())[settled.number] == settled


@pytest.mark.parametrize("account", [Approver("Aminah", "Aminah"), Approver("nora", "AMINAH")])
def test_nobody_answers_her_own_by_an_account_that_spells_her_otherwise(queue: Queue, account: Approver) -> None:
    asked_in(queue)
    with pytest.raises(Unanswerable, match="is your own"):
        answered(queue, approver=account)


def test_what_a_full_queue_cannot_take_is_not_written_down_either(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_in(queue)
    monkeypatch.setattr(feeds, "LARGEST_FEED", queue.feed.file.stat().st_size + 20)
    written: list[Any] = []
    with pytest.raises(FeedError, match="is full"):
        queue.answer(an_asked().number, "granted", SITI, "", TUESDAY_MORNING + HOUR, "api", written.append, KEYS)
    with pytest.raises(FeedError, match="is full"):
        queue.ask(an_asked(2), lambda: written.append("asked"))
    assert written == []
    assert queue.all()[an_asked().number].state(TUESDAY_MORNING) is State.ASKED


def test_a_full_queue_takes_more_once_something_is_past(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_in(queue)
    monkeypatch.setattr(feeds, "LARGEST_FEED", queue.feed.file.stat().st_size + 20)
    later = an_asked().expires + KEPT_FOR + HOUR
    asked_in(queue, an_asked(2, moment=later, expires=later + HOUR))
    assert list(queue.all()) == [an_asked(2).number]
