"""`gerbang policy replay`: what another policy would have done with the decisions of the record."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, errors, say, table
from gerbang.cli.policy.naming import named_policy
from gerbang.errors import Place, SettingsError, reason
from gerbang.journal.reader import Broken, Segment, read_segment, segments, slots
from gerbang.journal.sidecar import read_private
from gerbang.policy.replay import Flip, Replay, recorded
from gerbang.record.chain import read_line
from gerbang.record.event import EventKind
from gerbang.settings import Settings

COLUMNS = ("number", "moment", "before", "after", "rules", "unit")
_WIDTH = 40
_SHOWN = 40
"""Kinds of flips that the table shows; all of them are in `--json`."""


def replay(
    new: Annotated[str, typer.Argument(help="A folder or file of policies, a kept policy's digest, or `active`.")],
    since: Annotated[str, typer.Option(help="The first day or moment, such as 2026-11-01.")],
    until: Annotated[str | None, typer.Option(help="The day or moment before which to stop; else now.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write each flip as a row of this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What another policy would have done with recorded decisions: every flip, by rule, unit and number of officers."""
    chosen = settings()
    candidate = named_policy(chosen, new)
    start, end = moment_of(since, "--since"), moment_of(until, "--until") if until else datetime.now(UTC)
    if end <= start:
        raise SettingsError("the period of the replay is empty", hint="`--until` comes after `--since`")
    found = run(chosen, candidate, start, end, csv_file)
    if as_json:
        emit(summary(found, start, end))
    else:
        show(found, start, end)


def moment_of(given: str, option: str) -> datetime:
    """A day (its beginning, by this machine's clock) or a moment."""
    try:
        if len(given) == 10:
            return datetime.combine(date.fromisoformat(given), time()).astimezone()
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise SettingsError(
            f"`{given}` is no time for `{option}`", hint="write a day like `2026-11-01`, or `2026-11-01T08:00+08:00`"
        ) from None
    return moment.astimezone() if moment.tzinfo is None else moment


def run(chosen: Settings, candidate: Any, start: datetime, end: datetime, csv_file: Path | None = None) -> Replay:
    """The candidate over the journal's decisions from `start` up to `end`."""
    files = [segment for slot in slots(chosen.journal_folder) for segment in segments(slot)]
    first, last = (start - timedelta(days=1)).astimezone(UTC).date(), end.astimezone(UTC).date()
    # A release of the day before may be used in the period, and a line is written a day after its decision at most.
    wanted = [one for one in files if first.isoformat() <= one.day <= (last + timedelta(days=1)).isoformat()]
    checks, lists = _grounds(files)
    result = Replay(candidate, checks, lists)
    with ExitStack() as held:
        rows = _rows(held, csv_file) if csv_file else None
        advance = held.enter_context(_Shown(sum(one.path.stat().st_size for one in wanted)))
        for segment in wanted:
            for flip in _flips(segment, result, start, end, advance):
                if rows is not None:
                    rows.writerow(_row(flip))
    return result


def _flips(segment: Segment, result: Replay, start: datetime, end: datetime, shown: "_Shown") -> Iterator[Flip]:
    place = 0
    for line in read_segment(segment):
        shown.forward(line.end - place)
        place = line.end
        if isinstance(line, Broken):
            result.unreadable()
            continue
        if line.link.kind == EventKind.RELEASE:
            result.release(line.link.body)
        elif line.link.kind == EventKind.UNCLAIMED:
            body: Mapping[str, Any] = line.link.body
            if start <= datetime.fromisoformat(str(body["moment"])) < end:
                result.unclaimed += sum(body["counts"])
        elif line.link.kind == EventKind.DECISION:
            body = line.link.body
            try:
                if not start <= datetime.fromisoformat(str(body["moment"])) < end:
                    continue
                private = read_private(line)
                one = recorded(body, None if line.link.side[1] and not private else private)
            except (KeyError, TypeError, ValueError, AttributeError):
                result.unreadable()
                continue
            if flip := result.take(one):
                yield flip


def _grounds(files: list[Segment]) -> tuple[dict[str, dict[str, str]], dict[str, frozenset[str]]]:
    """Which checks and lists there were, by digest: what each start and activation wrote down."""
    checks: dict[str, dict[str, str]] = {}
    lists: dict[str, frozenset[str]] = {}
    for segment in files:
        with segment.path.open("rb") as file:
            for raw in file:
                if b'"kind":"policy-activated"' not in raw[:120]:
                    continue
                try:
                    body: Mapping[str, Any] = read_line(raw.removesuffix(b"\n")).body
                    if body.get("checks"):
                        basis = body["basis"]
                        checks[basis["lexicons"]] = {name: said[0] for name, said in body["checks"].items()}
                        lists[basis["targets"]] = frozenset(body["lists"])
                except (ValueError, KeyError, TypeError, IndexError):
                    continue  # a damaged line is for `audit verify` to name
    return checks, lists


class _Shown:
    """How far the reading has come: a bar on a terminal, and nothing where errors go elsewhere."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("reading the journal"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
        self._task = self._progress.add_task("", total=total)
        self._waiting = 0

    def __enter__(self) -> "_Shown":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def forward(self, size: int) -> None:
        self._waiting += size
        if self._waiting > 1 << 20:
            self._progress.advance(self._task, self._waiting)
            self._waiting = 0


def _rows(held: ExitStack, file: Path) -> Any:
    try:
        rows = csv.writer(held.enter_context(file.open("w", newline="", encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"the file cannot be written: {reason(error)}", place=Place(str(file))) from None
    rows.writerow(COLUMNS)
    return rows


def _row(flip: Flip) -> tuple[str, ...]:
    unit = flip.unit or ""
    # A spreadsheet takes a cell that begins so for a formula.
    unit = f"'{unit}" if unit[:1] in "=+-@" and unit else unit
    return flip.number, flip.moment.isoformat(), flip.before, flip.after, " ".join(flip.rules), unit


def _units(found: Replay) -> list[dict[str, Any]]:
    return [
        {
            "before": before,
            "after": after,
            "rules": list(rules),
            "unit": unit or "not known",
            "decisions": kin.count,
            "officers": len(kin.officers),
            "unknown_officers": kin.unknown,
            "examples": kin.examples,
        }
        for (before, after, rules, unit), kin in sorted(found.flips.items(), key=lambda entry: -entry[1].count)
    ]


def changes(found: Replay) -> dict[tuple[str, str], tuple[int, int]]:
    """Decisions and known officers by the two effects."""
    officers: dict[tuple[str, str], set[str]] = {}
    counts: dict[tuple[str, str], int] = {}
    for (before, after, _, _), kin in found.flips.items():
        key = (str(before), str(after))
        counts[key] = counts.get(key, 0) + kin.count
        officers.setdefault(key, set()).update(kin.officers)
    ordered = sorted(counts, key=lambda key: -counts[key])
    return {key: (counts[key], len(officers[key])) for key in ordered}


def summary(found: Replay, start: datetime, end: datetime) -> dict[str, Any]:
    """All of it, for programs."""
    flipped = sum(kin.count for kin in found.flips.values())
    return {
        "candidate": found.candidate.digest,
        "since": start.isoformat(),
        "until": end.isoformat(),
        "decisions": found.decisions,
        "officers": len(found.officers),
        "same": found.told - flipped,
        "flipped": flipped,
        "changes": [
            {"before": before, "after": after, "decisions": count, "officers": officers}
            for (before, after), (count, officers) in changes(found).items()
        ],
        "flips": _units(found),
        "cannot_be_told": dict(found.untold.most_common()),
        "not_written_down": {"unclaimed_writes": found.unclaimed, "rules": list(found.unwritten())},
        "policies": dict(found.policies.most_common()),
    }


def show(found: Replay, start: datetime, end: datetime) -> None:
    """For a person: how many change and how, which rules and units, and what cannot be told."""
    said = summary(found, start, end)
    period = f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    say(f"{said['decisions']} decisions of {said['officers']} known officers, {period}")
    say(f"{said['same']} stay as they are, {said['flipped']} change, {found.untold.total()} cannot be told")
    most = max((count for count, _ in changes(found).values()), default=0)
    for (before, after), (count, officers) in changes(found).items():
        bar = "█" * max(1, round(_WIDTH * count / most))
        say(f"  {before:>7} -> {after:<7} {bar} {count} ({officers} officers)")
    if found.flips:
        rows = [
            (f"{one['before']} -> {one['after']}", one["rules"], one["unit"], one["decisions"], one["officers"],
             one["examples"])
            for one in said["flips"][:_SHOWN]
        ]  # fmt: skip
        table(("change", "rules", "unit", "decisions", "officers", "such as"), rows, as_json=False)
    if len(said["flips"]) > _SHOWN:
        say(f"and {len(said['flips']) - _SHOWN} more kinds; `--json` has them all, `--csv FILE` each decision")
    for why, count in said["cannot_be_told"].items():
        say(f"cannot be told: {count}: {why}")
    if found.unclaimed:
        say(f"cannot be told: {found.unclaimed} writes that no signature claimed and no rule minded: only counted")
    if rules := said["not_written_down"]["rules"]:
        say("note: visits, logins, unopened connections and such writes are written down only where a rule had a word")
        say(f"on them, so more may be met by {', '.join(rules)}")
