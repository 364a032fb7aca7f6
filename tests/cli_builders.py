"""A small office in a folder, and what can be wrong with it, for the tests of the command line.

Its documents are few and short, so that a case is not spent on reading the bundled ones.
"""

import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from builders import TUESDAY_MORNING, a_decision
from gerbang.console.users import Role, Users
from gerbang.gate.authority import create_intermediate, create_root, write_intermediate, write_root
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.record.event import decision_event
from gerbang.store import upgrade
from journal_builders import KEYS

PASSPHRASE = "a passphrase for trials"
PASSWORD = "empat perkataan panjang sekali"
NUMBERS = ("0000-0000-0000", "7K3M-9Q2X-4TBG")

SETTINGS = """\
state = "state"
policies = ["rules"]

[gate]
listen = "127.0.0.1:{gate}"

[console]
listen = "127.0.0.1:{console}"

[[offices]]
name = "hq"
state = "PJY"

[[zones]]
name = "pejabat"
networks = ["127.0.0.0/8"]
office = "hq"
"""
POLICY = """\
policy: trial
title: {ms: Dasar cubaan, en: Trial policy}
laws: {L: {ms: Peraturan Contoh 1, en: Example Regulation 1}}
clauses:
  C1: {text: {ms: Teks klausa, en: Text of the clause}, cites: {federal: L}}
rules:
  - id: posts
    title: {ms: Tajuk, en: Title}
    clause: C1
    when: {activity: post}
    effect: block
    final: true
"""
CASES = """\
cases:
  - name: a post is stopped
    at: 2026-11-24T10:00+08:00
    act: {platform: x, activity: post}
    expect: {effect: block}
"""
CALENDAR = """\
calendar: ours
title: {ms: Kalendar, en: Calendar}
services: {federal-service: [federal]}
states:
  PJY:
    name: {ms: Putrajaya, en: Putrajaya}
    timezone: Asia/Kuala_Lumpur
    region: peninsula
    rest: [{from: 2020-01-01, days: [sat, sun], source: Pekeliling Contoh}]
patterns:
  flexi:
    title: {ms: Fleksi, en: Flexible}
    days: [{hours: "08:00-17:00"}]
"""
PLATFORM = """\
platform: x
title: X
hosts: {app: [x.com]}
surfaces:
  site: {hosts: [app], under: ["/{operation}"], name: path.operation}
signatures:
  - {id: post, activity: post, surface: site, name: [post], texts: json.text}
"""
LEXICON = """\
lexicon: trial
title: {ms: Cubaan, en: Trial}
category: political
seen: 2026-11
groups:
  parties: {match: word, terms: [parti contoh]}
findings:
  - {find: parties, likelihood: likely}
"""
DOCUMENTS = {
    "rules/trial/policy.yaml": POLICY,
    "rules/trial/policy.cases.yaml": CASES,
    "rules/calendars/ours.yaml": CALENDAR,
    "rules/platforms/x.yaml": PLATFORM,
    "rules/lexicons/trial.yaml": LEXICON,
}

# A step that makes something wrong in the folder of an office; where it must be held, a context manager.
Step = Callable[[Path], AbstractContextManager[object] | None]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def an_office(folder: Path) -> None:
    """Settings and documents in which nothing is wrong."""
    (folder / "gerbang.toml").write_text(SETTINGS.format(gate=free_port(), console=free_port()), "utf-8")
    for name, text in DOCUMENTS.items():
        written(name, text)(folder)


# ---------------------------------------------------------------- steps


def written(name: str, content: str | bytes) -> Step:
    def step(folder: Path) -> None:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return step


def changed(name: str, old: str, new: str) -> Step:
    def step(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return step


def settings(old: str, new: str) -> Step:
    return changed("gerbang.toml", old, new)


def added(text: str) -> Step:
    """More at the end of the settings, in the table of the zone unless it begins one of its own."""

    def step(folder: Path) -> None:
        with (folder / "gerbang.toml").open("a") as file:
            file.write(text + "\n")

    return step


def on_top(text: str) -> Step:
    return settings('state = "state"\n', f'state = "state"\n{text}\n')


def policy(old: str, new: str) -> Step:
    return changed("rules/trial/policy.yaml", old, new)


def folder_at(name: str) -> Step:
    return lambda folder: (folder / name).mkdir(parents=True)


def gone(name: str) -> Step:
    def step(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return step


def listening(table: str) -> Step:
    """Somebody else holds the port of the gate or of the console."""

    def step(folder: Path) -> socket.socket:
        text = (folder / "gerbang.toml").read_text("utf-8")
        port = int(text.partition(f"[{table}]")[2].partition("127.0.0.1:")[2].partition('"')[0])
        return socket.create_server(("127.0.0.1", port))

    return step


def one_address(folder: Path) -> None:
    """The console listens where the gate does."""
    text = (folder / "gerbang.toml").read_text("utf-8")
    gate, console = (part.partition('"')[0] for part in text.split('listen = "')[1:])
    (folder / "gerbang.toml").write_text(text.replace(console, gate), "utf-8")


def database(folder: Path) -> None:
    """A database of today's shape."""
    (folder / "state").mkdir(exist_ok=True)
    (folder / "state/gerbang.db").write_bytes(empty_database())


@cache
def empty_database() -> bytes:
    """Made once, since the migrations are slow."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "gerbang.db"
        upgrade(f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


def newer_database(folder: Path) -> None:
    database(folder)
    with closing(sqlite3.connect(folder / "state/gerbang.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def other_database(folder: Path) -> None:
    """A database, but of another program."""
    (folder / "state").mkdir()
    with closing(sqlite3.connect(folder / "state/gerbang.db")) as connection, connection:
        connection.execute("CREATE TABLE recipes (title TEXT)")


def journal(folder: Path) -> Journal:
    """An open journal of the gate's slot with two decisions in it."""
    state = folder / "state"
    opened = Journal(state / "journal", "gate", 0, seal_key=load_keys(state / "keys").seal)
    for number in NUMBERS:
        opened.append(decision_event(a_decision(number=number), "answered", [], KEYS)).result(10)
    return opened


def recorded(folder: Path) -> None:
    journal(folder).close()


def journal_file(folder: Path) -> Path:
    (file,) = (folder / "state/journal/gate-0").glob("*.jsonl")
    return file


def cut_in_the_middle(folder: Path) -> None:
    """The second line of the journal has lost its end."""
    recorded(folder)
    lines = journal_file(folder).read_bytes().split(b"\n")
    lines[1] = lines[1][:50]
    journal_file(folder).write_bytes(b"\n".join(lines))


def flipped(folder: Path) -> None:
    """One bit of the journal's second line is another: a digit of a decision's number."""
    recorded(folder)
    whole = journal_file(folder).read_bytes()
    assert b"0000-0000-0000" in whole
    journal_file(folder).write_bytes(whole.replace(b"0000-0000-0000", b"0000-0000-0001", 1))


class Held:
    """A journal that is written by somebody else while the block runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._journal = journal(self._folder)

    def __exit__(self, *_: object) -> None:
        self._journal.close()


def a_ca(folder: Path) -> None:
    """A CA, its root in `root.p12`."""
    root = create_root("Gerbang", TUESDAY_MORNING)
    key, certificate = create_intermediate(root, "Gerbang", ["x.com"], TUESDAY_MORNING)
    write_root(root, folder / "root.p12", PASSPHRASE.encode())
    write_intermediate(folder / "state/ca", key, certificate, root.certificate)


def damaged_ca(folder: Path) -> None:
    a_ca(folder)
    file = folder / "state/ca/intermediate.pem"
    file.write_bytes(file.read_bytes()[:300])


def an_account(folder: Path) -> None:
    users = Users(folder / "state/console/users.json", rounds=4)
    users.add("nora", Role.AUDITOR, PASSWORD, TUESDAY_MORNING)


def signing_in(htpasswd: str | None) -> Step:
    """The zone asks people to sign in, by a file that holds this."""

    def step(folder: Path) -> None:
        added('sign_in = "htpasswd"\nhtpasswd = "htpasswd"')(folder)
        if htpasswd is not None:
            written("htpasswd", htpasswd)(folder)

    return step


def register(name: str, text: str | bytes) -> Step:
    return written(f"state/registers/{name}.csv", text)
