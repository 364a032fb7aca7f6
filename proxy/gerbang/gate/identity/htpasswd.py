"""Who may sign in by an htpasswd file with bcrypt."""

import math
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

import bcrypt
import structlog

from gerbang.errors import Place, SettingsError, reason
from gerbang.gate.identity.door import Outcome, SignIn

log = structlog.get_logger()

CHECKS_AT_ONCE = 2
# What bcrypt takes of a password, in bytes; `htpasswd` cuts there too, and the library refuses more.
BCRYPT_TAKES = 72
FILE_LIMIT = 4 << 20
# Each step of the cost doubles the time; with 16 a look takes some five seconds.
DEAREST = 16

_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")


def parse_htpasswd(text: str, file: str) -> Mapping[str, bytes]:
    """Users and their bcrypt hashes. Raises `SettingsError`.

    >>> parse_htpasswd("# staff\\nali:$2y$05$" + "a" * 53, "staff.htpasswd")["ali"][:4]
    b'$2y$'
    """
    users: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        place = Place(file, number)
        user, colon, hashed = entry.partition(":")
        if not colon or not user:
            raise SettingsError("this is no line of an htpasswd file", place=place, hint="expected `user:hash`")
        if user == "unknown":
            # In the record and in policies the word stands for nobody.
            raise SettingsError("nobody can be called `unknown`", place=place, hint="give the officer another name")
        found = _BCRYPT.fullmatch(hashed)
        if found is None or not 4 <= int(found[1]) <= 31:
            raise SettingsError(
                f"the hash of `{user}` is not bcrypt", place=place, hint=f"make it with `htpasswd -B {file} {user}`"
            )
        if int(found[1]) > DEAREST:
            raise SettingsError(
                f"the hash of `{user}` has the cost {found[1]}, and would hold everybody up",
                place=place,
                hint=f"make it with `htpasswd -B -C 10 {file} {user}`",
            )
        if user in users:
            raise SettingsError(f"`{user}` stands here twice", place=place)
        users[user] = hashed.encode()
    return users


class Htpasswd:
    """The names and passwords of one file."""

    way = "htpasswd"
    at_once = CHECKS_AT_ONCE
    known_for = math.inf  # a line that changes or goes ends what was known by it

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = _stamp(file)
        self._users = _read(file)
        self._nobody = _nobody(self._users.values())

    def seal(self, user: str) -> bytes | None:
        return self._users.get(user)

    def verify(self, user: str, password: bytes) -> SignIn:
        if b"\0" in password:
            # For bcrypt `word` and `word`, NUL, `word` are the same.
            return SignIn(Outcome.WRONG)
        hashed = self._users.get(user)
        if bcrypt.checkpw(password[:BCRYPT_TAKES], hashed or self._nobody) and hashed is not None:
            return SignIn(Outcome.SIGNED_IN, user)
        return SignIn(Outcome.WRONG)

    def refresh(self) -> None:
        """Take the file as it is now; a wrong one changes nothing."""
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            users = _read(self._file)
            self._nobody = _nobody(users.values())
            self._users = users
        except SettingsError as error:
            log.error("htpasswd-refused", error=str(error), in_force="the file as it was")

    def close(self) -> None:
        """Nothing is open."""


def _nobody(hashes: Iterable[bytes]) -> bytes:
    """A hash that nobody has: a user who is not there takes as long to refuse as one with a wrong password."""
    return bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(_cost(hashes)))


def _cost(hashes: Iterable[bytes]) -> int:
    return max((int(hashed[4:6]) for hashed in hashes if hashed[4:6].isdigit()), default=10)


def _read(file: Path) -> Mapping[str, bytes]:
    place = Place(str(file))
    try:
        if file.stat().st_size > FILE_LIMIT:
            raise SettingsError(f"the htpasswd file is larger than {FILE_LIMIT >> 20} MiB", place=place)
        return parse_htpasswd(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise SettingsError(f"the htpasswd file cannot be read: {reason(error)}", place=place) from None
    except UnicodeDecodeError:
        raise SettingsError("the htpasswd file is not UTF-8 text", place=place) from None


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        state = file.stat()
    except OSError:
        return (0, 0, 0)
    return (state.st_mtime_ns, state.st_size, state.st_ino)
