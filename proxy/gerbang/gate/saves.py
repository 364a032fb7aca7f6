"""What an editor saves by itself: the last decision for each thing that is edited, so that what is unchanged is let
go, or refused, without another line of the record.

Bounded for all and for each owner; what is pushed out is decided and written down again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gerbang.gate.decisions import owner
from gerbang.model import Decision
from gerbang.pipeline import Grounds, grounds

LIMIT: Final = 10_000  # things that are edited, of all officers and addresses together
OWN_LIMIT: Final = 200  # of one officer, or of one address where nobody is known
UNCHANGED_FOR: Final = 1800  # seconds

type Place = tuple[str, str, str, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Save:
    """The last decision on a thing: its number and moment, on what it rested, and whether it went out."""

    number: str
    moment: datetime
    grounds: Grounds
    let_go: bool


class SaveBook:
    """Saves by what is edited, those decided last kept."""

    def __init__(self, limit: int = LIMIT, own_limit: int = OWN_LIMIT) -> None:
        self._limit, self._own_limit = limit, own_limit
        self._all: OrderedDict[Place, Save] = OrderedDict()
        self._owned: dict[str, OrderedDict[Place, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def unchanged(self, decision: Decision) -> Save | None:
        """The last decision on the same thing, where nothing that it rested on is another now."""
        save = self._all.get(_place(decision))
        if save is None or not save.moment <= decision.moment < save.moment + timedelta(seconds=UNCHANGED_FOR):
            return None
        return save if save.grounds == grounds(decision) else None

    def add(self, decision: Decision, *, let_go: bool) -> None:
        place = _place(decision)
        self._remove(place)
        own = self._owned.setdefault(place[0], OrderedDict())
        own[place] = None
        self._all[place] = Save(decision.number, decision.moment, grounds(decision), let_go)
        if len(own) > self._own_limit:
            self._remove(next(iter(own)))
        while len(self._all) > self._limit:
            self._remove(next(iter(self._all)))

    def forget(self, decision: Decision) -> None:
        """The platform did not take what this decision let go: the same is decided and written down again."""
        save = self._all.get(place := _place(decision))
        if save is not None and save.number == decision.number:
            self._remove(place)

    def _remove(self, place: Place) -> None:
        if self._all.pop(place, None) is None:
            return
        own = self._owned[place[0]]
        del own[place]
        if not own:
            del self._owned[place[0]]


def _place(decision: Decision) -> Place:
    activity, account = decision.activity, decision.activity.account
    whose = owner(decision.actor)
    return whose, activity.platform, activity.signature, account.id, account.handle, activity.target
