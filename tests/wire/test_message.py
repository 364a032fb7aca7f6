"""A request as fields, whatever its headers claim it to be."""

import gzip
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.message import Message, segments
from gerbang.wire.selectors import parse_selector
from gerbang.wire.values import Blob


def message(body: bytes | None = b"", target: str = "/", **headers: str) -> Message:
    return Message("POST", target, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


def texts(selector: str, of: Message, **captures: str) -> list[str]:
    return parse_selector(selector).texts(of, captures)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "application/octet-stream"],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_under_any_content_type(kind: str, charset: str) -> None:
    body = json.dumps({"variables": {"tweet_text": "Selamat"}}).encode(charset)
    assert texts("variables.tweet_text", message(body, content_type=kind)) == ["Selamat"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "", "application/json"])
def test_a_form_is_read_under_any_content_type(kind: str) -> None:
    found = message(b"comment=Selamat+pagi&a=1", content_type=kind)
    assert texts("form.comment", found) == ["Selamat pagi"]
    assert not found.gaps


def test_a_form_that_is_json_too_is_read_as_both() -> None:
    """A server that goes by the content type and one that sniffs must both be seen through."""
    found = message(b'["&comment=Selamat&x="]', content_type="application/x-www-form-urlencoded")
    assert texts("form.comment", found) == ["Selamat"]
    assert found.json


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "multipart/form-data", "text/plain"])
def test_multipart_is_read_without_its_boundary_in_the_header(kind: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="comment"\r\n\r\nSelamat\r\n--b--\r\n'
    assert texts("form.comment", message(body, content_type=kind)) == ["Selamat"]


def wrapped(body: bytes) -> Message:
    return Message("POST", "/", (("content-type", "application/x-www-form-urlencoded"),), body, wrapped="signed_body")


@pytest.mark.parametrize("signature", ["", "SIGNATURE.", "9b2f.", "."])
def test_fields_that_one_field_holds_behind_a_signature_are_those_of_the_form(signature: str) -> None:
    inner = quote(json.dumps({"caption": "Selamat + pagi", "info": {"text": "Hai"}, "caption_id": 7}))
    found = wrapped(f"a=1&signed_body={signature}{inner}&ig_sig_key_version=4".encode())
    assert texts("form.caption", found) == ["Selamat + pagi"]
    assert texts("form.info.text", found) == ["Hai"]
    assert texts("form.a or form.caption_id or form.ig_sig_key_version", found) == ["1", "7", "4"]
    assert texts("form.signed_body", found) == []
    assert not found.gaps


@pytest.mark.parametrize(
    ("target", "body"),
    [("/?signed_body=S.%7B%22a%22%3A%222%22%7D", b""), ("/", b'{"signed_body": "S.{\\"a\\":\\"2\\"}"}')],
)
def test_the_field_that_holds_the_others_may_stand_in_the_query_or_in_json(target: str, body: bytes) -> None:
    assert texts("form.a", Message("POST", target, (), body, wrapped="signed_body")) == ["2"]


def test_a_name_that_is_given_within_and_without_counts_twice() -> None:
    assert texts("form.a", wrapped(b'a=1&signed_body=x.{"a":"2","a":"3"}')) == ["1", "2", "3"]


@pytest.mark.parametrize("value", ["SIGNATURE.%7Bkosong", "SIGNATURE", "a%20b.%7B%7D", "%2527.%257B%257D"])
def test_what_should_hold_the_fields_and_does_not_is_a_gap(value: str) -> None:
    assert [gap.reason for gap in wrapped(f"signed_body={value}".encode()).gaps] == ["unreadable"]


@pytest.mark.parametrize(
    ("inner", "files", "gaps"),
    [(b'{"text": "Taklimat"}', ["minit.txt"], []), (b"Taklimat", [None, "minit.txt"], ["unreadable"])],
)
def test_what_holds_the_fields_is_no_file_whatever_its_type(
    inner: bytes, files: list[str | None], gaps: list[str]
) -> None:
    odd = b"\r\nContent-Type: application/octet-stream\r\n\r\n"
    named = b'--b\r\nContent-Disposition: form-data; name="payload"'
    file = b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="minit.txt"' + odd + b"isi\r\n--b--\r\n"
    kind = (("content-type", "multipart/form-data; boundary=b"),)
    found = Message("POST", "/", kind, named + odd + inner + file, wrapped="payload")
    assert texts("form.text", found) == (["Taklimat"] if not gaps else [])
    assert [blob.name for _, blob in found.files() if isinstance(blob, Blob)] == files
    assert [gap.reason for gap in found.gaps] == gaps


def test_without_a_word_about_it_no_field_holds_others() -> None:
    found = message(b'signed_body=x.{"a":"2"}', content_type="application/x-www-form-urlencoded")
    assert texts("form.a", found) == []
    assert texts("form.signed_body", found) == ['x.{"a":"2"}']


def test_gzip_is_undone_although_no_header_says_so() -> None:
    assert texts("json.a", message(gzip.compress(b'{"a": "Selamat"}'), content_type="application/json")) == ["Selamat"]


def test_a_body_that_is_not_in_its_encoding_is_a_gap_and_is_read_all_the_same() -> None:
    """PHP ignores Content-Encoding on requests; the words count."""
    found = message(b"comment=Selamat", content_encoding="br", content_type="application/x-www-form-urlencoded")
    assert texts("form.comment", found) == ["Selamat"]
    assert [gap.reason for gap in found.gaps] == ["unreadable"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": ', "application/json"),
        (b"--x", "multipart/form-data; boundary=b"),
        (b"<methodCall>", "text/xml"),
        (b"[" * 1000 + b"]" * 1000, "application/json"),
    ],
)
def test_what_is_not_what_it_says_is_a_gap(body: bytes, kind: str) -> None:
    found = message(body, content_type=kind)
    assert [gap.reason for gap in found.gaps] == ["unreadable"]
    assert found.partial


def test_a_body_that_was_not_read_leaves_its_fields_unknown() -> None:
    found = message(None, "/?status=publish")
    assert parse_selector("form.comment").find(found, {}).unknown
    assert not parse_selector("query.other").find(found, {}).unknown
    assert texts("field.status", found) == ["publish"]


def test_what_calls_itself_a_picture_is_looked_at_all_the_same() -> None:
    assert message(None, content_type="image/png").partial
    assert texts("json.a", message(b'{"a": "Selamat"}', content_type="image/png")) == ["Selamat"]
    picture = message(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, content_type="image/png")
    assert (picture.unstructured, picture.gaps) == (True, ())


PARTS = b'--A\r\nContent-Disposition: form-data; name="comment"\r\n\r\nSelamat\r\n--A--\r\n'


def php(body: bytes, *headers: tuple[str, str]) -> Message:
    return Message("POST", "/", headers, body, php=True)


@pytest.mark.parametrize(
    ("kind", "body", "gap"),
    [
        ("application/x-www-form-urlencoded; boundary=A", b"comment=Selamat&z=\n" + PARTS, False),
        ("application/x-www-form-urlencoded; charset=utf-16", b"comment=Selamat&z=\0a", False),
        ("application/x-www-form-urlencoded, text/plain", b"&comment=Selamat", False),
        ("application/x-www-form-urlencoded x", b"&comment=Selamat", False),
        ("multipart/form-data; xboundary=A", b"mukadimah\r\n" + PARTS, False),
        ("multipart/form-data; xboundary=A; boundary=B", PARTS + PARTS.replace(b"A", b"B"), True),
        ("multipart/form-data; boundary=A", b"--A--\r\n" + PARTS, True),
        ("image/png", b"comment=Selamat", False),
    ],
)
def test_a_form_that_servers_read_differently_is_read_in_each_way(kind: str, body: bytes, gap: bool) -> None:
    found = php(body, ("content-type", kind))
    assert "Selamat" in texts("form.comment", found)
    assert bool(found.gaps) is gap


def test_a_form_without_fields_has_no_gap() -> None:
    assert not php(b"--A--\r\n", ("content-type", "multipart/form-data; boundary=A")).gaps


def test_two_types_of_content_are_both_heeded_and_said() -> None:
    found = php(b"&comment=Selamat", ("content-type", "text/plain"), ("content-type", KINDS[1]))
    assert texts("form.comment", found) == ["Selamat"]
    assert found.gaps


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"comment=lain") + b"&comment=Selamat",
        gzip.compress(b"comment=lain")[:3]
        + b"\x08"
        + bytes(6)
        + b"&comment=Selamat&a=\0"
        + gzip.compress(b"comment=lain")[10:],
    ],
    ids=["behind", "as the file's name"],
)
def test_php_reads_what_stands_around_a_compressed_body(body: bytes) -> None:
    found = php(body, ("content-type", KINDS[1]), ("content-encoding", "gzip"))
    assert sorted(texts("form.comment", found)) == ["Selamat", "lain"]
    assert [gap.reason for gap in found.gaps][:1] == ["unreadable"]


def test_a_compressed_form_has_no_gap() -> None:
    found = php(
        gzip.compress(b"comment=" + b"Selamat+pagi" * 500), ("content-type", KINDS[1]), ("content-encoding", "gzip")
    )
    assert not found.gaps


def test_a_call_that_is_not_strict_is_a_gap_under_any_type() -> None:
    for kind in KINDS:
        found = php(
            b"<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>", ("content-type", kind)
        )
        assert found.call is None
        assert found.gaps


def test_a_list_where_a_value_is_wanted_is_given() -> None:
    found = php(b"publish[]=1", ("content-type", KINDS[1]))
    assert texts("form.publish", found) == ["1"]


def test_a_fragment_is_cut_off_and_said() -> None:
    found = message(b"", "/a?b=c#/d")
    assert (found.path, found.raw_query, [gap.reason for gap in found.gaps]) == ("/a", "b=c", ["unreadable"])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("json.a.b", ["1", "2"]),
        ("json.list[1].c", ["dua"]),
        ("json.list[].c", ["satu", "dua"]),
        ("json.nested.x.y", ["dalam"]),
        ('json["dots.in.it"]', ["ya"]),
        ("json.list[9].c", []),
        ("json.none", []),
        ("json.html | html", ["Satu\nDua"]),
        ("json.none or json.flag", ["true"]),
        ("query.a", ["x", "y"]),
        ("header.x-act", ["33"]),
        ("cookie.twid | percent", ["u=1"]),
        ("cookie.wp_*", ["aminah"]),
        ("path.id", ["731"]),
        ("basic.user", ["aminah"]),
    ],
)
def test_selectors(selector: str, expected: list[str]) -> None:
    inner = json.dumps({"x": json.dumps({"y": "dalam"})})
    rest = {"list": [{"c": "satu"}, {"c": "dua"}], "nested": inner, "dots.in.it": "ya", "flag": True}
    written = json.dumps({**rest, "html": "<p>Satu</p><p>Dua</p>"})
    body = b'{"a": {"b": 1, "b": 2}, ' + written[1:].encode()
    found = message(
        body,
        "/p?a=x&a=y",
        X_Act="33",
        cookie='a=b; twid="u%3D1"; wp_0a1b=aminah',
        authorization="Basic YW1pbmFoOnJhaHNpYQ==",
    )
    assert texts(selector, found, id="731") == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("form.data.wp_autosave.content", ["Draf"]),
        ('form["data[wp_autosave][content]"]', ["Draf"]),
        ("form.post[]", ["1", "2"]),
        ("form.card.label", ["Setuju"]),
    ],
)
def test_names_with_brackets_are_paths_too(selector: str, expected: list[str]) -> None:
    body = b'data[wp_autosave][content]=Draf&post[]=1&post%5B%5D=2&card={"label":"Setuju"}'
    assert texts(selector, message(body, content_type="application/x-www-form-urlencoded")) == expected


def test_the_password_of_an_authorization_is_nowhere() -> None:
    found = message(b"", authorization="Basic YW1pbmFoOnJhaHNpYQ==")
    assert found.basic_user == "aminah"
    assert "rahsia" not in repr(vars(found))


@pytest.mark.parametrize("source", ["", "jsn.a", "json.a..b", "form", "json.a[x]", "json.a | upper", "json.a or "])
def test_a_selector_that_cannot_be_read_says_so(source: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_selector(source)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/a/b/", ("a", "b")),
        ("//a///b", ("a", "b")),
        ("/a/./b/../c", ("a", "c")),
        ("/../../a", ("a",)),
        ("/a%2Fb/%63", ("a", "b", "c")),
        ("/a/%2e%2e/b", ("b",)),
        ("", ()),
    ],
)
def test_paths_as_servers_take_them(path: str, parts: tuple[str, ...]) -> None:
    assert segments(path) == parts


KINDS = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/xml", ""]


@given(body=st.binary(max_size=200), kind=st.sampled_from(KINDS), encoding=st.sampled_from(["", "gzip", "br", "x"]))
def test_no_body_makes_it_raise(body: bytes, kind: str, encoding: str) -> None:
    for start in (b"", b"{", b"--b\r\n\r\n", b"<methodCall>", b"a="):
        found = message(start + body, content_type=kind, content_encoding=encoding)
        assert isinstance(found.gaps, tuple)
        for selector in ("field.a", "variables.a.b", "xmlrpc.params[0].a", "body", "form.a[]"):
            texts(selector, found)
