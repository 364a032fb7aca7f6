"""Documents compiled: hosts to platforms, and paths to the claims that may be meant."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from gerbang.errors import SettingsError, one_of
from gerbang.model import SOCKET, Activity, Refusal, SocketRefusal
from gerbang.recognition.claims import (
    KEPT,
    SUBPROTOCOL,
    CompiledClaim,
    CompiledOutcome,
    CompiledValue,
    accounts_of,
    compile_claim,
    compile_value,
    outcome_of,
    values_of,
)
from gerbang.recognition.conditions import Test, names_test, test_of
from gerbang.recognition.document import (
    Batch,
    Claim,
    Housekeeping,
    PlatformDocument,
    Signature,
    Surface,
    at_one_host,
    merged,
    templates,
)
from gerbang.recognition.paths import SEGMENTS, Captures, Template
from gerbang.wire.framed import Framing
from gerbang.wire.message import Message, segments
from gerbang.wire.selectors import Found, Selector, as_text, parse_selector

UNTOLD = "site"
"""The platform of a site of which nobody said what runs there, and of what no marker tells there."""


@dataclass(frozen=True, slots=True)
class HostRole:
    """What a host is for. `host` is as it is listed, `*.domain` where that is how."""

    platform: str
    role: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class _Socket:
    """How a surface of messages on a socket is told from others."""

    roles: frozenset[str]
    paths: tuple[Template, ...]
    subprotocols: Test | None

    def match(self, message: Message, role: str) -> Captures | None:
        if role not in self.roles:
            return None
        path = segments(message.path)
        low = [part.lower() for part in path]
        captures = next((found for way in self.paths if (found := way.match(low, path)) is not None), None)
        named = self.subprotocols is None or self.subprotocols(SUBPROTOCOL.find(message, {}))
        return captures if named else None


@dataclass(frozen=True, slots=True)
class _SocketRefusal:
    """A surface's way of telling on a socket what was refused."""

    socket: _Socket
    message: str
    content_type: str
    id: CompiledValue | None


def _socket(surface: Surface) -> _Socket:
    return _Socket(
        frozenset(surface.hosts),
        tuple(Template.parse(path) for path in surface.under),
        names_test(surface.subprotocol) if surface.subprotocol else None,
    )


def _sockets(document: PlatformDocument) -> Iterator[_SocketRefusal]:
    for surface in document.surfaces.values():
        if SOCKET in surface.method and (shape := surface.refusal) is not None:
            known = compile_value(shape.id) if shape.id else None
            yield _SocketRefusal(_socket(surface), shape.message, shape.content_type, known)


class Shown(Enum):
    """By what a request shows which software it is for: by a path that only this has, or by what anybody may add."""

    BY_PATH = "path"
    OTHERWISE = "otherwise"


class Platform:
    """One document, compiled."""

    def __init__(self, document: PlatformDocument) -> None:
        self.document = document
        self.name = document.platform
        self.account = accounts_of(document)
        # A login's body is never read, nor is there one to a visit.
        self.account_of_headers = tuple(source for source in self.account if not source.needs_body)
        self.overrides = (
            tuple(parse_selector(name) for name in document.method_override.source)
            if (document.method_override)
            else ()
        )
        self.routes = tuple(
            (parse_selector(route.source), route.prefix, tuple(Template.parse(path) for path in route.unless))
            for route in document.routes
        )
        self._sockets = tuple(_sockets(document))
        self._framed = tuple(
            (_socket(surface), surface.framing) for surface in document.surfaces.values() if surface.framing is not None
        )
        self._refusals = tuple(
            (
                frozenset(shape.hosts),
                tuple(Template.parse(f"{path}/{{rest...}}") for path in shape.under),
                Refusal(shape.status, shape.content_type, shape.body),
            )
            for shape in document.refusal
        )
        self.markers = tuple(
            (
                tuple(Template.parse(path) for path in marker.path),
                tuple((parse_selector(source), test_of(condition)) for source, condition in marker.where.items()),
            )
            for marker in document.markers
        )
        self.autosaved = frozenset(signature.id for signature in document.signatures if signature.autosaved)
        self.outcomes = {
            signature.id: outcome_of(signature)
            for signature in document.signatures
            if signature.outcome or signature.gives
        }
        self._near: dict[tuple[int, int, str], _Shelf] = {}
        self._far: list[tuple[Template, CompiledClaim]] = []
        claims: list[Claim] = [*document.batches, *document.signatures, *document.housekeeping]
        for order, claim in enumerate(claims):
            assert isinstance(claim, Signature | Batch | Housekeeping)  # noqa: S101  # tells the type checker
            surface = document.surfaces[claim.surface]
            compiled = compile_claim(order, claim, surface)
            if isinstance(claim, Housekeeping) and claim.keeps:
                self.outcomes[f"{KEPT} {order}"] = CompiledOutcome(gives=values_of(claim.keeps.gives))
            for path in templates(surface, claim):
                template = Template.parse(path)
                anchor = template.anchor()
                if anchor is None:
                    self._far.append((template, compiled))
                else:
                    self._near.setdefault(anchor, _Shelf()).put(template, compiled)
        self._places: dict[int, tuple[int, ...]] = {
            length: tuple({place for of, place, _ in self._near if of == length}) for length, _, _ in self._near
        }

    def candidates(
        self, path: Sequence[str], role: str, message: Message, effective: str
    ) -> Iterator[tuple[CompiledClaim, Captures]]:
        """The claims for a path, in the order written, with what stands in the path's named parts."""
        given = path[-SEGMENTS:]
        low = [part.lower() for part in given]
        size = len(low)
        listed: list[tuple[Template, CompiledClaim]] = list(self._far)
        for length in (0, size) if size else (0,):
            for place in self._places.get(length, ()):
                if -size <= place < size and (shelf := self._near.get((length, place, low[place]))):
                    listed += shelf.entries
                    for names, named in shelf.named.items():
                        listed += _named(names.find(message, {}), named)
        found: dict[int, tuple[CompiledClaim, Captures]] = {}
        for template, compiled in listed:
            if (
                role not in compiled.roles
                or (effective if compiled.override else message.method) not in compiled.methods
            ):
                continue
            captures = template.match(low, given)
            if captures is not None:
                found.setdefault(compiled.order, (compiled, captures))
        return (found[order] for order in sorted(found))

    def socket_refusal(self, message: Message, role: str) -> SocketRefusal | None:
        """With what the page understands that this message on a socket was refused."""
        for shape in self._sockets:
            if (captures := shape.socket.match(message, role)) is not None:
                known = shape.id.read(message, captures) if shape.id else None
                return SocketRefusal(shape.message, shape.content_type, known or "")
        return None

    def framing(self, message: Message, role: str) -> Framing | None:
        """The protocol whose packets the binary messages of this socket hold."""
        return next((framing for socket, framing in self._framed if socket.match(message, role) is not None), None)

    def refusal(self, role: str, path: Sequence[str]) -> Refusal | None:
        """The first shape of a refusal that is understood on such a host at such a path."""
        low = [part.lower() for part in path]
        for roles, templates_, refusal in self._refusals:
            if roles and role not in roles:
                continue
            if not templates_ or any(template.match(low, low) is not None for template in templates_):
                return refusal
        return None

    def marked(self, message: Message) -> Shown | None:
        """By what the request shows one of the software's markers, on whatever host."""
        path = segments(message.path)
        low = [part.lower() for part in path]
        shown: Shown | None = None
        for paths, tests in self.markers:
            if paths and not any(template.match(low, path) is not None for template in paths):
                continue
            if all(test(selector.find(message, {})) for selector, test in tests):
                if paths:
                    return Shown.BY_PATH
                shown = Shown.OTHERWISE
        return shown


type _Entry = tuple[Template, CompiledClaim]


class _Shelf:
    """Claims for paths with the same landmark; those with names by them, so that one among many is found at once."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.named: dict[Selector, dict[str, list[_Entry]]] = {}

    def put(self, template: Template, compiled: CompiledClaim) -> None:
        if compiled.names is None:
            self.entries.append((template, compiled))
            return
        named = self.named.setdefault(compiled.names, {})
        for name in compiled.claim.name:
            named.setdefault(name, []).append((template, compiled))


def _named(found: Found, entries: Mapping[str, list[_Entry]]) -> Iterator[_Entry]:
    """The entries of the names that a request gives; all of them where the body that names it is not known."""
    lists: Iterable[list[_Entry]]
    if found.unknown:
        lists = entries.values()
    else:
        lists = (entries.get(name, []) for value in found.values if (name := as_text(value)) is not None)
    return (entry for entries_ in lists for entry in entries_)


@dataclass(frozen=True)
class Platforms:
    """Every document, compiled. `digest` is SHA-256 over all of them, whatever their order, and the sites."""

    documents: tuple[PlatformDocument, ...]
    digest: str
    _by_name: Mapping[str, Platform]
    _exact: Mapping[str, HostRole]
    _below: Mapping[str, HostRole]
    _patterns: tuple[str, ...] = field(default=())

    def at(self, host: str) -> HostRole | None:
        """The platform that a host belongs to, and its part there; `None` where it is not listed."""
        found = self._exact.get(host)
        if found is not None or not self._below:
            return found
        at = host.find(".")
        while at >= 0:
            found = self._below.get(host[at + 1 :])
            if found is not None:
                return found
            at = host.find(".", at + 1)
        return None

    def refusal(self, host: str, path: str = "/", told: str = UNTOLD) -> Refusal | None:
        """The shape in which who asks this host for this path understands a refusal.

        `told` is the software that a request showed on a site of which nobody said what runs there.
        """
        role = self.at(host)
        name = (told if role.platform == UNTOLD else role.platform) if role else ""
        platform = self._by_name.get(name)
        return platform.refusal(role.role, segments(path)) if platform and role else None

    def hosts(self) -> tuple[str, ...]:
        """Every listed host or `*.domain`, sites included."""
        return self._patterns

    def platform(self, name: str) -> Platform | None:
        return self._by_name.get(name)

    def autosaved(self, activity: Activity) -> bool:
        """Whether this is what an editor sends by itself again and again."""
        found = self._by_name.get(activity.platform)
        return found is not None and activity.signature in found.autosaved

    def presumed(self, message: Message) -> tuple[tuple[str, ...], bool]:
        """The self-hosted software whose marker a request shows, and whether its path shows each."""
        marked = {name: by for name, platform in self._by_name.items() if (by := platform.marked(message)) is not None}
        return tuple(marked), all(by is Shown.BY_PATH for by in marked.values())


def compile_platforms(documents: Sequence[PlatformDocument], sites: Mapping[str, str] | None = None) -> Platforms:
    """`sites` gives the platform of hosts with self-hosted software, `UNTOLD` where its markers must tell it.

    A later document replaces one of its name.
    """
    latest = {document.platform: document for document in documents}
    exact: dict[str, HostRole] = {}
    below: dict[str, HostRole] = {}
    patterns: list[str] = []
    for name, document in latest.items():
        for role, hosts in document.hosts.items():
            for host in hosts:
                if host.startswith("*."):
                    below[host[2:]] = HostRole(name, role, host)
                else:
                    exact[host] = HostRole(name, role, host)
                patterns.append(host)
    for host, name in (sites or {}).items():
        if name not in latest and name != UNTOLD:
            raise SettingsError(f"site `{host}` is of an unknown platform `{name}`", hint=one_of(latest, name))
        site = host.lower().rstrip(".")
        if name == UNTOLD and (site in exact or site.partition(".")[2] in below):
            continue
        exact[site] = HostRole(name, "app", site)
        patterns.append(site)
    on_sites = {name for name, document in latest.items() if document.on_sites} | {*(sites or {}).values()}
    whole = {UNTOLD: PlatformDocument(platform=UNTOLD, title="", surfaces={}, signatures=())}
    for name, document in latest.items():
        complete = _whole(document, latest)
        whole[name] = at_one_host(complete) if name in on_sites else complete
    canonical = json.dumps(
        {
            "documents": [latest[name].model_dump(mode="json", by_alias=True) for name in sorted(latest)],
            "sites": dict(sorted((sites or {}).items())),
        },
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return Platforms(
        documents=tuple(latest.values()),
        digest=hashlib.sha256(b"gerbang platforms 1\n" + canonical.encode()).hexdigest(),
        _by_name={name: Platform(document) for name, document in whole.items()},
        _exact=exact,
        _below=below,
        _patterns=tuple(dict.fromkeys(patterns)),
    )


def _whole(document: PlatformDocument, documents: Mapping[str, PlatformDocument]) -> PlatformDocument:
    """Raises `SettingsError` where the document uses one that is not there, or that uses another itself."""
    if document.uses is None:
        return document
    base = documents.get(document.uses)
    if base is None:
        what = f"platform `{document.platform}` uses `{document.uses}`, which has no document"
        raise SettingsError(what, hint=one_of(documents, document.uses))
    if base.uses is not None:
        what = f"platform `{document.platform}` uses `{base.platform}`, which uses another itself"
        raise SettingsError(what, hint=f"use `{base.uses}`, and say the rest in the document")
    return merged(document, base)
