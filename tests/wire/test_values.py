"""JSON as anybody may write it."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.values import DEPTH, TEXTS, Pairs, Unreadable, Value, parse_json, parse_json_texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(value=JSON, charset=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]))
def test_the_same_value_in_every_charset(value: object, charset: str) -> None:
    written = json.dumps({"a": value}, ensure_ascii=False).encode(charset, "surrogatepass")
    assert parse_json(written) == {"a": value}


def test_names_that_stand_twice_are_both_kept() -> None:
    value = parse_json('{"status": "draft", "a": {"b": 1, "b": 2}, "status": "publish"}')
    assert isinstance(value, Pairs)
    assert value.get_all("status") == ["draft", "publish"]
    assert value.get_all("a") == [Pairs((("b", 1), ("b", 2)))]


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', '{"a": "line\nbreak"}', '{"a": "\ud800"}'])
def test_what_lenient_servers_take_is_taken(text: str) -> None:
    assert isinstance(parse_json(text), dict)


@pytest.mark.parametrize("text", ["", "{", "selamat", '{"a": 1} {"b": 2}', "{'a': 1}", "\x00"])
def test_what_is_no_json_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_json(text)


def test_nesting_is_read_to_its_bound_and_not_past_it() -> None:
    assert parse_json("[" * DEPTH + "]" * DEPTH)
    for deep in ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "[" * 200_000, '{"a":' * 100_000 + "1" + "}" * 100_000):
        with pytest.raises(Unreadable):
            parse_json(deep)


def test_brackets_in_texts_are_no_nesting() -> None:
    assert parse_json(json.dumps({"a": "[" * 5000, "b": '"{' * 5000})) == {"a": "[" * 5000, "b": '"{' * 5000}


def test_a_number_of_many_digits_is_a_number() -> None:
    assert isinstance(parse_json('{"a": ' + "9" * 5000 + "}"), dict)


def test_a_string_that_never_ends_is_gone_through_once() -> None:
    """Eight times the text takes about eight times as long, where going back would take sixty-four times."""

    def taken(size: int) -> float:
        body = b"[]" * (DEPTH + 1) + b'"' + b'\\"' * size
        best = 9.0
        for _ in range(3):
            start = process_time()
            with pytest.raises(Unreadable):
                parse_json(body)
            best = min(best, process_time() - start)
        return best

    assert taken(80_000) < 40 * max(taken(10_000), 1e-4)


@pytest.mark.parametrize(
    ("source", "values"),
    [
        (b'{"a": 1}', ({"a": 1},)),
        (b'for (;;);{"payload":{"fbid":7}}', ({"payload": {"fbid": 7}},)),
        (b"while(1);[1]", ([1],)),
        (b')]}\'\n\n105\n[["wrb.fr"]]\n25\n[["e",4]]', (105, [["wrb.fr"]], 25, [["e", 4]])),
        (b'{"data": 1}\r\n{"label": "x$defer"}\n', ({"data": 1}, {"label": "x$defer"})),
        (b'{"data": 1}\n{"label": "cut o', ({"data": 1},)),
    ],
)
def test_an_answer_may_be_several_json_texts_behind_a_guard(source: bytes, values: tuple[Value, ...]) -> None:
    assert parse_json_texts(source) == values


@pytest.mark.parametrize("source", [b"", b"for (;;);", b"<!doctype html>", b'{"cut o', b"\xff\xfe"])
def test_an_answer_that_is_no_json_says_so(source: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_json_texts(source)


def test_no_more_texts_are_read_than_the_bound() -> None:
    assert len(parse_json_texts(b"[1]\n" * (TEXTS + 1))) == TEXTS
    with pytest.raises(Unreadable):
        parse_json_texts(b"{}\n" + b"[" * (DEPTH + 1))
