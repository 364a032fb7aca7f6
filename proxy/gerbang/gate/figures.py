"""The judge's own figures: a few dictionary look-ups a request.

Nothing of a request is kept but words of ours: an effect, an activity, a platform, a reason.
"""

from collections import Counter

from gerbang.figures import Histogram
from gerbang.model import Activity, Effect, Kind


class Figures:
    """What the judge counts. `judged` is in seconds, from taking a request up to knowing what becomes of it.

    `decisions` are those whose line is in the journal; `requests` those on listed hosts, by what became of them.
    """

    def __init__(self) -> None:
        self.decisions: Counter[tuple[Effect, Kind, str]] = Counter()
        self.requests: Counter[str] = Counter()
        self.unclaimed: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()
        self.tls_refused: Counter[tuple[str, str]] = Counter()
        self.judged = Histogram((0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5))

    def unseen(self, activity: Activity) -> None:
        """Count a write that no signature knows, and each reason why something could not be inspected."""
        if activity.unclaimed:
            self.unclaimed[activity.platform] += 1
        for reason in {gap.reason for gap in activity.gaps}:
            self.gaps[reason] += 1
