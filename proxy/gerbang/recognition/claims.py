"""Signatures, batches and housekeeping compiled: all that is needed to try one on a request, and to read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gerbang.model import Kind
from gerbang.recognition.conditions import Test, names_test, tests_of
from gerbang.recognition.document import (
    Batch,
    Edits,
    Housekeeping,
    Keeps,
    MediaSource,
    OutcomeSource,
    PlatformDocument,
    Signature,
    Surface,
    Value,
    name_capture,
)
from gerbang.recognition.paths import Captures
from gerbang.recognition.patterns import compile_pattern
from gerbang.wire.message import Message
from gerbang.wire.selectors import Selector, parse_selector

KEPT = "kept"
"""What stands in the place of a signature's name for a request that is no act and of which something is kept."""

IDS = 500
"""Ids that one field may name: of attachments, or of what was sent earlier."""

ID = 200
"""Characters of an id."""

VALUE = 1000
"""Characters of a target, an account, an audience, or of what is changed."""

SUBPROTOCOL = parse_selector("header.sec-websocket-protocol")


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
        values_of(signature.belongs),
        values_of(signature.uses),
        tuple(tests_of(signature.whole)),
        bool(signature.gives) or (upload and signature.outcome is not None),
        upload,
    )


def _keeps(order: int, keeps: Keeps) -> CompiledKeeps:
    return CompiledKeeps(
        tuple(parse_selector(source) for source in keeps.texts),
        tuple(_media(source) for source in keeps.media),
        CompiledStep(
            f"{KEPT} {order}",
            values_of(keeps.belongs),
            (),
            tuple(tests_of(keeps.whole)),
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


def values_of(values: Sequence[Value]) -> tuple[CompiledValue, ...]:
    return tuple(compile_value(value) for value in values)


@dataclass(frozen=True, slots=True)
class CompiledOutcome:
    """Where an answer names the new post, and what was sent, for later steps."""

    id: tuple[CompiledValue, ...] = ()
    url: tuple[CompiledValue, ...] = ()
    link: str | None = None
    gives: tuple[CompiledValue, ...] = ()


def outcome_of(signature: Signature) -> CompiledOutcome:
    source = signature.outcome or OutcomeSource()
    named = values_of(source.id)
    gives = values_of(signature.gives) or (named if signature.activity is Kind.UPLOAD else ())
    return CompiledOutcome(named, values_of(source.url), source.link, gives)


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


def accounts_of(claim: Signature | PlatformDocument) -> tuple[CompiledAccount, ...]:
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


def _worded(claim: Signature | Housekeeping) -> bool:
    if isinstance(claim, Housekeeping):
        return claim.keeps is not None
    return bool(claim.texts) or claim.anywhere


def compile_claim(order: int, claim: Signature | Batch | Housekeeping, surface: Surface) -> CompiledClaim:
    tests = tests_of(claim.where)
    if claim.name and not isinstance(claim, Batch) and not _worded(claim):
        tests += tests_of(surface.wordless)
    if surface.subprotocol:
        tests.append((SUBPROTOCOL, names_test(surface.subprotocol)))
    names: Selector | None = None
    if claim.name and surface.name and name_capture(surface) is None:
        names = parse_selector(surface.name)
        tests.insert(0, (names, names_test(claim.name, every=isinstance(claim, Housekeeping))))
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
        account=accounts_of(claim),
        texts=tuple(parse_selector(source) for source in claim.texts),
        media=tuple(_media(source) for source in claim.media),
        audience=tuple(compile_value(value) for value in claim.audience),
        target=tuple(compile_value(value) for value in claim.target),
        changes=tuple(compile_value(value) for value in claim.changes),
        gap_tests=tuple(tests_of(claim.gap_where)),
        raw=any(source.file and parse_selector(source.file).reads("raw") for source in claim.media),
        step=_step(claim),
    )
