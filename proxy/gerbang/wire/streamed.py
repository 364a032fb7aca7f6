"""A body that is digested as it passes and never kept: the whole of it, and of a form its one file and small fields."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gerbang.model import Media
from gerbang.wire.charsets import text
from gerbang.wire.multipart import HEADER, PARTS, boundaries, parameters

FIELDS = 64 * 1024
"""Bytes of a streamed form's fields and parts' headers that are kept; where there are more, none are."""

_FORM = re.compile(rb"[^\s=&<>{}\"'\x00-\x1f\x7f-\xff]{1,200}=")
_NO_FILE = ("json", "xml")

type Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Running:
    """The bytes of a file that came so far, in order: SHA-256's state, how many they are, and in how many parts."""

    state: Any = field(default_factory=hashlib.sha256, compare=False)
    size: int = 0
    parts: int = 0

    @property
    def digest(self) -> str:
        return str(self.state.hexdigest())


@dataclass(frozen=True, slots=True)
class Sent:
    """What has passed. `body` is all of it; `file` the file in it, where there is one and it could be told.

    `fields` are those of a form; `told` is whether they are all there. `before` is what the file goes on from, and
    `after` what it makes with that.
    """

    body: Media
    file: Media | None = None
    fields: Fields = ()
    told: bool = False
    before: Running | None = None
    after: Running | None = None


class Streamed:
    """Passes a body on as it comes. `begin` is asked, with the fields before it, what a file's bytes go on from."""

    def __init__(
        self, headers: Sequence[tuple[str, str]] = (), begin: Callable[[Fields], Running | None] | None = None
    ) -> None:
        self._hash = hashlib.sha256()
        self.size = 0
        self._begin = begin
        self._before: Running | None = None
        # The state of the parts before this one, and of this one's bytes behind them.
        self._onward: Any = None
        self._form: _Form | None = None
        kinds = [value for name, value in headers if name.lower() == "content-type"]
        kind = kinds[0].lower() if kinds else ""
        encoded = any(name.lower() == "content-encoding" and value.strip() for name, value in headers)
        self._raw = not encoded and not kind.startswith("multipart/") and not any(word in kind for word in _NO_FILE)
        if kind.startswith("multipart/") and not encoded and len(kinds) == 1:
            named = boundaries(kinds[0])
            # What may be taken in two ways is digested whole and not looked into.
            self._form = _Form(named[0], self._file_begins) if len(named) == 1 else None

    def __call__(self, data: bytes) -> bytes:
        if data:
            if self._raw and not self.size:
                # Uploads of bytes call themselves forms; a form that is one holds its file in a field, if any.
                self._raw = _FORM.match(data[:256]) is None
                if self._raw:
                    self._file_begins(())
            self._hash.update(data)
            self.size += len(data)
            if self._form is not None:
                self._form.feed(data)
            elif self._onward is not None:
                self._onward.update(data)
        return data

    def sent(self) -> Sent:
        body = Media(digest=self._hash.hexdigest(), size=self.size)
        form = self._form
        if form is None:
            return Sent(body, body if self._raw and self.size else None, (), False, *self._progress(body, self._hash))
        file = form.file if form.told else None
        return Sent(body, file, form.fields if form.told else (), form.told, *self._progress(file, form.state))

    def _progress(self, file: Media | None, state: Any) -> tuple[Running | None, Running | None]:
        before = self._before
        if file is None or file.size is None or before is None:
            return before, None
        state = state.copy() if self._onward is None else self._onward
        return before, Running(state, before.size + file.size, before.parts + 1)

    def _file_begins(self, fields: Fields) -> Any:
        before = self._before = self._begin(fields) if self._begin else None
        self._onward = before.state.copy() if before is not None and before.size else None
        return self._onward


class _Form:
    """A multipart form taken apart as it comes. `begins` gives the state that the file's bytes go on from, if any."""

    def __init__(self, boundary: str, begins: Callable[[Fields], Any]) -> None:
        self._begins = begins
        self.told = False
        self._broken = False
        self._kept: list[tuple[str, str]] = []
        self._files: list[Media] = []
        self.state: Any = None
        self._onward: Any = None
        self._parts = self._taken = self._size = 0
        self._head: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._in_file = False
        self._of: tuple[str | None, str | None] = (None, None)
        try:
            self._parser: Any = MultipartParser(
                boundary.encode("latin-1", "replace"),
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_named,
                    "on_header_value": self._header_told,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data,
                    "on_part_end": self._part_ends,
                    "on_end": self._ends,
                },
                max_header_size=HEADER,
            )
        except FormParserError:
            self._broken = True

    def feed(self, data: bytes) -> None:
        if not self._broken:
            try:
                self._parser.write(data)
            except FormParserError:
                self._give_up()

    @property
    def fields(self) -> Fields:
        return tuple(self._kept)

    @property
    def file(self) -> Media | None:
        """The file, where there is one only."""
        return self._files[0] if len(self._files) == 1 else None

    # ------------------------------------------------------------ as the parser finds them

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            self._give_up()
        self._head, self._name, self._value, self._in_file = {}, b"", b"", False

    def _header_named(self, data: bytes, start: int, end: int) -> None:
        self._name += self._counted(data[start:end])

    def _header_told(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _header_ends(self) -> None:
        self._head.setdefault(self._name.strip().lower(), self._value)
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        _, told = parameters(text(self._head.get(b"content-disposition", b"")))
        kind, _ = parameters(text(self._head.get(b"content-type", b"")))
        self._name = told.get("name", "").encode("utf-8", "replace")
        worded = not kind or kind.startswith("text/") or kind == "application/json"
        self._in_file = "filename" in told or not worded
        if self._in_file:
            self._of = (kind or None, told.get("filename") or None)
            self.state, self._size = hashlib.sha256(), 0
            self._onward = self._begins(self.fields) if not self._files else None

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._in_file:
            self.state.update(piece)
            self._size += len(piece)
            if self._onward is not None:
                self._onward.update(piece)
        else:
            self._value += self._counted(piece)

    def _part_ends(self) -> None:
        if self._in_file:
            self._files.append(Media(None, *self._of, self.state.hexdigest(), self._size))
        else:
            self._kept.append((self._name.decode("utf-8", "replace"), text(self._value)))

    def _ends(self) -> None:
        self.told = not self._broken

    def _counted(self, piece: bytes) -> bytes:
        """The piece, while there is room for it."""
        self._taken += len(piece)
        if self._taken > FIELDS:
            self._give_up()
        return b"" if self._broken else piece

    def _give_up(self) -> None:
        self._broken, self.told = True, False
        self._kept.clear()
