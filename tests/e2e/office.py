"""A whole office for the tests: stand-in platforms, registers, a CA, and `gerbang serve` as an admin starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gerbang.demo.client import Answer, send
from gerbang.demo.office import Registers, settle
from gerbang.demo.standins.server import Site, StandIns
from gerbang.settings import Settings, host_and_port
from journal_builders import entries

GERBANG = Path(sys.executable).with_name("gerbang")
WORD = "trial:word"  # the colon is there to be tried
NAMES = ("aminah", "farid", "devi")
OFFICERS = """id,name,unit,office,service_group,groups,pattern
aminah,Aminah binti Contoh,Komunikasi,ibu-pejabat,professional,official-social-media,
farid,Farid bin Misal,Kewangan,ibu-pejabat,support,,
devi,Devi a/p Umpama,Teknologi,ibu-pejabat,professional,,
"""
ACCOUNTS = """platform,account,handle,name,standing
x,9001,jabatancontoh,Jabatan Contoh,official
facebook,61550000000001,jabatancontoh,Jabatan Contoh,official
youtube,108811223344556600001,,Saluran Jabatan Contoh,official
"""


@dataclass
class Office:
    """A running gate and what surrounds it. `folder` holds `gerbang.toml`, `state/` and the CA's `root.pem`."""

    folder: Path
    standins: StandIns
    proxy: tuple[str, int]
    console: str
    process: "subprocess.Popen[str]"

    @property
    def root(self) -> Path:
        """The certificate that the office's PCs trust."""
        return self.folder / "state" / "ca" / "root.crt"

    @property
    def journal(self) -> Path:
        return self.folder / "state" / "journal"

    def send(
        self, officer: str, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        return send(self.proxy, officer, WORD, (self.root, self.standins.trusted_ca), method, url, headers or {}, body)

    def tweet(self, officer: str, text: str, account: str = "2001", **variables: object) -> Answer:
        """A post as X's web client sends it."""
        body = json.dumps({"variables": {"tweet_text": text, **variables}, "queryId": "AbCdEf"}).encode()
        headers = {
            "Content-Type": "application/json",
            "Cookie": f"twid=u%3D{account}; ct0=f00dfeed",
            "Origin": "https://x.com",
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Dest": "empty",
        }
        return self.send(officer, "POST", "https://x.com/i/api/graphql/AbCdEf/CreateTweet", headers, body)

    def gerbang(self, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return run_gerbang(self.folder, *arguments, typed=typed)

    def decisions(self, **wanted: str) -> list[dict[str, Any]]:
        """The chained bodies of the decisions in the journal, oldest first, filtered by equal fields."""
        bodies = [entry["body"] for entry in entries(self.journal, "decision")]
        return [body for body in bodies if all(body.get(key) == value for key, value in wanted.items())]

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, how) if how == signal.SIGKILL else self.process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


def run_gerbang(folder: Path, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [GERBANG, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment_of(),
        timeout=120,
        input=typed,
    )


def environment_of(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GERBANG_")}
    return {**clean, "GERBANG_CA_PASSPHRASE": "a trial's passphrase", "COLUMNS": "200", **more}


@contextmanager
def an_office(
    folder: Path,
    at: str,
    *,
    extra: str = "",
    environment: Mapping[str, str] | None = None,
    more: Sequence[Site] = (),
    policies: Sequence[str] = ("bundled",),
) -> Iterator[Office]:
    """An office whose clock starts at `at` (a wall-clock time of 24 November 2026, a Tuesday)."""
    with StandIns(folder, more=more) as standins:
        registers, words = Registers(OFFICERS, ACCOUNTS), dict.fromkeys(NAMES, WORD)
        settings = settle(folder, standins, registers, words, extra=extra, policies=policies)
        with running(settings, folder, standins, at, environment) as office:
            yield office


@contextmanager
def running(
    settings: Settings, folder: Path, standins: StandIns, at: str, environment: Mapping[str, str] | None = None
) -> Iterator[Office]:
    """`gerbang serve` in a settled folder, until the block ends."""
    log = (folder / "serve.log").open("a")
    process = subprocess.Popen(
        [GERBANG, "serve", "--at", f"2026-11-24T{at}+08:00"],
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment_of(**(environment or {})),
        start_new_session=True,
    )
    proxy, console = host_and_port(settings.gate.listen), host_and_port(settings.console.listen)
    office = Office(folder, standins, proxy, f"http://{settings.console.listen}", process)
    try:
        for _, port in (proxy, console):
            _await_port(port, process, folder / "serve.log")
        yield office
    finally:
        office.stop()
        log.close()


def _await_port(port: int, process: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"gerbang serve ended with {process.returncode}:\n{log.read_text()}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}:\n{log.read_text()}")
