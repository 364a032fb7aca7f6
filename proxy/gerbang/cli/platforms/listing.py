"""`gerbang platforms list`, `show`, `hosts`, `housekeeping`: what is known."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gerbang.cli import configuration
from gerbang.cli.output import JsonOption, console, emit, table
from gerbang.cli.platforms.entries import Entry, entries_of
from gerbang.errors import SettingsError, one_of
from gerbang.fleet.pac import listed_hosts, squid_list
from gerbang.model import PUBLISHING, Confidence, Kind
from gerbang.recognition.document import PlatformDocument, Signature

SITES = "any (sites)"
WIDEST_HOST = 19  # characters, so that the table fits a hundred columns


def list_platforms(
    hosts: Annotated[
        bool, typer.Option("--hosts", help="All hosts of each, in place of one and how many more.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The platforms: where they are, what is known of them, how surely, and how many cases hold it."""
    entries = entries_of()
    if as_json:
        emit([_listed(entry) for entry in entries])
        return
    columns = ("platform", "hosts", "activities", "confidence", "cases", "version")
    rows = [
        (
            entry.document.platform,
            (_hosts(entry.document) or SITES) if hosts else _one_host(entry.document),
            _kinds(entry.document),
            ", ".join(f"{word} {count}" for word, count in _confidence(entry.document).items() if count),
            len(entry.cases.trials) if entry.cases else "none",
            entry.document.version,
        )
        for entry in entries
    ]
    # The shipped documents have no version: a column of nothing says nothing.
    shown = len(columns) - (not any(entry.document.version for entry in entries))
    table(columns[:shown], [row[:shown] for row in rows], as_json=False)


def _listed(entry: Entry) -> Mapping[str, Any]:
    document = entry.document
    return {
        "platform": document.platform,
        "title": document.title,
        "hosts": _hosts(document) or SITES,
        "activities": sorted({str(signature.activity) for signature in document.signatures}),
        "signatures": len(document.signatures),
        "cases": len(entry.cases.trials) if entry.cases else 0,
        "confidence": _confidence(document),
        "version": document.version,
    }


def _hosts(document: PlatformDocument) -> list[str]:
    return [host for role in document.hosts.values() for host in role]


def _one_host(document: PlatformDocument) -> str:
    """A host of its pages by which people know it, and how many more there are."""
    every = _hosts(document)
    if document.on_sites:
        return f"{SITES} +{len(every)}" if every else SITES
    pages = document.hosts.get("app") or every
    named = [host for host in pages if document.platform.replace("-", "") in host.replace(".", "")]
    known = min(
        named or pages, key=lambda host: (document.platform not in host.split("."), "com" not in host, len(host))
    )
    more = f" +{len(every) - 1}" if len(every) > 1 else ""
    room = WIDEST_HOST - len(more)
    return (known if len(known) <= room else f"{known[: room - 1]}…") + more


def _kinds(document: PlatformDocument) -> str:
    """The first of its activities, what publishes before the rest, and how many more there are."""
    known = {signature.activity for signature in document.signatures}
    if not known and document.uses:
        return f"as {document.uses}"
    first, *more = [str(kind) for kind in sorted(Kind, key=lambda kind: kind not in PUBLISHING) if kind in known] or [
        "none"
    ]
    return f"{first} +{len(more)}" if more else first


def _confidence(document: PlatformDocument) -> Mapping[str, int]:
    """How many signatures rest on what."""
    given = [signature.confidence for signature in document.signatures]
    return {str(word): given.count(word) for word in (Confidence.CONFIRMED, Confidence.REPORTED)}


# ---------------------------------------------------------------- one platform


def show_platform(
    name: Annotated[str, typer.Argument(help="The platform's name.")],
    as_json: JsonOption = False,
) -> None:
    """One platform: its hosts, what it knows of each activity, since when and from where, and what is no act."""
    entries = {entry.document.platform: entry for entry in entries_of()}
    if name not in entries:
        raise SettingsError(f"unknown platform `{name}`", hint=one_of(entries, name))
    entry = entries[name]
    document = entry.document
    signatures = [_signature(one) for one in document.signatures]
    housekeeping = [
        (claim.reason, claim.surface, list(claim.name), list(claim.path), sorted(claim.where))
        for claim in document.housekeeping
    ]
    columns = ("reason", "surface", "names", "paths", "where")
    if as_json:
        emit(
            {
                **_listed(entry),
                "file": str(entry.file),
                "uses": document.uses,
                "hosts": {role: list(hosts) for role, hosts in document.hosts.items()},
                "signatures": [dict(zip(SIGNATURE, row, strict=True)) for row in signatures],
                "housekeeping": [dict(zip(columns, row, strict=True)) for row in housekeeping],
            }
        )
        return
    version = f", version {document.version}" if document.version else ""
    _say(f"{document.title} ({document.platform}{version})")
    _say(f"file: {entry.file}")
    if document.uses:
        _say(f"uses: {document.uses}, whose signatures and housekeeping count here too")
    for role, hosts in document.hosts.items():
        _say(f"{role}: {', '.join(hosts)}")
    if not document.hosts:
        _say("hosts: those of `[[sites]]` in the settings")
    _say(f"cases: {len(entry.cases.trials) if entry.cases else 'none'}")
    if signatures:
        table(SIGNATURE, signatures, as_json=False)
    if housekeeping:
        _say("no act:")
        table(columns, housekeeping, as_json=False)


SIGNATURE = ("activity", "signature", "confidence", "seen", "source")


def _signature(one: Signature) -> tuple[str, ...]:
    return str(one.activity), one.id, str(one.confidence), one.seen, one.source


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


# ---------------------------------------------------------------- hosts and housekeeping


def list_hosts(
    squid: Annotated[bool, typer.Option("--squid", help="As a list for Squid's `acl ... dstdomain`.")] = False,
) -> None:
    """The listed hosts, one a line: sites and the gate's own included, `*.` for all below a domain."""
    chosen = configuration.settings()
    hosts = listed_hosts(chosen)
    typer.echo(squid_list(hosts) if squid else "".join(f"{host}\n" for host in sorted(hosts)), nl=False)


def list_housekeeping(
    platform: Annotated[str | None, typer.Argument(help="Only of this platform.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The writes that are known to be no act, and why."""
    entries = entries_of()
    names = [entry.document.platform for entry in entries]
    if platform is not None and platform not in names:
        raise SettingsError(f"unknown platform `{platform}`", hint=one_of(names, platform))
    rows = [
        (entry.document.platform, claim.reason, claim.surface, list(claim.name), list(claim.path), sorted(claim.where))
        for entry in entries
        if platform in (None, entry.document.platform)
        for claim in entry.document.housekeeping
    ]
    table(("platform", "reason", "surface", "names", "paths", "where"), rows, as_json=as_json)
