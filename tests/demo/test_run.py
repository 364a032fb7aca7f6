"""The demo's day, as `gerbang demo --once` runs it: of each attempt becomes what the demo is there to show."""

from io import StringIO

import pytest
from rich.console import Console

from gerbang.answers.words import Language
from gerbang.demo.day import DAY, Becomes, Device
from gerbang.demo.run import run_demo


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = StringIO()
    folder = tmp_path_factory.mktemp("demo") / "office"
    whole = run_demo(folder, Language.EN, Console(file=out, width=200), None)
    assert whole, out.getvalue()
    return out.getvalue()


def test_every_attempt_becomes_what_it_should_and_the_record_is_whole(told: str) -> None:
    assert "audit verify: whole" in told
    for attempt in DAY:
        assert attempt.at in told


def test_the_day_shows_each_way_that_an_attempt_can_end(told: str) -> None:
    assert {attempt.becomes for attempt in DAY} == set(Becomes)
    assert {attempt.device for attempt in DAY} == set(Device)
    assert "a purpose was stated" in told
    assert "exempt from" in told
    assert "(phone)" in told


def test_the_times_of_the_day_run_forward() -> None:
    moments = [attempt.moment for attempt in DAY]
    assert moments == sorted(moments)
    assert len(DAY) >= 30
