"""The releases that still run, and the single use of those that cover one act.

Where no officer is known, only the browser that opened the decision can get its release, by the cookie of the gate's
own host. A platform's request does not carry that cookie, so what binds the release then is the client's address, and
for content its digest.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

from gerbang.gate.decisions import owner, owner_of
from gerbang.model import Actor, Decision, Release

LIMIT = 10_000
OWN_LIMIT = 50


class ReleaseBook:
    """Releases by the officer or client that they are bound to; bounded, the newest kept."""

    def __init__(self, limit: int = LIMIT, own_limit: int = OWN_LIMIT) -> None:
        self._limit, self._own_limit = limit, own_limit
        self._all: OrderedDict[str, Release] = OrderedDict()
        self._owned: dict[str, list[str]] = {}
        self._claimed: set[str] = set()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, release: Release) -> None:
        """Take up a release. The owner's oldest goes where the owner has too many."""
        self._remove(release.id)
        own = self._owned.setdefault(_bound_to(release), [])
        own.append(release.id)
        self._all[release.id] = release
        if len(own) > self._own_limit:
            self._remove(own[0])
        while len(self._all) > self._limit:
            self._remove(next(iter(self._all)))

    def of(self, actor: Actor, moment: datetime) -> tuple[Release, ...]:
        """Those of an actor that run and are not in use, as `judge` takes them."""
        held = self._owned.get(owner(actor), ())
        running = []
        for number in tuple(held):
            release = self._all[number]
            if release.expires <= moment:
                self._remove(number)
            elif number not in self._claimed:
                running.append(release)
        return tuple(running)

    def claim(self, decision: Decision) -> bool:
        """Take for this decision the single-use releases that it rests on; `False` where another took one first."""
        used = self._used(decision)
        if any(number in self._claimed for number in used):
            return False
        self._claimed.update(used)
        return True

    def spend(self, decision: Decision) -> None:
        """The act went out: what it claimed is used up."""
        for number in self._used(decision):
            self._remove(number)

    def give_back(self, decision: Decision) -> None:
        """The act did not go out after all."""
        self._claimed.difference_update(self._used(decision))

    def _used(self, decision: Decision) -> frozenset[str]:
        named = {match.released_by for match in decision.matches if match.released_by}
        return frozenset(number for number in named if number in self._all and self._all[number].single_use)

    def _remove(self, number: str) -> None:
        release = self._all.pop(number, None)
        self._claimed.discard(number)
        if release is None:
            return
        own = self._owned[_bound_to(release)]
        own.remove(number)
        if not own:
            del self._owned[_bound_to(release)]

    def restore(self, releases: Iterable[Release], used: frozenset[str], moment: datetime) -> None:
        """Take up again what the journal has and what no decision there used."""
        for release in releases:
            if release.expires > moment and not (release.single_use and release.id in used):
                self.add(release)


def _bound_to(release: Release) -> str:
    return owner_of(release.officer, release.client or "")
