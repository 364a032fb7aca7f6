"""No log, no post: proved at the edge, with a disk that stalls, one that fails, and a gate that is killed."""

import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest

from e2e.office import ACCOUNTS, NAMES, OFFICERS, WORD, Office, an_office, running
from gerbang.demo.office import Registers, settle
from gerbang.demo.standins.server import StandIns
from gerbang.journal.keys import load_keys
from gerbang.loading import content_key
from gerbang.model import Account, Activity, Kind, Text
from gerbang.pipeline import content_digest

FAULTS = Path(__file__).parent / "faults"


@dataclass
class Disk:
    """The journal's disk, as the test wants it."""

    control: Path

    def say(self, word: str) -> None:
        fresh = self.control.with_suffix(".new")
        fresh.write_text(word)
        fresh.replace(self.control)


@pytest.fixture(scope="module")
def ailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Disk]]:
    folder = tmp_path_factory.mktemp("ailing")
    disk = Disk(folder / "disk")
    environment = {"PYTHONPATH": str(FAULTS), "DISK_FAULT": str(disk.control)}
    with an_office(folder, "19:00:00", environment=environment) as office:
        yield office, disk


def arrived(office: Office, words: str) -> bool:
    return any(words.encode() in arrival.body for arrival in office.standins.writes())


def test_while_the_disk_stalls_nothing_reaches_the_platform(ailing: tuple[Office, Disk]) -> None:
    office, disk = ailing
    words = f"selamat petang {time.time_ns()}"
    disk.say("stall")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(office.tweet, "devi", words)
        time.sleep(1.5)
        assert not arrived(office, words)
        assert not answer.done()
        disk.say("")
        assert answer.result(20).status == 200
    assert arrived(office, words)
    assert office.gerbang("audit", "verify").returncode == 0


def test_when_the_disk_fails_the_act_is_refused_and_reading_goes_on(ailing: tuple[Office, Disk]) -> None:
    office, disk = ailing
    words = f"selamat malam {time.time_ns()}"
    disk.say("eio")
    try:
        assert office.tweet("devi", words).status == 503
        assert not arrived(office, words)
        read = office.send("devi", "GET", "https://x.com/i/api/graphql/q/HomeTimeline", {"Sec-Fetch-Dest": "empty"})
        assert read.status == 200
    finally:
        disk.say("")


def test_when_the_disk_is_well_again_the_gate_is_too(ailing: tuple[Office, Disk]) -> None:
    office, disk = ailing
    disk.say("eio")
    assert office.tweet("devi", "selamat malam").status == 503
    disk.say("")
    deadline = time.monotonic() + 60
    while (answer := office.tweet("devi", f"selamat kembali {time.time_ns()}")).status != 200:
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)
    assert office.gerbang("audit", "verify").returncode == 0


def digest_of(text: str, key: bytes) -> str:
    """The digest that the journal's line of a plain post of that text holds."""
    account = Account("2001")
    texts = (Text("variables.tweet_text", text),)
    activity = Activity("x", Kind.POST, "x.com", account=account, texts=texts, audience="public")
    return content_digest(activity, key)


def digests_in(journal: Path) -> set[str]:
    """The content digests of the decisions that were let go, line by line; a torn last line tells nothing."""
    found = set()
    for file in journal.glob("gate-0/*.jsonl"):
        for line in file.read_bytes().splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if entry["kind"] == "decision" and entry["body"]["done"] == "forwarded":
                    found.add(entry["body"]["digest"])
    return found


def test_killed_at_any_instant_nothing_arrived_without_its_line(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`--rounds` times: a gate under load is killed with all its processes, at ever other moments."""
    rounds = request.config.getoption("--rounds")
    numbers = itertools.count()
    with StandIns(tmp_path) as standins:
        settings = settle(tmp_path, standins, Registers(OFFICERS, ACCOUNTS), dict.fromkeys(NAMES, WORD))
        sent: dict[str, str] = {}
        for round_number in range(rounds):
            with running(settings, tmp_path, standins, "19:00:00") as office:
                key = content_key(load_keys(settings.keys_folder).record)
                stop_at = time.monotonic() + 0.3 + (round_number % 10) * 0.05

                def load(stop_at: float = stop_at, office: Office = office, key: bytes = key) -> None:
                    while time.monotonic() < stop_at + 0.5:
                        words = f"selamat petang nombor {next(numbers)}"
                        sent[digest_of(words, key)] = words
                        try:
                            office.tweet("devi", words)
                        except (OSError, HTTPException):
                            return

                with ThreadPoolExecutor(4) as pool:
                    tasks = [pool.submit(load) for _ in range(4)]
                    time.sleep(max(0.0, stop_at - time.monotonic()))
                    os.killpg(office.process.pid, signal.SIGKILL)
                    for task in tasks:
                        task.result(30)
            lines = digests_in(settings.journal_folder)
            bodies = b"\n".join(arrival.body for arrival in standins.writes())
            unwritten = [
                words for digest, words in sent.items() if digest not in lines and f'"{words}"'.encode() in bodies
            ]
            assert unwritten == []
        assert len(standins.writes()) >= rounds, "the load never came through, so nothing was shown"
        with running(settings, tmp_path, standins, "19:00:00") as office:
            assert office.tweet("devi", "selamat kembali").status == 200
        verified = office.gerbang("audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
