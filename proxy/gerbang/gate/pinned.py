"""Hosts whose apps take no certificate but their own, and that an admin exempted for a time: used, but not opened.

Nothing gets here by itself: an app that refuses the gate's certificate is refused, whatever it does.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gerbang.model import Office
from gerbang.settings import PinnedSettings, ZoneSettings


class Pins:
    """The exemptions of each zone. An entry holds to the end of its day, by the clock of the zone's office."""

    def __init__(self, zones: Iterable[ZoneSettings]) -> None:
        self._zones = {zone.name: zone for zone in zones if zone.pinned}

    def reason(self, zone: str, host: str, moment: datetime, offices: Mapping[str, Office]) -> str | None:
        """Why a host is not opened in a zone at a moment, `None` where it is."""
        found = self._zones.get(zone)
        if found is None:
            return None
        today = _today(found, moment, offices)
        return next((pin.reason for pin in found.pinned if covers(pin.host, host) and today <= pin.until), None)

    def expired(self, moment: datetime, offices: Mapping[str, Office]) -> tuple[tuple[str, PinnedSettings], ...]:
        """Zones and their entries that hold no longer: those apps are refused again."""
        return tuple(
            (zone.name, pin)
            for zone in self._zones.values()
            for pin in zone.pinned
            if pin.until < _today(zone, moment, offices)
        )

    def unknown(self, listed: Iterable[str]) -> tuple[tuple[str, PinnedSettings], ...]:
        """Zones and their entries that meet no listed host, and so exempt nothing."""
        hosts = tuple(listed)
        return tuple(
            (zone.name, pin)
            for zone in self._zones.values()
            for pin in zone.pinned
            if not any(_meet(pin.host, host) for host in hosts)
        )


def covers(pattern: str, host: str) -> bool:
    """Whether a host is the one of an entry, or below it.

    >>> covers("*.facebook.com", "graph.facebook.com"), covers("*.facebook.com", "facebook.com")
    (True, False)
    """
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _meet(pattern: str, listed: str) -> bool:
    """Whether an entry and a listed host, which may both be for all below a name, have a host in common."""
    return covers(pattern, listed) or covers(listed, pattern) or pattern == listed


def _today(zone: ZoneSettings, moment: datetime, offices: Mapping[str, Office]) -> date:
    return moment.astimezone(ZoneInfo(offices[zone.office].timezone)).date()
