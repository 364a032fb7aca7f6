"""The registers: officers, accounts, approvals and own days, as CSV files in the state folder.

| file | columns (those in brackets may be left out) |
| --- | --- |
| officers.csv | id, name, [unit], [office], [service_group], [groups], [pattern] |
| accounts.csv | platform, [account], [handle], [name], [standing], [unit], [duty], [valid_from], [valid_to], ... |
| approvals.csv | id, grantee, purpose, authority, reference, valid_from, [valid_to], [withdrawn], [conditions] |
| exemptions.csv | id, rule, [grantee], [zone], [platform], reason, authority, reference, valid_from, valid_to, ... |
| own-days.csv | officer, kind, from, [until], [reference], [by], [office] |

An account needs one of account and handle, an exemption one of grantee, zone and platform.
UTF-8, commas, a line of column names first. `groups`, `duty` and `conditions` are separated by semicolons. A line that
begins with `#` is a remark. A missing file is an empty register; a file with one bad line is refused whole, and with
it the others.

A time without an offset is Malaysian time. A date alone is the whole day in `Asia/Kuala_Lumpur`: `valid_from` begins
with it, `valid_to` ends with it, `withdrawn` begins with it. Own days are on the clock of the officer's office.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gerbang.csv_files import Column, FileWatch, Row, read_whole, rows_in
from gerbang.errors import RegisterError, one_of
from gerbang.model import (
    CONDITIONS,
    AccountTerms,
    Approval,
    Officer,
    OwnDay,
    RegisteredExemption,
    Registers,
    Standing,
    regimes_of,
)
from gerbang.policy.own_days import by_officer, own_day

OWN_DAYS_FILE = "own-days.csv"
# The groups that the regulations tell apart, and the two that stand outside them. An unknown group earns no exemption,
# so a misspelt one is refused rather than taken.
SERVICE_GROUPS = ("top-management", "professional", "education-graduate", "support", "contract", "trainee")

MALAYSIA = "Asia/Kuala_Lumpur"

RULE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")
WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SIGN_IN = re.compile(r"[^\s:]{1,64}")
BARE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


def load_registers(folder: Path, instead: Mapping[str, bytes] | None = None) -> Registers:
    """All registers of a folder, or a `RegisterError` that names the file, the line and the column.

    `instead` is what a register's file would hold, by the register's name.
    """
    held = {
        name: instead[name] if instead and name in instead else read_whole(folder / register.file)
        for name, register in REGISTERS.items()
    }

    def lines(name: str) -> Iterator[Row]:
        return rows_in(folder / REGISTERS[name].file, held[name], REGISTERS[name].columns)

    accounts, terms = _accounts(lines("accounts"))
    return Registers(
        officers=_officers(lines("officers")),
        accounts=accounts,
        terms=terms,
        exemptions=_exemptions(lines("exemptions")),
        approvals=_approvals(lines("approvals")),
        own_days=by_officer(_own_days(lines("own-days"))),
        digests={name: digest_of(data) for name, data in held.items() if data is not None},
    )


def digest_of(data: bytes) -> str:
    """By which a register's file is known to be as it was."""
    return hashlib.sha256(data).hexdigest()


class RegisterWatch(FileWatch):
    """Tells when a register was changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(lambda: [folder / register.file for register in REGISTERS.values()])


# ---------------------------------------------------------------- the three registers


def _officers(rows: Iterator[Row]) -> dict[str, Officer]:
    officers: dict[str, Officer] = {}
    lines: dict[str, int | None] = {}
    shared: dict[str, frozenset[str]] = {}  # few sets of groups among many officers
    for row in rows:
        key = row["id"].casefold()
        if key in lines:
            raise row.error(f"the officer `{row['id']}` is already on line {lines[key]}", "give each officer one line")
        lines[key] = row.place.line
        listed = row["groups"]
        if listed not in shared:
            shared[listed] = frozenset(_parts(listed))
        officers[row["id"]] = Officer(
            id=row["id"],
            name=row["name"],
            unit=row["unit"],
            office=row["office"],
            service_group=row["service_group"],
            groups=shared[listed],
            pattern=row["pattern"] or None,
        )
    return officers


def _accounts(
    rows: Iterator[Row],
) -> tuple[dict[tuple[str, str], Standing], dict[tuple[str, str], AccountTerms]]:
    accounts: dict[tuple[str, str], Standing] = {}
    terms: dict[tuple[str, str], AccountTerms] = {}
    lines: dict[tuple[str, str], int | None] = {}
    for row in rows:
        names = [row["account"].lower()] if row["account"] else []
        if handle := row["handle"].removeprefix("@"):
            names.append(f"@{handle.lower()}")
        if not names:
            raise row.error("neither `account` nor `handle` has a value", "give at least one of them")
        valid_from, valid_to = _term(row)
        found = AccountTerms(frozenset(_parts(row["duty"])), valid_from, valid_to, _withdrawn(row))
        for name in names:
            key = (row["platform"], name)
            if key in accounts:
                what = f"the account `{name}` on `{row['platform']}` is already on line {lines[key]}"
                raise row.error(what, "give each account one line")
            accounts[key] = Standing(row["standing"] or Standing.OFFICIAL)
            lines[key] = row.place.line
            if found != AccountTerms():
                terms[key] = found
    return accounts, terms


def _approvals(rows: Iterator[Row]) -> dict[str, tuple[Approval, ...]]:
    approvals: dict[str, list[Approval]] = defaultdict(list)
    lines: dict[str, int | None] = {}
    for row in rows:
        if row["id"] in lines:
            what = f"the approval `{row['id']}` is already on line {lines[row['id']]}"
            raise row.error(what, "give each approval an `id` of its own")
        lines[row["id"]] = row.place.line
        _, valid_to = _term(row)
        approvals[row["grantee"]].append(
            Approval(
                id=row["id"],
                grantee=row["grantee"],
                purpose=row["purpose"],
                authority=row["authority"],
                reference=row["reference"],
                valid_from=moment_of(row["valid_from"]),
                valid_to=valid_to,
                withdrawn=_withdrawn(row),
                conditions=regimes_of(_parts(row["conditions"])),
            )
        )
    return {grantee: tuple(granted) for grantee, granted in approvals.items()}


def _own_days(rows: Iterator[Row]) -> Iterator[OwnDay]:
    for row in rows:
        try:
            yield own_day(
                row["officer"], row["kind"], row["from"], row["until"], row["reference"], row["by"], row["office"]
            )
        except RegisterError as error:
            raise row.error(error.what, error.hint) from None


def _exemptions(rows: Iterator[Row]) -> dict[str, tuple[RegisteredExemption, ...]]:
    exemptions: dict[str, list[RegisteredExemption]] = defaultdict(list)
    lines: dict[str, int | None] = {}
    for row in rows:
        if row["id"] in lines:
            what = f"the exemption `{row['id']}` is already on line {lines[row['id']]}"
            raise row.error(what, "give each exemption an `id` of its own")
        lines[row["id"]] = row.place.line
        if not (row["grantee"] or row["zone"] or row["platform"]):
            raise row.error("neither `grantee` nor `zone` nor `platform` has a value", "say who is exempt, or where")
        _term(row)
        one = RegisteredExemption(
            id=row["id"],
            rule=row["rule"],
            reason=row["reason"],
            authority=row["authority"],
            reference=row["reference"],
            valid_from=moment_of(row["valid_from"]),
            valid_to=moment_of(row["valid_to"], end=True),
            grantee=row["grantee"],
            zone=row["zone"],
            platform=row["platform"],
            withdrawn=_withdrawn(row),
        )
        exemptions[one.grantee or (f"zone:{one.zone}" if one.zone else f"platform:{one.platform}")].append(one)
    return {key: tuple(found) for key, found in exemptions.items()}


def _term(row: Row) -> tuple[datetime | None, datetime | None]:
    valid_from = moment_of(row["valid_from"]) if row["valid_from"] else None
    valid_to = moment_of(row["valid_to"], end=True) if row["valid_to"] else None
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise row.error(f"`valid_to` is `{row['valid_to']}`, before `valid_from`", "exchange them, or correct one")
    return valid_from, valid_to


def _withdrawn(row: Row) -> datetime | None:
    return moment_of(row["withdrawn"]) if row["withdrawn"] else None


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(";") if part.strip())


def moment_of(text: str, *, end: bool = False) -> datetime:
    """A time of the register; of a date alone its first instant, or the one after its last. Or `ValueError`."""
    if BARE_DATE.fullmatch(text):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(MALAYSIA))
    if not TIME.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(MALAYSIA))


# ---------------------------------------------------------------- what a value may be


def _sign_in(value: str) -> str | None:
    """An officer's id is also the name by which she signs in, and what an approval names."""
    if SIGN_IN.fullmatch(value) and value != "unknown":
        return None
    return "a sign-in name is expected: up to 64 characters, no space and no colon; `unknown` is taken"


def _word(value: str) -> str | None:
    return None if WORD.fullmatch(value) else "small letters, digits and hyphens are expected"


def _words(value: str) -> str | None:
    parts = [part.strip() for part in value.split(";") if part.strip()]
    # Rules ask for either kind by the same word, so a group of that name would earn the service group's exemptions.
    if reserved := [part for part in parts if part in {*SERVICE_GROUPS, "unknown"}]:
        return f"`{reserved[0]}` is a service group; write it under `service_group`"
    if all(WORD.fullmatch(part) for part in parts):
        return None
    return "small letters, digits and hyphens, separated by semicolons, are expected"


def _service_group(value: str) -> str | None:
    return None if value in SERVICE_GROUPS else one_of(SERVICE_GROUPS, value)


def _standing(value: str) -> str | None:
    return None if value in list(Standing) else one_of(Standing, value)


def _time(value: str) -> str | None:
    try:
        # A year inside of what a date can hold, since it is compared with times everywhere on earth.
        taken = MINYEAR < moment_of(value, end=True).year < MAXYEAR
    except (ValueError, OverflowError):
        taken = False
    return None if taken else "write a date as `2026-12-31`, or a time as `2026-12-31T17:00+08:00`"


def _conditions(value: str) -> str | None:
    wrong = next((part for part in _parts(value) if part not in CONDITIONS), None)
    return None if wrong is None else one_of(CONDITIONS, wrong)


def _rule(value: str) -> str | None:
    return None if RULE.fullmatch(value) else "a rule is expected as `document/rule`"


def _on_duty(value: str) -> str | None:
    for part in _parts(value):
        if (wrong := _grantee(part)) is not None:
            return f"{wrong}, with `;` between several"
    return None


def _grantee(value: str) -> str | None:
    group = value.startswith("group:")
    wrong = group and not WORD.fullmatch(value.removeprefix("group:"))
    return "an officer's id or `group:NAME` is expected" if wrong else None


OFFICERS = (
    Column("id", needed=True, check=_sign_in),
    Column("name", needed=True),
    Column("unit"),
    Column("office"),
    Column("service_group", check=_service_group),
    Column("groups", check=_words),
    Column("pattern", check=_word),
)
ACCOUNTS = (
    Column("platform", needed=True, check=_word),
    Column("account"),
    Column("handle"),
    Column("name"),
    Column("standing", check=_standing),
    Column("unit"),
    Column("duty", check=_on_duty),
    Column("valid_from", check=_time),
    Column("valid_to", check=_time),
    Column("withdrawn", check=_time),
)
OWN_DAYS = (
    Column("officer", needed=True, check=_sign_in),
    Column("kind", needed=True),
    Column("from", needed=True),
    Column("until"),
    Column("reference"),
    Column("by"),
    Column("office"),
)
APPROVALS = (
    Column("id", needed=True),
    Column("grantee", needed=True, check=_grantee),
    Column("purpose", needed=True, check=_word),
    Column("authority", needed=True),
    Column("reference", needed=True),
    Column("valid_from", needed=True, check=_time),
    Column("valid_to", check=_time),
    Column("withdrawn", check=_time),
    Column("conditions", check=_conditions),
)
EXEMPTIONS = (
    Column("id", needed=True),
    Column("rule", needed=True, check=_rule),
    Column("grantee", check=_grantee),
    Column("zone"),
    Column("platform", check=_word),
    Column("reason", needed=True),
    Column("authority", needed=True),
    Column("reference", needed=True),
    Column("valid_from", needed=True, check=_time),
    Column("valid_to", needed=True, check=_time),
    Column("withdrawn", check=_time),
)


@dataclass(frozen=True, slots=True)
class Register:
    """A register: its file, its columns, and those that tell one line from another."""

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)


REGISTERS: Mapping[str, Register] = {
    "officers": Register("officers.csv", OFFICERS),
    "accounts": Register("accounts.csv", ACCOUNTS, ("platform", "account", "handle")),
    "approvals": Register("approvals.csv", APPROVALS),
    "own-days": Register(OWN_DAYS_FILE, OWN_DAYS, ("officer", "kind", "from")),
    "exemptions": Register("exemptions.csv", EXEMPTIONS),
}
