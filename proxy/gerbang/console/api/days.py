"""`/api/v1/days` and `/api/v1/officers/ID/days`: what an officer has of her own time, told and asked."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from gerbang.clockings import DAYS_KEPT, Desk, day_of, record_of, with_clockings
from gerbang.console.api.problems import Problem, told
from gerbang.console.api.sessions import ERRORS_TOLD, read_json
from gerbang.console.api.tokens import Caller, Entrance
from gerbang.csv_files import MAX_VALUE
from gerbang.errors import FeedError, GerbangError, RecordError, RegisterError, one_of
from gerbang.journal.writer import Journal
from gerbang.loading import calendar_files, load_calendar, offices_of
from gerbang.model import Office, Officer, OwnDay, OwnDays, Registers
from gerbang.policy.calendar import Calendar
from gerbang.policy.own_days import CLOCKED, check_errand, own_day, own_hours
from gerbang.policy.stretches import Piece, is_estimated, is_own
from gerbang.policy.stretches import day_of as pieces_of
from gerbang.record.canonical import Json
from gerbang.record.event import BY_API, RecordKeys, register_changed
from gerbang.registering import Line, Sheet, edit
from gerbang.registers import SIGN_IN, RegisterWatch, load_registers
from gerbang.settings import Settings
from gerbang.tokens import Right

log = structlog.get_logger()

COLUMNS: Final = ("officer", "kind", "from", "until", "reference", "by", "office")
STRANGERS_TOLD: Final = 20
# How far a terminal's clock may be ahead of ours.
AHEAD_MINUTES: Final = 5
# Days back in which a clock-in is looked for that is taken back by its reference.
TAKEN_BACK: Final = 7
MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)

type OpenedJournal = Callable[[], AbstractContextManager[tuple[Journal, RecordKeys]]]


class Said(BaseModel):
    """An own day as a program says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    officer: StrictStr
    kind: StrictStr
    since: StrictStr = Field(alias="from")
    until: StrictStr = ""
    reference: StrictStr = ""
    by: StrictStr = ""
    office: StrictStr = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What an entry is looked at with."""

    registers: Registers
    calendar: Calendar
    offices: Mapping[str, Office]

    def office_of(self, officer: str) -> tuple[Office | None, str | None]:
        """The officer's office and pattern; of one who has no office of her own, the only one that there is."""
        person = self.registers.officers.get(officer)
        lone = next(iter(self.offices.values())) if len(self.offices) == 1 else None
        if person is None:
            return lone, None
        return self.offices.get(person.office, lone), person.pattern


class Book:
    """The registers and the calendar as they are on the disk, read again once one of their files is another."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, Lock()
        self._watch = RegisterWatch(settings.registers_folder)
        self._registers: Registers | None = None
        self._files: object = None
        self._calendar: tuple[Calendar, Mapping[str, Office]] | None = None

    def is_stale(self) -> None:
        """A register was changed just now: it is read again without waiting for its file to rest."""
        with self._lock:
            self._registers = None

    def basis(self) -> Basis:
        """Raises a `GerbangError` where they are wrong."""
        with self._lock:
            if self._registers is None or self._watch.changed():
                self._registers = None
                self._registers = load_registers(self._settings.registers_folder)
            files = calendar_files(self._settings)
            if self._calendar is None or files != self._files:
                calendar = load_calendar(self._settings)
                self._calendar, self._files = (calendar, offices_of(self._settings, calendar)), files
            return Basis(self._registers, *self._calendar)


def add_days(
    app: FastAPI,
    entrance: Entrance,
    settings: Settings,
    journal: OpenedJournal,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Put the routes in place."""
    days = Days(settings, journal, now)
    May = Annotated[Caller, Depends(entrance.may(Right.DAYS))]

    @app.post("/api/v1/days")
    async def post(request: Request, caller: May) -> Response:
        entries = read_json(request.headers.get("content-type", ""), await request.body())
        return JSONResponse(await run_in_threadpool(days.tell, entries, caller.token.name))

    @app.delete("/api/v1/days/{reference:path}")
    def delete(reference: str, caller: May, officer: str = "") -> Response:
        days.take_back(officer, reference, caller.token.name)
        return Response(status_code=204)

    @app.get("/api/v1/officers/{officer:path}/days")
    def month(officer: str, _: May, month: str = "") -> Response:
        return JSONResponse(days.month(officer, month))


class Days:
    """What the routes do. Whatever cannot be done is a `Problem`."""

    def __init__(self, settings: Settings, journal: OpenedJournal, now: Callable[[], datetime]) -> None:
        self._settings, self._journal, self._now = settings, journal, now
        self._book, self._desk = Book(settings), Desk(settings.clockings_folder)
        self._lock = Lock()
        self._tidied: date | None = None

    def tell(self, given: Sequence[Any], token: str) -> dict[str, Any]:
        basis = self._basis()
        entries = self._entries(given, basis, token)
        clocked = [entry for _, entry in entries if entry.kind in CLOCKED]
        others = [values for values, entry in entries if entry.kind not in CLOCKED]
        with self._lock:
            new, changed = self._register(others, token) if others else (0, 0)
            new += self._clock(clocked, token) if clocked else 0
        strangers = sorted({entry.officer for _, entry in entries} - set(basis.registers.officers))
        return {"taken": len(entries), "new": new, "changed": changed, "unknown_officers": strangers[:STRANGERS_TOLD]}

    def take_back(self, officer: str, reference: str, token: str) -> None:
        if not officer or not reference:
            raise Problem(422, "say whose it is: `/api/v1/days/REFERENCE?officer=ID`")

        def remove(sheet: Sheet) -> None:
            for line in sheet.lines(officer=officer, reference=reference):
                line.remove()

        with self._lock:
            self._edit(remove, "taken-back", token)
            today = day_of(self._now())
            with _kept():
                there = self._desk.told(officer, reference, today - timedelta(days=TAKEN_BACK), today)
                if there:
                    self._write_down(there, token, removed=True)
                    self._desk.write(there, gone=True)

    def month(self, officer: str, month: str) -> dict[str, Any]:
        if not (found := MONTH.fullmatch(month)):
            raise Problem(422, "say which month: `?month=2026-03`")
        year, number = int(found[1]), int(found[2])
        basis = self._basis()
        person = basis.registers.officers.get(officer)
        if person is None:
            raise Problem(404, f"the register has no officer `{officer[:60]}`")
        office, pattern = basis.office_of(officer)
        if office is None:
            raise Problem(422, f"`{officer[:60]}` has no office", {"field": "office"})
        first, last = date(year, number, 1), date(year, number, monthrange(year, number)[1])
        with _kept():
            registers = with_clockings(basis.registers, self._settings.clockings_folder, officer, first, last)
        own = registers.own_days.get(officer, OwnDays(()))
        return _month(person, office, pattern, own, basis, (first, last))

    # ------------------------------------------------------------ entries

    def _basis(self) -> Basis:
        try:
            return self._book.basis()
        except GerbangError as error:
            log.error("days-not-to-be-checked", error=str(error))
            raise Problem(503, "the registers or calendars on the disk are wrong; the log says where") from None

    def _entries(self, given: Sequence[Any], basis: Basis, token: str) -> list[tuple[dict[str, str], OwnDay]]:
        """All of them, or a problem that names what is wrong with which."""
        found: list[tuple[dict[str, str], OwnDay]] = []
        errors: list[dict[str, Any]] = []
        for index, one in enumerate(given):
            try:
                found.append(self._entry(Said.model_validate(one), basis, token))
            except ValidationError as error:
                for each in error.errors(include_url=False, include_context=False, include_input=False):
                    field = ".".join(str(part) for part in each["loc"])
                    errors.append({"entry": index, "field": field, "detail": each["msg"].lower()})
            except RegisterError as error:
                named = re.match(r"`(\w+)`", error.what)
                field = named[1] if named and named[1] in COLUMNS else "kind"
                errors.append({"entry": index, "field": field, "detail": told(error)})
        if errors:
            raise Problem(422, f"nothing was taken: {errors[0]['detail']}", {"errors": errors[:ERRORS_TOLD]})
        return found

    def _entry(self, said: Said, basis: Basis, token: str) -> tuple[dict[str, str], OwnDay]:
        words = (said.officer, said.kind, said.since, said.until, said.reference, said.by, said.office)
        values = {name: word.strip() for name, word in zip(COLUMNS, words, strict=True)}
        for name, value in values.items():
            if len(value) > MAX_VALUE or not value.isprintable():
                hint = f"write it on one line, in at most {MAX_VALUE} characters"
                raise RegisterError(f"`{name}` is too long or has control characters in it", hint=hint)
        officer = values["officer"]
        if not SIGN_IN.fullmatch(officer) or officer == "unknown":
            raise RegisterError("`officer` is no sign-in name", hint="up to 64 characters, no space and no colon")
        clocked = values["kind"] in CLOCKED
        values["by"] = values["by"] or f"api: {token}"
        entry = own_day(*values.values())
        if values["office"] and values["office"] not in basis.offices:
            raise RegisterError(f"`office` cannot be `{values['office'][:60]}`", hint=one_of(sorted(basis.offices)))
        office, pattern = basis.office_of(officer)
        if office is not None:
            check_errand(entry, basis.calendar, office, pattern)
        return (values, self._moment(entry, office, basis)) if clocked else (values, entry)

    def _moment(self, entry: OwnDay, office: Office | None, basis: Basis) -> OwnDay:
        """A clock-in as an instant, which is what the day's file has."""
        since, now = entry.since, self._now()
        if since.tzinfo is None:
            if office is None:
                hint = "write it with one, as `2026-11-24T08:07+08:00`: the officer's office is not known"
                raise RegisterError("`from` has no offset", hint=hint)
            since = basis.calendar.moment(office, since)
        since = since.astimezone(UTC)
        if not now - timedelta(days=DAYS_KEPT) < since <= now + timedelta(minutes=AHEAD_MINUTES):
            hint = f"send it when it has happened, and within {DAYS_KEPT} days"
            raise RegisterError("`from` lies ahead, or too long ago", hint=hint)
        return replace(entry, since=since)

    # ------------------------------------------------------------ keeping

    def _register(self, values: Sequence[dict[str, str]], token: str) -> tuple[int, int]:
        """Into the register; how many are new there and how many became others."""
        wanted = {_key(one): one for one in values}

        def put(sheet: Sheet) -> None:
            officers = {one["officer"] for one in values}
            there: dict[object, Line] = {}
            for line in sheet.lines():
                if line["officer"] in officers:
                    there[_key({name: line[name] for name in COLUMNS})] = line
            for key, one in wanted.items():
                if (old := there.get(key)) is None:
                    sheet.add(**one)
                elif own_day(*(old[name] for name in COLUMNS)) != own_day(*one.values()):
                    old.set(until=one["until"], by=one["by"], office=one["office"])

        return self._edit(put, "told", token)

    def _edit(self, change: Callable[[Sheet], None], kind: str, token: str) -> tuple[int, int]:
        try:
            done = edit(
                self._settings,
                "own-days",
                change,
                kind=kind,
                by=f"{BY_API}{token}",
                journal=self._journal,
                clock=self._now,
            )
        except RegisterError as error:
            log.error("days-not-kept", error=str(error))
            raise Problem(503 if "another" in error.what else 422, f"nothing was taken: {told(error)}") from None
        except RecordError as error:
            log.error("days-not-kept", error=str(error))
            raise Problem(503, "what was sent cannot be written down now, and was not taken") from None
        if done.made:
            self._book.is_stale()
        return done.added, done.changed

    def _clock(self, entries: Sequence[OwnDay], token: str) -> int:
        with _kept():
            try:
                new = self._desk.new(entries)
            except RegisterError as error:
                raise Problem(422, f"nothing of the clock was taken: {told(error)}") from None
            if new:
                self._write_down(new, token)
                self._desk.write(new)
            today = day_of(self._now())
            if self._tidied != today:
                self._desk.forget(today)
                self._tidied = today
        return len(new)

    def _write_down(self, entries: Sequence[OwnDay], token: str, *, removed: bool = False) -> None:
        counts = {"added": 0, "changed": 0, "removed": 0} | {"removed" if removed else "added": len(entries)}
        kind, by = "taken-back" if removed else "told", f"{BY_API}{token}"
        private: dict[str, Json] = {"by": by, "lines": [" ".join(map(str, record_of(one).values())) for one in entries]}
        with self._journal() as (ledger, keys):
            event = register_changed("clockings", kind, counts, by, self._now(), keys, private=private)
            ledger.append(event).result()


class _kept:  # used as a function
    """A problem in the place of a disk or journal that fails."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, FeedError | RecordError):
            log.error("days-not-kept", error=str(error))
            full = isinstance(error, FeedError) and "full" in error.what
            raise Problem(507 if full else 503, "what was sent cannot be kept now; send it again later") from None


def _key(values: Mapping[str, str]) -> object:
    """What tells an own day from another."""
    entry = own_day(*(values[name] for name in COLUMNS))
    return (entry.officer, entry.kind, entry.since.isoformat(), entry.whole, entry.reference)


# ---------------------------------------------------------------- a month


def _month(
    person: Officer, office: Office, pattern: str | None, own: OwnDays, basis: Basis, span: tuple[date, date]
) -> dict[str, Any]:
    def asked(moment: datetime) -> Any:
        return own_hours(own, basis.calendar, basis.offices, office, pattern, moment)

    first, last = span
    zone = basis.calendar.moment(office, datetime(first.year, first.month, 1)).tzinfo or UTC  # noqa: DTZ001  # its own
    begin = datetime.combine(first, datetime.min.time(), zone)
    end = datetime.combine(last, datetime.min.time(), zone) + timedelta(days=1)
    entries = [one for one in own.entries if _at(one.since, zone) < end and _at(one.until or one.since, zone) >= begin]
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        "officer": person.id,
        "office": office.name,
        "pattern": pattern or office.pattern,
        "month": f"{first:%Y-%m}",
        "own": [_told(one) for one in sorted(entries, key=lambda one: _at(one.since, zone))],
        "days": [_day(one, pieces_of(one, zone, asked)) for one in dates],
    }


def _at(moment: datetime, zone: Any) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _told(entry: OwnDay) -> dict[str, Any]:
    until = entry.until - timedelta(days=1) if entry.until and entry.whole else entry.until
    return {
        "kind": entry.kind,
        "from": _written(entry.since, entry),
        "until": _written(until, entry) if until else None,
        "reference": entry.reference,
        "by": entry.by,
        "office": entry.office,
    }


def _written(moment: datetime, entry: OwnDay) -> str:
    return moment.date().isoformat() if entry.whole else moment.isoformat(timespec="minutes")


def _day(day: date, pieces: Sequence[Piece]) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "own": is_own(pieces),
        "estimated": is_estimated(pieces),
        "stretches": [
            {
                "from": one.start.isoformat(timespec="minutes"),
                "to": one.end.isoformat(timespec="minutes"),
                "regime": one.hours.regime,
                "fact": one.hours.fact,
                "arguments": dict(one.hours.arguments),
            }
            for one in pieces
        ],
    }
