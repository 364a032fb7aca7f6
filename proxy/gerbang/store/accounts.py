"""Which accounts acted lately, from the record: what an admin looks through to register the agency's own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from gerbang.store import tables
from gerbang.store.queries import Store, masked

READ = 100_000
"""Decisions that are looked at, the newest first."""


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """An account, as the platform's requests named it. `people` is how many known officers acted by it; the unknown
    ones of a client address count as one person. `standing` is what it counted as when it acted last."""

    platform: str
    id: str | None
    handle: str | None
    standing: str
    acts: int
    people: int
    last: datetime


@dataclass(slots=True)
class _Tally:
    standing: str
    last: datetime
    acts: int = 0
    people: set[str] = field(default_factory=set)


def accounts_seen(store: Store, since: datetime, platform: str | None = None) -> tuple[AccountSeen, ...]:
    """The accounts that acted since then, those of most people first. What was erased is not there any more."""
    tallies: dict[tuple[str, str | None, str | None], _Tally] = {}
    for name, moment, standing, officer, client, account in _acts(store, since, platform):
        key = (name, account.get("id"), account.get("handle"))
        tally = tallies.setdefault(key, _Tally(standing, moment))
        tally.acts += 1
        tally.people.add(officer or f"at {client}")
    seen = (
        AccountSeen(*key, tally.standing, tally.acts, len(tally.people), tally.last) for key, tally in tallies.items()
    )
    return tuple(sorted(seen, key=lambda one: (-one.people, -one.acts, one.platform, one.id or "", one.handle or "")))


def masked_account(seen: AccountSeen) -> bool:
    """Whether it is likely a person's own: by one person only, and not on file as the agency's."""
    return seen.people < 2 and seen.standing != "official"


def names_of(seen: AccountSeen, *, whole: bool) -> tuple[str, str]:
    """Its id and handle as they are shown: of what is likely a person's own, the first letter."""
    hide = masked_account(seen) and not whole
    shown = (masked(name) if hide and name else name for name in (seen.id, seen.handle))
    identity, handle = (str(name or "") for name in shown)
    return identity, handle


type _Act = tuple[str, datetime, str, str | None, str, dict[str, str | None]]


def _acts(store: Store, since: datetime, platform: str | None) -> Iterator[_Act]:
    decisions, details = tables.decisions.c, tables.details.c
    wanted = (
        select(decisions.platform, decisions.moment, decisions.standing, decisions.officer, details.fields)
        .join(tables.details, details.id == decisions.id)
        .where(decisions.moment >= since)
        .order_by(decisions.moment.desc())
        .limit(READ)
    )
    if platform is not None:
        wanted = wanted.where(decisions.platform == platform)
    with store.reading() as connection:
        for name, moment, standing, officer, fields in connection.execute(wanted):
            private = json.loads(fields)
            if account := private.get("account"):
                yield name, moment, standing, officer, str(private.get("client") or ""), account
