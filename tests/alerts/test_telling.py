"""What is told of a decision, in both languages, and what never is."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from builders import AMINAH, TUESDAY_MORNING, a_decision, a_match, an_activity
from gerbang.alerts.sending import BODY_LIMIT
from gerbang.alerts.telling import LONGEST, MOST_NAMED, ToldRule, alerting, of_decision
from gerbang.model import Account, Effect, Hours, Mode, Regime
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.policy.rules import Words
from gerbang.record.event import decision_event
from journal_builders import KEYS

POLICY = compile_policy(
    [
        parse_policy(
            """\
policy: trial
title: {ms: Dasar, en: Policy}
clauses:
  R3: {text: {ms: Jangan hantar waktu pejabat, en: Do not post in office hours}}
rules:
  - id: rule
    title: {ms: Hantaran waktu pejabat, en: A post in office hours}
    clause: R3
    when: {activity: post}
    effect: block
    final: true
    alert: unit-integriti
""",
            "trial.yaml",
        )
    ]
)
KUALA_LUMPUR = ZoneInfo("Asia/Kuala_Lumpur")
CONSOLE = "https://gerbang.contoh.my"


def body(**more: object) -> dict[str, object]:
    more.setdefault(
        "hours", Hours(Regime.OFFICE_HOURS, "hq", TUESDAY_MORNING.astimezone(KUALA_LUMPUR), "working-hours")
    )
    event = decision_event(a_decision(**more), "answered", ["s••••t"], KEYS)  # type: ignore[arg-type]
    return dict(json.loads(event.body_bytes()))


def told(language: str, **more: object) -> str:
    said = body(**more)
    rules = alerting(said, lambda _: True, POLICY)  # type: ignore[arg-type]
    message = of_decision("unit", said, rules, language, CONSOLE)  # type: ignore[arg-type]
    return message.subject + "\n" + message.text


def test_a_rule_names_its_alerts() -> None:
    assert POLICY.rules["trial/rule"].alerts == ("unit-integriti",)


def test_it_is_said_in_malay_and_in_english() -> None:
    assert told("ms").splitlines() == [
        "[Gerbang] Hantaran waktu pejabat: disekat, x (K7Q4-M2XP)",
        "Keputusan: K7Q4-M2XP",
        "Peraturan: trial/rule (Hantaran waktu pejabat): sekat, dikuatkuasakan",
        "Klausa R3: Jangan hantar waktu pejabat",
        "Kesan: sekat",
        "Tindakan gerbang: disekat",
        "Platform: x",
        "Aktiviti: hantaran",
        "Pejabat: hq",
        "Zon: pejabat",
        "Waktu di pejabat: 2026-11-24 10:00 (UTC+08:00)",
        "Dalam konsol: https://gerbang.contoh.my/decisions/K7Q4-M2XP",
        "",
        "Siapa dan apa yang ditulis tidak dinyatakan di sini; konsol menunjukkannya kepada juruaudit.",
    ]
    english = told("en")
    assert "Clause R3: Do not post in office hours" in english
    assert "What the gate did: refused" in english


def test_nobody_and_nothing_that_was_written_is_in_it() -> None:
    activity = replace(
        an_activity("rahsia besar", account="akaun-siti"), target="@pakar", audience="semua", host="aminah.blog.example"
    )
    more = {"activity": activity, "registered": Account("akaun-siti", "siti_rasmi")}
    said = body(**more)
    rules = alerting(said, lambda _: True, POLICY)  # type: ignore[arg-type]
    for language in ("ms", "en"):
        message = of_decision("unit", said, rules, language, CONSOLE)  # type: ignore[arg-type]
        everything = message.subject + message.text + json.dumps(dict(message.data))
        for word in (
            AMINAH.id,
            AMINAH.name,
            "akaun-siti",
            "siti_rasmi",
            "rahsia",
            "s••••t",
            "10.1.2.3",
            "pakar",
            "aminah",
        ):
            assert word not in everything, word


@pytest.mark.parametrize(
    ("more", "alerts"),
    [
        ({}, True),
        ({"mode": Mode.OBSERVE}, True),
        ({"exempted_by": "remedial: true"}, False),
        ({"exempted_by": "override:other/rule"}, False),
        ({"released_by": "r1"}, False),
    ],
)
def test_what_was_taken_away_alerts_nobody(more: dict[str, object], alerts: bool) -> None:
    said = body(matches=(a_match(**more),))
    assert bool(alerting(said, lambda rule: rule == "trial/rule", POLICY)) is alerts  # type: ignore[arg-type]
    assert not alerting(said, lambda _: False, POLICY)  # type: ignore[arg-type]


def test_a_line_in_a_name_stays_within_its_line() -> None:
    said = body() | {"office": "hq\r\nBcc: x@contoh.my\u2028", "zone": "z" * 1000, "platform": "x\r\nSubject: y"}
    rules = alerting(said, lambda _: True, POLICY)  # type: ignore[arg-type]
    message = of_decision("unit", said, rules, "en", CONSOLE)  # type: ignore[arg-type]
    assert "\n" not in message.subject
    assert "\r" not in message.text
    assert "Office: hq Bcc: x@contoh.my\n" in message.text
    assert message.data["zone"] == "z" * (LONGEST - 1) + "…"


def test_the_longest_message_may_still_be_posted() -> None:
    words = Words("\U0001f4e3" * 2000, "")
    rule = ToldRule("r" * LONGEST, "block", "enforce", "R" * LONGEST, words, words)
    message = of_decision("unit", body(), [rule] * 500, "ms", CONSOLE)  # type: ignore[arg-type]
    assert "490 peraturan lagi" in message.text
    assert len(message.data["rules"]) == MOST_NAMED  # type: ignore[arg-type]
    assert len(json.dumps(dict(message.data), ensure_ascii=False).encode()) <= BODY_LIMIT


def test_the_same_decision_has_the_same_id_and_another_alert_another() -> None:
    said = body(effect=Effect.BLOCK)
    rules = alerting(said, lambda _: True, None)  # type: ignore[arg-type]
    ids = [of_decision(name, said, rules, "en", CONSOLE).id for name in ("a", "a", "b")]  # type: ignore[arg-type]
    assert ids[0] == ids[1] != ids[2]
