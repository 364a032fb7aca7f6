"""What `approvals`, `exemptions` and `accounts` have in common: who edits, when things hold, and how that is told."""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from gerbang.activations import Activations
from gerbang.cli.output import console, errors
from gerbang.cli.slot import cli_journal, now, who
from gerbang.errors import RegisterError, SettingsError, one_of
from gerbang.loading import each, policy_folders, sources
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.policy.rules import Policy
from gerbang.registering import Edited, Line, Sheet, edit
from gerbang.registers import MALAYSIA, moment_of
from gerbang.settings import Settings

SOON: Final = timedelta(days=30)
# Names are looked for among so many: comparing one with 50,000 takes seconds.
MOST_COMPARED: Final = 2000

ByOption = Annotated[str | None, typer.Option("--by", help="On whose behalf; who runs the command is kept anyway.")]
AtOption = Annotated[str | None, typer.Option("--at", help="As of this day or time, such as 2027-01-31; else now.")]
FromOption = Annotated[str | None, typer.Option("--from", help="From this day or time on; else from now.")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Why; it is kept with the change, as a private part.")
]


class State(StrEnum):
    """How something with a beginning and an end stands at a moment."""

    HOLDS = "holds"
    ENDING = "ending"
    COMING = "coming"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


STATES = "One of " + ", ".join(State) + "; `ending` holds still and ends within 30 days."


def state_of(
    moment: datetime, valid_from: datetime | None, valid_to: datetime | None, withdrawn: datetime | None
) -> State:
    if withdrawn is not None and withdrawn <= moment:
        return State.WITHDRAWN
    if valid_from is not None and moment < valid_from:
        return State.COMING
    if valid_to is not None and valid_to <= moment:
        return State.EXPIRED
    ends = min((end for end in (valid_to, withdrawn) if end is not None), default=None)
    return State.ENDING if ends is not None and ends - moment <= SOON else State.HOLDS


def state_word(given: str | None) -> State | None:
    return State(one_word("state", given, State)) if given is not None else None


def one_word(label: str, given: str, known: Collection[str]) -> str:
    if given not in known:
        raise SettingsError(f"unknown {label} `{given}`", hint=one_of(known, given))
    return given


def change(
    chosen: Settings, register: str, make: Callable[[Sheet], None], kind: str, by: str | None, reason: str | None = None
) -> Edited:
    """Edit a register from the command line."""
    runs = who()
    name = f"{by.strip()}, by {runs}" if by and by.strip() else runs
    if len(name) > 200 or not name.isprintable():
        raise SettingsError("`--by` is a name: up to 200 characters, on one line")
    why = reason or ""
    if len(why) > 500 or not why.isprintable():
        raise SettingsError("`--reason` is a sentence: up to 500 characters, on one line")
    return edit(chosen, register, make, kind=kind, by=name, journal=partial(cli_journal, chosen), reason=why)


def at(given: str | None) -> datetime:
    """The moment of `--at`, on Malaysia's clock where it names no other."""
    return now() if given is None else moment("at", given)


def moment(option: str, given: str, *, end: bool = False) -> datetime:
    try:
        return moment_of(given, end=end)
    except (ValueError, OverflowError):
        hint = "write a date as `2026-12-31`, or a time as `2026-12-31T17:00+08:00`"
        raise SettingsError(f"`--{option}` cannot be `{given[:60]}`", hint=hint) from None


def stamp() -> str:
    """Now, as a register has it."""
    return now().astimezone(ZoneInfo(MALAYSIA)).isoformat(timespec="seconds")


def today() -> str:
    return now().astimezone(ZoneInfo(MALAYSIA)).date().isoformat()


def shown(moment: datetime | None) -> str:
    """A time for a table: a day where it is the start of one."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(MALAYSIA))
    return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%Y-%m-%d %H:%M}"


def last_day(moment: datetime | None) -> str:
    """An end for a table: the last day, where it is the end of one."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(MALAYSIA))
    whole = (local.hour, local.minute, local.second) == (0, 0, 0)
    return f"{local - timedelta(days=1):%Y-%m-%d}" if whole else f"{local:%Y-%m-%d %H:%M}"


def iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def next_number(sheet: Sheet, letter: str) -> str:
    """The next free id of the year: `K-2026-001`."""
    head = f"{letter}-{today()[:4]}-"
    taken = [int(line["id"][len(head) :]) for line in sheet.lines() if re.fullmatch(rf"{head}\d{{1,9}}", line["id"])]
    return f"{head}{max(taken, default=0) + 1:03}"


def line_of(sheet: Sheet, what: str, number: str) -> Line:
    """The line of that id. Raises `RegisterError` where there is none."""
    found = sheet.lines(id=number)
    if not found:
        raise SettingsError(f"there is no {what} `{number}`", hint=near(number, [line["id"] for line in sheet.lines()]))
    return found[0]


def near(given: str, known: list[str]) -> str:
    close = get_close_matches(given, known[-MOST_COMPARED:], n=3)
    return f"did you mean `{'` or `'.join(close)}`?" if close else "the list has them all"


def withdraw(
    chosen: Settings, register: str, what: str, number: str, since: str | None, by: str | None, reason: str | None
) -> str:
    """Have something end before its time; the line stays. The time from which it is withdrawn."""
    day = since or stamp()
    moment("from", day)

    def end(sheet: Sheet) -> None:
        line = line_of(sheet, what, number)
        if line["withdrawn"]:
            raise RegisterError(f"the {what} `{number}` is withdrawn already, since {line['withdrawn']}")
        line.set(withdrawn=day)

    change(chosen, register, end, "withdrawn", by, reason)
    return day


def grantee_of(officer: str | None, group: str | None) -> str:
    """The register's word for one of the two. Raises `SettingsError` where it is both."""
    if officer is not None and group is not None:
        raise SettingsError("`--officer` and `--group` are both given", hint="give one of them, and a line to each")
    return officer or (f"group:{group}" if group else "")


def policy_in_force(chosen: Settings) -> Policy:
    """The policy that was activated last; before there is one, that of the settings' folders."""
    activations = Activations(chosen.state)
    activated = activations.read()
    if activated:
        return activations.policy(activated[-1].digest)
    return compile_policy(each(sources(policy_folders(chosen), "policy"), parse_policy))


def asked_purposes(policy: Policy) -> dict[str, set[str] | None]:
    """The purposes that rules ask for, with the groups of which alone they do; `None` where any group will do."""
    found: dict[str, set[str] | None] = {}
    for rule in policy.rules.values():
        for conditions in (rule.when, *(exemption.conditions for exemption in rule.unless)):
            wanted: Mapping[str, list[str]] = {one.key: one.wanted.split(" | ") for one in conditions}
            for purpose in wanted.get("approval", ()):
                groups = set(wanted["group"]) if "group" in wanted else None
                before = found.get(purpose, set())
                found[purpose] = None if groups is None or before is None else before | groups
    return found


def words(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def say(line: str) -> None:
    console.print(_printable(line), markup=False, highlight=False, soft_wrap=True)


def warn(line: str) -> None:
    errors.print(_printable(f"note: {line}"), markup=False, highlight=False, soft_wrap=True)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)


def command(*parts: str) -> str:
    return shlex.join(("gerbang", *parts))
