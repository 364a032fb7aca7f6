"""An act that needs an approval, from the post that is held to the one that passes, in Debian's Chromium; and the
notice that stands before all of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from e2e.browser import a_browser, said, signed_in
from e2e.office import ACCOUNTS, NAMES, OFFICERS, WORD, Office, an_office, running
from gerbang.demo.office import Registers, settle
from gerbang.demo.standins.server import StandIns
from gerbang.settings import load_settings
from journal_builders import entries

pytestmark = pytest.mark.needs_chromium

OWN = "http://gerbang.internal"
AGENCY_ON_X = "https://x.com/home?as=9001"
VERSION = 'notice = "2026-01"'
PASSWORD = "empat perkataan panjang sekali"
NOTE = "Ketua Jabatan telah membaca draf ini"
POLICY = """\
policy: kelulusan
title: {ms: Kelulusan hantaran rasmi, en: Approval of official posts}
clauses:
  K1: {text: {ms: Hantaran akaun rasmi perlu kelulusan, en: A post by an official account needs an approval}}
rules:
  - id: official-account
    clause: K1
    title: {ms: Hantaran akaun rasmi, en: A post by an official account}
    when: {activity: publishing, account: official}
    effect: approve
    approvers: [siti]
    release_for: 2h
"""
WITHIN = '\n[requests]\nanswer_within = "2h"\n'


def with_approvals(folder: Path) -> str:
    """The policy of an office whose official posts an approver sees first."""
    file = folder / "policies" / "kelulusan" / "policy.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(POLICY, "utf-8")
    return str(folder / "policies")


@dataclass
class Desk:
    """The office, its officer's pages, and its approver's token."""

    office: Office
    browser: Browser
    token: str

    def answer(self, number: str, what: str, note: str = "") -> tuple[int, Any]:
        url = f"{self.office.console}/api/v1/requests/{number}/{what}"
        reply = httpx.post(url, headers={"Authorization": f"Bearer {self.token}"}, json={"note": note}, timeout=20)
        return reply.status_code, reply.json()

    def arrived(self, words: str) -> int:
        return sum(words in arrival.body.decode("utf-8", "replace") for arrival in self.office.standins.writes())

    def last(self) -> str:
        return str(self.office.decisions()[-1]["number"])


def approver_token(office: Office) -> str:
    """An approver as an admin makes one, and the token of that account."""
    added = office.gerbang("users", "add", "siti", "--role", "approver", "--password-stdin", typed=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    made = office.gerbang("tokens", "add", "siti-desk", "--may", "approvals", "--user", "siti")
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[-1]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, playwright: Playwright) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("approvals")
    policies = ("bundled", with_approvals(folder))
    with an_office(folder, "19:00:00", extra=WITHIN, policies=policies) as office:
        browser = a_browser(playwright, office)
        yield Desk(office, browser, approver_token(office))
        browser.close()


@pytest.fixture
def aminah(desk: Desk) -> Iterator[BrowserContext]:
    context = signed_in(desk.browser, desk.office, "aminah")
    yield context
    context.close()


def asked(desk: Desk, aminah: BrowserContext, words: str) -> tuple[Page, Page, str]:
    """A held post, for which an approver was asked: the platform's page, the decision's, and its number."""
    platform = aminah.new_page()
    platform.goto(AGENCY_ON_X)
    assert said(platform, "post", words) != "sent"
    number = desk.last()
    page = aminah.new_page()
    page.goto(f"{OWN}/d/{number}")
    expect(page.get_by_text(words)).to_be_visible()  # what the approver will read
    page.fill("#nota", NOTE)
    page.click('form[action*="/ask"] button')
    expect(page.locator(".tag").first).to_have_text("menunggu pelulus")
    return platform, page, number


def shows(page: Page, tag: str) -> None:
    """The page comes to show a state within the seconds in which gates know it."""
    deadline = time.monotonic() + 15
    while page.locator(".tag").first.inner_text() != tag and time.monotonic() < deadline:
        time.sleep(0.2)
        page.reload()
    expect(page.locator(".tag").first).to_have_text(tag)


def test_a_granted_post_passes_once_and_the_officer_sees_each_step(desk: Desk, aminah: BrowserContext) -> None:
    words = f"Kaunter Putrajaya dibuka esok {time.time_ns()}"
    platform, page, number = asked(desk, aminah, words)
    assert desk.arrived(words) == 0
    mine = aminah.new_page()
    mine.goto(f"{OWN}/mine")
    row = mine.locator("tr", has_text=number)
    expect(row.locator(".tag")).to_have_text("menunggu pelulus")
    assert said(platform, "post", words) != "sent"
    again = aminah.new_page()
    again.goto(f"{OWN}/d/{desk.last()}")
    expect(again.locator(f'a[href^="/d/{number}"]')).to_be_visible()  # the request that waits already
    assert desk.answer(number, "grant", "Boleh dihantar")[0] == 200
    shows(page, "diluluskan")
    expect(page.locator("blockquote")).to_have_text("Boleh dihantar")
    mine.reload()
    expect(row.locator(".tag")).to_have_text("diluluskan")
    assert said(platform, "post", words) == "sent"
    assert desk.arrived(words) == 1
    page.reload()
    expect(page.locator(".tag").first).to_have_text("diluluskan dan dihantar")
    expect(page.locator(f'a[href^="/d/{desk.last()}"]')).to_be_visible()
    assert said(platform, "post", words) != "sent"  # a grant is for once
    assert desk.arrived(words) == 1
    code, told = desk.answer(number, "refuse", "Terlambat untuk ini")
    assert (code, told["why"]) == (409, "answered")


def test_a_grant_is_for_that_content_and_not_for_other(desk: Desk, aminah: BrowserContext) -> None:
    words = f"Kaunter Kajang dibuka esok {time.time_ns()}"
    platform, page, number = asked(desk, aminah, words)
    assert desk.answer(number, "grant")[0] == 200
    shows(page, "diluluskan")
    assert said(platform, "post", f"{words} sehingga malam") != "sent"
    assert desk.arrived(words) == 0
    assert said(platform, "post", words) == "sent"


def test_a_refusal_says_why_and_nothing_passes(desk: Desk, aminah: BrowserContext) -> None:
    words = f"Ucapan majlis esok {time.time_ns()}"
    platform, page, number = asked(desk, aminah, words)
    assert desk.answer(number, "refuse")[0] == 422  # a reason is owed
    assert desk.answer(number, "refuse", "Bukan untuk orang awam lagi")[0] == 200
    shows(page, "tidak diluluskan")
    expect(page.locator("blockquote")).to_have_text("Bukan untuk orang awam lagi")
    assert said(platform, "post", words) != "sent"
    assert desk.arrived(words) == 0


def test_what_was_changed_as_wanted_is_asked_for_anew(desk: Desk, aminah: BrowserContext) -> None:
    words = f"Hubungi kami esok {time.time_ns()}"
    platform, page, number = asked(desk, aminah, words)
    assert desk.answer(number, "changes", "Tambah alamat pejabat")[0] == 200
    shows(page, "perubahan diminta")
    expect(page.locator("blockquote")).to_have_text("Tambah alamat pejabat")
    platform.close()
    platform, page, second = asked(desk, aminah, f"{words}, Presint 1")
    assert second != number
    assert desk.answer(second, "grant")[0] == 200
    shows(page, "diluluskan")
    assert said(platform, "post", f"{words}, Presint 1") == "sent"


def test_a_note_that_says_nothing_is_asked_for_again(desk: Desk, aminah: BrowserContext) -> None:
    platform = aminah.new_page()
    platform.goto(AGENCY_ON_X)
    said(platform, "post", f"Notis cuti {time.time_ns()}")
    page = aminah.new_page()
    page.goto(f"{OWN}/d/{desk.last()}")
    page.fill("#nota", "....")
    page.click('form[action*="/ask"] button')
    expect(page.locator("#wn")).to_be_visible()
    assert page.locator("#nota").input_value() == "...."


def test_the_notice_is_acknowledged_once_and_its_banner_goes(desk: Desk) -> None:
    context = signed_in(desk.browser, desk.office, "farid", "en-GB")
    page = context.new_page()
    page.goto(f"{OWN}/mine")
    banner = page.locator("aside.due")
    expect(banner).to_contain_text("2026-01")
    banner.locator("a").click()
    page.click('form[action*="/acknowledge"] button')
    assert page.url.startswith(f"{OWN}/mine")  # back where it stood in the way
    expect(banner).to_have_count(0)
    (event,) = (line["body"] for line in entries(desk.office.journal, "acknowledged"))
    assert event["version"] == "2026-01"
    context.close()


def test_the_notice_stands_first_and_a_request_that_nobody_answered_expires(
    tmp_path: Path, playwright: Playwright
) -> None:
    """One office whose gate is started again after the time in which a request had to be answered."""
    words = f"Jemputan ke majlis esok {time.time_ns()}"
    with StandIns(tmp_path) as standins:
        registers, names = Registers(OFFICERS, ACCOUNTS), dict.fromkeys(NAMES, WORD)
        settle(tmp_path, standins, registers, names, extra=WITHIN, policies=("bundled", with_approvals(tmp_path)))
        file = tmp_path / "gerbang.toml"
        file.write_text(file.read_text("utf-8").replace(VERSION, f'{VERSION}\nnotice_first = "require"'), "utf-8")
        settings = load_settings(file, {})
        with running(settings, tmp_path, standins, "19:00:00") as office:
            browser = a_browser(playwright, office)
            desk, aminah = Desk(office, browser, ""), signed_in(browser, office, "aminah")
            assert office.tweet("aminah", words, "9001").status != 200
            assert (desk.arrived(words), office.decisions()) == (0, [])  # neither judged nor let through
            visit = aminah.new_page()
            visit.goto(AGENCY_ON_X)
            visit.click("a.button")
            assert visit.url.startswith(f"{OWN}/notice")
            visit.click('form[action*="/acknowledge"] button')
            visit.wait_for_selector("#post")
            assert visit.url == AGENCY_ON_X
            _, _, number = asked(desk, aminah, words)
            browser.close()
        with running(settings, tmp_path, standins, "21:30:00") as office:
            token = approver_token(office)
            browser = a_browser(playwright, office)
            desk, aminah = Desk(office, browser, token), signed_in(browser, office, "aminah")
            code, told = desk.answer(number, "grant")
            assert (code, told["why"]) == (409, "expired")
            page = aminah.new_page()
            page.goto(f"{OWN}/mine")
            expect(page.locator("tr", has_text=number).locator(".tag")).to_have_text("permohonan tamat")
            expect(page.locator("aside.due")).to_have_count(0)  # what was acknowledged stays so
            page.click(f'a[href^="/d/{number}"]')
            shows(page, "permohonan tamat")
            platform, _, second = asked(desk, aminah, words)
            assert desk.answer(second, "grant")[0] == 200
            page.goto(f"{OWN}/d/{second}")
            shows(page, "diluluskan")
            assert said(platform, "post", words) == "sent"
            browser.close()
