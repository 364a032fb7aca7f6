"""What a process counts of its own work: numbers only, made by one thread and read by others.

A list of integers is copied whole while the interpreter lock is held, so a reader needs no lock of its own.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """How many values were no larger than each bound, and what they were together."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value that is equal to a bound below it.

        >>> seconds = Histogram((1, 5))
        >>> for value in (1, 2, 6): seconds.observe(value)
        >>> seconds.counts, seconds.total
        ([1, 1, 1], 9.0)
        """
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
