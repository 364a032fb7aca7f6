"""Our own faults: counted, logged with their traceback, and never the way through for a write."""

from collections import Counter
from typing import Literal

import structlog

log = structlog.get_logger()

OnFault = Literal["refuse-writes", "refuse", "forward"]
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """What happens to a request where our own code failed."""

    def __init__(self, on_fault: OnFault) -> None:
        self._on_fault = on_fault
        self.faults: Counter[str] = Counter()

    def caught(self, where: str, error: Exception, *, host: str | None = None) -> None:
        """Count and log a fault. The host is given for listed hosts only."""
        self.faults[where] += 1
        log.error("fault", where=where, host=host, exc_info=error)

    def refuses(self, method: str, *, listed: bool) -> bool:
        """Whether a request of this method is refused now. `listed` also where it could not be told."""
        match self._on_fault:
            case "forward":
                return False
            case "refuse":
                return True
            case "refuse-writes":
                return listed and method.upper() not in READING
