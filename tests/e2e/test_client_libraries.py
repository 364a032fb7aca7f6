"""Client libraries of the official APIs, as they are on PyPI, through the gate: what they send is recognised with the
exact words, judged, written down, and their own errors say that it was refused."""

import xmlrpc.client
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import Any
from urllib.parse import quote

import httplib2
import pytest
import tweepy
from googleapiclient.discovery import build
from googleapiclient.errors import BatchError, HttpError
from googleapiclient.http import MediaInMemoryUpload
from wordpress_xmlrpc import Client as WordPress
from wordpress_xmlrpc import WordPressComment, WordPressPost
from wordpress_xmlrpc.methods import comments, posts

from e2e.office import WORD, Office
from gerbang.demo.standins.reception import Arrival
from gerbang.demo.standins.wordpress import BLOG
from gerbang.loading import load_platforms
from gerbang.model import Activity, Kind, Request
from gerbang.recognition.recognise import recognise
from gerbang.recognition.signature import Platforms
from gerbang.settings import load_settings

WORDS = "Kaunter dibuka esok ✅ & 'seperti biasa'"


@dataclass(frozen=True)
class Way:
    """How a library reaches the platforms: by the gate, as one officer, trusting the office's authority."""

    office: Office
    bundle: Path
    platforms: Platforms

    @property
    def proxy(self) -> str:
        host, port = self.office.proxy
        return f"http://devi:{quote(WORD)}@{host}:{port}"

    def acts(self) -> list[tuple[Activity, ...]]:
        """What arrived on the platforms but from browsers of other tests, as recognition sees it."""
        programs = (asked(arrival) for arrival in self.office.standins.writes())
        return [
            recognise(request, self.platforms).activities
            for request in programs
            if "Mozilla" not in (request.header("user-agent") or "")
        ]


def asked(arrival: Arrival) -> Request:
    return Request(arrival.method, arrival.host, arrival.target, arrival.headers, arrival.body)


def way_of(office: Office, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    bundle = folder / "bundle.pem"
    bundle.write_bytes(office.root.read_bytes() + office.standins.trusted_ca.read_bytes())
    way = Way(office, bundle, load_platforms(load_settings(office.folder / "gerbang.toml", {})))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, way.proxy)
    for name in ("REQUESTS_CA_BUNDLE", "HTTPLIB2_CA_CERTS"):
        monkeypatch.setenv(name, str(bundle))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return way


@pytest.fixture
def in_the_evening(evening: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    return way_of(evening, tmp_path, monkeypatch)


@pytest.fixture
def in_the_morning(morning: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    return way_of(morning, tmp_path, monkeypatch)


class ThroughTheGate(xmlrpc.client.SafeTransport):
    """The standard library's transport, by a proxy, which it has no setting for."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        self._way = way

    def make_connection(self, host: Any) -> HTTPSConnection:
        if self._connection[1] is None:
            sign_in = b64encode(f"devi:{WORD}".encode()).decode()
            there = HTTPSConnection(*self._way.office.proxy, context=create_default_context(cafile=self._way.bundle))
            there.set_tunnel(str(host), 443, {"Proxy-Authorization": f"Basic {sign_in}"})
            self._connection = host, there
        return self._connection[1]


def x_client(_: Way) -> tweepy.Client:
    return tweepy.Client(
        consumer_key="contoh", consumer_secret="contoh", access_token="2003-contoh", access_token_secret="contoh"
    )


def youtube(way: Way) -> Any:
    proxy = httplib2.ProxyInfo(3, *way.office.proxy, proxy_user="devi", proxy_pass=WORD)  # 3 is a proxy for HTTP
    return build("youtube", "v3", http=httplib2.Http(ca_certs=str(way.bundle), proxy_info=proxy), static_discovery=True)


def a_reply(text: str) -> dict[str, Any]:
    return {"snippet": {"parentId": "UgxContoh", "textOriginal": text}}


def a_film(text: str, *, resumable: bool) -> dict[str, Any]:
    body = {"snippet": {"title": "Taklimat", "description": text}, "status": {"privacyStatus": "public"}}
    film = MediaInMemoryUpload(b"\x00\x00 ftypisom", mimetype="video/mp4", resumable=resumable)
    return {"part": "snippet,status", "body": body, "media_body": film}


def blog(way: Way) -> WordPress:
    return WordPress(f"https://{BLOG}/xmlrpc.php", "devi", "rahsia:lama", transport=ThroughTheGate(way))


def an_entry(text: str) -> WordPressPost:
    entry = WordPressPost()
    entry.title, entry.content, entry.post_status = "Notis", f"<p>{text}</p>", "publish"
    return entry


def a_remark(text: str) -> WordPressComment:
    remark = WordPressComment()
    remark.content = text
    return remark


@dataclass(frozen=True)
class Trial:
    """Something done by a library's own method, and what it must be taken for. `texts` are the exact words."""

    name: str
    do: Callable[[Way], object]
    kind: Kind
    texts: tuple[str, ...] = ()
    account: str | None = None
    target: str | None = None


TRIALS = (
    Trial("tweepy posts", lambda way: x_client(way).create_tweet(text=WORDS), Kind.POST, (WORDS,), "2003"),
    Trial(
        "tweepy replies",
        lambda way: x_client(way).create_tweet(text=WORDS, in_reply_to_tweet_id=77),
        Kind.COMMENT,
        (WORDS,),
        "2003",
        "77",
    ),
    Trial(
        "tweepy asks in a poll",
        lambda way: x_client(way).create_tweet(text=WORDS, poll_options=["Pagi", "Petang"], poll_duration_minutes=60),
        Kind.POST,
        (WORDS, "Pagi", "Petang"),
        "2003",
    ),
    Trial("tweepy likes", lambda way: x_client(way).like(77), Kind.REACT, (), "2003", "77"),
    Trial("tweepy deletes", lambda way: x_client(way).delete_tweet(77), Kind.DELETE, (), "2003", "77"),
    Trial(
        "tweepy writes a message",
        lambda way: x_client(way).create_direct_message(participant_id=12, text=WORDS),
        Kind.MESSAGE,
        (WORDS,),
        "2003",
        "12",
    ),
    Trial(
        "python-wordpress-xmlrpc posts",
        lambda way: blog(way).call(posts.NewPost(an_entry(WORDS))),
        Kind.POST,
        ("Notis", WORDS),
        "devi",
    ),
    Trial(
        "python-wordpress-xmlrpc edits",
        lambda way: blog(way).call(posts.EditPost(731, an_entry(WORDS))),
        Kind.EDIT,
        ("Notis", WORDS),
        "devi",
        "731",
    ),
    Trial(
        "python-wordpress-xmlrpc comments",
        lambda way: blog(way).call(comments.NewComment(731, a_remark(WORDS))),
        Kind.COMMENT,
        (WORDS,),
        "devi",
        "731",
    ),
    Trial(
        "google-api-python-client comments",
        lambda way: (
            youtube(way)
            .commentThreads()
            .insert(
                part="snippet",
                body={"snippet": {"videoId": "mY7k", "topLevelComment": {"snippet": {"textOriginal": WORDS}}}},
            )
            .execute()
        ),
        Kind.COMMENT,
        (WORDS,),
        target="mY7k",
    ),
    Trial(
        "google-api-python-client replies",
        lambda way: youtube(way).comments().insert(part="snippet", body=a_reply(WORDS)).execute(),
        Kind.COMMENT,
        (WORDS,),
        target="UgxContoh",
    ),
    Trial(
        "google-api-python-client edits",
        lambda way: youtube(way).comments().update(part="snippet", body={"id": "UgxB", **a_reply(WORDS)}).execute(),
        Kind.EDIT,
        (WORDS,),
        target="UgxB",
    ),
    Trial(
        "google-api-python-client deletes",
        lambda way: youtube(way).comments().delete(id="UgxB").execute(),
        Kind.DELETE,
        target="UgxB",
    ),
    Trial(
        "google-api-python-client likes",
        lambda way: youtube(way).videos().rate(id="mY7k", rating="like").execute(),
        Kind.REACT,
        target="mY7k",
    ),
    Trial(
        "google-api-python-client uploads in one request",
        lambda way: youtube(way).videos().insert(**a_film(WORDS, resumable=False)).execute(),
        Kind.UPLOAD,
        ("Taklimat", WORDS),
    ),
    Trial(
        "python-wordpress-xmlrpc deletes", lambda way: blog(way).call(posts.DeletePost(731)), Kind.DELETE, (), "devi"
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=[trial.name for trial in TRIALS])
def test_what_a_library_sends_is_recognised_with_the_exact_words_and_arrives(in_the_evening: Way, trial: Trial) -> None:
    arrived, before = len(in_the_evening.acts()), in_the_evening.office.decisions()
    trial.do(in_the_evening)
    (activity,) = [act for acts in in_the_evening.acts()[arrived:] for act in acts]
    assert (activity.kind, tuple(text.value for text in activity.texts)) == (trial.kind, trial.texts)
    assert activity.account.id == trial.account or activity.account.handle == trial.account
    assert trial.target is None or activity.target == trial.target
    assert not activity.unclaimed
    assert not activity.gaps
    numbers = {one["number"] for one in before}
    decisions = [
        one for one in in_the_evening.office.decisions(signature=activity.signature) if one["number"] not in numbers
    ]
    assert [(one["activity"], one["done"]) for one in decisions] == [(trial.kind.value, "forwarded")]


def test_a_film_is_announced_and_then_sent(in_the_evening: Way) -> None:
    before = len(in_the_evening.acts())
    answer = youtube(in_the_evening).videos().insert(**a_film(WORDS, resumable=True)).execute()
    announced, sent = [act for acts in in_the_evening.acts()[before:] for act in acts]
    assert (announced.kind, [text.value for text in announced.texts]) == (Kind.UPLOAD, ["Taklimat", WORDS])
    assert (sent.kind, sent.media[0].size) == (Kind.UPLOAD, 11)
    assert sent.media[0].id
    assert answer["id"]


def test_requests_in_one_are_judged_one_by_one(in_the_evening: Way) -> None:
    before = len(in_the_evening.acts())
    client = youtube(in_the_evening)
    batch = client.new_batch_http_request()
    batch.add(client.comments().insert(part="snippet", body=a_reply(WORDS)))
    batch.add(client.comments().delete(id="UgxB"))
    with suppress(BatchError):
        batch.execute()  # the stand-in answers nothing that this client would take
    (acts,) = in_the_evening.acts()[before:]
    assert [(act.kind, [text.value for text in act.texts]) for act in acts] == [
        (Kind.COMMENT, [WORDS]),
        (Kind.DELETE, []),
    ]


REFUSED = (
    Trial(
        "google-api-python-client",
        lambda way: youtube(way).comments().insert(part="snippet", body=a_reply(WORDS)).execute(),
        Kind.COMMENT,
    ),
    Trial("tweepy", lambda way: x_client(way).create_tweet(text=WORDS), Kind.POST),
    Trial("python-wordpress-xmlrpc", lambda way: blog(way).call(posts.NewPost(an_entry(WORDS))), Kind.POST),
)


@pytest.mark.parametrize("trial", REFUSED, ids=[trial.name for trial in REFUSED])
def test_in_office_hours_a_library_tells_its_user_by_its_own_error(in_the_morning: Way, trial: Trial) -> None:
    arrived = len(in_the_morning.acts())
    with pytest.raises((tweepy.Forbidden, HttpError, xmlrpc.client.ProtocolError, xmlrpc.client.Fault)):
        trial.do(in_the_morning)
    assert not [act for acts in in_the_morning.acts()[arrived:] for act in acts]
    assert in_the_morning.office.decisions(done="answered")[-1]["activity"] == trial.kind.value
