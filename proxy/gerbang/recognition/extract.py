"""A claimed request to its Activity: the texts, attachments, account and target that a signature points to."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gerbang.model import Account, Activity, Edit, Gap, Kind, Media, Step, Text
from gerbang.recognition.claims import (
    CompiledAccount,
    CompiledClaim,
    CompiledEdits,
    CompiledKeeps,
    CompiledMedia,
    CompiledStep,
    CompiledValue,
    all_ids,
    first,
)
from gerbang.recognition.document import Signature
from gerbang.recognition.matcher import Platform
from gerbang.recognition.paths import Captures
from gerbang.recognition.unclaimed import bare, human_texts
from gerbang.wire.charsets import scrubbed
from gerbang.wire.message import Message, members
from gerbang.wire.selectors import VALUES, Selector, as_text, blobs
from gerbang.wire.values import Blob, Value

MEDIA = 500
"""Attachments that are listed of one request."""


def activity(
    platform: Platform, host: str, compiled: CompiledClaim, signature: Signature, message: Message, captures: Captures
) -> Activity:
    """What a signature's selectors give. Where the body is not known, what stood in it is missing."""
    login = signature.activity is Kind.LOGIN
    words = _words(compiled, signature, message, captures)  # first: a field that cannot be read is a gap
    gaps = () if login or compiled.raw else message.gaps
    fields = (text.needs_body and not text.reads("body") for text in compiled.texts)
    worded = not login and signature.activity is not Kind.UPLOAD and any(fields)
    if worded and not gaps and message.unstructured and not _numbered(compiled, message):
        gaps = (Gap("unreadable", "no fields where words are expected"),)
    if signature.gap and all(test(selector.find(message, captures)) for selector, test in compiled.gap_tests):
        gaps = (*gaps, Gap(signature.gap))
    attached = () if login else media(compiled.media, message, captures, whole=compiled.raw)
    step = None
    if compiled.step is not None:
        step = _step(compiled.step, compiled.texts, compiled.media, attached, message, captures)
    return Activity(
        platform=platform.name,
        kind=signature.activity,
        host=host,
        signature=signature.id,
        confidence=signature.confidence,
        account=account(
            (*compiled.account, *(platform.account_of_headers if login else platform.account)), message, captures
        ),
        texts=words,
        media=attached,
        audience=first(compiled.audience, message, captures),
        target=first(compiled.target, message, captures),
        changes=first(compiled.changes, message, captures),
        gaps=gaps,
        step=step,
        site=captures.get("site", ""),
    )


def _numbered(compiled: CompiledClaim, message: Message) -> bool:
    """Whether the body is protobuf, and the signature knows where in it words stand."""
    return message.protobuf is not None and any(text.reads("protobuf") for text in compiled.texts)


def kept(platform: Platform, host: str, keeps: CompiledKeeps, message: Message, captures: Captures) -> Activity:
    """What a request that is no act says of what may be published later."""
    attached = media(keeps.media, message, captures)
    step = _step(keeps.step, keeps.texts, keeps.media, attached, message, captures)
    if step is not None and keeps.edits is not None:
        step = replace(step, edits=tuple(_changes(keeps.edits, message, captures)))
    return Activity(
        platform=platform.name,
        kind=Kind.WRITE,
        host=host,
        signature=keeps.step.key,
        texts=texts(keeps.texts, message, captures),
        media=attached,
        gaps=message.gaps,
        step=step,
        site=captures.get("site", ""),
    )


def _changes(edits: CompiledEdits, message: Message, captures: Captures) -> Iterator[Edit]:
    found = edits.each.find(message, captures).values
    if len(found) >= VALUES:
        message.cut("values")
    for change in found:
        kind, at, text = (_within(change, names) for names in (edits.kind, edits.at, edits.text))
        placed = at is not None and at.isascii() and at.isdigit() and len(at) < 16
        place = int(at) if at is not None and placed else 0
        if kind in edits.remove:
            if placed:
                yield Edit(edits.each.path, place, None)
        elif placed and (kind in edits.replace or kind in edits.insert):
            yield Edit(edits.each.path, place, scrubbed(text or ""), kind in edits.insert)
        elif text:
            # Of a kind that is not known, or nowhere: its words count all the same.
            yield Edit(edits.each.path, place, scrubbed(text), inserted=True)


def _within(value: Value, names: Sequence[str]) -> str | None:
    """What stands below an object by these names; of several of one name the last, as nearly all servers take it."""
    for name in names:
        value = next((inner for key, inner in reversed(tuple(members(value))) if key == name), None)
    return as_text(value)


def _step(
    compiled: CompiledStep,
    worded: Sequence[Selector],
    sources: Sequence[CompiledMedia],
    attached: Sequence[Media],
    message: Message,
    captures: Captures,
) -> Step | None:
    belongs = all_ids(compiled.belongs, message, captures)
    uses = all_ids(compiled.uses, message, captures)
    if compiled.upload and not compiled.belongs:
        belongs = tuple(dict.fromkeys(one.id for one in attached if one.id))
    if not (belongs or uses or compiled.gives or compiled.upload):
        return None
    # Who gives an id makes the thing, with all the words that it has then.
    whole = (
        all(test(selector.find(message, captures)) for selector, test in compiled.whole)
        if compiled.whole
        else compiled.gives and not belongs
    )
    return Step(
        belongs,
        uses,
        _emptied(worded, message, captures) if belongs or uses else (),
        whole,
        _place([source.part for source in sources], message, captures),
        _place([source.offset for source in sources], message, captures),
    )


def _emptied(selectors: Sequence[Selector], message: Message, captures: Captures) -> tuple[str, ...]:
    """The fields that are given without words."""
    found: list[str] = []
    for selector in selectors:
        given = selector.texts(message, captures)
        if given and not any(text.strip() for text in given):
            found.append(selector.path)
    return tuple(found)


def _place(values: Sequence[CompiledValue | None], message: Message, captures: Captures) -> int | None:
    """The number that the first of them gives."""
    text = first([value for value in values if value is not None], message, captures)
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _words(compiled: CompiledClaim, signature: Signature, message: Message, captures: Captures) -> tuple[Text, ...]:
    found = texts(compiled.texts, message, captures)
    if not signature.anywhere:
        return found
    known = {text.value for text in found}
    return (*found, *(text for text in human_texts(message) if text.value not in known))


def account(sources: Sequence[CompiledAccount], message: Message, captures: Captures) -> Account:
    """The first source that names anybody. Nobody, where one before it stands in a body that is not known."""
    for source in sources:
        if source.needs_body and source.unknown(message, captures):
            return Account()
        if source.agree and source.divided(message, captures):
            return Account()
        identity = source.id.read(message, captures) if source.id else None
        handle = source.handle.read(message, captures) if source.handle else None
        if identity or handle:
            return Account(identity, handle)
    return Account()


def texts(selectors: Sequence[Selector], message: Message, captures: Captures) -> tuple[Text, ...]:
    found: dict[Text, None] = {}
    for selector in selectors:
        for value in selector.texts(message, captures):
            if value.strip() and not (selector.deep and bare(value)):
                found[Text(selector.path, value)] = None
    return tuple(found)


def media(
    sources: Sequence[CompiledMedia], message: Message, captures: Captures, *, whole: bool = False
) -> tuple[Media, ...]:
    """What the selectors name, and every file of a form besides, unless the body as a `whole` is one of them."""
    found: list[Media] = []
    taken: set[int] = set()
    for source in sources:
        found += _named(source, message, captures, taken)
    for _, value in () if whole else message.files():
        if isinstance(value, Blob) and id(value) not in taken and (value.data or value.name):
            found.append(_of(value))
    return tuple(found[:MEDIA])


def _named(source: CompiledMedia, message: Message, captures: Captures, taken: set[int]) -> Iterator[Media]:
    ids = source.id.ids(message, captures) if source.id else []
    files = blobs(source.file.find(message, captures)) if source.file else []
    kind = _one(source.type, message, captures)
    name = _one(source.name, message, captures)
    size = _one(source.size, message, captures)
    bytes_told = int(size) if size and size.isascii() and size.isdigit() and len(size) < 16 else None
    for number, blob in enumerate(files):
        taken.add(id(blob))
        yield _of(blob, ids[number] if number < len(ids) else None, kind, name)
    for identity in ids[len(files) :]:
        yield Media(id=identity, type=kind, name=name, size=bytes_told)
    if not ids and not files and (kind or name or bytes_told is not None):
        yield Media(type=kind, name=name, size=bytes_told)


def _one(selector: Selector | None, message: Message, captures: Captures) -> str | None:
    found = selector.texts(message, captures) if selector else []
    return found[0][:200] if found and found[0] else None


def _of(blob: Blob, identity: str | None = None, kind: str | None = None, name: str | None = None) -> Media:
    return Media(
        id=identity,
        type=blob.type or kind,
        name=blob.name or name,
        digest=hashlib.sha256(blob.data).hexdigest(),
        size=len(blob.data),
    )
