"""`mitmdump -s` with the gate's script: the same acts get the same decisions and lines as with `gerbang serve`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from e2e.office import ACCOUNTS, GERBANG, NAMES, OFFICERS, WORD, Office, environment_of, running
from e2e.test_upload import SIZE, upload
from gerbang.demo.office import Registers, free_port, settle
from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.server import StandIns
from gerbang.demo.standins.wordpress import BLOG
from gerbang.settings import Settings, host_and_port
from journal_builders import entries

MITMDUMP = Path(sys.executable).with_name("mitmdump")
MORNING, EVENING = "2026-11-24T10:00:00+08:00", "2026-11-24T19:00:00+08:00"


@contextmanager
def mitmdump(
    settings: Settings,
    folder: Path,
    standins: StandIns,
    at: str,
    *options: str,
    before: Sequence[Path] = (),
    after: Sequence[Path] = (),
) -> Iterator[Office]:
    """mitmdump with the gate's script, and others before and after it, until the block ends."""
    script = subprocess.run([GERBANG, "script"], capture_output=True, text=True, check=True).stdout.strip()
    scripts = [word for file in (*before, Path(script), *after) for word in ("-s", str(file))]
    log = (folder / "mitmdump.log").open("w")
    process = subprocess.Popen(
        [MITMDUMP, "-n", *scripts, "--set", f"gerbang_at={at}", "--set", f"confdir={folder / 'confdir'}", *options],
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment_of(),
        start_new_session=True,
    )
    office = Office(folder, standins, host_and_port(settings.gate.listen), f"http://{settings.console.listen}", process)
    try:
        deadline = time.monotonic() + 60
        while "gate-in-mitmdump" not in (folder / "mitmdump.log").read_text():
            assert process.poll() is None, (folder / "mitmdump.log").read_text()
            assert time.monotonic() < deadline, (folder / "mitmdump.log").read_text()
            time.sleep(0.1)
        yield office
    finally:
        office.stop()
        log.close()


@pytest.fixture(scope="module")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    with StandIns(tmp_path_factory.mktemp("standins")) as running_standins:
        yield running_standins


def an_office_in(folder: Path, standins: StandIns) -> Settings:
    return settle(folder, standins, Registers(OFFICERS, ACCOUNTS), dict.fromkeys(NAMES, WORD))


HTML = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
STRANGE = b'{"words": "Selamat pagi semua orang di sana"}'
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Mode": "navigate"}


def day(office: Office) -> list[int]:
    """A few acts of each kind; the statuses."""
    comment = b"comment=Terima+kasih+atas+makluman&comment_post_ID=731&comment_parent=0"
    answers = [
        office.tweet("devi", "Selamat hari lahir Kak Ina"),
        office.tweet("devi", "Kau ni memang bodoh dan tak guna langsung"),
        office.tweet("aminah", "Kaunter dibuka seperti biasa esok", account="9001"),
        office.tweet("farid", "a" * 100_000),
        office.send("devi", "GET", "https://x.com/home", HTML),
        office.send("devi", "GET", "https://x.com/i/api/graphql/q/HomeTimeline", {"Sec-Fetch-Dest": "empty"}),
        office.send("farid", "POST", f"https://{BLOG}/wp-comments-post.php", FORM, comment),
        office.send("farid", "POST", "https://x.com/i/api/graphql/q/Strange", {}, STRANGE),
        office.send("devi", "GET", f"https://{BANK}/", HTML),
        office.send("devi", "GET", "http://gerbang.internal/mine", HTML),
    ]  # fmt: skip
    return [answer.status for answer in answers]


def table(office: Office) -> list[tuple[Any, ...]]:
    """What stands in the journal of each decision, but for what differs from run to run."""
    return [
        (
            one["platform"],
            one["activity"],
            one["effect"],
            one["done"],
            one["standing"],
            one["hours"]["regime"],
            one["unclaimed"],
            [gap["reason"] for gap in one["gaps"]],
            sorted((match["rule"], match["effect"], match["mode"]) for match in one["matches"]),
            one["basis"],
        )
        for one in office.decisions()
    ]


@pytest.mark.parametrize("at", [MORNING, EVENING], ids=["morning", "evening"])
def test_the_same_acts_get_the_same_decisions_lines_and_answers(at: str, standins: StandIns, tmp_path: Path) -> None:
    seen = []
    for way in ("serve", "mitmdump"):
        folder = tmp_path / way
        folder.mkdir()
        settings = an_office_in(folder, standins)
        before = len(standins.writes())
        at_work = (
            running(settings, folder, standins, at[11:19])
            if way == "serve"
            else mitmdump(settings, folder, standins, at)
        )
        with at_work as office:
            statuses = day(office)
            arrived = [(one.method, one.host, one.body) for one in standins.writes()[before:]]
            deadline = time.monotonic() + 15
            while len(listed(office)) < len(office.decisions()) and time.monotonic() < deadline:
                time.sleep(0.3)
            assert len(listed(office)) == len(office.decisions()), "the forwarder brings them into the database"
        kinds = [line["kind"] for line in entries(office.journal) if line["kind"] != "seal"]
        assert kinds[0] == "start"
        assert kinds[-1] == "stop", "it ended in order"
        assert office.gerbang("audit", "verify").returncode == 0
        seen.append((statuses, table(office), arrived, sorted(set(kinds))))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) >= 5


def listed(office: Office) -> list[Any]:
    found: list[Any] = json.loads(office.gerbang("audit", "list", "--json").stdout)
    return found


def test_a_large_upload_is_answered_before_it_is_read(standins: StandIns, tmp_path: Path) -> None:
    with mitmdump(an_office_in(tmp_path, standins), tmp_path, standins, MORNING) as office:
        office.tweet("devi", "sebelum ini")
        before = _resident(office.process.pid)
        sent, status = upload(office, SIZE)
        assert status == 403
        assert sent < 4 << 20
        assert _resident(office.process.pid) - before < 16 << 20
    assert not any(arrival.host == "upload.x.com" for arrival in standins.writes())


def _resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_nothing_of_what_passes_is_said_or_kept(standins: StandIns, tmp_path: Path) -> None:
    words = "Selamat petang kepada semua di kampung"
    with mitmdump(an_office_in(tmp_path, standins), tmp_path, standins, EVENING) as office:
        assert office.tweet("devi", words).status == 200
        assert office.send("devi", "GET", f"https://{BANK}/", HTML).status == 200
    said = (tmp_path / "mitmdump.log").read_text()
    assert words not in said
    assert BANK not in said
    assert "x.com" not in said
    kept = [file for file in tmp_path.rglob("*") if file.is_file() and words.encode() in file.read_bytes()]
    assert kept == []


MEDDLER = """
from mitmproxy import exceptions, http

def requestheaders(flow):
    flow.request.stream = True
    if flow.request.path.startswith("/i/api/graphql/q/Halt"):
        raise exceptions.AddonHalt

def request(flow):
    if b"tukar saya" in (flow.request.raw_content or b""):
        flow.request.raw_content = flow.request.raw_content.replace(b"tukar saya", b"Kau ni memang bodoh")
    if flow.request.path.endswith("/Lain"):
        flow.request.path = "/i/api/graphql/q/CreateTweet"
    if flow.request.path.endswith("/Roboh"):
        raise ZeroDivisionError
    if flow.request.headers.get("x-late"):
        flow.request.stream = True
    if flow.request.headers.get("x-halt"):
        raise exceptions.AddonHalt
"""


@pytest.mark.parametrize("place", ["before", "after"])
def test_what_other_addons_do_is_judged_as_it_is_sent(place: str, standins: StandIns, tmp_path: Path) -> None:
    file = tmp_path / "meddler.py"
    file.write_text(MEDDLER)
    given: dict[str, Any] = {place: [file]}
    with mitmdump(an_office_in(tmp_path, standins), tmp_path, standins, EVENING, **given) as office:
        before = len(standins.writes())
        assert office.tweet("devi", "Selamat petang").status == 200
        assert office.tweet("devi", "tukar saya dan tak guna langsung").status in (403, 428), "judged as it was changed"
        url = "https://x.com/i/api/graphql/q/{}"
        body = b'{"variables": {"tweet_text": "Kau ni memang bodoh dan tak guna langsung"}}'
        headers = {"Content-Type": "application/json", "Cookie": "twid=u%3D2001"}
        tried: Any = (("Halt", {}), ("CreateTweet", {"X-Halt": "1"}), ("CreateTweet", {"X-Late": "1"}), ("Roboh", {}))
        for name, more in tried:
            answer = office.send("devi", "POST", url.format(name), {**headers, **more}, body)
            assert answer.status in (403, 428), (name, answer)
        assert office.send("devi", "POST", url.format("Lain"), headers, body).status == 503, "it goes elsewhere now"
        assert len(standins.writes()) == before + 1


# ---------------------------------------------------------------- what does not go


def ended(folder: Path, *options: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """mitmdump's status and what it says, where it does not start."""
    script = subprocess.run([GERBANG, "script"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [MITMDUMP, "-n", "-s", script, "--set", f"confdir={folder / 'confdir'}", *options],
        cwd=folder, capture_output=True, text=True, timeout=60, env=environment_of(**(environment or {})),
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_an_option_that_contradicts_is_one_sentence_and_the_end(settled: Path) -> None:
    """Every one of them is tried in `tests/test_mitmdump.py`."""
    status, said = ended(settled, "-w", "flows")
    assert status == 1, said
    assert "mitmproxy's option `save_stream_file` does not go with the gate: nothing of what passes" in said
    assert "Traceback" not in said
    assert (settled / "flows").read_bytes() == b""
    assert not (settled / "state" / "journal").exists(), "nothing was begun"


@pytest.fixture(scope="module")
def settled(standins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    an_office_in(folder, standins)
    return folder


def test_other_faults_are_one_sentence_too(standins: StandIns, tmp_path: Path) -> None:
    status, said = ended(tmp_path)
    assert (status, "no zone is set, so the gate would serve nobody" in said) == (1, True), said
    status, said = ended(tmp_path, environment={"GERBANG_CONFIG": "lain.toml"})
    assert (status, "there is no settings file `lain.toml`" in said) == (1, True), said
    settings = an_office_in(tmp_path, standins)
    with socket.create_server(host_and_port(settings.gate.listen)):
        status, said = ended(tmp_path)
    assert (status, f"the gate cannot listen on `{settings.gate.listen}`" in said) == (1, True), said
    with running(settings, tmp_path, standins, "10:00:00"):
        other = {
            "GERBANG_GATE__LISTEN": f"127.0.0.1:{free_port()}",
            "GERBANG_CONSOLE__LISTEN": f"127.0.0.1:{free_port()}",
        }
        status, said = ended(tmp_path, environment=other)
    assert (status, "another process" in said) == (1, True), said
    assert "Traceback" not in said


def test_without_n_what_mitmproxy_opened_by_itself_is_closed_again(standins: StandIns, tmp_path: Path) -> None:
    settings = an_office_in(tmp_path, standins)
    own = free_port()
    file = tmp_path / "confdir" / "config.yaml"
    file.parent.mkdir()
    script = subprocess.run([GERBANG, "script"], capture_output=True, text=True, check=True).stdout.strip()
    process = subprocess.Popen(
        [MITMDUMP, "-s", script, "--set", f"confdir={file.parent}"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=(tmp_path / "mitmdump.log").open("w"),
        env=environment_of(GERBANG_CONSOLE__LISTEN=f"127.0.0.1:{own}"),
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while "gate-in-mitmdump" not in (tmp_path / "mitmdump.log").read_text() and time.monotonic() < deadline:
            assert process.poll() is None, (tmp_path / "mitmdump.log").read_text()
            time.sleep(0.1)
        socket.create_connection(host_and_port(settings.gate.listen), 5).close()
        listening = {
            int(line.split()[1].rpartition(":")[2], 16)
            for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[9] in _sockets(process.pid)
        }
        assert listening == {host_and_port(settings.gate.listen)[1]}
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def _sockets(process: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found
