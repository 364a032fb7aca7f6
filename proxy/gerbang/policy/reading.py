"""YAML as a person wrote it: plain values, each with its place, and errors in the writer's words.

Nodes are composed and turned into values here rather than by ruamel's constructor, because that
keeps the place of every key and value, makes a repeated key an error, leaves dates and times as the
text that stands there, and lets aliases be bounded while they are expanded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from gerbang.errors import DocumentError, DocumentErrors, Place, one_of

# Far above any document of ours (tens of kilobytes). What is hostile within it takes ruamel about four seconds.
LONGEST = 256 * 1024
# After aliases are expanded.
MOST_NODES = 50_000
DEEPEST = 32
# More would only bury the first.
MOST_ERRORS = 50

Steps = tuple[str | int, ...]
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Tree:
    """The values of a document, and where each key and value stands."""

    file: str
    value: Plain
    keys: Mapping[Steps, Place] = field(default_factory=dict)
    values: Mapping[Steps, Place] = field(default_factory=dict)

    def place(self, path: Steps, *, key: bool = False) -> Place:
        """Where the value (or its key) stands; for what was not written, the nearest thing around it."""
        real, _ = self._walked(path)
        if key and real in self.keys:
            return self.keys[real]
        while real and real not in self.values:
            real = real[:-1]
        return self.values.get(real, Place(self.file, 1, 1))

    def written(self, path: Steps) -> Plain:
        """The value at a path, `None` where nothing is written."""
        return self._walked(path)[1]

    def _walked(self, path: Steps) -> tuple[Steps, Plain]:
        """The path as it is written, and the value there."""
        value, real = self.value, list[str | int]()
        for step in path:
            if step == 0 and not isinstance(value, list):
                continue  # one value where a list may stand is read as a list of it
            real.append(step)
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                value = None
        return tuple(real), value

    def error(self, path: Steps, what: str, hint: str | None = None, *, key: bool = False) -> DocumentError:
        return DocumentError(what, place=self.place(path, key=key), hint=hint)


def read_yaml(text: str, file: str) -> Tree:
    """One YAML document; raises `DocumentErrors`."""
    if len(text) > LONGEST:
        raise _one(f"the document has {len(text)} characters", Place(file), f"at most {LONGEST} are read")
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.max_depth = 4 * DEEPEST  # the exact bound is kept below, with a place
        yaml.composer.warn_double_anchors = False  # an anchor may be set anew; a warning would reach the terminal
        node = yaml.compose(text)
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        place = Place(file, before.count("\n") + 1, column)
        raise _one(f"the character U+{error.character:04X} cannot stand in a document", place) from None
    except MarkedYAMLError as error:
        raise _one(*_syntax(error, file, text)) from None
    except RecursionError:
        raise _one("the document is nested too deeply", Place(file)) from None
    except YAMLError as error:
        raise _one(f"this is no YAML: {str(error).splitlines()[0]}", Place(file)) from None
    except ValueError:
        # Raised for a `%YAML` line or an escape that cannot be.
        raise _one("this is no YAML", Place(file)) from None
    if node is None:
        raise _one("the document is empty", Place(file, 1, 1))
    builder = _Builder(file)
    value = builder.build(node, (), 0)
    if builder.errors:
        raise DocumentErrors(builder.errors[:MOST_ERRORS])
    return Tree(file, value, builder.keys, builder.values)


def _one(what: str, place: Place, hint: str | None = None) -> DocumentErrors:
    return DocumentErrors([DocumentError(what, place=place, hint=hint)])


def _syntax(error: MarkedYAMLError, file: str, text: str) -> tuple[str, Place, str | None]:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    problem = (error.problem or error.context or "").strip()
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if "\\t" in problem or "\t" in line[: (mark.column if mark else 0) + 1]:
        return "a tab cannot indent a line", place, "use spaces"
    if "mapping values are not allowed" in problem:
        return "a second `:` cannot stand here", place, "put the text in quotes, or indent the key"
    if "maximum depth" in problem:
        return "the document is nested too deeply here", place, None
    if "undefined alias" in problem:
        return f"no anchor `{problem.split()[-1].strip(chr(39))}` was set", place, None
    if "but found another document" in problem or "expected a single document" in str(error):
        return "a second document begins here", place, "write one document a file"
    problem = problem.replace("'", "`").replace('"', "`").removesuffix(".")
    return f"this is no YAML: {problem[:1].lower()}{problem[1:]}", place, None


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[Steps, Place] = {}
        self.values: dict[Steps, Place] = {}
        self.errors: list[DocumentError] = []
        self.count = 0
        self.full = False

    def build(self, node: Node, path: Steps, depth: int) -> Plain:
        place = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        self.count += 1
        if self.full:
            return None
        if self.count > MOST_NODES or depth > DEEPEST:
            self.full = True
            self._wrong("the document is too large or nested too deeply here", place, "unfold its aliases")
            return None
        self.values[path] = place
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if isinstance(node, SequenceNode):
            return [self.build(child, (*path, index), depth + 1) for index, child in enumerate(node.value)]
        assert isinstance(node, MappingNode)  # noqa: S101 (the third and last kind of node)
        return self._mapping(node, path, depth)

    def _mapping(self, node: MappingNode, path: Steps, depth: int) -> dict[str, Plain]:
        result: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            place = Place(self.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                self._wrong("a key must be a word", place)
                continue
            key = _paired(str(key_node.value))
            if key is None:
                self._wrong("half a character, written as an escape, cannot stand alone", place)
                continue
            if key in result:
                first = self.keys[(*path, key)]
                self._wrong(f"`{shown(key)}` stands here a second time", place, f"the first is on line {first.line}")
                continue
            self.keys[(*path, key)] = place
            result[key] = self.build(value_node, (*path, key), depth + 1)
            if result[key] is None:
                self.values[(*path, key)] = place  # what is not there stands nowhere; its key does
        return result

    def _scalar(self, node: ScalarNode, place: Place) -> Plain:
        tag, text = str(node.tag), _paired(str(node.value))
        if text is None:
            self._wrong("half a character, written as an escape, cannot stand alone", place)
            return None
        if not tag.startswith(_TAG):
            self._wrong(f"the tag `{shown(tag)}` cannot be used", place, "leave it out")
            return None
        kind = tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int" and _INTEGER.fullmatch(text):
            return int(text)
        if kind == "float" and _NUMBER.fullmatch(text):
            return float(text)
        if kind in {"str", "int", "float", "timestamp", "merge", "value"}:
            return text
        self._wrong(f"the tag `!!{kind}` cannot be used", place, "leave it out")
        return None

    def _wrong(self, what: str, place: Place, hint: str | None = None) -> None:
        self.errors.append(DocumentError(what, place=place, hint=hint))


def _paired(text: str) -> str | None:
    """The text with escaped pairs (`\\ud83d\\ude00`, as JSON has them) made one character; `None` for half a pair."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


# ---------------------------------------------------------------- from values to a validated shape


def validated[M: BaseModel](model: type[M], tree: Tree) -> M:
    """The document in its shape; raises `DocumentErrors` with each error at its place."""
    try:
        return model.model_validate(tree.value)
    except ValidationError as trouble:
        errors = [_told(detail, model, tree) for detail in _independent(trouble.errors(include_url=False))]
        raise DocumentErrors(in_order(errors)) from None


def _independent(details: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """The errors without those that only follow from another: a list is not empty because its one item is wrong."""
    for detail in details:
        path = detail["loc"]
        if detail["type"] != "too_short" or not any(
            len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in details
        ):
            yield detail


def in_order[E: DocumentError](errors: Iterable[E]) -> list[E]:
    """Errors as a reader meets them, each sentence once."""
    unique = {str(error): error for error in errors}
    ordered = sorted(unique.values(), key=lambda error: _position(error.place))
    return ordered[:MOST_ERRORS]


def _position(place: Place | None) -> tuple[str, int, int]:
    return (place.file, place.line or 0, place.column or 0) if place else ("", 0, 0)


def _told(detail: ErrorDetails, model: type[BaseModel], tree: Tree) -> DocumentError:
    path, on_key = tuple(detail["loc"]), False
    if path and path[-1] == "[key]":  # pydantic's mark for trouble with a key rather than its value
        path, on_key = path[:-1], True
    kind, context = detail["type"], detail.get("ctx", {})
    written = tree.written(path)
    name = next((step for step in reversed(path) if isinstance(step, str)), "document")
    if written is None and kind not in {"extra_forbidden", "missing"}:
        return tree.error(path, f"`{name}` has no value")
    match kind:
        case "extra_forbidden":
            known = _keys_of(model, path[:-1])
            return tree.error(path, f"unknown key `{shown(str(name))}`", one_of(known, str(name)), key=True)
        case "missing":
            return tree.error(path[:-1], f"`{name}` is missing")
        case "unknown_word":
            return tree.error(path, f"unknown {context['label'] or name} `{shown(written)}`", context["hint"])
        case "enum":
            choices = _choices_of(model, path)
            return tree.error(path, f"unknown {name} `{shown(written)}`", one_of(choices, str(written)))
        case "told":
            return tree.error(path, detail["msg"], context.get("hint"), key=on_key)
        case "too_short":
            return tree.error(path, f"`{name}` is empty", "leave it out, or say what it holds")
        case "too_long" | "string_too_long" | "less_than_equal":
            limit = context.get("max_length", context.get("le"))
            return tree.error(path, f"`{name}` is too long or too large", f"at most {limit}")
        case "string_too_short":
            return tree.error(path, f"`{name}` is empty")
        case "greater_than_equal":
            return tree.error(path, f"`{name}` is too small", f"at least {context.get('ge')}")
        case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
            return tree.error(path, f"`{shown(written)}` is no date", "write it as `2026-11-24`")
        case "datetime_from_date_parsing" | "datetime_parsing" | "datetime_type" | "timezone_aware":
            return tree.error(path, f"`{shown(written)}` is no time", "write it as `2026-11-24T10:15+08:00`")
    expected = _EXPECTED.get(kind, "something else")
    hint = "put it in quotes" if kind == "string_type" and isinstance(written, (bool, int, float)) else None
    return tree.error(path, f"`{name}` is {expected}, not `{shown(written)}`", hint)


_EXPECTED = {
    "string_type": "text",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a list of keys and values",
    "mapping_type": "a list of keys and values",
    "model_type": "a list of keys and values",
    "model_attributes_type": "a list of keys and values",
    "float_type": "a number",
    "float_parsing": "a number",
}


def shown(value: Plain) -> str:
    """What the writer wrote, cut to a length that fits a sentence, with nothing in it that moves a cursor.

    >>> shown({"a": [1, True]})
    '{a: [1, true]}'
    """
    text = "".join(letter if letter.isprintable() else "·" for letter in _flow(value)[:80])
    return text if len(text) <= 60 else text[:57] + "..."


def _flow(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in list(value.items())[:8]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value[:8]) + "]"
    return "null" if value is None else str(value)


def _keys_of(model: type[BaseModel], path: Steps) -> tuple[str, ...]:
    shape = _shape_at(model, path)
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return tuple(info.alias or name for name, info in shape.model_fields.items())
    return ()


def _choices_of(model: type[BaseModel], path: Steps) -> tuple[str, ...]:
    shape = _shape_at(model, path)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return tuple(str(member.value) for member in shape)
    return ()


def _shape_at(model: type[BaseModel], path: Steps) -> Any:
    shape: Any = model
    for step in path:
        shape = _bare(shape)
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            fields: Iterator[Any] = (
                info.annotation for name, info in shape.model_fields.items() if step in {name, info.alias}
            )
            shape = next(fields, None)
        else:
            arguments = get_args(shape)
            if not arguments:
                return None
            shape = arguments[0] if isinstance(step, int) else arguments[-1]
    return _bare(shape)


def _bare(shape: Any) -> Any:
    """A type without `Annotated`, alias and `None`."""
    while True:
        if isinstance(shape, TypeAliasType):
            shape = shape.__value__
        elif get_origin(shape) is Annotated:
            shape = get_args(shape)[0]
        elif get_origin(shape) in {Union, UnionType}:
            shape = next((part for part in get_args(shape) if part is not NoneType), None)
        else:
            return shape
