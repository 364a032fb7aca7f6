"""Whether calendar documents fit together: every name that one speaks of is there, once, and nothing is idle."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gerbang.documents import Steps
from gerbang.errors import DocumentError, one_of
from gerbang.policy.calendar_document import (
    CalendarDocument,
    Change,
    Complete,
    Day,
    Holiday,
    Override,
    Pattern,
    Status,
    Where,
)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A pattern with what it is based on: its ordinary days, and those of each profile that it takes part in."""

    days: tuple[Day, ...]
    profiles: Mapping[str, tuple[Day, ...]]


def arranged(name: str, patterns: Mapping[str, Pattern]) -> Arrangement:
    pattern = patterns[name]
    base = arranged(pattern.based_on, patterns) if pattern.based_on else Arrangement((), {})
    profiles = dict(base.profiles)
    for profile, days in pattern.profiles.items():
        profiles[profile] = profiles.get(profile, ()) + days
    return Arrangement(base.days + pattern.days, profiles)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def inconsistencies(documents: Sequence[CalendarDocument]) -> Iterator[DocumentError]:
    """All that is wrong between the documents. Overlaps and idle overrides are sought once every name is known."""
    wrong = [*_twice(documents), *_unknown_names(documents), *_cycles(documents)]
    yield from wrong or [*_overlaps(documents), *_idle(documents)]


def _twice(documents: Sequence[CalendarDocument]) -> Iterator[DocumentError]:
    """The same state, alias, pattern or profile in two documents, or a legal regime in two services."""
    seen: dict[tuple[str, str], CalendarDocument] = {}

    def met(what: str, name: str, document: CalendarDocument, *path: str | int) -> Iterator[DocumentError]:
        if earlier := seen.get((what, name)):
            where = "above" if earlier is document else f"in {earlier.file}"
            yield DocumentError(f"the {what} `{name}` is already {where}", place=document.place(path))
        seen[what, name] = document

    for document in documents:
        for code, state in document.content.states.items():
            yield from met("state", code, document, "states", code)
            if state.alias:
                yield from met("state", state.alias, document, "states", code, "alias")
        for name in document.content.patterns:
            yield from met("pattern", name, document, "patterns", name)
        for name in document.content.profiles:
            yield from met("profile", name, document, "profiles", name)
        for service, regimes in document.content.services.items():
            for index, regime in enumerate(regimes):
                yield from met("legal regime", regime, document, "services", service, index)


def _unknown_names(documents: Sequence[CalendarDocument]) -> Iterator[DocumentError]:
    """States, regions, patterns, profiles and years that are spoken of and not there."""
    states = {code: state for each in documents for code, state in each.content.states.items()}
    known = {
        "state": sorted(states),
        "region": sorted({state.region for state in states.values()}),
        "pattern": sorted({name for each in documents for name in each.content.patterns}),
        "profile": sorted({name for each in documents for name in each.content.profiles}),
    }
    complete = _complete(documents)
    for document in documents:
        for what, name, path in _mentions(document):
            if name not in known[what]:
                hint = one_of(known[what], name) if known[what] else f"no calendar has a {what}"
                yield DocumentError(f"unknown {what} `{name}`", place=document.place(path), hint=hint)
        for code, state in document.content.states.items():
            if zone_of(state.timezone) is None:
                place = document.place(("states", code, "timezone"))
                yield DocumentError(
                    f"unknown time zone `{state.timezone}`", place=place, hint="name it as `Asia/Kuala_Lumpur`"
                )
        for index, holiday in enumerate(document.content.holidays):
            if lacking := [code for code in holiday.states if (code, holiday.day.year) not in complete]:
                yield DocumentError(
                    f"{holiday.day} is listed for `{lacking[0]}`, whose list for {holiday.day.year} is not whole",
                    place=document.place(("holidays", index)),
                    hint="add the year to `complete_for`, or make it an override with `kind: add`",
                )


def _mentions(document: CalendarDocument) -> Iterator[tuple[str, str, Steps]]:
    content = document.content

    def places(where: Where, *path: str | int) -> Iterator[tuple[str, str, Steps]]:
        for code in where.states:
            yield "state", code, (*path, "states")
        for region in where.regions:
            yield "region", region, (*path, "regions")

    for index, entry in enumerate(content.breaks):
        yield from places(entry, "breaks", index)
    for name, pattern in content.patterns.items():
        if pattern.based_on:
            yield "pattern", pattern.based_on, ("patterns", name, "based_on")
        for index, day in enumerate(pattern.days):
            yield from places(day, "patterns", name, "days", index)
        for profile, days in pattern.profiles.items():
            yield "profile", profile, ("patterns", name, "profiles", profile)
            for index, day in enumerate(days):
                yield from places(day, "patterns", name, "profiles", profile, index)
    for name, made in content.profiles.items():
        for index, season in enumerate(made.seasons):
            for code in season.states:
                yield "state", code, ("profiles", name, "seasons", index, "states")
        for index, entry in enumerate(made.breaks):
            yield from places(entry, "profiles", name, "breaks", index)
    listed: tuple[tuple[str, Sequence[Complete | Holiday | Override]], ...] = (
        ("complete_for", content.complete_for),
        ("holidays", content.holidays),
        ("overrides", content.overrides),
    )
    for key, items in listed:
        for index, item in enumerate(items):
            for code in item.states:
                yield "state", code, (key, index, "states")


def _cycles(documents: Sequence[CalendarDocument]) -> Iterator[DocumentError]:
    patterns = {name: pattern for each in documents for name, pattern in each.content.patterns.items()}
    for document in documents:
        for name in document.content.patterns:
            seen, here = [name], patterns[name].based_on
            while here in patterns and here not in seen:
                seen.append(here)
                here = patterns[here].based_on
            if here == name:
                what = f"the pattern `{name}` is based on itself"
                yield DocumentError(what, place=document.place(("patterns", name, "based_on")))


def _overlaps(documents: Sequence[CalendarDocument]) -> Iterator[DocumentError]:
    """Two seasons at once for one pattern: which one stands would be a matter of order."""
    patterns = {name: pattern for each in documents for name, pattern in each.content.patterns.items()}
    profiles = {name: profile for each in documents for name, profile in each.content.profiles.items()}
    for document in documents:
        for name in document.content.patterns:
            seasons = sorted(
                (season.since, season.until, profile, season.states)
                for profile in arranged(name, patterns).profiles
                for season in profiles[profile].seasons
            )
            for index, (_, until, profile, states) in enumerate(seasons):
                for since, _, other, others in seasons[index + 1 :]:
                    if since <= until and (not states or not others or set(states) & set(others)):
                        yield DocumentError(
                            f"the profiles `{profile}` and `{other}` of the pattern `{name}` both run on {since}",
                            place=document.place(("patterns", name, "profiles")),
                        )


def _idle(documents: Sequence[CalendarDocument]) -> Iterator[DocumentError]:
    """Removals and moves of a holiday that the list does not have (any more)."""
    complete = _complete(documents)
    listed: dict[tuple[str, date], list[str]] = defaultdict(list)
    for document in documents:
        for holiday in document.content.holidays:
            for code in holiday.states:
                listed[code, holiday.day].append(holiday.ms)
        for one in document.content.overrides:
            if one.change is Change.ADD and one.status is Status.CONFIRMED:
                for code in one.states:
                    listed[code, one.day].append(str(one.ms))
    for document in documents:
        for index, one in enumerate(document.content.overrides):
            if one.change is Change.ADD or one.status is Status.DOUBTFUL:
                continue
            for code in one.states:
                there = listed[code, one.day]
                if (code, one.day.year) not in complete or (there and one.ms in {None, *there}):
                    continue
                named = f"holiday `{one.ms}`" if one.ms else "holiday"
                yield DocumentError(
                    f"`{code}` has no {named} on {one.day}",
                    place=document.place(("overrides", index)),
                    hint=one_of(there, one.ms) if there else "take the line out",
                )


def _complete(documents: Sequence[CalendarDocument]) -> set[tuple[str, int]]:
    return {(code, one.year) for each in documents for one in each.content.complete_for for code in one.states}
