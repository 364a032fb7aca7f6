"""Vocabularies as an admin writes them: groups of terms, and which of them standing together is a finding."""

from collections.abc import Iterable
from difflib import get_close_matches
from io import StringIO
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gerbang.checks.patterns import compiled
from gerbang.errors import DocumentError, DocumentErrors, Place, one_of
from gerbang.model import Likelihood

CATEGORIES = (
    "official-information",
    "personal-data",
    "political",
    "personal-attack",
    "agency-criticism",
    "unverified",
    "sensitive",
    "rights",
    "correction",
)
MAX_DOCUMENT = 1 << 20  # characters
MAX_TERM = 120  # characters

Category = Literal[
    "official-information",
    "personal-data",
    "political",
    "personal-attack",
    "agency-criticism",
    "unverified",
    "sensitive",
    "rights",
    "correction",
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TERM, strip_whitespace=True)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Strict):
    """A title in the two languages in which a person reads it."""

    ms: str
    en: str


class Group(Strict):
    """Terms that mean the same to a finding. A term that ends in `~` counts only beside a second signal.

    `match`: `word` takes the particles of speech (*bodohlah*), `stem` also Malay affixes and English endings
    (*diperbodohkan*, *idiots*), `exact` nothing, `part` finds the term inside words too. Terms in scripts without
    spaces are always found inside. `case: kept` reads letters as they are written (PAS, not pas).
    `patterns` run in RE2 over the text with its case kept.
    """

    terms: tuple[Term, ...] = ()
    match: Literal["word", "stem", "exact", "part"] = "word"
    case: Literal["folded", "kept"] = "folded"
    weight: Annotated[int, Field(ge=1, le=5)] = 1
    patterns: tuple[Annotated[str, StringConstraints(min_length=1, max_length=1000)], ...] = ()


class Combination(Strict):
    """A finding: a hit of `find` that has, `within` so many words, a hit of each `near`, none of `not_near`."""

    find: tuple[Name, ...]
    near: tuple[tuple[Name, ...], ...] = ()
    not_near: tuple[Name, ...] = ()
    within: Annotated[int, Field(ge=1, le=400)] = 12
    not_within: Annotated[int, Field(ge=1, le=400)] | None = None
    at_least: Annotated[int, Field(ge=1, le=100)] = 1  # different hits of `find` in the text
    likelihood: Likelihood

    @model_validator(mode="before")
    @classmethod
    def single_names(cls, data: Any) -> Any:
        """A single name stands for a list of one."""
        if not isinstance(data, dict):
            return data
        lists = {key: [data[key]] for key in ("find", "not_near", "near") if isinstance(data.get(key), str)}
        near = lists.get("near", data.get("near"))
        if isinstance(near, list):
            lists["near"] = [[entry] if isinstance(entry, str) else entry for entry in near]
        return {**data, **lists}


class LexiconDocument(Strict):
    """One vocabulary. Its `lexicon` is the id of the check whose findings it makes, or which asks for its groups."""

    lexicon: Name
    title: Words
    category: Category
    seen: str = ""
    groups: dict[Name, Group] = Field(default_factory=dict)
    findings: tuple[Combination, ...] = ()
    file: str = ""

    @model_validator(mode="after")
    def something(self) -> Self:
        if not self.groups:
            raise ValueError("a vocabulary has at least one group of terms")
        return self


def parse_lexicon(text: str, file: str) -> LexiconDocument:
    """The document, or `DocumentErrors` with every mistake and its place."""
    data = load_yaml(text, file)
    plain = _with_short_groups(data, file)
    try:
        document = LexiconDocument.model_validate({**plain, "file": file})
    except ValidationError as error:
        raise DocumentErrors(_translated(error, data, file)) from None
    errors = [*_unknown_groups(document, data, file), *_bad_patterns(document, data, file)]
    if errors:
        raise DocumentErrors(errors)
    return document


def load_yaml(text: str, file: str) -> Any:
    """A YAML mapping that remembers the places of its keys and values."""
    if len(text) > MAX_DOCUMENT:
        raise DocumentErrors([DocumentError("the document is larger than 1 MiB", place=Place(file))])
    try:
        data = YAML(typ="rt").load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        what = (error.problem or "cannot be read").splitlines()[0]
        raise DocumentErrors([DocumentError(f"not YAML: {what}", place=place)]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        what = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise DocumentErrors([DocumentError(f"not YAML: {what}", place=Place(file))]) from None
    if not isinstance(data, dict):
        raise DocumentErrors([DocumentError("expected keys and values", place=Place(file, 1, 1))])
    return data


def place_of(data: Any, path: Iterable[int | str], file: str) -> Place:
    """Where the value at `path` stands; a key that is missing, where its parent stands."""
    line, column = 0, 0
    value: Any = data
    for step in path:
        try:
            line, column = getattr(value.lc, "value" if hasattr(value, "keys") else "item")(step)
            value = value[step]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
    return Place(file, line + 1, column + 1)


def _key_place(data: Any, path: tuple[int | str, ...], file: str) -> Place:
    parent = data
    try:
        for step in path[:-1]:
            parent = parent[step]
        line, column = parent.lc.key(path[-1])
    except (KeyError, IndexError, AttributeError, TypeError):
        return place_of(data, path, file)
    return Place(file, line + 1, column + 1)


def _with_short_groups(data: Any, file: str) -> dict[str, Any]:
    """A group that is only a list of terms, written out."""
    if "file" in data:
        raise DocumentErrors([DocumentError("unknown key `file`", place=_key_place(data, ("file",), file))])
    plain = dict(data)
    if isinstance(groups := data.get("groups"), dict):
        plain["groups"] = {
            name: {"terms": list(group)} if isinstance(group, list) else group for name, group in groups.items()
        }
    return plain


FIELDS = {
    "document": tuple(name for name in LexiconDocument.model_fields if name != "file"),
    "group": tuple(Group.model_fields),
    "combination": tuple(Combination.model_fields),
}


def _translated(error: ValidationError, data: Any, file: str) -> list[DocumentError]:
    return [_one(problem, data, file) for problem in error.errors(include_url=False)]


def _one(problem: Any, data: Any, file: str) -> DocumentError:
    path = tuple(problem["loc"])
    where = path
    if len(path) > 2 and path[0] == "groups" and isinstance(_at(data, path[:2]), list):
        where = (*path[:2], *path[3:])  # a group written as a list of terms
    if "near" in where and isinstance(_at(data, (*where[: where.index("near") + 1],)), str):
        where = where[: where.index("near") + 1]
    key = str(path[-1]) if path else ""
    given = _shown(problem.get("input"))
    place = place_of(data, where, file)
    match problem["type"]:
        case "extra_forbidden":
            kind = "document" if len(path) == 1 else "group" if path[0] == "groups" else "combination"
            known = FIELDS[kind] if path[0] != "title" else ("ms", "en")
            return DocumentError(f"unknown key `{key}`", place=_key_place(data, where, file), hint=one_of(known, key))
        case "missing":
            return DocumentError(f"`{key}` is missing", place=place)
        case "literal_error" | "enum":
            words: tuple[str, ...] = {
                "category": CATEGORIES,
                "match": ("word", "stem", "exact", "part"),
                "case": ("folded", "kept"),
            }.get(key, tuple(Likelihood))
            return DocumentError(f"unknown {key} `{given}`", place=place, hint=one_of(words, str(given)))
        case "string_pattern_mismatch":
            return DocumentError(
                f"`{given}` is no name", place=place, hint="use lower-case letters, digits and single hyphens"
            )
        case "string_too_long":
            limit = problem["ctx"]["max_length"]
            return DocumentError(f"`{given}` is longer than {limit} characters", place=place)
        case "string_too_short":
            return DocumentError(f"`{key}` is empty", place=place)
        case "value_error":
            return DocumentError(str(problem["ctx"]["error"]), place=place)
        case "greater_than_equal" | "less_than_equal":
            bound = problem["ctx"].get("ge", problem["ctx"].get("le"))
            word = "least" if "ge" in problem["ctx"] else "most"
            return DocumentError(f"`{key}` is `{given}`", place=place, hint=f"at {word} {bound}")
        case kind:
            expected = {
                "string_type": "text (put it in quotes)",
                "tuple_type": "a list",
                "dict_type": "keys and values",
                "model_type": "keys and values",
                "model_attributes_type": "keys and values",
                "int_parsing": "a whole number",
                "int_type": "a whole number",
                "int_from_float": "a whole number",
            }.get(kind, "something else")
            return DocumentError(f"`{given}` does not fit `{_field(path)}`", place=place, hint=f"expected {expected}")


def _field(path: tuple[int | str, ...]) -> str:
    return next((str(step) for step in reversed(path) if isinstance(step, str)), "document")


def _at(data: Any, path: tuple[int | str, ...]) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _unknown_groups(document: LexiconDocument, data: Any, file: str) -> Iterable[DocumentError]:
    known = tuple(document.groups)
    for number, combination in enumerate(document.findings):
        for key, names in (
            ("find", combination.find),
            ("near", tuple(name for entry in combination.near for name in entry)),
            ("not_near", combination.not_near),
        ):
            for name in names:
                if name not in document.groups:
                    near = get_close_matches(name, known, n=1)
                    hint = f"did you mean `{near[0]}`?" if near else one_of(known)
                    place = place_of(data, ("findings", number, key), file)
                    yield DocumentError(f"no group `{name}` in this vocabulary", place=place, hint=hint)


def _bad_patterns(document: LexiconDocument, data: Any, file: str) -> Iterable[DocumentError]:
    for name, group in document.groups.items():
        for number, pattern in enumerate(group.patterns):
            try:
                ready = compiled(pattern)
            except ValueError as error:
                place = place_of(data, ("groups", name, "patterns", number), file)
                hint = "patterns run in RE2, which has no look-around and no back-references"
                yield DocumentError(f"the pattern `{_shown(pattern)}` cannot be used: {error}", place=place, hint=hint)
            else:
                if ready.search("") is not None:
                    place = place_of(data, ("groups", name, "patterns", number), file)
                    yield DocumentError(f"the pattern `{_shown(pattern)}` matches nothing at all", place=place,
                                        hint="it would find something in every text")  # fmt: skip
