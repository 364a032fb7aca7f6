"""API tokens: what a program shows to the admin listener to say or ask something there.

A token is 256 random bits and shown once; `state/tokens.json` keeps its digest, what it may do, and until when. When a
token was used last stands beside it, to the minute.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gerbang.errors import RegisterError, one_of
from gerbang.kept import KEPT_LIMIT, Kept, put

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
MOST_TOKENS: Final = 200
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


USED: Final = TypeAdapter(dict[str, AwareDatetime])


class Tokens:
    """The tokens of a file, read again when it changes. Every method raises `RegisterError` for a broken file."""

    def __init__(self, state: Path) -> None:
        self._kept = Kept(state / "tokens.json", Token, "tokens")
        self._used_file = state / "tokens-used.json"
        self._told: dict[str, datetime] = {}

    @property
    def file(self) -> Path:
        return self._kept.file

    def all(self) -> tuple[Token, ...]:
        return tuple(token for _, token in sorted(self._kept.entries().items()))

    def find(self, shown: str) -> Token | None:
        """The token that was shown, whether or not it has ended. Takes as long for any that is none of ours."""
        if not _TOKEN.fullmatch(shown):
            return None
        digest = _digest(shown)
        found = None
        for token in self._kept.entries().values():
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
        with self._kept.changing() as tokens:
            if name in tokens:
                raise RegisterError(
                    f"there is a token `{name}` already", hint=f"run `gerbang tokens revoke {name}` first"
                )
            if len(tokens) >= MOST_TOKENS:
                raise RegisterError(f"there are {MOST_TOKENS} tokens already", hint="revoke those that nobody uses")
            tokens[name] = token
        return token, shown

    def revoke(self, name: str) -> Token:
        """End a token. Raises `RegisterError` where there is none of that name."""
        with self._kept.changing() as tokens:
            if name not in tokens:
                raise RegisterError(f"there is no token `{name:.40}`", hint=one_of(sorted(tokens)) if tokens else None)
            return tokens.pop(name)

    def used(self, token: Token, moment: datetime) -> None:
        """Note that a token was used; at most once a minute is it written down. A disk that fails holds nobody up."""
        before = self._told.get(token.name)
        if before is not None and timedelta(0) <= moment - before < USED_EVERY:
            return
        self._told[token.name] = moment
        try:
            with self._kept.locked():
                known = {name: when for name, when in self.last_used().items() if name in self._kept.entries()}
                known[token.name] = moment
                data = json.dumps({name: when.isoformat() for name, when in known.items()}).encode()
                put(self._used_file, data)
        except (RegisterError, OSError):
            return

    def last_used(self) -> Mapping[str, datetime]:
        try:
            return USED.validate_json(self._used_file.read_bytes()[:KEPT_LIMIT])
        except (OSError, ValidationError):
            return {}


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
