"""Insults, slurs, threats and exposure aimed at a person or a group.

An insult needs a target: somebody spoken to or of. Aimed at the writer, a thing, an animal that is one, or quoted
from somebody else, it is none. Threats and exposure are phrases that carry their own target.
"""

from collections.abc import Iterator

from gerbang.checks.patterns import compiled
from gerbang.checks.reading import Hit, Reading, outermost
from gerbang.model import Finding, Likelihood

ID = "personal-attack"
TITLE = {"ms": "Serangan peribadi", "en": "Personal attack"}
CATEGORY = "personal-attack"
INSULTS = ("mild", "insult", "vulgar", "slur", "animal")
PHRASES = ("attack-phrase", "threat", "exposure", "harassment")
STARTS = {ID: frozenset({*INSULTS, *PHRASES})}

CLOSE = 3  # words: an insult's own target or thing
WIDE = 9  # words, within the sentence

QUOTED = compiled(r"\"[^\"\n]{1,300}\"|(?:^|[\s(])'[^'\n]{1,300}'(?:[\s).,!?]|$)")


def find(reading: Reading) -> Iterator[Finding]:
    yield from outermost(_findings(reading))


def _findings(reading: Reading) -> Iterator[Finding]:
    for name in PHRASES:
        for hit in reading.hits(f"{ID}.{name}"):
            if (likelihood := _phrase(reading, hit, name)) is not None:
                yield Finding(ID, CATEGORY, likelihood, *reading.span(hit))
    for name in INSULTS:
        for hit in reading.hits(f"{ID}.{name}"):
            if (likelihood := _insult(reading, hit, name)) is not None:
                yield Finding(ID, CATEGORY, likelihood, *reading.span(hit))


def _phrase(reading: Reading, hit: Hit, name: str) -> Likelihood | None:
    if _quoted(reading, hit) or reading.near(hit, (f"{ID}.lesson",), WIDE):
        return None
    if hit.weak:
        return Likelihood.LIKELY if _has(reading, hit, ("second", "third", "person"), WIDE) else None
    if name == "threat" and reading.near(hit, (f"{ID}.play",), WIDE):
        return Likelihood.POSSIBLE
    return Likelihood.CERTAIN if hit.weight > 3 else Likelihood.LIKELY


def _insult(reading: Reading, hit: Hit, name: str) -> Likelihood | None:
    if _quoted(reading, hit) or reading.near(hit, (f"{ID}.lesson",), WIDE):
        return None
    if name == "animal" and reading.near(hit, (f"{ID}.husbandry",), 25):
        return None
    if reading.near_in(hit, f"{ID}.excuse", hit.word - 1, hit.word - 1):
        return None
    second = _has(reading, hit, ("second",), WIDE)
    third = _has(reading, hit, ("third", "person"), WIDE)
    direct = _has(reading, hit, ("second", "third", "person"), CLOSE) or _mention(reading, hit)
    oneself = _has(reading, hit, ("self",), CLOSE)
    thing = _has(reading, hit, ("thing",), CLOSE)
    if oneself and not _has(reading, hit, ("second",), WIDE) and not (direct and hit.weight > 2):
        return None
    if thing and not direct and not (second and hit.weight > 2):
        return None
    weak = hit.weak or name in ("mild", "animal")
    if weak:
        if not direct:
            return None
        return Likelihood.POSSIBLE if name == "mild" and hit.weak else Likelihood.LIKELY
    if name == "slur":
        return Likelihood.CERTAIN if second or third or direct else Likelihood.LIKELY
    if direct or second or third:
        return Likelihood.CERTAIN if direct and hit.weight > 2 else Likelihood.LIKELY
    return Likelihood.LIKELY if hit.weight > 2 and _bare(reading, hit) else Likelihood.POSSIBLE


def _bare(reading: Reading, hit: Hit) -> bool:
    """Whether the sentence is hardly more than the insult: what is thrown at somebody."""
    first, last = reading.sentence(hit.word)
    return last - first < 3


def _has(reading: Reading, hit: Hit, names: tuple[str, ...], within: int) -> bool:
    first, last = reading.sentence(hit.word)
    groups = [f"{ID}.{name}" for name in names]
    return any(
        first <= other.word <= last
        for group in groups
        if (other := reading.near_in(hit, group, max(first, hit.word - within), min(last, hit.last + within)))
    )


def _mention(reading: Reading, hit: Hit) -> bool:
    pieces = reading.normal.pieces
    return any(
        pieces[at][0] == "@" and len(pieces[at]) > 2
        for at in range(max(0, hit.word - WIDE), min(len(pieces), hit.last + WIDE + 1))
        if at < hit.word or at > hit.last
    )


def _quoted(reading: Reading, hit: Hit) -> bool:
    spans = reading.memory.get("quoted")
    if spans is None:
        spans = reading.memory["quoted"] = [match.span() for match in QUOTED.finditer(reading.clean)]
    start, end = reading.clean_span(hit)
    return any(first <= start and end <= last for first, last in spans)
