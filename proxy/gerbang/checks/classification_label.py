"""Classification labels as they are stamped: RAHSIA BESAR, RAHSIA, SULIT, TERHAD and their English forms.

The words are ordinary ones, so it is the place that decides: in capitals and alone on a line near the top or the
bottom of a paper, or in capitals within an official paper. A word in running text is nothing. Official Secrets Act
1972, s. 2B; form of stamping per the National Archives, seen 2026-11.
"""

from collections.abc import Iterator

from gerbang.checks.reading import Hit, Reading, outermost
from gerbang.checks.structure import declassified, examination, sale, signs
from gerbang.model import Finding, Likelihood

ID = "classification-label"
TITLE = {"ms": "Tanda pengelasan keselamatan", "en": "Security classification label"}
CATEGORY = "official-information"
STARTS = {"official-information": frozenset({"label"})}

EDGE_LINES = 5
# What may stand on the line beside the label and leaves it a stamp.
COMPANY = frozenset(
    [
        "klasifikasi",
        "pengelasan",
        "kelas",
        "taraf",
        "keselamatan",
        "darjah",
        "status",
        "dokumen",
        "dan",
        "persendirian",
        "peribadi",
        "&",
        "classification",
        "security",
        "salinan",
        "no",
        "naskhah",
        "bil",
        "page",
        "muka",
        "surat",
        "kerajaan",
        "malaysia",
        "classified",
        "strictly",
    ]
)


def find(reading: Reading) -> Iterator[Finding]:
    hits = reading.hits("official-information.label")
    if hits:
        yield from outermost(_findings(reading, hits))


def _findings(reading: Reading, hits: list[Hit]) -> Iterator[Finding]:
    stamps = {hit for hit in hits if _alone(reading, hit)}
    capital_stamps = {hit for hit in stamps if capital(reading, hit)}
    for hit in hits:
        likelihood = _likelihood(reading, hit, stamps, capital_stamps)
        if likelihood is not None:
            yield Finding(ID, CATEGORY, likelihood, *reading.span(hit))


def _likelihood(reading: Reading, hit: Hit, stamps: set[Hit], capital_stamps: set[Hit]) -> Likelihood | None:
    upper = hit in capital_stamps or capital(reading, hit)
    if hit not in stamps and not upper:
        return None
    official = signs(reading)
    if declassified(reading):
        return Likelihood.POSSIBLE if official else None
    if examination(reading) and not official & {"reference", "labelled-reference", "copy-number", "letterhead"}:
        return Likelihood.POSSIBLE if upper else None
    if hit in capital_stamps and reading.at_edge(reading.line(hit), EDGE_LINES):
        if official or len(capital_stamps) > 1:
            return Likelihood.CERTAIN
        if len(reading.lines) < 3 or sale(reading) or reading.shouts:
            return Likelihood.POSSIBLE
        return Likelihood.LIKELY
    if hit in stamps and len(official) > 1:
        return Likelihood.LIKELY
    if upper and not reading.shouts and official:
        letter = len(official) > 1 or official & {"labelled-reference", "copy-number"}
        return Likelihood.LIKELY if letter else Likelihood.POSSIBLE
    return None


def capital(reading: Reading, hit: Hit) -> bool:
    """Whether it is written in capitals, or in a script that has none."""
    words = "".join(reading.normal.words[hit.word : hit.last + 1])
    return words == words.upper()


def _alone(reading: Reading, hit: Hit) -> bool:
    """Whether the line holds nothing but the label and what a stamp may add."""
    first, last = reading.line_words(reading.line(hit))
    if last - first > 8:
        return False
    others = [*range(first, hit.word), *range(hit.last + 1, last + 1)]
    return all(_company(reading, at) for at in others)


def _company(reading: Reading, at: int) -> bool:
    word = reading.normal.pieces[at]
    return word in COMPANY or word.isdigit() or "official-information.label" in reading.groups_at(at)
