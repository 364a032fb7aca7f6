"""`gerbang policy check`: whether the documents are right, and what nothing answers to."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from gerbang.checks.examine import CHECKS
from gerbang.checks.lexicon import LexiconDocument, parse_lexicon
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.policy.options import FolderArgument
from gerbang.console.approvers import told_without, without_approver
from gerbang.console.users import users_of
from gerbang.errors import one_of
from gerbang.loading import each, sources
from gerbang.model import Effect
from gerbang.policy.document import Document
from gerbang.policy.rules import Clause, Policy
from gerbang.registers import load_registers
from gerbang.settings import REQUIRE_TLS, Settings
from gerbang.target_lists import target_files
from gerbang.trying import Loaded, load_policies, trial_world


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
            [clause.name for clause in without_rules(document, loaded.policy)],
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
        for clause in without_rules(document, loaded.policy):
            reason = clause.none.en if clause.none else "no reason is given"
            say(f"{document.name}: clause {clause.name} has no rule: {reason}")
    for note in notes:
        say(f"note: {note}")
    say(f"digest {loaded.policy.digest}")


def without_rules(document: Document, policy: Policy) -> Iterator[Clause]:
    answered = {rule.clause.id for rule in policy.rules.values()}
    return (
        clause for clause in policy.clauses.values() if clause.document == document.name and clause.id not in answered
    )


def _notes(loaded: Loaded, chosen: Settings) -> Iterator[str]:
    """Words in rules that nothing will ever answer to: no error, since what they name may come later. And whether what
    people sign in with can be read on the way."""
    if clear := chosen.password_in_clear:
        yield f"{clear}; {REQUIRE_TLS}"
    yield from _unapproved(loaded, chosen)
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
    yield from alert_notes(loaded.documents, loaded.policy, chosen)
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


def alert_notes(documents: Sequence[Document], policy: Policy, chosen: Settings) -> Iterator[str]:
    """Alerts that rules name and no settings know, and rules that alerts name and no policy has."""
    known = [alert.name for alert in chosen.alerts]
    for document in documents:
        for number, rule in enumerate(document.shape.rules):
            for index, name in enumerate(rule.alert or ()):
                if name not in known:
                    place = document.tree.place(("rules", number, "alert", index))
                    hint = one_of(known, name) if known else "add it as an `[[alerts]]` entry of the settings"
                    yield f"{place}: rule `{rule.id}` alerts `{name}`, which no settings know; {hint}"
    for alert in chosen.alerts:
        for pattern in alert.rules:
            if not any(fnmatchcase(rule, pattern) for rule in policy.rules):
                hint = one_of(get_close_matches(pattern, policy.rules, n=3) or sorted(policy.rules)[:3])
                yield f"the alert `{alert.name}` names the rule `{pattern}`, which no policy has; {hint}"


def _unapproved(loaded: Loaded, chosen: Settings) -> Iterator[str]:
    """Rules that hold acts for an approver whom nobody is."""
    if not any(rule.effect is Effect.APPROVE for rule in loaded.policy.rules.values()):
        return
    officers = load_registers(chosen.registers_folder).officers
    for rule, named in without_approver(loaded.policy.rules.values(), users_of(chosen).all(), officers):
        yield "; ".join(told_without(rule, named))


def known_checks(lexicons: Sequence[LexiconDocument]) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of all checks, those of vocabularies included, and the categories that they give."""
    pairs = [(str(check.ID), str(check.CATEGORY)) for check in CHECKS]
    pairs += [(lexicon.lexicon, lexicon.category) for lexicon in lexicons]
    return frozenset(check for check, _ in pairs), frozenset(category for _, category in pairs)
