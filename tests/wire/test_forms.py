"""Forms and query strings: order, repetition and charsets as a server takes them."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.forms import FIELDS, parse_form, parse_query
from gerbang.wire.values import Unreadable


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=1&b=2", (("a", "1"), ("b", "2"))),
        (b"a=1&a=2", (("a", "1"), ("a", "2"))),
        (b"a=satu+dua%20tiga", (("a", "satu dua tiga"),)),
        (b"data%5Bpost%5D%5Bid%5D=7&data[post][id]=8", (("data[post][id]", "7"), ("data[post][id]", "8"))),
        (b"a&b=", (("a", ""), ("b", ""))),
        (b"&&a=1&\r\n", (("a", "1"),)),
        (b"a=x=y%3Dz", (("a", "x=y=z"),)),
        (b"a=%zz%", (("a", "%zz%"),)),
        (b"", ()),
    ],
)
def test_fields_in_order(body: bytes, fields: tuple[tuple[str, str], ...]) -> None:
    assert parse_form(body) == fields


@pytest.mark.parametrize(
    ("body", "charset", "value"),
    [
        ("a=caf%C3%A9", None, "café"),
        ("a=caf%E9", None, "café"),
        ("a=caf%E9", "iso-8859-1", "café"),
        ("a=caf%C3%A9", "iso-8859-1", "café"),
        ("a=%B4%BA", "gbk", "春"),
        ("a=%B4%BA&_charset_=gbk", None, "春"),
        ("a=%B4%BA&_charset_=gbk", "utf-8", "春"),
        ("a=%80", None, "€"),
        ("a=selamat", "utf-7", "selamat"),
        ("a=selamat", "rot13", "selamat"),
        ("a=selamat", "utf-16", "selamat"),
        ("a=selamat", "tiada", "selamat"),
    ],
)
def test_the_charset_that_fits(body: str, charset: str | None, value: str) -> None:
    assert parse_form(body.encode(), charset)[0] == ("a", value)


# A byte order mark at the start of a value is taken off.
WORDS = st.characters(exclude_characters="\ufeff", exclude_categories=["Cs"])


@given(st.lists(st.tuples(st.text(WORDS, max_size=8), st.text(WORDS, max_size=20)), max_size=8))
def test_what_a_browser_writes_comes_back(fields: list[tuple[str, str]]) -> None:
    fields = [(name or "a", value) for name, value in fields]
    assert list(parse_form(urlencode(fields).encode())) == fields


def test_more_fields_than_are_read_are_unreadable() -> None:
    assert len(parse_form(b"&".join([b"a=1"] * FIELDS))) == FIELDS
    with pytest.raises(Unreadable):
        parse_form(b"&".join([b"a=1"] * (FIELDS + 2)))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    parse_form(body)
    parse_query(body.decode("latin-1"))
