"""Policies and platforms read with their cases and tried: nothing is written."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gerbang.cases import CaseFile, Result, parse_cases, run_cases
from gerbang.checks.examine import compile_checks
from gerbang.checks.lexicon import parse_lexicon
from gerbang.errors import DocumentError, DocumentErrors, GerbangError, Place, SettingsError
from gerbang.loading import (
    Pack,
    Source,
    cases_beside,
    each,
    known_platforms,
    load_platforms,
    offices_of,
    policy_folders,
    read_document,
    sources,
)
from gerbang.model import Office, Registers, Zone
from gerbang.pipeline import World
from gerbang.policy.calendar import compile_calendar, parse_calendar
from gerbang.policy.document import Document, compile_policy, parse_policy
from gerbang.policy.protected import Protected, parse_protected
from gerbang.policy.rules import Policy
from gerbang.recognition import cases as platform_cases
from gerbang.recognition.signature import PlatformDocument, compile_platforms
from gerbang.settings import Settings
from gerbang.target_lists import load_targets


@dataclass(frozen=True, slots=True)
class Loaded:
    """Policies read and compiled together, with the files in which they stand."""

    documents: tuple[Document, ...]
    cases: tuple[tuple[Document, CaseFile], ...]
    policy: Policy
    folders: tuple[Path, ...]


def load_policies(chosen: Settings, folder: Path | None) -> Loaded:
    """The policies of a folder or of the settings' folders, with their cases. Raises `DocumentErrors`.

    Documents that a folder's own refer to (by an override or a clause) are taken from the settings' folders.
    """
    base = policy_folders(chosen)
    if folder is not None and not folder.is_dir():
        raise SettingsError(f"the folder `{folder}` does not exist", hint="name a folder that holds policies")
    found = sources((folder,) if folder else base, "policy")
    if not found:
        raise DocumentError(
            "there is no policy here",
            place=Place(str(folder or base[-1])),
            hint="expected NAME/policy.yaml or NAME.yaml",
        )
    documents = each(found, parse_policy)
    own = each_cases(found, documents)
    if folder:
        names = {name for document in documents for name in _references(document)}
        if names - {document.name for document in documents}:
            documents = _with_referred(documents, each(sources(base, "policy"), parse_policy))
    return Loaded(documents, own, compile_policy(documents), (*base, folder) if folder else base)


def each_cases(found: Sequence[Source], documents: Sequence[Document]) -> tuple[tuple[Document, CaseFile], ...]:
    """The case files beside the documents; the errors of all of them together."""
    parsed: list[tuple[Document, CaseFile]] = []
    wrong: list[GerbangError] = []
    for source, document in zip(found, documents, strict=True):
        beside = cases_beside(source.file)
        if beside is None:
            continue
        try:
            parsed.append((document, parse_cases(read_document(beside), str(beside), document.name)))
        except DocumentErrors as several:
            wrong += several.errors
    if wrong:
        raise DocumentErrors(wrong)
    return tuple(parsed)


def _with_referred(documents: Sequence[Document], others: Sequence[Document]) -> tuple[Document, ...]:
    """The documents, and those of the others to which they refer, and so on."""
    known = {document.name: document for document in documents}
    reachable = {document.name: document for document in others}
    waiting = [name for document in documents for name in _references(document)]
    while waiting:
        name = waiting.pop()
        if name not in known and name in reachable:
            known[name] = reachable[name]
            waiting += _references(known[name])
    return tuple(known.values())


def tried(loaded: Loaded, world: World) -> tuple[Result, ...]:
    """The results of all cases. Raises `DocumentErrors` where one names a rule that is not there.

    A document's cases say what it means by itself (and with what it refers to): one more document beside it may
    be stricter without making them wrong.
    """
    results: list[Result] = []
    wrong: list[GerbangError] = []
    for document, file in loaded.cases:
        policy = compile_policy(_with_referred((document,), loaded.documents))
        try:
            results += run_cases(file, replace(world, policy=policy))
        except DocumentErrors as several:
            wrong += several.errors
    if wrong:
        raise DocumentErrors(wrong)
    return tuple(results)


def _references(document: Document) -> Iterator[str]:
    for rule in document.shape.rules:
        for reference in (rule.clause, rule.overrides.rule if rule.overrides else ""):
            if "/" in reference:
                yield reference.partition("/")[0]


def trial_world(loaded: Loaded, chosen: Settings, *, registers: Registers | None = None) -> World:
    """A world to try policies in: as `serve` has it, but without keys, so that nothing is written."""
    calendar = compile_calendar(each(sources(loaded.folders, "calendars"), parse_calendar))
    protected = each(sources(loaded.folders, "protected"), parse_protected)
    platforms = load_platforms(chosen) if sources(policy_folders(chosen), "platforms") else compile_platforms(())
    return World(
        platforms=platforms,
        policy=loaded.policy,
        calendar=calendar,
        checks=compile_checks(each(sources(loaded.folders, "lexicons"), parse_lexicon)),
        registers=registers or Registers(),
        offices=offices_of(chosen, calendar) or {"hq": Office("hq", "PJY")},
        zones=tuple(Zone(z.name, z.networks, z.office, z.device, z.sign_in) for z in chosen.zones),
        official_hosts=frozenset(site.host for site in chosen.sites if site.official),
        protected=protected[-1] if protected else Protected(),
        key=bytes(32),
        targets=load_targets(loaded.folders, known_platforms(platforms)),
    )


# ---------------------------------------------------------------- platforms


def cases_of(file: Path, document: PlatformDocument) -> platform_cases.Cases | None:
    """The cases beside a platform document. Raises `DocumentErrors`, or `DocumentError` where they are another's."""
    beside = cases_beside(file)
    if beside is None:
        return None
    cases = platform_cases.parse_cases(read_document(beside), str(beside))
    if cases.platform != document.platform:
        what = f"these are cases of `{cases.platform}`, beside the document of `{document.platform}`"
        raise DocumentError(what, place=Place(str(beside)))
    return cases


def failures_of(pack: Pack, changed: Collection[Path]) -> tuple[platform_cases.Failure, ...]:
    """The cases that do not hold of the documents that changed, or whose cases did, or the document that they use."""
    # Of several documents of one platform the last is in force.
    given = zip(pack.found, pack.documents, strict=True)
    latest = {document.platform: (source.file, document) for source, document in given}
    fresh = {name for name, (file, _) in latest.items() if file in changed}
    failed: list[platform_cases.Failure] = []
    for file, document in latest.values():
        if fresh.isdisjoint({document.platform, document.uses}) and cases_beside(file) not in changed:
            continue
        cases = cases_of(file, document)
        if cases is not None:
            failed += platform_cases.failing(cases, document, pack.documents)
    return tuple(failed)


def failed_case(failure: platform_cases.Failure) -> DocumentError:
    return DocumentError(f"{failure.trial.name}: {failure.what}", place=failure.trial.place)
