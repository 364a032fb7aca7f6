"""mitmproxy as a library: what is loaded, how it starts, how it stops."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.connection import Client, Server
from mitmproxy.proxy.layers.http import HttpRequestHook

from gate_builders import Loop, Probe, a_proxy, office_settings, receive
from gerbang.errors import SettingsError, StartError
from gerbang.gate.bounds import Budget, Limits, Valves
from gerbang.gate.interception import GateLayers, GateTls
from gerbang.gate.master import GateMaster
from gerbang.gate.run import authority_of, check_sign_in
from gerbang.settings import GateSettings


def a_master(**settings: object) -> GateMaster:
    limits, valves = Limits(1 << 20, Budget(1 << 20)), Valves()
    layers = GateLayers(limits, valves, lambda _: False)
    return GateMaster(GateSettings.model_validate(settings), [], GateTls(None), layers)


def serve(loop: Loop, **settings: object) -> None:
    async def run() -> None:
        await a_master(**settings).serve()

    loop.call(run())


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def test_only_what_a_gate_needs_is_loaded() -> None:
    with a_proxy(Probe()) as proxy:
        assert sorted(proxy.master.addons.lookup) == ["core", "nextlayer", "probe", "proxyserver", "tlsconfig"]
        assert not proxy.master.options.http3
        assert proxy.master.options.connection_strategy == "lazy"


def test_an_event_comes_to_every_addon_that_has_its_hook_whatever_the_others_do(loop: Loop) -> None:
    """As with mitmproxy's own manager: in order, awaited, faults logged, and an `update` where somebody takes it."""
    seen: list[str] = []

    class Breaks:
        name = "breaks"

        def request(self, _: http.HTTPFlow) -> None:
            seen.append("breaks")
            raise ZeroDivisionError

    class Waits:
        name = "waits"

        async def request(self, _: http.HTTPFlow) -> None:
            await asyncio.sleep(0)
            seen.append("waits")

    class Updates:
        name = "updates"

        def update(self, _: list[http.HTTPFlow]) -> None:
            seen.append("updates")

    async def run() -> None:
        master = a_master()
        master.addons.add(Breaks(), Waits())  # type: ignore[no-untyped-call]
        flow = http.HTTPFlow(Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2)), Server(address=None))
        await master.addons.handle_lifecycle(HttpRequestHook(flow))
        master.addons.add(late := Updates())  # type: ignore[no-untyped-call]
        await master.addons.handle_lifecycle(HttpRequestHook(flow))
        master.addons.remove(late)  # type: ignore[no-untyped-call]
        await master.addons.handle_lifecycle(HttpRequestHook(flow))

    loop.call(run())
    assert seen == ["breaks", "waits", "breaks", "waits", "updates", "breaks", "waits"]


def test_a_port_in_use_is_one_sentence(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartError) as caught:
            serve(loop, listen=listen)
    assert str(caught.value) == (
        f"the gate cannot listen on `{listen}`: address already in use; stop what uses it, or set another `gate.listen`"
    )


def test_an_address_that_is_not_this_machines_is_one_sentence(loop: Loop) -> None:
    with pytest.raises(StartError, match=r"cannot listen on `192\.0\.2\.1:8080`: cannot assign requested address"):
        serve(loop, listen="192.0.2.1:8080")


@pytest.mark.parametrize("mode", ["nonsense", "upstream:", "reverse:gopher://x.com"])
def test_a_mode_that_there_is_not_is_refused(mode: str, loop: Loop) -> None:
    with pytest.raises(SettingsError, match=r"`gate\.mode` will not do"):
        serve(loop, listen="127.0.0.1:0", mode=mode)


def test_without_authority_for_interception_no_ca_is_needed(tmp_path: Path) -> None:
    assert authority_of(office_settings(tmp_path, interception={"authority": "", "notice": ""})) is None
    with pytest.raises(StartError, match="there is no CA"):
        authority_of(office_settings(tmp_path))


@pytest.mark.parametrize(("mode", "asks"), [("regular", True), ("upstream:http://p:1", True), ("transparent", False)])
def test_where_nobody_can_be_asked_to_sign_in_that_is_said(mode: str, asks: bool, tmp_path: Path) -> None:
    zone = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": "htpasswd", "htpasswd": "x"}
    settings = office_settings(tmp_path, zones=[zone], gate={"mode": mode})
    with (
        nullcontext() if asks else pytest.raises(SettingsError, match="nobody can be asked to; use the mode `regular`")
    ):
        check_sign_in(settings)


def test_what_is_under_way_ends_before_the_gate_does() -> None:
    """A request that waits for its platform is answered; new connections are not taken."""
    with Slow() as slow, a_proxy(Probe(upstream=slow.address)) as proxy:
        proxy.probe.busy = True  # type: ignore[attr-defined]
        connection = socket.create_connection(proxy.address, 10)
        connection.sendall(b"GET http://x.com/ HTTP/1.1\r\nHost: x.com\r\n\r\n")
        slow.asked.wait(30)
        proxy.master.shutdown()
        time.sleep(0.2)
        with pytest.raises(OSError):
            socket.create_connection(proxy.address, 1)
        slow.go_on.set()
        assert receive(connection).endswith(b"late")
        proxy.probe.busy = False  # type: ignore[attr-defined]
        connection.close()


class Slow:
    """A stand-in that answers when it is told to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self.asked, self.go_on = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        connection.recv(65536)
        self.asked.set()
        self.go_on.wait(5)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    def __enter__(self) -> "Slow":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


PROGRAM = """
    import sys
    from pathlib import Path
    import os
    from gerbang.gate.run import run_gate
    from gerbang.journal.keys import load_keys
    from gerbang.journal.writer import Journal
    from gerbang.loading import load_world
    from gerbang.record.event import RecordKeys
    from gate_builders import Standing, office_settings

    settings = office_settings(Path(sys.argv[1]), interception={"authority": "", "notice": ""})
    keys = load_keys(settings.keys_folder)
    journal = Journal(settings.journal_folder, "gate", 0, seal_key=keys.seal)
    record = RecordKeys.made_of(keys.record, os.urandom)
    run_gate(settings, Standing(load_world(settings)), journal, record,
             started=lambda gate, address: print(address[1], gate.closed, flush=True))
    journal.close()
    print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_gate_in_order(number: signal.Signals, tmp_path: Path) -> None:
    tests = Path(__file__).parent.parent
    process = subprocess.Popen(
        # Whoever started the tests in the background may have had them ignore an interrupt.
        ["env", "--default-signal=INT", sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(tests)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        started = next(line for line in process.stdout if line[:1].isdigit() and line.split()[0].isdigit())
        assert "`interception.authority` and `interception.notice` are not set" in started
        process.send_signal(number)
        rest, _ = process.communicate(timeout=120)
        assert (process.returncode, rest.strip().splitlines()[-1]) == (0, "ended")
    finally:
        process.kill()
    lines = [
        json.loads(line)["kind"] for file in (tmp_path / "state/journal").glob("*/*.jsonl") for line in file.open()
    ]
    assert lines[0] == "start"
    assert "stop" in lines
