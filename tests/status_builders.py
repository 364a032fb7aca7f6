"""What a gate says of itself, for tests: values that name only what matters, and the figures made of them."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from gerbang.console.health import View
from gerbang.console.metrics import Figures
from gerbang.figures import Histogram
from gerbang.status import Snapshot, shown
from gerbang.store import Backlog


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


class Looked:
    """A watch that sees one gate."""

    state = Path(__file__).parent

    def look(self) -> View:
        return View(datetime.now(UTC), (a_snapshot(),), {"gate-0": Backlog()})


def figures_told() -> dict[str, tuple[tuple[str, ...], str]]:
    """Every figure that `/metrics` has: its labels and its kind, by the name that is documented."""
    told = {}
    for family in Figures(Looked(), {"wrong": 1}).collect():  # type: ignore[arg-type]  # as far as it is asked
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = tuple(getattr(family, "_labelnames", ()))
        if family.type == "info":
            (sample, *_) = family.samples
            labels = tuple(sample.labels)
        told[family.name + suffix] = (labels, family.type)
    return told
