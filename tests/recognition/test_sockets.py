"""Messages on a WebSocket are recognised by the same documents, selectors and rules as requests."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.errors import DocumentErrors
from gerbang.model import SOCKET, Gap, Kind, Request, SocketRefusal
from gerbang.recognition.cases import parse_cases, run_cases
from gerbang.recognition.recognise import recognise, recognise_unread
from gerbang.recognition.signature import compile_platforms, parse_platform
from gerbang.recognition.sockets import message_on, socket_refusal
from gerbang.wire.values import Unreadable, parse_json
from policies.test_platforms import blinded, weakened
from socket_platform import CASES, CHAT, DOCUMENT, HOST, SUBPROTOCOL

PLATFORMS = compile_platforms([parse_platform(DOCUMENT, "sembang.yaml")])
OPENED = Request("GET", HOST, "/rooms/7", (("Cookie", "member=41"), ("Upgrade", "websocket")))


def said(content: bytes | None, opened: Request = OPENED, subprotocol: str | None = SUBPROTOCOL) -> Any:
    return recognise(message_on(opened, content, subprotocol), PLATFORMS)


def test_every_case_holds_and_none_of_its_discriminators_or_selectors_can_be_missed() -> None:
    document, cases = parse_platform(DOCUMENT, "sembang.yaml"), parse_cases(CASES, "sembang.cases.yaml")
    assert not [str(failure) for failure in run_cases(cases, document)]
    for changed in (*weakened(document), *blinded(document)):
        assert run_cases(cases, changed[1]), changed[0]


def test_what_the_opening_request_says_of_a_body_says_nothing_of_a_message() -> None:
    lies = (("Content-Type", "image/png"), ("Content-Encoding", "gzip"), ("Sec-WebSocket-Protocol", "a, sembang.v1"))
    opened = Request("GET", HOST, "/rooms/7", (*OPENED.headers, *lies))
    (act,) = said(b'{"type":"say","payload":{"text":"Hai"}}', opened).activities
    assert [text.value for text in act.texts] == ["Hai"]
    assert said(b'{"type":"typing"}', opened).reason == "typing"
    assert said(b'{"type":"typing"}', opened, None).activities[0].unclaimed, "what was offered was not chosen"


def test_a_message_never_becomes_another_method_nor_an_element_of_a_batch_a_message() -> None:
    document = """
platform: kotak
title: Kotak
hosts: {app: [kotak.example]}
method_override: {from: json._method}
surfaces:
  api: {hosts: app, override: true}
  talk: {hosts: app, method: SOCKET}
batches:
  - {surface: api, path: /batch, each: "json.requests[]"}
signatures:
  - {id: post, activity: post, surface: api, path: /talk, texts: json.text}
housekeeping:
  - {surface: talk, path: /talk}
"""
    platforms = compile_platforms([parse_platform(document, "kotak.yaml")])
    request = Request(SOCKET, "kotak.example", "/talk", body=b'{"_method": "POST", "text": "hai"}')
    assert recognise(request, platforms).reason == "housekeeping"
    batch = b'{"requests": [{"method": "SOCKET", "path": "/talk"}]}'
    (act,) = recognise(Request("POST", "kotak.example", "/batch", body=batch), platforms).activities
    assert act.unclaimed
    assert [gap.reason for gap in act.gaps] == ["unreadable"]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b'{"type":"say","id":"m-1"}', "m-1"),
        (b'{"type":"shout","id":7}', "7"),
        (b"\xff\0", ""),
    ],
)
def test_a_refusal_names_the_message_as_the_page_knows_it(content: bytes, refusal: str) -> None:
    found = socket_refusal(message_on(OPENED, content, SUBPROTOCOL), PLATFORMS)
    assert isinstance(found, SocketRefusal)
    assert found.id == refusal


@pytest.mark.parametrize(
    ("host", "path", "subprotocol"),
    [
        (HOST, "/rooms/7", None),
        (HOST, "/rooms", SUBPROTOCOL),
        (CHAT, "/lines/7", SUBPROTOCOL),
        ("a.example", "/rooms/7", None),
    ],
)
def test_where_no_document_says_how_nothing_can_be_said_on_a_socket(
    host: str, path: str, subprotocol: str | None
) -> None:
    assert socket_refusal(message_on(Request("GET", host, path), b"{}", subprotocol), PLATFORMS) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise_and_what_is_no_words_is_a_gap(content: bytes) -> None:
    for path in ("/rooms/7", "/other"):
        found = said(content, Request("GET", HOST, path))
        words = content.rstrip(b"\0\x1e")
        if words and not _json(words) and (b"\0" in words or not _utf8(words)):
            assert any(gap.reason == "unreadable" for act in found.activities for gap in act.gaps)


def _json(content: bytes) -> bool:
    try:
        parse_json(content)
    except Unreadable:
        return False
    return True


def _utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_what_was_given_up_on_is_the_most_that_it_can_be() -> None:
    found = recognise_unread(message_on(OPENED, None, SUBPROTOCOL), Gap("too-large"), PLATFORMS)
    assert [act.kind for act in found.activities] == [Kind.EDIT]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (("method: SOCKET\n    under: \"/rooms", "method: POST\n    under: \"/rooms"), "`subprotocol` is for surfaces"),
        (("under: \"/lines/{room}\"", "under: \"/lines/{room}\"\n    override: true"), "cannot be replaced"),
        (("housekeeping:", "batches: [{surface: lines, each: \"json[]\"}]\nhousekeeping:"), "a batch is of requests"),
    ],
)  # fmt: skip
def test_what_a_socket_cannot_have_is_an_error(changed: tuple[str, str], what: str) -> None:
    with pytest.raises(DocumentErrors, match=what):
        parse_platform(DOCUMENT.replace(*changed), "sembang.yaml")
