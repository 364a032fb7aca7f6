"""What an iCal file says: its events as stretches of days or of time, within bounds, since anybody may have sent it."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types
from icalendar import Calendar

from gerbang.documents import shown
from gerbang.errors import DocumentError, Place, reason

ICAL_LIMIT = 4 << 20  # bytes
BEGIN = b"BEGIN:VCALENDAR"
MOST_EVENTS = 2_000
DEEPEST_COMPONENT = 8
# How far a recurring event is followed, in days, and how often it may come.
FOLLOWED_DAYS = 800
MOST_TIMES = 400
# Rules of these parts alone always come to an end soon.
PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "WKST"})
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


@dataclass(frozen=True, slots=True)
class Event:
    """One time of an event, its end excluded. Two dates are whole days; times may be without a zone."""

    summary: str
    uid: str
    start: date
    end: date


def read_events(file: Path) -> list[Event]:
    """The events that are not cancelled, in the order of their starts. Raises `DocumentError`."""
    place = Place(str(file))
    try:
        with file.open("rb") as opened:
            data = opened.read(ICAL_LIMIT + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {reason(error)}", place=place) from None
    if len(data) > ICAL_LIMIT:
        raise DocumentError(f"is larger than {ICAL_LIMIT >> 20} MiB", place=place, hint="export a part of it")
    if not data.removeprefix(codecs.BOM_UTF8).lstrip().upper().startswith(BEGIN):
        what = f"is no iCal file: it does not begin with `{BEGIN.decode()}`"
        raise DocumentError(what, place=place, hint="export it from a calendar as `.ics`")
    _bounded(data, place)
    try:
        calendar = Calendar.from_ical(data)
        components = list(calendar.walk("VEVENT"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        what = f"is no iCal file: {shown(str(error))}"
        raise DocumentError(what, place=place, hint="export it from a calendar as `.ics`") from None
    moved = {
        (str(one.get("UID", "")), _plain(one.decoded("RECURRENCE-ID"))) for one in components if "RECURRENCE-ID" in one
    }
    events: list[Event] = []
    for component in components:
        try:
            for event in _times(component, moved):
                events.append(event)
                if len(events) > MOST_EVENTS:
                    raise DocumentError(
                        f"has more than {MOST_EVENTS:,} events", place=place, hint="export a part of it"
                    )
        except DocumentError as error:
            raise error if error.place else DocumentError(error.what, place=place, hint=error.hint) from None
        except (TypeError, AttributeError):  # a value that is no date is kept as a text
            what = f"the event `{_name(component)}` has a date or a time that is none"
            raise DocumentError(what, place=place, hint="put it right in the calendar, and export it again") from None
        except (ValueError, KeyError, OverflowError) as error:
            what = f"the event `{_name(component)}` cannot be read: {shown(str(error))}"
            raise DocumentError(what, place=place) from None
    return sorted(events, key=lambda one: (str(one.start), one.uid))


def _name(component: Any) -> str:
    return shown(str(component.get("SUMMARY", "")))


def _bounded(data: bytes, place: Place) -> None:
    depth = events = 0
    for line in data.upper().splitlines():
        if line.startswith(b"BEGIN:"):
            depth += 1
            events += line.strip() == b"BEGIN:VEVENT"
            if depth > DEEPEST_COMPONENT:
                raise DocumentError(f"is nested deeper than {DEEPEST_COMPONENT}", place=place)
            if events > MOST_EVENTS:
                raise DocumentError(f"has more than {MOST_EVENTS:,} events", place=place, hint="export a part of it")
        elif line.startswith(b"END:"):
            depth -= 1


def _times(component: Any, moved: set[tuple[str, str]]) -> Iterator[Event]:
    if str(component.get("STATUS", "")).upper() == "CANCELLED":
        return
    start = component.decoded("DTSTART")
    whole = not isinstance(start, datetime)
    if "DTEND" in component:
        length = component.decoded("DTEND") - start
    elif "DURATION" in component:
        length = component.decoded("DURATION")
    else:
        length = timedelta(days=1) if whole else timedelta()
    if length <= timedelta():
        raise ValueError("it ends when it begins, or before")
    summary = " ".join(str(component.get("SUMMARY", "")).split())[:200]
    uid = str(component.get("UID", ""))[:200]
    if "RRULE" not in component:
        yield Event(summary, uid, start, start + length)
        return
    left_out = {_plain(one.dt) for one in _listed(component, "EXDATE")}
    for again in _again(component["RRULE"], start):
        if _plain(again) not in left_out and (uid, _plain(again)) not in moved:
            yield Event(summary, uid, again, again + length)


def _listed(component: Any, name: str) -> Iterator[Any]:
    found = component.get(name)
    for part in found if isinstance(found, list) else [found] if found is not None else []:
        yield from part.dts


def _again(rule: Any, start: date) -> Iterator[date]:
    """The times of a rule on the wall clock, so that ten o'clock stays ten o'clock where clocks change."""
    if isinstance(rule, list) or set(rule) - PARTS or str(rule.get("FREQ", [""])[0]).upper() not in FREQUENCIES:
        hint = f"a rule by day, week, month or year is understood, of {', '.join(sorted(PARTS))}"
        raise DocumentError("an event recurs by a rule that is not understood", hint=hint)
    zone = start.tzinfo if isinstance(start, datetime) else None
    wall = datetime(start.year, start.month, start.day, *(start.timetuple()[3:5]))  # noqa: DTZ001  # put back below
    last = wall + timedelta(days=FOLLOWED_DAYS)
    parts = {key: value for key, value in rule.items() if key != "UNTIL"}
    if until := rule.get("UNTIL"):
        end = until[0]
        if isinstance(end, datetime):
            end = (end.astimezone(zone) if zone and end.tzinfo else end).replace(tzinfo=None)
        else:
            end = datetime(end.year, end.month, end.day, 23, 59)  # noqa: DTZ001
        last = min(last, end)
    text = ";".join(f"{key}={','.join(str(one) for one in value)}" for key, value in parts.items())
    for number, moment in enumerate(rrulestr(text, dtstart=wall)):
        if moment > last:
            return
        if number >= MOST_TIMES:
            raise DocumentError(f"an event comes more than {MOST_TIMES} times", hint="give it an end")
        yield moment.replace(tzinfo=zone) if isinstance(start, datetime) else moment.date()


def _plain(moment: date) -> str:
    return moment.isoformat()
