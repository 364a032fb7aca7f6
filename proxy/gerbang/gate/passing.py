"""Time passes: what was let go and is still open is judged again, and ended where it would not be let go now.

A tunnel was judged when it opened, a WebSocket when it was asked for, a live stream when it began. When office hours
begin, a stated purpose ends, or another policy or register is taken, they are looked at again; what is refused now is
written down as a decision of its own, and closed within a minute.

A film comes from a content network, whose connections are no act and are not written down. On a device that is not
opened they are closed, and not opened anew, together with those of the platform that the device has just used; where
nobody has used the platform, they carry somebody else's page and stay.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import structlog
from mitmproxy import http
from mitmproxy.connection import Client

from gerbang.answers.on_socket import closed_with
from gerbang.answers.reply import neutral
from gerbang.answers.words import preferred
from gerbang.errors import RecordError
from gerbang.gate.admission import Admission
from gerbang.gate.clock import Clock
from gerbang.gate.decisions import owner
from gerbang.gate.guard import Guard
from gerbang.gate.judging import REFUSING, Holder, Judge, Verdict
from gerbang.gate.passage import Passage, passage_of, write_response
from gerbang.gate.plain import plain
from gerbang.gate.socket_layer import SocketOver
from gerbang.gate.sockets import CODES
from gerbang.gate.stream import StreamOver
from gerbang.model import Activity, Actor, Decision, Gap, Kind, Release, Request

log = structlog.get_logger()

LOOK: Final = 5.0  # seconds between looks
RECHECK: Final = timedelta(seconds=30)  # at the latest; what else a decision rests on may end without a word
SLICE: Final = 20  # judged without a pause for requests that wait
USED: Final = timedelta(minutes=30)  # for which a device's content networks go the way of the platform it used
USERS: Final = 20_000  # devices and platforms of which it is known that they were used
CONTENT_ROLE: Final = "cdn"
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Handlers(Protocol):
    """mitmproxy's open client connections, by their ids."""

    def get(self, key: str) -> Any: ...


@dataclass(slots=True, eq=False)
class Open:
    """Something that was let go and is still open. `judged` is when it was last, in which `world`, for whom."""

    client: Client
    request: Request
    activities: tuple[Activity, ...]
    actor: Actor
    due: datetime
    world: object
    content: bool = False
    flow: http.HTTPFlow | None = None
    kept: tuple[Release, ...] = ()
    gaps: tuple[Gap, ...] | None = None


class Passing:
    """What one gate has let go and is still open. Used from one event loop."""

    def __init__(
        self,
        judge: Judge,
        admission: Admission,
        holder: Holder,
        guard: Guard,
        counts: Counter[str],
        clock: Clock,
        gate_url: str,
        unopened: Callable[[Actor, str], tuple[Gap, ...]],
    ) -> None:
        self._judge = judge
        self._admission = admission
        self._holder = holder
        self._guard = guard
        self._counts = counts
        self._clock = clock
        self._gate_url = gate_url
        self._unopened = unopened
        self._handlers: Handlers | Mapping[str, Any] = {}
        self._tunnels: WeakKeyDictionary[Client, dict[str, Open]] = WeakKeyDictionary()
        self._flows: dict[http.HTTPFlow, Open] = {}
        self._used: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def attach(self, handlers: Handlers) -> None:
        self._handlers = handlers

    # ------------------------------------------------------------ what is let go

    def tunnel(self, client: Client, host: str, actor: Actor, gaps: Sequence[Gap]) -> None:
        """A connection to a listed host that is not opened was let go."""
        platform = self._platform(host)
        if platform is None:
            return
        self._note_use(actor, platform)
        activity = Activity(platform, Kind.USE, host, gaps=tuple(gaps))
        self._add(client, host, Open(client, _connect(host), (activity,), actor, *self._now(), gaps=tuple(gaps)))

    def content(self, client: Client, host: str, actor: Actor) -> bool:
        """Whether a connection to a platform's content network may open, on a device that is not opened.

        Where it may, it is known from then on.
        """
        platform = self._platform(host)
        if platform is None:
            return True
        act = (Activity(platform, Kind.USE, host, gaps=(Gap("encrypted"),)),)
        opened = Open(client, _connect(host), act, actor, *self._now(), content=True)
        if self._goes_with_what_is_refused(opened):
            self._counts["content-refused"] += 1
            return False
        self._add(client, host, opened)
        return True

    def left(self, client: Client) -> None:
        for each in self._tunnels.pop(client, {}).values():
            if not each.content:
                self._note_use(each.actor, each.activities[0].platform)

    def stream(self, flow: http.HTTPFlow, passage: Passage, request: Request, decisions: Sequence[Decision]) -> None:
        """A WebSocket that is an act, or a body without an end, was let go by decisions.

        What was confirmed for a post covers it to its end; what was stated for a visit, as long as that runs.
        """
        who, client = passage.actor.officer, passage.actor.client
        kept = tuple(
            Release(
                match.released_by, frozenset({match.rule}), decision.activity.platform, NEVER,
                officer=who.id if who else None, client=client,
            )
            for decision in decisions
            if decision.activity.kind is not Kind.USE
            for match in decision.matches
            if match.released_by is not None
        )  # fmt: skip
        acts = tuple(decision.activity for decision in decisions)
        if acts:
            self._flows[flow] = Open(flow.client_conn, request, acts, passage.actor, *self._now(), flow=flow, kept=kept)

    def over(self, flow: http.HTTPFlow) -> None:
        self._flows.pop(flow, None)

    # ------------------------------------------------------------ looking again

    async def watch(self) -> None:
        """Look at what is open, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.look()
            except Exception as error:
                self._guard.caught("passing", error)

    async def look(self) -> None:
        """Judge again what is due, and end what is refused now."""
        for number, client in enumerate(self._admission.with_tunnels()):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if self._admission.actor(client) is None and (handler := self._handlers.get(client.id)) is not None:
                # Whoever opened it is not known any more, where somebody has to be.
                self._counts["ended-unknown"] += 1
                if (transport := handler.transports.get(client)) and transport.handler:
                    transport.handler.cancel("nobody is known")
        standing = [each for hosts in tuple(self._tunnels.values()) for each in hosts.values()]
        # A film goes the way of its platform, which therefore comes first.
        standing.sort(key=lambda each: each.content)
        for number, each in enumerate((*standing, *self._flows.values())):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            try:
                await self._look_at(each)
            except Exception as error:
                self._guard.caught("passing", error)
                self._close(each, None)  # nothing goes on that nobody could judge

    async def _look_at(self, each: Open) -> None:
        if not self._is_open(each):
            return  # it was left while others were looked at: nothing is ended, and nothing to be written down
        actor = self._actor(each)
        now, world = self._clock(), self._holder.world
        if now < each.due and world is each.world and actor == each.actor:
            return
        if actor is None:
            self._close(each, None)
            return
        each.actor, each.world = actor, world
        if each.content:
            if self._goes_with_what_is_refused(each):
                self._close(each, None)
            each.due = now + RECHECK
            return
        if each.gaps is not None and self._unopened(actor, each.request.host) != each.gaps:
            # It would be opened now, or is not exempted any more.
            self._close(each, None)
            return
        decisions = self._judge.again(each.activities, actor, each.kept)
        if all(decision.effect not in REFUSING for decision in decisions):
            if each.gaps is not None:
                self._note_use(actor, each.activities[0].platform)
            changes = [decision.hours.until for decision in decisions if decision.hours.until]
            each.due = min((now + RECHECK, *changes))
            return
        try:
            verdict = await self._judge.ended(each.request, each.activities, actor, each.kept)
        except RecordError as error:
            self._counts["journal-unavailable"] += 1
            log.error("journal-unavailable", error=str(error), of="what was open, which is closed all the same")
            self._close(each, None)
            return
        if verdict.refused is not None:
            self._close(each, verdict)

    def _is_open(self, each: Open) -> bool:
        if each.flow is not None:
            return self._flows.get(each.flow) is each
        return self._tunnels.get(each.client, {}).get(each.request.host) is each

    def _actor(self, each: Open) -> Actor | None:
        """Who is at the other end by now."""
        if each.flow is not None and not self._admission.has_tunnel(each.client):
            return self._admission.now(each.actor, each.client)
        return self._admission.actor(each.client)

    def _goes_with_what_is_refused(self, each: Open) -> bool:
        """Whether a content network's connection belongs to the use of a platform that would be refused now."""
        last = self._used.get((owner(each.actor), each.activities[0].platform))
        if last is None or self._clock() - last > USED:
            return False
        return any(decision.effect in REFUSING for decision in self._judge.again(each.activities, each.actor))

    # ------------------------------------------------------------ ending

    def _close(self, each: Open, verdict: Verdict | None) -> None:
        if each.content:
            self._counts["ended-content"] += 1
        else:
            self._counts["ended"] += 1
        handler = self._handlers.get(each.client.id)
        if each.flow is None:
            self._tunnels.get(each.client, {}).pop(each.request.host, None)
            if handler is not None and (transport := handler.transports.get(each.client)) and transport.handler:
                transport.handler.cancel("its time is over")
            return
        self.over(each.flow)
        if (passage := passage_of(each.flow)) is not None:
            # What the gate says in the platform's place is no outcome.
            for decision in passage.forwarded:
                self._judge.never_arrived(decision)
            passage.forwarded = passage.kept = ()
        if handler is None:
            return
        if each.flow.websocket is not None:
            event: Any = SocketOver(each.flow, self._goodbye(each, verdict))
        else:
            reply = verdict.reply if verdict is not None and verdict.reply is not None else plain("fault")
            event = StreamOver(each.flow, write_response(reply))
        task = asyncio.get_running_loop().create_task(handler.server_event(event))
        task.add_done_callback(self._told)

    def _told(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._guard.caught("passing", error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _goodbye(self, each: Open, verdict: Verdict | None) -> tuple[int, str]:
        refused = verdict.refused if verdict is not None else None
        reason = neutral(refused) if refused is not None else "fault"
        language = preferred(each.request.header("Accept-Language"))
        return CODES[reason], closed_with(reason, language, self._gate_url, refused)

    # ------------------------------------------------------------ small things

    def _now(self) -> tuple[datetime, object]:
        """When something that opens now is due, and the world that it was judged in. The next look finds its end."""
        return self._clock(), self._holder.world

    def _add(self, client: Client, host: str, opened: Open) -> None:
        self._tunnels.setdefault(client, {})[host] = opened

    def _platform(self, host: str) -> str | None:
        world = self._holder.world
        role = world.platforms.at(host)
        return None if role is None or world.protected.covers(host) else role.platform

    def _note_use(self, actor: Actor, platform: str) -> None:
        key = (owner(actor), platform)
        self._used[key] = self._clock()
        self._used.move_to_end(key)
        if len(self._used) > USERS:
            self._used.popitem(last=False)


def _connect(host: str) -> Request:
    return Request("CONNECT", host, "", body=b"")
