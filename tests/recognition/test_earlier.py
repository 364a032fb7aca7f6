"""Acts of several steps, joined."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import an_activity
from gerbang.model import Earlier, Edit, Gap, Kind, Media, Step, Text
from gerbang.recognition.earlier import (
    INCOMPLETE,
    NUMBERS,
    OUT_OF_ORDER,
    PARAGRAPHS,
    TOO_LONG,
    UNKNOWN,
    WORDS,
    Thing,
    after,
    goes_on_from,
    joined,
    merged,
)
from gerbang.wire.streamed import Running, Sent, Streamed

DIGEST = "d" * 64
PICTURE = Earlier(("A", "B"), (Text("json.alt_text.text", "Poster"),), (Media("1", "image/png", "a.png", DIGEST, 3),))
GAP = Gap("sent-earlier")


def a_step(*texts: str, **more: Any) -> Any:
    step = {
        key: more.pop(key) for key in ("belongs", "uses", "whole", "part", "offset", "emptied", "edits") if key in more
    }
    return an_activity(*texts, step=Step(**step), **more)


def sent(data: bytes, going_on: Running | None) -> Sent:
    streamed = Streamed((), lambda _: going_on)
    streamed(data)
    return streamed.sent()


def find(known: Mapping[str, Earlier]) -> Any:
    return known.get


# ---------------------------------------------------------------- the act that publishes


def test_a_post_has_the_words_digest_and_decisions_of_its_picture() -> None:
    post = joined(an_activity("Notis", media=(Media("1"),)), find({"1": PICTURE}))
    assert [(text.field, text.value) for text in post.texts] == [
        ("variables.tweet_text", "Notis"),
        ("sent-earlier.json.alt_text.text", "Poster"),
    ]
    assert post.media == (Media("1", "image/png", "a.png", DIGEST, 3),)
    assert (post.sent_earlier, post.belongs_to, post.gaps) == (("A", "B"), (), ())


def test_what_was_not_seen_is_a_gap() -> None:
    assert joined(an_activity(media=(Media("1"),)), find({})).gaps == (UNKNOWN,)
    half = replace(PICTURE, media=(Media("1", "image/png"),))
    assert joined(an_activity(media=(Media("1"),)), find({"1": half})).gaps == (INCOMPLETE,)
    disordered = replace(half, gaps=(OUT_OF_ORDER,))
    assert joined(an_activity(media=(Media("1"),)), find({"1": disordered})).gaps == (OUT_OF_ORDER,)


def test_an_act_without_media_or_steps_is_the_very_same() -> None:
    act = an_activity("Selamat pagi")
    assert joined(act, find({})) is act


def test_the_gap_of_unseen_words_goes_where_they_were_seen_whole_and_only_there() -> None:
    publish = a_step(uses=("31",), gaps=(GAP, Gap("encrypted")))
    words = (Text("variables.title", "Tajuk"),)
    assert joined(publish, find({})).gaps == (GAP, Gap("encrypted"))
    assert joined(publish, find({"31": Earlier(texts=words)})).gaps == (GAP, Gap("encrypted"))
    assert joined(publish, find({"31": Earlier(texts=words, whole=True)})).gaps == (Gap("encrypted"),)
    unread = Earlier(texts=words, whole=True, gaps=(GAP, Gap("too-large")))
    assert joined(publish, find({"31": unread})).gaps == (Gap("encrypted"), GAP, Gap("too-large"))
    assert joined(a_step(uses=("31", "32"), gaps=(GAP,)), find({"31": Earlier(whole=True)})).gaps == (GAP,)


def test_what_is_said_anew_is_not_judged_as_it_was() -> None:
    draft = Earlier(
        ("A",),
        (Text("json.title or protobuf.3", "Lama"), Text("xmlrpc.params[3].post_title", "Lama sekali")),
        whole=True,
    )
    publish = a_step(uses=("31",))
    assert len(joined(publish, find({"31": draft})).texts) == 2
    for field in ("json.title", "protobuf.3 or json.x"):
        again = replace(publish, texts=(Text(field, "Baharu"),))
        assert [text.value for text in joined(again, find({"31": draft})).texts] == ["Baharu", "Lama sekali"]
    again = replace(publish, texts=(Text("xmlrpc.params[4].post_title", "Baharu"),))
    assert [text.value for text in joined(again, find({"31": draft})).texts] == ["Baharu", "Lama"]
    emptied = a_step(uses=("31",), emptied=("json.title",))
    assert [text.value for text in joined(emptied, find({"31": draft})).texts] == ["Lama sekali"]


def test_a_picture_that_has_bytes_of_its_own_is_not_looked_for() -> None:
    own = Media("1", digest="e" * 64, size=4)
    assert joined(an_activity(media=(own,)), find({"1": PICTURE})).media == (own,)


def test_a_step_names_the_first_decision_on_what_it_belongs_to_and_takes_none_of_its_words() -> None:
    step = joined(a_step("Poster baharu", kind=Kind.UPLOAD, belongs=("1",), media=(Media("1"),)), find({"1": PICTURE}))
    assert (step.belongs_to, step.sent_earlier, step.gaps) == (("A",), (), ())
    assert [text.value for text in step.texts] == ["Poster baharu"]


def test_a_container_of_pictures_is_published_with_all_of_them() -> None:
    """Instagram's carousel: pictures, a container that names them with the words, and the act that publishes it."""
    other = Earlier(("C",), (), (Media("2", digest="e" * 64, size=5),))
    known = {"1": PICTURE, "2": other}
    container = joined(
        a_step("Kapsyen", kind=Kind.UPLOAD, belongs=("9",), whole=True, media=(Media("1"), Media("2"))), find(known)
    )
    assert container.sent_earlier == ("A", "B", "C")
    known["9"] = after(Thing(), container, "D").earlier
    publish = joined(a_step(uses=("9",), gaps=(GAP,)), find(known))
    assert [text.value for text in publish.texts] == ["Kapsyen", "Poster"]
    assert [media.digest for media in publish.media] == [DIGEST, "e" * 64]
    assert (publish.gaps, publish.sent_earlier) == ((), ("D",))


# ---------------------------------------------------------------- the steps


def test_a_file_in_parts_has_the_digest_of_the_whole() -> None:
    begun = after(Thing(), a_step(kind=Kind.UPLOAD, belongs=("1",), media=(Media(None, "video/mp4", size=6),)), "A")
    assert begun.earlier.media == (Media(None, "video/mp4", size=6),)
    assert not begun.earlier.seen
    thing = begun
    for number, data in enumerate((b"abc", b"def")):
        part = a_step(kind=Kind.UPLOAD, belongs=("1",), part=number, media=(Media("1", "application/octet-stream"),))
        thing = after(thing, part, f"P{number}", sent(data, goes_on_from(thing, part)))
        assert (thing.earlier.media[0].digest is None) is (number == 0), "of a file that is announced longer"
    whole = sent(b"abcdef", None).body
    assert thing.earlier.media == (Media("1", "video/mp4", None, whole.digest, 6),)
    assert thing.earlier.numbers == ("A", "P0", "P1")
    ended = after(thing, a_step(kind=Kind.UPLOAD, belongs=("1",), media=(Media("1"),)), "F")
    assert ended.earlier.media == thing.earlier.media
    assert ended.earlier.seen


@given(st.permutations(range(4)))
def test_parts_count_in_their_order_only(order: list[int]) -> None:
    pieces = [b"a", b"bb", b"ccc", b"dddd"]
    thing = Thing()
    for number in order:
        part = a_step(kind=Kind.UPLOAD, belongs=("1",), part=number, media=(Media("1"),))
        thing = after(thing, part, str(number), sent(pieces[number], goes_on_from(thing, part)))
    whole = sent(b"".join(pieces), None).body
    digest = thing.earlier.media[0].digest
    if order == sorted(order):
        assert (digest, thing.earlier.gaps) == (whole.digest, ())
    else:
        # What came before the first part was not taken; behind it each must follow on the last.
        assert digest != whole.digest
        assert digest is None or thing.earlier.media[0].size != whole.size


@given(st.lists(st.integers(0, 12), max_size=8))
def test_offsets_count_in_their_order_only(offsets: list[int]) -> None:
    thing, true = Thing(), b""
    known = True
    for offset in offsets:
        part = a_step(kind=Kind.UPLOAD, belongs=("1",), offset=offset, media=(Media("1"),))
        thing = after(thing, part, None, sent(b"xyz", goes_on_from(thing, part)))
        known = offset == 0 or (known and offset == len(true))
        true = b"xyz" if offset == 0 else true + b"xyz"
        digest = thing.earlier.media[0].digest
        assert digest == (sent(true, None).body.digest if known else None)
        assert thing.earlier.gaps == (() if known else (OUT_OF_ORDER,))


def test_a_part_that_began_before_another_came_between_counts_not() -> None:
    first = a_step(kind=Kind.UPLOAD, belongs=("1",), part=0, media=(Media("1"),))
    second = replace(first, step=replace(first.step, part=1))
    thing = after(Thing(), first, None, sent(b"abc", Running()))
    slow = goes_on_from(thing, second)
    quick = after(thing, second, None, sent(b"def", slow))
    assert after(quick, second, None, sent(b"DEF", slow)).earlier.gaps == (OUT_OF_ORDER,)


def test_words_are_replaced_field_by_field_and_taken_away_where_they_are_emptied() -> None:
    def said(field: str, value: str, **more: Any) -> Any:
        return replace(a_step(belongs=("1",), **more), texts=(Text(field, value),))

    thing = after(Thing(), said("title", "Lama"), None)
    thing = after(thing, said("content", "Isi", whole=True), None)
    thing = after(thing, said("title", "Baharu"), None)
    assert {text.field: text.value for text in thing.earlier.texts} == {"title": "Baharu", "content": "Isi"}
    assert thing.earlier.whole
    thing = after(thing, a_step(belongs=("1",), emptied=("content",)), None)
    assert {text.field: text.value for text in thing.earlier.texts} == {"title": "Baharu"}


def edited(*edits: Edit) -> list[str]:
    return [text.value for text in after(Thing(), a_step(belongs=("1",), edits=edits), None).earlier.texts]


def test_paragraphs_are_changed_at_their_places() -> None:
    begun = (Edit("p", 0, "Tajuk", inserted=True), Edit("p", 1, "", inserted=True), Edit("p", 1, "Satu"))
    assert edited(*begun) == ["Tajuk", "Satu"]
    assert edited(*begun, Edit("p", 1, "Antara", inserted=True)) == ["Tajuk", "Antara", "Satu"]
    assert edited(*begun, Edit("p", 0, None)) == ["Satu"]
    assert edited(*begun, Edit("p", 7, None)) == ["Tajuk", "Satu"]
    assert edited(Edit("p", 2, "Tiga")) == ["", "", "Tiga"]
    thing = after(Thing(), a_step(belongs=("1",), edits=begun), None)
    thing = after(thing, a_step(belongs=("1",), edits=(Edit("p", 1, "Dua"),)), None)
    thing = after(thing, a_step(belongs=("1",), edits=(Edit("p", 3, "Empat"),)), None)
    post = joined(a_step(uses=("1",)), find({"1": thing.earlier}))
    assert [text.value for text in post.texts] == ["Tajuk", "Dua", "Empat"]


@pytest.mark.parametrize("place", [PARAGRAPHS - 1, PARAGRAPHS])
def test_paragraphs_are_followed_to_a_bound(place: int) -> None:
    thing = after(Thing(), a_step(belongs=("1",), edits=(Edit("p", place, "Jauh"),)), None)
    there = place < PARAGRAPHS
    assert [text.value for text in thing.earlier.texts if text.value] == (["Jauh"] if there else [])
    assert thing.earlier.gaps == (() if there else (TOO_LONG,))
    full = after(thing, a_step(belongs=("1",), edits=(Edit("p", 0, "Lagi", inserted=True),)), None)
    assert full.earlier.gaps == (TOO_LONG,)


def test_more_words_than_are_kept_are_a_gap() -> None:
    fits = after(Thing(), a_step("a" * WORDS, belongs=("1",)), None)
    assert (fits.earlier.gaps, len(fits.earlier.texts)) == ((), 1)
    longer = after(Thing(), a_step("a" * WORDS, "b", belongs=("1",)), None)
    assert longer.earlier.gaps == (TOO_LONG,)
    assert sum(len(text.value) for text in longer.earlier.texts) <= WORDS


def test_the_first_and_the_latest_of_many_decisions_are_named() -> None:
    thing = Thing()
    for number in range(NUMBERS + 5):
        thing = after(thing, a_step(belongs=("1",)), f"N{number}")
    assert len(thing.earlier.numbers) == NUMBERS
    assert thing.earlier.numbers[0] == "N0"
    assert thing.earlier.numbers[-1] == f"N{NUMBERS + 4}"


def test_two_that_turn_out_to_be_one_are_one() -> None:
    words = Thing(Earlier(("A",), (Text("title", "Tajuk"),), whole=True))
    film = Thing(Earlier(("B",), (), (Media("2", digest=DIGEST, size=3),)))
    for one in (merged([words, film]), merged([film, words])):
        assert set(one.earlier.numbers) == {"A", "B"}
        assert (one.earlier.whole, one.earlier.media[0].digest) == (True, DIGEST)
