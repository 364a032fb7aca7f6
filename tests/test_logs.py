"""What the log says, in both forms, and what it leaves out."""

import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
import structlog

from gerbang.errors import RecordError
from gerbang.logs import DEEPEST, LONGEST, configure_log, told
from gerbang.settings import LogSettings


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., StringIO]]:
    """The log's own place, once it is configured; what was configured before is there again afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    kept, level, shown = root.handlers[:], root.level, warnings.showwarning

    def configured(**chosen: str) -> StringIO:
        where = StringIO()
        monkeypatch.setattr(sys, "stderr", where)
        configure_log(LogSettings.model_validate(chosen), "gate")
        return where

    yield configured
    structlog.configure(**before)
    logging.captureWarnings(False)
    root.handlers[:], root.level, warnings.showwarning = kept, level, shown


def lines(where: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in where.getvalue().splitlines()]


def a_fault(words: str) -> None:
    log = structlog.get_logger()
    try:
        try:
            raise KeyError(words)
        except KeyError as error:
            raise RuntimeError(words) from error
    except RuntimeError as error:
        log.error("fault", where="request", exc_info=error)


def test_json_has_a_line_for_each_event_and_a_traceback_in_one_field(said: Callable[..., StringIO]) -> None:
    where = said(format="json")
    a_fault("rahsia")
    structlog.get_logger().info("policy-taken", policy="f00")
    fault, taken = lines(where)
    assert set(fault) == {"timestamp", "level", "part", "event", "where", "exception"}
    assert (fault["level"], fault["part"], fault["event"]) == ("error", "gate", "fault")
    assert taken | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "part": "gate",
        "event": "policy-taken",
        "policy": "f00",
    }
    trace = str(fault["exception"])
    assert trace.index("KeyError (what it says is left out)") < trace.index("RuntimeError (what it says is left out)")
    assert "a_fault" in trace
    assert "rahsia" not in where.getvalue()


def test_text_says_the_same_to_a_person(said: Callable[..., StringIO]) -> None:
    where = said()
    structlog.get_logger().warning("outside-every-zone", client="10.9.9.9")
    a_fault("rahsia")
    first, *rest = where.getvalue().splitlines()
    assert "[warning] outside-every-zone client=10.9.9.9 part=gate" in first
    assert "KeyError (what it says is left out)" in "\n".join(rest)
    assert "rahsia" not in where.getvalue()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            RecordError("the journal cannot be written", hint="make room"),
            "RecordError: the journal cannot be written; make room",
        ),
        (FileNotFoundError(2, "No such file", "/etc/x"), "FileNotFoundError: [Errno 2] No such file: '/etc/x'"),
        (ValueError("rahsia"), "ValueError (what it says is left out)"),
        (UnicodeDecodeError("utf-8", b"rahsia", 0, 1, "x"), "UnicodeDecodeError (what it says is left out)"),
    ],
)
def test_an_exceptions_words_are_told_where_they_are_ours(error: Exception, words: str) -> None:
    assert told(error) == words


def test_a_chain_without_end_is_cut() -> None:
    first = last = ValueError()
    for _ in range(DEEPEST * 2):
        last.__cause__ = ValueError()
        last = last.__cause__
    assert len(told(first).splitlines()) == DEEPEST
    last.__cause__ = first
    assert len(told(first).splitlines()) == DEEPEST


@pytest.mark.parametrize(("level", "events"), [("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_the_least_that_is_said(said: Callable[..., StringIO], level: str, events: int) -> None:
    where = said(format="json", level=level)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert len(lines(where)) == events


def test_no_value_breaks_a_line_or_is_endless(said: Callable[..., StringIO]) -> None:
    where = said()
    structlog.get_logger().error("fault", host="x\n2026 [info] forged\x1b[31m", more="y" * (LONGEST + 1))
    (line,) = where.getvalue().splitlines()
    assert "x?2026 [info] forged?[31m" in line
    assert "\x1b" not in line
    assert f"{'y' * LONGEST}..." in line
    assert "y" * (LONGEST + 1) not in line


def test_libraries_say_what_goes_wrong_in_the_same_form(said: Callable[..., StringIO]) -> None:
    where = said(format="json")
    logging.getLogger("uvicorn.error").info("chatter")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    secret = "rah" + "sia"
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("asyncio").exception(f"about {secret}")
    warnings.warn("an old call", DeprecationWarning, stacklevel=1)
    first, second, *third = lines(where)
    assert (first["event"], first["library"]) == ("library", "uvicorn.error")
    assert first["said"] == "Invalid HTTP request received."
    assert (second["level"], second["library"]) == ("error", "asyncio")
    assert "ValueError (what it says is left out)" in str(second["exception"])
    assert "rahsia" not in where.getvalue()
    assert [one["library"] for one in third] in ([], ["py.warnings"])
