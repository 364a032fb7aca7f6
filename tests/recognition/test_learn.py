"""What is learnt of a recording: where the words stand in every encoding, a document that its cases hold, no secret."""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from gerbang.bundled import bundled
from gerbang.cli.platforms.recordings import recorded
from gerbang.errors import DocumentError
from gerbang.model import SOCKET, Kind, Request
from gerbang.recognition.cases import parse_cases, run_cases
from gerbang.recognition.document import parse_platform
from gerbang.recognition.drafting import Known, Wish
from gerbang.recognition.learn import SHORTEST, Lesson, learn
from gerbang.recognition.places import squeezed
from gerbang.recognition.pruning import rewritten
from gerbang.recognition.recognise import recognise
from gerbang.recognition.series import Answer
from gerbang.recognition.signature import compile_platforms
from gerbang.recognition.sockets import message_on
from gerbang.wire.protobuf import find
from policies.test_platforms import blinded, noticed, weakened
from wire.test_protobuf import a_field, a_message

MARKER = "Kuih lapis & teh tarik di pantri"
HOST = "warung.example"
PAGE = (("Origin", f"https://{HOST}"), ("Cookie", "theme=dark; member=aminah; sid=zzrahsia1"))
SECRETS = ("zzrahsia", "aminah@contoh.my", "Bearer", "8841")

type Exchange = tuple[Request | None, Answer | None]


def sent(
    path: str,
    body: bytes | str = b"",
    kind: str = "application/json",
    *,
    method: str = "POST",
    host: str = HOST,
    headers: Sequence[tuple[str, str]] = PAGE,
    answer: object = None,
    status: int = 200,
) -> Exchange:
    data = body.encode() if isinstance(body, str) else body
    named = (*headers, ("Content-Type", kind)) if data else tuple(headers)
    given = None
    if answer is not None or status != 200:
        given = Answer(status, (("content-type", "application/json"),), json.dumps(answer).encode())
    return Request(method, host, path, named, data), given


def posted(value: Any, path: str = "/api/threads/8841/replies", **more: Any) -> Exchange:
    return sent(path, json.dumps(value, ensure_ascii=False), **more)


def learnt(*recording: Exchange, marker: str = MARKER, known: Sequence[Known] = (), **wish: Any) -> Lesson:
    return learn(recording, Wish(marker, "2026-11-24", **wish), known)


def holds(lesson: Lesson, *others: Known) -> None:
    """The cases hold, each discriminator and selector is needed, and nothing of the recording's stands in them."""
    document = parse_platform(lesson.document, "a.yaml")
    cases = parse_cases(lesson.cases, "a.cases.yaml")
    assert run_cases(cases, document, [one.document for one in others]) == ()
    changes = [*weakened(document), *blinded(document)]
    assert [name for name, changed in changes if not noticed(cases, name, changed)] == []
    hit = {one.signature for trial in cases.trials for one in trial.expected or () if one.signature}
    missed = [trial for trial in cases.trials if not trial.expected or any(one.unclaimed for one in trial.expected)]
    assert len(missed) > len(hit)
    assert not [secret for secret in SECRETS if secret in lesson.document + lesson.cases]


def texts_of(lesson: Lesson, exchange: Exchange) -> list[str]:
    """What the document that was learnt reads in a request."""
    document = parse_platform(lesson.document, "a.yaml")
    assert exchange[0] is not None
    (act,) = recognise(exchange[0], compile_platforms([document])).activities
    assert not act.unclaimed
    return [text.value for text in act.texts]


def escaped(text: str) -> str:
    return text.replace("&", "&amp;")


def parts(*fields: tuple[str, str]) -> bytes:
    made = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields)
    return f"{made}--b--\r\n".encode()


def proto(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | 2, len(data))) + data


XML = (
    "<methodCall><methodName>forum.balas</methodName><params><param><value><string>zzrahsia</string></value></param>"
    "<param><value><struct><member><name>tajuk</name><value><string>Salam</string></value></member><member>"
    f"<name>isi</name><value><string>{escaped(MARKER)}</string></value></member></struct></value></param></params>"
    "</methodCall>"
)
PROTO = proto(1, b"zz") + proto(3, proto(2, b"\0\1") + proto(1, MARKER.encode()))
NESTED = json.dumps({"input": {"message": {"text": MARKER}, "token": "zzrahsia"}}, ensure_ascii=False)
FORM = "application/x-www-form-urlencoded"
RICH = {
    "type": "doc",
    "content": [
        {
            "type": "paragraph",
            "content": [
                {"type": "text", "text": "Kuih lapis & "},
                {"type": "text", "marks": [{"type": "bold"}], "text": "teh tarik"},
                {"type": "text", "text": " di pantri"},
            ],
        }
    ],
}
OPS = [{"insert": "Kuih lapis & "}, {"insert": "teh tarik", "attributes": {"bold": True}}, {"insert": " di pantri"}]


@pytest.mark.parametrize(
    ("exchange", "selector"),
    [
        (posted({"op": "reply", "body": MARKER, "csrf_token": "zzrahsia"}), "json.body"),
        (posted({"op": "reply", "body": f"<p>{escaped(MARKER)}</p>"}), "json.body | html"),
        (posted({"op": "reply", "data": {"items": [{"t": "a"}, {"said": MARKER}]}}), "json.data.items[].said"),
        (posted({"op": "reply", "payload": NESTED}), "json.payload.input.message.text"),
        (posted({"op": "reply", "b": base64.b64encode(MARKER.encode()).decode()}), "json.b | base64"),
        (posted({"op": "reply", "b": quote(MARKER)}), "json.b | percent"),
        (posted({"op": "reply", "b": f"data:text/plain;charset=utf-8,{quote(MARKER)}"}), "json.b | data"),
        (posted({"op": "reply", "doc": RICH}), "json.doc.content[].content[].text | join"),
        (posted({"op": "reply", "ops": OPS}), "json.ops[].insert | join"),
        (posted({"op": "reply", "b": base64.b64encode(proto(5, proto(2, MARKER.encode()))).decode()}),
         "json.b | protobuf 5.2"),
        (sent("/balas.php", urlencode({"act": "reply", "isi": MARKER, "sesskey": "zzrahsia"}), FORM), "form.isi"),
        (sent("/balas.php", urlencode({"act": "reply", "post[isi][]": MARKER}), FORM), "form.post.isi[]"),
        (sent("/balas", urlencode({"op": "reply", "payload": NESTED}), FORM), "form.payload.input.message.text"),
        (sent("/balas", urlencode({"variables": NESTED, "fb_api_req_friendly_name": "ReplyMutation"}), FORM),
         "variables.input.message.text"),
        (sent(f"/balas?{urlencode({'op': 'reply', 'isi': MARKER})}", b"", method="POST"), "query.isi"),
        (sent("/balas", parts(("op", "reply"), ("isi", MARKER), ("token", "zzrahsia")),
              "multipart/form-data; boundary=b"), "form.isi"),
        (sent("/rpc", XML, "text/xml"), "xmlrpc.params[].isi"),
        (sent("/say", MARKER, "text/plain"), "anywhere: true"),
        (sent("/say", PROTO, "application/x-protobuf"), "protobuf.3.1"),
        (sent("/api/say", gzip.compress(json.dumps({"op": "reply", "body": MARKER}).encode()),
              headers=(*PAGE, ("Content-Encoding", "gzip"))), "json.body"),
        (posted({"operationName": "Balas", "query": "mutation Balas($t: String!) { a(t: $t) { id } }",
                 "variables": {"t": MARKER}}, "/graphql"), "variables.t"),
        (posted([{"operationName": "Balas", "variables": {"t": MARKER}}], "/graphql"), "json[].variables.t"),
        (posted({"op": "reply", "a.b": {"c d": MARKER}}), 'json["a.b"]["c d"]'),
    ],
)  # fmt: skip
def test_the_words_are_found_where_they_stand(exchange: Exchange, selector: str) -> None:
    lesson = learnt(exchange)
    assert json.dumps(selector)[1:-1] in lesson.document
    assert texts_of(lesson, exchange)[0] == MARKER
    holds(lesson)


def test_the_publish_is_taken_the_draft_is_housekeeping_and_telemetry_is_named() -> None:
    draft = {"op": "reply", "draft": True, "body": MARKER}
    lesson = learnt(
        posted(draft, answer={"ok": 1}),
        posted({**draft, "draft": False}, answer={"reply": {"id": "55019", "url": "https://warung.example/r/55019"}}),
        posted({"said": MARKER}, "/api/stats/collect"),
    )
    assert lesson.notes[0] == f"the marker was posted by request 1 (POST {HOST}/api/threads/8841/replies)"
    assert any("request 2" in note and "telemetry" in note for note in lesson.notes)
    assert any(note.startswith("drafts of it, which are no act: request 0") for note in lesson.notes)
    assert "outcome: {id: json.reply.id, url: json.reply.url}" in lesson.document
    assert "reason: draft" in lesson.document
    assert "55019" not in lesson.cases
    holds(lesson)


def test_what_an_editor_saved_half_written_is_a_draft_too() -> None:
    half = posted({"op": "reply", "draft": True, "body": MARKER[:12]})
    whole = posted({"op": "reply", "draft": True, "body": MARKER})
    sends = posted({"op": "reply", "draft": False, "body": MARKER})
    lesson = learnt(half, whole, sends)
    assert not [note for note in lesson.notes if "request 0" in note]
    holds(lesson)
    lesson = learnt(half, sends)
    assert [note.partition(":")[0] for note in lesson.notes if "request 0" in note] == [
        "by their looks drafts, to be written as housekeeping"
    ]
    holds(lesson)


def test_what_cannot_be_told_apart_is_said_once() -> None:
    other = posted({"op": "reply", "body": "Lain sama sekali"})
    whole = posted({"op": "reply", "state": "draft", "body": MARKER})
    lesson = learnt(other, whole, posted({"op": "reply", "state": "published", "body": MARKER}))
    assert len([note for note in lesson.notes if note.startswith("nothing tells it from request 0")]) == 1


def test_a_publish_that_does_not_carry_the_words_uses_the_draft_that_does() -> None:
    lesson = learnt(
        posted({"title": "Berita pantri hari ini", "body": MARKER}, "/api/drafts", answer={"draft": {"id": "77120"}}),
        posted({"notify": True}, "/api/drafts/77120/publish", answer={"post": {"id": "90210"}}),
    )
    assert "saved by request 0" in lesson.notes[0]
    assert "uses: path.draft" in lesson.document
    assert "gap: sent-earlier" in lesson.document
    assert "keeps: {texts: [json.body, json.title], gives: json.draft.id}" in lesson.document
    document, cases = parse_platform(lesson.document, "a"), parse_cases(lesson.cases, "a")
    assert run_cases(cases, document) == ()
    (published, *_) = cases.trials
    assert published.expected is not None
    assert MARKER in published.expected[0].texts
    assert "77120" not in lesson.cases
    holds(lesson)


def test_a_message_on_a_socket_is_learnt() -> None:
    opening = Request("GET", HOST, "/ws/rooms", PAGE, b"", "https", 443)
    said = message_on(opening, json.dumps({"type": "say", "room": "8841", "payload": {"text": MARKER}}).encode(), None)
    lesson = learnt((opening, None), (said, None))
    assert said.method == SOCKET
    assert "method: SOCKET" in lesson.document
    assert "activity: message" in lesson.document
    assert "target: json.room" in lesson.document
    holds(lesson)


def test_files_are_kept_as_files_of_no_content() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="isi"\r\n\r\n' + MARKER.encode() + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="gambar"; filename="keluarga.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNGzzrahsia\r\n--b--\r\n"
    )
    lesson = learnt(sent("/post/new", body, "multipart/form-data; boundary=b"))
    assert "keluarga" not in lesson.cases
    assert "media: [{name: fail.png, type: image/png}]" in lesson.cases
    holds(lesson)


def test_words_within_a_graphql_operation_are_taken_with_all_others() -> None:
    query = 'mutation Balas { add(text: "' + MARKER + '") { id } }'
    lesson = learnt(posted({"operationName": "Balas", "query": query}, "/graphql"))
    assert "anywhere: true" in lesson.document
    holds(lesson)


def test_what_differs_between_requests_is_an_id_whatever_it_looks_like() -> None:
    lesson = learnt(
        posted({"op": "like"}, "/api/warung-kopi/replies"),
        posted({"op": "like"}, "/api/warung-teh/replies"),
        posted({"op": "reply", "body": MARKER}, "/api/warung-kopi/replies"),
    )
    assert 'path: "/api/{id}/replies"' in lesson.document
    holds(lesson)


def test_where_only_the_field_tells_it_the_field_is_a_condition() -> None:
    lesson = learnt(
        posted({"seen": 1}, "/api/threads/8841/replies"),
        posted({"body": MARKER}, "/api/threads/8841/replies"),
    )
    assert "where: {json.body: {given: true}}" in lesson.document
    holds(lesson)


def test_a_host_of_an_interface_is_told_from_that_of_the_page() -> None:
    page = sent("/t/8841", method="GET", headers=(("Sec-Fetch-Dest", "document"),))
    lesson = learnt(page, posted({"op": "reply", "body": MARKER}, host=f"api.{HOST}"))
    assert f"hosts: {{app: [{HOST}], api: [api.{HOST}]}}" in lesson.document
    holds(lesson)


def test_the_account_is_only_suggested() -> None:
    lesson = learnt(posted({"op": "reply", "body": MARKER}))
    assert "# decide: does one of these name the acting account? cookie.member" in lesson.document
    assert parse_platform(lesson.document, "a").account == ()


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/api/posts", {"op": "create"}, Kind.POST),
        ("/api/posts/8841/comments", {"op": "create"}, Kind.COMMENT),
        ("/api/dm/8841", {"op": "create"}, Kind.MESSAGE),
        ("/api/posts/8841", {"op": "edit"}, Kind.EDIT),
    ],
)
def test_what_was_done_is_guessed_and_said_to_be(path: str, body: dict[str, Any], kind: Kind) -> None:
    lesson = learnt(posted({**body, "body": MARKER}, path))
    assert f"activity: {kind}\n" in lesson.document
    assert any(note.startswith(f"`{kind}` is a guess") for note in lesson.notes)
    said = learnt(posted({**body, "body": MARKER}, path), activity=Kind.SHARE)
    assert "activity: share\n" in said.document
    assert not any("is a guess" in note for note in said.notes)


def test_other_words_are_replaced_and_other_fields_left_out() -> None:
    value = {
        "op": "reply",
        "title": "Ibu saya sakit sejak semalam",
        "body": MARKER,
        "author": {"email": "aminah@contoh.my", "name": "Aminah binti Contoh"},
        "quoted": {"session": "zzrahsia2"},
    }
    lesson = learnt(posted(value))
    assert "texts: [json.body, json.title]" in lesson.document
    assert "Ibu saya" not in lesson.cases
    assert "Aminah" not in lesson.cases
    holds(lesson)


def known(name: str) -> Known:
    folder = bundled("policies/platforms")
    text = (folder / f"{name}.yaml").read_text("utf-8")
    cases = (folder / f"{name}.cases.yaml").read_text("utf-8")
    return Known(parse_platform(text, f"{name}.yaml"), text, cases)


def test_on_a_known_platform_a_signature_is_put_into_its_document() -> None:
    x = known("x")
    value = {"variables": {"shout_text": MARKER}, "operationName": "CreateShout"}
    said = posted(value, "/i/api/graphql/AbC/CreateShout", host="x.com", headers=(("Origin", "https://x.com"),))
    lesson = learnt(said, known=[x], activity=Kind.POST)
    assert (lesson.platform, lesson.known) == ("x", True)
    document = parse_platform(lesson.document, "x.yaml")
    assert len(document.signatures) == len(x.document.signatures) + 1
    assert run_cases(parse_cases(lesson.cases, "x.cases.yaml"), document) == ()
    assert texts_of(lesson, said) == [MARKER]
    assert "id: post-2" in lesson.pieces[0]
    assert "platform: x" not in lesson.pieces[0]
    with pytest.raises(DocumentError, match="is a host of the platform `x`, not of `burung`"):
        learnt(said, known=[x], platform="burung")


@pytest.mark.parametrize(
    ("recording", "marker", "why"),
    [
        ([posted({"a": 1})], "Kuih a", "the marker `Kuih a` is too short to be found for certain"),
        ([posted({"a": 1})], MARKER, "the marker is in none of the 1 requests; the bodies of 0 could not be read"),
        ([sent("/a", b"{", "application/json")], MARKER, "the bodies of 1 could not be read"),
        (
            [sent(f"/search?q={quote(MARKER)}", method="GET")],
            MARKER,
            f"the marker stands only in the address of what was read: request 0 (GET {HOST}/search)",
        ),
        (
            [sent("/feed", method="GET", answer={"said": MARKER})],
            MARKER,
            f"the marker stands only in answers: request 0 (GET {HOST}/feed)",
        ),
        (
            [sent("/a", headers=(("Content-Length", "31"),))],
            MARKER,
            "the recording has 1 requests with a body, and no body of any of them",
        ),
        (
            [posted({"body": MARKER}, "/api/autosave")],
            MARKER,
            f"the marker was only saved as a draft: request 0 (POST {HOST}/api/autosave)",
        ),
        (
            [posted({"q": MARKER}, "/api/suggest")],
            MARKER,
            f"of what holds the marker nothing publishes it: request 0 (POST {HOST}/api/suggest)",
        ),
    ],
)
def test_what_cannot_be_learnt_says_what_was_searched(recording: list[Exchange], marker: str, why: str) -> None:
    with pytest.raises(DocumentError) as raised:
        learnt(*recording, marker=marker)
    assert why in str(raised.value)


def test_a_marker_of_just_so_many_letters_is_taken() -> None:
    marker = "a" * (SHORTEST - 1)
    with pytest.raises(DocumentError, match="too short"):
        learnt(posted({"op": "reply", "body": marker}), marker=marker)
    marker += "b"
    assert "json.body" in learnt(posted({"op": "reply", "body": marker}), marker=marker).document


def test_what_was_refused_is_not_what_was_posted() -> None:
    lesson = learnt(
        posted({"op": "reply", "body": MARKER}, answer={"id": "1"}),
        posted({"op": "again", "body": MARKER}, answer={"error": "no"}, status=429),
    )
    assert "name: reply" in lesson.document
    assert any("also with the marker" in note for note in lesson.notes)


def test_what_is_named_like_telemetry_is_taken_where_nothing_else_carries_the_words() -> None:
    lesson = learnt(posted({"op": "add", "body": MARKER}, "/rooms/8841/events"))
    assert any("named like telemetry" in note for note in lesson.notes)
    holds(lesson)


def test_what_others_wrote_in_the_same_list_is_replaced() -> None:
    lesson = learnt(posted({"op": "reply", "thread": [{"said": "Rahsia orang lain sekali"}, {"said": MARKER}]}))
    assert "Rahsia orang" not in lesson.cases
    assert MARKER in lesson.cases


def test_a_form_beside_words_in_the_address_is_kept_a_post() -> None:
    lesson = learnt(sent(f"/feed?{urlencode({'message': MARKER})}", "access_token=zzrahsia", FORM))
    assert "texts: [query.message]" in lesson.document
    holds(lesson)


def test_a_flag_of_a_form_is_a_text() -> None:
    lesson = learnt(sent("/post", urlencode({"op": "new", "isi": MARKER, "state": "published"}), FORM))
    assert "where: {form.state: published}" in lesson.document
    holds(lesson)


def test_a_large_request_is_learnt_in_time() -> None:
    value = {"op": "reply", "body": MARKER, "rest": [{"n": str(number), "t": "kata " * 5} for number in range(4000)]}
    lesson = learnt(replace_body(posted({}), value))
    assert len(lesson.cases) < 20_000


def replace_body(exchange: Exchange, value: object) -> Exchange:
    assert exchange[0] is not None
    return replace(exchange[0], body=json.dumps(value).encode()), exchange[1]


RECORDINGS = Path(__file__).parents[1] / "recordings"


def said_in(file: Path) -> tuple[Request, str] | None:
    """The first act of a recording with words enough for a marker."""
    requests = list(recorded(file))
    for line in file.with_name(f"{file.stem}.acts.jsonl").read_text("utf-8").splitlines():
        number, *_, texts, _ = json.loads(line)
        marker = max(texts, key=len, default="")
        request = requests[number]
        if request is not None and len(marker) >= 2 * SHORTEST:
            return request, marker
    return None


FILES = [file for file in sorted(RECORDINGS.glob("*.jsonl")) if not file.name.endswith(".acts.jsonl")]


@pytest.mark.parametrize("file", [file for file in FILES if said_in(file)], ids=lambda file: str(file.stem))
def test_what_real_clients_send_is_learnt_without_knowing_the_platform(file: Path) -> None:
    found = said_in(file)
    assert found is not None
    request, marker = found
    lesson = learnt((request, None), marker=marker)
    document = parse_platform(lesson.document, "a.yaml")
    cases = parse_cases(lesson.cases, "a.cases.yaml")
    assert run_cases(cases, document) == ()
    assert cases.trials[0].expected is not None
    assert any(squeezed(marker) in squeezed(text) for text in cases.trials[0].expected[0].texts)


def test_what_stands_beside_the_words_in_a_token_is_not_kept() -> None:
    token = base64.b64encode(a_message((1, b"sesi-rahsia-Aminah"), (2, a_field(5, b"Kuih lapis dan teh")))).decode()
    made = rewritten(token, "Kuih lapis", ("base64", "protobuf 2.5"))
    assert find(base64.b64decode(base64.b64decode(made)), (2, 5)) == (b"Kuih lapis",)
    made = rewritten(token, "Kuih lapis", ("protobuf 2.5",))
    assert base64.b64decode(made) == a_field(2, a_field(5, b"Kuih lapis"))
