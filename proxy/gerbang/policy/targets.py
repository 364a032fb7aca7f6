"""Lists of pages, accounts and groups that a rule asks for by name (`target_in`), where an act has no words to judge.

A list is dated: each entry counts from a day to a day, both included, by the calendar of the office.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from gerbang.policy.conditions import plain_target


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry: a target on a platform as its requests name it, or with `*` at its end all that begin so."""

    platform: str
    target: str
    since: date = date.min
    until: date = date.max

    def counts(self, day: date) -> bool:
        return self.since <= day <= self.until


@dataclass(frozen=True, slots=True)
class Targets:
    """The lists as an index. `digest` is SHA-256 over all of them, in hex; empty where there are none."""

    names: frozenset[str] = frozenset()
    digest: str = ""
    whole: Mapping[tuple[str, str], tuple[tuple[str, Listed], ...]] = field(default_factory=dict)
    beginnings: Mapping[str, tuple[tuple[str, Listed], ...]] = field(default_factory=dict)

    def of(self, platform: str, target: str | None, day: date) -> frozenset[str]:
        """The names of the lists on which a target stands that day."""
        if not self.names or target is None:
            return frozenset()
        plain = plain_target(target)
        found = [name for name, entry in self.whole.get((platform, plain), ()) if entry.counts(day)]
        for name, entry in self.beginnings.get(platform, ()):
            if plain.startswith(entry.target) and entry.counts(day):
                found.append(name)
        return frozenset(found)


def compile_targets(lists: Mapping[str, Iterable[Listed]], digest: str) -> Targets:
    """The index of lists by their names."""
    whole: dict[tuple[str, str], list[tuple[str, Listed]]] = defaultdict(list)
    beginnings: dict[str, list[tuple[str, Listed]]] = defaultdict(list)
    for name, entries in lists.items():
        for entry in entries:
            plain = plain_target(entry.target)
            if plain.endswith("*"):
                start = Listed(entry.platform, plain[:-1], entry.since, entry.until)
                beginnings[entry.platform].append((name, start))
            else:
                whole[entry.platform, plain].append((name, entry))
    return Targets(
        frozenset(lists),
        digest,
        {key: tuple(entries) for key, entries in whole.items()},
        {key: tuple(entries) for key, entries in beginnings.items()},
    )
