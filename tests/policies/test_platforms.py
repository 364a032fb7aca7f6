"""Every shipped platform document is held by its cases: whatever is taken out of it, a case notices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gerbang.answers.pages import platform_name
from gerbang.recognition.cases import Cases, Trial, failing, run_cases
from gerbang.recognition.document import INERT_ROLES, ROLES, Claim, Keeps, PlatformDocument, Signature
from platform_builders import NAMES, shipped, shipped_cases, shipped_documents

GROUPS = ("batches", "signatures", "housekeeping")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "SOCKET")


each_platform = pytest.mark.parametrize("name", NAMES)


@each_platform
def test_every_case_holds(name: str) -> None:
    document, cases = shipped(name), shipped_cases(name)
    assert not [str(failure) for failure in run_cases(cases, document, shipped_documents())]


@each_platform
def test_near_misses_outnumber_hits(name: str) -> None:
    """Of what looks like an act more cases are something else than there are operations to be hit."""
    document, cases = shipped(name), shipped_cases(name)
    hit = {one.signature for trial in cases.trials for one in trial.expected or () if one.signature}
    missed = [trial for trial in cases.trials if not trial.expected or any(one.unclaimed for one in trial.expected)]
    assert {signature.id for signature in document.signatures} <= hit
    assert len(missed) > len(hit)


@each_platform
def test_each_document_says_its_version(name: str) -> None:
    """By which an admin knows what a gate runs, and whether a pack from elsewhere is newer."""
    assert shipped(name).version


@each_platform
def test_pages_call_a_platform_as_its_document_does(name: str) -> None:
    document = shipped(name)
    assert platform_name(document.platform) == document.title


@each_platform
def test_each_signature_says_where_it_comes_from_and_when_that_was_seen(name: str) -> None:
    document = shipped(name)
    assert not [signature.id for signature in document.signatures if not signature.source or not signature.seen]


@each_platform
def test_without_any_one_discriminator_a_case_fails(name: str) -> None:
    document, cases = shipped(name), shipped_cases(name)
    unnoticed = [what for what, weaker in weakened(document) if not noticed(cases, what, weaker)]
    assert not unnoticed


@each_platform
def test_without_any_one_selector_a_case_fails(name: str) -> None:
    document, cases = shipped(name), shipped_cases(name)
    unnoticed = [what for what, blinder in blinded(document) if not noticed(cases, what, blinder)]
    assert not unnoticed


def noticed(cases: Cases, name: str, changed: PlatformDocument) -> bool:
    """Whether a case fails. Those that the change's name speaks of are tried first, for they mostly do."""
    said = set(name.split())

    def near(trial: Trial) -> bool:
        return trial.reason in said or any(one.signature in said for one in trial.expected or ())

    ordered = sorted(cases.trials, key=lambda trial: not near(trial))
    return any(failing(replace(cases, trials=tuple(ordered)), changed, shipped_documents()))


def weakened(document: PlatformDocument) -> Iterator[tuple[str, PlatformDocument]]:
    """The document with one discriminator gone: a host role, the methods, a path, a name, a condition, an entry."""
    for name, surface in document.surfaces.items():
        changes: dict[str, Any] = {"method": METHODS}
        if {*document.hosts} - {*surface.hosts} - INERT_ROLES:  # else there is no other host that it could be spoken on
            changes["hosts"] = ROLES
        for key, value in changes.items():
            surfaces = {**document.surfaces, name: surface.model_copy(update={key: value})}
            yield f"surface {name} without {key}", document.model_copy(update={"surfaces": surfaces})
        if surface.subprotocol:
            yield (
                f"surface {name} in any subprotocol",
                with_surface(document, name, surface.model_copy(update={"subprotocol": ()})),
            )
        for under in surface.under if len(surface.under) > 1 else ():
            fewer = surface.model_copy(update={"under": without(surface.under, under)})
            yield f"surface {name} without {under}", with_surface(document, name, fewer)
    for group in GROUPS:
        claims: tuple[Claim, ...] = getattr(document, group)
        for number, claim in enumerate(claims):
            named = f"{group} {number} {getattr(claim, 'id', getattr(claim, 'reason', ''))}"
            yield f"{named} gone", with_group(document, group, without_index(claims, number))
            for what, weaker in weaker_claims(claim):
                replaced = (*claims[:number], weaker, *claims[number + 1 :])
                yield f"{named} without {what}", with_group(document, group, replaced)


def weaker_claims(claim: Claim) -> Iterator[tuple[str, Claim]]:
    for selector in claim.where:
        rest = {key: value for key, value in claim.where.items() if key != selector}
        yield f"where {selector}", claim.model_copy(update={"where": rest})
    for selector in claim.gap_where if isinstance(claim, Signature) else ():
        rest = {key: value for key, value in claim.gap_where.items() if key != selector}
        yield f"gap_where {selector}", claim.model_copy(update={"gap_where": rest})
    for key in ("path", "name", "method"):
        listed: tuple[str, ...] = getattr(claim, key)
        if listed:
            yield key, claim.model_copy(update={key: ()})
        for value in listed if len(listed) > 1 and key != "method" else ():
            yield f"{key} {value}", claim.model_copy(update={key: without(listed, value)})


def blinded(document: PlatformDocument) -> Iterator[tuple[str, PlatformDocument]]:
    """The document with one selector gone: of the texts, the attachments, the account, audience, target or change."""
    for key in ("account", "routes"):
        listed = getattr(document, key)
        for number in range(len(listed)):
            yield f"{key} {number}", document.model_copy(update={key: without_index(listed, number)})
    for number, signature in enumerate(document.signatures):
        for key in ("texts", "media", "account", "audience", "target", "changes", "belongs", "uses", "gives"):
            listed = getattr(signature, key)
            for index in range(len(listed)):
                blinder = signature.model_copy(update={key: without_index(listed, index)})
                signatures = (*document.signatures[:number], blinder, *document.signatures[number + 1 :])
                yield f"{signature.id} {key} {index}", document.model_copy(update={"signatures": signatures})
        if signature.gap:
            blinder = signature.model_copy(update={"gap": None})
            signatures = (*document.signatures[:number], blinder, *document.signatures[number + 1 :])
            yield f"{signature.id} gap", document.model_copy(update={"signatures": signatures})
    for number, entry in enumerate(document.housekeeping):
        for what, keeps in blinded_keeps(entry.keeps) if entry.keeps else ():
            blinder_entry = entry.model_copy(update={"keeps": keeps})
            entries = (*document.housekeeping[:number], blinder_entry, *document.housekeeping[number + 1 :])
            yield f"housekeeping {number} {entry.name} {what}", document.model_copy(update={"housekeeping": entries})


def blinded_keeps(keeps: Keeps) -> Iterator[tuple[str, Keeps]]:
    for key in ("texts", "media", "belongs", "gives"):
        listed = getattr(keeps, key)
        for index in range(len(listed)):
            yield f"{key} {index}", keeps.model_copy(update={key: without_index(listed, index)})
    if keeps.whole:
        yield "whole", keeps.model_copy(update={"whole": {}})


def without[T](listed: Sequence[T], value: T) -> tuple[T, ...]:
    return tuple(one for one in listed if one != value)


def without_index[T](listed: Sequence[T], number: int) -> tuple[T, ...]:
    return (*listed[:number], *listed[number + 1 :])


def with_group(document: PlatformDocument, group: str, claims: tuple[Any, ...]) -> PlatformDocument:
    return document.model_copy(update={group: claims})


def with_surface(document: PlatformDocument, name: str, surface: Any) -> PlatformDocument:
    surfaces: Mapping[str, Any] = {**document.surfaces, name: surface}
    return document.model_copy(update={"surfaces": surfaces})
