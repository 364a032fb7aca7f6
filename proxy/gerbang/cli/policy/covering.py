"""`gerbang policy coverage`: what a year holds at each office, what the calendar lacks, and which rules are idle."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gerbang.checks.lexicon import parse_lexicon
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, console, emit, say, table
from gerbang.cli.policy.checking import known_checks, without_rules
from gerbang.errors import SettingsError, one_of
from gerbang.loading import check_officers, each, sources
from gerbang.model import Kind, Office, Regime
from gerbang.pipeline import World
from gerbang.policy.calendar_document import Override
from gerbang.policy.coverage import CalendarGap, Day, DayKind, Year, calendar_gaps, doubtful, years_of
from gerbang.policy.reach import Existing, Unreachable, unreachable
from gerbang.registers import SERVICE_GROUPS, load_registers
from gerbang.settings import Settings
from gerbang.target_lists import target_files
from gerbang.trying import Loaded, load_policies, trial_world

_MOST_PICTURES = 4  # unless offices are named

# A sign and a colour for each kind of day: a terminal without colours shows the sign.
SIGNS: Mapping[DayKind, tuple[str, str]] = {
    DayKind.WORKING: ("o", "green"),
    DayKind.PART: ("/", "yellow"),
    DayKind.HOLIDAY: ("H", "bold magenta"),
    DayKind.WEEKLY: ("-", "bright_black"),
    DayKind.IDLE: (".", "bright_black"),
    DayKind.UNKNOWN: ("?", "bold red"),
}
PROFILE, ESTIMATED = ("p", "cyan"), ("e", "bold yellow")
LEGEND = (
    (*SIGNS[DayKind.WORKING], "working day"),
    (*PROFILE, "working day of a profile, such as Ramadan"),
    (*SIGNS[DayKind.PART], "part of the day off"),
    (*SIGNS[DayKind.HOLIDAY], "holiday"),
    (*ESTIMATED, "holiday that may still move"),
    (*SIGNS[DayKind.WEEKLY], "weekly day off"),
    (*SIGNS[DayKind.IDLE], "no hours"),
    (*SIGNS[DayKind.UNKNOWN], "not known"),
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def show_coverage(
    year: Annotated[int, typer.Option(min=1900, max=9999, help="The year that is looked at.")],
    folder: Annotated[Path | None, typer.Option(help="A folder of policies; else those of the settings.")] = None,
    office: Annotated[
        list[str] | None, typer.Option(help="An office of the settings; may be given several times. Else all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What a year holds at each office, what the calendar lacks of it, and which rules and clauses are idle."""
    chosen = settings()
    loaded = load_policies(chosen, folder)
    world = trial_world(loaded, chosen, registers=load_registers(chosen.registers_folder))
    check_officers(world, chosen)
    ways = list(_ways(world, office))
    years = years_of(world.calendar, ways, year)
    offices = list(dict.fromkeys(place for place, _ in ways))
    gaps = list(calendar_gaps(world.calendar, list(world.offices.values()), ways, year))
    in_doubt = doubtful(world.calendar, offices, year)
    idle = unreachable(loaded.documents, _existing(loaded, chosen, world, year))
    if as_json:
        emit(_whole(year, years, gaps, in_doubt, idle, loaded))
        return
    _totals(year, years)
    shown = years if office else years[:_MOST_PICTURES]
    for one in shown:
        _picture(one)
    if len(shown) < len(years):
        say(f"{len(years) - len(shown)} more pictures: name offices by `--office`")
    _legend()
    _estimated(years)
    for change in in_doubt:
        say(f"in doubt, not applied: {change.day} {change.change} {change.ms or ''} ({change.source})")
    for gap in gaps:
        say(f"{'gap' if gap.serious else 'note'}: {gap.what}; {gap.hint}")
    for rule in idle:
        say(f"{rule.place}: rule `{rule.rule}` is never decisive: {rule.why}")
    for _, clause, reason in _clauses(loaded):
        say(f"clause `{clause}` has no rule: {reason or 'no reason is given'}")


def _ways(world: World, names: Sequence[str] | None) -> Iterator[tuple[Office, str]]:
    """Each office with its pattern, and with those that officers there have of their own."""
    for name in names or ():
        if name not in world.offices:
            raise SettingsError(f"unknown office `{name}`", hint=one_of(sorted(world.offices), name))
    own: dict[str, set[str]] = {}
    for officer in world.registers.officers.values():
        if officer.pattern:
            own.setdefault(officer.office, set()).add(officer.pattern)
    elsewhere = own.get("", set())  # at the office of the zone, whichever that is
    for place in world.offices.values():
        if not names or place.name in names:
            for pattern in (place.pattern, *sorted((own.get(place.name, set()) | elsewhere) - {place.pattern})):
                yield place, pattern


def _existing(loaded: Loaded, chosen: Settings, world: World, year: int) -> Existing:
    """What there is for rules to speak of: all offices' regimes, whichever are shown."""
    everywhere = years_of(world.calendar, list(_ways(world, None)), year)
    regimes = frozenset(regime for one in everywhere for regime in one.minutes)
    officers = world.registers.officers.values()
    documents = {document.platform: document for document in world.platforms.documents}
    claimed: dict[str, frozenset[Kind]] = {}
    for name, document in documents.items():
        used = documents.get(document.uses or "")
        signatures = (*document.signatures, *(used.signatures if used else ()))
        claimed[name] = frozenset(signature.activity for signature in signatures)
    lexicons = [lexicon for lexicon in each(sources(loaded.folders, "lexicons"), parse_lexicon) if lexicon.findings]
    checks, categories = known_checks(lexicons)
    groups = {group for officer in officers for group in officer.groups}
    return Existing(
        year=year,
        platforms=claimed,
        zones={zone.name: zone.device for zone in world.zones},
        offices=frozenset(entry.name for entry in chosen.offices),
        officers=frozenset(world.registers.officers),
        groups=frozenset({*SERVICE_GROUPS, *groups}) if world.registers.officers else frozenset(),
        # Leave and errands are outside hours also where a pattern leaves no minute so; an unknown hour may be any.
        regimes=frozenset(REGIMES) if Regime.UNKNOWN in regimes else regimes | {Regime.OUTSIDE_HOURS},
        approvals=frozenset(approval.purpose for granted in world.registers.approvals.values() for approval in granted),
        checks=checks,
        categories=categories,
        lists=frozenset(target_files(loaded.folders)),
    )


def _clauses(loaded: Loaded) -> Iterator[tuple[str, str, str | None]]:
    for document in loaded.documents:
        for clause in without_rules(document, loaded.policy):
            yield document.name, clause.id, clause.none.en if clause.none else None


# ---------------------------------------------------------------- for a person


def _totals(year: int, years: Sequence[Year]) -> None:
    """Two tables, since one would be wider than a terminal."""
    days = ["offices", "working", "weekly off", "holidays", "part off", "no hours", "unknown"]
    rows: list[tuple[object, ...]] = [
        (
            _way(one),
            one.working_days,
            *(one.count(kind) for kind in (DayKind.WEEKLY, DayKind.HOLIDAY, DayKind.PART, DayKind.IDLE)),
            one.count(DayKind.UNKNOWN),
        )
        for one in years
    ]
    table([name.replace(" ", "\n") for name in days], rows, as_json=False, title=f"{year}: days")
    hours = ["offices", *(str(regime).replace("-", "\n") for regime in REGIMES)]
    rows = [(_way(one), *(_hours(one.minutes.get(regime, 0)) for regime in REGIMES)) for one in years]
    table(hours, rows, as_json=False, title=f"{year}: hours of each regime")


REGIMES = tuple(Regime)


def _way(year: Year) -> str:
    first, *more = year.offices
    return (
        f"{first} and {len(more)} more, {year.state}, {year.pattern}"
        if more
        else f"{first}, {year.state}, {year.pattern}"
    )


def _hours(minutes: int) -> str:
    return f"{minutes / 60:g}" if minutes % 60 in {0, 30} else f"{minutes / 60:.2f}"


def _picture(year: Year) -> None:
    console.print()
    say(_way(year))
    console.print(Text("    " + " ".join(f"{day % 10}" for day in range(1, 32)), "bright_black"), soft_wrap=True)
    for number, month in enumerate(MONTHS, 1):
        line = Text(f"{month} ")
        for day in year.days:
            if day.day.month == number:
                sign, style = _sign(day)
                line.append(sign, style).append(" ")
        line.rstrip()
        console.print(line, soft_wrap=True)


def _sign(day: Day) -> tuple[str, str]:
    if day.kind is DayKind.HOLIDAY and day.estimated:
        return ESTIMATED
    if day.kind is DayKind.WORKING and day.profile:
        return PROFILE
    return SIGNS[day.kind]


def _legend() -> None:
    console.print()
    for sign, style, words in LEGEND:
        console.print(Text.assemble("  ", (sign, style), f" {words}"))
    console.print()


def _estimated(years: Sequence[Year]) -> None:
    """Days that may still move, once each, with the states whose offices keep them."""
    states: dict[tuple[str, str], dict[str, None]] = {}
    profiles: dict[str, list[Day]] = {}
    for one in years:
        for day in one.estimated:
            if day.names:
                states.setdefault((str(day.day), "; ".join(day.names)), {})[one.state] = None
            elif day.profile:
                profiles.setdefault(day.profile, []).append(day)
    for (date, names), places in sorted(states.items()):
        say(f"estimated: {date} {names} ({', '.join(places)})")
    for profile, days in profiles.items():
        first, last = min(day.day for day in days), max(day.day for day in days)
        say(f"estimated: the profile `{profile}`, working days from {first} to {last}")


# ---------------------------------------------------------------- for a program


def _whole(
    year: int,
    years: Sequence[Year],
    gaps: Sequence[CalendarGap],
    in_doubt: Sequence[Override],
    idle: Sequence[Unreachable],
    loaded: Loaded,
) -> dict[str, Any]:
    return {
        "year": year,
        "offices": [_value(one) for one in years],
        "gaps": [{"what": gap.what, "hint": gap.hint, "serious": gap.serious} for gap in gaps],
        "in_doubt": [
            {"date": str(one.day), "kind": one.change, "name": one.ms, "states": one.states, "source": one.source}
            for one in in_doubt
        ],
        "rules": [{"rule": one.rule, "place": str(one.place), "why": one.why} for one in idle],
        "clauses": [{"clause": clause, "reason": reason} for _, clause, reason in _clauses(loaded)],
    }


def _value(year: Year) -> dict[str, Any]:
    return {
        "offices": year.offices,
        "state": year.state,
        "pattern": year.pattern,
        "working_days": year.working_days,
        "days": {kind: year.count(kind) for kind in DayKind},
        "minutes": {regime: year.minutes.get(regime, 0) for regime in REGIMES},
        "holidays": [
            {"date": str(day.day), "kind": day.kind, "names": day.names, "estimated": day.estimated}
            for day in year.days
            if day.names
        ],
        "estimated": [str(day.day) for day in year.estimated],
        "picture": ["".join(_sign(day)[0] for day in year.days if day.day.month == month) for month in range(1, 13)],
    }
