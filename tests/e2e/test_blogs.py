"""WordPress.com, Jetpack's comments and Blogger in Debian's Chromium, through the gate."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from e2e.browser import said, signed_in
from e2e.office import Office
from gerbang.demo.standins.blogger import EDITOR
from gerbang.demo.standins.blogger import HOSTED as BLOGSPOT
from gerbang.demo.standins.wordpress_com import ELSEWHERE, JETPACK, READER

pytestmark = pytest.mark.needs_chromium

# A group that may look at platforms in office hours without being asked for a purpose.
OFFICER = "aminah"
BLOG, POST = "4821093377120456610", "7310442188120934451"
PICTURE = {"name": "balai.jpg", "mimeType": "image/jpeg", "buffer": bytes(3000)}


@pytest.fixture(scope="module")
def morning_context(morning: Office, morning_browser: Browser) -> Iterator[BrowserContext]:
    context = signed_in(morning_browser, morning, OFFICER)
    yield context
    context.close()


@pytest.fixture(scope="module")
def evening_context(evening: Office, evening_browser: Browser) -> Iterator[BrowserContext]:
    context = signed_in(evening_browser, evening, OFFICER)
    yield context
    context.close()


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def the_reader(context: BrowserContext) -> Page:
    return opened(context, f"https://{READER}/?as=aminah")


def the_editor(context: BrowserContext) -> Page:
    return opened(context, f"https://{EDITOR}/blog/post/edit/{BLOG}/{POST}")


def framed(page: Page, host: str) -> Frame:
    """The frame of another host in a page."""
    page.wait_for_function("host => [...document.querySelectorAll('iframe')].some(f => f.src.includes(host))", arg=host)
    frame = next(one for one in page.frames if host in one.url)
    frame.wait_for_load_state()
    return frame


def arrived(office: Office, words: str) -> bool:
    """By the number that the words end with, which is the same in every encoding."""
    number = words.rpartition(" ")[2]
    return any(number in arrival.body.decode("utf-8", "replace") for arrival in office.standins.writes())


def words_for(act: str) -> str:
    return f"Jadual baharu bas perantara bermula Isnin {act} {time.time_ns()}"


WORDPRESS_COM = [
    ("post", "post", "v1-publish"),
    ("edit", "edit", "rest-update"),
    ("comment", "comment", "v1-comment"),
    ("reply", "comment", "v1-reply"),
    ("like", "react", "v1-like"),
    ("reblog", "share", "v1-reblog"),
    ("follow", "follow", "v1-follow"),
]


def test_in_office_hours_each_act_on_wordpress_com_is_refused_and_the_page_says_so(
    morning: Office, morning_context: BrowserContext
) -> None:
    page = the_reader(morning_context)
    for act, kind, signature in WORDPRESS_COM:
        words = words_for(act)
        assert "gerbang.internal/d/" in said(page, act, words), act
        assert not arrived(morning, words)
        decision = morning.decisions(platform="wordpress-com")[-1]
        told = (decision["activity"], decision["signature"], decision["effect"], decision["done"])
        assert told == (kind, signature, "block", "answered")
    page.set_input_files("#file", PICTURE)  # type: ignore[arg-type]  # playwright's own shape
    assert "gerbang.internal/d/" in said(page, "upload")
    assert said(page, "remove") == "sent", "a delete puts something right"
    assert said(page, "draft", words_for("draft")) == "sent", "what saves itself as a draft is no act"
    page.close()


def test_after_hours_each_act_on_wordpress_com_arrives_behind_its_line(
    evening: Office, evening_context: BrowserContext
) -> None:
    page = the_reader(evening_context)
    for act, kind, signature in [*WORDPRESS_COM, ("remove", "delete", "v1-delete")]:
        words = words_for(act)
        assert said(page, act, words) == "sent", act
        decision = evening.decisions(platform="wordpress-com", done="forwarded")[-1]
        assert (decision["activity"], decision["signature"]) == (kind, signature)
        assert act in ("like", "follow", "remove") or arrived(evening, words)
    page.set_input_files("#file", PICTURE)  # type: ignore[arg-type]  # playwright's own shape
    assert said(page, "upload") == "sent"
    assert evening.decisions(platform="wordpress-com", activity="upload")[-1]["signature"] == "v1-upload"
    page.close()


def test_a_comment_in_jetpacks_frame_of_an_unlisted_page_is_refused_within_the_frame(
    morning: Office, morning_context: BrowserContext
) -> None:
    page = opened(morning_context, f"https://{ELSEWHERE}/")
    words = words_for("jetpack")
    frame = framed(page, JETPACK)
    frame.fill("#comment", words)
    frame.click("#submit")
    expect(page.frame_locator("iframe").locator(".number")).to_be_visible()
    assert page.locator("h1").inner_text() == "Jadual bas baharu", "the blog around it stands"
    assert not arrived(morning, words)
    decision = morning.decisions(signature="jetpack-comment")[-1]
    assert (decision["activity"], decision["effect"]) == ("comment", "block")
    page.frame_locator("iframe").locator("a.button").click()
    page.wait_for_url("http://gerbang.internal/d/*")
    page.close()


def test_after_hours_a_comment_in_jetpacks_frame_reaches_the_blog(
    evening: Office, evening_context: BrowserContext
) -> None:
    page = opened(evening_context, f"https://{ELSEWHERE}/")
    words = words_for("jetpack")
    frame = framed(page, JETPACK)
    frame.fill("#comment", words)
    frame.click("#submit")
    expect(page.frame_locator("iframe").locator("#done")).to_be_visible()
    assert arrived(evening, words)
    page.close()


def test_in_office_hours_bloggers_editor_saves_nothing_and_says_so(
    morning: Office, morning_context: BrowserContext
) -> None:
    page = the_editor(morning_context)
    words = words_for("blogger")
    first = said(page, "post", words)
    assert "gerbang.internal/d/" in first
    assert said(page, "save") == first, "the same words are refused under the same number"
    assert not arrived(morning, words)
    lines = morning.decisions(signature="save")
    assert [line["effect"] for line in lines] == ["block"]
    assert said(page, "save", f"{words} pagi") != first
    assert len(morning.decisions(signature="save")) == 2
    page.set_input_files("#file", PICTURE)  # type: ignore[arg-type]  # playwright's own shape
    assert "gerbang.internal/d/" in said(page, "upload")
    assert said(page, "read") == "sent"
    assert said(page, "remove") == "sent"
    page.close()


def test_after_hours_bloggers_editor_saves_and_what_is_unchanged_has_no_second_line(
    evening: Office, evening_context: BrowserContext
) -> None:
    page = the_editor(evening_context)
    words = words_for("blogger")
    for act in ("save", "save", "post"):
        assert said(page, act, words) == "sent"
    assert len([one for one in evening.standins.writes() if "batchexecute" in one.target]) == 3
    (line,) = evening.decisions(signature="save")
    assert (line["activity"], line["done"]) == ("post", "forwarded")
    assert said(page, "post", f"{words} pagi") == "sent"
    assert len(evening.decisions(signature="save")) == 2
    assert "gerbang.internal/d/" in said(page, "save", "Kau ni memang bodoh dan tak guna langsung")
    page.set_input_files("#file", PICTURE)  # type: ignore[arg-type]  # playwright's own shape
    assert said(page, "upload") == "sent"
    uploads = [one["signature"] for one in evening.decisions(platform="blogger", activity="upload")]
    assert uploads == ["photo-start", "photo"]
    page.close()


def test_comments_in_bloggers_frame_are_refused_in_office_hours_and_arrive_after(
    morning: Office, evening: Office, morning_context: BrowserContext, evening_context: BrowserContext
) -> None:
    for office, context, refused in ((morning, morning_context, True), (evening, evening_context, False)):
        page = opened(context, f"https://{BLOGSPOT}/")
        frame = framed(page, EDITOR)
        words = words_for("frame")
        frame.fill("#text", words)
        frame.click("#comment")
        expect(frame.locator("#said")).to_contain_text("gerbang.internal/d/" if refused else "sent")
        assert arrived(office, words) is not refused
        assert office.decisions(signature="comment-call")[-1]["activity"] == "comment"
        words = words_for("older")
        frame.fill("#commentBody", words)
        frame.click("#older")
        shown = page.frame_locator("iframe").locator(".number" if refused else "#done")
        expect(shown).to_be_visible()
        assert arrived(office, words) is not refused
        page.close()
