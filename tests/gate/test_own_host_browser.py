"""What the answers' headers promise, held against Debian's Chromium: it is their reader."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from builders import TUESDAY_MORNING, a_decision, a_match, a_notice, a_request, an_activity, an_actor
from gerbang.answers.reply import refuse
from gerbang.gate.decisions import DecisionBook
from gerbang.gate.notices import NoticeBook
from gerbang.gate.own_host import OwnHostState, own_host
from gerbang.model import Decision, Effect, Kind, Release, Reply, Request
from gerbang.record.event import Event, RecordKeys
from gerbang.record.number import decision_number

pytestmark = pytest.mark.needs_chromium

UNKNOWN = an_actor(None)
GATE = "http://gerbang.internal"
KEYS = RecordKeys(b"p" * 32, lambda size: bytes(size))
PURPOSE = "Menyemak komen orang awam"


class Office:
    """A proxy in front of a platform, a stranger's site and the gate's own host; every visit and post is held."""

    def __init__(self) -> None:
        self.releases: list[Release] = []
        self.book = DecisionBook()
        self.numbers: list[str] = []
        self.state = OwnHostState(
            host="gerbang.internal",
            decisions=self.book,
            releases=self,
            append=self.append,
            record_keys=KEYS,
            wording=lambda *_: None,
            now=lambda: TUESDAY_MORNING + timedelta(minutes=1),
            key=b"k" * 32,
            notices=NoticeBook(a_notice(""), KEYS, required=False),
        )

    def add(self, release: Release) -> None:
        self.releases.append(release)

    async def append(self, event: Event) -> object:
        return event

    def answer(self, request: Request) -> Reply:
        if request.host == "gerbang.internal":
            return asyncio.run(own_host(request, UNKNOWN, self.state))
        if request.host == "evil.example":
            number = self.numbers[-1]
            return page(
                f"<iframe id=f src='{GATE}/d/{number}'></iframe><form method=post action='{GATE}/d/{number}/confirm'>"
                "<input name=token value=0><input name=ask.official-purpose value='tiada tujuan rasmi'>"
                "<button>go</button></form>"
            )
        if request.path == "/favicon.ico":
            return Reply(404, (), b"")
        if request.path == "/open" or (request.method == "GET" and self.releases):
            return page("<h1 id=there>X</h1>")
        decision = self.held(Kind.VIEW if request.method == "GET" else Kind.POST)
        self.book.add(decision, request)
        return refuse(request, decision, None, GATE)

    def held(self, kind: Kind) -> Decision:
        number = decision_number(bytes([len(self.numbers) + 1]) * 7)
        self.numbers.append(number)
        match = a_match("trial/hold", Effect.COACH, asks=("official-purpose",), release_for=1800)
        activity = an_activity(kind=kind)
        return a_decision(Effect.COACH, number=number, matches=(match,), activity=activity, actor=UNKNOWN)


def page(body: str) -> Reply:
    return Reply(200, (("Content-Type", "text/html; charset=utf-8"),), f"<!doctype html>{body}".encode())


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def proxy(office: Office) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = url.path + (f"?{url.query}" if url.query else "")
            headers = tuple(self.headers.items())
            reply = office.answer(Request(self.command, url.hostname or "", target, headers, body, "http", 80))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser, proxy: str) -> Iterator[Page]:
    context = chromium.new_context(proxy={"server": proxy}, locale="en-GB")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_an_unknown_officer_states_a_purpose_without_script_and_is_led_back(
    chromium: Browser, proxy: str, office: Office
) -> None:
    context = chromium.new_context(proxy={"server": proxy}, locale="en-GB", java_script_enabled=False)
    context.set_default_timeout(10_000)
    tab = context.new_page()
    tab.goto("http://x.com/home?a=b")
    tab.click("text=Answer and carry on")
    tab.fill("textarea[name='ask.official-purpose']", PURPOSE)
    tab.click("text=Confirm and carry on")
    tab.wait_for_selector("#there")
    assert tab.url == "http://x.com/home?a=b"
    (release,) = office.releases
    assert release.answers == {"official-purpose": PURPOSE}
    context.close()


def test_the_cookie_of_the_first_page_is_still_the_one_at_the_second(tab: Page, office: Office) -> None:
    cookies = []
    for _ in range(2):
        tab.goto("http://x.com/home")
        tab.click("text=Answer and carry on")
        tab.wait_for_selector("textarea[name='ask.official-purpose']")
        cookies.append([crumb["value"] for crumb in tab.context.cookies(GATE) if crumb["name"] == "gerbang"])
    assert len(cookies[0]) == 1
    assert cookies[0] == cookies[1]
    tab.goto(f"{GATE}/mine")
    assert tab.locator("tbody tr").count() == len(office.numbers) == 2


def test_another_sites_form_confirms_nothing_and_its_frame_shows_nothing(tab: Page, office: Office) -> None:
    tab.goto("http://x.com/home")
    tab.click("text=Answer and carry on")
    tab.wait_for_selector("textarea[name='ask.official-purpose']")
    tab.goto("http://evil.example/")
    frame = tab.frames[1]
    assert frame.locator("textarea").count() == 0
    tab.click("text=go")
    tab.wait_for_selector("h1")
    assert "The form was not accepted" in tab.inner_text("h1")
    assert office.releases == []


def test_a_platforms_script_cannot_read_the_page_that_stands_on_its_address(tab: Page, office: Office) -> None:
    tab.goto("http://x.com/open")
    read = tab.evaluate(
        """() => new Promise(done => {
            const frame = document.createElement('iframe');
            frame.onload = () => {
                try { done(frame.contentDocument ? 'read: ' + frame.contentDocument.title : 'sealed'); }
                catch (error) { done('sealed'); }
            };
            frame.src = '/home';
            document.body.append(frame);
        })"""
    )
    assert len(office.numbers) == 1
    assert read == "sealed"
    assert tab.frames[1].locator("h1").count() == 1


def test_a_script_of_another_origin_can_read_the_number_it_is_told(tab: Page, office: Office) -> None:
    tab.goto("http://x.com/open")
    told = tab.evaluate(
        """async () => {
            const asked = {method: 'POST', credentials: 'include', body: 'x'};
            const answer = await fetch('http://upload.x.com/media', asked);
            return [answer.status, answer.headers.get('Gerbang-Decision'), (await answer.json()).decision];
        }"""
    )
    assert told == [428, office.numbers[-1], office.numbers[-1]]


def test_the_pages_load_without_a_complaint_of_the_browser(tab: Page, office: Office) -> None:
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    office.book.add(held := office.held(Kind.VIEW), a_request("x.com", "/home"))
    for path in (f"/d/{held.number}", "/", "/mine", "/notice"):
        assert tab.goto(f"{GATE}{path}") is not None
        tab.wait_for_load_state("networkidle")
        tab.wait_for_selector("nav a")
        assert tab.locator("h1").count() == 1
        assert tab.evaluate("getComputedStyle(document.querySelector('.card')).borderTopStyle") == "solid"
    assert complaints == []
