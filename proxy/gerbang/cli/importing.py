"""`gerbang calendar import`: days off of offices, and officers' own days, from iCal or CSV, with what would change."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gerbang.cli import configuration
from gerbang.cli.ical import Event, read_events
from gerbang.cli.output import say, table
from gerbang.cli.slot import cli_journal, who
from gerbang.csv_files import rows
from gerbang.errors import RegisterError, SettingsError, one_of
from gerbang.loading import each, load_calendar, offices_of, policy_folders, sources
from gerbang.model import OwnKind
from gerbang.policy.calendar import compile_calendar, parse_calendar
from gerbang.policy.own_days import check_errand, own_day
from gerbang.registering import Sheet, check_whole, edit
from gerbang.registers import OWN_DAYS, REGISTERS
from gerbang.settings import Settings

COLUMNS = tuple(column.name for column in OWN_DAYS)
FROM_ICAL = (OwnKind.LEAVE, OwnKind.HALF_DAY_LEAVE, OwnKind.ERRAND, OwnKind.DUTY, OwnKind.ELSEWHERE, OwnKind.SHIFT)


def import_days(
    file: Annotated[Path, typer.Argument(help="An iCal file (`.ics`), or own days as CSV (`.csv`).")],
    officer: Annotated[str | None, typer.Option(help="The officer whose days the iCal file has.")] = None,
    kind: Annotated[str | None, typer.Option(help="What they are: leave, errand, duty, ...")] = None,
    reference: Annotated[str | None, typer.Option(help="The letter or file; else each event's title.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Instead: a state in which the days are off; repeat it.")
    ] = None,
    office: Annotated[list[str] | None, typer.Option(help="Or an office at which they are off; repeat it.")] = None,
    into: Annotated[Path | None, typer.Option(help="The policies folder of your own for days off of offices.")] = None,
    estimated: Annotated[bool, typer.Option("--doubtful", help="Days off are shown, and not applied yet.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Take days from iCal or CSV, and say what changes before it does."""
    settings = configuration.settings()
    if state or office:
        if officer or kind:
            raise SettingsError("days are an officer's or an office's", hint="give `--officer` or `--state`/`--office`")
        _offices(settings, file, state or [], office or [], into, estimated, yes)
        return
    if file.suffix.lower() == ".csv":
        if officer or kind:
            raise SettingsError("a CSV file names officers and kinds itself", hint="leave `--officer`, `--kind` out")
        entries = [{name: row[name] for name in COLUMNS} for row in _checked(file)]
    else:
        if officer is None or kind is None:
            raise SettingsError("say whose days these are", hint="give `--officer ID --kind leave`, or `--state CODE`")
        if kind not in FROM_ICAL:
            raise SettingsError(f"`--kind` cannot be `{kind[:60]}`", hint=one_of(FROM_ICAL, kind))
        entries = [_entry(one, officer, kind, reference) for one in read_events(file)]
    _own(settings, entries, yes)


def _checked(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        raise SettingsError(f"there is no file `{file}`", hint="name a file that is there")
    found = []
    for row in rows(file, OWN_DAYS):
        values = {name: row[name] for name in COLUMNS}
        try:
            own_day(*(values[name] for name in COLUMNS))
        except RegisterError as error:
            raise row.error(error.what, error.hint) from None
        found.append(values)
    return found


def _entry(event: Event, officer: str, kind: str, reference: str | None) -> dict[str, str]:
    start, end = event.start, event.end
    if isinstance(start, datetime) and isinstance(end, datetime):
        since, until = (f"{one:%Y-%m-%dT%H:%M}{_offset(one)}" for one in (start, end))
    else:
        since, until = start.isoformat(), (end - timedelta(days=1)).isoformat()
    named = (reference or event.summary or event.uid or "iCal")[:100]
    values = dict(zip(COLUMNS, (officer, kind, since, until, named, who(), ""), strict=True))
    try:
        own_day(*(values[name] for name in COLUMNS))
    except RegisterError as error:
        raise RegisterError(f"the event `{event.summary[:60]}` of {since}: {error.what}", hint=error.hint) from None
    return values


def _offset(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")[16:]


def _own(settings: Settings, entries: Sequence[dict[str, str]], yes: bool) -> None:
    file = settings.registers_folder / REGISTERS["own-days"].file
    there = {tuple(row[name] for name in COLUMNS[:4]) for row in rows(file, OWN_DAYS)}
    new = {key: one for one in entries if (key := tuple(one[name] for name in COLUMNS[:4])) not in there}
    known = check_whole(settings, "own-days", file.read_bytes() if file.exists() else b"").officers
    calendar = load_calendar(settings)
    offices = offices_of(settings, calendar)
    for one in new.values():
        person = known.get(one["officer"])
        if person is not None and (office := offices.get(person.office)):
            check_errand(own_day(*(one[name] for name in COLUMNS)), calendar, office, person.pattern)
    table(COLUMNS, [[one[name] for name in COLUMNS] for one in new.values()], as_json=False)
    say(f"{len(new)} new, {len(entries) - len(new)} there already")
    for stranger in sorted({one["officer"] for one in new.values()} - set(known))[:20]:
        say(f"note: the register of officers has no `{stranger}`")
    for one in new.values():
        if one["kind"] == OwnKind.DUTY and "T" not in one["from"]:
            say(f"note: duty on {one['from']} has no times: the whole 24 hours are office hours")
    if not new or not _agreed(yes):
        return

    def add(sheet: Sheet) -> None:
        for one in new.values():
            sheet.add(**one)

    done = edit(settings, "own-days", add, kind="imported", by=who(), journal=partial(cli_journal, settings))
    say(f"{done.added} added; a running gate takes them within two seconds")


def _offices(
    settings: Settings,
    file: Path,
    states: Sequence[str],
    offices: Sequence[str],
    into: Path | None,
    doubtful: bool,
    yes: bool,
) -> None:
    folders = [Path(name) for name in settings.policies if name != "bundled"]
    if into is None or into.resolve() not in [one.resolve() for one in folders]:
        what = (
            "the days need a policies folder of your own"
            if into is None
            else f"`{into}` is no folder that `policies` names, so nothing would read the days"
        )
        hint = "give `--into` with one of " + ", ".join(f"`{one}`" for one in folders) if folders else None
        raise SettingsError(what, hint=hint or "add one to `policies` in the settings, and name it with `--into`")
    calendar = load_calendar(settings)
    names = [entry.name for entry in settings.offices]
    for name in offices:
        if name not in names:
            raise SettingsError(f"unknown office `{name}`", hint=one_of(names, name))
    codes = []
    for name in states:
        found = next((code for code, state in calendar.states.items() if name in (code, state.alias)), None)
        if found is None:
            raise SettingsError(f"unknown state `{name}`", hint=one_of(calendar.states, name))
        codes.append(found)
    days = [(day, event) for event in read_events(file) for day in _dates(event)]
    name = "imported-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in file.stem.lower()).strip("-")[:40]
    where = {"states": codes} if codes else {}
    where |= {"offices": list(offices)} if offices else {}
    overrides = [
        {
            "date": day.isoformat(),
            "kind": "add",
            **where,
            "ms": event.summary or "Cuti",
            "en": event.summary or "Day off",
            "source": f"{file.name}, {event.uid or 'no number'}"[:400],
            "status": "doubtful" if doubtful else "confirmed",
        }
        for day, event in days
    ]
    # JSON is YAML, and needs no quoting of what somebody else wrote.
    lines = ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in overrides)
    head = f"# From {json.dumps(file.name)} by `gerbang calendar import` on {datetime.now(UTC):%Y-%m-%d}."
    text = f"{head}\ncalendar: {name}\noverrides: [\n{lines}\n]\n"
    target = into / "calendars" / f"{name}.yaml"
    parse_calendar(text, str(target))
    table(["date", "day off"], [(str(day), event.summary) for day, event in days], as_json=False)
    say(f"{len(days)} days {'in doubt, ' if doubtful else ''}for {', '.join([*states, *offices])}, into {target}")
    if not days or not _agreed(yes):
        return
    before = target.read_bytes() if target.exists() else None
    draft = target.with_suffix(".new")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(text, encoding="utf-8")
    draft.replace(target)
    try:
        compile_calendar(each(sources(policy_folders(settings), "calendars"), parse_calendar))
    except BaseException:
        if before is None:
            target.unlink()
        else:
            target.write_bytes(before)
        raise
    say("written; a running gate takes it within a few seconds")


def _dates(event: Event) -> list[date]:
    if isinstance(event.start, datetime):
        return [event.start.date()]
    return [event.start + timedelta(days=number) for number in range(min((event.end - event.start).days, 60))]


def _agreed(yes: bool) -> bool:
    if yes:
        return True
    if not typer.confirm("do it?", default=False):
        say("nothing was changed")
        return False
    return True
