"""Why each rule matched or did not: the questions of `decide`, asked one by one and told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gerbang.model import Match, Mode, Release
from gerbang.policy.conditions import KEYS, Condition, Facts
from gerbang.policy.decide import REGISTER, decide
from gerbang.policy.rules import Policy, Rule


@dataclass(frozen=True, slots=True)
class Reason:
    """One key: what the rule wants, what was found, and whether that is enough."""

    key: str
    wanted: str
    found: str
    holds: bool

    @property
    def sentence(self) -> str:
        if self.holds:
            return f"{self.key} is {self.found}, and the rule asks for {self.wanted}"
        return f"{self.key} is {self.found}, not {self.wanted}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule, tried. `match` is what `decide` gave for it; `exemptions` has the reasons of each `unless` entry."""

    rule: Rule
    reasons: tuple[Reason, ...]
    exemptions: tuple[tuple[str, tuple[Reason, ...]], ...]
    match: Match | None

    @property
    def matched(self) -> bool:
        return self.match is not None

    @property
    def outcome(self) -> str:
        """A stable word: `in-force`, `observed`, `exempted`, `overridden`, `released` or `no-match`."""
        if self.match is None:
            return "no-match"
        if self.match.exempted_by is not None:
            return "overridden" if self.match.exempted_by.startswith("override:") else "exempted"
        if self.match.released_by is not None:
            return "released"
        return "in-force" if self.match.mode is Mode.ENFORCE else "observed"

    @property
    def sentence(self) -> str:
        """The outcome in one English sentence, without a full stop."""
        if self.match is None:
            return "no: " + "; ".join(reason.sentence for reason in self.reasons if not reason.holds)
        met = ", ".join(f"{reason.key} is {reason.found}" for reason in self.reasons)
        match self.outcome:
            case "exempted" if (self.match.exempted_by or "").startswith(REGISTER):
                by = (self.match.exempted_by or "").removeprefix(REGISTER)
                return f"yes ({met}), but exempt: exemption {by} of the register holds"
            case "exempted":
                return f"yes ({met}), but exempt: {self.match.exempted_by}"
            case "overridden":
                by = (self.match.exempted_by or "").removeprefix("override:")
                return f"yes ({met}), but replaced by {by}"
            case "released":
                return f"yes ({met}), satisfied by release {self.match.released_by}"
            case "observed" if self.rule.mode is Mode.ENFORCE:
                return f"yes ({met}), but only observed: the calendar has no data for this office and day"
            case "observed":
                return f"yes ({met}), only observed"
        return f"yes: {met}{self._unmet()}"

    def _unmet(self) -> str:
        """Why no exemption applied."""
        tried = [
            " and ".join(reason.sentence for reason in reasons if not reason.holds) for _, reasons in self.exemptions
        ]
        return f"; not exempt: {'; '.join(tried)}" if tried else ""


def explain(policy: Policy, facts: Facts, releases: Sequence[Release] = ()) -> tuple[Trial, ...]:
    """Every rule of the policy by id, with the reason for each key; the matches are those of `decide`."""
    matches = {match.rule: match for match in decide(policy, facts, releases)}
    return tuple(
        Trial(
            rule=rule,
            reasons=_reasons(rule.when, facts),
            exemptions=tuple((exemption.text, _reasons(exemption.conditions, facts)) for exemption in rule.unless),
            match=matches.get(rule.id),
        )
        for rule in policy.rules.values()
    )


def _reasons(conditions: Iterable[Condition], facts: Facts) -> tuple[Reason, ...]:
    return tuple(
        Reason(condition.key, condition.wanted, KEYS[condition.key].found(facts), condition.test(facts))
        for condition in conditions
    )
