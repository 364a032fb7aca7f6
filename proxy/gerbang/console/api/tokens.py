"""Who asks: the token of a request, and whether it may."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from fastapi import Request

from gerbang.console.api.problems import Problem
from gerbang.console.sessions import Attempts
from gerbang.console.users import User, Users
from gerbang.errors import RegisterError
from gerbang.tokens import Right, Token, Tokens

log = structlog.get_logger()

RETRY: Final = {"Retry-After": "900"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that asks: its token, its address, and the console's account in whose name it acts, if any."""

    token: Token
    address: str
    user: User | None


class Entrance:
    """What the API's routes ask of a request before anything else."""

    def __init__(
        self,
        tokens: Tokens,
        users: Users,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tokens, self._users, self._now = tokens, users, now
        self._attempts = Attempts(clock)
        self.refused: Counter[str] = Counter()

    def may(self, right: Right) -> Callable[[Request], Awaitable[Caller]]:
        """A dependency: the caller, or a problem where its token is missing, wrong, ended, or for something else."""

        async def caller(request: Request) -> Caller:
            return self.caller(request, right)

        return caller

    def caller(self, request: Request, right: Right) -> Caller:
        address = request.client.host if request.client else ""
        given = request.headers.getlist("authorization")
        scheme, _, shown = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            raise self._refused("missing", 401, "send the header `Authorization: Bearer TOKEN`, once")
        try:
            token = self._tokens.find(shown.strip())
        except RegisterError as error:
            log.error("tokens-unreadable", error=str(error))
            raise Problem(503, "the tokens cannot be read") from None
        if token is None:
            # A right token is always taken: nobody guesses 256 bits, and a colleague's slip locks nobody out.
            if not self._attempts.allowed("token", address):
                raise Problem(429, "too many wrong tokens came from this address", headers=RETRY)
            self._attempts.failed("token", address)
            log.warning("token-refused", address=address, because="wrong")
            raise self._refused("wrong", 401, "this token is none of ours")
        if token.ended(self._now()):
            log.warning("token-refused", address=address, because="ended", token=token.name)
            raise self._refused("ended", 401, "this token has ended")
        user = self._user(token)
        if right not in token.may or (token.user is not None and user is None):
            log.warning("token-refused", address=address, because="may-not", token=token.name)
            what = f"this token may not be used for `{right}`" if right not in token.may else "its account is gone"
            raise self._refused("may-not", 403, what)
        self._tokens.used(token, self._now())
        return Caller(token, address, user)

    def _user(self, token: Token) -> User | None:
        """The account that the token was made for: one that was made anew under its name is another's."""
        if token.user is None:
            return None
        user = self._users.get(token.user)
        return user if user is not None and user.added <= token.added else None

    def _refused(self, why: str, status: int, detail: str) -> Problem:
        self.refused[why] += 1
        headers = {"WWW-Authenticate": 'Bearer realm="gerbang"'} if status == 401 else {}
        return Problem(status, detail, headers=headers)
