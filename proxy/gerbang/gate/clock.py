"""What time it is for decisions: the machine's clock, or one that a trial sets."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

type Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class TrialClock:
    """A clock that starts where it is set and runs on from there, whatever the machine's clock does."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a trial's time needs its offset")
        self._at = at
        self._since = time.monotonic()

    def __call__(self) -> datetime:
        return (self._at + timedelta(seconds=time.monotonic() - self._since)).astimezone(UTC)
