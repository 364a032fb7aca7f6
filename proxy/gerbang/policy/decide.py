"""Which rules match an act, and what follows: the strictest wins, and every match is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gerbang.model import Effect, Match, Mode, Release
from gerbang.policy.conditions import Facts, all_hold
from gerbang.policy.rules import Exemption, Policy, Rule

# What an officer's confirmation or an approver's grant can satisfy. Nothing releases a block, but for the use of what
# cannot be held: a purpose that was stated at the visit covers it where the rule says so.
HOLDS = frozenset({Effect.COACH, Effect.APPROVE})

# What stands before the id of an exemption of the register in a match that it took away.
REGISTER = "register:"

_RANK = {effect: effect.rank for effect in Effect}


def decide(policy: Policy, facts: Facts, releases: Sequence[Release] = ()) -> tuple[Match, ...]:
    """Every rule that matches, by id, with those that were exempted, overridden, released or only observe."""
    matched: list[tuple[Rule, Match]] = []
    overridden = False
    for candidate in policy.candidates(facts):
        for test in candidate.tests:
            if not test(facts):
                break
        else:
            rule = candidate.rule
            match = rule.match(facts)
            exemption = exempting(rule, facts) if rule.unless else None
            if exemption is not None:
                match = spared(match, exemption, facts)
            elif facts.exempt and (registered := registered_exemption(rule, facts)):
                match = replace(match, exempted_by=registered)
            matched.append((rule, match))
            overridden = overridden or bool(rule.overridden_by)
    if overridden:
        matched = sorted(_overridden(matched), key=lambda pair: pair[0].id)
    if releases:
        return tuple(released(match, releases) for _, match in matched)
    return tuple(match for _, match in matched)


def effect_of(matches: Iterable[Match]) -> Effect:
    """The strictest effect of the matches in force; `allow` where there is none."""
    return max((match.effect for match in matches if match.in_force), key=_RANK.__getitem__, default=Effect.ALLOW)


def exempting(rule: Rule, facts: Facts) -> Exemption | None:
    """The first `unless` entry that holds."""
    for exemption in rule.unless:
        if all(condition.test(facts) for condition in exemption.conditions):
            return exemption
    return None


def spared(match: Match, exemption: Exemption, facts: Facts) -> Match:
    """The match as the exemption leaves it."""
    purposes = tuple(sorted(exemption.approvals & facts.approvals)) if exemption.approvals else ()
    return replace(match, exempted_by=exemption.text, rests_on=purposes)


def registered_exemption(rule: Rule, facts: Facts) -> str | None:
    """The exemption of the register that takes the rule away. From a final rule there is none."""
    known = facts.exempt.get(rule.id) if facts.exempt and not rule.final else None
    return None if known is None else f"{REGISTER}{known}"


def replaces(match: Match) -> bool:
    """Whether an overriding rule that matched so takes the place of what it overrides.

    A rule that was released still does: the officer met its terms.
    """
    return match.mode is Mode.ENFORCE and match.exempted_by is None


def override_text(rule: str) -> str:
    return f"override:{rule}"


def released(match: Match, releases: Sequence[Release]) -> Match:
    rules = {match.rule} if match.effect in HOLDS else match.covered_by
    if rules and match.in_force:
        for release in releases:
            if not release.rules.isdisjoint(rules) and (release.granted or match.effect is not Effect.APPROVE):
                return replace(match, released_by=release.id)
    return match


def _overridden(matched: list[tuple[Rule, Match]]) -> list[tuple[Rule, Match]]:
    settled: dict[str, tuple[Rule, Match]] = {}
    # What overrides comes first, so that a rule which is itself replaced replaces nothing.
    for rule, match in matched:
        by = next(
            (other for other in rule.overridden_by if other in settled and replaces(settled[other][1])),
            None,
        )
        taken = replace(match, exempted_by=override_text(by)) if by and match.exempted_by is None else match
        settled[rule.id] = (rule, taken)
    return list(settled.values())


def decide_early(policy: Policy, facts: Facts, releases: Sequence[Release] = ()) -> tuple[Match, ...] | None:
    """The matches while some facts are not known yet, where waiting for them could change nothing that counts.

    That is where a block is certain whatever they turn out to be (the matches are then those that are
    certain too), or where no rule's answer depends on them; else `None`.
    """
    if facts.unclaimed and facts.unknown:
        # Whether an unclaimed write is judged as a post, its body tells.
        return None
    certain: list[Match] = []
    block, open_ = False, False
    # Whether an overriding rule replaces: yes, no, or not known.
    replacing: dict[str, bool | None] = {}
    for candidate in policy.candidates(facts):
        if not all(test(facts) for test in candidate.known):
            continue
        rule, holds = candidate.rule, not candidate.open
        if not holds and rule.id not in policy.overriding:
            open_ = True
            continue
        match = rule.match(facts)
        left, exempted = _early_exemption(match, rule, facts, replacing)
        enforced = match.mode is Mode.ENFORCE
        if rule.id in policy.overriding:
            unsure = not holds or exempted is None
            replacing[rule.id] = False if not enforced or exempted else None if unsure else True
        if not holds or exempted is None:
            open_ = True
            continue
        certain.append(left)
        block = block or (enforced and not exempted and match.effect is Effect.BLOCK)
    if open_ and not block:
        return None
    return tuple(released(match, releases) for match in sorted(certain, key=lambda match: match.rule))


def _early_exemption(
    match: Match, rule: Rule, facts: Facts, replacing: dict[str, bool | None]
) -> tuple[Match, bool | None]:
    """The match as it is left, and whether something exempts for certain, nothing does, or that is open (`None`)."""
    answer: bool | None = False
    for exemption in rule.unless:
        held = all_hold(exemption.conditions, facts)
        if held is True:
            return spared(match, exemption, facts), True
        if held is None:
            answer = None
    if (registered := registered_exemption(rule, facts)) is not None:
        return replace(match, exempted_by=registered), True
    for other in rule.overridden_by:
        held = replacing.get(other, False)
        if held is True:
            return replace(match, exempted_by=override_text(other)), True
        if held is None:
            answer = None
    return match, answer
