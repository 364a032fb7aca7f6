"""What another policy changes in a period is told whole, in few boxes, and agrees with `decide` cell by cell."""

from datetime import date, timedelta
from typing import Any

import pytest

from gerbang.bundled import bundled
from gerbang.loading import each, sources
from gerbang.model import Device, Effect, Kind, Likelihood, Office, Regime, Standing
from gerbang.policy.calendar import Calendar, compile_calendar, parse_calendar
from gerbang.policy.document import compile_policy
from gerbang.policy.rules import Policy
from gerbang.policy.simulate import MOST_CIRCUMSTANCES, OTHER, Simulation, Sort, simulate
from policy_builders import a_document, a_rule

HQ, KEDAH = Office("hq", "PJY"), Office("alor-setar", "KDH")
POSTS = {"activity": "post", "regime": "office-hours"}
FIRST, LAST = date(2026, 12, 1), date(2026, 12, 31)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return compile_calendar(each(sources((bundled("policies"),), "calendars"), parse_calendar))


def a_policy(*rules: dict[str, Any]) -> Policy:
    return compile_policy([a_document(*rules)])


def simulated(calendar: Calendar, now: Policy, new: Policy, **more: Any) -> Simulation:
    zones = more.pop("zones", {"office": Device.MANAGED})
    offices = more.pop("offices", [HQ])
    return simulate(now, new, calendar, offices, zones, more.pop("first", FIRST), more.pop("last", LAST))


def test_the_same_rules_change_nothing(calendar: Calendar) -> None:
    found = simulated(
        calendar,
        a_policy(a_rule("a", when=POSTS)),
        a_policy(a_rule("a", when=POSTS, title={"ms": "Lain", "en": "Other"})),
    )
    assert (found.boxes, found.rules) == ((), ())


def test_a_rule_that_differs_without_effect_is_named(calendar: Calendar) -> None:
    strict = a_rule("all", when={"activity": "post"})
    found = simulated(calendar, a_policy(strict), a_policy(strict, a_rule("more", when=POSTS, effect="coach")))
    assert (found.boxes, found.rules) == ((), ("trial/more",))


def test_one_line_for_one_change_with_the_hours_of_the_calendar(calendar: Calendar) -> None:
    now, new = a_policy(a_rule("a", when=POSTS)), a_policy(a_rule("a", when=POSTS, effect="coach"))
    found = simulated(calendar, now, new)
    (box,) = found.boxes
    assert (box.change.before, box.change.after, box.change.rules) == (Effect.BLOCK, Effect.COACH, ("trial/a",))
    assert (box.kinds, box.regimes, box.offices) == ({Kind.POST}, {Regime.OFFICE_HOURS}, {"hq"})
    assert box.standings == set(Standing)
    by_hand = [calendar.day(HQ, FIRST + timedelta(days=number)) for number in range(31)]
    minutes = sum(one.end - one.start for day in by_hand for one in day if one.regime is Regime.OFFICE_HOURS)
    days = sum(any(one.regime is Regime.OFFICE_HOURS for one in day) for day in by_hand)
    assert found.time("hq", box) == (days, minutes)
    assert found.hours_by_change() == {(Effect.BLOCK, Effect.COACH): minutes / 60}


def test_offices_that_a_rule_names_are_told_apart_and_the_others_together(calendar: Calendar) -> None:
    rule = {"activity": "post", "office": "alor-setar"}
    found = simulated(calendar, a_policy(a_rule("a", when={"activity": "live"})),
                      a_policy(a_rule("a", when={"activity": "live"}), a_rule("kedah", when=rule)),
                      offices=[HQ, KEDAH])  # fmt: skip
    assert {office for box in found.boxes for office in box.offices} == {"alor-setar"}


def test_groups_devices_and_findings_are_told_apart(calendar: Calendar) -> None:
    now = a_policy(a_rule("own", when={"activity": "use", "device": "personal"}, effect="record"))
    new = a_policy(
        a_rule("own", when={"activity": "use", "device": "personal"}, unless=[{"group": "support"}]),
        a_rule("party", when={"activity": "post", "finding": {"category": "political", "at_least": "likely"}}),
    )
    zones = {"office": Device.MANAGED, "wifi": Device.PERSONAL}
    found = simulated(calendar, now, new, zones=zones)
    by_change = {(box.change.before, box.change.after): box for box in found.boxes}
    assert set(by_change) == {
        (Effect.RECORD, Effect.BLOCK), (Effect.RECORD, Effect.ALLOW), (Effect.ALLOW, Effect.BLOCK),
    }  # fmt: skip
    assert by_change[Effect.RECORD, Effect.ALLOW].groups == {"support"}
    assert OTHER in by_change[Effect.RECORD, Effect.BLOCK].groups
    assert by_change[Effect.RECORD, Effect.BLOCK].devices == {Device.PERSONAL}
    assert by_change[Effect.ALLOW, Effect.BLOCK].findings == {
        Sort("political", Likelihood.LIKELY), Sort("political", Likelihood.CERTAIN),
    }  # fmt: skip


def test_what_a_rule_asks_for_beside_is_tried_as_it_asks(calendar: Calendar) -> None:
    now = a_policy(a_rule("a", when={"activity": "post"}))
    new = a_policy(
        a_rule("a", when={"activity": "post"}, unless=[{"approval": "political"}]),
        a_rule("seen", when={"activity": "view", "platform": ["x", "facebook"], "zone": "office"}, effect="coach"),
    )
    found = simulated(calendar, now, new)
    told = {(box.change.after, one) for box in found.boxes for one in box.circumstances}
    assert told == {
        (Effect.ALLOW, (("approval", "political"),)),
        (Effect.COACH, (("platform", "x"), ("zone", "office"))),
        (Effect.COACH, (("platform", "facebook"), ("zone", "office"))),
    }


def test_days_between_are_told_apart(calendar: Calendar) -> None:
    days = {"activity": "post", "between": [{"from": "2026-12-10", "to": "2026-12-12"}]}
    found = simulated(calendar, a_policy(a_rule("a", when={"activity": "live"})),
                      a_policy(a_rule("a", when={"activity": "live"}), a_rule("b", when=days)))  # fmt: skip
    (box,) = found.boxes
    assert [str(day) for spell in box.spells for day in found.spells[spell]] == [
        "2026-12-10", "2026-12-11", "2026-12-12",
    ]  # fmt: skip
    assert found.time("hq", box)[1] == 3 * 24 * 60


def test_circumstances_are_bounded_and_the_rest_counted(calendar: Calendar) -> None:
    rule = a_rule("a", when={"activity": "post", "target": [f"page-{number}" for number in range(100)]})
    none = a_policy(a_rule("b", when={"activity": "live"}))
    found = simulated(calendar, none, a_policy(rule, a_rule("b", when={"activity": "live"})), last=FIRST)
    assert found.untried == 101 - MOST_CIRCUMSTANCES
    assert sum(len(box.circumstances) for box in found.boxes) == MOST_CIRCUMSTANCES - 1
