"""A wrong document is refused with every mistake at its place, in the writer's words and with what would do."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gerbang.documents import LONGEST
from gerbang.errors import DocumentErrors
from gerbang.model import Effect, Evidence, Mode
from gerbang.policy.document import MOST_RULES, compile_policy, parse_policy
from policy_builders import SAID, a_document, a_policy_text, a_rule

GOOD = """\
policy: trial
title: {ms: contoh, en: example}
clauses:
  R3: {text: {ms: contoh, en: example}, cites: {federal: "P.U.(A) 395/1993, reg 4(2)(g)"}}
  R5: {text: {ms: contoh, en: example}}
rules:
  - id: hours
    clause: R3
    title: {ms: contoh, en: example}
    when: {regime: office-hours, activity: publishing}
    effect: coach
"""


def refused(text: str) -> list[str]:
    with pytest.raises(DocumentErrors) as caught:
        compile_policy([parse_policy(text, "p.yaml")])
    return str(caught.value).splitlines()


def test_the_good_document_is_good() -> None:
    policy = compile_policy([parse_policy(GOOD, "p.yaml")])
    assert list(policy.rules) == ["trial/hours"]
    rule = policy.rules["trial/hours"]
    assert (rule.effect, rule.mode, rule.evidence, rule.final) == (Effect.COACH, Mode.ENFORCE, Evidence.MASKED, False)
    assert policy.clauses["trial/R3"].citation("federal").law == "P.U.(A) 395/1993, reg 4(2)(g)"


# What stands in the good document, what stands there instead, and the errors.
WRONG: list[tuple[str, str, list[str]]] = [
    ("effect: coach", "effect: blok", ["p.yaml:11:13: unknown effect `blok`; did you mean `block`? expected one of"]),
    ("effect: coach", "effect:", ["p.yaml:11:5: `effect` has no value"]),
    ("    effect: coach\n", "", ["p.yaml:7:5: `effect` is missing"]),
    ("effect: coach", "efect: coach", ["unknown key `efect`; did you mean `effect`?"]),
    ("publishing}", "pots}", ["p.yaml:10:44: unknown activity `pots`; did you mean `post`?"]),
    ("publishing}", "[post, pots]}", ["p.yaml:10:51: unknown activity `pots`"]),
    ("publishing}", "[]}", ["`activity` is empty; leave it out, or say what it holds"]),
    ("office-hours", "ofice-hours", ["p.yaml:10:20: unknown regime `ofice-hours`; did you mean `office-hours`?"]),
    ("publishing}", "publishing, whne: x}", ["p.yaml:10:56: unknown key `whne`; expected one of `regime`"]),
    ("publishing}", "publishing, account: private}", ["unknown account `private`; expected one of `official`"]),
    ("publishing}", "publishing, device: phone}", ["unknown device `phone`; expected one of `managed`, `personal`"]),
    ("publishing}", "publishing, gap: to-large}", ["unknown gap `to-large`; did you mean `too-large`?"]),
    ("publishing}", "publishing, media: yes}", ["p.yaml:10:63: `media` must be `true` or `false`, not `yes`"]),
    ("publishing}", "publishing, officer: 1001}", ["`officer` must be text, not `1001`; put it in quotes"]),
    ("publishing}", "publishing, platform: X Twitter}", ["`X Twitter` is no name; use lower-case letters"]),
    ("publishing}", "publishing, finding: {}}", ["`finding` names neither a category nor a check"]),
    ("publishing}", "publishing, finding: politics}", ["`finding` must be keys and values, not `politics`"]),
    (
        "publishing}",
        "publishing, finding: {category: politcal, at_least: sure, count: 0}}",
        [
            "p.yaml:10:76: unknown category `politcal`; did you mean `political`?",
            "unknown likelihood `sure`; expected one of `possible`",
            "`count` is `0`; at least 1",
        ],
    ),
    ("publishing}", "publishing, between: {from: today}}", ["`today` is no date; write it as `2026-11-24`"]),
    ("publishing}", "publishing, between: {from: 20261124}}", ["`20261124` is no date"]),
    ("publishing}", "publishing, between: {}}", ["`between` has no date"]),
    (
        "publishing}",
        "publishing, between: {from: 2026-11-24, to: 2026-11-23}}",
        ["p.yaml:10:65: `2026-11-23` comes before `2026-11-24`; put the earlier date in `from`"],
    ),
    ("    when: {regime: office-hours, activity: publishing}\n", "    when: {}\n", ["asks nothing in `when`"]),
    ("when: {regime: office-hours, activity: publishing}", "when: always", ["`when` must be keys and values"]),
    ("effect: coach", "effect: coach\n    unless: [{}]", ["p.yaml:12:14: this exemption asks nothing"]),
    ("effect: coach", "effect: coach\n    unless: never", ["`unless` must be keys and values, not `never`"]),
    ("effect: coach", "effect: block\n    ask: [accuracy]", ["p.yaml:12:5: `ask` has no meaning with the effect"]),
    ("effect: coach", "effect: record\n    release_for: 30m", ["p.yaml:12:5: `release_for` has no meaning"]),
    ("effect: coach", "effect: coach\n    release_for: 30", ["`30` is no length of time here; write minutes or hours"]),
    ("effect: coach", "effect: coach\n    release_for: 25h", ["`25h` is no length of time here"]),
    ("effect: coach", "effect: coach\n    release_for: 0m", ["`0m` is no length of time here"]),
    ("effect: coach", "effect: coach\n    mode: on", ["p.yaml:12:11: unknown mode `on`"]),
    ("effect: coach", "effect: coach\n    evidence: full", ["unknown evidence `full`; expected one of `sealed`"]),
    ("effect: coach", "effect: coach\n    final: maybe", ["`final` must be `true` or `false`, not `maybe`"]),
    ("effect: coach", "effect: coach\n    message: stop", ["`message` must be keys and values, not `stop`"]),
    ("effect: coach", "effect: coach\n    message: {ms: henti}", ["`en` is missing"]),
    ("activity: publishing", "activity: [use, post]", ["p.yaml:10:44: `coach` cannot hold the activity `use`"]),
    ("publishing}\n    effect: coach", "use}\n    effect: approve", ["`approve` cannot hold the activity `use`"]),
    ("effect: coach", "effect: coach\n    covered_by: hours", ["p.yaml:12:5: `covered_by` is for a `block` of the"]),
    ("effect: coach", "effect: block\n    covered_by: hours", ["p.yaml:12:5: `covered_by` is for a `block` of the"]),
    (
        "publishing}\n    effect: coach",
        "[use, view]}\n    effect: block\n    covered_by: hours",
        ["`covered_by` is for"],
    ),
    ("publishing}\n    effect: coach", "use}\n    effect: block\n    covered_by: a b", ["`a b` is no rule"]),
    (
        "publishing}\n    effect: coach",
        "use}\n    effect: block\n    covered_by: visits",
        ["unknown rule `trial/visits`"],
    ),
    ("publishing}\n    effect: coach", "use}\n    effect: block\n    covered_by: hours", ["asks nothing at a visit"]),
    (", activity: publishing", "", ["p.yaml:11:13: `coach` needs the key `activity` in `when`"]),
    ("clause: R3", "clause: R33", ["p.yaml:8:13: unknown clause `R33`; did you mean `R3`?"]),
    ("clause: R3", "clause: other/R3", ["p.yaml:8:13: unknown clause `other/R3`; did you mean `trial/R3`?"]),
    ("clause: R3", "clause: R 3", ["`R 3` is no clause; write it like `R3`"]),
    ("clause: R3", "clause: [R3]", ["p.yaml:8:13: `clause` must be text, not `[R3]`"]),
    ("id: hours", "id: Office Hours", ["p.yaml:7:9: `Office Hours` is no name"]),
    ("id: hours", "id: 12", ["p.yaml:7:9: `id` must be text, not `12`; put it in quotes"]),
    ("policy: trial", "policy: a/b", ["p.yaml:1:9: `a/b` is no name"]),
    ("policy: trial\n", "", ["p.yaml:1:1: `policy` is missing"]),
    ("title: {ms: contoh, en: example}\nclauses", "title: contoh\nclauses", ["p.yaml:2:8: `title` must be keys and"]),
    ("  R5: {", "  R 5: {", ["p.yaml:5:3: `R 5` is no clause"]),
    ("example}}\nrules", "example}, cites: {Federal: x}}\nrules", ["p.yaml:5:49: `Federal` is no name"]),
    ("example}}\nrules", "example}, none: later}\nrules", ["`none` must be keys and values, not `later`"]),
    (
        '"P.U.(A) 395/1993, reg 4(2)(g)"}',
        "x}, none: {ms: a, en: b}",
        ["p.yaml:4:62: clause `R3` says that it has no rule"],
    ),
    ("clause: R3", "clause: R5\n    unless: [{remedial: true}]", ["a correction cannot be exempt from clause `R5`"]),
    (
        "clause: R3",
        "clause: R5\n    overrides: {rule: other/x, reason: r, authority: a}\n    unless: [{remedial: false}]",
        ["a correction cannot be exempt from clause `R5`"],
    ),
    (
        "effect: coach",
        "effect: coach\n    unless: [{group: unknown}]",
        ["p.yaml:12:22: an unknown group earns no exempt"],
    ),
    ("effect: coach", "effect: coach\n    unless: [{officer: unknown}]", ["an unknown officer earns no exemption"]),
    ("effect: coach", "effect: coach\n    overrides: {rule: x, reason: r, authority: a}", ["`x` names no document"]),
    (
        "effect: coach",
        "effect: coach\n    overrides: {rule: trial/hours, reason: r, authority: a}",
        ["p.yaml:12:23: `trial/hours` stands in the same document"],
    ),
    ("effect: coach", "effect: coach\n    overrides: {rule: a/b}", ["`reason` is missing", "`authority` is missing"]),
    (
        "effect: coach",
        "effect: coach\n    overrides: {rule: other/x, reason: r, authority: a}",
        ["p.yaml:12:23: unknown rule `other/x`"],
    ),
    (
        "effect: coach",
        "effect: coach\n    effect: block",
        ["p.yaml:12:5: `effect` stands here a second time; the first"],
    ),
    ("effect: coach", "effect: coach\n\tmode: observe", ["p.yaml:12:1: a tab cannot indent a line; use spaces"]),
    ("effect: coach", "effect: coach: x", ["p.yaml:11:18: a second `:` cannot stand here"]),
    ("effect: coach", "effect: !!python/name:os.system", ["the tag `!!python/name:os.system` cannot be used"]),
    ("effect: coach", "effect: !x coach", ["p.yaml:11:13: the tag `!x` cannot be used; leave it out"]),
    ("effect: coach", "effect: *coach", ["p.yaml:11:13: no anchor `coach` was set"]),
    ("effect: coach", "effect: 'coach", ["p.yaml:12:1: this is no YAML"]),
    ("effect: coach", "effect: \x07", ["p.yaml:11:13: the character U+0007 cannot stand in a document"]),
    ("effect: coach", "effect: coach\n---\nx: 1", ["p.yaml:12:1: a second document begins here"]),
    ("effect: coach", "? [a]\n    : b", ["p.yaml:11:7: a key must be a word"]),
    (
        "rules:\n",
        "rules: {}\nrulez:\n",
        ["`rules` must be a list, not `{}`", "unknown key `rulez`; did you mean `rule"],
    ),
]


@pytest.mark.parametrize(("there", "instead", "expected"), WRONG)
def test_what_is_wrong_is_told_with_its_place(there: str, instead: str, expected: list[str]) -> None:
    assert GOOD.count(there) == 1
    told = refused(GOOD.replace(there, instead))
    for wanted in expected:
        assert any(wanted in line for line in told), (wanted, told)
    for line in told:
        assert re.match(r"p\.yaml:\d+:\d+: ", line), line
        assert not re.search(r"\b(str|int|dict|NoneType|pydantic|input|valid|type=|Mapping|ValidationError)\b", line), (
            line
        )
        assert not line.endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "p.yaml:1:1: the document is empty"),
        ("# only a comment\n", "p.yaml:1:1: the document is empty"),
        ("- a\n", "p.yaml:1:1: the document must be keys and values, not `[a]`; write `policy: ...`"),
        ("just words", "p.yaml:1:1: the document must be keys and values, not `just words`"),
        ("null", "p.yaml:1:1: the document is empty"),
    ],
)
def test_what_is_no_policy_at_all(text: str, expected: str) -> None:
    assert refused(text)[0].startswith(expected)


def test_all_errors_are_told_at_once_in_the_order_of_reading() -> None:
    text = GOOD.replace("office-hours", "hours").replace("coach", "stop").replace("clause: R3", "clause: '??'")
    lines = refused(text)
    assert [line.split(":")[1] for line in lines] == ["8", "10", "11"]


def test_two_rules_of_one_name() -> None:
    assert (
        "two rules are called `one`"
        in refused(a_policy_text(a_rule("one", when={"activity": "post"}), a_rule("one", when={"activity": "view"})))[0]
    )


# ---------------------------------------------------------------- bounds


def test_a_document_at_the_bound_is_read_and_one_beyond_it_is_not() -> None:
    filler = LONGEST - len(GOOD) - 2
    assert parse_policy(GOOD + "#" + "x" * filler + "\n", "p.yaml").name == "trial"
    assert f"at most {LONGEST} are read" in refused(GOOD + "#" + "x" * (filler + 1) + "\n")[0]


def test_aliases_that_multiply_are_stopped() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert re.match(r"p\.yaml:\d+:\d+: the document is too large here; at most \d+ values", refused(bomb)[0])


def test_an_alias_of_itself_is_stopped() -> None:
    assert refused("policy: &a [*a]\n") == ["p.yaml:1:13: `a` would hold itself"]


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? "])
def test_deep_nesting_is_stopped(opening: str) -> None:
    assert "nested too deeply" in refused(opening * 1000)[0]


def test_an_anchor_may_be_used_and_set_anew(recwarn: pytest.WarningsRecorder) -> None:
    text = GOOD.replace("title: {ms: contoh, en: example}\nclauses", "title: &t {ms: contoh, en: example}\nclauses")
    text = text.replace("    title: {ms: contoh, en: example}", "    title: *t\n    message: &t {ms: a, en: b}")
    assert parse_policy(text, "p.yaml").shape.rules[0].title.en == "example"
    assert not recwarn.list


def test_as_many_rules_as_allowed_and_no_more() -> None:
    rules = [a_rule(f"r{number}", when={"activity": "post"}) for number in range(MOST_RULES + 1)]
    assert len(a_document(*rules[:-1]).shape.rules) == MOST_RULES
    assert f"at most {MOST_RULES}" in refused(a_policy_text(*rules))[0]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["post", "R3", "block", "30m"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ms", "en", "id", "when", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_value_anywhere_makes_it_fail_in_another_way(data: st.DataObject) -> None:
    shape: Any = json.loads(a_policy_text(a_rule("one", when={"activity": "post", "finding": {"category": "rights"}})))
    target: Any = shape
    while isinstance(target, (dict, list)) and target:
        key = data.draw(st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target))))
        if not isinstance(target[key], (dict, list)) or data.draw(st.booleans()):
            target[key] = data.draw(VALUES)
            break
        target = target[key]
    told = ""
    try:
        compile_policy([parse_policy(json.dumps(shape), "p.yaml")])
    except DocumentErrors as errors:
        told = str(errors)
    assert all(line.startswith("p.yaml:") for line in told.splitlines())


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="a:-[]{}&*!|>'\"%#\n \t?,0", max_size=80))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    with pytest.raises(DocumentErrors):
        parse_policy(text, "p.yaml")


# ---------------------------------------------------------------- several documents


def overriding(rule: str, name: str = "local", **more: Any) -> Any:
    entry = a_rule(
        "softer",
        overrides={"rule": rule, "reason": "the counter answers the public", "authority": "Ketua Jabatan"},
        **{"when": {"activity": "post"}, "effect": "record", **more},
    )
    return a_document(entry, policy=name)


def compiled_errors(*documents: Any) -> str:
    with pytest.raises(DocumentErrors) as caught:
        compile_policy(documents)
    return str(caught.value)


STRICT = a_document(
    a_rule("stop", when={"activity": "post"}),
    a_rule("secret", clause="R5", when={"activity": "post"}),
    a_rule("last", when={"activity": "post"}, final=True),
)


def test_a_final_rule_cannot_be_overridden() -> None:
    told = compiled_errors(STRICT, overriding("trial/last"))
    assert re.match(r"local\.yaml:\d+:\d+: `trial/last` is final; no other document may weaken it", told)


def test_an_override_of_no_rule_is_told_with_the_nearest() -> None:
    assert "unknown rule `trial/stpo`; did you mean `trial/stop`?" in compiled_errors(STRICT, overriding("trial/stpo"))


def test_an_override_cannot_exempt_corrections_from_what_they_must_keep() -> None:
    remedial = {"activity": "post", "remedial": True}
    told = compiled_errors(STRICT, overriding("trial/secret", when=remedial))
    assert "a correction cannot be exempt from clause `R5`" in told
    assert compile_policy([STRICT, overriding("trial/stop", when=remedial)]).rules["trial/stop"].overridden_by


def test_overrides_in_a_circle_are_refused() -> None:
    told = compiled_errors(overriding("b/softer", name="a"), overriding("a/softer", name="b"))
    assert "`a/softer` overrides itself in a circle" in told
    assert "`b/softer` overrides itself in a circle" in told


def test_two_documents_of_one_name_are_refused() -> None:
    assert "two documents are called `trial`" in compiled_errors(STRICT, STRICT)


def test_a_rule_may_answer_to_a_clause_of_another_document() -> None:
    rule = a_rule("ours", clause="trial/R3", when={"activity": "view"})
    policy = compile_policy([STRICT, a_document(rule, policy="local")])
    assert policy.rules["local/ours"].clause is policy.clauses["trial/R3"]


def test_the_digest_names_what_is_said_and_not_how_it_is_laid_out() -> None:
    base = parse_policy(GOOD, "a.yaml")
    same = parse_policy(
        "# a comment\n"
        + GOOD.replace(
            "{regime: office-hours, activity: publishing}", "{activity: [publishing], regime: office-hours}"
        ),
        "b.yaml",
    )
    other = parse_policy(GOOD.replace("coach", "block"), "a.yaml")
    assert compile_policy([base]).digest == compile_policy([same]).digest
    assert compile_policy([base]).digest != compile_policy([other]).digest


def test_a_clause_tells_its_law_in_words_and_its_reason_for_no_rule() -> None:
    clauses = {
        "R1": {"text": SAID, "cites": {"federal": ["PU395-3A", "as written"]}, "none": {"ms": "belum", "en": "not yet"}}
    }
    laws = {"PU395-3A": {"ms": "Peraturan 3A", "en": "Regulation 3A"}}
    clause = compile_policy([a_document(clauses=clauses, laws=laws)]).clauses["trial/R1"]
    assert clause.law("federal", "ms") == ("Peraturan 3A", "as written")
    assert clause.law("federal", "en") == ("Regulation 3A", "as written")
    assert clause.law("state", "en") == ()
    assert clause.none is not None
    assert clause.none.said("en") == "not yet"
