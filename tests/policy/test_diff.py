"""What differs between two policies is told whole, in sentences, under the clause."""

from typing import Any

import pytest

from gerbang.policy.diff import by_clause, differences
from gerbang.policy.document import Policy, compile_policy
from policy_builders import SAID, a_document, a_rule

OTHER = {"ms": "lain", "en": "other"}


def a_policy(*rules: dict[str, Any], **more: Any) -> Policy:
    return compile_policy([a_document(*rules, **more)])


def told(before: dict[str, Any], after: dict[str, Any], language: str = "en") -> list[str]:
    old = a_policy(a_rule("hours", **{"when": {"activity": "post"}, **before}))
    new = a_policy(a_rule("hours", **{"when": {"activity": "post"}, **after}))
    return [change.sentence(language) for change in differences(old, new)]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"effect": "coach"}, "was blocked, is now held until the officer confirms"),
        ({"effect": "approve"}, {"effect": "record"}, "was held until it is approved, is now allowed and recorded"),
        ({}, {"mode": "observe"}, "was enforced, is now only observed"),
        ({}, {"when": {"activity": ["post", "share"]}}, "`activity` takes now `share` too"),
        ({}, {"when": {"activity": "share"}}, "`activity` takes now `share`, no longer `post`"),
        ({}, {"when": {"activity": "post", "media": True}}, "applies now only where `media: true`"),
        ({"when": {"activity": "post", "media": True}}, {}, "no longer asks for `media: true`"),
        (
            {"when": {"activity": "post", "media": True}},
            {"when": {"activity": "post", "media": False}},
            "`media` was true, is now false",
        ),
        (
            {"when": {"finding": {"category": "political"}}},
            {"when": {"finding": {"category": "political", "at_least": "likely"}}},
            "`finding` takes now `political at least likely`, no longer `political at least possible`",
        ),
        ({}, {"unless": [{"approval": "political"}]}, "is now exempt where `approval: political`"),
        ({"unless": [{"approval": "political"}]}, {}, "no longer exempt: `approval: political`"),
        ({}, {"final": True}, "is final now: no other document may weaken it"),
        ({"final": True}, {}, "is no longer final: another document may replace it"),
        ({}, {"evidence": "none"}, "what was found was kept with what is sensitive masked, is now not kept"),
        (
            {"effect": "coach", "ask": ["reason"]},
            {"effect": "coach"},
            "asked the officer for `reason`, asks now for nothing",
        ),
        (
            {"effect": "coach", "release_for": "30m"},
            {"effect": "coach", "release_for": "2h"},
            "a release was for 30 minutes, is now for 2 hours",
        ),
        ({}, {"title": OTHER}, 'its title was "example", is now "other"'),
        ({}, {"title": {**SAID, "ms": "lain"}}, 'its title changed in Malay only: "lain"'),
        ({}, {"message": SAID}, "has now message to the officer: example"),
        ({"message": SAID}, {}, "its message to the officer is gone: example"),
    ],
)
def test_each_change_of_a_rule_is_a_sentence(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    assert told(before, after) == [f"R3 hours: {said}"]
    (malay,) = told(before, after, "ms")
    assert malay.startswith("R3 hours: ")
    assert malay != f"R3 hours: {said}"


def test_rules_that_come_and_go_are_told_whole() -> None:
    old, new = a_policy(a_rule("one", when={"activity": "post"})), a_policy(a_rule("two", when={"media": True}))
    assert [change.sentence("en") for change in differences(old, new)] == [
        "R3 one: the rule is gone; it was: blocked where `activity: post`",
        "R3 two: is a new rule: blocked where `media: true`",
    ]


def test_a_rule_that_moves_stands_under_its_new_clause() -> None:
    old = a_policy(a_rule("one", when={"activity": "post"}), a_rule("two", clause="R4", when={"activity": "post"}))
    new = a_policy(
        a_rule("one", clause="R4", when={"activity": "post"}), a_rule("two", clause="R4", when={"activity": "post"})
    )
    told = {clause: [change.key for change in group] for clause, group in by_clause(differences(old, new))}
    assert told == {"trial/R3": ["gone"], "trial/R4": ["clause"]}


def test_a_clause_with_another_text_law_and_reason() -> None:
    rule = a_rule("hours", when={"activity": "post"})
    clause = {"text": SAID, "cites": {"federal": ["PU395-4-2-G"]}}
    old = a_policy(rule, clauses={"R3": clause, "R5": {"text": SAID, "none": SAID}})
    new = a_policy(
        rule, clauses={"R3": {"text": OTHER, "cites": {"federal": ["Act 1"]}}, "R5": {"text": SAID, "none": OTHER}}
    )
    assert [(change.clause, change.key) for change in differences(old, new)] == [
        ("trial/R3", "text"),
        ("trial/R3", "cites.federal"),
        ("trial/R5", "none"),
    ]
    assert "Reg. 4(2)(g)" in differences(old, new)[1].sentence("en")


def test_an_override_is_told() -> None:
    base = a_document(a_rule("hours", when={"activity": "post"}))
    more = a_rule("ours", when={"activity": "post"}, effect="record")
    over = {"rule": "trial/hours", "reason": "Agreed", "authority": "Order 1"}
    old = compile_policy([base, a_document(more, policy="local")])
    new = compile_policy([base, a_document({**more, "overrides": over}, policy="local")])
    (change,) = differences(old, new)
    assert change.sentence("en") == "R3 ours: replaces now `trial/hours`: Agreed (Order 1)"
    (back,) = differences(new, old)
    assert back.sentence("en") == "R3 ours: no longer replaces `trial/hours (Order 1)`"


def test_order_and_layout_change_nothing() -> None:
    one, two = a_rule("one", when={"activity": "post"}), a_rule("two", when={"activity": "post"})
    assert differences(a_policy(one, two), a_policy(two, one)) == ()
