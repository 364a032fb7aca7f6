"""The gate's hooks, with the bundled policy, a real journal, a real proxy and real sockets."""

import hashlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization

from gate_builders import (
    TUESDAY_AT_NIGHT,
    Http2Client,
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
    tls_tunnel,
    tunnel,
    upload_http1,
)
from gerbang.cli.policy import replaying
from gerbang.gate.addon import READ_AT_ONCE
from gerbang.journal.writer import Disk
from gerbang.loading import load_world
from gerbang.pipeline import World
from gerbang.policy.document import compile_policy
from gerbang.policy.replay import UNCHECKED
from policy_builders import a_document, a_rule

HOSTS = ["x.com", "upload.x.com", "twimg.com", "gerbang.internal"]
BIRTHDAY = "Selamat hari lahir, semoga panjang umur dan murah rezeki"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), HOSTS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(office_settings(tmp_path_factory.mktemp("world")))


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    answer = json.dumps({"data": {"create_tweet": {"tweet_results": {"result": {"rest_id": "1861000000000000001"}}}}})
    server = Upstream(server_context(trust, "x.com", tmp_path), answer.encode())
    yield server
    server.close()


def settings_for(folder: Path, platform: Upstream | None = None, trust: Trust | None = None, **sections: Any) -> Any:
    gate = dict(sections.pop("gate", {}))
    if platform and trust:
        hosts = dict.fromkeys(("x.com", "upload.x.com", "abs.twimg.com"), f"127.0.0.1:{platform.address[1]}")
        gate["upstream"] = {"hosts": hosts, "trusted_ca": trust.file}
    return office_settings(folder, gate=gate, **sections)


@pytest.fixture
def gate(tmp_path: Path, platform: Upstream, trust: Trust, world: World) -> Iterator[RunningGate]:
    """A managed zone without sign-in, at ten on a Tuesday."""
    with a_gate(settings_for(tmp_path, platform, trust), trust, world=world) as running:
        yield running


def say(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return receive(connection)


def head(host: str, path: str = "/", method: str = "GET", *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


# ---------------------------------------------------------------- a post


def test_a_post_in_office_hours_is_refused_and_written_down(gate: RunningGate, platform: Upstream) -> None:
    with gate.tls() as connection:
        answer = say(connection, a_tweet(BIRTHDAY))
    assert answer.startswith(b"HTTP/1.1 403")
    assert platform.requests == []
    (decision,) = gate.decisions()
    assert (decision["effect"], decision["done"], decision["activity"]) == ("block", "answered", "post")
    assert decision["number"].encode() in answer
    assert BIRTHDAY.encode() not in answer


def test_a_harmless_post_after_hours_goes_out_with_its_line_first(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    with a_gate(settings_for(tmp_path, platform, trust), trust, world=world, at=TUESDAY_AT_NIGHT) as gate:
        with gate.tls() as connection:
            assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 200")
        (decision,) = gate.decisions()
        assert decision["effect"] in {"allow", "record"}
        assert decision["done"] == "forwarded"
        deadline = time.monotonic() + 60
        while not gate.lines("outcome") and time.monotonic() < deadline:
            time.sleep(0.02)
        (outcome,) = gate.lines("outcome")
        assert outcome["body"]["number"] == decision["number"]
        assert outcome["body"]["accepted"] is True


def test_a_small_body_is_read_and_judged_once_and_only_where_nobody_waits_to_be_asked_for_it(
    gate: RunningGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for way in ("head", "whole"):
        judge = getattr(gate.gate.judge, way)

        def noted(*given: Any, way: str = way, judge: Any = judge) -> Any:
            asked.append(way)
            return judge(*given)

        monkeypatch.setattr(gate.gate.judge, way, noted)
    small = a_tweet(BIRTHDAY)
    with gate.tls() as connection:
        assert say(connection, small).startswith(b"HTTP/1.1 403")
    assert asked == ["whole"]
    lines, _, body = small.replace(b"Origin:", b"Expect: 100-continue\r\nOrigin:").partition(b"\r\n\r\n")
    with gate.tls() as connection:
        connection.sendall(lines + b"\r\n\r\n")
        assert receive(connection, head_only=True).startswith(b"HTTP/1.1 100")
        assert asked == ["whole", "head"]
        assert say(connection, body).startswith(b"HTTP/1.1 403")
    assert asked == ["whole", "head", "whole"]
    large = a_tweet(BIRTHDAY * (READ_AT_ONCE // len(BIRTHDAY) + 1))
    with gate.tls() as connection:
        assert say(connection, large).startswith(b"HTTP/1.1 403")
    assert asked == ["whole", "head", "whole", "head", "whole"]


def test_a_post_that_a_foreign_page_had_the_browser_send_says_so_in_its_line(gate: RunningGate) -> None:
    with gate.tls() as connection:
        for tweet in (
            a_tweet(BIRTHDAY),
            a_tweet(BIRTHDAY).replace(b"Origin: https://x.com", b"Origin: https://a.example"),
        ):
            say(connection, tweet)
    assert [decision["provenance"] for decision in gate.decisions()] == ["same-origin", "cross-site"]
    assert [("provenance" in decision["commitments"]) for decision in gate.decisions()] == [False, True]


def test_the_same_over_http2(tmp_path: Path, platform: Upstream, trust: Trust, world: World) -> None:
    with (
        a_gate(settings_for(tmp_path, platform, trust), trust, world=world, at=TUESDAY_AT_NIGHT) as gate,
        gate.tls(alpn=("h2",)) as connection,
    ):
        client = Http2Client(connection)
        raw = a_tweet(BIRTHDAY).partition(b"\r\n\r\n")[2]
        for headers in ([("content-length", str(len(raw)))], []):  # HTTP/2 need not announce a length
            number = client.start(
                "POST",
                "x.com",
                "/i/api/graphql/AbCdEf/CreateTweet",
                [("content-type", "application/json"), ("cookie", "twid=u%3D2001"), ("cookie", "ct0=f"), *headers],
            )
            client.h2.send_data(number, raw, end_stream=True)
            client.flush()
            assert client.answer(number).status == 200
        assert [decision["activity"] for decision in gate.decisions()] == ["post", "post"]


def test_nothing_reaches_the_platform_while_the_disk_is_stalled(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    stall = threading.Event()
    stall.set()

    def fsync(descriptor: int) -> None:
        stall.wait(10)
        os.fsync(descriptor)

    settings = settings_for(tmp_path, platform, trust)
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT, disk=Disk(fsync=fsync)) as gate:
        with gate.tls() as connection:
            stall.clear()
            connection.sendall(a_tweet(BIRTHDAY))
            time.sleep(0.4)
            assert platform.requests == []
            released = time.monotonic()
            stall.set()
            assert receive(connection).startswith(b"HTTP/1.1 200")
        assert platform.arrived_at[0] >= released


def test_a_journal_that_cannot_be_written_stops_posts_but_not_reading(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    broken = threading.Event()

    def fsync(descriptor: int) -> None:
        if broken.is_set():
            raise OSError(5, "Input/output error")
        os.fsync(descriptor)

    settings = settings_for(tmp_path, platform, trust)
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT, disk=Disk(fsync=fsync)) as gate:
        broken.set()
        with gate.tls() as connection:
            assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 503")
            assert platform.requests == []
            assert say(connection, head("x.com", "/i/api/graphql/Zz/HomeTimeline")).startswith(b"HTTP/1.1 200")
            broken.clear()
            assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 200")


# ---------------------------------------------------------------- our own faults


@pytest.mark.parametrize(
    ("on_fault", "write", "read"),
    [("refuse-writes", 503, 200), ("refuse", 503, 503), ("forward", 200, 200)],
)
def test_a_fault_of_ours_never_lets_a_write_through_unless_that_is_set(
    on_fault: str, write: int, read: int, tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    settings = settings_for(tmp_path, platform, trust, gate={"on_fault": on_fault})
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT) as gate:

        async def fault(*_: Any) -> None:
            raise ZeroDivisionError("a bug")

        gate.gate.judge.head = fault  # type: ignore[method-assign]
        gate.gate.judge.whole = fault  # type: ignore[method-assign]
        with gate.tls() as connection:
            assert say(connection, head("x.com", "/home"))[9:12] == str(read).encode()
            answer = say(connection, a_tweet(BIRTHDAY))
            assert answer[9:12] == str(write).encode()
            assert b"ZeroDivisionError" not in answer
        # The write's small body is read before anything is judged.
        assert gate.gate.guard.faults["requestheaders"] == 1 <= gate.gate.guard.faults["request"]


# ---------------------------------------------------------------- which connections are opened


def seen_by(connection: ssl.SSLSocket) -> str:
    certificate: Any = connection.getpeercert()
    issuer = dict(pair[0] for pair in certificate["issuer"])
    names = ",".join(value for _, value in certificate["subjectAltName"])
    return f"{issuer['commonName']}: {names}"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[Trust, Upstream]]:
    """A host that is not listed, under a root of its own."""
    trust = a_trust(tmp_path, ["bank.example", "accounts.google.com", "abs.twimg.com"], "elsewhere")
    server = Upstream(server_context(trust, "bank.example", tmp_path))
    yield trust, server
    server.close()


def test_a_host_that_is_not_listed_is_tunnelled_untouched_and_not_written_down(
    tmp_path: Path, trust: Trust, world: World, elsewhere: tuple[Trust, Upstream]
) -> None:
    theirs, server = elsewhere
    hosts = {"bank.example": f"127.0.0.1:{server.address[1]}"}
    with a_gate(office_settings(tmp_path, gate={"upstream": {"hosts": hosts}}), trust, world=world) as gate:
        leaf = theirs.authority.leaf("bank.example")
        assert leaf is not None
        with tls_tunnel(gate.address, "bank.example:443", theirs.file) as connection:
            assert connection.getpeercert(True) == leaf.certificate.public_bytes(serialization.Encoding.DER)
            assert say(connection, head("bank.example", "/", "POST", "Content-Length: 0")).startswith(b"HTTP/1.1 200")
        assert gate.decisions() == []


def test_a_listed_host_is_shown_a_leaf_with_its_own_name_only(gate: RunningGate) -> None:
    with gate.tls() as connection:
        assert seen_by(connection) == "Gerbang Intermediate CA: x.com"


def test_the_name_in_the_handshake_counts_not_the_one_in_connect(gate: RunningGate, platform: Upstream) -> None:
    """Asking for an unlisted name and then speaking to the platform inside is judged all the same."""
    gate.gate._targets._hosts["front.example"] = platform.address
    with gate.tls("front.example:443", sni="x.com") as connection:
        assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 403")
    assert platform.requests == []


def test_a_listed_host_under_another_name_is_refused(gate: RunningGate) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gate.tls("x.com:443", sni="front.example")


def test_the_first_byte_alone_does_not_make_a_tunnel(gate: RunningGate, platform: Upstream) -> None:
    gate.gate._targets._hosts["front.example"] = platform.address
    raw = tunnel(gate.address, "front.example:443")
    context = ssl.create_default_context(cafile=gate.trust.file)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="x.com")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    raw.sendall(hello[:1])
    time.sleep(0.2)
    raw.sendall(hello[1:])
    raw.settimeout(5)
    while True:
        incoming.write(raw.recv(65536))
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            continue
    certificate: Any = client.getpeercert()
    assert dict(pair[0] for pair in certificate["issuer"])["commonName"] == "Gerbang Intermediate CA"
    raw.close()


def test_without_authority_or_notice_nothing_is_decrypted(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    settings = settings_for(tmp_path, platform, trust, interception={"notice": ""})
    with a_gate(settings, trust, world=world) as gate:
        assert gate.gate.closed is not None
        with gate.tls() as connection:  # the platform's own certificate: same root here, no gate in between
            assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 200")


def test_a_personal_device_is_judged_by_host_and_time_alone(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    settings = settings_for(
        tmp_path,
        platform,
        trust,
        zones=[{"name": "wifi", "networks": ["127.0.0.0/8"], "office": "hq", "device": "personal"}],
    )
    personal = replace(world, zones=load_world(settings).zones)
    with a_gate(settings, trust, world=personal) as gate:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError, match="403"):
                tunnel(gate.address, "x.com:443")
        (decision,) = gate.decisions()
        assert (decision["activity"], decision["effect"], decision["done"]) == ("use", "block", "answered")
    with (
        a_gate(
            settings_for(tmp_path / "night", platform, trust, zones=[settings.zones[0].model_dump()]),
            trust,
            world=personal,
            at=TUESDAY_AT_NIGHT,
        ) as gate,
        gate.tls() as connection,
    ):
        assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 200")


# ---------------------------------------------------------------- never


def test_a_client_outside_every_zone_gets_a_sentence_and_nothing_else(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    settings = settings_for(
        tmp_path, platform, trust, zones=[{"name": "lain", "networks": ["10.9.0.0/16"], "office": "hq"}]
    )
    with a_gate(settings, trust, world=replace(world, zones=load_world(settings).zones)) as gate:
        with pytest.raises(ConnectionRefusedError, match="403"):
            tunnel(gate.address, "x.com:443")
        with socket.create_connection(gate.address, 5) as connection:
            assert say(connection, b"GET http://x.com/ HTTP/1.1\r\nHost: x.com\r\n\r\n").startswith(b"HTTP/1.1 403")
    assert platform.requests == []


def test_a_listed_host_in_the_clear_on_somebody_elses_tunnel_is_refused(gate: RunningGate, platform: Upstream) -> None:
    gate.gate._targets._hosts["front.example"] = platform.address
    with tunnel(gate.address, "front.example:80") as connection:
        assert say(connection, head("x.com", "/", "POST", "Content-Length: 0")).startswith(b"HTTP/1.1 421")
    assert platform.requests == []


@pytest.mark.parametrize("host", ["upload.x.com", "unlisted.example", "gerbang.internal"])
def test_a_request_for_another_host_than_the_handshakes_is_refused(
    gate: RunningGate, platform: Upstream, host: str
) -> None:
    with gate.tls() as connection:
        assert say(connection, head(host, "/", "POST", "Content-Length: 0")).startswith(b"HTTP/1.1 421")
        assert say(connection, head("X.com.:443", "/i/api/x", "GET", "Sec-Fetch-Dest: empty")).startswith(
            b"HTTP/1.1 200"
        )
    assert len(platform.requests) == 1


def test_behind_tls_to_the_proxy_itself_the_hosts_are_those_that_are_asked_for(gate: RunningGate) -> None:
    context = ssl.create_default_context(cafile=gate.trust.file)
    with (
        socket.create_connection(gate.address, 5) as plain,
        context.wrap_socket(plain, server_hostname="gerbang.internal") as connection,
    ):
        assert say(connection, head("gerbang.internal", "http://gerbang.internal/notice")).startswith(b"HTTP/1.1 200")
        assert say(connection, head("127.0.0.1", "http://127.0.0.1/notice")).startswith(b"HTTP/1.1 403")


def test_a_request_that_names_two_hosts_is_refused(gate: RunningGate) -> None:
    with gate.tls() as connection:
        assert say(connection, head("x.com", "/", "GET", "Host: other.example")).startswith(b"HTTP/1.1 400")


# ---------------------------------------------------------------- large bodies


def test_a_media_upload_in_office_hours_is_refused_before_it_is_read(gate: RunningGate) -> None:
    size = 200_000_000
    with gate.tls("upload.x.com:443") as connection:
        request = head(
            "upload.x.com",
            "/i/media/upload.json?command=APPEND&media_id=1&segment_index=0",
            "POST",
            "Content-Type: multipart/form-data; boundary=b",
            "Cookie: twid=u%3D2001",
            f"Content-Length: {size}",
        )
        assert upload_http1(connection, request, size).status == 403
    assert [decision["done"] for decision in gate.decisions()] == ["answered"]


def test_the_record_knows_what_went_out_with_an_upload(tmp_path: Path, trust: Trust, world: World) -> None:
    platform = Upstream(server_context(trust, "upload.x.com", tmp_path))
    size = 3_000_000
    request = head(
        "upload.x.com",
        "/i/media/upload.json?command=APPEND&media_id=1&segment_index=0",
        "POST",
        "Content-Type: multipart/form-data; boundary=b",
        "Cookie: twid=u%3D2001",
        f"Content-Length: {size}",
    )
    with a_gate(settings_for(tmp_path, platform, trust), trust, world=world, at=TUESDAY_AT_NIGHT) as gate:
        with gate.tls("upload.x.com:443") as connection:
            connection.sendall(request + b"x" * size)
            assert receive(connection).startswith(b"HTTP/1.1 200")
        deadline = time.monotonic() + 60
        while not gate.lines("outcome") and time.monotonic() < deadline:
            time.sleep(0.02)
        (outcome,) = gate.lines("outcome")
        assert outcome["body"]["sent"] == size
        (sidecar,) = gate.settings.journal_folder.glob("*/side/*.jsonl")
        (private,) = [
            fields for fields in map(json.loads, sidecar.read_text().splitlines()) if fields["id"] == outcome["id"]
        ]
        assert private["fields"]["sent"][1] == hashlib.sha256(b"x" * size).hexdigest()
    platform.close()


def test_a_post_larger_than_the_limit_is_refused_with_the_gap(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    settings = settings_for(tmp_path, platform, trust, gate={"body_limit": "64 KiB"})
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT) as gate, gate.tls() as connection:
        answer = say(connection, a_tweet("a" * 70_000))
        assert answer.startswith(b"HTTP/1.1 413")
        assert platform.requests == []
        (decision,) = gate.decisions()
        assert [gap["reason"] for gap in decision["gaps"]] == ["too-large"]
        assert decision["done"] == "answered"


def test_who_holds_memory_back_holds_up_nobody_else(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World
) -> None:
    """Beyond a sender's share the gate is busy for that sender: nobody is told that the post is too large."""
    settings = settings_for(tmp_path, platform, trust, gate={"memory_budget": "256 KiB"})
    post = a_tweet("a" * 40_000)
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT) as gate, gate.tls() as stalled:
        stalled.sendall(post[:-1])
        while gate.gate.limits.budget.taken < 40_000:
            time.sleep(0.01)
        with gate.tls() as same:
            assert say(same, post).startswith(b"HTTP/1.1 503")
        assert gate.gate.counts["short-of-memory"] == 1
        with socket.create_connection(gate.address, 5, source_address=("127.0.0.2", 0)) as other:
            other.sendall(b"CONNECT x.com:443 HTTP/1.1\r\nHost: x.com:443\r\n\r\n")
            assert receive(other, head_only=True).startswith(b"HTTP/1.1 200")
            context = ssl.create_default_context(cafile=trust.file)
            with context.wrap_socket(other, server_hostname="x.com") as inside:
                assert say(inside, post).startswith(b"HTTP/1.1 200")
        assert [decision["done"] for decision in gate.decisions()] == ["forwarded"]


def test_a_body_that_never_ends_is_answered(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.gate.stream.IDLE", 0.3)
    monkeypatch.setattr("gerbang.gate.stream.SWEEP", 0.1)
    with socket.create_connection(gate.address, 5) as connection:
        request = head("gerbang.internal", "http://gerbang.internal/d/X/confirm", "POST", "Content-Length: 100")
        answer = say(connection, request)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Try again" in answer


def test_one_address_has_so_many_connections_and_no_more(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.gate.admission.CONNECTIONS", 2)
    request = b"GET http://gerbang.internal/notice HTTP/1.1\r\nHost: gerbang.internal\r\n\r\n"
    for _ in range(3):
        with ExitStack() as opened:
            for number in range(3):
                connection = opened.enter_context(socket.create_connection(gate.address, 5))
                assert bool(say(connection, request)) == (number < 2)
        deadline = time.monotonic() + 60
        while gate.gate.admission.connected and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not gate.gate.admission.connected, "who goes makes room"


# ---------------------------------------------------------------- what is counted


def test_what_was_counted_is_said_when_it_has_changed_and_at_the_end(
    tmp_path: Path, trust: Trust, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gerbang.gate.addon.SUMMARY", 0.05)
    with structlog.testing.capture_logs() as logs:

        def said() -> list[Any]:
            return [entry["counts"] for entry in logs if entry["event"] == "counted"]

        with a_gate(settings_for(tmp_path), trust, world=world) as gate:
            time.sleep(0.2)
            assert said() == [], "nothing has happened"
            with pytest.raises(ConnectionRefusedError):
                tunnel(gate.address, "10.0.0.1:80")
            deadline = time.monotonic() + 60
            while not said() and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.2)
            assert said() == [{"target-address": 1}], "once"
            gate.gate.counts["more"] += 1
            monkeypatch.setattr("gerbang.gate.addon.SUMMARY", 600)
        assert said()[-1] == {"target-address": 1, "more": 1}


# ---------------------------------------------------------------- the gate's own host


def test_the_gates_own_host_is_answered_and_never_forwarded(gate: RunningGate) -> None:
    with socket.create_connection(gate.address, 5) as connection:
        answer = say(
            connection,
            b"GET http://gerbang.internal/notice HTTP/1.1\r\nHost: gerbang.internal\r\nAccept: text/html\r\n\r\n",
        )
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"2026-01" in answer


def test_its_forms_have_a_limit(gate: RunningGate) -> None:
    with socket.create_connection(gate.address, 5) as connection:
        request = head("gerbang.internal", "http://gerbang.internal/d/x/confirm", "POST", "Content-Length: 100000")
        assert upload_http1(connection, request, 100_000).status == 413


# ---------------------------------------------------------------- visits, and what is not written down


def visit(path: str = "/home") -> bytes:
    return head("x.com", path, "GET", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Accept: text/html")


def test_a_visit_is_written_down_once_in_half_an_hour(gate: RunningGate) -> None:
    with gate.tls() as connection:
        first = [say(connection, visit(f"/home?{number}"))[9:12] for number in range(3)]
    assert len(set(first)) == 1
    assert [decision["activity"] for decision in gate.decisions()] == ["view"]


def test_reading_by_scripts_is_not_written_down(gate: RunningGate) -> None:
    with gate.tls() as connection:
        answer = say(
            connection, head("x.com", "/i/api/graphql/Zz/HomeTimeline?variables=%7B%7D", "GET", "Sec-Fetch-Dest: empty")
        )
    assert answer.startswith(b"HTTP/1.1 200")
    assert gate.decisions() == []


# ---------------------------------------------------------------- drift


def renamed(operation: str, variables: dict[str, str]) -> bytes:
    """A call of X's web client that no signature knows."""
    body = json.dumps({"variables": variables, "queryId": "Zz9YyX"}).encode()
    lines = ["Content-Type: application/json", "Origin: https://x.com", f"Content-Length: {len(body)}"]
    return head("x.com", f"/i/api/graphql/Zz9YyX/{operation}", "POST", *lines) + body


def test_unclaimed_writes_are_judged_by_their_words_or_else_counted_by_their_shape(
    tmp_path: Path, platform: Upstream, trust: Trust, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gerbang.gate.judging.SHAPES", 2)
    with a_gate(settings_for(tmp_path, platform, trust), trust, world=world) as gate:
        with gate.tls() as connection:
            assert say(connection, renamed("CreateStatement", {"statement": BIRTHDAY})).startswith(b"HTTP/1.1 403")
        for operation in ("ApplaudTweet", "ApplaudTweet", "WeighTweet", "OneShapeTooMany"):
            with gate.tls() as connection:
                assert say(connection, renamed(operation, {"tweet_id": "1970"})).startswith(b"HTTP/1.1 200")
        (decision,) = gate.decisions()
        assert (decision["activity"], decision["unclaimed"]) == ("post", True)
        journal = gate.settings.journal_folder
    # What was only counted is told when the gate stops, and every ten minutes until then.
    (told,) = gate.lines("unclaimed")
    assert (told["body"]["platforms"], sorted(told["body"]["counts"])) == (["x", "x"], [1, 2])
    sidecars = b"".join(file.read_bytes() for file in journal.rglob("*") if file.is_file())
    assert b"CreateStatement" in sidecars
    assert b"ApplaudTweet" in sidecars
    assert b"OneShapeTooMany" not in sidecars


def test_what_a_gate_wrote_is_replayed(tmp_path: Path, platform: Upstream, trust: Trust, world: World) -> None:
    """A stricter policy is a flip by its rule; without a line on what was looked for, findings are not guessed."""
    settings = settings_for(tmp_path, platform, trust)
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT) as gate, gate.tls() as connection:
        assert say(connection, a_tweet(BIRTHDAY)).startswith(b"HTTP/1.1 200")
        (decision,) = gate.decisions()
    period = TUESDAY_AT_NIGHT - timedelta(days=1), TUESDAY_AT_NIGHT + timedelta(days=1)
    same = replaying.run(settings, world.policy, *period)
    assert (same.decisions, dict(same.flips), dict(same.untold)) == (1, {}, {UNCHECKED: 1})
    stricter = compile_policy([a_document(a_rule("all", when={"activity": "post"}))])
    ((before, after, rules, _),) = replaying.run(settings, stricter, *period).flips
    assert (str(before), str(after), rules) == (decision["effect"], "block", ("trial/all",))
