"""What was let go and is still open when the time changes: tunnels, films and streams, through a real proxy."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gate_builders import (
    Http2Client,
    RunningGate,
    Trust,
    a_gate,
    a_trust,
    office_settings,
    receive,
    server_context,
    tunnel,
)
from gerbang.gate import passing
from gerbang.loading import load_world
from gerbang.pipeline import World
from waiting import until

HOSTS = ["x.com", "upload.x.com", "abs.twimg.com", "static.xx.fbcdn.net", "www.facebook.com", "unlisted.example"]
LUNCH, AFTER_LUNCH, EVENING = (
    datetime.fromisoformat(f"2026-11-24T{at}+08:00") for at in ("13:55", "14:00:01", "18:00:01")
)
WIFI = {"name": "wifi", "networks": ["127.0.0.0/8"], "office": "hq", "device": "personal"}


class Sink:
    """A stand-in that answers each piece with one of its own and knows when it is left."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.read = 0
        self.left = threading.Event()
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as opened:
            while data := opened.recv(65536):
                self.read += len(data)
                if data == b"film":
                    opened.sendall(b"more of it")
        self.left.set()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "upload.x.com", "gerbang.internal"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(office_settings(tmp_path_factory.mktemp("world")))


@pytest.fixture
def sink(trust: Trust, tmp_path: Path) -> Iterator[Sink]:
    sink = Sink(server_context(trust, "upload.x.com", tmp_path))
    yield sink
    sink.close()


@pytest.fixture
def office(
    sink: Sink, trust: Trust, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """A gate that looks often, at five to two unless it is told otherwise."""
    monkeypatch.setattr(passing, "LOOK", 0.05)

    def made(zone: dict[str, Any] | None = None, at: datetime = LUNCH) -> Any:
        upstream = {"hosts": dict.fromkeys(HOSTS, f"127.0.0.1:{sink.port}"), "trusted_ca": trust.file}
        settings = office_settings(tmp_path, gate={"upstream": upstream}, **({"zones": [zone]} if zone else {}))
        return a_gate(settings, trust, world=replace(world, zones=load_world(settings).zones), at=at)

    return made


@contextmanager
def a_film(gate: RunningGate, host: str) -> Iterator[ssl.SSLSocket]:
    """A tunnel in which something comes."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(tunnel(gate.address, f"{host}:443"), server_hostname=host) as connection:
        assert runs(connection)
        yield connection


def runs(connection: ssl.SSLSocket) -> bool:
    try:
        connection.sendall(b"film")
        return connection.recv(100) == b"more of it"
    except OSError:
        return False


def looked(gate: RunningGate) -> None:
    """Wait until all that is open has been looked at twice since now."""
    for _ in range(2):
        gate.loop.call(gate.gate.passing.look())


def test_a_film_on_a_personal_phone_ends_when_lunch_does(office: Callable[..., Any]) -> None:
    with (
        office(WIFI) as gate,
        a_film(gate, "x.com") as page,
        a_film(gate, "abs.twimg.com") as film,
        a_film(gate, "static.xx.fbcdn.net") as elsewhere,
        a_film(gate, "unlisted.example") as bank,
    ):
        looked(gate)
        assert runs(page)
        assert runs(film)
        (opened,) = gate.decisions()
        assert (opened["activity"], opened["done"], opened["hours"]["regime"]) == ("use", "forwarded", "break")

        gate.clock.set(AFTER_LUNCH)
        until(lambda: gate.gate.counts["ended"] == 1 and gate.gate.counts["ended-content"] == 1)
        assert not runs(page)
        assert not runs(film)
        assert runs(elsewhere), "nobody used Facebook: this is a picture in some page"
        assert runs(bank)
        assert [(one["activity"], one["effect"], one["done"]) for one in gate.decisions()[1:]] == [
            ("use", "block", "answered")
        ]
        with pytest.raises(ConnectionRefusedError, match="403"):
            tunnel(gate.address, "x.com:443")
        with pytest.raises(ConnectionRefusedError, match="403"):
            tunnel(gate.address, "abs.twimg.com:443")
        assert gate.gate.counts["content-refused"] == 1
        assert {one["platform"] for one in gate.decisions()} == {"x"}, "what carries a film is written down as no act"

        gate.clock.set(EVENING)
        with a_film(gate, "x.com"), a_film(gate, "abs.twimg.com") as film:
            looked(gate)
            assert runs(film)


def test_what_may_go_on_goes_on(office: Callable[..., Any]) -> None:
    with office(WIFI, at=datetime.fromisoformat("2026-11-24T16:29+08:00")) as gate:
        with pytest.raises(ConnectionRefusedError):
            tunnel(gate.address, "x.com:443")
        gate.clock.set(EVENING)
        with a_film(gate, "x.com") as page:
            gate.clock.set(datetime.fromisoformat("2026-11-25T05:00+08:00"))
            looked(gate)
            assert runs(page)
        until(lambda: not gate.gate.passing._tunnels)
        assert gate.gate.counts["ended"] == 0


def test_another_world_counts_for_what_is_open(office: Callable[..., Any]) -> None:
    with office(WIFI) as gate, a_film(gate, "x.com") as page:
        looked(gate)
        assert runs(page)
        # The same moment at the same office, were it in Japan: an hour later.
        moved = replace(gate.holder.world.offices["hq"], timezone="Asia/Tokyo")
        gate.holder.world = replace(gate.holder.world, offices={"hq": moved})
        until(lambda: gate.gate.counts["ended"] == 1)
        assert not runs(page)


def test_what_was_left_while_others_were_looked_at_is_not_written_down_as_ended(office: Callable[..., Any]) -> None:
    with office(WIFI) as gate, a_film(gate, "x.com") as page:
        looked(gate)
        ((opened,),) = (tuple(hosts.values()) for hosts in gate.gate.passing._tunnels.values())
        page.close()
        until(lambda: not gate.gate.passing._tunnels)
        before = len(gate.decisions())
        gate.clock.set(AFTER_LUNCH)
        gate.loop.call(gate.gate.passing._look_at(opened))
        assert (gate.gate.counts["ended"], len(gate.decisions())) == (0, before)


def test_a_fault_ends_what_nobody_could_judge(office: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with office(WIFI) as gate, a_film(gate, "x.com") as page:

        def broken(*_: object) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(gate.gate.judge, "again", broken)
        gate.clock.set(AFTER_LUNCH)
        until(lambda: gate.gate.counts["ended"] == 1)
        assert not runs(page)
        assert sum(gate.gate.guard.faults.values()) >= 1


CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"
APPEND = "/i/media/upload.json?command=APPEND&media_id=1&segment_index=0"
STREAM = (
    f"POST {APPEND} HTTP/1.1\r\nHost: upload.x.com\r\nTransfer-Encoding: chunked\r\n"
    "Content-Type: application/octet-stream\r\n\r\n"
)


def test_a_stream_begun_at_lunch_is_judged_again_after_it(office: Callable[..., Any], sink: Sink) -> None:
    with office() as gate, gate.tls("upload.x.com:443") as connection:
        connection.sendall(STREAM.encode() + CHUNK)
        until(lambda: sink.read > 4096)
        looked(gate)
        connection.sendall(CHUNK)
        until(lambda: sink.read > 8192)
        gate.clock.set(AFTER_LUNCH)
        answer = receive(connection)
        assert answer.startswith(b"HTTP/1.1 403")
        assert sink.left.wait(30), "the platform gets no more of it"
        first, last = gate.decisions()
        assert (first["activity"], first["done"]) == ("upload", "forwarded")
        assert (last["activity"], last["effect"], last["done"]) == ("upload", "block", "answered")
        assert last["number"].encode() in answer
        assert gate.lines("outcome") == [], "what the gate says is no answer of the platform's"


def test_a_stream_over_http2_is_judged_again(office: Callable[..., Any]) -> None:
    with office() as gate, gate.tls("upload.x.com:443", alpn=("h2", "http/1.1")) as connection:
        client = Http2Client(connection)
        number = client.start("POST", "upload.x.com", APPEND, [("content-type", "application/octet-stream")])
        client.h2.send_data(number, b"x" * 4096)
        client.flush()
        until(lambda: len(gate.decisions()) == 1)
        gate.clock.set(AFTER_LUNCH)
        seen = client.answer(number)
        assert (seen.status, len(gate.decisions())) == (403, 2)
