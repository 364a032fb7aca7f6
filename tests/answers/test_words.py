import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.answers.words import PHRASES, Language, preferred, say, term
from gerbang.model import Device, Effect, Kind, Likelihood, Mode, Regime, Standing
from gerbang.record.number import check_number


@pytest.mark.parametrize("key", PHRASES)
def test_each_phrase_is_in_both_languages_with_the_same_placeholders(key: str) -> None:
    phrase = PHRASES[key]
    assert phrase.ms.strip()
    assert phrase.en.strip()
    # A holiday has a name of its own in each language; every other value is the same in both.
    names = {"name_en": "name"}
    slots = [{names.get(f, f) for _, f, _, _ in Formatter().parse(text) if f} for text in phrase]
    assert slots[0] == slots[1], key


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("effect", Effect),
        ("kind", Kind),
        ("regime", Regime),
        ("standing", Standing),
        ("device", Device),
        ("likelihood", Likelihood),
        ("mode", Mode),
    ],
)
def test_each_word_of_the_model_is_said_in_both_languages(group: str, words: type[Effect]) -> None:
    for word in words:
        assert f"{group}.{word.value}" in PHRASES


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, Language.MS),
        ("", Language.MS),
        ("ms", Language.MS),
        ("en-US,en;q=0.9", Language.EN),
        ("en-US,en;q=0.9,ms;q=0.95", Language.EN),
        ("ms-MY,ms;q=0.9,en;q=0.8", Language.MS),
        ("en;q=0.2, ms;q=0.7", Language.MS),
        ("EN", Language.EN),
        ("zh-CN,zh;q=0.9", Language.MS),
        ("en;q=0", Language.MS),
        ("english", Language.MS),
        ("enx", Language.MS),
        ("*;q=1, en;q=0.1", Language.EN),
        (" en ; q=0.5 ", Language.EN),
        (",,;;q=,en", Language.EN),
    ],
)
def test_the_reader_is_answered_in_the_first_language_that_we_have(header: str | None, language: Language) -> None:
    assert preferred(header) is language


def test_the_default_language_is_for_who_names_none_of_ours() -> None:
    assert preferred("ta", Language.EN) is Language.EN


@given(st.text())
def test_no_header_breaks_the_choice(header: str) -> None:
    assert preferred(header) in Language


@given(st.text(), st.sampled_from(Language))
def test_a_word_that_the_catalogue_lacks_is_shown_as_it_stands(word: str, language: Language) -> None:
    if f"effect.{word}" not in PHRASES:
        assert term("effect", word, language) == word


def test_a_fact_is_said_with_its_arguments_and_never_with_a_braced_name() -> None:
    told = term("fact", "holiday", Language.EN, {"name": "Hari Contoh", "name_en": "Example Day"})
    assert told == "public holiday: Example Day"
    assert "{" not in term("fact", "holiday", Language.MS, {})


def test_arguments_are_put_in_once_and_not_read_as_placeholders() -> None:
    assert say("own.decision.title", Language.EN, number="{kind}") == "Decision {kind}"
    assert term("fact", "holiday", Language.MS, {"name": "{source}"}) == "cuti umum: {source}"


def test_no_phrase_threatens() -> None:
    """A warning names the rule and the way on; it never threatens with punishment."""
    threats = re.compile(r"\b(hukum|tatatertib|dibuang kerja|punish|disciplin|dismiss|penalt)", re.I)
    assert [key for key, phrase in PHRASES.items() if any(threats.search(text) for text in phrase)] == []


@pytest.mark.parametrize("language", list(Language))
def test_the_example_of_a_number_is_a_number(language: Language) -> None:
    (example,) = re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", say("console.missing", language))
    assert check_number(example) == example
