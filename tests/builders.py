"""Values for tests, which name only what matters to the test."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from gerbang.answers.notice import Notice, parse_notice
from gerbang.bundled import bundled
from gerbang.model import (
    Account,
    Activity,
    Actor,
    Basis,
    Citation,
    Decision,
    Effect,
    Hours,
    Kind,
    Match,
    Mode,
    Office,
    Officer,
    Regime,
    Request,
    Standing,
    Text,
    Zone,
)

TUESDAY_MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # 10:00 in Putrajaya
ZONE = Zone("pejabat", (ip_network("10.1.0.0/16"),), "hq")
OFFICE = Office("hq", "PJY")
AMINAH = Officer("P-1001", "Aminah binti Contoh", unit="Komunikasi", office="hq", service_group="professional")


def a_request(
    host: str = "x.com",
    target: str = "/home",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = b"",
) -> Request:
    return Request(method, host, target, tuple((headers or {}).items()), body)


def an_activity(*texts: str, account: str | None = "2001", kind: Kind = Kind.POST, **more: Any) -> Activity:
    activity = Activity(
        platform="x",
        kind=kind,
        host="x.com",
        signature="x/create-tweet",
        account=Account(account),
        texts=tuple(Text("variables.tweet_text", text) for text in texts),
    )
    return replace(activity, **more)


def an_actor(officer: Officer | None = AMINAH, **more: Any) -> Actor:
    return replace(Actor(ZONE, "10.1.2.3", officer, "htpasswd" if officer else ""), **more)


def a_match(rule: str = "trial/rule", effect: Effect = Effect.BLOCK, **more: Any) -> Match:
    return replace(Match(rule, effect, Mode.ENFORCE, Citation("R3", "PU395-4-2-G")), **more)


def a_decision(effect: Effect = Effect.BLOCK, **more: Any) -> Decision:
    """A decision on a harmless post at ten in the morning, with one rule that gives its effect."""
    decision = Decision(
        number="K7Q4-M2XP",
        moment=TUESDAY_MORNING,
        activity=an_activity("selamat pagi"),
        actor=an_actor(),
        standing=Standing.PERSONAL,
        hours=Hours(Regime.OFFICE_HOURS, "hq", TUESDAY_MORNING, "working-hours"),
        findings=(),
        matches=(a_match(effect=effect),) if effect != Effect.ALLOW else (),
        effect=effect,
        remedial=False,
        digest="0" * 64,
        basis=Basis(*("0" * 64,) * 4),
    )
    return replace(decision, **more)


def a_notice(version: str = "2026-01", authority: str = "Arahan KP bil. 1/2026") -> Notice:
    """The shipped notice under a version of its own."""
    file = bundled("policies") / "notice.yaml"
    return Notice(version, authority, parse_notice(file.read_text("utf-8"), str(file)))
