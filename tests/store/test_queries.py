"""What an auditor asks, answered from a real database."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from builders import AMINAH, TUESDAY_MORNING, ZONE, a_decision, a_match, an_activity, an_actor
from gerbang.errors import RecordError
from gerbang.model import Basis, Effect, Finding, Gap, Kind, Likelihood, Mode, Officer, Release, Standing
from gerbang.record.event import (
    Done,
    decision_event,
    objection_event,
    outcome_event,
    policy_activated,
    pseudonym,
    release_event,
)
from gerbang.record.number import decision_number
from gerbang.store import Filter, Forwarder, Store, open_store, upgrade
from gerbang.store.queries import masked
from journal_builders import KEYS, a_journal

BADRUL = Officer("P-1002", "Badrul bin Contoh", unit="Kewangan", office="hq")
NUMBERS = [decision_number(bytes([place]) * 7) for place in range(8)]
POLITICAL = Finding("words", "political", Likelihood.LIKELY, 0, 4)

DECISIONS = [
    (a_decision(), "answered"),
    (a_decision(Effect.COACH, matches=(a_match("trial/hold", Effect.COACH, asks=("official-purpose",)),)), "held"),
    (a_decision(Effect.ALLOW), "forwarded"),
    (a_decision(actor=an_actor(BADRUL), standing=Standing.OFFICIAL, findings=(POLITICAL,)), "answered"),
    (a_decision(Effect.ALLOW, actor=an_actor(None, zone=replace(ZONE, name="cawangan"))), "forwarded"),
    (
        a_decision(activity=an_activity("x", kind=Kind.COMMENT, platform="wordpress", gaps=(Gap("too-large"),))),
        "answered",
    ),
    (
        a_decision(matches=(a_match("trial/rule", exempted_by="remedial"), a_match("trial/watch", mode=Mode.OBSERVE))),
        "forwarded",
    ),
    (a_decision(Effect.BLOCK, activity=an_activity(kind=Kind.WRITE, unclaimed=True)), "answered"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of eight decisions, an hour apart from ten in the morning on, and what happened to the second."""
    folder = tmp_path_factory.mktemp("queries")
    journal = a_journal(folder)
    waiting = []
    done: Done
    for place, (decision, done) in enumerate(DECISIONS):  # type: ignore[assignment]
        moment = TUESDAY_MORNING + timedelta(hours=place)
        decision = replace(decision, number=NUMBERS[place], moment=moment)
        waiting.append(journal.append(decision_event(decision, done, ["s••••t"], KEYS)))
    release = Release(
        "r1",
        frozenset({"trial/hold"}),
        "x",
        TUESDAY_MORNING,
        officer=AMINAH.id,
        answers={"official-purpose": "taklimat"},
    )
    others = (
        release_event(release, NUMBERS[1], TUESDAY_MORNING, KEYS),
        outcome_event(a_decision(number=NUMBERS[2]), 200, True, "99", "https://x.com/aminah/status/99", KEYS),
        outcome_event(a_decision(number=NUMBERS[4]), 403, False, None, None, KEYS),
        objection_event(NUMBERS[0], AMINAH.id, "ini kerja rasmi", TUESDAY_MORNING, KEYS),
        release_event(replace(release, id="r2"), NUMBERS[2], TUESDAY_MORNING, KEYS),
        policy_activated(Basis("p1", "a", "b", "c"), {"trial/policy.yaml": "policy: trial\n"}, TUESDAY_MORNING, KEYS),
    )
    waiting += [journal.append(event) for event in others]
    for future in waiting:
        future.result(10)
    journal.close()
    return folder


@pytest.fixture
def store(url: str, folder: Path) -> Iterator[Store]:
    upgrade(url)
    store = open_store(url)
    Forwarder(folder, store).once()
    yield store
    store.close()


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (Filter(), [7, 6, 5, 4, 3, 2, 1, 0]),
        (Filter(since=TUESDAY_MORNING + timedelta(hours=6)), [7, 6]),
        (Filter(until=TUESDAY_MORNING + timedelta(hours=1)), [0]),
        (Filter(since=TUESDAY_MORNING, until=TUESDAY_MORNING), []),
        (Filter(officer="P-1002"), [3]),
        (Filter(officer=pseudonym("P-1002", KEYS)), [3]),
        (Filter(officer="P-9999"), []),
        (Filter(officer="' OR 1=1 --"), []),
        (Filter(platform="wordpress"), [5]),
        (Filter(activity="comment"), [5]),
        (Filter(effect="coach"), [1]),
        (Filter(done="forwarded"), [6, 4, 2]),
        (Filter(standing="official"), [3]),
        (Filter(regime="office-hours", effect="allow"), [4, 2]),
        (Filter(zone="cawangan"), [4]),
        (Filter(rule="trial/watch"), [6]),
        (Filter(rule="trial/rule", done="forwarded"), [6]),
        (Filter(rule="watch"), [6]),
        (Filter(rule="rial/watch"), []),
        (Filter(rule="%"), []),
        (Filter(objection=True), [0]),
        (Filter(objection=False, done="answered"), [7, 5, 3]),
        (Filter(category="political"), [3]),
        (Filter(gap="too-large"), [5]),
        (Filter(number=NUMBERS[2][:6].lower()), [2]),
        (Filter(number="%"), []),
        (Filter(number="_"), []),
    ],
)
def test_a_filter_finds_what_it_says(store: Store, wanted: Filter, places: list[int]) -> None:
    page = store.decisions(wanted)
    assert [NUMBERS.index(row.number) for row in page.rows] == places
    assert page.next is None
    assert sum(entry.count for entry in store.counts(wanted)) == len(places)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Filter(rule="trial/watch", zone="pejabat", officer="P-1002"), None),
        (Filter(rule="watch"), None),
        (Filter(rule="trial/wach", zone="nowhere"), "rule"),
        (Filter(zone="nowhere"), "zone"),
        (Filter(zone="pejabat", officer="P-9999"), "officer"),
        (Filter(effect="approve"), None),
    ],
)
def test_a_value_that_stands_nowhere_is_named(store: Store, wanted: Filter, field: str | None) -> None:
    assert store.unheard(wanted) == field


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_join_to_the_whole_list(store: Store, size: int) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = store.decisions(limit=size, after=after)
        seen += [row.number for row in page.rows]
        if (after := page.next) is None:
            break
    assert seen == [row.number for row in store.decisions().rows]


@pytest.mark.parametrize("place", ["", "x", "4pyT", "MjAyNi0xMS0yNCBhYg==", "é"])
def test_a_place_in_the_list_that_is_none_is_one_sentence(store: Store, place: str) -> None:
    with pytest.raises(RecordError, match="this is no place in the list"):
        store.decisions(after=place)


def test_a_row_has_its_rules_findings_gaps_and_outcome(store: Store) -> None:
    rows = {NUMBERS.index(row.number): row for row in store.decisions().rows}
    assert rows[6].rules == ("trial/watch", "trial/rule")
    assert (rows[6].exempted, rows[6].observed) == (("trial/rule",), ("trial/watch",))
    assert rows[1].decisive == ("trial/hold",)
    assert [place for place, row in rows.items() if row.objected] == [0]
    assert [place for place, row in rows.items() if row.confirmed] == [2, 1]
    assert {row.policy for row in rows.values()} == {"0" * 64}
    assert rows[3].categories == ("political",)
    assert rows[5].gaps == ("too-large",)
    assert (rows[2].accepted, rows[4].accepted, rows[0].accepted) == (True, False, None)
    assert rows[7].unclaimed
    assert rows[0].moment == TUESDAY_MORNING


def test_names_are_masked_unless_asked_for(store: Store) -> None:
    named = {NUMBERS.index(row.number): row.officer_name for row in store.decisions().rows}
    assert (named[0], named[3], named[4]) == ("A••• b••• C•••", "B••• b••• C•••", None)
    named = {NUMBERS.index(row.number): row.officer_name for row in store.decisions(reveal=True).rows}
    assert named[3] == "Badrul bin Contoh"


def test_one_decision_comes_with_its_whole_reasoning_and_its_place(store: Store, folder: Path) -> None:
    found = store.decision(NUMBERS[1])
    assert found is not None
    assert found.body["number"] == NUMBERS[1]
    assert found.body["matches"][0]["asks"] == ["official-purpose"]  # type: ignore[index,call-overload]
    line = (folder / found.slot / found.file).read_bytes().splitlines()[found.line - 1]
    assert f'"hash":"{found.hash}"'.encode() in line
    (release,) = found.related
    assert release.kind == "release"
    assert release.private["answers"] == {"official-purpose": "taklimat"}


def test_what_happened_afterwards_is_told_in_order(store: Store) -> None:
    found = store.decision(NUMBERS[2])
    assert found is not None
    assert [other.kind for other in found.related] == ["outcome", "release"]


def test_private_parts_are_masked_unless_asked_for(store: Store) -> None:
    def told(reveal: bool) -> str:
        return "".join(str(store.decision(number, reveal=reveal)) for number in NUMBERS)

    # The account with its quotes: four digits alone stand in many a digest.
    secrets = ("Aminah", "P-1001", "10.1.2.3", "'2001'", "aminah/status")
    assert [secret for secret in secrets if secret in told(False)] == []
    assert [secret for secret in secrets if secret not in told(True)] == []
    assert "ini kerja rasmi" in told(False)  # written for the auditor


def test_a_number_that_is_not_there_is_none(store: Store) -> None:
    assert store.decision(decision_number(os.urandom(7))) is None


def test_counts_are_by_hour_and_what_was_done(store: Store) -> None:
    counts = store.counts(Filter(until=TUESDAY_MORNING + timedelta(hours=3)))
    assert [(entry.hour, entry.done, entry.count) for entry in counts] == [
        (TUESDAY_MORNING, "answered", 1),
        (TUESDAY_MORNING + timedelta(hours=1), "held", 1),
        (TUESDAY_MORNING + timedelta(hours=2), "forwarded", 1),
    ]
    assert all(entry.hour.tzinfo is UTC for entry in counts)


def test_activations_keep_the_text_that_was_in_force(store: Store) -> None:
    (activation,) = store.activations()
    assert (activation.policy, activation.moment) == ("p1", TUESDAY_MORNING)
    assert activation.documents == {"trial/policy.yaml": "policy: trial\n"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Aminah binti Contoh", "A••• b••• C•••"),
        ("", ""),
        (None, None),
        (7, "•••"),
        ({"id": "2001", "handle": None}, {"id": "2•••", "handle": None}),
        (["ab", {"c": True}], ["a•••", {"c": "•••"}]),
        ("a " * 500, " ".join(["a•••"] * 8)),
    ],
)
def test_a_mask_leaves_the_shape_only(value: object, shown: object) -> None:
    assert masked(value) == shown  # type: ignore[arg-type]
