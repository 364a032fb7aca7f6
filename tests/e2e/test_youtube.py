"""YouTube in Debian's Chromium, through the gate: watching, commenting, chatting, posting, uploading, publishing."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from e2e.browser import opened, said
from e2e.office import Office
from gerbang.demo.standins.youtube import SITE, STUDIO, UPLOAD

pytestmark = pytest.mark.needs_chromium

WATCH = f"https://{SITE}/watch?v=mY7kLp2Qx_w"
PERSONAL, OFFICIAL = "108811223344556677889", "108811223344556600001"
READS = ("/youtubei/v1/next", "/youtubei/v1/log_event", "/api/stats/qoe", "/youtubei/v1/creator/list_creator_videos")


@pytest.fixture(scope="module")
def morning_page(morning: Office, morning_browser: Browser) -> Iterator[Page]:
    page = opened(morning_browser, morning, "farid", f"{WATCH}&as={PERSONAL}", "#said")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def evening_page(evening: Office, evening_browser: Browser) -> Iterator[Page]:
    page = opened(evening_browser, evening, "devi", f"{WATCH}&as={PERSONAL}", "#said")
    yield page
    page.context.close()


def writes(office: Office) -> list[tuple[str, Any]]:
    """What reached YouTube and was no read: the path, and the JSON that was compressed."""
    found = []
    for arrival in office.standins.writes():
        path = arrival.target.partition("?")[0]
        if arrival.host.endswith("youtube.com") and path not in READS:
            body = gzip.decompress(arrival.body) if arrival.body[:2] == b"\x1f\x8b" else b"{}"
            found.append((path, json.loads(body)))
    return found


@pytest.mark.parametrize(
    "act",
    ["comment", "reply", "edit", "clap", "like", "dislike", "subscribe", "chat", "community"],
)
def test_in_office_hours_an_act_is_refused_where_the_person_sees_it(
    morning: Office, morning_page: Page, act: str
) -> None:
    before = len(writes(morning))
    words = said(morning_page, act, f"Selamat pagi dari {act} {time.time_ns()}")
    decision = morning.decisions(done="answered", platform="youtube")[-1]
    assert decision["effect"] == "block"
    assert decision["number"] in words
    assert len(writes(morning)) == before


def test_what_the_page_does_by_itself_is_no_act(morning: Office, morning_page: Page) -> None:
    before = len(morning.decisions(platform="youtube"))
    morning_page.reload()
    assert said(morning_page, "translate") == "sent"
    assert len(morning.decisions(platform="youtube")) == before
    assert {arrival.target.partition("?")[0] for arrival in morning.standins.writes()} >= {*READS[:3]}


def test_a_deletion_puts_something_right_and_passes_in_office_hours(morning: Office, morning_page: Page) -> None:
    assert said(morning_page, "remove") == "sent"
    assert morning.decisions(platform="youtube")[-1]["activity"] == "delete"


def test_what_an_official_channel_answers_passes_in_office_hours(morning: Office, morning_browser: Browser) -> None:
    page = opened(morning_browser, morning, "aminah", f"{WATCH}&as={OFFICIAL}", "#said")
    assert said(page, "comment", "Terima kasih atas pertanyaan; kaunter dibuka pukul lapan.") == "sent"
    decision = morning.decisions(platform="youtube")[-1]
    assert (decision["activity"], decision["standing"]) == ("comment", "official")
    page.context.close()


@pytest.mark.parametrize(
    ("act", "kind", "key"),
    [
        ("comment", "comment", "commentText"),
        ("reply", "comment", "commentText"),
        ("edit", "edit", "commentText"),
        ("community", "post", "commentText"),
        ("chat", "comment", "richMessage"),
    ],
)
def test_after_hours_words_arrive_as_they_were_written(
    evening: Office, evening_page: Page, act: str, kind: str, key: str
) -> None:
    words = f"Selamat petang dari {act} {time.time_ns()}"
    assert said(evening_page, act, words) == "sent"
    decision = evening.decisions(platform="youtube", done="forwarded")[-1]
    assert decision["activity"] == kind
    assert words in json.dumps(writes(evening)[-1][1][key])


@pytest.mark.parametrize(
    ("act", "kind"),
    [("like", "react"), ("clap", "react"), ("remove", "delete"), ("subscribe", "follow")],
)
def test_after_hours_an_act_without_words_passes(evening: Office, evening_page: Page, act: str, kind: str) -> None:
    assert said(evening_page, act) == "sent"
    assert evening.decisions(platform="youtube")[-1]["activity"] == kind


def test_an_attack_is_held_or_refused_after_hours_too(evening: Office, evening_page: Page) -> None:
    before = len(writes(evening))
    assert "sent" not in said(evening_page, "chat", "Kau ni memang bodoh dan tak guna langsung")
    assert len(writes(evening)) == before


def test_a_picture_and_the_community_post_that_shows_it(evening: Office, evening_page: Page) -> None:
    picture = {"name": "kaunter.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(100_000)}
    evening_page.set_input_files("#file", picture)  # type: ignore[arg-type]
    assert said(evening_page, "community", "Kaunter baharu kami") == "sent"
    (path, body), uploads = writes(evening)[-1], [w for w in writes(evening) if w[0] == "/channel_image_upload/posts"]
    assert len(uploads) == 2
    assert path == "/youtubei/v1/backstage/create_post"
    assert body["imagesAttachment"]["imagesData"][0]["encryptedBlobId"]


FILM = {"name": "taklimat harian.mp4", "mimeType": "video/mp4", "buffer": b"\x00\x00\x00\x20ftypisom" + bytes(300_000)}


def test_an_upload_in_office_hours_is_refused_across_origins(morning: Office, morning_browser: Browser) -> None:
    page = opened(morning_browser, morning, "farid", f"https://{STUDIO}/upload", "#said")
    page.set_input_files("#file", FILM)  # type: ignore[arg-type]
    words = said(page, "upload")
    decision = morning.decisions(done="answered", platform="youtube")[-1]
    assert (decision["activity"], decision["effect"]) == ("upload", "block")
    assert decision["number"] in words
    assert not any(arrival.host == UPLOAD for arrival in morning.standins.writes())
    # What is uploaded elsewhere cannot be published from here either.
    page.fill("#title", "Percutian")
    assert "sent" not in said(page, "publish")
    assert morning.decisions(done="answered", platform="youtube")[-1]["activity"] == "post"
    page.context.close()


def test_a_video_is_uploaded_saves_itself_and_is_published(evening: Office, evening_browser: Browser) -> None:
    page = opened(evening_browser, evening, "devi", f"https://{STUDIO}/upload", "#said")
    page.set_input_files("#file", FILM)  # type: ignore[arg-type]
    assert said(page, "upload") == "sent"
    assert any(arrival.host == UPLOAD and len(arrival.body) > 300_000 for arrival in evening.standins.writes())
    made = len(evening.decisions(platform="youtube"))
    page.fill("#title", "Taklimat harian")
    page.fill("#description", "Ringkasan mesyuarat penduduk taman")
    assert said(page, "save") == "sent"
    assert len(evening.decisions(platform="youtube")) == made, "a draft that saves itself is no act"
    assert said(page, "publish") == "sent"
    decision = evening.decisions(platform="youtube")[-1]
    assert (decision["activity"], decision["done"]) == ("post", "forwarded")
    assert said(page, "remove") == "sent"
    page.context.close()
