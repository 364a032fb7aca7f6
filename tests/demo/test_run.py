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


def test_what_was_uploaded_is_known_to_the_post_that_shows_it(told: str) -> None:
    for platform in ("Instagram", "Facebook"):
        (line,) = (line for line in told.splitlines() if f"{platform}: the post that shows it" in line)
        assert "Material that is attached; What is published is recorded" in line, "and nothing that nobody had seen"


def test_a_sealed_chat_is_open_for_as_long_as_the_purpose_of_its_visit_holds(told: str) -> None:
    before, after = (line for line in told.splitlines() if "WhatsApp Web: its chat" in line)
    assert "refused" in before
    assert "sent" in after
    assert "a purpose was stated: An encrypted chat in office hours" in after


def test_the_times_of_the_day_run_forward() -> None:
    moments = [attempt.moment for attempt in DAY]
    assert moments == sorted(moments)
    assert len(DAY) >= 40
