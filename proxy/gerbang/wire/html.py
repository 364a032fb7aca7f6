"""What a reader sees of a piece of HTML: no tags, no comments, no scripts, entities undone. One pass."""

import html
import re

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "footer"}
    | {"form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"}
    | {"table", "td", "th", "tr", "ul"}
)
_CLOSINGS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}


def visible(markup: str) -> str:
    """
    >>> visible("<!-- wp:paragraph --><p>Pejabat <b>dit</b>utup &amp; sunyi.</p><p>Esok</p>")
    'Pejabat ditutup & sunyi.\\nEsok'
    >>> visible("3 < 4, dan 5 > 2")
    '3 < 4, dan 5 > 2'
    """
    if "<" not in markup:
        return html.unescape(markup) if "&" in markup else markup
    pieces: list[str] = []
    at, size = 0, len(markup)
    # Once a closing mark is known to be missing from here on it is not looked for again: that keeps this linear.
    no_comment_end = no_tag_end = False
    closings = dict(_CLOSINGS)
    while at < size:
        opening = markup.find("<", at)
        if opening < 0:
            pieces.append(html.unescape(markup[at:]))
            break
        if opening > at:
            pieces.append(html.unescape(markup[at:opening]))
        if markup.startswith("<!--", opening) and not no_comment_end:
            end = markup.find("-->", opening + 4)
            if end >= 0:
                at = end + 3
                continue
            no_comment_end = True
        following = markup[opening + 1 : opening + 2]
        if no_tag_end or not (following.isascii() and (following.isalpha() or following in ("/", "!", "?"))):
            pieces.append("<")
            at = opening + 1
            continue
        # The nearest one, though it may stand in an attribute: a checker then sees more than a reader, never less.
        end = markup.find(">", opening + 1)
        if end < 0:
            no_tag_end = True
            pieces.append("<")
            at = opening + 1
            continue
        name = _tag_name(markup, opening + 1, end)
        if name.lstrip("/") in _BLOCKS:
            pieces.append("\n")
        if name == "img":
            pieces.append(_alternative(markup[opening:end]))
        at = end + 1
        if (closing := closings.get(name)) is not None:
            found = closing.search(markup, at)
            if found is None:
                del closings[name]
            else:
                at = found.start()
    return _tidy("".join(pieces))


def _tag_name(markup: str, start: int, end: int) -> str:
    stop = start + (1 if markup[start : start + 1] == "/" else 0)
    while stop < end and stop - start < 20 and markup[stop].isalnum():
        stop += 1
    return markup[start:stop].lower()


def _alternative(tag: str) -> str:
    _, found, rest = tag.partition(' alt="')
    return f" {html.unescape(rest.partition('"')[0])} " if found else ""


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
