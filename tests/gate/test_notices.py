"""Who has been told: shown, acknowledged once a version, remembered by gates and across starts."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_notice, an_actor
from gate.test_own_host import FORM, KEYS, OWN, Host, header
from gate_builders import (
    NOW,
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
)
from gerbang.feeds import Feed
from gerbang.gate.notices import BROWSERS, FEED, PAGES, NoticeBook
from gerbang.gate.own_host import own_host
from gerbang.model import Actor, Device, Officer, Reply, Request
from gerbang.record.event import RecordKeys, pseudonym
from gerbang.settings import Settings
from waiting import until

UNKNOWN = an_actor(None)


@pytest.fixture
def host() -> Host:
    return Host()


def acknowledge(host: Host, actor: Actor, token: str, *, back: str = "", cookie: str = "", origin: str = OWN) -> Reply:
    body = urlencode({"token": token, "back": back}).encode()
    headers = [("Content-Type", FORM), ("Origin", origin), *([("Cookie", cookie)] if cookie else [])]
    request = Request("POST", "gerbang.internal", "/notice/acknowledge", tuple(headers), body, "http", 80)
    return asyncio.run(own_host(request, actor, host.state))


def token_on(page: Reply) -> str:
    found = re.search(rb'name="token" value="([0-9a-f]{64})"', page.body)
    assert found, page.body.decode()
    return found[1].decode()


@pytest.mark.parametrize(("language", "words"), [("ms", "Notis pemintasan"), ("en", "Notice of interception")])
def test_the_notice_says_its_authority_and_version_in_both_languages(host: Host, language: str, words: str) -> None:
    page = host.ask(f"/notice?lang={language}").body.decode()
    assert words in page
    assert "Arahan KP bil. 1/2026" in page
    assert "2026-01" in page
    assert "{" not in page.split("</style>")[1]


def test_every_page_asks_until_it_is_acknowledged_and_the_journal_knows_who_and_what(host: Host) -> None:
    asked = "that you have not acknowledged"
    assert asked in host.ask("/mine?lang=en").body.decode()
    page = host.ask("/notice?lang=en&back=/mine")
    reply = acknowledge(host, an_actor(), token_on(page), back="/mine")
    assert (reply.status, header(reply, "Location")) == (303, "/mine?lang=ms")
    (event,) = host.books.events
    assert event.kind == "acknowledged"
    assert event.body["version"] == "2026-01"
    assert event.body["text"] == a_notice().digest
    assert event.body["officer"] == pseudonym(AMINAH.id, KEYS)
    assert AMINAH.name not in json.dumps(event.body)
    assert asked not in host.ask("/mine?lang=en").body.decode()
    assert b"<form" not in host.ask("/notice").body
    assert acknowledge(host, an_actor(), token_on(page)).status == 303
    assert len(host.books.events) == 1, "pressed twice, it is recorded once"


def test_another_version_is_asked_for_anew(host: Host) -> None:
    notices = host.state.notices
    notices.take([notices.record(an_actor(), None, TUESDAY_MORNING, timedelta(hours=1))], afresh=False)
    assert not notices.due(an_actor(), None, TUESDAY_MORNING)
    newer = NoticeBook(a_notice("2026-02"), KEYS, required=False)
    newer.take([notices.record(an_actor(), None, TUESDAY_MORNING, timedelta(hours=1))], afresh=True)
    assert newer.due(an_actor(), None, TUESDAY_MORNING)


def test_where_nobody_is_known_it_is_the_browsers_for_a_working_day(host: Host) -> None:
    first = host.ask("/notice", UNKNOWN)
    assert b"<form" not in first.body
    assert header(first, "Set-Cookie") is None
    opened = host.ask("/notice?k=1", UNKNOWN)
    cookie = (header(opened, "Set-Cookie") or "").partition(";")[0]
    token = token_on(opened)
    assert acknowledge(host, UNKNOWN, token).status == 403
    assert acknowledge(host, UNKNOWN, token, cookie="gerbang=" + "A" * 24).status == 403
    assert host.books.events == []
    assert acknowledge(host, UNKNOWN, token, cookie=cookie).status == 303
    (event,) = host.books.events
    assert event.body["officer"] is None
    assert b"<form" not in host.ask("/notice", UNKNOWN, Cookie=cookie).body
    assert b"k=1" in host.ask("/notice", UNKNOWN).body
    host.moment += timedelta(hours=13)
    assert b"<form" in host.ask("/notice", UNKNOWN, Cookie=cookie).body


@pytest.mark.parametrize("token", ["", "0" * 64, "é", "x" * 5000])
def test_a_forged_form_acknowledges_nothing(host: Host, token: str) -> None:
    assert acknowledge(host, an_actor(), token).status == 403
    assert host.books.written == []


def test_another_officers_or_another_sites_form_acknowledges_nothing(host: Host) -> None:
    token = token_on(host.ask("/notice"))
    assert acknowledge(host, an_actor(Officer("P-2002", "Badrul")), token).status == 403
    assert acknowledge(host, an_actor(), token, origin="http://evil.example").status == 403
    assert host.books.written == []


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\r\nb", "javascript:x"]
)
def test_it_leads_nowhere_else(host: Host, back: str) -> None:
    page = host.ask(f"/notice?{urlencode({'back': back})}")
    assert b"evil" not in page.body
    reply = acknowledge(host, an_actor(), token_on(page), back=back)
    assert header(reply, "Location") == "/notice?lang=ms"


def test_what_cannot_be_recorded_is_not_acknowledged(host: Host) -> None:
    token = token_on(host.ask("/notice"))
    host.books.broken = OSError(28, "No space left on device")
    assert acknowledge(host, an_actor(), token).status == 503
    assert b"<form" in host.ask("/notice").body


def test_what_is_remembered_is_bounded() -> None:
    book = NoticeBook(a_notice(), KEYS, required=True)
    for number in range(BROWSERS + 5):
        book.take([book.record(UNKNOWN, f"{number:024}", TUESDAY_MORNING, timedelta(hours=1))], afresh=False)
    assert book.due(UNKNOWN, f"{0:024}", TUESDAY_MORNING)
    assert not book.due(UNKNOWN, f"{BROWSERS:024}", TUESDAY_MORNING)
    for number in range(PAGES + 1):
        book.comes_from(an_actor(Officer(f"P-{number}", "")), "https://x.com/")
    assert book.leads_to(an_actor(Officer("P-0", ""))) is None
    assert book.leads_to(an_actor(Officer("P-1", ""))) == "https://x.com/"


@pytest.mark.parametrize("record", [{}, {"version": "2026-01"}, {"version": "2026-01", "who": 3}, {"who": "x"}])
def test_a_line_that_says_nothing_acknowledges_nothing(record: dict[str, object]) -> None:
    book = NoticeBook(a_notice(), KEYS, required=True)
    book.take([record, {"version": "2026-01", "who": "a", "until": "never"}], afresh=True)
    assert book.due(an_actor(), None, TUESDAY_MORNING)


def test_what_is_past_need_not_be_kept() -> None:
    book = NoticeBook(a_notice(), KEYS, required=True)
    hers = book.record(an_actor(), None, TUESDAY_MORNING, timedelta(hours=1))
    browsers = book.record(UNKNOWN, "A" * 24, TUESDAY_MORNING, timedelta(hours=1))
    assert book.stands(hers, TUESDAY_MORNING + timedelta(days=400))
    assert book.stands(browsers, TUESDAY_MORNING)
    assert not book.stands(browsers, TUESDAY_MORNING + timedelta(hours=2))
    assert not book.stands({**hers, "version": "2025-01"}, TUESDAY_MORNING)


def test_only_a_named_officer_on_an_office_device_is_held_back() -> None:
    book = NoticeBook(a_notice(), KEYS, required=True)
    assert book.holds_back(an_actor())
    assert not book.holds_back(UNKNOWN)
    assert not book.holds_back(replace(an_actor(), zone=replace(an_actor().zone, device=Device.PERSONAL)))
    assert not NoticeBook(a_notice(), KEYS, required=False).holds_back(an_actor())
    assert not NoticeBook(a_notice(""), KEYS, required=True).holds_back(an_actor())


# ---------------------------------------------------------------- a real gate


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com"])


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    server = Upstream(server_context(trust, "x.com", tmp_path), b"{}")
    yield server
    server.close()


def settings_for(folder: Path, platform: Upstream, trust: Trust, **sections: Any) -> Settings:
    hosts = {"x.com": f"127.0.0.1:{platform.address[1]}"}
    gate = {"upstream": {"hosts": hosts, "trusted_ca": trust.file}}
    return office_settings(folder, gate=gate, **sections)


def named(gate: RunningGate, officer: Officer) -> None:
    """Whoever asks is that officer, as if signed in."""
    actor = gate.gate.admission._actor
    gate.gate.admission._actor = lambda *given: replace(actor(*given), officer=officer)  # type: ignore[method-assign]


VISIT = (
    b"GET /home HTTP/1.1\r\nHost: x.com\r\nAccept: text/html\r\n"
    b"Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n"
)


def test_where_required_nothing_is_judged_or_sent_before(tmp_path: Path, platform: Upstream, trust: Trust) -> None:
    settings = settings_for(tmp_path, platform, trust, interception={"notice_first": "require"})
    with a_gate(settings, trust) as gate:
        named(gate, AMINAH)
        with gate.tls() as visit:
            visit.sendall(VISIT)
            page = receive(visit)
        assert page.startswith(b"HTTP/1.1 428")
        assert b"http://gerbang.internal/notice" in page
        with gate.tls() as post:
            post.sendall(a_tweet("Selamat pagi semua"))
            answer = receive(post)
        assert answer.startswith(b"HTTP/1.1 4") or b"notis" in answer
        assert b"gerbang.internal/notice" in answer
        assert gate.lines("decision") == []
        book = gate.gate.notices
        assert book.leads_to(an_actor()) == "https://x.com/home"
        # Another gate of this folder says that she has acknowledged it.
        record = book.record(an_actor(), None, NOW, timedelta(hours=1))
        Feed(settings.feeds_folder, FEED).append([record])
        until(lambda: not book.holds_back(an_actor()))
        with gate.tls() as visit:
            visit.sendall(VISIT)
            receive(visit)
        assert [line["activity"] for line in gate.decisions()] == ["view"]


def test_a_gate_that_starts_knows_who_has_acknowledged(tmp_path: Path, platform: Upstream, trust: Trust) -> None:
    settings = settings_for(tmp_path, platform, trust, interception={"notice_first": "require"})
    with a_gate(settings, trust) as gate:
        record = gate.gate.notices.record(an_actor(), None, NOW, timedelta(hours=1))
        gate.loop.call(gate.gate._remember_acknowledged(record))
    with a_gate(settings, trust) as gate:
        gate.gate.read_feeds()
        assert not gate.gate.notices.holds_back(an_actor())


def test_keys_tell_who() -> None:
    """Another installation's key makes another pseudonym: a feed that was copied acknowledges for nobody."""
    mine, other = (NoticeBook(a_notice(), RecordKeys(key * 32, bytes), required=True) for key in (b"p", b"q"))
    other.take([mine.record(an_actor(), None, TUESDAY_MORNING, timedelta())], afresh=True)
    assert other.holds_back(an_actor())
