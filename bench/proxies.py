"""CPU per request of stock mitmdump with no addon and of the gate with everything on, in one interleaved run."""

import gzip
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

from gerbang.demo.office import Registers, free_port, settle
from gerbang.demo.standins.server import StandIns
from gerbang.settings import host_and_port

WARM = 300  # requests
PERSON = ("aminah", "trial")
REGISTERS = Registers(
    "id,name,unit,office,service_group,groups,pattern\naminah,Aminah binti Contoh,,ibu-pejabat,professional,,\n",
    "platform,account,handle,name,standing\n",
)
WORDS = "Kaunter perkhidmatan di tingkat bawah dibuka seperti biasa sepanjang minggu ini. " * 24


def a_post() -> bytes:
    """A 2 KB post as X's web client sends it."""
    return json.dumps({"variables": {"tweet_text": WORDS[:1900], "media": {"media_entities": []}}}).encode()


def a_comment() -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Headers and body of a 2 KB comment as YouTube's web client sends it."""
    context = {"client": {"hl": "ms", "gl": "MY", "clientName": "WEB"}, "user": {"lockedSafetyMode": False}}
    body = {"context": context, "createCommentParams": "EgttWTdrTHAyUXhfdyoCCABQBw%3D%3D", "commentText": WORDS[:1900]}
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"), ("X-Goog-PageId", "2001"))
    return headers, gzip.compress(json.dumps(body).encode())


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy under load: its process, and a connection through it that stays open."""

    name: str
    pid: int
    connection: http.client.HTTPSConnection
    path: str

    def cpu(self) -> float:
        """Seconds of processor time that the process has used."""
        # What clock_getcpuclockid(3) gives: to the nanosecond, where /proc counts in hundredths of a second.
        return time.clock_gettime(~self.pid << 3 | 2)

    def ticks(self) -> tuple[int, int]:
        """The same as user and system time, in ticks of the clock."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]), int(fields[12])

    def post(self, count: int, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Cookie": "twid=u%3D2001", "Host": "x.com"}
        for _ in range(count):
            self.connection.request("POST", self.path, body, headers)
            response = self.connection.getresponse()
            response.read()
            if response.status != 200:
                raise SystemExit(f"{self.name} answered {response.status}: a benchmark of refusals is no benchmark")


@dataclass(slots=True)
class Cost:
    """CPU microseconds per request, a figure a round, and the part of it that was spent in the kernel."""

    rounds: list[float]
    system: float = 0.0


def compare(rounds: int, requests: int) -> dict[str, Cost]:
    """What a request costs each proxy, which take turns."""
    body = a_post()
    costs = {"mitmdump": Cost([]), "gate": Cost([])}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        standins = stack.enter_context(StandIns(folder))
        proxies = [stack.enter_context(_mitmdump(folder, standins)), stack.enter_context(_gate(folder, standins))]
        for proxy in proxies:
            proxy.post(max(requests, WARM), body)
        started = [proxy.ticks() for proxy in proxies]
        for _ in range(rounds):
            for proxy in proxies:
                before = proxy.cpu()
                proxy.post(requests, body)
                costs[proxy.name].rounds.append((proxy.cpu() - before) / requests * 1e6)
            standins.forget()
        for proxy, before_all in zip(proxies, started, strict=True):
            user, system = (after - before for after, before in zip(proxy.ticks(), before_all, strict=True))
            costs[proxy.name].system = system / max(user + system, 1)
    return costs


def report(rounds: int, requests: int) -> None:
    costs = compare(rounds, requests)
    for name, cost in costs.items():
        middle = statistics.median(cost.rounds)
        print(
            f"  {name:<10} {middle:6.0f} us CPU a request: {middle * (1 - cost.system):.0f} user, "
            f"{middle * cost.system:.0f} system (median of {rounds} rounds of {requests})"
        )
    ratios = [gate / stock for gate, stock in zip(costs["gate"].rounds, costs["mitmdump"].rounds, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"  gate / stock mitmdump: {middle:.2f}, half of the rounds {low:.2f} to {high:.2f} (aim: below 1)")


@contextmanager
def _mitmdump(folder: Path, standins: StandIns) -> Iterator[Proxy]:
    port = free_port()
    confdir = folder / "mitmproxy"
    options = {
        "confdir": confdir,
        "ssl_verify_upstream_trusted_ca": standins.trusted_ca,
        # The stand-ins answer to the platform's name, which this proxy cannot look up: it is sent to their address.
        "upstream_cert": "false",
        "ssl_insecure": "true",
    }
    command = [Path(sys.executable).with_name("mitmdump"), "-q", "--listen-host", "127.0.0.1", "-p", str(port)]
    for key, value in options.items():
        command += ["--set", f"{key}={value}"]
    with _running(command, port) as process:
        authority = confdir / "mitmproxy-ca-cert.pem"
        yield Proxy(
            "mitmdump",
            process.pid,
            _tunnel(port, "127.0.0.1", standins.port, (authority,), {}),
            "/i/api/graphql/q/CreateTweet",
        )


@contextmanager
def _gate(folder: Path, standins: StandIns) -> Iterator[Proxy]:
    settings = settle(folder, standins, REGISTERS, dict([PERSON]))
    _, port = host_and_port(settings.gate.listen)
    # Seven in the evening: the post is judged by everything, and goes out.
    command = [Path(sys.executable).with_name("gerbang"), "--config", folder / "gerbang.toml", "serve"]
    sign_in = {"Proxy-Authorization": "Basic " + b64encode(":".join(PERSON).encode()).decode()}
    with _running([*command, "--at", "2026-11-24T19:00:00+08:00"], port) as process:
        trusted = (settings.authority_folder / "root.crt",)
        yield Proxy(
            "gate",
            _worker(process.pid, port),
            _tunnel(port, "x.com", 443, trusted, sign_in),
            "/i/api/graphql/q/CreateTweet",
        )


@contextmanager
def _running(command: list[object], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=said)
        try:
            for _ in range(600):
                with suppress(OSError), create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None:
                    said.seek(0)
                    raise SystemExit(said.read().decode() or f"{command[0]} ended with {process.returncode}")
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def _tunnel(
    port: int, host: str, to: int, trusted: tuple[Path, ...], headers: dict[str, str]
) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    for file in trusted:
        context.load_verify_locations(cafile=str(file))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    connection.set_tunnel(host, to, headers)
    return connection


def _worker(parent: int, port: int) -> int:
    """The process of the tree that listens on the gate's port."""
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    }
    waiting = [parent]
    while waiting:
        pid = waiting.pop()
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if os.readlink(link).removeprefix("socket:[").removesuffix("]") in inodes:
                    return pid
        waiting += [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    raise SystemExit("no process of the gate listens on its port")
