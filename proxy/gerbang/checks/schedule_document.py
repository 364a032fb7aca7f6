"""Papers that are official secrets without any label: Cabinet, State Executive Council, security, diplomacy.

News says "Jemaah Menteri" all day, so it takes the heading of a document: its title in capitals at the start of a
line or with a number, or the paper named with its number. Schedule of the Official Secrets Act 1972, seen 2026-11.
"""

from collections.abc import Iterator

from gerbang.checks.patterns import compiled
from gerbang.checks.reading import Hit, Reading, outermost
from gerbang.checks.structure import declassified, signs
from gerbang.model import Finding, Likelihood

ID = "schedule-document"
TITLE = {
    "ms": "Dokumen Jadual (Jemaah Menteri, MMKN, keselamatan)",
    "en": "Schedule document (Cabinet, State Council, security)",
}
CATEGORY = "official-information"
STARTS = {"official-information": frozenset({"schedule-heading", "schedule-name"})}

NUMBERED = compiled(r"(?i)^\s*(?:bil|no|siri|number)?\b\.?\s*[:.]?\s*\(?\d{1,3}\)?\s*(?:[/(_ -]\s*(?:19|20)\d{2})")
# The number may stand behind the paper's subject or its State.
NUMBERED_LATER = compiled(r"(?i)^[^\n.!?]{0,60}\b(?:bil|no|siri)\b\.?\s*\d{1,3}\s*[/(_-]\s*(?:19|20)\d{2}")
# A paper under its own title: `Kertas MMKN Negeri ...: ...`.
TITLED = compiled(r"^[A-Z]\w+ (?:[A-Z]\w+ ){0,4}[A-Z]\w+\s?[:-]\s")
NEAR = 6  # words
STRONG = {"copy-number", "for-cabinet", "memorandum", "reference", "labelled-reference", "date-line"}


def find(reading: Reading) -> Iterator[Finding]:
    hits = reading.hits("official-information.schedule-heading", "official-information.schedule-name")
    if hits:
        yield from outermost(_findings(reading, hits))


def _findings(reading: Reading, hits: list[Hit]) -> Iterator[Finding]:
    for hit in hits:
        likelihood = _likelihood(reading, hit)
        if likelihood is not None:
            yield Finding(ID, CATEGORY, likelihood, *reading.span(hit))


def _likelihood(reading: Reading, hit: Hit) -> Likelihood | None:
    words = "".join(reading.normal.words[hit.word : hit.last + 1])
    end = reading.clean_span(hit)[1]
    behind = reading.clean[end : end + 100].replace("_", " ")
    numbered = NUMBERED.search(behind[:30]) is not None
    upper = words == words.upper() and not reading.shouts
    official = signs(reading)
    if declassified(reading):
        return Likelihood.POSSIBLE
    if words == words.upper() and (numbered or official & STRONG) and reading.starts_line(hit):
        return Likelihood.CERTAIN
    if numbered or NUMBERED_LATER.search(behind) is not None or _handed_on(reading, hit):
        return Likelihood.LIKELY
    if words == words.upper() and reading.starts_line(hit) and (upper or len(official) > 1) and len(reading.lines) > 1:
        return Likelihood.LIKELY
    if upper and len(official) > 1:
        return Likelihood.LIKELY
    return Likelihood.POSSIBLE if upper else None


def _handed_on(reading: Reading, hit: Hit) -> bool:
    """Whether the text gives the paper itself, by word or under its title, and is no news of one."""
    if reading.near(hit, ("official-information.public",), 3 * NEAR):
        return False
    if reading.near_in(hit, "official-information.handed-on", hit.word - NEAR, hit.last + NEAR):
        return True
    if "official-information.schedule-name" not in reading.groups_at(hit.word) or not reading.starts_line(hit):
        return False
    start = reading.clean_span(hit)[0]
    return TITLED.search(reading.clean[start : start + 100]) is not None
