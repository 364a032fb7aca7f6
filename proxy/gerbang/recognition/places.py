"""Where in a request a text stands, as selectors of a signature: through every encoding and nesting that `wire` knows.

What is found is asked of the selector itself, so that nothing is told which a signature would not read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gerbang.wire.message import Message, members
from gerbang.wire.protobuf import from_base64, words
from gerbang.wire.selectors import TRANSFORMS, parse_selector
from gerbang.wire.values import Blob, Unreadable, Value

LEAVES = 20_000
"""Values of one request that are looked at."""

PLACES = 4
"""Fields with the text that a signature is given."""

UNDONE = ("html", "percent", "base64", "data")
_PLAIN = re.compile(r"[\w:@$-]+")
_INDEX = re.compile(r"\[\d+\]")
_VARIABLES = re.compile(r"^(?:json|form|query)\.variables(?=[.\[])")
_GRAPHQL = re.compile(r"\s*(query|mutation|subscription|\{)[\s\w(]")
# What pages call the text of a piece of rich text (Quill, ProseMirror, Slate, Draft.js, Portable Text; seen 2026-11).
_RUNS = ("text", "insert", "value", "content", "t", "plain_text")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that is no list and no object. `place` has the numbers of elements, which `selector` leaves open."""

    place: str
    value: Value

    @property
    def selector(self) -> str:
        return opened(self.place)

    @property
    def name(self) -> str:
        """The last name on the way to it."""
        found = re.findall(r'[.]([\w:@$-]+)|\["([^"]+)"\]', self.place)
        return (found[-1][0] or found[-1][1]) if found else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A selector that gives the text; `exact` where it gives nothing else beside it in the same value.

    `holds` are the selectors of the leaves on which it rests, without what is undone.
    """

    selector: str
    exact: bool
    holds: tuple[str, ...]
    within: tuple[str, str] | None = None
    """The leaf's selector and value in which the text stands whole."""


def squeezed(text: str) -> str:
    return " ".join(text.split())


def opened(place: str) -> str:
    """A place as a selector that any element fits."""
    return _VARIABLES.sub("variables", _INDEX.sub("[]", place))


def leaves(message: Message) -> Iterator[Leaf]:
    """Every value of a request that a selector reaches, in the order sent."""
    stack: list[tuple[str, Value]] = []
    stack += [(field_place("query", name), value) for name, value in message.query]
    stack += [(field_place("form", name), value) for name, value in message.form]
    stack += [("json", value) for value in message.json]
    if message.call is not None:
        stack += [(f"xmlrpc.params[{number}]", value) for number, value in enumerate(message.call.params)]
    stack += [("parts[]", value) for value in message.parts]
    stack += [(f"protobuf.{at}", value) for at, value in message.numbered]
    if message.plain is not None:
        stack.append(("body", message.plain))
    stack.reverse()
    for _ in range(LEAVES):
        if not stack:
            return
        place, value = stack.pop()
        if not place:
            continue
        if isinstance(value, str) and (nested := message.nested(value)) is not None:
            value = nested
        if isinstance(value, list):
            stack += [(f"{place}[{number}]", one) for number, one in enumerate(value)][::-1]
        elif inner := [*members(value)]:
            stack += [(member_place(place, name), one) for name, one in inner][::-1]
        else:
            yield Leaf(place, value)


def places(message: Message, marker: str) -> tuple[Place, ...]:
    """Where the text stands, the surest first; nothing where no selector gives it."""
    every = [*leaves(message)]
    wanted = squeezed(marker)
    found: dict[str, Place] = {}
    for leaf in every:
        if (place := _single(message, leaf, wanted)) is not None:
            found.setdefault(place.selector, place)
    if not found:
        for place in _split(message, every, wanted):
            found.setdefault(place.selector, place)
    exact = [place for place in found.values() if place.exact]
    return tuple((exact or [*found.values()][:1])[:PLACES])


def unparted(message: Message, marker: str) -> bool:
    """Whether the text stands where no selector parts it from the rest: in a GraphQL operation, or in a plain body."""
    wanted = squeezed(marker)
    if message.plain is not None and wanted in squeezed(message.plain):
        return True
    texts = (leaf.value for leaf in leaves(message) if leaf.name == "query")
    return any(isinstance(text, str) and _GRAPHQL.match(text) and wanted in squeezed(text) for text in texts)


def _single(message: Message, leaf: Leaf, wanted: str) -> Place | None:
    text = leaf.value.words if isinstance(leaf.value, Blob) else leaf.value
    if not isinstance(text, str) or len(text) > 1 << 20:
        return None
    if leaf.name == "query" and _GRAPHQL.match(text):
        return None
    chains = [chain for chain, undone in _undone(text) if wanted in squeezed(undone)]
    for chain in sorted(chains, key=lambda chain: (not _exactly(text, chain, wanted), len(chain))):
        selector = " | ".join((leaf.selector, *chain))
        given = _given(message, selector)
        if any(wanted in squeezed(one) for one in given):
            exact = any(squeezed(one) == wanted for one in given)
            return Place(selector, exact, (leaf.selector,), (leaf.selector, text))
    return None


def _undone(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a text may be once it is undone, by one step or two, with the steps."""
    yield (), text
    first = [(name, "".join(TRANSFORMS[name]([text]))) for name in UNDONE]
    for name, once in first:
        if once and once != text:
            yield (name,), once
            for more in UNDONE:
                twice = "".join(TRANSFORMS[more]([once]))
                if twice and twice != once:
                    yield (name, more), twice
    data = from_base64(text) if len(text) > 8 else b""
    try:
        for at, inner in words(data) if data else ():
            yield (f"protobuf {at}",), inner
    except Unreadable:
        return


def _exactly(text: str, chain: tuple[str, ...], wanted: str) -> bool:
    return any(found == chain and squeezed(undone) == wanted for found, undone in _undone(text))


def _split(message: Message, every: Sequence[Leaf], wanted: str) -> Iterator[Place]:
    """Places of a text that comes in pieces."""
    groups: dict[str, list[Leaf]] = {}
    for leaf in every:
        if isinstance(leaf.value, str) and leaf.value:
            groups.setdefault(leaf.selector, []).append(leaf)
    bare = wanted.replace(" ", "")
    for selector, pieces in groups.items():
        if len(pieces) > 1 and bare in "".join(str(piece.value) for piece in pieces).replace(" ", ""):
            yield from _tried(message, f"{selector} | join", wanted, (selector,))
    roots = dict.fromkeys(root for selector in groups if "[]" in selector for root in _roots(selector))
    for root in sorted(roots, key=len, reverse=True):
        for name in _RUNS:
            holds = tuple(selector for selector in groups if selector.startswith(root) and _last(selector) == name)
            if holds:
                yield from _tried(message, f"{root} | runs {name}", wanted, holds)


def _roots(selector: str) -> Iterator[str]:
    """What a selector begins with, up to each of its lists."""
    at = selector.find("[]")
    while at >= 0:
        yield selector[:at]
        at = selector.find("[]", at + 2)


def _last(selector: str) -> str:
    return selector.rpartition(".")[2]


def _tried(message: Message, selector: str, wanted: str, holds: tuple[str, ...]) -> Iterator[Place]:
    try:
        given = [squeezed(one) for one in _given(message, selector)]
    except ValueError:
        return
    if any(wanted in one for one in given):
        yield Place(selector, wanted in given, holds)


def _given(message: Message, selector: str) -> list[str]:
    return parse_selector(selector).texts(message, {})


def field_place(root: str, name: str) -> str:
    """A field of a form or query, in whose name `a[b][]` is a path too; empty where no selector can name it."""
    head, *inner = name.split("[")
    place = member_place(root, head)
    for part in inner:
        part = part.rstrip("]")
        place = f"{place}[0]" if not part or part.isdigit() else member_place(place, part)
    return place


def member_place(place: str, name: str) -> str:
    if not place or not name or '"' in name:
        return ""
    return f"{place}.{name}" if _PLAIN.fullmatch(name) else f'{place}["{name}"]'
