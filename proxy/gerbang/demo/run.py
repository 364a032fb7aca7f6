"""The demo: an office is set up, its people try things on a simulated clock, and a live table says what happened."""

import asyncio
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlencode, urlsplit

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gerbang.answers.words import Language, term
from gerbang.console.users import Role, users_of
from gerbang.demo.browsers import PHOTO
from gerbang.demo.client import Answer, send
from gerbang.demo.day import (
    ACCOUNTS,
    APPROVALS,
    DAY,
    OFFICERS,
    OWN_SITES,
    PARTIES,
    PLACE,
    SIGN_IN,
    Attempt,
    Becomes,
    Device,
)
from gerbang.demo.office import GUEST, Registers, settle
from gerbang.demo.standins.server import StandIns
from gerbang.errors import StartError
from gerbang.gate.clock import TrialClock
from gerbang.gate.run import serve_gate
from gerbang.journal.keys import load_keys
from gerbang.journal.verify import verify
from gerbang.living import LivingWorld
from gerbang.serving import GATE_SLOT, activate, comes_to_listen, in_process, open_journal
from gerbang.settings import host_and_port
from gerbang.store import Comparison, DecisionRow, Forwarder, Store, open_store, upgrade

MARK = "# An office for trials"
TONES = {"forwarded": "green", "held": "yellow", "answered": "red"}
NEUTRAL = "bright_black"
PHOTO_GIVEN = re.compile(rb'"photoID": ?"(\d+)"')


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt: in a word, with the reason and the decision's number where there is one."""

    attempt: Attempt
    became: Becomes
    word: str
    tone: str
    why: str
    number: str


def prepare(folder: Path) -> None:
    """An empty folder; an earlier demo in it is taken away, and nothing else ever is."""
    if folder.exists() and not folder.is_dir():
        raise StartError(f"`{folder}` is no folder", hint="name another `--folder`")
    if folder.exists():
        settings = folder / "gerbang.toml"
        ours = settings.exists() and settings.read_text("utf-8", "replace").startswith(MARK)
        if not ours and any(folder.iterdir()):
            raise StartError(f"`{folder}` holds something that is no demo's", hint="name another `--folder`")
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise StartError(f"the folder `{folder}` cannot be made: {(error.strerror or '').lower()}") from None


def list_targets(policies: Path) -> Path:
    """A folder of policies of the office's own, with its list of the parties' pages."""
    (policies / "targets").mkdir(parents=True, exist_ok=True)
    (policies / "targets" / "political-parties.csv").write_text(PARTIES, "utf-8")
    return policies


class Demo:
    """An office that runs. Use as a context manager."""

    def __init__(self, folder: Path, language: Language) -> None:
        self.folder = folder
        self.language = language
        self.auditor_password = secrets.token_urlsafe(9)
        self._stack = ExitStack()
        self._photo = b""

    def __enter__(self) -> "Demo":
        with ExitStack() as stack:
            self.standins = stack.enter_context(StandIns(self.folder))
            names = [line.partition(",")[0] for line in OFFICERS.splitlines()[1:]]
            registers = Registers(OFFICERS, ACCOUNTS, APPROVALS)
            self.settings = settle(
                self.folder,
                self.standins,
                registers,
                dict.fromkeys(names, SIGN_IN),
                extra=OWN_SITES,
                policies=("bundled", str(list_targets(self.folder / "policies"))),
            )
            users_of(self.settings).add("auditor", Role.AUDITOR, self.auditor_password, DAY[0].moment)
            self.clock = TrialClock(DAY[0].moment)
            upgrade(self.settings.database_url)
            self.store: Store = stack.enter_context(_closing(open_store(self.settings.database_url)))
            self._forwarder = Forwarder(self.settings.journal_folder, self.store)
            self._living = LivingWorld(self.settings)
            stack.enter_context(self._gate())
            self.console = stack.enter_context(in_process("console", self.settings))
            self.trusted = (self.settings.authority_folder / "root.crt", self.standins.trusted_ca)
            self.proxy = host_and_port(self.settings.gate.listen)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *trouble: object) -> None:
        self._stack.close()

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """The gate in a thread, so that the demo can set its clock."""
        journal, keys = open_journal(self.settings, GATE_SLOT, self.clock)
        loop = asyncio.new_event_loop()
        activate(self.settings, self._living, journal, keys, self.clock)
        listening = Event()
        task: asyncio.Task[None] | None = None

        async def run() -> None:
            def started(*_: object) -> None:
                listening.set()

            nonlocal task
            task = asyncio.current_task()
            await serve_gate(self.settings, self._living, journal, keys, self.clock, started=started)

        failed: list[BaseException] = []

        def thread() -> None:
            try:
                loop.run_until_complete(run())
            except asyncio.CancelledError:
                pass
            except BaseException as error:
                failed.append(error)

        worker = Thread(target=thread, name="gate", daemon=True)
        worker.start()
        while not listening.wait(0.05) and worker.is_alive():
            pass
        if failed:
            raise failed[0]
        try:
            yield
        finally:
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)
            worker.join(10)
            journal.close()

    @contextmanager
    def forwarding(self) -> Iterator[None]:
        """From the journal to the database by itself, while people try things by hand."""
        stop = Event()
        worker = Thread(target=self._forwarder.run, args=(stop,), name="forwarder", daemon=True)
        worker.start()
        try:
            yield
        finally:
            stop.set()
            worker.join(10)

    # ------------------------------------------------------------ an attempt

    def attempt(self, attempt: Attempt) -> Result:
        """Do it at its time, and find out what came of it from what the platform and the record have."""
        self.clock.set(attempt.moment)
        known = {row.number for row in self._rows()}
        answer = self._send(attempt)
        if attempt.purpose and answer.status == 428:
            answer = self._state_purpose(attempt, answer)
        self._forwarder.once()
        fresh = [row for row in self._rows() if row.number not in known]
        if not fresh:
            return self._unrecorded(attempt, answer)
        row = fresh[0]
        word, tone = term("done", row.done, self.language), TONES[row.done]
        return Result(attempt, Becomes(row.done), word, tone, self._why(row), row.number)

    def _send(self, attempt: Attempt, url: str | None = None) -> Answer:
        sent = replace(attempt.sent, body=attempt.sent.body.replace(PHOTO.encode(), self._photo))
        if attempt.device is Device.PHONE:
            # Nobody signs in on a phone, and it does not trust the gate.
            trusted = (self.standins.trusted_ca,)
            return send(self.proxy, "", "", trusted, sent.method, sent.url, sent.headers, sent.body, GUEST)
        answer = self._ask(attempt.officer, sent.method, url or sent.url, sent.headers, sent.body)
        if given := PHOTO_GIVEN.search(answer.body):
            self._photo = given[1]
        return answer

    def _ask(self, officer: str, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        return send(self.proxy, officer, SIGN_IN, self.trusted, method, url, headers, body)

    def _state_purpose(self, attempt: Attempt, held: Answer) -> Answer:
        """What an officer does on the gate's own page: states the purpose, and is sent back to the page asked for."""
        own = self.settings.gate_url
        page = f"{own}/d/{held.headers['gerbang-decision']}"
        shown = self._ask(attempt.officer, "GET", page, {"Accept": "text/html"})
        token = re.search(rb'name="token" value="([^"]+)"', shown.body)
        if token is None:
            return held
        form = urlencode({"token": token[1].decode(), "ask.official-purpose": attempt.purpose or ""}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": own}
        done = self._ask(attempt.officer, "POST", f"{page}/confirm", headers, form)
        back = done.headers.get("location", "")
        return self._send(attempt, back) if back.startswith("https://") else done

    def _rows(self) -> tuple[DecisionRow, ...]:
        return self.store.decisions(limit=50).rows

    def _unrecorded(self, attempt: Attempt, answer: Answer) -> Result:
        if answer.status >= 400:
            raise StartError(f"the demo's act at {attempt.at} was answered with {answer.status}, and no line tells why")
        listed = self._living.world.platforms.at(urlsplit(attempt.sent.url).hostname or "") is not None
        became = Becomes.NO_ACT if listed else Becomes.UNTOUCHED
        word, why = UNRECORDED[became][self.language]
        return Result(attempt, became, word, NEUTRAL, why, "")

    def _why(self, row: DecisionRow) -> str:
        """The decisive rules' own titles; for what passed, what let it."""
        record = self.store.decision(row.number)
        if record is None:
            return ""
        matches: list[Any] = list(record.body["matches"])  # type: ignore[arg-type]  # our own event's list
        freed = [match for match in matches if match["released_by"]] or [m for m in matches if m["exempted_by"]]
        if row.done == "forwarded" and freed:
            told = RELEASED if freed[0]["released_by"] else EXEMPT
            return f"{told[self.language]}: {self._titles(freed)}"
        return self._titles([match for match in matches if match["effect"] == row.effect and not match["exempted_by"]])

    def _titles(self, matches: list[Any]) -> str:
        rules = self._living.world.policy.rules
        return "; ".join(rules[match["rule"]].title.said(self.language) for match in matches if match["rule"] in rules)


UNRECORDED = {
    Becomes.NO_ACT: {
        Language.MS: ("dilepaskan", "bukan tindakan: tidak dinilai, tidak direkodkan"),
        Language.EN: ("passed", "no act: neither judged nor recorded"),
    },
    Becomes.UNTOUCHED: {
        Language.MS: ("tidak disentuh", "hos tidak disenaraikan: tidak dinyahsulit, tidak direkodkan"),
        Language.EN: ("untouched", "host not listed: not decrypted, not recorded"),
    },
}
EXEMPT = {Language.MS: "dikecualikan daripada", Language.EN: "exempt from"}
RELEASED = {Language.MS: "tujuan dinyatakan", Language.EN: "a purpose was stated"}


def show_day(demo: Demo, console: Console) -> list[Result]:
    """Every attempt of the day, in a table that grows as they happen."""
    results: list[Result] = []
    people = {line.split(",")[0]: line.split(",")[1].split()[0] for line in OFFICERS.splitlines()[1:]}
    with Live(console=console, refresh_per_second=8, vertical_overflow="visible") as live:
        for attempt in DAY:
            live.update(_table(results, people, attempt))
            results.append(demo.attempt(attempt))
        live.update(_table(results, people))
    if not console.is_terminal:
        console.print()  # Live leaves the last line of a pipe open
    return results


def _table(results: list[Result], people: dict[str, str], now: Attempt | None = None) -> Table:
    title = f"{DAY[0].moment:%A %d %B %Y}, Putrajaya"
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        pad_edge=False,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for column in ("time", "who", "tries", "and it is", "because", "decision"):
        # A time and a number are to be read and copied whole; the rest may wrap.
        table.add_column(column, overflow="fold", no_wrap=column in {"time", "who", "and it is", "decision"})
    for result in results:
        act, word = result.attempt, Text(result.word, result.tone)
        table.add_row(act.at, who(people, act), act.what, word, Text(result.why), result.number)
    if now:
        table.add_row(now.at, who(people, now), now.what, Text("...", NEUTRAL), "", "")
    return table


def who(people: dict[str, str], act: Attempt) -> str:
    return people[act.officer] + (" (phone)" if act.device is Device.PHONE else "")


def as_expected(results: list[Result], console: Console) -> bool:
    """Whether of each attempt became what the demo is there to show."""
    wrong = [result for result in results if result.became is not result.attempt.becomes]
    for result in wrong:
        act = result.attempt
        console.print(f"{act.at} {act.what}: {result.became}, and not {act.becomes}", style="red", markup=False)
    return not wrong


def check_record(demo: Demo, console: Console) -> bool:
    """`audit verify`, as an auditor would run it."""
    settings = demo.settings
    key = load_keys(settings.keys_folder).seal.public_key()
    report = verify(settings.journal_folder, key=key, index=Comparison(demo.store))
    if report.damage:
        console.print(f"audit verify: damaged at {report.damage}", style="red", markup=False)
    else:
        console.print(f"audit verify: whole, {report.lines} lines, and the database agrees")
    return report.damage is None


def own_command() -> str:
    """This program by its path: whoever ran `make demo` has it on no `PATH`."""
    return str(path) if (path := Path(sys.executable).with_name("gerbang")).exists() else "gerbang"


def tell_where(demo: Demo, console: Console, stays: bool) -> None:
    """Where everything lies, and how to go on by hand."""
    folder, settings = demo.folder, demo.settings
    lines = [
        f"settings   {folder / 'gerbang.toml'}",
        f"journal    {settings.journal_folder}",
        f"database   {settings.state / 'gerbang.db'}",
        f"CA         {settings.authority_folder / 'root.crt'}",
        f"look back  {own_command()} --config {folder / 'gerbang.toml'} audit list   (audit show NUMBER, audit verify)",
    ]
    if stays:
        curl = f"curl -i --proxy http://{settings.gate.listen} --proxy-user 'P-1002:{SIGN_IN}'"
        curl += f" --cacert {settings.authority_folder / 'root.crt'} -H 'Accept-Language: {demo.language}'"
        tweet = '{"variables": {"tweet_text": "selamat pagi"}}'
        lines += [
            f"console    http://{settings.console.listen}/   name auditor, password {demo.auditor_password}",
            f"try it     it is {demo.clock().astimezone(PLACE):%A, %H:%M}, and the clock runs; a visit, and a post:",
            f"  {curl} -H 'Accept: text/html' https://x.com/home",
            f"  {curl} -H 'Cookie: twid=u%3D2002' -H 'Content-Type: application/json' \\",
            f"    -d '{tweet}' https://x.com/i/api/graphql/AbCd/CreateTweet",
            "           or a browser with that proxy, name and CA",
            "stop it    Ctrl-C",
        ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _closing(store: Store) -> Iterator[Store]:
    try:
        yield store
    finally:
        store.close()


def run_demo(folder: Path, language: Language, console: Console, stay: Callable[[], None] | None) -> bool:
    """The whole demo; with `stay`, it is called at the end and everything is up until it returns. Whether all held."""
    prepare(folder)
    with console.status("an office is being set up ..."):
        demo = Demo(folder, language).__enter__()
    try:
        results = show_day(demo, console)
        whole = check_record(demo, console) and as_expected(results, console)
        # By hand it is interesting in office hours.
        demo.clock.set(DAY[0].moment.replace(hour=10, minute=0) + timedelta(days=1))
        if stay:
            # It started beside the day; nobody is sent to a page that does not answer yet.
            comes_to_listen(demo.console, demo.settings.console.listen, Event())
        tell_where(demo, console, stays=stay is not None)
        if stay:
            with demo.forwarding():
                stay()
    finally:
        demo.__exit__()
    return whole
