"""A door that asks nobody: who is at an address stands in the feed of sessions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gerbang.feeds import Follower, News
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.zones import plain_address
from gerbang.sessions import FEED, Book, Session


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the feed gave. `book` is all of it, where it was read anew."""

    news: News
    book: Book | None

    def __bool__(self) -> bool:
        return bool(self.news)


class SessionDoor:
    """Known is who the feed has at the client's address by now."""

    way = "session"
    challenge = None

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self.book = Book()
        self.follower = Follower(folder, FEED)
        self.told: datetime | None = None
        """When the feed said something last."""
        self.take(self.look())

    def look(self) -> "Seen":
        """What came since. Does I/O, and all the work where the feed is read anew, so not for the event loop."""
        news = self.follower.news()
        book = None
        if news.afresh:
            book = Book()
            book.take(news, self._now())
        return Seen(news, book)

    def take(self, seen: "Seen") -> None:
        if seen.book is not None:
            self.book = seen.book
        else:
            self.book.take(seen.news, self._now())
        if seen.news.records:
            self.told = self._now()

    def at(self, client: str) -> Session | None:
        """The session at a client's address, if it stands."""
        address = plain_address(client)
        return None if address is None else self.book.at(str(address), self._now())

    def speaks(self, credentials: str) -> bool:  # noqa: ARG002
        return False

    async def check(self, knock: Knock) -> SignIn:
        session = self.at(knock.client)
        return SignIn(Outcome.MISSING) if session is None else SignIn(Outcome.SIGNED_IN, session.officer)

    def refresh(self) -> None:
        """Nothing here: the feed is followed more often than doors are."""

    def close(self) -> None:
        """Nothing to close."""
