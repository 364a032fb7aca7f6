"""What a write looked like that no signature claims, and the skeleton of a signature for it.

A shape holds names only: of the operation, of path parts that are words, of fields. What stood in the fields, ids,
and parts of a path that name somebody are left out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gerbang.model import Kind, Shape, Sighting, Text
from gerbang.recognition.document import PlatformDocument, Surface, name_capture
from gerbang.recognition.matcher import Platform
from gerbang.recognition.paths import SEGMENTS, Template
from gerbang.recognition.secrets import is_secret
from gerbang.wire.message import Message, members, segments
from gerbang.wire.selectors import parse_selector

PARTS = 12
"""Parts of a path that a shape keeps."""

FIELDS = 40
"""Names of fields that a shape keeps."""

SELECTORS = 8
"""Fields with a person's words that a shape keeps."""

VARIANTS = 4
"""Values of a path's part that show that it is a name of somebody or something."""

_NAME = re.compile(r"[A-Za-z_$][\w.$-]{0,63}")
_SELECTOR = re.compile(r"[A-Za-z_$][\w.$\[\]-]{0,200}")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VERSION = re.compile(r"v?\d{1,2}(\.\d{1,2})?")
# What stands behind these names somebody or something, whatever it looks like.
_OWNERS = frozenset({"users", "user", "u", "profile", "in", "channel", "c", "groups", "group", "g", "r"}) | frozenset(
    {"blog", "blogs", "sites", "site", "people", "accounts"}
)
_NESTED_ROOT = re.compile(r"^(?:field|json)\.variables(?=[.\[])")
_INDEX = re.compile(r"\[\d+\]")


def shape_of(platform: Platform, role: str, message: Message, texts: Sequence[Text]) -> Shape:
    """The shape of a request to a host of `role`; `texts` are the person's words that were found in it."""
    path = segments(message.path)
    surface, name = _named(platform, role, message, path)
    selectors = dict.fromkeys(
        selector for text in texts if _SELECTOR.fullmatch(selector := _selector(text.field)) is not None
    )
    return Shape(
        role=role,
        method=message.method,
        path="/" + "/".join(plain_part(path, at, name) for at in range(min(len(path), PARTS))),
        surface=surface,
        name=name,
        fields=tuple(sorted(dict.fromkeys(_fields(message))))[:FIELDS],
        texts=tuple(selectors)[:SELECTORS],
    )


def skeleton(document: PlatformDocument, shape: Shape, month: str) -> str:
    """A signature for the shape, as YAML to be put under `signatures`; `month` is when it was seen (`2026-11`).

    Where it is on no surface of the document, the surface stands before it. What is to be decided says so.
    """
    surface = document.surfaces.get(shape.surface)
    lines: list[str] = []
    name = shape.surface
    if surface is None:
        name = "new-surface"
        lines += [
            "# under `surfaces`:",
            f"  {name}:",
            f"    hosts: {shape.role}",
            f"    method: {shape.method}",
            "# under `signatures`:",
        ]
    lines += [
        f"  - id: {_id(shape)}",
        f"    activity: {Kind.POST if shape.texts else Kind.REACT}  # decide: what is done by it?",
        "    confidence: reported",
        "    source: seen by the gate",
        f"    seen: {month}",
        f"    surface: {name}",
    ]
    if surface is not None and shape.method not in surface.method:
        lines.append(f"    method: {shape.method}")
    if shape.name:
        lines.append(f"    name: {_quoted(shape.name)}")
    elif surface is None or not _is_path_of(surface, shape.path):
        lines.append(f"    path: {_quoted(_captured(_below(surface, shape.path)))}")
    if shape.texts:
        lines.append("    texts: [" + ", ".join(_quoted(selector) for selector in shape.texts) + "]")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """One operation that no signature claims: how often it was judged as a post, and only counted, and when."""

    platform: str
    shape: Shape
    judged: int
    counted: int
    first: datetime
    last: datetime


def grouped(sightings: Iterable[Sighting]) -> tuple[Unclaimed, ...]:
    """Operations, the most frequent first.

    A part of a path that has `VARIANTS` values and more at one place stands for somebody or something, and is left out.
    """
    known = tuple(sightings)
    paths: dict[tuple[object, ...], list[set[str]]] = {}
    for one in known:
        values = paths.setdefault(_kind_of(one), [set() for _ in segments(one.shape.path)])
        for value, part in zip(values, segments(one.shape.path), strict=True):
            value.add(part)
    found: dict[tuple[object, ...], Unclaimed] = {}
    for one in known:
        parts = zip(segments(one.shape.path), paths[_kind_of(one)], strict=True)
        path = "/" + "/".join("{}" if len(values) >= VARIANTS else part for part, values in parts)
        key = (*_kind_of(one), path)
        before = found.get(key)
        judged, counted = (one.count, 0) if one.judged else (0, one.count)
        found[key] = Unclaimed(
            one.platform,
            _joined(before.shape, one.shape, path) if before else replace(one.shape, path=path),
            judged + (before.judged if before else 0),
            counted + (before.counted if before else 0),
            min(one.first, before.first) if before else one.first,
            max(one.last, before.last) if before else one.last,
        )
    return tuple(sorted(found.values(), key=lambda one: (-one.judged - one.counted, one.platform, one.shape.path)))


def _kind_of(one: Sighting) -> tuple[object, ...]:
    shape = one.shape
    return one.platform, shape.role, shape.method, shape.surface, shape.name, len(segments(shape.path))


def _joined(before: Shape, now: Shape, path: str) -> Shape:
    return replace(
        before,
        path=path,
        fields=tuple(sorted({*before.fields, *now.fields}))[:FIELDS],
        texts=tuple(dict.fromkeys((*before.texts, *now.texts)))[:SELECTORS],
    )


def _named(platform: Platform, role: str, message: Message, path: tuple[str, ...]) -> tuple[str, str]:
    """The surface on which a request is, and the operation's name there; both may be empty."""
    given = path[-SEGMENTS:]
    low = [part.lower() for part in given]
    fallback = ""
    for name, surface in platform.document.surfaces.items():
        if role not in surface.hosts or message.method not in surface.method:
            continue
        for under in surface.under:
            captures = Template.parse(_open(under, surface)).match(low, given)
            if captures is None:
                continue
            if surface.name is None:
                fallback = fallback or (name if under else "")
                continue
            found = parse_selector(surface.name).texts(message, captures)
            if found and _NAME.fullmatch(found[0]):
                return name, found[0]
    return fallback, ""


def _open(under: str, surface: Surface) -> str:
    """The template of a surface's paths: whole where the operation's name stands in it, else with any rest."""
    return under if name_capture(surface) else f"{under}/{{rest...}}"


def plain_part(path: Sequence[str], at: int, name: str) -> str:
    """A part of a path where it is a word of the platform's, and `{}` where it names somebody or something."""
    part = path[at]
    if part == name and name:
        return part
    if at and path[at - 1].lower() in _OWNERS:
        return "{}"
    if _VERSION.fullmatch(part):
        return part
    plain = part.removesuffix(".json").removesuffix(".php")
    if not re.fullmatch(r"[A-Za-z]+([_.-][A-Za-z]+)*", plain) or len(plain) > 40:
        return "{}"
    # A token of letters only has capitals all over it.
    words = _WORDS.findall(plain)
    return part if len(plain) >= 3 * len(words) or plain.islower() else "{}"


def _fields(message: Message) -> Iterator[str]:
    for name, _ in message.query:
        yield from _name("query", name)
    for name, _ in message.form:
        yield from _name("form", name)
    for value in message.json:
        for name, inner in members(value):
            yield from _name("json", name)
            for below, _ in members(inner):
                yield from (f"{top}.{end}" for top in _name("json", name) for end in _plain(below))


def _name(root: str, name: str) -> Iterator[str]:
    yield from (f"{root}.{plain}" for plain in _plain(name))


def _plain(name: str) -> Iterator[str]:
    if _NAME.fullmatch(name) and not is_secret(name):
        yield name


def _selector(place: str) -> str:
    """Where words stood, as a selector: `json.variables.items[3].text` as `variables.items[].text`."""
    return _NESTED_ROOT.sub("variables", _INDEX.sub("[]", place))


def _below(surface: Surface | None, path: str) -> str:
    """A path without what its surface has already."""
    if surface is None:
        return path
    given = segments(path)
    low = [part.lower() for part in given]
    for under in surface.under:
        size = len(segments(under))
        if size and Template.parse(under).match(low[:size], given[:size]) is not None:
            return "/" + "/".join(given[size:])
    return path


def _is_path_of(surface: Surface, path: str) -> bool:
    return _below(surface, path) == "/"


def _captured(path: str) -> str:
    """A path's template: each part that was left out gets a name."""
    names = iter("abcdefghijklmnopqrstuvwxyz")
    return re.sub(r"\{\}", lambda _: f"{{{next(names)}}}", path)


def _id(shape: Shape) -> str:
    last = shape.name or next((part for part in reversed(segments(shape.path)) if part != "{}"), "write")
    words = [word.lower() for word in _WORDS.findall(last.removesuffix(".json").removesuffix(".php"))]
    return "-".join(words)[:60] or "write"


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[A-Za-z/][\w./-]*", value) else '"' + value.replace('"', '\\"') + '"'
