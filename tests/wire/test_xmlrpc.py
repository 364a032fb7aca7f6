"""XML-RPC calls, and what somebody might send in their place."""

import pytest

from gerbang.wire.values import DEPTH, Blob, Pairs, Unreadable
from gerbang.wire.xmlrpc import Call, parse_call


def call(params: str, head: str = "") -> bytes:
    return f"{head}<methodCall><methodName> m </methodName><params>{params}</params></methodCall>".encode()


def param(value: str) -> str:
    return f"<param><value>{value}</value></param>"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("<string>Notis</string>", "Notis"),
        ("Notis", "Notis"),
        ("<int>7</int>", 7),
        ("<i4>-7</i4>", -7),
        ("<int>tujuh</int>", "tujuh"),
        ("<boolean>1</boolean>", True),
        ("<boolean>0</boolean>", False),
        ("<boolean>false</boolean>", True),
        ("<dateTime.iso8601>20260912T08:00:00</dateTime.iso8601>", "20260912T08:00:00"),
        ("<base64>AAEC\nAw==</base64>", Blob(b"\0\1\2\3")),
        ("<array><data><value>a</value><value><int>1</int></value></data></array>", ["a", 1]),
        ("<base64>A-A-E*C</base64>", Blob(b"\0\1\2")),
        ("<struct><member><name>a</name><value>1</value></member></struct>", {"a": "1"}),
        ("<struct><member><name>a</name><value/></member></struct>", {"a": ""}),
        ("<struct><member><name>a</name><value><nil/></value></member></struct>", {}),
        ("<struct/>", {}),
        ("<array><data/></array>", []),
        ("<string>&lt;p&gt;Tutup &amp; sunyi&lt;/p&gt;</string>", "<p>Tutup & sunyi</p>"),
        ("<string><![CDATA[<p>Tutup</p>]]></string>", "<p>Tutup</p>"),
    ],
)
def test_values(written: str, value: object) -> None:
    assert parse_call(call(param(written))) == Call("m", [value])


def test_a_member_that_stands_twice_is_kept_twice() -> None:
    member = "<member><name>title</name><value>{}</value></member>"
    struct = f"<struct>{member.format('satu')}{member.format('dua')}</struct>"
    assert parse_call(call(param(struct))).params == [Pairs((("title", "satu"), ("title", "dua")))]


def test_charsets_of_the_document() -> None:
    written = '<?xml version="1.0" encoding="ISO-8859-1"?>' + call(param("café")).decode()
    assert parse_call(written.encode("latin-1")).params == ["café"]


def test_an_answer_has_no_method() -> None:
    answer = b"<methodResponse><params><param><value><string>734</string></value></param></params></methodResponse>"
    assert parse_call(answer) == Call("", ["734"])


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"<methodCall>",
        b"<html></html>",
        b"<a><methodCall><methodName>m</methodName></methodCall></a>",
        b"<methodCall><methodName>m</methodName><methodName>n</methodName></methodCall>",
        b"<methodCall><methodName>m</methodName><value>a</value></methodCall>",
        b"<methodCall><methodName>m</methodName><params><value>a</value></params></methodCall>",
        b"<methodCall><params/></methodCall>",
        b'<methodCall xmlns:a="b"><methodName>m</methodName><a:params/></methodCall>',
        call("<param><value>a</value><value>b</value></param>"),
        call(param("")),
        call(param("<nil/>")),
        call(param("<nil/>publish")),
        call(param("<struct><member><name>a</name><value><nil/>publish</value></member></struct>")),
        call(param("<array><data><value><nil/></value><value>b</value></data></array>")),
        call(param("<string>a</string>publish")),
        call(param("<string>a<b>c</b></string>")),
        call(param("<array><data><value>a</value></data><data><value>b</value></data></array>")),
        call(param("<struct><member><value>1</value><name>a</name></member></struct>")),
        call(param("<struct>a</struct>")),
        call(param("&a;"), '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">]>'),
        call(param("&a;"), '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        b'<?xml version="1.0" encoding="tiada"?><methodCall/>',
        call(param("<array><data><value>" * (DEPTH + 2) + "</value></data></array>" * (DEPTH + 2))),
        b"<a>" * 100_000,
    ],
)
def test_what_is_no_call_or_asks_for_more_is_unreadable(hostile: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_call(hostile)
