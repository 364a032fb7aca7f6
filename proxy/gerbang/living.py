"""The world of a running gate: it follows the registers, the lists of targets, the calendars, the
policies that come into force, and the platforms."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import structlog

from gerbang.activations import Activation, Activations, Plan, Step
from gerbang.clockings import Clockings, LiveDays
from gerbang.csv_files import FileWatch
from gerbang.errors import DocumentErrors, GerbangError, RecordError, SettingsError
from gerbang.loading import (
    Source,
    calendar_files,
    calendar_sources,
    check_officers,
    compile_pack,
    known_platforms,
    load_world,
    offices_of,
    platform_files,
    policy_folders,
    read_pack,
    tried_calendar,
)
from gerbang.model import Registers
from gerbang.pipeline import World, laid_out
from gerbang.registers import RegisterWatch, load_registers
from gerbang.settings import Settings
from gerbang.target_lists import load_targets, target_files
from gerbang.trying import failed_case, failures_of

log = structlog.get_logger()

type Files = frozenset[tuple[Path, int, int, int]]

POLL_SECONDS = 1.0
TOLD = 5
"""Cases that do not hold which are told of a document that is not taken."""


_GIVES_WAY = 0.0005  # seconds


@contextmanager
def giving_way() -> Iterator[None]:
    """Whatever this thread computes meanwhile, another that is to run waits no longer than half a millisecond for it.

    Else it is five at each turn, and a request takes many turns: fifty thousand officers are read in a second.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_GIVES_WAY)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class LivingWorld:
    """A world that follows the registers, the lists of targets, the activations, the calendars and the platform
    documents: `world` is swapped whole within two seconds of a change, of a document once it stands still.

    What is wrong changes nothing; the log says so once, and what was in force stays in force. Of calendars and platform
    documents `refused` says so too, for as long as that is so.

    A policy that was scheduled is made ready beforehand, and `world` has it from its instant on, by `clock`.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._coming: tuple[datetime, Plan, World] | None = None
        self._ready: tuple[datetime, World] | None = None
        self._documents = DocumentWatch(lambda: platform_files(settings))
        self._calendars = DocumentWatch(lambda: calendar_files(settings))
        self._calendars_found = calendar_sources(settings)
        self._pack = read_pack(settings)
        self.world = load_world(settings, pack=self._pack)
        self._clockings = Clockings(settings.clockings_folder, clock)
        self._clockings.changed()
        self.world = laid_out(replace(self.world, registers=self._with_clockings(self.world.registers)))
        self._refused: dict[str, str] = {}
        self.before_platforms: Callable[[World], None] = lambda _: None
        """What is done before other signatures come into force, with the world that they will be part of."""
        self.before_calendars: Callable[[World], None] = lambda _: None
        """The same before other calendars do."""
        self.before_lists: Callable[[World], None] = lambda _: None
        """The same before other lists of targets do."""
        self.before_planned: Callable[[World, Plan], None] = lambda *_: None
        """The same as a scheduled policy comes into force; it is noted after that."""
        self.before_registers: Callable[[Registers], None] = lambda _: None
        """What is done before other registers come into force; where it raises, they do not."""
        self._settings = settings
        self._watch = RegisterWatch(settings.registers_folder)
        self._lists = FileWatch(lambda: target_files(policy_folders(settings)).values())
        self._lists_refused = False
        self._unseen: dict[str, str] = {}
        self._activations = Activations(settings.state)
        self._stop = Event()
        self._thread = Thread(target=self._follow, name="registers", daemon=True)

    @property
    def refused(self) -> str | None:
        """Why changed documents are not in force, `None` where all are."""
        return "; ".join(self._refused.values()) or None

    @property
    def world(self) -> World:
        """What decides at this moment."""
        ready = self._ready
        return ready[1] if ready is not None and self._clock() >= ready[0] else self._world

    @world.setter
    def world(self, world: World) -> None:
        self._world = world
        coming = self._coming
        self._ready = (coming[0], replace(world, policy=coming[2].policy)) if coming is not None else None

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()

    def _follow(self) -> None:
        while not self._stop.wait(self._pause()):
            for at, changed, take in (
                ("registers", self._watch.changed, self.refresh),
                ("clockings", self._clockings.changed, self.take_clockings),
                ("targets", self._lists.changed, self.take_targets),
                ("calendars", self._calendars.changed, self.take_calendars),
                ("plans", self._plans_changed, self.take_plans),
                ("policy", self._activations.changed, self.take_policy),
                ("platforms", self._documents.changed, self.take_platforms),
            ):
                try:
                    if changed():
                        with giving_way():
                            take()
                    self._unseen.pop(at, None)
                except GerbangError as error:
                    self._cannot_look(at, error)
                except Exception:
                    # A bug of ours costs one look; without this thread everything would stay as it is for good.
                    log.exception("fault-while-following")

    def _pause(self) -> float:
        """Until the next look: a second, or less where a scheduled policy is due before."""
        if self._coming is None:
            return POLL_SECONDS
        left = (self._coming[0] - self._clock()).total_seconds()
        return min(left, POLL_SECONDS) if left > 0 else POLL_SECONDS

    def _plans_changed(self) -> bool:
        due = self._coming is not None and self._clock() >= self._coming[0]
        return self._activations.plans_changed() or due

    def _cannot_look(self, at: str, error: GerbangError) -> None:
        """A folder of the settings is gone or cannot be read. What was in force stays so, and that is said once."""
        why = str(error)
        if at in {"platforms", "calendars"}:
            self._refused[at] = why
        if self._unseen.get(at) != why:
            self._unseen[at] = why
            log.error("documents-out-of-reach", of=at, error=why, in_force="what was taken before")

    def refresh(self) -> None:
        """Take the registers as they are now, if they are right."""
        try:
            fresh = replace(self.world, registers=load_registers(self._settings.registers_folder))
            check_officers(fresh, self._settings)
            self.before_registers(fresh.registers)
        except GerbangError as error:
            if self._unseen.get("refused-registers") != str(error):
                log.error("registers-refused", error=str(error), in_force="the registers as they were")
            if isinstance(error, RecordError):
                # Right, but not to be written down now: looked at again each second, and said once.
                self._watch.look_again()
                self._unseen["refused-registers"] = str(error)
            return
        self._unseen.pop("refused-registers", None)
        self.world = laid_out(replace(fresh, registers=self._with_clockings(fresh.registers)))
        log.info("registers-taken", officers=len(fresh.registers.officers), accounts=len(fresh.registers.accounts))

    def take_clockings(self) -> None:
        """Take who came and went since the last look. The world stays the same one."""
        touched, self._clockings.touched = self._clockings.touched, set()
        own = self.world.registers.own_days
        if isinstance(own, LiveDays):
            own.renew(touched)

    def _with_clockings(self, registers: Registers) -> Registers:
        return replace(registers, own_days=LiveDays(registers.own_days, self._clockings))

    def take_targets(self) -> None:
        """Take the lists of targets as they are now, if they are right."""
        try:
            targets = load_targets(policy_folders(self._settings), known_platforms(self.world.platforms))
            if targets.digest != self.world.targets.digest:
                self.before_lists(replace(self.world, targets=targets))
        except GerbangError as error:
            log.error("targets-refused", error=str(error), in_force="the lists of targets as they were")
            self._lists_refused = True
            return
        self.world, self._lists_refused = replace(self.world, targets=targets), False
        log.info("targets-taken", targets=targets.digest, lists=len(targets.names))

    def take_calendars(self) -> None:
        """Take the calendars as they are now, if they are right and their cases hold: a day off may be announced the
        evening before."""
        in_force = self.world.calendar.digest
        try:
            found = calendar_sources(self._settings)
            _all_there(found, self._calendars_found)
            calendar = tried_calendar(found, self._calendars.differing())
            fresh = replace(self.world, calendar=calendar, offices=offices_of(self._settings, calendar))
            check_officers(fresh, self._settings)
            if calendar.digest != in_force:
                self.before_calendars(fresh)
        except GerbangError as error:
            self._refused["calendars"] = str(error)
            log.error("calendars-refused", error=str(error), in_force=in_force)
            if isinstance(error, RecordError):
                self._calendars.look_again()
            return
        self.world, self._calendars_found = laid_out(fresh), found
        self._refused.pop("calendars", None)
        self._calendars.taken()
        log.info("calendars-taken", calendar=calendar.digest, before=in_force, documents=len(found))

    def take_policy(self) -> None:
        """Take the policy that was activated last, if it is kept whole."""
        try:
            activated = self._activations.read()
            if not activated or activated[-1].digest == self._world.policy.digest:
                return
            policy = self._activations.policy(activated[-1].digest)
        except GerbangError as error:
            log.error("policy-refused", error=str(error), in_force=self.world.policy.digest)
            return
        self.world = replace(self._world, policy=policy)
        log.info("policy-taken", policy=policy.digest)

    def take_plans(self) -> None:
        """Bring what is due into force, and make ready what comes next. Raises a `GerbangError` where what is due
        cannot be written down: it decides all the same, since the journal has it from when it was scheduled."""
        coming: tuple[datetime, Plan, World] | None = None
        for start, plan in self._activations.scheduled():
            if coming is not None:
                break
            now, activated = self._clock(), self._activations.read()
            if activated and start <= activated[-1].moment <= now:
                self._done(plan)
                log.warning("policy-overtaken", policy=plan.digest, start=start.isoformat())
                continue
            try:
                policy = self._activations.policy(plan.digest)
            except GerbangError as error:
                if self._unseen.get(plan.digest) != str(error):
                    self._unseen[plan.digest] = str(error)
                    log.error("policy-refused", error=str(error), in_force=self._world.policy.digest)
                continue
            if start > now:
                coming = start, plan, replace(self._world, policy=policy)
                continue
            fresh = replace(self._world, policy=policy)
            self._coming = start, plan, fresh
            self.world = self._world
            self.before_planned(fresh, plan)
            self._activations.note(Activation(start, plan.digest, plan.documents))
            self._done(plan)
            self._coming = None
            self.world = fresh
            log.info("policy-taken", policy=policy.digest)
        self._coming = coming
        self.world = self._world

    def _done(self, plan: Plan) -> None:
        self._activations.plan(replace(plan, moment=self._clock(), step=Step.DONE))

    def take_platforms(self) -> None:
        """Take the platform documents as they are now, if they are right and their cases hold."""
        in_force = self.world.platforms.digest
        try:
            pack = read_pack(self._settings, self._pack)
            _all_there(pack.found, self._pack.found)
            platforms = compile_pack(pack, self._settings)
            if failed := failures_of(pack, self._documents.differing()):
                raise DocumentErrors([failed_case(one) for one in failed[:TOLD]])
            fresh = replace(self.world, platforms=platforms)
            if platforms.digest != in_force:
                self.before_platforms(fresh)
        except GerbangError as error:
            self._refused["platforms"] = str(error)
            log.error("platforms-refused", error=str(error), in_force=in_force)
            if isinstance(error, RecordError):
                self._documents.look_again()
            return
        self.world, self._pack = fresh, pack
        self._refused.pop("platforms", None)
        self._documents.taken()
        log.info("platforms-taken", platforms=platforms.digest, before=in_force, documents=len(pack.documents))
        if self._lists_refused:
            self.take_targets()  # they may name a platform that came only now


def _all_there(found: Iterable[Source], before: Iterable[Source]) -> None:
    """Raises `SettingsError` where a folder is gone with all its documents: a disk that is away, or somebody who is
    putting another in its place. What it listed would pass unseen."""
    found, before = tuple(found), tuple(before)
    left = {source.file.parent for source in found}
    for folder in sorted({source.file.parent for source in before} - left):
        if not folder.is_dir():
            what = f"the folder `{folder}` is gone, from which documents are in force"
            raise SettingsError(what, hint="put it back, or start `gerbang serve` again without it")
    if before and not found:
        raise SettingsError("no document is left", hint="put them back")


class DocumentWatch:
    """Whether files of one kind of documents have changed, and which of them differ from what was taken last.

    A change counts once nothing has changed since the look before: somebody may still be copying files.
    """

    def __init__(self, files: Callable[[], Files]) -> None:
        self._files = files
        self._taken = files()
        self._tried: Files | None = self._taken
        self._seen: Files | None = self._taken

    def changed(self) -> bool:
        """Raises `SettingsError` where nobody can look; what is found after that is tried, the same as before too."""
        try:
            now: Files = self._files()
        except GerbangError:
            self._tried = self._seen = None
            raise
        still, self._seen = now == self._seen, now
        if not still or now == self._tried:
            return False
        self._tried = now
        return True

    def differing(self) -> frozenset[Path]:
        return frozenset(file for file, *_ in self._taken ^ (self._tried or frozenset()))

    def taken(self) -> None:
        self._taken = self._tried or frozenset()

    def look_again(self) -> None:
        """What was tried is to be tried once more, though nothing changes."""
        self._tried = self._taken
