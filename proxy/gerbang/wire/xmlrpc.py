"""XML-RPC calls to plain values. No document type, no entities of the sender's own, bounded depth."""

import binascii
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # ships no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # ships no types

from gerbang.wire.values import DEPTH, Blob, Pairs, Unreadable, Value


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
    if _name(root) not in ("methodCall", "methodResponse"):
        raise Unreadable("not a call")
    method = next((child.text or "" for child in root if _name(child) == "methodName"), "")
    params: list[Value] = []
    for group in root:
        if _name(group) == "params":
            for param in group:
                value = next((child for child in param if _name(child) == "value"), None)
                if value is not None:
                    params.append(_value(value, 0))
    return Call(method.strip(), params)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: Element, depth: int) -> Value:
    if depth > DEPTH:
        raise Unreadable("nested too deeply")
    typed = next(iter(element), None)
    if typed is None:
        return element.text or ""
    content = typed.text or ""
    match _name(typed):
        case "struct":
            return _struct(typed, depth)
        case "array":
            rows = [value for data in typed if _name(data) == "data" for value in data if _name(value) == "value"]
            return [_value(value, depth + 1) for value in rows]
        case "int" | "i4" | "i8":
            return _number(content)
        case "boolean":
            return content.strip().lower() not in ("0", "", "false")
        case "base64":
            return _bits(content)
        case "nil":
            return None
        case _:
            return "".join(typed.itertext())


def _struct(element: Element, depth: int) -> Value:
    items: list[tuple[str, Value]] = []
    for member in element:
        name = next((child.text or "" for child in member if _name(child) == "name"), "")
        value = next((child for child in member if _name(child) == "value"), None)
        if value is not None:
            items.append((name.strip(), _value(value, depth + 1)))
    single = dict(items)
    return single if len(single) == len(items) else Pairs(tuple(items))


def _number(content: str) -> Value:
    content = content.strip()
    try:
        return int(content) if len(content) < 40 else content
    except ValueError:
        return content


def _bits(content: str) -> Blob:
    try:
        return Blob(binascii.a2b_base64("".join(content.split())))
    except (binascii.Error, ValueError):
        return Blob(content.encode("utf-8", "replace"))
