"""Which of a zone's doors is knocked at, and who is let in by what they say."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow

from gate_builders import Standing, office_settings, world_of
from gerbang.gate.admission import Admission
from gerbang.gate.guard import Guard
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.entrances import Entrance
from gerbang.model import Reply

NOBODY = SignIn(Outcome.MISSING)


@dataclass
class Fake:
    """A door that gives what it is told to, and keeps who knocked."""

    way: str
    challenge: str | None = None
    gives: SignIn = NOBODY
    asked: list[Knock] = field(default_factory=list)

    def speaks(self, credentials: str) -> bool:
        return self.challenge is not None and credentials.startswith(self.challenge)

    async def check(self, knock: Knock) -> SignIn:
        self.asked.append(knock)
        return self.gives

    def refresh(self) -> None:
        """Rests on nothing."""

    def close(self) -> None:
        """Nothing is open."""


AMINAH = SignIn(Outcome.SIGNED_IN, "aminah")
DEVI = SignIn(Outcome.SIGNED_IN, "devi")


def a_knock(credentials: str | None = None) -> Knock:
    return Knock(credentials, "10.1.2.3", tflow.tflow().request.headers.get)


@pytest.mark.parametrize(
    ("credentials", "silent", "known", "by"),
    [
        (None, SignIn(Outcome.MISSING), SignIn(Outcome.MISSING), ""),
        ("Negotiate abc", SignIn(Outcome.MISSING), AMINAH, "kerberos"),
        ("Basic abc", SignIn(Outcome.MISSING), DEVI, "ldap"),
        ("Digest abc", SignIn(Outcome.MISSING), SignIn(Outcome.MISSING), ""),
        (None, AMINAH, AMINAH, "session"),
        ("Basic abc", AMINAH, AMINAH, "session"),
        ("Basic abc", SignIn(Outcome.WRONG), SignIn(Outcome.WRONG), "session"),
        ("Basic abc", SignIn(Outcome.UNAVAILABLE), SignIn(Outcome.UNAVAILABLE), "session"),
    ],
)
async def test_the_door_that_the_credentials_are_for_is_asked(
    credentials: str | None, silent: SignIn, known: SignIn, by: str
) -> None:
    entrance = Entrance(
        (Fake("kerberos", "Negotiate", AMINAH), Fake("ldap", "Basic", DEVI), Fake("session", None, silent)),
        lets_unknown=False,
    )
    assert entrance.challenges == ("Negotiate", "Basic")
    assert await entrance.known(a_knock(credentials)) == (known, by)


@pytest.mark.parametrize(
    ("challenges", "only"), [((), False), (("Basic",), True), ((None,), False), (("Basic", None), False)]
)
def test_where_every_door_asks_nobody_is_known_without(challenges: tuple[str | None, ...], only: bool) -> None:
    assert Entrance(tuple(Fake("x", challenge) for challenge in challenges)).only_asks is only


# ---------------------------------------------------------------- who is let in

AWAY = SignIn(Outcome.UNAVAILABLE)


@pytest.fixture
def admission(tmp_path: Path) -> Admission:
    settings = office_settings(tmp_path)
    return Admission(settings, Standing(world_of(settings)), Counter(), Guard("forward"))


def admitted(admission: Admission, entrance: Entrance, mode: str = "regular", header: str = "Basic x") -> Any:
    """What becomes of one request."""
    admission._entrances = dict.fromkeys((zone.name for zone in admission._holder.world.zones), entrance)
    flow = tflow.tflow()
    flow.client_conn.peername = ("127.0.0.1", 50000)
    flow.client_conn.proxy_mode = ProxyMode.parse(mode)
    flow.request.headers["Proxy-Authorization"] = header
    refused = admission.arrived(flow.client_conn)
    if refused is not None:
        return refused
    found = asyncio.run(admission.admit(flow))
    assert "proxy-authorization" not in flow.request.headers
    if isinstance(found, Reply):
        return found.status, dict(found.headers)
    return found.officer.id if found.officer else None, found.known_by


def asking(gives: SignIn) -> Entrance:
    return Entrance((Fake("ldap", "Basic", gives),), lets_unknown=False)


def silent(gives: SignIn, *, lets_unknown: bool) -> Entrance:
    return Entrance((Fake("session", None, gives),), lets_unknown=lets_unknown)


def test_who_is_known_is_known_by_a_way(admission: Admission) -> None:
    assert admitted(admission, asking(SignIn(Outcome.SIGNED_IN, "aminah"))) == ("aminah", "ldap")
    assert admitted(admission, silent(SignIn(Outcome.SIGNED_IN, "devi"), lets_unknown=True)) == ("devi", "session")
    assert admitted(admission, Entrance()) == (None, "")


def test_who_does_not_sign_in_is_asked_and_never_passes(admission: Admission) -> None:
    for outcome in (Outcome.MISSING, Outcome.WRONG):
        status, headers = admitted(admission, asking(SignIn(outcome)))
        assert (status, headers["Proxy-Authenticate"]) == (407, "Basic")
    # A sign-in without a name is none.
    assert admitted(admission, asking(SignIn(Outcome.SIGNED_IN)))[0] == 407


def test_where_nobody_can_tell_nobody_passes(admission: Admission) -> None:
    for entrance in (asking(AWAY), silent(AWAY, lets_unknown=True), silent(AWAY, lets_unknown=False)):
        status, headers = admitted(admission, entrance)
        assert (status, headers["Retry-After"]) == (503, "10")
        assert "Proxy-Authenticate" not in headers
    assert admission._counts["sign-in-unavailable"] == 3


def test_what_becomes_of_nobody_known_is_a_setting(admission: Admission) -> None:
    missing, wrong = SignIn(Outcome.MISSING), SignIn(Outcome.WRONG)
    assert admitted(admission, silent(missing, lets_unknown=True)) == (None, "")
    assert admitted(admission, silent(missing, lets_unknown=False))[0] == 403
    # A forged header is not the same as none.
    assert admitted(admission, silent(wrong, lets_unknown=True))[0] == 403


def test_who_was_redirected_is_not_asked_and_brings_no_credentials(admission: Admission) -> None:
    assert admitted(admission, asking(SignIn(Outcome.SIGNED_IN, "aminah")), "transparent") == "nobody can sign in"
    both = Entrance((Fake("session"), Fake("ldap", "Basic", SignIn(Outcome.SIGNED_IN, "aminah"))), lets_unknown=False)
    assert admitted(admission, both) == ("aminah", "ldap")
    status, headers = admitted(admission, both, "transparent")
    assert (status, "Proxy-Authenticate" in headers) == (403, False)
