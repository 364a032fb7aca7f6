# ruff: noqa: E501 (a row of a table is one line)
"""Examining texts: places, bounds, masks, and what the vocabulary engine promises."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gerbang.bundled import bundled
from gerbang.checks import CHECKS, Checks, compile_checks, examine, mask, parse_lexicon
from gerbang.checks.identity_card import plausible
from gerbang.checks.reading import MAX_FINDINGS, affixed
from gerbang.errors import DocumentErrors
from gerbang.model import Likelihood, Text


@cache
def everything() -> Checks:
    paths = sorted(bundled("policies/lexicons").glob("*.yaml"))
    return compile_checks([parse_lexicon(p.read_text(), str(p)) for p in paths if not p.name.endswith(".cases.yaml")])


def a_lexicon(groups: str, findings: str = "[{find: word, likelihood: likely}]") -> Checks:
    head = "lexicon: house\ntitle: {ms: R, en: H}\ncategory: official-information\n"
    return compile_checks([parse_lexicon(f"{head}groups: {groups}\nfindings: {findings}\n", "house.yaml")])


def found(value: str, checks: Checks) -> list[str]:
    return [value[one.start : one.end] for one in examine([Text("t", value)], checks)]


@pytest.mark.parametrize(
    ("group", "text", "expected"),
    [
        ("[bocor]", "ia bocor", ["bocor"]),
        ("[bocor]", "bocorlah", ["bocorlah"]),
        ("[bocor]", "dibocorkan", []),
        ("[bocor]", "bocoran", []),
        ("[bocor]", "abocor", []),
        ("{terms: [bocor], match: stem}", "dibocorkan", ["dibocorkan"]),
        ("{terms: [bocor], match: stem}", "membocorkannya", ["membocorkannya"]),
        ("{terms: [tipu], match: stem}", "menipu", ["menipu"]),
        ("{terms: [bocor], match: exact}", "bocorlah", []),
        ("{terms: [bocor], match: part}", "xxbocorxx", ["bocor"]),
        ("[机密]", "这是机密文件", ["机密"]),
        ("{terms: [PAS], case: kept}", "PAS dan pas", ["PAS"]),
        ("{terms: [projek helang]}", "PROJEK  HELANG!", ["PROJEK  HELANG"]),
        ("{terms: [projek helang]}", "projek-helang", ["projek-helang"]),
        ("[bocor~]", "bocor", []),
        ("[rahsia]", "r@hs1a", ["r@hs1a"]),
        ("[rahsia]", "r*hsia", ["r*hsia"]),
        ("[ampu]", "@mpu", ["@mpu"]),
        ("{patterns: ['HLG-[0-9]{4}']}", "fail HLG-1234.", ["HLG-1234"]),
        ("[bocor]", "bocorr", ["bocorr"]),
    ],
)
def test_terms_are_found_where_they_should(group: str, text: str, expected: list[str]) -> None:
    assert found(text, a_lexicon(f"{{word: {group}}}")) == expected


def test_a_part_of_a_word_in_chinese_is_found_in_place() -> None:
    checks = a_lexicon("{word: [机密]}")
    (finding,) = examine([Text("t", "abc 这是机密文件")], checks)
    assert "abc 这是机密文件"[finding.start : finding.end] == "机密"


@pytest.mark.parametrize(
    ("text", "hit"),
    [("helang satu dua umum", True), ("helang satu dua tiga empat umum", False), ("helang umum kucing", False)],
)
def test_company_decides(text: str, hit: bool) -> None:
    rule = "[{find: word, near: seen, within: 3, not_near: [cat], not_within: 2, likelihood: likely}]"
    checks = a_lexicon("{word: [helang~], seen: [umum], cat: [kucing]}", rule)
    assert bool(found(text, checks)) is hit


def test_a_count_of_different_places_can_be_asked() -> None:
    checks = a_lexicon("{word: [helang]}", "[{find: word, at_least: 3, likelihood: likely}]")
    assert found("helang helang", checks) == []
    assert found("helang helang helang", checks) == ["helang"] * 3


def test_affixes_melt_the_first_letter() -> None:
    assert {"menulis", "penulis", "ditulis"} <= set(affixed("tulis"))
    assert "memburuk" in affixed("buruk")
    assert "menyapu" in affixed("sapu")
    assert "mengarang" in affixed("karang")


def test_two_vocabularies_of_one_name_are_refused() -> None:
    document = parse_lexicon("lexicon: a\ntitle: {ms: A, en: A}\ncategory: rights\ngroups: {x: [y]}\n", "a.yaml")
    with pytest.raises(DocumentErrors, match="a second vocabulary"):
        compile_checks([document, document])


def test_a_vocabulary_must_have_what_its_check_starts_from() -> None:
    text = "lexicon: personal-attack\ntitle: {ms: A, en: A}\ncategory: personal-attack\ngroups: {x: [y]}\n"
    with pytest.raises(DocumentErrors, match="is missing"):
        compile_checks([parse_lexicon(text, "a.yaml")])


def test_the_digest_names_the_vocabularies_and_not_their_order() -> None:
    one = parse_lexicon("lexicon: a\ntitle: {ms: A, en: A}\ncategory: rights\ngroups: {x: [y]}\n", "a.yaml")
    two = one.model_copy(update={"lexicon": "b"})
    assert compile_checks([one, two]).digest == compile_checks([two, one]).digest
    assert compile_checks([one]).digest != compile_checks([two]).digest
    assert compile_checks([one]).digest == compile_checks([one.model_copy(update={"file": "z.yaml"})]).digest


def test_a_finding_names_its_text() -> None:
    findings = examine([Text("a", "selamat pagi"), Text("b", "kau bodoh")], everything())
    assert [(one.text, one.start, one.end) for one in findings] == [(1, 4, 9)]


def test_no_vocabularies_leave_the_checks_that_need_none() -> None:
    checks = compile_checks([])
    assert [one.check for one in examine([Text("t", "900214-14-5678")], checks)] == ["identity-card"]


def test_each_check_names_itself() -> None:
    assert len({check.ID for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert set(check.TITLE) == {"ms", "en"}


@given(st.text(max_size=200))
@settings(deadline=None)
def test_findings_lie_in_any_text(value: str) -> None:
    for one in examine([Text("t", value)], everything()):
        assert 0 <= one.start < one.end <= len(value)


WORDS = st.sampled_from(
    [
        "kau",
        "bodoh",
        "SULIT",
        "Ruj.",
        "PN",
        "undi",
        "DAP",
        "900214-14-5678",
        "012-3456789",
        "IC",
        "dia",
        "\n",
        ".",
        ",",
        "pembetulan",
        "maaf",
        "hantaran",
        "b0d0h",
        "😂",
        "很",
        "tidak",
        "jangan",
        "sebar",
        "belum",
        "umum",
        "tender",
        "kementerian",
    ]
)


@given(st.lists(WORDS, max_size=40))
@settings(deadline=None)
def test_findings_lie_in_texts_full_of_them(words: list[str]) -> None:
    value = " ".join(words)
    for one in examine([Text("t", value)], everything()):
        assert 0 <= one.start < one.end <= len(value)


@pytest.mark.parametrize(
    "unit",
    [
        "kau bodoh ", "SULIT\n", "Ruj. Kami: A.1-1/1 (1)\n", "900214-14-5678 ", "IC 900214145678,", "9", "1 2 ",
        "012-345 6789 ", "undi PN ", "\"", "'a' ", "maaf hantaran ", "a@b.my ", "KERTAS KABINET ", "(", "b*d*h ", "@a", "JPA.BK(S)", "A/",
        "1-", "KEMENTERIAN A\n", "你笨蛋",
    ],
)  # fmt: skip
def test_hostile_texts_are_judged_with_linear_work_and_bounded_findings(unit: str) -> None:
    """Four times the text is at most about four times the work: calls, branches and jumps are counted, not seconds."""

    def judge(size: int) -> tuple[int, int]:
        texts = [Text("t", unit * (size // len(unit)))]
        with counted() as work:
            findings = examine(texts, everything())
        return work[0], len(findings)

    judge(1000)  # words that are met for the first time are folded once
    small, _ = judge(16_000)
    large, count = judge(64_000)
    assert large < 4.4 * small + 2000, (small, large)  # quadratic work would be sixteen times
    assert count <= MAX_FINDINGS * (len(CHECKS) + 9)


@contextmanager
def counted() -> Iterator[list[int]]:
    """Counts what the interpreter does, in the list's only item."""
    work = [0]

    def count(*_: object) -> None:
        work[0] += 1

    seen = sys.monitoring.events
    events = (seen.PY_START, seen.PY_RESUME, seen.CALL, seen.JUMP, seen.BRANCH)
    tool = next(number for number in range(6) if sys.monitoring.get_tool(number) is None)
    sys.monitoring.use_tool_id(tool, "work")
    try:
        for event in events:
            sys.monitoring.register_callback(tool, event, count)
        sys.monitoring.set_events(tool, sum(events))
        yield work
    finally:
        sys.monitoring.set_events(tool, 0)
        sys.monitoring.free_tool_id(tool)


def test_counted_work_shows_a_quadratic_loop() -> None:
    def pairs(size: int) -> int:
        with counted() as work:
            assert sum(one < other for one in range(size) for other in range(size)) == size * (size - 1) // 2
        return work[0]

    assert pairs(80) > 12 * pairs(20)


def test_texts_that_are_read_together_are_judged_with_linear_work() -> None:
    def judge(texts: int) -> int:
        with counted() as work:
            examine([Text("t", "SULIT\nRuj. Kami: A.1-1/1 (1)")] * texts, everything())
        return work[0]

    judge(2)
    small, large = judge(100), judge(400)
    assert large < 4.4 * small + 2000, (small, large)


@given(st.text(min_size=3, max_size=30), st.text(max_size=60), st.text(max_size=60))
def test_a_mask_holds_no_run_of_the_secret(secret: str, before: str, after: str) -> None:
    value = before + secret + after
    masked = mask(value, len(before), len(before) + len(secret)).lower()
    for at in range(len(secret) - 2):
        run = secret[at : at + 3].lower()
        assert run not in masked or set(run) <= set("•…")


def test_a_mask_hides_the_same_number_written_twice() -> None:
    value = "IC 900214-14-5678 ulang 900214-14-5678"
    assert "9002" not in mask(value, 3, 17)


@pytest.mark.parametrize(
    ("digits", "is_plausible"),
    [
        ("900214145678", True), ("000229145678", True), ("010229145678", False), ("901314145678", False),
        ("900200145678", False), ("900214005678", False), ("900214175678", False), ("900214735678", False),
        ("900214140000", False), ("900431145678", False), ("900430825678", True),
    ],
)  # fmt: skip
def test_identity_numbers_have_a_date_and_a_place(digits: str, is_plausible: bool) -> None:
    assert plausible(digits) is is_plausible


@pytest.mark.parametrize("text", ["[SULIT] Minit mesyuarat pengurusan bil. 5/2026", "SULIT | Minit mesyuarat unit"])
def test_a_label_at_the_head_of_a_line_labels_the_paper_it_names(text: str) -> None:
    (finding,) = (one for one in examine([Text("t", text)], everything()) if one.check == "classification-label")
    assert finding.likelihood is Likelihood.LIKELY
    assert text[finding.start : finding.end] == "SULIT"


def test_a_pattern_may_name_the_part_that_is_found() -> None:
    assert found("hidup Helang!", a_lexicon("{word: {patterns: ['hidup (?P<found>[A-Z]\\w+)!']}}")) == ["Helang"]


def test_a_label_with_structure_is_certain_and_a_word_is_nothing() -> None:
    paper = "SULIT\nRuj. Kami: KPKT.600-1/2/3 Jld. 2 (45)\nTuan,"
    assert examine([Text("t", paper)], everything())[0].likelihood is Likelihood.CERTAIN
    assert examine([Text("t", "soalan tadi sulit")], everything()) == ()
