"""What is told of a decision: its number, rules, and where and when it was; never a name, account, text or address.

All of it is taken from the chained line of the journal, which has none of those, and of that only what is named here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gerbang.answers.words import Language, term
from gerbang.policy.rules import Policy, Words
from gerbang.record.canonical import Json

LONGEST: Final = 300  # characters of a value
MOST_NAMED: Final = 10  # rules that are told of one by one

_SAID: Final[Mapping[str, Words]] = {
    "decision": Words("Keputusan", "Decision"),
    "rule": Words("Peraturan", "Rule"),
    "clause": Words("Klausa", "Clause"),
    "effect": Words("Kesan", "Effect"),
    "done": Words("Tindakan gerbang", "What the gate did"),
    "platform": Words("Platform", "Platform"),
    "activity": Words("Aktiviti", "Activity"),
    "office": Words("Pejabat", "Office"),
    "zone": Words("Zon", "Zone"),
    "time": Words("Waktu di pejabat", "Time at the office"),
    "link": Words("Dalam konsol", "In the console"),
    "more": Words("{count} peraturan lagi", "{count} more rules"),
    "footer": Words(
        "Siapa dan apa yang ditulis tidak dinyatakan di sini; konsol menunjukkannya kepada juruaudit.",
        "Who it was and what was written is not said here; the console shows it to auditors.",
    ),
    "held": Words(
        "{count} keputusan lagi tidak dihantar satu demi satu, kerana had amaran ini ialah {pace}.",
        "{count} more decisions were not told one by one, since this alert is limited to {pace}.",
    ),
    "late": Words(
        "{count} keputusan berlaku lebih sehari sebelum amaran dapat dihantar, dan dinyatakan di sini sahaja.",
        "{count} decisions were made more than a day before alerts could be sent, and are told only here.",
    ),
    "from-to": Words("Antara {first} dan {last}", "Between {first} and {last}"),
    "summary": Words("{count} keputusan lagi", "{count} more decisions"),
    "trial": Words("amaran percubaan", "trial alert"),
    "trial-text": Words(
        "Ini percubaan bagi amaran `{name}`. Tiada apa-apa yang berlaku.",
        "This is a trial of the alert `{name}`. Nothing has happened.",
    ),
}
_PACES: Final[Mapping[str, Words]] = {
    "minute": Words("{most} mesej seminit", "{most} messages a minute"),
    "hour": Words("{most} mesej sejam", "{most} messages an hour"),
    "day": Words("{most} mesej sehari", "{most} messages a day"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a subject and a text for people, the same as values for programs.

    `id` is the same whenever the same is sent again, so that who gets it twice can tell.
    """

    id: str
    subject: str
    text: str
    data: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToldRule:
    """A rule that matched, with its words where its policy is known."""

    rule: str
    effect: str
    mode: str
    clause: str
    title: Words | None
    clause_text: Words | None


def alerting(body: Mapping[str, Json], wanted: Callable[[str], bool], policy: Policy | None) -> tuple[ToldRule, ...]:
    """The rules of a decision that somebody is to be told of: those that matched and that nothing took away."""
    matches = body.get("matches")
    found = []
    for match in matches if isinstance(matches, list) else ():
        if not isinstance(match, dict) or match.get("exempted_by") or match.get("released_by"):
            continue
        name = str(match.get("rule"))
        if not wanted(name):
            continue
        rule = policy.rules.get(name) if policy else None
        found.append(
            ToldRule(
                rule=_plain(name),
                effect=_plain(match.get("effect")),
                mode=_plain(match.get("mode")),
                clause=_plain(match.get("clause")),
                title=rule.title if rule else None,
                clause_text=rule.clause.text if rule else None,
            )
        )
    return tuple(found)


def of_decision(
    alert: str, body: Mapping[str, Json], rules: Sequence[ToldRule], language: str, console: str
) -> Message:
    """The message on one decision."""
    spoken = Language(language)
    hours = body.get("hours")
    number = _plain(body.get("number"))
    facts = {key: _plain(body.get(key)) for key in ("effect", "done", "platform", "activity", "zone")}
    facts["office"] = _plain(body.get("office"))
    facts["time"] = _time(hours.get("local") if isinstance(hours, dict) else None)
    link = f"{console}/decisions/{number}"
    told = {
        "effect": term("effect", facts["effect"], spoken),
        "done": term("done", facts["done"], spoken),
        "platform": facts["platform"],
        "activity": term("kind", facts["activity"], spoken),
        "office": facts["office"],
        "zone": facts["zone"],
        "time": facts["time"],
        "link": link,
    }
    lines = [f"{_say('decision', language)}: {number}"]
    for rule in rules[:MOST_NAMED]:
        title = f" ({_plain(rule.title.said(language))})" if rule.title else ""
        effect, mode = term("effect", rule.effect, spoken), term("mode", rule.mode, spoken)
        lines.append(f"{_say('rule', language)}: {rule.rule}{title}: {effect}, {mode}")
        text = f": {_plain(rule.clause_text.said(language))}" if rule.clause_text else ""
        lines.append(f"{_say('clause', language)} {rule.clause}{text}")
    if len(rules) > MOST_NAMED:
        lines.append(_say("more", language, count=len(rules) - MOST_NAMED))
    lines += [f"{_say(key, language)}: {value}" for key, value in told.items()]
    first = rules[0]
    what = _plain(first.title.said(language)) if first.title else first.rule
    values: dict[str, Json] = {
        "decision": number,
        "rules": [
            {
                "rule": rule.rule,
                "effect": rule.effect,
                "mode": rule.mode,
                "clause": rule.clause,
                "title": _plain(rule.title.said(language)) if rule.title else None,
                "clause_text": _plain(rule.clause_text.said(language)) if rule.clause_text else None,
            }
            for rule in rules[:MOST_NAMED]
        ],
        **facts,
        "link": link,
    }
    subject = _plain(f"[Gerbang] {what}: {told['done']}, {told['platform']} ({number})")
    return _message("decision", alert, number, subject, [*lines, "", _say("footer", language)], values)


def of_more(
    alert: str,
    why: str,
    rules: Mapping[str, int],
    span: tuple[datetime, datetime],
    language: str,
    pace: str,
    console: str,
) -> Message:
    """The one message on decisions that were not told one by one: `held` by the pace, or `late`."""
    count = sum(rules.values())
    first, last = (f"{moment.astimezone():%Y-%m-%d %H:%M (UTC%:z)}" for moment in span)
    most, _, unit = pace.partition("/")
    spoken = _PACES[unit].said(language).format(most=most)
    ordered = sorted(rules.items(), key=lambda entry: (-entry[1], entry[0]))
    lines = [
        _say(why, language, count=count, pace=spoken),
        _say("from-to", language, first=first, last=last),
        "",
        *(f"{number} × {_plain(rule)}" for rule, number in ordered[:MOST_NAMED]),
    ]
    if len(ordered) > MOST_NAMED:
        lines.append(_say("more", language, count=len(ordered) - MOST_NAMED))
    lines += ["", f"{_say('link', language)}: {console}/decisions"]
    values: dict[str, Json] = {
        "why": why,
        "count": count,
        "rules": [{"rule": _plain(rule), "count": number} for rule, number in ordered[:MOST_NAMED]],
        "first": span[0].isoformat(),
        "last": span[1].isoformat(),
        "link": f"{console}/decisions",
    }
    subject = f"[Gerbang] {_say('summary', language, count=count)}"
    return _message("summary", alert, f"{why} {span[0].isoformat()} {count}", subject, lines, values)


def trial(alert: str, language: str, moment: datetime) -> Message:
    """What `gerbang alerts test` sends."""
    subject = f"[Gerbang] {_say('trial', language)}"
    return _message("trial", alert, moment.isoformat(), subject, [_say("trial-text", language, name=alert)], {})


def _message(
    kind: str, alert: str, key: str, subject: str, lines: Sequence[str], values: Mapping[str, Json]
) -> Message:
    id_ = hashlib.sha256(f"gerbang-alert-v1\n{alert}\n{kind}\n{key}".encode()).hexdigest()[:32]
    text = "\n".join(lines) + "\n"
    data: dict[str, Json] = {"version": 1, "id": id_, "alert": alert, "kind": kind, **values, "text": text}
    return Message(id_, subject, text, data)


def _say(key: str, language: str, **values: object) -> str:
    return _SAID[key].said(language).format(**values)


def _plain(value: object) -> str:
    """One line of what can be seen: nothing in it ends a header or hides in a line.

    >>> _plain("kaunter\\r\\nBcc: x@contoh.my")
    'kaunter Bcc: x@contoh.my'
    """
    text = "" if value is None else str(value)
    seen = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 2 * LONGEST]).split())
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…"


def _time(local: Json) -> str:
    try:
        return f"{datetime.fromisoformat(str(local)):%Y-%m-%d %H:%M (UTC%:z)}"
    except ValueError:
        return _plain(local)
