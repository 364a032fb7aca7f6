"""Cases for checks: texts with brackets around what should be found, and look-alikes without.

A file names its check, a category, or `any`. In a text, `[` and `]` mark a finding; `[[` and `]]` are brackets
that are meant. A text without marks must give no finding of the check at `at_least` or more.

>>> unmark("IC saya [900214-14-5678] ya, [[EDIT]]")
('IC saya 900214-14-5678 ya, [EDIT]', ((8, 22),))
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, model_validator

from gerbang.checks.examine import CHECKS, Checks, examine
from gerbang.checks.lexicon import CATEGORIES
from gerbang.documents import Part, Tree, read_yaml, refuse, shown, validated
from gerbang.errors import DocumentError, Place, one_of
from gerbang.model import Likelihood, Text

ANY = "any"  # in a case file: the findings of every check


class Case(Part):
    """One text. `likelihood`, where given, is the least that a marked finding must have."""

    text: str
    name: str = ""
    likelihood: Likelihood | None = None

    @model_validator(mode="before")
    @classmethod
    def text_alone(cls, data: Any) -> Any:
        """A text stands for a case of it."""
        return {"text": data} if isinstance(data, str) else data


class CaseDocument(Part):
    """The cases of one check."""

    check: str
    at_least: Likelihood = Likelihood.LIKELY
    cases: tuple[Case, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of a file, and where they stand."""

    check: str
    at_least: Likelihood
    cases: tuple[Case, ...]
    tree: Tree


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that did not hold, and where it is written."""

    what: str
    place: Place


def unmark(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text without its marks, and the spans that they enclosed. A mark without its partner is a `ValueError`."""
    text: list[str] = []
    spans: list[tuple[int, int]] = []
    start: int | None = None
    at = 0
    while at < len(marked):
        char = marked[at]
        if char in "[]" and marked[at : at + 2] == char * 2:
            text.append(char)
            at += 2
            continue
        at += 1
        if char == "[" and start is None:
            start = len(text)
        elif char == "]" and start is not None:
            spans.append((start, len(text)))
            start = None
        elif char in "[]":
            raise ValueError("a bracket without its partner")
        else:
            text.append(char)
    if start is not None:
        raise ValueError("a bracket without its partner")
    return "".join(text), tuple(spans)


def parse_cases(text: str, file: str) -> Cases:
    """The case file, or `DocumentErrors` with the place of each mistake."""
    tree = read_yaml(text, file)
    document = validated(CaseDocument, tree)
    refuse(_unpaired(document, tree))
    return Cases(document.check, document.at_least, document.cases, tree)


def _unpaired(document: CaseDocument, tree: Tree) -> Iterator[DocumentError]:
    for number, case in enumerate(document.cases):
        try:
            unmark(case.text)
        except ValueError as error:
            yield tree.error(("cases", number, "text"), str(error), "write `[[` for a bracket that is meant")


def run_cases(cases: Cases, checks: Checks) -> tuple[Failure, ...]:
    """The cases that do not hold with these checks."""
    known = (ANY, *(check.ID for check in CHECKS), *checks.combined, *CATEGORIES)
    if cases.check not in known:
        what = f"no check `{shown(cases.check)}`; {one_of(known, cases.check)}"
        return (Failure(what, cases.tree.place(("check",))),)
    return tuple(
        Failure(what, cases.tree.place(("cases", number)))
        for number, case in enumerate(cases.cases)
        for what in _wrong(case, cases, checks)
    )


def _wrong(case: Case, cases: Cases, checks: Checks) -> Iterator[str]:
    text, spans = unmark(case.text)
    findings = [
        finding
        for finding in examine([Text("text", text)], checks)
        if cases.check in (ANY, finding.check, finding.category)
        and finding.likelihood >= ((case.likelihood if spans else None) or cases.at_least)
    ]
    found = _merged((finding.start, finding.end) for finding in findings)
    label = case.name or _short(text)
    yield from (f"`{label}`: `{_short(text[start:end])}` is not found" for start, end in _missing(spans, found))
    surplus = sorted(found - set(spans))
    yield from (f"`{label}`: `{_short(text[start:end])}` is found and not marked" for start, end in surplus)


def _merged(spans: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Spans that overlap, as one: brackets do not cross."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return set(merged)


def _missing(spans: Sequence[tuple[int, int]], found: set[tuple[int, int]]) -> list[tuple[int, int]]:
    return [span for span in spans if span not in found]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."
