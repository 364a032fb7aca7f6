"""Answers before the body and bounded bodies, on each protocol, with a real master and real sockets.

These are the contract tests too: they fail where another version of mitmproxy works differently inside.
"""

import asyncio
import hashlib
import inspect
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Server

from gate_builders import (
    Http2Client,
    Probe,
    RunningProxy,
    Trust,
    Upload,
    Upstream,
    a_proxy,
    a_trust,
    receive,
    server_context,
    tls_tunnel,
    upload_http1,
)
from gerbang.gate import stream
from gerbang.gate.bounds import SENDER, SHORT_OF_MEMORY, Budget, Limits
from gerbang.gate.stream import BODY_LIMIT, HEAD_LIMIT, PinnedAddress, pin

HUGE = 200 * 1000 * 1000
FOUR_MB = 4 * 1000 * 1000


def refuse(flow: http.HTTPFlow) -> None:
    flow.response = http.Response.make(403, b"refused", {"Content-Type": "text/plain"})


def peak() -> int:
    """Resident memory at its highest, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "upload.x.com"])


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    """The same under a platform's name, over TLS."""
    server = Upstream(server_context(trust, "x.com", tmp_path))
    yield server
    server.close()


def post(host: str, size: int, extra: str = "", path: str | None = None) -> bytes:
    where = path or f"http://{host}/"
    return f"POST {where} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n{extra}\r\n".encode()


# ---------------------------------------------------------------- refused on the headers


def huge_http1(proxy: RunningProxy, _: Trust) -> Upload:
    with socket.create_connection(proxy.address, 10) as connection:
        return upload_http1(connection, post("x.com", HUGE), HUGE)


def huge_http1_in_tls(proxy: RunningProxy, trust: Trust) -> Upload:
    with tls_tunnel(proxy.address, "x.com:443", trust.file) as connection:
        return upload_http1(connection, post("x.com", HUGE, path="/upload"), HUGE)


def huge_http2(proxy: RunningProxy, trust: Trust) -> Upload:
    with tls_tunnel(proxy.address, "x.com:443", trust.file, alpn=("h2",)) as connection:
        client = Http2Client(connection)
        number = client.start("POST", "x.com", "/upload", [("content-length", str(HUGE))])
        return client.upload(number, HUGE)


@pytest.mark.parametrize("upload", [huge_http1, huge_http1_in_tls, huge_http2])
def test_a_refused_upload_of_200_mb_is_answered_with_little_read_and_memory_flat(upload: Any, trust: Trust) -> None:
    with a_proxy(Probe(headers=refuse), authority=trust.authority) as proxy:
        before = peak()
        seen = upload(proxy, trust)
        assert seen.status == 403
        assert proxy.probe.valve is not None
        assert proxy.probe.valve.taken < FOUR_MB
        assert peak() - before < 24 << 20
        assert proxy.limits.budget.taken == 0


def test_http2_is_told_to_stop_without_an_error(trust: Trust) -> None:
    with a_proxy(Probe(headers=refuse), authority=trust.authority) as proxy:
        assert huge_http2(proxy, trust).reset == 0


def test_http2_goes_on_with_other_requests_after_a_refusal(trust: Trust) -> None:
    with (
        a_proxy(Probe(headers=refuse), authority=trust.authority) as proxy,
        tls_tunnel(proxy.address, "x.com:443", trust.file, alpn=("h2",)) as connection,
    ):
        client = Http2Client(connection)
        client.upload(client.start("POST", "x.com", "/", [("content-length", str(HUGE))]), HUGE)
        second = client.answer(client.start("GET", "x.com", "/", end=True))
        assert (second.status, second.body) == (403, b"refused")


def test_a_small_unwanted_body_is_read_away_and_the_connection_used_again() -> None:
    with a_proxy(Probe(headers=refuse)) as proxy, socket.create_connection(proxy.address, 10) as connection:
        for _ in range(3):
            connection.sendall(post("x.com", 1000) + b"x" * 1000)
            answer = receive(connection)
            assert answer.startswith(b"HTTP/1.1 403")
            assert b"connection: close" not in answer.lower()


def test_a_chunked_body_without_end_is_refused_and_cut_off() -> None:
    with a_proxy(Probe(headers=refuse)) as proxy, socket.create_connection(proxy.address, 10) as connection:
        head = b"POST http://x.com/ HTTP/1.1\r\nHost: x.com\r\nTransfer-Encoding: chunked\r\n\r\n"
        seen = upload_http1(connection, head, HUGE, b"10000\r\n" + b"x" * 65536 + b"\r\n")
        assert seen.status == 403
        assert proxy.probe.valve is not None
        assert proxy.probe.valve.taken < FOUR_MB


def test_nobody_is_asked_to_go_on_with_an_unwanted_body() -> None:
    with a_proxy(Probe(headers=refuse)) as proxy, socket.create_connection(proxy.address, 10) as connection:
        connection.sendall(post("x.com", HUGE, "Expect: 100-continue\r\n"))
        assert receive(connection).startswith(b"HTTP/1.1 403")


def test_a_wanted_body_is_asked_for(upstream: Upstream) -> None:
    with (
        a_proxy(Probe(upstream=upstream.address)) as proxy,
        socket.create_connection(proxy.address, 10) as connection,
    ):
        connection.sendall(post("x.com", 4, "Expect: 100-continue\r\n"))
        assert receive(connection, head_only=True).startswith(b"HTTP/1.1 100")
        connection.sendall(b"body")
        assert receive(connection).startswith(b"HTTP/1.1 200")
        assert b"expect" not in upstream.requests[0].lower()


def test_a_client_is_not_read_while_a_hook_waits() -> None:
    """A stalled disk must not fill the memory with what clients go on sending."""

    async def slow(flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0.5)
        refuse(flow)

    with a_proxy(Probe(headers=slow)) as proxy, socket.create_connection(proxy.address, 10) as connection:
        seen = upload_http1(connection, post("x.com", HUGE), HUGE)
        assert seen.status == 403
        assert proxy.probe.valve is not None
        assert proxy.probe.valve.taken < 1 << 20


# ---------------------------------------------------------------- bodies within bounds


@pytest.mark.parametrize(("size", "status"), [((1 << 20) - 1, 200), (1 << 20, 200), ((1 << 20) + 1, 403)])
def test_a_body_is_kept_up_to_the_limit(size: int, status: int, upstream: Upstream) -> None:
    kept: list[int] = []
    probe = Probe(
        upstream=upstream.address, overflow=refuse, body=lambda flow: kept.append(len(flow.request.raw_content))
    )
    with a_proxy(probe) as proxy, socket.create_connection(proxy.address, 10) as connection:
        seen = upload_http1(connection, post("x.com", size), size)
        assert seen.status == status
        assert kept == ([size] if status == 200 else [])
        assert len(upstream.bodies) == (status == 200)
        assert proxy.limits.budget.taken == 0


def test_a_flow_may_have_a_smaller_limit() -> None:
    def small(flow: http.HTTPFlow) -> None:
        flow.metadata[BODY_LIMIT] = 10

    with (
        a_proxy(Probe(headers=small, overflow=refuse)) as proxy,
        socket.create_connection(proxy.address, 10) as connection,
    ):
        assert upload_http1(connection, post("x.com", 11), 11).status == 403


def test_an_endless_body_over_http2_is_refused_at_the_limit(trust: Trust) -> None:
    with (
        a_proxy(Probe(overflow=refuse), authority=trust.authority) as proxy,
        tls_tunnel(proxy.address, "x.com:443", trust.file, alpn=("h2",)) as connection,
    ):
        client = Http2Client(connection)
        seen = client.upload(client.start("POST", "x.com", "/"), HUGE)
        assert seen.status == 403
        assert seen.reset == 0
        assert proxy.limits.budget.taken == 0


def test_the_budget_is_for_all_bodies_together() -> None:
    """Many half-sent bodies are not one too many for the machine: who comes when it is full is refused."""
    short: list[bool] = []

    def refuse_and_say(flow: http.HTTPFlow) -> None:
        short.append(flow.metadata.get(SHORT_OF_MEMORY, False))
        refuse(flow)

    def sent_by(flow: http.HTTPFlow) -> None:
        flow.metadata[SENDER] = str(flow.client_conn.peername)

    limits = Limits(1 << 20, Budget(300_000))
    limits.budget.share = 200_000
    with a_proxy(Probe(headers=sent_by, overflow=refuse_and_say), limits=limits) as proxy:
        waiting = [socket.create_connection(proxy.address, 10) for _ in range(2)]
        for connection in waiting:
            connection.sendall(post("x.com", 200_000) + b"x" * 120_000)
        deadline = time.monotonic() + 60
        while limits.budget.taken < 240_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        with socket.create_connection(proxy.address, 10) as late:
            assert upload_http1(late, post("x.com", 100_000), 100_000).status == 403
        assert short == [True]
        for connection in waiting:
            connection.close()
        while limits.budget.taken and time.monotonic() < deadline:
            time.sleep(0.01)
        assert limits.budget.taken == 0, "a client that went away gives its share back"


def test_one_sender_cannot_take_what_others_need() -> None:
    """However many bodies one address lets wait, what is beyond its share is refused, and others go on."""
    senders = iter("aaabbb")

    def sent_by(flow: http.HTTPFlow) -> None:
        flow.metadata[SENDER] = next(senders)

    limits = Limits(1 << 20, Budget(400_000))
    with a_proxy(Probe(headers=sent_by, body=refuse, overflow=refuse), limits=limits) as proxy:
        waiting = [socket.create_connection(proxy.address, 10) for _ in range(3)]
        for number, connection in enumerate(waiting, 1):
            connection.sendall(post("x.com", 200_000) + b"x" * 60_000)
            deadline = time.monotonic() + 60
            while number == 1 and limits.budget.taken < 60_000 and time.monotonic() < deadline:
                time.sleep(0.01)
        for connection in waiting[1:]:
            assert receive(connection).startswith(b"HTTP/1.1 403")
        assert limits.budget.taken == 60_000
        with socket.create_connection(proxy.address, 10) as other:
            other.sendall(post("x.com", 90_000) + b"x" * 90_000)
            assert receive(other).startswith(b"HTTP/1.1 403")
        for connection in waiting:
            connection.close()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40))))
def test_the_budget_and_every_share_hold_whatever_comes(pieces: list[tuple[str, int]]) -> None:
    budget = Budget(100)
    held: list[tuple[str, int]] = []
    for sender, size in pieces:
        if budget.take(size, sender):
            held.append((sender, size))
        elif held:
            sender, size = held.pop(0)
            budget.give(size, sender)
        of = [sum(size for each, size in held if each == sender) for sender in "abc"]
        assert max(of) <= budget.share == 25
        assert budget.taken == sum(of) <= budget.limit
    for sender, size in held:
        budget.give(size, sender)
    assert budget.taken == 0
    assert budget.take(25, "a"), "nothing is left behind"


@pytest.mark.parametrize("arrived", [0, 60_000])
def test_a_body_of_which_nothing_more_comes_is_given_up(arrived: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "IDLE", 0.4)
    monkeypatch.setattr(stream, "SWEEP", 0.1)
    with a_proxy(Probe()) as proxy, socket.create_connection(proxy.address, 10) as connection:
        connection.sendall(post("x.com", 100_000) + b"x" * arrived)
        assert receive(connection).startswith(b"HTTP/1.1 408")
        assert connection.recv(1) == b"", "the connection ends with it"
        assert proxy.limits.budget.taken == 0


def test_a_body_that_comes_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    monkeypatch.setattr(stream, "IDLE", 0.4)
    monkeypatch.setattr(stream, "SWEEP", 0.1)
    with (
        a_proxy(Probe(upstream=upstream.address)) as proxy,
        socket.create_connection(proxy.address, 10) as connection,
    ):
        connection.sendall(post("x.com", 4))
        for _ in range(4):
            time.sleep(0.2)
            connection.sendall(b"x")
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_over_http2_an_idle_body_is_given_up_and_the_rest_goes_on(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "IDLE", 0.4)
    monkeypatch.setattr(stream, "SWEEP", 0.1)
    with (
        a_proxy(Probe(body=refuse), authority=trust.authority) as proxy,
        tls_tunnel(proxy.address, "x.com:443", trust.file, alpn=("h2",)) as connection,
    ):
        client = Http2Client(connection)
        idle = client.start("POST", "x.com", "/", [("content-length", "1000")])
        client.h2.send_data(idle, b"x" * 500)
        client.flush()
        assert client.answer(idle).status == 408
        assert client.answer(client.start("GET", "x.com", "/", end=True)).status == 403
        assert proxy.limits.budget.taken == 0


def test_a_decision_that_takes_long_makes_no_body_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "IDLE", 0.2)
    monkeypatch.setattr(stream, "SWEEP", 0.05)

    async def slow(flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0.6)
        refuse(flow)

    with a_proxy(Probe(body=slow)) as proxy, socket.create_connection(proxy.address, 10) as connection:
        connection.sendall(post("x.com", 4) + b"body")
        assert receive(connection).startswith(b"HTTP/1.1 403")


def test_many_tiny_pieces_take_no_more_than_their_bytes() -> None:
    held: list[int] = []
    pieces = 60_000
    with (
        a_proxy(Probe(body=lambda flow: held.append(len(flow.request.raw_content)) or refuse(flow))) as proxy,
        socket.create_connection(proxy.address, 10) as connection,
    ):
        before = peak()
        connection.sendall(b"POST http://x.com/ HTTP/1.1\r\nHost: x.com\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"2\r\nxy\r\n" * pieces + b"0\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 403")
        assert held == [2 * pieces]
        assert peak() - before < 16 << 20


def test_a_head_without_end_is_refused() -> None:
    with a_proxy(Probe()) as proxy, socket.create_connection(proxy.address, 10) as connection:
        head = b"GET http://x.com/ HTTP/1.1\r\nHost: x.com\r\nX-Long: "
        seen = upload_http1(connection, head, 4 * HEAD_LIMIT)
        assert seen.status == 431


# ---------------------------------------------------------------- streamed bodies


def stream_digest(digests: list[Any]) -> Any:
    def start(flow: http.HTTPFlow) -> None:
        digest = hashlib.sha256()
        digests.append(digest)

        def piece(data: bytes) -> bytes:
            digest.update(data)
            return data

        flow.request.stream = piece

    return start


def test_an_allowed_upload_is_streamed_through_a_digest_with_memory_flat(upstream: Upstream) -> None:
    digests: list[Any] = []
    size = 64 << 20
    probe = Probe(upstream=upstream.address, headers=stream_digest(digests))
    with a_proxy(probe) as proxy, socket.create_connection(proxy.address, 10) as connection:
        before = peak()
        assert upload_http1(connection, post("x.com", size), size).status == 200
        assert peak() - before < 24 << 20
        expected = hashlib.sha256(b"x" * size).digest()
        assert (digests[0].digest(), upstream.bodies) == (expected, [expected])


def test_an_overflow_that_nobody_answers_is_streamed_on_whole(upstream: Upstream) -> None:
    size = 3 << 20
    with (
        a_proxy(Probe(upstream=upstream.address)) as proxy,
        socket.create_connection(proxy.address, 10) as connection,
    ):
        assert upload_http1(connection, post("x.com", size), size).status == 200
        assert upstream.bodies == [hashlib.sha256(b"x" * size).digest()]
        assert proxy.limits.budget.taken == 0


def test_http2_to_an_http1_platform_is_streamed_whole(trust: Trust, platform: Upstream) -> None:
    digests: list[Any] = []
    size = 3 << 20
    probe = Probe(upstream=platform.address, headers=stream_digest(digests))
    with (
        a_proxy(probe, authority=trust.authority, trusted=trust.file) as proxy,
        tls_tunnel(proxy.address, "x.com:443", trust.file, alpn=("h2",)) as connection,
    ):
        client = Http2Client(connection)
        seen = client.upload(client.start("POST", "x.com", "/", [("content-length", str(size))]), size)
        assert seen.status == 200
        assert platform.bodies == [hashlib.sha256(b"x" * size).digest()] == [digests[0].digest()]


# ---------------------------------------------------------------- the connection's address


def test_a_pinned_connection_goes_where_it_was_checked_and_is_found_again(upstream: Upstream) -> None:
    """The name resolves nowhere: had it been looked up again, nothing would arrive. One connection serves both."""
    probe = Probe(upstream=upstream.address)
    with a_proxy(probe) as proxy, socket.create_connection(proxy.address, 10) as connection:
        for _ in range(2):
            connection.sendall(b"GET http://checked.invalid/ HTTP/1.1\r\nHost: checked.invalid\r\n\r\n")
            assert receive(connection).endswith(b"ok")
        assert len(upstream.requests) == 2
        assert probe.flows[0].server_conn is probe.flows[1].server_conn
        assert probe.flows[0].server_conn.address == ("checked.invalid", 80)


def test_a_pinned_address_is_unpacked_to_where_it_leads_and_else_its_own() -> None:
    server = Server(address=("x.com", 443))
    pin(server, ("192.0.2.7", 8443))
    address = server.address
    assert isinstance(address, PinnedAddress)
    assert address == ("x.com", 443)
    assert hash(address) == hash(("x.com", 443))
    assert address[0] == "x.com"
    assert [*address] == ["192.0.2.7", 8443]


# ---------------------------------------------------------------- what is relied upon inside mitmproxy


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (HttpLayer, ["make_stream", "event_to_child", "_handle_event"]),
        (
            HttpStream,
            [
                "state_wait_for_request_headers",
                "state_consume_request_body",
                "state_stream_request_body",
                "state_stream_response_body",
                "start_request_stream",
                "send_response",
                "check_killed",
                "handle_event",
                "_handle_event",
            ],
        ),
        (Http1Server, ["read_headers", "send"]),
        (Http2Server, ["_handle_event", "is_closed"]),
    ],
)
def test_what_is_overridden_exists(where: type, names: list[str]) -> None:
    for name in names:
        assert callable(getattr(where, name))


def test_connections_are_opened_by_unpacking_their_address() -> None:
    """Where this reads otherwise, a pinned address may be resolved once more: see `PinnedAddress`."""
    from mitmproxy.proxy.server import ConnectionHandler

    source = inspect.getsource(ConnectionHandler.open_connection)
    assert "asyncio.open_connection(\n                        *command.connection.address," in source


def test_the_reader_is_taken_after_the_connected_hooks() -> None:
    """A valve that is fitted in the hook is the reader that is read."""
    from mitmproxy.proxy.server import ConnectionHandler

    source = inspect.getsource(ConnectionHandler.handle_connection)
    assert "reader = self.transports[connection].reader" in source
    assert "await reader.read(65535)" in source
