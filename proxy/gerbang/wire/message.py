"""One request (or response) as named fields: query, headers, cookies, form, JSON, XML-RPC.

Everything is decoded when it is first asked for, and once. What could not be
decoded is a gap; then `partial` says that a field which is not here may yet exist.

A body that servers may read in more than one way is read in each: the fields of all of them are there. What no
reading accounts for is a gap.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Literal
from urllib.parse import unquote

from gerbang.model import SOCKET, Gap
from gerbang.wire import protobuf
from gerbang.wire.charsets import text
from gerbang.wire.encodings import LIMIT, decode
from gerbang.wire.forms import parse_form, parse_query
from gerbang.wire.framed import Packet
from gerbang.wire.http import parse_request
from gerbang.wire.multipart import boundaries, is_binary, parameters, parse_multipart
from gerbang.wire.values import Blob, Pairs, Unreadable, Value, parse_json, parse_json_texts
from gerbang.wire.xmlrpc import Call, parse_call

NESTED = 1024 * 1024
"""Characters of a text that is parsed as JSON within JSON or a form."""

_FORM = re.compile(rb"[^\s=&<>{}\"']{1,200}=")
_NO_TEXT = ("image/", "video/", "audio/", "font/")
_FORM_TYPE = "application/x-www-form-urlencoded"
_TYPE_END = re.compile(r"[;,\s]")
# What PHP would find among bytes that it does not decompress. Compressed bytes look so once in some megabytes.
_RAW_FIELD = re.compile(rb"(?:\A|&)([A-Za-z_%][\w.%+\-\[\]]{2,200})=([^&]*)")

# Bodies whose parts have no names: metadata with its file, and several requests in one.
_NAMELESS = frozenset({"multipart/related", "multipart/mixed"})
HTTP = "application/http"

# What an app puts before the JSON that it signs.
_SIGNATURE = re.compile(r"[\w-]{0,200}\.(?=[\[{])", re.ASCII)

_CHECKSUM = 8

# `42["message",{}]`, `42/room,7["message",{}]` (socket.io-protocol 5, engine.io-protocol 4, seen 2026-11).
_BEFORE = re.compile(rb"\d{1,20}(?:/[^,\[{]{0,200},\d{0,20})?(?=[\[{])")
# NUL ends a frame of STOMP 1.2, a record separator a message of SignalR's JSON protocol (seen 2026-11).
_BEHIND = b"\0\x1e"

type Field = tuple[str, Value]
type FlatRoot = Literal["form", "query", "cookies"]


class Message:
    """The fields of a request whose `body` may be `None`: not read, or never to be read."""

    def __init__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        limit: int = LIMIT,
        php: bool = False,
        answer: bool = False,
        camel: bool = False,
        wrapped: str | None = None,
        charset: str | None = None,
    ) -> None:
        """`php`: names of fields are taken as PHP takes them (`post.title` is `post_title`). `answer`: this is a
        response, which may hold several JSON texts behind a guard. `camel`: in JSON `video_id` is `videoId`.
        `wrapped`: the form's field that holds all the others as JSON, behind a signature. `charset`: that of forms
        which are no UTF-8 and name none."""
        self.method = method.upper()
        # nginx and Apache cut a fragment off; that a client sends one is odd enough to be said.
        target, self.fragment, _ = target.partition("#")
        self.path, _, self.raw_query = target.partition("?")
        self.raw_headers = headers
        self.body = body
        self.limit = limit
        self.php = php
        self.answer = answer
        self.camel = camel
        self.wrapped = wrapped
        self.charset = charset
        self._gaps: list[Gap] = [Gap("unreadable", "a fragment in the address")] if self.fragment else []
        self._nested: dict[str, Value] = {}
        self._by_name: dict[str, dict[str, list[Field]]] = {}
        self._form: tuple[Field, ...] = ()
        self._json: tuple[Value, ...] = ()
        self._call: Call | None = None
        self._text: str | None = None
        self._nameless: tuple[Value, ...] = ()
        self._protobuf: bytes | None = None
        self._read = False

    @classmethod
    def within(
        cls, outer: "Message", method: str, target: str, json: Value = None, call: Call | None = None
    ) -> "Message":
        """One element of a batch, with its body already decoded and the outer request's headers.

        A body that is a text is a form, or JSON again.
        """
        inner = cls(method, target, outer.raw_headers, b"", outer.limit, outer.php, camel=outer.camel)
        inner._read = True
        if isinstance(json, str):
            nested = inner.nested(json)
            if nested is not None:
                json = nested
            else:
                try:
                    inner._take(parse_form(json.encode("utf-8", "surrogatepass")))
                except Unreadable as error:
                    inner._gap(f"form: {error}")
                json = None
        inner._json = (json,) if json is not None else ()
        inner._call = call
        return inner

    @classmethod
    def of_packet(cls, outer: "Message", packet: Packet) -> "Message":
        """One packet of a message on a socket, as JSON: what is published with its topic and its payload, any other
        by its kind alone."""
        if packet.topic is None:
            return cls.within(outer, outer.method, f"{outer.path}?{outer.raw_query}", {"packet": packet.kind})
        words = packet.payload.decode("utf-8", "replace")
        fields: Value = {"packet": packet.kind, "topic": packet.topic, "payload": words}
        inner = cls.within(outer, outer.method, f"{outer.path}?{outer.raw_query}", fields)
        if packet.payload and not _is_words(packet.payload):
            inner._gap("neither words nor fields")
        else:
            inner.expect_json(words)
        return inner

    @classmethod
    def of_part(cls, outer: "Message", part: Value) -> "Message | None":
        """A request that is a part of another (`application/http`), with what headers of the outer it lacks."""
        data = (
            part.data if isinstance(part, Blob) else part.encode("utf-8", "replace") if isinstance(part, str) else b""
        )
        request = parse_request(data)
        if request is None:
            return None
        own = {name.lower() for name, _ in request.headers}
        more = [(name, value) for name, value in outer.raw_headers if not name.lower().startswith("content-")]
        headers = (*request.headers, *((name, value) for name, value in more if name.lower() not in own))
        return cls(request.method, request.target, headers, request.body, outer.limit, outer.php, camel=outer.camel)

    # ------------------------------------------------------------ what headers hold

    @cached_property
    def headers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.raw_headers:
            found.setdefault(name.lower(), []).append(value)
        return found

    def header(self, name: str) -> str:
        """The first value of a header in lower case of name, or an empty text."""
        values = self.headers.get(name)
        return values[0].strip() if values else ""

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        fields = parse_query(self.raw_query, self.charset) if self.raw_query else ()
        return tuple((php_name(name), value) for name, value in fields) if self.php else fields

    @cached_property
    def leading(self) -> str:
        """What the query begins with, where that is no field: the path in `index.php?threads/1/add-reply`."""
        first = self.raw_query.partition("&")[0].partition("?")[0]
        return "" if "=" in first else unquote(first)

    @cached_property
    def cookies(self) -> tuple[tuple[str, str], ...]:
        found = []
        for line in self.headers.get("cookie", ()):
            for part in line.split(";"):
                name, equals, value = part.partition("=")
                if equals:
                    found.append((name.strip(), value.strip().strip('"')))
        return tuple(found)

    @cached_property
    def basic_user(self) -> str | None:
        """The user name of a Basic Authorization. The password is dropped here and nowhere else seen."""
        scheme, _, credentials = self.header("authorization").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, _ = base64.b64decode(credentials.strip(), validate=False).partition(b":")
        except (binascii.Error, ValueError):
            return None
        return text(user) if colon and user else None

    @cached_property
    def content_type(self) -> tuple[str, dict[str, str]]:
        return parameters(self.header("content-type"))

    @property
    def on_socket(self) -> bool:
        """Whether this is one message of a WebSocket, of which no header says what it holds."""
        return self.method == SOCKET

    # ------------------------------------------------------------ what the body holds

    @property
    def form(self) -> tuple[Field, ...]:
        self._ensure()
        return self._form

    def by_name(self, root: FlatRoot) -> Mapping[str, Sequence[Field]]:
        """Fields by what stands before the first bracket of their names, in the order sent."""
        found = self._by_name.get(root)
        if found is None:
            fields: Sequence[Field] = getattr(self, root)
            found = self._by_name[root] = {}
            for field in fields:
                name = field[0]
                found.setdefault(name.partition("[")[0] if "[" in name else name, []).append(field)
        return found

    def _named(self, fields: Iterable[Field]) -> tuple[Field, ...]:
        return tuple((php_name(name), value) for name, value in fields) if self.php else tuple(fields)

    @property
    def json(self) -> tuple[Value, ...]:
        """The JSON body as a tuple of one, or of none; of a body in parts without names, each that is JSON."""
        self._ensure()
        return self._json

    @property
    def call(self) -> Call | None:
        self._ensure()
        return self._call

    @property
    def plain(self) -> str | None:
        """The body as words, where it is none of the structured kinds and not binary."""
        self._ensure()
        return self._text

    @property
    def parts(self) -> tuple[Value, ...]:
        """The parts of a multipart body whose parts have no names that are no JSON."""
        self._ensure()
        return self._nameless

    @property
    def protobuf(self) -> bytes | None:
        """The body, where its type says that it is protobuf."""
        self._ensure()
        return self._protobuf

    @cached_property
    def numbered(self) -> tuple[tuple[str, str], ...]:
        """Path and text of what may be words in a protobuf body."""
        try:
            return tuple(protobuf.words(self.protobuf or b""))
        except Unreadable as error:
            self._gap(f"protobuf: {error}")
            return ()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        if self.body is not None:
            self._ensure()
        return tuple(self._gaps)

    @property
    def gaps_read(self) -> bool:
        """Whether a body that was read is not wholly known."""
        return self.body is not None and bool(self.gaps)

    @property
    def partial(self) -> bool:
        """Whether fields may stand in a body that is not, or not wholly, known."""
        return self.body is None or bool(self.gaps)

    @cached_property
    def says_media(self) -> bool:
        """Whether the headers call the body a picture or film. Only who takes uploads may believe that."""
        return self.content_type[0].startswith(_NO_TEXT)

    @property
    def unstructured(self) -> bool:
        """Whether there is a body, and it has no fields."""
        if self.body:
            self._ensure()
        return bool(self.body) and not (self._form or self._json or self._call is not None)

    @cached_property
    def blob(self) -> Blob | None:
        """The whole body as an attachment."""
        if not self.body:
            return None
        decoded = decode(self.body, ", ".join(self.headers.get("content-encoding", ())), self.limit)
        _, disposition = parameters(self.header("content-disposition"))
        return Blob(decoded.data, disposition.get("filename") or None, self.content_type[0] or None)

    def files(self) -> Iterator[Field]:
        """Every attachment of a form."""
        fields = (*self.form, *(("", value) for value in self.parts))
        return ((name, value) for name, value in fields if isinstance(value, Blob) and value.type != HTTP)

    def nested(self, source: str) -> Value:
        """A text read as JSON, or `None` where it is none."""
        if source not in self._nested:
            value: Value = None
            if len(source) <= NESTED and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
                try:
                    value = parse_json(source, camel=self.camel)
                except Unreadable:
                    value = None
            self._nested[source] = value
        return self._nested[source]

    def expect_json(self, source: str) -> Value:
        """As `nested`, where the place holds nothing but JSON: what looks like it and is not read is a gap."""
        value = self.nested(source)
        if value is None and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
            if len(source) > NESTED:
                self.cut("characters of JSON in a field")
            else:
                self._gap("json: a field that is not JSON")
        return value

    def _ensure(self) -> None:
        if not self._read:
            self._read = True
            if self.body:
                self._parse(self.body)
            if self.wrapped:
                self._form = tuple(self._unwrapped(self.wrapped))

    def _parse(self, body: bytes) -> None:
        encoding = ", ".join(self.headers.get("content-encoding", ()))
        kind, options = self.content_type
        if not encoding and body[:2] == b"\x1f\x8b" and not kind.startswith(_NO_TEXT):
            encoding = "gzip"  # compressed without saying so
        decoded = decode(body, encoding, self.limit)
        if any(name.endswith("protobuf") and "json" not in name for name in self.kinds):
            self._protobuf = decoded.data
            try:
                for _ in protobuf.fields(decoded.data):
                    pass
            except Unreadable as error:
                self._gap(f"protobuf: {error}")
        if decoded.gap is not None:
            # The bytes are tried as they came too: a server that ignores the header reads them so.
            self._gaps.append(decoded.gap)
        data = self._unframed(decoded.data) if self.on_socket else decoded.data
        damage = self._structured(data, options) if data else ""
        if encoding and self.php and data is not body and self._as_it_came(body):
            self._gap("the body reads otherwise when it is not decompressed")
        if self.on_socket and data and not self._json and not _is_words(data):
            self._gap("neither words nor fields")
            return
        if not data or self._form or self._json or self._call is not None or self._nameless:
            return
        if decoded.gap is not None:
            return  # said already
        if damage:
            self._gap(damage)
        elif (
            self._protobuf is None
            and not self.says_media
            and (b"\0" not in data[:1024] or data[:2] in (b"\xff\xfe", b"\xfe\xff"))
        ):
            self._text = text(data, options.get("charset") or self.charset)

    def _unwrapped(self, wrapper: str) -> Iterator[Field]:
        """The form's fields, with those that its wrapper holds, or that of the query or of JSON."""
        elsewhere = (field for fields in (self.query, *map(members, self._json)) for field in fields)
        texts = (field for field in elsewhere if field[0] == wrapper and isinstance(field[1], str))
        found = False
        for name, value in (*self._form, *texts):
            if found and name == wrapper and isinstance(value, Blob) and value.name is None:
                continue  # the same part as before, given as bytes too for its odd type
            if name != wrapper or not isinstance(value, str):
                yield name, value
                continue
            signature = _SIGNATURE.match(value)
            inner = self.expect_json(value[signature.end() :] if signature else value)
            if inner is None:
                self._gap("json: a field that is not JSON")
                yield name, value
            found = inner is not None
            yield from members(inner)

    @staticmethod
    def _unframed(data: bytes) -> bytes:
        """A message without what Socket.IO puts before its JSON, and STOMP and SignalR behind theirs."""
        data = data.rstrip(_BEHIND)
        before = _BEFORE.match(data[:300])
        if before is not None:
            with suppress(Unreadable):
                parse_json(inner := data[before.end() :])
                return inner
        return data

    def cut(self, what: str) -> None:
        """Note that not all of the body was looked at."""
        gap = Gap("too-large", f"more {what} than are looked at")
        if gap not in self._gaps:
            self._gaps.append(gap)

    def _gap(self, detail: str) -> None:
        gap = Gap("unreadable", detail)
        if gap not in self._gaps:
            self._gaps.append(gap)

    def _take(self, fields: Iterable[Field]) -> None:
        """Put fields to those of other readings."""
        named = self._named(fields)
        if self._form:
            known = set(self._form)
            named = tuple(field for field in named if field not in known)
        self._form += named

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The media type of each Content-Type, cut where PHP cuts it: at a semicolon, a comma or a blank."""
        values = self.headers.get("content-type", ())
        if len(values) == 1 and values[0] == "application/json":
            return ("application/json",)
        return tuple(_TYPE_END.split(value.strip(), maxsplit=1)[0].lower() for value in values)

    def _structured(self, data: bytes, options: dict[str, str]) -> str:
        """Fill in each reading that the bytes allow. Gives what was promised in vain, or nothing."""
        charset = options.get("charset") or self.charset
        damage = ""
        if self.answer:
            with suppress(Unreadable):
                self._json = parse_json_texts(data)
                return ""
        kinds = self.kinds
        start = data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
        if kinds == ("application/json",) and start in (b"{", b"["):
            # Most requests, and those that can be read in one way only.
            try:
                self._json = (parse_json(data, camel=self.camel),)
                return ""
            except Unreadable as error:
                damage = f"json: {error}"
        if len(set(kinds)) > 1:
            self._gap("more than one type of content")
        in_parts = any(kind.startswith("multipart/") for kind in kinds)
        as_form = _FORM_TYPE in kinds
        wrong = [self._parts(data, name) for name in self._boundaries(data, options, in_parts=in_parts)]
        if wrong.count("") > 1:
            self._gap("more than one boundary")
        damage = next((what for what in wrong if what), damage)
        if in_parts:
            if "" in wrong and not as_form:
                return ""
            damage = damage or "multipart: no boundary"
        if as_form:
            try:
                self._take(parse_form(data, charset))
            except Unreadable as error:
                self._gap(f"form: {error}")
        named_json = any("json" in kind for kind in kinds)
        if start in (b"{", b"[") or named_json:
            try:
                self._json = (parse_json(data, camel=self.camel),)
                return ""
            except Unreadable as error:
                damage = damage or (f"json: {error}" if named_json else "")
        if start == b"<" and (b"<methodCall" in data or b"<methodResponse" in data or "xml" in "".join(kinds)):
            try:
                self._call = parse_call(data)
                return ""
            except Unreadable as error:
                damage = damage or f"xml: {error}"
                if b"<methodCall" in data:
                    self._gap(f"xml: {error}")
        if not self._form and start != b"<" and _FORM.match(data[:256]) and not (self.says_media and is_binary(data)):
            try:
                self._take(parse_form(data, charset))
            except Unreadable as error:
                damage = damage or f"form: {error}"
        return damage

    def _boundaries(self, data: bytes, options: dict[str, str], *, in_parts: bool) -> tuple[str, ...]:
        names = [options["boundary"]] if options.get("boundary") else []
        for value in self.headers.get("content-type", ()):
            if "boundary" in value.lower():
                names += boundaries(value)
        if not names and (first := self._boundary(data, in_parts=in_parts)):
            names.append(first)
        return tuple(dict.fromkeys(names))

    def _parts(self, data: bytes, boundary: str) -> str:
        """Take a multipart reading; what is wrong with it is told where there is none."""
        nameless = not self.php and _NAMELESS.issuperset(self.kinds)
        try:
            parts = parse_multipart(data, boundary, nameless=nameless, charset=self.charset)
        except Unreadable as error:
            return f"multipart: {error}"
        if nameless:
            self._take(field for field in parts.fields if field[0])
            self._take_nameless([value for name, value in parts.fields if not name])
            return ""
        self._take(parts.fields)
        if parts.left_over:
            self._gap(f"multipart: {parts.left_over}")
        for _, value in parts.fields if self.php else ():
            if isinstance(value, Blob) and value.name is None and value.data and is_binary(value.data):
                self._gap("multipart: a part that is neither words nor a file")
        return ""

    def _take_nameless(self, values: Sequence[Value]) -> None:
        for value, following in zip(values, [*values[1:], None], strict=True):
            if isinstance(value, Blob) and value.type == _FORM_TYPE and value.name is None:
                try:
                    self._take(parse_form(value.data))  # a query that Rest.li's clients put before their JSON
                except Unreadable as error:
                    self._gap(f"form: {error}")
            elif not isinstance(value, str):
                self._nameless += (value,)
            elif (inner := self.nested(value)) is not None:
                self._json += (inner,)
            elif not (isinstance(following, Blob) and text(following.data) == value):  # given as both
                self._nameless += (value,)
                self._gap("multipart: a part without a name")

    def _as_it_came(self, body: bytes) -> bool:
        """Whether compressed bytes hold more for PHP, which does not undo a Content-Encoding; that is taken."""
        found: list[Field] = []
        more = False
        for name in boundaries(self.header("content-type")):
            with suppress(Unreadable):
                found += parse_multipart(body, name).fields
        if _FORM_TYPE in self.kinds:
            raw = b"&".join(b"=".join(match.group(1, 2)) for match in _RAW_FIELD.finditer(body))
            with suppress(Unreadable):
                found += parse_form(raw)
        known: dict[str, set[Value]] = {}
        for name, value in self._form:
            known.setdefault(name, set()).add(None if isinstance(value, Blob) else value)
        if fresh := [field for field in self._named(found) if not _stored(field[1], known.get(field[0], set()))]:
            self._form += tuple(fresh)
            more = True
        start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start in (b"{", b"["):
            with suppress(Unreadable):
                self._json, more = (*self._json, parse_json(body)), True
        if start == b"<" and b"<methodCall" in body:
            with suppress(Unreadable):
                self._call, more = parse_call(body), True
        return more

    @staticmethod
    def _boundary(data: bytes, *, in_parts: bool) -> str | None:
        """A boundary that no header names, from the body's first line."""
        if not data.startswith(b"--"):
            return None
        line, end, rest = data[:512].partition(b"\n")
        if end and (in_parts or rest[:20].lower().startswith(b"content-disposition")):
            return line.rstrip(b"\r")[2:].decode("latin-1")
        return None


def _stored(value: Value, known: set[Value]) -> bool:
    """Whether a field is one that a compressor left as it was, with at most its checksum behind it."""
    if not isinstance(value, str):
        return None in known
    return any(value[: len(value) - behind] in known for behind in range(min(len(value), _CHECKSUM) + 1))


def _is_words(data: bytes) -> bool:
    if b"\0" in data or is_binary(data):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def segments(path: str) -> tuple[str, ...]:
    """A path's parts as a server takes them: percent-decoded, without empty, `.` and `..` parts.

    >>> segments("/blog//wp-admin/../wp-json/wp/v2/p%6Fsts/")
    ('blog', 'wp-json', 'wp', 'v2', 'posts')
    """
    if "%" in path:
        path = unquote(path)
    if "." not in path:
        return tuple(part for part in path.split("/") if part)
    found: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del found[-1:]
        elif part and part != ".":
            found.append(part)
    return tuple(found)


def php_name(name: str) -> str:
    """A field's name as PHP makes a variable of it.

    >>> php_name(" post.title"), php_name("meta[a.b]"), php_name("a b[c")
    ('post_title', 'meta[a.b]', 'a_b_c')
    """
    name = name.lstrip(" ").partition("\0")[0]
    head, bracket, rest = name.partition("[")
    head = head.replace(".", "_").replace(" ", "_")
    if bracket and "]" not in rest:
        return f"{head}_{rest}"
    return head + bracket + rest


def members(value: Value) -> Iterator[tuple[str, Value]]:
    """An object's names and values, duplicates included; nothing for any other value."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, Pairs):
        yield from value.items
