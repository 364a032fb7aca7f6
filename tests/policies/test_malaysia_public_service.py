"""The built-in policy: every clause of the guidance has a rule, every rule has its cases, and every case holds."""

from pathlib import Path

import pytest

from gerbang.bundled import bundled
from gerbang.cases import Result
from gerbang.checks.lexicon import parse_lexicon
from gerbang.cli.policy.checking import known_checks
from gerbang.loading import each, sources
from gerbang.model import Effect, Evidence, Kind, Mode
from gerbang.policy.decide import HOLDS
from gerbang.policy.document import Document
from gerbang.policy.protected import parse_protected
from gerbang.policy.rules import Policy
from gerbang.settings import Settings
from gerbang.trying import Loaded, load_policies, trial_world, tried

NAME = "malaysia-public-service"
CLAUSES = [*(f"R{number}" for number in range(1, 9)), "R8-data", *(f"R{number}" for number in range(9, 13))]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_policies(Settings(), bundled("policies"))


@pytest.fixture(scope="module")
def document(loaded: Loaded) -> Document:
    return next(document for document in loaded.documents if document.name == NAME)


@pytest.fixture(scope="module")
def results(loaded: Loaded) -> tuple[Result, ...]:
    return tried(loaded, trial_world(loaded, Settings()))


@pytest.fixture
def policy(loaded: Loaded) -> Policy:
    return loaded.policy


def test_every_case_holds(results: tuple[Result, ...]) -> None:
    assert [(result.name, result.failures) for result in results if not result.passed] == []
    assert len(results) >= 90


def test_every_clause_has_a_rule_or_a_reason(document: Document, policy: Policy) -> None:
    assert list(document.shape.clauses) == CLAUSES
    answered = {rule.clause.name for rule in policy.rules.values() if rule.document == NAME}
    bare = [clause for clause in CLAUSES if clause not in answered and not document.shape.clauses[clause].none]
    assert bare == []


def test_every_rule_is_met_by_a_case_and_left_alone_by_two(document: Document, results: tuple[Result, ...]) -> None:
    """A near miss is a case about the rule's own clause in which the rule does not match."""
    matched = [{match.rule for match in result.decision.matches} for result in results]
    for rule in document.shape.rules:
        rule_id = f"{NAME}/{rule.id}"
        hits = sum(rule_id in rules for rules in matched)
        misses = sum(
            rule_id not in rules and result.name.startswith(f"{rule.clause} ")
            for rules, result in zip(matched, results, strict=True)
        )
        assert hits >= 1, rule.id
        assert misses >= 2, rule.id


def test_every_exemption_is_met_by_a_case(policy: Policy, results: tuple[Result, ...]) -> None:
    met = {(match.rule, match.exempted_by) for result in results for match in result.decision.matches}
    # One case for a remedial act stands for the rules of R9 that spare it alike.
    missing = [
        (rule.id, exemption.text)
        for rule in policy.rules.values()
        for exemption in rule.unless
        if (rule.id, exemption.text) not in met
    ]
    assert missing == [
        (f"{NAME}/official-post-attestation", "remedial: true"),
        (f"{NAME}/sensitive-subject", "remedial: true"),
        (f"{NAME}/viewing-in-flexible-hours", "account: official"),
    ]


def test_citations_cover_each_kind_of_employer_in_both_languages(policy: Policy) -> None:
    for clause in policy.clauses.values():
        for regime in ("federal", "statutory-body", "state"):
            assert clause.citation(regime).law, (clause.name, regime)
            for key in clause.cites[regime]:
                assert key in clause.laws, key
        assert all(clause.law("federal", language) for language in ("ms", "en"))
    assert policy.clauses[f"{NAME}/R6"].citation("statutory-body").law == "AKTA605-20"
    assert "P.U.(A) 395/1993" not in " ".join(policy.clauses[f"{NAME}/R3"].law("state", "en"))


def test_no_law_is_listed_that_no_clause_cites(document: Document) -> None:
    cited = {key for clause in document.shape.clauses.values() for keys in clause.cites.values() for key in keys}
    assert set(document.shape.laws) == cited


def test_nothing_asks_an_approver_yet(policy: Policy) -> None:
    assert not [rule.id for rule in policy.rules.values() if rule.effect is Effect.APPROVE]


def test_only_visits_and_three_clauses_hold_while_a_page_cannot_be_asked_in_place(document: Document) -> None:
    for rule in document.shape.rules:
        if rule.effect in HOLDS and rule.mode is Mode.ENFORCE:
            assert rule.clause in {"R5", "R7", "R8", "R8-data"} or rule.when.activity == (Kind.VIEW,), rule.id


def test_the_flexible_band_is_only_observed(document: Document) -> None:
    flexible = [rule for rule in document.shape.rules if "flexible" in (rule.when.regime or ())]
    assert len(flexible) == 5
    assert all(rule.mode is Mode.OBSERVE for rule in flexible)


def test_what_may_be_a_secret_leaves_no_evidence_and_cannot_be_weakened(document: Document) -> None:
    rules = {rule.id: rule for rule in document.shape.rules}
    assert rules["official-secret"].final
    for rule in document.shape.rules:
        findings = rule.when.finding or ()
        if any("official-information" in (finding.category or ()) for finding in findings):
            assert rule.evidence is Evidence.NONE, rule.id


def test_who_is_held_or_stopped_is_told_why_in_both_languages(document: Document) -> None:
    for rule in document.shape.rules:
        if rule.mode is Mode.ENFORCE and rule.effect in {*HOLDS, Effect.BLOCK}:
            assert rule.message is not None, rule.id
            # No accusation: what a check saw is a possibility, and nobody is threatened (rules of tone).
            assert "discipl" not in rule.message.en.lower()
            assert "tatatertib" not in rule.message.ms.lower()


def test_every_check_that_is_named_exists(loaded: Loaded, document: Document) -> None:
    lexicons = each(sources(loaded.folders, "lexicons"), parse_lexicon)
    checks, _ = known_checks([lexicon for lexicon in lexicons if lexicon.findings])
    named = {
        check for rule in document.shape.rules for finding in rule.when.finding or () for check in finding.check or ()
    }
    assert named
    assert named <= checks


def test_protected_recipients_are_named_in_both_languages_and_covered() -> None:
    file: Path = bundled("policies") / "protected.yaml"
    protected = parse_protected(file.read_text("utf-8"), str(file))
    assert len(protected.recipients) >= 4
    assert protected.covers("aduan.sprm.gov.my")
    assert not protected.covers("x.com", "x", "@particontoh")
