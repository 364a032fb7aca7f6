"""`gerbang policy`: whether the documents are right, whether they do what was meant, and why they decide as they do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from gerbang.activations import Activation, Activations
from gerbang.checks.examine import CHECKS
from gerbang.checks.lexicon import LexiconDocument, parse_lexicon
from gerbang.cli.configuration import settings
from gerbang.cli.explanation import explanation, print_explanation
from gerbang.cli.output import JsonOption, console, emit, table
from gerbang.cli.slot import CLI_SLOT
from gerbang.errors import DocumentError, DocumentErrors, Place, SettingsError, one_of
from gerbang.loading import (
    check_officers,
    each,
    policy_documents,
    sources,
)
from gerbang.model import (
    Account,
    Activity,
    Actor,
    Device,
    Gap,
    Kind,
    Media,
    Standing,
    Text,
    Zone,
)
from gerbang.pipeline import World, facts_of, judge
from gerbang.policy.document import GAPS, Document
from gerbang.policy.explain import explain
from gerbang.policy.rules import Clause, Policy
from gerbang.recognition.earlier import with_words
from gerbang.registers import load_registers
from gerbang.settings import Settings
from gerbang.target_lists import target_files
from gerbang.trying import Loaded, load_policies, trial_world, tried

app = typer.Typer(no_args_is_help=True, help="The rules: check them, try them, and see why they decide as they do.")

FolderArgument = Annotated[
    Path | None, typer.Argument(help="A folder of policies; else those of the settings.", show_default=False)
]


@app.callback()
def group() -> None:
    """The rules: check them, try them, and see why they decide as they do."""


# ---------------------------------------------------------------- check


@app.command()
def check(folder: FolderArgument = None, as_json: JsonOption = False) -> None:
    """Read policies and their cases; say what is wrong, or what there is."""
    chosen = settings()
    loaded = load_policies(chosen, folder)
    trial_world(loaded, chosen)  # what stands beside the policies is read too: a gate would refuse to start with it
    notes = list(_notes(loaded, chosen))
    cases = {document.name: len(file) for document, file in loaded.cases}
    rows = [
        (
            document.name,
            len(document.shape.rules),
            len(document.shape.clauses),
            [clause.name for clause in _without_rules(document, loaded.policy)],
            cases.get(document.name, 0),
            document.file,
        )
        for document in loaded.documents
    ]
    columns = ("policy", "rules", "clauses", "without_rules", "cases", "file")
    if as_json:
        emit(
            {
                "digest": loaded.policy.digest,
                "documents": [dict(zip(columns, row, strict=True)) for row in rows],
                "notes": notes,
            }
        )
        return
    table(columns[:-1], [row[:-1] for row in rows], as_json=False)
    for document in loaded.documents:
        for clause in _without_rules(document, loaded.policy):
            reason = clause.none.en if clause.none else "no reason is given"
            _say(f"{document.name}: clause {clause.name} has no rule: {reason}")
    for note in notes:
        _say(f"note: {note}")
    _say(f"digest {loaded.policy.digest}")


def _without_rules(document: Document, policy: Policy) -> Iterator[Clause]:
    answered = {rule.clause.id for rule in policy.rules.values()}
    return (
        clause for clause in policy.clauses.values() if clause.document == document.name and clause.id not in answered
    )


def _notes(loaded: Loaded, chosen: Settings) -> Iterator[str]:
    """Words in rules that nothing will ever answer to: no error, since what they name may come later."""
    lexicons = [lexicon for lexicon in each(sources(loaded.folders, "lexicons"), parse_lexicon) if lexicon.findings]
    checks, categories = known_checks(lexicons)
    known: Mapping[str, Sequence[str]] = {
        "platform": [source.name for source in sources(loaded.folders, "platforms")],
        "office": [office.name for office in chosen.offices],
        "zone": [zone.name for zone in chosen.zones],
        "target_in": sorted(target_files(loaded.folders)),
    }
    cited = {regime for clause in loaded.policy.clauses.values() for regime in clause.cites}
    for office in chosen.offices:
        if cited and office.legal_regime not in cited:
            hint = one_of(sorted(cited), office.legal_regime)
            yield f"no clause cites a law for `{office.legal_regime}`, the regime of office `{office.name}`; {hint}"
    for document in loaded.documents:
        for number, rule in enumerate(document.shape.rules):
            place = document.tree.place(("rules", number))
            for condition in (rule.when, *rule.unless):
                for finding in condition.finding or ():
                    for name in finding.check or ():
                        if name not in checks:
                            yield f"{place}: rule `{rule.id}` asks for the check `{name}`, which does not exist"
                    if finding.category and not set(finding.category) & categories:
                        words = ", ".join(f"`{category}`" for category in finding.category)
                        yield f"{place}: rule `{rule.id}` waits for {words}, which no check gives yet"
                for key, names in known.items():
                    for name in getattr(condition, key) or ():
                        if names and name not in names:
                            what = "list of targets" if key == "target_in" else key
                            yield f"{place}: rule `{rule.id}` names the {what} `{name}`, which is not known here"


def known_checks(lexicons: Sequence[LexiconDocument]) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of all checks, those of vocabularies included, and the categories that they give."""
    pairs = [(str(check.ID), str(check.CATEGORY)) for check in CHECKS]
    pairs += [(lexicon.lexicon, lexicon.category) for lexicon in lexicons]
    return frozenset(check for check, _ in pairs), frozenset(category for _, category in pairs)


# ---------------------------------------------------------------- test


@app.command("test")
def run_all_cases(folder: FolderArgument = None, as_json: JsonOption = False) -> None:
    """Run the cases of policies. Exit status 1 where one does not hold."""
    chosen = settings()
    loaded = load_policies(chosen, folder)
    results = tried(loaded, trial_world(loaded, chosen))
    failed = [result for result in results if not result.passed]
    if as_json:
        emit(
            {
                "cases": len(results),
                "failed": [
                    {"file": r.file, "line": r.line, "name": r.name, "failures": list(r.failures)} for r in failed
                ],
            }
        )
    else:
        for result in failed:
            _say(f"{result.file}:{result.line}: {result.name}")
            for failure in result.failures:
                _say(f"    {failure}")
        met = {match.rule for result in results for match in result.decision.matches}
        for document, _ in loaded.cases:
            unmet = [rule.id for rule in document.shape.rules if f"{document.name}/{rule.id}" not in met]
            if unmet:
                _say(f"note: no case of {document.name} meets {', '.join(unmet)}")
        _say(f"{len(results)} cases, {len(results) - len(failed)} hold, {len(failed)} do not")
    if failed:
        raise typer.Exit(1)


# ---------------------------------------------------------------- activate, list


@app.command()
def activate(as_json: JsonOption = False) -> None:
    """Put the policies of the settings into force: whole, tried, kept and journalled, or not at all."""
    # The journal and the processes around it are loaded for this command only.
    from gerbang.record.event import policy_activated
    from gerbang.serving import open_journal

    chosen = settings()
    loaded = load_policies(chosen, None)
    world = trial_world(loaded, chosen)
    failed = [result for result in tried(loaded, world) if not result.passed]
    if failed:
        raise DocumentErrors(
            DocumentError(
                f"the case `{result.name}` does not hold: {result.failures[0]}", place=Place(result.file, result.line)
            )
            for result in failed
        )
    activations = Activations(chosen.state)
    documents = policy_documents(chosen)
    moment = datetime.now(UTC)
    activations.keep(loaded.policy.digest, documents)
    # The journal first: nothing comes into force that the record does not know.
    journal, keys = open_journal(chosen, CLI_SLOT, lambda: moment)
    try:
        journal.append(policy_activated(world.basis, documents, moment, keys)).result()
    finally:
        journal.close()
    activations.note(Activation(moment, loaded.policy.digest, tuple(documents)))
    if as_json:
        emit({"digest": loaded.policy.digest, "moment": moment.isoformat(), "documents": list(documents)})
    else:
        _say(f"{loaded.policy.digest} is in force from {moment:%Y-%m-%d %H:%M:%S} UTC: {', '.join(documents)}")


@app.command("list")
def list_activations(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20, as_json: JsonOption = False
) -> None:
    """Policies that came into force, newest first; the first is the one in force."""
    activations = Activations(settings().state)
    rows = [
        (entry.moment.isoformat(timespec="seconds"), entry.digest, list(entry.documents))
        for entry in reversed(activations.read()[-limit:])
    ]
    table(("moment", "digest", "documents"), rows, as_json=as_json)


# ---------------------------------------------------------------- explain


@app.command("explain")
def explain_act(
    platform: Annotated[str, typer.Option(help="The platform's name, such as `x`.")],
    activity: Annotated[str, typer.Option(help="What is done, such as `post` or `view`.")],
    text: Annotated[list[str] | None, typer.Option(help="What is said; may be given several times.")] = None,
    account: Annotated[
        str, typer.Option(help="`official`, `personal`, `unknown`, or an account's id or `@handle`.")
    ] = "personal",
    officer: Annotated[str | None, typer.Option(help="An officer's id of the register; else nobody known.")] = None,
    zone: Annotated[str | None, typer.Option(help="A zone of the settings; else the first.")] = None,
    office: Annotated[str | None, typer.Option(help="An office of the settings; else the officer's or zone's.")] = None,
    device: Annotated[str | None, typer.Option(help="`managed` or `personal`; else the zone's.")] = None,
    time: Annotated[str | None, typer.Option(help="Such as 2026-11-24T10:15, the office's clock; else now.")] = None,
    host: Annotated[str | None, typer.Option(help="The host, where it is the agency's own site.")] = None,
    target: Annotated[str | None, typer.Option(help="What the act is on or addressed to.")] = None,
    audience: Annotated[str | None, typer.Option(help="Who may read it, in the platform's word.")] = None,
    earlier: Annotated[
        list[str] | None, typer.Option(help="What was said in an earlier step, such as a picture's alternative text.")
    ] = None,
    media: Annotated[bool, typer.Option("--media", help="Something is attached.")] = False,
    gap: Annotated[list[str] | None, typer.Option(help="What could not be read, such as `too-large`.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A folder of policies; else those of the settings.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Why an act would be decided as it would: the regime, every rule's yes or no, and the law."""
    kind = Kind(_word("activity", activity, tuple(Kind)))
    gaps = tuple(Gap(_word("gap", reason, GAPS)) for reason in gap or ())
    chosen = settings()
    loaded = load_policies(chosen, folder)
    registers = load_registers(chosen.registers_folder)
    world = trial_world(loaded, chosen, registers=registers)
    check_officers(world, chosen)
    platforms = [document.platform for document in world.platforms.documents]
    if platforms:
        _word("platform", platform, platforms)
    actor = _actor(world, officer, zone, office, device)
    act = Activity(
        platform=platform,
        # As recognition has it: an unclaimed write with words in it is a post.
        kind=Kind.POST if kind is Kind.WRITE and text else kind,
        host=host or f"{platform}.example",
        signature="explain",
        texts=tuple(Text("text", value) for value in text or ()),
        media=(Media(),) if media else (),
        audience=audience,
        target=target,
        unclaimed=kind is Kind.WRITE,
        gaps=gaps,
    )
    act, world = _as_account(with_words(act, earlier or ()), account, world)
    moment = _moment(time, actor, world)
    decision = judge(act, actor, world, moment, "EXPLAIN")
    facts, _ = facts_of(act, actor, world, moment, decision.findings)
    trials = explain(world.policy, facts)
    if as_json:
        emit(explanation(decision, facts, trials, world))
    else:
        print_explanation(decision, facts, trials, world)


def _word(label: str, given: str, known: Sequence[str]) -> str:
    if given not in known:
        raise SettingsError(f"unknown {label} `{given}`", hint=one_of(known, given))
    return given


def _actor(world: World, officer: str | None, zone: str | None, office: str | None, device: str | None) -> Actor:
    zones = {known.name: known for known in world.zones} or {
        "office": Zone("office", (ip_network("10.0.0.0/8"),), next(iter(world.offices)))
    }
    place = zones[_word("zone", zone, tuple(zones))] if zone else next(iter(zones.values()))
    person = None
    if officer is not None:
        person = world.registers.officers.get(officer)
        if person is None:
            hint = (
                one_of(sorted(world.registers.officers), officer)
                if world.registers.officers
                else "the register is empty"
            )
            raise SettingsError(f"no officer `{officer}` is in the register", hint=hint)
    if office is not None:
        _word("office", office, tuple(world.offices))
        place = replace(place, office=office)
        person = replace(person, office=office) if person else None
    if device is not None:
        place = replace(place, device=Device(_word("device", device, tuple(Device))))
    return Actor(place, "10.0.0.1", person)


def _as_account(act: Activity, account: str, world: World) -> tuple[Activity, World]:
    """The act by that account, and a register in which an account named by its standing has it."""
    if account not in tuple(Standing) and (near := get_close_matches(account, tuple(Standing), n=1)):
        # An account of that very id would be a person's; a slip of the pen must not pass for one.
        raise SettingsError(f"`{account}` is no standing of an account", hint=f"did you mean `{near[0]}`?")
    if account == Standing.UNKNOWN:
        return act, world
    if account in tuple(Standing):
        accounts = {**world.registers.accounts, (act.platform, "@explain"): Standing(account)}
        registers = replace(world.registers, accounts=accounts)
        return replace(act, account=Account(handle="explain")), replace(world, registers=registers)
    if account.startswith("@"):
        return replace(act, account=Account(handle=account[1:])), world
    return replace(act, account=Account(id=account)), world


def _moment(given: str | None, actor: Actor, world: World) -> datetime:
    if given is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise SettingsError(f"`{given}` is no time", hint="write it like `2026-11-24T10:15`") from None
    if moment.tzinfo is not None:
        return moment
    office = actor.officer.office if actor.officer and actor.officer.office in world.offices else actor.zone.office
    return moment.replace(tzinfo=ZoneInfo(world.offices[office].timezone))


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
