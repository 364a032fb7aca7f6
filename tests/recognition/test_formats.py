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
hosts: {app: ["*.sosial.my"], api: [graph.sosial.my]}
account: [{id: form.av}, {id: cookie.c_user}]
refusal:
  - {hosts: api, body: '{"error": {"message": "{message}"}}'}
  - {under: /ajax, status: 200, body: 'for (;;);{"error": 1}'}
  - {body: '{"errors": [{"message": "{message}"}]}'}
surfaces:
  graphql:
    hosts: app
    under: /api/graphql/
    name: form.fb_api_req_friendly_name or header.x-fb-friendly-name or form.doc | operation
  old: {hosts: app, under: /api/graphqlbatch}
  resource: {hosts: app, under: "/resource/{kind}/create/"}
  named: {hosts: app, under: /voyager/api/graphql, name: query.queryId}
  batch: {hosts: app, under: /graphql-batch}
  graph: {hosts: api, under: ["", "/v{version}"]}
batches:
  - surface: graph
    path: "/{rest...}"
    where: {field.batch: {present: true}}
    each: "field.batch[]"
    element_path: json.relative_url
  - surface: old
    each: "form.queries.*"
    element_path: null
    element_body: json
    element_variables: json.query_params
    prefix: /api/graphql
signatures:
  - id: comment
    activity: comment
    surface: graphql
    name: useCometUFICreateCommentMutation
    texts: variables.input.message.text
    target: {from: "variables.input.feedback_id | base64", match: '^feedback:(\\S+)'}
  - id: share
    activity: share
    surface: graphql
    name: ComposerStoryCreateMutation
    where:
      variables.input.attachments[].link.share_scrape_data.share_params: {present: true}
    texts: variables.input.message.text
    target: variables.input.attachments[0].link.share_scrape_data.share_params[0]
  - id: post
    activity: post
    surface: graphql
    name: ComposerStoryCreateMutation
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
  - {id: feed, activity: post, surface: graph, path: "/{page}/feed", texts: field.message}
  - {id: sign-in, activity: login, surface: graph, path: /login}
  - id: shaped
    activity: comment
    surface: graphql
    where: {variables.input.feedback_id: {present: true}, variables.input.message.text: {present: true}}
    texts: variables.input.message.text
housekeeping:
  - {surface: graphql, name: ["*Query", Seen], where: {form.doc: {excludes: mutation}}, reason: read}
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


def test_what_excuses_a_request_must_be_true_of_all_its_names(platforms: Platforms) -> None:
    """A name that only reads does not excuse another that nobody knows; two that only read do."""
    words = {"note": "Jadual baharu bas bermula Isnin ini"}
    misleading = recognise(graphql("UnknownMutation", words, ("x-fb-friendly-name", "CometFeedQuery")), platforms)
    assert misleading.activities[0].unclaimed
    assert recognise(graphql("Seen", words, ("x-fb-friendly-name", "CometFeedQuery")), platforms).reason == "read"
    assert recognise(graphql(None, words), platforms).activities[0].unclaimed


def test_an_operation_is_also_named_by_its_graphql_text(platforms: Platforms) -> None:
    variables = {"variables": json.dumps({"input": MESSAGE})}

    def by_text(doc: str) -> Request:
        return sent("/api/graphql/", urlencode({"doc": doc, **variables}).encode())

    assert told(by_text("mutation ComposerStoryCreateMutation($input: In!) { a }"), platforms)[0] == "post"
    assert recognise(by_text("query FeedQuery { a }"), platforms).reason == "read"
    assert recognise(by_text("mutation SomethingQuery { a }"), platforms).reason == "unclaimed"


def test_without_a_name_the_shape_of_the_variables_tells(platforms: Platforms) -> None:
    shaped = graphql(None, {"input": {**MESSAGE, "feedback_id": "x"}})
    assert told(shaped, platforms)[:3] == ("shaped", Kind.COMMENT, ["Selamat pagi"])
    in_query = f"/api/graphql/?variables={json.dumps({'input': {**MESSAGE, 'feedback_id': 'x'}})}"
    assert told(sent(in_query, b""), platforms)[0] == "shaped"


def test_a_batch_holds_forms_paths_without_a_slash_and_variables_of_another_name(platforms: Platforms) -> None:
    calls = [
        {"method": "POST", "relative_url": "v20.0/77/feed", "body": "message=Selamat+pagi"},
        {"method": "POST", "relative_url": "78/feed?message=petang"},
        {"method": "GET", "relative_url": "me?fields=id"},
    ]
    batch = Request("POST", "graph.sosial.my", "/", (), urlencode({"batch": json.dumps(calls)}).encode())
    found = recognise(batch, platforms).activities
    assert [(one.signature, [text.value for text in one.texts]) for one in found] == [
        ("feed", ["Selamat pagi"]),
        ("feed", ["petang"]),
    ]
    queries = {"o0": {"doc_id": "1", "query_params": {"input": {**MESSAGE, "feedback_id": "x"}}}}
    old = sent("/api/graphqlbatch/", urlencode({"queries": json.dumps(queries), "av": "7"}).encode())
    assert told(old, platforms)[:3] == ("shaped", Kind.COMMENT, ["Selamat pagi"])


def test_a_body_names_the_account_of_what_it_writes_and_of_no_login(platforms: Platforms) -> None:
    assert told(graphql(None, {"input": {**MESSAGE, "feedback_id": "x"}}), platforms)[3] == "61550"
    login = Request("POST", "graph.sosial.my", "/login", (("cookie", "c_user=1"),), b"av=61550&pass=x")
    (found,) = recognise(login, platforms).activities
    assert (found.kind, found.account.id) == (Kind.LOGIN, "1")


@pytest.mark.parametrize(
    ("host", "path", "start", "status"),
    [
        ("graph.sosial.my", "/v20.0/me/feed", '{"error"', 403),
        ("www.sosial.my", "/ajax/ufi/", "for (;;);", 200),
        ("www.sosial.my", "/api/graphql/", '{"errors"', 403),
        ("www.sosial.my", "/ajaxy", '{"errors"', 403),
    ],
)
def test_the_refusal_is_that_of_the_host_and_path(
    host: str, path: str, start: str, status: int, platforms: Platforms
) -> None:
    refusal = platforms.refusal(host, path)
    assert refusal is not None
    assert (refusal.body.startswith(start), refusal.status) == (True, status)
    assert platforms.refusal("www.contoh.my", path) is None


AGREEING = """\
platform: sosial
title: Sosial
hosts: {app: [sosial.my]}
account:
  - {id: form.av or json.actor, agree: true}
  - {id: cookie.user}
surfaces: {api: {hosts: app}}
signatures:
  - {id: post, activity: post, surface: api, path: /post, texts: field.text, anywhere: true}
"""


@pytest.mark.parametrize(
    ("target", "body", "account"),
    [
        ("/post", b"av=1&text=a", "1"),
        ("/post", b"av=1&av=1&text=a", "1"),
        ("/post", b"av=1&av=2&text=a", None),
        ("/post", b"text=a", "9"),
        ("/post", None, None),
    ],
)
def test_where_the_places_that_name_an_account_differ_or_are_not_known_nobody_is_named(
    target: str, body: bytes | None, account: str | None
) -> None:
    """Else a page's name beside a person's own would make the person's post an official one."""
    of = compile_platforms([parse_platform(AGREEING, "sosial.yaml")])
    (found,) = recognise(Request("POST", "sosial.my", target, (("cookie", "user=9"),), body), of).activities
    assert found.account.id == account


def test_words_may_be_taken_from_wherever_they_stand() -> None:
    of = compile_platforms([parse_platform(AGREEING, "sosial.yaml")])
    body = (
        b'{"text": "Jadual baharu bermula Isnin", "more": {"note": "Sila rujuk kaunter untuk maklumat"}, "id": "k-9"}'
    )
    (found,) = recognise(Request("POST", "sosial.my", "/post", (), body), of).activities
    assert [text.value for text in found.texts] == ["Jadual baharu bermula Isnin", "Sila rujuk kaunter untuk maklumat"]
    unread = recognise(Request("POST", "sosial.my", "/post", (), None), of)
    assert unread.awaits_body
