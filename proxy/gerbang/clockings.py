"""Clock-ins and clock-outs that programs tell: a file of JSON lines for each day, `state/clockings/YYYY-MM-DD.jsonl`.

A register is read whole when one line of it changes; tens of thousands of officers come between 07:30 and 09:00. So
these only grow: a gate follows the files of the days that can still matter, and whoever asks about a past moment reads
the day's. The day is that of UTC. Files are kept for `DAYS_KEPT` days.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, overload

from gerbang.errors import FeedError, RegisterError, reason
from gerbang.feeds import Feed, Follower, News
from gerbang.model import OwnDay, OwnDays, OwnKind, Registers

DAYS_KEPT: Final = 400
# Told of one officer for one day.
MOST_A_DAY: Final = 40
# How far back a gate remembers: a day of an office began 25 hours ago at most, where its clock is set back.
LIVE_HOURS: Final = 36
DAY: Final = timedelta(days=1)

type Key = tuple[str, OwnKind, datetime, str]


def key_of(entry: OwnDay) -> Key:
    return (entry.officer, entry.kind, entry.since, entry.reference)


def record_of(entry: OwnDay, *, gone: bool = False) -> Mapping[str, Any]:
    """As it stands in a file; the names are short, for there are many lines."""
    record: dict[str, Any] = {
        "o": entry.officer,
        "k": entry.kind,
        "t": f"{entry.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
    }
    record |= {"r": entry.reference} if entry.reference else {}
    record |= {"b": entry.by} if entry.by else {}
    return record | ({"gone": True} if gone else {})


def entry_of(record: Mapping[str, Any]) -> OwnDay | None:
    """The entry of a line, `None` where it is none."""
    try:
        kind, since = OwnKind(record["k"]), datetime.fromisoformat(record["t"])
        words = [record["o"], record.get("r", ""), record.get("b", "")]
        if kind not in (OwnKind.CLOCK_IN, OwnKind.CLOCK_OUT) or since.tzinfo is None:
            return None
        if not all(isinstance(word, str) for word in words):
            return None
        return OwnDay(words[0], kind, since.astimezone(UTC), reference=words[1], by=words[2])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


@dataclass(slots=True)
class _Day:
    """What one day's file says, by officer."""

    follower: Follower
    told: dict[str, dict[Key, OwnDay]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, day: date) -> "_Day":
        return cls(Follower(folder, day.isoformat()))

    def look(self) -> set[str]:
        """Take what came; whose entries that were. Raises `FeedError`."""
        return self.take(self.follower.news())

    def take(self, news: News) -> set[str]:
        touched = set(self.told) if news.afresh else set()
        if news.afresh:
            self.told.clear()
        for record in news.records:
            entry = entry_of(record)
            if entry is None:
                continue
            theirs = self.told.setdefault(entry.officer, {})
            if record.get("gone"):
                theirs.pop(key_of(entry), None)
            elif len(theirs) < MOST_A_DAY:
                theirs[key_of(entry)] = entry
            touched.add(entry.officer)
        return touched


# ---------------------------------------------------------------- for a gate


class Clockings:
    """The clock-ins that a running gate goes by. One thread looks."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder, self._clock = folder, clock
        self._days: dict[date, _Day] = {}
        self.touched: set[str] = set()
        """Whose entries are others since that was last emptied."""

    def changed(self) -> bool:
        """Whether anything came, or ended. Raises `FeedError` where that cannot be told: what was known stays so."""
        now = self._clock()
        last = day_of(now)
        days = (last - day_of(now - timedelta(hours=LIVE_HOURS))).days
        wanted = {last - number * DAY for number in range(days + 1)}
        for day in set(self._days) - wanted:
            self.touched |= set(self._days.pop(day).told)
        for day in sorted(wanted):
            known = self._days.get(day) or _Day.of(self._folder, day)
            self._days[day] = known
            self.touched |= known.look()
        return bool(self.touched)

    def of(self, officer: str) -> tuple[OwnDay, ...]:
        return tuple(entry for day in self._days.values() for entry in day.told.get(officer, {}).values())

    def officers(self) -> set[str]:
        return {officer for day in self._days.values() for officer in day.told}


class LiveDays(Mapping[str, OwnDays]):
    """Own days of a register, with the clock-ins that came since.

    The one thing of a gate's world that changes in its place: another world would have all that is open judged anew,
    at each of a morning's clock-ins.
    """

    def __init__(self, days: Mapping[str, OwnDays], clockings: Clockings) -> None:
        self._days, self._clockings = days, clockings
        self._with: dict[str, OwnDays] = {}
        self.renew(clockings.officers())

    def renew(self, officers: Iterable[str]) -> None:
        for officer in officers:
            if clocked := self._clockings.of(officer):
                self._with[officer] = added(self._days.get(officer), clocked)
            else:
                self._with.pop(officer, None)

    def __getitem__(self, officer: str) -> OwnDays:
        return self._with.get(officer) or self._days[officer]

    @overload
    def get(self, officer: str, /) -> OwnDays | None: ...
    @overload
    def get[T](self, officer: str, /, default: OwnDays | T) -> OwnDays | T: ...
    def get[T](self, officer: str, /, default: OwnDays | T | None = None) -> OwnDays | T | None:
        return self._with.get(officer) or self._days.get(officer, default)

    def __iter__(self) -> Iterator[str]:
        yield from self._days
        yield from (officer for officer in tuple(self._with) if officer not in self._days)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def added(own: OwnDays | None, clocked: Iterable[OwnDay]) -> OwnDays:
    return OwnDays((*(own.entries if own else ()), *clocked))


# ---------------------------------------------------------------- for who asks about another time


def with_clockings(registers: Registers, folder: Path, officer: str | None, first: date, last: date) -> Registers:
    """The registers with what one officer's clock said from `first` to `last`, on any office's clock.

    Raises `FeedError`.
    """
    clocked = clocked_of(folder, officer, first - DAY, last + DAY) if officer is not None else ()
    if officer is None or not clocked:
        return registers
    own = {**registers.own_days, officer: added(registers.own_days.get(officer), clocked)}
    return replace(registers, own_days=own)


def clocked_of(folder: Path, officer: str, first: date, last: date) -> tuple[OwnDay, ...]:
    """What is told of an officer for these days of UTC. Raises `FeedError`."""
    mark = f'"o":{json.dumps(officer)}'.encode()
    found: list[OwnDay] = []
    for number in range((last - first).days + 1):
        file = folder / f"{first + number * DAY}.jsonl"
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise FeedError(f"the clock-ins of {file.stem} cannot be read: {reason(error)}") from None
        day = _Day.of(folder, first + number * DAY)
        day.take(News(True, list(_lines_with(data, mark))))
        found += day.told.get(officer, {}).values()
    return tuple(found)


def _lines_with(data: bytes, mark: bytes) -> Iterator[dict[str, Any]]:
    """The records in which a mark stands, without a look at the others: a day has a hundred thousand."""
    at = data.find(mark)
    while at >= 0:
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        end = len(data) if end < 0 else end
        with suppress(ValueError, RecursionError):
            record = json.loads(data[start:end])
            if isinstance(record, dict):
                yield record
        at = data.find(mark, end)


# ---------------------------------------------------------------- for who tells


class Desk:
    """Where clock-ins are told and taken back. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days: dict[date, _Day] = {}

    def new(self, entries: Sequence[OwnDay]) -> list[OwnDay]:
        """Those that are not there yet. Raises `FeedError` where the files cannot be read, and `RegisterError` where
        there are too many of an officer."""
        found: dict[Key, OwnDay] = {}
        counts: dict[tuple[date, str], int] = {}
        for entry in entries:
            day = day_of(entry.since)
            theirs = self._looked(day).told.get(entry.officer, {})
            if key_of(entry) in theirs or key_of(entry) in found:
                continue
            found[key_of(entry)] = entry
            counts[day, entry.officer] = counts.get((day, entry.officer), len(theirs)) + 1
            if counts[day, entry.officer] > MOST_A_DAY:
                what = f"`{entry.officer}` has more than {MOST_A_DAY} clock-ins and clock-outs on {day}"
                raise RegisterError(what, hint="send those that count")
        return list(found.values())

    def told(self, officer: str, reference: str, first: date, last: date) -> list[OwnDay]:
        """What is there of an officer under a reference."""
        return [one for one in clocked_of(self._folder, officer, first, last) if one.reference == reference]

    def write(self, entries: Sequence[OwnDay], *, gone: bool = False) -> None:
        """Raises `FeedError`: then a gate may know some of them, and the same again adds the rest."""
        days: dict[date, list[Mapping[str, Any]]] = {}
        for entry in entries:
            days.setdefault(day_of(entry.since), []).append(record_of(entry, gone=gone))
        for day, records in days.items():
            Feed(self._folder, day.isoformat()).append(records)

    def forget(self, today: date) -> None:
        """Take away the files of days that are long past."""
        for file in self._folder.glob("*.jsonl"):
            with suppress(ValueError, OSError):
                if date.fromisoformat(file.stem) < today - DAYS_KEPT * DAY:
                    file.unlink()
                    file.with_suffix(".lock").unlink(missing_ok=True)

    def _looked(self, day: date) -> _Day:
        known = self._days.pop(day, None) or _Day.of(self._folder, day)
        self._days[day] = known
        while len(self._days) > 3:  # those that were asked for last
            del self._days[next(iter(self._days))]
        known.look()
        return known
