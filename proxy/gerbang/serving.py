"""The parts of a running Gerbang, each in a process of its own, and the process that minds them.

The gate is what must not fail: when it ends, everything ends and the system's supervisor starts anew. The
forwarder and the console may fall and are started again; the gate goes on without them.
"""

import errno
import gc
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import structlog

from gerbang.activations import Activation, Activations, Plan
from gerbang.errors import GerbangError, RecordError, SettingsError, StartError
from gerbang.fleet.pac import proxies_of
from gerbang.gate.authority import RENEW, beyond_authority, load_authority
from gerbang.gate.clock import Clock, TrialClock, wall_clock
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.living import LivingWorld
from gerbang.loading import policy_documents
from gerbang.logs import configure_log
from gerbang.pipeline import World
from gerbang.record.canonical import Json
from gerbang.record.event import Event, RecordKeys, policy_activated, pseudonym
from gerbang.registering import ByHand
from gerbang.settings import Settings, host_and_port

log = structlog.get_logger()

GATE_SLOT = 0
RESTART_SECONDS = 2.0
RETRY_SECONDS = 5.0
PATIENCE = 15.0
# Processes are started afresh: a fork of a process with threads inherits their locks.
fresh = multiprocessing.get_context("spawn")


# ---------------------------------------------------------------- the parts


def moment_of(at: str, option: str) -> datetime:
    """The time at which a trial's clock starts, from what was written for an option. Raises `SettingsError`."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise SettingsError(
            f"`{at}` is no time for `{option}`", hint="write date, time and offset, such as `2026-11-23T10:00+08:00`"
        ) from None
    if "T" not in at and " " not in at:
        raise SettingsError(f"`{at}` has no time of day", hint=f"write which time it is: `{at}T10:00+08:00`")
    if moment.tzinfo is None:
        raise SettingsError(f"`{at}` has no offset", hint=f"write which time it is: `{at}+08:00`")
    return moment


def clock_of(at: datetime | None) -> Clock:
    return TrialClock(at) if at else wall_clock


def open_journal(settings: Settings, slot: int | str, clock: Clock) -> tuple[Journal, RecordKeys]:
    """The journal of a slot, with the keys that its events are made with."""
    keys = load_keys(settings.keys_folder)
    journal = Journal(
        settings.journal_folder,
        settings.journal.node,
        slot,
        seal_key=keys.seal,
        clock=clock,
        group_wait=settings.journal.group_wait_ms / 1000,
        witness=settings.journal.witness,
    )
    return journal, RecordKeys.made_of(keys.record, os.urandom)


def activation_event(
    world: World,
    documents: Mapping[str, str],
    moment: datetime,
    keys: RecordKeys,
    change: Mapping[str, Json] | None = None,
    private: Mapping[str, Json] | None = None,
) -> Event:
    """What the journal says of the policy in force, and of what finds for it."""
    told, lists = world.checks.told, world.targets.names
    return policy_activated(world.basis, documents, moment, keys, told, lists, change, private)


def activate(settings: Settings, living: LivingWorld, journal: Journal, keys: RecordKeys, clock: Clock) -> None:
    """Write down, whole, the policy that is in force from now on: that of the folders, or, where that waits for its
    instant or for a second person, the one that was in force."""
    activations = Activations(settings.state)
    documents, moment = policy_documents(settings), clock()
    if (why := documents_wait(settings, living.world.policy.digest)) is not None:
        digest = activations.read()[-1].digest
        log.warning("documents-wait", documents=living.world.policy.digest, in_force=digest, why=why)
        documents = activations.documents(digest)
        living.world = replace(living.world, policy=activations.policy(digest))
    digest = living.world.policy.digest
    activations.keep(digest, documents)
    journal.append(activation_event(living.world, documents, moment, keys)).result()
    activations.note(Activation(moment, digest, tuple(documents)))


def documents_wait(settings: Settings, digest: str) -> str | None:
    """Why the documents of the folders, which make the policy `digest`, do not come into force by a start, `None` where
    they do. What was never activated by anybody has nothing to wait behind."""
    activations = Activations(settings.state)
    activated = activations.read()
    if not activated or activated[-1].digest == digest:
        return None
    plan = next((plan for plan in activations.open_plans() if plan.digest == digest), None)
    if plan is not None and plan.start is not None:
        return f"they are to come into force at {plan.start.isoformat()}"
    if plan is not None or settings.policy.activation == "two-persons":
        return "they want a second person: `gerbang policy activate` by one, `gerbang policy confirm` by another"
    return None


def note_planned(settings: Settings, journal: Journal, keys: RecordKeys, world: World, plan: Plan) -> None:
    """Write down that a scheduled policy is in force from its instant on. Raises `RecordError` or `StartError`."""
    activations = Activations(settings.state)
    before = activations.read()
    change: dict[str, Json] = {
        "what": "scheduled",
        "instead_of": before[-1].digest if before else None,
        "by": pseudonym(f"cli: {plan.by}", keys),
    }
    if plan.proposed_by:
        change["proposed_by"] = pseudonym(f"cli: {plan.proposed_by}", keys)
    private: dict[str, Json] = {"by": plan.by, "proposed_by": plan.proposed_by}
    documents = activations.documents(plan.digest)
    journal.append(activation_event(world, documents, plan.start or plan.moment, keys, change, private)).result()


def note_grounds(settings: Settings, journal: Journal, keys: RecordKeys, clock: Clock, world: World) -> None:
    """Write down that the policy in force rests on other data from now on. Raises `RecordError` or `StartError`."""
    documents = Activations(settings.state).documents(world.policy.digest)
    journal.append(activation_event(world, documents, clock(), keys)).result()


def note_platforms(settings: Settings, journal: Journal, keys: RecordKeys, clock: Clock, world: World) -> None:
    """Write down that the policy in force rests on other signatures from now on, and tell of hosts that the CA may not
    sign for. Raises `RecordError` or `StartError`."""
    note_grounds(settings, journal, keys, clock, world)
    with suppress(StartError):  # where there is no CA, nothing is opened
        beyond = beyond_authority(load_authority(settings.authority_folder), world.platforms)
        if beyond:
            log.error("platforms-beyond-the-ca", hosts=list(beyond), todo=RENEW)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a gate decides by and writes to."""

    world: LivingWorld
    journal: Journal
    keys: RecordKeys
    clock: Clock


@contextmanager
def grounds(settings: Settings, at: datetime | None) -> Iterator[Grounds]:
    """The policy in force, written down as activated, and the gate's slot of the journal, while the block runs."""
    clock = clock_of(at)
    living = LivingWorld(settings, clock)
    journal, keys = open_journal(settings, GATE_SLOT, clock)
    try:
        living.before_planned = partial(note_planned, settings, journal, keys)
        living.take_plans()
        activate(settings, living, journal, keys, clock)
        by_hand = ByHand(settings, journal, keys, clock)
        by_hand(living.world.registers)
        living.before_registers = by_hand
        living.before_platforms = partial(note_platforms, settings, journal, keys, clock)
        living.before_calendars = partial(note_grounds, settings, journal, keys, clock)
        living.before_lists = partial(note_grounds, settings, journal, keys, clock)
        living.start()
        yield Grounds(living, journal, keys, clock)
    finally:
        living.close()
        journal.close()


def gate_part(settings: Settings, at: datetime | None) -> None:
    """The proxy: returns when it is told to stop."""
    from gerbang.gate.run import run_gate

    with grounds(settings, at) as found:
        # What is loaded stays: a collection need not look through it each time. What a swap brings later is little, and
        # frozen with it the connections that are open then would never be collected.
        gc.collect()
        gc.freeze()
        run_gate(settings, found.world, found.journal, found.keys, found.clock)


def forwarder_part(settings: Settings, _at: datetime | None) -> None:
    """From the journal to the database, until it is told to stop; what is in the journal then is forwarded first."""
    from sqlalchemy.exc import SQLAlchemyError

    from gerbang.store import Forwarder, open_store, upgrade

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            upgrade(settings.database_url)
            break
        except RecordError as error:
            log.warning("database-away", error=str(error), until_it_is_back="the journal goes on alone")
            stop.wait(RETRY_SECONDS)
    store = open_store(settings.database_url, checked=False)
    forwarder = Forwarder(settings.journal_folder, store)
    try:
        forwarder.run(stop)
        forwarder.once()
    except SQLAlchemyError:
        log.warning("database-away-at-the-end", then="the next start forwards the rest")
    finally:
        store.close()


def console_part(settings: Settings, at: datetime | None) -> None:
    """The auditors' pages, and the API."""
    from gerbang.console.serve import run_console

    run_console(settings, clock_of(at))


def pac_part(settings: Settings, _at: datetime | None) -> None:
    """The PAC file and the root's certificate, for whoever asks."""
    from gerbang.fleet.serve import run_public_files

    run_public_files(settings)


def alerts_part(settings: Settings, at: datetime | None) -> None:
    """Tells people of serious decisions, as the journal has them."""
    from gerbang.alerts.following import run_alerts

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_alerts(settings, clock_of(at), stop)


def without_secrets(settings: Settings) -> Settings:
    """The settings for a process that talks to the outside: no database's address, no token, no proxy's secret."""
    return settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"url": None}),
            "console": settings.console.model_copy(update={"metrics_token": None}),
            "downstream": (),
        }
    )


PARTS: dict[str, Callable[[Settings, datetime | None], None]] = {
    "gate": gate_part,
    "forwarder": forwarder_part,
    "console": console_part,
    "pac": pac_part,
    "alerts": alerts_part,
}
# What they end in: the gate first, so that the forwarder still sees its last lines.
ENDING = ("gate", "console", "pac", "alerts", "forwarder")


def listeners(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The parts that listen, with each of their addresses."""
    gate = (settings.gate.listen, *settings.gate.transparent)
    pac = (("pac", settings.pac.listen),) if settings.pac.listen else ()
    return (*(("gate", address) for address in gate), ("console", settings.console.listen), *pac)


def wanted(settings: Settings) -> tuple[str, ...]:
    """The parts that these settings ask for, the gate first."""
    optional = {"pac": settings.pac.listen is not None, "alerts": bool(settings.alerts)}
    return tuple(name for name in PARTS if optional.get(name, True))


def _run_part(name: str, settings: Settings, at: datetime | None, told: Connection) -> None:
    """The body of a part's process: an error that a person can put right is told in a sentence to who minds it."""
    configure_log(settings.log, name)
    # Ctrl-C reaches the whole group; the parts stop when the one who minds them says so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    try:
        PARTS[name](settings, at)
    except GerbangError as error:
        with suppress(OSError):  # who minds it may be gone already
            told.send(str(error))
        raise SystemExit(2) from None


@contextmanager
def in_process(name: str, settings: Settings) -> Iterator["Part"]:
    """One part alone in a process of its own, while the block runs."""
    part = _start(name, settings, None)
    try:
        yield part
    finally:
        _stop([part])
        if (sentence := part.last_words()) is not None:
            log.error("part-ended", ended=name, error=sentence)


def _end_with_parent() -> None:
    """Stop when the process that minds this one is gone, however it went: nobody would mind this one any more."""
    parent = multiprocessing.parent_process()

    def watch(parent: BaseProcess) -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        threading.Thread(target=watch, args=(parent,), name="parent", daemon=True).start()


# ---------------------------------------------------------------- the one who minds them


@dataclass(slots=True)
class Part:
    """A part and its process; `vital` where the rest ends with it."""

    name: str
    process: BaseProcess
    heard: Connection
    vital: bool
    started: float

    def last_words(self) -> str | None:
        """The sentence with which it ended, `None` where it ended without one."""
        try:
            return str(self.heard.recv()) if self.heard.poll() else None
        except (EOFError, OSError):
            return None


def prepare(settings: Settings, at: datetime | None) -> None:
    """Find what is wrong before anything starts, so that it is told in one sentence."""
    if not settings.zones:
        raise StartError(
            "no zone is set, so the gate would serve nobody", hint="add `[[zones]]` and `[[offices]]` to the settings"
        )
    with ExitStack() as held:  # all at once, so that one address for two is found out
        for name, address in listeners(settings):
            host, port = host_and_port(address)
            if at is not None and not _is_loopback(host):
                raise StartError(
                    f"`--at` is for trials, on loopback only, and the {name} listens on `{address}`",
                    hint="set the listeners to 127.0.0.1, or leave `--at` out",
                )
            held.enter_context(_listener(name, host, port))
    if settings.pac.listen:
        proxies_of(settings)
    try:
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"the state folder `{settings.state}` cannot be made: {(error.strerror or '').lower()}",
            hint="correct `state` in the settings",
        ) from None


def upgrade_database(settings: Settings) -> None:
    """Bring the database to this version's shape, where it can be had."""
    from gerbang.store import DatabaseAway, upgrade

    try:
        upgrade(settings.database_url)
    except DatabaseAway as error:
        # The gate does not need it: what it writes waits in the journal.
        log.warning("database-away", error=str(error), until_it_is_back="the journal goes on alone")


@contextmanager
def beside_the_gate(settings: Settings, at: datetime | None) -> Iterator[None]:
    """The parts other than the gate, minded by a thread of this process, while the block runs."""
    upgrade_database(settings)
    stopping = threading.Event()
    parts = [_start(name, settings, at) for name in wanted(settings) if name != "gate"]
    minder = threading.Thread(target=_mind, args=(parts, settings, at, stopping), name="minder", daemon=True)
    minder.start()
    try:
        yield
    finally:
        stopping.set()
        minder.join()
        _stop(parts)


def serve(settings: Settings, at: datetime | None, started: Callable[[], None] = lambda: None) -> int:
    """Run all parts until SIGTERM or SIGINT; the exit status."""
    prepare(settings, at)
    upgrade_database(settings)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    parts = [_start("gate", settings, at)]
    try:
        # The others begin when the gate listens: where it cannot, its sentence is all that there is to read.
        if comes_to_listen(parts[0], settings.gate.listen, stopping):
            parts += [_start(name, settings, at) for name in wanted(settings) if name != "gate"]
            addresses = dict(listeners(settings))
            for part in parts[1:]:
                if part.name in addresses:
                    comes_to_listen(part, addresses[part.name], stopping)
            started()
        elif (sentence := parts[0].last_words()) is not None:
            raise StartError(sentence)
        return _mind(parts, settings, at, stopping)
    finally:
        _stop(parts)


def _start(name: str, settings: Settings, at: datetime | None) -> Part:
    heard, told = fresh.Pipe(duplex=False)
    if name == "alerts":
        settings = without_secrets(settings)
    process = fresh.Process(target=_run_part, args=(name, settings, at, told), name=f"gerbang-{name}")
    with _without_assertions():
        process.start()
    told.close()
    return Part(name, process, heard, vital=name == "gate", started=time.monotonic())


@contextmanager
def _without_assertions() -> Iterator[None]:
    """What is started runs as with `python -O`: mitmproxy asserts the type of all that passes its layers, which takes
    one part in twelve of a request. Nothing of ours hangs on an assertion."""
    before = os.environ.get("PYTHONOPTIMIZE")
    os.environ["PYTHONOPTIMIZE"] = before or "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONOPTIMIZE"]


def comes_to_listen(part: Part, address: str, stopping: threading.Event) -> bool:
    """Wait until a part answers at its address (true), or ends or is to stop before it does."""
    host, port = host_and_port(address)
    while part.process.is_alive() and not stopping.is_set():
        try:
            with socket.create_connection((_reachable(host), port), 1):
                return True
        except OSError:
            stopping.wait(0.1)
    return False


def _mind(parts: list[Part], settings: Settings, at: datetime | None, stopping: threading.Event) -> int:
    while not stopping.is_set():
        wait([part.process.sentinel for part in parts], timeout=0.5)
        for index, part in enumerate(parts):
            if part.process.is_alive() or stopping.is_set():
                continue
            code = part.process.exitcode or 0
            if part.vital:
                log.error("gate-ended", code=code, error=part.last_words())
                return code if code > 0 else 1
            log.warning("part-started-again", ended=part.name, code=code, error=part.last_words())
            stopping.wait(max(0.0, RESTART_SECONDS - (time.monotonic() - part.started)))
            parts[index] = _start(part.name, settings, at)
    return 0


def _stop(parts: list[Part]) -> None:
    for part in sorted(parts, key=lambda part: ENDING.index(part.name)):
        if part.process.is_alive():
            part.process.terminate()
            part.process.join(PATIENCE)
        if part.process.is_alive():
            part.process.kill()
            part.process.join()


def _listener(name: str, host: str, port: int) -> socket.socket:
    """What shows that the address is free."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        # Without what Python adds in brackets: the address stands in the sentence already.
        reason = (error.strerror or str(error)).partition(" (while ")[0].lower()
        used = error.errno == errno.EADDRINUSE
        raise StartError(
            f"the {name} cannot listen on `{host}:{port}`: {reason}",
            hint=f"stop what uses it, or set another `{name}.listen`" if used else f"set another `{name}.listen`",
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """An address at which a listener on `host` can be asked from here."""
    try:
        address = ip_address(host)
    except ValueError:
        return host or "localhost"
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
