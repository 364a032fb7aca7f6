"""`gerbang approvals queue`: what officers ask approvers for, and the answer, given at this machine."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from gerbang.approving import Approver, Queue
from gerbang.cli.audit import zone_of
from gerbang.cli.configuration import settings
from gerbang.cli.index import indexed
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import cli_journal, now, who
from gerbang.cli.users import password_given
from gerbang.console.approvers import answered, approver_of, listed, note_of, shown_to, whole
from gerbang.console.looks import Look, write_down
from gerbang.console.policies import PastPolicies
from gerbang.console.users import users_of
from gerbang.errors import RecordError, RegisterError
from gerbang.record.event import Event
from gerbang.record.number import check_number
from gerbang.registers import load_registers
from gerbang.settings import Settings
from gerbang.store.requests import request, requests

app = typer.Typer(no_args_is_help=True, help="What officers ask approvers for, and the answer.")

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The decision's number, as on the officer's page.")]
UserOption = Annotated[str, typer.Option(help="The approver's account, whose password is asked for.")]
NoteOption = Annotated[str, typer.Option(help="A note to the officer.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]


@app.callback()
def group() -> None:
    """What officers ask approvers for, and the answer."""


@app.command("list")
def list_requests(
    user: UserOption,
    everything: Annotated[bool, typer.Option("--all", help="Those that were answered or have expired too.")] = False,
    password_stdin: StdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Requests that this approver may answer, newest first. That you looked is written into the journal."""
    chosen = settings()
    approver = _signed_in(chosen, user, from_stdin=password_stdin)
    store = indexed(chosen)
    try:
        moment = now()
        rows = [listed(one, moment) for one in requests(store) if shown_to(approver, one)]
    finally:
        store.close()
    rows = [row for row in rows if everything or row["state"] == "asked"]
    _look(chosen, Look(f"{approver.name} ({who()})", "approver", "requests", where="cli"))
    if as_json:
        emit(rows)
        return
    if not rows:
        _say("no request is there for this approver" if everything else "no request waits for this approver")
        return
    local = zone_of(chosen)
    table(
        ("number", "state", "officer", "act", "rules", "expires"),
        [
            (
                row["number"],
                row["state"],
                row["officer"]["name"] or row["officer"]["id"],
                f"{row['activity']} on {row['platform']}",
                # Which document a rule stands in, `show` says.
                [rule.rpartition("/")[2] for rule in row["rules"]],
                _local(row["expires"], local),
            )
            for row in rows
        ],
        as_json=False,
        whole=("number", "state"),
    )
    _say(f"times in {local.key}")


@app.command()
def show(number: Number, user: UserOption, password_stdin: StdinOption = False, as_json: JsonOption = False) -> None:
    """One request: who, by which rule, for whom, and as much of the content as the rules let be kept.

    That you looked is written into the journal.
    """
    chosen, known = settings(), _number(number)
    approver = _signed_in(chosen, user, from_stdin=password_stdin)
    store = indexed(chosen)
    try:
        found = request(store, known)
        if found is None or not shown_to(approver, found[0]):
            raise RecordError(
                f"there is no request `{known}` for this approver", hint="see `gerbang approvals queue list`"
            )
        told = whole(*found, PastPolicies(store).wording, now())
    finally:
        store.close()
    _look(chosen, Look(f"{approver.name} ({who()})", "approver", "request", known, where="cli"))
    if as_json:
        emit(told)
    else:
        _print(told, zone_of(chosen))


@app.command()
def grant(
    number: Number,
    user: UserOption,
    note: Annotated[str | None, typer.Option(help="A note to the officer.")] = None,
    password_stdin: StdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let that act through, once, with that content. Gates know it within two seconds."""
    _answer(number, "grant", user, note or "", from_stdin=password_stdin, as_json=as_json)


@app.command()
def refuse(
    number: Number, user: UserOption, note: NoteOption, password_stdin: StdinOption = False, as_json: JsonOption = False
) -> None:
    """Refuse it; the officer reads the note."""
    _answer(number, "refuse", user, note, from_stdin=password_stdin, as_json=as_json)


@app.command("ask-changes")
def ask_changes(
    number: Number, user: UserOption, note: NoteOption, password_stdin: StdinOption = False, as_json: JsonOption = False
) -> None:
    """Ask for changes; the officer reads the note, and asks anew on what was changed."""
    _answer(number, "changes", user, note, from_stdin=password_stdin, as_json=as_json)


def _answer(number: str, what: str, user: str, note: str, *, from_stdin: bool, as_json: bool) -> None:
    chosen, known = settings(), _number(number)
    written = note_of(note, needed=what != "grant")
    approver = _signed_in(chosen, user, from_stdin=from_stdin)
    with cli_journal(chosen) as (journal, keys):

        def durable(event: Event) -> None:
            journal.append(event).result()

        settled = answered(
            Queue(chosen.feeds_folder), known, what, approver, written, now(), f"cli: {who()}", durable, keys
        )
    if as_json:
        until = settled.until.isoformat() if settled.until else None
        emit({"number": known, "answer": settled.answer, "until": until})
    elif settled.until is not None:
        until = _local(settled.until.isoformat(), zone_of(chosen))
        _say(f"{known} is granted, for one act with that content, until {until}")
    else:
        _say(f"{known} is {'refused' if settled.answer == 'refused' else 'sent back for changes'}")


def _print(told: Mapping[str, Any], zone: ZoneInfo) -> None:
    """A request for a person: what is asked first, then what was answered."""
    given = told.get("answer") or {}
    _say(f"Request {told['number']}: {told['state']}")
    fields = {
        "asked": _local(told["asked"], zone),
        "expires": None if given else _local(told["expires"], zone),
        "officer": told["officer"],
        "act": f"{told['activity']} on {told['platform']}",
        "by": [_rule(rule) for rule in told["rules"]],
        "account": told["account"],
        "standing": told["standing"],
        "audience": told["audience"],
        "target": told["target"],
        "hours": told["regime"],
        "findings": [" ".join(pair) for pair in told["findings"]],
        "gaps": told["gaps"],
        "media": told["media"],
        "note": told["note"],
        "words": told["words"],
        "": "the content goes on beyond what is shown" if told["cut"] else None,
        "unseen": _UNSEEN.get(told["unseen"] or "", told["unseen"]),
        "answered": f"{given['answer']}, {_local(given['when'], zone)}" if given.get("when") else None,
        "answer by": given.get("by"),
        "answer": given.get("note"),
        "good until": _local(given["until"], zone) if given.get("until") else None,
    }
    for name, value in fields.items():
        for line in value if isinstance(value, list) else [value]:
            if line not in (None, "", {}):
                _say(f"  {name:<10} {_words(line)}")
                name = ""
    _say(f"times in {zone.key}")


_UNSEEN: Final = {
    "evidence": "the words, since a rule keeps none of them",
    "official": "the words, since they may be official information",
    "restarted": "the words, since the gate was started again",
}


def _rule(rule: Any) -> str:
    if not isinstance(rule, Mapping):
        return str(rule)
    law = f" ({rule['law']})" if rule.get("law") else ""
    title = (rule.get("title") or {}).get("en")
    return f"{rule['rule']}, {rule['clause']}{law}" + (f": {title}" if title else "")


def _signed_in(chosen: Settings, name: str, *, from_stdin: bool) -> Approver:
    """The approver, by the account's password, so that nobody answers in another's name."""
    users = users_of(chosen)
    approver = approver_of(users.named(name), load_registers(chosen.registers_folder).officers)
    if users.check(name, password_given(from_stdin=from_stdin)) is None:
        raise RegisterError("the name or the password is not right")
    return approver


def _look(chosen: Settings, look: Look) -> None:
    with cli_journal(chosen) as (journal, keys):
        write_down(look, journal, now(), keys)


def _number(text: str) -> str:
    known = check_number(text)
    if known is None:
        raise RecordError(
            f"`{text}` is no decision's number: a character is wrong, missing, or two changed places",
            hint="expected three groups of four, such as `7K3M-9Q2X-4TBG`",
        )
    return known


def _say(text: str) -> None:
    say("".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text))


def _local(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items() if part not in (None, "", []))
    if isinstance(value, list | tuple):
        return "; ".join(_words(part) for part in value)
    return str(value)
