"""The strictest rule wins, every match is kept, and the order of rules never matters."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gerbang.model import (
    Device,
    Duty,
    Effect,
    Evidence,
    Gap,
    Kind,
    Match,
    Mode,
    Regime,
    Standing,
)
from gerbang.policy.conditions import KEYS, Facts
from gerbang.policy.decide import decide, decide_early, effect_of
from gerbang.policy.document import Document, compile_policy
from gerbang.policy.rules import Policy
from policy_builders import a_document, a_finding, a_release, a_rule, some_facts
from policy_strategies import FACTS, WHEN, policies

OFFICE_POST = {"regime": "office-hours", "activity": "publishing"}


def a_policy(*rules: dict[str, Any], **more: Any) -> Policy:
    return compile_policy([a_document(*rules, **more)])


def by_rule(matches: Sequence[Match]) -> dict[str, Match]:
    return {match.rule.removeprefix("trial/"): match for match in matches}


# ---------------------------------------------------------------- the strictest wins


def test_no_rule_means_allowed() -> None:
    assert decide(a_policy(), some_facts()) == ()
    assert effect_of(()) is Effect.ALLOW


def test_the_strictest_effect_wins_and_every_match_is_kept() -> None:
    policy = a_policy(
        *(a_rule(effect, when=OFFICE_POST, effect=effect) for effect in ("record", "block", "coach", "allow"))
    )
    matches = decide(policy, some_facts())
    assert sorted(by_rule(matches)) == ["allow", "block", "coach", "record"]
    assert effect_of(matches) is Effect.BLOCK


def test_an_observing_rule_is_kept_and_has_no_effect() -> None:
    matches = decide(a_policy(a_rule("watch", when=OFFICE_POST, mode="observe")), some_facts())
    assert [match.mode for match in matches] == [Mode.OBSERVE]
    assert effect_of(matches) is Effect.ALLOW


def test_a_match_carries_what_the_rule_says() -> None:
    rule = a_rule(
        "held", when=OFFICE_POST, effect="coach", ask=["accuracy", "copyright"], release_for="2h", evidence="none"
    )
    (match,) = decide(a_policy(rule), some_facts(legal_regime="federal"))
    assert (match.asks, match.release_for, match.evidence) == (("accuracy", "copyright"), 7200, Evidence.NONE)
    assert (match.citation.clause, match.citation.law) == ("R3", "PU395-4-2-G, PKPA-1-2003")


def test_the_law_is_that_of_the_officers_employer() -> None:
    policy = a_policy(a_rule("held", when=OFFICE_POST))
    laws = {
        regime: decide(policy, some_facts(legal_regime=regime))[0].citation.law
        for regime in ("federal", "statutory-body", "state")
    }
    assert laws == {"federal": "PU395-4-2-G, PKPA-1-2003", "statutory-body": "Act 605", "state": None}


# ---------------------------------------------------------------- what each key asks

MATCHES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"regime": "break"}, {"regime": Regime.BREAK}, True),
    ({"regime": ["break", "rest-day"]}, {"regime": Regime.OFFICE_HOURS}, False),
    ({"activity": "publishing"}, {"kind": Kind.COMMENT}, True),
    ({"activity": "publishing"}, {"kind": Kind.REACT}, False),
    ({"activity": "participating"}, {"kind": Kind.REACT}, True),
    ({"activity": "participating"}, {"kind": Kind.VIEW}, False),
    ({"activity": "post"}, {"kind": Kind.POST, "unclaimed": True}, True),
    ({"activity": "write"}, {"kind": Kind.POST, "unclaimed": True}, True),
    ({"activity": "post"}, {"kind": Kind.WRITE, "unclaimed": True}, False),
    ({"activity": "post"}, {"kind": Kind.WRITE, "unclaimed": True, "gaps": (Gap("unreadable"),)}, True),
    ({"activity": "write"}, {"kind": Kind.WRITE, "unclaimed": True}, True),
    ({"activity": "comment"}, {"kind": Kind.WRITE, "unclaimed": True}, False),
    ({"activity": "post"}, {"kind": Kind.WRITE}, False),
    ({"account": "official"}, {"standing": Standing.OFFICIAL}, True),
    ({"account": "personal"}, {"standing": Standing.UNKNOWN}, True),
    ({"account": "unknown"}, {"standing": Standing.PERSONAL}, False),
    ({"account": "official"}, {"standing": Standing.UNKNOWN}, False),
    ({"device": "personal"}, {"device": Device.MANAGED}, False),
    ({"platform": ["x", "facebook"]}, {"platform": "x"}, True),
    ({"platform": "facebook"}, {"platform": "x"}, False),
    ({"office": "hq"}, {"office": "hq"}, True),
    ({"zone": "guest"}, {"zone": "pejabat"}, False),
    ({"officer": "P-1001"}, {"officer": "P-1001"}, True),
    ({"officer": "unknown"}, {"officer": None}, True),
    ({"officer": "P-1001"}, {"officer": None}, False),
    ({"officer": "known"}, {"officer": "P-1001"}, True),
    ({"officer": "known"}, {"officer": None}, False),
    ({"officer": ["known", "unknown"]}, {"officer": None}, True),
    ({"group": "support"}, {"service_group": "support"}, True),
    ({"group": "official-social-media"}, {"groups": frozenset({"official-social-media"})}, True),
    ({"group": "support"}, {"service_group": ""}, False),
    ({"group": "unknown"}, {"service_group": ""}, True),
    ({"group": "unknown"}, {"service_group": "support"}, False),
    ({"audience": "public"}, {"audience": "public"}, True),
    ({"audience": "public"}, {"audience": None}, False),
    ({"target": "@PartiContoh"}, {"target": "particontoh"}, True),
    ({"target": "@PartiContoh"}, {"target": None}, False),
    ({"target_in": "parties"}, {"target_lists": frozenset({"parties", "rivals"})}, True),
    ({"target_in": ["unions", "rivals"]}, {"target_lists": frozenset({"parties"})}, False),
    ({"media": True}, {"media": True}, True),
    ({"media": False}, {"media": True}, False),
    ({"gap": ["too-large", "unreadable"]}, {"gaps": (Gap("unreadable"),)}, True),
    ({"gap": "too-large"}, {"gaps": (Gap("encrypted"),)}, False),
    ({"gap": "too-large"}, {}, False),
    ({"remedial": True}, {"remedial": True}, True),
    ({"remedial": True}, {}, False),
    ({"approval": "political"}, {"approvals": frozenset({"political"})}, True),
    ({"approval": "political"}, {"approvals": frozenset({"statement"})}, False),
    ({"account_duty": "off-duty"}, {"duty": Duty.OFF_DUTY}, True),
    ({"account_duty": ["on-duty", "nobody-listed"]}, {"duty": Duty.OFF_DUTY}, False),
    ({"account_duty": "off-duty"}, {"duty": None}, False),
    ({"between": {"from": "2026-11-24", "to": "2026-11-24"}}, {}, True),
    ({"between": {"from": "2026-11-25"}}, {}, False),
    ({"between": {"to": "2026-11-23"}}, {}, False),
    ({"between": [{"to": "2026-01-01"}, {"from": "2026-11-24"}]}, {}, True),
    ({"finding": {"category": "political"}}, {"findings": (a_finding("political", "possible"),)}, True),
    (
        {"finding": {"category": "political", "at_least": "likely"}},
        {"findings": (a_finding("political", "possible"),)},
        False,
    ),
    (
        {"finding": {"category": "political", "at_least": "likely"}},
        {"findings": (a_finding("political", "certain"),)},
        True,
    ),
    ({"finding": {"category": ["political", "sensitive"]}}, {"findings": (a_finding("sensitive"),)}, True),
    ({"finding": {"check": "mykad"}}, {"findings": (a_finding("personal-data", check="phone"),)}, False),
    ({"finding": {"category": "personal-data", "count": 2}}, {"findings": (a_finding("personal-data"),) * 2}, True),
    ({"finding": {"category": "personal-data", "count": 3}}, {"findings": (a_finding("personal-data"),) * 2}, False),
    (
        {"finding": [{"category": "rights"}, {"category": "political", "at_least": "certain"}]},
        {"findings": (a_finding("political", "certain"),)},
        True,
    ),
]


@pytest.mark.parametrize(("when", "facts", "expected"), MATCHES)
def test_a_key_of_when(when: dict[str, Any], facts: dict[str, Any], expected: bool) -> None:
    policy = a_policy(a_rule("asked", when=when, effect="record"))
    assert bool(decide(policy, some_facts(**facts))) is expected


def test_the_table_asks_every_key() -> None:
    assert {key for when, _, _ in MATCHES for key in when} == set(KEYS)


def test_keys_are_anded() -> None:
    policy = a_policy(a_rule("both", when={"platform": "x", "regime": "break"}, effect="record"))
    assert decide(policy, some_facts(platform="x", regime=Regime.OFFICE_HOURS)) == ()
    assert decide(policy, some_facts(platform="facebook", regime=Regime.BREAK)) == ()
    assert decide(policy, some_facts(platform="x", regime=Regime.BREAK)) != ()


# ---------------------------------------------------------------- exemptions

POLITICAL = a_rule(
    "political",
    clause="R6",
    when={"activity": "participating", "finding": {"category": "political", "at_least": "likely"}},
    unless=[{"approval": "political", "group": "support", "regime": ["break", "outside-hours", "rest-day"]}],
)


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({}, Effect.ALLOW),
        ({"service_group": ""}, Effect.BLOCK),
        ({"service_group": "unknown"}, Effect.BLOCK),
        ({"service_group": "professional"}, Effect.BLOCK),
        ({"approvals": frozenset()}, Effect.BLOCK),
        ({"regime": Regime.OFFICE_HOURS}, Effect.BLOCK),
        ({"regime": Regime.FLEXIBLE}, Effect.BLOCK),
        ({"regime": Regime.UNKNOWN}, Effect.BLOCK),
        ({"regime": Regime.REST_DAY}, Effect.ALLOW),
    ],
)
def test_an_exemption_needs_all_of_its_keys(change: dict[str, Any], effect: Effect) -> None:
    facts = some_facts(
        findings=(a_finding("political"),),
        service_group="support",
        approvals=frozenset({"political"}),
        regime=Regime.OUTSIDE_HOURS,
    )
    assert effect_of(decide(a_policy(POLITICAL), replace(facts, **change))) is effect


def test_the_exemption_that_applied_is_named_in_the_match() -> None:
    rule = a_rule("held", when=OFFICE_POST, unless=[{"group": "elsewhere"}, {"remedial": True}])
    (match,) = decide(a_policy(rule), some_facts(remedial=True))
    assert match.exempted_by == "remedial: true"
    assert not match.in_force


# ---------------------------------------------------------------- no calendar data


@pytest.mark.parametrize("regimes", ["office-hours", ["office-hours", "flexible"]])
def test_without_calendar_data_a_rule_on_office_hours_only_observes(regimes: Any) -> None:
    policy = a_policy(a_rule("hours", when={"regime": regimes, "activity": "publishing"}))
    (match,) = decide(policy, some_facts(regime=Regime.UNKNOWN))
    assert match.mode is Mode.OBSERVE
    assert effect_of((match,)) is Effect.ALLOW


def test_a_rule_can_say_what_it_does_without_calendar_data() -> None:
    policy = a_policy(a_rule("hours", when={"regime": ["office-hours", "unknown"], "activity": "publishing"}))
    assert effect_of(decide(policy, some_facts(regime=Regime.UNKNOWN))) is Effect.BLOCK


def test_a_rule_on_other_hours_does_not_match_without_calendar_data() -> None:
    policy = a_policy(a_rule("rest", when={"regime": "rest-day", "activity": "publishing"}))
    assert decide(policy, some_facts(regime=Regime.UNKNOWN)) == ()


# ---------------------------------------------------------------- releases


def test_a_release_satisfies_the_hold_that_it_names() -> None:
    policy = a_policy(
        a_rule("one", when=OFFICE_POST, effect="coach"),
        a_rule("two", when=OFFICE_POST, effect="approve"),
        a_rule("three", when=OFFICE_POST, effect="record"),
    )
    matches = decide(policy, some_facts(), [a_release("trial/one", "trial/three")])
    assert {rule: match.released_by for rule, match in by_rule(matches).items()} == {
        "one": "release-1",
        "two": None,
        "three": None,
    }
    assert effect_of(matches) is Effect.APPROVE


def test_no_release_satisfies_a_block() -> None:
    matches = decide(a_policy(a_rule("stop", when=OFFICE_POST)), some_facts(), [a_release("trial/stop")])
    assert effect_of(matches) is Effect.BLOCK


def test_what_was_confirmed_at_the_visit_covers_the_use_that_names_it_and_no_other() -> None:
    visits = a_rule("visits", when={"activity": "view"}, effect="coach")
    policy = a_policy(
        visits,
        a_rule("chat", when={"activity": "use", "gap": "encrypted"}, covered_by="visits"),
        a_rule("device", when={"activity": "use", "device": "personal"}),
        a_rule("looks", when={"activity": "view"}, effect="coach"),
    )
    sealed = some_facts(kind=Kind.USE, gaps=(Gap("encrypted"),))
    assert effect_of(decide(policy, sealed)) is Effect.BLOCK
    matches = by_rule(decide(policy, sealed, [a_release("trial/visits")]))
    assert matches["chat"].released_by == "release-1"
    for other in ("chat", "looks", "device"):
        assert effect_of(decide(policy, sealed, [a_release(f"trial/{other}")])) is Effect.BLOCK
    own = replace(sealed, device=Device.PERSONAL)
    assert effect_of(decide(policy, own, [a_release("trial/visits")])) is Effect.BLOCK


# ---------------------------------------------------------------- overrides

STRICT = a_document(a_rule("stop", when={"activity": "publishing"}), a_rule("other", when={"activity": "publishing"}))


def a_weaker(name: str = "local", over: str = "trial/stop", **more: Any) -> Document:
    rule = a_rule(
        "softer",
        overrides={"rule": over, "reason": "our unit answers the public", "authority": "Ketua Jabatan, 3/2026"},
        **{"when": {"activity": "publishing", "office": "hq"}, "effect": "record", **more},
    )
    return a_document(rule, policy=name)


def test_an_override_replaces_that_rule_and_no_other() -> None:
    matches = decide(compile_policy([STRICT, a_weaker()]), some_facts())
    assert {match.rule: match.exempted_by for match in matches} == {
        "trial/stop": "override:local/softer",
        "trial/other": None,
        "local/softer": None,
    }
    assert effect_of(matches) is Effect.BLOCK


@pytest.mark.parametrize(
    ("more", "facts"),
    [
        ({}, {"office": "cawangan"}),
        ({"mode": "observe"}, {}),
        ({"unless": [{"platform": "x"}]}, {}),
        ({"when": {"regime": "office-hours", "activity": "publishing"}}, {"regime": Regime.UNKNOWN}),
    ],
    ids=["its own when does not hold", "it only observes", "it is exempt itself", "no calendar data"],
)
def test_an_override_that_is_not_in_force_replaces_nothing(more: dict[str, Any], facts: dict[str, Any]) -> None:
    matches = {match.rule: match for match in decide(compile_policy([STRICT, a_weaker(**more)]), some_facts(**facts))}
    assert matches["trial/stop"].exempted_by is None


def test_an_override_that_was_released_still_replaces() -> None:
    strict = a_document(a_rule("stop", when={"activity": "publishing"}))
    policy = compile_policy([strict, a_weaker(effect="coach")])
    assert effect_of(decide(policy, some_facts())) is Effect.COACH
    assert effect_of(decide(policy, some_facts(), [a_release("local/softer")])) is Effect.ALLOW


def test_an_override_that_is_itself_replaced_replaces_nothing() -> None:
    last = a_weaker("branch", "local/softer", when={"activity": "publishing", "platform": "x"})
    matches = {match.rule: match for match in decide(compile_policy([last, STRICT, a_weaker()]), some_facts())}
    assert matches["local/softer"].exempted_by == "override:branch/softer"
    assert matches["trial/stop"].exempted_by is None


# ---------------------------------------------------------------- properties


@settings(max_examples=60, deadline=None)
@given(documents=policies(), facts=FACTS, data=st.data())
def test_shuffled_rules_decide_the_same(documents: list[Document], facts: Facts, data: st.DataObject) -> None:
    shuffled = [
        a_document(*data.draw(st.permutations(document.tree.value["rules"])), policy=document.name)
        for document in data.draw(st.permutations(documents))
    ]
    assert decide(compile_policy(documents), facts) == decide(compile_policy(shuffled), facts)
    assert compile_policy(documents).digest == compile_policy(shuffled).digest


@settings(max_examples=60, deadline=None)
@given(documents=policies(), facts=FACTS, when=WHEN)
def test_one_more_block_rule_never_loosens_a_decision(
    documents: list[Document], facts: Facts, when: dict[str, Any]
) -> None:
    before = effect_of(decide(compile_policy(documents), facts))
    more = a_document(a_rule("stop", when=when), policy="more")
    assert effect_of(decide(compile_policy([*documents, more]), facts)) >= before


BODY = frozenset({"finding", "gap", "remedial", "audience", "target", "target_in", "media", "account"})
FIELDS = {"finding": "findings", "gap": "gaps", "account": "standing", "target_in": "target_lists"}


@settings(max_examples=150, deadline=None)
@given(
    documents=policies(),
    facts=FACTS,
    unknown=st.frozensets(st.sampled_from(sorted(BODY))),
    completions=st.lists(FACTS, min_size=1, max_size=8),
)
def test_an_early_decision_is_never_contradicted_by_the_body(
    documents: list[Document], facts: Facts, unknown: frozenset[str], completions: list[Facts]
) -> None:
    policy = compile_policy(documents)
    early = decide_early(policy, replace(facts, unknown=unknown))
    if early is None:
        return
    for other in completions:
        known = {FIELDS.get(key, key): getattr(other, FIELDS.get(key, key)) for key in unknown}
        late = decide(policy, replace(facts, **known))
        if effect_of(early) is Effect.BLOCK:
            assert effect_of(late) is Effect.BLOCK
            assert in_force(early) <= in_force(late)
        else:
            assert in_force(early) == in_force(late)
            assert {match.rule for match in early} == {match.rule for match in late}


def in_force(matches: Sequence[Match]) -> set[str]:
    return {match.rule for match in matches if match.in_force}


@settings(max_examples=50, deadline=None)
@given(documents=policies(), facts=FACTS)
def test_with_nothing_unknown_early_is_the_decision(documents: list[Document], facts: Facts) -> None:
    policy = compile_policy(documents)
    assert decide_early(policy, facts) == decide(policy, facts)


# ---------------------------------------------------------------- before the body is read


def test_a_block_that_no_body_can_undo_is_given_early() -> None:
    policy = a_policy(
        a_rule("hours", when=OFFICE_POST), a_rule("secret", when={"finding": {"category": "official-information"}})
    )
    early = decide_early(policy, some_facts(unknown=frozenset({"finding"})))
    assert early is not None
    assert [match.rule for match in early] == ["trial/hours"]


def test_a_block_that_a_correction_would_undo_waits_for_the_body() -> None:
    policy = a_policy(a_rule("hours", when=OFFICE_POST, unless=[{"remedial": True}]))
    assert decide_early(policy, some_facts(unknown=frozenset({"remedial"}))) is None


def test_a_block_that_an_override_may_replace_waits_for_the_body() -> None:
    strict = a_document(a_rule("stop", when={"activity": "publishing"}))
    softer = a_weaker(when={"activity": "publishing", "media": True})
    assert decide_early(compile_policy([strict, softer]), some_facts(unknown=frozenset({"media"}))) is None


def test_nothing_that_matters_unknown_is_decided_early() -> None:
    policy = a_policy(a_rule("secret", when={"activity": "post", "finding": {"category": "official-information"}}))
    assert decide_early(policy, some_facts(kind=Kind.VIEW, unknown=frozenset({"finding"}))) == ()
    assert decide_early(policy, some_facts(kind=Kind.POST, unknown=frozenset({"finding"}))) is None


# ---------------------------------------------------------------- the index


def every_combination() -> Iterator[Facts]:
    for kind, regime, standing, device, media, remedial in product(
        Kind, Regime, Standing, Device, [True, False], [True, False]
    ):
        yield some_facts(kind=kind, regime=regime, standing=standing, device=device, media=media, remedial=remedial)


def test_the_index_stays_bounded_and_answers_beyond_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.policy.rules._MOST_BUCKETS", 50)
    policy = a_policy(a_rule("hours", when=OFFICE_POST))
    matched = sum(bool(decide(policy, facts)) for facts in every_combination())
    # Six kinds publish; hours hold in office hours and, observing, where the calendar has no data.
    assert matched == 6 * 2 * len(Standing) * len(Device) * 4
    assert len(policy._buckets) == 50
