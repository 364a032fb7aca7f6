"""XML-RPC calls to plain values. No document type, no entities of the sender's own, bounded depth.

WordPress reads them by the end of each element, whatever it stands in (wp-includes/IXR/class-IXR-message.php, seen
2026-11): the last of two method names counts, a value needs no parameter around it, an element that it does not
know empties what stood before. Only what cannot be read in two ways is read here; all else is `Unreadable`.
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # ships no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # ships no types

from gerbang.wire.values import DEPTH, Blob, Pairs, Unreadable, Value

_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_WORDS = frozenset({"string", "double", "dateTime.iso8601"})
_INTEGERS = frozenset({"int", "i4", "i8"})


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    params: list[Value]


def parse_call(body: bytes) -> Call:
    """A call, or an answer to one: that has no method.

    >>> parse_call(b"<methodCall><methodName>mt.publishPost</methodName>"
    ...            b"<params><param><value><int>7</int></value></param></params></methodCall>")
    Call(method='mt.publishPost', params=[7])
    """
    try:
        root = fromstring(body.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Unreadable("not XML-RPC") from error
    if root.tag == "methodCall":
        # Expat bounds no depth; recursion below does.
        name, *groups = _children(root, "methodName", "params")
        if name.tag != "methodName" or len(name) or len(groups) > 1 or (groups and groups[0].tag != "params"):
            raise Unreadable("not one method and its parameters")
        return Call((name.text or "").strip(), _params(groups))
    if root.tag == "methodResponse":
        return Call("", _params([group for group in root if group.tag == "params"]))
    raise Unreadable("not a call")


def _children(element: Element, *allowed: str) -> list[Element]:
    """What stands in an element, which holds those elements only, one at least, and no text."""
    children = list(element)
    stray = [element.text, *(child.tail for child in children)]
    if any((text or "").strip() for text in stray) or any(child.tag not in allowed for child in children):
        raise Unreadable(f"not what belongs into `{element.tag[:20]}`")
    if not children:
        raise Unreadable(f"nothing in `{element.tag[:20]}`")
    return children


def _one(element: Element, name: str) -> Element:
    children = _children(element, name)
    if len(children) > 1:
        raise Unreadable(f"more than one `{name}`")
    return children[0]


def _params(groups: Sequence[Element]) -> list[Value]:
    if not groups or not (len(groups[0]) or (groups[0].text or "").strip()):
        return []
    values = [_one(param, "value") for param in _children(groups[0], "param")]
    # An empty one does not count for WordPress, and those behind it move up.
    return [_value(value, 0, empty=False) for value in values]


def _value(element: Element, depth: int, *, empty: bool = True) -> Value:
    if depth > DEPTH:
        raise Unreadable("nested too deeply")
    if not len(element):
        content = element.text or ""
        if not content.strip() and not empty:
            raise Unreadable("an empty value among others")
        return content
    children = list(element)
    typed = children[0]
    if len(children) > 1 or (element.text or "").strip() or (typed.tail or "").strip():
        raise Unreadable("a value of more than one type")
    if typed.tag == "struct":
        return _struct(typed, depth)
    if typed.tag == "array":
        data = _one(typed, "data")
        if not len(data) and not (data.text or "").strip():
            return []
        return [_value(value, depth + 1, empty=False) for value in _children(data, "value")]
    if len(typed):
        raise Unreadable("an element within a plain value")
    content = typed.text or ""
    if typed.tag in _WORDS:
        return content
    if typed.tag in _INTEGERS:
        return _number(content)
    if typed.tag == "boolean":
        # As PHP casts a text: the word `false` is true.
        return content.strip() not in ("0", "")
    if typed.tag == "base64":
        return _bits(content)
    raise Unreadable("a value of an unknown type")


def _struct(element: Element, depth: int) -> Value:
    if not len(element) and not (element.text or "").strip():
        return {}
    items: list[tuple[str, Value]] = []
    for member in _children(element, "member"):
        name, *values = _children(member, "name", "value")
        if name.tag != "name" or len(name) or len(values) != 1 or values[0].tag != "value":
            raise Unreadable("a member that is not a name and a value")
        if _is_nil(values[0]):
            # WordPress takes nothing from it, so that the member is as good as not there.
            continue
        items.append(((name.text or "").strip(), _value(values[0], depth + 1)))
    single = dict(items)
    return single if len(single) == len(items) else Pairs(tuple(items))


def _is_nil(value: Element) -> bool:
    """Whether a value is `<nil/>`, as Python's and other clients write what is not given."""
    children = list(value)
    texts = (value.text, *(child.tail for child in children))
    return len(children) == 1 and children[0].tag == "nil" and not any((text or "").strip() for text in texts)


def _number(content: str) -> Value:
    content = content.strip()
    try:
        return int(content) if len(content) < 40 else content
    except ValueError:
        return content


def _bits(content: str) -> Blob:
    # What is no base64 is passed over, as PHP does.
    plain = _NO_BASE64.sub("", content.partition("=")[0])
    plain = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    return Blob(binascii.a2b_base64(plain + "=" * (-len(plain) % 4)))
