"""Which doors a zone has, and who is known by them."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gerbang.gate.identity.basic import BasicDoor
from gerbang.gate.identity.door import Door, Knock, Outcome, SignIn
from gerbang.gate.identity.downstream import HeaderDoor
from gerbang.gate.identity.htpasswd import Htpasswd
from gerbang.gate.identity.ldap import Ldap
from gerbang.gate.identity.negotiate import NegotiateDoor
from gerbang.gate.identity.sessions import SessionDoor
from gerbang.settings import Settings, Way, ZoneSettings


@dataclass(frozen=True, slots=True)
class Entrance:
    """The doors of one zone, in the order in which its settings name them. `lets_unknown`: nobody need be known."""

    doors: tuple[Door, ...] = ()
    lets_unknown: bool = True

    @property
    def challenges(self) -> tuple[str, ...]:
        return tuple(door.challenge for door in self.doors if door.challenge is not None)

    @property
    def only_asks(self) -> bool:
        """Whether nobody can be known here without being asked."""
        return bool(self.doors) and all(door.challenge is not None for door in self.doors)

    async def known(self, knock: Knock) -> tuple[SignIn, str]:
        """How who knocks fares, and by which way: first where nobody is asked, then where the credentials are for."""
        for door in self.doors:
            if door.challenge is None and (found := await door.check(knock)).outcome is not Outcome.MISSING:
                return found, door.way
        if knock.credentials is not None:
            for door in self.doors:
                if door.challenge is not None and door.speaks(knock.credentials):
                    return await door.check(knock), door.way
        return SignIn(Outcome.MISSING), ""


OPEN: Final = Entrance()


def entrances(settings: Settings, counts: Counter[str]) -> Mapping[str, Entrance]:
    """The entrance of each zone, by its name. `counts` takes what doors count. Raises a `GerbangError`."""
    made: dict[Hashable, Door] = {}
    return {
        zone.name: Entrance(tuple(_doors(settings, zone, made, counts)), lets_unknown=zone.lets_unknown)
        for zone in settings.zones
    }


def every_door(entrances: Iterable[Entrance]) -> tuple[Door, ...]:
    """Each door once: several zones may share one."""
    return tuple({id(door): door for entrance in entrances for door in entrance.doors}.values())


def _doors(settings: Settings, zone: ZoneSettings, made: dict[Hashable, Door], counts: Counter[str]) -> Iterator[Door]:
    """The doors of a zone; `made` are those that another zone has already, by what they rest on."""
    for way in zone.sign_in:
        key, make = _resting(way, settings, zone, counts)
        if key not in made:
            made[key] = make()
        yield made[key]


def _resting(
    way: Way, settings: Settings, zone: ZoneSettings, counts: Counter[str]
) -> tuple[Hashable, Callable[[], Door]]:
    """What a door of a zone rests on, and how it is made."""
    match way:
        case "htpasswd":
            file = zone.htpasswd or Path()
            return (way, file), lambda: BasicDoor(Htpasswd(file))
        case "ldap":
            return (way,), lambda: BasicDoor(Ldap(settings.ldap))
        case "session":
            return way, lambda: SessionDoor(settings.feeds_folder)
        case "header":
            return way, HeaderDoor
        case "kerberos":
            return (way,), lambda: NegotiateDoor(settings.kerberos, settings.kerberos_folder, counts)
