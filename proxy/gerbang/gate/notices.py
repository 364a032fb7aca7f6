"""Who has acknowledged the notice, as the gates of one state folder remember it together.

The journal is the evidence of it; the feed is what a gate goes by, which lasts as long as a version does.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from gerbang.answers.notice import Notice
from gerbang.gate.decisions import owner
from gerbang.model import Actor, Device
from gerbang.record.event import RecordKeys, pseudonym

FEED: Final = "acknowledged"
BROWSERS: Final = 10_000  # of officers whom nobody knows, remembered
PAGES: Final = 5000  # addresses to which an acknowledgement leads back
KNOWN: Final = 50_000  # officers whose pseudonym is at hand


class NoticeBook:
    """The acknowledgements of the notice in force. `required` is whether nothing is judged before."""

    def __init__(self, notice: Notice, keys: RecordKeys, *, required: bool) -> None:
        self.notice, self.digest = notice, notice.digest
        self.required = required and bool(notice.version)
        self._keys = keys
        self._officers: set[str] = set()
        self._browsers: OrderedDict[str, datetime] = OrderedDict()
        self._pages: OrderedDict[str, str] = OrderedDict()
        self._named = lru_cache(KNOWN)(lambda officer: pseudonym(officer, keys))

    def take(self, records: Iterable[Mapping[str, Any]], *, afresh: bool) -> None:
        """Take up what stands in the feed by now."""
        if afresh:
            self._officers.clear()
            self._browsers.clear()
        for record in records:
            if record.get("version") != self.notice.version or not isinstance(who := record.get("who"), str):
                continue
            if (until := record.get("until")) is None:
                self._officers.add(who)
            else:
                try:
                    self._browsers[who] = datetime.fromisoformat(until)
                except (TypeError, ValueError):
                    continue
                while len(self._browsers) > BROWSERS:
                    self._browsers.popitem(last=False)

    def stands(self, record: Mapping[str, Any], moment: datetime) -> bool:
        """Whether a record of the feed is still worth keeping."""
        if record.get("version") != self.notice.version:
            return False
        until = record.get("until")
        return until is None or datetime.fromisoformat(str(until)) > moment

    def record(self, actor: Actor, token: str | None, moment: datetime, lasts: timedelta) -> dict[str, Any]:
        """What an acknowledgement adds to the feed. Where nobody is known, it is the browser's."""
        if actor.officer is not None:
            return {"version": self.notice.version, "who": self._named(actor.officer.id)}
        until = (moment + lasts).isoformat()
        return {"version": self.notice.version, "who": self._browser(token or ""), "until": until}

    def due(self, actor: Actor, token: str | None, moment: datetime) -> bool:
        """Whether this reader has still to acknowledge the notice."""
        if not self.notice.version:
            return False
        if actor.officer is not None:
            return self._named(actor.officer.id) not in self._officers
        return token is None or self._browsers.get(self._browser(token), moment) <= moment

    def holds_back(self, actor: Actor) -> bool:
        """Whether nothing that this person does is judged, or let through, before the notice is acknowledged."""
        return (
            self.required
            and actor.officer is not None
            and actor.zone.device is Device.MANAGED
            and self._named(actor.officer.id) not in self._officers
        )

    def comes_from(self, actor: Actor, page: str | None) -> None:
        """The visit that the notice stood in the way of."""
        if page is None:
            return
        self._pages[owner(actor)] = page
        self._pages.move_to_end(owner(actor))
        while len(self._pages) > PAGES:
            self._pages.popitem(last=False)

    def leads_to(self, actor: Actor) -> str | None:
        """The page on which to go on, once."""
        return self._pages.pop(owner(actor), None)

    def _browser(self, token: str) -> str:
        return hmac.new(self._keys.pseudonym, b"gerbang.notice.v1\n" + token.encode(), hashlib.sha256).hexdigest()[:32]
