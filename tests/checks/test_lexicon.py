# ruff: noqa: E501 (a row of a table is one line)
"""Vocabularies as documents: what is accepted, and how each mistake is told with its place."""

import pytest

from gerbang.checks.lexicon import parse_lexicon
from gerbang.documents import LONGEST
from gerbang.errors import DocumentErrors

GOOD = """\
lexicon: house
title: {ms: Rumah, en: House}
category: official-information
groups:
  project: [Projek Helang, Sistem Merak~]
  secret: {terms: [belum umum], match: exact}
  code: {patterns: ['\\bHLG-\\d{4}\\b']}
findings:
  - {find: code, likelihood: certain}
  - {find: project, near: secret, within: 6, likelihood: likely}
"""


def test_a_good_document_is_taken() -> None:
    document = parse_lexicon(GOOD, "house.yaml")
    assert document.lexicon == "house"
    assert document.groups["project"].terms == ("Projek Helang", "Sistem Merak~")
    assert document.findings[1].near == (("secret",),)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("lexicon: house", "lexicon: My House", "house.yaml:1:10: `My House` is no name; use lower-case letters, digits and single hyphens"),
        ("category: official-information", "category: political-stuff", "house.yaml:3:11: unknown category `political-stuff`"),
        ("category:", "kategory:", "house.yaml:3:1: unknown key `kategory`; did you mean `category`?"),
        ("match: exact", "match: exactly", "house.yaml:6:40: unknown match `exactly`; did you mean `exact`?"),
        ("match: exact", "macth: exact", "house.yaml:6:33: unknown key `macth`; did you mean `match`?"),
        ("likelihood: certain", "likelihood: sure", "house.yaml:9:30: unknown likelihood `sure`"),
        ("near: secret", "near: secrets", "house.yaml:10:27: no group `secrets` in this vocabulary; did you mean `secret`?"),
        ("near: secret", "near: [secret, [code, kode]]", "house.yaml:10:43: no group `kode` in this vocabulary; did you mean `code`?"),
        ("within: 6", "within: 0", "house.yaml:10:43: `within` is `0`; at least 1"),
        ("within: 6", "within: six", "house.yaml:10:43: `within` must be a whole number, not `six`"),
        ("[Projek Helang, Sistem Merak~]", "[Projek Helang, 404]", "house.yaml:5:28: `terms` must be text, not `404`; put it in quotes"),
        ("'\\bHLG-\\d{4}\\b'", "'(?<=HLG)\\d'", "house.yaml:7:21: the pattern `(?<=HLG)\\d` cannot be used"),
        ("'\\bHLG-\\d{4}\\b'", "'(a)\\1'", "house.yaml:7:21: the pattern `(a)\\1` cannot be used"),
        ("'\\bHLG-\\d{4}\\b'", "'x*'", "house.yaml:7:21: the pattern `x*` matches nothing at all"),
        ("title: {ms: Rumah, en: House}", "title: {ms: Rumah}", "house.yaml:2:8: `en` is missing"),
        ("findings:", "findings: [", "house.yaml:9:"),
        ("groups:", "groups: {}\nx:", "house.yaml:5:1: unknown key `x`"),
        ("lexicon: house", "lexicon: house\nlexicon: other", "house.yaml:2:1: `lexicon` stands here a second time; the first is on line 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(old: str, new: str, sentence: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        parse_lexicon(GOOD.replace(old, new, 1), "house.yaml")
    assert sentence in str(raised.value), str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "just words", "[" * 300, "&a [*a]", "\x00", "a: !!python/object:os.system x"]
)
def test_what_is_no_document_is_an_error_and_no_traceback(text: str) -> None:
    with pytest.raises(DocumentErrors):
        parse_lexicon(text, "house.yaml")


def test_a_document_has_a_bound() -> None:
    with pytest.raises(DocumentErrors, match=f"at most {LONGEST} are read"):
        parse_lexicon("# " + "x" * LONGEST, "house.yaml")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DocumentErrors) as raised:
        parse_lexicon(GOOD.replace("within: 6", "within: 0").replace("match: exact", "match: no"), "house.yaml")
    assert len(raised.value.errors) == 2
