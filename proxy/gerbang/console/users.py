"""Accounts of the console: one small file, readable by its owner only, with a slow hash of each password."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import bcrypt
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from gerbang.errors import RegisterError, one_of
from gerbang.kept import Kept
from gerbang.settings import Settings

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256  # characters
ROUNDS: Final = 12  # of bcrypt: about a quarter of a second on a small machine


class Role(StrEnum):
    """What a person of the console may see: an auditor everything, an admin no content, an approver what is asked."""

    AUDITOR = "auditor"
    ADMIN = "admin"
    APPROVER = "approver"


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"`{value:.40}` is no account name")
    return value


def _hash(value: str) -> str:
    if not re.fullmatch(r"\$2b\$\d{2}\$[./A-Za-z0-9]{53}", value):
        raise ValueError("that is no bcrypt hash")
    return value


class User(BaseModel):
    """An account. `password` is a bcrypt hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_name)]
    role: Role
    password: Annotated[str, AfterValidator(_hash)]
    added: AwareDatetime
    officer: str | None = None

    @property
    def own_officer(self) -> str:
        """The officer whose account this is: who is not to approve what that officer asks."""
        return self.officer or self.name

    @property
    def stamp(self) -> str:
        """What changes when the account does, so that a session of the old one ends."""
        return hashlib.sha256(f"{self.name} {self.role} {self.password}".encode()).hexdigest()


class Users:
    """The accounts of a file, read again when it changes. Every method raises `RegisterError` for a broken file."""

    def __init__(self, file: Path, rounds: int = ROUNDS) -> None:
        self._kept = Kept(file, User, "accounts")
        self._rounds = rounds
        # Checked against where there is no such account, so that the answer takes as long.
        self._nobody = bcrypt.hashpw(_digest(os.urandom(16).hex()), bcrypt.gensalt(rounds))

    @property
    def file(self) -> Path:
        return self._kept.file

    def all(self) -> tuple[User, ...]:
        return tuple(self._kept.entries()[name] for name in sorted(self._kept.entries()))

    def get(self, name: str) -> User | None:
        return self._kept.entries().get(name)

    def check(self, name: str, password: str) -> User | None:
        """The account, if that is its password. A wrong name takes as long as a wrong password."""
        user = self.get(name)
        expected = user.password.encode() if user else self._nobody
        right = bcrypt.checkpw(_digest(password[: LONGEST_PASSWORD + 1]), expected)
        return user if right else None

    def add(self, name: str, role: str, password: str, moment: datetime, officer: str | None = None) -> User:
        """A new account. Raises `RegisterError` for a name that is taken or will not do, a role, or a weak password."""
        check_account(name, role)
        user = User(name=name, role=Role(role), password=self._hashed(password), added=moment, officer=officer)
        with self._kept.changing() as users:
            if name in users:
                raise RegisterError(f"there is an account `{name}` already", hint="remove it first to give it anew")
            users[name] = user
        return user

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password; its sessions end. Raises `RegisterError` for no such account, or a weak
        password."""
        hashed = self._hashed(password)
        with self._kept.changing() as users:
            users[name] = _named(users, name).model_copy(update={"password": hashed})

    def remove(self, name: str) -> None:
        """End an account; its sessions end with it. Raises `RegisterError` where there is none of that name."""
        with self._kept.changing() as users:
            del users[_named(users, name).name]

    def named(self, name: str) -> User:
        """The account. Raises `RegisterError` where there is none of that name."""
        return _named(self._kept.entries(), name)

    def _hashed(self, password: str) -> str:
        check_password(password)
        return bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._rounds)).decode()


def _named(users: Mapping[str, User], name: str) -> User:
    if name not in users:
        raise RegisterError(f"there is no account `{name:.40}`", hint=one_of(sorted(users)) if users else None)
    return users[name]


def users_of(settings: Settings) -> Users:
    """The accounts, in the state folder."""
    return Users(settings.state / "console" / "users.json")


def _digest(password: str) -> bytes:
    """bcrypt takes 72 bytes and stops at a zero; a digest of the password has neither trouble."""
    return base64.b64encode(hashlib.sha256(password.encode(errors="surrogatepass")).digest())


def check_account(name: str, role: str) -> None:
    """Raises `RegisterError` for a name or a role that will not do."""
    if not NAME.fullmatch(name):
        raise RegisterError(
            f"`{name:.40}` will not do for an account name",
            hint="use small letters, digits, `.`, `_` and `-`, at most 32, beginning with a letter or digit",
        )
    if role not in set(Role):
        raise RegisterError(f"unknown role `{role:.40}`", hint=one_of(Role, role))


def check_password(password: str) -> None:
    """Raises `RegisterError` for a password that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise RegisterError(
            f"the password has {len(password)} characters",
            hint=f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}; a few words in a row are good and easy to keep",
        )
