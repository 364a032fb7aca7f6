"""One person's requests in a row, with what the platform answered: what a later one is with what went before. Pure.

The gate keeps the same in a bounded book; this is for cases and recordings, which are short.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gerbang.model import Activity, Earlier, Request
from gerbang.recognition.earlier import Thing, after, goes_on_from, ids_of, joined, merged, place_of
from gerbang.recognition.matcher import Platforms
from gerbang.recognition.outcome import outcome
from gerbang.recognition.recognise import Recognition
from gerbang.wire.streamed import Fields, Running, Sent, Streamed


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform answered."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Series:
    """What was sent so far. Requests are known by the numbers that their sender gives them."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms
        self._things: dict[tuple[str, str, str], Thing] = {}
        self._names: dict[int, list[tuple[str, str, str]]] = {}

    def with_earlier(self, activity: Activity) -> Activity:
        """The act with what was sent before it."""
        return joined(activity, lambda identity: self._find(activity, identity))

    def goes_out(self, request: Request, found: Recognition, answer: Answer, number: str) -> None:
        """A request was let through, and the platform has answered."""
        for activity in (*found.activities, *found.kept):
            seen = outcome(activity, answer.status, answer.headers, answer.body, self._platforms)
            if seen.accepted is not False:
                step = self.with_earlier(activity)
                self._learn(step, number, seen.gives, self._digested(request, step))

    def _find(self, activity: Activity, identity: str) -> Earlier | None:
        thing = self._things.get(self._key(activity, identity))
        return thing.earlier if thing else None

    def _key(self, activity: Activity, identity: str) -> tuple[str, str, str]:
        return activity.platform, place_of(activity, self._platforms), identity

    def _learn(self, activity: Activity, number: str, gives: Sequence[str], sent: Sent | None) -> None:
        keys = [self._key(activity, identity) for identity in ids_of(activity, gives)]
        known = {id(thing): thing for key in keys if (thing := self._things.get(key)) is not None}
        thing = after(merged([*known.values()] or [Thing()]), activity, number, sent)
        names = [*dict.fromkeys([*(name for each in known for name in self._names.pop(each)), *keys])]
        self._names[id(thing)] = names
        self._things.update(dict.fromkeys(names, thing))

    def _digested(self, request: Request, activity: Activity) -> Sent | None:
        step = activity.step
        if not request.body or step is None or (step.part is None and step.offset is None):
            return None

        def begin(_: Fields) -> Running | None:
            thing = next((self._things[key] for key in self._keys(activity) if key in self._things), None)
            return goes_on_from(thing, activity)

        streamed = Streamed(request.headers, begin)
        streamed(request.body)
        return streamed.sent()

    def _keys(self, activity: Activity) -> list[tuple[str, str, str]]:
        return [self._key(activity, identity) for identity in ids_of(activity)]
