"""The answers of whoever installs a gate, each checked when it is given."""

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal, cast

from pydantic import TypeAdapter, ValidationError

from gerbang.answers.words import Language
from gerbang.bundled import bundled
from gerbang.console.users import Role, check_account, check_password
from gerbang.errors import SettingsError, one_of
from gerbang.gate.authority import PASSPHRASE_MINIMUM
from gerbang.gate.identity.htpasswd import BCRYPT_TAKES
from gerbang.loading import each, sources
from gerbang.policy.calendar import compile_calendar, parse_calendar
from gerbang.policy.document import parse_policy
from gerbang.recognition.signature import parse_platform
from gerbang.registers import SIGN_IN
from gerbang.settings import DEFAULT_FILE, Address, Domain

LONGEST_ANSWER: Final = 200  # characters
LONGEST_NAME: Final = 64  # characters of the agency's name: as many as a certificate may hold
MOST_ANSWERS: Final = 50  # networks, or sites
SIGN_INS: Final = ("htpasswd", "none")
OFFICE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

type Network = IPv4Network | IPv6Network
type SignInKind = Literal["htpasswd", "none"]


@dataclass(frozen=True, slots=True)
class Site:
    """A blog of the agency's own, and the platform whose signatures apply there."""

    host: str
    platform: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that was answered, and no secret. `officer` is the first name of the htpasswd file."""

    folder: Path
    state_folder: Path
    root_out: Path
    language: Language
    organisation: str
    office: str
    state: str
    legal_regime: str
    networks: tuple[Network, ...]
    guest_networks: tuple[Network, ...]
    sign_in: SignInKind
    officer: str | None
    sites: tuple[Site, ...]
    authority: str
    notice: str
    listen: str
    console_listen: str
    account: str
    role: Role

    @property
    def settings_file(self) -> Path:
        return self.folder / DEFAULT_FILE

    @property
    def htpasswd_file(self) -> Path:
        return self.folder / "htpasswd"

    @property
    def decrypts(self) -> bool:
        return bool(self.authority and self.notice)


@dataclass(frozen=True, slots=True)
class Known:
    """What the shipped documents know: states with their other names, legal regimes, and platforms."""

    states: Mapping[str, tuple[str, ...]]
    legal_regimes: tuple[str, ...]
    platforms: tuple[str, ...]


def load_known() -> Known:
    """Read from the shipped policies. Takes a second or two."""
    folders = (bundled("policies"),)
    calendar = compile_calendar(each(sources(folders, "calendars"), parse_calendar))
    policies = each(sources(folders, "policy"), parse_policy)
    regimes = {regime for policy in policies for clause in policy.shape.clauses.values() for regime in clause.cites}
    return Known(
        states={code: (state.name.ms, state.name.en) for code, state in calendar.states.items()},
        legal_regimes=tuple(sorted(regimes)),
        platforms=tuple(sorted(one.platform for one in each(sources(folders, "platforms"), parse_platform))),
    )


# ---------------------------------------------------------------- one answer


def plain(text: str) -> str:
    """A line of text as it is typed. Raises `SettingsError`, as all below do."""
    line = text.strip()
    if not line.isprintable() or len(line) > LONGEST_ANSWER:
        raise SettingsError(f"a line of at most {LONGEST_ANSWER} letters and signs is expected")
    return line


def organisation(text: str) -> str:
    name = plain(text)
    if not 0 < len(name) <= LONGEST_NAME:
        raise SettingsError(f"the agency's name has {len(name)} characters", hint=f"use 1 to {LONGEST_NAME} of them")
    return name


def office(text: str) -> str:
    name = plain(text)
    if not OFFICE.fullmatch(name):
        raise SettingsError(
            f"`{name}` will not do for the office's short name", hint="use small letters, digits and hyphens"
        )
    return name


def state(text: str, known: Known) -> str:
    """The code of a state, by its code or a name of it.

    >>> state("putrajaya", Known({"PJY": ("Wilayah Persekutuan Putrajaya", "Putrajaya")}, (), ()))
    'PJY'
    """
    given = plain(text)
    names = {
        name.casefold(): code
        for code, called in known.states.items()
        for one in called
        for name in (code, one, one.removeprefix("Wilayah Persekutuan "))
    }
    if (found := names.get(given.casefold())) is not None:
        return found
    near = one_of(names, given.casefold()) if given else ""
    code = names.get(near.partition("`")[2].partition("`")[0]) if near.startswith("did you mean") else None
    hint = one_of(known.states)
    if code is not None:
        hint = f"did you mean `{code}` ({known.states[code][0]})? {hint}"
    raise SettingsError(f"`{given}` is no state that the calendar knows", hint=hint)


def chosen(text: str, words: tuple[str, ...], what: str) -> str:
    """One of a few words."""
    given = plain(text)
    if given not in words:
        raise SettingsError(f"`{given}` will not do for {what}", hint=one_of(words, given))
    return given


def networks(text: str) -> tuple[Network, ...]:
    """Networks, with commas or spaces between."""
    found: list[Network] = []
    for part in _parts(text):
        try:
            network = ip_network(part)
        except ValueError as error:
            raise SettingsError(f"`{part}` is no network ({error})", hint=_network_meant(part)) from None
        if network in found:
            raise SettingsError(f"the network `{network}` is given twice")
        found.append(network)
    return tuple(found)


def _network_meant(text: str) -> str:
    """A hint: the network around the address of a machine that was written in its place.

    >>> _network_meant("10.1.0.5/16")
    'did you mean `10.1.0.0/16`?'
    """
    try:
        return f"did you mean `{ip_network(text, strict=False)}`?"
    except ValueError:
        return "expected one such as `10.1.0.0/16`"


def apart(guests: tuple[Network, ...], own: tuple[Network, ...]) -> tuple[Network, ...]:
    """The guests' networks, none of which is the office's too."""
    if both := [network for network in guests if network in own]:
        raise SettingsError(
            f"the network `{both[0]}` is the office's already", hint="a network is the office's or the guests'"
        )
    return guests


def sites(text: str, known: Known) -> tuple[Site, ...]:
    """`HOST=PLATFORM`, or `HOST` for WordPress, with commas or spaces between."""
    found: list[Site] = []
    for part in _parts(text):
        host, _, platform = part.partition("=")
        name = str(_taken(Domain, host))
        if name in {site.host for site in found}:
            raise SettingsError(f"the site `{name}` is given twice")
        found.append(Site(name, chosen(platform or "wordpress", known.platforms, f"the platform of `{name}`")))
    return tuple(found)


def listen(text: str) -> str:
    return str(_taken(Address, plain(text)))


def sign_in_name(text: str) -> str:
    name = plain(text)
    if not SIGN_IN.fullmatch(name) or name == "unknown" or name.startswith("#"):
        raise SettingsError(
            f"`{name:.70}` will not do for a sign-in name", hint="use up to 64 characters, no space and no colon"
        )
    return name


def account(text: str) -> str:
    name = plain(text)
    check_account(name, Role.AUDITOR)
    return name


def console_password(text: str) -> str:
    check_password(text)
    return text


def officer_password(text: str) -> str:
    """A sign-in's password: as long as the console's, and no longer than what bcrypt takes of one."""
    check_password(text)
    if len(text.encode(errors="surrogatepass")) > BCRYPT_TAKES:
        raise SettingsError(f"the officer's password is longer than {BCRYPT_TAKES} bytes", hint="use a shorter one")
    return text


def passphrase(text: str) -> str:
    if len(text.encode(errors="surrogatepass")) < PASSPHRASE_MINIMUM:
        raise SettingsError(
            "the passphrase for the root is too short", hint=f"use {PASSPHRASE_MINIMUM} characters or more"
        )
    return text


def _parts(text: str) -> Iterator[str]:
    parts = plain(text).replace(",", " ").split() if len(text) <= LONGEST_ANSWER else text.replace(",", " ").split()
    if len(parts) > MOST_ANSWERS:
        raise SettingsError(f"more than {MOST_ANSWERS} are given")
    yield from (plain(part) for part in parts)


def _taken(kind: Any, text: str) -> object:
    """A value as the settings take it."""
    try:
        return cast(object, TypeAdapter(kind).validate_python(text))
    except ValidationError as error:
        raise SettingsError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


# ---------------------------------------------------------------- what is proposed


def proposed_listen(office_networks: tuple[Network, ...]) -> str:
    """This machine's own address towards the office's PCs, where it has one among them. Nothing is sent."""
    for network in office_networks:
        family = socket.AF_INET if network.version == 4 else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((str(network[-2] if network.num_addresses > 2 else network[0]), 9))
                own = ip_address(probe.getsockname()[0])
        except OSError:
            continue
        if own in network:
            return f"[{own}]:8080" if own.version == 6 else f"{own}:8080"
    return "127.0.0.1:8080"
