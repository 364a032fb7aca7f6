"""Recordings: a browser's HAR 1.2, or JSON lines of requests."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from gerbang.errors import DocumentError, Place, reason
from gerbang.model import Request
from gerbang.recognition.cases import BOUNDARY, PartOfForm, multipart
from gerbang.recognition.series import Answer
from gerbang.recognition.sockets import message_on


def recorded(file: Path) -> Iterator[Request | None]:
    """The requests of a recording, in order. Raises `DocumentError` with the line of what is wrong."""
    return (request for request, _ in exchanged(file))


def exchanged(file: Path) -> Iterator[tuple[Request | None, Answer | None]]:
    """The same, each with its answer where the recording has one."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DocumentError(f"`{file}` cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise DocumentError("the recording is not UTF-8 text", place=Place(str(file))) from None
    if not text.strip():
        raise DocumentError("the recording is empty", place=Place(str(file)))
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        whole = json.loads(text)
    except RecursionError:
        raise DocumentError("the recording is nested too deeply", place=Place(str(file))) from None
    except ValueError as error:
        if _is_json(first):
            yield from _json_lines(text, file)
            return
        place = Place(str(file), getattr(error, "lineno", 1), getattr(error, "colno", None))
        raise DocumentError("not JSON", place=place, hint="expected a HAR 1.2 file or JSON lines") from None
    if isinstance(whole, dict) and "log" in whole:
        yield from _har(whole, file)
    elif isinstance(whole, dict):
        yield _exchange(whole, Place(str(file), 1))
    else:
        raise DocumentError("not a recording", place=Place(str(file), 1), hint="expected a HAR 1.2 file or JSON lines")


def day_of(file: Path) -> str | None:
    """The day on which a HAR file was recorded, `None` where it does not say."""
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        started = json.loads(file.read_text(encoding="utf-8-sig"))["log"]["entries"][0]["startedDateTime"]
        return datetime.fromisoformat(started).date().isoformat()
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json_lines(text: str, file: Path) -> Iterator[tuple[Request | None, Answer | None]]:
    for number, one in enumerate(text.split("\n"), 1):
        if not one.strip():
            continue
        place = Place(str(file), number)
        try:
            value = json.loads(one)
        except ValueError as error:
            column = getattr(error, "colno", None)
            raise DocumentError("not JSON", place=Place(str(file), number, column)) from None
        except RecursionError:
            raise DocumentError("nested too deeply", place=place) from None
        if not isinstance(value, dict):
            raise DocumentError("not an object with `method` and `url`", place=place)
        yield _exchange(value, place)


def _exchange(value: Mapping[str, Any], place: Place) -> tuple[Request | None, Answer | None]:
    """A request, and under `answer` what came of it: `status`, `headers`, `body_base64`."""
    answer = value.get("answer")
    if answer is None:
        return _request(value, place), None
    if not isinstance(answer, Mapping) or not isinstance(status := answer.get("status", 200), int):
        raise DocumentError("`answer` must be an object with a `status` that is a number", place=place)
    return _request(value, place), Answer(status, tuple(_headers(answer, place)), _body(answer, place))


def _request(value: Mapping[str, Any], place: Place) -> Request | None:
    body = _body(value, place)
    return _built(value.get("method", "POST" if body else "GET"), value.get("url"), _headers(value, place), body, place)


def _body(value: Mapping[str, Any], place: Place) -> bytes:
    encoded = value.get("body_base64")
    if not isinstance(encoded, str | None):
        raise DocumentError("`body_base64` must be a text", place=place)
    try:
        return base64.b64decode(encoded or "", validate=True)
    except (binascii.Error, ValueError):
        raise DocumentError("`body_base64` is not base64", place=place) from None


def _headers(value: Mapping[str, Any], place: Place) -> list[tuple[str, str]]:
    """Pairs, an object, or HAR's objects of `name` and `value`; a browser's pseudo headers are left out."""
    given = value.get("headers") or []
    pairs: list[tuple[Any, Any]] = []
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, list):
        for entry in given:
            if isinstance(entry, Mapping):
                pairs.append((entry.get("name"), entry.get("value")))
            elif isinstance(entry, list) and len(entry) == 2:
                pairs.append((entry[0], entry[1]))
            else:
                raise DocumentError("`headers` must be a list of [name, value]", place=place)
    else:
        raise DocumentError("`headers` must be a list of [name, value]", place=place)
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in pairs):
        raise DocumentError("`headers` must hold texts", place=place)
    return [(name, text) for name, text in pairs if not name.startswith(":")]


def _built(method: Any, url: Any, headers: list[tuple[str, str]], body: bytes, place: Place) -> Request | None:
    if not isinstance(method, str) or not method:
        raise DocumentError("`method` must be a text such as `POST`", place=place)
    if not isinstance(url, str) or not url:
        raise DocumentError("`url` is missing", place=place)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise DocumentError("`url` is no address", place=place) from None
    if parts.scheme not in ("http", "https", "ws", "wss"):
        if parts.scheme and ":" in url:
            return None  # data:, blob:, chrome-extension: and the like are in every recording
        raise DocumentError("`url` must be whole, as in `https://x.com/home`", place=place)
    if not host:
        raise DocumentError("`url` has no host", place=place)
    secure = parts.scheme in ("https", "wss")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    scheme = "https" if secure else "http"
    return Request(method.upper(), host, target, tuple(headers), body, scheme, port or (443 if secure else 80))


def _har(whole: Mapping[str, Any], file: Path) -> Iterator[tuple[Request | None, Answer | None]]:
    log = whole["log"]
    entries = log.get("entries") if isinstance(log, Mapping) else None
    if not isinstance(entries, list):
        raise DocumentError("no `log.entries`", place=Place(str(file)), hint="expected a HAR 1.2 file")
    for number, entry in enumerate(entries):
        request = entry.get("request") if isinstance(entry, Mapping) else None
        try:
            if not isinstance(request, Mapping):
                raise DocumentError("no `request`")
            yield (sent := _har_request(request)), _har_answer(entry.get("response"))
            yield from ((message, None) for message in (_har_messages(entry, sent) if sent is not None else ()))
        except DocumentError as error:
            raise DocumentError(f"entry {number}: {error.what}", place=Place(str(file))) from None


def _har_answer(response: Any) -> Answer | None:
    """What was answered, where the browser kept it: not every recording has the bodies, and some have no status."""
    if not isinstance(response, Mapping) or not isinstance(status := response.get("status"), int) or status <= 0:
        return None
    content: Any = response.get("content")
    content = content if isinstance(content, Mapping) else {}
    body = b""
    if isinstance(text := content.get("text"), str):
        body = text.encode("utf-8", "replace")
        if content.get("encoding") == "base64":
            with suppress(binascii.Error, ValueError):
                body = base64.b64decode(text)
    try:
        headers = _headers(response, Place(""))
    except DocumentError:
        headers = []
    # The browser has undone the compression.
    return Answer(status, tuple(header for header in headers if header[0].lower() != "content-encoding"), body)


def _har_request(request: Mapping[str, Any]) -> Request | None:
    place = Place("")
    headers = _headers(request, place)
    names = {name.lower() for name, _ in headers}
    cookies = request.get("cookies")
    if "cookie" not in names and isinstance(cookies, list):
        pairs = [f"{one.get('name')}={one.get('value')}" for one in cookies if isinstance(one, Mapping)]
        headers += [("cookie", "; ".join(pairs))] if pairs else []
    data = request.get("postData")
    body = b""
    if isinstance(data, Mapping):
        body, content_type, decoded = _har_body(data)
        if decoded:
            # What the browser wrote down as text is no longer compressed.
            headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
        if content_type and ("content-type" not in names or content_type.startswith("multipart/")):
            headers = [(name, value) for name, value in headers if name.lower() != "content-type"]
            headers.append(("content-type", content_type))
    return _built(request.get("method", "GET"), request.get("url"), headers, body, place)


def _har_messages(entry: Mapping[str, Any], opened: Request) -> Iterator[Request]:
    """What the page sent on a socket, as Chromium writes it down (`_webSocketMessages`, seen 2026-11)."""
    messages = entry.get("_webSocketMessages")
    response = entry.get("response")
    answered = _headers(response, Place("")) if isinstance(response, Mapping) else []
    chosen = next((value for name, value in answered if name.lower() == "sec-websocket-protocol"), None)
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, Mapping) or message.get("type") != "send":
            continue
        data = message.get("data")
        if not isinstance(data, str):
            raise DocumentError("`data` of a message must be a text")
        try:
            content = base64.b64decode(data, validate=True) if message.get("opcode") == 2 else data.encode()
        except (binascii.Error, ValueError):
            raise DocumentError("`data` of a binary message is not base64") from None
        yield message_on(opened, content, chosen)


def _har_body(data: Mapping[str, Any]) -> tuple[bytes, str | None, bool]:
    """A body as it was sent, the type to give it where that had to be made anew, and whether it is text by now."""
    text, kind, params = data.get("text"), data.get("mimeType"), data.get("params")
    kind = kind if isinstance(kind, str) else ""
    if isinstance(text, str) and text:
        if data.get("encoding") == "base64" or data.get("_encoding") == "base64":
            try:
                return base64.b64decode(text, validate=True), kind or None, False
            except (binascii.Error, ValueError):
                raise DocumentError("`postData.text` is not base64") from None
        compressed = text[:2] in ("\x1f\x8b", "(\xb5") and max(text) < "\u0100"
        given = None if kind.startswith("multipart/") else kind or None
        return (text.encode("latin-1"), given, False) if compressed else (text.encode("utf-8", "replace"), given, True)
    if isinstance(params, list):
        fields = [one for one in params if isinstance(one, Mapping)]
        if kind.startswith("multipart/"):
            parts = tuple(
                PartOfForm(
                    name=str(one.get("name") or ""),
                    text=str(one.get("value") or ""),
                    filename=one.get("fileName") if isinstance(one.get("fileName"), str) else None,
                    type=one.get("contentType") if isinstance(one.get("contentType"), str) else None,
                )
                for one in fields
            )
            return multipart(parts), f"multipart/form-data; boundary={BOUNDARY}", True
        # Chrome writes the names and values of `params` as they were on the wire where it also writes the text.
        pairs = [(str(one.get("name") or ""), str(one.get("value") or "")) for one in fields]
        return urlencode(pairs).encode(), kind or "application/x-www-form-urlencoded", True
    return b"", kind or None, False
