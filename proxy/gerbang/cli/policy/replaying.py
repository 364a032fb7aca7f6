"""`gerbang policy replay`: what another policy would have done with the decisions of the record."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gerbang.checks.examine import compile_checks
from gerbang.checks.lexicon import parse_lexicon
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, errors, say, table
from gerbang.cli.policy.naming import named_policy
from gerbang.errors import Place, SettingsError, reason
from gerbang.journal.reader import Broken, Segment, read_segment, segments, slots
from gerbang.journal.sidecar import read_private
from gerbang.loading import each, policy_folders, sources
from gerbang.policy.replay import Flip, Kin, Replay, Seen, recorded
from gerbang.policy.rules import Policy
from gerbang.record.chain import read_line
from gerbang.record.event import EventKind
from gerbang.registers import load_registers
from gerbang.settings import Settings

COLUMNS = ("number", "moment", "before", "after", "rules", "unit")
_BETWEEN_LINES = 5.0
"""Seconds between lines that tell how far it has come, where there is no terminal to draw a bar on."""
_STEP = 1 << 18  # bytes
_SMALL = 3
"""Units of fewer officers are folded together: what one of them did would be one person's."""
OTHERS = "others (small units)"
_WIDTH = 40
_SHOWN = 40
"""Kinds of flips that the table shows; all of them are in `--json`."""


def replay(
    new: Annotated[str, typer.Argument(help="A folder or file of policies, a kept policy's digest, or `active`.")],
    since: Annotated[str, typer.Option(help="The first day or moment, such as 2026-11-01.")],
    until: Annotated[str | None, typer.Option(help="The day or moment before which to stop; else now.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write each flip as a row of this file.")] = None,
    small_units: Annotated[
        bool, typer.Option("--small-units", help="Name units of fewer than three officers too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What another policy would have done with recorded decisions: every flip, by rule, unit and number of officers."""
    chosen = settings()
    candidate = named_policy(chosen, new)
    start, end = moment_of(since, "--since"), moment_of(until, "--until") if until else datetime.now(UTC)
    if end <= start:
        raise SettingsError("the period of the replay is empty", hint="`--until` comes after `--since`")
    found = run(chosen, candidate, start, end, csv_file, lexicons_of=Path(new))
    if as_json:
        emit(summary(found, start, end, small_units=small_units))
    else:
        show(found, start, end, small_units=small_units)


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


def run(
    chosen: Settings,
    candidate: Policy,
    start: datetime,
    end: datetime,
    csv_file: Path | None = None,
    lexicons_of: Path | None = None,
) -> Replay:
    """The candidate over the journal's decisions from `start` up to `end`.

    `lexicons_of` is the candidate's folder, where it has one: its vocabularies count as today's too.
    """
    files = [segment for slot in slots(chosen.journal_folder) for segment in segments(slot)]
    first, last = (start - timedelta(days=1)).astimezone(UTC).date(), end.astimezone(UTC).date()
    # A release of the day before may be used in the period, and a line is written a day after its decision at most.
    wanted = [one for one in files if first.isoformat() <= one.day <= (last + timedelta(days=1)).isoformat()]
    grounds = _grounds(files)
    result = Replay(candidate, grounds.checks, grounds.lists, grounds.vocabularies, _today(chosen, lexicons_of))
    result.sizes = Counter(officer.unit for officer in load_registers(chosen.registers_folder).officers.values())
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


@dataclass(frozen=True, slots=True)
class _Grounds:
    """Which checks, vocabularies and lists there were, by digest."""

    checks: dict[str, dict[str, str]] = field(default_factory=dict)
    vocabularies: dict[str, dict[str, str]] = field(default_factory=dict)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)


def _grounds(files: list[Segment]) -> _Grounds:
    """What each start and activation wrote down."""
    found = _Grounds()
    for segment in files:
        with segment.path.open("rb") as file:
            for raw in file:
                if b'"kind":"policy-activated"' not in raw[:120]:
                    continue
                try:
                    body: Mapping[str, Any] = read_line(raw.removesuffix(b"\n")).body
                    if body.get("checks"):
                        basis = body["basis"]
                        found.checks[basis["lexicons"]] = {name: said[0] for name, said in body["checks"].items()}
                        found.vocabularies[basis["lexicons"]] = {name: said[1] for name, said in body["checks"].items()}
                        found.lists[basis["targets"]] = frozenset(body["lists"])
                except (ValueError, KeyError, TypeError, IndexError):
                    continue  # a damaged line is for `audit verify` to name
    return found


def _today(chosen: Settings, folder: Path | None) -> Seen:
    """What looks at acts now, by the settings' vocabularies and the candidate's own."""
    base = policy_folders(chosen)
    folders = (*base, folder) if folder is not None and folder.is_dir() else base
    told = compile_checks(each(sources(folders, "lexicons"), parse_lexicon)).told
    return Seen(
        {name: category for name, (category, _) in told.items()},
        vocabularies={name: vocabulary for name, (_, vocabulary) in told.items()},
    )


class _Shown:
    """How far the reading has come: a bar on a terminal, and where errors go elsewhere a line now and then."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("reading the journal"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
        self._task = self._progress.add_task("", total=total)
        self._total, self._read, self._waiting = total, 0, 0
        self._said = monotonic()

    def __enter__(self) -> "_Shown":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def forward(self, size: int) -> None:
        self._waiting += size
        if self._waiting > _STEP:
            self._read += self._waiting
            self._progress.advance(self._task, self._waiting)
            self._waiting = 0
            if not errors.is_terminal and monotonic() - self._said >= _BETWEEN_LINES:
                self._said = monotonic()
                words = f"reading the journal: {100 * self._read // max(self._total, 1)} %"
                errors.print(words, markup=False, highlight=False, soft_wrap=True)


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


def _units(found: Replay, small_units: bool) -> list[dict[str, Any]]:
    kins: dict[tuple[str, str, tuple[str, ...], str], Kin] = {}
    for (before, after, rules, unit), kin in found.flips.items():
        name = (unit if small_units or not _is_small(found, unit) else OTHERS) if unit else "not known"
        kins.setdefault((before, after, rules, name), Kin()).add(kin)
    return [
        {
            "before": before,
            "after": after,
            "rules": list(rules),
            "unit": unit,
            "decisions": kin.count,
            "officers": len(kin.officers),
            "unknown_officers": kin.unknown,
            "examples": kin.examples,
        }
        for (before, after, rules, unit), kin in sorted(kins.items(), key=lambda entry: -entry[1].count)
    ]


def _is_small(found: Replay, unit: str) -> bool:
    """By the register, or by who was seen: whichever has more."""
    return max(found.sizes[unit], len(found.units.get(unit, ()))) < _SMALL


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


def summary(found: Replay, start: datetime, end: datetime, *, small_units: bool = False) -> dict[str, Any]:
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
        "flips": _units(found, small_units),
        "cannot_be_told": dict(found.untold.most_common()),
        "not_written_down": {"unclaimed_writes": found.unclaimed, "rules": list(found.unwritten())},
        "judged_by_other_vocabularies": [
            {
                "category": category,
                "decisions": one.count,
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
                "checks": sorted(one.changed),
            }
            for category, one in sorted(found.otherwise.items())
        ],
        "policies": dict(found.policies.most_common()),
    }


def show(found: Replay, start: datetime, end: datetime, *, small_units: bool = False) -> None:
    """For a person: how many change and how, which rules and units, and what cannot be told."""
    said = summary(found, start, end, small_units=small_units)
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
    for one in said["judged_by_other_vocabularies"]:
        what = f"changed since: {', '.join(one['checks'])}" if one["checks"] else "the record does not say by which"
        say(
            f"findings as they were then: {one['decisions']} decisions from {one['first'][:10]} to {one['last'][:10]}"
            f" were judged by other vocabularies of `{one['category']}` than today's ({what})"
        )
    if found.unclaimed:
        say(f"cannot be told: {found.unclaimed} writes that no signature claimed and no rule minded: only counted")
    if rules := said["not_written_down"]["rules"]:
        say("note: visits, logins, unopened connections and such writes are written down only where a rule had a word")
        say(f"on them, so more may be met by {', '.join(rules)}")
