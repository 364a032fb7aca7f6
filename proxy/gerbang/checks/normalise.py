"""Two views of a text without its disguises, and the way back to the characters as they were written.

`clean` keeps case and punctuation: compatibility forms, look-alike letters, accents and everything that is not
seen are gone, and what is no Latin letter stands apart from what is. `text` is folded from it: words in lower case
with one space between, spelling tricks undone, short forms read out.

>>> normal_form("B\u200b0D0H").text
'bodoh'
>>> normal_form("b o d o h betul org2 ni").text
'bodoh betul orang orang ni'
>>> normal = normal_form("Dia \u0441elak\u0430!")
>>> start = normal.text.index("celaka")
>>> normal.span(start, start + len("celaka"))
(4, 10)
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise

from gerbang.checks.patterns import compiled
from gerbang.checks.short_forms import SHORT_FORMS

# Look-alikes that no Unicode decomposition resolves. Seen in Unicode confusables 17.0 (2025) and in posts, which take
# capitals from Canadian syllabics too.
LOOK_ALIKES = {
    look: plain
    for plain, looks in {
        "A": "АΑᎪᗅꓮ𐊠ᗩᐱȺ", "B": "ВΒᏴᗷꓐƁɃ", "C": "СϹᏟꓚᑕȻƇ", "D": "ᎠꓓᗞⅮᗪĐƉƊ", "E": "ЕΕᎬꓰᗴᕮƐƎɆ", "F": "ϜꓝᖴƑ",
        "G": "ԌᏀꓖᘜƓǤ", "H": "НΗᎻꓧᕼĦ", "I": "ІΙӀꓲƗ", "J": "ЈᎫꓙᒍɈ", "K": "КΚᏦꓗᛕƘ", "L": "ᏞꓡᒪŁȽ", "M": "МΜᎷꓟᗰ",
        "N": "ΝꓠᑎƝŊ", "O": "ОΟՕꓳØƟ", "P": "РΡᏢꓑᑭƤ", "Q": "ԚᑫɊ", "R": "ᎡᏒꓣᖇɌ", "S": "ЅᏚՏꓢᔕ", "T": "ТΤᎢꓔŦƬƮȾ",
        "U": "ՍꓴUᑌɄ", "V": "ᏙѴꓦᐯƲ", "W": "ԜᎳꓪᗯⱲ", "X": "ХΧꓫ᙭", "Y": "УΥҮꓬƳɎ", "Z": "ΖᏃꓜƵȤ",
        "a": "аαɑᴀӕ", "b": "ƅЬʙᏏɓвƀ", "c": "сϲᴄⅽƈ", "d": "ԁᴅɗđᏧƌ", "e": "еεєҽᴇɛəɘ", "f": "ꜰƒ", "g": "ɡɢցǥɠ",
        "h": "һհʜɦħн", "i": "іιıɪɩỉ", "j": "јᴊʝ", "k": "кκᴋƙ", "l": "ӏʟłɭⅼǀ", "m": "мᴍɱ", "n": "пηɴոռɲŋ",
        "o": "оοσөᴏօøɵס", "p": "рρᴘƥ", "q": "ԛգɋ", "r": "гʀɾɍᴦ", "s": "ѕꜱʂƽ", "t": "тτᴛŧƭ", "u": "υцᴜսʋџ",
        "v": "νѵᴠ", "w": "ѡԝᴡωшɯ", "x": "хχҳ", "y": "уγʏүყɣ", "z": "ᴢʐƶʑ",
        # Jawi readers accept either form of these letters, so keyboards mix them.
        "ك": "ک", "ي": "یىې", "ه": "ھہە", "ڬ": "ݢ", "ڤ": "ڥ",
    }.items()
    for look in looks
}  # fmt: skip

# Drawn over or between letters, and not seen: joiners, fillers, and the blank braille cell.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
QUOTES = {**dict.fromkeys("“”„‟«»❝❞〝〞＂「」『』", '"'), **dict.fromkeys("‘’‚‛❛❜`´ʼ", "'")}
LINE_ENDS = frozenset("\u0085\u2028\u2029")
# Accents belong to the letter beneath; vowel signs of Indian scripts are letters and stay.
ACCENTS = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x0640, 0x0640), (0x064B, 0x065F),
    (0x0670, 0x0670), (0x06D6, 0x06ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F), (0xE0100, 0xE01EF),
)  # fmt: skip
NEGATIVE_SQUARES = range(0x1F150, 0x1F18A)


def _unseen(char: str) -> bool:
    return (
        char in UNSEEN
        or unicodedata.category(char) == "Cf"
        or any(first <= ord(char) <= last for first, last in ACCENTS)
    )


def _plain(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    if char in LINE_ENDS:
        return "\n"
    if char in QUOTES:
        return QUOTES[char]
    if ord(char) in NEGATIVE_SQUARES:
        place = (ord(char) - NEGATIVE_SQUARES.start) % 32
        return chr(ord("A") + place) if place < 26 else " "
    if _unseen(char):
        return ""
    if char in LOOK_ALIKES:
        return LOOK_ALIKES[char]
    category = unicodedata.category(char)
    if category[0] == "Z":
        return " "
    if category == "Pd":
        return "-"
    if category[0] == "P" and char.isascii() is False and unicodedata.normalize("NFKD", char) == char:
        return "."
    if "\uac00" <= char <= "\ud7a3":  # a Hangul syllable stays one letter
        return char
    parts = unicodedata.normalize("NFKD", char)
    return char if parts == char else _joined(_PLAIN[part] for part in parts)


def _joined(parts: Iterable[str]) -> str:
    joined = ""
    for part in parts:
        joined += f" {part}" if joined and part and _apart(joined[-1], part[0]) else part
    return joined


class _Plain(dict[str, str]):
    """Each character's plain form, worked out once."""

    def __missing__(self, char: str) -> str:
        plain = self[char] = char if char.isascii() else _plain(char)
        return plain


class _PlainCodes(dict[int, str]):
    """The same for `str.translate`."""

    def __missing__(self, code: int) -> str:
        plain = self[code] = _PLAIN[chr(code)]
        return plain


_PLAIN = _Plain()
_PLAIN_CODES = _PlainCodes()
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


class _Trail:
    """Where the characters of a rewritten text came from: only the places that were rewritten are kept."""

    __slots__ = ("ends", "source_ends", "source_starts", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.source_starts: list[int] = []
        self.source_ends: list[int] = []

    def add(self, start: int, end: int, source_start: int, source_end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.source_starts.append(source_start)
        self.source_ends.append(source_end)

    def start(self, at: int) -> int:
        """The source offset of the character at `at`."""
        place = bisect_right(self.starts, at) - 1
        if place < 0:
            return at
        if at < self.ends[place]:
            return self.source_starts[place]
        return self.source_ends[place] + at - self.ends[place]

    def end(self, at: int) -> int:
        """The source offset behind the character at `at`."""
        place = bisect_right(self.starts, at) - 1
        if place < 0:
            return at + 1
        if at < self.ends[place]:
            return self.source_ends[place]
        return self.source_ends[place] + at + 1 - self.ends[place]


def _cleaned(value: str) -> tuple[str, _Trail]:
    trail = _Trail()
    if value.isascii():
        return value, trail
    parts: list[str] = []
    length = done = 0
    last = " "  # the last character given out
    for run in _FOREIGN.finditer(value):
        first, behind = run.span()
        if first > done:
            parts.append(value[done:first])
            length += first - done
            last = value[first - 1]
        characters = run.group()
        if characters.translate(_PLAIN_CODES) == characters:  # the common case: another script, or a picture
            if last.isalnum() and last.isascii():
                trail.add(length, length + 1, first, first)
                parts.append(" ")
                length += 1
            parts.append(characters)
            length += len(characters)
            last, characters = characters[-1], ""
        for at, char in enumerate(characters, first):
            plain = _PLAIN[char]
            if plain and _apart(last, plain[0]):
                plain = " " + plain
            if plain != char:
                trail.add(length, length + len(plain), at, at + 1)
            if plain:
                parts.append(plain)
                length += len(plain)
                last = plain[-1]
        if behind < len(value) and _apart(last, value[behind]):
            trail.add(length, length + 1, behind, behind)
            parts.append(" ")
            length += 1
            last = " "
        done = behind
    parts.append(value[done:])
    return "".join(parts), trail


def _apart(left: str, right: str) -> bool:
    """Whether a Latin letter or digit meets a character of another script or a picture, without a space."""
    if left.isascii():
        return left.isalnum() and not right.isascii()
    return right.isascii() and right.isalnum()


# ---------------------------------------------------------------- words

_KEPT_SIGNS = b"@$#\x01"
_SEPARATED = bytes(code if code > 127 or chr(code).isalnum() or code in _KEPT_SIGNS else 32 for code in range(256))
_WORDS = re.compile(r"[^ ]+")
_SIGNS_IN_WORDS = compiled(r"[A-Za-z](?:[!|]|\*{1,3})[A-Za-z]|[A-Z]l[A-Z]")
_SIGN_IN_WORD = re.compile(r"(?<=[A-Za-z])[!|](?=[A-Za-z])")
_SMALL_L = re.compile(r"(?<=[A-Z])l(?=[A-Z])")  # looks like a capital I: `SULlT`
_STAR_IN_WORD = re.compile(r"(?<=[A-Za-z])\*{1,3}(?=[A-Za-z])")
_SINGLE_LETTERS = compiled(r"(?: [A-Za-z0-9@$\x01]){3,} ")
HIDDEN = "\x01"  # stands for a letter that the writer starred out

_LONG = re.compile(r"(.)\1{2,}")
_VOWEL = re.compile(r"[aeiou]")
_DOUBLE = re.compile(r"(.)\1+")
_TWICE = re.compile(r"([a-z]{3,})2([a-z]{0,4})")
_TWICE_ENDINGS = frozenset({"", "an", "nya", "lah", "la", "kan", "ku", "mu", "tu", "ni"})
_NOT_TWICE = frozenset({"jld", "jilid", "bil", "covid", "pru", "vol", "ver", "klt", "siri", "fasa", "bab", "ps", "mp"})
_NUMBERED = re.compile(r"\d+[a-z]{1,2}|[a-z]{1,2}\d+|[a-z]+\d{2,}|\d{2,}[a-z]+|\d[a-z]\d")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIGNS = {"0": "o", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s"}
_DOUBLED = {
    _DOUBLE.sub(r"\1", word): word
    for word in [
        "maaf",
        "maafkan",
        "saat",
        "taat",
        "jumaat",
        "manfaat",
        "kill",
        "asshole",
        "bullshit",
        "pussy",
        "faggot",
        "fool",
        "foolish",
        "useless",
        "worthless",
        "shameless",
        "spineless",
        "clueless",
        "brainless",
        "gutless",
        "heartless",
        "bully",
        "harass",
        "loser",
        "poor",
        "speech",
        "sheep",
        "bloody",
        "silly",
        "well",
        "still",
        "sorry",
        "good",
        "keep",
        "need",
        "free",
        "feel",
        "school",
        "goodness",
    ]
    if word != "loser"
}
CACHED_WORDS = 1 << 15
CACHED_LENGTH = 32


def _letters(word: str) -> str:
    """The word with digits and signs read as the letters that they stand for."""
    read = []
    for at, char in enumerate(word):
        before = word[at - 1] if at else ""
        after = word[at + 1] if at + 1 < len(word) else ""
        if char == "1":
            # After a vowel it stands for an l (`sia1`), else for an i (`s1al`); before a vowel at the start, for an l.
            read.append("l" if before in set("aeou034@") or (not before and after in set("aeiou0@34")) else "i")
        elif char == "6" and not before:
            read.append("b")
        else:
            read.append(_SIGNS.get(char, char))
    return "".join(read)


def _folded(word: str) -> str:
    if word[0] == "#":
        humps = _CAMEL.findall(word)
        return " ".join(_FOLDED[hump] for hump in humps) if len(humps) > 1 else _FOLDED[word[1:]] if word[1:] else "#"
    low = word.lower()
    if low[0] == "@" and len(low) > 1:
        return low  # a mention, or an a: vocabularies hold both spellings
    if len(low) != len(word) or not low.isascii():
        return low
    if not low.isalpha():
        if low.isdigit():
            return low
        if HIDDEN in low:
            joined = low.replace(HIDDEN, "")
            return joined if len(low) == 2 * len(joined) - 1 and len(joined) > 3 else low
        twice = _TWICE.fullmatch(low)
        stem = twice.group(1) if twice else ""
        if twice and twice.group(2) in _TWICE_ENDINGS and stem not in _NOT_TWICE and not word[1].isupper():
            read = SHORT_FORMS.get(stem, stem)
            return f"{read} {read}{twice.group(2)}"
        if _NUMBERED.fullmatch(low):
            return low
        low = _letters(low).strip("#@$")
        if not low:
            return word.lower()
    if "v" in low and len(low) > 4 and not _VOWEL.search(low):
        low = low.replace("v", "u")  # `bvnvh`
    short = SHORT_FORMS.get(low)
    if short is not None:
        return short
    if _LONG.search(low) and low.strip("w"):
        single = _DOUBLE.sub(r"\1", low)
        low = _DOUBLED.get(single) or _LONG.sub(r"\1", low)
        return SHORT_FORMS.get(low, low)
    return low


class _Folds(dict[str, str]):
    """Words that were folded before: posts repeat the same few thousand. Bounded, and emptied whole when full."""

    def __missing__(self, word: str) -> str:
        folded = _folded(word)
        # Numbers of people are not kept here beyond the text they stand in.
        if len(word) <= 4 or (len(word) <= CACHED_LENGTH and not any(char.isdigit() for char in word)):
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = folded
        return folded


_FOLDED = _Folds()


def _starts(words: Sequence[str]) -> list[int]:
    """Where each word starts when they stand with one space between."""
    return [end + number for number, end in enumerate(accumulate(map(len, words[:-1]), initial=0))]


class Normal:
    """A text in its two views. `words` are the words of `clean`, `pieces` the same words folded."""

    __slots__ = ("__dict__", "_positions", "_spaced", "_trail", "clean", "pieces", "value", "words")

    def __init__(self, value: str) -> None:
        self.value = value
        self.clean, self._trail = _cleaned(value)
        marked = self.clean.encode()
        if _SIGNS_IN_WORDS.search(marked):
            letters = _SMALL_L.sub("I", _SIGN_IN_WORD.sub("i", self.clean))
            marked = _STAR_IN_WORD.sub(lambda stars: HIDDEN * len(stars.group()), letters).encode()
        self._spaced = marked.translate(_SEPARATED).decode()
        self.words: list[str] = self._spaced.split()
        self._positions: list[tuple[int, int]] | None = None
        if _SINGLE_LETTERS.search(f" {' '.join(self.words)} "):
            self._join_letters()
        self.pieces: list[str] = list(map(_FOLDED.__getitem__, self.words))

    @cached_property
    def text(self) -> str:
        """The folded view: the pieces with one space between."""
        return " ".join(self.pieces)

    @cached_property
    def kept(self) -> str:
        """The words with their case, with one space between."""
        return " ".join(self.words)

    @property
    def positions(self) -> list[tuple[int, int]]:
        """Where each word stands in `clean`."""
        if self._positions is None:
            self._positions = [found.span() for found in _WORDS.finditer(self._spaced)]
        return self._positions

    @cached_property
    def piece_starts(self) -> list[int]:
        """Where each piece starts in `text`."""
        return _starts(self.pieces)

    @cached_property
    def word_starts(self) -> list[int]:
        """Where each word starts in `kept`."""
        return _starts(self.words)

    def _join_letters(self) -> None:
        """Join runs of single letters (`b o d o h`); a wider gap than the run's first ends a word."""
        spans = self.positions
        words: list[str] = []
        positions: list[tuple[int, int]] = []
        at = 0
        while at < len(self.words):
            behind = at
            while behind < len(self.words) and len(self.words[behind]) == 1:
                behind += 1
            runs = self._runs(at, behind)
            spelled = any(last - first > 2 for first, last in runs)  # then two letters beside it are a word as well
            for first, last in runs:
                letters = "".join(self.words[first:last])
                if last - first > 1 and spelled and sum(char.isalpha() for char in letters) > min(last - first - 1, 2):
                    words.append(letters)
                    positions.append((spans[first][0], spans[last - 1][1]))
                else:
                    words.extend(self.words[first:last])
                    positions.extend(spans[first:last])
            if behind < len(self.words):
                words.append(self.words[behind])
                positions.append(spans[behind])
            at = behind + 1
        self.words, self._positions = words, positions

    def _runs(self, first: int, behind: int) -> list[tuple[int, int]]:
        if first == behind:
            return []
        spans = self.positions
        cuts = [first]
        for left, right in pairwise(range(first, behind)):
            start = cuts[-1]
            usual = spans[start + 1][0] - spans[start][1] if start + 1 < behind else 0
            if spans[right][0] - spans[left][1] > usual:
                cuts.append(right)
        return list(pairwise([*cuts, behind]))

    def original(self, start: int, end: int) -> tuple[int, int]:
        """From a span of `clean` (not empty) to the original's."""
        return self._trail.start(start), self._trail.end(end - 1)

    def piece(self, at: int) -> int:
        """The number of the piece that holds the character of `text` at `at`."""
        return bisect_right(self.piece_starts, at) - 1

    def kept_piece(self, at: int) -> int:
        """The number of the word that holds the character of `kept` at `at`."""
        return bisect_right(self.word_starts, at) - 1

    def word_at(self, at: int) -> int:
        """The number of the word at, or the last one before, the character of `clean` at `at`."""
        return max(bisect_right(self.positions, (at, len(self.clean) + 1)) - 1, 0)

    def clean_span(self, start: int, end: int) -> tuple[int, int]:
        """From a span of `text` to that of `clean`: exact in words that were only lowered, whole words elsewhere."""
        first, last = self.piece(start), self.piece(end - 1)
        head, tail = self.positions[first], self.positions[last]
        clean_start, clean_end = head[0], tail[1]
        if self._exact(first):
            clean_start += min(start - self.piece_starts[first], head[1] - head[0] - 1)
        if self._exact(last):
            clean_end = max(min(tail[0] + end - self.piece_starts[last], tail[1]), clean_start + 1)
        return clean_start, clean_end

    def _exact(self, piece: int) -> bool:
        start, end = self.positions[piece]
        return self.pieces[piece] == self.clean[start:end].lower()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From a span of `text` to the original's offsets. An empty span is a `ValueError`."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError("a span within the text, with at least one character")
        return self.original(*self.clean_span(start, end))


def normal_form(value: str) -> Normal:
    """The text without its disguises, in time linear in its length. Never raises."""
    return Normal(value)


class NormalForms(dict[str, Normal]):
    """The normal form of each text, worked out once for all who ask while one activity is judged."""

    def __missing__(self, value: str) -> Normal:
        form = self[value] = normal_form(value)
        return form
