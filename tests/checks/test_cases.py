"""The case runner: brackets, and failures that say what and where."""

import pytest

from gerbang.checks import compile_checks
from gerbang.checks.cases import parse_cases, run_cases, unmark
from gerbang.errors import DocumentErrors

CHECKS = compile_checks([])


def test_brackets_mark_and_doubled_brackets_are_meant() -> None:
    assert unmark("a [b] [[c]] d") == ("a b [c] d", ((2, 3),))


@pytest.mark.parametrize("marked", ["[a", "a]", "[a [b] c]"])
def test_a_bracket_needs_its_partner(marked: str) -> None:
    with pytest.raises(ValueError, match="without its partner"):
        unmark(marked)


def test_what_holds_and_what_fails() -> None:
    text = """\
check: identity-card
cases:
  - "[900214-14-5678]"
  - "900214-14-5678"
  - "[tiada]"
  - "tracking 12"
"""
    failures = run_cases(parse_cases(text, "x.cases.yaml"), CHECKS)
    assert [(str(failure.place), failure.what) for failure in failures] == [
        ("x.cases.yaml:4:5", "`900214-14-5678`: `900214-14-5678` is found and not marked"),
        ("x.cases.yaml:5:5", "`tiada`: `tiada` is not found"),
    ]


def test_an_unknown_check_fails() -> None:
    (failure,) = run_cases(parse_cases("check: identity-cards\ncases: [x]\n", "x.cases.yaml"), CHECKS)
    assert "did you mean `identity-card`?" in failure.what


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("check: a\ncases: []\n", "x:2:8: `cases` is empty"),
        ("check: a\n", "x:1:1: `cases` is missing"),
        ("check: a\ncases: [b, 1]\n", "x:2:12: `cases` must be keys and values, not `1`"),
        ("check: a\ncases: [{text: 'a]', name: b}]\n", "x:2:16: a bracket without its partner"),
        ("check: a\ncases: ['[x']\n", "x:2:9: a bracket without its partner"),
        (
            "check: a\ncases: [{text: x, like: y}]\n",
            "x:2:19: unknown key `like`; expected one of `text`",
        ),
        ("check: a\ncases: [{text: x, likelihood: y}]\n", "unknown likelihood `y`"),
        ("check: a\nkases: [x]\ncases: [x]\n", "unknown key `kases`; did you mean `cases`?"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        parse_cases(text, "x")
    assert sentence in str(raised.value)
