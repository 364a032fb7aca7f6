"""Patterns that run in RE2: in time linear in the text, whatever the pattern.

RE2 has no types of its own; this is the one place that calls it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import re2  # type: ignore[import-untyped]


class Match(Protocol):
    def span(self, group: int = 0) -> tuple[int, int]: ...
    def group(self, group: int = 0) -> str: ...


class Pattern(Protocol):
    @property
    def pattern(self) -> str: ...
    @property
    def groupindex(self) -> Mapping[str, int]: ...
    def search(self, text: str | bytes) -> Match | None: ...
    def finditer(self, text: str) -> Iterator[Match]: ...


def compiled(pattern: str) -> Pattern:
    """The pattern, compiled. What RE2 cannot run (look-around, back-references) is a `ValueError` with its reason."""
    try:
        result: Pattern = re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None
    return result


class PatternSet:
    """Which of some patterns are in a text, asked in one pass."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._set: Any = re2.Set.SearchSet(_options())
        for pattern in self.patterns:
            self._set.Add(pattern.pattern)
        self._set.Compile()
        union = "|".join(f"(?:{pattern.pattern})" for pattern in self.patterns)
        self._union = compiled(union) if union else None

    def numbers(self, text: str) -> list[int]:
        """The numbers of the patterns that are in the text.

        The set answers `None` when nothing matched, and also when it ran out of memory, so that must not read as
        clean. A single pattern falls back to a slower way instead: all in one are asked, and then each alone.
        """
        numbers: list[int] | None = self._set.Match(text)
        if numbers is not None:
            return sorted(numbers)
        if self._union is None or self._union.search(text) is None:
            return []
        return [number for number, pattern in enumerate(self.patterns) if pattern.search(text) is not None]


def _options() -> Any:
    """Quiet about mistakes, which are reported with their line, and bounded in memory."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    return options
