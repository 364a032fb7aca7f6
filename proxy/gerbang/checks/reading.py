"""Vocabularies compiled: every term of every vocabulary is looked for in one pass over each view of a text.

Aho-Corasick automata find the terms, RE2 the admins' patterns; what is left to Python is the end of the word and
the company that a term keeps. Time is linear in the text, and what is kept of it is bounded.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from gerbang.checks.lexicon import Combination, Group, LexiconDocument
from gerbang.checks.normalise import HIDDEN, Normal, normal_form
from gerbang.checks.patterns import Pattern, PatternSet, compiled
from gerbang.model import Finding

# A text is searched a block at a time, and a group stops counting at its limit, so that memory stays flat.
BLOCK = 1 << 16  # characters
OVERLAP = 400  # longer than any term with its affixes
REACH = 30  # words
MAX_HITS = 400  # a group and text
MAX_FINDINGS = 100  # a check and text
FOUND = "found"  # the named group that is the hit, in a pattern that looks at more than that

PARTICLES = frozenset(
    [
        "la",
        "lah",
        "lar",
        "ler",
        "kah",
        "tah",
        "pun",
        "nya",
        "mu",
        "ku",
        "kau",
        "je",
        "jer",
        "tu",
        "ni",
        "wei",
        "weh",
        "doh",
        "sia",
        "siot",
        "ye",
        "yer",
        "eh",
        "ah",
        "leh",
        "meh",
        "lor",
        "s",
    ]
) | {""}
ENDINGS = (
    PARTICLES
    | {f"{ending}{particle}" for ending in ("kan", "i", "an") for particle in ("", "lah", "la", "nya", "mu", "ku")}
    | frozenset(["es", "ed", "d", "ing", "er", "ers", "in", "ly", "ness", "y"])
)
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz@$0123456789#" + HIDDEN)


type Windows = Sequence[tuple[int, int]]  # first and last words


class Hit(NamedTuple):
    """A term found: where in its view, and from which word to which."""

    start: int
    end: int
    word: int
    last: int
    weight: int
    weak: bool
    view: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What one pattern of an automaton stands for."""

    term: str
    group: str
    endings: frozenset[str] | None  # None: found inside words too
    weight: int
    weak: bool


def affixed(stem: str) -> tuple[str, ...]:
    """The stem with the prefixes of Malay verbs and nouns, the first letter melted where Malay melts it.

    >>> affixed("tipu")[:2]
    ('menipu', 'penipu')
    """
    if len(stem) < 3 or not stem.isascii():
        return ()
    first, rest = stem[0], stem[1:]
    match first:
        case "b" | "f" | "v":
            nasal = f"m{stem}"
        case "p":
            nasal = f"m{rest}"
        case "c" | "d" | "j" | "z":
            nasal = f"n{stem}"
        case "t":
            nasal = f"n{rest}"
        case "k":
            nasal = f"ng{rest}"
        case "s":
            nasal = f"ny{rest}"
        case "g" | "h" | "a" | "e" | "i" | "o" | "u":
            nasal = f"ng{stem}"
        case _:
            nasal = stem
    return (
        f"me{nasal}",
        f"pe{nasal}",
        *(f"{prefix}{stem}" for prefix in ("di", "ter", "ber", "ke", "memper", "diper")),
    )


def _entries(document: LexiconDocument, name: str, group: Group) -> Iterator[tuple[str, Entry]]:
    for written in group.terms:
        weak = written.endswith("~")
        term = written.removesuffix("~").strip()
        normal = normal_form(term)
        form = normal.kept if group.case == "kept" else normal.text
        if not form:
            continue
        inside = group.match == "part" or not any(char.isascii() and char.isalnum() for char in form)
        endings = {"word": PARTICLES, "stem": ENDINGS, "exact": frozenset({""}), "part": None}[group.match]
        if len(form) < 3 and endings is not None:
            endings = frozenset({""})  # `i` with a particle would be `itu`
        entry = Entry(form, f"{document.lexicon}.{name}", None if inside else endings, group.weight, weak)
        if inside:
            yield form, entry
            continue
        yield f" {form}", entry
        if group.case == "folded" and form[0] == "a":
            yield f" @{form[1:]}", entry
        if group.match == "stem" and " " not in form:
            for prefixed in affixed(form):
                yield f" {prefixed}", entry


class Automaton:
    """The terms of some groups, searched for in one pass."""

    def __init__(self, entries: Iterable[tuple[str, Entry]]) -> None:
        self.entries: list[list[Entry]] = []
        patterns: dict[str, int] = {}
        starred: dict[int, list[Entry]] = {}
        for pattern, entry in entries:
            if pattern not in patterns:
                patterns[pattern] = len(self.entries)
                self.entries.append([])
            known = self.entries[patterns[pattern]]
            if entry not in known:
                known.append(entry)
                if pattern == f" {entry.term}" and " " not in entry.term and len(entry.term) > 3:
                    starred.setdefault(len(entry.term), []).append(entry)
        self.starred = starred
        # A DFA is quicker only while it stays in the processor's cache: for the terms that ship it takes 20 MB, and a
        # request that comes after other work would wait for memory at each letter.
        form = Implementation.ContiguousNFA
        self.automaton = AhoCorasick(list(patterns), implementation=form) if patterns else None

    def hits(
        self, view: str, normal: Normal, into: dict[str, list[Hit]], windows: Windows | None, *, sure: bool = False
    ) -> None:
        """Every term in a view (or within windows of its words), by group; with `sure` without the weak ones.

        Starred words (`b*d*h`) are compared letter by letter.
        """
        if self.automaton is None or not normal.words:
            return
        folded = view == "text"
        text = normal.text if folded else normal.kept
        if windows is None:
            self._in_text(f" {text} ", 0, view, normal, into, sure=sure)
        else:
            starts, words = (normal.piece_starts, normal.pieces) if folded else (normal.word_starts, normal.words)
            for first, last in windows:
                part = text[starts[first] : starts[last] + len(words[last])]
                self._in_text(f" {part} ", starts[first], view, normal, into, sure=sure)
        if folded and self.starred and HIDDEN in text:
            self._starred(into, normal)

    def _in_text(
        self, padded: str, base: int, view: str, normal: Normal, into: dict[str, list[Hit]], *, sure: bool
    ) -> None:
        number = normal.piece if view == "text" else normal.kept_piece
        find = self.automaton.find_matches_as_indexes if self.automaton else None
        if find is None:
            return
        for first in range(0, len(padded), BLOCK):
            block = padded if len(padded) <= BLOCK else padded[first : first + BLOCK + OVERLAP]
            for index, start, end in find(block, overlapping=True):
                if start >= BLOCK:
                    continue
                for entry in self.entries[index]:
                    if sure and entry.weak:
                        continue
                    stop = end
                    if entry.endings is not None:
                        stop = block.find(" ", end, end + 40)
                        if stop < 0 or (stop > end and not _ends(block[end:stop], block[end - 1], entry.endings)):
                            continue
                    group = into.setdefault(entry.group, [])
                    if len(group) < MAX_HITS:
                        begin = base + first + start - (entry.endings is None)
                        until = base + first + stop - 1
                        word = number(begin)
                        last = word if " " not in entry.term else number(until - 1)
                        group.append(Hit(begin, until, word, last, entry.weight, entry.weak, view))

    def _starred(self, into: dict[str, list[Hit]], normal: Normal) -> None:
        words = [at for at, piece in enumerate(normal.pieces) if HIDDEN in piece][:MAX_HITS]
        for at in words:
            piece = normal.pieces[at]
            shown = len(piece) - piece.count(HIDDEN)
            for entry in self.starred.get(len(piece), ()):
                if shown >= 2 and all(left in (HIDDEN, right) for left, right in zip(piece, entry.term, strict=True)):
                    start = normal.piece_starts[at]
                    hit = Hit(start, start + len(piece), at, at, entry.weight, entry.weak, "text")
                    into.setdefault(entry.group, []).append(hit)


def _ends(rest: str, last: str, endings: frozenset[str]) -> bool:
    return rest in endings or rest == last * len(rest) or not rest[0].isascii()


class Patterns:
    """Admins' patterns, over the text with its case kept."""

    def __init__(self, entries: Iterable[tuple[Pattern, Entry]]) -> None:
        self.entries = tuple(entries)
        self.any_of = PatternSet(pattern for pattern, _ in self.entries) if self.entries else None

    def hits(self, normal: Normal, into: dict[str, list[Hit]]) -> None:
        for number in self.any_of.numbers(normal.clean) if self.any_of else ():
            pattern, entry = self.entries[number]
            group = into.setdefault(entry.group, [])
            for found in pattern.finditer(normal.clean):
                if len(group) >= MAX_HITS:
                    break
                start, end = found.span(pattern.groupindex.get(FOUND, 0))
                if start < end:
                    word, last = normal.word_at(start), normal.word_at(end - 1)
                    group.append(Hit(start, end, word, last, entry.weight, entry.weak, "clean"))


@dataclass(frozen=True)
class Search:
    """Everything that is looked for together: in both views, and by patterns."""

    folded: Automaton
    kept: Automaton
    patterns: Patterns

    def hits(self, normal: Normal, into: dict[str, list[Hit]], *, shouts: bool, windows: Windows | None = None) -> None:
        self.folded.hits("text", normal, into, windows)
        # Capitals tell a party from a word only where not everything is in capitals.
        self.kept.hits("kept", normal, into, windows, sure=shouts)
        self.patterns.hits(normal, into)


@dataclass(frozen=True)
class Together:
    """A combination with the full names of its groups."""

    find: tuple[str, ...]
    near: tuple[tuple[str, ...], ...]
    not_near: tuple[str, ...]
    rule: Combination


@dataclass(frozen=True)
class Lexicons:
    """All vocabularies, compiled together.

    The groups that a finding starts from are looked for in every text, the company they may keep only where one
    of the same vocabulary was found, and what stands beside numbers only where there are any.
    """

    documents: Mapping[str, LexiconDocument]
    first: Search
    beside_numbers: Search
    company: Mapping[str, Search]
    reach: Mapping[str, int]
    combinations: Mapping[str, tuple[Together, ...]]


def _search(parts: Iterable[tuple[LexiconDocument, str, Group]]) -> Search:
    folded: list[tuple[str, Entry]] = []
    kept: list[tuple[str, Entry]] = []
    patterns: list[tuple[Pattern, Entry]] = []
    for document, name, group in parts:
        (kept if group.case == "kept" else folded).extend(_entries(document, name, group))
        for pattern in group.patterns:
            entry = Entry(pattern, f"{document.lexicon}.{name}", None, group.weight, False)
            patterns.append((compiled(pattern), entry))
    return Search(Automaton(folded), Automaton(kept), Patterns(patterns))


def _reach(document: LexiconDocument) -> int:
    """How many words from a term its company may be; no check of ours looks further than `REACH`."""
    return max((max(rule.within, rule.not_within or 0) for rule in document.findings), default=0) + REACH


def _together(document: LexiconDocument) -> tuple[Together, ...]:
    def full(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(f"{document.lexicon}.{name}" for name in names)

    return tuple(
        Together(full(rule.find), tuple(full(entry) for entry in rule.near), full(rule.not_near), rule)
        for rule in document.findings
    )


def compile_lexicons(
    documents: Sequence[LexiconDocument], starters: Mapping[str, frozenset[str]], beside_numbers: frozenset[str]
) -> Lexicons:
    """`starters` names, for a vocabulary that a check reads, the groups from which that check starts;
    `beside_numbers` the vocabularies that only number checks read."""
    first, numbers, company = [], [], {}
    for document in documents:
        starts = {name for combination in document.findings for name in combination.find}
        starts |= starters.get(document.lexicon, frozenset())
        parts = [(document, name, group) for name, group in document.groups.items()]
        if document.lexicon in beside_numbers:
            numbers += parts
            continue
        first += [part for part in parts if part[1] in starts]
        company[document.lexicon] = _search(part for part in parts if part[1] not in starts)
    return Lexicons(
        {document.lexicon: document for document in documents},
        _search(first),
        _search(numbers),
        company,
        {document.lexicon: _reach(document) for document in documents},
        {document.lexicon: _together(document) for document in documents},
    )


class Reading:
    """A text, and which terms of which groups stand in it."""

    def __init__(self, normal: Normal, lexicons: Lexicons) -> None:
        self.normal = normal
        self.lexicons = lexicons
        self.memory: dict[str, Any] = {}  # what one check worked out and another needs
        self._hits: dict[str, list[Hit]] = {}
        lexicons.first.hits(self.normal, self._hits, shouts=self.shouts)
        found: dict[str, list[Hit]] = {}
        for group, hits in self._hits.items():
            found.setdefault(group.partition(".")[0], []).extend(hits)
        self.found = frozenset(found)  # the vocabularies with something to judge
        for name, hits in found.items():
            windows = _windows(hits, lexicons.reach[name], len(self.normal.words))
            lexicons.company[name].hits(self.normal, self._hits, shouts=self.shouts, windows=windows)
        if self.has_digits:
            lexicons.beside_numbers.hits(self.normal, self._hits, shouts=self.shouts)
        for hits in self._hits.values():
            hits.sort()

    @property
    def clean(self) -> str:
        return self.normal.clean

    def hits(self, *groups: str) -> list[Hit]:
        """The hits of the groups (`political.party`), in order."""
        if len(groups) == 1:
            return self._hits.get(groups[0], [])
        return sorted((hit for group in groups for hit in self._hits.get(group, ())), key=lambda hit: hit.word)

    def near(self, hit: Hit, groups: Iterable[str], within: int) -> Hit | None:
        """A hit of the groups at most so many words away, other than this one; an equal span is the same one."""
        for group in groups:
            hits = self._hits.get(group)
            if not hits:
                continue
            words = self._words(group)
            for at in range(bisect_left(words, hit.word - within), len(hits)):
                other = hits[at]
                if other.word > hit.last + within:
                    break
                if _apart(hit, other):
                    return other
        return None

    def near_in(self, hit: Hit, group: str, first: int, last: int) -> Hit | None:
        """A hit of the group between two words, other than this one."""
        hits = self._hits.get(group)
        if not hits:
            return None
        words = self._words(group)
        for at in range(bisect_left(words, first), len(hits)):
            other = hits[at]
            if other.word > last:
                return None
            if _apart(hit, other):
                return other
        return None

    def all_in(self, hit: Hit, group: str, first: int, last: int) -> Iterator[Hit]:
        """The hits of the group between two words, other than this one."""
        hits = self._hits.get(group)
        if not hits:
            return
        words = self._words(group)
        for at in range(bisect_left(words, first), len(hits)):
            other = hits[at]
            if other.word > last:
                return
            if _apart(hit, other):
                yield other

    def clause(self, word: int, ends: frozenset[str]) -> tuple[int, int]:
        """The first and last word of the clause that holds this one; looks a few words either way."""
        positions, clean = self.normal.positions, self.normal.clean
        first = last = word
        while first > max(0, word - 12) and not self._ended(first - 1, ends, positions, clean):
            first -= 1
        while last < min(len(positions) - 1, word + 12) and not self._ended(last, ends, positions, clean):
            last += 1
        return first, last

    @staticmethod
    def _ended(word: int, ends: frozenset[str], positions: list[tuple[int, int]], clean: str) -> bool:
        behind, before = positions[word][1], positions[word + 1][0]
        return any(char in ends for char in clean[behind : min(before, behind + 40)])

    def starts_line(self, hit: Hit) -> bool:
        """Whether the line starts with the hit, but for numbers and a label."""
        first, _ = self.line_words(self.line(hit))
        return all(piece.isdigit() or len(piece) < 2 for piece in self.normal.pieces[first : hit.word][:8]) and (
            hit.word - first < 8
        )

    @cached_property
    def has_series(self) -> bool:
        """Whether anything looks like the series of a file reference."""
        return _SERIES.search(self.normal.clean) is not None

    def _words(self, group: str) -> list[int]:
        words = self._word_lists.get(group)
        if words is None:
            self._hits[group].sort(key=lambda hit: hit.word)
            words = self._word_lists[group] = [hit.word for hit in self._hits[group]]
        return words

    @cached_property
    def _word_lists(self) -> dict[str, list[int]]:
        return {}

    def clean_span(self, hit: Hit) -> tuple[int, int]:
        """Where the hit stands in the text with its case kept."""
        if hit.view == "clean":
            return hit.start, hit.end
        if hit.view == "text":
            return self.normal.clean_span(hit.start, hit.end)
        positions = self.normal.positions
        return positions[hit.word][0], positions[hit.last][1]

    def span(self, hit: Hit) -> tuple[int, int]:
        """Where the hit stands in the original."""
        return self.normal.original(*self.clean_span(hit))

    @cached_property
    def has_digits(self) -> bool:
        """Whether there are at least six digits with at most a few signs between them."""
        return _DIGITS.search(self.normal.clean) is not None

    def beside(self, start: int, end: int, groups: Iterable[str], within: int, after: int | None = None) -> Hit | None:
        """A hit of the groups at most so many words before, or `after` words behind, a span of the clean text."""
        first, last = self.normal.word_at(start), self.normal.word_at(max(end - 1, start))
        behind = within if after is None else after
        for group in groups:
            hits = self._hits.get(group)
            if not hits:
                continue
            words = self._words(group)
            for at in range(bisect_left(words, first - within - 4), len(hits)):
                if hits[at].word > last + behind:
                    break
                if hits[at].last >= first - within:
                    return hits[at]
        return None

    def text_of(self, hit: Hit) -> str:
        """The hit's words, folded."""
        return " ".join(self.normal.pieces[hit.word : hit.last + 1])

    @cached_property
    def lines(self) -> list[tuple[int, int]]:
        """The first and last word of each line that holds any."""
        clean, positions = self.normal.clean, self.normal.positions
        lines: list[tuple[int, int]] = []
        first = 0
        for at in range(len(positions)):
            if at + 1 == len(positions) or _breaks(clean, positions[at][1], positions[at + 1][0]):
                lines.append((first, at))
                first = at + 1
        return lines

    def line(self, hit: Hit) -> int:
        """The number of the line on which the hit starts."""
        return bisect_right(self.lines, (hit.word, len(self.normal.words))) - 1

    def line_words(self, line: int) -> tuple[int, int]:
        return self.lines[line]

    def at_edge(self, line: int, edge: int) -> bool:
        """Whether the line is one of the first or last so many."""
        return line < edge or line >= len(self.lines) - edge

    @cached_property
    def shouts(self) -> bool:
        """Whether most of the text is in capitals, so that capitals tell nothing."""
        start = self.normal.clean[:4000].encode()
        capitals = len(start) - len(start.translate(None, _CAPITALS))
        return capitals > 14 and capitals > 0.7 * (capitals + len(start) - len(start.translate(None, _SMALL)))

    def groups_at(self, word: int) -> frozenset[str]:
        """The groups with a hit on this word."""
        index = self.memory.get("groups")
        if index is None:
            index = {}
            for group, hits in self._hits.items():
                for hit in hits:
                    for at in range(hit.word, min(hit.last, hit.word + 8) + 1):
                        index.setdefault(at, set()).add(group)
            self.memory["groups"] = index
        return frozenset(index.get(word, ()))

    @cached_property
    def sentence_ends(self) -> list[int]:
        """The words that end a sentence."""
        words = (self.normal.word_at(found.start()) for found in _SENTENCE_END.finditer(self.normal.clean))
        return list(dict.fromkeys(words))

    def sentence(self, word: int) -> tuple[int, int]:
        """The first and last word of the sentence that holds this one."""
        ends = self.sentence_ends
        place = bisect_left(ends, word)
        first = ends[place - 1] + 1 if place else 0
        last = ends[place] if place < len(ends) else len(self.normal.words) - 1
        return first, last

    def together(self, lexicon: str) -> Iterator[Finding]:
        """The findings of a vocabulary's combinations, the strongest for each place."""
        category = self.lexicons.documents[lexicon].category
        best: dict[tuple[int, int], Finding] = {}
        for together in self.lexicons.combinations[lexicon]:
            for hit in self._combined(together):
                start, end = self.span(hit)
                known = best.get((start, end))
                likelihood = together.rule.likelihood
                if known is None or known.likelihood < likelihood:
                    best[start, end] = Finding(lexicon, category, likelihood, start, end)
        if best:
            yield from outermost(best.values())

    def _combined(self, together: Together) -> Iterator[Hit]:
        rule = together.rule
        if not any(group in self._hits for group in together.find):
            return
        hits = self.hits(*together.find)
        if rule.at_least > 1 and len({hit.word for hit in hits}) < rule.at_least:
            return
        apart = rule.not_within or rule.within
        for hit in hits:
            if hit.weak and not together.near:
                continue
            if not all(self.near(hit, entry, rule.within) for entry in together.near):
                continue
            if not (together.not_near and self.near(hit, together.not_near, apart)):
                yield hit


def _apart(one: Hit, other: Hit) -> bool:
    """Whether two hits share nothing. In scripts without spaces both may stand in the same word."""
    if other.word > one.last or other.last < one.word:
        return True
    return one.view == other.view and (other.start >= one.end or other.end <= one.start)


def _windows(hits: Sequence[Hit], reach: int, words: int) -> Windows:
    """The words within reach of the hits, as first and last of each stretch."""
    windows: list[tuple[int, int]] = []
    for first, last in sorted((hit.word - reach, hit.last + reach) for hit in hits):
        if windows and first <= windows[-1][1] + 1:
            windows[-1] = windows[-1][0], max(windows[-1][1], min(last, words - 1))
        else:
            windows.append((max(first, 0), min(last, words - 1)))
    return windows


def _breaks(clean: str, start: int, end: int) -> bool:
    return any(clean.find(mark, start, end) >= 0 for mark in "\n\r\f\v")


_CAPITALS = bytes(range(65, 91))
_SMALL = bytes(range(97, 123))
_SERIES = compiled(r"[A-Z)]\s?[\s./]{0,2}\d{1,4}[./-]\d")
_DIGITS = compiled(r"\d(?:[ .\-_/,()+]{0,3}\d){5}")
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"')]|$)|\n")


def outermost(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Without those that lie inside a finding at least as likely; at most `MAX_FINDINGS`."""
    kept: list[Finding] = []
    cover: Finding | None = None  # of those kept, the one that reaches furthest
    for finding in sorted(findings, key=lambda one: (one.start, -one.end)):
        if cover is not None and finding.end <= cover.end and finding.likelihood <= cover.likelihood:
            continue
        kept.append(finding)
        if cover is None or finding.end > cover.end or finding.likelihood > cover.likelihood:
            cover = finding
    strongest = sorted(kept, key=lambda one: (-one.likelihood.rank, one.start))[:MAX_FINDINGS]
    yield from sorted(strongest, key=lambda one: one.start)
