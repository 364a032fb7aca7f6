"""What people and programs do that no browser does, and what must stay flat while they do it."""

import hashlib
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from gate_builders import (
    TUESDAY_AT_NIGHT,
    TUESDAY_AT_TEN,
    Http2Client,
    Probe,
    RunningGate,
    Trust,
    Upload,
    Upstream,
    a_gate,
    a_proxy,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
    tls_tunnel,
    tunnel,
    upload_http1,
)
from gerbang.gate.stream import BACKLOG
from gerbang.policy.protected import Protected
from gerbang.settings import Settings


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "blog.contoh.my", "gerbang.internal"])


def settings_for(folder: Path, trust: Trust, hosts: dict[str, Upstream], **sections: Any) -> Settings:
    mapped = {name: f"127.0.0.1:{server.address[1]}" for name, server in hosts.items()}
    gate = {"upstream": {"hosts": mapped, "trusted_ca": trust.file}, **sections.pop("gate", {})}
    return office_settings(folder, gate=gate, **sections)


# ---------------------------------------------------------------- plain HTTP


@pytest.fixture
def blog() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def clear(tmp_path: Path, trust: Trust, blog: Upstream) -> Iterator[RunningGate]:
    """A self-hosted site in the clear, at ten on a Tuesday, and a host that is not listed."""
    settings = settings_for(
        tmp_path,
        trust,
        {"blog.contoh.my": blog, "suara.contoh.my": blog, "unlisted.example": blog},
        sites=[{"host": "blog.contoh.my", "platform": "wordpress"}, {"host": "suara.contoh.my"}],
    )
    with a_gate(settings, trust) as running:
        yield running


COMMENT = b"author=Ali&email=ali%40contoh.my&comment=Selamat+pagi+semua+kawan&comment_post_ID=7&comment_parent=0"
COMMENT_LINES = "\r\n".join(
    [
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(COMMENT)}",
        "Sec-Fetch-Mode: navigate",
        "Accept: text/html",
        "",
        "",
    ]
)


def test_a_site_in_the_clear_is_judged_too(clear: RunningGate, blog: Upstream) -> None:
    with socket.create_connection(clear.address, 5) as connection:
        head = f"POST http://blog.contoh.my/wp-comments-post.php HTTP/1.1\r\nHost: blog.contoh.my\r\n{COMMENT_LINES}"
        connection.sendall(head.encode() + COMMENT)
        assert receive(connection).startswith(b"HTTP/1.1 403")
    assert blog.requests == []
    assert [(body["platform"], body["activity"]) for body in clear.decisions()] == [("wordpress", "comment")]


@pytest.mark.parametrize(
    ("path", "platform", "activity"), [("/wp-comments-post.php", "wordpress", "comment"), ("/tulis", "site", "post")]
)
def test_what_a_site_runs_is_told_by_what_is_sent_to_it(
    clear: RunningGate, blog: Upstream, path: str, platform: str, activity: str
) -> None:
    with socket.create_connection(clear.address, 5) as connection:
        head = f"POST http://suara.contoh.my{path} HTTP/1.1\r\nHost: suara.contoh.my\r\n{COMMENT_LINES}"
        connection.sendall(head.encode() + COMMENT)
        assert receive(connection).startswith(b"HTTP/1.1 403")
    assert blog.requests == []
    assert [(body["platform"], body["activity"]) for body in clear.decisions()] == [(platform, activity)]


@pytest.mark.parametrize("lead", [b"", b"\r\n", b"\r\n\r\n"])
def test_nothing_gets_past_on_a_tunnel_in_the_clear(clear: RunningGate, blog: Upstream, lead: bytes) -> None:
    """Neither a line before the request, nor its first bytes alone, makes a tunnel of what a server would read."""
    raw = f"POST /wp-comments-post.php HTTP/1.1\r\nHost: blog.contoh.my\r\n{COMMENT_LINES}".encode() + COMMENT
    with tunnel(clear.address, "blog.contoh.my:80") as connection:
        connection.sendall(lead + raw[:1])
        time.sleep(0.05)
        connection.sendall(raw[1:])
        connection.settimeout(1)
        with suppress(TimeoutError):
            assert not receive(connection).startswith(b"HTTP/1.1 200")
    assert blog.requests == []


def test_the_host_of_the_address_counts_not_the_header(clear: RunningGate, blog: Upstream) -> None:
    """RFC 9112, 3.2.2: else a listed site could be posted to under another name."""
    with socket.create_connection(clear.address, 5) as connection:
        connection.sendall(b"GET http://unlisted.example/ HTTP/1.1\r\nHost: blog.contoh.my\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 200")
    assert b"Host: unlisted.example" in blog.requests[0]


def test_what_is_not_listed_passes_whole_and_unrecorded(clear: RunningGate, blog: Upstream) -> None:
    size = 20 << 20  # beyond the limit for bodies, which is for listed hosts only
    with socket.create_connection(clear.address, 5) as connection:
        head = f"POST http://unlisted.example/ HTTP/1.1\r\nHost: unlisted.example\r\nContent-Length: {size}\r\n\r\n"
        assert upload_http1(connection, head.encode(), size).status == 200
    assert len(blog.bodies) == 1
    assert clear.decisions() == []


def test_an_absolute_target_in_a_tunnel_does_not_hide_the_host(clear: RunningGate, blog: Upstream) -> None:
    """A server takes the host from an absolute target, whatever `Host` says."""
    with tunnel(clear.address, "unlisted.example:80") as connection:
        target = "http://blog.contoh.my/wp-comments-post.php"
        connection.sendall(f"POST {target} HTTP/1.1\r\nHost: unlisted.example\r\n{COMMENT_LINES}".encode() + COMMENT)
        assert receive(connection).startswith(b"HTTP/1.1 400")
    assert blog.requests == []


def test_the_gates_own_host_is_never_forwarded_even_at_fault(clear: RunningGate, blog: Upstream) -> None:
    async def fault(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    clear.gate._targets._hosts["gerbang.internal"] = blog.address
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gerbang.gate.addon.own_host", fault)
        for method in ("GET", "POST"):
            with socket.create_connection(clear.address, 5) as connection:
                request = f"{method} http://gerbang.internal/mine HTTP/1.1\r\nHost: gerbang.internal\r\n\r\n"
                connection.sendall(request.encode())
                assert receive(connection).startswith(b"HTTP/1.1 503")
    assert blog.requests == []


def test_no_upgrade_to_http2_in_the_clear(clear: RunningGate, blog: Upstream) -> None:
    with socket.create_connection(clear.address, 5) as connection:
        connection.sendall(
            b"GET http://blog.contoh.my/ HTTP/1.1\r\nHost: blog.contoh.my\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nSec-Fetch-Dest: empty\r\n\r\n"
        )
        assert receive(connection).startswith(b"HTTP/1.1 200")
    assert b"upgrade" not in blog.requests[0].lower()
    assert b"http2-settings" not in blog.requests[0].lower()


def test_http2_without_asking_is_refused(clear: RunningGate) -> None:
    with tunnel(clear.address, "blog.contoh.my:80") as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert b" 200 " not in receive(connection)


def test_a_browser_is_not_told_of_http3(tmp_path: Path, trust: Trust) -> None:
    server = Upstream(server_context(trust, "x.com", tmp_path), headers=b'Alt-Svc: h3=":443"\r\n')
    settings = settings_for(tmp_path, trust, {"x.com": server})
    with a_gate(settings, trust) as gate, gate.tls() as connection:
        connection.sendall(b"GET /i/api/x HTTP/1.1\r\nHost: x.com\r\nSec-Fetch-Dest: empty\r\n\r\n")
        answer = receive(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"alt-svc" not in answer.lower()
    server.close()


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("at", "status"), [(TUESDAY_AT_TEN, 403), (TUESDAY_AT_NIGHT, 200)])
def test_a_film_in_a_form_is_judged_and_streamed_however_large(
    tmp_path: Path, trust: Trust, blog: Upstream, at: datetime, status: int, announced: bool
) -> None:
    settings = settings_for(
        tmp_path,
        trust,
        {"blog.contoh.my": blog},
        gate={"body_limit": "64 KiB"},
        sites=[{"host": "blog.contoh.my", "platform": "wordpress"}],
    )
    part = b'--A\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
    body = part + b"x" * 300_000 + b"\r\n--A--\r\n"
    size = f"Content-Length: {len(body)}" if announced else "Transfer-Encoding: chunked"
    head = (
        "POST http://blog.contoh.my/wp-json/wp/v2/media HTTP/1.1\r\nHost: blog.contoh.my\r\n"
        f"Content-Type: multipart/form-data; boundary=A\r\n{size}\r\n\r\n"
    )
    sent = body if announced else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with a_gate(settings, trust, at=at) as gate:
        with socket.create_connection(gate.address, 5) as connection:
            connection.sendall(head.encode())
            with suppress(OSError):
                connection.sendall(sent)
            assert int(receive(connection)[9:12]) == status
        (decision,) = gate.decisions()
        assert (decision["activity"], [gap["reason"] for gap in decision["gaps"]]) == ("upload", ["too-large"])
        assert decision["done"] == ("forwarded" if status == 200 else "answered")
        if announced and status == 200:
            assert blog.bodies == [hashlib.sha256(body).digest()]


# ---------------------------------------------------------------- a parent proxy


def test_behind_a_parent_proxy_names_are_its_to_look_up(tmp_path: Path, trust: Trust) -> None:
    """In upstream mode the admin's own proxy is reached, and inside addresses are refused by name as before."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    threading.Thread(target=serve, daemon=True).start()
    mode = f"upstream:http://127.0.0.1:{listener.getsockname()[1]}"
    with a_gate(office_settings(tmp_path, gate={"mode": mode}), trust) as gate:
        with socket.create_connection(gate.address, 5) as connection:
            connection.sendall(b"GET http://somewhere.invalid/ HTTP/1.1\r\nHost: somewhere.invalid\r\n\r\n")
            assert receive(connection).endswith(b"ok")
        assert asked[0].startswith(b"GET http://somewhere.invalid/")
        with socket.create_connection(gate.address, 5) as connection:
            connection.sendall(b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert receive(connection).startswith(b"HTTP/1.1 403")
        with pytest.raises(ConnectionRefusedError, match="403"):
            tunnel(gate.address, "169.254.169.254:80")
    listener.close()


# ---------------------------------------------------------------- slow other sides


class StuckHttp2:
    """An HTTP/2 platform that grants no more than the first window until it is told to."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self.go_on = threading.Event()
        self.received = 0
        self._context = context
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection = self._context.wrap_socket(self._socket.accept()[0], server_side=True)
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        owed: list[tuple[int, int]] = []
        connection.settimeout(0.05)
        while True:
            try:
                data = connection.recv(65536)
                if not data:
                    return
            except TimeoutError:
                data = b""
            for event in state.receive_data(data) if data else []:
                if isinstance(event, h2.events.DataReceived):
                    self.received += len(event.data)
                    owed.append((event.flow_controlled_length, event.stream_id))
                elif isinstance(event, h2.events.StreamEnded):
                    state.send_headers(event.stream_id, [(":status", "200"), ("content-length", "2")])
                    state.send_data(event.stream_id, b"ok", end_stream=True)
            if self.go_on.is_set():
                for size, stream in owed:
                    state.acknowledge_received_data(size, stream)
                owed.clear()
            if out := state.data_to_send():
                connection.sendall(out)


def test_an_upload_waits_for_a_slow_platform_at_its_sender_not_in_memory(tmp_path: Path, trust: Trust) -> None:
    size = 12 << 20
    stuck = StuckHttp2(server_context(trust, "x.com", tmp_path, ["h2"]))

    def stream(flow: Any) -> None:
        flow.request.stream = True

    with (
        a_proxy(Probe(upstream=stuck.address, headers=stream), authority=trust.authority, trusted=trust.file) as proxy,
        tls_tunnel(proxy.address, "x.com:443", trust.file, alpn=("h2",)) as connection,
    ):
        client = Http2Client(connection)
        number = client.start("POST", "x.com", "/", [("content-length", str(size))])
        seen: list[Upload] = []
        thread = threading.Thread(target=lambda: seen.append(client.upload(number, size)))
        thread.start()
        time.sleep(1)
        assert proxy.probe.valve is not None
        assert proxy.probe.valve.held
        assert proxy.probe.valve.taken < 2 * BACKLOG
        stuck.go_on.set()
        thread.join(20)
        assert seen[0].status == 200
        assert stuck.received == size


def test_a_large_answer_passes_with_memory_flat(tmp_path: Path, trust: Trust) -> None:
    size = 48 << 20
    listener = socket.create_server(("127.0.0.1", 0))
    context = server_context(trust, "x.com", tmp_path)

    def serve() -> None:
        connection = context.wrap_socket(listener.accept()[0], server_side=True)
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size >> 16):
            connection.sendall(b"x" * 65536)

    threading.Thread(target=serve, daemon=True).start()
    hosts = {"x.com": f"127.0.0.1:{listener.getsockname()[1]}"}
    settings = office_settings(tmp_path, gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}})
    with a_gate(settings, trust, at=TUESDAY_AT_NIGHT) as gate, gate.tls() as connection:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        connection.sendall(b"GET /i/api/download HTTP/1.1\r\nHost: x.com\r\nSec-Fetch-Dest: empty\r\n\r\n")
        got = 0
        while got < size:
            data = connection.recv(1 << 20)
            assert data
            got += len(data)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 << 10
    listener.close()


# ---------------------------------------------------------------- what changes while it runs


def test_the_clock_and_a_swapped_world_count_from_the_next_request(tmp_path: Path, trust: Trust) -> None:
    server = Upstream(server_context(trust, "x.com", tmp_path))
    settings = settings_for(tmp_path, trust, {"x.com": server})
    with a_gate(settings, trust) as gate, gate.tls() as connection:

        def tweeted() -> bytes:
            connection.sendall(a_tweet("Selamat pagi semua"))
            return receive(connection)[9:12]

        assert tweeted() == b"403"
        gate.clock.set(TUESDAY_AT_NIGHT)
        assert tweeted() == b"200"
        gate.clock.set(TUESDAY_AT_TEN)
        protected = Protected(hosts=frozenset({"x.com"}))
        gate.holder.world = replace(gate.holder.world, protected=protected)
        before = len(gate.decisions())
        assert tweeted() == b"200", "a protected recipient is neither judged nor written down"
        assert len(gate.decisions()) == before
    server.close()
