"""Classification labels as they are stamped: RAHSIA BESAR, RAHSIA, SULIT, TERHAD and their English forms.

The words are ordinary ones, so it is the place that decides: in capitals and alone on a line near the top or the
bottom of a paper, at the head of a line that names a paper, or in capitals within an official paper. A word in running
text is nothing. Official Secrets Act 1972, s. 2B; form of stamping per the National Archives, seen 2026-11.
"""

from collections.abc import Iterator

from gerbang.checks.patterns import compiled
from gerbang.checks.reading import Hit, Reading, outermost
from gerbang.checks.structure import declassified, examination, sale, signs
from gerbang.model import Finding, Likelihood

ID = "classification-label"
TITLE = {"ms": "Tanda pengelasan keselamatan", "en": "Security classification label"}
CATEGORY = "official-information"
STARTS = {"official-information": frozenset({"label"})}

EDGE_LINES = 5
HEADED = 8  # words from a label at the head of a line to the paper that it names
MARKED = 2  # words from a verb of marking to the label
# Said of goods, recipes and parties too; the other labels are not.
EVERYDAY = frozenset({"terhad", "restricted", "rahsia", "secret", "top secret"})
PAPERS = ("paper", "schedule-heading", "schedule-name")
# Between a label and what it labels: `SULIT: ...`, `[SULIT] ...`, `SULIT - ...`.
DIVIDED = compiled(r"^\s{0,3}[\])}:|/_-]|^\s{0,3}-")
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
        "pdf",
        "doc",
        "docx",
        "jpg",
        "jpeg",
        "png",
        "xlsx",
        "pptx",
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
        return Likelihood.POSSIBLE
    if examination(reading) and not official & {"reference", "labelled-reference", "copy-number", "letterhead"}:
        return Likelihood.POSSIBLE if upper else None
    if hit in capital_stamps and reading.at_edge(reading.line(hit), EDGE_LINES):
        if official or len(capital_stamps) > 1:
            return Likelihood.CERTAIN
        if len(reading.lines) < 3 or (sale(reading) and reading.text_of(hit) in EVERYDAY):
            return Likelihood.POSSIBLE
        return Likelihood.LIKELY
    if hit in stamps and len(official) > 1:
        return Likelihood.LIKELY
    if upper and (_heads(reading, hit) or _marked(reading, hit)):
        return Likelihood.LIKELY
    if upper and not reading.shouts and official:
        letter = len(official) > 1 or official & {"labelled-reference", "copy-number"}
        return Likelihood.LIKELY if letter else Likelihood.POSSIBLE
    return None


def _heads(reading: Reading, hit: Hit) -> bool:
    """Whether it stands at the head of a line that goes on to name a paper."""
    if not reading.starts_line(hit):
        return False
    end = reading.clean_span(hit)[1]
    if DIVIDED.search(reading.clean[end : end + 5]) is None:
        return False
    last = min(hit.last + HEADED, reading.line_words(reading.line(hit))[1])
    named = (reading.near_in(hit, f"official-information.{group}", hit.last + 1, last) for group in PAPERS)
    return any(named)


def _marked(reading: Reading, hit: Hit) -> bool:
    """Whether a paper is said to be marked with it (`surat bertanda RAHSIA`), and not in the news."""
    before = reading.near_in(hit, "official-information.marked", hit.word - MARKED - 1, hit.word - 1)
    return (
        before is not None
        and reading.near(hit, [f"official-information.{group}" for group in (*PAPERS, "document")], HEADED) is not None
        and reading.near(hit, ("official-information.public",), 2 * HEADED) is None
    )


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
