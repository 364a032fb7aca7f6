from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gerbang.console.chart import HEIGHT, MOST_BARS, STACK, WIDTH, chart
from gerbang.store import HourCount

ZONE = ZoneInfo("Asia/Kuala_Lumpur")
HOUR = datetime(2026, 11, 24, 2, tzinfo=UTC)


def test_nothing_counted_is_no_bar() -> None:
    assert chart((), ZONE).bars == ()


def test_two_days_are_shown_by_the_hour_and_more_by_the_day() -> None:
    day = [HourCount(HOUR + timedelta(hours=n), "answered", 1) for n in (0, 47)]
    found = chart(day, ZONE)
    assert (found.hourly, len(found.bars)) == (True, 48)
    found = chart([*day, HourCount(HOUR + timedelta(hours=48), "answered", 1)], ZONE)
    assert (found.hourly, [bar.start.date().isoformat() for bar in found.bars]) == (
        False,
        ["2026-11-24", "2026-11-25", "2026-11-26"],
    )


def test_hours_are_those_of_the_office() -> None:
    (bar,) = chart([HourCount(HOUR, "answered", 2), HourCount(HOUR, "forwarded", 3)], ZONE).bars
    assert bar.start.hour == 10
    assert [(part.done, part.count) for part in bar.parts] == [("answered", 2), ("forwarded", 3)]


def test_the_range_that_was_asked_for_is_shown_whole() -> None:
    since = datetime(2026, 11, 24, tzinfo=ZONE)
    found = chart([HourCount(HOUR, "answered", 1)], ZONE, since, since + timedelta(days=1))
    assert [bar.start.hour for bar in found.bars] == list(range(24))


COUNTS = st.lists(
    st.builds(
        HourCount,
        hour=st.integers(0, 24 * 400).map(lambda hours: HOUR + timedelta(hours=hours)),
        done=st.sampled_from(STACK),
        count=st.integers(1, 10**7),
    ),
    max_size=30,
)


@given(COUNTS)
def test_bars_stay_in_the_picture_and_count_what_they_show(counts: list[HourCount]) -> None:
    found = chart(counts, ZONE)
    assert len(found.bars) <= MOST_BARS
    if len(found.bars) < MOST_BARS:
        assert found.total == sum(count.count for count in counts)
    for bar in found.bars:
        assert bar.total == sum(part.count for part in bar.parts)
        for part in bar.parts:
            assert 0 <= part.x <= part.x + part.width <= WIDTH + 0.2
            assert -0.2 <= part.y <= part.y + part.height <= HEIGHT
