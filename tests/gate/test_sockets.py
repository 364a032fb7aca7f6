"""Messages on WebSockets: a real proxy, real clients and servers of the `websockets` library, a real journal."""

import gc
import inspect
import json
import os
import queue
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.connection import Client
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.websocket import WebsocketLayer
from mitmproxy.test import tflow
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from gate_builders import (
    TUESDAY_AT_NIGHT,
    RunningGate,
    Trust,
    a_gate,
    a_trust,
    office_settings,
    receive,
    server_context,
    tls_tunnel,
)
from gerbang.gate.bounds import HOLD
from gerbang.gate.frames import FrameEnds
from gerbang.gate.socket_layer import FRAMES, MESSAGE, PIECES, GateSocketLayer, SocketMessage
from gerbang.journal.writer import Disk
from gerbang.loading import load_world
from gerbang.pipeline import World
from journal_builders import entries
from socket_platform import CHAT, FOLDER, HOST, SUBPROTOCOL
from waiting import until

CHAT_RULE = "malaysia-public-service/encrypted-chat-in-office-hours"
SEALED = "chat-ws.x.com"
PACKED = "edge-chat.facebook.com"
HELLO = "Selamat petang semua"
TUESDAY_AT_LUNCH = datetime.fromisoformat("2026-11-24T13:15+08:00")
TUESDAY_AFTER_LUNCH = datetime.fromisoformat("2026-11-24T14:15+08:00")


class Platform:
    """A stand-in with sockets: keeps what arrives, answers what it is told to."""

    def __init__(self, context: ssl.SSLContext | None, **more: Any) -> None:
        self.arrived: queue.Queue[str | bytes] = queue.Queue()
        self.connections: list[ServerConnection] = []
        self.closed: queue.Queue[int | None] = queue.Queue()
        self.echo = False
        more = {"subprotocols": [SUBPROTOCOL], "max_size": None, **more}
        self.server = serve(self._serve, "127.0.0.1", 0, ssl=context, select_subprotocol=self._chosen, **more)
        self.address: tuple[str, int] = self.server.socket.getsockname()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def _chosen(_: ServerConnection, offered: Any) -> Any:
        return SUBPROTOCOL if SUBPROTOCOL in offered else None

    def _serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            for message in connection:
                self.arrived.put(message)
                if self.echo:
                    connection.send(message)
        except ConnectionClosed:
            pass
        self.closed.put(connection.close_code)

    def nothing_arrived(self, within: float = 0.15) -> bool:
        try:
            self.arrived.get(timeout=within)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self.server.shutdown()


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), [HOST, CHAT, SEALED, PACKED, "gerbang.internal"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(office_settings(tmp_path_factory.mktemp("world"), policies=("bundled", str(FOLDER))))


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Platform]:
    context, packed = server_context(trust, CHAT, tmp_path), server_context(trust, PACKED, tmp_path)

    def chosen(connection: Any, name: str, _: ssl.SSLContext) -> None:
        if name == PACKED:
            connection.context = packed

    context.sni_callback = chosen
    server = Platform(context)
    yield server
    server.close()


@pytest.fixture
def office(tmp_path: Path, platform: Platform, trust: Trust, world: World) -> Callable[..., Any]:
    """A gate before the platform; its clock stands at nine at night unless it is told otherwise."""

    def made(**more: Any) -> Any:
        hosts = dict.fromkeys((HOST, CHAT, SEALED, PACKED), f"127.0.0.1:{platform.address[1]}")
        gate = {"upstream": {"hosts": hosts, "trusted_ca": trust.file}, **more.pop("gate", {})}
        settings = office_settings(tmp_path, gate=gate, policies=("bundled", str(FOLDER)))
        return a_gate(settings, trust, **{"world": world, "at": TUESDAY_AT_NIGHT, **more})

    return made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[GateSocketLayer]:
    """The sockets that were read in this test."""
    layers: list[GateSocketLayer] = []
    original = GateSocketLayer.__init__

    def noted(layer: GateSocketLayer, *given: Any) -> None:
        original(layer, *given)
        layers.append(layer)

    monkeypatch.setattr(GateSocketLayer, "__init__", noted)
    return layers


@contextmanager
def a_socket(gate: RunningGate, path: str = "/rooms/7", host: str = CHAT, **more: Any) -> Iterator[ClientConnection]:
    context = ssl.create_default_context(cafile=gate.trust.file)
    given: dict[str, Any] = {
        "ssl": context,
        "proxy": "http://{}:{}".format(*gate.address),
        "subprotocols": [SUBPROTOCOL],
        "additional_headers": {"Cookie": "member=41", "Accept-Language": "en"},
        "close_timeout": 3,
        "max_size": None,
        **more,
    }
    with connect(f"wss://{host}{path}", **given) as connection:
        yield connection


def say(text: str, number: str = "m-1", **more: Any) -> str:
    return json.dumps({"type": "say", "id": number, "payload": json.dumps({"text": text}), **more})


def closed(connection: ClientConnection) -> tuple[int, str]:
    """With what a socket is closed."""
    with pytest.raises(ConnectionClosed) as caught:
        connection.recv(30)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


# ---------------------------------------------------------------- what becomes of a message


def test_what_may_be_said_arrives_in_order_with_its_lines_first(office: Any, platform: Platform) -> None:
    with office() as gate, a_socket(gate) as connection:
        assert connection.subprotocol == SUBPROTOCOL
        sent = [say(f"{HELLO} {number}") for number in range(20)]
        for message in sent:
            connection.send(message)
        for number, message in enumerate(sent):
            assert platform.arrived.get(timeout=30) == message
            assert len(gate.decisions()) > number
        decisions = gate.decisions()
        assert {(one["activity"], one["done"], one["platform"]) for one in decisions} == {
            ("comment", "forwarded", "sembang")
        }
        platform.connections[0].send("from the platform")
        assert connection.recv(30) == "from the platform"


def test_what_may_not_is_dropped_and_the_page_is_told_in_its_own_shape(office: Any, platform: Platform) -> None:
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate, a_socket(gate) as connection:
        connection.send(say(HELLO, "m-7"))
        answer = json.loads(connection.recv(30))
        (decision,) = gate.decisions()
        assert (decision["effect"], decision["done"]) == ("block", "answered")
        assert answer["type"] == "refused"
        assert answer["re"] == "m-7"
        assert answer["number"] == decision["number"]
        assert (
            answer["message"] == f"Your office's gate refused this. Why: http://gerbang.internal/d/{answer['number']}"
        )
        connection.send('{"type": "typing"}')
        assert platform.arrived.get(timeout=30) == '{"type": "typing"}', "and nothing before it"
        assert gate.gate.counts["websocket-message"] == 2
        assert gate.gate.counts["websocket-refused"] == 1


def test_where_no_document_says_how_the_socket_is_closed_with_the_number(office: Any, platform: Platform) -> None:
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate, a_socket(gate, "/lines/7") as connection:
        connection.send(HELLO)
        code, reason = closed(connection)
        (decision,) = gate.decisions()
        assert code == 1008
        assert decision["number"] in reason
        assert len(reason.encode()) <= 123
        assert platform.nothing_arrived()
        assert platform.closed.get(timeout=30) == 1001


def test_each_message_is_judged_at_its_own_time(office: Any, platform: Platform) -> None:
    with office(at=TUESDAY_AT_LUNCH) as gate, a_socket(gate) as connection:
        connection.send(say(HELLO))
        assert platform.arrived.get(timeout=30)
        gate.clock.set(TUESDAY_AFTER_LUNCH)
        connection.send(say(HELLO))
        assert json.loads(connection.recv(30))["type"] == "refused"
        gate.clock.set(TUESDAY_AT_NIGHT)
        connection.send(say(HELLO))
        assert platform.arrived.get(timeout=30)
        assert [one["done"] for one in gate.decisions()] == ["forwarded", "answered", "forwarded"]


def test_a_message_that_is_held_goes_once_its_number_was_confirmed(office: Any, platform: Platform) -> None:
    rude = say("Kerani kaunter tu memang bengap")
    with office() as gate, a_socket(gate) as connection:
        connection.send(rude)
        answer = json.loads(connection.recv(30))
        assert "holding" in answer["message"]
        assert gate.decisions()[-1]["done"] == "held"
        confirm(gate, answer["number"])
        connection.send(rude)
        assert platform.arrived.get(timeout=30) == rude
        connection.send(rude)
        assert json.loads(connection.recv(30))["type"] == "refused", "a confirmation holds once"


def confirm(gate: RunningGate, number: str, words: str = "yes") -> None:
    """Open the decision on the gate's own host, answer what it asks and press the button, as a browser of nobody known
    does."""
    base = f"http://gerbang.internal/d/{number}"
    with socket.create_connection(gate.address, 5) as connection:
        connection.sendall(f"GET {base}?k=1 HTTP/1.1\r\nHost: gerbang.internal\r\nAccept: text/html\r\n\r\n".encode())
        page = receive(connection).decode()
        cookie = next(
            line[12:].partition(";")[0] for line in page.split("\r\n") if line.lower().startswith("set-cookie:")
        )
        token = page.partition('name="token" value="')[2].partition('"')[0]
        fields = {name.partition('"')[0]: quote_plus(words) for name in page.split('name="ask.')[1:]}
        body = "&".join([f"token={token}", *(f"ask.{name}={value}" for name, value in fields.items())])
        connection.sendall(
            f"POST {base}/confirm HTTP/1.1\r\nHost: gerbang.internal\r\nOrigin: http://gerbang.internal\r\n"
            f"Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        assert receive(connection).startswith(b"HTTP/1.1 303")


def test_what_no_signature_claims_is_judged_as_a_post_where_words_are_in_it(office: Any, platform: Platform) -> None:
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate, a_socket(gate) as connection:
        connection.send('{"type": "shout", "body": "hai"}')
        assert platform.arrived.get(timeout=30)
        assert gate.decisions() == []
        connection.send('{"type": "shout", "body": "Selamat pagi semua orang"}')
        assert json.loads(connection.recv(30))["type"] == "refused"
        (decision,) = gate.decisions()
        assert (decision["activity"], decision["unclaimed"], decision["done"]) == ("post", True, "answered")


def test_what_nobody_can_read_is_a_gap_and_one_line_in_half_an_hour(office: Any, platform: Platform) -> None:
    with office() as gate, a_socket(gate, "/other") as connection:
        for _ in range(3):
            connection.send(b"\0\1\2\3\xff")
            assert platform.arrived.get(timeout=30) == b"\0\1\2\3\xff"
        (decision,) = gate.decisions()
        assert (decision["unclaimed"], [gap["reason"] for gap in decision["gaps"]]) == (True, ["unreadable"])
        assert gate.gate.counts["websocket-message"] == 3


def test_what_is_known_to_be_sealed_passes_with_one_line_for_its_gap(office: Any, platform: Platform) -> None:
    with office() as gate, a_socket(gate, "/sealed") as connection:
        for minutes in (0, 10, 20):
            gate.clock.set(datetime.fromisoformat(f"2026-11-24T21:{minutes:02}+08:00"))
            connection.send(b"\0\1\2\3\xff")
            assert platform.arrived.get(timeout=30)
        opened, said = gate.decisions()
        assert [gap["reason"] for gap in opened["gaps"]] == ["encrypted"]
        assert [gap["reason"] for gap in said["gaps"]] == ["unreadable", "encrypted"]
        assert {(one["activity"], one["done"]) for one in (opened, said)} == {("use", "forwarded")}


def test_what_is_sealed_is_open_for_as_long_as_the_purpose_that_was_stated_at_the_visit(
    office: Any, platform: Platform
) -> None:
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate:
        refused = unopened(gate)
        assert "Open this page anew and state its purpose first. Why: " in refused
        (first,) = gate.decisions()
        assert (first["activity"], first["effect"], first["done"]) == ("use", "block", "answered")

        visit(gate)
        held = gate.decisions()[-1]
        assert (held["activity"], held["done"]) == ("view", "held")
        confirm(gate, held["number"], "Kumpulan kerja unit perlu dijawab")
        gate.clock.set(datetime.fromisoformat("2026-11-24T10:10+08:00"))
        with a_socket(gate, "/sealed") as connection:
            connection.send(b"\0\1\2\3\xff")
            assert platform.arrived.get(timeout=30)
            opened = gate.decisions()[-2:]
            (release,) = entries(gate.settings.journal_folder, "release")
            for one in opened:
                assert (one["activity"], one["effect"], one["done"]) == ("use", "record", "forwarded")
                ruled = {match["rule"]: match["released_by"] for match in one["matches"]}
                assert ruled[CHAT_RULE] == release["body"]["release"]
            gate.clock.set(datetime.fromisoformat("2026-11-24T10:31+08:00"))
            connection.send(b"\0\1\2\3\xff")
            code, reason = closed(connection)
            assert (code, reason.startswith("Open this page anew")) == (1008, True)
        last = gate.decisions()[-1]
        assert (last["activity"], last["effect"], last["number"] in reason) == ("use", "block", True)
        assert platform.nothing_arrived()
        assert last["number"] not in (first["number"], held["number"])
        unopened(gate)


def test_a_socket_is_closed_when_its_purpose_ends_though_nothing_is_said_on_it(
    office: Any, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gerbang.gate.passing.LOOK", 0.05)
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate:
        visit(gate)
        confirm(gate, gate.decisions()[-1]["number"], "Kumpulan kerja unit perlu dijawab")
        with a_socket(gate, "/sealed") as sealed, a_socket(gate) as open_one:
            gate.clock.set(datetime.fromisoformat("2026-11-24T10:29+08:00"))
            gate.loop.call(gate.gate.passing.look())
            assert len(gate.gate.passing._flows) == 1
            gate.clock.set(datetime.fromisoformat("2026-11-24T10:31+08:00"))
            code, reason = closed(sealed)
            assert (code, reason.startswith("Open this page anew")) == (1008, True)
            last = gate.decisions()[-1]
            assert (last["activity"], last["effect"], last["number"] in reason) == ("use", "block", True)
            assert platform.closed.get(timeout=30) == 1001
            open_one.ping().wait(30)
            assert gate.gate.passing._flows == {}


def test_the_purpose_of_one_platform_covers_no_other_and_no_post(office: Any, platform: Platform) -> None:
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate:
        visit(gate)
        confirm(gate, gate.decisions()[-1]["number"], "Kumpulan kerja unit perlu dijawab")
        with a_socket(gate) as connection:
            connection.send(say(HELLO))
            assert json.loads(connection.recv(30))["type"] == "refused"
        assert platform.nothing_arrived()
        unopened(gate, SEALED, "/ws")
        assert gate.decisions()[-1]["platform"] == "x"


def visit(gate: RunningGate, host: str = HOST) -> bytes:
    """Look at the platform's page, as a browser does."""
    with tls_tunnel(gate.address, f"{host}:443", gate.trust.file) as connection:
        connection.sendall(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\n"
            "Sec-Fetch-Mode: navigate\r\n\r\n".encode()
        )
        return receive(connection)


def unopened(gate: RunningGate, host: str = CHAT, path: str = "/sealed") -> str:
    """What a page is told whose socket is not opened."""
    with tls_tunnel(gate.address, f"{host}:443", gate.trust.file) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Accept-Language: en\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        answer = receive(connection).decode()
    assert answer.startswith("HTTP/1.1 403 ")
    return answer


# ---------------------------------------------------------------- packets within messages


def a_task(text: str) -> bytes:
    """What facebook's chats publish over MQTT: a list of tasks, in a packet that wants to be acknowledged."""
    tasks = [{"label": "46", "payload": json.dumps({"thread_id": 5, "text": text})}]
    payload = json.dumps({"payload": json.dumps({"tasks": tasks}), "request_id": 1, "type": 3})
    body = b"\0\7/ls_req\0\7" + payload.encode()
    return bytes((0x32, len(body) & 0x7F | 0x80, len(body) >> 7)) + body


def test_a_packet_that_comes_in_several_messages_is_judged_and_goes_on_as_one(office: Any, platform: Platform) -> None:
    packet = a_task(HELLO)
    with office() as gate, a_socket(gate, "/chat", host=PACKED) as connection:
        connection.send(packet[:1])
        connection.send(packet[1:40])
        assert platform.nothing_arrived()
        connection.send(packet[40:])
        assert platform.arrived.get(timeout=30) == packet
        (decision,) = gate.decisions()
        assert (decision["platform"], decision["activity"], decision["done"]) == ("facebook", "message", "forwarded")
        connection.send(b"\xc0\0")
        assert platform.arrived.get(timeout=30) == b"\xc0\0"


def test_a_refused_packet_is_acknowledged_and_its_client_goes_on(office: Any, platform: Platform) -> None:
    packet = a_task(HELLO)
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate:
        with a_socket(gate, "/chat", host=PACKED) as connection:
            connection.send(packet[:1])
            connection.send(packet[1:])
            assert connection.recv(30) == bytes.fromhex("40020007")
            assert [one["done"] for one in gate.decisions()] == ["answered"]
            connection.send(b"\xc0\0")
            assert platform.arrived.get(timeout=30) == b"\xc0\0", "and nothing before it"
            connection.send(b"\xc0\0" + packet)
            code, reason = closed(connection)
            assert (code, gate.decisions()[-1]["number"] in reason) == (1008, True)
        assert platform.nothing_arrived()


def test_a_packet_that_comes_in_too_many_messages_closes_its_socket(office: Any, platform: Platform) -> None:
    packet = a_task(HELLO * 20)
    with office() as gate:
        with a_socket(gate, "/chat", host=PACKED) as connection:
            for byte in packet[: PIECES - 1]:
                connection.send(bytes((byte,)))
            connection.send(packet[PIECES - 1 :])
            assert platform.arrived.get(timeout=30) == packet
            for byte in packet[:PIECES]:
                connection.send(bytes((byte,)))
            assert closed(connection)[0] == 1009
        assert platform.nothing_arrived()
        assert gate.decisions()[-1]["gaps"][0]["reason"] == "too-large"


# ---------------------------------------------------------------- no log, no post


def test_a_message_waits_for_its_line_while_the_platform_is_still_heard(office: Any, platform: Platform) -> None:
    go_on = threading.Event()
    go_on.set()

    def fsync(descriptor: int) -> None:
        go_on.wait(10)
        os.fsync(descriptor)

    with office(disk=Disk(fsync=fsync)) as gate, a_socket(gate) as connection:
        go_on.clear()
        connection.send(say(HELLO))
        assert platform.nothing_arrived(0.3)
        platform.connections[0].send("meanwhile")
        assert connection.recv(30) == "meanwhile"
        go_on.set()
        assert platform.arrived.get(timeout=30) == say(HELLO)


def test_who_sends_on_while_a_message_waits_is_not_read(office: Any, platform: Platform) -> None:
    go_on = threading.Event()
    go_on.set()

    def fsync(descriptor: int) -> None:
        go_on.wait(10)
        os.fsync(descriptor)

    ping = json.dumps({"type": "ping", "filling": "a" * 2000})
    with office(disk=Disk(fsync=fsync)) as gate, a_socket(gate, compression=None) as connection:
        connection.send(ping)
        assert platform.arrived.get(timeout=30) == ping
        (valve,) = [valve for end, valve in gate.gate.valves._valves.items() if isinstance(end, Client)]
        before = valve.taken
        go_on.clear()
        connection.send(say(HELLO))
        sender = threading.Thread(target=lambda: [connection.send(ping) for _ in range(2000)])
        sender.start()
        deadline = time.monotonic() + 60
        while not valve.held and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        assert valve.held
        assert valve.taken - before < HOLD + 2 * 65536
        go_on.set()
        assert platform.arrived.get(timeout=30) == say(HELLO)
        for _ in range(2000):
            assert platform.arrived.get(timeout=30) == ping
        sender.join(10)
        assert not valve.held


def test_a_journal_that_cannot_be_written_refuses_and_recovers(office: Any, platform: Platform) -> None:
    broken = threading.Event()

    def fsync(descriptor: int) -> None:
        if broken.is_set():
            raise OSError(5, "Input/output error")
        os.fsync(descriptor)

    with office(disk=Disk(fsync=fsync)) as gate, a_socket(gate) as connection:
        broken.set()
        connection.send(say(HELLO))
        answer = json.loads(connection.recv(30))
        assert answer["number"] == "-"
        assert "cannot record" in answer["message"]
        with a_socket(gate, "/lines/7") as other:
            other.send(HELLO)
            assert closed(other)[0] == 1013
        broken.clear()
        connection.send(say(HELLO))
        assert platform.arrived.get(timeout=30) == say(HELLO)


@pytest.mark.parametrize(("on_fault", "passes"), [("refuse-writes", False), ("refuse", False), ("forward", True)])
def test_a_fault_of_ours_never_lets_a_message_through_unless_that_is_set(
    on_fault: str, passes: bool, office: Any, platform: Platform
) -> None:
    with office(gate={"on_fault": on_fault}) as gate, a_socket(gate, "/lines/7") as connection:

        async def fault(*_: Any) -> None:
            raise ZeroDivisionError("a bug")

        gate.gate.judge.whole = fault
        connection.send(HELLO)
        if passes:
            assert platform.arrived.get(timeout=30) == HELLO
        else:
            code, reason = closed(connection)
            assert code == 1011
            assert "cannot check" in reason
            assert platform.nothing_arrived()
        assert gate.gate.guard.faults["socket_message"] == 1


def test_without_an_addon_that_says_so_nothing_passes() -> None:
    message = SocketMessage(tflow.twebsocketflow(), b"", 0)
    assert not message.passes
    assert message.answer is None
    assert message.close[0] == 1011


# ---------------------------------------------------------------- bounds


def test_a_message_at_the_bound_passes_and_one_byte_more_closes_the_socket(office: Any, platform: Platform) -> None:
    with office() as gate:
        with a_socket(gate, "/lines/7", compression=None) as connection:
            connection.send("a" * MESSAGE)
            assert platform.arrived.get(timeout=30) == "a" * MESSAGE
            connection.send("a" * (MESSAGE + 1))
            code, reason = closed(connection)
        assert code == 1009
        first, second = gate.decisions()
        assert first["done"] == "forwarded"
        assert (second["done"], [gap["reason"] for gap in second["gaps"]]) == ("answered", ["too-large"])
        assert second["number"] in reason
        assert platform.nothing_arrived()
        until(lambda: gate.gate.limits.budget.taken == 0)


def test_a_message_in_pieces_is_judged_whole(office: Any, platform: Platform) -> None:
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate, a_socket(gate) as connection:
        whole = say(HELLO)
        connection.send(whole[at : at + 7] for at in range(0, len(whole), 7))
        assert json.loads(connection.recv(30))["type"] == "refused"
        assert len(gate.decisions()) == 1
        assert platform.nothing_arrived()


@pytest.mark.parametrize("pieces", [1, 3, FRAMES - 1, FRAMES, FRAMES + 500])
def test_a_message_goes_on_in_the_frames_in_which_it_came(pieces: int, raw: "Raw") -> None:
    """But for one of very many, which goes on as one."""
    parts = ["\u00e4\u00e4".encode()[1:3] if 0 < number < pieces - 1 else b"aa" for number in range(pieces)]
    for number, part in enumerate(parts):
        opcode = 0x1 if number == 0 else 0x0
        raw.client.sendall(frame(opcode, part, masked=True, fin=number == pieces - 1))
    if any(part != b"aa" for part in parts):
        assert raw.from_gate(1)[0][0] == 0x8, "not UTF-8"
        return
    expected = pieces if pieces < FRAMES else 1
    seen = raw.to_platform(expected)
    assert b"".join(payload for _, _, payload in seen) == b"".join(parts)
    assert [fin for _, fin, _ in seen] == [False] * (expected - 1) + [True]


# ---------------------------------------------------------------- compression


def test_compressed_messages_are_read_and_one_that_is_dropped_spoils_none(office: Any, platform: Platform) -> None:
    """The next message may refer to what was in the last: the platform has not seen that one."""
    with office(at=datetime.fromisoformat("2026-11-24T10:00+08:00")) as gate, a_socket(gate) as connection:
        assert "permessage-deflate" in connection.response.headers["Sec-WebSocket-Extensions"]
        for number in range(5):
            connection.send(say(HELLO * 20, f"m-{number}"))
            assert json.loads(connection.recv(30))["re"] == f"m-{number}"
            connection.send('{"type": "typing", "at": "' + HELLO * 20 + '"}')
            assert platform.arrived.get(timeout=30) == '{"type": "typing", "at": "' + HELLO * 20 + '"}'
            platform.connections[0].send(HELLO * 20)
            assert connection.recv(30) == HELLO * 20, "what the platform compresses is passed on as it is"
        assert len(gate.decisions()) == 5


@pytest.mark.parametrize("takeover", [True, False])
def test_with_and_without_context_takeover(takeover: bool, office: Any, platform: Platform) -> None:
    factory = ClientPerMessageDeflateFactory(client_no_context_takeover=not takeover)
    with office() as gate, a_socket(gate, extensions=[factory], compression=None) as connection:
        for number in range(3):
            connection.send(say(f"{HELLO} {number}"))
            assert platform.arrived.get(timeout=30) == say(f"{HELLO} {number}")


def test_a_small_message_that_would_grow_large_is_given_up_on(raw: "Raw") -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = engine.compress(bytes(64 << 20)) + engine.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 70_000
    raw.client.sendall(frame(0x2, bomb[:-4], masked=True, rsv1=True))
    ((opcode, _, payload),) = raw.from_gate(1)
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (0x8, 1009)
    (decision,) = raw.gate.decisions()
    assert [gap["reason"] for gap in decision["gaps"]] == ["too-large"]
    until(lambda: raw.gate.gate.limits.budget.taken == 0)


def test_what_is_not_compressed_as_it_says_closes_the_socket(raw: "Raw") -> None:
    raw.client.sendall(frame(0x1, b"\xff\xff\xff", masked=True, rsv1=True))
    ((opcode, _, payload),) = raw.from_gate(1)
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (0x8, 1007)


def test_nothing_can_be_piled_up_behind_the_last_block_of_a_compressed_message(raw: "Raw") -> None:
    """zlib keeps what follows such a block, whatever its size, and no limit of a message or of the budget counts it."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    last = engine.compress(HELLO.encode()) + engine.flush(zlib.Z_FINISH)
    raw.client.sendall(frame(0x1, last, masked=True, rsv1=True, fin=False))
    with suppress(OSError):
        for _ in range(4):
            raw.client.sendall(frame(0x0, bytes(1 << 16), masked=True, fin=False))
    ((opcode, _, payload),) = raw.from_gate(1)
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (0x8, 1007)
    until(lambda: raw.gate.gate.limits.budget.taken == 0)


def test_a_control_frame_within_a_compressed_message_does_not_spoil_it(raw: "Raw") -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    whole = engine.compress(HELLO.encode() * 50) + engine.flush(zlib.Z_SYNC_FLUSH)[:-4]
    for _ in range(2):
        raw.client.sendall(frame(0x1, whole[:9], masked=True, rsv1=True, fin=False))
        raw.client.sendall(frame(0x9, b"still there", masked=True))
        raw.client.sendall(frame(0x0, whole[9:], masked=True))
        (ping, *_, last) = raw.to_platform(3)
        assert ping == (0x9, True, b"still there")
        assert b"".join(content for opcode, _, content in raw.to_platform(3) if opcode < 8) == HELLO.encode() * 50
        assert last[1]
        raw._up = b""


def test_only_the_compression_that_is_known_is_offered_on(raw: "Raw") -> None:
    assert b"permessage-deflate" in raw.asked
    assert b"x-webkit-deflate-frame" not in raw.asked


# ---------------------------------------------------------------- memory


def test_no_message_is_kept(office: Any, platform: Platform, made: list[GateSocketLayer]) -> None:
    platform.echo = True
    with office() as gate, a_socket(gate) as connection:
        gc.collect()
        before = sum(1 for each in gc.get_objects() if type(each) is SocketMessage)
        for _ in range(2000):
            connection.send('{"type": "ping"}')
        for _ in range(2000):
            connection.recv(30)
        (layer,) = made
        assert layer.flow.websocket is not None
        assert layer.flow.websocket.messages == []
        until(lambda: gate.gate.limits.budget.taken == 0)
        assert (len(layer.message), layer.frames, layer.to_say, layer.waiting) == (0, [], [], 0)
        assert sum(1 for each in gc.get_objects() if type(each) is SocketMessage) <= before + 1
        assert gate.gate.counts["websocket-message"] == 2000


def test_half_a_message_counts_in_its_senders_share_and_beyond_it_the_gate_is_busy(
    office: Any, platform: Platform
) -> None:
    with office(gate={"memory_budget": "256 KiB"}) as gate, a_socket(gate, "/lines/7", compression=None) as first:
        content = iter(["a" * 40_000, "end"])
        paused, go_on = threading.Event(), threading.Event()

        def pieces() -> Iterator[str]:
            yield next(content)
            paused.set()
            go_on.wait(10)
            yield next(content)

        sender = threading.Thread(target=lambda: first.send(pieces()))
        sender.start()
        paused.wait(30)
        until(lambda: gate.gate.limits.budget.taken >= 40_000)
        with a_socket(gate, "/lines/7", compression=None) as second:
            second.send("b" * 40_000)
            code, reason = closed(second)
        assert code == 1013
        assert "busy" in reason
        assert gate.gate.counts["short-of-memory"] == 1
        go_on.set()
        assert platform.arrived.get(timeout=30) == "a" * 40_000 + "end"
        sender.join(30)
        until(lambda: gate.gate.limits.budget.taken == 0)


def test_half_a_message_is_not_waited_for_for_ever(raw: "Raw", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.gate.socket_layer.IDLE", 0.2)
    raw.client.sendall(frame(0x1, b"half", masked=True, fin=False))
    ((opcode, _, payload),) = raw.from_gate(1)
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (0x8, 1013)
    until(lambda: raw.gate.gate.limits.budget.taken == 0)


# ---------------------------------------------------------------- the protocol


def frame(opcode: int, content: bytes, *, masked: bool, fin: bool = True, rsv1: bool = False) -> bytes:
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    bit = 0x80 if masked else 0
    size = len(content)
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + content
    mask = os.urandom(4)
    return head + mask + bytes(c ^ mask[at % 4] for at, c in enumerate(content))


def parsed(data: bytes) -> list[tuple[int, bool, bytes]]:
    """Opcode, whether it is the last, and content of each whole frame."""
    found = []
    while len(data) >= 2:
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[2 : 2 + width]), 2 + width
        mask = b"\0\0\0\0"
        if data[1] & 0x80:
            mask, at = data[at : at + 4], at + 4
        if len(data) < at + size:
            break
        content = bytes(c ^ mask[place % 4] for place, c in enumerate(data[at : at + size]))
        found.append((data[0] & 0x0F, bool(data[0] & 0x80), content))
        data = data[at + size :]
    return found


class Raw:
    """A socket whose two ends the test writes and reads byte by byte."""

    def __init__(self, gate: RunningGate, listener: socket.socket, context: ssl.SSLContext, answer: bytes) -> None:
        self.gate = gate
        self.client = gate.tls(f"{CHAT}:443")
        self.client.settimeout(5)
        self.client.sendall(
            f"GET /lines/7 HTTP/1.1\r\nHost: {CHAT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate\r\n\r\n".encode()
        )
        self.platform = context.wrap_socket(listener.accept()[0], server_side=True)
        self.platform.settimeout(5)
        self.asked = self.platform.recv(65536)
        self.platform.sendall(answer)
        self.head = receive(self.client, head_only=True)
        self._up = self._down = b""

    def to_platform(self, count: int) -> list[tuple[int, bool, bytes]]:
        while len(parsed(self._up)) < count:
            data = self.platform.recv(65536)
            assert data, parsed(self._up)
            self._up += data
        return parsed(self._up)

    def from_gate(self, count: int) -> list[tuple[int, bool, bytes]]:
        while len(parsed(self._down)) < count:
            data = self.client.recv(65536)
            assert data, parsed(self._down)
            self._down += data
        return parsed(self._down)

    def close(self) -> None:
        self.client.close()
        self.platform.close()


SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8\r\n"
    b"Sec-WebSocket-Accept: 0Tq48QOzCPHGUDVWnn8nS44pZaI=\r\n\r\n"
)


@contextmanager
def raw_sockets(trust: Trust, world: World, folder: Path, answer: bytes = SWITCHED) -> Iterator[Raw]:
    listener = socket.create_server(("127.0.0.1", 0))
    hosts = {CHAT: f"127.0.0.1:{listener.getsockname()[1]}"}
    settings = office_settings(folder, gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}})
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT) as gate:
        sockets = Raw(gate, listener, server_context(trust, CHAT, folder), answer)
        yield sockets
        sockets.close()
    listener.close()


@pytest.fixture
def raw(trust: Trust, world: World, tmp_path: Path) -> Iterator[Raw]:
    with raw_sockets(trust, world, tmp_path) as sockets:
        yield sockets


def test_control_frames_and_closing_reach_the_other_side(office: Any, platform: Platform) -> None:
    with office() as gate:
        with a_socket(gate) as connection:
            assert connection.ping(b"a").wait(30), "the platform's pong came back"
            assert platform.connections[0].ping(b"b").wait(30), "and the client's"
            connection.close(4001, "enough")
            assert platform.closed.get(timeout=30) == 4001
        with a_socket(gate) as connection:
            while len(platform.connections) < 2:
                time.sleep(0.02)
            platform.connections[1].close(4002, "done")
            assert closed(connection) == (4002, "done")
            assert platform.closed.get(timeout=30) == 4002


@pytest.mark.parametrize("who", ["client", "platform"])
def test_where_one_side_is_gone_the_other_is_closed(who: str, raw: Raw) -> None:
    gone, left = (raw.client, raw.platform) if who == "client" else (raw.platform, raw.client)
    gone.close()
    with suppress(ssl.SSLError, ConnectionError):
        assert left.recv(100) == b""


def test_what_the_gate_says_never_stands_within_a_message_of_the_platforms(
    trust: Trust, world: World, tmp_path: Path, made: list[GateSocketLayer]
) -> None:
    """The page's own shape, while the platform is in the middle of a message in three frames."""
    answer = SWITCHED.replace(b"Upgrade: websocket", b"Upgrade: websocket\r\nSec-WebSocket-Protocol: sembang.v1")
    at = datetime.fromisoformat("2026-11-24T10:00+08:00")
    listener = socket.create_server(("127.0.0.1", 0))
    hosts = {CHAT: f"127.0.0.1:{listener.getsockname()[1]}"}
    settings = office_settings(tmp_path, gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}})
    with a_gate(settings, trust, world=world, at=at) as gate:
        sockets = Raw(gate, listener, server_context(trust, CHAT, tmp_path), answer)
        while not made:
            time.sleep(0.02)
        made[0].flow.request.path = "/rooms/7"  # whose document has a shape
        first, second, third = (
            frame(0x1, b"one", masked=False, fin=False),
            frame(0x0, b"two", masked=False, fin=False),
            frame(0x0, b"three", masked=False),
        )
        sockets.platform.sendall(first + second[:2])
        sockets.from_gate(1)
        sockets.client.sendall(frame(0x1, say(HELLO).encode(), masked=True))
        while not gate.decisions():
            time.sleep(0.02)
        sockets.platform.sendall(second[2:] + third + frame(0x1, b"next", masked=False))
        seen = sockets.from_gate(5)
        assert [payload for _, _, payload in seen[:3]] == [b"one", b"two", b"three"]
        assert json.loads(seen[4][2])["type"] == "refused"
        sockets.close()
    listener.close()


def test_a_close_of_ours_waits_for_the_end_of_the_platforms_frame(raw: Raw) -> None:
    long = frame(0x2, b"x" * 1000, masked=False)
    raw.platform.sendall(long[:500])
    raw.client.sendall(frame(0x1, b"\xff", masked=True))
    time.sleep(0.1)
    raw.platform.sendall(long[500:] + frame(0x1, b"whole", masked=False) + frame(0x1, b"half", masked=False)[:3])
    seen = raw.from_gate(3)
    assert [opcode for opcode, _, _ in seen] == [0x2, 0x1, 0x8]
    assert raw.to_platform(1)[0][0] == 0x8


def test_another_protocol_than_a_websocket_is_no_way_past_the_gate(trust: Trust, world: World, tmp_path: Path) -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\n"
    with raw_sockets(trust, world, tmp_path, answer) as sockets:
        sockets.platform.settimeout(0.5)
        with suppress(OSError):
            sockets.client.sendall(b"POST past the gate")
            assert sockets.client.recv(100) == b""
        with suppress(OSError):
            assert sockets.platform.recv(100) == b""


@pytest.mark.parametrize("lines", ["Upgrade: raw\r\n", "Upgrade: websocket\r\nSec-WebSocket-Version: 12\r\n"])
def test_no_other_upgrade_is_asked_for(lines: str, office: Any, platform: Platform) -> None:
    with office() as gate, gate.tls(f"{CHAT}:443") as connection:
        connection.sendall(f"GET /rooms/7 HTTP/1.1\r\nHost: {CHAT}\r\nConnection: Upgrade\r\n{lines}\r\n".encode())
        assert b" 101 " not in receive(connection, head_only=True)
    assert platform.connections == []


def test_a_socket_of_a_host_that_is_not_listed_is_relayed_as_it_is(
    tmp_path: Path, trust: Trust, world: World, made: list[GateSocketLayer]
) -> None:
    plain = Platform(None)
    hosts = {"chat.example": f"127.0.0.1:{plain.address[1]}"}
    settings = office_settings(tmp_path, gate={"upstream": {"hosts": hosts}})
    with a_gate(settings, trust, world=world) as gate:
        proxied = socket.create_connection(gate.address, 5)
        proxied.sendall(b"CONNECT chat.example:80 HTTP/1.1\r\nHost: chat.example:80\r\n\r\n")
        assert receive(proxied, head_only=True).startswith(b"HTTP/1.1 200")
        with connect("ws://chat.example/rooms/7", sock=proxied, proxy=None, max_size=None) as connection:
            connection.send("Kau ni memang bodoh dan tak guna langsung")
            assert plain.arrived.get(timeout=30)
            connection.send("a" * (MESSAGE + 1))
            assert plain.arrived.get(timeout=30) == "a" * (MESSAGE + 1)
            assert made == []
        assert gate.decisions() == []
        assert gate.gate.counts["websocket-message"] == 0
    plain.close()


@given(
    messages=st.lists(
        st.tuples(st.sampled_from([0x1, 0x2, 0x9]), st.integers(0, 300), st.integers(1, 3), st.booleans()), max_size=6
    ),
    cuts=st.lists(st.integers(1, 200), min_size=1),
)
def test_ends_of_frames_are_found_however_the_bytes_come(
    messages: list[tuple[int, int, int, bool]], cuts: list[int]
) -> None:
    data, frames, wholes = b"", {0}, {0}
    for opcode, size, pieces, masked in messages:
        parts = 1 if opcode == 0x9 else pieces
        for number in range(parts):
            length = size % 126 if opcode == 0x9 else size
            data += frame(opcode if number == 0 else 0, bytes(length), masked=masked, fin=number == parts - 1)
            frames.add(len(data))
        wholes.add(len(data))
    ends, at, turn = FrameEnds(), 0, 0
    while at < len(data):
        piece = data[at : at + cuts[turn % len(cuts)]]
        turn += 1
        last_frame, last_whole = ends.feed(piece)
        inside = [place - at for place in frames if at < place <= at + len(piece)]
        assert last_frame == max(inside, default=0)
        assert last_whole == max((place - at for place in wholes if at < place <= at + len(piece)), default=0)
        at += len(piece)
        assert ends.between_frames == (at in frames)
    assert ends.between_messages


# ---------------------------------------------------------------- what is relied upon of mitmproxy


def test_sockets_are_made_where_we_make_ours() -> None:
    """Where these read otherwise, `GateStream.flow_done` has to be read again."""
    source = inspect.getsource(HttpStream.flow_done)
    assert "self.child_layer = websocket.WebsocketLayer(self.context, self.flow)" in source
    assert "self.child_layer = tcp.TCPLayer(self.context)" in source
    assert "self._handle_event = self.passthrough" in source
    assert "yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)" in source
    assert "self.flow.websocket.messages.append(message)" in inspect.getsource(WebsocketLayer.relay_messages)
