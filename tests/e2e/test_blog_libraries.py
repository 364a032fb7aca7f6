"""Google's client library on Blogger, and WordPress's on WordPress.com, as they are on PyPI, through the gate."""

from typing import Any

import httplib2
import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from wordpress_xmlrpc import Client as WordPress
from wordpress_xmlrpc.methods import posts

from e2e.office import WORD
from e2e.test_client_libraries import WORDS, ThroughTheGate, Trial, Way, an_entry, in_the_evening, in_the_morning
from gerbang.demo.standins.wordpress_com import HOSTED
from gerbang.model import Kind

__all__ = ["in_the_evening", "in_the_morning"]

BLOG, POST = "4821093377120456610", "7310442188120934451"
ENTRY = {"title": "Notis", "content": f"<p>{WORDS}</p>"}


def http(way: Way) -> httplib2.Http:
    proxy = httplib2.ProxyInfo(3, *way.office.proxy, proxy_user="devi", proxy_pass=WORD)  # 3 is a proxy for HTTP
    return httplib2.Http(ca_certs=str(way.bundle), proxy_info=proxy)


def blogger(way: Way) -> Any:
    return build("blogger", "v3", http=http(way), static_discovery=True)


def in_a_batch(way: Way) -> None:
    service = blogger(way)
    together = service.new_batch_http_request()
    together.add(service.posts().insert(blogId=BLOG, body=ENTRY))
    together.add(service.posts().get(blogId=BLOG, postId=POST))
    together.execute(http=http(way))


def hosted(way: Way) -> WordPress:
    return WordPress(f"https://{HOSTED}/xmlrpc.php", "devi", "rahsia:lama", transport=ThroughTheGate(way))


TRIALS = (
    Trial(
        "google-api-python-client posts",
        lambda way: blogger(way).posts().insert(blogId=BLOG, body=ENTRY).execute(),
        Kind.POST,
        ("Notis", WORDS),
        target=BLOG,
    ),
    Trial(
        "google-api-python-client edits",
        lambda way: blogger(way).posts().patch(blogId=BLOG, postId=POST, body={"content": WORDS}).execute(),
        Kind.EDIT,
        (WORDS,),
        target=POST,
    ),
    Trial(
        "google-api-python-client writes a page anew",
        lambda way: blogger(way).pages().update(blogId=BLOG, pageId=POST, body=ENTRY).execute(),
        Kind.EDIT,
        ("Notis", WORDS),
        target=POST,
    ),
    Trial(
        "google-api-python-client deletes",
        lambda way: blogger(way).posts().delete(blogId=BLOG, postId=POST).execute(),
        Kind.DELETE,
        target=POST,
    ),
    Trial("google-api-python-client posts in a batch", in_a_batch, Kind.POST, ("Notis", WORDS), target=BLOG),
    Trial(
        "python-wordpress-xmlrpc posts",
        lambda way: hosted(way).call(posts.NewPost(an_entry(WORDS))),
        Kind.POST,
        ("Notis", WORDS),
        account="devi",
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=[trial.name for trial in TRIALS])
def test_what_a_library_sends_to_a_blog_is_recognised_with_the_exact_words(in_the_evening: Way, trial: Trial) -> None:
    arrived, written = len(in_the_evening.acts()), len(in_the_evening.office.decisions())
    trial.do(in_the_evening)
    (activity,) = [act for acts in in_the_evening.acts()[arrived:] for act in acts]
    (decision,) = in_the_evening.office.decisions()[written:]
    assert (activity.kind, tuple(text.value for text in activity.texts)) == (trial.kind, trial.texts)
    assert (activity.account.handle, activity.gaps, activity.unclaimed) == (trial.account, (), False)
    assert trial.target in (None, activity.target)
    assert (decision["signature"], decision["done"]) == (activity.signature, "forwarded")


def test_drafts_are_no_act_and_publishing_one_says_what_it_lacks(in_the_evening: Way) -> None:
    written = len(in_the_evening.office.decisions())
    blogger(in_the_evening).posts().insert(blogId=BLOG, body=ENTRY, isDraft=True).execute()
    blogger(in_the_evening).posts().revert(blogId=BLOG, postId=POST).execute()
    assert len(in_the_evening.office.decisions()) == written
    blogger(in_the_evening).posts().publish(blogId=BLOG, postId=POST).execute()
    (decision,) = in_the_evening.office.decisions()[written:]
    assert (decision["signature"], [gap["reason"] for gap in decision["gaps"]]) == ("api-publish", ["sent-earlier"])


def test_in_office_hours_googles_library_tells_its_user_by_its_own_error(in_the_morning: Way) -> None:
    arrived = len(in_the_morning.acts())
    with pytest.raises(HttpError) as refused:
        blogger(in_the_morning).posts().insert(blogId=BLOG, body=ENTRY).execute()
    number = in_the_morning.office.decisions(done="answered")[-1]["number"]
    assert refused.value.status_code == 403
    assert number in refused.value.reason
    assert not [act for acts in in_the_morning.acts()[arrived:] for act in acts]
