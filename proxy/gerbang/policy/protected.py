"""Protected recipients: what goes to them is neither judged nor recorded.

A person may report to the anti-corruption agency, the police, a union or counsel without the gate
standing in between (Whistleblower Protection Act 2010 [Akta 711]).
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from gerbang.documents import Part, read_yaml, refuse, shown, validated
from gerbang.policy.conditions import plain_target
from gerbang.policy.document import Listed, Name, Said, Word
from gerbang.policy.rules import Words


class RecipientEntry(Part):
    id: Name
    title: Said
    hosts: Listed[Word] | None = None
    targets: dict[Name, Listed[Word]] = Field(default_factory=dict)


class ProtectedShape(Part):
    protected: Annotated[tuple[RecipientEntry, ...], BeforeValidator(lambda value: value or []), Field(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Protected:
    """The recipients, as an index. A host covers the names under it too."""

    recipients: tuple[tuple[str, Words], ...] = ()
    hosts: frozenset[str] = frozenset()
    targets: frozenset[tuple[str, str]] = frozenset()

    def covers(self, host: str, platform: str | None = None, target: str | None = None) -> bool:
        """Whether what is sent to this host, or to this target on the platform, is none of the gate's business."""
        if platform is not None and target is not None and (platform, plain_target(target)) in self.targets:
            return True
        name = host.lower().rstrip(".")
        while name:
            if name in self.hosts:
                return True
            name = name.partition(".")[2]
        return False


def parse_protected(text: str, file: str) -> Protected:
    """The recipients from their YAML; raises `DocumentErrors`."""
    tree = read_yaml(text, file)
    shape = validated(ProtectedShape, tree)
    errors = []
    for number, entry in enumerate(shape.protected):
        if not entry.hosts and not entry.targets:
            errors.append(
                tree.error(
                    ("protected", number), f"recipient `{entry.id}` has neither hosts nor targets", "add `hosts: ...`"
                )
            )
        for index, host in enumerate(entry.hosts or ()):
            # One label would protect a whole top-level domain.
            if "." not in host or not all(_label(part) for part in host.split(".")):
                errors.append(
                    tree.error(
                        ("protected", number, "hosts", index),
                        f"`{shown(host)}` is no host",
                        "write a name with a dot, without scheme, port or `*`; names under it are covered too",
                    )
                )
    refuse(errors)
    entries = shape.protected
    return Protected(
        recipients=tuple((entry.id, entry.title.words()) for entry in entries),
        hosts=frozenset(host.lower() for entry in entries for host in entry.hosts or ()),
        targets=frozenset(
            (platform, plain_target(target))
            for entry in entries
            for platform, names in entry.targets.items()
            for target in names
        ),
    )


def _label(part: str) -> bool:
    return 0 < len(part) <= 63 and part.isascii() and part.replace("-", "").isalnum()
