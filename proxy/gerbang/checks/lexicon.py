"""Vocabularies as an admin writes them: groups of terms, and which of them standing together is a finding."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from gerbang.checks.patterns import compiled
from gerbang.documents import Part, Steps, Tree, listed, read_yaml, refuse, shown, spelled, told, validated
from gerbang.errors import DocumentError, one_of
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
Name = Annotated[
    str, spelled("[a-z][a-z0-9]*(-[a-z0-9]+)*", "name", "use lower-case letters, digits and single hyphens", 60)
]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TERM, strip_whitespace=True)]


class Words(Part):
    """A title in the two languages in which a person reads it."""

    ms: str
    en: str


class Group(Part):
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

    @model_validator(mode="before")
    @classmethod
    def terms_alone(cls, data: Any) -> Any:
        """A list stands for a group's terms."""
        return {"terms": data} if isinstance(data, list) else data


class Combination(Part):
    """A finding: a hit of `find` that has, `within` so many words, a hit of each `near`, none of `not_near`."""

    find: Names
    near: Annotated[tuple[Names, ...], BeforeValidator(listed)] = ()
    not_near: Names = ()
    within: Annotated[int, Field(ge=1, le=400)] = 12
    not_within: Annotated[int, Field(ge=1, le=400)] | None = None
    at_least: Annotated[int, Field(ge=1, le=100)] = 1  # different hits of `find` in the text
    likelihood: Likelihood


class Vocabulary(Part):
    """One vocabulary. Its `lexicon` is the id of the check whose findings it makes, or which asks for its groups."""

    lexicon: Name
    title: Words
    category: Category
    seen: str = ""
    groups: dict[Name, Group] = Field(default_factory=dict)
    findings: tuple[Combination, ...] = ()

    @model_validator(mode="after")
    def something(self) -> Self:
        if not self.groups:
            raise told("a vocabulary has at least one group of terms")
        return self


class LexiconDocument(Vocabulary):
    """A vocabulary and the file in which it is written."""

    file: str = ""


def parse_lexicon(text: str, file: str) -> LexiconDocument:
    """The document, or `DocumentErrors` with every mistake and its place."""
    tree = read_yaml(text, file)
    vocabulary = validated(Vocabulary, tree)
    refuse([*_unknown_groups(vocabulary, tree), *_bad_patterns(vocabulary, tree)])
    return LexiconDocument(**dict(vocabulary), file=file)


def _unknown_groups(vocabulary: Vocabulary, tree: Tree) -> Iterator[DocumentError]:
    for number, combination in enumerate(vocabulary.findings):
        path: Steps = ("findings", number)
        named: list[tuple[Steps, str]] = [
            *(((*path, "find", at), name) for at, name in enumerate(combination.find)),
            *(((*path, "not_near", at), name) for at, name in enumerate(combination.not_near)),
            *(
                ((*path, "near", at, within), name)
                for at, entry in enumerate(combination.near)
                for within, name in enumerate(entry)
            ),
        ]
        for where, name in named:
            if name not in vocabulary.groups:
                hint = one_of(vocabulary.groups, name)
                yield tree.error(where, f"no group `{shown(name)}` in this vocabulary", hint)


def _bad_patterns(vocabulary: Vocabulary, tree: Tree) -> Iterator[DocumentError]:
    for name, group in vocabulary.groups.items():
        for number, pattern in enumerate(group.patterns):
            where: Steps = ("groups", name, "patterns", number)
            try:
                ready = compiled(pattern)
            except ValueError as error:
                hint = "patterns run in RE2, which has no look-around and no back-references"
                yield tree.error(where, f"the pattern `{shown(pattern)}` cannot be used: {error}", hint)
            else:
                if ready.search("") is not None:
                    hint = "it would find something in every text"
                    yield tree.error(where, f"the pattern `{shown(pattern)}` matches nothing at all", hint)
