# ruff: noqa: E501 (a row of a table is one line)
"""YAML as values with places: what is read, where it stands, and that nothing too large or too deep is read at all."""

import json
import time
from contextlib import suppress
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BeforeValidator, Field, model_validator

from gerbang import documents
from gerbang.documents import (
    DEEPEST,
    LONGEST,
    MOST_ERRORS,
    MOST_VALUES,
    Part,
    chosen,
    listed,
    read_yaml,
    shown,
    spelled,
    told,
    validated,
)
from gerbang.errors import DocumentErrors


def refused(text: str) -> list[str]:
    with pytest.raises(DocumentErrors) as caught:
        read_yaml(text, "d.yaml")
    return str(caught.value).splitlines()


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("12", 12),
        ("-7", -7),
        ("1790000000000000000", 1790000000000000000),
        ("1" * 21, "1" * 21),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("12e34", "12e34"),
        (".inf", ".inf"),
        ("2026-11-24", "2026-11-24"),
        ("07:30", "07:30"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("<<", "<<"),
        ('"\\ud83d\\ude00"', "😀"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
        ("!!seq [a]", ["a"]),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_what_is_written_is_what_is_read(written: str, value: Any) -> None:
    assert read_yaml(f"a: {written}\n", "d.yaml").value == {"a": value}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20) + 1, 10**20 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc <&*", max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_json_is_read_as_it_is(value: Any) -> None:
    assert read_yaml(json.dumps([value]), "d.yaml").value == [value]


def test_an_alias_stands_for_what_it_names_at_that_time() -> None:
    text = "a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n"
    assert read_yaml(text, "d.yaml").value == {"a": [1, 2], "b": [1, 2], "c": 3, "d": 3}


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("a: *b\nc: !x d\ne: {f: 1, f: 2}\n? [g]\n: h\n", [
            "d.yaml:1:4: no anchor `b` was set",
            "d.yaml:2:4: the tag `!x` cannot be used; leave it out",
            "d.yaml:3:11: `f` stands here a second time; the first is on line 3",
            "d.yaml:4:3: a key must be a word",
        ]),
        ("a: !!python/object:os.system {b: c}", ["d.yaml:1:4: the tag `!!python/object:os.system` cannot be used; leave it out"]),
        ("a: !!set {b}", ["d.yaml:1:4: the tag `!!set` cannot be used; leave it out"]),
        ("%YAML 1.1\n---\na: b", ["d.yaml:1:1: a line cannot begin with `%`; remove it"]),
        ("a: &x {b: [*x]}", ["d.yaml:1:12: `x` would hold itself"]),
        ('a: "\\UFFFFFFFF"', ["d.yaml:1:7: this escape names no character"]),
        ('a: "\\ud83d"', ["d.yaml:1:4: half a character, written as an escape, cannot stand alone"]),
        ("a: 'b\tc", ["d.yaml:1:8: this is no YAML: found unexpected end of stream"]),
        ("a: b\n---\nc: d", ["d.yaml:2:1: a second document begins here; write one document a file"]),
        ("a:\n  - b\n c: d", ["d.yaml:3:2: this is no YAML: expected <block end>, but found `<block mapping start>`"]),
        ("[a]\n]", ["d.yaml:2:1: this is no YAML: expected `<document start>`, but found `]`"]),
        ("# nothing\n", ["d.yaml:1:1: the document is empty"]),
        ("a: \x07", ["d.yaml:1:4: the character U+0007 cannot stand in a document"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place_and_at_once(text: str, sentences: list[str]) -> None:
    assert refused(text) == sentences


# ---------------------------------------------------------------- places


TEXT = """\
title: contoh
groups:
  one: [a, b]
  two: {terms: [c], match: word}
rules:
  when: x
  none:
"""


@pytest.mark.parametrize(
    ("path", "at", "key_at"),
    [
        (("title",), "1:8", "1:1"),
        (("groups", "two", "match"), "4:28", "4:21"),
        (("groups", "two", "terms", 0), "4:17", "4:17"),
        (("groups", "two", "terms", 5), "4:16", "4:16"),  # the list, which has no sixth
        (("groups", "three"), "3:3", "3:3"),  # what is around it
        (("groups", "one", "terms", 1), "3:12", "3:12"),  # a list stands for the group's terms
        (("rules", 0, "when", 0), "6:9", "6:9"),  # one value stands for a list of it, twice
        (("rules", "none"), "7:3", "7:3"),  # what is not there has its key
        (("nowhere", "at", "all"), "1:1", "1:1"),
    ],
)
def test_a_path_leads_to_what_was_written(path: tuple[str | int, ...], at: str, key_at: str) -> None:
    tree = read_yaml(TEXT, "d.yaml")
    assert str(tree.place(path)) == f"d.yaml:{at}"
    assert str(tree.place(path, key=True)) == f"d.yaml:{key_at}"


def test_a_part_is_a_tree_and_a_tree_can_be_a_part() -> None:
    tree = read_yaml(TEXT, "d.yaml")
    part = tree.under(("groups", "two"))
    assert (part.value, str(part.place(("match",)))) == ({"terms": ["c"], "match": "word"}, "d.yaml:4:28")
    around = tree.as_value_of("all")
    assert around.written(("all", "groups", "one", 1)) == "b"
    assert str(around.place(("all", "groups", "one", 1))) == "d.yaml:3:12"


# ---------------------------------------------------------------- bounds


def test_as_many_characters_as_allowed_and_no_more() -> None:
    text = "a: b #"
    assert read_yaml(text + "x" * (LONGEST - len(text)), "d.yaml").value == {"a": "b"}
    assert refused("x" * (LONGEST + 1)) == [
        f"d.yaml: the document has {LONGEST + 1} characters; at most {LONGEST} are read"
    ]


def test_as_many_values_as_allowed_and_no_more() -> None:
    """Aliases count as what they stand for, at no cost."""
    tens = "- &a [x,x,x,x,x,x,x,x,x]\n"  # ten values each time it is named
    fill = "- *a\n" * (MOST_VALUES // 10 - 1)
    assert len(json.dumps(read_yaml(tens + fill[:-5] + "- [x,x,x,x,x,x,x,x]\n", "d.yaml").value)) > MOST_VALUES
    assert refused(tens + fill) == [
        f"d.yaml:{MOST_VALUES // 10}:3: the document is too large here; "
        f"at most {MOST_VALUES} values are read, aliases unfolded"
    ]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_as_deep_as_allowed_and_no_deeper(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "x" + closing * depth

    read_yaml(nested(DEEPEST), "d.yaml")
    column = len(opening) * (DEEPEST if closing else DEEPEST + 1) + 1
    assert refused(nested(DEEPEST + 1)) == [
        f"d.yaml:1:{column}: the document is nested too deeply here; at most {DEEPEST} levels are read"
    ]


def test_an_alias_is_as_deep_as_what_it_names() -> None:
    half = DEEPEST // 2
    named = f"- &a {'[' * half}x{']' * half}\n"

    def deeper(more: int) -> str:
        return named + f"- {'[' * (half - 1 + more)}*a{']' * (half - 1 + more)}\n"

    read_yaml(deeper(0), "d.yaml")
    assert "nested too deeply" in refused(deeper(1))[0]


@pytest.mark.parametrize("text", ["[", "{", "[{", "[a,", "- ", "? ", ": ", "[\n", '["a",', "{a: ["])
def test_what_never_ends_is_given_up_at_once(text: str) -> None:
    """ruamel needs seven seconds to read five thousand brackets."""
    begun = time.process_time()
    refused(text * ((MOST_VALUES if text == "[a," else LONGEST) // len(text)))
    assert time.process_time() - begun < 4


PIECES = st.lists(st.sampled_from([*"a:-[]{}&*!|>'\"%#\n \t?,0~", "&a ", "*a ", "- ", ": ", "\n  ", "---", "\\u", "\r"]), max_size=14)  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(PIECES)
def test_both_parsers_read_a_document_alike(pieces: list[str]) -> None:
    """What the quick one takes, the careful one takes too, as the same values at the same places."""
    text = "".join(pieces)
    quick = documents._quickly(text, "trial.yaml")
    if quick is None:
        return
    reading = documents._Reading(
        documents._Parser(documents._Scanner(documents.Reader(text), "trial.yaml")), "trial.yaml"
    )
    root = reading.document()
    assert not reading.errors
    assert (root.value, spots(root)) == (quick.value, spots(quick.root))


def spots(node: documents.Written) -> object:
    """Where everything stands; what is not written stands nowhere, and is told at its key."""
    if isinstance(node.parts, dict):
        return node.spot, {key: (at if key else None, spots(part)) for key, (at, part) in node.parts.items()}
    spot = None if node.value is None else node.spot
    return spot, [spots(part) for part in node.parts or ()]


@settings(max_examples=300, deadline=None)
@given(PIECES)
def test_no_text_makes_it_fail_in_another_way(pieces: list[str]) -> None:
    with suppress(DocumentErrors):
        read_yaml("".join(pieces), "d.yaml")


# ---------------------------------------------------------------- shapes


class Group(Part):
    terms: tuple[str, ...] = ()
    weight: Annotated[int, Field(ge=1, le=5)] = 1

    @model_validator(mode="before")
    @classmethod
    def short(cls, data: Any) -> Any:
        return {"terms": data} if isinstance(data, list) else data


class Shape(Part):
    id: Annotated[str, spelled("[a-z]+", "name", "use small letters")]
    kind: Annotated[str, chosen(("post", "share"))] = "post"
    groups: dict[Annotated[str, spelled("[a-z]+", "name", "use small letters")], Group] = Field(default={})
    days: Annotated[tuple[int, ...], BeforeValidator(listed), Field(min_length=1, max_length=3)] = (1,)
    words: Annotated[str, Field(max_length=5)] = ""

    @model_validator(mode="after")
    def whole(self) -> "Shape":
        if self.kind == "share" and not self.groups:
            raise told("a share has groups", "write `groups: ...`")
        return self


def wrong(text: str) -> list[str]:
    with pytest.raises(DocumentErrors) as caught:
        validated(Shape, read_yaml(text, "d.yaml"))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("- a", ["d.yaml:1:1: the document must be keys and values, not `[a]`; write `id: ...`"]),
        ("id: A1", ["d.yaml:1:5: `A1` is no name; use small letters"]),
        ("kind: post", ["d.yaml:1:1: `id` is missing"]),
        ("idd: a", ["d.yaml:1:1: unknown key `idd`; did you mean `id`? expected one of `id`, `kind`, `groups`, `days`, `words`"]),
        ("id: a\nkind: pots", ["d.yaml:2:7: unknown kind `pots`; did you mean `post`? expected one of `post`, `share`"]),
        ("id: a\nkind: share", ["d.yaml:1:1: a share has groups; write `groups: ...`"]),
        ("id: a\nkind:", ["d.yaml:2:1: `kind` has no value"]),
        ("id: a\ngroups: {b: [c, 4]}", ["d.yaml:2:17: `terms` must be text, not `4`; put it in quotes"]),
        ("id: a\ngroups: {b: {wieght: 1}}", ["d.yaml:2:14: unknown key `wieght`; did you mean `weight`? expected one of `terms`, `weight`"]),
        ("id: a\ngroups: {b: {weight: 6}}", ["d.yaml:2:22: `weight` is `6`; at most 5"]),
        ("id: a\ngroups: {B: [c]}", ["d.yaml:2:10: `B` is no name; use small letters"]),
        ("id: a\ngroups: x", ["d.yaml:2:9: `groups` must be keys and values, not `x`"]),
        ("id: a\ndays: x", ["d.yaml:2:7: `days` must be a whole number, not `x`"]),
        ("id: a\ndays: [1, 2, 3, 4]", ["d.yaml:2:7: `days` has 4 entries; at most 3"]),
        ("id: a\ndays: []", ["d.yaml:2:7: `days` is empty; leave it out, or say what it holds"]),
        ("id: a\ndays: [x]", ["d.yaml:2:8: `days` must be a whole number, not `x`"]),
        ("id: a\nwords: far too long", ["d.yaml:2:8: `far too long` has 12 characters; at most 5"]),
        ("kind: x\ndays: y\nid: Z\n", [
            "d.yaml:1:7: unknown kind `x`; expected one of `post`, `share`",
            "d.yaml:2:7: `days` must be a whole number, not `y`",
            "d.yaml:3:5: `Z` is no name; use small letters",
        ]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_the_writers_words(text: str, sentences: list[str]) -> None:
    assert wrong(text) == sentences


def test_more_errors_than_a_person_reads_are_cut() -> None:
    told = wrong("id: a\n" + "".join(f"k{n}: 1\n" for n in range(MOST_ERRORS * 8)))
    assert (len(told), told[0].split(";")[0]) == (MOST_ERRORS, "d.yaml:2:1: unknown key `k0`")


def test_what_is_shown_moves_no_cursor_and_fits_a_sentence() -> None:
    assert shown("a\x1b[2J\nb") == "a·[2J·b"
    assert len(shown("x" * 1000)) == 60
    assert shown({"a": [None, True, 1.5]}) == "{a: [null, true, 1.5]}"


def test_many_empty_lines_are_read_at_once() -> None:
    started = time.process_time()
    assert read_yaml("a:" + "\n" * (LONGEST - 100) + "  b", "a.yaml").value == {"a": "b"}
    assert time.process_time() - started < 5
