"""The console's pages: sign-in, the decisions with filters and CSV, one decision with its whole reasoning.

Read-only. Works without script. Every page is for somebody who is signed in, is never cached, and is never framed.
"""

import csv
import hashlib
import hmac
import io
import re
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from importlib.resources import files
from ipaddress import ip_address
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from gerbang.answers.pages import platform_name
from gerbang.answers.reasons import Wording, findings, gaps, hours_told, moment_told, reasons
from gerbang.answers.words import PHRASES, Language, preferred, say, term
from gerbang.console.api.problems import API_BODY_LIMIT, Problem, is_api, problem, told
from gerbang.console.chart import chart
from gerbang.console.looks import Look, Unrecorded
from gerbang.console.policies import PastPolicies
from gerbang.console.sessions import Attempts, Session, Sessions
from gerbang.console.users import LONGEST_PASSWORD, Role, User, Users
from gerbang.errors import RecordError
from gerbang.model import Effect, Kind, Regime
from gerbang.record.event import EventKind
from gerbang.record.number import check_number
from gerbang.record.stored import StoredDecision
from gerbang.store import DecisionRow, Filter, Store

log = structlog.get_logger()

SESSION_COOKIE, GUEST_COOKIE, LANGUAGE_COOKIE = "gerbang-console", "gerbang-guest", "gerbang-language"
ROWS: Final = 50
CSV_ROWS: Final = 100_000
LARGEST_PAGE: Final = 1000
LOOKS_SHOWN: Final = 20
FORM_LIMIT: Final = 8 << 10  # bytes
QUERY_LIMIT: Final = 2 << 10  # characters
SLOW_HASHES: Final = 2  # passwords checked at once; each takes a core for a quarter of a second
PATIENCE: Final = 3.0  # seconds that a sign-in waits for its turn

TEMPLATES: Final = Environment(
    loader=PackageLoader("gerbang.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
STYLE: Final = files("gerbang.console").joinpath("templates/console.css").read_text("utf-8")
STYLE_PATH: Final = f"/style-{hashlib.sha256(STYLE.encode()).hexdigest()[:12]}.css"

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Away(Exception):
    """The reader must sign in first, and is then led back to `target`."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class Reader:
    """Who reads: the session and account of this request."""

    def __init__(self, user: User, session: Session) -> None:
        self.user, self.session = user, session


class Console:
    """What the pages share."""

    def __init__(
        self,
        store: Store,
        users: Users,
        platforms: Sequence[str],
        language: Language,
        zone: tzinfo,
        clock: Callable[[], float],
        look: Callable[[Look], None],
    ) -> None:
        self.store, self.users, self.platforms, self.look = store, users, platforms, look
        self.policies = PastPolicies(store)
        self.language, self.zone = language, zone
        self.sessions, self.attempts = Sessions(clock), Attempts(clock)
        self.slow = threading.BoundedSemaphore(SLOW_HASHES)

    # ------------------------------------------------------------ who and in what language

    def speaks(self, request: Request) -> Language:
        """The language that was chosen, or else the browser's, or else the setting's."""
        for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
            if chosen in {"ms", "en"}:
                return Language(chosen)
        return preferred(request.headers.get("accept-language"), self.language)

    def reader(self, request: Request) -> Reader | None:
        token = request.cookies.get(SESSION_COOKIE)
        session = self.sessions.find(token) if token else None
        user = self.users.get(session.user) if session else None
        # An account that was removed or made anew since is not the one that signed in.
        if token is None or session is None or user is None or user.stamp != session.stamp:
            return None
        return Reader(user, session)

    def page(
        self, request: Request, template: str, status: int = 200, reader: Reader | None = None, **values: Any
    ) -> Response:
        language = self.speaks(request)
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
        text = TEMPLATES.get_template(template).render(
            language=language.value,
            other=language.other.value,
            say=lambda key, **arguments: say(key, language, **arguments),
            term=lambda group, word: term(group, word, language),
            platform_name=platform_name,
            style_path=STYLE_PATH,
            reader=reader,
            switch=f"{request.url.path}?{urlencode([*query, ('lang', language.other.value)])}",
            **values,
        )
        # What cannot be written as UTF-8 (half a surrogate pair of a hostile body) becomes a question mark.
        return Response(text.encode("utf-8", "replace"), status, media_type="text/html; charset=utf-8")

    def message(self, request: Request, status: int, key: str) -> Response:
        return self.page(request, "message.html", status, self.reader(request), key=key)

    # ------------------------------------------------------------ signing in

    def check(self, name: str, password: str, address: str) -> User | str:
        """The account, or the key of the words that say why not."""
        if not self.attempts.allowed(name, address):
            return "console.slow"
        if not self.slow.acquire(timeout=PATIENCE):
            return "console.busy"
        try:
            user = self.users.check(name, password)
        finally:
            self.slow.release()
        if user is None:
            self.attempts.failed(name, address)
            log.warning("sign-in-failed", address=address)
            return "console.wrong"
        if user.role is Role.APPROVER:
            # There are no pages for approvers: they answer by the API and by commands.
            return "console.no-pages"
        log.info("signed-in", user=user.name, role=user.role, address=address)
        return user


def create_app(
    store: Store,
    users: Users,
    look: Callable[[Look], None],
    *,
    hosts: frozenset[str],
    platforms: Sequence[str] = (),
    language: Language = Language.MS,
    zone: tzinfo | None = None,
    clock: Callable[[], float] = time.monotonic,
    endpoints: Callable[[FastAPI], None] = lambda _: None,
) -> FastAPI:
    """The application.

    `look` has a look on disk before its page is shown, or raises `Unrecorded`. `hosts` are the names by which the
    console may be asked for, besides plain addresses; `platforms` those that a list can be filtered by; `zone` tells
    whose days a filter means; `endpoints` adds what is for programs.
    """
    console = Console(store, users, platforms, language, zone or ZoneInfo("Asia/Kuala_Lumpur"), clock, look)
    app = FastAPI(title="Gerbang", docs_url=None, redoc_url=None, openapi_url=None)
    _guard(app, console, hosts)
    _signing_in(app, console)
    _decisions(app, console)
    endpoints(app)
    return app


# ---------------------------------------------------------------- what holds for every request


def _guard(app: FastAPI, console: Console, hosts: frozenset[str]) -> None:
    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not host_allowed(request.headers.get("host", ""), hosts):
            key = "console.bad-host"
            response = problem(421) if is_api(request) else console.page(request, "message.html", 421, key=key)
        elif too_long(request):
            response = problem(413) if is_api(request) else Response("", 413)
        elif len(request.url.query) > QUERY_LIMIT:
            response = Response("", 414)
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        if request.query_params.get("lang") in {"ms", "en"}:
            _cookie(response, request, LANGUAGE_COOKIE, request.query_params["lang"])
        return response

    @app.exception_handler(Away)
    def away(_: Request, error: Away) -> Response:
        target = f"/sign-in?{urlencode({'next': error.target})}" if error.target != "/" else "/sign-in"
        return RedirectResponse(target, 303)

    @app.exception_handler(Unrecorded)
    def unrecorded(request: Request, error: Unrecorded) -> Response:
        log.error("look-unrecorded", error=str(error))
        return console.message(request, 503, "console.unrecorded")

    @app.exception_handler(Problem)
    def not_done(_: Request, error: Problem) -> Response:
        return problem(error.status, error.detail, error.more, error.headers)

    @app.exception_handler(RecordError)
    def database_away(request: Request, error: RecordError) -> Response:
        log.error("database-away", error=str(error))
        if is_api(request):
            return problem(503, told(error))
        return console.message(request, 503, "console.down")

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        if is_api(request):
            return problem(error.status_code, headers=error.headers)
        return console.message(request, error.status_code, "console.missing")

    @app.exception_handler(Exception)
    def fault(request: Request, _: Exception) -> Response:
        # The server logs the traceback; this only sees that the reader gets a page.
        response = problem(500) if is_api(request) else console.page(request, "message.html", 500, key="console.fault")
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.get(STYLE_PATH)
    def style() -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=604800, immutable"})


def too_long(request: Request) -> bool:
    """Whether a body is longer than any form of ours, or does not say how long it is."""
    length = request.headers.get("content-length", "0")
    limit = API_BODY_LIMIT if is_api(request) else FORM_LIMIT
    return "transfer-encoding" in request.headers or not length.isdecimal() or int(length[:12]) > limit


def host_allowed(host: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header names this console. A plain address cannot be rebound by somebody else's name server."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name in hosts:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(response: Response, request: Request, name: str, value: str, age: int | None = None) -> None:
    # Lax, so that a link to a decision in a letter opens it: every form carries a token of its own besides.
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=age, httponly=True, samesite="lax", secure=secure)


def _same_origin(request: Request) -> bool:
    """Whether a form came from one of our pages, by the header that a browser sends with it."""
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


# ---------------------------------------------------------------- signing in and out


def _signing_in(app: FastAPI, console: Console) -> None:
    def form(request: Request, status: int, trouble: str | None, after: str, name: str = "") -> Response:
        guest = request.cookies.get(GUEST_COOKIE) or secrets.token_urlsafe(24)
        response = console.page(
            request, "sign-in.html", status, trouble=trouble, csrf=guest, after=after, name=name[:64]
        )
        _cookie(response, request, GUEST_COOKIE, guest)
        return response

    @app.get("/sign-in")
    def sign_in_page(request: Request, next: str = "/") -> Response:
        return form(request, 200, None, local_path(next))

    @app.post("/sign-in")
    def sign_in(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
        after: Annotated[str, Form()] = "/",
    ) -> Response:
        after = local_path(after)
        guest = request.cookies.get(GUEST_COOKIE, "")
        if not guest or not hmac.compare_digest(guest.encode(), csrf.encode()) or not _same_origin(request):
            return form(request, 403, "console.stale", after, name)
        address = request.client.host if request.client else ""
        found = console.check(name[:64].strip().lower(), password[: LONGEST_PASSWORD + 1], address)
        if isinstance(found, str):
            status = {"console.wrong": 401, "console.slow": 429, "console.busy": 503, "console.no-pages": 403}[found]
            return form(request, status, found, after, name)
        response = RedirectResponse(after, 303)
        _cookie(response, request, SESSION_COOKIE, console.sessions.open(found.name, found.stamp))
        response.delete_cookie(GUEST_COOKIE)
        return response

    @app.post("/sign-out")
    def sign_out(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        reader = console.reader(request)
        if reader is not None and (not reader.session.sent(csrf) or not _same_origin(request)):
            return console.message(request, 403, "console.missing")
        console.sessions.close(request.cookies.get(SESSION_COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response


def local_path(target: str) -> str:
    """The path to lead back to after signing in: one of ours, or else the first page."""
    ours = target == "/" or target.startswith("/decisions")
    return target if ours and target.isascii() and target.isprintable() and "\\" not in target else "/"


# ---------------------------------------------------------------- decisions


def _decisions(app: FastAPI, console: Console) -> None:
    def reader(request: Request) -> Reader:
        found = console.reader(request)
        if found is None:
            query = f"?{request.url.query}" if request.url.query else ""
            raise Away(f"{request.url.path}{query}" if request.method == "GET" else "/")
        return found

    Signed = Annotated[Reader, Depends(reader)]

    @app.get("/")
    def first(_: Signed) -> Response:
        return RedirectResponse("/decisions", 303)

    @app.get("/decisions")
    def decisions(request: Request, who: Signed) -> Response:
        given = dict(request.query_params)
        wanted, wrong = wanted_of(given, console.zone)
        language = console.speaks(request)
        rules = console.policies.in_force()
        values: dict[str, Any] = {"given": given, "wrong": wrong, "rows": (), "older": None, "chart": None}
        values["unheard"] = None
        if not wrong:
            filters = filters_of(request)
            console.look(Look(who.user.name, who.user.role, "decisions", filters=filters))
            try:
                page = console.store.decisions(wanted, limit=ROWS, after=given.get("after"))
            except RecordError:
                if "after" not in given:
                    raise
                # A place that is none of this list's: back to its beginning, which tells if the database is away.
                return RedirectResponse(f"/decisions?{urlencode(filters)}", 303)
            wordings = {digest: console.policies.wording(digest) for digest in {row.policy for row in page.rows}}
            if not page.rows and "after" not in given:
                values["unheard"] = unheard(console.store, wanted, rules)
            values |= {
                "rows": [row(found, console.zone, language, wordings[found.policy]) for found in page.rows],
                "older": f"/decisions?{urlencode(filters | {'after': page.next})}" if page.next else None,
                "newest": f"/decisions?{urlencode(filters)}" if "after" in given else None,
                "chart": chart(console.store.counts(wanted), console.zone, wanted.since, wanted.until),
                "csv": f"/decisions.csv?{urlencode(filters)}",
                "filtered": bool(filters),
            }
        values |= {"effects": list(Effect), "kinds": list(Kind), "regimes": list(Regime), "done": DONE}
        values |= {"platforms": console.platforms, "categories": CATEGORIES, "gaps": GAPS, "rules": rules}
        return console.page(request, "decisions.html", 400 if wrong else 200, who, **values)

    @app.get("/decisions.csv")
    def as_csv(request: Request, who: Signed) -> Response:
        wanted, wrong = wanted_of(dict(request.query_params), console.zone)
        if wrong:
            return console.page(request, "message.html", 400, who, key="console.bad-query")
        console.look(Look(who.user.name, who.user.role, "decisions.csv", filters=filters_of(request)))
        lines = csv_lines(each(console.store, wanted), console.zone)
        # The first line is drawn before the answer begins, so that a database that is away is told as such.
        head = next(lines)
        return StreamingResponse(
            _joined(head, lines),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="gerbang-decisions.csv"'},
        )

    @app.get("/decisions/{number}")
    def decision(request: Request, number: str, who: Signed) -> Response:
        written = check_number(number)
        record = console.store.decision(written) if written else None
        if record is None:
            return console.page(request, "message.html", 404, who, key="console.missing")
        console.look(Look(who.user.name, who.user.role, "decision", record.row.number))
        language = console.speaks(request)
        found = StoredDecision.model_validate(record.body)
        wording = console.policies.wording(found.basis.policy)
        # An admin keeps the machine running and reads nobody's words.
        content = who.user.role is Role.AUDITOR
        matched = found.matched()
        holds = console.store.holds([match.released_by for match in matched if match.released_by])
        return console.page(
            request,
            "decision.html",
            200,
            who,
            decision=found,
            record=record,
            when=moment_told(found.hours.local, language),
            hours=hours_told(found.when(), language),
            reasons=reasons(matched, found.effect, found.hours.regime, language, wording),
            holds=sorted(set(holds.values())),
            findings=findings([finding.value() for finding in found.findings], language),
            gaps=gaps([gap.value() for gap in found.gaps], language),
            excerpts=alike(record.private.get("excerpts")) if content else (),
            shape=record.private.get("shape"),
            exemptions=record.private.get("exemptions") or (),
            content=content,
            looks=[event for event in record.related if event.kind == EventKind.LOOKED][-LOOKS_SHOWN:],
            officer=record.row.officer_name,
            mask=mask(found.officer),
            local=lambda text: moment_told(datetime.fromisoformat(text).astimezone(console.zone), language),
        )


FILTERS: Final = (
    "number", "done", "effect", "activity", "platform", "officer", "regime", "zone", "category", "gap", "rule",
    "objection", "from", "to",
)  # fmt: skip
CATEGORIES: Final = tuple(key.partition(".")[2] for key in PHRASES if key.startswith("category."))
GAPS: Final = tuple(key.partition(".")[2] for key in PHRASES if key.startswith("gap."))
DONE: Final = ("forwarded", "held", "answered")
DOTS: Final = re.compile("•+")


def unheard(store: Store, wanted: Filter, rules: Collection[str]) -> str | None:
    """The filter whose value is none of a decision's nor of the policy in force, where a list is empty for it."""
    found = store.unheard(wanted)
    names = {rule if "/" in (wanted.rule or "") else rule.partition("/")[2] for rule in rules}
    return None if found == "rule" and wanted.rule in names else found


def alike(excerpts: Any) -> tuple[tuple[str, int], ...]:
    """Masked excerpts that differ in how much is hidden only, once, with their number."""
    shapes: dict[str, int] = {}
    for excerpt in excerpts if isinstance(excerpts, list) else ():
        shape = DOTS.sub("•••", str(excerpt)).strip("…")
        shapes[shape] = shapes.get(shape, 0) + 1
    return tuple(shapes.items())


def filters_of(request: Request) -> dict[str, str]:
    """The filters of a query that say something, as they were sent."""
    return {name: value for name, value in request.query_params.items() if name in FILTERS and value}


def each(store: Store, wanted: Filter) -> Iterator[DecisionRow]:
    """Every decision that is wanted, newest first, up to `CSV_ROWS`, a page of the store at a time."""
    after, left = None, CSV_ROWS
    while left > 0:
        page = store.decisions(wanted, limit=min(left, LARGEST_PAGE), after=after)
        yield from page.rows
        left -= len(page.rows)
        after = page.next
        if after is None:
            return


def wanted_of(given: Mapping[str, str], zone: tzinfo) -> tuple[Filter, str | None]:
    """What a query asks for, and the name of the first field that makes no sense, or `order` for days that are the
    wrong way round. Dates are days of `zone`, whole."""
    # PostgreSQL takes no zero in a text.
    plain = {name: given[name].replace("\0", "").strip()[:200] or None for name in FILTERS if name in given}
    read: dict[str, Any] = {}
    readers: Mapping[str, Callable[[str], Any]] = {
        "done": DONE.index,
        "effect": Effect,
        "objection": ("no", "yes").index,
        "activity": Kind,
        "regime": Regime,
        "from": lambda day: _midnight(day, zone),
        "to": lambda day: _midnight(day, zone, days=1),
    }
    for name, read_one in readers.items():
        try:
            read[name] = read_one(word) if (word := plain.get(name)) else None
        except (ValueError, OverflowError):
            return Filter(), name
    if read["from"] and read["to"] and read["from"] >= read["to"]:
        return Filter(), "order"
    wanted = Filter(
        since=read["from"],
        until=read["to"],
        platform=plain.get("platform"),
        activity=read["activity"],
        effect=read["effect"],
        regime=read["regime"],
        zone=plain.get("zone"),
        rule=plain.get("rule"),
        category=plain.get("category"),
        gap=plain.get("gap"),
        officer=plain.get("officer"),
        done=plain.get("done"),
        objection=None if read["objection"] is None else bool(read["objection"]),
        number=plain.get("number"),
    )
    return wanted, None


def _midnight(day: str, zone: tzinfo, days: int = 0) -> datetime:
    found = date.fromisoformat(day) + timedelta(days=days)
    if not 2000 <= found.year <= 2200:
        raise ValueError(day)
    return datetime(found.year, found.month, found.day, tzinfo=zone)


def mask(officer: str | None) -> str | None:
    """An officer as the lists show them: enough of the pseudonym to tell one from another, and no name."""
    return officer[:8] if officer else None


def row(decision: DecisionRow, zone: tzinfo, language: Language, wording: Wording) -> Mapping[str, Any]:
    """A decision in a line of the list: what decided it by its title, and behind that what else matched."""
    local = decision.moment.astimezone(zone)

    def told(rule: str) -> Mapping[str, str]:
        words = wording(rule, None, language)
        return {"id": rule, "title": words.title if words else rule.partition("/")[2] or rule}

    marks = {"released": decision.released, "observed": decision.observed, "exempted": decision.exempted}
    marked = {rule for rules in marks.values() for rule in rules}
    # What rests on a confirmation alone has that to say, and no rule in force.
    shown = [(told(rule), "") for rule in decision.decisive]
    if not shown:
        shown = [(told(rule), say("mark.released", language)) for rule in marks.pop("released")]
    in_force = [rule for rule in decision.rules if rule not in marked and rule not in decision.decisive]
    others = [(told(rule), "") for rule in in_force]
    others += [(told(rule), say(f"mark.{mark}", language)) for mark, rules in marks.items() for rule in rules]
    return {
        "number": decision.number,
        "when": f"{local:%Y-%m-%d %H:%M}",
        "iso": local.isoformat(timespec="seconds"),
        "kind": term("kind", decision.activity, language),
        "unclaimed": decision.unclaimed,
        "platform": platform_name(decision.platform),
        "standing": term("standing", decision.standing, language),
        "regime": term("regime", decision.regime, language),
        "office": decision.office,
        "zone": decision.zone,
        "officer": decision.officer_name or mask(decision.officer),
        "mask": mask(decision.officer),
        "done": decision.done,
        "done_told": term("done", decision.done, language),
        "decisive": shown,
        "others": others,
        "objected": decision.objected,
        "confirmed": decision.confirmed and decision.done == "held",
        "categories": [term("category", category, language) for category in decision.categories],
        "gaps": [term("gap", gap, language) for gap in decision.gaps],
    }


COLUMNS: Final = (
    "number", "time", "effect", "done", "accepted", "platform", "activity", "account", "officer", "office", "zone",
    "device", "regime", "rules", "decisive", "exempted", "observed", "released", "categories", "gaps", "remedial",
    "unclaimed", "objection",
)  # fmt: skip


def csv_lines(decisions: Iterable[DecisionRow], zone: tzinfo) -> Iterator[str]:
    """The decisions as CSV with a heading. Values are the record's own words, the same in either language."""
    rows = iter(decisions)
    first = next(rows, None)
    # Spreadsheets take a file for UTF-8 by this mark.
    yield "\ufeff" + _csv_line(COLUMNS)
    if first is not None:
        yield _csv_line(_cells(first, zone))
    for decision in rows:
        yield _csv_line(_cells(decision, zone))


def _cells(decision: DecisionRow, zone: tzinfo) -> tuple[str, ...]:
    return (
        decision.number,
        decision.moment.astimezone(zone).isoformat(timespec="seconds"),
        decision.effect,
        decision.done,
        {True: "yes", False: "no", None: ""}[decision.accepted],
        decision.platform,
        decision.activity,
        decision.standing,
        decision.officer or "",
        decision.office,
        decision.zone,
        decision.device,
        decision.regime,
        " ".join(decision.rules),
        " ".join(decision.decisive),
        " ".join(decision.exempted),
        " ".join(decision.observed),
        " ".join(decision.released),
        " ".join(decision.categories),
        " ".join(decision.gaps),
        "yes" if decision.remedial else "",
        "yes" if decision.unclaimed else "",
        "yes" if decision.objected else "",
    )


def _csv_line(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([plain_cell(cell) for cell in cells])
    return out.getvalue()


def plain_cell(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula.

    >>> plain_cell("=1+1"), plain_cell("x/rule")
    ("'=1+1", 'x/rule')
    """
    return f"'{cell}" if cell.lstrip()[:1] in {"=", "+", "-", "@"} or cell[:1] in {"\t", "\r", "\n"} else cell


def _joined(head: str, rest: Iterator[str]) -> Iterator[bytes]:
    yield head.encode("utf-8", "replace")
    for line in rest:
        yield line.encode("utf-8", "replace")
