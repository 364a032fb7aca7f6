"""The main job in Debian's Chromium, through the gate: what the person sees, what arrives, what is written down."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.browser import PURPOSE, said, signed_in, state_purpose
from e2e.office import Office
from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.wordpress import BLOG

pytestmark = pytest.mark.needs_chromium


@pytest.fixture
def evening_page(evening: Office, evening_browser: Browser) -> Iterator[Page]:
    context = signed_in(evening_browser, evening, "devi")
    page = context.new_page()
    page.goto("https://x.com/home?as=2003")
    yield page
    context.close()


@pytest.fixture
def morning_page(morning: Office, morning_browser: Browser) -> Iterator[Page]:
    """A page on X in office hours, after an official purpose was stated on the gate's own page."""
    context = signed_in(morning_browser, morning, "farid")
    page = context.new_page()
    page.goto("https://x.com/home?as=2002")
    state_purpose(page, "#post")
    yield page
    context.close()


def arrived(office: Office, words: str) -> list[int]:
    """When the platform got a request with those words."""
    return [arrival.at for arrival in office.standins.writes() if words in arrival.body.decode("utf-8", "replace")]


def test_a_visit_in_office_hours_is_held_until_a_purpose_is_stated(morning: Office, morning_browser: Browser) -> None:
    context = signed_in(morning_browser, morning, "devi")
    page = context.new_page()
    response = page.goto("https://x.com/home?as=2003")
    assert response is not None
    assert response.status == 428
    assert page.locator("html").get_attribute("lang") == "ms"
    page.click("a.button")
    assert page.url.startswith("http://gerbang.internal/d/")
    page.fill('textarea[name="ask.official-purpose"]', PURPOSE)
    page.click('form[action*="/confirm"] button[type="submit"]')
    page.wait_for_selector("#post")
    assert page.url == "https://x.com/home?as=2003"
    assert page.goto("https://x.com/home").status == 200  # type: ignore[union-attr]  # covered for half an hour
    context.close()


def test_the_page_speaks_english_to_who_prefers_it(morning: Office, morning_browser: Browser) -> None:
    context = signed_in(morning_browser, morning, "aminah", locale="en-GB")
    page = context.new_page()
    page.goto(f"https://{BLOG}/")
    page.fill("#comment", "Terima kasih atas makluman ini.")
    page.click("#submit")
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()


@pytest.mark.parametrize("act", ["post", "long", "reply", "quote", "edit", "like", "repost", "message", "follow"])
def test_in_office_hours_a_personal_act_is_refused_and_the_page_says_so(
    morning: Office, morning_page: Page, act: str
) -> None:
    words = f"Selamat hari lahir Kak Ina {act} {time.time_ns()}"
    before = len(morning.standins.writes())
    number = said(morning_page, act, words)
    assert "sent" not in number
    assert arrived(morning, words) == []
    reads = ("HomeLatestTimeline", "client_event.json")
    assert not [a for a in morning.standins.writes()[before:] if not any(name in a.target for name in reads)]
    decision = morning.decisions(done="answered")[-1]
    assert (decision["effect"], decision["platform"]) == ("block", "x")


def test_a_delete_puts_something_right_and_passes_in_office_hours(morning_page: Page) -> None:
    assert said(morning_page, "remove") == "sent"


@pytest.mark.parametrize(
    "act", ["post", "long", "reply", "quote", "edit", "like", "repost", "remove", "message", "follow"]
)
def test_after_hours_a_harmless_act_arrives_and_its_line_was_first(
    evening: Office, evening_page: Page, act: str
) -> None:
    words = f"Selamat petang semua {act} {time.time_ns()}"
    assert said(evening_page, act, words) == "sent"
    last = evening.standins.writes()[-1]
    decisions = evening.decisions()
    assert decisions, "the act left no line"
    assert decisions[-1]["done"] == "forwarded"
    assert last.host == "x.com"


def test_an_upload_and_the_post_that_uses_it(evening: Office, evening_page: Page) -> None:
    evening_page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": bytes(200_000)})
    assert said(evening_page, "post", "Gambar bas perantara baharu") == "sent"
    assert any(arrival.host == "upload.x.com" and len(arrival.body) > 200_000 for arrival in evening.standins.writes())


def test_an_upload_in_office_hours_is_refused_across_origins(morning: Office, morning_page: Page) -> None:
    morning_page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": bytes(200_000)})
    words = said(morning_page, "post", "Gambar percutian")
    # The page's script can read the refusal, though the upload goes to another host.
    assert not words.startswith("no answer"), words
    assert not any(arrival.host == "upload.x.com" for arrival in morning.standins.writes())


def test_an_attack_is_held_or_refused_after_hours_too(evening: Office, evening_page: Page) -> None:
    words = "Kau ni memang bodoh dan tak guna langsung"
    assert "sent" not in said(evening_page, "post", words)
    assert arrived(evening, words) == []


def test_a_classified_letter_never_leaves_and_is_kept_nowhere(evening: Office, evening_browser: Browser) -> None:
    secret = "PERUNTUKAN TAMBAHAN PROJEK KENARI"
    context = signed_in(evening_browser, evening, "farid")
    page = context.new_page()
    page.goto(f"https://{BLOG}/wp-admin/post-new.php?as=farid")
    page.fill("#title", "Surat")
    page.fill("#content", f"SULIT</p><p>Ruj. Kami: CONTOH.600-1/2/3 Jld. 2 (45)</p><p>Tuan,</p><p>{secret}")
    page.click("#publish")
    expect(page.locator("#said")).not_to_be_empty()
    assert page.locator("#said").inner_text() != "sent"
    assert arrived(evening, secret) == []
    kept = [
        file
        for file in (evening.folder / "state").rglob("*")
        if file.is_file() and secret.encode() in file.read_bytes()
    ]
    assert kept == []
    context.close()


def test_a_comment_form_gets_a_page_that_says_why(morning: Office, morning_browser: Browser) -> None:
    context = signed_in(morning_browser, morning, "devi")
    page = context.new_page()
    page.goto(f"https://{BLOG}/")
    state_purpose(page, "#comment")
    words = f"Terima kasih atas makluman ini {time.time_ns()}"
    page.fill("#comment", words)
    page.click("#submit")
    assert page.locator("h1").inner_text()
    assert page.locator(".number").count() == 1
    assert arrived(morning, words) == []
    context.close()


def test_a_draft_that_saves_itself_is_no_act(evening: Office, evening_browser: Browser) -> None:
    context = signed_in(evening_browser, evening, "farid")
    page = context.new_page()
    page.goto(f"https://{BLOG}/wp-admin/post-new.php?as=farid")
    before = len(evening.decisions())
    page.fill("#content", "Draf sahaja buat masa ini")
    page.click("#autosave")
    expect(page.locator("#said")).to_have_text("sent")
    assert len(evening.decisions()) == before
    context.close()


def test_a_host_that_is_not_listed_is_not_touched(morning: Office, morning_browser: Browser) -> None:
    context = signed_in(morning_browser, morning, "devi")
    page = context.new_page()
    before = len(morning.decisions())
    assert page.goto(f"https://{BANK}/").status == 200  # type: ignore[union-attr]
    details = page.goto(f"https://{BANK}/").security_details()  # type: ignore[union-attr]
    assert details is not None
    assert details["issuer"] == "Stand-in platforms (trial)"
    assert len(morning.decisions()) == before
    context.close()
