"""What is wrong in a calendar file is told with its place, in the writer's words, and with what would do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.errors import DocumentErrors, GerbangError
from gerbang.policy.calendar_document import DAY, Window, clock, parse_calendar, window

STATE = "name: {ms: a, en: b}, timezone: Asia/Kuala_Lumpur, region: r"
TITLE = "title: {ms: a, en: b}"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", ["t.yaml:1:1: the document is empty"]),
        ("calendar: [", ["t.yaml:1:12"]),
        ("calendar: a\ncalendar: b", ["t.yaml:2:1: `calendar` stands here a second time; the first is on line 1"]),
        ("title: {ms: a, en: b}", ["t.yaml:1:1: `calendar` is missing"]),
        (
            "calendar: Cuti Saya",
            ["t.yaml:1:11: `Cuti Saya` is no name; small letters"],
        ),
        ("calendar: a\nholiday: []", ["t.yaml:2:1: unknown key `holiday`; did you mean `holidays`? expected one of"]),
        (
            "calendar: a\nholidays:\n  - {date: 2026-13-01, states: [PJY], ms: a, en: b}",
            ["t.yaml:3:12: `2026-13-01` is no date; write it as"],
        ),
        (
            "calendar: a\nholidays:\n  - {date: 2026-01-01, states: [pjy], ms: a, en: b}",
            ["t.yaml:3:33: `pjy` is no code of a state; capital letters, digits and hyphens are expected"],
        ),
        (
            "calendar: a\nholidays:\n  - {date: 2026-01-01, states: [], ms: a, en: b}",
            ["3:32: `states` is empty"],
        ),
        ("calendar: a\nholidays:\n  - {date: 2026-01-01, states: [PJY], ms: a}", ["t.yaml:3:5: `en` is missing"]),
        (
            "calendar: a\nholidays:\n  - {date: 2026-01-01, states: [PJY], ms: a, en: '  '}",
            ["t.yaml:3:50: text is expected here, on one line"],
        ),
        (
            "calendar: a\nbreaks:\n  - {days: [jum], break: '13:00-14:00'}",
            ["t.yaml:3:13: unknown days `jum`", "expected one of `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`"],
        ),
        (
            "calendar: a\nbreaks:\n  - {break: '1pm-2pm'}",
            ["t.yaml:3:13: `1pm-2pm` is no stretch of the day; write it as `07:30-18:00`"],
        ),
        (
            "calendar: a\nbreaks:\n  - {break: '13:60-14:00'}",
            ["t.yaml:3:13: `13:60-14:00` names a time that no clock shows; times go from `00:00` to `24:00`"],
        ),
        ("calendar: a\nbreaks:\n  - {break: '23:00-24:01'}", ["`23:00-24:01` names a time that no clock shows"]),
        ("calendar: a\nbreaks:\n  - {break: '24:00-01:00'}", ["`24:00-01:00` names a time that no clock shows"]),
        (
            "calendar: a\nbreaks:\n  - {break: '08:00-08:00'}",
            ["t.yaml:3:13: `08:00-08:00` starts and ends at once; a whole day is `00:00-24:00`"],
        ),
        ("calendar: a\nbreaks:\n  - {break: {from: 1}}", ["t.yaml:3:13: `break` must be a list, not `{from: 1}`"]),
        (
            f"calendar: a\nstates:\n  PJY: {{{STATE}, rest: []}}",
            ["`rest` is empty"],
        ),
        (
            f"calendar: a\nstates:\n  PJY: {{{STATE}, rest: [{{from: 2025-01-01, days: [sun], source: s}},"
            " {from: 2024-01-01, days: [fri], source: s}]}",
            ["t.yaml:3:8: the entries of `rest` are not in the order of their dates"],
        ),
        (
            f"calendar: a\nprofiles:\n  p: {{{TITLE}, seasons: [{{from: 2026-03-20, to: 2026-02-19}}]}}",
            ["`to: 2026-02-19` lies before `from: 2026-03-20`"],
        ),
        (
            "calendar: a\nservices:\n  federal: [federal]",
            ["unknown service `federal`; did you mean `federal-service`?"],
        ),
        (
            "calendar: a\ncomplete_for:\n  - {year: 26, states: [PJY]}",
            ["t.yaml:3:12: `year` is `26`; at least 1900"],
        ),
        (
            "calendar: a\noverrides:\n  - {date: 2026-01-01, kind: add, ms: a, en: b, source: s}",
            ["t.yaml:3:5: says neither `states` nor `offices`"],
        ),
        (
            "calendar: a\noverrides:\n  - {date: 2026-01-01, states: [PJY], kind: add, source: s}",
            ["t.yaml:3:5: a day that is added needs its name in `ms` and `en`"],
        ),
        (
            "calendar: a\noverrides:\n  - {date: 2026-01-01, states: [PJY], kind: move, source: s}",
            ["t.yaml:3:5: `to` goes with `kind: move`, and only with it"],
        ),
        (
            "calendar: a\noverrides:\n  - {date: 2026-01-01, states: [PJY], kind: remove, to: 2026-01-02, source: s}",
            ["t.yaml:3:5: `to` goes with `kind: move`, and only with it"],
        ),
        (
            "calendar: a\noverrides:\n  - {date: 2026-01-01, states: [PJY], kind: del, source: s}",
            ["t.yaml:3:45: unknown kind `del`; expected one of `add`, `remove`, `move`"],
        ),
        (
            "calendar: a\noverrides:\n"
            "  - {date: 2026-01-01, states: [PJY], kind: add, ms: a, en: b, between: '22:00-02:00', source: s}",
            ["`22:00-02:00` goes over midnight; give each day a line of its own"],
        ),
        (
            "calendar: a\noverrides:\n"
            "  - {date: 2026-01-01, states: [PJY], kind: remove, between: '12:00-24:00', source: s}",
            ["`between` goes only with `kind: add`"],
        ),
        (
            "calendar: a\noverrides:\n  - {date: 2026-01-01, states: [PJY], kind: remove}\n  - {kind: remove}",
            ["t.yaml:3:5: `source` is missing", "t.yaml:4:5: `date` is missing", "t.yaml:4:5: `source` is missing"],
        ),
        ("calendar: a\nholidays: !!python/object:os.system [ls]", ["t.yaml:2:"]),
        ("calendar: a\nbreaks:\n  - {break: '13:00-14:00', days: [fri]", ["t.yaml:"]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, sentences: list[str]) -> None:
    with pytest.raises(DocumentErrors) as caught:
        parse_calendar(text, "t.yaml")
    told = str(caught.value)
    for sentence in sentences:
        assert sentence in told
    assert told.startswith("t.yaml:")


def test_an_enormous_document_is_refused_before_it_is_read() -> None:
    with pytest.raises(DocumentErrors, match="at most"):
        parse_calendar("calendar: a\n" + "#" * (1 << 20), "t.yaml")


@given(start=st.integers(0, 1439), length=st.integers(1, 1440))
def test_a_window_is_read_as_it_is_written(start: int, length: int) -> None:
    one = Window(start, start + length)
    if length == DAY and start:
        return  # written, it would start and end at one time of the clock
    assert window(str(one)) == one
    assert clock(one.start) in str(one)


def told(text: str) -> tuple[GerbangError, ...]:
    try:
        parse_calendar(text, "t.yaml")
    except DocumentErrors as several:
        return several.errors
    return ()


@given(st.text(max_size=200))
def test_no_text_makes_parsing_raise_anything_but_our_error(text: str) -> None:
    assert all(error.place is not None for error in told(text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("abc-:0123456789", max_size=12),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["calendar", "states", "rest", "days", "overrides", "date", "break", "patterns", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_shape_makes_parsing_raise_anything_but_our_error(value: object) -> None:
    assert all(error.place is not None for error in told(json.dumps(value)))
