"""What officers of this gate asked approvers for, as the queue that gates share has it."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from gerbang.approving import Asked, State, folded
from gerbang.feeds import News
from gerbang.gate.decisions import DecisionBook
from gerbang.gate.releases import ReleaseBook
from gerbang.model import Decision
from gerbang.pipeline import account_key


class RequestBook:
    """The requests of all officers, in memory. Grants become releases here."""

    def __init__(self, releases: ReleaseBook, decisions: DecisionBook, now: Callable[[], datetime]) -> None:
        self._releases, self._decisions, self._now = releases, decisions, now
        self._all: dict[str, Asked] = {}
        self._owned: dict[str, list[str]] = {}
        self._given: set[str] = set()

    def __len__(self) -> int:
        return len(self._all)

    def given(self, releases: Iterable[str]) -> None:
        """Releases that were taken from the journal, or used: a grant of theirs makes no other."""
        self._given.update(releases)

    def take(self, news: News) -> None:
        """Take up what stands in the feed by now."""
        if not (news.afresh or news.records):
            return
        before = {} if news.afresh else self._all
        self._all = folded(news.records, before)
        self._owned = {}
        for number, asked in self._all.items():
            self._owned.setdefault(asked.officer, []).append(number)
            if asked.release is not None and asked.release not in self._given:
                self._grant(asked)

    def note(self, asked: Asked) -> None:
        """A request of this gate, before the feed tells of it."""
        if asked.number not in self._all:
            self._all = {**self._all, asked.number: asked}
            self._owned.setdefault(asked.officer, []).append(asked.number)

    def _grant(self, asked: Asked) -> None:
        release = asked.grant()
        if release is None or asked.release is None:
            return
        self._given.add(asked.release)
        if release.expires > self._now():
            self._releases.add(release)
            self._decisions.granted(asked.number, release)

    def of(self, officer: str) -> tuple[Asked, ...]:
        """An officer's requests, newest first."""
        return tuple(self._all[number] for number in reversed(self._owned.get(officer, ())))

    def about(self, decision: Decision) -> Asked | None:
        """The request on a decision, or one that waits on the same act of the same officer."""
        officer = decision.actor.officer
        if officer is None:
            return None
        found = self._all.get(decision.number)
        if found is not None:
            return found if found.officer == officer.id else None
        same = (one for one in self.of(officer.id) if one.digest == decision.digest)
        return next((one for one in same if one.state(self._now()) is State.ASKED), None)

    def find(self, number: str, officer: str) -> Asked | None:
        found = self._all.get(number)
        return found if found is not None and found.officer == officer else None


def a_request(decision: Decision, moment: datetime, answer_within: int, grant_for: int) -> Asked:
    """What is asked about a decision that waits for an approver. A grant lasts as long as the shortest of its rules."""
    officer = decision.actor.officer
    if officer is None:
        raise ValueError("nobody is known who could ask")
    holding = sorted(decision.decisive(), key=lambda match: match.rule)
    lasting = [match.release_for for match in holding if match.release_for is not None]
    return Asked(
        number=decision.number,
        officer=officer.id,
        moment=moment,
        expires=moment + timedelta(seconds=answer_within),
        platform=decision.activity.platform,
        kind=decision.activity.kind,
        account=account_key(decision.activity),
        digest=decision.digest,
        rules=tuple(match.rule for match in holding),
        approvers=tuple(match.approvers for match in holding),
        lasts=min(lasting, default=grant_for),
    )
