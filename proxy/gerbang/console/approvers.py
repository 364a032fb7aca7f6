"""Who may answer requests for approval, and answering one: the same for the API and for commands."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from gerbang.answers.reasons import Wording
from gerbang.answers.words import Language
from gerbang.approving import LONGEST_NOTE, SHORTEST_NOTE, Approver, Asked, Queue
from gerbang.console.users import Role, User
from gerbang.errors import RegisterError
from gerbang.model import Effect, Officer
from gerbang.policy.rules import Rule
from gerbang.record.event import Answer, Event, RecordKeys
from gerbang.store.queries import DecisionRecord
from gerbang.store.requests import Requested

CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
DONE: Final[Mapping[str, Answer]] = {"grant": "granted", "refuse": "refused", "changes": "changes"}


class WrongNote(RegisterError):
    """What an approver wrote will not do."""


def approver_of(user: User, officers: Mapping[str, Officer]) -> Approver:
    """Who answers by that account. Raises `RegisterError` where it is no approver's."""
    if user.role is not Role.APPROVER:
        raise RegisterError(
            f"the account `{user.name}` is no approver's", hint="make one by `gerbang users add NAME --role approver`"
        )
    officer = officers.get(user.own_officer)
    return Approver(user.name, user.own_officer, officer.groups if officer is not None else frozenset())


def without_approver(
    rules: Iterable[Rule], users: Iterable[User], officers: Mapping[str, Officer]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The rules that hold acts for an approver where no account may grant them, with whom each names."""
    approvers = [approver_of(user, officers) for user in users if user.role is Role.APPROVER]
    return tuple(
        (rule.id, rule.approvers)
        for rule in rules
        if rule.effect is Effect.APPROVE and not any(one.may((rule.approvers,)) for one in approvers)
    )


def told_without(rule: str, named: tuple[str, ...]) -> tuple[str, str]:
    """What is said of such a rule, and what would do instead."""
    who = f"of {', '.join(f'`{name}`' for name in named)} none is an approver's account" if named else "there is none"
    accounts = [name for name in named if not name.startswith("group:")]
    make = accounts[0] if accounts else "NAME"
    hint = f"run `gerbang users add {make} --role approver"
    return f"rule `{rule}` waits for an approver, and {who}", hint + (" --officer ID`" if not accounts else "`")


def note_of(written: str, *, needed: bool) -> str:
    """An approver's note as it is kept. Raises `WrongNote` for one that says too much, or nothing where it must."""
    note = CONTROLS.sub(" ", written.replace("\r\n", "\n")).encode("utf-8", "replace").decode().strip()
    if len(note) > LONGEST_NOTE:
        raise WrongNote(f"the note has {len(note)} characters", hint=f"write at most {LONGEST_NOTE}")
    if needed and sum(letter.isalpha() for letter in note) < SHORTEST_NOTE:
        raise WrongNote(
            "the officer is to know why, and no note says so", hint=f"write a note of {SHORTEST_NOTE} letters or more"
        )
    return note


def answered(
    queue: Queue,
    number: str,
    what: str,
    approver: Approver,
    note: str,
    moment: datetime,
    way: str,
    append: Callable[[Event], object],
    keys: RecordKeys,
) -> Asked:
    """Answer a request: `what` is `grant`, `refuse` or `changes`."""
    return queue.answer(number, DONE[what], approver, note, moment, way, append, keys)


def shown_to(approver: Approver, one: Requested) -> bool:
    """Whether an approver sees a request: not her own, and none that she may not answer."""
    officer: Any = one.private.get("officer") or {}
    named: Any = one.body.get("approvers") or []
    approvers = [tuple(str(name) for name in each) for each in named]
    return not approver.is_one(str(officer.get("id"))) and approver.may(approvers)


def listed(one: Requested, moment: datetime) -> dict[str, Any]:
    """A request in a list."""
    officer: Any = one.private.get("officer") or {}
    return {
        "number": one.number,
        "state": one.state(moment),
        "asked": one.moment.isoformat(),
        "expires": one.expires.isoformat(),
        "officer": {"id": officer.get("id"), "name": officer.get("name"), "unit": officer.get("unit")},
        "platform": one.platform,
        "activity": one.activity,
        "rules": one.body.get("rules", []),
    }


def whole(
    one: Requested, record: DecisionRecord | None, wording: Callable[[str], Wording], moment: datetime
) -> dict[str, Any]:
    """A request as an approver gets to see it: who, by which rule and clause, for whom, and as much of the content as
    the rules let be kept."""
    body: Any = record.body if record is not None else {}
    rules: Any = set(one.body.get("rules") or ())  # type: ignore[arg-type]
    matches = [match for match in body.get("matches", ()) if match.get("rule") in rules]
    words = wording(str((body.get("basis") or {}).get("policy", "")))
    told: dict[str, Any] = listed(one, moment) | {
        "rules": [_rule(match, words) for match in matches] or one.body.get("rules", []),
        "account": one.private.get("account"),
        "standing": body.get("standing"),
        "audience": one.private.get("audience"),
        "target": one.private.get("target"),
        "regime": (body.get("hours") or {}).get("regime"),
        "findings": sorted({(f["category"], f["likelihood"]) for f in body.get("findings", ())}),
        "gaps": sorted({gap["reason"] for gap in body.get("gaps", ())}),
        "media": body.get("media", []),
        "note": one.private.get("note"),
        "words": one.private.get("words", []),
        "cut": one.body.get("cut", False),
        "unseen": one.body.get("unseen"),
    }
    if one.answer is not None:
        answer = one.answer_private or {}
        told["answer"] = {
            "answer": one.answer,
            "when": one.answered.isoformat() if one.answered else None,
            "by": answer.get("approver"),
            "note": answer.get("note"),
            "until": one.until.isoformat() if one.until else None,
        }
    return told


def _rule(match: Mapping[str, Any], words: Wording) -> dict[str, Any]:
    """A rule that holds the act, in the words of the policy by which it was decided."""
    told: dict[str, Any] = {"rule": match.get("rule"), "clause": match.get("clause"), "law": match.get("law")}
    for language in Language:
        if (said := words(str(match.get("rule")), match.get("law"), language)) is not None:
            told.setdefault("title", {})[language.value] = said.title
            told.setdefault("text", {})[language.value] = said.message or said.clause
    return told
