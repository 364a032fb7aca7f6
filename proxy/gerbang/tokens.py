"""API tokens: what a program shows to the admin listener to say or ask something there.

A token is 256 random bits and shown once; `state/tokens.json` keeps its digest, what it may do, and until when. When a
token was used last stands beside it, to the minute.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gerbang.errors import Place, RegisterError, one_of, reason

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
MOST_TOKENS: Final = 200
TOKENS_LIMIT: Final = 1 << 20  # bytes
USED_EVERY: Final = timedelta(minutes=1)

_BEGIN: Final = "gbt_"
_TOKEN: Final = re.compile(r"gbt_[A-Za-z0-9_-]{43}")


class Right(StrEnum):
    """What a token may be for."""

    SESSIONS = "sessions"
    DAYS = "days"
    APPROVALS = "approvals"


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"`{value:.40}` is no name of a token")
    return value


class Token(BaseModel):
    """A token as it is kept. `user` is the console's account in whose name it acts; `until` the instant of its end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_name)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]
    may: tuple[Right, ...]
    added: AwareDatetime
    user: str | None = None
    until: AwareDatetime | None = None

    def ended(self, moment: datetime) -> bool:
        return self.until is not None and moment >= self.until


FILE: Final = TypeAdapter(tuple[Token, ...])
USED: Final = TypeAdapter(dict[str, AwareDatetime])


@dataclass(frozen=True, slots=True)
class _Read:
    mark: tuple[int, int, int]
    tokens: Mapping[str, Token]


class Tokens:
    """The tokens of a file, read again when it changes. Every method raises `RegisterError` for a broken file."""

    def __init__(self, state: Path) -> None:
        self.file = state / "tokens.json"
        self._used_file = state / "tokens-used.json"
        self._read: _Read | None = None
        self._told: dict[str, datetime] = {}

    def all(self) -> tuple[Token, ...]:
        return tuple(token for _, token in sorted(self._tokens().items()))

    def find(self, shown: str) -> Token | None:
        """The token that was shown, whether or not it has ended. Takes as long for any that is none of ours."""
        if not _TOKEN.fullmatch(shown):
            return None
        digest = _digest(shown)
        found = None
        for token in self._tokens().values():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def add(
        self,
        name: str,
        may: tuple[Right, ...],
        moment: datetime,
        user: str | None = None,
        until: datetime | None = None,
    ) -> tuple[Token, str]:
        """A new token, and what is to be shown for it, which stands nowhere afterwards."""
        check_token(name, may)
        shown = _BEGIN + secrets.token_urlsafe(32)
        token = Token(name=name, digest=_digest(shown), may=may, added=moment, user=user, until=until)
        with self._locked():
            tokens = dict(self._tokens())
            if name in tokens:
                raise RegisterError(
                    f"there is a token `{name}` already", hint=f"run `gerbang tokens revoke {name}` first"
                )
            if len(tokens) >= MOST_TOKENS:
                raise RegisterError(f"there are {MOST_TOKENS} tokens already", hint="revoke those that nobody uses")
            self._write((*tokens.values(), token))
        return token, shown

    def revoke(self, name: str) -> Token:
        """End a token. Raises `RegisterError` where there is none of that name."""
        with self._locked():
            tokens = dict(self._tokens())
            if name not in tokens:
                raise RegisterError(f"there is no token `{name:.40}`", hint=one_of(sorted(tokens)) if tokens else None)
            token = tokens.pop(name)
            self._write(tuple(tokens.values()))
        return token

    def used(self, token: Token, moment: datetime) -> None:
        """Note that a token was used; at most once a minute is it written down. A disk that fails holds nobody up."""
        before = self._told.get(token.name)
        if before is not None and timedelta(0) <= moment - before < USED_EVERY:
            return
        self._told[token.name] = moment
        try:
            with self._locked():
                known = {name: when for name, when in self.last_used().items() if name in self._tokens()}
                known[token.name] = moment
                data = json.dumps({name: when.isoformat() for name, when in known.items()}).encode()
                _put(self._used_file, data)
        except (RegisterError, OSError):
            return

    def last_used(self) -> Mapping[str, datetime]:
        try:
            return USED.validate_json(self._used_file.read_bytes()[:TOKENS_LIMIT])
        except (OSError, ValidationError):
            return {}

    def _tokens(self) -> Mapping[str, Token]:
        place = Place(str(self.file))
        try:
            found = self.file.stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._read is None or self._read.mark != mark:
                if found.st_size > TOKENS_LIMIT:
                    raise RegisterError(f"the file of the tokens is larger than {TOKENS_LIMIT} bytes", place=place)
                tokens = FILE.validate_json(self.file.read_bytes())
                self._read = _Read(mark, {token.name: token for token in tokens})
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RegisterError(f"the tokens cannot be read: {reason(error)}", place=place) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RegisterError(
                f"the tokens cannot be read: {where + ': ' if where else ''}{first['msg'].lower()}",
                place=place,
                hint="restore the file from a backup, or remove it and add the tokens anew",
            ) from None
        return self._read.tokens

    def _write(self, tokens: tuple[Token, ...]) -> None:
        data = json.dumps([token.model_dump(mode="json") for token in tokens], indent=1).encode() + b"\n"
        try:
            _put(self.file, data)
        except OSError as error:
            raise self._unwritable(error) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time."""
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _unwritable(self, error: OSError) -> RegisterError:
        what = f"the tokens cannot be written: {reason(error)}"
        return RegisterError(what, place=Place(str(self.file)), hint="check `state` in the settings")


def check_token(name: str, may: tuple[Right, ...]) -> None:
    """Raises `RegisterError` for a name that will not do, or a token that may nothing."""
    if not NAME.fullmatch(name):
        raise RegisterError(
            f"`{name:.40}` will not do for the name of a token",
            hint="use small letters, digits, `.`, `_` and `-`, at most 32, beginning with a letter or digit",
        )
    if not may:
        raise RegisterError("the token may do nothing", hint=f"say what for with `--may`: {one_of(Right)}")


def rights(text: str) -> tuple[Right, ...]:
    """`sessions,days` as rights. Raises `RegisterError`."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [word for word in words if word not in set(Right)]:
        raise RegisterError(f"unknown right `{unknown[0]:.40}`", hint=one_of(Right, unknown[0]))
    return tuple(sorted({Right(word) for word in words}))


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode()).hexdigest()


def _put(file: Path, data: bytes) -> None:
    """The file anew, whole or not at all."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
