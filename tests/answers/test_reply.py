import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_decision, a_match, a_request, an_activity
from gerbang.answers.paper import STYLE_DIGEST
from gerbang.answers.reply import cross_origin, fault, is_navigation, refuse, too_large
from gerbang.answers.words import Language
from gerbang.model import (
    Citation,
    Decision,
    Effect,
    Finding,
    Kind,
    Likelihood,
    Refusal,
    Reply,
    Request,
)
from gerbang.recognition.signature import compile_platforms, parse_platform

POLICIES = Path(__file__).parents[2] / "policies"
GATE = "http://gerbang.internal"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}
GRAPHQL = Refusal(200, "application/json", '{"errors":[{"message":"{message}","code":226,"id":"{number}"}]}')


def header(reply: Reply, name: str) -> str | None:
    found = [value for key, value in reply.headers if key.lower() == name.lower()]
    assert len(found) <= 1, name
    return found[0] if found else None


def post(headers: dict[str, str], **more: str) -> Request:
    return a_request(target="/i/api/graphql/x/CreateTweet", method="POST", headers=headers | more)


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        (NAVIGATION, True),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, True),
        ({"Sec-Fetch-Mode": "navigate", "Content-Type": "application/x-www-form-urlencoded"}, True),
        (FETCH, False),
        ({"Sec-Fetch-Mode": "no-cors", "Accept": "text/html"}, False),
        ({"Sec-Fetch-Mode": "same-origin", "Accept": "text/html"}, False),
        ({"Sec-Fetch-Mode": "websocket"}, False),
        ({"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}, True),
        ({"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}, False),
        ({"Accept": "text/html", "Sec-Fetch-Dest": "empty"}, False),
        ({"Accept": "application/json, text/html"}, False),
        ({"Accept": "*/*"}, False),
        ({}, False),
    ],
)
def test_a_page_is_for_navigations(headers: dict[str, str], page: bool) -> None:
    assert is_navigation(a_request(headers=headers)) is page


@pytest.mark.parametrize(
    ("effect", "headers", "refusal", "status", "content_type"),
    [
        (Effect.BLOCK, NAVIGATION, None, 403, "text/html; charset=utf-8"),
        (Effect.BLOCK, NAVIGATION, GRAPHQL, 403, "text/html; charset=utf-8"),
        (Effect.COACH, NAVIGATION, GRAPHQL, 428, "text/html; charset=utf-8"),
        (Effect.APPROVE, NAVIGATION, None, 428, "text/html; charset=utf-8"),
        (Effect.BLOCK, FETCH, GRAPHQL, 200, "application/json"),
        (Effect.COACH, FETCH, GRAPHQL, 200, "application/json"),
        (Effect.BLOCK, FETCH, None, 403, "application/problem+json"),
        (Effect.COACH, FETCH, None, 428, "application/problem+json"),
        (Effect.APPROVE, FETCH, None, 428, "application/problem+json"),
    ],
)
def test_the_answer_has_the_shape_of_the_question(
    effect: Effect, headers: dict[str, str], refusal: Refusal | None, status: int, content_type: str
) -> None:
    reply = refuse(post(headers), a_decision(effect), refusal, GATE)
    assert (reply.status, header(reply, "Content-Type")) == (status, content_type)
    assert b"K7Q4-M2XP" in reply.body
    assert header(reply, "Gerbang-Decision") == "K7Q4-M2XP"
    assert header(reply, "Cache-Control") == "no-store"
    assert header(reply, "X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda request, refusal: fault(request, refusal, GATE, "fault"), 503),
        (lambda request, refusal: fault(request, refusal, GATE, "journal"), 503),
        (lambda request, refusal: fault(request, refusal, GATE, "../no such reason"), 503),
        (lambda request, refusal: too_large(request, refusal, GATE), 413),
        (lambda request, refusal: too_large(request, refusal, GATE, a_decision()), 413),
    ],
)
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH])
@pytest.mark.parametrize("refusal", [GRAPHQL, None])
def test_our_own_trouble_is_told_as_ours(answer, status: int, headers: dict[str, str], refusal: Refusal | None) -> None:
    reply = answer(post(headers), refusal)
    assert reply.status == status
    assert b"no such reason" not in reply.body
    assert (b"<h1>" in reply.body) is (headers is NAVIGATION)
    if headers is FETCH:
        json.loads(reply.body)


def test_a_problem_document_has_the_members_of_rfc_9457() -> None:
    reply = refuse(post(FETCH | {"Accept-Language": "en"}), a_decision(Effect.COACH), None, GATE)
    assert json.loads(reply.body) == {
        "type": "about:blank",
        "title": "Held",
        "status": 428,
        "detail": "Your office's gate is holding this until you answer it: http://gerbang.internal/d/K7Q4-M2XP",
        "instance": "http://gerbang.internal/d/K7Q4-M2XP",
        "decision": "K7Q4-M2XP",
    }


@pytest.mark.parametrize(
    ("origin", "echoed"),
    [
        (None, None),
        ("https://x.com", None),
        ("https://mobile.x.com", "https://mobile.x.com"),
        ("http://x.com", "http://x.com"),
        ("https://x.com:8443", "https://x.com:8443"),
        ("null", "null"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("https://a.example\r\nX-Bad: 1", None),
        ("https://a.example https://b.example", None),
        ("*", None),
        ("", None),
        ("https://" + "a" * 4000, None),
    ],
)
def test_an_origin_is_echoed_where_it_is_another_and_looks_like_one(origin: str | None, echoed: str | None) -> None:
    request = post(FETCH | ({"Origin": origin} if origin is not None else {}))
    assert cross_origin(request) == echoed
    reply = refuse(request, a_decision(), GRAPHQL, GATE)
    assert header(reply, "Access-Control-Allow-Origin") == echoed
    assert header(reply, "Access-Control-Allow-Credentials") == ("true" if echoed else None)
    assert header(reply, "Access-Control-Expose-Headers") == ("Gerbang-Decision" if echoed else None)
    assert "Origin" in (header(reply, "Vary") or "")


def test_a_page_on_the_platforms_address_is_sealed_off_from_the_platforms_scripts() -> None:
    policy = header(refuse(a_request(headers=NAVIGATION), a_decision(), None, GATE), "Content-Security-Policy") or ""
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["form-action"] == "'none'"
    assert "allow-same-origin" not in directives["sandbox"]
    assert "allow-scripts" not in directives["sandbox"]


SECRETS = ("political", "politik", "R6", "PU395-21-1", "Aminah", "P-1001", "Parti Contoh", "trial/rule", "office-hours")


def telling_decision(effect: Effect) -> Decision:
    return a_decision(
        effect,
        activity=an_activity("undi Parti Contoh", account="9001"),
        findings=(Finding("party-names", "political", Likelihood.CERTAIN, 5, 17),),
        matches=(a_match(effect=effect, citation=Citation("R6", "PU395-21-1")),),
    )


@pytest.mark.parametrize("effect", [Effect.BLOCK, Effect.COACH, Effect.APPROVE])
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH])
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("refusal", [GRAPHQL, None])
def test_what_a_script_may_read_tells_no_reason(
    effect: Effect, headers: dict[str, str], language: Language, refusal: Refusal | None
) -> None:
    reply = refuse(post(headers | {"Accept-Language": language.value}), telling_decision(effect), refusal, GATE)
    body = re.sub(r"<style>.*?</style>", "", reply.body.decode(), flags=re.S)
    # A digest can spell anything.
    said = (body + "".join(value for _, value in reply.headers)).replace(STYLE_DIGEST, "")
    assert [word for word in SECRETS if word in said] == []


@pytest.mark.parametrize("platform", ["x", "wordpress"])
@pytest.mark.parametrize(("effect", "status"), [(Effect.BLOCK, 403), (Effect.COACH, 428)])
def test_a_platforms_refusal_says_the_number_once_and_the_status_that_it_has(
    platform: str, effect: Effect, status: int
) -> None:
    text = POLICIES.joinpath("platforms", f"{platform}.yaml").read_text("utf-8")
    sites = {"blog.contoh.my": "wordpress"} if platform == "wordpress" else {}
    host = "blog.contoh.my" if platform == "wordpress" else "x.com"
    refusal = compile_platforms([parse_platform(text, platform)], sites).refusal(host)
    reply = refuse(post(FETCH), a_decision(effect), refusal, GATE)
    body = reply.body.decode()
    assert reply.status == status
    assert body.count("K7Q4-M2XP") == 1
    told = json.loads(body)
    assert (told["errors"][0]["code"] if platform == "x" else told["data"]["status"]) == status


@pytest.mark.parametrize(
    ("kind", "asks", "effect", "words"),
    [
        (Kind.VIEW, ("official-purpose",), Effect.COACH, "It is office hours, and a visit to this page needs"),
        (Kind.VIEW, (), Effect.COACH, "asks what this page is opened for"),
        (Kind.POST, ("accuracy",), Effect.COACH, "perhaps a sentence in it"),
        (Kind.POST, (), Effect.APPROVE, "wants it approved first"),
        (Kind.VIEW, (), Effect.BLOCK, "This page was not opened"),
        (Kind.POST, (), Effect.BLOCK, "This was not sent"),
    ],
)
def test_the_page_on_the_platforms_address_says_what_kind_of_question_it_is(
    kind: Kind, asks: tuple[str, ...], effect: Effect, words: str
) -> None:
    decision = a_decision(effect, activity=an_activity(kind=kind), matches=(a_match(effect=effect, asks=asks),))
    page = refuse(a_request(headers=NAVIGATION | {"Accept-Language": "en"}), decision, None, GATE).body.decode()
    assert words in page


@pytest.mark.parametrize("effect", [Effect.BLOCK, Effect.COACH])
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH])
@pytest.mark.parametrize("kind", [Kind.VIEW, Kind.POST])
def test_either_language_gives_the_same_answer_in_other_words(
    effect: Effect, headers: dict[str, str], kind: Kind
) -> None:
    decision = a_decision(effect, activity=an_activity(kind=kind))
    malay, english = (refuse(post(headers, **{"Accept-Language": tag}), decision, None, GATE) for tag in ("ms", "en"))
    assert malay.status == english.status
    assert malay.body != english.body
    plain = [[pair for pair in reply.headers if pair[0] != "Content-Language"] for reply in (malay, english)]
    assert plain[0] == plain[1]
    if headers is NAVIGATION:
        assert b'<html lang="ms">' in malay.body
        assert b'<html lang="en">' in english.body


def test_a_head_request_is_answered_without_a_body() -> None:
    assert refuse(a_request(method="HEAD", headers=NAVIGATION), a_decision(), None, GATE).body == b""


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "action", "srcset", "data"} and value and not value.startswith(("#", GATE, "/")):
                self.outside.append(value)
            if name.startswith("on") or name == "style":
                self.outside.append(name)


def test_a_page_brings_nothing_from_elsewhere_and_has_no_script() -> None:
    for reply in (
        refuse(a_request(headers=NAVIGATION), a_decision(), None, GATE),
        fault(a_request(headers=NAVIGATION), None, GATE, "fault"),
    ):
        page = Tags()
        page.feed(reply.body.decode())
        assert page.outside == []
        assert not {"script", "iframe", "object", "img", "base"} & set(page.tags)
        assert page.tags.count("h1") == 1


HOSTILE = st.one_of(
    st.sampled_from(['"><script>alert(1)</script>', "{{7*7}}", "</style><img src=x onerror=alert(1)>", "\r\nX: 1"]),
    st.text(max_size=60),
)


@given(number=HOSTILE, accept=st.text(max_size=40))
def test_a_hostile_number_is_escaped_in_every_shape(number: str, accept: str) -> None:
    decision = a_decision(number=number)
    page = refuse(a_request(headers=NAVIGATION | {"Accept-Language": accept}), decision, None, GATE)
    tags = Tags()
    tags.feed(page.body.decode("utf-8", "replace"))
    assert "script" not in tags.tags
    assert "img" not in tags.tags
    shaped = json.loads(refuse(post(FETCH), decision, GRAPHQL, GATE).body.decode("utf-8"))
    assert set(shaped) == {"errors"}
    assert set(shaped["errors"][0]) == {"message", "code", "id"}
    json.loads(refuse(post(FETCH), decision, None, GATE).body.decode("utf-8"))


@pytest.mark.parametrize(
    ("content_type", "template", "expected"),
    [
        ("application/json; charset=utf-8", '{"m":"{message}"}', None),
        ("text/html", "<p>{number}</p>", "<p>&lt;b&gt;&quot;{message}</p>"),
        ("text/xml", "<i>{number}</i>", "<i>&lt;b&gt;&quot;{message}</i>"),
        ("text/plain", "no: {number}", 'no: <b>"{message}'),
        ("application/json", '{"n":"{number}"}', '{"n":"<b>\\"{message}"}'),
    ],
)
def test_a_platforms_shape_is_filled_as_its_content_type_writes_text(
    content_type: str, template: str, expected: str | None
) -> None:
    decision = a_decision(number='<b>"{message}')
    reply = refuse(post(FETCH), decision, Refusal(403, content_type, template), GATE)
    if expected is None:
        assert '<b>"{message}' in json.loads(reply.body)["m"]
    else:
        assert reply.body.decode() == expected


@pytest.mark.parametrize(
    ("host", "path", "block", "hold", "words"),
    [
        ("www.facebook.com", "/api/graphql/", 200, 200, lambda told: told["errors"][0]["description"]),
        ("www.facebook.com", "/ajax/ufi/upload/", 200, 200, lambda told: told["errorDescription"]),
        (
            "upload.facebook.com",
            "/ajax/react_composer/attachments/photo/upload",
            200,
            200,
            lambda told: told["errorDescription"],
        ),
        ("rupload-sin2-1.up.facebook.com", "/fb_video/a", 403, 428, lambda told: told["debug_info"]["message"]),
        ("graph.facebook.com", "/v20.0/me/feed", 403, 428, lambda told: told["error"]["message"]),
    ],
)
def test_facebooks_refusal_is_the_one_that_is_read_there(
    host: str, path: str, block: int, hold: int, words: Callable[[Any], str]
) -> None:
    """Its page reads errors in a 200 alone, so there what is held has that status too."""
    text = POLICIES.joinpath("platforms", "facebook.yaml").read_text("utf-8")
    refusal = compile_platforms([parse_platform(text, "facebook.yaml")]).refusal(host, path)
    for effect, status in ((Effect.BLOCK, block), (Effect.COACH, hold)):
        reply = refuse(post(FETCH), a_decision(effect), refusal, GATE)
        told = json.loads(reply.body.decode().removeprefix("for (;;);"))
        assert (reply.status, "K7Q4-M2XP" in words(told)) == (status, True)
        assert reply.body.startswith(b"for (;;);") == path.startswith("/ajax")
