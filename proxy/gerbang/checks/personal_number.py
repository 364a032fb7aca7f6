"""Other numbers that belong to one person: passport, old identity card, tax, police, army, staff, patient.

Each has a shape that many other things share, so each needs its own word close by.
Shapes as published by the agencies, seen 2026-11; those of the police and the army are hearsay and stay `likely`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gerbang.checks.patterns import compiled
from gerbang.checks.reading import MAX_FINDINGS, Reading
from gerbang.model import Finding, Likelihood

ID = "personal-number"
TITLE = {"ms": "Nombor peribadi lain", "en": "Other personal number"}
CATEGORY = "personal-data"
STARTS = {
    "personal-data": frozenset(
        {"passport-word", "old-card-word", "tax-word", "service-word", "patient-word", "birth-word", "fund-word"}
    )
}
NEAR = 5  # words


@dataclass(frozen=True, slots=True)
class Shape:
    """A number's shape, the group of words that it needs, and how sure both together make."""

    group: str
    pattern: Any
    likelihood: Likelihood


def _shape(group: str, pattern: str, likelihood: Likelihood) -> Shape:
    return Shape(f"personal-data.{group}", compiled(pattern), likelihood)


SHAPES = (
    _shape("passport-word", r"\b[AHK][ -]?\d{8}\b", Likelihood.CERTAIN),
    _shape("passport-word", r"\b[A-Z]{1,2}[ -]?\d{6,8}\b", Likelihood.LIKELY),
    _shape("old-card-word", r"\b(?:[A-Z]{1,2}[ -]?)?\d{6,7}\b", Likelihood.LIKELY),
    _shape("tax-word", r"\b(?:IG|SG|OG)[ -]?\d{9,11}\b", Likelihood.CERTAIN),
    _shape("service-word", r"\b(?:(?:RF|R|G|I|T|N)[ /-]?\d{4,8}|\d{5,8})\b", Likelihood.LIKELY),
    _shape("patient-word", r"\b(?:RN|MRN|HB|PP)?[ -]?\d{5,10}\b", Likelihood.LIKELY),
    _shape("birth-word", r"\b[A-Z]{1,2}[ -]?\d{4,6}\b", Likelihood.LIKELY),
    _shape("fund-word", r"\b\d{8}\b", Likelihood.LIKELY),
)


def find(reading: Reading) -> Iterator[Finding]:
    if not reading.has_digits:
        return
    taken: set[int] = set()
    for shape in SHAPES:
        if not reading.hits(shape.group):
            continue
        for match in shape.pattern.finditer(reading.clean):
            start, end = match.span()
            if len(taken) >= MAX_FINDINGS:
                return
            if start not in taken and reading.beside(start, end, (shape.group,), NEAR, after=0):
                taken.add(start)
                yield Finding(ID, CATEGORY, shape.likelihood, *reading.normal.original(start, end))
