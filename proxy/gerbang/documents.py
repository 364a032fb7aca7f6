"""YAML as a person wrote it: plain values, each with its place, and errors in the writer's words.

A parser's events become values here: that keeps the place of every key and value, makes a repeated key an error,
leaves dates and times as the text that stands there, and stops what is too large or too deep while it is read, before
anything has been built of it. libyaml's parser is some fifty times faster than ruamel's own, and says less of what is
wrong: whatever it does not take as it stands is read again by ruamel's, which has the last word.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, NoReturn, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader, ReaderError
from ruamel.yaml.scanner import Scanner
from yaml import YAMLError as QuickError  # type: ignore[import-untyped]  # ships no types
from yaml import events as quick
from yaml.cyaml import CParser  # type: ignore[import-untyped]  # ships no types

from gerbang.errors import DocumentError, DocumentErrors, Place, one_of

# Characters. The largest shipped document has 60,000. What is hostile within it is read for seconds, not minutes.
LONGEST = 1 << 20
# With aliases unfolded; the largest shipped document has 3,000.
MOST_VALUES = 100_000
DEEPEST = 32
# More would only bury the first.
MOST_ERRORS = 50

Steps = tuple[str | int, ...]
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Spot = tuple[int, int]

# The events of both parsers.
_ALIAS = (AliasEvent, quick.AliasEvent)
_SCALAR = (ScalarEvent, quick.ScalarEvent)
_MAPPING = (MappingStartEvent, quick.MappingStartEvent)
_MAPPING_END = (MappingEndEvent, quick.MappingEndEvent)
_SEQUENCE_END = (SequenceEndEvent, quick.SequenceEndEvent)
_DOCUMENT_END = (DocumentEndEvent, quick.DocumentEndEvent)
_STREAM_END = (StreamEndEvent, quick.StreamEndEvent)

_TAG = "tag:yaml.org,2002:"
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SCALARS = frozenset({"!", *(_TAG + kind for kind in ("null", "bool", "int", "float", "timestamp"))})
# Up to 64 bits, which platforms use for ids.
_INTEGER = re.compile(r"[-+]?[0-9]{1,20}")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")


# What the two parsers take differently: tabs, directives, tags, anchors that are no words, `|#`, a text that is all.
_DISPUTED = re.compile(
    r"\t|^%|\A\s*+[|>]|[|>][-+0-9]*#|(?:^|[-:?,]\s|[\[{])[^\S\n]*+(?:!|[&*](?!\w[\w-]*(?:[\s,\]}]|\Z)))", re.MULTILINE
)


class Part(BaseModel):
    """A piece of a document: no key that we do not know, and nothing changes it later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# ---------------------------------------------------------------- from text to values with places


@dataclass(slots=True, eq=False)
class Written:
    """A value where it stands. What an alias names is one object, however often it is named."""

    spot: Spot
    value: Plain = None
    parts: "dict[str, tuple[Spot, Written]] | list[Written] | None" = None
    size: int = 1
    height: int = 0
    open: bool = False

    def holds(self, part: "Written") -> None:
        self.size += part.size
        self.height = max(self.height, part.height + 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """The values of a document, and where each key and value stands."""

    file: str
    value: Plain
    root: Written

    def place(self, path: Steps, *, key: bool = False) -> Place:
        """Where the value (or its key) stands; for what was not written, the nearest thing around it."""
        line, column = self._walked(path, key=key)[0]
        return Place(self.file, line + 1, column + 1)

    def written(self, path: Steps) -> Plain:
        """The value at a path, `None` where nothing is written."""
        value = self.value
        for step in path:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int):
                value = value[step] if step < len(value) else None
        return value

    def under(self, path: Steps) -> "Tree":
        """A part of the document as a tree of its own."""
        return Tree(self.file, self.written(path), self._walked(path)[1])

    def as_value_of(self, key: str) -> "Tree":
        """The document as if it stood whole under a key."""
        spot = self.root.spot
        return Tree(self.file, {key: self.value}, Written(spot, parts={key: (spot, self.root)}))

    def error(self, path: Steps, what: str, hint: str | None = None, *, key: bool = False) -> DocumentError:
        return DocumentError(what, place=self.place(path, key=key), hint=hint)

    def _walked(self, path: Steps, *, key: bool = False) -> tuple[Spot, Written]:
        """A step into what has no such parts is passed over: shapes take one value for a list, a list for a group."""
        spot, node = self.root.spot, self.root
        for number, step in enumerate(path):
            if isinstance(node.parts, dict) and isinstance(step, str):
                if step not in node.parts:
                    break
                at, node = node.parts[step]
                # What is not there stands nowhere; its key does.
                spot = at if node.value is None or (key and number == len(path) - 1) else node.spot
            elif isinstance(node.parts, list) and isinstance(step, int):
                if step >= len(node.parts):
                    break
                node = node.parts[step]
                spot = node.spot
        return spot, node


def read_yaml(text: str, file: str) -> Tree:
    """One YAML document; raises `DocumentErrors`."""
    if len(text) > LONGEST:
        raise _one(f"the document has {len(text)} characters", Place(file), f"at most {LONGEST} are read")
    try:
        reader = Reader(text)
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        place = Place(file, before.count("\n") + 1, column)
        raise _one(f"the character U+{error.character:04X} cannot stand in a document", place) from None
    if (tree := _quickly(text, file)) is not None:
        return tree
    reading = _Reading(_Parser(_Scanner(reader, file)), file)
    try:
        root = reading.document()
    except MarkedYAMLError as error:
        raise _one(*_syntax(error, file, text)) from None
    except YAMLError as error:
        raise _one(f"this is no YAML: {str(error).splitlines()[0]}", Place(file)) from None
    except ValueError:
        raise _one("this escape names no character", _at(file, reader.get_mark())) from None
    refuse(reading.errors)
    return Tree(file, root.value, root)


def _quickly(text: str, file: str) -> Tree | None:
    """The document as libyaml reads it; `None` where it has anything to say against it."""
    if _DISPUTED.search(text):
        return None
    try:
        reading = _Reading(CParser(text), file)
        root = reading.document()
    except (QuickError, DocumentErrors, ValueError):
        return None
    # Of a document that is one text alone, they think differently of where it ends.
    return Tree(file, root.value, root) if isinstance(root.value, dict) and not reading.errors else None


def _one(what: str, place: Place, hint: str | None = None) -> DocumentErrors:
    return DocumentErrors([DocumentError(what, place=place, hint=hint)])


def _syntax(error: MarkedYAMLError, file: str, text: str) -> tuple[str, Place, str | None]:
    mark = error.problem_mark or error.context_mark
    place = _at(file, mark) if mark else Place(file)
    problem = (error.problem or error.context or "").strip()
    indent = text[: mark.index + 1].rpartition("\n")[2] if mark else ""
    if "\\t" in problem or ("\t" in indent and indent.isspace()):
        return "a tab cannot indent a line", place, "use spaces"
    if "mapping values are not allowed" in problem:
        return "a second `:` cannot stand here", place, "put the text in quotes, or indent the key"
    problem = re.sub(r"\('(.*)',\)", r"'\1'", problem)  # ruamel means to show a name, and shows a tuple
    problem = problem.replace("'", "`").replace('"', "`").removesuffix(".")
    return f"this is no YAML: {problem[:1].lower()}{problem[1:]}", place, None


class _Scanner(Scanner):
    """ruamel's scanner, which looks for what is too deep itself: it reads ahead, and slower the deeper it is."""

    # Properties of ruamel's, looked up for every character.
    reader: Any = None
    scanner_processing_version = (1, 2)

    def __init__(self, reader: Reader, file: str) -> None:
        self.reader = reader
        self.file = file
        super().__init__()

    def need_more_tokens(self) -> bool:
        if self.tokens and not self.possible_simple_keys:
            return False
        return bool(super().need_more_tokens())

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:
        if self.flow_level >= DEEPEST:
            raise _too_deep(self.file, self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)

    def fetch_directive(self) -> NoReturn:
        raise _one("a line cannot begin with `%`", _at(self.file, self.reader.get_mark()), "remove it")


class _Parser(Parser):
    scanner: Any = None
    processing_version = (1, 2)

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        super().__init__(None)

    @property
    def resolver(self) -> "_Parser":
        return self  # it is asked for the version alone

    def distribute_comment(self, *_: Any) -> None:
        """Called where there is no loader to say what becomes of comments. Nothing does."""


def _at(file: str, mark: StringMark) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


def _too_deep(file: str, mark: StringMark) -> DocumentErrors:
    hint = f"at most {DEEPEST} levels are read"
    return _one("the document is nested too deeply here", _at(file, mark), hint)


class _Reading:
    """From events to values. Errors are gathered, except those that leave nothing to go on with."""

    def __init__(self, parser: Any, file: str) -> None:
        self.file = file
        self.parser = parser
        self.anchors: dict[str, Written] = {}
        self.errors: list[DocumentError] = []
        self.count = 0

    def document(self) -> Written:
        self.parser.get_event()  # the stream's start
        if isinstance(self.parser.get_event(), _STREAM_END):
            raise _one("the document is empty", Place(self.file, 1, 1))
        root = self._node(self.parser.get_event(), 0)
        ending = self.parser.get_event()
        while isinstance(ending, _DOCUMENT_END):
            ending = self.parser.get_event()
        if not isinstance(ending, _STREAM_END):
            raise _one("a second document begins here", _at(self.file, ending.start_mark), "write one document a file")
        return root

    def _node(self, event: Any, depth: int) -> Written:
        mark = event.start_mark
        if isinstance(event, _ALIAS):
            return self._named(event.anchor, mark, depth)
        self._counted(1, mark)
        if depth > DEEPEST:
            raise _too_deep(self.file, mark)
        node = Written((mark.line, mark.column))
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if isinstance(event, _SCALAR):
            node.value = self._scalar(event)
            return node
        node.open = True
        if isinstance(event, _MAPPING):
            self._tagged(event, "map")
            node.value = self._mapping(node, depth)
        else:
            self._tagged(event, "seq")
            node.value = self._sequence(node, depth)
        node.open = False
        return node

    def _named(self, name: str, mark: StringMark, depth: int) -> Written:
        """What an alias names, counted as if it stood there."""
        node = self.anchors.get(name)
        if node is None:
            self._wrong(f"no anchor `{shown(name)}` was set", mark)
        elif node.open:
            self._wrong(f"`{shown(name)}` would hold itself", mark)
        else:
            self._counted(node.size, mark)
            if depth + node.height > DEEPEST:
                raise _too_deep(self.file, mark)
            return node
        return Written((mark.line, mark.column))

    def _sequence(self, node: Written, depth: int) -> list[Plain]:
        node.parts = items = list[Written]()
        while not isinstance(event := self.parser.get_event(), _SEQUENCE_END):
            item = self._node(event, depth + 1)
            items.append(item)
            node.holds(item)
        return [item.value for item in items]

    def _mapping(self, node: Written, depth: int) -> dict[str, Plain]:
        node.parts = entries = dict[str, tuple[Spot, Written]]()
        while not isinstance(event := self.parser.get_event(), _MAPPING_END):
            mark = event.start_mark
            key = self._key(event, depth)
            value = self._node(self.parser.get_event(), depth + 1)
            if key is None:
                continue
            if key in entries:
                hint = f"the first is on line {entries[key][0][0] + 1}"
                self._wrong(f"`{shown(key)}` stands here a second time", mark, hint)
                continue
            entries[key] = (mark.line, mark.column), value
            node.holds(value)
        return {key: value.value for key, (_, value) in entries.items()}

    def _key(self, event: Any, depth: int) -> str | None:
        if isinstance(event, _SCALAR):
            if event.anchor is not None:
                self.anchors[event.anchor] = Written((event.start_mark.line, event.start_mark.column), event.value)
            return self._text(event)
        self._node(event, depth + 1)
        self._wrong("a key must be a word", event.start_mark)
        return None

    def _scalar(self, event: ScalarEvent) -> Plain:
        text, tag = self._text(event), event.tag
        if text is None or tag == _TAG + "str" or (tag is None and not event.implicit[0]):
            return text
        if tag is not None and tag not in _SCALARS:
            self._tagged(event, "str")
            return None
        if text in _NOTHING:
            return None
        if text in _TRUTHS:
            return _TRUTHS[text]
        if text[0] in "-+.0123456789":
            if _INTEGER.fullmatch(text):
                return int(text)
            if _NUMBER.fullmatch(text):
                return float(text)
        return text

    def _text(self, event: ScalarEvent) -> str | None:
        """The text with escaped pairs (`\\ud83d\\ude00`, as JSON has them) made one character; no half of one."""
        text = str(event.value)
        if not text.isascii():
            try:
                return text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._wrong("half a character, written as an escape, cannot stand alone", event.start_mark)
                return None
        return text

    def _tagged(self, event: Any, kind: str) -> None:
        if event.tag not in {None, "!", _TAG + kind}:
            tag = event.tag.replace(_TAG, "!!", 1)
            self._wrong(f"the tag `{shown(tag)}` cannot be used", event.start_mark, "leave it out")

    def _counted(self, more: int, mark: StringMark) -> None:
        self.count += more
        if self.count > MOST_VALUES:
            hint = f"at most {MOST_VALUES} values are read, aliases unfolded"
            raise _one("the document is too large here", _at(self.file, mark), hint)

    def _wrong(self, what: str, mark: StringMark, hint: str | None = None) -> None:
        self.errors.append(DocumentError(what, place=_at(self.file, mark), hint=hint))


# ---------------------------------------------------------------- what a shape may say of its values


def told(what: str, hint: str | None = None) -> PydanticCustomError:
    """An error of a value in our words, which `validated` gives its place."""
    return PydanticCustomError("told", "{what}", {"what": what, "hint": hint})


def chosen(known: Sequence[str], label: str = "") -> BeforeValidator:
    """A word out of a list, with the nearest one as the hint."""

    def check(value: object) -> object:
        if isinstance(value, str) and value not in known:
            raise PydanticCustomError("unknown_word", "unknown", {"label": label, "hint": one_of(known, value)})
        return value

    return BeforeValidator(check)


def spelled(pattern: str, what: str, hint: str, longest: int = 120) -> BeforeValidator:
    """A text that is written in a certain way."""
    compiled = re.compile(pattern)

    def check(value: object) -> object:
        if isinstance(value, str) and (len(value) > longest or not compiled.fullmatch(value)):
            raise told(f"`{shown(value)}` is no {what}", hint)
        return value

    return BeforeValidator(check)


def listed(value: object) -> object:
    """One value where a list may stand is a list of one."""
    return value if isinstance(value, list | tuple) else [value]


# ---------------------------------------------------------------- from values to a validated shape


def validated[M: BaseModel](model: type[M], tree: Tree) -> M:
    """The document in its shape; raises `DocumentErrors` with each error at its place."""
    try:
        return model.model_validate(tree.value)
    except ValidationError as trouble:
        errors = [_told(detail, model, tree) for detail in _independent(trouble, model)]
        raise DocumentErrors(_in_order(errors)) from None


def refuse(errors: Iterable[DocumentError]) -> None:
    """Raises `DocumentErrors` where there are errors, in the order in which a reader meets them."""
    if ordered := _in_order(errors):
        raise DocumentErrors(ordered)


def _in_order(errors: Iterable[DocumentError]) -> list[DocumentError]:
    unique = {str(error): error for error in errors}
    return sorted(unique.values(), key=lambda error: _position(error.place))[:MOST_ERRORS]


def _position(place: Place | None) -> tuple[str, int, int]:
    return (place.file, place.line or 0, place.column or 0) if place else ("", 0, 0)


def _independent(trouble: ValidationError, model: type[BaseModel]) -> Iterator[ErrorDetails]:
    """The errors without those that only follow from another.

    A list is not empty because its one item is wrong, and a key is not missing that is misspelled.
    """
    # Each is compared with every known key; with tens of thousands that would take minutes.
    details = trouble.errors(include_url=False)[: 4 * MOST_ERRORS]
    meant = {
        (*detail["loc"][:-1], name)
        for detail in details
        if detail["type"] == "extra_forbidden"
        for name in get_close_matches(str(detail["loc"][-1]), _keys_of(model, detail["loc"][:-1]), n=1)
    }
    for detail in details:
        path, kind = detail["loc"], detail["type"]
        within = (other is not detail and other["loc"][: len(path)] == path for other in details)
        if not (kind == "missing" and path in meant) and not (kind == "too_short" and any(within)):
            yield detail


def _told(detail: ErrorDetails, model: type[BaseModel], tree: Tree) -> DocumentError:
    path, on_key = tuple(detail["loc"]), False
    if path and path[-1] == "[key]":  # pydantic's mark for trouble with a key rather than its value
        path, on_key = path[:-1], True
    kind, context = detail["type"], detail.get("ctx", {})
    name = next((step for step in reversed(path) if isinstance(step, str)), "document")
    written = path[-1] if on_key else tree.written(path)
    match kind:
        case "extra_forbidden":
            known = one_of(_keys_of(model, path[:-1]), str(path[-1]))
            return tree.error(path, f"unknown key `{shown(path[-1])}`", known, key=True)
        case "missing":
            return tree.error(path[:-1], f"`{name}` is missing")
        case "told":
            return tree.error(path, detail["msg"], context.get("hint"), key=on_key)
        case "value_error":
            return tree.error(path, str(context["error"]), key=on_key)
    if written is None:
        return tree.error(path, f"`{name}` has no value" if path else "the document is empty")
    match kind:
        case "unknown_word":
            return tree.error(path, f"unknown {context['label'] or name} `{shown(written)}`", context["hint"])
        case "enum" | "literal_error":
            what = f"unknown {'key' if on_key else name} `{shown(written)}`"
            words = re.findall(r"'([^']*)'", context["expected"])  # pydantic has `'post', 'share' or 'view'`
            return tree.error(path, what, one_of(words, str(written)), key=on_key)
        case "too_short" | "string_too_short":
            return tree.error(path, f"`{name}` is empty", "leave it out, or say what it holds")
        case "too_long":
            length = len(written) if isinstance(written, list) else context["actual_length"]
            return tree.error(path, f"`{name}` has {length} entries", f"at most {context['max_length']}")
        case "string_too_long":
            what = f"`{shown(written)}` has {len(str(written))} characters"
            return tree.error(path, what, f"at most {context['max_length']}", key=on_key)
        case "greater_than_equal" | "less_than_equal":
            bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
            return tree.error(path, f"`{name}` is `{shown(written)}`", bound)
        case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
            return tree.error(path, f"`{shown(written)}` is no date", "write it as `2026-11-24`")
    if not path:
        first = next((info.alias or name for name, info in model.model_fields.items() if info.is_required()), "key")
        what = f"the document must be keys and values, not `{shown(written)}`"
        return tree.error(path, what, f"write `{first}: ...`")
    hint = "put it in quotes" if kind == "string_type" and isinstance(written, (bool, int, float)) else None
    expected = _EXPECTED.get(kind)
    what = f"must be {expected}, not `{shown(written)}`" if expected else f"cannot be `{shown(written)}`"
    return tree.error(path, f"`{name}` {what}", hint, key=on_key)


_EXPECTED = {
    "string_type": "text",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "mapping_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "float_type": "a number",
    "float_parsing": "a number",
}


def shown(value: object) -> str:
    """What the writer wrote, cut to a length that fits a sentence, with nothing in it that moves a cursor.

    >>> shown({"a": [1, True]})
    '{a: [1, true]}'
    """
    text = "".join(letter if letter.isprintable() else "·" for letter in _flow(value)[:80])
    return text if len(text) <= 60 else text[:57] + "..."


def _flow(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in list(value.items())[:8]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value[:8]) + "]"
    return "null" if value is None else str(value)


def _keys_of(model: type[BaseModel], path: Steps) -> tuple[str, ...]:
    shape: Any = model
    for step in path:
        shape = _bare(shape)
        if _is_model(shape):
            fields = (info.annotation for name, info in shape.model_fields.items() if step in {name, info.alias})
            shape = next(fields, None)
        elif arguments := get_args(shape):
            shape = arguments[0] if isinstance(step, int) else arguments[-1]
    shape = _bare(shape)
    return tuple(info.alias or name for name, info in shape.model_fields.items()) if _is_model(shape) else ()


def _is_model(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def _bare(shape: Any) -> Any:
    """A type without `Annotated`, alias and `None`."""
    while True:
        if isinstance(shape, TypeAliasType):
            shape = shape.__value__
        elif get_origin(shape) is Annotated:
            shape = get_args(shape)[0]
        elif isinstance(alias := get_origin(shape), TypeAliasType):
            shape = alias.__value__[get_args(shape)]
        elif get_origin(shape) in {Union, UnionType}:
            shape = next((part for part in get_args(shape) if part is not NoneType), None)
        else:
            return shape
