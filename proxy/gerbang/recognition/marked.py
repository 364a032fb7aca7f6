"""Which request of a recording posted a text: not who tells of it, not who helps with it, not a draft of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gerbang.errors import DocumentError
from gerbang.model import SOCKET, Request
from gerbang.recognition.document import INERT_ROLES, PlatformDocument
from gerbang.recognition.matcher import Platforms
from gerbang.recognition.places import Leaf, Place, leaves, places, squeezed, unparted
from gerbang.recognition.secrets import is_secret
from gerbang.recognition.series import Answer
from gerbang.recognition.shape import plain_part
from gerbang.wire.message import Message, segments

NAMED = 8
"""Requests that are named in one note."""

READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SIGNED = re.compile(r"[\w-]+\.\{")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_OPERATION = re.compile(r"[A-Za-z][\w.:-]{0,63}")
# Fields that name what is done, the surest first.
_NAMES = ("operationname", "fbapireqfriendlyname", "op", "operation", "action", "act", "do", "method", "cmd")
_MORE_NAMES = ("command", "event", "type", "kind", "mode", "t", "subtype")
_FLAGS = frozenset({"draft", "isdraft", "preview", "ispreview", "dryrun"})
STATES = frozenset({"status", "state", "poststatus"})
_TELEMETRY = frozenset(
    [
        "log",
        "logs",
        "logging",
        "telemetry",
        "analytics",
        "collect",
        "track",
        "tracking",
        "beacon",
        "metric",
        "metrics",
        "event",
        "events",
        "pixel",
        "stat",
        "stats",
        "insight",
        "insights",
        "report",
        "rum",
    ]
)
_HELPERS = frozenset(
    [
        "typing",
        "suggest",
        "suggestions",
        "autocomplete",
        "search",
        "preview",
        "validate",
        "check",
        "spell",
        "translate",
        "mention",
        "mentions",
        "lookup",
        "linkpreview",
        "unfurl",
    ]
)
_DRAFTS = frozenset({"draft", "drafts", "autosave", "autodraft", "delta", "deltas"})
_PUBLISH = frozenset({"publish", "post", "submit", "send", "finish", "commit", "release"})
INTERFACES = frozenset({"api", "rest", "graphql", "json", "ajax"})
_ID_NAME = re.compile(r"(id|.*_id|.*[a-z]Id|pk|rest_id|uuid)")
_LINK_NAME = re.compile(r"(url|link|permalink|href|uri)", re.IGNORECASE)
# Names under which many have theirs (`contoh.com.my`).
SECOND = frozenset({"com", "co", "gov", "org", "net", "edu", "or", "ac", "go", "mil", "name"})


@dataclass(frozen=True, slots=True)
class Sent:
    number: int
    request: Request
    answer: Answer | None
    message: Message
    places: tuple[Place, ...] = ()
    inline: bool = False

    @property
    def told(self) -> str:
        path = self.message.path if len(self.message.path) <= 60 else self.message.path[:60] + "..."
        return f"request {self.number} ({self.request.method} {self.request.host}{path})"

    @property
    def holding(self) -> tuple[tuple[str, str], ...]:
        """Selector and value of each field in which the marker stands whole."""
        return tuple(place.within for place in self.places if place.within is not None)

    @property
    def has_marker(self) -> bool:
        return bool(self.places) or self.inline


def read(
    number: int, request: Request, answer: Answer | None, marker: str, document: PlatformDocument | None = None
) -> Sent:
    """A request as its platform takes it, where that has a `document`."""
    given = (request.method, request.target, request.headers, request.body)
    message = Message(*given)
    if document is not None:
        message = Message(*given, php=document.php, camel=document.camel, wrapped=document.wrapped)
    found = places(message, marker)
    if not found and document is None:
        for name in [name for name, value in message.form if isinstance(value, str) and _SIGNED.match(value)]:
            signed = Message(*given, wrapped=name)
            if found := places(signed, marker):
                return Sent(number, request, answer, signed, found)
    return Sent(number, request, answer, message, found, not found and unparted(message, marker))


def refuse_without_bodies(sent: Sequence[Sent]) -> None:
    writes = [one for one in sent if one.request.method not in (*READS, SOCKET)]
    told = [one for one in writes if one.message.header("content-length") not in ("", "0")]
    if told and not any(one.request.body for one in writes):
        raise DocumentError(
            f"the recording has {len(told)} requests with a body, and no body of any of them",
            hint="save it with its content: `Save all as HAR with content`, or with sensitive data where that is asked",
        )


def absent(sent: Sequence[Sent], marker: str) -> DocumentError:
    marker = squeezed(marker)
    asked = [one for one in sent if one.has_marker]
    if asked:
        return DocumentError(
            f"the marker stands only in the address of what was read: {listed(asked)}",
            hint="that is looking for it; record the act itself, from before it is sent to after",
        )
    answered = [one for one in sent if one.answer and marker in squeezed(one.answer.body.decode("utf-8", "replace"))]
    if answered:
        return DocumentError(
            f"the marker stands only in answers: {listed(answered)}",
            hint="the page shows it, and what posted it is not in the recording; begin to record before you post",
        )
    unreadable = sum(1 for one in sent if one.message.gaps)
    return DocumentError(
        f"the marker is in none of the {len(sent)} requests; the bodies of {unreadable} could not be read",
        hint="give it as it was posted, letter by letter; what an app seals or a page sends in pieces is not found",
    )


def listed(some: Sequence[Sent]) -> str:
    more = f" and {len(some) - NAMED} more" if len(some) > NAMED else ""
    return ", ".join(one.told for one in some[:NAMED]) + more


# ---------------------------------------------------------------- which of them


def words_of(one: Sent) -> set[str]:
    """Words of its path and of what it calls its operation."""
    named = operation(one.message)
    said = (*segments(one.message.path), named[1] if named else "")
    return {word.lower() for part in said for word in _WORD.findall(part)}


def is_draft(one: Sent) -> bool:
    return (
        bool(words_of(one) & _DRAFTS)
        or any(is_flag(leaf) and leaf.value not in (False, 0, "", "0", "false", None) for leaf in leaves(one.message))
        or any(plain(leaf.name) in STATES and "draft" in str(leaf.value).lower() for leaf in leaves(one.message))
    )


def is_flag(leaf: Leaf) -> bool:
    return plain(leaf.name) in _FLAGS


def plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def chosen_of(
    sent: Sequence[Sent], marked: Sequence[Sent], platforms: Platforms, notes: list[str]
) -> tuple[Sent, tuple[Sent, ...]]:
    """The request that publishes, and the drafts before it."""
    rest: list[Sent] = []
    telling: list[Sent] = []
    drafts: list[Sent] = []
    for one in marked:
        role = platforms.at(one.request.host)
        words = words_of(one)
        if (role and role.role in INERT_ROLES) or words & _TELEMETRY:
            telling.append(one)
        elif words & _HELPERS:
            notes.append(f"{one.told} helps with the writing, and publishes nothing, by its name")
        elif is_draft(one):
            drafts.append(one)
        else:
            rest.append(one)
    if not rest and not drafts and telling:
        # Some call what is said an event.
        rest, telling = telling, []
        notes.append("it is named like telemetry, and nothing else carries the words: see that it is what publishes")
    notes += [f"{one.told} tells somebody of it, and publishes nothing: telemetry, by its name" for one in telling]
    if rest:
        taken = [one for one in rest if one.answer is None or one.answer.status < 400] or rest
        chosen = taken[-1]
        notes.insert(0, f"the marker was posted by {chosen.told}")
        if others := [one for one in rest if one is not chosen]:
            notes.append(
                f"also with the marker, before it or refused: {listed(others)}; the last that went out is taken"
            )
        if drafts:
            notes.append(f"drafts of it, which are no act: {listed(drafts)}")
        return chosen, tuple(one for one in drafts if one.number < chosen.number)
    if not drafts:
        raise DocumentError(
            f"of what holds the marker nothing publishes it: {listed(marked)}",
            hint="record until the page shows that it was posted",
        )
    last = drafts[-1]
    publish = _publishes(sent, last)
    if publish is None:
        raise DocumentError(
            f"the marker was only saved as a draft: {listed(drafts)}", hint="record until it is published"
        )
    notes.insert(0, f"the marker was saved by {last.told}, and published by {publish.told}, which does not carry it")
    return publish, tuple(drafts)


def _publishes(sent: Sequence[Sent], draft: Sent) -> Sent | None:
    """What came after a draft, names its id, and is called so."""
    ids = {*ids_in_path(draft.message.path), *(identity for _, identity in ids_answered(draft))}
    later = [
        one
        for one in sent
        if one.number > draft.number and one.request.method not in READS and alike(one.request.host, draft.request.host)
    ]
    naming = [one for one in later if ids & {*named_ids(one)}]
    called = [one for one in naming if words_of(one) & _PUBLISH]
    return next(iter(called or naming), None)


def ids_in_path(path: str) -> list[str]:
    parts = segments(path)
    return [part for at, part in enumerate(parts) if is_id(parts, at, "")]


def named_ids(one: Sent) -> Iterator[str]:
    """What a request may name by: ids of its path, and every value of its fields."""
    yield from ids_in_path(one.message.path)
    yield from (str(leaf.value) for leaf in leaves(one.message))


def is_id(path: Sequence[str], at: int, name: str) -> bool:
    """Whether a part of a path is an id or a name. A number is the version of an interface where one would stand."""
    if path[at].isdigit():
        return at > 1 or (at > 0 and path[at - 1].lower() not in INTERFACES)
    return plain_part(path, at, name) == "{}"


def ids_answered(one: Sent) -> Iterator[tuple[str, str]]:
    """Selector and value of what the answer names as ids, the nearest to its top first."""
    if one.answer is None or one.answer.status >= 400:
        return
    message = Message("GET", "/", one.answer.headers, one.answer.body, answer=True)
    found = [
        (leaf.selector, str(leaf.value))
        for leaf in leaves(message)
        if _ID_NAME.fullmatch(leaf.name)
        and isinstance(leaf.value, str | int)
        and not isinstance(leaf.value, bool)
        and str(leaf.value)
        and not is_secret(leaf.name)
        and "[]" not in leaf.selector
    ]
    yield from sorted(found, key=lambda pair: (pair[0].count("."), len(pair[0])))[:NAMED]


def links_answered(one: Sent) -> Iterator[str]:
    if one.answer is None or one.answer.status >= 400:
        return
    message = Message("GET", "/", one.answer.headers, one.answer.body, answer=True)
    for leaf in leaves(message):
        if _LINK_NAME.fullmatch(leaf.name) and str(leaf.value).startswith("http") and "[]" not in leaf.selector:
            yield leaf.selector
    if 300 <= one.answer.status < 400 and message.header("location"):
        yield "header.location"


def operation(message: Message) -> tuple[str, str] | None:
    """The selector of what names the operation, and the name."""
    if message.call is not None and message.call.method:
        return "xmlrpc.method", message.call.method
    known: dict[str, tuple[str, str]] = {}
    for leaf in leaves(message):
        if leaf.place.count(".") + leaf.place.count("[") > 2 or not isinstance(leaf.value, str):
            continue
        value = leaf.value.strip()
        if leaf.name == "query" and (found := re.search(r"\b(?:query|mutation)\s+(\w+)", value)):
            known.setdefault("operationname", (f"{leaf.selector} | operation", found[1]))
        elif _OPERATION.fullmatch(value) and is_word(value):
            known.setdefault(plain(leaf.name), (leaf.selector, value))
        if message.on_socket and leaf.place == "json[0]" and _OPERATION.fullmatch(value):
            return "json[0]", value
    return next((known[name] for name in (*_NAMES, *_MORE_NAMES) if name in known), None)


def is_word(value: str) -> bool:
    parts = re.split(r"[.:_-]", value)
    return all(plain_part([part], 0, "") != "{}" for part in parts if part)


def alike(one: str, other: str) -> bool:
    """Whether two hosts are the same site's."""
    return _site(one) == _site(other)


def _site(host: str) -> str:
    labels = host.split(".")
    size = 3 if len(labels) > 2 and labels[-2] in SECOND else 2
    return ".".join(labels[-size:])
