"""What a start takes from the journal of what officers uploaded."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity, an_actor
from gerbang.gate.parts import KEPT_FOR, PartsBook
from gerbang.gate.remembering import NOT_KEPT, recent
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.model import Earlier, Effect, Evidence, Gap, Kind, Media, Text
from gerbang.record.event import Event, Part, RecordKeys, decision_event, outcome_event

RECORD = RecordKeys.made_of(bytes(32), os.urandom)
DIGEST = "d" * 64


def a_step(number: str, part: Part | None, *texts: str, media: tuple[Media, ...] = (), **more: Any) -> list[Event]:
    activity = an_activity(*texts, kind=Kind.UPLOAD, media=media, gaps=more.pop("gaps", ()))
    decision = a_decision(Effect.RECORD, number=number, activity=activity, **more)
    return [
        decision_event(decision, "forwarded", (), RECORD),
        outcome_event(decision, 200, True, None, None, RECORD, None, part),
    ]


def restored(folder: Path, *events: list[Event], later: timedelta = timedelta()) -> PartsBook:
    journal = Journal(folder / "journal", "gate", 0, seal_key=load_keys(folder / "keys").seal)
    for event in (event for several in events for event in several):
        journal.append(event).result(10)
    journal.close()
    found = recent(folder / "journal", [AMINAH], RECORD, TUESDAY_MORNING + later)
    book = PartsBook()
    book.restore(found.parts)
    return book


def known(book: PartsBook, identity: str, owner: str = f"officer {AMINAH.id}") -> Earlier | None:
    return book.find(owner, "x", "", TUESDAY_MORNING)(identity)


def test_a_start_knows_the_digest_of_what_was_uploaded_before_it(tmp_path: Path) -> None:
    book = restored(
        tmp_path,
        a_step("A", Part(("71",), None, 7), media=(Media(None, "image/png", size=7),)),
        a_step("B", Part(("71",), None, 7), media=(Media("71", "application/octet-stream"),)),
        a_step("C", Part(("71", "72"), DIGEST, 7), media=(Media("71"),)),
    )
    assert known(book, "71") == known(book, "72")
    assert known(book, "72") == Earlier(("A", "B", "C"), (), (Media("71", "image/png", None, DIGEST, 7),))
    assert known(book, "71", "officer P-2") is None


def test_words_that_were_sent_with_it_are_a_gap_and_a_files_name_is_none(tmp_path: Path) -> None:
    named = an_activity(media=(Media("72", name="poster.png", digest=DIGEST, size=3),), kind=Kind.UPLOAD)
    named = replace(named, texts=(Text("media.name", "poster.png"),))
    decision = a_decision(Effect.RECORD, number="B", activity=named)
    book = restored(
        tmp_path,
        a_step("A", Part(("71",), DIGEST, 3), "Poster", media=(Media("71"),), gaps=(Gap("too-large"),)),
        [
            decision_event(decision, "forwarded", (), RECORD),
            outcome_event(decision, 200, True, None, None, RECORD, None, Part(("72",), DIGEST, 3)),
        ],
    )
    found = known(book, "71")
    assert found is not None
    assert found.gaps == (Gap("too-large"), NOT_KEPT)
    named_before = known(book, "72")
    assert named_before is not None
    assert (named_before.gaps, named_before.seen) == ((), True)


def test_what_nobody_can_be_told_of_is_not_known(tmp_path: Path) -> None:
    """An unknown officer's, what the record may not keep, what left nothing, and what is over."""
    secret = (a_match(evidence=Evidence.NONE),)
    book = restored(
        tmp_path,
        a_step("A", Part(("71",), DIGEST, 3), actor=an_actor(None)),
        a_step("B", Part(("72",), DIGEST, 3), matches=secret),
        a_step("C", None),
        a_step("D", Part(("74",), DIGEST, 3), moment=TUESDAY_MORNING - KEPT_FOR),
    )
    assert len(book) == 0


def test_after_a_day_nothing_is_left(tmp_path: Path) -> None:
    step = a_step("A", Part(("71",), DIGEST, 3), media=(Media("71"),))
    assert len(restored(tmp_path, step, later=KEPT_FOR - timedelta(seconds=1))) == 1
    assert recent(tmp_path / "journal", [AMINAH], RECORD, TUESDAY_MORNING + KEPT_FOR).parts == ()
