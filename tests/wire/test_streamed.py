"""Bodies that are digested as they pass."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.model import Media
from gerbang.wire.streamed import FIELDS, Fields, Running, Sent, Streamed

BOUNDARY = "----garis"
FORM = (("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"),)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def a_form(*parts: tuple[str, bytes], closed: bool = True) -> bytes:
    """Each part its Content-Disposition's rest and its bytes."""
    body = b""
    for rest, data in parts:
        body += f"--{BOUNDARY}\r\nContent-Disposition: form-data; {rest}\r\n\r\n".encode() + data + b"\r\n"
    return body + (f"--{BOUNDARY}--\r\n".encode() if closed else b"")


def passed(body: bytes, headers: Sequence[tuple[str, str]], cuts: Sequence[int] = (), begin: object = None) -> Sent:
    streamed = Streamed(headers, begin)  # type: ignore[arg-type]  # tests give any function
    at = 0
    for cut in sorted(cut % (len(body) + 1) for cut in cuts):
        assert streamed(body[at:cut]) == body[at:cut]
        at = cut
    streamed(body[at:])
    return streamed.sent()


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_however_a_form_comes_its_file_and_fields_are_the_same(data: bytes, cuts: list[int]) -> None:
    body = a_form(('name="media_id"', b"77"), ('name="media"; filename="a.mp4"', data), ('name="kapsyen"', b"Hai"))
    sent = passed(body, FORM, cuts, lambda _: Running())
    assert sent.body == Media(digest=sha(body), size=len(body))
    assert sent.file == Media(name="a.mp4", digest=sha(data), size=len(data))
    assert (sent.fields, sent.told) == ((("media_id", "77"), ("kapsyen", "Hai")), True)
    assert sent.after is not None
    assert (sent.after.digest, sent.after.size, sent.after.parts) == (sha(data), len(data), 1)


@given(pieces=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6))
def test_parts_in_a_row_have_the_digest_of_the_whole(pieces: list[bytes]) -> None:
    running = Running()
    for number, piece in enumerate(pieces):
        body, headers = (a_form(('name="media"; filename="b"', piece)), FORM) if number % 2 else (piece, ())
        going_on = running
        sent = passed(body, headers, (1, 3), lambda _, going_on=going_on: going_on)
        assert sent.before is going_on
        assert sent.after is not None
        running = sent.after
    assert (running.digest, running.size, running.parts) == (sha(b"".join(pieces)), sum(map(len, pieces)), len(pieces))


def test_what_a_file_goes_on_from_may_be_asked_with_the_fields_before_it() -> None:
    asked: list[Fields] = []

    def begin(fields: Fields) -> None:
        asked.append(fields)

    body = a_form(('name="media_id"', b"77"), ('name="media"; filename="b"', b"abc"), ('name="x"', b"y"))
    assert passed(body, FORM, (), begin).after is None
    assert asked == [(("media_id", "77"),)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(a_form(('name="a"; filename="a"', b"1"), ('name="b"; filename="b"', b"2")), id="two files"),
        pytest.param(a_form(('name="a"; filename="a"', b"1"), closed=False), id="cut short"),
        pytest.param(
            a_form(('name="a"; filename="a"', b"1")).replace(b"form-data", b"form-data;" + b"x" * 20_000),
            id="long head",
        ),
        pytest.param(b"no form at all", id="no form"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_form_that_could_be_taken_otherwise_has_no_file(body: bytes) -> None:
    sent = passed(body, FORM)
    assert sent.file is None
    assert sent.body.digest == sha(body)


def test_a_form_of_which_more_is_kept_than_may_be_is_not_looked_into() -> None:
    file = ('name="a"; filename="a"', b"1")
    fits = passed(a_form(file, ('name="teks"', b"x" * (FIELDS - 500))), FORM)
    assert fits.told
    assert fits.file is not None
    long = passed(a_form(file, ('name="teks"', b"x" * FIELDS)), FORM)
    assert not long.told
    assert (long.file, long.fields) == (None, ())


@pytest.mark.parametrize(
    ("kind", "body", "is_file"),
    [
        ("video/mp4", b"\0\0\0 ftyp", True),
        ("application/octet-stream", b"media=abc", False),
        # Google's uploads call their bytes a form.
        ("application/x-www-form-urlencoded", b"\xff\xd8\xff\xe0", True),
        ("application/x-www-form-urlencoded", b"command=APPEND&media_data=AAEC", False),
        ("application/json", b'{"media": "AAEC"}', False),
        ("text/xml", b"<methodCall>", False),
        ("multipart/form-data; boundary=a; boundary=b", b"--a", False),
    ],
)
def test_which_bodies_are_a_file(kind: str, body: bytes, is_file: bool) -> None:
    sent = passed(body, (("Content-Type", kind),), begin=lambda _: Running())
    assert (sent.file is not None) is is_file
    assert (sent.after is not None) is is_file


def test_a_compressed_body_is_no_file() -> None:
    assert passed(b"\x1f\x8b\x08", (("Content-Type", "video/mp4"), ("Content-Encoding", "gzip"))).file is None
