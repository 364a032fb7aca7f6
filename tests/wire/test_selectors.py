"""Selectors that reach into tokens, protobuf bodies, parts without names, and all that is somewhere below."""

import base64
import json
from urllib.parse import quote, urlencode

import pytest

from gerbang.wire.message import Message
from gerbang.wire.selectors import BELOW, VALUES, blobs, parse_selector
from wire.test_protobuf import a_field, a_message

TOKEN = a_message((2, b"mY7kLp2Qx_w"), (5, a_field(1, 0)), (10, 7))


def of_json(**members: object) -> Message:
    return Message("POST", "/", (("content-type", "application/json"),), json.dumps(members).encode())


def test_a_token_is_read_by_field_numbers() -> None:
    message = of_json(params=quote(base64.b64encode(TOKEN).decode()))
    assert parse_selector("json.params | percent | protobuf 2").texts(message, {}) == ["mY7kLp2Qx_w"]
    assert parse_selector("json.params | percent | protobuf 5.1").texts(message, {}) == ["0"]
    assert parse_selector("json.params | percent | protobuf 3").texts(message, {}) == []


def test_a_token_within_a_token_is_read() -> None:
    chat = a_field(1, a_field(5, a_message((1, b"UCa"), (2, b"mY7kLp2Qx_w"))))
    inner = quote(base64.b64encode(chat).decode())
    message = of_json(params=base64.b64encode(inner.encode()).decode())
    selector = parse_selector("json.params | base64 | percent | protobuf 1.5.2")
    assert selector.texts(message, {}) == ["mY7kLp2Qx_w"]


def test_conditions_see_what_transforms_give() -> None:
    """Every value of every token: one that is harmless excuses none beside it."""
    tokens = [base64.b64encode(a_field(1, number)).decode() for number in (22, 6)]
    found = parse_selector("json.actions[] | protobuf 1").find(of_json(actions=tokens), {})
    assert found.values == ("22", "6")


def test_a_body_of_protobuf_is_read_by_field_numbers() -> None:
    body = a_message((2, b"mY7kLp2Qx_w"), (3, a_field(1, b"Taklimat harian")), (5, a_field(1, 3)))
    message = Message("POST", "/", (("content-type", "application/x-protobuf"),), body)
    assert parse_selector("protobuf.3.1").texts(message, {}) == ["Taklimat harian"]
    assert parse_selector("protobuf.5.1").texts(message, {}) == ["3"]
    assert not message.gaps
    broken = Message("POST", "/", (("content-type", "application/x-protobuf"),), body[:-1])
    assert [gap.reason for gap in broken.gaps] == ["unreadable"]


def test_json_within_a_body_of_protobuf_is_looked_into() -> None:
    body = a_field(8, a_field(100, a_message((1, b"0:1:7:8"), (4, b'{"aweType": 0, "text": "Ok, jumpa nanti"}'))))
    message = Message("POST", "/", (("content-type", "application/x-protobuf"),), body)
    assert parse_selector("protobuf.8.100.4.text").texts(message, {}) == ["Ok, jumpa nanti"]
    assert parse_selector("protobuf.8.100.1.text").texts(message, {}) == []
    assert parse_selector("protobuf.8.100.4.words").texts(message, {}) == []
    assert not message.gaps


def in_parts(kind: str, *parts: bytes, line: bytes = b"\r\n") -> Message:
    body = b"".join(b"--b" + line + part + line for part in parts) + b"--b--" + line
    return Message("POST", "/", (("content-type", f"multipart/{kind}; boundary=b"),), body)


@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
def test_metadata_that_comes_with_its_file_are_the_json(line: bytes) -> None:
    metadata = b"Content-Type: application/json" + line * 2 + b'{"snippet": {"title": "Taklimat"}}'
    film = b"Content-Type: video/mp4" + line * 2 + b"\x00\x01"
    message = in_parts("related", metadata, film, line=line)
    assert parse_selector("json.snippet.title").texts(message, {}) == ["Taklimat"]
    assert [value.type for _, value in message.files()] == ["video/mp4"]  # type: ignore[union-attr]  # all are
    assert not message.gaps
    assert not message.unstructured


def test_a_form_that_comes_before_its_json_is_a_form() -> None:
    """As Rest.li's clients send a query that is too long for an address."""
    query = b"Content-Type: application/x-www-form-urlencoded\r\n\r\naction=createMessage&ids=List(1,2)"
    body = b'Content-Type: application/json\r\n\r\n{"commentary": "Selamat pagi"}'
    message = in_parts("mixed", query, body)
    assert parse_selector("field.action").texts(message, {}) == ["createMessage"]
    assert parse_selector("json.commentary").texts(message, {}) == ["Selamat pagi"]
    assert not message.gaps
    assert not [*message.files()]


def test_words_in_a_part_without_a_name_are_a_gap() -> None:
    message = in_parts("related", b"Content-Type: text/plain\r\n\r\nselamat pagi semua")
    assert [gap.reason for gap in message.gaps] == ["unreadable"]
    assert parse_selector("parts").texts(message, {}) == ["selamat pagi semua"]


def test_the_whole_body_is_an_attachment_whatever_its_type_says() -> None:
    message = Message("POST", "/", (("content-type", "application/x-www-form-urlencoded"),), b"a=1&b=\x00\xff")
    assert parse_selector("body").find(message, {}).values == ()
    assert parse_selector("raw").find(message, {}).values == (message.blob,)


@pytest.mark.parametrize("source", ["json.a | protobuf", "json.a | protobuf 0", "json.a | protobuf a", "protobuf.a"])
def test_field_numbers_are_asked_for(source: str) -> None:
    with pytest.raises(ValueError, match="field numbers"):
        parse_selector(source)


JSON = (("content-type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)


def message(body: object, *, php: bool = False) -> Message:
    return Message("POST", "/", JSON, json.dumps(body).encode(), php=php)


def found(source: str, of: Message) -> list[str]:
    return parse_selector(source).texts(of, {})


@pytest.mark.parametrize(
    ("source", "body", "values"),
    [
        ("json.**", {"a": [1, {"b": "dua", "c": ["tiga"]}], "d": "empat"}, ["1", "dua", "tiga", "empat"]),
        ("json.a.**", {"a": "satu", "b": "dua"}, ["satu"]),
        ("json.a.**", {"b": "dua"}, []),
        ("json[0][].**", [[["satu", None, True, ""], ["dua"]], "tiga"], ["satu", "dua"]),
        ("json[1].**", ["AbC", json.dumps(["48", None, [json.dumps({"t": "satu"})], "dua"])], ["48", "satu", "dua"]),
        ("json.**", {}, []),
    ],
)
def test_below(source: str, body: object, values: list[str]) -> None:
    assert found(source, message(body)) == values


def test_below_a_name_of_a_form_with_brackets() -> None:
    body = urlencode({"attrs[0][caption]": "Balai", "attrs[1][title]": "Raya", "attr": "lain"}).encode()
    assert found("form.attrs.**", Message("POST", "/", FORM, body)) == ["Balai", "Raya"]
    assert found("form.**", Message("POST", "/", FORM, body)) == ["Balai", "Raya", "lain"]


def test_an_object_in_which_a_name_stands_twice_is_looked_into() -> None:
    assert found("json.**", Message("POST", "/", JSON, b'{"a": {"b": "satu", "b": ["dua"]}}')) == ["satu", "dua"]


def test_at_the_bounds_all_is_there_and_over_them_a_gap_says_that_it_is_not() -> None:
    for body, over in (
        (["a"] * VALUES, False),
        (["a"] * VALUES + ["akhir"], True),
        ([None] * (BELOW - 2) + ["akhir"], False),
        ([None] * BELOW + ["akhir"], True),
    ):
        given = message(body)
        values = found("json.**", given)
        assert ("akhir" not in values) is (over or body[0] == "a")
        assert [gap.reason for gap in given.gaps] == (["too-large"] if over else [])
        assert given.partial is over


@pytest.mark.parametrize("source", ["json.lines[].text", "json.lines[key=a].text", "json.named.*.text"])
@pytest.mark.parametrize("more", [0, 1])
def test_more_values_than_are_given_are_a_gap_however_they_are_asked_for(source: str, more: int) -> None:
    lines = [{"text": str(number), "key": "a"} for number in range(VALUES + more)]
    given = of_json(lines=lines, named={line["text"]: line for line in lines})
    assert parse_selector(source).texts(given, {}) == [str(number) for number in range(VALUES)]
    assert [gap.reason for gap in given.gaps] == (["too-large"] if more else [])


def test_values_that_are_made_of_others_are_bounded_too() -> None:
    token = base64.b64encode(a_field(1, 7) * VALUES).decode()
    selector = parse_selector("json.tokens[] | protobuf 1")
    for tokens, gaps in (([token], []), ([token, base64.b64encode(a_field(1, 8)).decode()], ["too-large"])):
        given = of_json(tokens=tokens)
        assert selector.texts(given, {}) == ["7"] * VALUES
        assert [gap.reason for gap in given.gaps] == gaps


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("json.states[key=box-*].value", ["satu", "empat"]),
        ("json.states[key=box-1].value", ["satu"]),
        ("json.states[key=box-].value", []),
        ("json.states[key=kotak*].value", []),
        ("json.states[on=true].value", ["dua"]),
        ("json.states[]", ["tiga"]),
        ("json.other[key=box-*].value", []),
    ],
)
def test_elements_are_chosen_by_what_they_hold(source: str, values: list[str]) -> None:
    states = [
        {"key": "box-1", "value": "satu"},
        {"key": "rich-box-1", "value": "dua", "on": True},
        "tiga",
        {"key": None, "value": "kosong"},
        {"key": "box-2", "value": "empat"},
    ]
    assert found(source, message({"states": states, "other": {"key": "box-1", "value": "satu"}})) == values


@pytest.mark.parametrize("source", ["json.a[b=]", "json.a[=b]", "json.a[b=c*d]", "json.a[b]"])
def test_what_chooses_elements_is_whole(source: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        parse_selector(source)


RICH = [
    {
        "kind": "block",
        "elements": [
            {
                "kind": "line",
                "elements": [
                    {"text": "Mesyuarat ", "style": {"bold": True}},
                    {"person": "U01"},
                    {"kind": "note", "elements": [{"text": " di bilik"}, {"text": " 3 "}]},
                    {"name": "jam", "unicode": "23f0"},
                ],
            },
            {
                "kind": "list",
                "elements": [
                    {"kind": "line", "elements": [{"text": "Bawa dokumen"}]},
                    {"kind": "line", "elements": [{"url": "https://contoh.my"}]},
                ],
            },
        ],
    },
    {"kind": "title", "text": {"kind": "plain", "text": "Jadual"}},
]
RUNS = "runs text, url, <@{person}>, :{name}:"


def test_words_of_rich_text_that_stand_in_one_list_are_one_text() -> None:
    words = ["Mesyuarat <@U01> di bilik 3 :jam:", "Bawa dokumen", "https://contoh.my", "Jadual"]
    assert parse_selector(f"json.blocks | {RUNS}").texts(of_json(blocks=RICH), {}) == words
    assert parse_selector(f"json.blocks | {RUNS}").texts(of_json(blocks=json.dumps(RICH)), {}) == words
    form = Message("POST", "/", (), urlencode({"blocks": json.dumps(RICH)}).encode())
    assert parse_selector(f"form.blocks | {RUNS}").texts(form, {}) == words


def test_rich_text_that_is_no_json_is_a_gap() -> None:
    message = of_json(blocks='[{"text": "Mesyuarat')
    assert parse_selector(f"json.blocks | {RUNS}").texts(message, {}) == []
    assert [gap.reason for gap in message.gaps] == ["unreadable"]


def test_plain_words_in_the_place_of_rich_text_are_its_words() -> None:
    message = of_json(blocks="Mesyuarat di bilik 3")
    assert parse_selector("json.blocks | runs text, url").texts(message, {}) == ["Mesyuarat di bilik 3"]
    assert message.gaps == ()


@pytest.mark.parametrize("size", [BELOW - 1, BELOW])
def test_rich_text_is_looked_at_to_a_bound(size: int) -> None:
    """The list itself counts, and the end of its run."""
    message = of_json(blocks=[{"text": "a"}] * (size - 1))
    assert parse_selector("json.blocks | runs text").texts(message, {}) == ["a" * min(size - 1, BELOW - 1)]
    assert [gap.reason for gap in message.gaps] == ([] if size < BELOW else ["too-large"])


def test_trees_within_each_other_share_the_bound() -> None:
    tree: dict[str, object] = {"text": "a" * 1000}
    for _ in range(50):
        tree = {"doc": tree, "more": [{}] * 500}
    given = of_json(tree=tree)
    assert len(parse_selector("json.**.doc | runs text").texts(given, {})) < 5
    assert [gap.reason for gap in given.gaps] == ["too-large"]


def test_members_of_a_name_are_found_however_deep() -> None:
    tree = {"text": "atas", "items": [{"text": "tengah", "more": json.dumps({"text": "bawah"})}, "text"]}
    message = of_json(tree=tree)
    assert parse_selector("json.tree.**.text").texts(message, {}) == ["atas", "tengah", "bawah"]
    assert parse_selector("json.**.more.text").texts(message, {}) == ["bawah"]
    assert parse_selector("json.tree.**.none").texts(message, {}) == []


def test_members_of_a_name_are_listed_to_a_bound() -> None:
    message = of_json(tree=[{"text": "a"}] * (VALUES + 1))
    assert len(parse_selector("json.tree.**.text").texts(message, {})) == VALUES
    assert [gap.reason for gap in message.gaps] == ["too-large"]


@pytest.mark.parametrize(
    ("header", "selector", "expected"),
    [
        ("Bot NDI.Gx.abc", "header.authorization | part -3 | base64", ["42"]),
        ("NDI.Gx.abc", "header.authorization | part -3 | base64", ["42"]),
        ("Bearer a.eyJzdWIiOiJ0Ml8xIn0.c", "header.authorization | part -2 | base64", ['{"sub":"t2_1"}']),
        ("Bearer IGT:2:eyJhIjoiMSJ9", "header.authorization | part -1 | base64", ['{"a":"1"}']),
        ("Bearer abc", "header.authorization | part -3", []),
        ("Bearer abc", "header.authorization | part 0", ["Bearer"]),
        ("Bearer abc", "header.authorization | part 2", []),
    ],
)
def test_a_token_has_parts(header: str, selector: str, expected: list[str]) -> None:
    message = Message("GET", "/", (("authorization", header),), None)
    assert parse_selector(selector).texts(message, {}) == expected


@pytest.mark.parametrize("source", ["runs", "runs text,", "runs {a} {b}", "part x", "part", "percent | runs text"])
def test_what_cannot_be_done_to_a_value_is_said(source: str) -> None:
    with pytest.raises(ValueError, match=r"runs|part"):
        parse_selector(f"json.text | {source}")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/index.php?threads/harga.81%32/add-reply&x=1", ["threads/harga.812/add-reply"]),
        ("/?/topic/812-harga/?do=add", ["/topic/812-harga/"]),
        ("/index.php?act=Post&threads/812", []),
        ("/index.php?threads/812=1", []),
        ("/index.php?&threads/812", []),
        ("/threads/812", []),
    ],
)
def test_a_query_alone_is_the_path_that_it_begins_with(target: str, expected: list[str]) -> None:
    assert parse_selector("query").texts(Message("POST", target, (), b""), {}) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,AAECAw==", [(b"\x00\x01\x02\x03", "image/png")]),
        ("data:,pagi%20ini", [(b"pagi ini", None)]),
        ("data:image/png;base64,%", [(b"", "image/png")]),
        ("https://contoh.my/a.png", []),
    ],
)
def test_a_data_url_is_a_file(url: str, expected: list[tuple[bytes, str | None]]) -> None:
    message = of_json(image=url)
    found = blobs(parse_selector("json.image").find(message, {}))
    assert [(blob.data, blob.type) for blob in found] == expected
