"""What is written down once in a while, since it comes again and again: visits, and connections that are not opened."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gerbang.gate.decisions import owner
from gerbang.model import Decision, Kind

# A visit is written down once in this time for an officer and a platform, and a connection that is not opened for an
# officer and a host; where nobody is known, for an address.
ONCE_IN: Final = {Kind.VIEW: timedelta(minutes=30), Kind.USE: timedelta(minutes=1)}
# The same of messages on a WebSocket that are sealed, or that nobody can read: a page sends many by itself.
ONCE_ON_SOCKET: Final = {Kind.USE: timedelta(minutes=30), Kind.WRITE: timedelta(minutes=30)}
# Hosts of one officer or address that are written down in that minute one by one. A device can make up any name below
# a listed one; those beyond share a line a platform.
HOSTS_A_MINUTE = 60
SEEN = 20_000


@dataclass(frozen=True, slots=True)
class Again:
    """By what a decision is the same as an earlier one, and for how long."""

    key: tuple[object, ...]
    once_in: timedelta


class OnceBook:
    """The numbers under which such decisions stand in the journal."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[object, ...], tuple[str, datetime]] = OrderedDict()
        self._hosts: OrderedDict[str, tuple[datetime, set[str]]] = OrderedDict()

    def again(self, decision: Decision, *, on_socket: bool) -> Again | None:
        """`None` where each decision of its kind has a line of its own."""
        activity, whose = decision.activity, owner(decision.actor)
        once_in = (ONCE_ON_SOCKET if on_socket else ONCE_IN).get(activity.kind)
        if once_in is None:
            return None
        rules = frozenset((match.rule, match.in_force, match.released_by) for match in decision.matches)
        host = self._host_of(whose, activity.host, decision.moment) if activity.kind is Kind.USE else ""
        return Again((whose, activity.platform, activity.kind, decision.effect, rules, host, on_socket), once_in)

    def number(self, again: Again, decision: Decision) -> str | None:
        """The number of the line that says the same already."""
        number, moment = self._seen.get(again.key, ("", decision.moment))
        return number if number and moment <= decision.moment < moment + again.once_in else None

    def note(self, again: Again, decision: Decision) -> None:
        """The decision has a line now."""
        self._seen[again.key] = (decision.number, decision.moment)
        while len(self._seen) > SEEN:
            self._seen.popitem(last=False)

    def _host_of(self, whose: str, host: str, moment: datetime) -> str:
        """The host by which a connection is told from others; none beyond so many in a minute."""
        since, hosts = self._hosts.pop(whose, (moment, set()))
        if not since <= moment < since + ONCE_IN[Kind.USE]:
            since, hosts = moment, set()
        if len(hosts) < HOSTS_A_MINUTE:
            hosts.add(host)
        self._hosts[whose] = (since, hosts)
        while len(self._hosts) > SEEN:
            self._hosts.popitem(last=False)
        return host if host in hosts else ""
