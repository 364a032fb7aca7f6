import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import TUESDAY_MORNING, a_decision, a_match, a_notice, a_request, an_activity, an_actor
from gerbang.answers.reasons import RuleWords
from gerbang.answers.words import Language
from gerbang.errors import RecordError
from gerbang.gate.decisions import OWN_LIMIT, DecisionBook
from gerbang.gate.notices import NoticeBook
from gerbang.gate.own_host import BODY_LIMIT, OwnHostState, form_token, own_host
from gerbang.model import (
    Actor,
    Citation,
    Decision,
    Effect,
    Finding,
    Gap,
    Kind,
    Likelihood,
    Mode,
    Officer,
    Release,
    Reply,
    Request,
    Step,
)
from gerbang.record.event import Event, RecordKeys
from gerbang.record.number import decision_number

NUMBER = decision_number(b"1234567")
OTHER = Officer("P-2002", "Badrul bin Contoh", office="hq")
UNKNOWN = an_actor(None)
KEYS = RecordKeys(b"p" * 32, lambda size: bytes(size))
FORM = "application/x-www-form-urlencoded"
OWN = "http://gerbang.internal"


@dataclass
class Books:
    """The release book and the journal of a test, in the order in which they were written to."""

    written: list[Event | Release] = field(default_factory=list)
    broken: Exception | None = None

    def add(self, release: Release) -> None:
        self.written.append(release)

    async def append(self, event: Event) -> object:
        await asyncio.sleep(0)
        if self.broken:
            raise self.broken
        self.written.append(event)
        return None

    @property
    def releases(self) -> list[Release]:
        return [entry for entry in self.written if isinstance(entry, Release)]

    @property
    def events(self) -> list[Event]:
        return [entry for entry in self.written if isinstance(entry, Event)]


class Host:
    """The own host with a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.books = Books()
        self.moment: datetime = TUESDAY_MORNING
        self.decisions = DecisionBook()
        self.state = OwnHostState(
            host="gerbang.internal",
            decisions=self.decisions,
            releases=self.books,
            append=self.books.append,
            record_keys=KEYS,
            wording=lambda rule, law, language: RuleWords(
                f"{language.value} title of {rule}", f"{language.value} clause", None, (law,) if law else ()
            ),
            now=lambda: self.moment,
            key=b"k" * 32,
            notices=NoticeBook(a_notice(), KEYS, required=False),
        )

    def remember(self, decision: Decision, target: str = "/home", host: str = "x.com") -> str:
        self.decisions.add(decision, a_request(host, target))
        return decision.number

    def ask(self, target: str, actor: Actor | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request("GET", "gerbang.internal", target, tuple(named.items()), b"", "http", 80)
        return asyncio.run(own_host(request, actor or an_actor(), self.state))

    def send(
        self,
        target: str,
        fields: Mapping[str, str] | bytes,
        actor: Actor | None = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> Reply:
        """A form of ours, with the token that was given to this reader unless another is named."""
        actor = actor or an_actor()
        number = target.split("/")[2]
        given = form_token(number, actor, cookie_of(headers), self.state.key) if token is None else token
        body = fields if isinstance(fields, bytes) else urlencode({"token": given, **fields}).encode()
        named = {"Content-Type": FORM, "Origin": OWN} | {n.replace("_", "-"): v for n, v in headers.items()}
        request = Request("POST", "gerbang.internal", target, tuple(named.items()), body, "http", 80)
        return asyncio.run(own_host(request, actor, self.state))


def cookie_of(headers: Mapping[str, str]) -> str | None:
    return headers["Cookie"].removeprefix("gerbang=") if "Cookie" in headers else None


@pytest.fixture
def host() -> Host:
    return Host()


def header(reply: Reply, name: str) -> str | None:
    return next((value for key, value in reply.headers if key.lower() == name.lower()), None)


def a_hold(*asks: str, kind: Kind = Kind.POST, release_for: int | None = None, **more: object) -> Decision:
    match = a_match("trial/hold", Effect.COACH, asks=asks, release_for=release_for)
    decision = a_decision(Effect.COACH, number=NUMBER, matches=(match,), activity=an_activity("teks rahsia", kind=kind))
    return replace(decision, **more)


PURPOSE = {"ask.official-purpose": "Menyemak komen orang ramai"}

# ---------------------------------------------------------------- who sees what


def test_the_reasons_are_told_in_the_readers_language(host: Host) -> None:
    exempted = a_match("trial/other", Effect.BLOCK, exempted_by="group: official-social-media")
    observed = a_match("trial/watch", Effect.BLOCK, mode=Mode.OBSERVE)
    held = a_match("trial/hold", Effect.COACH, citation=Citation("R5", "PKPA-1-2003"))
    host.remember(
        a_hold(
            matches=(exempted, observed, held),
            findings=(Finding("marks", "official-information", Likelihood.LIKELY, 0, 4),),
            activity=an_activity("teks rahsia", gaps=(Gap("too-large"),)),
        )
    )
    for language, words in (
        ("ms", ("maklumat rasmi", "terlalu besar", "ms title of trial/hold", "Dikecualikan", "Diperhatikan sahaja")),
        ("en", ("official information", "too large", "en title of trial/hold", "Exempt because", "Observed only")),
    ):
        reply = host.ask(f"/d/{NUMBER}?lang={language}")
        page = reply.body.decode()
        assert reply.status == 200
        for word in (*words, "R5", "PKPA-1-2003", NUMBER):
            assert word in page
        assert "teks rahsia" not in page


@pytest.mark.parametrize(
    "reader",
    [
        an_actor(OTHER),
        an_actor(OTHER, client="10.1.9.9"),
        UNKNOWN,
    ],
)
def test_a_decision_on_an_officer_is_nobody_elses_to_see(host: Host, reader: Actor) -> None:
    host.remember(a_hold("accuracy"))
    assert host.ask(f"/d/{NUMBER}?k=1", reader).status == 404
    reply = host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}, reader)
    assert reply.status == 403
    assert host.books.written == []
    assert NUMBER.encode() not in host.ask("/mine", reader).body


def test_the_same_officer_sees_it_from_another_desk(host: Host) -> None:
    host.remember(a_hold())
    assert host.ask(f"/d/{NUMBER}", an_actor(client="10.1.9.9")).status == 200


def test_a_number_is_found_however_it_is_typed(host: Host) -> None:
    host.remember(a_hold())
    assert host.ask(f"/d/{NUMBER.lower().replace('-', '')}").status == 200


def test_an_unknown_officers_decision_is_bound_to_the_first_browser_that_opens_it(host: Host) -> None:
    host.remember(a_hold("accuracy", actor=UNKNOWN))
    step = host.ask(f"/d/{NUMBER}", UNKNOWN)
    assert b'http-equiv="refresh"' in step.body
    assert header(step, "Set-Cookie") is None
    opened = host.ask(f"/d/{NUMBER}?k=1", UNKNOWN)
    crumb = header(opened, "Set-Cookie") or ""
    assert opened.status == 200
    assert "HttpOnly" in crumb
    assert "SameSite=Strict" in crumb
    cookie = crumb.partition(";")[0]
    assert host.ask(f"/d/{NUMBER}", UNKNOWN, Cookie=cookie).status == 200
    assert NUMBER.encode() in host.ask("/mine", UNKNOWN, Cookie=cookie).body

    stranger = host.ask(f"/d/{NUMBER}?k=1", UNKNOWN)
    assert stranger.status == 404
    assert host.ask(f"/d/{NUMBER}", UNKNOWN, Cookie="gerbang=" + "A" * 24).status == 404
    assert host.ask(f"/d/{NUMBER}", replace(UNKNOWN, client="10.1.2.4"), Cookie=cookie).status == 404
    assert NUMBER.encode() not in host.ask("/mine", UNKNOWN).body

    token = re.search(rb'name="token" value="([0-9a-f]{64})"', opened.body)
    assert token
    sent = {"ask.accuracy": "yes"}
    assert host.send(f"/d/{NUMBER}/confirm", sent, UNKNOWN, token=token[1].decode()).status == 403
    reply = host.send(f"/d/{NUMBER}/confirm", sent, UNKNOWN, token=token[1].decode(), Cookie=cookie)
    assert reply.status == 303
    (release,) = host.books.releases
    assert (release.officer, release.client) == (None, UNKNOWN.client)


def test_a_visit_that_is_held_again_leaves_the_open_form_as_it_is(host: Host) -> None:
    """A second tab gets the same number: neither does the first tab's form die, nor can another browser take it."""
    visit = a_hold("accuracy", actor=UNKNOWN)
    host.remember(visit)
    opened = host.ask(f"/d/{NUMBER}?k=1", UNKNOWN)
    cookie = (header(opened, "Set-Cookie") or "").partition(";")[0]
    token = re.search(rb'name="token" value="([0-9a-f]{64})"', opened.body)
    assert token
    host.remember(visit)
    assert host.ask(f"/d/{NUMBER}?k=1", UNKNOWN).status == 404
    reply = host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}, UNKNOWN, token=token[1].decode(), Cookie=cookie)
    assert reply.status == 303


# ---------------------------------------------------------------- confirming


def test_a_confirmation_is_recorded_before_it_is_valid(host: Host) -> None:
    host.remember(a_hold("official-purpose", "accuracy"))
    reply = host.send(f"/d/{NUMBER}/confirm", PURPOSE | {"ask.accuracy": "yes"})
    assert (reply.status, header(reply, "Location")) == (303, f"/d/{NUMBER}?lang=ms")
    event, release = host.books.written
    assert isinstance(event, Event)
    assert event.body["rules"] == ["trial/hold"]
    assert "Menyemak" not in str(event.body)
    assert isinstance(release, Release)
    assert release.rules == {"trial/hold"}
    assert release.officer == "P-1001"
    assert release.digest == "0" * 64
    assert release.account == "2001"
    assert release.kind is Kind.POST
    assert release.single_use
    assert release.expires == TUESDAY_MORNING + timedelta(minutes=10)
    assert release.answers == {"official-purpose": "Menyemak komen orang ramai", "accuracy": "yes"}


@pytest.mark.parametrize("error", [RecordError("disk full"), OSError(28, "No space left on device")])
def test_what_cannot_be_recorded_has_no_effect_and_can_be_tried_again(host: Host, error: Exception) -> None:
    host.remember(a_hold("accuracy"))
    host.books.broken = error
    assert host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}).status == 503
    assert host.send(f"/d/{NUMBER}/objection", {"objection": "Ini hantaran rasmi"}).status == 503
    assert host.books.written == []
    host.books.broken = None
    assert host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}).status == 303
    assert host.send(f"/d/{NUMBER}/objection", {"objection": "Ini hantaran rasmi"}).status == 303
    assert len(host.books.releases) == 1


def test_a_confirmation_pressed_twice_makes_one_release(host: Host) -> None:
    host.remember(a_hold("accuracy"))
    for _ in range(2):
        assert host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}).status == 303
    assert len(host.books.releases) == 1

    async def together() -> None:
        number = host.remember(a_hold("accuracy", number=decision_number(b"7654321")))
        actor = an_actor()
        token = form_token(number, actor, None, host.state.key)
        body = urlencode({"token": token, "ask.accuracy": "yes"}).encode()
        request = Request(
            "POST", "gerbang.internal", f"/d/{number}/confirm", (("Content-Type", FORM),), body, "http", 80
        )
        await asyncio.gather(*(own_host(request, actor, host.state) for _ in range(5)))

    asyncio.run(together())
    assert len(host.books.releases) == 2


def test_a_hold_gathers_what_all_its_rules_ask_once(host: Host) -> None:
    matches = (
        a_match("trial/a", Effect.COACH, asks=("accuracy", "copyright")),
        a_match("trial/b", Effect.COACH, asks=("copyright", "our own words")),
        a_match("trial/c", Effect.COACH, asks=("sensitivity",), exempted_by="remedial"),
        a_match("trial/d", Effect.RECORD, asks=("source",)),
    )
    host.remember(a_hold(matches=matches))
    page = host.ask(f"/d/{NUMBER}").body.decode()
    assert re.findall(r'name="ask\.([^"]+)"', page) == ["accuracy", "copyright", "our own words"]
    answers = {"ask.accuracy": "yes", "ask.copyright": "yes", "ask.our own words": "yes"}
    assert host.send(f"/d/{NUMBER}/confirm", answers).status == 303
    assert host.books.releases[0].rules == {"trial/a", "trial/b"}


def test_a_hold_that_asks_nothing_is_confirmed_as_it_is(host: Host) -> None:
    host.remember(a_hold())
    assert host.send(f"/d/{NUMBER}/confirm", {}).status == 422
    assert host.send(f"/d/{NUMBER}/confirm", {"ask.confirm": "yes"}).status == 303


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ask.official-purpose": "", "ask.accuracy": "yes"},
        {"ask.official-purpose": "........!!!!", "ask.accuracy": "yes"},
        {"ask.official-purpose": "pendek", "ask.accuracy": "yes"},
        {"ask.official-purpose": "a" * 1001, "ask.accuracy": "yes"},
        {"ask.official-purpose": "Menyemak komen orang ramai"},
        {"ask.official-purpose": "Menyemak komen orang ramai", "ask.accuracy": "no"},
    ],
)
def test_an_answer_that_is_wanting_is_asked_again_with_what_was_written(host: Host, fields: dict[str, str]) -> None:
    host.remember(a_hold("official-purpose", "accuracy"))
    reply = host.send(f"/d/{NUMBER}/confirm", fields)
    assert reply.status == 422
    assert host.books.written == []
    assert fields.get("ask.official-purpose", "")[:1000].encode() in reply.body


def test_an_answer_of_the_longest_length_is_taken(host: Host) -> None:
    host.remember(a_hold("official-purpose"))
    assert host.send(f"/d/{NUMBER}/confirm", {"ask.official-purpose": "a" * 1000}).status == 303


@pytest.mark.parametrize("effect", [Effect.BLOCK, Effect.APPROVE, Effect.RECORD, Effect.ALLOW])
@pytest.mark.parametrize("actor", [an_actor(), UNKNOWN])
def test_only_a_hold_for_confirmation_can_be_confirmed(host: Host, effect: Effect, actor: Actor) -> None:
    cookie = {} if actor.officer else {"Cookie": "gerbang=" + "T" * 24}
    host.remember(a_decision(effect, number=NUMBER, actor=actor))
    host.ask(f"/d/{NUMBER}", actor, **cookie)
    assert host.send(f"/d/{NUMBER}/confirm", {"ask.confirm": "yes"}, actor, **cookie).status == 409
    assert host.books.written == []


def test_a_confirmation_that_has_ended_says_so(host: Host) -> None:
    host.remember(a_hold("accuracy"))
    host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"})
    before = host.ask(f"/d/{NUMBER}?lang=en").body.decode()
    assert "You have confirmed it" in before
    assert "The confirmation ends at 02:10" in before
    host.moment += timedelta(minutes=10)
    page = host.ask(f"/d/{NUMBER}?lang=en").body.decode()
    assert "has ended" in page
    assert "/confirm" not in page


# ---------------------------------------------------------------- visits


@pytest.mark.parametrize(("release_for", "seconds"), [(1800, 1800), (None, 600)])
def test_a_confirmed_visit_covers_the_platform_for_its_time_and_leads_back(
    host: Host, release_for: int | None, seconds: int
) -> None:
    host.remember(a_hold("official-purpose", kind=Kind.VIEW, release_for=release_for), "/i/lists/7?a=b%20c")
    reply = host.send(f"/d/{NUMBER}/confirm", PURPOSE)
    assert (reply.status, header(reply, "Location")) == (303, "https://x.com/i/lists/7?a=b%20c")
    (release,) = host.books.releases
    assert not release.single_use
    assert release.digest is None
    assert release.expires == TUESDAY_MORNING + timedelta(seconds=seconds)


@given(target=st.text(max_size=80))
def test_a_visit_leads_back_to_its_own_host_and_nowhere_else(target: str) -> None:
    host = Host()
    host.remember(a_hold(kind=Kind.VIEW), target)
    place = header(host.send(f"/d/{NUMBER}/confirm", {"ask.confirm": "yes"}), "Location") or ""
    assert place.startswith("https://x.com/")
    assert place.isascii()
    assert place.isprintable()
    assert " " not in place


def test_a_post_is_not_sent_again_by_us(host: Host) -> None:
    host.remember(a_hold("accuracy"), "/i/api/graphql/abc/CreateTweet")
    location = header(host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}), "Location") or ""
    assert location.startswith(f"/d/{NUMBER}")


# ---------------------------------------------------------------- forms that are not ours


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://x.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://gerbang.internal"}, 403),
        ({"Origin": "http://gerbang.internal:8080"}, 403),
        ({"Origin": "http://gerbang.internal.evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
@pytest.mark.parametrize("path", ["confirm", "objection"])
def test_a_form_of_another_page_is_refused(host: Host, headers: dict[str, str], status: int, path: str) -> None:
    host.remember(a_hold("accuracy"))
    fields = {"ask.accuracy": "yes", "objection": "Ini hantaran rasmi"}
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    assert host.send(f"/d/{NUMBER}/{path}", fields, **named).status == status
    assert host.books.written == []


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "é"])
def test_a_form_without_its_token_is_refused(host: Host, token: str) -> None:
    host.remember(a_hold("accuracy"))
    assert host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"}, token=token).status == 403


def test_a_token_is_for_one_decision_and_one_reader() -> None:
    second = decision_number(b"7654321")
    tokens = {
        form_token(number, actor, cookie, key)
        for number in (NUMBER, second)
        for actor, cookie in ((an_actor(), None), (an_actor(OTHER), None), (UNKNOWN, None), (UNKNOWN, "T" * 24))
        for key in (b"k" * 32, b"l" * 32)
    }
    assert len(tokens) == 16


def test_a_form_of_the_largest_size_is_read_and_a_larger_one_is_not(host: Host) -> None:
    host.remember(a_hold("accuracy"))
    token = form_token(NUMBER, an_actor(), None, host.state.key)
    start = urlencode({"token": token, "ask.accuracy": "yes", "rest": ""}).encode()
    full = start + b"x" * (BODY_LIMIT - len(start))
    assert host.send(f"/d/{NUMBER}/confirm", full + b"x").status == 413
    assert host.send(f"/d/{NUMBER}/confirm", full).status == 303


def test_many_fields_are_as_good_as_none(host: Host) -> None:
    host.remember(a_hold("accuracy"))
    token = form_token(NUMBER, an_actor(), None, host.state.key)
    body = urlencode([("token", token), ("ask.accuracy", "yes"), *((f"f{n}", "") for n in range(50))]).encode()
    assert host.send(f"/d/{NUMBER}/confirm", body).status == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("POST", "/mine", 405),
        ("PUT", "/notice", 405),
        ("DELETE", f"/d/{NUMBER}", 405),
        ("OPTIONS", f"/d/{NUMBER}/confirm", 405),
        ("GET", f"/d/{NUMBER}/confirm", 405),
        ("GET", "/favicon.ico", 404),
        ("GET", "/d/", 404),
        ("GET", "/d/..%2f..", 404),
        ("GET", f"/d/{NUMBER}/more/of/it", 404),
    ],
)
def test_what_is_not_offered_is_refused(host: Host, method: str, path: str, status: int) -> None:
    request = Request(method, "gerbang.internal", path, (), b"", "http", 80)
    assert asyncio.run(own_host(request, an_actor(), host.state)).status == status


# ---------------------------------------------------------------- objecting, the notice, the pages


def test_an_objection_is_recorded_once_and_confirmed_to_the_officer(host: Host) -> None:
    host.remember(a_decision(number=NUMBER))
    for _ in range(2):
        reply = host.send(f"/d/{NUMBER}/objection", {"objection": "Ini akaun rasmi\x00 jabatan\u202e"})
        assert (reply.status, header(reply, "Location")) == (303, f"/d/{NUMBER}?lang=ms")
    (event,) = host.books.events
    assert event.kind == "objection"
    assert event.sidecar["words"][1] == "Ini akaun rasmi  jabatan"
    assert "akaun" not in str(event.body)
    assert "telah direkodkan" in host.ask(f"/d/{NUMBER}").body.decode()
    assert host.send(f"/d/{NUMBER}/objection", {"objection": "x"}).status == 303


def test_an_objection_says_something(host: Host) -> None:
    host.remember(a_decision(number=NUMBER))
    assert host.send(f"/d/{NUMBER}/objection", {"objection": " . "}).status == 422
    assert host.books.written == []


def test_the_notice_names_its_version_and_authority(host: Host) -> None:
    page = host.ask("/notice").body.decode()
    assert "2026-01" in page
    assert "Arahan KP bil. 1/2026" in page


@pytest.mark.parametrize("path", ["/", "/notice", "/mine", f"/d/{NUMBER}", "/none"])
@pytest.mark.parametrize("language", Language)
def test_every_page_is_alone_bilingual_and_without_script(host: Host, path: str, language: Language) -> None:
    host.remember(a_hold("official-purpose", "accuracy"))
    reply = host.ask(path, Accept_Language=language.value)
    page = reply.body.decode()
    assert f'<html lang="{language.value}">' in page
    assert f"?lang={language.other.value}" in page
    assert page.count("<h1") == 1
    assert "<script" not in page
    assert header(reply, "X-Frame-Options") == "DENY"
    assert "frame-ancestors 'none'" in (header(reply, "Content-Security-Policy") or "")
    assert "script-src" not in (header(reply, "Content-Security-Policy") or "")
    assert header(reply, "Cache-Control") == "no-store"
    assert not re.search(r"\b(own|page|say|effect)\.[a-z-]+", re.sub(r"<style>.*?</style>", "", page, flags=re.S))


HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def test_hostile_values_are_shown_as_text(host: Host) -> None:
    actor = an_actor(replace(OTHER, id=HOSTILE, name=HOSTILE))
    match = a_match(HOSTILE, Effect.COACH, asks=(HOSTILE,), citation=Citation(HOSTILE, HOSTILE))
    exempted = a_match("trial/x", Effect.BLOCK, exempted_by=HOSTILE)
    activity = an_activity(HOSTILE, platform=HOSTILE, gaps=(Gap(HOSTILE),))
    activity = replace(activity, account=replace(activity.account, handle=HOSTILE))
    finding = Finding(HOSTILE, HOSTILE, Likelihood.LIKELY, 0, 3)
    decision = a_hold(matches=(match, exempted), activity=activity, findings=(finding,), actor=actor)
    hours = replace(decision.hours, fact=HOSTILE, arguments={HOSTILE: HOSTILE})
    host.remember(replace(decision, hours=hours))
    for reply in (
        host.ask(f"/d/{NUMBER}", actor),
        host.ask("/mine", actor),
        host.send(f"/d/{NUMBER}/confirm", {f"ask.{HOSTILE}": "no", "objection": HOSTILE}, actor),
        host.send(f"/d/{NUMBER}/objection", {"objection": "1" + HOSTILE * 60}, actor),
    ):
        assert reply.status in {200, 422}
        assert b"<script" not in reply.body
        assert b"49" not in reply.body


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS"]),
    target=st.one_of(st.text(max_size=60), st.text(max_size=40).map(lambda t: f"/d/{NUMBER}/confirm?{t}")),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["Cookie", "Origin", "Accept-Language", "Content-Type", "Host"]),
            st.one_of(st.text(max_size=60), st.sampled_from([FORM, OWN, "gerbang=" + "A" * 24, "gerbang=\udcff"])),
        ),
        max_size=4,
    ),
    body=st.one_of(st.none(), st.binary(max_size=200)),
    actor=st.sampled_from([an_actor(), UNKNOWN]),
)
def test_no_request_breaks_the_host_or_confirms_by_chance(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, actor: Actor
) -> None:
    host = Host()
    host.remember(a_hold(actor=actor))
    request = Request(method, "gerbang.internal", target, tuple(headers), body, "http", 80)
    reply = asyncio.run(own_host(request, actor, host.state))
    assert reply.status in {200, 403, 404, 405, 413, 415}
    assert all(value.isprintable() for _, value in reply.headers)
    assert host.books.written == []


# ---------------------------------------------------------------- the book


def test_a_number_stands_in_the_book_once_however_often_it_comes(host: Host) -> None:
    other = decision_number(b"7654321")
    host.remember(a_hold("accuracy", number=other))
    for _ in range(2 * OWN_LIMIT):
        host.remember(a_hold("accuracy"))
    assert [entry.decision.number for entry in host.decisions.mine(an_actor(), None)] == [NUMBER, other]
    assert host.send(f"/d/{NUMBER}/objection", {"objection": "Ini hantaran rasmi"}).status == 303
    host.remember(a_hold("accuracy"))
    found = host.decisions.find(NUMBER, an_actor())
    assert found is not None
    assert found.objected


def test_no_ids_of_what_was_sent_are_kept_with_a_decision() -> None:
    """There may be hundreds, and thousands of decisions."""
    book, step = DecisionBook(), Step(belongs=tuple(map(str, range(500))))
    book.sent(a_decision(number="AAAA-AAAA", activity=replace(an_activity("selamat pagi"), step=step)))
    found = book.find("AAAA-AAAA", an_actor())
    assert found is not None
    assert (found.decision.activity.step, found.decision.activity.texts) == (None, ())


def test_the_book_keeps_no_text_and_no_more_than_its_limits() -> None:
    book = DecisionBook(limit=6, own_limit=4)
    numbers = [decision_number(bytes([n]) * 7) for n in range(20)]
    for number in numbers[:10]:
        book.add(a_decision(number=number, activity=an_activity("rahsia")), a_request())
    assert [entry.decision.number for entry in book.mine(an_actor(), None)] == numbers[9:5:-1]
    assert all(entry.decision.activity.texts == () for entry in book.mine(an_actor(), None))
    for number in numbers[10:13]:
        book.add(a_decision(number=number, actor=an_actor(OTHER)), a_request())
    assert len(book) == 6
    assert [entry.decision.number for entry in book.mine(an_actor(), None)] == numbers[9:6:-1]
    assert book.find(numbers[12], an_actor(OTHER)) is not None
    assert book.find(numbers[12], an_actor()) is None


def test_what_went_out_makes_room_before_what_may_still_be_answered() -> None:
    book = DecisionBook(limit=6, own_limit=4)
    numbers = [decision_number(bytes([n]) * 7) for n in range(20)]
    book.add(a_hold(number=numbers[0]), a_request())
    for number in numbers[1:9]:
        book.sent(a_decision(Effect.RECORD, number=number))
    assert [entry.decision.number for entry in book.mine(an_actor(), None)] == [*numbers[8:5:-1], numbers[0]]
    for number in numbers[10:14]:
        book.add(a_decision(number=number, actor=an_actor(OTHER)), a_request())
    assert len(book) == 6
    assert [entry.decision.number for entry in book.mine(an_actor(), None)] == [numbers[8], numbers[0]]


SENT = decision_number(b"sent123")


def what_went_out(release: str | None = None) -> Decision:
    return a_decision(Effect.RECORD, number=SENT, matches=(a_match("trial/hold", Effect.COACH, released_by=release),))


def test_the_list_has_what_was_sent_and_each_decision_once(host: Host) -> None:
    host.remember(a_hold("accuracy"))
    host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"})
    host.remember(a_hold("accuracy"))
    host.decisions.sent(what_went_out())
    host.decisions.sent(what_went_out())
    page = host.ask("/mine?lang=en").body.decode()
    assert page.count(f"/d/{NUMBER}?") == page.count(f"/d/{SENT}?") == 1
    assert re.findall(r'class="tag (\w+)">([^<]+)<', page) == [("go", "sent"), ("go", "confirmed until 02:10")]
    sent = host.ask(f"/d/{SENT}?lang=en").body.decode()
    assert "This post was sent" in sent
    assert "/objection" not in sent
    assert "/confirm" not in sent


def test_a_confirmation_that_was_used_says_so_and_asks_nobody_to_post_again(host: Host) -> None:
    host.remember(a_hold("accuracy"))
    host.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"})
    host.decisions.sent(what_went_out("another"))
    assert "press Post again" in host.ask(f"/d/{NUMBER}?lang=en").body.decode()
    other = Host()
    other.remember(a_hold("accuracy"))
    other.send(f"/d/{NUMBER}/confirm", {"ask.accuracy": "yes"})
    other.decisions.sent(what_went_out(other.books.releases[0].id))
    for _ in range(2):
        page = other.ask(f"/d/{NUMBER}?lang=en").body.decode()
        assert "You confirmed it, and it was sent" in page
        assert f'href="/d/{SENT}?lang=en"' in page
        assert "ress Post again" not in page
        assert "confirmed and sent" in other.ask("/mine?lang=en").body.decode()
        other.moment += timedelta(minutes=11)


def test_a_rules_message_and_its_clause_are_not_both_said_at_once(host: Host) -> None:
    host.state = replace(
        host.state, wording=lambda *_: RuleWords("Title", "Text of the clause", "What the rule says", ("Regulation 7",))
    )
    host.remember(a_hold())
    page = host.ask(f"/d/{NUMBER}?lang=en").body.decode()
    shown, details = page.split("<details", 1)
    assert "What the rule says" in shown
    assert "Text of the clause" not in shown
    assert "Text of the clause" in details
    assert "Regulation 7" in details


@pytest.mark.parametrize(("notice", "closed"), [("2026-01", False), ("", True)])
def test_the_notice_says_where_nothing_is_opened_yet(host: Host, notice: str, closed: bool) -> None:
    host.state = replace(host.state, notices=NoticeBook(a_notice(notice), KEYS, required=False))
    assert ("this gate opens nothing" in host.ask("/notice?lang=en").body.decode()) is closed
