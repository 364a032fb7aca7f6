"""What a gate says of itself, for tests: values that name only what matters."""

import os
import time

from gerbang.figures import Histogram
from gerbang.status import Snapshot, shown


def a_snapshot(**more: object) -> Snapshot:
    values: dict[str, object] = {
        "slot": "gate-0",
        "pid": os.getpid(),
        "at": time.time(),
        "monotonic": time.monotonic(),
        "started": time.time(),
        "program": "1",
        "engine": "2",
        "policy": "f" * 64,
        "closed": None,
        "writable": True,
        "figures": {"decisions": ((("block", "post", "x"), 2.0),)},
        "histograms": {"judged": shown(Histogram((1, 2)))},
    }
    return Snapshot.model_validate(values | more)
