"""What mitmproxy's options have to be for the gate in mitmdump; the rest is in `tests/e2e/test_mitmdump.py`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import ctx, exceptions, http
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http import HttpRequestHook
from mitmproxy.test import tflow
from mitmproxy.tools.dump import DumpMaster
from mitmproxy.tools.web.master import WebMaster

from gate_builders import office_settings
from gerbang import mitmdump
from gerbang.errors import SettingsError, StartError
from gerbang.gate.master import share
from gerbang.mitmdump import AT, REFUSED, SET, agreed, check_engine


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def a_mitmdump(loop: asyncio.AbstractEventLoop, kind: Any = DumpMaster) -> Any:
    async def made() -> Any:
        return kind(Options())

    return loop.run_until_complete(made())


CHANGED: dict[str, Any] = {
    "add_upstream_certs_to_client_chain": True,
    "allow_hosts": ["x.com"],
    "anticache": True,
    "anticomp": True,
    "body_size_limit": "1m",
    "certs": ["cert.pem"],
    "client_replay": ["flows"],
    "hardump": "a.har",
    "ignore_hosts": ["x.com"],
    "map_local": ["|x.com|/tmp"],
    "map_remote": ["|x.com|y.com"],
    "modify_body": ["/a/b"],
    "modify_headers": ["/a/b"],
    "proxyauth": "any",
    "request_client_cert": True,
    "rfile": "flows",
    "save_stream_file": "flows",
    "server_replay": ["flows"],
    "ssl_insecure": True,
    "ssl_verify_upstream_trusted_confdir": "/etc/ssl",
    "stickyauth": "x.com",
    "stickycookie": "x.com",
    "store_streamed_bodies": True,
    "stream_large_bodies": "1m",
    "tcp_hosts": ["x.com"],
    "udp_hosts": ["x.com"],
}
OTHER: dict[str, Any] = {
    "mode": ["socks5"],
    "listen_port": 9,
    "listen_host": "192.0.2.1",
    "flow_detail": 3,
    "websocket": False,
    "validate_inbound_headers": False,
    "rawtcp": False,
    "ssl_verify_upstream_trusted_ca": "ca.pem",
}


def changed(loop: asyncio.AbstractEventLoop, tmp_path: Path, name: str, value: Any) -> str:
    """What is said of an option that was set, as it stands before any addon looks at it."""
    a_mitmdump(loop)
    ctx.options._options[name].value = value
    with pytest.raises(SettingsError) as caught:
        agreed(office_settings(tmp_path))
    return str(caught.value)


def test_every_option_that_is_refused_is_tried_here_and_there_is_one() -> None:
    assert set(CHANGED) == set(REFUSED)


@pytest.mark.parametrize("name", CHANGED)
def test_an_option_that_undoes_the_gate_is_refused_with_the_reason(
    name: str, loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    said = changed(loop, tmp_path, name, CHANGED[name])
    assert said == f"mitmproxy's option `{name}` does not go with the gate: {REFUSED[name]}; leave it out"


@pytest.mark.parametrize("name", OTHER)
def test_an_option_that_the_gate_sets_may_not_be_something_else(
    name: str, loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    assert changed(loop, tmp_path, name, OTHER[name]).startswith(f"mitmproxy's option `{name}` is `")


def test_options_that_say_the_same_are_taken_and_the_rest_is_set(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    a_mitmdump(loop)
    ctx.options.update(listen_host="127.0.0.1", server=False, termlog_verbosity="warn")
    wanted = agreed(office_settings(tmp_path))
    assert {key: wanted[key] for key in SET} == SET
    assert wanted["server"] is True
    assert wanted["connection_strategy"] == "lazy"
    ctx.options.update(**wanted)
    assert ctx.options.flow_detail == 0
    assert ctx.options.termlog_verbosity == "warn", "which says what the admin's own addons log"


def test_only_the_mitmproxy_that_is_known_from_inside_will_do(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mitmdump(loop)
    check_engine()
    monkeypatch.setattr(mitmdump, "version", lambda _: "99.0")
    with pytest.raises(StartError, match=r"the gate needs `mitmproxy==[0-9.]+`, and this is 99.0"):
        check_engine()


def test_what_keeps_all_flows_will_not_do(loop: asyncio.AbstractEventLoop) -> None:
    a_mitmdump(loop, lambda options: WebMaster(options, with_termlog=False))
    with pytest.raises(StartError, match="mitmproxy and mitmweb keep all that passes; run the gate in mitmdump"):
        check_engine()


def test_the_option_for_a_trials_time_is_there(loop: asyncio.AbstractEventLoop) -> None:
    master = a_mitmdump(loop)
    master.addons.add(mitmdump)
    assert AT in ctx.options
    assert not mitmdump.is_in_place()


def test_ours_come_last_and_come_whatever_the_others_do(loop: asyncio.AbstractEventLoop) -> None:
    seen: list[str] = []

    class One:
        def __init__(self, name: str, *, halts: bool = False, breaks: bool = False) -> None:
            self.name, self.halts, self.breaks = name, halts, breaks

        def request(self, _: http.HTTPFlow) -> None:
            seen.append(self.name)
            if self.halts:
                raise exceptions.AddonHalt
            if self.breaks:
                raise ZeroDivisionError

    master = a_mitmdump(loop)
    master.addons.add(One("first", breaks=True))
    stock = master.addons.get("nextlayer")
    ours = [One("gate"), One("nextlayer"), One("closing")]
    share(master, ours)
    master.addons.add(One("second", halts=True), One("third"))
    assert master.addons.get("nextlayer") is ours[1]
    assert stock not in master.addons.chain
    flow = tflow.tflow()
    loop.run_until_complete(master.addons.handle_lifecycle(HttpRequestHook(flow)))
    assert seen == ["first", "second", "gate", "nextlayer", "closing"]
