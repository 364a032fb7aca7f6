"""What the browser is told in the platform's place, by how it asked (DESIGN, section 7).

A navigation gets a page in the reader's language. A page's script gets the shape in which that platform's own code
understands a refusal, or else a problem document (RFC 9457). What a script can read holds the decision's number and
one neutral sentence: never a category, a clause, a name or what was matched.
"""

import html
import json
import re
from collections.abc import Mapping
from typing import Final

from gerbang.answers.paper import ALONE, GUEST_POLICY, page
from gerbang.answers.words import Language, preferred, say
from gerbang.model import Decision, Effect, Kind, Refusal, Regime, Reply, Request

HELD: Final = frozenset({Effect.COACH, Effect.APPROVE})

BLOCKED, HOLD, TOO_LARGE, FAULT = 403, 428, 413, 503
NOT_DONE = 300

# An origin is echoed into a header, so it must look like one: a scheme with a host, or the word null.
ORIGIN: Final = re.compile(r"(?:null|[a-z][a-z0-9+.-]{0,31}://[A-Za-z0-9._\-\[\]:]{1,255})")
SLOT: Final = re.compile(r"\{(message|number|status|id)\}")


def refuse(request: Request, decision: Decision, refusal: Refusal | None, gate: str) -> Reply:
    """The answer to a request that the decision blocks or holds. `gate` is the URL of the gate's own host."""
    language = preferred(request.header("Accept-Language"))
    held = decision.effect in HELD
    link = decision_link(gate, decision.number)
    if is_navigation(request):
        heading, body, action = _told(decision)
        values = {
            "title": say("title.hold" if held else "title.block", language),
            "tone": "wait" if held else "stop",
            "heading": say(heading, language),
            "body": say(body, language),
            "number": decision.number,
            "link": link,
            "action": say(action, language),
        }
        return _page(request, language, HOLD if held else BLOCKED, values)
    message = say(f"neutral.{neutral(decision)}", language, link=link)
    status = HOLD if held else BLOCKED
    # A page that reads what went wrong only in an answer that seems to be none, as Facebook's does, gets that.
    if refusal is not None and (not held or refusal.status < NOT_DONE):
        status = refusal.status
    title = say("title.hold" if held else "title.block", language)
    return _for_script(request, language, status, title, message, decision.number, link, refusal)


def neutral(decision: Decision) -> str:
    """Which of the neutral sentences tells of a refusal."""
    if decision.effect in HELD:
        return "hold"
    return "visit" if any(match.covered_by for match in decision.decisive()) else "block"


def _told(decision: Decision) -> tuple[str, str, str]:
    """Heading, reason and way on of a page on the platform's address, without what was seen."""
    visit = decision.activity.kind is Kind.VIEW
    if decision.effect is Effect.APPROVE:
        return "page.approve.heading", "page.approve.body", "page.why"
    if decision.effect is not Effect.COACH:
        return "page.block.view" if visit else "page.block.heading", "page.block.body", "page.why"
    body = "page.hold.body"
    if visit:
        office_hours = decision.hours.regime is Regime.OFFICE_HOURS and _asks_purpose(decision)
        body = "page.hold.visit-hours" if office_hours else "page.hold.visit"
    return "page.hold.heading", body, "page.answer"


def _asks_purpose(decision: Decision) -> bool:
    return any("official-purpose" in match.asks for match in decision.decisive())


def fault(request: Request, refusal: Refusal | None, gate: str, reason: str) -> Reply:
    """The answer when the trouble is ours. `reason` is `fault`, `journal` or `busy`; another reads as `fault`."""
    language = preferred(request.header("Accept-Language"))
    key = f"neutral.{reason}" if reason in {"fault", "journal", "busy"} else "neutral.fault"
    return _unjudged(request, language, FAULT, "fault", key, refusal, gate)


def too_large(request: Request, refusal: Refusal | None, gate: str, decision: Decision | None = None) -> Reply:
    """The answer to a body beyond what the gate reads. With the decision, where the policy made one of the gap."""
    language = preferred(request.header("Accept-Language"))
    return _unjudged(request, language, TOO_LARGE, "too-large", "neutral.too-large", refusal, gate, decision)


def notice_first(request: Request, refusal: Refusal | None, gate: str) -> Reply:
    """The answer to an officer who has not acknowledged the notice yet, where nothing is judged before."""
    language = preferred(request.header("Accept-Language"))
    link = f"{gate.rstrip('/')}/notice"
    title = say("title.notice", language)
    if is_navigation(request):
        values = {
            "title": title,
            "tone": "wait",
            "heading": say("page.notice.heading", language),
            "body": say("page.notice.body", language),
            "number": "",
            "link": link,
            "action": say("page.notice.read", language),
        }
        return _page(request, language, HOLD, values)
    message = say("neutral.notice", language, link=link)
    status = refusal.status if refusal is not None and refusal.status < NOT_DONE else HOLD
    return _for_script(request, language, status, title, message, "", link, refusal)


def is_navigation(request: Request) -> bool:
    """Whether a person will see the answer as a page. A form that posts is a navigation, as WordPress's comments are.

    `Sec-Fetch-Mode` says so where the browser sends it, and a page's script cannot forge it. Older browsers are
    known by asking for HTML first and not by `X-Requested-With`.
    """
    mode = request.header("Sec-Fetch-Mode")
    if mode is not None:
        return mode.strip().lower() == "navigate"
    if request.header("X-Requested-With") or request.header("Sec-Fetch-Dest") == "empty":
        return False
    accept = (request.header("Accept") or "").strip().lower()
    return accept.startswith(("text/html", "application/xhtml+xml"))


def decision_link(gate: str, number: str) -> str:
    """Where the decision's page stands, on the gate's own host."""
    return f"{gate.rstrip('/')}/d/{number}"


def cross_origin(request: Request) -> str | None:
    """The origin that asked, where it is another than the request's own."""
    origin = request.header("Origin")
    if origin is None or not ORIGIN.fullmatch(origin):
        return None
    return None if origin == request.origin else origin


def _unjudged(
    request: Request,
    language: Language,
    status: int,
    subject: str,
    key: str,
    refusal: Refusal | None,
    gate: str,
    decision: Decision | None = None,
) -> Reply:
    message, number = say(key, language), decision.number if decision else ""
    link = decision_link(gate, number) if decision else gate
    if is_navigation(request):
        values = {
            "title": say(f"title.{subject}", language),
            "tone": "wait",
            "heading": say(f"page.{subject}.heading", language),
            "body": f"{message} {say(f'page.{subject}.body', language)}",
            "number": number,
            "link": link,
            "action": say("page.why", language),
        }
        return _page(request, language, status, values)
    title = say(f"title.{subject}", language)
    return _for_script(request, language, status, title, message, number, link, refusal)


def _page(request: Request, language: Language, status: int, values: dict[str, object] | dict[str, str]) -> Reply:
    headers = (*_script_headers(request, str(values["number"])), ("Referrer-Policy", "no-referrer"))
    return page(
        "refused",
        language,
        status,
        values,
        policy=GUEST_POLICY,
        headers=headers,
        head_only=request.method == "HEAD",
    )


def _for_script(
    request: Request,
    language: Language,
    status: int,
    title: str,
    message: str,
    number: str,
    link: str,
    refusal: Refusal | None,
) -> Reply:
    if refusal is not None:
        values = {"message": message, "number": number or "-", "status": str(status)}
        content_type, text = refusal.content_type, filled(refusal.body, refusal.content_type, values)
    else:
        content_type = "application/problem+json"
        problem = {"type": "about:blank", "title": title, "status": status, "detail": message}
        text = json.dumps(problem | ({"instance": link, "decision": number} if number else {}), ensure_ascii=False)
    headers = (
        ("Content-Type", content_type),
        ("Content-Language", language.value),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        *ALONE,
        *_script_headers(request, number),
    )
    return Reply(status, headers, b"" if request.method == "HEAD" else text.encode("utf-8", "replace"))


def _script_headers(request: Request, number: str) -> tuple[tuple[str, str], ...]:
    """The decision's number, and leave for the page that asked to read it where it stands on another origin."""
    named = (("Gerbang-Decision", number),) if number else ()
    vary = ("Vary", "Origin, Accept, Accept-Language, Sec-Fetch-Mode, X-Requested-With")
    origin = cross_origin(request)
    if origin is None:
        return (*named, vary)
    return (
        *named,
        vary,
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "Gerbang-Decision"),
    )


def filled(template: str, content_type: str, values: Mapping[str, str]) -> str:
    """A platform's shape with our values, written as its content type writes text."""
    kind = content_type.partition(";")[0].strip().lower()

    def written(found: re.Match[str]) -> str:
        value = values.get(found[1])
        if value is None:
            return found[0]
        if kind.endswith(("json", "javascript")):
            return json.dumps(value, ensure_ascii=False)[1:-1]
        if kind.endswith(("html", "xml")):
            return html.escape(value)
        return value

    return SLOT.sub(written, template)
