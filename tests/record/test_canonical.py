"""Canonical bytes: one spelling for a value, and none for what could be spelled in two ways."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.record.canonical import DEEPEST, LARGEST, canonical, digest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same_and_is_written_the_same_again(value: object) -> None:
    raw = canonical(value)  # type: ignore[arg-type]
    assert json.loads(raw) == value
    assert canonical(json.loads(raw)) == raw
    assert raw.isascii()
    assert b"\n" not in raw


def test_the_order_of_keys_does_not_matter() -> None:
    assert canonical({"b": 1, "a": [2]}) == canonical({"a": (2,), "b": 1}) == b'{"a":[2],"b":1}'


@pytest.mark.parametrize("value", [1.0, float("nan"), {"a": [0.5]}, b"x", {1: "a"}, {"a": {None: 1}}, object(), {1, 2}])
def test_what_has_no_canonical_bytes_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [LARGEST + 1, -LARGEST - 1])
def test_a_number_that_other_readers_would_round_is_refused(value: int) -> None:
    canonical(value - 1 if value > 0 else value + 1)
    with pytest.raises(ValueError, match="2\\*\\*53"):
        canonical(value)


def test_nesting_has_a_bound() -> None:
    def nested(depth: int) -> object:
        return [nested(depth - 1)] if depth else "x"

    canonical(nested(DEEPEST))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="deeper"):
        canonical(nested(DEEPEST + 1))  # type: ignore[arg-type]


def test_half_a_surrogate_pair_is_written_and_not_refused() -> None:
    """Text from a platform can hold one; a decision about it must still be recorded."""
    assert canonical("\ud83d") == b'"\\ud83d"'


def test_the_same_bytes_as_two_different_things_have_two_digests() -> None:
    assert digest("line", b"x") != digest("commitment", b"x")
