"""A directory of people (OpenLDAP, Active Directory): whether a password is right, and who is in it.

Several servers are tried in turn. Nothing secret is sent before TLS stands, unless the settings say so. Referrals are
not followed. Everything here blocks, so none of it is for an event loop.
"""

import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from ldap3 import ANONYMOUS, BASE, DEREF_NEVER, NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn
from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]

from gerbang.errors import GerbangError, SettingsError, reason
from gerbang.settings import LdapSettings

PAGE = 500  # entries that are asked for at once
MOST_ENTRIES = 50_000
ANSWER_LIMIT = 1 << 20  # bytes of the answer to one question, when somebody signs in
PAGE_LIMIT = 16 << 20  # and when a page is read
PATIENCE = 4  # times `ldap.timeout`, in which an answer has to be there whole
SECRET_LIMIT = 4096  # bytes of the file with the bind password
PAGED: Final = "1.2.840.113556.1.4.319"
IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
"""Active Directory's rule for members of groups in groups."""

# What Active Directory says with a refused password, beside that it is refused.
SUB_CODES: Final = {
    "525": "no-such-user",
    "52e": "wrong-password",
    "530": "not-at-this-time",
    "531": "not-from-here",
    "532": "password-expired",
    "533": "disabled",
    "701": "account-expired",
    "773": "must-change-password",
    "775": "locked",
}
SUB_CODE: Final = re.compile(r"\bdata ([0-9a-fA-F]{3,4})\b")
SUCCESS, SIZE_LIMIT, REFERRAL, NO_SUCH_OBJECT, REFUSED_PASSWORD = 0, 4, 10, 32, 49
# Other results of a bind that are about who binds: constraint violation, no such object, a wrong name, no password
# there, no rights, unwilling (OpenLDAP of a locked account, Active Directory of some policies).
REFUSALS: Final = {
    19: "refused-by-policy",
    32: "no-such-user",
    34: "no-such-user",
    48: "no-password-there",
    50: "no-rights",
    53: "refused-by-policy",
}


# What comes of a server that is not there, or that sends what is no LDAP: the library's reader trips over some of it.
GARBLED: Final = (PyAsn1Error, ValueError, LookupError, TypeError, AttributeError, RecursionError)
UNTOLD: Final = (LDAPException, OSError, *GARBLED)


class DirectoryError(GerbangError):
    """The directory cannot be asked, or does not answer as it should: nothing is known of anybody."""


class SignInRefused(Exception):
    """Why somebody may not sign in: a short word, never what was typed. `counts`: the directory may count it too."""

    def __init__(self, why: str, *, counts: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.counts = counts


@dataclass(frozen=True, slots=True)
class Entry:
    """What was found, its attributes by their names in lower case."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    def values(self, name: str) -> tuple[str, ...]:
        """The values that are text."""
        found = self.attributes.get(name.lower(), ())
        return tuple(text for value in found if (text := _text(value)) is not None)

    def first(self, name: str) -> str:
        return next(iter(self.values(name)), "")


def _text(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


class _Held:
    """A connection's socket that waits for no answer longer, and takes none that is larger, than is allowed.

    The library waits for each piece by itself, and would go on for ever where a server sends them one by one.
    """

    def __init__(self, held: Any, seconds: float, limit: int) -> None:
        self._held = held
        self._seconds = seconds
        self.ask(limit)

    def ask(self, limit: int) -> None:
        """Another question begins."""
        self._end, self._left = time.monotonic() + self._seconds, limit

    def recv(self, size: int) -> bytes:
        if self._left <= 0:
            raise OSError("its answer is too large")
        if time.monotonic() > self._end:
            raise TimeoutError("its answer takes too long")
        data: bytes = self._held.recv(min(size, self._left))
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held, name)


class Directory:
    """One directory, by its settings."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._first = 0  # the server that answered last

    # ------------------------------------------------------------ signing in

    def sign_in(self, user: str, password: bytes) -> str:
        """The id of who this is. Raises `SignInRefused`, or `DirectoryError` where the directory cannot be asked."""
        if not password or b"\0" in password:
            # A bind without a password is anonymous, and succeeds.
            raise SignInRefused("no-password", counts=False)
        if _text(password) is None:
            # Some clients send Latin-1 whatever they are asked for.
            password = password.decode("latin-1").encode()
        return self._somewhere(lambda server: self._signed_in(server, user, password))

    def _signed_in(self, server: Server, user: str, password: bytes) -> str:
        settings = self._settings
        if settings.user_dn is not None:
            connection = self._opened(server)
            try:
                dn = settings.user_dn.replace("{user}", escape_rdn(user))
                self._bind(connection, dn, password)
                return self._id_of(list(self._search(connection, dn, self._filter(user), [settings.id], BASE)))
            finally:
                _end(connection)
        connection = self._bound(server)
        try:
            found = list(self._search(connection, settings.base, self._filter(user), [settings.id], SUBTREE, most=2))
            identity = self._id_of(found)
            self._bind(connection, found[0].dn, password)
            return identity
        finally:
            _end(connection)

    def _filter(self, user: str) -> str:
        return self._settings.user_filter.replace("{user}", escape_filter_chars(user))

    def _id_of(self, found: Sequence[Entry]) -> str:
        """As the directory spells it: it takes `AMINAH` for `aminah`, and the register does not."""
        if not found:
            # As with one who is there: else who knocks could tell by when he is held off.
            raise SignInRefused("no-such-user")
        if len(found) > 1:
            raise SignInRefused("several-such-users", counts=False)
        identity = found[0].first(self._settings.id)
        if not identity:
            raise SignInRefused("no-id", counts=False)
        return identity

    def _bind(self, connection: Connection, dn: str, password: bytes) -> None:
        """Raises `SignInRefused`."""
        connection.user, connection.password, connection.authentication = dn, password, SIMPLE
        connection.socket.ask(ANSWER_LIMIT)
        try:
            connection.bind()
        finally:
            connection.password = None
        code, told = connection.result["result"], str(connection.result.get("message") or "")
        if code == SUCCESS:
            return
        if code == REFUSED_PASSWORD:
            found = SUB_CODE.search(told)
            raise SignInRefused(SUB_CODES.get(found[1].lower(), "refused") if found else "refused")
        if code in REFUSALS:
            raise SignInRefused(REFUSALS[code])
        raise DirectoryError(f"the directory does not take a sign-in: {_result(connection)}")

    # ------------------------------------------------------------ looking

    def entries(self, filter_: str, attributes: Sequence[str], base: str | None = None) -> Iterator[Entry]:
        """Those that match, read in pages. Raises `DirectoryError`, also where there are more than `MOST_ENTRIES`."""
        connection = self._somewhere(self._bound)
        try:
            yield from self._search(
                connection, base or self._settings.base, filter_, attributes, SUBTREE, most=MOST_ENTRIES, paged=True
            )
        except UNTOLD as error:
            raise DirectoryError(f"the directory was lost: {_told(error)}") from None
        finally:
            _end(connection)

    def look(self) -> bool:
        """Whether the base is there, by whoever reads in it. Raises `DirectoryError`."""

        def looked(server: Server) -> bool:
            connection = self._bound(server)
            try:
                found = self._search(connection, self._settings.base, "(objectClass=*)", ["1.1"], BASE)
                return bool(list(found))
            finally:
                _end(connection)

        return self._somewhere(looked)

    def servers(self) -> Iterator[tuple[str, DirectoryError | None]]:
        """Each server's address, and why it cannot be asked where it cannot."""
        for server in self._servers():
            try:
                _end(self._bound(server))
            except UNTOLD as error:
                yield server.name, DirectoryError(_told(error))
            except DirectoryError as error:
                yield server.name, error
            else:
                yield server.name, None

    def _search(
        self,
        connection: Connection,
        base: str,
        filter_: str,
        attributes: Sequence[str],
        scope: Literal["BASE", "LEVEL", "SUBTREE"],
        *,
        most: int = 1,
        paged: bool = False,
    ) -> Iterator[Entry]:
        cookie: Any = None
        count = 0
        while True:
            connection.socket.ask(PAGE_LIMIT if paged else ANSWER_LIMIT)
            connection.search(
                base,
                filter_,
                scope,
                dereference_aliases=DEREF_NEVER,
                attributes=list(attributes),
                size_limit=0 if paged else most,
                paged_size=PAGE if paged else None,
                paged_cookie=cookie,
            )
            code = connection.result["result"]
            if code == NO_SUCH_OBJECT:
                return
            if code not in (SUCCESS, SIZE_LIMIT, REFERRAL) or (code == SIZE_LIMIT and paged):
                hint = "let the account of `ldap.bind_dn` read in pages without a limit" if code == SIZE_LIMIT else None
                raise DirectoryError(f"the directory does not tell: {_result(connection)}", hint=hint)
            for found in connection.response or ():
                if found.get("type") != "searchResEntry":
                    continue
                count += 1
                if count > most and paged:
                    raise DirectoryError(f"more than {most:,} entries match", hint="narrow the filter")
                raw = found["raw_attributes"]
                yield Entry(found["dn"], {name.lower(): tuple(values) for name, values in raw.items()})
            controls = connection.result.get("controls") or {}
            cookie = (controls.get(PAGED) or {}).get("value", {}).get("cookie")
            if not paged or not cookie:
                return

    # ------------------------------------------------------------ connections

    def _somewhere[T](self, work: Callable[[Server], T]) -> T:
        """What comes of it at the first server that can be asked, beginning with the one that answered last."""
        servers = self._servers()
        failed: list[str] = []
        for step in range(len(servers)):
            at = (self._first + step) % len(servers)
            try:
                found = work(servers[at])
            except SignInRefused:
                self._first = at
                raise
            except DirectoryError as error:
                failed.append(f"{servers[at].name}: {error.what}")
            except UNTOLD as error:
                failed.append(f"{servers[at].name}: {_told(error)}")
            else:
                self._first = at
                return found
        raise DirectoryError("; ".join(failed), hint="run `gerbang doctor`")

    def _servers(self) -> list[Server]:
        settings = self._settings
        tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(settings.ca) if settings.ca else None)
        servers = []
        for url in settings.urls:
            parts = urlsplit(url)
            secure = parts.scheme == "ldaps"
            servers.append(
                Server(
                    parts.hostname,
                    port=parts.port or (636 if secure else 389),
                    use_ssl=secure,
                    tls=tls,
                    get_info=NONE,
                    connect_timeout=settings.timeout,
                )
            )
        return servers

    def _opened(self, server: Server) -> Connection:
        """A connection over which a password may be sent."""
        connection = Connection(
            server,
            auto_bind=False,
            auto_referrals=False,
            check_names=False,
            read_only=True,
            receive_timeout=self._settings.timeout,
        )
        connection.open(read_server_info=False)
        seconds = float(self._settings.timeout * PATIENCE)
        connection.socket = _Held(connection.socket, seconds, ANSWER_LIMIT)
        if self._settings.start_tls and not server.ssl:
            if not connection.start_tls(read_server_info=False):
                raise DirectoryError(f"StartTLS is refused: {_result(connection)}")
            connection.socket = _Held(connection.socket, seconds, ANSWER_LIMIT)
        return connection

    def _bound(self, server: Server) -> Connection:
        """A connection that may search."""
        settings = self._settings
        connection = self._opened(server)
        if not settings.bind_dn:
            connection.authentication = ANONYMOUS
            connection.socket.ask(ANSWER_LIMIT)
            connection.bind()
            if connection.result["result"] != SUCCESS:
                raise DirectoryError(f"the directory tells nothing without a bind: {_result(connection)}")
            return connection
        try:
            self._bind(connection, settings.bind_dn, secret(settings))
        except SignInRefused as refused:
            raise DirectoryError(
                f"the directory refuses `{settings.bind_dn}`: {refused.why}",
                hint="look at `ldap.bind_dn` and `ldap.password_file`",
            ) from None
        return connection


def secret(settings: LdapSettings) -> bytes:
    """The bind password. Raises `SettingsError`."""
    file = settings.password_file
    if file is None:
        return b""
    try:
        with file.open("rb") as opened:
            found = opened.read(SECRET_LIMIT + 1)
    except OSError as error:
        raise SettingsError(f"`ldap.password_file` cannot be read: {file}: {reason(error)}") from None
    if len(found) > SECRET_LIMIT:
        raise SettingsError(f"`ldap.password_file` is larger than {SECRET_LIMIT} bytes: {file}")
    password = found.rstrip(b"\r\n")
    if not password:
        raise SettingsError(f"`ldap.password_file` is empty: {file}")
    return password


def _end(connection: Connection) -> None:
    try:
        connection.unbind()
    except UNTOLD:
        return


def _result(connection: Connection) -> str:
    result = connection.result
    return f"{result.get('description')} {str(result.get('message') or '')[:200]}".strip()


def _told(error: Exception) -> str:
    if "doesn't match any name" in str(error):
        return "its certificate is for another name than this address"
    if not isinstance(error, LDAPException | OSError):
        return "what it sends is no LDAP"
    return " ".join(str(error).split())[:200] or type(error).__name__
