"""`gerbang audit`: what was decided, why, and whether the record of it is whole."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gerbang.answers.words import Language, term
from gerbang.approving import Queue
from gerbang.cli.configuration import settings
from gerbang.cli.index import has_database, indexed
from gerbang.cli.output import JsonOption, console, emit, errors, table
from gerbang.cli.slot import cli_journal, now, who
from gerbang.console.looks import Look, write_down
from gerbang.errors import RecordError, one_of
from gerbang.journal import sidecar
from gerbang.journal.keys import load_public_key
from gerbang.journal.sidecar import private_lines
from gerbang.journal.verify import Report, SlotReport, verify
from gerbang.model import Effect, Kind
from gerbang.record.canonical import Json
from gerbang.record.event import EventKind, erased_event
from gerbang.record.number import check_number
from gerbang.settings import Settings
from gerbang.store import Comparison, DecisionRecord, DecisionRow, Filter, Page, Store
from gerbang.store.erasure import copies_of, forget

app = typer.Typer(no_args_is_help=True, help="The record: lists, one decision whole, and whether it is intact.")

DONE = ("forwarded", "answered", "held")
# The role of whoever reads here, beside those of the console.
ROLE = "cli"
MALAYSIA = "Asia/Kuala_Lumpur"
COLUMNS = ("number", "when", "officer", "act", "was", "why")


@app.callback()
def group() -> None:
    """The record: lists, one decision whole, and whether it is intact."""


@app.command("list")
def list_decisions(
    since: Annotated[str | None, typer.Option(help="From this time on: 2026-11-24, 2026-11-24T10:00+08:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time; a day is included whole.")] = None,
    officer: Annotated[str | None, typer.Option(help="An officer's id or pseudonym.")] = None,
    platform: Annotated[str | None, typer.Option(help="A platform's name, such as `x`.")] = None,
    activity: Annotated[str | None, typer.Option(help="What was done, such as `post`.")] = None,
    effect: Annotated[str | None, typer.Option(help="allow, record, coach, approve or block.")] = None,
    done: Annotated[str | None, typer.Option(help="forwarded, answered or held.")] = None,
    rule: Annotated[str | None, typer.Option(help="A rule that matched, `document/rule`.")] = None,
    category: Annotated[str | None, typer.Option(help="The category of a finding.")] = None,
    gap: Annotated[str | None, typer.Option(help="The reason of a gap, such as `too-large`.")] = None,
    zone: Annotated[str | None, typer.Option(help="A zone's name.")] = None,
    number: Annotated[str | None, typer.Option(help="Part of a decision's number.")] = None,
    objection: Annotated[bool, typer.Option("--objection", help="Only those to which the officer objected.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Decisions, newest first. Names are masked. That you looked is written into the journal."""
    for name, given, known in (
        ("activity", activity, tuple(Kind)),
        ("effect", effect, tuple(str(one) for one in Effect)),
        ("done", done, DONE),
    ):
        if given is not None and given not in known:
            raise RecordError(f"unknown {name} `{given}`", hint=one_of(known, given))
    chosen = settings()
    local = zone_of(chosen)
    wanted = Filter(
        since=_moment("since", since, local, end=False),
        until=_moment("until", until, local, end=True),
        officer=officer,
        platform=platform,
        activity=activity,
        effect=effect,
        done=done,
        rule=rule,
        category=category,
        gap=gap,
        zone=zone,
        number=number,
        objection=True if objection else None,
    )
    store = indexed(chosen)
    try:
        page = store.decisions(wanted, limit=limit)
    finally:
        store.close()
    filters = {name: str(value) for name, value in asdict(wanted).items() if value is not None}
    look_down(chosen, Look(who(), ROLE, "decisions", filters=filters, where="cli"))
    if as_json:
        emit([asdict(row) | {"moment": row.moment.isoformat()} for row in page.rows])
        return
    _print_page(page, local)


@app.command()
def show(
    number: Annotated[str, typer.Argument(metavar="ID", help="The decision's number, as on the officer's page.")],
    as_json: JsonOption = False,
) -> None:
    """One decision with its whole reasoning. Names are masked. That you looked is written into the journal."""
    known = _number(number)
    chosen = settings()
    store = indexed(chosen)
    try:
        found = store.decision(known)
    finally:
        store.close()
    if found is None:
        raise RecordError(
            f"there is no decision `{known}` in the database",
            hint="if it is only seconds old it may not have been forwarded yet",
        )
    look_down(chosen, Look(who(), ROLE, "decision", known, where="cli"))
    if as_json:
        emit(_as_plain(found))
    else:
        _print_decision(found, zone_of(chosen))


# What is about the person who acted. Who looked, and who erased, is about others, and stays.
ERASABLE = (
    EventKind.DECISION,
    EventKind.OUTCOME,
    EventKind.RELEASE,
    EventKind.OBJECTION,
    EventKind.ASKED,
    EventKind.ANSWERED,
)


@app.command()
def erase(
    number: Annotated[str, typer.Argument(metavar="ID", help="The decision's number, as on the officer's page.")],
    reason: Annotated[str, typer.Option(help="Why, such as the order's number. It is kept, as a private part.")],
    as_json: JsonOption = False,
) -> None:
    """Erase the private parts of a decision and of what followed it, for good. The chain stays whole.

    Backups and exports are not reached.
    """
    known = _number(number)
    if not reason.strip():
        raise RecordError("an erasure needs a reason", hint="such as `--reason 'order 7/2026'`")
    chosen = settings()
    lines = private_lines(chosen.journal_folder, known, ERASABLE)
    store = indexed(chosen) if has_database(chosen) else None
    try:
        copies = copies_of(store, known, ERASABLE) if store is not None else ()
        events = sorted({one.link.id for one in lines} | set(copies))
        if not events:
            raise RecordError(f"there is nothing left to erase of decision `{known}`, or no such decision")
        with cli_journal(chosen) as (journal, keys):
            journal.append(erased_event(known, events, who(), reason, now(), keys)).result()
        # Before the journal's parts: while these stand, an erasure that was cut short can be done again.
        asked = Queue(chosen.feeds_folder).forget(known)
        standing = {one.link.id for one in lines}
        parts = sum(sidecar.erase(slot, standing) for slot in sorted({one.path.parent for one in lines}))
        copied, names = forget(store, events) if store is not None else (0, 0)
    finally:
        if store is not None:
            store.close()
    if as_json:
        emit({"number": known, "events": events, "journal": parts, "database": copied, "names": names, "queue": asked})
        return
    _say(
        f"erased of {known}: {_count(parts, 'private part')} in the journal,"
        f" {_count(copied, 'copy', 'copies')} and {_count(names, 'name')} in the database"
    )
    if asked:
        _say("its request is gone from the approvers' queue")
    _say("backups and exports may hold them still")


@app.command("verify")
def verify_record(
    witness: Annotated[Path | None, typer.Option(help="The folder with copies of the seals.")] = None,
    key: Annotated[Path | None, typer.Option(help="The public key of the seals, from a copy kept elsewhere.")] = None,
    database: Annotated[bool, typer.Option(help="Hold the database against the journal too.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Check that nothing in the record was changed, taken out, put in or moved.

    Exit status 0 when it is whole, 1 when it is damaged, 2 when it cannot be read.
    """
    found = settings()
    store = indexed(found) if database and has_database(found) else None
    try:
        report = _verified(found, store, key, witness, quiet=as_json)
    finally:
        if store is not None:
            store.close()
    if as_json:
        emit(_report(report))
    else:
        _print_report(report, store is not None)
    if report.damage is not None:
        raise typer.Exit(1)


def _verified(found: Settings, store: Store | None, key: Path | None, witness: Path | None, *, quiet: bool) -> Report:
    kept = key or found.keys_folder / "seal.pub"
    public = load_public_key(kept) if key is not None or kept.exists() else None
    folder = witness or found.journal.witness
    if witness is not None and not witness.is_dir():
        raise RecordError(f"there is no folder `{witness}` with copies of the seals")
    index = Comparison(store) if store is not None else None
    if quiet or not sys.stderr.isatty():
        return verify(found.journal_folder, key=public, witness=folder, index=index)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    ) as progress:
        task = progress.add_task("lines", total=None)
        return verify(
            found.journal_folder,
            key=public,
            witness=folder,
            index=index,
            progress=lambda lines: progress.update(task, completed=lines),
        )


def _number(text: str) -> str:
    known = check_number(text)
    if known is None:
        raise RecordError(
            f"`{text}` is no decision's number: a character is wrong, missing, or two changed places",
            hint="expected three groups of four, such as `7K3M-9Q2X-4TBG`",
        )
    return known


def look_down(chosen: Settings, look: Look) -> None:
    """Have the look on disk before anything is shown. Raises `RecordError`."""
    with cli_journal(chosen) as (journal, keys):
        write_down(look, journal, now(), keys)


def zone_of(chosen: Settings) -> ZoneInfo:
    """The zone in which times are told: that of the first office."""
    if not chosen.offices:
        return ZoneInfo("UTC")
    return ZoneInfo(chosen.offices[0].timezone or MALAYSIA)


def _moment(name: str, text: str | None, zone: ZoneInfo, *, end: bool) -> datetime | None:
    """A day or a time; where it names no zone, the office's."""
    if text is None:
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordError(
            f"`{text}` is no time for `--{name}`", hint="expected `2026-11-24` or `2026-11-24T10:00+08:00`"
        ) from None


# ---------------------------------------------------------------- for programs


def _as_plain(found: DecisionRecord) -> dict[str, Any]:
    row = asdict(found.row) | {"moment": found.row.moment.isoformat()}
    return {
        "decision": row,
        "body": found.body,
        "private": found.private,
        "journal": {
            "slot": found.slot,
            "file": found.file,
            "line": found.line,
            "seq": found.seq,
            "hash": found.hash,
        },
        "related": [
            {"kind": other.kind, "at": other.at.isoformat(), "body": other.body, "private": other.private}
            for other in found.related
        ],
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        "whole": report.damage is None,
        "lines": report.lines,
        "slots": [
            {
                "slot": slot.slot,
                "lines": slot.lines,
                "files": slot.files,
                "seals": slot.seals,
                "erased": slot.erased,
                "in_database": slot.indexed,
                "witnessed_up_to": str(slot.witnessed) if slot.witnessed else None,
                "unwitnessed": slot.unwitnessed,
                "damage": {"place": str(slot.damage.place), "what": slot.damage.what} if slot.damage else None,
                "notes": list(slot.notes),
            }
            for slot in report.slots
        ],
        "notes": list(report.notes),
    }


# ---------------------------------------------------------------- for people


def _print_page(page: Page, zone: ZoneInfo) -> None:
    if not page.rows:
        _say("no decision is like that")
        return
    table(COLUMNS, [_cells(row, zone) for row in page.rows], as_json=False, whole=COLUMNS[:2])
    _say(f"times in {zone.key}")
    if page.next is not None:
        _say("there are more; narrow the list, or ask for more with --limit")


def _cells(row: DecisionRow, zone: ZoneInfo) -> Sequence[object]:
    return (
        row.number,
        f"{row.moment.astimezone(zone):%Y-%m-%d %H:%M}",
        _printable(row.officer_name or (f"({row.officer[:8]})" if row.officer else "unknown")),
        f"{row.activity}{'?' if row.unclaimed else ''} {row.platform}",
        f"{term('done', row.done, Language.EN)} ({row.effect})",
        # Which document a rule stands in, `audit show` says; here its name must be read at a glance.
        ", ".join((*(rule.rpartition("/")[2] for rule in row.rules), *(f"gap: {gap}" for gap in row.gaps))),
    )


def _print_decision(found: DecisionRecord, zone: ZoneInfo) -> None:
    row, body, private = found.row, found.body, found.private
    hours, basis = _table(body.get("hours")), _table(body.get("basis"))
    _say(f"Decision {row.number}: {term('done', row.done, Language.EN)}, since the policy says {row.effect}")
    office = datetime.fromisoformat(str(hours.get("local")))
    _field("when", f"{_local(row.moment, zone)}; at the office {office:%Y-%m-%d %H:%M}")
    arguments = _pairs(_table(hours.get("arguments")))
    _field("regime", f"{row.regime}, because: {hours.get('fact')}" + (f" ({arguments})" if arguments else ""))
    _field("who", row.officer_name or ("an officer whose name was erased" if row.officer else "an unknown officer"))
    if row.officer:
        _field("pseudonym", row.officer)
    if known_by := body.get("known_by"):
        _field("known by", term("known-by", str(known_by), Language.EN))
    if approvals := body.get("approvals"):
        _field("approvals", f"{_words(approvals)}, on file then")
    if resting := body.get("resting"):
        _field("", f"of which the conditions of {_words(resting)} did not hold")
    for exemption in _list(private.get("exemptions")):
        _field("exemption", _words(exemption))
    _field("where", f"zone {row.zone}, office {row.office}, {row.device} device")
    _field(
        "what", f"{row.activity} on {row.platform}" + (", a write that no signature claims" if row.unclaimed else "")
    )
    _field("account", f"{row.standing}" + (f", {_words(private['account'])}" if "account" in private else ""))
    for name in ("host", "audience", "target", "changes", "media", "client"):
        if name in private:
            _field(name, _words(private[name]))
    for name, label in (("belongs_to", "belongs to"), ("sent_earlier", "sent earlier")):
        if body.get(name):
            _field(label, _words(body[name]))
    if shape := _table(private.get("shape")):
        _field("looked like", " ".join(str(shape[name]) for name in ("method", "path", "name") if shape.get(name)))
    if row.remedial:
        _field("remedial", "it corrects or takes back")
    _say("\nRules that matched")
    for match in _list(body.get("matches")):
        _say(f"  {_verdict(match)}: {match.get('rule')}, {match.get('clause')}" + _law(match))
    if not body.get("matches"):
        _say("  none")
    _say("\nFindings")
    excerpts = private.get("excerpts")
    for place, finding in enumerate(_list(body.get("findings"))):
        excerpt = excerpts[place] if isinstance(excerpts, list) and place < len(excerpts) else None
        _say(
            f"  {finding.get('likelihood')} {finding.get('category')} by {finding.get('check')},"
            f" text {finding.get('text')}, characters {finding.get('start')} to {finding.get('end')}"
            + (f": {excerpt}" if excerpt else "")
        )
    if not body.get("findings"):
        _say("  none")
    for gap in _list(body.get("gaps")):
        _say(f"  not inspected: {gap.get('reason')} {gap.get('detail') or ''}".rstrip())
    if found.related:
        _say("\nAfterwards")
    for other in found.related:
        told = {name: value for name, value in other.body.items() if name in _TOLD and value is not None}
        _say(f"  {_local(other.at, zone)} {other.kind}: {_pairs({**told, **other.private})}")
    _say("\nWhat it rests on")
    for name, digest in basis.items():
        _field(name, _words(digest))
    _field("signature", f"{body.get('signature')} ({body.get('confidence')})")
    _field("content", f"{body.get('digest')}")
    _field("journal", f"{found.slot}/{found.file}:{found.line}, number {found.seq} of the slot, hash {found.hash}")


_TOLD = ("status", "accepted", "release", "rules", "expires", "asked", "answer", "way", "unseen")


def _verdict(match: Mapping[str, Json]) -> str:
    if match.get("exempted_by") is not None:
        return f"would {match.get('effect')}, but exempted by {match.get('exempted_by')}"
    if match.get("released_by") is not None:
        return f"would {match.get('effect')}, but released by {match.get('released_by')}"
    return (
        f"would {match.get('effect')} (observed only)" if match.get("mode") == "observe" else str(match.get("effect"))
    )


def _law(match: Mapping[str, Json]) -> str:
    return f" ({match['law']})" if match.get("law") else ""


def _print_report(report: Report, indexed: bool) -> None:
    for slot in report.slots:
        _print_slot(slot, indexed)
    for note in report.notes:
        _say(note)
    if not report.slots:
        _say("the journal is empty")
    elif report.damage is None:
        _say(f"whole: {_count(report.lines, 'line')}")
    else:
        _say(f"damaged: {report.damage}")


def _print_slot(slot: SlotReport, indexed: bool) -> None:
    _say(
        f"{slot.slot}: {_count(slot.lines, 'line')} in {_count(slot.files, 'file')}, {_count(slot.seals, 'seal')},"
        f" {_count(slot.erased, 'private part')} erased"
    )
    if slot.damage is not None:
        _say(f"  damaged: {slot.damage}")
    if slot.witnessed is not None:
        _say(f"  witnessed up to {slot.witnessed}; {_count(slot.unwitnessed, 'line')} since")
    else:
        _say("  not witnessed: whoever owns this machine could have written all of it anew")
    if not indexed:
        _say("  not held against a database")
    for note in slot.notes:
        _say(f"  {note}")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def _field(name: str, value: str) -> None:
    _say(f"  {name:<10} {value}")


def _say(text: str) -> None:
    console.print(_printable(text), markup=False, highlight=False, soft_wrap=True)


def _printable(text: str) -> str:
    """Without the control characters by which recorded text could steer the auditor's terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def _words(value: Json) -> str:
    if isinstance(value, Mapping):
        return _pairs(value)
    if isinstance(value, list | tuple):
        return "; ".join(_words(part) for part in value)
    return "" if value is None else str(value)


def _pairs(values: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {_words(value)}" for name, value in values.items() if value is not None)


def _table(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Json) -> Sequence[Mapping[str, Json]]:
    return [_table(entry) for entry in value] if isinstance(value, list) else []
