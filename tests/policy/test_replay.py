"""Recorded decisions are asked again by what was written down, and what was not is never guessed."""

import json
from dataclasses import replace
from itertools import islice
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import AMINAH, a_decision, an_activity, an_actor
from gerbang.model import Duty, Effect, Finding, Likelihood, Standing
from gerbang.policy.conditions import KEYS, Facts
from gerbang.policy.decide import decide, effect_of
from gerbang.policy.document import Document, compile_policy
from gerbang.policy.replay import BEFORE, ERASED, UNCHECKED, UNREAD, Replay, Seen, judged, recorded
from gerbang.policy.rules import Policy
from gerbang.record.event import Event, decision_event
from journal_builders import KEYS as RECORD_KEYS
from policy_builders import a_document, a_rule
from policy_strategies import FACTS, policies
from record_builders import BASIS, CHECKS, acts

POSTS = {"activity": "publishing"}
POLITICAL = {"activity": "publishing", "finding": {"category": "political"}}
SEEN = {BASIS.lexicons: {name: said[0] for name, said in CHECKS.items()}}
LISTS = {BASIS.targets: frozenset({"parties"})}


def a_policy(*rules: dict[str, Any]) -> Policy:
    return compile_policy([a_document(*rules)])


def parts(event: Event, *, erased: bool = False) -> tuple[dict[str, Any], dict[str, Any] | None]:
    private = {name: value for name, (_, value) in event.sidecar.items()}
    return json.loads(event.body_bytes()), None if erased else private


def line(**more: Any) -> Event:
    more.setdefault("basis", BASIS)
    return decision_event(a_decision(more.pop("effect", Effect.ALLOW), **more), "forwarded", [], RECORD_KEYS)


def a_replay(*rules: dict[str, Any]) -> Replay:
    return Replay(a_policy(*rules), SEEN, LISTS)


def test_the_policy_that_decided_changes_nothing() -> None:
    policy = a_policy(
        a_rule("hours", when={**POSTS, "regime": "office-hours"}, unless=[{"group": "official-social-media"}]),
        a_rule("party", when=POLITICAL, effect="coach"),
        a_rule("seen", when={"activity": "view"}, effect="record"),
    )
    replay = Replay(policy, SEEN, LISTS)
    for decision, facts in islice(acts(policy), 300):
        one = recorded(*parts(decision_event(decision, "forwarded", [], RECORD_KEYS)))
        assert replace(one.facts, legal_regime="federal") == facts
        assert replay.take(one) is None
    assert (replay.decisions, replay.told, replay.untold.total()) == (300, 300, 0)


def test_a_flip_says_what_changes_by_which_rules_and_for_whom() -> None:
    replay = a_replay(a_rule("all-posts", when=POSTS))
    flip = replay.take(recorded(*parts(line(number="7K3M-9Q2X-4TBG"))))
    assert flip is not None
    assert (flip.before, flip.after, flip.rules, flip.unit) == (
        Effect.ALLOW,
        Effect.BLOCK,
        ("trial/all-posts",),
        "Komunikasi",
    )
    back = a_replay(a_rule("none", when={"activity": "live"})).take(recorded(*parts(line(effect=Effect.BLOCK))))
    assert back is not None
    assert (back.before, back.after, back.rules) == (Effect.BLOCK, Effect.ALLOW, ("trial/rule",))


def test_officers_are_counted_once() -> None:
    replay = a_replay(a_rule("all-posts", when=POSTS))
    other = replace(AMINAH, id="P-2")
    for actor in (an_actor(), an_actor(), an_actor(other), an_actor(None)):
        replay.take(recorded(*parts(line(actor=actor))))
    counts = {unit: (kin.count, len(kin.officers), kin.unknown) for (*_, unit), kin in replay.flips.items()}
    assert counts == {"Komunikasi": (3, 2, 0), None: (1, 0, 1)}


def test_what_hangs_on_an_erased_name_cannot_be_told_and_the_rest_can() -> None:
    event = line()
    by_group = a_replay(a_rule("group", when={**POSTS, "group": "official-social-media"}))
    assert by_group.take(recorded(*parts(event, erased=True))) is None
    assert by_group.untold == {f"{ERASED} (group)": 1}
    plain = a_replay(a_rule("all-posts", when=POSTS))
    assert plain.take(recorded(*parts(event, erased=True))) is not None


def test_what_hangs_on_a_body_that_was_never_read_cannot_be_told() -> None:
    event = line(effect=Effect.BLOCK, activity=an_activity(), unknown=frozenset({"finding", "gap"}))
    replay = a_replay(a_rule("party", when=POLITICAL))
    assert replay.take(recorded(*parts(event))) is None
    assert replay.untold == {f"{UNREAD} (finding)": 1}
    assert a_replay(a_rule("all", when=POSTS)).take(recorded(*parts(event))) is None  # a block all the same


def test_what_no_check_looked_for_cannot_be_told() -> None:
    rule = a_rule("rude", when={"activity": "publishing", "finding": {"category": "personal-attack"}})
    replay = a_replay(rule)
    assert replay.take(recorded(*parts(line()))) is None
    assert replay.untold == {UNCHECKED: 1}
    # What another check found stands.
    found = (Finding("new", "personal-attack", Likelihood.CERTAIN, 0, 4),)
    flip = replay.take(recorded(*parts(line(findings=found))))
    assert flip is not None
    assert flip.after is Effect.BLOCK
    # Where the rule could not make it stricter, the answer is the same both ways.
    assert a_replay(rule, a_rule("all", when=POSTS)).take(recorded(*parts(line()))) is not None


def test_a_list_that_was_not_there_cannot_be_told_but_for_an_act_without_target() -> None:
    replay = a_replay(a_rule("near", when={"activity": "post", "target_in": "unions"}))
    assert replay.take(recorded(*parts(line(activity=an_activity("a", target="page-1"))))) is None
    assert replay.untold.total() == 1
    replay.take(recorded(*parts(line())))
    assert replay.told == 1


def test_a_line_from_before_the_facts_were_kept_is_read_as_far_as_it_goes() -> None:
    body, private = parts(line(effect=Effect.BLOCK, activity=an_activity(target="page-1")))
    for name in ("legal_regime", "purposes", "used", "lists", "unread"):
        del body[name]
    body["groups"] = ["official-social-media"]
    one = recorded(body, private)
    assert one.facts.groups == {"official-social-media"}
    replay = a_replay(a_rule("party", when=POLITICAL))
    assert replay.take(one) is None
    assert replay.untold == {f"{BEFORE} (finding)": 1}


def test_what_was_confirmed_is_confirmed_in_the_candidate_too() -> None:
    event = line(matches=())
    body, private = parts(event)
    body["matches"] = [
        {"rule": "trial/ask", "effect": "coach", "mode": "enforce", "exempted_by": None, "released_by": "release-1"}
    ]
    replay = a_replay(a_rule("ask", when=POSTS, effect="coach"))
    replay.release(
        {"release": "release-1", "rules": ["trial/ask"], "platform": "x", "expires": "2026-11-24T03:00:00.000000Z"}
    )
    assert replay.take(recorded(body, private)) is None
    stricter = a_replay(a_rule("ask", when=POSTS))
    flip = stricter.take(recorded(body, private))
    assert flip is not None
    assert (flip.before, flip.after) == (Effect.ALLOW, Effect.BLOCK)


WHOLE = Seen(
    {"party-names": "political", "mykad": "personal-data", "thanks": "correction"}, frozenset({"parties", "unions"})
)


@given(policies(), FACTS)
def test_with_all_facts_it_is_the_decision(documents: list[Document], facts: Facts) -> None:
    policy = compile_policy(documents)
    effect = effect_of(decide(policy, facts))
    for whole in (True, False):
        told = judged(policy, facts, WHOLE, whole=whole)
        assert (told.least, told.most) == (effect, effect)


@given(policies(), FACTS, st.frozensets(st.sampled_from(list(KEYS)), max_size=4))
def test_the_truth_lies_between_the_least_and_the_most(
    documents: list[Document], facts: Facts, unknown: frozenset[str]
) -> None:
    policy = compile_policy(documents)
    truth = effect_of(decide(policy, facts))
    told = judged(policy, replace(facts, unknown=unknown), WHOLE)
    assert told.least <= truth <= told.most
    blind = judged(policy, replace(facts, findings=(), target_lists=frozenset()), Seen({}, None))
    assert blind.least <= truth <= blind.most


def test_an_exemption_of_the_register_and_duty_count_as_they_were() -> None:
    rule = a_rule("all", when=POSTS)
    exempt = line(exempt={"trial/all": "E-1"})
    assert a_replay(rule).take(recorded(*parts(exempt))) is None
    assert a_replay(rule | {"final": True}).take(recorded(*parts(exempt))) is not None
    # Also where not all is known.
    both = a_replay(rule, a_rule("rude", when={**POSTS, "finding": {"category": "personal-attack"}}))
    assert both.take(recorded(*parts(exempt))) is None
    assert both.untold == {UNCHECKED: 1}
    by_duty = a_rule("duty", when={**POSTS, "account_duty": "off-duty"})
    body, private = parts(line(standing=Standing.OFFICIAL, duty=Duty.OFF_DUTY))
    assert a_replay(by_duty).take(recorded(body, private)) is not None
    del body["duty"]
    older = a_replay(by_duty)
    assert older.take(recorded(body, private)) is None
    assert older.untold == {f"{BEFORE} (account_duty)": 1}
    # By any other account there is no duty, whether it was written down or not.
    assert a_replay(by_duty).take(recorded(*parts(line()))) is None


def test_where_a_vocabulary_changed_it_is_told_for_what_the_candidate_asks() -> None:
    vocabularies = {BASIS.lexicons: {name: said[1] for name, said in CHECKS.items()}}
    rules = (a_rule("party", when=POLITICAL),)

    def told(now: Seen) -> dict[str, tuple[int, set[str]]]:
        replay = Replay(a_policy(*rules), SEEN, LISTS, vocabularies, now)
        for _ in range(3):
            replay.take(recorded(*parts(line())))
        return {category: (one.count, one.changed) for category, one in replay.otherwise.items()}

    checks = SEEN[BASIS.lexicons]
    same = vocabularies[BASIS.lexicons]
    assert told(Seen(checks, vocabularies=same)) == {}
    assert told(Seen(checks, vocabularies=same | {"party-names": "b2"})) == {"political": (3, {"party-names"})}
    more = checks | {"new-names": "political"}
    assert told(Seen(more, vocabularies=same)) == {"political": (3, {"new-names"})}
    # What the candidate does not ask for may have changed as it likes.
    assert told(Seen(checks | {"other": "personal-data"}, vocabularies=same)) == {}
    replay = Replay(a_policy(*rules), {}, {}, {}, Seen(checks, vocabularies=same))
    replay.take(recorded(*parts(line())))
    assert replay.otherwise["political"].changed == set()


def test_what_an_approver_granted_is_granted_in_the_candidate_too() -> None:
    rule = {**a_rule("ask", when=POSTS, effect="approve")}
    match = {"rule": "trial/ask", "effect": "approve", "mode": "enforce", "exempted_by": None}
    body, private = parts(line())
    body["matches"] = [match | {"released_by": "release-1"}]
    for granted, flips in ((True, 0), (False, 1)):
        replay = a_replay(rule)
        said = {"release": "release-1", "rules": ["trial/ask"], "platform": "x", "granted": granted}
        replay.release(said | {"expires": "2026-11-24T03:00:00.000000Z"})
        replay.take(recorded(body, private))
        assert (replay.told, len(replay.flips)) == (1, flips)
