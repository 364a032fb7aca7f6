"""The gate's own host: why a decision was made, confirming a hold, objecting, one's own decisions, the notice.

Reachable through the proxy only, and the proxy's sign-in says who asks. A page shows a decision to nobody but the
officer whom it is about; where no officer is known, to the client address that it was made for, and there to the
first browser that opens it, which gets a cookie. Everything works without script, and no form is taken that another
page could have sent.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlencode

from gerbang.answers.pages import (
    LONGEST_ANSWER,
    SHORTEST_ANSWER,
    Asking,
    Form,
    Preview,
    RequestRow,
    Shown,
    Standing,
    decision_page,
    home_page,
    message_page,
    mine_page,
    notice_page,
    opening_page,
    request_page,
)
from gerbang.answers.reasons import Wording, asks
from gerbang.answers.words import Language, preferred, say
from gerbang.approving import Asked, TooMany
from gerbang.errors import GerbangError, RecordError
from gerbang.gate.asking import RequestBook, a_request
from gerbang.gate.decisions import DecisionBook, Remembered, owner, same_token
from gerbang.gate.notices import NoticeBook
from gerbang.model import Actor, Decision, Effect, Kind, Release, Reply, Request
from gerbang.record.event import Event, RecordKeys, acknowledged_event, asked_event, objection_event, release_event
from gerbang.record.event import Shown as ShownToApprover
from gerbang.record.number import check_number

COOKIE: Final = "gerbang"
COOKIE_AGE: Final = 12 * 3600  # seconds; a working day
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{24}")
BODY_LIMIT: Final = 16 << 10  # bytes
FIELD_LIMIT: Final = 40
RELEASE_TIME: Final = 600  # seconds
CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class Releases(Protocol):
    def add(self, release: Release) -> None: ...


@dataclass(frozen=True, slots=True)
class OwnHostState:
    """What the host's pages rest on.

    `append` resolves when the event is durable and raises `RecordError` (or `OSError`) where it cannot be;
    `key` keys the tokens of the forms; `wording` gives the words of a rule (`answers.reasons.wording(policy.rules)`).
    """

    host: str
    decisions: DecisionBook
    releases: Releases
    append: Callable[[Event], Awaitable[object]]
    record_keys: RecordKeys
    wording: Wording
    now: Callable[[], datetime]
    key: bytes = field(repr=False)
    notices: NoticeBook
    requests: RequestBook | None = None
    ask: Callable[[Asked, Event], Awaitable[Asked]] | None = None
    """Puts a request into the approvers' queue once its event is durable; `None` where the gate has none."""
    acknowledged: Callable[[Mapping[str, Any]], Awaitable[object]] | None = None
    """Has the gates of this state folder remember an acknowledgement."""
    answer_within: int = 3 * 86400
    grant_for: int = 8 * 3600
    zone: tzinfo | None = None
    """Whose clock tells when something was asked whose decision is gone."""


async def own_host(request: Request, actor: Actor, state: OwnHostState) -> Reply:
    """The answer of the gate's own host to a request that the gate has found to be for it."""
    visit = _Visit(request, actor, state)
    match [part for part in request.path.split("/") if part]:
        case []:
            return visit.read() or home_page(visit.shown, state.notices.notice.version)
        case ["notice"]:
            return visit.read() or visit.notice()
        case ["notice", "acknowledge"]:
            return visit.write() or await visit.acknowledge()
        case ["mine"]:
            return visit.read() or visit.mine()
        case ["d", number]:
            return visit.read() or visit.decision(number)
        case ["d", number, "confirm"]:
            return visit.write() or await visit.confirm(number)
        case ["d", number, "ask"]:
            return visit.write() or await visit.ask(number)
        case ["d", number, "objection"]:
            return visit.write() or await visit.object(number)
        case _:
            return visit.not_found()


class _Visit:
    """One request to the host, with what it says of its reader."""

    def __init__(self, request: Request, actor: Actor, state: OwnHostState) -> None:
        self.request, self.actor, self.state = request, actor, state
        self.token = _cookie(request)
        self.query = _fields(request.query)
        self.language = _language(self.query.get("lang"), request)
        self.form: Mapping[str, str] = {}
        only_head = request.method == "HEAD"
        self.shown = Shown(self.language, _plain_path(request.path), head_only=only_head, due=self.due())

    # ------------------------------------------------------------ what may be asked at all

    def read(self) -> Reply | None:
        """`None` for a request that only reads, or else its refusal."""
        if self.request.method in {"GET", "HEAD"}:
            return None
        return _with(message_page(self.shown, 405, "not-found"), ("Allow", "GET, HEAD"))

    def write(self) -> Reply | None:
        """`None` for a form of ours that was sent whole, or else its refusal. What is sent is in `form` then."""
        request = self.request
        if request.method != "POST":
            return _with(message_page(self.shown, 405, "not-found"), ("Allow", "POST"))
        if request.body is None or len(request.body) > BODY_LIMIT:
            return message_page(self.shown, 413, "refused")
        kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded" or request.header("Content-Encoding"):
            return message_page(self.shown, 415, "refused")
        origin = request.header("Origin")
        if origin is not None and origin != request.origin:
            return message_page(self.shown, 403, "refused")
        self.form = _fields(request.body.decode("utf-8", "replace"))
        return None

    def not_found(self) -> Reply:
        return message_page(self.shown, 404, "not-found")

    # ------------------------------------------------------------ the notice

    def due(self) -> str | None:
        """The version that this reader has still to acknowledge."""
        notices = self.state.notices
        return notices.notice.version if notices.due(self.actor, self.token, self.state.now()) else None

    def notice(self, status: int = 200) -> Reply:
        """The notice, readable for everybody. A browser whose reader nobody knows gets, at a second step from here, the
        cookie by which its acknowledgement is known: a strict one that it has may not have come with the first."""
        headers = self._crumb() if self.actor.officer is None and self.shown.due and "k" in self.query else ()
        return _with(self._notice(status), *headers)

    def _notice(self, status: int) -> Reply:
        return notice_page(
            self.shown,
            self.state.notices.notice,
            self._notice_token() if self.actor.officer is not None or self.token is not None else "",
            back=_local(self.query.get("back") or self.form.get("back", "")),
            required=self.state.notices.required,
            status=status,
        )

    def _notice_token(self) -> str:
        return form_token(f"notice {self.state.notices.digest}", self.actor, self.token, self.state.key)

    async def acknowledge(self) -> Reply:
        notices, moment = self.state.notices, self.state.now()
        expected, given = self._notice_token().encode(), self.form.get("token", "").encode()
        nobody = self.actor.officer is None and self.token is None
        if nobody or not notices.notice.version or not hmac.compare_digest(expected, given):
            return message_page(self.shown, 403, "refused")
        if self.shown.due:
            event = acknowledged_event(
                notices.notice.version,
                notices.digest,
                self.actor.officer,
                self.actor.client,
                moment,
                self.state.record_keys,
            )
            record = notices.record(self.actor, self.token, moment, timedelta(seconds=COOKIE_AGE))
            try:
                await self.state.append(event)
                if self.state.acknowledged is not None:
                    await self.state.acknowledged(record)
            except (GerbangError, OSError):
                return message_page(self.shown, 503, "unavailable")
            notices.take([record], afresh=False)
        back = _local(self.form.get("back", "")) or "/notice"
        place = notices.leads_to(self.actor) or f"{back}?{self._query()}"
        return _led(place)

    def _query(self, **more: str) -> str:
        return urlencode({name: value for name, value in more.items() if value} | {"lang": self.language.value})

    def _crumb(self) -> tuple[tuple[str, str], ...]:
        """A cookie for a browser that has none, where nobody is known."""
        if self.token is not None:
            return ()
        self.token = secrets.token_urlsafe(18)
        secure = "; Secure" if self.request.scheme == "https" else ""
        crumb = f"{COOKIE}={self.token}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Strict{secure}"
        return (("Set-Cookie", crumb),)

    # ------------------------------------------------------------ a decision

    def mine(self) -> Reply:
        found = self.state.decisions.mine(self.actor, self.token)
        standing = [(entry.decision, self.standing(entry)) for entry in found]
        officer, requests = self.actor.officer, self.state.requests
        numbers = {entry.decision.number for entry in found}
        others = requests.of(officer.id) if officer is not None and requests is not None else ()
        rows = [self.row(asked) for asked in others if asked.number not in numbers]
        return mine_page(self.shown, standing, rows, known=officer is not None)

    def row(self, asked: Asked) -> RequestRow:
        return RequestRow(self.asking(asked), asked.kind.value, asked.platform, self.state.zone)

    def asking(self, asked: Asked) -> Asking:
        return Asking(
            asked.number,
            asked.state(self.state.now()).value,
            asked.moment,
            asked.until or asked.answered or asked.expires,
            asked.note,
        )

    def requested(self, number: str) -> Reply:
        """Where a request stands whose decision this gate has no more."""
        officer, requests = self.actor.officer, self.state.requests
        if officer is None or requests is None:
            return self.not_found()
        asked = requests.find(check_number(number) or number, officer.id)
        return self.not_found() if asked is None else request_page(self.shown, self.row(asked))

    def find(self, number: str) -> Remembered | None:
        written = check_number(number) or number
        return self.state.decisions.find(written, self.actor)

    def decision(self, number: str) -> Reply:
        found = self.find(number)
        if found is None:
            return self.requested(number)
        if self.actor.officer is not None:
            return self.show(found)
        if self.token is None and "k" not in self.query:
            return opening_page(self.shown, f"{self.shown.path}?{urlencode({'k': '1', 'lang': self.language.value})}")
        headers = self._crumb()
        if found.token is None and self.request.method == "GET":
            found.token = self.token
        if not same_token(found.token, self.token):
            return _with(self.not_found(), *headers)
        return _with(self.show(found), *headers)

    def theirs(self, number: str) -> Remembered | None:
        """The decision that a form is about, if it is this reader's and the form is one that we gave to them."""
        found = self.find(number)
        if found is None or (self.actor.officer is None and not same_token(found.token, self.token)):
            return None
        expected = form_token(found.decision.number, self.actor, self.token, self.state.key)
        return found if hmac.compare_digest(expected.encode(), self.form.get("token", "").encode()) else None

    def show(self, found: Remembered, wrong: Mapping[str, str] | None = None, status: int = 200) -> Reply:
        decision = found.decision
        form = Form(
            form_token(decision.number, self.actor, self.token, self.state.key),
            {name.removeprefix("ask."): value[:LONGEST_ANSWER] for name, value in self.form.items() if name != "token"}
            if wrong
            else {},
            wrong or {},
        )
        visit = decision.activity.kind is Kind.VIEW
        shown = replace(self.shown, path=f"/d/{decision.number}")
        return decision_page(
            shown,
            decision,
            self.state.wording,
            self.standing(found),
            form,
            max(1, release_time(decision) // 60),
            visit=visit,
            preview=self.preview(found),
            status=status,
        )

    def preview(self, found: Remembered) -> Preview | None:
        """What an approver would get to read, where this reader can ask one."""
        if self.state.ask is None or self.actor.officer is None or found.decision.effect is not Effect.APPROVE:
            return None
        shown = self.read_by_approver(found)
        return Preview(shown.words, shown.cut, shown.why)

    def read_by_approver(self, found: Remembered) -> ShownToApprover:
        # What came before a start had words, perhaps, which no record has.
        return found.shown if found.shown is not None else ShownToApprover(why="restarted")

    def standing(self, found: Remembered) -> Standing:
        asked = self.state.requests.about(found.decision) if self.state.requests is not None else None
        asking = self.asking(asked) if asked is not None and found.done == "held" else None
        standing = Standing(found.done, objected=found.objected, used_by=found.used_by, asking=asking)
        release = found.release
        if release is None or found.used_by:
            return standing
        if release.expires <= self.state.now():
            return replace(standing, ended=True)
        return replace(standing, until=release.expires, page=found.page)

    # ------------------------------------------------------------ what an officer does about it

    async def confirm(self, number: str) -> Reply:
        found = self.theirs(number)
        if found is None:
            return message_page(self.shown, 403, "refused")
        decision = found.decision
        if decision.effect is not Effect.COACH:
            # A block has nothing to confirm, and a grant is an approver's to give.
            return self.show(found, status=409)
        if found.release is not None or found.confirming:
            return self.onward(found)
        answers, wrong = self.answers(decision)
        if wrong:
            return self.show(found, wrong, status=422)
        moment = self.state.now()
        release = release_of(decision, answers, moment)
        event = release_event(release, decision.number, moment, self.state.record_keys)
        found.confirming = True
        try:
            await self.state.append(event)
        except (RecordError, OSError):
            return message_page(self.shown, 503, "unavailable")
        finally:
            found.confirming = False
        found.release = release
        self.state.releases.add(release)
        return self.onward(found)

    async def ask(self, number: str) -> Reply:
        """Ask an approver to let through what a decision holds."""
        found = self.theirs(number)
        if found is None or self.actor.officer is None:
            return message_page(self.shown, 403, "refused")
        decision, requests = found.decision, self.state.requests
        if decision.effect is not Effect.APPROVE or self.state.ask is None or requests is None:
            return self.show(found, status=409)
        if requests.about(decision) is not None or found.release is not None:
            return self.onward(found, here=True)
        note, trouble = self.written("note")
        if trouble:
            return self.show(found, {"note": trouble}, status=422)
        moment = self.state.now()
        asked = a_request(decision, moment, self.state.answer_within, self.state.grant_for)
        shown = self.read_by_approver(found)
        event = asked_event(decision, asked.approvers, note, shown, asked.expires, moment, self.state.record_keys)
        try:
            settled = await self.state.ask(asked, event)
        except TooMany:
            return message_page(self.shown, 429, "ask-limit")
        except (GerbangError, OSError):
            return message_page(self.shown, 503, "unavailable")
        requests.note(settled)
        return self.onward(found, here=True)

    async def object(self, number: str) -> Reply:
        found = self.theirs(number)
        if found is None:
            return message_page(self.shown, 403, "refused")
        if found.objected:
            return self.onward(found, here=True)
        words, trouble = self.written("objection")
        if trouble:
            return self.show(found, {"objection": trouble}, status=422)
        officer = self.actor.officer
        event = objection_event(
            found.decision.number, officer.id if officer else None, words, self.state.now(), self.state.record_keys
        )
        found.objected = True
        try:
            await self.state.append(event)
        except (RecordError, OSError):
            found.objected = False
            return message_page(self.shown, 503, "unavailable")
        return self.onward(found, here=True)

    def answers(self, decision: Decision) -> tuple[dict[str, str], dict[str, str]]:
        """What was answered to each ask, and what is wrong with the rest."""
        answers, wrong = {}, {}
        for ask in asks(decision, self.language):
            if ask.written:
                answers[ask.key], trouble = self.written(f"ask.{ask.key}")
            else:
                answers[ask.key] = "yes"
                trouble = (
                    None if self.form.get(f"ask.{ask.key}") == "yes" else say("own.confirm.missing", self.language)
                )
            if trouble:
                wrong[ask.key] = trouble
        return answers, wrong

    def written(self, name: str) -> tuple[str, str | None]:
        """A person's words in a field, and what is wrong with their number."""
        words = CONTROLS.sub(" ", self.form.get(name, "").replace("\r\n", "\n")).strip()
        if sum(character.isalpha() for character in words) < SHORTEST_ANSWER:
            return words, say("own.confirm.short", self.language, letters=SHORTEST_ANSWER)
        if len(words) > LONGEST_ANSWER:
            return words, say("own.confirm.long", self.language, letters=LONGEST_ANSWER)
        return words, None

    def onward(self, found: Remembered, *, here: bool = False) -> Reply:
        """To the page that was asked for, where a visit was confirmed; else to the decision's own page."""
        back = f"/d/{found.decision.number}?{urlencode({'lang': self.language.value})}"
        live = found.release is not None and found.release.expires > self.state.now()
        place = found.page if live and not here and found.page else back
        return _led(place)


def _led(place: str) -> Reply:
    return Reply(303, (("Location", place), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")), b"")


def _local(path: str) -> str | None:
    """A path of this host that a link of ours may lead to; `None` for any other."""
    return path if path == "/" or _LOCAL.fullmatch(path) else None


_LOCAL: Final = re.compile(r"(?:/[A-Za-z0-9-]{1,40}){1,3}")


def release_of(decision: Decision, answers: Mapping[str, str], moment: datetime) -> Release:
    """What a confirmation of the decision's hold allows, and for how long.

    A visit covers the officer on that platform for the time that its rules give. Content is released once.
    Where no officer is known, the browser's cookie binds who may confirm. It is of this host, so the act itself, on
    the platform's, comes without it: the release is the client address's, and every browser there may use it.
    """
    actor, visit = decision.actor, decision.activity.kind is Kind.VIEW
    account = decision.activity.account
    return Release(
        id=secrets.token_hex(8),
        rules=frozenset(match.rule for match in decision.decisive()),
        platform=decision.activity.platform,
        expires=moment + timedelta(seconds=release_time(decision)),
        officer=actor.officer.id if actor.officer else None,
        client=None if actor.officer else actor.client,
        kind=decision.activity.kind,
        account=None if visit else account.id or account.handle or "",
        digest=None if visit else decision.digest,
        answers=answers,
        single_use=not visit,
    )


def release_time(decision: Decision) -> int:
    """Seconds that a confirmation of this decision's hold lasts: the shortest that its rules give a visit."""
    given = [match.release_for for match in decision.decisive() if match.release_for is not None]
    return min(given) if given and decision.activity.kind is Kind.VIEW else RELEASE_TIME


def form_token(number: str, actor: Actor, token: str | None, key: bytes) -> str:
    """What a form about a decision carries, so that only a page shown to this reader can send it."""
    said = "\n".join(("gerbang.form.v1", number, owner(actor), "" if actor.officer else token or ""))
    return hmac.new(key, said.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def _cookie(request: Request) -> str | None:
    try:
        crumbs = SimpleCookie((request.header("Cookie") or "")[:4096])
    except CookieError:
        return None
    found = crumbs.get(COOKIE)
    return found.value if found is not None and TOKEN.fullmatch(found.value) else None


def _fields(text: str) -> Mapping[str, str]:
    """The fields of a form or query, the first of each name; none where there are too many."""
    try:
        parsed = parse_qs(text, keep_blank_values=True, max_num_fields=FIELD_LIMIT)
    except ValueError:
        return {}
    return {name: values[0] for name, values in parsed.items()}


def _language(wanted: str | None, request: Request) -> Language:
    return Language(wanted) if wanted in {"ms", "en"} else preferred(request.header("Accept-Language"))


def _plain_path(path: str) -> str:
    """The path as a link of ours may hold it. Any other leads home."""
    return _local(path) or "/"


def _with(reply: Reply, *headers: tuple[str, str]) -> Reply:
    return replace(reply, headers=(*reply.headers, *headers))
