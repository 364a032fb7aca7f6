"""What another policy would change in a period: every kind of act that the rules tell apart, in every regime of it.

No act is needed for it: both policies are asked, by `decide`, of each activity, account, finding, group, device and
regime. What only a few rules ask for (a platform, an approval, a list) is tried beside that, as each rule that
changes asks for it. Cells that change alike are folded together.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from gerbang.model import Device, Duty, Effect, Finding, Gap, Kind, Likelihood, Office, Regime, Standing
from gerbang.policy.calendar import Calendar
from gerbang.policy.conditions import NOT_KNOWN, Facts, Span, WantedFinding
from gerbang.policy.decide import decide, effect_of
from gerbang.policy.rules import Policy, Rule

MOST_DAYS: Final = 1100
"""Days of a period: three years."""

MOST_CIRCUMSTANCES: Final = 64
"""Circumstances that are tried; of more, the rest are counted."""

OTHER: Final = "other"
"""What no rule names: an office or a group that is treated like all such."""

NOTHING_FOUND: Final = None
WORDLESS: Final = frozenset({Kind.VIEW, Kind.LOGIN, Kind.REACT, Kind.FOLLOW, Kind.DELETE, Kind.VOTE, Kind.USE})
# What only some rules ask for, and no axis has.
_BESIDE: Final = (
    "platform", "zone", "media", "remedial", "gap", "officer", "audience", "target", "target_in", "approval",
    "account_duty",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Sort:
    """A finding as rules tell it apart from others; without a category where a rule names the check alone."""

    category: str
    likelihood: Likelihood = Likelihood.CERTAIN
    count: int = 1
    check: str = ""


type Circumstance = tuple[tuple[str, Any], ...]
"""Words by key; none: an act with nothing special about it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two effects, and the rules that make the stricter of them."""

    before: Effect
    after: Effect
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """All acts of these values change alike. Times are those of `Simulation.minutes`."""

    change: Change
    groups: frozenset[str]
    devices: frozenset[Device]
    standings: frozenset[Standing]
    kinds: frozenset[Kind]
    findings: frozenset[Sort | None]
    circumstances: frozenset[Circumstance]
    spells: frozenset[int]
    regimes: frozenset[Regime]
    offices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What changes, over which time. `minutes` and `days` are by office, spell and regime; a spell is a number of
    `spells`, each the days that no rule's `between` tells apart."""

    boxes: tuple[Box, ...]
    offices: tuple[str, ...]
    groups: tuple[str, ...]
    devices: tuple[Device, ...]
    findings: tuple[Sort | None, ...]
    spells: tuple[tuple[date, ...], ...]
    minutes: Mapping[tuple[str, int, Regime], int]
    days: Mapping[tuple[str, int, Regime], int]
    rules: tuple[str, ...]
    """Those that are not the same in both policies."""
    untried: int

    def time(self, office: str, box: Box) -> tuple[int, int]:
        """Days and minutes of a box at an office. A day counts once in each regime that it has."""
        keys = [(office, spell, regime) for spell in box.spells for regime in box.regimes]
        by_regime = Counter[Regime]()
        for key in keys:
            by_regime[key[2]] += self.days.get(key, 0)
        return max(by_regime.values(), default=0), sum(self.minutes.get(key, 0) for key in keys)

    def hours_by_change(self) -> dict[tuple[Effect, Effect], float]:
        """Hours, of all offices together, in which any act changes so."""
        met: defaultdict[tuple[Effect, Effect], set[tuple[str, int, Regime]]] = defaultdict(set)
        for box in self.boxes:
            met[box.change.before, box.change.after].update(
                (office, spell, regime) for office in box.offices for spell in box.spells for regime in box.regimes
            )
        hours = {pair: sum(self.minutes.get(key, 0) for key in keys) / 60 for pair, keys in met.items()}
        return dict(sorted(hours.items(), key=lambda entry: -entry[1]))


def simulate(
    now: Policy,
    new: Policy,
    calendar: Calendar,
    offices: Sequence[Office],
    zones: Mapping[str, Device],
    first: date,
    last: date,
) -> Simulation:
    """Both policies over the days from `first` to `last`. `zones` are those of the settings, with their devices."""
    changed = _changed(now, new)
    rules = [rule for policy in (now, new) for rule in policy.rules.values()]
    spells = _spells(rules, first, last)
    minutes, days = _hours(calendar, offices, spells)
    circumstances = _circumstances([rule for policy in (now, new) for rule in _named(policy, changed)])
    tried = circumstances[:MOST_CIRCUMSTANCES]
    devices = tuple(one for one in Device if one in zones.values()) or tuple(Device)
    groups = (OTHER, *sorted(_words(rules, "group") - {NOT_KNOWN, OTHER}), NOT_KNOWN)
    findings = (NOTHING_FOUND, *_sorts(rules))
    named = _words(rules, "office")
    alike: dict[str, list[str]] = {}
    for office in offices:
        alike.setdefault(office.name if office.name in named else OTHER, []).append(office.name)
    times: dict[tuple[str, int], set[Regime]] = {}
    for kind_of_office, names in alike.items():
        for office_name, spell, regime in minutes:
            if office_name in names:
                times.setdefault((kind_of_office, spell), set()).add(regime)
    cells: dict[tuple[Any, ...], Change] = {}
    if changed:
        for (office_name, spell), regimes in times.items():
            moment = datetime.combine(spells[spell][0], time(12), UTC)
            for act in _acts(groups, devices, findings, moment, office_name):
                for regime in sorted(regimes):
                    _ask(now, new, replace(act[1], regime=regime), (*act[0], spell, regime), tried, zones, cells)
    # A cell counts at the offices that have such hours.
    boxes = [
        Box(change, *axes)
        for axes, change in _folded(_at_offices(cells, alike, minutes))
    ]  # fmt: skip
    boxes.sort(key=lambda box: (len(box.circumstances - {()}) > 0, box.change.before, box.change.after, _order(box)))
    return Simulation(
        tuple(boxes), tuple(office.name for office in offices), groups, devices, findings, spells, minutes, days,
        tuple(sorted(changed)), len(circumstances) - len(tried),
    )  # fmt: skip


def _order(box: Box) -> tuple[str, ...]:
    return (",".join(sorted(box.offices)), ",".join(sorted(box.regimes)), ",".join(sorted(box.kinds)))


# ---------------------------------------------------------------- what is tried


def _shape(rule: Rule) -> tuple[object, ...]:
    """All of a rule that its effect hangs on."""
    return (
        rule.effect, rule.mode, rule.final, rule.needs_hours, rule.overridden_by,
        tuple((one.key, one.wanted) for one in rule.when),
        tuple(tuple((one.key, one.wanted) for one in each.conditions) for each in rule.unless),
    )  # fmt: skip


def _changed(now: Policy, new: Policy) -> frozenset[str]:
    shapes = [{name: _shape(rule) for name, rule in policy.rules.items()} for policy in (now, new)]
    return frozenset(name for name in shapes[0].keys() | shapes[1].keys() if shapes[0].get(name) != shapes[1].get(name))


def _named(policy: Policy, names: Collection[str]) -> Iterator[Rule]:
    return (rule for name, rule in policy.rules.items() if name in names)


def _asked(rules: Iterable[Rule], key: str) -> Iterator[Any]:
    for rule in rules:
        for conditions in (rule.when, *(one.conditions for one in rule.unless)):
            for condition in conditions:
                if condition.key == key:
                    yield from condition.words


def _words(rules: Iterable[Rule], key: str) -> frozenset[str]:
    return frozenset(str(word) for word in _asked(rules, key))


def _sorts(rules: Sequence[Rule]) -> tuple[Sort, ...]:
    wanted: list[WantedFinding] = list(_asked(rules, "finding"))
    found = {
        Sort(category, likelihood, count, check)
        for one in wanted
        for category in one.categories or {""}
        for check in one.checks or {""}
        for count in {1, one.count}
        for likelihood in Likelihood
    }
    return tuple(sorted(found))


def _spells(rules: Sequence[Rule], first: date, last: date) -> tuple[tuple[date, ...], ...]:
    """The days of the period, those together of which every `between` says the same."""
    spans: list[Span] = list(dict.fromkeys(_asked(rules, "between")))
    spells: dict[tuple[bool, ...], list[date]] = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        within = tuple((one.first or date.min) <= day <= (one.last or date.max) for one in spans)
        spells.setdefault(within, []).append(day)
    return tuple(tuple(days) for days in spells.values())


def _hours(
    calendar: Calendar, offices: Sequence[Office], spells: Sequence[Sequence[date]]
) -> tuple[Counter[tuple[str, int, Regime]], Counter[tuple[str, int, Regime]]]:
    minutes: Counter[tuple[str, int, Regime]] = Counter()
    days: Counter[tuple[str, int, Regime]] = Counter()
    for office in offices:
        for number, spell in enumerate(spells):
            for day in spell:
                stretches = calendar.day(office, day)
                for one in stretches:
                    minutes[office.name, number, one.regime] += one.end - one.start
                for regime in {one.regime for one in stretches}:
                    days[office.name, number, regime] += 1
    return minutes, days


def _circumstances(rules: Iterable[Rule]) -> tuple[Circumstance, ...]:
    """Nothing special first; then what each rule asks for beside the axes, and each of its exemptions with that."""
    found: dict[Circumstance, None] = {(): None}
    for rule in rules:
        for more in ((), *(one.conditions for one in rule.unless)):
            words = {one.key: one.words for one in (*rule.when, *more) if one.key in _BESIDE and any(one.words)}
            for number in range(max(map(len, words.values()), default=0)):
                found[tuple((key, each[number % len(each)]) for key, each in sorted(words.items()))] = None
    return tuple(found)


def _acts(
    groups: Sequence[str], devices: Sequence[Device], findings: Sequence[Sort | None], moment: datetime, office: str
) -> Iterator[tuple[tuple[Any, ...], Facts]]:
    """Each kind of act with its values, as it is in no particular regime."""
    plain = Facts(
        moment=moment, kind=Kind.POST, platform=OTHER, standing=Standing.UNKNOWN, regime=Regime.UNKNOWN, office=office,
        zone="", device=Device.MANAGED, legal_regime="", officer="·", service_group="", groups=frozenset(),
        audience=None, target=None, findings=(), gaps=(), media=False, remedial=False, unclaimed=False,
        approvals=frozenset(),
    )  # fmt: skip
    for group in groups:
        known = replace(plain, service_group="" if group == NOT_KNOWN else group)
        for device in devices:
            # On personal devices nothing is opened, and whose account acts there is not known.
            for kind in Kind if device is Device.MANAGED else (Kind.USE,):
                for standing in (Standing.UNKNOWN,) if kind is Kind.USE else Standing:
                    duty = Duty.NOBODY_LISTED if standing is Standing.OFFICIAL else None
                    for finding in (NOTHING_FOUND,) if kind in WORDLESS else findings:
                        yield (group, device, standing, kind, finding, office), replace(
                            known, device=device, kind=kind, standing=standing, duty=duty, findings=_made(finding),
                            unclaimed=kind is Kind.WRITE, remedial=kind is Kind.DELETE,
                        )  # fmt: skip


def _made(finding: Sort | None) -> tuple[Finding, ...]:
    if finding is None:
        return ()
    check = finding.check or finding.category
    return (Finding(check, finding.category or finding.check, finding.likelihood, 0, 1),) * finding.count


def _under(facts: Facts, circumstance: Circumstance, zones: Mapping[str, Device]) -> Facts | None:
    """The act in these circumstances; `None` where it cannot be in them."""
    given: dict[str, Any] = {}
    for key, word in circumstance:
        match key:
            case "zone":
                if zones.get(word, facts.device) is not facts.device:
                    return None
                given["zone"] = word
            case "gap":
                given["gaps"] = (Gap(word),)
            case "officer":
                given["officer"] = None if word == NOT_KNOWN else word
            case "approval":
                given["approvals"] = frozenset({word})
            case "target_in":
                given |= {"target_lists": frozenset({word}), "target": given.get("target") or "·"}
            case "account_duty":
                if facts.standing is not Standing.OFFICIAL:
                    return None
                given["duty"] = Duty(word)
            case "remedial":
                given["remedial"] = True
            case _:
                given[key] = word
    return replace(facts, **given)


def _ask(
    now: Policy,
    new: Policy,
    facts: Facts,
    axes: tuple[Any, ...],
    circumstances: Sequence[Circumstance],
    zones: Mapping[str, Device],
    cells: dict[tuple[Any, ...], Change],
) -> None:
    plain = None
    for circumstance in circumstances:
        there = _under(facts, circumstance, zones)
        change = _change(now, new, there) if there is not None else None
        if not circumstance:
            plain = change
        elif change == plain:
            continue
        if change is not None:
            cells[(*axes, circumstance)] = change


def _change(now: Policy, new: Policy, facts: Facts) -> Change | None:
    matches = decide(now, facts), decide(new, facts)
    before, after = effect_of(matches[0]), effect_of(matches[1])
    if before is after:
        return None
    stricter = matches[1] if after > before else matches[0]
    most = max(before, after)
    return Change(before, after, tuple(one.rule for one in stricter if one.in_force and one.effect is most))


# ---------------------------------------------------------------- folding


def _at_offices(
    cells: Mapping[tuple[Any, ...], Change],
    alike: Mapping[str, Sequence[str]],
    minutes: Mapping[tuple[str, int, Regime], int],
) -> Iterator[tuple[tuple[Any, ...], Change]]:
    """The cells with the offices that have such hours, in the order of a box's axes."""
    for (group, device, standing, kind, finding, office, spell, regime, circumstance), change in cells.items():
        there = frozenset(name for name in alike[office] if (name, spell, regime) in minutes)
        single = (frozenset({one}) for one in (group, device, standing, kind, finding, circumstance, spell, regime))
        yield (*single, there), change


def _folded(
    cells: Iterable[tuple[tuple[frozenset[Any], ...], Change]],
) -> list[tuple[tuple[frozenset[Any], ...], Change]]:
    """Cells that differ in one axis only are one, axis after axis, until there are no fewer."""
    boxes = list(cells)
    while True:
        before = len(boxes)
        for axis in range(len(boxes[0][0]) if boxes else 0):
            merged: dict[tuple[Any, ...], frozenset[Any]] = {}
            for box, change in boxes:
                key = (*box[:axis], *box[axis + 1 :], change)
                merged[key] = merged.get(key, frozenset()) | box[axis]
            boxes = [((*key[:axis], values, *key[axis:-1]), key[-1]) for key, values in merged.items()]
        if len(boxes) == before:
            return boxes
