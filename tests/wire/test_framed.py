"""Packets within messages of a socket: each is found as it is, and bytes that are none never raise but as agreed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.framed import PACKETS, Framing, acknowledged, packets, unfinished
from gerbang.wire.values import Unreadable

PING = b"\xc0\x00"
SUBSCRIBE = bytes.fromhex("82080001") + b"\0\3/ls\0"


def published(topic: str, payload: bytes, quality: int = 1, number: int = 7) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2) + name + (number.to_bytes(2) if quality else b"") + payload
    size, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        size += bytes((digit | (0x80 if left else 0),))
        if not left:
            return bytes((0x30 | quality << 1,)) + size + body


def data(payload: bytes, acknowledge: int = 0x8001, stream: int = 4) -> bytes:
    body = acknowledge.to_bytes(2, "little") + payload
    return bytes((13,)) + stream.to_bytes(2, "little") + len(body).to_bytes(3, "little") + body


@pytest.mark.parametrize("quality", [0, 1, 2])
@given(
    payloads=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    topic=st.text(min_size=1, max_size=40).filter(str.isprintable),
)
def test_what_is_published_over_mqtt_is_found_with_its_topic(quality: int, payloads: list[bytes], topic: str) -> None:
    message = PING + b"".join(published(topic, payload, quality) for payload in payloads)
    first, *others = packets("mqtt", message)
    assert first.kind == "pingreq"
    assert [(one.kind, one.topic, one.payload) for one in others] == [
        ("publish", topic, payload) for payload in payloads
    ]


@given(payloads=st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_what_goes_over_metas_gateway_is_found_among_its_other_frames(payloads: list[bytes]) -> None:
    ack, opened = bytes.fromhex("0c04000200000100"), bytes.fromhex("0f0400020000") + b"{}"
    found = packets("dgw", b"\x09" + opened + b"".join(map(data, payloads)) + ack + b"\x0a")
    assert [one.kind for one in found] == ["ping", "open", *("data" for _ in payloads), "ack", "pong"]
    assert [one.payload for one in found if one.topic] == payloads


@pytest.mark.parametrize("framing", ["mqtt", "dgw"])
@given(message=st.binary(max_size=200))
def test_no_bytes_raise_anything_else(framing: Framing, message: bytes) -> None:
    try:
        found = packets(framing, message)
    except Unreadable:
        assert acknowledged(framing, message) is None
    else:
        assert not unfinished(framing, message)
        assert len(found) <= PACKETS


@given(payload=st.binary(max_size=300), at=st.integers(0, 400))
def test_a_packet_is_unfinished_until_its_last_byte(payload: bytes, at: int) -> None:
    message = PING + published("/ls_req", payload)
    assert unfinished("mqtt", message[: 2 + 1 + at % (len(message) - 3)])
    assert not unfinished("mqtt", message)


@pytest.mark.parametrize(
    "message",
    [
        b'{"text": "hai"}',
        b"Selamat pagi semua",
        bytes.fromhex("3602ffff"),  # a quality of service that there is not
        bytes.fromhex("80020001"),  # a subscription with other flags
        bytes.fromhex("30ffffffff7f"),  # a length of five bytes
        bytes.fromhex("3203000261"),  # no room for what it says
        bytes.fromhex("f000"),
    ],
)
def test_what_is_no_mqtt_is_said_to_be_none(message: bytes) -> None:
    with pytest.raises(Unreadable):
        packets("mqtt", message)


def test_of_no_more_packets_than_the_bound_a_message_is_read() -> None:
    assert len(packets("mqtt", PING * PACKETS)) == PACKETS
    with pytest.raises(Unreadable, match="too many"):
        packets("mqtt", PING * (PACKETS + 1))
    assert len(packets("dgw", b"\x09" * PACKETS)) == PACKETS
    with pytest.raises(Unreadable, match="too many"):
        packets("dgw", b"\x09" * (PACKETS + 1))


@pytest.mark.parametrize(
    ("framing", "message", "answer"),
    [
        ("mqtt", published("/ls_req", b"{}", 1, 0x0708), bytes.fromhex("40020708")),
        ("mqtt", published("/ls_req", b"{}", 2, 0x0708), bytes.fromhex("50020708")),
        ("mqtt", published("/ls_req", b"{}", 0), b""),
        ("mqtt", published("a", b"", 1, 1) + published("a", b"", 1, 2), bytes.fromhex("4002000140020002")),
        ("mqtt", PING + published("a", b"", 1, 1), None),
        ("mqtt", SUBSCRIBE + published("a", b"", 1, 1), None),
        ("mqtt", bytes.fromhex("40020001") + published("a", b"", 1, 1), bytes.fromhex("40020001")),
        ("dgw", data(b"{}"), bytes.fromhex("0c04000200000100")),
        ("dgw", data(b"{}", 0x0001), b""),
    ],
)
def test_what_is_dropped_is_acknowledged_unless_more_is_waited_for(
    framing: Framing, message: bytes, answer: bytes | None
) -> None:
    assert acknowledged(framing, message) == answer


def test_what_is_asked_at_each_piece_looks_at_no_more_packets_than_are_read() -> None:
    assert unfinished("mqtt", PING * PACKETS + PING[:1])
    assert not unfinished("mqtt", PING * (PACKETS + 1) + PING[:1])
    many = PING * 500_000 + PING[:1]
    started = time.process_time()
    for _ in range(64):
        unfinished("mqtt", many)
    assert time.process_time() - started < 2
