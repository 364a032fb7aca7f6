"""The gate's book of what waits to be published: whose it is, how long, and how much of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import TUESDAY_MORNING, an_activity
from gerbang.gate.parts import EACH, KEPT_FOR, NAMES, PartsBook
from gerbang.model import Earlier, Kind, Media, Step

LATER = TUESDAY_MORNING + KEPT_FOR


def a_step(*texts: str, belongs: tuple[str, ...] = ("1",), **more: Any) -> Any:
    return an_activity(*texts, kind=Kind.UPLOAD, step=Step(belongs), **more)


def known(book: PartsBook, identity: str = "1", owner: str = "officer a", place: str = "") -> Any:
    return book.find(owner, "x", place, TUESDAY_MORNING)(identity)


def learn(book: PartsBook, act: Any, owner: str = "officer a", place: str = "", **more: Any) -> None:
    moment = more.pop("moment", TUESDAY_MORNING)
    book.learn(owner, place, act, more.pop("number", "A"), more.pop("gives", ()), moment)


def test_what_was_sent_is_found_by_the_ids_that_were_named_and_given() -> None:
    book = PartsBook()
    learn(book, a_step("Poster", belongs=("own",)), gives=("url",), number="A")
    learn(book, a_step(belongs=("url",), media=(Media("url", digest="d" * 64),)), gives=("scotty",), number="B")
    for identity in ("own", "url", "scotty"):
        found = known(book, identity)
        assert found.numbers == ("A", "B")
        assert [text.value for text in found.texts] == ["Poster"]
        assert found.media[0].digest == "d" * 64
    assert len(book) == 1


def test_two_things_become_one_by_a_step_that_names_both() -> None:
    book = PartsBook()
    learn(book, a_step("Satu", belongs=("1",)), number="A")
    learn(book, a_step("Dua", belongs=("2",)), number="B")
    learn(book, a_step(belongs=("1", "2")), number="C")
    assert len(book) == 1
    assert known(book, "1") is known(book, "2")
    assert set(known(book, "1").numbers) == {"A", "B", "C"}


def test_a_step_without_any_id_is_not_kept() -> None:
    book = PartsBook()
    learn(book, a_step("Poster", belongs=()))
    assert len(book) == 0


def test_nothing_is_known_of_another_platform_place_or_of_tomorrow() -> None:
    book = PartsBook()
    learn(book, a_step("Poster"), place="blog.contoh.my")
    assert known(book, place="blog.contoh.my") is not None
    assert known(book, place="blog2.contoh.my") is None
    assert book.find("officer a", "facebook", "blog.contoh.my", TUESDAY_MORNING)("1") is None
    just_before = book.find("officer a", "x", "blog.contoh.my", LATER - timedelta(seconds=1))
    assert just_before("1") is not None
    assert book.find("officer a", "x", "blog.contoh.my", LATER)("1") is None


def test_what_has_run_out_begins_anew() -> None:
    book = PartsBook()
    learn(book, a_step("Lama"), number="A")
    learn(book, a_step(), number="B", moment=LATER)
    found = book.find("officer a", "x", "", LATER)("1")
    assert found is not None
    assert (found.numbers, found.texts) == (("B",), ())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.text("xyz", min_size=1, max_size=3))))
def test_officers_who_send_at_the_same_time_are_never_mixed(steps: list[tuple[str, str, str]]) -> None:
    book = PartsBook()
    for number, (who, identity, word) in enumerate(steps):
        learn(book, a_step(f"{who}:{word}", belongs=(identity,)), owner=f"officer {who}", number=f"{who}{number}")
    for who in "abc":
        for identity in "12":
            found = known(book, identity, owner=f"officer {who}")
            mine = [word for whose, which, word in steps if (whose, which) == (who, identity)]
            assert (found is None) is (not mine)
            if found is not None:
                assert [text.value for text in found.texts] == [f"{who}:{mine[-1]}"]
                assert all(number.startswith(who) for number in found.numbers)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.lists(st.sampled_from("123456"), max_size=3, unique=True), st.integers(0, 12)
        )
    )
)
def test_the_book_keeps_to_its_bounds(steps: list[tuple[str, list[str], int]]) -> None:
    room, own = 40 + 3 * EACH, 25 + 2 * EACH
    book = PartsBook(limit=4, own_limit=3, room=room, own_room=own)
    for who, ids, size in steps:
        learn(book, a_step("x" * size, belongs=tuple(ids)), owner=who)
        assert len(book) <= 4
        assert book.taken <= room
        for owner in "ab":
            things = {id(found): found for identity in "123456" if (found := known(book, identity, owner=owner))}
            assert len(things) <= 3
            assert sum(map(taken_by, things.values())) <= own
    whole = {id(f): f for o in "ab" for i in "123456" if (f := known(book, i, owner=o))}
    assert book.taken == sum(map(taken_by, whole.values()))


def taken_by(found: Earlier) -> int:
    return sum(len(text.value) + len(text.field) + EACH for text in found.texts)


def test_many_small_words_take_the_room_of_what_holds_them() -> None:
    book = PartsBook(room=100 * EACH, own_room=50 * EACH)
    learn(book, a_step(*["a"] * 40))
    assert len(book) == 1
    learn(book, a_step(*["a"] * 60))
    assert len(book) == 0


def test_what_files_are_called_counts_as_words_do() -> None:
    room = 500 + 6 * EACH
    book = PartsBook(limit=10, own_limit=10, room=1000 + 12 * EACH, own_room=room)
    files = tuple(Media(None, "image/png", "n" * 41) for _ in range(2))
    for number in range(8):
        learn(book, a_step(belongs=(str(number),), media=files))
        assert book.taken <= room
    assert 0 < len(book) < 8


def test_nobody_pushes_out_what_another_has_sent_by_sending_much() -> None:
    book = PartsBook(limit=100, own_limit=10)
    learn(book, a_step("Poster"), owner="officer a")
    for number in range(50):
        learn(book, a_step(belongs=(str(number),)), owner="officer b")
    assert known(book) is not None
    assert len(book) == 11


def test_a_thing_has_a_few_names_only() -> None:
    book = PartsBook()
    for number in range(NAMES * 3):
        learn(book, a_step(belongs=("0",)), gives=(f"given-{number}",))
    names = [f"given-{number}" for number in range(NAMES * 3) if known(book, f"given-{number}") is not None]
    assert known(book, "0") is not None
    assert names[-1] == f"given-{NAMES * 3 - 1}"
    assert len(names) == NAMES - 1


def test_what_was_found_stays_as_it_was_found() -> None:
    """Another thread may read while the loop learns."""
    book = PartsBook()
    learn(book, a_step("Satu"))
    before = known(book)
    kept = replace(before)
    learn(book, a_step("Dua"))
    assert before == kept
