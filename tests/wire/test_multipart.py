"""multipart/form-data, as browsers, PHP and older clients write it."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.multipart import PARAMETERS, PARTS, boundaries, parameters
from gerbang.wire.multipart import parse_multipart as parts
from gerbang.wire.values import Blob, Unreadable, Value


def parse_multipart(data: bytes, boundary: str) -> tuple[tuple[str, Value], ...]:
    return parts(data, boundary).fields


def body(*parts: str, end: str = "--b--\r\n", line: str = "\r\n") -> bytes:
    return ("".join(f"--b{line}{part.replace(chr(10), line)}{line}" for part in parts) + end).encode()


BACKSLASHES = "\\" * 10_000
TITLE = 'Content-Disposition: form-data; name="title"\n\nNotis cuti'
FILE = 'Content-Disposition: form-data; name="file"; filename="a.png"\nContent-Type: image/png\n\nBYTES'


def test_texts_and_files() -> None:
    assert parse_multipart(body(TITLE, FILE), "b") == (
        ("title", "Notis cuti"),
        ("file", Blob(b"BYTES", "a.png", "image/png")),
    )


@pytest.mark.parametrize(
    "written",
    [
        body(TITLE, line="\n"),
        b"preamble\r\n" + body(TITLE),
        body(TITLE, end=""),
        body(TITLE) + b"epilogue",
        body('CONTENT-DISPOSITION:form-data;NAME="title"\n\nNotis cuti'),
        body("Content-Disposition: form-data; name=title\n\nNotis cuti"),
        body('Content-Disposition: form-data;\n name="title"\n\nNotis cuti'),
        body("Content-Disposition: form-data; name*=utf-8''ti%74le\n\nNotis cuti"),
        body('Content-Disposition: form-data; name*0="ti"; name*1="tle"\n\nNotis cuti'),
    ],
)
def test_the_same_field_in_each_way_of_writing_it(written: bytes) -> None:
    fields = parse_multipart(written, "b")
    assert [name for name, _ in fields] == ["title"]
    assert str(fields[0][1]).strip() == "Notis cuti"


@pytest.mark.parametrize(
    ("disposition", "fields"),
    [
        ('name="x"; name="comment"', ["x", "comment"]),
        ("name='comment'", ["'comment'", "comment"]),
        ("name=\"comment\"; name*=utf-8''x", ["x", "comment"]),
        ('x=\'"; name="y"\'; name="comment"', ["comment"]),
        ('name="com\\\\ment"', ["com\\\\ment", "com\\ment"]),
        ('\nname="comment"', ["comment"]),
    ],
)
def test_a_name_that_servers_read_differently_is_each_of_them(disposition: str, fields: list[str]) -> None:
    written = body(f"Content-Disposition: form-data; {disposition}\n\nNotis")
    assert sorted(name for name, _ in parse_multipart(written, "b")) == sorted(fields)


@pytest.mark.parametrize(
    ("head", "value"),
    [
        ('name="a"\nContent-Type: image/png', ["Notis", Blob(b"Notis", None, "image/png")]),
        ("name=\"a\"; filename*=utf-8''n.txt", ["Notis", Blob(b"Notis", "n.txt")]),
        ('name="a"; filename="n.txt"', [Blob(b"Notis", "n.txt")]),
        ('name="a"\nContent-Type: text/plain; charset=utf-16', ["Notis"]),
    ],
)
def test_only_a_file_name_makes_a_file_for_php(head: str, value: list[Value]) -> None:
    written = body(f"Content-Disposition: form-data; {head}\n\nNotis")
    assert [found for _, found in parse_multipart(written, "b")] == value


def test_a_charset_of_wide_letters_hides_nothing() -> None:
    written = body('Content-Disposition: form-data; name="a"\nContent-Type: text/plain; charset=utf-16\n\nNotis\0')
    assert "Notis\0" in [value for _, value in parse_multipart(written, "b")]


def test_a_part_behind_the_last_one_is_read_and_said() -> None:
    found = parts(body(end="--b--\r\n") + body(TITLE), "b")
    assert found.fields == (("title", "Notis cuti"),)
    assert found.left_over
    assert not parts(body(TITLE, end="--b--\r\n\r\n"), "b").left_over
    assert parts(body(TITLE) + b"epilogue", "b").left_over


def test_words_without_a_name_are_said() -> None:
    assert parts(body("Content-Type: text/plain\n\nNotis"), "b").left_over


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("multipart/form-data; boundary=A", ("A",)),
        ("multipart/form-data; xboundary=A", ("A",)),
        ("multipart/form-data boundary=A", ("A",)),
        ('multipart/form-data; boundary="A;B"', ("A;B",)),
        ("multipart/form-data; xboundary=A; boundary=B", ("A", "B")),
        ("multipart/form-data; boundary=A x", ("A x", "A")),
        ("multipart/form-data", ()),
    ],
)
def test_each_boundary_that_a_server_may_take(header: str, found: tuple[str, ...]) -> None:
    assert boundaries(header) == found


def test_a_boundary_within_a_line_is_content() -> None:
    assert parse_multipart(body('Content-Disposition: form-data; name="a"\n\nx --b y'), "b") == (("a", "x --b y"),)


def test_a_part_says_its_charset_and_a_field_says_it_for_all() -> None:
    own = (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
        b"Content-Type: text/plain; charset=gbk\r\n\r\n\xb4\xba\r\n--b--"
    )
    assert parse_multipart(own, "b") == (("a", "春"),)
    shared = (
        b'--b\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\ngbk\r\n'
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xb4\xba\r\n--b--'
    )
    assert parse_multipart(shared, "b")[1] == ("a", "春")


def test_a_file_name_keeps_its_semicolons_and_quotes() -> None:
    _, found = parameters('form-data; name="a"; filename="satu; dua%22.png"')
    assert found["filename"] == 'satu; dua".png'


@pytest.mark.parametrize("broken", [b"", b"no boundary here", b"--b\r\nContent-Disposition: form-data", b"--b"])
def test_what_is_no_multipart_is_unreadable(broken: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_multipart(broken, "b")


def test_more_parts_than_are_read_are_unreadable() -> None:
    assert len(parse_multipart(body(*[TITLE] * PARTS), "b")) == PARTS
    with pytest.raises(Unreadable):
        parse_multipart(body(*[TITLE] * (PARTS + 1)), "b")


def test_more_parameters_than_are_read_are_unreadable() -> None:
    with pytest.raises(Unreadable):
        parse_multipart(body(f"Content-Disposition: form-data{'; name=a' * (PARAMETERS + 1)}\n\nNotis"), "b")


def test_headers_longer_than_are_read_are_unreadable() -> None:
    with pytest.raises(Unreadable):
        parse_multipart(body(f"X: {'a' * 20_000}\n\nNotis"), "b")


@pytest.mark.parametrize("name", ['name="a"; ' * (PARAMETERS - 2), f"name='{BACKSLASHES}'", f'name="{BACKSLASHES}"'])
def test_long_headers_of_many_parts_are_read_in_time(name: str) -> None:
    written = body(*[f"Content-Disposition: form-data; {name}\n\nx"] * 200)
    start = process_time()
    parse_multipart(written, "b")
    assert process_time() - start < 2


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise_anything_else(data: bytes) -> None:
    for written in (data, b"--b\r\n" + data, b"--b\r\n\r\n" + data + b"\r\n--b--"):
        try:
            parse_multipart(written, "b")
        except Unreadable:
            continue
