"""The few errors that reach a person, each with a place and a hint.

Built-in exceptions are for the inside. At an edge they become one of these, which
the command line prints as one sentence (`where: what; hint`) and exits with 2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Place:
    """Where the trouble is: a file, and in it a line and column that count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ":".join(parts)


class GerbangError(Exception):
    """Something a person can put right.

    `what` is lower case without a full stop, with the writer's own words in backticks;
    `hint` says what would do instead.
    """

    def __init__(self, what: str, *, place: Place | None = None, hint: str | None = None) -> None:
        self.what = what
        self.place = place
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.what}" + (f"; {self.hint}" if self.hint else "")


class SettingsError(GerbangError):
    """`gerbang.toml`, an environment variable or a command-line option is wrong."""


class DocumentError(GerbangError):
    """A document that an admin writes (policy, signature, vocabulary, calendar, case file) is wrong."""


class RegisterError(GerbangError):
    """A register (officers, accounts, approvals) has a line that cannot be taken."""


class RecordError(GerbangError):
    """The journal or the database cannot be read, written, or trusted."""


class StartError(GerbangError):
    """The gate cannot start here: a port in use, a folder that cannot be written, a CA that is missing."""


class FeedError(GerbangError):
    """What commands and the console tell running gates cannot be written or read."""


class AlertError(GerbangError):
    """An alert cannot be sent. It holds no secret, and nothing that the other end said but a number."""


class DocumentErrors(DocumentError):
    """Several errors of one document or folder, printed a line each."""

    def __init__(self, errors: Iterable[GerbangError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors[0].what)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def one_of(words: Iterable[str], given: str | None = None) -> str:
    """A hint that lists what would do, with the nearest of them first where one is near.

    >>> one_of(["allow", "coach", "block"], "blok")
    'did you mean `block`? expected one of `allow`, `coach`, `block`'
    """
    known = tuple(words)
    near = get_close_matches(given, known, n=1) if given else []
    expected = "expected one of " + ", ".join(f"`{word}`" for word in known)
    return f"did you mean `{near[0]}`? {expected}" if near else expected


def reason(error: OSError) -> str:
    """What the system says, in its words and without a number."""
    return (error.strerror or "the system gave no reason").lower()
