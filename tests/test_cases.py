"""A case file says what an office expects; the runner says where the rules do otherwise."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gerbang.bundled import bundled
from gerbang.cases import MOST_CASES, Result, parse_cases, run_cases
from gerbang.errors import DocumentErrors
from gerbang.model import Effect
from gerbang.pipeline import World
from gerbang.policy.document import compile_policy
from gerbang.settings import Settings
from gerbang.trying import load_policies, trial_world
from policy_builders import a_document, a_rule

GOOD = """\
officers:
  aminah: {service_group: support}
approvals:
  - {officer: aminah, purpose: political, from: 2026-01-01T00:00+08:00}
cases:
  - name: a post in office hours is stopped
    at: 2026-11-24T10:15+08:00
    officer: aminah
    act: {platform: x, activity: post, text: selamat pagi}
    expect: {effect: block, rules: [hours]}
"""
RULES = (
    a_rule("hours", when={"regime": "office-hours", "activity": "publishing"}, unless=[{"account": "official"}]),
    a_rule("ask", when={"activity": "view"}, effect="coach"),
    a_rule("watch", when={"activity": "post"}, mode="observe"),
    a_rule("political", clause="R6", when={"activity": "message", "finding": {"category": "political"}}),
    a_rule("ours", when={"activity": "follow", "approval": "political", "between": {"to": "2026-11-24"}}),
)


@pytest.fixture(scope="module")
def world() -> World:
    """The bundled calendar and vocabularies, with a policy of our own."""
    chosen = Settings()
    bundle = trial_world(load_policies(chosen, None), chosen)
    return replace(bundle, policy=compile_policy([a_document(*RULES)]))


def tried(world: World, text: str) -> tuple[Result, ...]:
    return run_cases(parse_cases(text, "c.yaml", "trial"), world)


def a_case(expect: str, act: str = "{platform: x, activity: post, text: selamat pagi}", more: str = "") -> str:
    return f"""\
- name: a case
  at: 2026-11-24T10:15+08:00
  act: {act}
  expect: {expect}
{more}"""


def test_a_case_that_holds(world: World) -> None:
    (result,) = tried(world, GOOD)
    assert result.passed
    assert (result.file, result.line, result.name) == ("c.yaml", 6, "a post in office hours is stopped")
    assert result.decision.moment == datetime(2026, 11, 24, 10, 15, tzinfo=timezone(timedelta(hours=8)))
    assert result.decision.effect is Effect.BLOCK


@pytest.mark.parametrize(
    ("expect", "failures"),
    [
        ("{effect: block}", []),
        ("{effect: block, rules: [trial/hours]}", []),
        ("{effect: block, matched: [hours, watch], observed: watch, absent: [ask]}", []),
        ("{effect: block, regime: office-hours}", []),
        ("{effect: coach}", ["expected the effect `coach`, got `block` (by `hours`)"]),
        ("{effect: block, rules: [ask]}", ["expected it to be decided by `ask`, got `hours`"]),
        ("{effect: block, rules: []}", ["expected it to be decided by none, got `hours`"]),
        ("{effect: block, exempt: [hours]}", ["expected `hours` to be exempt, got in force"]),
        ("{effect: block, absent: [watch]}", ["expected `watch` to be absent, got observed"]),
        ("{effect: block, released: [ask]}", ["expected `ask` to be released, got absent"]),
        ("{effect: block, matched: [ask]}", ["expected `ask` to be matched, got absent"]),
        ("{effect: block, regime: break}", ["expected the regime `break`, got `office-hours` (core-hours)"]),
    ],
)
def test_what_differs_is_told(world: World, expect: str, failures: list[str]) -> None:
    (result,) = tried(world, a_case(expect))
    assert list(result.failures) == failures


@pytest.mark.parametrize(
    ("act", "more", "expect"),
    [
        ("{platform: x, activity: post, account: official}", "", "{effect: allow, exempt: [hours]}"),
        ("{platform: blog, host: b.example, activity: post, account: unknown}", "", "{effect: block}"),
        ("{platform: x, activity: view}", "", "{effect: coach, rules: [ask]}"),
        ("{platform: x, activity: view}", "  confirmed: [ask]", "{effect: allow, released: [ask]}"),
        ("{platform: x, activity: message, findings: [{category: political}]}", "", "{effect: block}"),
        ("{platform: x, activity: message, text: jumpa esok}", "", "{effect: allow, absent: [political]}"),
        ("{platform: x, activity: follow}", "", "{effect: allow, absent: [ours]}"),
    ],
)
def test_what_a_case_can_say(world: World, act: str, more: str, expect: str) -> None:
    (result,) = tried(world, a_case(expect, act, more))
    assert result.failures == ()


def test_people_places_and_approvals_are_the_file_s_own(world: World) -> None:
    text = """\
offices: {kota-bharu: {state: KTN}}
zones: {cawangan: {office: kota-bharu}}
officers: {aminah: {office: kota-bharu}}
approvals: [{officer: aminah, purpose: political, from: 2026-01-01T00:00+08:00, to: 2026-11-24T12:00+08:00}]
official_hosts: [blog.example]
cases:
  - name: Sunday is a working day there
    at: 2026-11-22T10:00+08:00
    zone: cawangan
    act: {platform: x, activity: post}
    expect: {effect: block}
  - name: Friday is none
    at: 2026-11-20T10:00+08:00
    zone: cawangan
    act: {platform: x, activity: post}
    expect: {effect: allow, regime: rest-day}
  - name: the approval runs
    at: 2026-11-24T11:00+08:00
    officer: aminah
    act: {platform: x, activity: follow}
    expect: {effect: block, rules: [ours]}
  - name: the approval ends
    at: 2026-11-24T12:00+08:00
    officer: aminah
    act: {platform: x, activity: follow}
    expect: {effect: allow}
  - name: the site is official
    at: 2026-11-24T11:00+08:00
    act: {platform: w, host: blog.example, activity: post, account: unknown}
    expect: {effect: allow, exempt: [hours]}
"""
    assert [result.failures for result in tried(world, text)] == [()] * 5


WRONG: list[tuple[str, str, str]] = [
    ("activity: post", "activity: pst", "c.yaml:9:34: unknown activity `pst`; did you mean `post`?"),
    ("effect: block", "effect: stop", "c.yaml:10:22: unknown effect `stop`"),
    (
        "officer: aminah\n    act",
        "officer: amina\n    act",
        "c.yaml:8:14: unknown officer `amina`; did you mean `aminah`?",
    ),
    (
        "    officer: aminah\n    act",
        "    zone: pejabat\n    act",
        "c.yaml:8:11: unknown zone `pejabat`; expected one of",
    ),
    (
        "    officer: aminah\n    act",
        "    office: jb\n    act",
        "c.yaml:8:13: unknown office `jb`; expected one of `hq`",
    ),
    ("T10:15+08:00", "T10:15", "c.yaml:7:9: `2026-11-24T10:15` is no time; write it with its offset"),
    ("2026-11-24T10:15+08:00", "yesterday", "`yesterday` is no time"),
    (
        "rules: [hours]",
        "rules: [hour]",
        "c.yaml:10:37: no active policy has a rule `trial/hour`; did you mean `trial/hours`?",
    ),
    ("rules: [hours]", "matched: other/x", "c.yaml:10:38: no active policy has a rule `other/x`"),
    ("text: selamat pagi", "text: a, findings: [{category: political}]", "c.yaml:9:49: a case has a text"),
    ("{officer: aminah, purpose", "{purpose", "c.yaml:4:5: an approval is given to an officer or to a group"),
    ("{officer: aminah, purpose", "{officer: ali, purpose", "unknown officer `ali`"),
    ("service_group: support", "office: jb", "c.yaml:2:20: unknown office `jb`"),
    ("    expect: {effect: block, rules: [hours]}\n", "", "`expect` is missing"),
    ("    name:", "    nama:", "unknown key `nama`; did you mean `name`?"),
    ("cases:", "case:", "unknown key `case`; did you mean `cases`?"),
]


@pytest.mark.parametrize(("there", "instead", "expected"), WRONG)
def test_what_is_wrong_is_told_with_its_place(world: World, there: str, instead: str, expected: str) -> None:
    text = GOOD.replace("  - name:", "  -\n    name:") if "name:" in there else GOOD
    assert there in text
    with pytest.raises(DocumentErrors) as caught:
        tried(world, text.replace(there, instead))
    assert expected in str(caught.value)


def test_no_case_and_too_many_are_refused(world: World) -> None:
    one = a_case("{effect: block}")
    many = "".join(one.replace("a case", f"case {number}") for number in range(3))
    assert len(tried(world, many)) == 3
    with pytest.raises(DocumentErrors, match="`cases` is empty"):
        tried(world, "cases: []")
    with pytest.raises(DocumentErrors, match="two cases are called `a case`; the first is on line 1"):
        tried(world, one + one)
    assert MOST_CASES >= 1000


def test_the_bundled_cases_are_where_the_runner_looks() -> None:
    folder: Any = bundled("policies") / "malaysia-public-service"
    assert isinstance(folder, Path)
    assert sorted(file.name for file in folder.iterdir()) == ["policy.cases.yaml", "policy.yaml"]
