"""Bytes to text, in the charset that fits rather than the one that is claimed."""

import codecs
from functools import lru_cache

# Codecs that turn plain ASCII into something else, or run code over it: a body that names one of them
# would be read here as other words than the server reads.
_REFUSED = frozenset({"utf_7", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"})


def text(data: bytes, charset: str | None = None) -> str:
    """UTF-8 where that is what the bytes are, else the declared charset, else windows-1252 as browsers take it.

    >>> text("Perdana Menteri\u2019s".encode()), text("caf\xe9".encode("latin-1")), text(b"\\xb4\\xba", "gbk")
    ('Perdana Menteri’s', 'café', '春')
    """
    name = known(charset)
    # A server that ignores the charset reads plain ASCII under such a name as ASCII, so the bytes must show it too.
    if name is not None and name.startswith(("utf_16", "utf_32")) and b"\0" in data:
        return data.decode(name, "replace").removeprefix("\ufeff")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        pass
    if name is not None and name not in ("utf_8", "ascii"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, ValueError):
            pass
    # Mostly UTF-8 with a broken byte reads better as such; where no sequence is whole it is a single-byte charset.
    patched = data.decode("utf-8", "replace")
    if any(char > "\x7f" and char != "\ufffd" for char in patched):
        return patched
    return data.decode("cp1252", "replace")


@lru_cache(maxsize=128)
def known(charset: str | None) -> str | None:
    """Python's name of a charset that may be decoded with, or `None`."""
    if not charset:
        return None
    try:
        found = codecs.lookup(charset.strip().strip("\"'"))
    except (LookupError, ValueError, UnicodeError):
        return None
    name = found.name.replace("-", "_")
    # `_is_text_encoding` tells charsets from the likes of zlib and base64; the codecs module has no public word for it.
    if name in _REFUSED or not getattr(found, "_is_text_encoding", False):
        return None
    return name


def wide(charset: str | None) -> bool:
    """Whether a charset takes more than a byte for an ASCII letter: who does not heed it reads other words."""
    return (known(charset) or "").startswith(("utf_16", "utf_32"))


def scrubbed(value: str) -> str:
    """The text without lone surrogates, which JSON escapes can smuggle in and nothing can store."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
