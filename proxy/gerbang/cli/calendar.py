"""`gerbang calendar`: the yearly holiday files, and what a month looks like at an office."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from gerbang.cli import configuration
from gerbang.cli import month as months
from gerbang.cli.importing import import_days
from gerbang.cli.output import JsonOption, console, emit, errors, say, table
from gerbang.clockings import with_clockings
from gerbang.errors import GerbangError, Place, SettingsError, StartError, one_of
from gerbang.loading import (
    cases_beside,
    check_people,
    each,
    load_calendar,
    offices_of,
    policy_folders,
    read_document,
    sources,
)
from gerbang.model import Hours, Office, OwnDays, Regime
from gerbang.policy.calendar import Calendar, Stretch, compile_calendar, parse_calendar
from gerbang.policy.calendar_build import BESIDES, UNKNOWABLE, holiday_file, listed_holidays
from gerbang.policy.calendar_cases import parse_calendar_cases, run_calendar_cases
from gerbang.policy.calendar_document import Override, Status, clock
from gerbang.policy.own_days import own_hours
from gerbang.policy.stretches import Piece, day_of, is_estimated, is_own
from gerbang.registers import load_registers
from gerbang.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Working time: the holiday files, and what a month looks like.")


@app.command()
def build(
    year: Annotated[int, typer.Option(help="The year whose holidays are listed.")],
    out: Annotated[Path | None, typer.Option(help="Folder for holidays-YEAR.yaml; without it, print the file.")] = None,
    known_on: Annotated[
        str | None, typer.Option(help="Day of knowledge: later days that hang on the moon are marked as estimates.")
    ] = None,
) -> None:
    """Make the holiday file of a year, and say what it cannot know."""
    day = _day(known_on) if known_on else datetime.now(UTC).date()
    try:
        text = holiday_file(year, day)
    except ValueError as error:
        raise GerbangError(str(error), hint="give a year from 1964 to 2077") from None
    if out is None:
        typer.echo(text, nl=False)
    else:
        path = out / f"holidays-{year}.yaml"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            hint = "it may hold what somebody has looked through; move it aside, or name another folder"
            raise StartError("is already there", place=Place(str(path)), hint=hint) from None
        except OSError as error:
            what = (error.strerror or "cannot be written").lower()
            raise StartError(what, place=Place(str(path)), hint="name a folder that can be written to") from None
        console.print(f"{path}: written", markup=False, highlight=False)
    rows = listed_holidays(year, day)
    estimated = sorted({f"{row.day} {row.ms}" for row in rows if row.estimated})
    for line in (
        f"{len(rows)} entries for {year}; {len(estimated)} of them may still move:",
        *(f"  {line}" for line in estimated),
        "not in the file, because no library can know it:",
        *(f"  {line}" for line in UNKNOWABLE),
        "to be seen to besides:",
        *(f"  {line}" for line in BESIDES),
    ):
        errors.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def show(
    month: Annotated[str | None, typer.Option(help="A month as 2026-03, or a day as 2026-03-20.")] = None,
    day: Annotated[str | None, typer.Option(help="One day instead, as 2026-03-20.")] = None,
    at: Annotated[
        str | None, typer.Option(help="One moment instead, as 2026-03-20T10:15, on the office's clock.")
    ] = None,
    officer: Annotated[str | None, typer.Option(help="An officer of the register, with the days of her own.")] = None,
    office: Annotated[str | None, typer.Option(help="An office of the settings; else the first.")] = None,
    state: Annotated[str | None, typer.Option(help="Instead of an office: the state that one would be in.")] = None,
    pattern: Annotated[str | None, typer.Option(help="A working pattern other than the office's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The hours of each day of a month at an office or for an officer, with the holidays and own days behind them."""
    settings = configuration.settings()
    given = [one for one in (month, day, at) if one is not None]
    if len(given) != 1:
        raise SettingsError(
            "say when", hint="give one of `--month 2026-11`, `--day 2026-11-24`, `--at 2026-11-24T10:15`"
        )
    if day is not None:
        _day(day)
    if officer is not None or at is not None:
        _personal(settings, officer, given[0], at is not None, office, state, pattern, as_json)
        return
    month = given[0]
    calendar = compile_calendar(each(sources(policy_folders(settings), "calendars"), parse_calendar))
    place = _office(calendar, settings, office, state, pattern)
    days = _days(month)
    shown = [(day, calendar.day(place, day)) for day in days]
    if as_json:
        emit([{"date": str(day), "stretches": [_value(one) for one in stretches]} for day, stretches in shown])
        return
    rows = [(f"{day} {day:%a}", _hours(stretches), _note(stretches)) for day, stretches in shown]
    table(["day", "hours", "note"], rows, as_json=False, title=f"{place.name}, {place.pattern}")
    for one in _doubtful(calendar, place, set(days)):
        line = f"in doubt, not applied: {one.day} {one.change} {one.ms or ''} ({one.source})"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _personal(
    settings: Settings,
    officer: str | None,
    when: str,
    at: bool,
    office: str | None,
    state: str | None,
    pattern: str | None,
    as_json: bool,
) -> None:
    calendar = load_calendar(settings)
    registers = load_registers(settings.registers_folder)
    offices = offices_of(settings, calendar)
    check_people(registers, offices, calendar, settings)
    person = registers.officers.get(officer) if officer is not None else None
    if officer is not None and person is None:
        near = get_close_matches(officer, registers.officers, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "the register `officers.csv` lists those who are known"
        raise SettingsError(f"unknown officer `{officer}`", hint=hint)
    named = office or (person.office if person and person.office and state is None else None)
    place = _office(calendar, settings, named, state, None)
    wanted = pattern or (person.pattern if person else None)
    if wanted and wanted not in calendar.patterns:
        raise SettingsError(f"unknown pattern `{wanted}`", hint=one_of(calendar.patterns, wanted))
    days = [_wall(when).date()] if at else _days(when)
    registers = with_clockings(registers, settings.clockings_folder, officer, days[0], days[-1])
    own = registers.own_days.get(officer or "", OwnDays(()))

    def asked(moment: datetime) -> Hours:
        return own_hours(own, calendar, offices, place, wanted, moment)

    if at:
        found = asked(calendar.moment(place, _wall(when)))
        emit(_answer(found)) if as_json else say(months.told(found))
        return
    zone = calendar.moment(place, datetime(2000, 1, 1)).tzinfo or UTC  # noqa: DTZ001  # the office's own
    shown = [(day, day_of(day, zone, asked)) for day in days]
    if as_json:
        emit([_told_day(day, pieces) for day, pieces in shown])
        return
    title = f"{officer}, {place.name}, {wanted or place.pattern}"
    if len(shown) > 1 and console.is_terminal:
        console.print(months.drawn(title, shown))
        console.print(months.legend())
        return
    rows = [
        (
            f"{day} {day:%a}{' *' if is_own(pieces) else ''}{' ~' if is_estimated(pieces) else ''}",
            months.described(pieces),
            "\n".join(months.notes(pieces)),
        )
        for day, pieces in shown
    ]
    table(["day", "hours", "note"], rows, as_json=False, title=title)


def _wall(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or len(text) < len("2026-11-24T10:00"):
        hint = "write it without an offset, like `2026-11-24T10:15`"
        raise SettingsError(f"`{text[:40]}` is no time at the office", hint=hint)
    return moment


def _told_day(day: date, pieces: Sequence[Piece]) -> dict[str, object]:
    return {
        "date": str(day),
        "own": is_own(pieces),
        "estimated": is_estimated(pieces),
        "stretches": [{"from": one.start.isoformat(), "to": one.end.isoformat(), **_said(one.hours)} for one in pieces],
    }


def _answer(found: Hours) -> dict[str, object]:
    until = found.until.isoformat() if found.until else None
    return {"local": found.local.isoformat(), **_said(found), "until": until}


def _said(found: Hours) -> dict[str, object]:
    return {"regime": found.regime, "fact": found.fact, "arguments": dict(found.arguments)}


app.command("import")(import_days)


@app.command("test")
def try_cases(as_json: JsonOption = False) -> None:
    """Try the case files beside the calendars."""
    folders = policy_folders(configuration.settings())
    found = sources(folders, "calendars")
    calendar = compile_calendar(each(found, parse_calendar))
    files = [file for source in found if (file := cases_beside(source.file))]
    results = [
        result
        for file in files
        for result in run_calendar_cases(parse_calendar_cases(read_document(file), str(file)), calendar)
    ]
    failed = [result for result in results if result.failures]
    rows = [(f"{one.file}:{one.line}", one.name, "; ".join(one.failures)) for one in failed]
    if as_json:
        emit({"cases": len(results), "failed": [dict(zip(("place", "case", "why"), row, strict=True)) for row in rows]})
    else:
        if rows:
            table(["place", "case", "why"], rows, as_json=False)
        console.print(f"{len(results)} cases, {len(failed)} failed", highlight=False)
    if failed:
        raise typer.Exit(1)


def _doubtful(calendar: Calendar, office: Office, days: set[date]) -> Iterator[Override]:
    state = calendar.state(office.state)
    for one in calendar.overrides:
        here = office.name in one.offices or state in [calendar.states[code] for code in one.states]
        if one.status is Status.DOUBTFUL and here and days & {one.day, one.to}:
            yield one


def _office(calendar: Calendar, settings: Settings, name: str | None, state: str | None, pattern: str | None) -> Office:
    entries = {entry.name: entry for entry in settings.offices}
    if name is None and state is None and entries:
        name = next(iter(entries))
    if (name is None) == (state is None):
        raise SettingsError("say which office", hint="give either `--office NAME` or `--state CODE`")
    entry = entries.get(name) if name else None
    if name and entry is None:
        raise SettingsError(
            f"unknown office `{name}`",
            hint=one_of(entries, name) if entries else "the settings list no `[[offices]]`; use `--state CODE`",
        )
    code = entry.state if entry else str(state)
    found = calendar.state(code)
    if found is None:
        raise SettingsError(f"unknown state `{code}`", hint=one_of(calendar.states, code))
    chosen = pattern or (entry.pattern if entry else "flexi")
    if chosen not in calendar.patterns:
        raise SettingsError(f"unknown pattern `{chosen}`", hint=one_of(calendar.patterns, chosen))
    zone = (entry.timezone if entry else None) or found.timezone
    return Office(name or code, code, zone, entry.legal_regime if entry else "federal", chosen)


def _value(stretch: Stretch) -> dict[str, object]:
    return {
        "from": clock(stretch.start),
        "to": clock(stretch.end),
        "regime": stretch.regime,
        "fact": stretch.fact,
        "arguments": dict(stretch.arguments),
    }


def _hours(stretches: tuple[Stretch, ...]) -> str:
    """What is not plainly off: the windows of the day, a line each."""
    quiet = {Regime.OUTSIDE_HOURS, Regime.REST_DAY}
    return "\n".join(str(one) for one in stretches if one.regime not in quiet)


def _note(stretches: tuple[Stretch, ...]) -> str:
    notes: dict[str, None] = {}
    for one in stretches:
        match one.fact:
            case "weekly-rest":
                notes["weekly day off"] = None
            case "holiday":
                estimate = " (estimate)" if "estimated" in one.arguments else ""
                notes[f"{one.arguments['name']}{estimate}"] = None
            case "no-data":
                notes[f"no data: {one.arguments['missing']} {one.arguments['given']}"] = None
        if "profile" in one.arguments:
            notes[one.arguments["profile"]] = None
    return "\n".join(notes)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise GerbangError(f"`{text}` is no date", hint="write it as `2026-11-24`") from None


def _days(text: str) -> list[date]:
    """The days of a month written as `2026-03`, or the one day written whole."""
    if len(text) != len("2026-03"):
        return [_day(text)]
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise SettingsError(f"`{text}` is no month", hint="write it as `2026-11`, or a day as `2026-11-24`") from None
    return [first + timedelta(days=number) for number in range(monthrange(first.year, first.month)[1])]
