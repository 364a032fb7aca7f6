"""Waiting in tests for what another thread or process does, instead of for a time."""

import time
from collections.abc import Callable


def until(met: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as `met()` is true; an assertion fails when that takes longer than a broken gate explains."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"not met within {seconds} s"
        time.sleep(0.02)
