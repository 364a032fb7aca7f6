"""The lists of targets, as files: `targets/NAME.csv` in the folders of `policies`; a later folder replaces a list.

| column | must be there | meaning |
| --- | --- | --- |
| platform | yes | the platform's name |
| target | yes | a page, account or group as the platform's requests name it; `*` at its end for all that begin so |
| name | no | who it is, for people |
| from, until | no | the first and the last day on which it counts |
"""

import hashlib
import os
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from gerbang.csv_files import Column, Row, rows
from gerbang.errors import Place, RegisterError, reason
from gerbang.policy.targets import Listed, Targets, compile_targets
from gerbang.registers import WORD

ENTRIES = 50_000
"""Lines of all lists together."""

BEGINNINGS = 200
"""Entries with `*` of one platform: each is compared with every target there."""


def _platform(value: str) -> str | None:
    return None if WORD.fullmatch(value) else "write a platform's name as `gerbang platforms list` has it"


def _target(value: str) -> str | None:
    star = value.find("*")
    if star < 0:
        return None
    if star == len(value) - 1 and star >= 3:
        return None
    return "`*` stands at the end, behind 3 characters or more"


def _day(value: str) -> str | None:
    try:
        date.fromisoformat(value)
    except ValueError:
        return "write a date as `2026-12-31`"
    return None if len(value) == len("2026-12-31") else "write a date as `2026-12-31`"


TARGETS = (
    Column("platform", needed=True, check=_platform),
    Column("target", needed=True, check=_target),
    Column("name"),
    Column("from", check=_day),
    Column("until", check=_day),
)


def target_files(folders: Sequence[Path]) -> dict[str, Path]:
    """The file of each list, by its name. Raises `RegisterError` where a folder cannot be looked into."""
    return {file.stem: file for folder in folders for file in sorted(_in_folder(folder / "targets"))}


def _in_folder(folder: Path) -> list[Path]:
    """As `glob` gives them, which takes a folder that cannot be read for an empty one."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        what = f"cannot be read: {reason(error)}"
        raise RegisterError(what, place=Place(str(folder)), hint="let the user who runs gerbang read it") from None
    return [folder / name for name in names if name.endswith(".csv")]


def load_targets(folders: Sequence[Path], platforms: frozenset[str]) -> Targets:
    """Every list. Raises `RegisterError` with file and line."""
    lists: dict[str, list[Listed]] = {}
    sealed = hashlib.sha256(b"gerbang targets 1\n")
    count = 0
    for name, file in sorted(target_files(folders).items()):
        if not WORD.fullmatch(name):
            hint = "use small letters, digits and hyphens: rules name it"
            raise RegisterError(f"a list cannot be called `{name[:60]}`", place=Place(str(file)), hint=hint)
        lists[name] = []
        beginnings: dict[str, int] = {}
        for row in rows(file, TARGETS):
            entry = _entry(row, platforms)
            lists[name].append(entry)
            count += 1
            beginnings[entry.platform] = beginnings.get(entry.platform, 0) + entry.target.endswith("*")
            if count > ENTRIES:
                raise row.error(f"the lists have more than {ENTRIES:,} lines together", "take out what is past")
            if beginnings[entry.platform] > BEGINNINGS:
                raise row.error(f"more than {BEGINNINGS} targets of `{entry.platform}` have a `*`", "list them whole")
            sealed.update(repr((name, entry)).encode())
    return compile_targets(lists, sealed.hexdigest() if lists else "")


def _platforms(given: str, platforms: frozenset[str]) -> str:
    near = get_close_matches(given, platforms, n=1)
    return (f"did you mean `{near[0]}`? " if near else "") + "`gerbang platforms list` names them"


def _entry(row: Row, platforms: frozenset[str]) -> Listed:
    if row["platform"] not in platforms:
        raise row.error(f"unknown platform `{row['platform']}`", _platforms(row["platform"], platforms))
    since = date.fromisoformat(row["from"]) if row["from"] else date.min
    until = date.fromisoformat(row["until"]) if row["until"] else date.max
    if until < since:
        raise row.error(f"`until` is `{row['until']}`, before `from`", "exchange them, or correct one")
    return Listed(row["platform"], row["target"], since, until)
