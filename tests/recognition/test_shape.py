"""What is told of a write that no signature claims, and that its skeleton, put into the document, claims it."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.bundled import bundled
from gerbang.model import Kind, Request, Shape, Sighting
from gerbang.recognition.recognise import recognise
from gerbang.recognition.shape import FIELDS, PARTS, SELECTORS, VARIANTS, grouped, skeleton
from gerbang.recognition.signature import Platforms, compile_platforms, parse_platform

SOURCE = bundled("policies/platforms/x.yaml").read_text("utf-8")
X = parse_platform(SOURCE, "x.yaml")
PLATFORMS = compile_platforms([X])
WORDS = "Jadual baharu bas perantara bermula Isnin ini"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def asked(url: str, body: bytes, kind: str = "application/json", method: str = "POST") -> Request:
    host, _, rest = url.removeprefix("https://").partition("/")
    headers = (("Content-Type", kind), ("Origin", "https://x.com"), ("Sec-Fetch-Site", "same-origin"))
    return Request(method, host, "/" + rest, headers, body)


def shape_in(request: Request, platforms: Platforms = PLATFORMS) -> Shape:
    (activity,) = recognise(request, platforms).activities
    assert activity.unclaimed
    assert activity.shape is not None
    return activity.shape


RENAMED = asked(
    "https://x.com/i/api/graphql/Zz9YyXxWwVv/CreateStatement",
    json.dumps({"variables": {"statement": {"text": WORDS}, "media": []}, "queryId": "Zz9YyXxWwVv"}).encode(),
)
FORM = asked(
    "https://x.com/i/api/1.1/statements/4711/publish.json",
    urlencode({"words": WORDS, "id": "4711", "auth_token": "f00d"}).encode(),
    "application/x-www-form-urlencoded",
)
REST = asked(
    "https://x.com/i/later/users/farid/statement", json.dumps({"list": [{"say": WORDS}]}).encode(), method="PUT"
)


def test_a_renamed_operation_is_told_with_its_name_and_where_its_words_stood() -> None:
    assert shape_in(RENAMED) == Shape(
        role="app",
        method="POST",
        path="/i/api/graphql/{}/CreateStatement",
        surface="graphql",
        name="CreateStatement",
        fields=("json.queryId", "json.variables", "json.variables.media", "json.variables.statement"),
        texts=("variables.statement.text",),
    )


@pytest.mark.parametrize(
    ("request_", "path", "texts"),
    [
        (FORM, "/i/api/1.1/statements/{}/publish.json", ("field.words",)),
        (REST, "/i/later/users/{}/statement", ("json.list[].say",)),
    ],
    ids=["form", "rest"],
)
def test_ids_and_names_in_the_path_are_left_out(request_: Request, path: str, texts: tuple[str, ...]) -> None:
    found = shape_in(request_)
    assert (found.path, found.texts) == (path, texts)
    assert not any("token" in name for name in found.fields)


@pytest.mark.parametrize("request_", [RENAMED, FORM, REST], ids=["graphql", "form", "rest"])
def test_a_skeleton_in_the_document_claims_the_write_with_its_exact_words(request_: Request) -> None:
    drawn = skeleton(X, shape_in(request_), "2026-11")
    surface, _, signature = drawn.rpartition("# under `signatures`:\n")
    text = SOURCE
    if surface:
        text = text.replace("\nsignatures:\n", "\n" + surface.removeprefix("# under `surfaces`:\n") + "\nsignatures:\n")
    text = text.replace("\nsignatures:\n", "\nsignatures:\n" + signature)
    (activity,) = recognise(request_, compile_platforms([parse_platform(text, "x.yaml")])).activities
    assert not activity.unclaimed
    assert (activity.kind, [one.value for one in activity.texts]) == (Kind.POST, [WORDS])
    assert activity.confidence == "reported"


def test_a_write_without_words_is_drawn_as_what_has_none() -> None:
    body = json.dumps({"variables": {"tweet_id": "1970"}, "queryId": "AbC"}).encode()
    found = shape_in(asked("https://x.com/i/api/graphql/AbC9/ApplaudTweet", body))
    assert found.texts == ()
    assert "activity: react" in skeleton(X, found, "2026-11")


def test_what_has_many_values_at_one_place_of_a_path_is_left_out() -> None:
    def at(path: str, judged: bool = True) -> Sighting:
        return Sighting("x", Shape("app", "POST", path, texts=("json.a",)), 1, NOON, NOON, judged)

    names = ("satu", "dua", "tiga", "empat", "lima")[: VARIANTS - 1]
    few = grouped(at(f"/i/{name}/say") for name in names)
    assert {one.shape.path for one in few} == {f"/i/{name}/say" for name in names}
    many = grouped([at(f"/i/{name}/say", judged=name != "satu") for name in (*names, "lain")])
    assert [(one.shape.path, one.judged, one.counted) for one in many] == [("/i/{}/say", VARIANTS - 1, 1)]


def test_groups_come_most_frequent_first_with_the_time_that_they_span() -> None:
    once = Sighting("x", Shape("app", "POST", "/a"), 1, NOON, NOON, judged=True)
    often = Sighting("x", Shape("app", "POST", "/b"), 9, NOON, NOON + timedelta(hours=1), judged=False)
    later = Sighting("x", Shape("app", "POST", "/b"), 1, NOON, NOON + timedelta(hours=2), judged=True)
    first, second = grouped([once, often, later])
    assert (first.shape.path, first.judged, first.counted, first.last) == ("/b", 1, 9, NOON + timedelta(hours=2))
    assert second.shape.path == "/a"


def test_a_shape_is_bounded() -> None:
    wide = {f"k{number}": WORDS for number in range(FIELDS * 3)}
    deep = "/".join(f"part{chr(97 + number % 26)}" for number in range(PARTS * 3))
    found = shape_in(asked(f"https://x.com/{deep}", json.dumps(wide).encode()))
    assert len(found.fields) == FIELDS
    assert len(found.texts) == SELECTORS
    assert found.path.count("/") == PARTS


@given(
    st.lists(st.text(min_size=1, max_size=30), max_size=6),
    st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=6),
)
def test_no_path_and_no_field_makes_a_shape_fail_or_hold_a_value(parts: list[str], fields: dict[str, str]) -> None:
    secret = "Q7" + "9" * 30
    body = json.dumps({**fields, "value": [secret, WORDS]}).encode()
    request = asked("https://x.com/" + "/".join(quote(part, safe="") for part in parts), body)
    for activity in recognise(request, PLATFORMS).activities:
        if activity.shape is not None:
            assert secret not in repr(activity.shape)
            assert WORDS not in repr(activity.shape)
            skeleton(X, activity.shape, "2026-11")
