"""`gerbang calendar`: the yearly holiday files, and what a month looks like at an office."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gerbang.cli import configuration
from gerbang.cli.output import JsonOption, console, emit, errors, table
from gerbang.errors import GerbangError, Place, SettingsError, StartError, one_of
from gerbang.loading import cases_beside, each, policy_folders, read_document, sources
from gerbang.model import Office, Regime
from gerbang.policy.calendar import Calendar, Stretch, compile_calendar, parse_calendar
from gerbang.policy.calendar_build import BESIDES, UNKNOWABLE, holiday_file, listed_holidays
from gerbang.policy.calendar_cases import parse_calendar_cases, run_calendar_cases
from gerbang.policy.calendar_document import Override, Status, clock
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
    month: Annotated[str, typer.Option(help="A month as 2026-03, or a day as 2026-03-20.")],
    office: Annotated[str | None, typer.Option(help="An office of the settings; else the first.")] = None,
    state: Annotated[str | None, typer.Option(help="Instead of an office: the state that one would be in.")] = None,
    pattern: Annotated[str | None, typer.Option(help="A working pattern other than the office's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The hours of each day of a month at an office, with the holidays that decide them."""
    settings = configuration.settings()
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
