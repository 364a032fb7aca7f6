"""Human words in a write that no signature knows. Ids, names, addresses, tokens and secrets are none."""

import re
import unicodedata
from collections.abc import Iterator

from gerbang.model import Text
from gerbang.recognition.secrets import is_secret
from gerbang.wire.charsets import scrubbed, text
from gerbang.wire.html import visible
from gerbang.wire.message import HTTP, Message, members
from gerbang.wire.values import Blob, Value

LETTERS = 20
"""Letters that make human text, all values of one field together."""

LEAVES = 5_000
"""Values that are looked at in one request."""

TAKEN = 200
"""Texts that are given at most."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# Fields whose values are words without being anybody's statement.
_NO_STATEMENT = frozenset(
    {
        "name",
        "names",
        "username",
        "nickname",
        "author",
        "email",
        "mail",
        "phone",
        "address",
        "login",
        "user",
        "id",
        "ids",
    }
    | {"uuid", "guid", "hash", "url", "uri", "href", "link", "src", "referrer", "referer", "path", "file", "filename"}
    | {"slug", "type", "class", "locale", "lang", "language", "timezone", "version", "agent", "ua", "mime", "charset"}
    | {
        "encoding",
        "operation",
        "sduiid",
        "typename",
        "features",
        "feature",
        "event",
        "source",
        "medium",
        "campaign",
        "useragent",
        "origin",
        "appid",
    }
    | {"action", "hook", "city", "state", "country", "street", "town", "province", "region", "postcode", "company"}
)
# Of those, the fields in which even a sentence is none: what a program says of itself, and where somebody lives.
_NEVER_STATEMENT = frozenset(
    {"agent", "ua", "useragent", "appid", "features", "feature", "event", "address", "street", "city", "town", "region"}
)
# What somebody who only reads sends along: the title of the page, what is looked for, what was agreed to.
_READING = frozenset(
    {"s", "q", "search", "searchterm", "searchquery", "searchtext", "keyword", "keywords"}
) | frozenset({"pagetitle", "documenttitle", "doctitle", "consent", "consents", "consentstatus"})
_JOINED = re.compile(r"[^\W_]+(?:[._|~+:]+[^\W_]+){4,}")
_JOINTS = re.compile(r"[._|~+:]+")
SENTENCE = 4
"""Words that make a sentence of a field's value whose name says that it holds none."""
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
_GRAPHQL = re.compile(r"\s*(query|mutation|subscription|fragment|\{)[\s\w({]")
# One that never ends is taken to the end at once: tried again from each quote it would take the square of its length.
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)', re.DOTALL)
_NAME_PARTS = frozenset({"bin", "binti", "bt", "bte", "a/l", "a/p", "anak"})
# A number of a person or a telephone; those of posts and blogs are longer.
_SAID_NUMBER = re.compile(r"[\d+().-]{7,16}")
_TRIMMED = ".,;:!?\"'()[]{}<>…“”‘’«»*_~#@-/"


def human_texts(message: Message) -> tuple[Text, ...]:
    """The texts of every field that holds human words, or nothing."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for place, group, value in _leaves(message):
        grouped.setdefault(group, []).append((place, value))
    texts: list[Text] = []
    for leaves in grouped.values():
        words = [(place, value, letters(value)) for place, value in leaves]
        if sum(count for _, _, count in words) >= LETTERS:
            texts += [Text(place, scrubbed(value)) for place, value, count in words if count]
    return tuple(texts[:TAKEN])


def letters(value: str) -> int:
    """Letters of human words in a text.

    >>> letters("Jadual baharu bas bermula Isnin"), letters("eyJhbGciOiJIUzI1NiJ9"), letters("https://contoh.my/a-b")
    (27, 0, 0)
    >>> letters("3f9ac0d2-1b11-4222-8333-444455556666"), letters("Aminah binti Abdul Rahman"), letters("今日はいい天気")
    (0, 0, 7)
    """
    words = value[:100_000].split()
    if any(word.lower() in _NAME_PARTS for word in words) and len(words) <= 8 and _titled(words):
        return 0
    return sum(_letters_of(word) for word in words)


def bare(value: str) -> bool:
    """Whether a text is an id, an address or a token, and nothing that a person says.

    >>> bare("4821093377120456610"), bare("https://contoh.my/a"), bare("Esok"), bare("880512-14-5678"), bare("👍")
    (True, True, False, False, False)
    """
    return value.isascii() and len(value.split()) == 1 and not letters(value) and not _SAID_NUMBER.fullmatch(value)


def _titled(words: list[str]) -> bool:
    return all(word.lower() in _NAME_PARTS or word[:1].isupper() for word in words)


def _letters_of(word: str) -> int:
    word = word.strip(_TRIMMED)
    # Five words and more that are joined by dots or the like are words; fewer are names of programs and hosts.
    if _JOINED.fullmatch(word):
        return sum(_letters_of(part) for part in _JOINTS.split(word))
    if word.isascii():
        # A word of a language: letters throughout, an apostrophe or hyphen within, no capitals in the middle.
        plain = word.replace("'", "").replace("-", "")
        if not plain.isalpha() or len(plain) > 30 or not (plain[1:].islower() or plain.isupper() or len(plain) == 1):
            return 0
        return len(plain) if not (plain.isupper() and len(plain) > 15) else 0
    if "://" in word or "@" in word[1:]:
        return 0
    count = sum(1 for char in word if unicodedata.category(char)[0] in "LM")
    if count > 40 and not unicodedata.name(word[0], "").startswith(_SPACELESS):
        return 0
    return count


def _leaves(message: Message) -> Iterator[tuple[str, str, str]]:
    """Place, place without numbers, and text of each value whose field may hold a statement. Never recursive."""
    stack: list[tuple[str, str, Value]] = []
    for name, value in (*message.query, *message.form):
        if not _withheld(name, value):
            stack.append((f"field.{name}", f"field.{name}", value))
    stack += [("json", "json", value) for value in message.json]
    if message.call is not None:
        # Plain parameters are user names and passwords as often as not; only what has a name is looked at.
        for number, value in enumerate(message.call.params):
            if not isinstance(value, str):
                stack.append((f"xmlrpc.params[{number}]", "xmlrpc.params", value))
    if message.plain is not None:
        stack.append(("body", "body", message.plain))
    for part in message.parts:
        if isinstance(part, str) or (isinstance(part, Blob) and part.type == HTTP):
            stack.append(("parts", "parts", text(part.data) if isinstance(part, Blob) else part))
    stack += [(f"protobuf.{at}", f"protobuf.{at}", value) for at, value in message.numbered]
    stack.reverse()
    seen = 0
    while stack and seen < LEAVES:
        place, group, value = stack.pop()
        seen += 1
        if isinstance(value, str):
            nested = message.nested(value)
            if nested is not None:
                stack.append((place, group, nested))
            elif _GRAPHQL.match(value):
                for literal in _QUOTED.findall(value[:100_000]):
                    yield place, group, literal
            else:
                yield place, group, visible(value)
        elif isinstance(value, list):
            stack += [
                (f"{place}[{number}]", f"{group}[]", item) for number, item in reversed([*enumerate(value[:LEAVES])])
            ]
        else:
            inner = [
                (f"{place}.{name}", f"{group}.{name}", item)
                for name, item in members(value)
                if not _withheld(name, item)
            ]
            stack += reversed(inner[:LEAVES])


def _withheld(name: str, value: Value) -> bool:
    if is_secret(name):
        return True
    words = [word.lower() for word in _WORDS.findall(name[:200])]
    if "".join(words) in _READING:
        return True
    while len(words) > 1 and words[-1].isdigit():
        words.pop()  # `billing_address_1`
    if not words or words[-1] not in _NO_STATEMENT:
        return False
    if words[-1] in _NEVER_STATEMENT:
        return True
    if isinstance(value, str):
        return not _sentence(value)
    # Under such a name other fields may stand, each with its own: `user.bio`.
    return isinstance(value, list) and not any(not isinstance(item, (str, list)) for item in value[:LEAVES])


def _sentence(value: str) -> bool:
    """Whether a text is plainly one: words with blanks between, most of them small, and letters enough."""
    words = [word for word in value[:2000].split() if _letters_of(word)]
    small = sum(1 for word in words if not word[:1].isupper())
    return len(words) >= SENTENCE and 2 * small >= len(words) and letters(value) >= LETTERS
