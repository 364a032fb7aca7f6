"""Small files of ours that several processes read and few people change: a list in JSON, for its owner's eyes only.

Read again when the file changes, written whole or not at all, by one writer at a time.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from gerbang.errors import Place, RegisterError, reason

KEPT_LIMIT: Final = 1 << 20  # bytes of a file


class Kept[Entry: BaseModel]:
    """The entries of a file by their `name`; `what` they are is said in errors. Every method raises `RegisterError`."""

    def __init__(self, file: Path, entry: type[Entry], what: str) -> None:
        self.file = file
        self._what = what
        self._adapter: TypeAdapter[list[Entry]] = TypeAdapter(list[entry])  # type: ignore[valid-type]  # known at run time
        self._mark: tuple[int, int, int] | None = None
        self._entries: Mapping[str, Entry] = {}

    def entries(self) -> Mapping[str, Entry]:
        """All of them; none where there is no file yet."""
        place = Place(str(self.file))
        try:
            found = self.file.stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._mark != mark:
                if found.st_size > KEPT_LIMIT:
                    raise RegisterError(f"the file of the {self._what} is larger than {KEPT_LIMIT} bytes", place=place)
                entries = self._adapter.validate_json(self.file.read_bytes())
                self._mark, self._entries = mark, {_name(each): each for each in entries}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RegisterError(f"the {self._what} cannot be read: {reason(error)}", place=place) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RegisterError(
                f"the {self._what} cannot be read: {where + ': ' if where else ''}{first['msg'].lower()}",
                place=place,
                hint=f"restore the file from a backup, or remove it and add the {self._what} anew",
            ) from None
        return self._entries

    @contextmanager
    def changing(self) -> Iterator[dict[str, Entry]]:
        """The entries for one writer, who may change them; written down at the end, unless an error comes out."""
        with self.locked():
            entries = dict(self.entries())
            yield entries
            self._write(entries.values())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time."""
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, entries: Iterable[Entry]) -> None:
        listed = [each.model_dump(mode="json", exclude_none=True) for each in entries]
        try:
            put(self.file, json.dumps(listed, indent=1).encode() + b"\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> RegisterError:
        what = f"the {self._what} cannot be written: {reason(error)}"
        return RegisterError(what, place=Place(str(self.file)), hint="check `state` in the settings")


def put(file: Path, data: bytes) -> None:
    """The file anew, whole or not at all, for its owner only."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def _name(entry: BaseModel) -> str:
    name: str = entry.name  # type: ignore[attr-defined]  # each kind of entry has one
    return name
