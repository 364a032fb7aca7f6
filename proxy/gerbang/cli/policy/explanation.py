"""What `gerbang policy explain` says of a decision, for a person or for a program."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from gerbang.cli.output import console, say
from gerbang.model import Decision, Match, Regime
from gerbang.pipeline import World
from gerbang.policy.conditions import Facts
from gerbang.policy.explain import Trial
from gerbang.recognition.earlier import FIELD


def explanation(decision: Decision, facts: Facts, trials: Sequence[Trial], world: World) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "time": decision.hours.local.isoformat(),
        "office": facts.office,
        "regime": facts.regime,
        "fact": decision.hours.fact,
        "arguments": dict(decision.hours.arguments),
        "until": decision.hours.until.isoformat() if decision.hours.until else None,
        "zone": facts.zone,
        "device": facts.device,
        "officer": facts.officer,
        "known_by": decision.actor.known_by or None,
        "service_group": facts.service_group,
        "groups": sorted(facts.groups),
        "approvals": sorted(facts.approvals),
        "resting_approvals": [
            {"id": one.id, "purpose": one.purpose, "conditions": sorted(one.conditions)} for one in facts.resting
        ],
        "account_duty": facts.duty,
        "exemptions": [
            {"id": one.id, "rule": one.rule, "reason": one.reason, "until": one.valid_to.isoformat()}
            for one in decision.exemptions
        ],
        "platform": facts.platform,
        "activity": facts.kind,
        "unclaimed": facts.unclaimed,
        "account": facts.standing,
        "remedial": facts.remedial,
        "gaps": [gap.reason for gap in facts.gaps],
        "sent_earlier": list(decision.activity.sent_earlier),
        "protected": world.protected.covers(decision.activity.host, facts.platform, facts.target),
        "findings": [
            {
                "check": finding.check,
                "category": finding.category,
                "likelihood": finding.likelihood,
                "text": finding.text,
                "start": finding.start,
                "end": finding.end,
            }
            for finding in decision.findings
        ],
        "rules": [_trial(trial) for trial in trials],
        "effect": decision.effect,
        "decided_by": [match.rule for match in decision.decisive()],
        "citations": _citations(decision.matches, facts, world),
        "policy": world.policy.digest,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "rule": trial.rule.id,
        "clause": trial.rule.clause.name,
        "title": {"ms": trial.rule.title.ms, "en": trial.rule.title.en},
        "effect": trial.rule.effect,
        "mode": trial.rule.mode,
        "matched": trial.matched,
        "outcome": trial.outcome,
        "why": trial.sentence,
        "reasons": [
            {"key": reason.key, "wanted": reason.wanted, "found": reason.found, "holds": reason.holds}
            for reason in trial.reasons
        ],
        "exemptions": [
            {
                "unless": text,
                "holds": all(reason.holds for reason in reasons),
                "reasons": [
                    {"key": reason.key, "wanted": reason.wanted, "found": reason.found, "holds": reason.holds}
                    for reason in reasons
                ],
            }
            for text, reasons in trial.exemptions
        ],
    }


def _citations(matches: Sequence[Match], facts: Facts, world: World) -> list[dict[str, Any]]:
    """What the matching rules answer to, each clause once."""
    clauses = {world.policy.rules[match.rule].clause.id: world.policy.rules[match.rule].clause for match in matches}
    return [
        {
            "clause": clause.name,
            "law": clause.citation(facts.legal_regime).law,
            "ms": list(clause.law(facts.legal_regime, "ms")),
            "en": list(clause.law(facts.legal_regime, "en")),
        }
        for clause in clauses.values()
    ]


def print_explanation(decision: Decision, facts: Facts, trials: Sequence[Trial], world: World) -> None:
    """For a person: the circumstances, what comes of them, what matched, and why each other rule did not."""
    hours = decision.hours
    arguments = ", ".join(f"{key} {value}" for key, value in hours.arguments.items())
    say(f"time      {hours.local:%A %Y-%m-%d %H:%M} at {facts.office}")
    say(f"regime    {facts.regime}, because of {hours.fact}" + (f" ({arguments})" if arguments else ""))
    if hours.until:
        say(f"          until {hours.until.astimezone(hours.local.tzinfo):%A %H:%M}")
    if facts.regime is Regime.UNKNOWN:
        say("          rules on office hours only observe")
    groups = ", ".join([facts.service_group or "service group unknown", *sorted(facts.groups)])
    who = f"{facts.officer} ({groups})" if facts.officer else "an unknown officer"
    if decision.actor.known_by:
        who += f", known by {decision.actor.known_by},"
    say(f"who       {who} in zone {facts.zone}, on a {facts.device} device")
    for one in facts.resting:
        only = ", ".join(sorted(one.conditions))
        say(f"          approval {one.id} ({one.purpose}) is on file and does not hold now: only in {only}")
    marks = [name for name, holds in (("unclaimed", facts.unclaimed), ("remedial", facts.remedial)) if holds]
    marks += [f"gap {gap.reason}" for gap in facts.gaps]
    marks += [f"with what was sent earlier ({', '.join(decision.activity.sent_earlier)})"] * bool(
        decision.activity.sent_earlier
    )
    say(f"act       {', '.join([f'{facts.kind} on {facts.platform} as {facts.standing} account', *marks])}")
    if world.protected.covers(decision.activity.host, facts.platform, facts.target):
        say("          to a protected recipient: neither judged nor recorded")
    for finding in decision.findings:
        found = decision.activity.texts[finding.text].value[finding.start : finding.end][:60]
        plain = " ".join("".join(letter if letter.isprintable() else " " for letter in found).split())
        where = ", sent earlier" if decision.activity.texts[finding.text].field.startswith(FIELD) else ""
        say(f"finding   {finding.category}, {finding.likelihood}, by {finding.check}{where}: {plain}")
    if not decision.findings:
        say("finding   none")
    for exemption in decision.exemptions:
        until = exemption.valid_to.astimezone(hours.local.tzinfo)
        say(f"exempt    from {exemption.rule} by {exemption.id} until {until:%Y-%m-%d %H:%M}: {exemption.reason}")
    by = ", ".join(match.rule for match in decision.decisive())
    say(f"effect    {decision.effect}" + (f", by {by}" if by else ", since no rule in force says otherwise"))
    for citation in _citations(decision.matches, facts, world):
        law = "; ".join(citation["en"]) or f"no law is listed for {facts.legal_regime}"
        say(f"cites     {citation['clause']}: {law}")
    _rules("matched", [trial for trial in trials if trial.matched], world)
    _rules("did not match", [trial for trial in trials if not trial.matched], world)


def _rules(title: str, trials: Sequence[Trial], world: World) -> None:
    single = len(world.policy.documents) == 1
    console.print()
    for trial in trials or ():
        name = trial.rule.name if single else trial.rule.id
        outcome = f"yes, {trial.outcome}" if trial.matched else "no"
        line = f"[bold]{escape(name)}[/] ({trial.rule.clause.name}, {trial.rule.effect}): {outcome}"
        console.print(line, highlight=False, soft_wrap=True)
        why = trial.sentence.removeprefix("yes: ").removeprefix("no: ")
        console.print(Padding(Text(why, "bright_black"), (0, 0, 0, 4)), highlight=False)
    if not trials:
        say(f"no rule {title}")
