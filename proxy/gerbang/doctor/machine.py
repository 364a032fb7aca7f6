"""The machine: the settings' file, the state folder, its disk, listeners, open files, the clock."""

import ctypes
import errno
import os
import pwd
import resource
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import reason
from gerbang.journal.ends import last_link
from gerbang.journal.reader import slots
from gerbang.settings import NOT_SETTINGS, PREFIX, host_and_port, is_loopback

FREE_BAD: Final = 100 << 20  # bytes
FREE_WARNING: Final = 1 << 30  # bytes
DAYS_WARNING: Final = 14
DAYS_LOOKED_AT: Final = 14
FILES_WANTED: Final = 8192  # a page opens a dozen tunnels, each with two sockets
AHEAD: Final = 60.0  # seconds
ANSWER: Final = 2.0  # seconds that a listener has to answer
ANSWER_LIMIT: Final = 64 << 10  # bytes of its answer
NAMES_WANTED: Final = 1000  # files that can still be made on a disk

# Where a listener on every address of this machine is asked.
REACHABLE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound

SECRET_FILES: Final = ("keys/record.key", "keys/seal.key", "ca/intermediate.pem", "console/users.json")


def settings_file(patient: Patient) -> Iterator[Diagnosis]:
    """Where the settings come from, and who can read what is secret in them."""
    chosen = patient.settings
    overriding = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in NOT_SETTINGS)
    if patient.file is None:
        yield warning("there is no settings file, so the defaults stand", "run `gerbang init`, or use `--config`")
    else:
        secret = chosen.console.metrics_token or "@" in (chosen.database.url or "")
        mode = stat.S_IMODE(patient.file.stat().st_mode)
        if secret and mode & 0o077:
            yield warning(
                f"{patient.file} holds a secret and others can read it (mode {mode:03o})",
                f"run `chmod 600 {patient.file}`, as the user who runs gerbang",
            )
        else:
            yield good(f"{patient.file} is read whole")
    if overriding:
        yield good(f"the environment overrides it: {', '.join(overriding)}")


def state_folder(patient: Patient) -> Iterator[Diagnosis]:
    """The state folder: there, its owner's alone, and writable."""
    state = patient.settings.state
    if not state.exists():
        parent = next(folder for folder in state.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield warning(f"{state} is not there yet", "`gerbang init` or `gerbang serve` makes it")
        else:
            yield bad(
                f"{state} is not there, and cannot be made in {parent}",
                f"make it: `install -d -m 700 -o USER {state}`, with the user who runs gerbang",
            )
        return
    found = state.stat()
    if not stat.S_ISDIR(found.st_mode):
        yield bad(f"{state} is no folder", "name a folder as `state` in the settings")
        return
    if stat.S_IMODE(found.st_mode) & 0o077:
        yield warning(
            f"others can look into {state} (mode {stat.S_IMODE(found.st_mode):03o})", f"run `chmod 700 {state}`"
        )
    yield from _writable(state)
    yield from inside(state, found.st_uid)


def _writable(folder: Path) -> Iterator[Diagnosis]:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        who = _name(os.geteuid())
        yield bad(
            f"{folder} cannot be written by {who}: {reason(error)}",
            f"run this as the user who runs gerbang, or give it the folder: `chown -R USER {folder}`",
        )
    else:
        yield good(f"{folder} is there and can be written")


def inside(state: Path, owner: int) -> Iterator[Diagnosis]:
    """What is not the owner's, and secrets that others can read."""
    others = [path for path in _entries(state) if path.lstat().st_uid != owner]
    if others:
        yield bad(
            f"{others[0]} belongs to {_name(others[0].lstat().st_uid)}, and the folder to {_name(owner)}"
            + (f"; so do {len(others) - 1} more" if len(others) > 1 else ""),
            f"run `chown -R {_name(owner)} {state}`",
        )
    for name in SECRET_FILES:
        file = state / name
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                yield bad(f"others can read {file} (mode {mode:03o})", f"run `chmod 600 {file}`")


def _entries(state: Path) -> Iterator[Path]:
    """The state folder's own files and those a level below: what a command run as another user would leave."""
    for path in sorted(state.iterdir()):
        yield path
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                yield from sorted(path.iterdir())


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def disk(patient: Patient) -> Iterator[Diagnosis]:
    """Room for the journal and the database, in bytes and in days at the pace of the last two weeks."""
    state = patient.settings.state
    place = state if state.exists() else next(folder for folder in state.parents if folder.exists())
    free = shutil.disk_usage(place).free
    grows = _grows_by_day(patient)
    days = free / grows if grows else None
    told = f"{_size(free)} are free for {place}" + (
        f", enough for {min(days, 99_999):,.0f} days at {_size(int(grows))} a day" if days is not None else ""
    )
    todo = "make room: without it the journal stops, and then no post goes out"
    names = os.statvfs(place)
    if free < FREE_BAD or (days is not None and days < 1):
        yield bad(told, todo)
    elif free < FREE_WARNING or (days is not None and days < DAYS_WARNING):
        yield warning(told, todo)
    else:
        yield good(told)
    if names.f_files and names.f_favail < NAMES_WANTED:
        yield warning(f"{names.f_favail} more files can be made on the disk of {place}", "remove files there")


def _grows_by_day(patient: Patient) -> float:
    """Bytes that journal and database take of the disk a day, by the last whole days of the journal."""
    folder, today = patient.settings.journal_folder, patient.now.date()
    days = {str(today - timedelta(days=back)) for back in range(1, DAYS_LOOKED_AT + 1)}
    recent = whole = 0
    seen = set()
    for slot in slots(folder) if folder.exists() else ():
        for file in slot.rglob("*.jsonl"):
            size = file.stat().st_size
            whole += size
            if (day := file.name[:10]) in days:
                recent += size
                seen.add(day)
    if not seen:
        return 0.0
    database = patient.settings.state / "gerbang.db"
    beside = database.stat().st_size if patient.settings.database.url is None and database.exists() else 0
    return recent / len(seen) * (1 + beside / whole)


def _size(count: float) -> str:
    """
    >>> _size(512), _size(3 << 20)
    ('512 B', '3.0 MiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def open_files(patient: Patient) -> Iterator[Diagnosis]:
    """How many files and sockets a gate may have open: a tunnel takes two."""
    running = [int(value) for gate in patient.gates for _, value in gate.figures.get("files-limit", ())]
    limit = min(running, default=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    whose = "the running gate" if running else "a process started from here"
    told = f"{whose} may have {limit:,} files and sockets open"
    if limit < FILES_WANTED:
        yield warning(told, f"set `LimitNOFILE=65536` in the unit, or `ulimit -n 65536` (at least {FILES_WANTED:,})")
    else:
        yield good(told)


# ---------------------------------------------------------------- listeners


def listeners(patient: Patient) -> Iterator[Diagnosis]:
    """Each address that is listened on: of this machine, and free or held by the running gate."""
    chosen = patient.settings
    wanted = [("gate.listen", chosen.gate.listen)]
    wanted += [("gate.transparent", address) for address in chosen.gate.transparent]
    wanted.append(("console.listen", chosen.console.listen))
    if chosen.pac.listen is not None:
        wanted.append(("pac.listen", chosen.pac.listen))
    for setting, address in wanted:
        yield from _listener(patient, setting, address)
    if is_loopback(chosen.gate.listen) and any(not net.is_loopback for zone in chosen.zones for net in zone.networks):
        yield warning(
            f"the gate listens on {chosen.gate.listen}, which no other machine can reach",
            "set `gate.listen` to this machine's address in the office",
        )
    if not is_loopback(chosen.console.listen):
        yield warning(
            f"the console listens on {chosen.console.listen} and speaks HTTP only, so passwords pass in the clear",
            "set `console.listen` to loopback, and put a web server with TLS before it",
        )
        if chosen.console.metrics_token is None:
            yield warning("/metrics answers nobody there", "set `console.metrics_token`")


def _listener(patient: Patient, setting: str, address: str) -> Iterator[Diagnosis]:
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.create_server((host, port), family=family)):
            pass
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield from _held(patient, setting, address)
        elif error.errno == errno.EADDRNOTAVAIL:
            yield bad(f"{setting} is {address}, which is no address of this machine", f"correct `{setting}`")
        else:
            why = (error.strerror or str(error)).partition(" (while ")[0].lower()
            yield bad(f"{setting}: {address} cannot be listened on: {why}", f"correct `{setting}`")
        return
    if patient.running:
        yield bad(
            f"{setting}: a gate runs, and nothing listens on {address}", "start `gerbang serve` again, and read its log"
        )
    else:
        yield good(f"{setting}: {address} is free")


def _held(patient: Patient, setting: str, address: str) -> Iterator[Diagnosis]:
    if patient.running and (setting != "console.listen" or _is_our_console(address)):
        yield good(f"{setting}: {address} is held by the running gate")
    elif setting == "console.listen" and _is_our_console(address):
        yield warning(
            f"{setting}: a console answers on {address}, and no gate says that it is at work",
            "read the log of `gerbang serve`",
        )
    else:
        yield bad(f"{setting}: another program holds {address}", f"stop it, or set another `{setting}`")


def _is_our_console(address: str) -> bool:
    """Whether what listens there answers as a console does, by whatever status."""
    host, port = host_and_port(address)
    asked = HTTPConnection(REACHABLE.get(host, host), port, timeout=ANSWER)
    try:
        asked.request("GET", "/healthz")
        return b'"parts"' in asked.getresponse().read(ANSWER_LIMIT)
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()


# ---------------------------------------------------------------- the clock


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2), as far as its status; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_char * 512),
    )


UNSYNCHRONISED: Final = 0x0040  # STA_UNSYNC, linux/timex.h, seen 2026-11


def clock(patient: Patient) -> Iterator[Diagnosis]:
    """Whether the clock is kept right by somebody, and whether the journal ends in what is yet to come."""
    ahead = [(at - patient.now).total_seconds() for at in last_times(patient)]
    worst = max(ahead, default=0.0)
    if worst > AHEAD:
        yield bad(
            f"the last line of the journal is {worst:,.0f} seconds ahead of the clock",
            "set the clock right (chrony or systemd-timesyncd) before the gate starts; office hours hang on it",
        )
    status = kernel_status()
    if status is None:
        yield warning("the system does not say whether the clock is kept right", "see `timedatectl`")
    elif status & UNSYNCHRONISED:
        yield warning(
            f"nobody keeps the clock right; it says {patient.now:%Y-%m-%d %H:%M:%S} UTC",
            "run chrony or systemd-timesyncd against a time server of the office",
        )
    else:
        yield good(f"the clock is kept right; it says {patient.now:%Y-%m-%d %H:%M:%S} UTC")


def kernel_status() -> int | None:
    """The status bits of the kernel's clock, `None` where it does not say."""
    asked = _Timex()
    try:
        library = ctypes.CDLL(None, use_errno=True)
        return None if library.adjtimex(ctypes.byref(asked)) < 0 else int(asked.status)
    except (OSError, AttributeError):
        return None


def last_times(patient: Patient) -> Iterator[datetime]:
    """When the last line of each slot was written."""
    folder = patient.settings.journal_folder
    for slot in slots(folder) if folder.exists() else ():
        with suppress(ValueError):  # a line that was changed is another exam's to name
            if (link := last_link(slot)) is not None:
                yield datetime.fromisoformat(link.at).astimezone(UTC)
