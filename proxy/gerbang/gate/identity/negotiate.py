"""Sign-in by Kerberos (`Negotiate`, RFC 4559), with which an office PC that has a ticket is never asked.

The ticket is looked at here, by the service's key; no other machine is asked. What says who it is comes once with each
connection: a replay cache on the disk, which every gate of this state folder shares, knows each that came within the
time that clocks may differ. Nothing else is remembered of it.
"""

import asyncio
import base64
import binascii
import os
import re
import time
import weakref
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from gerbang.errors import SettingsError, StartError, reason
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.keytab import read_keytab
from gerbang.settings import KerberosSettings

log = structlog.get_logger()

# Windows makes tickets of at most 48,000 bytes (MaxTokenSize); a third more in base64.
TOKEN_LIMIT: Final = 64 << 10  # characters of the header
CHECKS_AT_ONCE: Final = 2
CHECKS_WAITING: Final = 256
SAID_EVERY: Final = 60.0  # seconds between two lines of the log on one reason

SCHEME: Final = "Negotiate"
SPNEGO: Final = "1.3.6.1.5.5.2"
NTLM: Final = b"NTLMSSP\0"
NAME: Final = re.compile(r"[^\s:/\\@$]{1,64}")

_NUMBERS: Final = re.compile(
    r"(Major|Minor) \(\d+\): |Unspecified GSS failure\.  Minor code may provide more information, |, Unknown error$"
)
LONGEST_SAID: Final = 300  # characters of what the library says

# How MIT's library says it; through SPNEGO the numbers of its errors are lost, and words are what is left.
SAID: Final = (
    ("Request is a replay", "replayed"),
    ("Ticket expired", "expired"),
    ("Clock skew too great", "clock"),
    ("Ticket not yet valid", "clock"),
    ("Cannot decrypt ticket", "wrong-service"),
    ("Cannot find key", "other-key"),
    ("not found in keytab", "other-key"),
    ("No matching key", "other-key"),
    ("Decrypt integrity check failed", "damaged"),
    ("malformed", "damaged"),
    ("Invalid token", "damaged"),
    ("unsupported mechanism", "other-mechanism"),
)
# What the machine lacks, and no client can be blamed for.
OUR_OWN: Final = (
    "(filename:",
    *map(os.strerror, (1, 2, 5, 12, 13, 21, 23, 24, 28, 30, 122)),
)
ADVICE: Final = {
    "replayed": "what a client sent came twice: somebody may have copied it",
    "expired": "the ticket's time is over: the PC's sign-in to the domain is to be renewed",
    "clock": "this clock and the PC's differ by more than `clockskew` of krb5.conf (5 minutes): set both right",
    "wrong-service": "the ticket is for another service or key: compare `kerberos.service` with the name of the proxy",
    "other-key": "the keytab lacks the key that the ticket was made with: export it anew",
    "damaged": "it cannot be read as what Kerberos sends",
    "other-mechanism": "it is neither Kerberos nor SPNEGO with Kerberos",
    "ntlm": "the PC had no ticket and sent NTLM, which is not taken: it must reach the proxy by the name of "
    "`kerberos.service`, and its browser must be told to trust that name",
    "rounds": "it wants more rounds than one, which no Kerberos client of an office needs",
    "too-long": f"a header of more than {TOKEN_LIMIT >> 10} KiB",
    "realm": "the ticket is of a realm that `kerberos.realms` does not name",
    "not-a-person": "the ticket is a machine's or a service's: list it in `kerberos.allow` if it may pass",
    "other": "Kerberos refuses it",
}


class Refused(Exception):
    """A token that says nobody's name, by a reason of `ADVICE`."""


class Unavailable(Exception):
    """What would know cannot be used; nothing is said of the token."""


@dataclass(frozen=True, slots=True)
class Names:
    """Which officer a principal is."""

    realms: frozenset[str]
    allowed: Collection[str] = ()
    lower: bool = False

    def officer(self, principal: str) -> str:
        """The officer's id. Raises `Refused`.

        >>> Names(frozenset({"CONTOH.MY"})).officer("aminah@CONTOH.MY")
        'aminah'
        """
        name, _, realm = principal.rpartition("@")
        if realm not in self.realms:
            raise Refused("realm")
        if principal in self.allowed:
            return name
        officer = name.lower() if self.lower else name
        # Small letters of some others, such as the sign for kelvins, are plain ones: that would be somebody else.
        if not NAME.fullmatch(officer) or officer == "unknown" or (officer.isascii() and not name.isascii()):
            raise Refused("not-a-person")
        return officer


class Acceptor:
    """The service's side of Kerberos, with a keytab as it was at one time. Blocks, so not for the event loop.

    The library reads its keys from a copy in memory: what is written over the file is no key before it was looked at.
    """

    def __init__(self, keytab: bytes, service: str, replays: Path) -> None:
        self._gssapi = gssapi = library()
        self._keys = os.memfd_create("keytab")
        weakref.finalize(self, os.close, self._keys)
        with open(self._keys, "wb", closefd=False) as copy:
            copy.write(keytab)
        mechanisms = {gssapi.MechType.kerberos, gssapi.OID.from_int_seq(SPNEGO)}
        store = {"keytab": f"FILE:/proc/self/fd/{self._keys}", "rcache": f"file2:{replays}"}
        try:
            name = gssapi.Name(service, gssapi.NameType.kerberos_principal)
            self._credentials = gssapi.Credentials(usage="accept", name=name, mechs=mechanisms, store=store)
        except gssapi.exceptions.GSSError as error:
            raise StartError(f"the keytab will not do: {_words(error)}", hint="export it anew") from None

    def principal(self, token: bytes) -> str:
        """Whose token it is. Raises `Refused` or `Unavailable`."""
        if token.startswith(NTLM):
            raise Refused("ntlm")
        gssapi = self._gssapi
        context = gssapi.SecurityContext(creds=self._credentials, usage="accept")
        try:
            context.step(token)
            if context.complete:
                return str(context.initiator_name)
        except gssapi.exceptions.GSSError as error:
            if NTLM not in token:
                raise _sorted(error) from None
        except UnicodeError:
            raise Refused("not-a-person") from None
        # SPNEGO with NTLM at its head asks for another round, of which nothing would come.
        raise Refused("ntlm" if NTLM in token else "rounds")


def _sorted(error: Exception) -> Refused | Unavailable:
    said = _words(error)
    if any(words in said for words in OUR_OWN):
        return Unavailable(said)
    return Refused(next((why for words, why in SAID if words in said), "other"))


def _words(error: Any) -> str:
    """What a library's error says, without its numbers."""
    return _NUMBERS.sub("", str(error.gen_message()))[:LONGEST_SAID]


def library() -> Any:
    """The Kerberos library. Raises `SettingsError` where it is not installed."""
    try:
        import gssapi
    except ImportError as error:
        missing = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not load ({error})"
        raise SettingsError(
            f"a zone signs people in by `kerberos`, and what that takes {missing}",
            hint="install gerbang[kerberos], which is built against the system's Kerberos (Debian: libkrb5-dev, gcc)",
        ) from None
    return gssapi


def token_of(header: str) -> bytes | None:
    """The token of a `Negotiate` header.

    >>> token_of("Negotiate YWJj")
    b'abc'
    """
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != SCHEME.lower():
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True) or None
    except (binascii.Error, ValueError):
        return None


class NegotiateDoor:
    """The door at which tickets are shown. Used from one event loop, but for `refresh`."""

    way = "kerberos"
    challenge = SCHEME

    def __init__(
        self,
        settings: KerberosSettings,
        folder: Path,
        counts: Counter[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folder` is for the replay cache. Raises `SettingsError` or `StartError`."""
        # The settings were checked: both are there where a zone wants them.
        self._file, self._service = settings.keytab or Path(), settings.service or ""
        self._names = Names(frozenset(settings.known_realms), settings.allow, settings.names == "lower")
        self._replays = folder / "replays"
        self._counts = counts
        self._now = now
        self._said: dict[str, float] = {}
        self._waiting = 0
        self._stamp = _stamp(self._file)
        self._acceptor = self._made(_folder(folder))
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="kerberos")

    def speaks(self, credentials: str) -> bool:
        return credentials.strip().partition(" ")[0].lower() == SCHEME.lower()

    async def check(self, knock: Knock) -> SignIn:
        if knock.credentials is None:
            return SignIn(Outcome.MISSING)
        if len(knock.credentials) > TOKEN_LIMIT:
            return self._refused("too-long", knock.client)
        token = token_of(knock.credentials)
        if token is None:
            return self._refused("damaged", knock.client)
        # No bound on one address's failures, as there is for passwords: there is nothing to guess, a look takes a
        # fifth of a millisecond, and colleagues behind the same address are known by nothing else.
        if self._waiting >= CHECKS_WAITING:
            return SignIn(Outcome.LIMITED, answer=(("Retry-After", "1"),))
        self._waiting += 1
        try:
            looked = asyncio.get_running_loop().run_in_executor(self._threads, self._officer, token)
            return SignIn(Outcome.SIGNED_IN, await looked)
        except Refused as refused:
            return self._refused(str(refused), knock.client)
        except Unavailable as lacking:
            self._say("unavailable", because=str(lacking), then="nobody is signed in by it until it is put right")
            return SignIn(Outcome.UNAVAILABLE)
        finally:
            self._waiting -= 1

    def _officer(self, token: bytes) -> str:
        return self._names.officer(self._acceptor.principal(token))

    def _refused(self, why: str, client: str) -> SignIn:
        self._say(why, because=ADVICE[why], client=client)
        return SignIn(Outcome.WRONG)

    def _say(self, why: str, **more: str) -> None:
        """Count it, and tell the log of each reason now and then: who knocks must not be able to fill it."""
        self._counts[f"kerberos-{why}"] += 1
        if self._now() - self._said.get(why, -SAID_EVERY) < SAID_EVERY:
            return
        self._said[why] = self._now()
        count = self._counts[f"kerberos-{why}"]
        if why == "unavailable":
            log.error("kerberos-unavailable", count=count, **more)
        else:
            log.warning("kerberos-refused", why=why, count=count, **more)

    def _made(self, folder: Path) -> Acceptor:
        keytab = read_keytab(self._file, self._service)
        return Acceptor(keytab.data, self._service, folder / "replays")

    def refresh(self) -> None:
        """Take the keytab as it is now; a wrong one changes nothing."""
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._acceptor = self._made(self._replays.parent)
        except (SettingsError, StartError) as error:
            log.error("keytab-refused", error=str(error), in_force="the keytab as it was")
        else:
            log.info("keytab-taken", file=str(self._file))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _folder(folder: Path) -> Path:
    """The folder of the replay cache, for nobody else to write. Raises `StartError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"the folder for Kerberos' replay cache `{folder}` cannot be made: {reason(error)}") from None
    return folder


def _stamp(file: Path) -> tuple[int, int, int, int]:
    try:
        state = file.stat()
    except OSError:
        return (0, 0, 0, 0)
    # Whoever may read it is told by the time of its inode.
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)
