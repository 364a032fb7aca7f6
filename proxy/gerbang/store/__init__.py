"""The database: an index of the journal for lists, pages and reports. What it says, a line of the journal proves."""

from gerbang.store.backlog import Backlog, backlog
from gerbang.store.comparison import Comparison
from gerbang.store.engine import DatabaseAway
from gerbang.store.forwarder import Forwarder
from gerbang.store.queries import (
    Activation,
    DecisionRecord,
    DecisionRow,
    Filter,
    HourCount,
    Page,
    Related,
    Store,
    open_store,
)
from gerbang.store.schema import upgrade

__all__ = [
    "Activation",
    "Backlog",
    "Comparison",
    "DatabaseAway",
    "DecisionRecord",
    "DecisionRow",
    "Filter",
    "Forwarder",
    "HourCount",
    "Page",
    "Related",
    "Store",
    "backlog",
    "open_store",
    "upgrade",
]
