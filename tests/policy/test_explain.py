"""An explanation is the decision, told: the same matches, and for each key what was wanted and found."""

from typing import Any

from hypothesis import given, settings

from gerbang.model import Regime
from gerbang.policy.conditions import Facts
from gerbang.policy.decide import decide
from gerbang.policy.document import Document, compile_policy
from gerbang.policy.explain import Trial, explain
from gerbang.policy.rules import Policy
from policy_builders import a_document, a_finding, a_release, a_rule, some_facts
from policy_strategies import FACTS, policies


def the_trial(policy: Policy, name: str, *releases: str, **facts: Any) -> Trial:
    given_releases = [a_release(*releases)] if releases else []
    trials = {trial.rule.id: trial for trial in explain(policy, some_facts(**facts), given_releases)}
    return trials[name]


HOURS = a_rule(
    "hours", when={"regime": "office-hours", "activity": "publishing"}, unless=[{"remedial": True}, {"group": "media"}]
)
WATCH = a_rule("watch", when={"activity": "post"}, mode="observe")
ASK = a_rule("ask", when={"activity": "post", "platform": "x"}, effect="coach")
POLICY = compile_policy([a_document(HOURS, WATCH, ASK)])


def test_a_rule_that_matched_tells_what_it_met_and_why_nothing_exempts() -> None:
    trial = the_trial(POLICY, "trial/hours")
    assert trial.outcome == "in-force"
    assert trial.sentence == (
        "yes: activity is post, regime is office-hours; not exempt: remedial is false, not true; "
        "group is professional, not media"
    )


def test_a_rule_that_did_not_match_tells_only_what_was_missing() -> None:
    trial = the_trial(POLICY, "trial/hours", regime=Regime.BREAK)
    assert not trial.matched
    assert trial.outcome == "no-match"
    assert trial.sentence == "no: regime is break, not office-hours"
    assert [(reason.key, reason.holds) for reason in trial.reasons] == [("activity", True), ("regime", False)]


def test_an_exempted_rule_names_the_exemption_and_shows_all_that_were_tried() -> None:
    trial = the_trial(POLICY, "trial/hours", remedial=True)
    assert trial.outcome == "exempted"
    assert trial.sentence == "yes (activity is post, regime is office-hours), but exempt: remedial: true"
    assert [(text, [reason.holds for reason in reasons]) for text, reasons in trial.exemptions] == [
        ("remedial: true", [True]),
        ("group: media", [False]),
    ]


def test_an_observing_rule_says_so() -> None:
    assert the_trial(POLICY, "trial/watch").sentence == "yes (activity is post), only observed"


def test_missing_calendar_data_is_told() -> None:
    trial = the_trial(POLICY, "trial/hours", regime=Regime.UNKNOWN)
    assert trial.outcome == "observed"
    assert "only observed: the calendar has no data" in trial.sentence


def test_a_released_rule_names_the_release() -> None:
    trial = the_trial(POLICY, "trial/ask", "trial/ask")
    assert trial.outcome == "released"
    assert trial.sentence.endswith("satisfied by release release-1")


def test_an_overridden_rule_names_what_replaced_it() -> None:
    over = {"rule": "trial/hours", "reason": "r", "authority": "a"}
    local = a_document(a_rule("softer", when={"activity": "post"}, effect="record", overrides=over), policy="local")
    trial = the_trial(compile_policy([a_document(HOURS), local]), "trial/hours")
    assert trial.outcome == "overridden"
    assert trial.sentence.endswith("but replaced by local/softer")


def test_findings_are_told_by_category_likelihood_and_check() -> None:
    rule = a_rule("political", when={"finding": {"category": "political", "at_least": "certain"}})
    trial = the_trial(compile_policy([a_document(rule)]), "trial/political", findings=(a_finding("political"),))
    assert trial.sentence == "no: finding is political likely (party-names), not political at least certain"


@settings(max_examples=60, deadline=None)
@given(documents=policies(), facts=FACTS)
def test_every_rule_is_tried_and_the_matches_are_those_of_the_decision(documents: list[Document], facts: Facts) -> None:
    policy = compile_policy(documents)
    trials = explain(policy, facts)
    assert [trial.rule.id for trial in trials] == list(policy.rules)
    assert tuple(trial.match for trial in trials if trial.match) == decide(policy, facts)
    for trial in trials:
        assert trial.matched is all(reason.holds for reason in trial.reasons)
