import pytest

from builders import a_decision, a_match, an_activity
from gerbang.answers.reasons import advice, exemption_told, findings, reasons
from gerbang.answers.words import Language, say
from gerbang.model import Effect, Finding, Gap, Likelihood, Mode, Regime


@pytest.mark.parametrize(
    ("by", "malay", "english"),
    [
        (
            "regime: break | outside-hours | rest-day, group: support, approval: political",
            "dikecualikan kerana: luar waktu pejabat, kumpulan sokongan, kelulusan `political` ada dalam fail",
            "exempt because: outside office hours, in the support group, with approval `political` on file",
        ),
        (
            "remedial: true",
            "dikecualikan kerana: ia membetulkan atau menarik balik",
            "exempt because: it corrects or takes back",
        ),
        ("account: official", "dikecualikan kerana: akaun rasmi", "exempt because: official account"),
        (
            "group: support | official-social-media | trainee",
            "dikecualikan kerana: kumpulan sokongan, official-social-media atau pelatih",
            "exempt because: in the support, official-social-media or trainee group",
        ),
        (
            "override:agency/looser",
            "digantikan oleh peraturan agency/looser",
            "replaced by the rule agency/looser",
        ),
        ("mood: sunny", "dikecualikan kerana: mood: sunny", "exempt because: mood: sunny"),
        ("remedial", "dikecualikan kerana: remedial", "exempt because: remedial"),
        ("{x}: {0}", "dikecualikan kerana: {x}: {0}", "exempt because: {x}: {0}"),
    ],
)
def test_an_exemption_is_a_sentence(by: str, malay: str, english: str) -> None:
    assert exemption_told(by, Regime.OUTSIDE_HOURS, Language.MS) == malay
    assert exemption_told(by, Regime.OUTSIDE_HOURS, Language.EN) == english


def test_what_decided_comes_first_and_what_had_no_effect_last() -> None:
    matches = (
        a_match("trial/a", Effect.BLOCK, exempted_by="remedial: true"),
        a_match("trial/b", Effect.BLOCK, mode=Mode.OBSERVE),
        a_match("trial/c", Effect.COACH, released_by="r"),
        a_match("trial/d", Effect.ALLOW),
        a_match("trial/e", Effect.RECORD),
    )
    told = reasons(matches, Effect.RECORD, Regime.BREAK, Language.EN, lambda *_: None)
    assert [item.rule[-1] for item in told] == ["e", "d", "c", "b", "a"]


def test_alike_findings_are_one_line_with_the_place_of_the_first() -> None:
    found = [
        Finding(check, category, Likelihood.LIKELY, start, start + 3, text)
        for check, category, start, text in (
            ("names", "political", 40, 0),
            ("words", "political", 11, 0),
            ("words", "political", 11, 0),
            ("phone", "personal-data", 0, 3),
        )
    ]
    first, second = findings(found, Language.EN)
    assert (first.where, first.checks) == ("in the first text, near character 12, and 1 more", ("names", "words"))
    assert second.where == "in text 4, near character 1"


@pytest.mark.parametrize(
    ("reason", "another"), [("too-large", True), ("unreadable", True), ("encrypted", False), ("sent-earlier", False)]
)
def test_another_version_is_advised_only_where_it_may_help(reason: str, another: bool) -> None:
    decision = a_decision(Effect.BLOCK, activity=an_activity("teks", gaps=(Gap("pinned"), Gap(reason))))
    told = say("advice.gap", Language.EN)
    assert (told in advice(decision, Language.EN)) is another
