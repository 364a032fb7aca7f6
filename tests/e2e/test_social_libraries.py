"""More client libraries of official APIs, as they are on PyPI, through the gate: Mastodon, Bluesky, Reddit, Slack,
Telegram, Discord, Tumblr and Discourse."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import praw
import prawcore
import pytest
import requests
import slack_sdk
import telebot
from atproto import Client as Bluesky
from atproto import models
from atproto.exceptions import AtProtocolError
from mastodon import Mastodon, MastodonError
from pydiscourse import DiscourseClient
from pydiscourse.exceptions import DiscourseClientError
from pytumblr import TumblrRestClient
from slack_sdk.errors import SlackApiError
from telebot.apihelper import ApiTelegramException

from e2e import social_apis
from e2e.office import Office, an_office
from e2e.test_client_libraries import Way, way_of
from gerbang.model import Activity, Kind

WORDS = "Kaunter dibuka esok ✅ & 'seperti biasa'"
SITES = f"""
[[sites]]
host = "{social_apis.MASTODON}"
platform = "mastodon"

[[sites]]
host = "{social_apis.FORUM}"
platform = "discourse"
"""
PICTURE = b"\x89PNG\r\n\x1a\n" + b"contoh"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with an_office(tmp_path_factory.mktemp("day"), "10:00:00", extra=SITES, more=[social_apis]) as office:
        yield office


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with an_office(tmp_path_factory.mktemp("night"), "19:00:00", extra=SITES, more=[social_apis]) as office:
        yield office


@pytest.fixture
def at_night(night: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    return with_authority(way_of(night, tmp_path, monkeypatch), monkeypatch)


@pytest.fixture
def by_day(day: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    return with_authority(way_of(day, tmp_path, monkeypatch), monkeypatch)


def with_authority(way: Way, monkeypatch: pytest.MonkeyPatch) -> Way:
    monkeypatch.setenv("SSL_CERT_FILE", str(way.bundle))
    monkeypatch.setattr(telebot.apihelper, "session", None)
    return way


def mastodon(_: Way) -> Mastodon:
    return Mastodon(access_token="contoh", api_base_url=f"https://{social_apis.MASTODON}", version_check_mode="none")


def bluesky(_: Way) -> Bluesky:
    client = Bluesky()
    client.login("devi.bsky.social", "contoh-contoh")
    return client


def reddit(_: Way) -> praw.Reddit:
    return praw.Reddit(
        client_id="contoh",
        client_secret="contoh",
        username="devi",
        password="contoh",
        user_agent="percubaan",
        check_for_updates=False,
    )


def slack(way: Way) -> slack_sdk.WebClient:
    return slack_sdk.WebClient(token="xoxb-contoh", proxy=way.proxy, ssl=ssl.create_default_context(cafile=way.bundle))


def telegram(_: Way) -> telebot.TeleBot:
    return telebot.TeleBot("123456:contoh", threaded=False)


def webhook(_: Way) -> discord.SyncWebhook:
    return discord.SyncWebhook.from_url(
        "https://discord.com/api/webhooks/112233445566778899/" + "Contoh-Contoh_" * 5, session=requests.Session()
    )


def tumblr(_: Way) -> TumblrRestClient:
    return TumblrRestClient("contoh", "contoh", "contoh", "contoh")


def forum(_: Way) -> DiscourseClient:
    return DiscourseClient(f"https://{social_apis.FORUM}", api_username="devi", api_key="contoh")


def refused_by_tumblr(way: Way) -> None:
    """pytumblr gives its user the answer as it is: what it says was refused is raised here as that."""
    answer: Any = tumblr(way).create_text("kedaikopi", state="published", title="Notis", body=WORDS)
    if "response" in answer and answer.get("meta", {}).get("status") == 403:
        raise PermissionError(answer)
    raise AssertionError(answer)


@dataclass(frozen=True)
class Trial:
    """Something done by a library's own method: the platform, the act, its exact words and whom it concerns."""

    name: str
    do: Callable[[Way], object]
    platform: str
    kind: Kind
    texts: tuple[str, ...] = ()
    target: str | None = None


TRIALS = (
    Trial("Mastodon.py posts", lambda way: mastodon(way).status_post(WORDS), "mastodon", Kind.POST, (WORDS,)),
    Trial(
        "Mastodon.py replies, with a warning",
        lambda way: mastodon(way).status_post(WORDS, in_reply_to_id="113", spoiler_text="Pemakluman"),
        "mastodon",
        Kind.COMMENT,
        (WORDS, "Pemakluman"),
        "113",
    ),
    Trial("Mastodon.py boosts", lambda way: mastodon(way).status_reblog("113"), "mastodon", Kind.SHARE, (), "113"),
    Trial("Mastodon.py deletes", lambda way: mastodon(way).status_delete("113"), "mastodon", Kind.DELETE, (), "113"),
    Trial("atproto posts", lambda way: bluesky(way).send_post(WORDS), "bluesky", Kind.POST, (WORDS,)),
    Trial(
        "atproto replies",
        lambda way: bluesky(way).send_post(WORDS, reply_to=an_answer()),
        "bluesky",
        Kind.COMMENT,
        (WORDS,),
    ),
    Trial(
        "praw submits",
        lambda way: reddit(way).subreddit("malaysia").submit("Notis", selftext=WORDS),
        "reddit",
        Kind.POST,
        ("Notis", WORDS),
    ),
    Trial("praw answers", lambda way: reddit(way).submission("1q8z").reply(WORDS), "reddit", Kind.COMMENT, (WORDS,)),
    Trial("praw votes", lambda way: reddit(way).submission("1q8z").upvote(), "reddit", Kind.REACT),
    Trial(
        "slack_sdk says",
        lambda way: slack(way).chat_postMessage(channel="C0CONTOH", text=WORDS),
        "slack",
        Kind.MESSAGE,
        (WORDS,),
        "C0CONTOH",
    ),
    Trial(
        "slack_sdk edits",
        lambda way: slack(way).chat_update(channel="C0CONTOH", ts="1790000000.0001", text=WORDS),
        "slack",
        Kind.EDIT,
        (WORDS,),
    ),
    Trial(
        "telebot says",
        lambda way: telegram(way).send_message("@saluran", WORDS),
        "telegram",
        Kind.POST,
        (WORDS,),
        "@saluran",
    ),
    Trial(
        "telebot sends a picture",
        lambda way: telegram(way).send_photo("@saluran", PICTURE, caption=WORDS),
        "telegram",
        Kind.POST,
        (WORDS,),
        "@saluran",
    ),
    Trial("discord.py says by a webhook", lambda way: webhook(way).send(WORDS), "discord", Kind.POST, (WORDS,)),
    Trial("discord.py deletes by a webhook", lambda way: webhook(way).delete_message(77), "discord", Kind.DELETE),
    Trial(
        "pytumblr posts",
        lambda way: tumblr(way).create_text("kedaikopi", state="published", title="Notis", body=WORDS),
        "tumblr",
        Kind.POST,
        ("Notis", WORDS),
    ),
    Trial(
        "pydiscourse answers",
        lambda way: forum(way).create_post(WORDS, topic_id=7),
        "discourse",
        Kind.COMMENT,
        (WORDS,),
        "topic-7",
    ),
    Trial(
        "pydiscourse begins a topic",
        lambda way: forum(way).create_post(WORDS, title="Notis gotong-royong"),
        "discourse",
        Kind.POST,
        ("Notis gotong-royong", WORDS),
    ),
)


def an_answer() -> models.AppBskyFeedPost.ReplyRef:
    ref = models.ComAtprotoRepoStrongRef.Main(uri=f"at://{social_apis.DID}/app.bsky.feed.post/3lz7q", cid="bafyreib")
    return models.AppBskyFeedPost.ReplyRef(parent=ref, root=ref)


def done(way: Way, trial: Trial) -> list[Activity]:
    """What arrived of it on the platform, as recognition sees it, but for signing in."""
    arrived = len(way.acts())
    trial.do(way)
    return [act for acts in way.acts()[arrived:] for act in acts if act.kind is not Kind.LOGIN]


@pytest.mark.parametrize("trial", TRIALS, ids=[trial.name for trial in TRIALS])
def test_what_a_library_sends_is_recognised_with_the_exact_words_and_arrives(at_night: Way, trial: Trial) -> None:
    before = {one["number"] for one in at_night.office.decisions()}
    (activity,) = done(at_night, trial)
    assert (activity.platform, activity.kind) == (trial.platform, trial.kind)
    assert sorted(text.value for text in activity.texts) == sorted(trial.texts)
    assert trial.target is None or activity.target == trial.target
    assert (activity.unclaimed, activity.gaps) == (False, ())
    decisions = [one for one in at_night.office.decisions(signature=activity.signature) if one["number"] not in before]
    assert [(one["platform"], one["done"]) for one in decisions] == [(trial.platform, "forwarded")]


ERRORS = {
    "mastodon": MastodonError,
    "bluesky": AtProtocolError,
    "reddit": (praw.exceptions.PRAWException, prawcore.PrawcoreException),
    "slack": SlackApiError,
    "telegram": ApiTelegramException,
    "discord": discord.HTTPException,
    "tumblr": PermissionError,
    "discourse": DiscourseClientError,
}
REFUSED = {
    **{trial.platform: trial for trial in reversed(TRIALS)},
    "tumblr": Trial("pytumblr posts", refused_by_tumblr, "tumblr", Kind.POST),
}


@pytest.mark.parametrize("platform", ERRORS)
def test_in_office_hours_a_library_tells_its_user_by_its_own_error(by_day: Way, platform: str) -> None:
    trial, arrived = REFUSED[platform], len(by_day.acts())
    with pytest.raises(ERRORS[platform]) as told:  # type: ignore[call-overload]  # one error, or one of two
        trial.do(by_day)
    assert "gerbang" in str(told.value).lower()
    acts = [act for acts in by_day.acts()[arrived:] for act in acts]
    assert {act.kind for act in acts} <= {Kind.LOGIN}
    last = by_day.office.decisions(done="answered")[-1]
    assert (last["platform"], last["activity"]) == (platform, trial.kind.value)
