"""The notice of interception: what officers are told of the gate, in both languages, as the office words it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, StrictStr

from gerbang.answers.words import Language
from gerbang.documents import Part, Steps, Tree, read_yaml, refuse, validated
from gerbang.errors import DocumentError, one_of

SLOTS: Final = ("authority", "version")
_SLOT: Final = re.compile(r"\{([^{}\s]{1,40})\}")
MOST_PARTS: Final = 30
LONGEST_TEXT: Final = 4000  # characters

type Sentence = Annotated[StrictStr, Field(min_length=1, max_length=200)]
type Passage = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_TEXT)]


class Heading(Part):
    """Malay and English."""

    ms: Sentence
    en: Sentence


class Body(Part):
    ms: Passage
    en: Passage


class PartEntry(Part):
    heading: Heading
    text: Body


class NoticeShape(Part):
    title: Heading
    parts: Annotated[tuple[PartEntry, ...], Field(min_length=1, max_length=MOST_PARTS)]


@dataclass(frozen=True, slots=True)
class Told:
    """The notice in one language, filled in: its title, and each part's heading and text."""

    title: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A version of the notice. `digest` tells the words that were shown under it."""

    version: str
    authority: str
    shape: NoticeShape

    @property
    def digest(self) -> str:
        """SHA-256 over the version, the authority and the words in both languages."""
        said = {"version": self.version, "authority": self.authority, "text": self.shape.model_dump(mode="json")}
        text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(b"gerbang-notice-v1\n" + text.encode("utf-8", "surrogatepass")).hexdigest()

    def told(self, language: Language, missing: str = "?") -> Told:
        """`missing` stands where authority or version is not stated."""
        given = {"authority": self.authority.rstrip(".") or missing, "version": self.version or missing}
        return Told(
            _filled(getattr(self.shape.title, language), given),
            tuple(
                (_filled(getattr(part.heading, language), given), _filled(getattr(part.text, language), given))
                for part in self.shape.parts
            ),
        )


def _filled(text: str, given: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda found: given.get(found[1], found[0]), text)


def parse_notice(text: str, file: str) -> NoticeShape:
    """The notice from its YAML; raises `DocumentErrors`, each with file, line and column."""
    tree = read_yaml(text, file)
    shape = validated(NoticeShape, tree)
    refuse(_unsound(shape, tree))
    return shape


def _unsound(shape: NoticeShape, tree: Tree) -> Iterator[DocumentError]:
    places: list[tuple[Steps, Heading | Body]] = [(("title",), shape.title)]
    for number, part in enumerate(shape.parts):
        places += [(("parts", number, "heading"), part.heading), (("parts", number, "text"), part.text)]
    for path, said in places:
        for language in Language:
            for slot in _SLOT.findall(getattr(said, language)):
                if slot not in SLOTS:
                    yield tree.error(
                        (*path, language.value), f"nothing is known to fill in for `{{{slot}}}`", one_of(SLOTS, slot)
                    )
    for slot in SLOTS:
        for language in Language:
            if not any(slot in _SLOT.findall(getattr(said, language)) for _, said in places):
                yield tree.error(
                    ("parts",),
                    f"the notice does not name its {slot} in `{language.value}`",
                    f"write `{{{slot}}}` where it is to stand",
                    key=True,
                )
