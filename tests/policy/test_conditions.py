"""The questions themselves: what a word stands for, what is not known, and what a person is told."""

import pytest

from gerbang.model import PARTICIPATING, PUBLISHING, Device, Gap, Kind, Regime, Standing
from gerbang.policy.conditions import (
    KEYS,
    Span,
    WantedFinding,
    all_hold,
    compiled,
    found,
    kinds,
    plain_target,
)
from policy_builders import a_finding, some_facts


def test_the_group_words_of_activity() -> None:
    assert kinds(["publishing"]) == PUBLISHING
    assert kinds(["participating"]) == PARTICIPATING
    assert kinds(["publishing", "view"]) == PUBLISHING | {Kind.VIEW}
    assert Kind.VIEW not in PARTICIPATING
    assert Kind.LOGIN not in PARTICIPATING
    assert Kind.USE not in PARTICIPATING


def test_keys_are_asked_in_one_order_whatever_the_writer_s() -> None:
    one = compiled({"platform": ("x",), "activity": ("post",)}, exempting=False)
    other = compiled({"activity": ("post",), "platform": ("x",)}, exempting=False)
    assert [condition.key for condition in one] == [condition.key for condition in other] == ["activity", "platform"]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([True, True], True),
        ([True, False], False),
        ([True, None], None),
        ([None, False], False),
        ([None, None], None),
        ([], True),
    ],
)
def test_three_values(answers: list[bool | None], expected: bool | None) -> None:
    """One `no` settles it whatever else is not known."""
    keys = ["platform", "office"]
    wanted = {
        key: ("there" if answer in {True, None} else "elsewhere",) for key, answer in zip(keys, answers, strict=False)
    }
    unknown = frozenset(key for key, answer in zip(keys, answers, strict=False) if answer is None)
    facts = some_facts(platform="there", office="there", unknown=unknown)
    assert all_hold(compiled(wanted, exempting=False), facts) is expected


@pytest.mark.parametrize(
    ("regime", "wanted", "exempting", "expected"),
    [
        (Regime.UNKNOWN, ("office-hours",), False, True),
        (Regime.UNKNOWN, ("office-hours",), True, False),
        (Regime.UNKNOWN, ("break", "rest-day"), False, False),
        (Regime.UNKNOWN, ("unknown",), True, True),
        (Regime.OFFICE_HOURS, ("unknown",), False, False),
    ],
)
def test_a_time_that_is_not_known(regime: Regime, wanted: tuple[str, ...], exempting: bool, expected: bool) -> None:
    (condition,) = compiled({"regime": wanted}, exempting=exempting)
    assert condition.test(some_facts(regime=regime)) is expected


@pytest.mark.parametrize("key", ["group", "officer"])
def test_nobody_known_earns_no_exemption_even_where_one_is_written(key: str) -> None:
    """The document refuses it; a condition made otherwise does too."""
    (condition,) = compiled({key: ("unknown",)}, exempting=True)
    assert condition.test(some_facts(service_group="", officer=None)) is False


def test_a_register_that_says_unknown_is_as_good_as_silent() -> None:
    (condition,) = compiled({"group": ("unknown",)}, exempting=False)
    assert condition.test(some_facts(service_group="unknown"))
    assert condition.test(some_facts(service_group=""))


def test_findings_are_counted_up_to_what_is_wanted() -> None:
    wanted = WantedFinding(categories=frozenset({"personal-data"}), count=2)
    mixed = (a_finding("personal-data"), a_finding("political"), a_finding("personal-data", "possible"))
    assert found(wanted, mixed)
    assert not found(wanted, mixed[:2])


@pytest.mark.parametrize(
    ("one", "other"), [("@PartiContoh", "particontoh"), (" @a ", "A"), ("123", "123"), ("@STRASSE", "straße")]
)
def test_targets_compare_without_case_and_at(one: str, other: str) -> None:
    assert plain_target(one) == plain_target(other)


def test_every_key_tells_what_it_found() -> None:
    facts = some_facts(
        standing=Standing.UNKNOWN,
        service_group="",
        groups=frozenset({"b", "a"}),
        gaps=(Gap("too-large"), Gap("unreadable")),
        findings=(a_finding("political"), a_finding("political")),
        unclaimed=True,
        kind=Kind.WRITE,
        device=Device.PERSONAL,
        approvals=frozenset({"political"}),
        target="@particontoh",
        target_lists=frozenset({"rivals", "parties"}),
        officer=None,
    )
    assert {key: entry.found(facts) for key, entry in KEYS.items()} == {
        "activity": "write, unclaimed, judged as post",
        "regime": "office-hours",
        "account": "unknown, treated as personal",
        "device": "personal",
        "remedial": "false",
        "media": "false",
        "platform": "x",
        "office": "hq",
        "zone": "pejabat",
        "finding": "political likely (party-names)",
        "gap": "too-large, unreadable",
        "group": "service group unknown, a, b",
        "officer": "unknown",
        "audience": "not told",
        "target": "@particontoh",
        "target_in": "parties, rivals",
        "approval": "political",
        "account_duty": "none, since the account is not official",
        "between": "2026-11-24",
    }


def test_what_was_wanted_is_told_in_the_writer_s_words() -> None:
    wanted = {
        "between": (Span(None, None),),
        "media": True,
        "regime": ("break", "rest-day"),
    }
    told = {condition.key: condition.wanted for condition in compiled(wanted, exempting=False)}
    assert told["between"] == "... to ..."
    assert told["media"] == "true"
    assert told["regime"] == "break | rest-day"
