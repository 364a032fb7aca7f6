"""A journal of an office's month, as long as is wanted: the same acts, judged by the same rules, each time."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from builders import AMINAH, TUESDAY_MORNING, ZONE, a_decision, an_activity
from gerbang.model import Actor, Basis, Decision, Effect, Finding, Hours, Kind, Likelihood, Regime, Standing
from gerbang.policy.conditions import Facts
from gerbang.policy.decide import decide, effect_of
from gerbang.policy.rules import Policy
from gerbang.record.event import decision_event, policy_activated
from gerbang.record.number import decision_number
from journal_builders import KEYS, a_journal

UNITS = ("Komunikasi", "Kewangan", "Teknologi Maklumat", "Pembangunan", "Khidmat Pengurusan")
GROUPS = ("support", "professional", "top-management", "")
CHECKS = {"party-names": ("political", "a1"), "mykad": ("personal-data", "")}
BASIS = Basis("0" * 64, "1" * 64, "2" * 64, "3" * 64, "4" * 64)
BEGINNING = TUESDAY_MORNING


def acts(policy: Policy, seed: int = 5, officers: int = 800) -> Iterator[tuple[Decision, Facts]]:
    """Acts without end, one every few seconds, decided by the policy."""
    random = Random(seed)
    moment = BEGINNING
    while True:
        moment += timedelta(seconds=random.randrange(20))
        who = random.randrange(officers)
        person = replace(
            AMINAH,
            id=f"P-{who}",
            name=f"Pegawai Contoh {who}",
            unit=UNITS[who % len(UNITS)],
            service_group=GROUPS[who % len(GROUPS)],
            groups=frozenset({"official-social-media"} if who % 9 == 0 else ()),
        )
        officer = person if random.random() < 0.97 else None
        kind = random.choice((Kind.POST, Kind.POST, Kind.COMMENT, Kind.REACT, Kind.SHARE, Kind.VIEW))
        found = random.random() < 0.15
        findings = (Finding("party-names", "political", random.choice(tuple(Likelihood)), 0, 5),) if found else ()
        regime = random.choice((Regime.OFFICE_HOURS, Regime.OFFICE_HOURS, Regime.BREAK, Regime.OUTSIDE_HOURS))
        standing = random.choice((Standing.PERSONAL, Standing.PERSONAL, Standing.OFFICIAL, Standing.UNKNOWN))
        activity = an_activity("selamat pagi semua", kind=kind, audience="public", target=f"page-{who % 40}")
        yield decided(policy, activity, Actor(ZONE, "10.1.2.3", officer), regime, standing, findings, moment, random)


def decided(
    policy: Policy,
    activity: Any,
    actor: Actor,
    regime: Regime,
    standing: Standing,
    findings: tuple[Finding, ...],
    moment: datetime,
    random: Random,
) -> tuple[Decision, Facts]:
    officer = actor.officer
    hours = Hours(regime, "hq", moment, "working-hours")
    facts = Facts(
        moment=moment,
        kind=activity.kind,
        platform=activity.platform,
        standing=standing,
        regime=regime,
        office="hq",
        zone=actor.zone.name,
        device=actor.zone.device,
        legal_regime="federal",
        officer=officer.id if officer else None,
        service_group=officer.service_group if officer else "",
        groups=officer.groups if officer else frozenset(),
        audience=activity.audience,
        target=activity.target,
        findings=findings,
        gaps=activity.gaps,
        media=bool(activity.media),
        remedial=activity.kind is Kind.DELETE,
        unclaimed=False,
        approvals=frozenset(),
    )
    matches = decide(policy, facts)
    decision = a_decision(
        number=decision_number(random.randbytes(7)),
        moment=moment,
        activity=activity,
        actor=actor,
        standing=standing,
        hours=hours,
        findings=findings,
        matches=matches,
        effect=effect_of(matches),
        legal_regime="federal",
        basis=replace(BASIS, policy=policy.digest),
    )
    return decision, facts


def write_journal(
    folder: Path, policy: Policy, count: int, *, checks: Any = CHECKS, seed: int = 5, officers: int = 800
) -> None:
    """So many decisions, behind the line that says what looks for findings."""
    basis = replace(BASIS, policy=policy.digest)
    with closing(a_journal(folder)) as journal:
        journal.append(policy_activated(basis, {}, BEGINNING, KEYS, checks, ("parties",))).result()
        waiting: list[Future[Any]] = []
        for decision, _ in islice(acts(policy, seed, officers), count):
            done = "answered" if decision.effect is Effect.BLOCK else "forwarded"
            waiting.append(journal.append(decision_event(decision, done, ["s••••t"] * len(decision.findings), KEYS)))
            if len(waiting) == 500:
                for one in waiting:
                    one.result()
                waiting.clear()
        for one in waiting:
            one.result()
