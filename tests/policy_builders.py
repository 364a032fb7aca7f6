"""Policies, facts and findings for tests, which name only what matters to the test."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from gerbang.model import Device, Finding, Kind, Likelihood, Regime, Release, Standing
from gerbang.policy.conditions import Facts
from gerbang.policy.document import Document, parse_policy

MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=timezone(timedelta(hours=8)))

SAID = {"ms": "contoh", "en": "example"}
FEDERAL_AND_BODY = {"federal": ["PU395-4-2-G", "PKPA-1-2003"], "statutory-body": "Act 605"}
CLAUSES = {f"R{number}": {"text": SAID, "cites": FEDERAL_AND_BODY} for number in range(1, 13)}
LAWS = {"PU395-4-2-G": {"ms": "Peraturan 4(2)(g), P.U.(A) 395/1993", "en": "Reg. 4(2)(g), P.U.(A) 395/1993"}}


def a_rule(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "clause": "R3", "title": SAID, "effect": "block", **more}


def a_document(*rules: dict[str, Any], policy: str = "trial", **more: Any) -> Document:
    return parse_policy(a_policy_text(*rules, policy=policy, **more), f"{policy}.yaml")


def a_policy_text(*rules: dict[str, Any], policy: str = "trial", **more: Any) -> str:
    """JSON is YAML too."""
    clauses = {rule["clause"]: CLAUSES[rule["clause"]] for rule in rules if rule["clause"] in CLAUSES}
    shape = {"policy": policy, "title": SAID, "laws": LAWS, "clauses": clauses, "rules": list(rules), **more}
    return json.dumps(shape, indent=1)


def some_facts(**more: Any) -> Facts:
    """A personal post on X from an office PC at ten in the morning."""
    facts = Facts(
        moment=MORNING,
        kind=Kind.POST,
        platform="x",
        standing=Standing.PERSONAL,
        regime=Regime.OFFICE_HOURS,
        office="hq",
        zone="pejabat",
        device=Device.MANAGED,
        legal_regime="federal",
        officer="P-1001",
        service_group="professional",
        groups=frozenset(),
        audience=None,
        target=None,
        findings=(),
        gaps=(),
        media=False,
        remedial=False,
        unclaimed=False,
        approvals=frozenset(),
    )
    return replace(facts, **more)


def a_finding(category: str, likelihood: str = "likely", check: str = "party-names", end: int = 5) -> Finding:
    return Finding(check, category, Likelihood(likelihood), 0, end)


def a_release(*rules: str, **more: Any) -> Release:
    release = Release("release-1", frozenset(rules), "x", MORNING + timedelta(minutes=10))
    return replace(release, **more)
