"""What people sent in earlier steps, kept until it is published: an upload until its post, a draft until it goes out.

Bounded in things, in characters and in time, for all and for each owner, so that nobody can push another's out alone.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gerbang.model import Activity, Earlier
from gerbang.recognition.earlier import Find, Thing, after, followed, goes_on_from, ids_of, merged
from gerbang.wire.streamed import Running, Sent

LIMIT: Final = 5000  # things in all
OWN_LIMIT: Final = 500  # things of one officer, or of one client where the officer is unknown
ROOM: Final = 16 << 20  # characters of words, and of files' names, in all
OWN_ROOM: Final = 2 << 20  # characters of one owner's
EACH: Final = 128  # what each text and each file counts beside its characters: thousands of one letter take room too
NAMES: Final = 8  # ids by which one thing is found
# X drops an upload that no post uses after a day, Instagram a container.
KEPT_FOR: Final = timedelta(hours=24)

type Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """What the record still tells of one step: whose it was, where, under which ids, and how long it counts."""

    owner: str
    platform: str
    place: str
    ids: tuple[str, ...]
    earlier: Earlier
    until: datetime


@dataclass(slots=True)
class _Entry:
    thing: Thing
    until: datetime
    keys: list[Key] = field(default_factory=list)

    @property
    def owner(self) -> str:
        return self.keys[0][0]

    @property
    def room(self) -> int:
        """Characters of its words, and of what its files are called: one request may name hundreds, at length."""
        earlier = self.thing.earlier
        named = (len(word) for one in earlier.media for word in (one.id, one.type, one.name) if word)
        said = sum(len(text.value) + len(text.field) for text in earlier.texts)
        return said + sum(named) + EACH * (len(earlier.texts) + len(earlier.media))


class PartsBook:
    """Things by owner, platform, place and id. The place is a host where ids count for that host only, else empty."""

    def __init__(
        self, limit: int = LIMIT, own_limit: int = OWN_LIMIT, room: int = ROOM, own_room: int = OWN_ROOM
    ) -> None:
        self._limit, self._own_limit, self._room, self._own_room = limit, own_limit, room, own_room
        self._by_key: dict[Key, _Entry] = {}
        self._all: OrderedDict[int, _Entry] = OrderedDict()
        self._owned: dict[str, OrderedDict[int, _Entry]] = {}
        self._taken = 0
        self._taken_by: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._all)

    @property
    def taken(self) -> int:
        """Characters of words and of files' names that are kept."""
        return self._taken

    def find(self, owner: str, platform: str, place: str, moment: datetime) -> Find:
        """A look-up for one owner's act. It changes nothing, so another thread may use it."""

        def found(identity: str) -> Earlier | None:
            entry = self._by_key.get((owner, platform, place, identity))
            return entry.thing.earlier if entry is not None and moment < entry.until else None

        return found

    def goes_on_from(self, owner: str, place: str, activity: Activity, moment: datetime) -> Running | None:
        """What the bytes of a step go on from, where they are the next."""
        entry = next(self._entries(self._keys(owner, place, activity, ()), moment), None)
        return goes_on_from(entry.thing if entry else None, activity)

    def learn(
        self,
        owner: str,
        place: str,
        activity: Activity,
        number: str | None,
        gives: Sequence[str],
        moment: datetime,
        sent: Sent | None = None,
    ) -> Thing | None:
        """Keep what a step that went out says of what its ids stand for; gives what is known then."""
        keys = self._keys(owner, place, activity, gives)
        if not keys:
            return None
        known = {id(entry): entry for entry in self._entries(keys, moment)}
        thing = after(merged([entry.thing for entry in known.values()] or [Thing()]), activity, number, sent)
        names = [*dict.fromkeys([*(key for entry in known.values() for key in entry.keys), *keys])]
        self.put(names, thing, moment + KEPT_FOR)
        return thing

    def restore(self, steps: Iterable[Restored]) -> None:
        """Take over what a gate that starts again has learned from its journal, oldest first."""
        for step in steps:
            keys: list[Key] = [(step.owner, step.platform, step.place, identity) for identity in step.ids]
            known = {id(entry): entry for key in keys if (entry := self._by_key.get(key)) is not None}
            names = [*dict.fromkeys([*(key for entry in known.values() for key in entry.keys), *keys])]
            before = merged([entry.thing for entry in known.values()] or [Thing()]).earlier
            self.put(names, Thing(followed(before, step.earlier)), step.until)

    def put(self, keys: Sequence[Key], thing: Thing, until: datetime) -> None:
        entry = _Entry(thing, until, [*keys[: NAMES - 1], keys[-1]] if len(keys) > NAMES else [*keys])
        for key in keys:
            if (old := self._by_key.get(key)) is not None:
                self._remove(old)
        for key in entry.keys:
            self._by_key[key] = entry
        owner = entry.owner
        self._all[id(entry)] = entry
        own = self._owned.setdefault(owner, OrderedDict())
        own[id(entry)] = entry
        self._taken += entry.room
        self._taken_by[owner] = self._taken_by.get(owner, 0) + entry.room
        while len(own) > self._own_limit or self._taken_by.get(owner, 0) > self._own_room:
            self._remove(next(iter(own.values())))
        while len(self._all) > self._limit or self._taken > self._room:
            self._remove(next(iter(self._all.values())))

    @staticmethod
    def _keys(owner: str, place: str, activity: Activity, gives: Sequence[str]) -> list[Key]:
        return [(owner, activity.platform, place, identity) for identity in ids_of(activity, gives)[:NAMES]]

    def _entries(self, keys: Iterable[Key], moment: datetime) -> Iterator[_Entry]:
        for key in keys:
            entry = self._by_key.get(key)
            if entry is not None and moment < entry.until:
                yield entry

    def _remove(self, entry: _Entry) -> None:
        del self._all[id(entry)]
        own = self._owned[entry.owner]
        del own[id(entry)]
        self._taken -= entry.room
        self._taken_by[entry.owner] -= entry.room
        if not own:
            del self._owned[entry.owner]
            del self._taken_by[entry.owner]
        for key in entry.keys:
            if self._by_key.get(key) is entry:
                del self._by_key[key]
