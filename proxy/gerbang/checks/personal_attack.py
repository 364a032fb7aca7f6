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
PHRASES = ("attack-phrase", "threat", "warning", "exposure", "harassment")
STARTS = {ID: frozenset({*INSULTS, *PHRASES, "violence"})}

BESIDE = 3  # words: what an insult is said of directly
THING = 3  # words: a thing that it is said of instead, in the same clause
SELF = 5  # words
WIDE = 9  # words, within the sentence
OVER = 5  # words, over the end of a sentence (`What an idiot. How did he ...`)
FAR = 99

QUOTED = compiled(r"\"[^\"\n]{1,300}\"|(?:^|[\s(])'[^'\n]{1,300}'(?:[\s).,!?]|$)")
CLAUSE_END = frozenset(",;:.!?\n()")
# After a name at the start of a sentence: what is said of somebody.
SAID_OF = frozenset(
    (
        "ni",
        "tu",
        "itu",
        "ini",
        "memang",
        "is",
        "was",
        "adalah",
        "ialah",
        "asyik",
        "ingat",
        "kau",
        "dasar",
        "yang",
        "patut",
    )
)

# Before an animal's name: what makes it an insult.
CALLED = frozenset(
    (
        "macam",
        "seperti",
        "dasar",
        "memang",
        "kau",
        "korang",
        "like",
        "is",
        "you",
        "a",
        "such",
        "punya",
        "muka",
        "perangai",
    )
) | {"ni", "tu"}


def find(reading: Reading) -> Iterator[Finding]:
    if any(reading.hits(f"{ID}.{name}") for name in (*INSULTS, *PHRASES, "violence")):
        yield from outermost(_findings(reading))


def _findings(reading: Reading) -> Iterator[Finding]:
    for names, judge in ((PHRASES, _phrase), (("violence",), _violence), (INSULTS, _insult)):
        for name in names:
            for hit in reading.hits(f"{ID}.{name}"):
                likelihood = None if _set_apart(reading, hit) else judge(reading, hit, name)
                if likelihood is not None:
                    yield Finding(ID, CATEGORY, likelihood, *reading.span(hit))


def _set_apart(reading: Reading, hit: Hit) -> bool:
    """Whether the word is quoted, explained, or told of in a lesson or a story."""
    return _quoted(reading, hit) or reading.near(hit, (f"{ID}.lesson",), WIDE) is not None


def _excused(reading: Reading, hit: Hit) -> bool:
    """Whether the word before takes the insult away (`jangan jadi pemalas`, `buang sampah`)."""
    before = reading.all_in(hit, f"{ID}.excuse", hit.word - 3, hit.word - 1)
    return any(other.last == hit.word - 1 for other in before)


def _phrase(reading: Reading, hit: Hit, name: str) -> Likelihood | None:
    if name == "attack-phrase" and (_excused(reading, hit) or _self(reading, hit) < BESIDE):
        return None
    if hit.weak:
        target = min(
            _distance(reading, hit, ("second", "third", "person"), WIDE), _named(reading, hit), _over(reading, hit)
        )
        return Likelihood.LIKELY if target < FAR and target <= _thing(reading, hit) else None
    if name in ("threat", "warning") and reading.near(hit, (f"{ID}.play",), WIDE):
        return Likelihood.POSSIBLE
    if name == "warning" and reading.near(hit, (f"{ID}.threat", f"{ID}.violence"), WIDE):
        return Likelihood.CERTAIN
    return Likelihood.CERTAIN if hit.weight > 3 else Likelihood.LIKELY


def _violence(reading: Reading, hit: Hit, _: str) -> Likelihood | None:
    """A blow is a threat where the writer deals it: the writer before the word, and somebody to be hit."""
    first, last = reading.sentence(hit.word)
    behind = (hit.last + 1, min(last, hit.last + BESIDE))
    second = _distance(reading, hit, ("second",), WIDE) < FAR
    other = reading.near_in(hit, f"{ID}.third", *behind) or reading.near_in(hit, f"{ID}.person", *behind)
    writer = reading.near_in(hit, f"{ID}.self", max(first, hit.word - SELF), hit.word - 1)
    if not writer or not (second or other):
        return None
    if reading.near(hit, (f"{ID}.play",), WIDE):
        return Likelihood.POSSIBLE
    return Likelihood.CERTAIN if second else Likelihood.LIKELY


def _insult(reading: Reading, hit: Hit, name: str) -> Likelihood | None:
    if name == "animal" and reading.near(hit, (f"{ID}.husbandry",), 25):
        return None
    if _excused(reading, hit):
        return None
    called = _distance(reading, hit, ("vocative",), 2)
    second = min(_distance(reading, hit, ("second",), WIDE), called + 1)
    named = _named(reading, hit)
    if hit.weak and named > 1:  # too thin for a word that needs company
        named = FAR
    target = min(second, _distance(reading, hit, ("third", "person"), WIDE), named)
    if name not in ("slur", "animal") and _thing(reading, hit) <= min(target, THING):
        return None
    oneself = _self(reading, hit)
    if oneself < target or (oneself == target < second):
        return None
    if target >= FAR and not hit.weak and name != "animal" and _thing(reading, hit) >= FAR:
        target = _over(reading, hit)
    direct = target <= (2 * BESIDE if name == "animal" else BESIDE)
    if hit.weak or name in ("mild", "animal"):
        addressed = second <= 2 * BESIDE and _thing(reading, hit) >= FAR
        if not (direct or addressed) or (name == "animal" and not _likened(reading, hit)):
            return None
        return Likelihood.POSSIBLE if name == "mild" and hit.weak and called > 1 else Likelihood.LIKELY
    if name == "slur":
        return Likelihood.CERTAIN if target < FAR else Likelihood.LIKELY
    if target < FAR:
        return Likelihood.CERTAIN if direct and hit.weight > 2 else Likelihood.LIKELY
    if (
        _thing(reading, hit) >= FAR
        and oneself >= FAR
        and (_heaped(reading, hit) or (hit.weight > 2 and _bare(reading, hit)))
    ):
        return Likelihood.LIKELY
    return Likelihood.POSSIBLE


def _heaped(reading: Reading, hit: Hit) -> bool:
    """Whether another insult stands close, which no anger at a thing explains."""
    groups = (f"{ID}.insult", f"{ID}.vulgar", f"{ID}.attack-phrase")
    words = {reading.text_of(hit)}
    return any(
        reading.text_of(other) not in words and not other.weak
        for group in groups
        for other in reading.all_in(hit, group, hit.word - WIDE, hit.last + WIDE)
    )


def _bare(reading: Reading, hit: Hit) -> bool:
    """Whether the sentence is hardly more than the insult: what is thrown at somebody."""
    first, last = reading.sentence(hit.word)
    return last - first < 3


def _distance(reading: Reading, hit: Hit, names: tuple[str, ...], within: int) -> int:
    """How many words to the nearest of the groups in the sentence; `FAR` where there is none."""
    first, last = reading.sentence(hit.word)
    return min(
        (
            other.word - hit.last if other.word > hit.last else hit.word - other.last
            for name in names
            for other in reading.all_in(
                hit, f"{ID}.{name}", max(first, hit.word - within), min(last, hit.last + within)
            )
        ),
        default=FAR,
    )


def _over(reading: Reading, hit: Hit) -> int:
    """The nearest target in the sentences beside this one."""
    names = ("second", "third", "person")
    found = (reading.near_in(hit, f"{ID}.{name}", hit.word - OVER, hit.last + OVER) for name in names)
    return WIDE if any(found) else FAR


def _likened(reading: Reading, hit: Hit) -> bool:
    """Whether somebody is called the animal, not said to have one (`anjing kau` is a dog)."""
    pieces = reading.normal.pieces
    before = pieces[hit.word - 1] if hit.word else ""
    after = pieces[hit.last + 1] if hit.last + 1 < len(pieces) else ""
    if (
        before in CALLED
        or f"{ID}.vocative" in reading.groups_at(hit.word - 1)
        or after in ("punya", "betul", "la", "lah")
    ):
        return True
    return after in ("kau", "korang", "hang") and reading.sentence(hit.word)[0] == hit.word


def _thing(reading: Reading, hit: Hit) -> int:
    """How many words to the nearest thing in the same clause."""
    first, last = reading.clause(hit.word, CLAUSE_END)
    return min(
        (
            other.word - hit.last if other.word > hit.last else hit.word - other.last
            for other in reading.all_in(hit, f"{ID}.thing", max(first, hit.word - THING), min(last, hit.last + THING))
        ),
        default=FAR,
    )


def _self(reading: Reading, hit: Hit) -> int:
    """How many words to the writer, so far as the writer is no mere owner (`bos aku`, `my boss`)."""
    first, last = reading.clause(hit.word, CLAUSE_END)
    nearest = FAR
    for other in reading.all_in(hit, f"{ID}.self", max(first, hit.word - SELF), min(last, hit.last + SELF)):
        mine = reading.normal.pieces[other.word] in ("my", "our")
        owned = other.last + 1 if mine else other.word - 1
        if f"{ID}.person" in reading.groups_at(owned) or f"{ID}.third" in reading.groups_at(owned):
            continue
        nearest = min(nearest, other.word - hit.last if other.word > hit.last else hit.word - other.last)
    return nearest


def _named(reading: Reading, hit: Hit) -> int:
    """How many words to the nearest mention, or word written as a name where no sentence starts."""
    first, last = reading.sentence(hit.word)
    words, pieces = reading.normal.words, reading.normal.pieces
    nearest = FAR
    for at in range(max(first, hit.word - WIDE), min(last, hit.last + WIDE) + 1):
        if hit.word <= at <= hit.last:
            continue
        word = words[at]
        mention = word[0] == "@" and len(word) > 2
        name = len(word) > 2 and word.istitle() and word.isalpha() and not reading.groups_at(at)
        if name and at == first:
            name = at + 1 < len(pieces) and pieces[at + 1] in SAID_OF
        if mention or name:
            nearest = min(nearest, at - hit.last if at > hit.last else hit.word - at)
    return nearest


def _quoted(reading: Reading, hit: Hit) -> bool:
    spans = reading.memory.get("quoted")
    if spans is None:
        marked = '"' in reading.clean or "'" in reading.clean
        spans = [match.span() for match in QUOTED.finditer(reading.clean)] if marked else []
        reading.memory["quoted"] = spans
    if not spans:
        return False
    start, end = reading.clean_span(hit)
    return any(first <= start and end <= last for first, last in spans)
