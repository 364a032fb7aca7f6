"""The signature format carries what other platforms send: names in forms and headers, JSON in JSON, arrays, gzip."""

import gzip
import json
from urllib.parse import urlencode

import pytest

from gerbang.model import Kind, Request
from gerbang.recognition.recognise import recognise
from gerbang.recognition.signature import Platforms, compile_platforms, parse_platform

SOCIAL = """\
platform: sosial
title: Sosial
hosts: {app: ["*.sosial.my"]}
account: [{id: cookie.c_user}]
surfaces:
  graphql: {hosts: app, under: /api/graphql/, name: form.fb_api_req_friendly_name or header.x-fb-friendly-name}
  resource: {hosts: app, under: "/resource/{kind}/create/"}
  named: {hosts: app, under: /voyager/api/graphql, name: query.queryId}
  batch: {hosts: app, under: /graphql-batch}
signatures:
  - id: comment
    activity: comment
    surface: graphql
    name: useCometUFICreateCommentMutation
    account: {id: form.av}
    texts: variables.input.message.text
    target: {from: "variables.input.feedback_id | base64", match: '^feedback:(\\S+)'}
  - id: share
    activity: share
    surface: graphql
    name: ComposerStoryCreateMutation
    where:
      variables.input.attachments[].link.share_scrape_data.share_params: {present: true}
    account: {id: form.av}
    texts: variables.input.message.text
    target: variables.input.attachments[0].link.share_scrape_data.share_params[0]
  - id: post
    activity: post
    surface: graphql
    name: ComposerStoryCreateMutation
    account: {id: form.av}
    texts: variables.input.message.text
    audience: variables.input.audience.privacy.base_state
  - id: pin
    activity: post
    surface: resource
    where: {path.kind: [PinResource, StoryPinResource]}
    texts: [form.data.options.description, form.data.options.title]
  - id: share-update
    activity: post
    surface: named
    name: "voyagerContentcreationDashShares.*"
    texts: json.variables.post.commentary.text
  - id: chat
    activity: message
    surface: batch
    texts: "json[].variables.richMessage.textSegments[].text"
housekeeping:
  - {surface: graphql, name: "*Query", reason: read}
"""


@pytest.fixture(scope="module")
def platforms() -> Platforms:
    return compile_platforms([parse_platform(SOCIAL, "sosial.yaml")])


def sent(target: str, body: bytes, *headers: tuple[str, str]) -> Request:
    return Request("POST", "www.sosial.my", target, (("cookie", "c_user=1"), *headers), body)


def graphql(name: str | None, variables: object, *headers: tuple[str, str]) -> Request:
    fields = {"av": "61550", "variables": json.dumps(variables)}
    if name:
        fields["fb_api_req_friendly_name"] = name
    kind = ("content-type", "application/x-www-form-urlencoded")
    return sent("/api/graphql/", urlencode(fields).encode(), kind, *headers)


def told(request: Request, platforms: Platforms) -> tuple[str, Kind, list[str], str | None, str | None, str | None]:
    (found,) = recognise(request, platforms).activities
    return (
        found.signature,
        found.kind,
        [text.value for text in found.texts],
        found.account.id,
        found.audience,
        found.target,
    )


MESSAGE = {"message": {"text": "Selamat pagi"}}
SCRAPED = json.dumps({"share_type": 22, "share_params": [99]})


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            graphql(
                "ComposerStoryCreateMutation",
                {"input": {**MESSAGE, "audience": {"privacy": {"base_state": "EVERYONE"}}}},
            ),
            ("post", Kind.POST, ["Selamat pagi"], "61550", "EVERYONE", None),
        ),
        (
            graphql(
                "ComposerStoryCreateMutation",
                {"input": {**MESSAGE, "attachments": [{"link": {"share_scrape_data": SCRAPED}}]}},
            ),
            ("share", Kind.SHARE, ["Selamat pagi"], "61550", None, "99"),
        ),
        (
            graphql("useCometUFICreateCommentMutation", {"input": {**MESSAGE, "feedback_id": "ZmVlZGJhY2s6OTk="}}),
            ("comment", Kind.COMMENT, ["Selamat pagi"], "61550", None, "99"),
        ),
        (
            graphql(None, {"input": MESSAGE}, ("X-FB-Friendly-Name", "ComposerStoryCreateMutation")),
            ("post", Kind.POST, ["Selamat pagi"], "61550", None, None),
        ),
        (
            sent(
                "/resource/PinResource/create/",
                urlencode({"data": json.dumps({"options": {"title": "Resipi", "description": "Kuih"}})}).encode(),
            ),
            ("pin", Kind.POST, ["Kuih", "Resipi"], "1", None, None),
        ),
        (
            sent(
                "/voyager/api/graphql?queryId=voyagerContentcreationDashShares.0a1b",
                gzip.compress(b'{"variables": {"post": {"commentary": {"text": "Selamat"}}}}'),
                ("content-encoding", "gzip"),
            ),
            ("share-update", Kind.POST, ["Selamat"], "1", None, None),
        ),
        (
            sent(
                "/graphql-batch",
                b'[{"variables": {"richMessage": {"textSegments": '
                b'[{"text": "Selamat"}, {"emojiId": "x"}, {"text": "pagi"}]}}}]',
            ),
            ("chat", Kind.MESSAGE, ["Selamat", "pagi"], "1", None, None),
        ),
    ],
)
def test_shapes_of_other_platforms(request_: Request, expected: object, platforms: Platforms) -> None:
    assert told(request_, platforms) == expected


def test_a_name_in_a_header_and_another_in_the_form_are_both_heeded(platforms: Platforms) -> None:
    both = graphql("CometFeedQuery", {"input": MESSAGE}, ("x-fb-friendly-name", "ComposerStoryCreateMutation"))
    assert told(both, platforms)[0] == "post"
    assert recognise(graphql("CometFeedQuery", {"input": MESSAGE}), platforms).reason == "read"
