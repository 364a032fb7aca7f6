"""A list of people: five or more identity cards, telephones or e-mail addresses in one text is a leak of a list."""

from collections.abc import Iterator

from gerbang.checks import identity_card, phone
from gerbang.checks.patterns import compiled
from gerbang.checks.reading import MAX_FINDINGS, Reading
from gerbang.model import Finding, Likelihood

ID = "personal-list"
TITLE = {"ms": "Senarai data peribadi", "en": "List of personal data"}
CATEGORY = "personal-data"
STARTS: dict[str, frozenset[str]] = {}

MANY = 5
ADDRESS = compiled(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b")
MANY_ADDRESSES = 8


def find(reading: Reading) -> Iterator[Finding]:
    cards = identity_card.numbers(reading)
    phones = [entry for entry in phone.numbers(reading) if entry[3]]
    for spans, different, enough, likelihood in (
        ([(card.start, card.end) for card in cards], len({card.digits for card in cards}), MANY, Likelihood.CERTAIN),
        ([(start, end) for start, end, _, _ in phones], len({entry[2] for entry in phones}), MANY, Likelihood.LIKELY),
    ):
        if different >= enough:
            yield Finding(ID, CATEGORY, likelihood, *reading.normal.original(spans[0][0], spans[-1][1]))
            return
    if "@" in reading.clean:
        found: dict[str, tuple[int, int]] = {}
        for match in ADDRESS.finditer(reading.clean):
            found.setdefault(match.group().lower(), match.span())
            if len(found) >= MAX_FINDINGS:
                break
        if len(found) >= MANY_ADDRESSES:
            spans = list(found.values())
            yield Finding(ID, CATEGORY, Likelihood.LIKELY, *reading.normal.original(spans[0][0], spans[-1][1]))
