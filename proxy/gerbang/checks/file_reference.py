"""Reference numbers of government files. Published circulars carry them too, so alone they are a weak clue.

Structure per the National Archives' functional classification, seen 2026-11. `(S)` proves nothing: open
circulars have it.
"""

from collections.abc import Iterator

from gerbang.checks.patterns import compiled
from gerbang.checks.reading import MAX_FINDINGS, Reading
from gerbang.checks.structure import FILE_REFERENCE, LABELLED_REFERENCE, signs
from gerbang.model import Finding, Likelihood

ID = "file-reference"
TITLE = {"ms": "Nombor rujukan fail rasmi", "en": "Reference number of an official file"}
CATEGORY = "official-information"
STARTS = {"official-information": frozenset({"not-public", "letter-business"})}

PATTERNS = (compiled(LABELLED_REFERENCE), compiled(FILE_REFERENCE))
PUBLISHED = compiled(
    r"(?i)\b(?:pekeliling|surat edaran|p\.u\.|warta kerajaan|akta \d|circular|pp bil|spp bil|pkpa|pppa|kenyataan media|"
    r"siaran media|media statement|iklan (?:tender|sebut harga|jawatan)|notis (?:tender|sebut harga))"
)
LETTER = {
    "salutation",
    "closing",
    "motto",
    "attention",
    "directed",
    "copies",
    "paragraphs",
    "tasks",
    "agenda",
    "minutes",
}


def find(reading: Reading) -> Iterator[Finding]:
    if not reading.has_series:
        return
    spans: dict[int, tuple[int, int]] = {}
    for pattern in PATTERNS:
        for match in pattern.finditer(reading.clean):
            if len(spans) >= MAX_FINDINGS:
                break
            start, end = match.span(1 if pattern is PATTERNS[0] else 0)
            if not any(known[0] < end and start < known[1] for known in spans.values()):
                spans[start] = (start, end)
    if not spans:
        return
    published = PUBLISHED.search(reading.clean) is not None
    letter = len(signs(reading) & LETTER) > 1
    for start, end in sorted(spans.values()):
        leak = reading.beside(
            start, end, ("official-information.not-public", "official-information.letter-business"), 14
        )
        likely = not published and (letter or leak is not None)
        likelihood = Likelihood.LIKELY if likely else Likelihood.POSSIBLE
        yield Finding(ID, CATEGORY, likelihood, *reading.normal.original(start, end))
