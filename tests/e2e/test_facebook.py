"""Facebook in Debian's Chromium, through the gate: posts, comments, shares, uploads, pages, the plain-HTML site."""

import json
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page

from e2e.browser import opened, said
from e2e.office import Office
from gerbang.demo.standins.facebook import API, BYTES, HOSTS, PHOTOS, PLAIN, SITE

pytestmark = pytest.mark.needs_chromium

PERSON, OFFICIAL = "100000000000001", "61550000000001"
# What the page does by itself.
READS = ("CometModernHomeFeedQuery", "CometUFILiveTypingBroadcastMutation_StartMutation", "/ajax/bnzai")
FILM = {"name": "kaunter.mp4", "mimeType": "video/mp4", "buffer": b"\x00\x00\x00\x20ftypisom" + bytes(300_000)}
PHOTO = {"name": "kaunter.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff\xe0" + bytes(200_000)}


@pytest.fixture(scope="module")
def morning_page(morning: Office, morning_browser: Browser) -> Iterator[Page]:
    page = opened(morning_browser, morning, "farid", f"https://{SITE}/?as={PERSON}", "#text")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def evening_page(evening: Office, evening_browser: Browser) -> Iterator[Page]:
    page = opened(evening_browser, evening, "devi", f"https://{SITE}/?as={PERSON}", "#text")
    yield page
    page.context.close()


def writes(office: Office) -> list[str]:
    """What reached Facebook and was no read: host, path and body."""
    found = []
    for arrival in office.standins.writes():
        said_by = f"{arrival.host} {arrival.target} {arrival.body.decode('latin-1')}"
        if arrival.host in HOSTS and not any(read in said_by for read in READS):
            found.append(said_by)
    return found


def words_of(arrived: str) -> str:
    (variables,) = parse_qs(arrived.rpartition(" ")[2])["variables"]
    return str(json.loads(variables)["input"]["message"]["text"])


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("post", "post"),
        ("nameless", "post"),
        ("story", "post"),
        ("comment", "comment"),
        ("reply", "comment"),
        ("edit", "edit"),
        ("share", "share"),
        ("pass", "share"),
        ("like", "react"),
        ("follow", "follow"),
    ],
)
def test_in_office_hours_an_act_is_refused_where_the_person_sees_it(
    morning: Office, morning_page: Page, act: str, kind: str
) -> None:
    before = len(writes(morning))
    words = said(morning_page, act, f"Selamat pagi dari {act} {time.time_ns()}")
    decision = morning.decisions(done="answered", platform="facebook")[-1]
    assert (decision["activity"], decision["effect"]) == (kind, "block")
    assert decision["number"] in words
    assert len(writes(morning)) == before


def test_what_the_page_does_by_itself_is_no_act(morning: Office, morning_page: Page) -> None:
    before = len(morning.decisions(platform="facebook"))
    with morning_page.expect_response(lambda response: "/ajax/bnzai" in response.url):
        morning_page.reload()
    with morning_page.expect_response(lambda response: "/api/graphql/" in response.url):
        morning_page.focus("#text")
    assert len(morning.decisions(platform="facebook")) == before
    seen = b" ".join(arrival.body + arrival.target.encode() for arrival in morning.standins.writes())
    assert all(read.encode() in seen for read in READS)


def test_a_deletion_puts_something_right_and_passes_in_office_hours(morning: Office, morning_page: Page) -> None:
    assert said(morning_page, "remove") == "sent"
    assert morning.decisions(platform="facebook")[-1]["activity"] == "delete"


@pytest.mark.parametrize("file", [PHOTO, FILM], ids=["photo", "film"])
def test_an_upload_in_office_hours_is_refused_across_origins(
    morning: Office, morning_page: Page, file: dict[str, object]
) -> None:
    before = len(writes(morning))
    morning_page.set_input_files("#file", file)  # type: ignore[arg-type]
    words = said(morning_page, "post", "Percutian")
    morning_page.set_input_files("#file", [])
    decision = morning.decisions(done="answered", platform="facebook")[-1]
    assert (decision["activity"], decision["effect"]) == ("upload", "block")
    assert decision["number"] in words
    assert len(writes(morning)) == before


def test_what_the_agencys_page_answers_passes_in_office_hours(morning: Office, morning_browser: Browser) -> None:
    """Whoever switched into the page acts as the page, and the gate knows it by `av`."""
    page = opened(morning_browser, morning, "aminah", f"https://{SITE}/?as={PERSON}&page={OFFICIAL}", "#text")
    words = "Terima kasih atas pertanyaan; kaunter dibuka pukul lapan."
    assert said(page, "comment", words) == "sent"
    decision = morning.decisions(platform="facebook")[-1]
    assert (decision["activity"], decision["standing"], decision["done"]) == ("comment", "official", "forwarded")
    assert words_of(writes(morning)[-1]) == words
    page.context.close()


def test_the_plain_site_gets_a_page_that_says_why(morning: Office, morning_browser: Browser) -> None:
    page = opened(morning_browser, morning, "devi", f"https://{PLAIN}/?as={PERSON}", "#text")
    before = len(writes(morning))
    page.fill("#words", "Selamat hari lahir")
    page.click("#comment")
    decision = morning.decisions(done="answered", platform="facebook")[-1]
    assert (decision["activity"], decision["effect"]) == ("comment", "block")
    assert decision["number"] in page.locator("body").inner_text()
    assert len(writes(morning)) == before
    page.context.close()


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("post", "post"),
        ("nameless", "post"),
        ("comment", "comment"),
        ("reply", "comment"),
        ("edit", "edit"),
        ("share", "share"),
    ],
)
def test_after_hours_words_arrive_as_they_were_written(
    evening: Office, evening_page: Page, act: str, kind: str
) -> None:
    words = f"Selamat petang dari {act} {time.time_ns()} 🙂"
    assert said(evening_page, act, words) == "sent"
    decision = evening.decisions(platform="facebook", done="forwarded")[-1]
    assert decision["activity"] == kind
    assert words_of(writes(evening)[-1]) == words


@pytest.mark.parametrize(("act", "kind"), [("like", "react"), ("pass", "share"), ("remove", "delete")])
def test_after_hours_an_act_without_words_passes(evening: Office, evening_page: Page, act: str, kind: str) -> None:
    assert said(evening_page, act) == "sent"
    assert evening.decisions(platform="facebook")[-1]["activity"] == kind


def test_an_attack_is_held_or_refused_after_hours_too(evening: Office, evening_page: Page) -> None:
    before = len(writes(evening))
    words = said(evening_page, "nameless", "Kau ni memang bodoh dan tak guna langsung")
    assert evening.decisions(platform="facebook")[-1]["number"] in words
    assert len(writes(evening)) == before


@pytest.mark.parametrize(("file", "host"), [(PHOTO, PHOTOS), (FILM, BYTES)], ids=["photo", "film"])
def test_an_upload_and_the_post_that_uses_it(
    evening: Office, evening_page: Page, file: dict[str, object], host: str
) -> None:
    """The post names what was uploaded by its id, and its line the decisions on the uploads."""
    evening_page.set_input_files("#file", file)  # type: ignore[arg-type]
    before = len(evening.decisions(platform="facebook"))
    assert said(evening_page, "post", "Kaunter baharu kami") == "sent"
    evening_page.set_input_files("#file", [])
    *uploads, post = evening.decisions(platform="facebook")[before:]
    assert {upload["activity"] for upload in uploads} == {"upload"}
    assert (post["activity"], post["done"]) == ("post", "forwarded")
    assert post["sent_earlier"] == [upload["number"] for upload in uploads]
    assert any(arrival.host == host and bytes(100_000) in arrival.body for arrival in evening.standins.writes())


def test_a_program_reads_the_graph_apis_own_error(morning: Office) -> None:
    body = b"message=Selamat+hari+lahir&access_token=EAAEXAMPLE"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = morning.send("farid", "POST", f"https://{API}/v20.0/me/feed", form, body)
    assert answer.status == 403
    assert (
        morning.decisions(done="answered", platform="facebook")[-1]["number"]
        in json.loads(answer.body)["error"]["message"]
    )
    answer = morning.send("aminah", "POST", f"https://{API}/v20.0/{OFFICIAL}/feed", form, b"message=Kaunter+dibuka")
    assert answer.status == 200
    assert morning.decisions(platform="facebook")[-1]["standing"] == "official"
