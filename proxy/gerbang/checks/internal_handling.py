"""Markers of papers that are not secret and still not for the public: FOR INTERNAL CIRCULATION, DRAFT, EMBARGO.

A marker in an official paper is likely; a marker alone is possible.
"""

from collections.abc import Iterator

from gerbang.checks.classification_label import capital
from gerbang.checks.reading import Hit, Reading, outermost
from gerbang.checks.structure import sale, signs
from gerbang.model import Finding, Likelihood

ID = "internal-handling"
TITLE = {"ms": "Tanda edaran dalaman", "en": "Internal handling marker"}
CATEGORY = "official-information"
STARTS = {"official-information": frozenset({"handling", "weak-handling"})}


def find(reading: Reading) -> Iterator[Finding]:
    hits = reading.hits("official-information.handling", "official-information.weak-handling")
    if hits:
        yield from outermost(_findings(reading, hits))


def _findings(reading: Reading, hits: list[Hit]) -> Iterator[Finding]:
    weak = set(reading.hits("official-information.weak-handling"))
    for hit in hits:
        likelihood = _likelihood(reading, hit, hit in weak)
        if likelihood is not None:
            yield Finding(ID, CATEGORY, likelihood, *reading.span(hit))


def _likelihood(reading: Reading, hit: Hit, weak: bool) -> Likelihood | None:
    official = signs(reading)
    upper = capital(reading, hit)
    if weak:
        return Likelihood.LIKELY if upper and len(official) > 1 else Likelihood.POSSIBLE if official else None
    office = reading.near(hit, ("official-information.office", "official-information.paper"), 20)
    if official or (office and not sale(reading)):
        return Likelihood.LIKELY
    return Likelihood.POSSIBLE
