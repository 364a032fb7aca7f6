"""A chat over WebSockets in Chromium: what may be said arrives, its line first; what may not is shown on the page."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from e2e.browser import PURPOSE, a_browser, signed_in, state_purpose
from e2e.office import ACCOUNTS, NAMES, OFFICERS, WORD, Office, running
from gerbang.demo.office import Registers, settle
from gerbang.demo.standins.server import HOSTS, StandIns
from journal_builders import entries
from socket_platform import CHAT, FOLDER, HOST, SUBPROTOCOL

pytestmark = pytest.mark.needs_chromium

PAGE = """<!doctype html><meta charset=utf-8><title>Sembang</title>
<input id=text><button id=say>say</button><button id=line>line</button><p id=said></p><p id=state></p>
<script>
const say = document.getElementById("said"), state = document.getElementById("state");
const text = document.getElementById("text");
document.cookie = "member=41; Secure";
let next = 0;
function opened(address, ...protocol) {
  const socket = new WebSocket(address, ...protocol);
  socket.onopen = () => { state.textContent += "open "; };
  socket.onmessage = (event) => {
    const told = JSON.parse(event.data);
    say.textContent = told.type === "refused" ? `refused ${told.re}: ${told.message}` : `heard ${told.text}`;
  };
  socket.onclose = (event) => {
    say.textContent = `closed ${event.code} ${event.wasClean ? "cleanly" : "badly"}: ${event.reason}`;
  };
  return socket;
}
const room = opened("wss://HOST/rooms/7", "sembang.v1"), lines = opened("wss://CHAT/lines/7");
setInterval(() => room.readyState === 1 && room.send(JSON.stringify({type: "ping"})), 200);
document.getElementById("say").onclick = () => {
  const payload = JSON.stringify({text: text.value});
  room.send(JSON.stringify({type: "say", id: `m-${++next}`, payload}));
};
document.getElementById("line").onclick = () => lines.send(text.value);
</script>""".replace("HOST", HOST).replace("CHAT", CHAT)


@dataclass
class Chat:
    """The platform: a page, rooms and lines. `arrived` has what came, with what the journal had by then."""

    context: ssl.SSLContext
    journal: Path | None = None
    arrived: list[tuple[str, list[str]]] = field(default_factory=list)
    pings: int = 0

    def __post_init__(self) -> None:
        self.server = serve(
            self._serve,
            "127.0.0.1",
            0,
            ssl=self.context,
            process_request=self._page,
            subprotocols=[SUBPROTOCOL],
            select_subprotocol=lambda _, offered: SUBPROTOCOL if SUBPROTOCOL in offered else None,
        )
        self.port: int = self.server.socket.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def _page(_: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            return None
        body = PAGE.encode()
        headers = Headers({"Content-Type": "text/html", "Content-Length": str(len(body)), "Connection": "close"})
        return Response(HTTPStatus.OK, "OK", headers, body)

    def _serve(self, connection: ServerConnection) -> None:
        try:
            for message in connection:
                if message == '{"type":"ping"}':
                    self.pings += 1
                    continue
                assert isinstance(message, str)
                self.arrived.append((message, self._written()))
                if connection.subprotocol:
                    said = json.loads(json.loads(message)["payload"])["text"]
                    connection.send(json.dumps({"type": "said", "text": said}))
        except ConnectionClosed:
            pass

    def _written(self) -> list[str]:
        return [line["body"]["done"] for line in entries(self.journal, "decision")] if self.journal else []


@contextmanager
def a_chat_office(folder: Path, at: str) -> Iterator[tuple[Office, Chat]]:
    """An office whose gate knows the invented platform, and that platform."""
    with StandIns(folder, (*HOSTS, HOST, CHAT)) as standins:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "standins.pem")
        chat = Chat(context)
        more = {"GERBANG_GATE__UPSTREAM__HOSTS": json.dumps(dict.fromkeys((HOST, CHAT), f"127.0.0.1:{chat.port}"))}
        people = Registers(OFFICERS, ACCOUNTS)
        settings = settle(folder, standins, people, dict.fromkeys(NAMES, WORD), policies=("bundled", str(FOLDER)))
        chat.journal = settings.journal_folder
        with running(settings, folder, standins, at, more) as office:
            yield office, chat
        chat.server.shutdown()


@contextmanager
def a_page(playwright: Playwright, office: Office, officer: str) -> Iterator[Page]:
    browser = a_browser(playwright, office)
    context = signed_in(browser, office, officer, locale="en-GB")
    page = context.new_page()
    page.goto(f"https://{HOST}/")
    state_purpose(page, "#say")
    expect(page.locator("#state")).to_have_text("open open ")
    yield page
    context.close()
    browser.close()


def said(page: Page, text: str, button: str = "say") -> str:
    page.evaluate("document.getElementById('said').textContent = ''")
    page.fill("#text", text)
    page.click(f"#{button}")
    expect(page.locator("#said")).not_to_be_empty()
    return page.locator("#said").inner_text()


def test_what_may_be_said_arrives_and_what_is_held_once_it_was_confirmed(
    playwright: Playwright, tmp_path: Path
) -> None:
    with a_chat_office(tmp_path, "19:00:00") as (office, chat), a_page(playwright, office, "devi") as page:
        assert said(page, "Selamat petang semua") == "heard Selamat petang semua"
        ((message, written),) = chat.arrived
        assert "Selamat petang semua" in message
        assert written == ["forwarded"], "the line was there when it arrived"

        rude = "Kerani kaunter tu memang bengap"
        told = said(page, rude)
        assert told.startswith("refused m-2: Your office's gate is holding this until you answer it: ")
        assert len(chat.arrived) == 1
        answer = page.context.new_page()
        answer.goto(told.rpartition(" ")[2])
        for box in answer.locator('input[type="checkbox"]').all():
            box.check()
        for words in answer.locator('form[action*="/confirm"] textarea').all():
            words.fill(PURPOSE)
        answer.click('form[action*="/confirm"] button[type="submit"]')
        answer.wait_for_load_state()
        assert said(page, rude) == f"heard {rude}"
        assert chat.arrived[-1][1] == ["forwarded", "held", "forwarded"]
        assert office.gerbang("audit", "verify").returncode == 0


def test_what_may_not_be_said_does_not_arrive_and_the_page_says_why(playwright: Playwright, tmp_path: Path) -> None:
    with a_chat_office(tmp_path, "10:00:00") as (office, chat), a_page(playwright, office, "farid") as page:
        told = said(page, "Selamat pagi semua")
        decision = office.decisions(platform="sembang", activity="comment")[-1]
        assert (
            told == f"refused m-1: Your office's gate refused this. Why: http://gerbang.internal/d/{decision['number']}"
        )
        assert (decision["effect"], decision["done"]) == ("block", "answered")
        heard = chat.pings
        deadline = time.monotonic() + 60
        while chat.pings <= heard and time.monotonic() < deadline:
            time.sleep(0.05)
        assert chat.pings > heard, "the socket is open, and its heartbeat is no act"

        told = said(page, "Selamat pagi", "line")
        number = office.decisions(platform="sembang", activity="comment")[-1]["number"]
        assert told == f"closed 1008 cleanly: Your office's gate refused this. Why: http://gerbang.internal/d/{number}"
        assert chat.arrived == []
        written: list[Any] = office.decisions(platform="sembang")
        assert {one["activity"] for one in written} == {"view", "comment"}
