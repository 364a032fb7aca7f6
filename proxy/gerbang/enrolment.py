"""Filling the register of officers from elsewhere, a directory or a file: what would change, and the change.

A column of which the source says nothing stays as it is on file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ldap3.utils.conv import escape_filter_chars

from gerbang.csv_files import MAX_VALUE, rows
from gerbang.directory import IN_CHAIN, Directory, Entry
from gerbang.errors import RegisterError
from gerbang.registering import Sheet
from gerbang.registers import OFFICERS, SERVICE_GROUPS, SIGN_IN
from gerbang.settings import LdapSettings

MOST_GONE = 10  # percent of those on file who may go without being asked about

type Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Officers as they are elsewhere, by id, with the columns that are told; `skipped` are entries that are not."""

    columns: tuple[str, ...]
    officers: Mapping[str, Values]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One officer's columns that differ, before and after."""

    id: str
    fields: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of the register."""

    added: tuple[Values, ...] = ()
    changed: tuple[Change, ...] = ()
    gone: tuple[str, ...] = ()
    on_file: int = 0
    skipped: tuple[str, ...] = field(default=(), compare=False)

    @property
    def empties(self) -> bool:
        """Whether so many would go that it looks like a mistake."""
        return len(self.gone) * 100 > self.on_file * MOST_GONE

    @property
    def nothing(self) -> bool:
        return not (self.added or self.changed or self.gone)


def from_file(file: Path) -> Source:
    """A CSV file with columns of officers.csv. Raises `RegisterError`."""
    if not file.is_file():
        what = f"`{file}` is a folder" if file.is_dir() else f"there is no file `{file}`"
        raise RegisterError(what, hint="name a CSV file with columns of officers.csv")
    found: dict[str, Values] = {}
    known: dict[str, int | None] = {}
    columns: tuple[str, ...] = tuple(column.name for column in OFFICERS)
    for row in rows(file, OFFICERS):
        columns = tuple(row.values)
        if row["id"].casefold() in known:
            first = known[row["id"].casefold()]
            raise row.error(f"the officer `{row['id']}` is already on line {first}", "give each officer one line")
        known[row["id"].casefold()] = row.place.line
        found[row["id"]] = dict(row.values)
    if not found:
        raise RegisterError(f"`{file}` has no officers in it")
    return Source(columns, found)


def from_directory(settings: LdapSettings, directory: Directory | None = None) -> Source:
    """The officers of a directory. Raises `DirectoryError`, or `RegisterError` where two have one id."""
    sync = settings.sync
    directory = directory or Directory(settings)
    told = {"name": sync.name, "unit": sync.unit, "office": sync.office, "pattern": sync.pattern}
    columns = ["id", *(column for column, attribute in told.items() if attribute)]
    columns += ["service_group"] if sync.service_group or sync.service_groups else []
    columns += ["groups"] if sync.groups else []
    wanted = [settings.id, sync.member_of, sync.service_group, *told.values()]
    below = _nested(settings, directory) if sync.nested else {}
    found: dict[str, Values] = {}
    spelled: dict[str, str] = {}
    skipped: list[str] = []
    for entry in directory.entries(sync.filter, sorted({one for one in wanted if one})):
        identity = entry.first(settings.id)
        if not identity:
            skipped.append(f"{entry.dn}: has no `{settings.id}`")
            continue
        if not SIGN_IN.fullmatch(identity) or identity == "unknown":
            skipped.append(f"{entry.dn}: `{identity[:80]}` is no sign-in name")
            continue
        if identity.casefold() in spelled:
            raise RegisterError(f"two entries of the directory have the {settings.id} `{identity}`")
        spelled[identity.casefold()] = identity
        found[identity] = {
            column: value
            for column, value in _values(entry, identity, settings, below.get(entry.dn.casefold(), frozenset())).items()
            if column in columns
        }
    return Source(tuple(columns), found, tuple(skipped))


def _values(entry: Entry, identity: str, settings: LdapSettings, below: frozenset[str]) -> dict[str, str]:
    sync = settings.sync
    groups = {_plain_dn(name) for name in entry.values(sync.member_of)} | below
    office, pattern = entry.first(sync.office), entry.first(sync.pattern)
    return {
        "id": identity,
        "name": _told(entry.first(sync.name)) or identity,
        "unit": _told(entry.first(sync.unit)),
        "office": _told(sync.offices.get(office, office)),
        "service_group": _service_group(entry, settings, groups),
        "groups": ";".join(sorted({word for name, word in sync.groups.items() if _plain_dn(name) in groups})),
        "pattern": _told(sync.patterns.get(pattern, pattern)),
    }


def _service_group(entry: Entry, settings: LdapSettings, groups: set[str]) -> str:
    sync = settings.sync
    value = entry.first(sync.service_group)
    if value in sync.service_groups:
        return sync.service_groups[value]
    by_group = (word for name, word in sync.service_groups.items() if "=" in name and _plain_dn(name) in groups)
    return next(by_group, value if value in SERVICE_GROUPS else "")


def _nested(settings: LdapSettings, directory: Directory) -> dict[str, frozenset[str]]:
    """The groups of each entry that it is in by other groups too, by the entry's name."""
    sync = settings.sync
    found: dict[str, set[str]] = {}
    for name in {*sync.groups, *(name for name in sync.service_groups if "=" in name)}:
        within = f"(&{sync.filter}({sync.member_of}:{IN_CHAIN}:={escape_filter_chars(name)}))"
        for entry in directory.entries(within, [settings.id]):
            found.setdefault(entry.dn.casefold(), set()).add(_plain_dn(name))
    return {dn: frozenset(names) for dn, names in found.items()}


def _plain_dn(name: str) -> str:
    """A name of a directory without what does not count in it.

    >>> _plain_dn("CN=Media, OU=Groups,DC=contoh")
    'cn=media,ou=groups,dc=contoh'
    """
    return ",".join(part.strip() for part in name.casefold().split(","))


def _told(value: str) -> str:
    """As a register can hold it: on one line, and not too long."""
    return " ".join(value.split())[:MAX_VALUE]


# ---------------------------------------------------------------- what changes


def plan(source: Source, on_file: Iterable[Values], *, keep: bool = False) -> Plan:
    """What would change. With `keep` nobody goes."""
    columns = [column for column in source.columns if column != "id"]
    known = {values["id"]: values for values in on_file}
    changes: list[Change] = []
    for identity, values in source.officers.items():
        if (before := known.get(identity)) is not None:
            pairs = {name: (before.get(name, ""), values.get(name, "")) for name in columns}
            differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
            if differing:
                changes.append(Change(identity, differing))
    return Plan(
        added=tuple(values for identity, values in source.officers.items() if identity not in known),
        changed=tuple(changes),
        gone=() if keep else tuple(identity for identity in known if identity not in source.officers),
        on_file=len(known),
        skipped=source.skipped,
    )


def apply(agreed: Plan, source: Source, sheet: Sheet, *, keep: bool = False) -> None:
    """Make the change that was agreed to. Raises `RegisterError` where the register is another by now."""
    lines = {line["id"]: line for line in sheet.lines()}
    if plan(source, (line.values for line in lines.values()), keep=keep) != agreed:
        raise RegisterError("the register was changed meanwhile", hint="look at what would change again")
    for identity in agreed.gone:
        lines[identity].remove()
    for change in agreed.changed:
        lines[change.id].set(**{name: after for name, (_, after) in change.fields.items()})
    for values in agreed.added:
        sheet.add(**values)


def told(agreed: Plan, most: int) -> Sequence[tuple[str, str, str]]:
    """The changes for a person, at most so many of each kind: what, whom, and how."""
    listed = [("added", values["id"], _said(values)) for values in agreed.added[:most]]
    for change in agreed.changed[:most]:
        how = "; ".join(
            f"{name}: {was or '(nothing)'} -> {now or '(nothing)'}" for name, (was, now) in change.fields.items()
        )
        listed.append(("changed", change.id, how))
    return [*listed, *(("gone", identity, "") for identity in agreed.gone[:most])]


def _said(values: Values) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value and name != "id")
