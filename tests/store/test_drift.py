"""From a journal with unclaimed writes to what they look like, and never whose they are."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_decision, an_activity
from gerbang.journal.reader import slots
from gerbang.journal.sidecar import erase
from gerbang.model import Effect, Kind, Shape, Sighting
from gerbang.record.event import EventKind, decision_event, unclaimed_event
from gerbang.store import Forwarder, Store, open_store, upgrade
from gerbang.store.drift import sightings
from journal_builders import KEYS, a_journal, lines

NEW = Shape("app", "POST", "/i/api/graphql/{}/CreateStatement", "graphql", "CreateStatement", (), ("variables.text",))
LIKE = Shape("app", "POST", "/i/api/graphql/{}/ApplaudTweet", "graphql", "ApplaudTweet")
LATER = TUESDAY_MORNING + timedelta(minutes=10)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    upgrade(url)
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One unclaimed post, one known post, and nine unclaimed likes on X and one elsewhere that were only counted."""
    folder = tmp_path / "journal"
    journal = a_journal(folder)
    strange = an_activity("teks", kind=Kind.POST, unclaimed=True, shape=NEW, signature="")
    for event in (
        decision_event(a_decision(activity=strange), "answered", [], KEYS),
        decision_event(a_decision(Effect.ALLOW), "forwarded", [], KEYS),
        unclaimed_event({("x", LIKE): 9, ("blogger", LIKE): 1}, TUESDAY_MORNING, LATER, KEYS),
    ):
        journal.append(event).result(10)
    journal.close()
    return folder


def found(store: Store, folder: Path, *, since: timedelta = timedelta(0), platform: str | None = None) -> set[Sighting]:
    Forwarder(folder, store).once()
    return set(sightings(store, TUESDAY_MORNING - timedelta(days=1) + since, platform))


def test_shapes_of_what_was_judged_and_of_what_was_counted(store: Store, folder: Path) -> None:
    judged = Sighting("x", NEW, 1, TUESDAY_MORNING, TUESDAY_MORNING, judged=True)
    counted = Sighting("x", LIKE, 9, TUESDAY_MORNING, LATER, judged=False)
    assert found(store, folder) == {judged, counted, replace(counted, platform="blogger", count=1)}
    assert found(store, folder, platform="x") == {judged, counted}
    assert judged not in found(store, folder, since=timedelta(days=2))


def test_what_was_erased_is_not_told_any_more(store: Store, folder: Path) -> None:
    (slot,) = slots(folder)
    erase(slot, [line.link.id for line in lines(folder) if line.link.kind == EventKind.DECISION])
    assert {one.shape for one in found(store, folder)} == {LIKE}


def test_the_chained_part_of_the_counts_holds_no_path(folder: Path) -> None:
    (line,) = [line for line in lines(folder) if line.link.kind == EventKind.UNCLAIMED]
    assert line.link.body["counts"] == [1, 9]
    assert b"ApplaudTweet" not in line.raw
    assert AMINAH.id.encode() not in line.raw
