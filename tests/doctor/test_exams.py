"""Each exam at an office where nothing is wrong, and at one where something really is."""

import os
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certificates import a_pair
from cli_builders import (
    PASSPHRASE,
    Held,
    Step,
    added,
    an_account,
    an_office,
    changed,
    database,
    folder_at,
    gone,
    listening,
    newer_database,
    on_top,
    other_database,
    policy,
    recorded,
    register,
    settings,
    signing_in,
    written,
)
from gerbang.activations import Activation, Activations
from gerbang.doctor import certificates, machine, records, rules, running
from gerbang.doctor.examination import EXAMS, NAMED, diagnoses, examine
from gerbang.doctor.outcome import Diagnosis, Exam, Level, Patient
from gerbang.gate.authority import create_intermediate, create_root, load_authority, write_intermediate, write_root
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.loading import policy_documents
from gerbang.settings import load_settings
from gerbang.status import write_snapshot
from journal_builders import an_event
from status_builders import a_snapshot

type Look = Callable[[Patient], Iterator[Diagnosis]]

NOW = datetime.now(UTC)
HASH = bcrypt.hashpw(b"empat perkataan panjang", bcrypt.gensalt(4)).decode()
OPENED = '[interception]\nauthority = "Arahan 1"\nnotice = "1"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    an_office(tmp_path)
    return tmp_path


def patient(folder: Path, now: datetime = NOW, online: bool = False) -> Patient:
    file = folder / "gerbang.toml"
    return Patient(load_settings(file, {}), file, now, online)


@contextmanager
def after(folder: Path, *steps: Step) -> Iterator[None]:
    """The office with these things done to it."""
    held = []
    for step in steps:
        keeps = step(folder)
        if keeps is not None:
            keeps.__enter__()
            held.append(keeps)
    try:
        yield
    finally:
        for keeps in held:
            keeps.__exit__(None, None, None)


def several(*steps: Step) -> Step:
    def step(folder: Path) -> None:
        for one in steps:
            one(folder)

    return step


# ---------------------------------------------------------------- what can be done to an office


def mode(name: str, bits: int) -> Step:
    return lambda folder: (folder / name).chmod(bits)


def a_ca(
    hosts: Sequence[str] = ("x.com", "gerbang.internal"), days: int = 0, other_root: bool = False, root_ago: int = 0
) -> Step:
    """A CA that was made so many days ago."""

    def step(folder: Path) -> None:
        root = create_root("Contoh", NOW - timedelta(days=root_ago or days))
        key, certificate = create_intermediate(root, "Contoh", hosts, NOW - timedelta(days=days))
        shown = create_root("Contoh", NOW) if other_root else root
        write_intermediate(folder / "state/ca", key, certificate, shown.certificate)

    return step


def a_root_key(name: str) -> Step:
    def step(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        write_root(create_root("Contoh", NOW), folder / name, PASSPHRASE.encode())

    return step


def running_gate(**more: object) -> Step:
    """A gate that says that it is at work."""
    return lambda folder: write_snapshot(
        folder / "state/status", a_snapshot(**({"monotonic": time.monotonic()} | more))
    )


def activated(digest: str | None = None) -> Step:
    def step(folder: Path) -> None:
        found = patient(folder)
        activations = Activations(folder / "state")
        whole = found.loaded.policy.digest
        activations.keep(whole, policy_documents(found.settings))
        activations.note(Activation(NOW, digest or whole, ("trial",)))

    return step


def kept_policy_changed(folder: Path) -> None:
    activated()(folder)
    (file,) = (folder / "state/policies").glob("*/trial.yaml")
    file.write_text(file.read_text().replace("block", "record"))


def journalled(ahead: timedelta = timedelta(), witness: str | None = None) -> Step:
    """Some lines of the gate's slot, written by a clock that is so far ahead."""

    def step(folder: Path) -> None:
        journal = Journal(
            folder / "state/journal",
            "gate",
            0,
            seal_key=load_keys(folder / "state/keys").seal,
            clock=lambda: NOW + ahead,
            witness=folder / witness if witness else None,
        )
        for _ in range(3):
            journal.append(an_event()).result(10)
        journal.close()

    return step


def last_file(folder: Path) -> Path:
    return sorted((folder / "state/journal/gate-0").glob("*.jsonl"))[-1]


def torn(folder: Path) -> None:
    recorded(folder)
    with last_file(folder).open("ab") as file:
        file.write(b'{"v":1,"seq":')


def one_line_less(folder: Path) -> None:
    """The last line but one is gone."""
    recorded(folder)
    lines = last_file(folder).read_bytes().splitlines(keepends=True)
    last_file(folder).write_bytes(b"".join((*lines[:-2], lines[-1])))


def shorter_than_its_witness(folder: Path) -> None:
    """What a witness has seen is taken away here."""
    journalled(witness="saksi")(folder)
    lines = last_file(folder).read_bytes().splitlines(keepends=True)
    last_file(folder).write_bytes(b"".join(lines[:2]))


def other_seal(folder: Path) -> None:
    journalled(witness="saksi")(folder)
    file = folder / "saksi/gate-0.jsonl"
    file.write_bytes(file.read_bytes().replace(b"gate-0", b"gate-1"))


def years(*known: int) -> Step:
    """A calendar whose holidays are known for these years."""
    return added_document(
        "rules/calendars/ours.yaml", f"complete_for: {[{'year': y, 'states': ['PJY']} for y in known]}\n"
    )


def added_document(name: str, text: str) -> Step:
    def step(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(text)

    return step


def an_estimate(folder: Path) -> None:
    years(NOW.year, NOW.year + 1)(folder)
    day = (NOW + timedelta(days=30)).date()
    added_document(
        "rules/calendars/ours.yaml",
        f"holidays:\n  - {{date: {day}, states: [PJY], ms: Hari Contoh, en: Example Day, estimated: true}}\n",
    )(folder)


def of_the_gate(text: str) -> Step:
    return settings("[gate]\n", f"[gate]\n{text}\n")


def a_small_zone(networks: str) -> Step:
    return added(f'[[zones]]\nname = "kecil"\nnetworks = ["{networks}"]\noffice = "hq"\n')


def pinned(until: str) -> Step:
    return added(f'[[zones.pinned]]\nhost = "app.contoh.my"\nreason = "sijil sendiri"\nuntil = "{until}"')


def a_certificate(days: int) -> Callable[[Path], None]:
    """Authorities for platforms, the last of which is valid for so many days more."""

    def step(folder: Path) -> None:
        root = create_root("Contoh", NOW + timedelta(days=days) - timedelta(days=3653))
        (folder / "platforms.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
        TRUSTED(folder)

    return step


# ---------------------------------------------------------------- what each exam says of it

OUTSIDE = changed("gerbang.toml", '[console]\nlisten = "127.0.0.1', '[console]\nlisten = "0.0.0.0')
AUTHORISED = on_top('interception = {authority = "Arahan 1", notice = "1"}')
WITNESSED = on_top('journal.witness = "saksi"')
SIGNED_IN = signing_in(f"aminah:{HASH}\n")
OFFICER = register("officers", "id,name\naminah,Aminah\n")
TRUSTED = of_the_gate('upstream.trusted_ca = "platforms.pem"')
TOKEN = settings("[console]\n", '[console]\nmetrics_token = "rahsia-cubaan-0123456789"\n')
OTHER_REGIME = settings('state = "PJY"', 'state = "PJY"\nlegal_regime = "state"')
NO_ZONE = settings('[[zones]]\nname = "pejabat"\nnetworks = ["127.0.0.0/8"]\noffice = "hq"\n', "")
LATE = journalled(-timedelta(hours=1))

G, W, B = Level.GOOD, Level.WARNING, Level.BAD

TLS_REQUIRED = settings("[gate]\n", '[gate]\ntls = "required"\n')
ALL_ADDRESSES = settings('listen = "127.0.0.1', 'listen = "0.0.0.0')


def own_certificate(days: float = 90, names: Sequence[str] = ("pintu.contoh.my",)) -> Step:
    """The proxy is known by a certificate of the admin's own, of which the PAC file tells."""

    def step(folder: Path) -> None:
        a_pair(folder, names, days=days)
        named = '[gate]\ntls = "required"\ntls_certificate = "pintu.crt"\ntls_key = "pintu.key"\n'
        settings("[gate]\n", named)(folder)
        added('[pac]\nproxies = ["https://pintu.contoh.my:8080"]')(folder)

    return step


NEXT = NOW.year + 1

TABLE: list[tuple[Look, Step, Level, str]] = [
    (machine.settings_file, lambda _: None, G, "gerbang.toml is read whole"),
    (
        machine.settings_file,
        several(
            settings("[console]\n", '[console]\nmetrics_token = "rahsia-cubaan-0123456789"\n'),
            mode("gerbang.toml", 0o644),
        ),
        W,
        "holds a secret and others can read it (mode 644)",
    ),
    (machine.state_folder, lambda _: None, W, "state is not there yet"),
    (machine.state_folder, several(folder_at("state"), mode("state", 0o700)), G, "is there and can be written"),
    (machine.state_folder, several(folder_at("state"), mode("state", 0o755)), W, "others can look into"),
    (machine.state_folder, written("state", "x"), B, "is no folder"),
    (machine.state_folder, settings('"state"', '"rules/trial/policy.yaml/state"'), B, "cannot be made in "),
    (machine.state_folder, settings('"state"', '"/proc/self/fdinfo"'), B, "cannot be written by"),
    (machine.state_folder, several(an_account, mode("state/console/users.json", 0o640)), B, "others can read"),
    (machine.disk, recorded, G, "are free for"),
    (machine.open_files, running_gate(figures={"files-limit": (((), 1024.0),)}), W, "the running gate may have 1,024"),
    (
        machine.open_files,
        running_gate(figures={"files-limit": (((), 65536.0),)}),
        G,
        "the running gate may have 65,536",
    ),
    (machine.clock, journalled(timedelta(hours=2)), B, "seconds ahead of the clock"),
    (machine.listeners, lambda _: None, G, "gate.listen: 127.0.0.1:"),
    (machine.listeners, lambda _: None, G, "console.listen: 127.0.0.1:"),
    (machine.listeners, listening("gate"), B, "gate.listen: another program holds"),
    (machine.listeners, listening("console"), B, "console.listen: another program holds"),
    (machine.listeners, running_gate(), B, "gate.listen: a gate runs, and nothing listens on"),
    (machine.listeners, settings("127.0.0.1:", "192.0.2.1:"), B, "which is no address of this machine"),
    (machine.listeners, settings('"127.0.0.0/8"', '"10.1.0.0/16"'), W, "which no other machine can reach"),
    (
        machine.listeners,
        OUTSIDE,
        W,
        "HTTP only",
    ),
    (
        machine.listeners,
        OUTSIDE,
        W,
        "/metrics answers nobody",
    ),
    (certificates.interception, lambda _: None, W, "`interception.authority` and `interception.notice` are not set"),
    (
        certificates.interception,
        on_top('interception.notice = "1"'),
        W,
        "nothing is decrypted: `interception.authority` is not set",
    ),
    (
        certificates.interception,
        AUTHORISED,
        G,
        "traffic is opened under `Arahan 1`",
    ),
    (certificates.proxy_tls, TLS_REQUIRED, G, "who speaks to the proxy without TLS is refused"),
    (certificates.proxy_tls, TLS_REQUIRED, G, "by a certificate of the gate's CA, for gerbang.internal"),
    (certificates.proxy_tls, TLS_REQUIRED, G, "browsers are told HTTPS gerbang.internal:"),
    (certificates.proxy_tls, several(ALL_ADDRESSES, signing_in(f"a:{HASH}")), W, "takes them without TLS"),
    (
        certificates.proxy_tls,
        added('[pac]\nproxies = ["https://gerbang.internal:8080"]'),
        W,
        "who speaks to it without is served too",
    ),
    (certificates.proxy_tls, settings("[gate]\n", '[gate]\nmode = "transparent"\n'), G, "so there is no TLS to it"),
    (certificates.proxy_tls, own_certificate(), G, "for pintu.contoh.my, until"),
    (certificates.proxy_tls, own_certificate(), G, "browsers are told HTTPS pintu.contoh.my:8080"),
    (certificates.proxy_tls, own_certificate(days=20), W, "for pintu.contoh.my, until"),
    (certificates.proxy_tls, own_certificate(days=-1), B, "expired on"),
    (certificates.proxy_tls, several(own_certificate(), mode("pintu.key", 0o644)), B, "can be read by others"),
    (certificates.proxy_tls, own_certificate(names=["lain.contoh.my"]), B, "is not for `pintu.contoh.my`"),
    (certificates.authority, lambda _: None, W, "there is no CA"),
    (certificates.authority, AUTHORISED, B, "there is no CA"),
    (certificates.authority, a_ca(), G, "the CA may sign for every host that is opened"),
    (certificates.authority, a_ca(), G, "the intermediate is valid until"),
    (certificates.authority, a_ca(), G, "the root is valid until"),
    (certificates.authority, a_ca(["x.com"]), B, "the CA may not sign for gerbang.internal"),
    (certificates.authority, a_ca(days=700), W, "the intermediate is valid until"),
    (certificates.authority, a_ca(days=732), B, "the CA expired on"),
    (certificates.authority, a_ca(root_ago=3500), W, "the root is valid until"),
    (certificates.authority, a_ca(root_ago=3653), B, "the CA expired on"),
    (certificates.authority, a_ca(other_root=True), B, "is not the root of the intermediate"),
    (certificates.authority, several(a_ca(), gone("state/ca/root.crt")), W, "root.crt is not there"),
    (certificates.authority, several(a_ca(), mode("state/ca/intermediate.pem", 0o644)), B, "can be read by others"),
    (certificates.authority, several(a_ca(), written("state/ca/intermediate.pem", "x")), B, "damaged"),
    (certificates.root_key, a_root_key("root.p12"), W, "root.p12 looks like the CA's root key"),
    (certificates.root_key, a_root_key("state/ca/kunci.bak"), W, "kunci.bak looks like the CA's root key"),
    (certificates.root_key, a_root_key(".mitmproxy/mitmproxy-ca.p12"), G, "does not lie beside the settings"),
    (rules.policies, lambda _: None, G, "trial: 1 rules, and all 1 cases hold"),
    (
        rules.policies,
        policy("effect: block", "effect: record"),
        B,
        "1 of 1 cases do not hold; the first: a post",
    ),
    (
        rules.policies,
        OTHER_REGIME,
        W,
        "no clause cites a law for `state`",
    ),
    (
        rules.policies,
        policy("effect: block\n    final: true", "effect: approve"),
        W,
        "rule `trial/posts` waits for an approver, and there is none",
    ),
    (rules.in_force, lambda _: None, G, "no policy is in force yet"),
    (rules.in_force, activated(), G, "the policies on the disk are those in force since"),
    (rules.in_force, several(activated(), policy("effect: block", "effect: approve")), W, "are not those in force"),
    (
        rules.in_force,
        several(activated(), running_gate(policy="a" * 64)),
        B,
        "the running gate decides by aaaaaa",
    ),
    (rules.platforms, lambda _: None, G, "1 listed hosts"),
    (
        rules.platforms,
        running_gate(refused="x.yaml:3:1: `signatures` is missing"),
        B,
        "the running gate has not taken changed documents: x.yaml:3:1: `signatures` is missing",
    ),
    (rules.platforms, running_gate(platforms="a" * 64), W, "the running gate goes by aaaaaaaaaaaa, and the documents"),
    (
        rules.platforms,
        written(
            "rules/platforms/warung.yaml",
            "platform: warung\ntitle: Warung\nhosts: {app: [x.com]}\nsurfaces: {}\nsignatures: []\n",
        ),
        W,
        "x.com is listed by warung and by x, and is taken for x only",
    ),
    (rules.registers, OFFICER, G, "1 officers, 0 accounts, 0 approvals"),
    (rules.registers, lambda _: None, W, "no official account is in the register"),
    (rules.registers, SIGNED_IN, W, "no officer is in the register"),
    (rules.calendars, years(NOW.year, NEXT), G, f"the holidays of {NOW.year} and {NEXT} are known"),
    (rules.calendars, years(NOW.year), W, f"the holidays of {NEXT} are not known for PJY"),
    (rules.calendars, years(NEXT), B, f"the holidays of {NOW.year} are not known for PJY"),
    (rules.calendars, an_estimate, W, "1 holidays of the coming year are estimated: "),
    (rules.zones, lambda _: None, G, "zone pejabat: 127.0.0.0/8, office PCs, at hq"),
    (rules.zones, lambda _: None, W, "nobody signs in, so no officer is known there"),
    (
        rules.zones,
        NO_ZONE,
        B,
        "no zone is set",
    ),
    (
        rules.zones,
        a_small_zone("127.0.1.0/24"),
        G,
        "lies within 127.0.0.0/8: zone kecil goes before zone pejabat",
    ),
    (rules.zones, added('device = "personal"'), G, "personal devices, never decrypted"),
    (rules.zones, signing_in(None), B, "htpasswd cannot be read: no such file"),
    (rules.zones, signing_in("aminah:$apr1$x$y\n"), B, "the hash of `aminah` is not bcrypt"),
    (rules.zones, signing_in("# nobody\n"), W, "nobody can sign in yet"),
    (
        rules.zones,
        several(SIGNED_IN, register("officers", "id,name\naminah,A\n")),
        G,
        "1 can sign in, all of them",
    ),
    (rules.zones, SIGNED_IN, W, "1 of 1 who can sign in are not in officers.csv"),
    (
        rules.zones,
        several(SIGNED_IN, mode("htpasswd", 0o644)),
        W,
        "everybody on this machine can read",
    ),
    (
        rules.zones,
        several(SIGNED_IN, of_the_gate('mode = "transparent"')),
        B,
        "nobody can be asked",
    ),
    (rules.zones, pinned("2026-01-01"), W, "the exemption of app.contoh.my ended on 2026-01-01"),
    (records.record_keys, lambda _: None, G, "there are no keys of the record yet"),
    (records.record_keys, recorded, G, "the record's keys are in"),
    (records.record_keys, several(recorded, gone("state/keys/seal.key")), B, "there is a journal, and"),
    (records.journal, lambda _: None, G, "there is no journal yet"),
    (records.journal, recorded, G, "gate-0 is free to write; its last line, "),
    (records.journal, Held, G, "gate-0 is being written; its last line, "),
    (records.journal, several(recorded, running_gate()), B, "a gate runs, and nobody writes gate-0"),
    (records.journal, torn, W, "gate-0 ends in half a line of 13 bytes"),
    (records.journal, one_line_less, B, "the last two lines of gate-0 do not follow each other"),
    (records.witness, lambda _: None, W, "no witness keeps the seals"),
    (records.witness, WITNESSED, G, "will be made with the first seal"),
    (records.witness, several(WITNESSED, recorded), B, "is not there or cannot be written"),
    (records.witness, several(WITNESSED, recorded, folder_at("saksi")), W, "has no seal yet"),
    (
        records.witness,
        several(WITNESSED, journalled(witness="saksi")),
        G,
        "gate-0 is witnessed up to line",
    ),
    (
        records.witness,
        several(WITNESSED, shorter_than_its_witness),
        B,
        "some were taken away",
    ),
    (records.witness, several(WITNESSED, other_seal), B, "cannot be taken"),
    (records.database, lambda _: None, G, "there is no database yet"),
    (records.database, database, G, "the database answers, has today's shape, and holds all of the journal"),
    (records.database, several(database, recorded), G, "lines wait for it, which `gerbang serve` brings there"),
    (
        records.database,
        several(database, LATE, running_gate()),
        W,
        "lines wait for the database, the oldest for",
    ),
    (records.database, newer_database, B, "from a newer version"),
    (records.database, other_database, B, "there is nothing of Gerbang in the database yet"),
    (records.database, on_top('database.url = "postgresql://a@127.0.0.1:1/b"'), B, "the database cannot be used"),
    (running.upstream, lambda _: None, G, "platforms are known by the usual list"),
    (running.upstream, a_certificate(10), G, "1 authorities"),
    (running.upstream, a_certificate(-10), B, "no authority of"),
    (
        running.upstream,
        several(TRUSTED, written("platforms.pem", "x")),
        B,
        "holds no certificate in PEM",
    ),
    (running.gate, lambda _: None, W, "no gate is at work here"),
    (running.gate, running_gate(), B, "the gate does not answer on"),
]


@pytest.mark.parametrize(
    ("exam", "step", "level", "said"), TABLE, ids=[f"{row[0].__name__}: {row[3][:40]}" for row in TABLE]
)
def test_an_exam_says_what_is_there(folder: Path, exam: Look, step: Step, level: Level, said: str) -> None:
    with after(folder, step):
        told = list(diagnoses(Exam(exam.__name__, exam), patient(folder)))
    found = [one for one in told if said in one.what]
    assert [one.level for one in found] == [level], told
    assert (found[0].todo is None) is (level is G), "what is not good comes with what to do"


# ---------------------------------------------------------------- what needs somebody at the other end


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Somebody who takes each connection; the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    opened, _ = server.accept()
                except OSError:
                    return
                with opened:
                    answer(opened)

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]


def says(text: str) -> Callable[[socket.socket], None]:
    def answer(opened: socket.socket) -> None:
        opened.recv(4096)
        opened.sendall(text.encode())

    return answer


def a_gate_that_shows(leaf_by: Path) -> Callable[[socket.socket], None]:
    """CONNECT is answered, and then a certificate for the gate's own host by the CA of a folder is shown."""

    def answer(opened: socket.socket) -> None:
        leaf = load_authority(leaf_by, NOW).leaf("gerbang.internal", NOW)
        assert leaf is not None
        file = leaf_by / "leaf.pem"
        chain = (leaf_by / "intermediate.pem").read_bytes().partition(b"-----BEGIN CERTIFICATE")
        key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key + leaf.certificate.public_bytes(Encoding.PEM) + chain[1] + chain[2])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        opened.recv(4096)
        opened.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError), context.wrap_socket(opened, server_side=True) as shown:
            shown.recv(1)

    return answer


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", G, "asks for a sign-in"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", G, "refuses gerbang.internal to this machine"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", B, "answers a CONNECT to gerbang.internal with 503"),
        ("SSH-2.0-OpenSSH\r\n\r\n", B, "with nothing"),
        ("HTTP/1.1 200 OK\r\n\r\nnot TLS at all", B, "TLS through the gate to gerbang.internal fails"),
    ],
)
def test_the_gate_is_asked_as_a_browser_would(folder: Path, answer: str, level: Level, said: str) -> None:
    a_ca()(folder)
    running_gate()(folder)
    with serving(says(answer)) as port:
        listens_at(folder, port)
        (found,) = running.gate(patient(folder))
    assert (found.level, said in found.what) == (level, True), found


def listens_at(folder: Path, port: int) -> None:
    text = (folder / "gerbang.toml").read_text()
    old = text.partition('listen = "')[2].partition('"')[0]
    (folder / "gerbang.toml").write_text(text.replace(old, f"127.0.0.1:{port}", 1))


@pytest.mark.parametrize(
    ("own", "level", "said"), [(True, G, "shows a certificate of our CA"), (False, B, "is not by the CA of")]
)
def test_what_the_gate_shows_is_by_our_ca(folder: Path, tmp_path: Path, own: bool, level: Level, said: str) -> None:
    other = tmp_path / "other"
    a_ca()(folder)
    a_ca()(other)
    running_gate()(folder)
    with serving(a_gate_that_shows((folder if own else other) / "state/ca")) as port:
        listens_at(folder, port)
        (found,) = running.gate(patient(folder))
    assert (found.level, said in found.what) == (level, True), found


def test_a_console_is_told_from_another_program(folder: Path) -> None:
    running_gate()(folder)
    text = (folder / "gerbang.toml").read_text()
    with serving(says('HTTP/1.0 503 Service Unavailable\r\n\r\n{"parts": {}}')) as port, serving(says("x")) as gate:
        old = text.rpartition('listen = "')[2].partition('"')[0]
        (folder / "gerbang.toml").write_text(text.replace(old, f"127.0.0.1:{port}"))
        listens_at(folder, gate)
        told = [one for one in machine.listeners(patient(folder)) if one.level is G]
    assert [one.what.partition(":")[0] for one in told] == ["gate.listen", "console.listen"]
    assert all("is held by the running gate" in one.what for one in told)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("addresses", "level", "said"),
    [
        (["93.184.215.14"], G, "x: x.com is found"),
        (["10.1.2.3"], B, "is 10.1.2.3, to which the gate does not connect"),
        ([], B, "is not found"),
    ],
)
def test_names_are_looked_up_only_when_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, addresses: list[str], level: Level, said: str
) -> None:
    """The system's resolver is the one thing here that a test cannot have for real."""
    asked = []

    def resolve(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", (address, 443)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert list(running.names(patient(folder))) == []
    assert asked == []
    (found,) = running.names(patient(folder, online=True))
    assert (found.level, said in found.what) == (level, True), found
    assert asked == ["x.com"]


def test_a_name_that_the_settings_give_is_not_looked_up(folder: Path) -> None:
    of_the_gate('upstream.hosts = {"x.com" = "10.1.2.3:8443"}')(folder)
    (found,) = running.names(patient(folder, online=True))
    assert found.what == "x: x.com is 10.1.2.3:8443 by `gate.upstream.hosts`"


# ---------------------------------------------------------------- the machine


def test_the_clock_is_as_the_kernel_says(folder: Path) -> None:
    status = machine.kernel_status()
    (found,) = machine.clock(patient(folder))
    kept = status is not None and not status & machine.UNSYNCHRONISED
    assert found.level is (G if kept else W)


def test_room_is_told_in_days_at_the_pace_of_the_record(folder: Path) -> None:
    recorded(folder)
    yesterday = last_file(folder).with_name(f"{(NOW - timedelta(days=1)).date()}.jsonl")
    last_file(folder).rename(yesterday)
    (found,) = machine.disk(patient(folder))
    assert "days at" in found.what
    tomorrow = NOW + timedelta(days=machine.DAYS_LOOKED_AT + 5)
    (found,) = machine.disk(patient(folder, tomorrow))
    assert "days at" not in found.what, "a pace of long ago tells nothing"


@pytest.mark.parametrize(
    ("free", "level"), [(machine.FREE_BAD - 1, B), (machine.FREE_WARNING - 1, W), (machine.FREE_WARNING, G)]
)
def test_room_at_its_bounds(folder: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    """A disk that is full to the byte is not to be had here."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))  # type: ignore[attr-defined]
    (found,) = machine.disk(patient(folder))
    assert found.level is level


def test_files_of_another_owner_are_named(folder: Path) -> None:
    """As root's are in the service's folder, after a command that was run as root."""
    an_account(folder)
    (found,) = machine.inside(folder / "state", os.geteuid() + 1)
    assert found.level is B
    assert "belongs to" in found.what
    assert "so do 2 more" in found.what
    assert found.todo is not None
    assert found.todo.startswith("run `chown -R ")


# ---------------------------------------------------------------- all of them


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_an_examination_changes_nothing(folder: Path) -> None:
    for step in (recorded, a_ca(), an_account, activated()):
        step(folder)
    before = contents(folder)
    told = list(examine(patient(folder)))
    assert contents(folder) == before
    unused = {"dns", "directory", "alerts", "kerberos", "sessions"}
    assert {one.about for one in told} >= {exam.name for exam in EXAMS} - unused


def test_an_office_before_its_first_start_is_left_as_it_is(folder: Path) -> None:
    before = contents(folder)
    list(examine(patient(folder)))
    assert contents(folder) == before
    assert not (folder / "state").exists()


def test_what_stands_in_the_way_of_many_is_said_once(folder: Path) -> None:
    changed("rules/trial/policy.yaml", "effect: block", "effect: blok")(folder)
    told = [one for one in examine(patient(folder)) if "blok" in one.found.what]
    assert len(told) == 1
    assert told[0].found.level is B


@pytest.mark.parametrize(
    ("step", "about", "said"),
    [
        (written("rules/platforms/warung.yaml", "platform: a\nversion: 1.10\n"), "platforms", "warung.yaml:2:10: "),
        (written("rules/platforms/warung.yaml", "platform: [\n"), "platforms", "warung.yaml:"),
        (written("rules/targets/pesaing.csv", "platform,target\nx,@a\nxx,@b\n"), "policy", "pesaing.csv:3: unknown"),
        (changed("rules/trial/policy.yaml", "effect: block", "effect: blok"), "policy", "policy.yaml:"),
        (register("accounts", "platform\nx\n"), "registers", "accounts.csv:"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_place_as_what_it_is(
    folder: Path, step: Step, about: str, said: str
) -> None:
    """Whichever exam asks for it first: that of the CA asks for the platforms' hosts."""
    a_ca()(folder)
    step(folder)
    told = [one for one in examine(patient(folder)) if said in one.found.what]
    assert told
    assert {one.about for one in told} == {about}


def test_many_errors_of_one_document_are_told_up_to_a_number(folder: Path) -> None:
    keys = "".join(f"kunci{number}: 1\n" for number in range(12))
    written("rules/platforms/warung.yaml", f"platform: warung\n{keys}")(folder)
    told = [one.found.what for one in examine(patient(folder)) if one.about == "platforms"]
    assert sum("warung.yaml:" in one for one in told) == NAMED
    assert any(one.endswith("more errors in documents") for one in told)


def test_a_fault_of_ours_does_not_end_the_examination(folder: Path) -> None:
    def faulty(_: Patient) -> Iterator[Diagnosis]:
        raise RuntimeError("a bug")

    (found,) = diagnoses(Exam("faulty", faulty), patient(folder))
    assert (found.level, found.what) == (B, "a fault of our own in this exam (RuntimeError)")
