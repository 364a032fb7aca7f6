"""From a request to what becomes of it: recognised, judged, written down, and only then let go or answered.

No mitmproxy here. Where the journal cannot take a line, `JournalUnavailable` comes out and nothing may be forwarded
that needed one.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter_ns
from typing import Any, Protocol
from urllib.parse import urlencode

import structlog

from gerbang.answers.reply import HELD, notice_first, refuse, too_large
from gerbang.errors import RecordError
from gerbang.gate.clock import Clock
from gerbang.gate.decisions import DecisionBook, owner, visited
from gerbang.gate.figures import Figures
from gerbang.gate.notices import NoticeBook
from gerbang.gate.once import OnceBook
from gerbang.gate.parts import PartsBook
from gerbang.gate.provenance import provenance
from gerbang.gate.releases import ReleaseBook
from gerbang.gate.saves import Save, SaveBook
from gerbang.model import SOCKET, Activity, Actor, Decision, Effect, Gap, Kind, Media, Release, Reply, Request, Shape
from gerbang.pipeline import MEDIA_NAME, World, excerpts, judge, judge_early
from gerbang.recognition.earlier import Thing, ids_of, joined, place_of
from gerbang.recognition.outcome import outcome
from gerbang.recognition.recognise import Recognition, recognise, recognise_unread
from gerbang.recognition.signature import Platforms
from gerbang.record.event import Done, Event, Part, RecordKeys, decision_event, outcome_event, unclaimed_event
from gerbang.record.number import decision_number
from gerbang.wire.streamed import Fields, Running, Sent, Streamed

log = structlog.get_logger()

# Bodies larger than this are read and judged in a thread, in bytes.
IN_THREAD = 64 << 10
THREADS = 2
# Shapes of unclaimed writes that are counted between two lines of them.
SHAPES = 200
REFUSING = frozenset({Effect.COACH, Effect.APPROVE, Effect.BLOCK})
PASSING = frozenset({Kind.VIEW, Kind.USE, Kind.LOGIN})
# What is written down only where a rule has an opinion on it. Every other activity is.
UNWRITTEN = PASSING | {Kind.WRITE}


class Holder(Protocol):
    """Where the world in force is found; another may stand there at each request."""

    @property
    def world(self) -> World: ...

    @property
    def refused(self) -> str | None:
        """Why changed documents are not in force, `None` where they are."""


class Ledger(Protocol):
    """The journal, as far as the gate needs it."""

    def append(self, event: Event, *, patient: bool = False) -> Future[Any]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request: a reply in the platform's place, or it goes on.

    `read` asks for the body first. `act` is whether any act was recognised; `let_go` are the decisions of one that goes
    on, `forwarded` those of them whose outcome is worth waiting for. `refused` is the one that the reply tells of, and
    `kept` are drafts whose words are worth keeping if the platform takes them. `digested` is a body that was read and
    brings a part of a file. `untold`: the notice comes first.
    """

    reply: Reply | None = None
    read: bool = False
    act: bool = False
    let_go: tuple[Decision, ...] = ()
    forwarded: tuple[Decision, ...] = ()
    refused: Decision | None = None
    kept: tuple[Activity, ...] = ()
    digested: Streamed | None = None
    untold: bool = False


PASS = Verdict()
READ = Verdict(read=True)


class Judge:
    """Judges requests for one gate. Used from one event loop."""

    def __init__(
        self,
        holder: Holder,
        ledger: Ledger,
        keys: RecordKeys,
        clock: Clock,
        gate_url: str,
        decisions: DecisionBook,
        releases: ReleaseBook,
        parts: PartsBook | None = None,
        notices: NoticeBook | None = None,
    ) -> None:
        self._holder = holder
        self._ledger = ledger
        self._keys = keys
        self._clock = clock
        self._gate_url = gate_url
        self._decisions = decisions
        self._releases = releases
        self._parts = parts if parts is not None else PartsBook()
        self._notices = notices
        self.unwritten: Counter[Kind] = Counter()
        self.figures = Figures()
        self._strange: Counter[tuple[str, Shape]] = Counter()
        self._strange_since = clock()
        self._saves = SaveBook()
        self._once = OnceBook()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="judge")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------ the ways in

    async def head(self, request: Request, actor: Actor, began: Platforms | None = None) -> Verdict:
        """What the headers are enough for. `request.body` is `None` where there is a body that nobody read yet.

        `began`, here and below, are the platforms that were in force when the request came.
        """
        started = perf_counter_ns()
        world = self._world(began)
        recognition = recognise(request, world.platforms)
        activities = _unprotected(recognition, request, world)
        if self._untold(actor):
            return READ if recognition.awaits_body else self._notice_first(request, activities, actor, world)
        if not recognition.awaits_body:
            if not activities:
                return self._no_act()
            activities = self._linked(activities, actor, world)
            return await self._settle(request, world, lambda: self._judged(activities, actor, world), started)
        early = [
            judge_early(activity, actor, world, self._clock(), new_number(), awaits_body=True)
            for activity in activities
        ]
        blocked = [decision for decision in early if decision is not None and decision.effect is Effect.BLOCK]
        return await self._settle(request, world, lambda: blocked, started) if blocked else READ

    async def whole(self, request: Request, actor: Actor, began: Platforms | None = None) -> Verdict:
        """What becomes of a request whose body was read."""
        started = perf_counter_ns()
        world, moment = self._world(began), self._clock()
        if self._untold(actor):
            found_only = await asyncio.to_thread(recognise, request, world.platforms)
            return self._notice_first(request, _unprotected(found_only, request, world), actor, world)
        given = (request, actor, world, moment, self._releases.of(actor, moment))
        if request.body is not None and len(request.body) > IN_THREAD:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._threads, self._recognised, *given)
        else:
            found = self._recognised(*given)
        activities, decisions, kept, digested = found
        if not activities:
            return self._no_act(kept)
        # Judged again only where another request has used a release in the meantime.
        ready: list[Sequence[Decision]] = [decisions]
        verdict = await self._settle(
            request, world, lambda: ready.pop() if ready else self._judged(activities, actor, world), started
        )
        if verdict.reply is None and (kept or digested):
            return replace(verdict, kept=kept, digested=digested)
        return verdict

    async def too_large(
        self, request: Request, actor: Actor, size: int | None, began: Platforms | None = None
    ) -> Verdict:
        """A request whose body would tell what it is and is not read: an act is refused, with the gap in its line.

        An upload is one by its headers, and streamed where no rule minds that its form's fields are not read. What
        the headers alone decide never comes here, whatever its size.
        """
        started = perf_counter_ns()
        world = self._world(began)
        head = replace(request, body=None)
        gap = Gap("too-large", "" if size is None else f"{size} bytes announced")
        recognition = recognise_unread(head, gap, world.platforms)
        if self._untold(actor):
            return self._notice_first(request, _unprotected(recognition, request, world), actor, world)
        activities = self._linked(_unprotected(recognition, request, world), actor, world)
        if not activities:
            return self._no_act(_unprotected_drafts(recognition, world))
        if recognition.streams:
            activities = tuple(replace(each, gaps=(*each.gaps, gap)) for each in activities)
        return await self._settle(
            request,
            world,
            lambda: self._judged(activities, actor, world),
            started,
            unread=not recognition.streams,
        )

    async def message_too_large(self, request: Request, actor: Actor, size: int) -> Verdict:
        """A message on a socket of which more came than is read: an act is refused, whatever the policy says of it."""
        started = perf_counter_ns()
        world = self._holder.world
        recognition = recognise_unread(request, Gap("too-large", f"more than {size} bytes"), world.platforms)
        activities = _unprotected(recognition, request, world)
        if not activities:
            return PASS
        if self._untold(actor):
            return self._notice_first(request, activities, actor, world)
        return await self._settle(request, world, lambda: self._judged(activities, actor, world), started, unread=True)

    async def use(self, request: Request, actor: Actor, gaps: Sequence[Gap]) -> Verdict:
        """What becomes of a connection to a listed host that is not opened, or of a request that is not looked into.

        `gaps` say why.
        """
        started = perf_counter_ns()
        world = self._holder.world
        role = world.platforms.at(request.host)
        if role is None or world.protected.covers(request.host):
            return PASS
        activity = Activity(role.platform, Kind.USE, request.host, gaps=tuple(gaps))
        return await self._settle(request, world, lambda: self._judged((activity,), actor, world), started)

    # ------------------------------------------------------------ once more

    def again(self, activities: Sequence[Activity], actor: Actor, kept: Sequence[Release] = ()) -> Sequence[Decision]:
        """What would be decided now of what was let go earlier; `kept` are releases that hold for it to its end.

        Nothing is written down and no release is used up.
        """
        moment = self._clock()
        return _judge_all(activities, actor, self._holder.world, moment, (*self._releases.of(actor, moment), *kept))

    async def ended(
        self, request: Request, activities: Sequence[Activity], actor: Actor, kept: Sequence[Release] = ()
    ) -> Verdict:
        """The same, decided: it is written down, and `refused` where what is open must end."""
        started = perf_counter_ns()
        return await self._settle(request, self._holder.world, lambda: self.again(activities, actor, kept), started)

    # ------------------------------------------------------------ who has not been told yet

    def _untold(self, actor: Actor) -> bool:
        return self._notices is not None and self._notices.holds_back(actor)

    def _notice_first(self, request: Request, activities: Sequence[Activity], actor: Actor, world: World) -> Verdict:
        """What an officer does who has not acknowledged the notice is neither judged nor written down, nor let go."""
        if not activities:
            return self._no_act()
        self.figures.requests["notice"] += 1
        if self._notices is not None and any(act.kind is Kind.VIEW for act in activities):
            self._notices.comes_from(actor, visited(request))
        refusal = world.platforms.refusal(request.host, request.path, activities[0].platform)
        return Verdict(notice_first(request, refusal, self._gate_url), act=True, untold=True)

    # ------------------------------------------------------------ judging

    def _world(self, began: Platforms | None) -> World:
        """The world in force, but for the platforms with which a request that is under way began."""
        world = self._holder.world
        return world if began is None or began is world.platforms else replace(world, platforms=began)

    def _no_act(self, kept: tuple[Activity, ...] = ()) -> Verdict:
        self.figures.requests["no-act"] += 1
        return Verdict(kept=kept) if kept else PASS

    def _recognised(
        self, request: Request, actor: Actor, world: World, moment: datetime, releases: Sequence[Release]
    ) -> tuple[tuple[Activity, ...], Sequence[Decision], tuple[Activity, ...], Streamed | None]:
        """The acts of a request that was read, with their decisions, the drafts in it, and what it brings of a file
        that comes in parts. May run in a thread."""
        recognition = recognise(request, world.platforms)
        activities = self._linked(_unprotected(recognition, request, world), actor, world, moment)
        decisions = _judge_all(activities, actor, world, moment, releases)
        digested = None
        if request.body and any(_in_parts(act) for act in activities):
            digested = self.digesting(request, decisions, world.platforms)
            digested(request.body)
        return activities, decisions, _unprotected_drafts(recognition, world), digested

    def _linked(
        self, activities: tuple[Activity, ...], actor: Actor, world: World, moment: datetime | None = None
    ) -> tuple[Activity, ...]:
        """The acts, each with what was sent in earlier steps by the same person."""
        if all(act.step is None and not act.media for act in activities):
            return activities
        moment, whose = moment or self._clock(), owner(actor)
        return tuple(
            joined(act, self._parts.find(whose, act.platform, place_of(act, world.platforms), moment))
            for act in activities
        )

    def _judged(self, activities: Sequence[Activity], actor: Actor, world: World) -> Sequence[Decision]:
        moment = self._clock()
        return _judge_all(activities, actor, world, moment, self._releases.of(actor, moment))

    async def _settle(
        self,
        request: Request,
        world: World,
        judged: Callable[[], Sequence[Decision]],
        started: int,
        *,
        unread: bool = False,
    ) -> Verdict:
        """Write the decisions down, and say what becomes of the request; `started` is when it was taken up."""
        decisions = self._claimed(judged)
        took = perf_counter_ns() - started
        self.figures.judged.observe(took / 1e9)
        timings = {"judge": took // 1000}
        saves = [self._save(decision, world) for decision in decisions]
        # What went out once does so while nothing about it changes: what was confirmed is not asked at each save.
        anew = [each for each, save in zip(decisions, saves, strict=True) if not (save and save.let_go)]
        if not anew and not unread:
            self._give_back(decisions)
            self.figures.requests["unchanged"] += 1
            return Verdict(act=True)
        strictest = max(anew or decisions, key=lambda decision: decision.effect.rank)
        refused = unread or strictest.effect in REFUSING
        on_socket = request.method == SOCKET
        known = [self._known(each, save, refused) for each, save in zip(decisions, saves, strict=True)]
        written = True
        try:
            settled = await _all(
                self._written(each, refused, timings, on_socket, number)
                for each, number in zip(decisions, known, strict=True)
            )
        except (RecordError, OSError):
            self._give_back(decisions)
            if not all(decision.activity.kind in PASSING for decision in decisions):
                raise
            # No log, no post; but what is no post goes on, and what is refused stays refused.
            settled, written = list(decisions), False
        self.figures.requests["refused" if refused else "sent"] += 1
        fresh = [decision for decision, number in zip(settled, known, strict=True) if number is None]
        for decision in fresh:
            if written and _is_save(decision, world):
                self._saves.add(decision, let_go=not refused)
        if not refused:
            self._give_back([decision for decision in settled if decision not in fresh])
            for decision in fresh:
                self._releases.spend(decision)
                if written and is_written(decision):
                    self._decisions.sent(decision)
            publishing = (d for d in fresh if d.activity.kind not in PASSING and is_written(d))
            return Verdict(act=True, let_go=tuple(settled), forwarded=tuple(publishing))
        self._give_back(decisions)
        shown = settled[decisions.index(strictest)]
        for decision in settled:
            if decision is shown or (written and is_written(decision)):
                self._decisions.add(decision, request)
        refusal = world.platforms.refusal(request.host, request.path, shown.activity.platform)
        judged_unread = unread and shown.effect is not Effect.BLOCK
        if judged_unread:
            return Verdict(too_large(request, refusal, self._gate_url, shown), act=True, refused=shown)
        return Verdict(refuse(request, shown, refusal, self._gate_url), act=True, refused=shown)

    def _save(self, decision: Decision, world: World) -> Save | None:
        """What was decided of the same when its editor saved it before."""
        return self._saves.unchanged(decision) if _is_save(decision, world) else None

    def _known(self, decision: Decision, save: Save | None, refused: bool) -> str | None:
        """The number under which a decision stands in the journal already, where it is the one of an earlier save."""
        if save is None or save.let_go is refused:
            return None
        return save.number if not refused or self._answerable(save.number, decision) else None

    def _claimed(self, judged: Callable[[], Sequence[Decision]]) -> Sequence[Decision]:
        """Decisions that have their single-use releases to themselves."""
        while True:
            decisions = judged()
            for place, decision in enumerate(decisions):
                if not self._releases.claim(decision):
                    self._give_back(decisions[:place])
                    break
            else:
                return decisions

    def _give_back(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self._releases.give_back(decision)

    # ------------------------------------------------------------ writing down

    async def _written(
        self, decision: Decision, refused: bool, timings: Mapping[str, int], on_socket: bool, known: str | None
    ) -> Decision:
        """The decision once its line is durable, with the number under which it stands there.

        `known` is the number of a line that says the same already.
        """
        if known is not None:
            return replace(decision, number=known)
        if decision.activity.unclaimed or decision.activity.gaps:
            self.figures.unseen(decision.activity)
        if not is_written(decision):
            self.unwritten[decision.activity.kind] += 1
            self._count_shape(decision.activity)
            return decision
        again = self._once.again(decision, on_socket=on_socket)
        number = self._once.number(again, decision) if again is not None else None
        # A visit that is held has a form on the gate's pages; a connection has none, and nobody to show it to.
        form = refused and decision.activity.kind is Kind.VIEW
        if number is not None and (not form or self._answerable(number, decision)):
            return replace(decision, number=number)
        done: Done = "forwarded" if not refused else "held" if decision.effect in HELD else "answered"
        event = decision_event(decision, done, excerpts(decision), self._keys, timings)
        await self.append(event)
        self.figures.decisions[decision.effect, decision.activity.kind, decision.activity.platform] += 1
        if again is not None:
            self._once.note(again, decision)
        return decision

    def write(self, event: Event) -> Future[Any]:
        """Have an event written down, from any thread."""
        return self._ledger.append(event)

    async def append(self, event: Event) -> None:
        """Returns when the event is durable. Raises `RecordError` (`JournalUnavailable`)."""
        written = self._ledger.append(event)
        if not written.done():
            loop = asyncio.get_running_loop()
            durable = loop.create_future()
            written.add_done_callback(lambda _: _tell(loop, durable))
            await durable
        written.result()

    def _count_shape(self, activity: Activity) -> None:
        if activity.shape is None:
            return
        key = (activity.platform, activity.shape)
        if key in self._strange or len(self._strange) < SHAPES:
            self._strange[key] += 1

    def tell_unclaimed(self) -> None:
        """Write down how often which shapes of unclaimed writes came since this was last told. Nothing waits for it."""
        if not self._strange:
            return
        counted, since = self._strange, self._strange_since
        self._strange, self._strange_since = Counter(), self._clock()
        event = unclaimed_event(counted, since, self._strange_since, self._keys)
        written = self._ledger.append(event, patient=True)
        written.add_done_callback(_note_uncounted)

    def _answerable(self, number: str, decision: Decision) -> bool:
        """Whether what was refused or held under a number before can be opened and answered for this decision too."""
        known = self._decisions.find(number, decision.actor)
        # Where nobody is known this may be another browser, and what one has opened is shown to no other.
        return known is not None and known.release is None and known.token is None

    # ------------------------------------------------------------ what came of it

    def digesting(self, request: Request, decisions: Sequence[Decision], began: Platforms | None = None) -> Streamed:
        """What digests the body of an act on its way; the bytes of a step go on from those before them."""
        step = next((each for each in decisions if each.activity.step is not None), None)
        if step is None:
            return Streamed(request.headers)

        def begin(fields: Fields) -> Running | None:
            world = self._world(began)
            activity = _filled(step.activity, request, fields, world)
            return self._parts.goes_on_from(
                owner(step.actor), place_of(activity, world.platforms), activity, self._clock()
            )

        return Streamed(request.headers, begin)

    def came_of(
        self,
        decision: Decision,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        sent: Sent | None = None,
        request: Request | None = None,
        began: Platforms | None = None,
    ) -> None:
        """Write down what the platform answered to an act that went out, and keep what later steps may use.

        `sent` is the body that was streamed, `request` the head that it came with.
        """
        world = self._world(began)
        seen = outcome(decision.activity, status, headers, body, world.platforms)
        activity, thing = decision.activity, None
        if seen.accepted is False:
            self.never_arrived(decision)
        if seen.accepted is not False and (activity.step is not None or seen.gives):
            if sent is not None and sent.told and request is not None:
                activity = _filled(activity, request, sent.fields, world)
            thing = self._learn(activity, decision.actor, decision.number, seen.gives, sent, world)
        event = outcome_event(
            decision,
            seen.status,
            seen.accepted,
            seen.id,
            seen.url,
            self._keys,
            sent.body if sent is not None else None,
            _part(thing, activity, seen.gives, world) if thing is not None else None,
        )
        # The platform has answered already: nothing is held back by this line, and so nothing waits for it.
        written = self._ledger.append(event, patient=True)
        written.add_done_callback(lambda future: _note_loss(decision.number, future))

    def never_arrived(self, decision: Decision) -> None:
        """What went out was not taken: the next save of the same is no repetition, and gets a line and an outcome."""
        self._saves.forget(decision)

    def keep(
        self,
        draft: Activity,
        actor: Actor,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        began: Platforms | None = None,
    ) -> None:
        """Keep a draft's words until it is published, if the platform took them. Nothing of it is written down."""
        world = self._world(began)
        seen = outcome(draft, status, headers, body, world.platforms)
        if seen.accepted is not False:
            self._learn(draft, actor, None, seen.gives, None, world)

    def _learn(
        self,
        activity: Activity,
        actor: Actor,
        number: str | None,
        gives: Sequence[str],
        sent: Sent | None,
        world: World,
    ) -> Thing | None:
        # The names of attachments are told anew wherever they go.
        texts = tuple(text for text in activity.texts if text.field != MEDIA_NAME)
        said = replace(activity, texts=texts)
        place = place_of(activity, world.platforms)
        return self._parts.learn(owner(actor), place, said, number, gives, self._clock(), sent)


def _in_parts(activity: Activity) -> bool:
    """Whether this is one of several requests that bring a file."""
    step = activity.step
    return step is not None and (step.part is not None or step.offset is not None)


def _filled(activity: Activity, request: Request, fields: Fields, world: World) -> Activity:
    """An act that was judged by its headers, with what the small fields of its form say besides."""
    if not fields:
        return activity
    headers = tuple((name, value) for name, value in request.headers if name.lower() not in _OF_THE_BODY)
    form = replace(request, headers=(*headers, _FORM), body=urlencode(fields).encode())
    found = (act for act in recognise(form, world.platforms).activities if act.signature == activity.signature)
    return next(found, activity)


_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})
_FORM = ("Content-Type", "application/x-www-form-urlencoded")


def _part(thing: Thing, activity: Activity, gives: Sequence[str], world: World) -> Part:
    """What the record keeps of a step, so that a gate that starts again knows what its ids stand for."""
    media = thing.earlier.media[0] if len(thing.earlier.media) == 1 else Media()
    return Part(ids_of(activity, gives), media.digest, media.size, place_of(activity, world.platforms))


def is_written(decision: Decision) -> bool:
    """Whether a decision gets a line of the journal."""
    return bool(decision.matches) or decision.activity.kind not in UNWRITTEN


def _is_save(decision: Decision, world: World) -> bool:
    """Whether its editor may send the same again by itself. Without words nothing tells whether it is the same."""
    return bool(decision.activity.texts) and world.platforms.autosaved(decision.activity)


async def _all(writing: Iterable[Coroutine[Any, Any, Decision]]) -> list[Decision]:
    """What all of them give, with their lines in one group. The usual one alone needs no task of its own."""
    first, *others = writing
    return list(await asyncio.gather(first, *others)) if others else [await first]


def _tell(loop: asyncio.AbstractEventLoop, durable: "asyncio.Future[None]") -> None:
    """From the journal's thread. `asyncio.wrap_future` copies the result by four more calls, for each request."""
    with suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(_wake, durable)


def _wake(durable: "asyncio.Future[None]") -> None:
    if not durable.done():
        durable.set_result(None)


def _note_uncounted(written: Future[Any]) -> None:
    if error := written.exception():
        log.error("unclaimed-not-recorded", error=str(error))


def _note_loss(number: str, written: Future[Any]) -> None:
    if error := written.exception():
        log.error("outcome-not-recorded", number=number, error=str(error))


def _judge_all(
    activities: Sequence[Activity], actor: Actor, world: World, moment: datetime, releases: Sequence[Release]
) -> Sequence[Decision]:
    return [judge(activity, actor, world, moment, new_number(), releases) for activity in activities]


def new_number() -> str:
    return decision_number(os.urandom(7))


def _unprotected(recognition: Recognition, request: Request, world: World) -> tuple[Activity, ...]:
    """The acts that are the gate's business, with the page that they came from.

    What goes to a protected recipient is neither judged nor written down.
    """
    if not recognition.activities:
        return ()
    came_from = provenance(request)
    return tuple(
        replace(act, provenance=came_from)
        for act in recognition.activities
        if not world.protected.covers(act.host, act.platform, act.target)
    )


def _unprotected_drafts(recognition: Recognition, world: World) -> tuple[Activity, ...]:
    return tuple(act for act in recognition.kept if not world.protected.covers(act.host, act.platform))
