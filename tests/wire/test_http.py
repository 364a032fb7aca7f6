"""A request within a body."""

from hypothesis import given
from hypothesis.strategies import binary

from gerbang.wire.http import parse_request
from gerbang.wire.multipart import HEADER


def test_bare_line_feeds_are_taken() -> None:
    """Google's Python client writes them."""
    inner = parse_request(b"\nDELETE /youtube/v3/comments?id=c HTTP/1.1\nHost: youtube.googleapis.com\n\n\n")
    assert inner is not None
    assert (inner.method, inner.target, inner.headers) == (
        "DELETE",
        "/youtube/v3/comments?id=c",
        (("Host", "youtube.googleapis.com"),),
    )


def test_the_first_end_of_the_head_counts() -> None:
    inner = parse_request(b"POST /a HTTP/1.1\r\nA: b\r\n\r\nsatu\n\ndua")
    assert inner is not None
    assert inner.body == b"satu\n\ndua"


def test_a_head_over_its_bound_is_none() -> None:
    line = b"POST /a HTTP/1.1\r\n"
    assert parse_request(line + b"a: " + b"x" * (HEADER - len(line) - 3) + b"\r\n\r\n") is not None
    assert parse_request(line + b"a: " + b"x" * (HEADER - len(line) - 2) + b"\r\n\r\n") is None


@given(binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    parse_request(data)
