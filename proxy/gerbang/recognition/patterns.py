"""Patterns from documents run in RE2: linear in the text, whatever somebody writes into either."""

from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]  # ships no types


@lru_cache(maxsize=1 << 12)
def compile_pattern(source: str) -> Any:
    """Raises `ValueError` with RE2's own words."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(source, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
