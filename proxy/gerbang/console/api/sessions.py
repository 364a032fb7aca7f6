"""`/api/v1/sessions`: who is signed in at which address."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from gerbang.console.api.problems import Problem, told
from gerbang.console.api.tokens import Caller, Entrance
from gerbang.errors import FeedError
from gerbang.model import Device
from gerbang.registers import SIGN_IN
from gerbang.sessions import Desk, Session, longest, plain, refusal
from gerbang.settings import Settings
from gerbang.tokens import Right

log = structlog.get_logger()

BATCH: Final = 1000
PAGE: Final = 1000
ERRORS_TOLD: Final = 20


class Said(BaseModel):
    """A session as a program says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    officer: str
    device: Device | None = None
    until: AwareDatetime | None = None
    seconds: int | None = None


def add_sessions(
    app: FastAPI,
    entrance: Entrance,
    settings: Settings,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    desk, lock = Desk(settings.feeds_folder), Lock()
    May = Annotated[Caller, Depends(entrance.may(Right.SESSIONS))]

    def say(sessions: list[Session]) -> int:
        try:
            with lock:
                return desk.say(sessions, now())
        except FeedError as error:
            log.error("sessions-not-kept", error=str(error))
            full = "already" in error.what or "full" in error.what
            raise Problem(507 if full else 503, told(error)) from None

    @app.post("/api/v1/sessions")
    async def post(request: Request, caller: May) -> Response:
        entries = read_json(request.headers.get("content-type", ""), await request.body())
        sessions = _sessions(entries, settings, caller.token.name, now())
        new = await run_in_threadpool(say, sessions)
        return JSONResponse({"taken": len(sessions), "new": new})

    @app.get("/api/v1/sessions")
    def listed(_: May, after: str = "") -> Response:
        try:
            with lock:
                standing = desk.standing(now())
        except FeedError as error:
            raise Problem(503, told(error)) from None
        addresses = [session.address for session in standing]
        begin = addresses.index(after) + 1 if after in addresses else 0
        page = standing[begin : begin + PAGE]
        more = page[-1].address if begin + PAGE < len(standing) else None
        return JSONResponse({"count": len(standing), "sessions": [_shown(one) for one in page], "after": more})

    @app.delete("/api/v1/sessions/{address}")
    def delete(address: str, caller: May, officer: str | None = None) -> Response:
        try:
            where = plain(address)
        except ValueError:
            raise Problem(422, f"`{address:.60}` is no address") from None
        say([Session(where, officer, now(), by=caller.token.name)])
        return Response(status_code=204)


def read_json(kind: str, body: bytes) -> list[Any]:
    """The entries of a body: a list, or the one object that it is. Raises `Problem`."""
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "send JSON, with `Content-Type: application/json`")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "the body is no JSON") from None
    entries = found if isinstance(found, list) else [found]
    if not all(isinstance(entry, dict) for entry in entries):
        raise Problem(422, "an object, or a list of objects, is expected")
    if len(entries) > BATCH:
        raise Problem(422, f"{len(entries)} entries were sent; send at most {BATCH} at once")
    return entries


def _sessions(entries: list[Any], settings: Settings, by: str, now: datetime) -> list[Session]:
    """All of them, or a problem that names what is wrong with which."""
    found: list[Session] = []
    errors: list[dict[str, Any]] = []
    for index, entry in enumerate(entries):
        try:
            found.append(_session(Said.model_validate(entry), settings, by, now))
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False, include_input=False):
                field = ".".join(str(part) for part in one["loc"])
                errors.append({"entry": index, "field": field, "detail": one["msg"].lower()})
        except ValueError as error:
            field, _, detail = str(error).partition(": ")
            errors.append({"entry": index, "field": field, "detail": detail})
    if errors:
        raise Problem(422, f"nothing was taken: {errors[0]['detail']}", {"errors": errors[:ERRORS_TOLD]})
    return found


def _session(said: Said, settings: Settings, by: str, now: datetime) -> Session:
    """Raises `ValueError` with the field and what is wrong with it."""
    try:
        address = plain(said.address)
    except ValueError:
        raise ValueError(f"address: `{said.address:.60}` is no IPv4 or IPv6 address") from None
    if not SIGN_IN.fullmatch(said.officer) or said.officer == "unknown" or not said.officer.isprintable():
        raise ValueError("officer: a sign-in name is expected: up to 64 characters, no space and no colon")
    if said.until is not None and said.seconds is not None:
        raise ValueError("seconds: write either `until` or `seconds`")
    most = longest(settings)
    if said.seconds is not None and not 0 <= said.seconds <= most.total_seconds():
        raise ValueError(f"seconds: 0 to {int(most.total_seconds())} are expected")
    until = said.until or now + (most if said.seconds is None else timedelta(seconds=said.seconds))
    if until > now + most:
        raise ValueError(f"until: at most {settings.sessions.longest_hours} hours ahead are expected")
    if (why := refusal(settings, address)) is not None and until > now:
        raise ValueError(f"address: {why}")
    return Session(address, said.officer, until, said.device, by)


def _shown(session: Session) -> dict[str, Any]:
    return {
        "address": session.address,
        "officer": session.officer,
        "device": session.device,
        "until": session.until.isoformat(),
        "by": session.by,
    }
