"""YAML to plain values that remember where they stand, so that an error can say file, line and column."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML, MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gerbang.errors import DocumentError, DocumentErrors, Place, one_of

NODES = 200_000
"""Nodes of a document, aliases followed; more is refused."""

type Path = tuple[str | int, ...]


class Source:
    """A document's plain value, and the place of each part of it by its path."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._places: dict[Path, Place] = {}
        self._nodes = 0
        try:
            node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
            raise DocumentErrors([DocumentError(f"not YAML: {error.problem or error.context}", place=place)]) from error
        except (YAMLError, ValueError, RecursionError) as error:
            raise DocumentErrors([DocumentError("not YAML", place=Place(file))]) from error
        self.value: Any = None if node is None else self._plain(node, (), 0)

    def place(self, path: Path) -> Place:
        """Where the part stands, or the nearest whole around it."""
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, Place(self.file))

    def error(self, path: Path, what: str, hint: str | None = None) -> DocumentError:
        return DocumentError(what, place=self.place(path), hint=hint)

    def errors(self, error: ValidationError) -> DocumentErrors:
        """Pydantic's complaints in our words."""
        return DocumentErrors([self._sentence(detail) for detail in error.errors(include_url=False)])

    def _sentence(self, detail: Mapping[str, Any]) -> DocumentError:
        context: dict[str, Any] = detail.get("ctx", {})
        path = tuple(part for part in detail["loc"] if not (isinstance(part, str) and part.startswith("<")))
        given = detail.get("input")
        named = _name(path)
        if path and path[-1] == "[key]":  # how pydantic marks a mapping's key that is wrong
            path, named = path[:-1], "key"
        match detail["type"]:
            case "gerbang":
                key = context.get("key")
                return self.error((*path, key) if key is not None else path, str(context["what"]), context.get("hint"))
            case "missing":
                return self.error(path[:-1], f"`{path[-1]}` is missing")
            case "enum" | "literal_error":
                words = [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
                return self.error(path, f"unknown {named} `{given}`", one_of(words, str(given)))
            case "value_error":
                return self.error(path, str(context["error"]))
            case _:
                return self.error(path, f"`{_name(path)}`: {str(detail['msg'])[:1].lower()}{str(detail['msg'])[1:]}")

    def _plain(self, node: Node, path: Path, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > NODES or depth > 60:
            raise DocumentErrors([DocumentError("too large or nested too deeply", place=Place(self.file))])
        self._places[path] = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if isinstance(node, SequenceNode):
            return [self._plain(item, (*path, number), depth + 1) for number, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            found: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                if key in found:
                    place = Place(self.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                    raise DocumentErrors([DocumentError(f"`{key}` stands twice", place=place)])
                found[key] = self._plain(value_node, (*path, key), depth + 1)
                self._places[(*path, key)] = Place(
                    self.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1
                )
            return found
        raise DocumentErrors([self.error(path, "cannot be read")])


def _scalar(node: ScalarNode) -> Any:
    value = str(node.value)
    match str(node.tag).rpartition(":")[2]:
        case "str":
            return value
        case "null":
            return None
        case "bool":
            return value.lower() == "true"
        case "int":
            try:
                return int(value.replace("_", ""), 0)
            except ValueError:
                return int(value.replace("_", ""))
        case "float":
            return float(value.replace("_", ""))
        case _:
            return value


def _name(path: Path) -> str:
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "document")
