"""The log on standard error, the same for every process: lines for people, or JSON for a collector.

Each has `timestamp`, `level`, `part` (the process) and `event`, a word that docs/watching.md explains. A traceback is
one field. What an exception says is left out unless it is ours or the system's: it may quote a request, a password or
a row of the database.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, override

import structlog

from gerbang.errors import GerbangError
from gerbang.settings import LogSettings

LONGEST: Final = 2000  # characters of a value
DEEPEST: Final = 10  # exceptions behind each other
LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# What these say is a sentence of ours, or the system's with a path.
TELLING: Final = (GerbangError, OSError)
# Loggers of libraries that we run, which are to say what goes wrong and nothing else.
LIBRARIES: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "sqlalchemy", "alembic")

type Entry = MutableMapping[str, Any]


def configure_log(chosen: LogSettings, part: str, *, libraries: bool = True) -> None:
    """Have this process say what it has to say so, in the name of its part.

    `libraries` takes in their warnings, for a process that is ours alone.
    """

    def named(_: Any, __: str, entry: Entry) -> Entry:
        entry["part"] = part
        return entry

    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if chosen.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    )
    structlog.configure(
        [
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            named,
            exception_told,
            plainly,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[chosen.level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    if libraries:
        _take_in_libraries()


def exception_told(_: Any, __: str, entry: Entry) -> Entry:
    """A traceback as one text, without what the exceptions say."""
    found = entry.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        entry["exception"] = told(error)
    return entry


def told(error: BaseException) -> str:
    """Where an exception came from and what kind it is; its words where they are ours or the system's.

    >>> told(ValueError("the password is x"))
    'ValueError (what it says is left out)'
    """
    return "\n".join(_chain(error))


def _chain(error: BaseException) -> Iterator[str]:
    """What lies behind it first, as Python tells it."""
    behind = [error]
    while len(behind) < DEEPEST:
        last = behind[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None or cause in behind:
            break
        behind.append(cause)
    for one in reversed(behind):
        frames = "".join(traceback.format_tb(one.__traceback__)).rstrip("\n")
        if frames:
            yield frames
        words = f": {one}" if isinstance(one, TELLING) else " (what it says is left out)"
        yield type(one).__name__ + words


def plainly(_: Any, __: str, entry: Entry) -> Entry:
    """No value breaks a line or is endless: some come from outside."""
    for key, value in entry.items():
        if isinstance(value, str) and key != "exception":
            cut = value if len(value) <= LONGEST else f"{value[:LONGEST]}..."
            entry[key] = cut if cut.isprintable() else "".join(one if one.isprintable() else "?" for one in cut)
    return entry


class _IntoOurs(logging.Handler):
    """What a library finds wrong, said in our log."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        # With an exception, its words may stand in the message.
        words = {} if record.exc_info else {"said": record.getMessage()}
        log = structlog.get_logger()
        say = log.error if record.levelno >= logging.ERROR else log.warning
        say("library", library=record.name, exc_info=record.exc_info or None, **words)


def _take_in_libraries() -> None:
    root = logging.getLogger()
    root.handlers[:] = [_IntoOurs(logging.WARNING)]
    root.setLevel(logging.WARNING)
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    logging.captureWarnings(True)
