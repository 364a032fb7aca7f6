"""`/api/v1/requests`: what officers ask approvers for, and the approver's answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from gerbang.answers.reasons import Wording
from gerbang.approving import Approver, Queue, Unanswerable
from gerbang.console.api.problems import Problem, told
from gerbang.console.api.tokens import Caller, Entrance
from gerbang.console.approvers import DONE, answered, approver_of, listed, note_of, shown_to, whole
from gerbang.console.looks import Look, Unrecorded
from gerbang.errors import FeedError, RecordError, RegisterError
from gerbang.model import Officer
from gerbang.record.event import Event, RecordKeys
from gerbang.record.number import check_number
from gerbang.store.queries import Store
from gerbang.store.requests import request as stored
from gerbang.store.requests import requests as latest
from gerbang.tokens import Right

log = structlog.get_logger()

STATUS: Final = {"unknown": 404, "answered": 409, "expired": 409, "own": 403, "not-yours": 403}
BODY: Final = 16 << 10  # bytes


class Given(BaseModel):
    """What comes with an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: StrictStr = ""


@dataclass(frozen=True, slots=True)
class Requests:
    """What the routes rest on. `officers` gives the register as it is now, `wording` the words of a policy's rules by
    its digest; `append` returns once an event is on disk."""

    store: Store
    queue: Queue
    officers: Callable[[], Mapping[str, Officer]]
    wording: Callable[[str], Wording]
    look: Callable[[Look], None]
    append: Callable[[Event], object]
    keys: RecordKeys
    now: Callable[[], datetime]


def add_requests(app: FastAPI, entrance: Entrance, desk: Requests) -> None:
    """Put the routes in place."""
    permitted = Depends(entrance.may(Right.APPROVALS))

    @app.get("/api/v1/requests")
    def all_requests(caller: Caller = permitted) -> dict[str, Any]:
        approver = _approver(caller, desk)
        moment = desk.now()
        rows = [listed(one, moment) for one in _read(lambda: latest(desk.store)) if shown_to(approver, one)]
        desk.look(Look(approver.name, "approver", "requests"))
        return {"requests": rows}

    @app.get("/api/v1/requests/{number}")
    def one_request(number: str, caller: Caller = permitted) -> dict[str, Any]:
        approver = _approver(caller, desk)
        known = _number(number)
        found = _read(lambda: stored(desk.store, known))
        if found is None or not shown_to(approver, found[0]):
            raise Problem(404, "there is no such request for this approver")
        desk.look(Look(approver.name, "approver", "request", known))
        return _read(lambda: whole(*found, desk.wording, desk.now()))

    @app.post("/api/v1/requests/{number}/{what}")
    async def answer(number: str, what: str, request: Request, caller: Caller = permitted) -> dict[str, Any]:
        if what not in DONE:
            raise Problem(404, "answer by `grant`, `refuse` or `changes`")
        given = await _given(request)
        return await run_in_threadpool(settle, number, what, given, caller)

    def settle(number: str, what: str, given: Given, caller: Caller) -> dict[str, Any]:
        approver, known = _approver(caller, desk), _number(number)
        try:
            note = note_of(given.note, needed=what != "grant")
            settled = answered(desk.queue, known, what, approver, note, desk.now(), "api", desk.append, desk.keys)
        except RegisterError as error:
            raise Problem(422, told(error)) from None
        except Unanswerable as error:
            raise Problem(STATUS[error.kind], told(error), {"why": error.kind}) from None
        except (RecordError, FeedError, OSError, TimeoutError) as error:
            log.error("answer-unrecorded", error=str(error))
            raise Problem(503, "the answer could not be recorded, and has no effect") from None
        return {
            "number": known,
            "answer": settled.answer,
            "until": settled.until.isoformat() if settled.until else None,
        }


def _approver(caller: Caller, desk: Requests) -> Approver:
    if caller.user is None:
        raise Problem(403, "this token acts in nobody's name; make one with `--user`")
    try:
        return approver_of(caller.user, desk.officers())
    except RegisterError as error:
        raise Problem(403, told(error)) from None


def _number(written: str) -> str:
    number = check_number(written)
    if number is None:
        raise Problem(404, "this is no decision's number")
    return number


def _read[T](reading: Callable[[], T]) -> T:
    try:
        return reading()
    except Unrecorded:
        raise
    except RecordError as error:
        log.error("database-away", error=str(error))
        raise Problem(503, "the database cannot be reached") from None


async def _given(request: Request) -> Given:
    body = await request.body()
    if len(body) > BODY:
        raise Problem(413, f"at most {BODY} bytes are read")
    if not body:
        return Given()
    if (request.headers.get("content-type") or "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "send JSON, with the header `Content-Type: application/json`")
    try:
        return Given.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(422, f"{where or 'the body'}: {first['msg'].lower()}") from None
