"""Rules that can never hold, or never decide, with what there is."""

from dataclasses import replace

import pytest

from gerbang.model import Device, Kind, Regime
from gerbang.policy.document import parse_policy
from gerbang.policy.reach import Existing, unreachable

EXISTING = Existing(
    year=2027,
    platforms={"x": frozenset({Kind.POST, Kind.REACT}), "blog": frozenset({Kind.COMMENT})},
    zones={"pejabat": Device.MANAGED, "tetamu": Device.PERSONAL},
    offices=frozenset({"hq"}),
    officers=frozenset({"aminah"}),
    groups=frozenset({"support"}),
    regimes=frozenset({Regime.OFFICE_HOURS, Regime.REST_DAY}),
    approvals=frozenset({"political"}),
    checks=frozenset({"label"}),
    categories=frozenset({"official-information"}),
    lists=frozenset({"agencies"}),
)

HEAD = """\
policy: ours
title: {ms: Kami, en: Ours}
clauses:
  K1: {text: {ms: satu, en: one}}
rules:
"""


def rule(name: str, when: str, effect: str = "block", more: str = "") -> str:
    return (
        f"  - id: {name}\n    clause: K1\n    title: {{ms: a, en: b}}\n"
        f"    when: {{{when}}}\n    effect: {effect}\n" + (f"    {more}\n" if more else "")
    )


def found(*rules: str, existing: Existing = EXISTING) -> list[tuple[str, str]]:
    document = parse_policy(HEAD + "".join(rules), "ours.yaml")
    return [(one.rule, one.why) for one in unreachable([document], existing)]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("platform: orkut", "there is no platform `orkut`"),
        ("zone: [barat, timur]", "there is no zone `barat` or `timur`"),
        ("office: cawangan", "there is no office `cawangan`"),
        ("group: pelatih", "there is no group `pelatih`"),
        ("officer: devi", "there is no officer `devi`"),
        ("target_in: parties", "there is no list of targets `parties`"),
        ("approval: publication", "there is no approval for `publication`"),
        ("regime: flexible", "no office has `flexible` in 2027"),
        ("between: {from: 2026-01-01, to: 2026-12-31}", "its days lie outside 2027"),
        ("finding: {category: political}", "no check gives such a finding"),
        ("finding: {check: nothing}", "no check gives such a finding"),
        ("zone: pejabat, device: personal", "no device in the zone `pejabat` is `personal`"),
        ("zone: tetamu, activity: post", "on personal devices nothing is opened: there is only `use`, never `post`"),
        (
            "device: personal, activity: view",
            "on personal devices nothing is opened: there is only `use`, never `view`",
        ),
        ("activity: live", "no signature gives `live` on any platform"),
        ("platform: blog, activity: react", "no signature gives `react` on `blog`"),
    ],
)
def test_a_rule_that_no_act_can_meet_is_named_with_the_reason(when: str, why: str) -> None:
    assert found(rule("idle", when)) == [("ours/idle", why)]


@pytest.mark.parametrize(
    "when",
    [
        "platform: [orkut, x]",
        "activity: publishing",
        "platform: blog, activity: [react, comment]",
        "platform: blog, activity: post",  # an unclaimed write
        "activity: view",
        "device: personal, activity: use",
        "group: unknown",
        "officer: unknown",
        "officer: known",
        "regime: [flexible, rest-day]",
        "between: {from: 2027-12-31}",
        "finding: {category: [political, official-information]}",
        "audience: public, target: sesiapa, media: true",
    ],
)
def test_what_can_hold_is_not_named(when: str) -> None:
    assert found(rule("live", when)) == []


def test_where_nothing_is_known_nothing_is_said() -> None:
    """An empty register says nothing of who will stand in it."""
    existing = replace(EXISTING, groups=frozenset(), officers=frozenset(), approvals=frozenset(), platforms={})
    assert found(rule("a", "group: pelatih, officer: devi, approval: x, platform: orkut"), existing=existing) == []


def test_a_rule_under_a_stricter_one_is_cited_and_never_decides() -> None:
    wide, narrow = rule("wide", "activity: participating"), rule("narrow", "activity: post, media: true", "record")
    assert found(wide, narrow) == [
        ("ours/narrow", "`ours/wide` holds whenever it does, and is stricter (block to record)")
    ]
    assert found(narrow.replace("narrow", "other").replace("record", "block"), wide) == []


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("activity: post, media: true", "activity: post"),
        ("activity: post", "activity: [post, react]"),
        ("between: {from: 2027-02-01}", "between: {from: 2027-01-01}"),
        ("finding: {category: official-information, at_least: likely}", "finding: {category: official-information}"),
        ("finding: {category: official-information, count: 2}", "finding: {category: official-information}"),
        ("media: true", "media: false"),
    ],
)
def test_a_rule_that_also_holds_elsewhere_still_decides(wide: str, narrow: str) -> None:
    assert found(rule("wide", wide), rule("narrow", narrow, "record")) == []
    assert found(rule("wide", wide, more="unless: {zone: pejabat}"), rule("narrow", wide, "record")) == []
    assert found(rule("wide", wide, more="mode: observe"), rule("narrow", wide, "record")) == []


def test_a_rule_that_another_always_replaces_is_named() -> None:
    first = parse_policy(HEAD + rule("strict", "activity: post, media: true"), "ours.yaml")
    theirs = HEAD.replace("policy: ours", "policy: theirs")
    over = "overrides: {rule: ours/strict, reason: a, authority: b}"
    second = parse_policy(theirs + rule("lenient", "activity: post", "record", over), "theirs.yaml")
    assert [(one.rule, one.why, one.place.line) for one in unreachable([first, second], EXISTING)] == [
        ("ours/strict", "`theirs/lenient` always stands in its place", 6)
    ]
