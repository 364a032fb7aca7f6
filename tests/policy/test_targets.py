"""Lists of targets: what stands on them, as whom a request names it, and on which days."""

from datetime import date

import pytest

from gerbang.policy.targets import Listed, Targets, compile_targets

LISTS = compile_targets(
    {
        "parties": [
            Listed("x", "@PartiContoh"),
            Listed("facebook", "61550000000001_*"),
            Listed("x", "particuba", date(2026, 1, 1), date(2026, 6, 30)),
        ],
        "rivals": [Listed("x", "particontoh")],
    },
    "d" * 64,
)
DAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("platform", "target", "day", "lists"),
    [
        ("x", "particontoh", DAY, {"parties", "rivals"}),
        ("x", "@PARTICONTOH", DAY, {"parties", "rivals"}),
        ("x", "particontoh2", DAY, set()),
        ("threads", "particontoh", DAY, set()),
        ("x", None, DAY, set()),
        ("facebook", "61550000000001_1221", DAY, {"parties"}),
        ("facebook", "61550000000001", DAY, set()),
        ("x", "61550000000001_1221", DAY, set()),
        ("x", "particuba", date(2025, 12, 31), set()),
        ("x", "particuba", date(2026, 1, 1), {"parties"}),
        ("x", "particuba", date(2026, 6, 30), {"parties"}),
        ("x", "particuba", date(2026, 7, 1), set()),
    ],
)
def test_a_target_stands_on_a_list_on_its_days(platform: str, target: str | None, day: date, lists: set[str]) -> None:
    assert LISTS.of(platform, target, day) == lists


def test_without_lists_nothing_stands_on_one() -> None:
    assert Targets().of("x", "particontoh", DAY) == frozenset()
