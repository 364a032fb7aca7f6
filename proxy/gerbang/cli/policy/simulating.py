"""`gerbang policy simulate`: what another policy would change in a period, in what was recorded and in what can be."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from gerbang.activations import Activations
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say
from gerbang.cli.policy.naming import ACTIVE, named_policy
from gerbang.cli.policy.replaying import run, show, summary
from gerbang.errors import SettingsError, one_of
from gerbang.model import PARTICIPATING, PUBLISHING, Device, Kind, Likelihood, Regime, Standing
from gerbang.policy.conditions import NOT_KNOWN
from gerbang.policy.replay import Replay
from gerbang.policy.rules import Policy
from gerbang.policy.simulate import MOST_DAYS, OTHER, WORDLESS, Box, Circumstance, Simulation, Sort, simulate
from gerbang.settings import Settings
from gerbang.trying import load_policies, trial_world

_WIDTH = 40
_SHOWN = 60
"""Lines of changes that are printed; all of them are in `--json`."""
_MOST_NAMES = 3

REGIMES = {
    Regime.OFFICE_HOURS: "office hours",
    Regime.BREAK: "breaks",
    Regime.FLEXIBLE: "flexible hours",
    Regime.OUTSIDE_HOURS: "outside hours",
    Regime.REST_DAY: "rest days",
    Regime.UNKNOWN: "hours that are not known",
}
ACCOUNTS = {Standing.OFFICIAL: "official", Standing.PERSONAL: "personal", Standing.UNKNOWN: "unknown"}
BESIDE = {
    "platform": "on {}",
    "zone": "in the zone {}",
    "media": "with an attachment",
    "remedial": "that puts something right",
    "gap": "of which something could not be read ({})",
    "officer": "by {}",
    "audience": "for the audience {}",
    "target": "on the target {}",
    "target_in": "on a target of the list {}",
    "approval": "with an approval for {}",
    "account_duty": "where duty for the account is {}",
}


def simulate_period(
    new: Annotated[str, typer.Argument(help="A folder or file of policies, a kept policy's digest, or `active`.")],
    first: Annotated[str, typer.Option("--from", help="The first day, such as 2026-12-01.")],
    last: Annotated[str, typer.Option("--to", help="The last day, which is part of the period.")],
    office: Annotated[
        list[str] | None, typer.Option(help="An office of the settings; may be given several times. Else all.")
    ] = None,
    small_units: Annotated[
        bool, typer.Option("--small-units", help="Name units of fewer than three officers too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What another policy would change in a period, compared with the one in force: who, what, when, by which rule."""
    chosen = settings()
    start, end = _day(first, "--from"), _day(last, "--to")
    if end < start:
        raise SettingsError("the period is empty", hint="`--to` is the last day, and not before `--from`")
    if (end - start).days >= MOST_DAYS:
        raise SettingsError(f"the period has more than {MOST_DAYS} days", hint="take a shorter one")
    new_policy, now = named_policy(chosen, new), in_force(chosen)
    world = trial_world(load_policies(chosen, None), chosen)
    for name in office or ():
        if name not in world.offices:
            raise SettingsError(f"unknown office `{name}`", hint=one_of(sorted(world.offices), name))
    offices = [one for one in world.offices.values() if not office or one.name in office]
    zones = {zone.name: zone.device for zone in world.zones}
    found = simulate(now, new_policy, world.calendar, offices, zones, start, end)
    # The journal is asked whole: its decisions are told by unit and rule, whichever offices are looked at.
    since = datetime.combine(start, time()).astimezone()
    until = datetime.combine(end, time()).astimezone() + timedelta(days=1)
    # An office that has not begun has no journal, and can be simulated all the same.
    begun = chosen.journal_folder.is_dir()
    replayed = run(chosen, new_policy, since, until, lexicons_of=Path(new)) if begun else Replay(new_policy, {}, {})
    recorded = summary(replayed, since, until, small_units=small_units) if replayed.decisions else None
    if as_json:
        emit(_whole(found, now, new_policy, start, end) | {"recorded": recorded})
        return
    say(f"policy {new_policy.digest[:12]} in place of {now.digest[:12]}, {start} to {end}")
    _print(found)
    _print_recorded(replayed, since, until, small_units)


def in_force(chosen: Settings) -> Policy:
    """The policy that came into force last; where none did, that of the settings' folders."""
    if Activations(chosen.state).read():
        return named_policy(chosen, ACTIVE)
    return load_policies(chosen, None).policy


def _day(given: str, option: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise SettingsError(f"`{given}` is no day for `{option}`", hint="write a day like `2026-12-01`") from None


# ---------------------------------------------------------------- for a person


def _print(found: Simulation) -> None:
    say("")
    if not found.boxes:
        if found.rules:
            say(f"no act would be treated otherwise in this period, though rules differ: {', '.join(found.rules)}")
        else:
            say("no act would be treated otherwise: every rule asks the same and does the same in both")
    else:
        say(f"what could happen: rules that differ are {', '.join(found.rules)}")
        hours = found.hours_by_change()
        most = max(hours.values())
        for (before, after), count in hours.items():
            bar = "█" * max(1, round(_WIDTH * count / most)) if most else ""
            say(f"  {before:>7} -> {after:<7} {bar} {_number(count)} h")
        if len(found.offices) > 1:
            say("  (hours in which any act changes so, of all offices together)")
        say("")
        for box in found.boxes[:_SHOWN]:
            say(line(found, box))
        if len(found.boxes) > _SHOWN:
            say(f"and {len(found.boxes) - _SHOWN} more lines; `--json` has them all")
    for name in found.offices:
        if minutes := sum(
            count for (office, _, regime), count in found.minutes.items() if office == name and regime is Regime.UNKNOWN
        ):
            say(
                f"note: the calendar does not know {_number(minutes / 60)} h at office {name}: rules on office hours"
                " only observe then; see `gerbang policy coverage`"
            )
    if found.untried:
        say(f"note: {found.untried} more circumstances that these rules ask for were not tried")


def _print_recorded(replayed: Replay, since: datetime, until: datetime, small_units: bool) -> None:
    say("")
    if replayed.decisions:
        say("what was recorded:")
        show(replayed, since, until, small_units=small_units)
    else:
        say("what was recorded: no decision of this period is in the journal")


def line(found: Simulation, box: Box) -> str:
    """A box in a sentence: where and when, who does what, and what changes."""
    return f"{_where(found, box)}, {_when(found, box)}: {_what(found, box)}: {_change(box)}"


def _where(found: Simulation, box: Box) -> str:
    if len(found.offices) > 1 and box.offices == frozenset(found.offices):
        return "all offices"
    names = [name for name in found.offices if name in box.offices]
    if len(names) > _MOST_NAMES + 1:
        return f"offices {', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
    return f"{'office' if len(names) == 1 else 'offices'} {_listed(names)}"


def _when(found: Simulation, box: Box) -> str:
    times = [found.time(office, box) for office in sorted(box.offices)]
    there = {regime for office, _, regime in found.minutes if office in box.offices}
    words = "at any time" if box.regimes >= there else _listed([REGIMES[one] for one in REGIMES if one in box.regimes])
    if len(box.spells) < len(found.spells):
        words += f" of {_dates(sorted(day for spell in box.spells for day in found.spells[spell]))}"
    days, hours = [one for one, _ in times], [minutes / 60 for _, minutes in times]
    each = " each" if len(box.offices) > 1 and min(hours) == max(hours) else ""
    return f"{words} ({_range(days)} {'day' if max(days) == 1 else 'days'}, {_range(hours)} h{each})"


def _dates(days: Sequence[date]) -> str:
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and day - spans[-1][1] == timedelta(days=1):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return _listed([f"{first}" if first == last else f"{first} to {last}" for first, last in spans])


def _range(values: Sequence[float]) -> str:
    least, most = min(values), max(values)
    return _number(least) if least == most else f"{_number(least)}-{_number(most)}"


def _number(value: float) -> str:
    return f"{value:g}" if value == round(value, 1) else f"{value:.1f}"


def _what(found: Simulation, box: Box) -> str:
    words = [_kinds(box.kinds)]
    if box.kinds != {Kind.USE} and box.standings != frozenset(Standing):
        # An account that could not be told is treated as personal.
        standings = box.standings - {Standing.UNKNOWN} if Standing.PERSONAL in box.standings else box.standings
        words.append(f"by {_either([ACCOUNTS[one] for one in ACCOUNTS if one in standings])} account")
    words += _findings(found, box)
    if box.groups != frozenset(found.groups):
        words.append(f"of {_groups(found, box)}")
    if Kind.USE in box.kinds and len(box.devices) < len(found.devices):
        words.append(f"on {_listed([f'{one}' for one in Device if one in box.devices])} devices")
    if box.circumstances != {()}:
        words.append(" or ".join(sorted(circumstance(one) for one in box.circumstances)))
    return " ".join(words)


def _kinds(kinds: frozenset[Kind]) -> str:
    words = []
    for name, group in (("participating", PARTICIPATING), ("publishing", PUBLISHING)):
        if kinds >= group:
            words, kinds = [name], kinds - group
            break
    return _listed(words + [str(kind) for kind in Kind if kind in kinds])


def _either(words: Sequence[str]) -> str:
    return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' or '.join(words)}"


def _groups(found: Simulation, box: Box) -> str:
    groups = [f"`{name}`" for name in found.groups if name in box.groups and name not in {OTHER, NOT_KNOWN}]
    missing = [f"`{name}`" for name in found.groups if name not in box.groups and name not in {OTHER, NOT_KNOWN}]
    if {OTHER, NOT_KNOWN} <= box.groups:
        return f"anybody but {_listed(missing)}"
    if OTHER in box.groups:
        groups.append("other groups" if groups or missing else "any known group")
    if NOT_KNOWN in box.groups:
        groups.append("people whose group is not known")
    return _listed(groups)


def _findings(found: Simulation, box: Box) -> list[str]:
    every = frozenset(found.findings)
    if len(every) == 1 or box.findings == every or not box.kinds - WORDLESS:
        return []
    if box.findings == {None}:
        return ["in which nothing is found"]
    words = _sorts([one for one in found.findings if one], box.findings)
    if None in box.findings:
        rest = _sorts([one for one in found.findings if one], every - box.findings)
        # The shorter way to say the same.
        if len(rest) <= len(words):
            return [f"without {_listed(rest)}"]
        words.append("nothing found")
    return [f"with {' or '.join(words)}"]


def _sorts(known: Sequence[Sort], wanted: Iterable[Sort | None]) -> list[str]:
    """Findings in words: a category alone where all of its sorts are meant."""
    meant = set(wanted)
    words = []
    for category in dict.fromkeys(one.category or one.check for one in known):
        sorts = [one for one in known if category == (one.category or one.check)]
        here = [one for one in sorts if one in meant]
        if len(here) == len(sorts):
            words.append(category)
        elif here:
            words.append(f"{category} ({', '.join(_some(sorts, here))})")
    return words


def _some(sorts: Sequence[Sort], here: Sequence[Sort]) -> list[str]:
    words = []
    for check, count in dict.fromkeys((one.check, one.count) for one in here):
        likely = [one.likelihood for one in here if (one.check, one.count) == (check, count)]
        parts = [] if len(likely) == len(Likelihood) else [" or ".join(likely)]
        parts += [f"by {check}"] if check and here[0].category else []
        parts += [f"{count} times"] if count > 1 else []
        parts += ["once"] if count == 1 and not parts and any(one.count > 1 for one in sorts) else []
        words.append(" ".join(parts) or "other checks")
    return words


def circumstance(given: Circumstance) -> str:
    return " ".join(BESIDE[key].format(f"`{word}`") for key, word in given) or "with nothing special"


def _change(box: Box) -> str:
    rules = ", ".join(box.change.rules)
    return f"{box.change.before} -> {box.change.after} ({rules})"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


# ---------------------------------------------------------------- for a program


def _whole(found: Simulation, now: Policy, new: Policy, first: date, last: date) -> dict[str, Any]:
    return {
        "candidate": new.digest,
        "in_force": now.digest,
        "from": str(first),
        "to": str(last),
        "rules": found.rules,
        "hours": [
            {"before": before, "after": after, "hours": round(hours, 2)}
            for (before, after), hours in found.hours_by_change().items()
        ],
        "changes": [_value(found, box) for box in found.boxes],
        "circumstances_not_tried": found.untried,
    }


def _value(found: Simulation, box: Box) -> dict[str, Any]:
    times = {office: found.time(office, box) for office in sorted(box.offices)}
    return {
        "before": box.change.before,
        "after": box.change.after,
        "rules": box.change.rules,
        "offices": [{"office": name, "days": days, "hours": minutes / 60} for name, (days, minutes) in times.items()],
        "regimes": [regime for regime in Regime if regime in box.regimes],
        "dates": None
        if len(box.spells) == len(found.spells)
        else _dates(sorted(day for spell in box.spells for day in found.spells[spell])),
        "activities": [kind for kind in Kind if kind in box.kinds],
        "accounts": [one for one in Standing if one in box.standings],
        "groups": [name for name in found.groups if name in box.groups],
        "devices": [one for one in Device if one in box.devices],
        "findings": [
            one and {"category": one.category, "likelihood": one.likelihood, "times": one.count, "check": one.check}
            for one in found.findings
            if one in box.findings
        ],
        "circumstances": [dict(one) for one in sorted(box.circumstances)],
        "said": line(found, box),
    }
