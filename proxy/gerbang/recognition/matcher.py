"""Documents compiled: hosts to platforms, paths to candidate signatures, conditions to functions."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from gerbang.errors import SettingsError, one_of
from gerbang.model import SOCKET, Activity, Kind, Refusal, SocketRefusal
from gerbang.recognition.document import (
    Batch,
    Claim,
    Condition,
    Edits,
    Housekeeping,
    Keeps,
    MediaSource,
    OutcomeSource,
    PlatformDocument,
    Signature,
    Surface,
    Value,
    at_one_host,
    merged,
    name_capture,
    templates,
)
from gerbang.recognition.patterns import compile_pattern
from gerbang.recognition.unclaimed import LETTERS, letters
from gerbang.wire.charsets import scrubbed
from gerbang.wire.framed import Framing
from gerbang.wire.html import visible
from gerbang.wire.message import Message, segments
from gerbang.wire.selectors import Found, Selector, as_text, parse_selector
from gerbang.wire.values import Pairs
from gerbang.wire.values import Value as WireValue

SEGMENTS = 64
"""Parts of a path that are looked at, from its end."""

KEPT = "kept"
"""What stands in the place of a signature's name for a request that is no act and of which something is kept."""

UNTOLD = "site"
"""The platform of a site of which nobody said what runs there, and of what no marker tells there."""

IDS = 500
"""Ids that one field may name: of attachments, or of what was sent earlier."""

ID = 200
"""Characters of an id."""

VALUE = 1000
"""Characters of a target, an account, an audience, or of what is changed."""

# What no operation's name holds: a server may cut it off with what stands behind it.
_ODD = re.compile(r"[^\w.-]", re.ASCII)

type Captures = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HostRole:
    """What a host is for. `host` is as it is listed, `*.domain` where that is how."""

    platform: str
    role: str
    host: str = ""


# ---------------------------------------------------------------- conditions


type Test = Callable[[Found], bool | None]


def _empty(value: WireValue) -> bool:
    return value is None or value == "" or value == [] or value == {} or (isinstance(value, Pairs) and not value.items)


def _falsy(value: WireValue) -> bool:
    return _empty(value) or value is False or value == "0" or (isinstance(value, int | float) and value == 0)


def _test(condition: Condition) -> Test:
    """A condition as a function that answers yes, no, or `None`: the body that would tell is not known."""
    tests: list[Callable[[Sequence[WireValue]], bool]] = []
    wanted, refused = frozenset(condition.one_of), frozenset(condition.none_of)
    if wanted:
        tests.append(lambda values: any(as_text(value) in wanted for value in values))
    if refused:
        tests.append(lambda values: not values or any(as_text(value) not in refused for value in values))
    if condition.present is not None:
        present = condition.present
        tests.append(lambda values: any(not _empty(value) for value in values) is present)
    if condition.given is not None:
        given = condition.given
        tests.append(lambda values: bool(values) is given)
    if condition.truthy is not None:
        # Of several, which one a server takes is not known: each is enough.
        if condition.truthy:
            tests.append(lambda values: any(not _falsy(value) for value in values))
        else:
            tests.append(lambda values: not values or any(_falsy(value) for value in values))
    if condition.matches is not None:
        pattern = compile_pattern(condition.matches)
        tests.append(
            lambda values: any(
                pattern.search(scrubbed(text)) for value in values if (text := as_text(value)) is not None
            )
        )
    if condition.excludes is not None:
        excluded = compile_pattern(condition.excludes)
        tests.append(
            lambda values: (
                not any(excluded.search(scrubbed(text)) for value in values if (text := as_text(value)) is not None)
            )
        )
    if condition.words is not None:
        worded = condition.words
        tests.append(
            lambda values: (sum(letters(visible(as_text(value) or "")) for value in values) >= LETTERS) is worded
        )

    def test(found: Found) -> bool | None:
        if found.unknown:
            return None
        return all(check(found.values) for check in tests)

    return test


def _names_test(names: Sequence[str], *, every: bool = False) -> Test:
    """An operation's name, in which `*` stands for anything. `every`: all that a request gives it must be known."""
    exact = frozenset(name for name in names if "*" not in name)
    globs = [name.partition("*")[::2] for name in names if "*" in name]

    def named(value: WireValue) -> bool:
        text = as_text(value)
        if text is None:
            return False
        return text in exact or (
            any(text.startswith(head) and text.endswith(tail) for head, tail in globs) and not _ODD.search(text)
        )

    def test(found: Found) -> bool | None:
        if found.unknown:
            return None
        if every:
            return bool(found.values) and all(named(value) for value in found.values)
        return any(named(value) for value in found.values)

    return test


# ---------------------------------------------------------------- paths


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a path template: a literal, or a head and tail around anything; `capture` names what is between."""

    literal: str | None
    head: str = ""
    tail: str = ""
    capture: str | None = None

    def match(self, low: str, given: str, captures: dict[str, str]) -> bool:
        if self.literal is not None:
            return low == self.literal
        if len(low) < len(self.head) + len(self.tail) or not low.startswith(self.head) or not low.endswith(self.tail):
            return False
        if self.capture is None:
            return not _ODD.search(low)
        if self.capture:
            captures[self.capture] = given[len(self.head) : len(given) - len(self.tail)]
        return True


@dataclass(frozen=True, slots=True)
class Template:
    """`/blog/{base...}/wp-json/wp/v2/posts/{id}`: `{name}` is one part, `{name...}` at either end any number."""

    parts: tuple[_Part, ...]
    leading: bool
    trailing: bool

    @classmethod
    @lru_cache(maxsize=1 << 13)  # of the class, which is never let go
    def parse(cls, source: str) -> "Template":
        names = [name for name in source.split("/") if name]
        leading = bool(names) and names[0].endswith("...}")
        trailing = len(names) > (1 if leading else 0) and names[-1].endswith("...}")
        middle = names[(1 if leading else 0) : (-1 if trailing else None)]
        return cls(tuple(cls._part(name) for name in middle), leading, trailing)

    @staticmethod
    def _part(name: str) -> _Part:
        if "{" in name:
            head, _, rest = name.partition("{")
            capture, _, tail = rest.partition("}")
            return _Part(None, head.lower(), tail.lower(), capture)
        if "*" in name:
            head, _, tail = name.partition("*")
            return _Part(None, head.lower(), tail.lower())
        return _Part(name.lower())

    def match(self, low: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
        """What stands in the named parts, or `None` where the path is another one."""
        free = len(low) - len(self.parts)
        if free < 0 or (free and not (self.leading or self.trailing)):
            return None
        if not (self.leading and self.trailing):
            return self._at(free if self.leading else 0, low, given)
        return next((found for start in range(free + 1) if (found := self._at(start, low, given)) is not None), None)

    def _at(self, start: int, low: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
        captures: dict[str, str] = {}
        # From the end: that is where paths of one platform differ.
        for at in range(len(self.parts) - 1, -1, -1):
            part = self.parts[at]
            if part.literal is not None:  # mostly, and a call takes longer than comparing
                if low[start + at] != part.literal:
                    return None
            elif not part.match(low[start + at], given[start + at], captures):
                return None
        return captures

    def anchor(self) -> tuple[int, int, str] | None:
        """The literal by which the lookup finds this: the path's length (0 for any), where it stands, what it is.

        It stands that far from the path's end (-1 is the last part), or from its start where the end is open.
        """
        if self.trailing and self.leading:
            return None
        last = len(self.parts) - 1
        for at in range(last, -1, -1):
            literal = self.parts[at].literal
            if literal is not None:
                if self.trailing:
                    return 0, at, literal
                return 0 if self.leading else len(self.parts), at - last - 1, literal
        return None


# ---------------------------------------------------------------- claims

_SUBPROTOCOL = parse_selector("header.sec-websocket-protocol")


@dataclass(frozen=True, slots=True)
class CompiledValue:
    source: Selector | None
    pattern: Any  # re2 has no types
    form: str | None
    constant: str | None
    group: int = 0

    def read(self, message: Message, captures: Captures) -> str | None:
        return next(self.read_all(message, captures), None)

    def read_all(self, message: Message, captures: Captures) -> Iterator[str]:
        if self.source is None:
            if self.constant is not None:
                yield self.constant
            return
        for text in self.source.texts(message, captures):
            if self.pattern is not None:
                match = self.pattern.search(text)
                if match is None:
                    continue
                text = match.group(self.group)
            text = text.strip()
            if text:
                text = text[:VALUE]
                yield self.form.replace("{}", text) if self.form else text

    def ids(self, message: Message, captures: Captures) -> list[str]:
        """Every id that it gives: of a pattern each match, of a list in one text each element."""
        if self.source is None:
            return [self.constant] if self.constant else []
        found: dict[str, None] = {}
        for text in self.source.texts(message, captures):
            pieces = text.split(",", IDS) if self.pattern is None else _matches(self.pattern, text, self.group)
            for piece in pieces:
                if piece := piece.strip()[:ID]:
                    found[self.form.replace("{}", piece) if self.form else piece] = None
                if len(found) >= IDS:
                    return list(found)
        return list(found)


def _matches(pattern: Any, text: str, group: int) -> Iterator[str]:
    return (match.group(group) or "" for match in pattern.finditer(text))


def all_ids(values: Sequence[CompiledValue], message: Message, captures: Captures) -> tuple[str, ...]:
    """The ids of every value, each once."""
    if not values:
        return ()
    return tuple(dict.fromkeys(one for value in values for one in value.ids(message, captures)))[:IDS]


def compile_value(value: Value) -> CompiledValue:
    pattern = compile_pattern(value.match) if value.match else None
    return CompiledValue(
        parse_selector(value.source) if value.source else None,
        pattern,
        value.form,
        value.value,
        1 if pattern is not None and pattern.groups else 0,
    )


def first(values: Sequence[CompiledValue], message: Message, captures: Captures) -> str | None:
    """The first of the values that is there."""
    return next((text for value in values if (text := value.read(message, captures)) is not None), None)


@dataclass(frozen=True, slots=True)
class CompiledAccount:
    id: CompiledValue | None
    handle: CompiledValue | None
    agree: bool = False
    needs_body: bool = False

    def unknown(self, message: Message, captures: Captures) -> bool:
        """Whether the body that may name somebody is not, or not wholly, known."""
        values = (value.source for value in (self.id, self.handle) if value is not None and value.source is not None)
        return any(value.needs_body and message.partial and value.find(message, captures).unknown for value in values)

    def divided(self, message: Message, captures: Captures) -> bool:
        """Whether places that should name the same person name several."""
        return self.id is not None and len(set(self.id.read_all(message, captures))) > 1


@dataclass(frozen=True, slots=True)
class CompiledMedia:
    id: CompiledValue | None
    file: Selector | None
    type: Selector | None
    name: Selector | None
    size: Selector | None
    part: CompiledValue | None = None
    offset: CompiledValue | None = None


def _selector(source: str | None) -> Selector | None:
    return parse_selector(source) if source else None


def _media(source: MediaSource) -> CompiledMedia:
    return CompiledMedia(
        compile_value(source.id) if source.id else None,
        _selector(source.file),
        _selector(source.type),
        _selector(source.name),
        _selector(source.size),
        compile_value(source.part) if source.part else None,
        compile_value(source.offset) if source.offset else None,
    )


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """What makes a request a step of something. `key` is under which `Platform.outcomes` has the ids it gives."""

    key: str
    belongs: tuple[CompiledValue, ...]
    uses: tuple[CompiledValue, ...]
    whole: tuple[tuple[Selector, Test], ...]
    gives: bool
    upload: bool


@dataclass(frozen=True, slots=True)
class CompiledKeeps:
    """What of a request that is no act is kept until it is published."""

    texts: tuple[Selector, ...]
    media: tuple[CompiledMedia, ...]
    step: CompiledStep
    edits: "CompiledEdits | None" = None


@dataclass(frozen=True, slots=True)
class CompiledEdits:
    """Where changes of paragraphs stand. In each change, names lead to its kind, its place and its words."""

    each: Selector
    kind: tuple[str, ...]
    at: tuple[str, ...]
    text: tuple[str, ...]
    insert: frozenset[str]
    replace: frozenset[str]
    remove: frozenset[str]


def _step(signature: Signature) -> CompiledStep | None:
    upload = signature.activity is Kind.UPLOAD
    if not (upload or signature.belongs or signature.uses or signature.gives):
        return None
    return CompiledStep(
        signature.id,
        _values(signature.belongs),
        _values(signature.uses),
        tuple(_tests(signature.whole)),
        bool(signature.gives) or (upload and signature.outcome is not None),
        upload,
    )


def _keeps(order: int, keeps: Keeps) -> CompiledKeeps:
    return CompiledKeeps(
        tuple(parse_selector(source) for source in keeps.texts),
        tuple(_media(source) for source in keeps.media),
        CompiledStep(
            f"{KEPT} {order}",
            _values(keeps.belongs),
            (),
            tuple(_tests(keeps.whole)),
            bool(keeps.gives),
            upload=False,
        ),
        _edits(keeps.edits) if keeps.edits else None,
    )


def _edits(edits: Edits) -> CompiledEdits:
    return CompiledEdits(
        parse_selector(edits.each),
        tuple(edits.kind.split(".")),
        tuple(edits.at.split(".")),
        tuple(edits.text.split(".")),
        frozenset(edits.insert),
        frozenset(edits.replace),
        frozenset(edits.remove),
    )


def _values(values: Sequence[Value]) -> tuple[CompiledValue, ...]:
    return tuple(compile_value(value) for value in values)


@dataclass(frozen=True, slots=True)
class CompiledOutcome:
    """Where an answer names the new post, and what was sent, for later steps."""

    id: tuple[CompiledValue, ...] = ()
    url: tuple[CompiledValue, ...] = ()
    link: str | None = None
    gives: tuple[CompiledValue, ...] = ()


def _outcome(signature: Signature) -> CompiledOutcome:
    source = signature.outcome or OutcomeSource()
    named = _values(source.id)
    gives = _values(signature.gives) or (named if signature.activity is Kind.UPLOAD else ())
    return CompiledOutcome(named, _values(source.url), source.link, gives)


@dataclass(frozen=True, slots=True)
class CompiledClaim:
    """A signature, batch or housekeeping entry with all that is needed to try and to read it."""

    order: int
    claim: Signature | Batch | Housekeeping
    roles: frozenset[str]
    methods: frozenset[str]
    override: bool
    tests: tuple[tuple[Selector, Test], ...]
    account: tuple[CompiledAccount, ...] = ()
    texts: tuple[Selector, ...] = ()
    media: tuple[CompiledMedia, ...] = ()
    audience: tuple[CompiledValue, ...] = ()
    target: tuple[CompiledValue, ...] = ()
    changes: tuple[CompiledValue, ...] = ()
    names: Selector | None = None
    """Where the name stands, if it is no part of the path and must be one of a few."""
    gap_tests: tuple[tuple[Selector, Test], ...] = ()
    raw: bool = False
    """Whether the body is an attachment whatever its type says, so that nothing in it is unreadable."""
    step: CompiledStep | None = None
    keeps: CompiledKeeps | None = None

    @property
    def needs_body(self) -> bool:
        """Whether which claim this is hangs on the body."""
        return any(selector.needs_body for selector, _ in self.tests)

    def holds(self, message: Message, captures: Captures) -> bool | None:
        """Whether every discriminator is met; `None` where that hangs on a body which is not known."""
        unsure = False
        for selector, test in self.tests:
            answer = test(selector.find(message, captures))
            if answer is False:
                return False
            unsure = unsure or answer is None
        # What the query names may be named once more in a body, and all names must be known of what lets it go.
        if message.body is None and self.needs_body and isinstance(self.claim, Housekeeping):
            return None
        return None if unsure else True


def _accounts(claim: Signature | PlatformDocument) -> tuple[CompiledAccount, ...]:
    return tuple(
        CompiledAccount(
            compile_value(source.id) if source.id else None,
            compile_value(source.handle) if source.handle else None,
            source.agree,
            any(
                parse_selector(value.source).needs_body
                for value in (source.id, source.handle)
                if value is not None and value.source is not None
            ),
        )
        for source in claim.account
    )


def _tests(where: Mapping[str, Condition]) -> list[tuple[Selector, Test]]:
    return [(parse_selector(source), _test(condition)) for source, condition in where.items()]


def _worded(claim: Signature | Housekeeping) -> bool:
    if isinstance(claim, Housekeeping):
        return claim.keeps is not None
    return bool(claim.texts) or claim.anywhere


def _compile_claim(order: int, claim: Signature | Batch | Housekeeping, surface: Surface) -> CompiledClaim:
    tests = _tests(claim.where)
    if claim.name and not isinstance(claim, Batch) and not _worded(claim):
        tests += _tests(surface.wordless)
    if surface.subprotocol:
        tests.append((_SUBPROTOCOL, _names_test(surface.subprotocol)))
    names: Selector | None = None
    if claim.name and surface.name and name_capture(surface) is None:
        names = parse_selector(surface.name)
        tests.insert(0, (names, _names_test(claim.name, every=isinstance(claim, Housekeeping))))
    # What headers answer is asked first, so that a body is decoded only where it can matter.
    tests.sort(key=lambda pair: pair[0].needs_body)
    common = {
        "order": order,
        "claim": claim,
        "roles": frozenset(surface.hosts),
        "methods": frozenset(claim.method or surface.method),
        "override": surface.override,
        "tests": tuple(tests),
        "names": names if all("*" not in name for name in claim.name) else None,
    }
    if not isinstance(claim, Signature):
        keeps = _keeps(order, claim.keeps) if isinstance(claim, Housekeeping) and claim.keeps else None
        return CompiledClaim(keeps=keeps, **common)  # type: ignore[arg-type]  # the keys are the fields' own
    return CompiledClaim(
        **common,  # type: ignore[arg-type]  # the keys are the fields' own
        account=_accounts(claim),
        texts=tuple(parse_selector(source) for source in claim.texts),
        media=tuple(_media(source) for source in claim.media),
        audience=tuple(compile_value(value) for value in claim.audience),
        target=tuple(compile_value(value) for value in claim.target),
        changes=tuple(compile_value(value) for value in claim.changes),
        gap_tests=tuple(_tests(claim.gap_where)),
        raw=any(source.file and parse_selector(source.file).reads("raw") for source in claim.media),
        step=_step(claim),
    )


# ---------------------------------------------------------------- platforms


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
        named = self.subprotocols is None or self.subprotocols(_SUBPROTOCOL.find(message, {}))
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
        _names_test(surface.subprotocol) if surface.subprotocol else None,
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
        self.account = _accounts(document)
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
                tuple((parse_selector(source), _test(condition)) for source, condition in marker.where.items()),
            )
            for marker in document.markers
        )
        self.autosaved = frozenset(signature.id for signature in document.signatures if signature.autosaved)
        self.outcomes = {
            signature.id: _outcome(signature)
            for signature in document.signatures
            if signature.outcome or signature.gives
        }
        self._near: dict[tuple[int, int, str], _Shelf] = {}
        self._far: list[tuple[Template, CompiledClaim]] = []
        claims: list[Claim] = [*document.batches, *document.signatures, *document.housekeeping]
        for order, claim in enumerate(claims):
            assert isinstance(claim, Signature | Batch | Housekeeping)  # noqa: S101  # tells the type checker
            surface = document.surfaces[claim.surface]
            compiled = _compile_claim(order, claim, surface)
            if isinstance(claim, Housekeeping) and claim.keeps:
                self.outcomes[f"{KEPT} {order}"] = CompiledOutcome(gives=_values(claim.keeps.gives))
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
