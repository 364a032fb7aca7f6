"""Zones and proxy sign-in."""

import asyncio
import base64
import time
from ipaddress import ip_network
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis.strategies import binary, text

from gerbang.errors import SettingsError
from gerbang.gate.identity import basic as basic_door
from gerbang.gate.identity import door as doors
from gerbang.gate.identity import htpasswd
from gerbang.gate.identity.basic import BasicDoor, credentials
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.htpasswd import Htpasswd, parse_htpasswd
from gerbang.gate.identity.zones import Zones
from gerbang.model import Zone

WORD = "trial:word:with:colons"


def hashed(word: str) -> str:
    return bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, word: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


async def tried(door: BasicDoor, header: str | None, client: str) -> SignIn:
    return await door.check(Knock(header, client, lambda _: None))


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "staff.htpasswd"
    path.write_text(f"aminah:{hashed(WORD)}\nçelik:{hashed('sandi-ç')}\n", encoding="utf-8")
    return path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The passwords that bcrypt was asked about."""
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def check(password: bytes, stored: bytes) -> bool:
        asked.append(password)
        time.sleep(0.01)
        return real(password, stored)

    monkeypatch.setattr(htpasswd.bcrypt, "checkpw", check)
    return asked


# ---------------------------------------------------------------- zones

ZONES = (
    Zone("all", (ip_network("10.0.0.0/8"),), "hq"),
    Zone("floor", (ip_network("10.1.0.0/16"), ip_network("2001:db8:1::/48")), "hq"),
    Zone("desk", (ip_network("10.1.2.3/32"),), "hq"),
)


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("10.1.2.3", "desk"),
        ("10.1.2.4", "floor"),
        ("10.2.0.1", "all"),
        ("11.0.0.1", None),
        ("2001:db8:1::5", "floor"),
        ("2001:db8:2::5", None),
        ("::ffff:10.1.2.3", "desk"),
        ("fe80::1%eth0", None),
        ("nonsense", None),
    ],
)
def test_the_longest_prefix_wins_and_no_zone_is_no_zone(client: str, name: str | None) -> None:
    for order in (ZONES, ZONES[::-1]):
        zone = Zones(order).of(client)
        assert (zone.name if zone else None) == name


# ---------------------------------------------------------------- the header


@given(text(min_size=1).filter(lambda user: ":" not in user and user.isprintable()), text())
def test_whatever_is_written_in_a_header_is_read(user: str, word: str) -> None:
    assert credentials(basic(user, word)) == (user, word.encode()) or len(basic(user, word)) > 1000


@given(binary(max_size=60))
def test_no_header_raises(data: bytes) -> None:
    credentials(data.decode("latin-1"))
    credentials("Basic " + base64.b64encode(data).decode())


@pytest.mark.parametrize("header", ["", "Basic", "Basic ???", "Bearer abc", basic("", "x"), "Basic " + "A" * 2000])
def test_what_is_no_sign_in(header: str) -> None:
    assert credentials(header) is None


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aminah", r"x:1: this is no line of an htpasswd file"),
        ("\naminah:$apr1$abc$def", r"x:2: the hash of `aminah` is not bcrypt; make it with `htpasswd -B x aminah`"),
        ("aminah:plain", "not bcrypt"),
        (f"a:{hashed('b')}\na:{hashed('c')}", r"x:2: `a` stands here twice"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_htpasswd(text, "x")


async def test_a_changed_file_is_taken_and_a_wrong_one_is_not(file: Path) -> None:
    door = BasicDoor(Htpasswd(file))
    assert (await tried(door, basic("aminah", WORD), "10.1.2.3")).user == "aminah"
    file.write_text(f"aminah:{hashed('another word')}\n")
    door.refresh()
    assert (await tried(door, basic("aminah", WORD), "10.1.2.3")).outcome is Outcome.WRONG
    assert (await tried(door, basic("aminah", "another word"), "10.1.2.3")).user == "aminah"
    file.write_text("aminah:broken\n")
    door.refresh()
    assert (await tried(door, basic("aminah", "another word"), "10.1.2.3")).user == "aminah"
    file.write_text("")
    door.refresh()
    assert (await tried(door, basic("aminah", "another word"), "10.1.2.3")).outcome is Outcome.WRONG
    door.close()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: no such file"):
        BasicDoor(Htpasswd(tmp_path / "nowhere"))


# ---------------------------------------------------------------- sign-in


async def test_a_password_with_colons_and_one_beyond_ascii(file: Path) -> None:
    door = BasicDoor(Htpasswd(file))
    assert (await tried(door, basic("aminah", WORD), "10.1.2.3")).user == "aminah"
    assert (await tried(door, basic("çelik", "sandi-ç"), "10.1.2.3")).user == "çelik"
    assert (await tried(door, basic("aminah", "trial"), "10.1.2.3")).outcome is Outcome.WRONG
    assert (await tried(door, None, "10.1.2.3")).outcome is Outcome.MISSING
    door.close()


async def test_bcrypt_runs_once_for_many_requests_and_again_after_an_hour(file: Path, counted: list[bytes]) -> None:
    now = Now()
    door = BasicDoor(Htpasswd(file), now)
    header = basic("aminah", WORD)
    together = await asyncio.gather(*(tried(door, header, "10.1.2.3") for _ in range(20)))
    assert {one.user for one in together} == {"aminah"}
    for _ in range(20):
        await tried(door, header, "10.1.2.3")
    assert len(counted) == 1
    now.at += basic_door.REMEMBERED_FOR + 1
    await tried(door, header, "10.1.2.3")
    assert len(counted) == 2
    door.close()


async def test_bcrypt_never_holds_up_the_event_loop(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> bool:
        time.sleep(0.3)
        return True

    monkeypatch.setattr(htpasswd.bcrypt, "checkpw", slow)
    door = BasicDoor(Htpasswd(file))
    task = asyncio.ensure_future(tried(door, basic("aminah", WORD), "10.1.2.3"))
    longest = 0.0
    while not task.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    assert longest < 0.2
    door.close()


async def test_after_ten_failures_nothing_is_looked_at_but_what_is_known(file: Path, counted: list[bytes]) -> None:
    now = Now()
    door = BasicDoor(Htpasswd(file), now)
    await tried(door, basic("aminah", WORD), "10.1.2.3")
    for number in range(doors.FAILURES):
        assert (await tried(door, basic("aminah", f"guess {number}"), "10.1.2.3")).outcome is Outcome.WRONG
    before = len(counted)
    assert (await tried(door, basic("aminah", "guess"), "10.1.2.3")).outcome is Outcome.LIMITED
    assert len(counted) == before
    assert (await tried(door, basic("aminah", WORD), "10.1.2.3")).user == "aminah", "a colleague is not locked out"
    assert (await tried(door, basic("aminah", "guess"), "10.1.2.4")).outcome is Outcome.WRONG, "another address is not"
    now.at += doors.FAILURES_WITHIN + 1
    assert (await tried(door, basic("aminah", "guess"), "10.1.2.3")).outcome is Outcome.WRONG
    door.close()


async def test_who_cannot_type_locks_out_no_colleague_at_the_same_address(file: Path) -> None:
    door = BasicDoor(Htpasswd(file))
    for number in range(2 * doors.FAILURES):
        await tried(door, basic("çelik", f"guess {number}"), "10.1.2.3")
    assert (await tried(door, basic("çelik", "sandi-ç"), "10.1.2.3")).outcome is Outcome.LIMITED
    assert (await tried(door, basic("aminah", WORD), "10.1.2.3")).user == "aminah"
    door.close()


async def test_guessing_at_many_names_ends_too(file: Path, counted: list[bytes]) -> None:
    door = BasicDoor(Htpasswd(file))
    for number in range(doors.FAILURES_OF_ALL):
        assert (await tried(door, basic(f"user{number}", "guess"), "10.1.2.3")).outcome is Outcome.WRONG
    assert (await tried(door, basic("another", "guess"), "10.1.2.3")).outcome is Outcome.LIMITED
    assert (await tried(door, basic("another", "guess"), "10.1.2.4")).outcome is Outcome.WRONG
    assert len(counted) == doors.FAILURES_OF_ALL + 1
    door.close()


async def test_a_sign_in_that_is_used_is_known_all_day(file: Path, counted: list[bytes]) -> None:
    """An officer at work is never in need of bcrypt again, and so of nobody else's patience."""
    now = Now()
    door = BasicDoor(Htpasswd(file), now)
    for _ in range(20):
        assert (await tried(door, basic("aminah", WORD), "10.1.2.3")).user == "aminah"
        now.at += basic_door.REMEMBERED_FOR * 0.9
    assert len(counted) == 1
    door.close()


async def test_a_whole_ipv6_network_is_one_neighbour(file: Path) -> None:
    door = BasicDoor(Htpasswd(file))
    for number in range(doors.FAILURES):
        await tried(door, basic("aminah", f"guess {number}"), f"2001:db8::{number:x}")
    assert (await tried(door, basic("aminah", "guess"), "2001:db8::ffff")).outcome is Outcome.LIMITED
    door.close()


async def test_an_unknown_user_costs_as_much_as_a_wrong_password(file: Path, counted: list[bytes]) -> None:
    door = BasicDoor(Htpasswd(file))
    await tried(door, basic("nobody", "guess"), "10.1.2.3")
    await tried(door, basic("aminah", "guess"), "10.1.2.3")
    assert counted == [b"guess", b"guess"]
    door.close()


async def test_a_flood_of_sign_ins_is_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(htpasswd.bcrypt, "checkpw", lambda *_: time.sleep(0.01))
    door = BasicDoor(Htpasswd(file))
    many = [tried(door, basic("aminah", f"guess {number}"), f"10.1.{number}.1") for number in range(200)]
    outcomes = [one.outcome for one in await asyncio.gather(*many)]
    assert outcomes.count(Outcome.WRONG) <= basic_door.CHECKS_WAITING
    assert outcomes.count(Outcome.LIMITED) >= 200 - basic_door.CHECKS_WAITING
    door.close()


async def test_no_password_is_kept(file: Path) -> None:
    door = BasicDoor(Htpasswd(file))
    await tried(door, basic("aminah", WORD), "10.1.2.3")
    await tried(door, basic("aminah", "a wrong guess"), "10.1.2.3")
    kept = repr([vars(door)[name] for name in vars(door) if name != "_threads"] + [vars(door._verifier)])
    assert WORD not in kept
    assert "a wrong guess" not in kept
    door.close()
