"""A real FreeRADIUS with the shipped files: Start, Interim-Update and Stop become sessions of the gate."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from cli_builders import free_port
from console_builders import KEYS, Office
from gate_builders import office_settings
from gerbang.console.api.mount import add_api
from gerbang.console.app import create_app
from gerbang.sessions import Desk
from gerbang.tokens import Right, Tokens
from waiting import until

pytestmark = pytest.mark.needs_freeradius

SHIPPED = Path(__file__).parents[2] / "deploy" / "freeradius"
ZONES = [{"name": "wifi", "networks": ["10.20.0.0/16", "2001:db8:20::/48"], "office": "hq", "sign_in": "session"}]
SECRET = "rahsia-radius"
RADIUSD = """
prefix = {folder}
libdir = /usr/lib/freeradius
logdir = {folder}
run_dir = {folder}
pidfile = {folder}/radiusd.pid
log {{ destination = stdout }}
security {{ allow_core_dumps = no }}
thread pool {{ start_servers = 1
 max_servers = 2
 min_spare_servers = 1
 max_spare_servers = 2 }}
client here {{ ipaddr = 127.0.0.1
 secret = {secret} }}
modules {{
$INCLUDE {folder}/gerbang
always ok {{ rcode = ok }}
}}
policy {{
$INCLUDE {folder}/policy
}}
server default {{
listen {{ type = acct
 ipaddr = 127.0.0.1
 port = {port} }}
accounting {{
 gerbang
}}
}}
"""


class Radius:
    """What a switch or access point tells."""

    def __init__(self, office: Office) -> None:
        settings = office_settings(office.folder, zones=ZONES)
        self.desk = Desk(settings.feeds_folder)
        self.port, console = free_port(), free_port()
        token = Tokens(settings.state).add("radius", (Right.SESSIONS,), datetime.now(UTC))[1]

        def endpoints(app: FastAPI) -> None:
            add_api(app, settings, office.users, lambda: nullcontext((office.journal, KEYS)))

        app = create_app(office.store, office.users, lambda _: None, hosts=frozenset(), endpoints=endpoints)
        self.server = uvicorn.Server(uvicorn.Config(app, port=console, log_config=None, lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started)
        self.folder = Path(tempfile.mkdtemp(prefix="radius-"))
        for name in ("gerbang", "policy"):
            text = (SHIPPED / name).read_text()
            text = text.replace("127.0.0.1:8081", f"127.0.0.1:{console}").replace("Bearer TOKEN", f"Bearer {token}")
            (self.folder / name).write_text(text)
        whole = RADIUSD.format(folder=self.folder, secret=SECRET, port=self.port)
        (self.folder / "radiusd.conf").write_text(whole)
        self.log = (self.folder / "log").open("w+")
        command = ["freeradius", "-f", "-l", "stdout", "-d", str(self.folder), "-D", "/usr/share/freeradius"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env={**os.environ})
        until(self._ready)

    def _ready(self) -> bool:
        said = (self.folder / "log").read_text()
        assert self.process.poll() is None, said
        return "Ready to process requests" in said

    def tell(self, status: str, address: str, user: str) -> str:
        quoted = user.replace("\\", "\\\\").replace('"', '\\"')
        kind = "Framed-IPv6-Address" if ":" in address else "Framed-IP-Address"
        lines = [f"Acct-Status-Type = {status}", f'User-Name = "{quoted}"', f"{kind} = {address}"]
        lines += ['Acct-Session-Id = "1"', "NAS-IP-Address = 127.0.0.1"]
        ran = subprocess.run(
            ["radclient", "-x", "-r", "1", "-t", "5", f"127.0.0.1:{self.port}", "acct", SECRET],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.stdout + ran.stderr

    def standing(self) -> dict[str, str | None]:
        return {one.address: one.officer for one in self.desk.standing(datetime.now(UTC))}

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        self.server.should_exit = True
        self.thread.join(20)
        shutil.rmtree(self.folder)


@pytest.fixture
def radius(office: Office) -> Iterator[Radius]:
    started = Radius(office)
    yield started
    started.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path)
    yield found
    found.client.close()
    found.journal.close()
    found.store.close()


def test_accounting_says_who_is_where(radius: Radius) -> None:
    assert "Accounting-Response" in radius.tell("Start", "10.20.3.4", "aminah"), (radius.folder / "log").read_text()
    assert radius.standing() == {"10.20.3.4": "aminah"}, (radius.folder / "log").read_text()
    radius.tell("Start", "2001:db8:20::4", "siti")
    radius.tell("Interim-Update", "10.20.3.5", "farid")
    assert radius.standing() == {"10.20.3.4": "aminah", "10.20.3.5": "farid", "2001:db8:20::4": "siti"}
    radius.tell("Stop", "10.20.3.4", "aminah")
    radius.tell("Stop", "10.20.3.5", "aminah")
    radius.tell("Stop", "2001:db8:20::4", "siti")
    assert radius.standing() == {"10.20.3.5": "farid"}, "whose Stop came late ended nobody else's"


def test_a_name_that_would_be_json_of_its_own_is_nobodys(radius: Radius) -> None:
    assert "Accounting-Response" not in radius.tell("Start", "10.20.3.4", 'x","officer":"aminah')
    assert radius.standing().get("10.20.3.4") != "aminah"
