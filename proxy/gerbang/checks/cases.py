"""Cases for checks: texts with brackets around what should be found, and look-alikes without.

A file names its check, a category, or `any`. In a text, `[` and `]` mark a finding; `[[` and `]]` are brackets
that are meant. A text without marks must give no finding of the check at `at_least` or more.

>>> unmark("IC saya [900214-14-5678] ya, [[EDIT]]")
('IC saya 900214-14-5678 ya, [EDIT]', ((8, 22),))
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gerbang.checks.examine import CHECKS, Checks, examine
from gerbang.checks.lexicon import CATEGORIES, load_yaml, place_of
from gerbang.errors import DocumentError, DocumentErrors, Place, one_of
from gerbang.model import Likelihood, Text

ANY = "any"  # in a case file: the findings of every check


class Case(BaseModel):
    """One text. `likelihood`, where given, is the least that a marked finding must have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    name: str = ""
    likelihood: Likelihood | None = None


class CaseDocument(BaseModel):
    """The cases of one check."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str
    at_least: Likelihood = Likelihood.LIKELY
    cases: tuple[Case, ...] = Field(min_length=1)
    places: tuple[tuple[str, int | None, int | None], ...] = ()


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


def parse_cases(text: str, file: str) -> CaseDocument:
    """The case file, or `DocumentErrors` with the place of each mistake."""
    data = load_yaml(text, file)
    plain = dict(data)
    written = plain.get("cases")
    if isinstance(written, list):
        plain["cases"] = [{"text": entry} if isinstance(entry, str) else entry for entry in written]
        places = (place_of(data, ("cases", number), file) for number in range(len(written)))
        plain["places"] = [(place.file, place.line, place.column) for place in places]
    try:
        document = CaseDocument.model_validate(plain)
    except ValidationError as error:
        raise DocumentErrors(list(_mistakes(error, data, file))) from None
    errors = []
    for case, place in zip(document.cases, document.places, strict=True):
        try:
            unmark(case.text)
        except ValueError as error:
            hint = "write `[[` for a bracket that is meant"
            errors.append(DocumentError(str(error), place=Place(*place), hint=hint))
    if errors:
        raise DocumentErrors(errors)
    return document


def _mistakes(error: ValidationError, data: Any, file: str) -> Iterator[DocumentError]:
    known = {1: ("check", "at_least", "cases"), 3: ("text", "name", "likelihood")}
    problems = error.errors(include_url=False)
    for problem in problems:
        if problem["type"] == "too_short" and len(problems) > 1:
            continue  # wrong cases are not counted, which is no mistake of its own
        path = tuple(problem["loc"])
        key, place = str(path[-1]), place_of(data, path, file)
        match problem["type"]:
            case "extra_forbidden":
                hint = one_of(known.get(len(path), ()), key)
                yield DocumentError(f"unknown key `{key}`", place=place, hint=hint)
            case "missing":
                yield DocumentError(f"`{key}` is missing", place=place)
            case "enum":
                hint = one_of(Likelihood, str(problem["input"]))
                yield DocumentError(f"unknown {key} `{problem['input']}`", place=place, hint=hint)
            case _:
                yield DocumentError(f"`{key}` does not fit", place=place, hint="see the cases of the bundled checks")


def run_cases(document: CaseDocument, checks: Checks) -> tuple[Failure, ...]:
    """The cases that do not hold with these checks."""
    known = (ANY, *(check.ID for check in CHECKS), *checks.combined, *CATEGORIES)
    if document.check not in known:
        place = Place(document.places[0][0]) if document.places else Place("cases")
        return (Failure(f"no check `{document.check}`; {one_of(known, document.check)}", place),)
    return tuple(
        Failure(what, Place(*place))
        for case, place in zip(document.cases, document.places, strict=True)
        for what in _wrong(case, document, checks)
    )


def _wrong(case: Case, document: CaseDocument, checks: Checks) -> Iterator[str]:
    text, spans = unmark(case.text)
    findings = [
        finding
        for finding in examine([Text("text", text)], checks)
        if document.check in (ANY, finding.check, finding.category)
        and finding.likelihood >= ((case.likelihood if spans else None) or document.at_least)
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
