"""A real directory: who may sign in by it, and what it tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ldap3.core.exceptions import LDAPException

from directory import BASE, WORD, LdapServer, an_ldap_server, person
from gerbang.directory import Directory, DirectoryError, SignInRefused

pytestmark = pytest.mark.needs_openldap

MANY = 5_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    many = (person(f"p{number}", f"Pegawai {number}") for number in range(MANY))
    with an_ldap_server(tmp_path_factory.mktemp("ldap"), *many) as running:
        yield running


def said(server: LdapServer, user: str, password: str | bytes, **more: Any) -> str:
    """The id that comes of a sign-in, or why there is none."""
    word = password.encode() if isinstance(password, str) else password
    try:
        return Directory(server.settings(**more)).sign_in(user, word)
    except SignInRefused as refused:
        return f"refused: {refused.why}"


TEMPLATE = {"user_dn": f"uid={{user}},ou=people,{BASE}", "bind_dn": "", "password_file": None}


@pytest.mark.parametrize("way", [{}, TEMPLATE], ids=["searched", "template"])
@pytest.mark.parametrize(
    ("user", "word", "told"),
    [
        ("aminah", WORD, "aminah"),
        ("AMINAH", WORD, "aminah"),
        ("aminah", WORD.encode("latin-1"), "aminah"),
        ("devi", "kata-devi", "devi"),
        ("aminah", "salah", "refused: refused"),
        ("aminah", "", "refused: no-password"),
        ("aminah", b"\0", "refused: no-password"),
        ("farid", "kata-farid", "refused: refused"),
    ],
)
def test_who_may_sign_in(server: LdapServer, way: dict[str, Any], user: str, word: str, told: str) -> None:
    assert said(server, user, word, **way) == told


@pytest.mark.parametrize(
    "user", ["nobody", "*", "a*", "aminah)(uid=*", "aminah,ou=people", "aminah\\2a", "(", "\0", "ç"]
)
def test_no_name_means_more_than_itself(server: LdapServer, user: str) -> None:
    assert said(server, user, WORD) == "refused: no-such-user"
    assert said(server, user, WORD, **TEMPLATE).startswith("refused: ")


def test_a_filter_says_who_of_them_may(server: LdapServer) -> None:
    media = {"user_filter": f"(&(uid={{user}})(memberOf=cn=media,ou=groups,{BASE}))"}
    assert said(server, "aminah", WORD, **media) == "aminah"
    assert said(server, "devi", "kata-devi", **media) == "refused: no-such-user"
    assert said(server, "devi", "kata-devi", **media, **TEMPLATE) == "refused: no-such-user"
    assert said(server, "x", "y", user_filter="(|(uid={user})(objectClass=inetOrgPerson))") == (
        "refused: several-such-users"
    )
    assert said(server, "aminah", WORD, id="employeeNumber") == "refused: no-id"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"ca": None}, "CERTIFICATE_VERIFY_FAILED"),
        ({"urls": ["ldaps://127.0.0.1:{tls}"]}, "another name than this address"),
        ({"urls": ["ldap://127.0.0.1:{tls}"], "start_tls": True}, "ldap://127"),
        ({"urls": ["ldaps://localhost:{plain}"]}, "ldaps://localhost"),
        ({"urls": ["ldaps://localhost:1"]}, "refused"),
        ({"bind_dn": f"cn=gate2,{BASE}"}, "refuses `cn=gate2"),
        ({"bind_dn": "", "password_file": None}, "does not tell|no-such-user"),
    ],
)
def test_where_it_cannot_be_asked_nobody_is_known(server: LdapServer, more: dict[str, Any], why: str) -> None:
    urls = [url.format(tls=server.tls_port, plain=server.port) for url in more.get("urls", server.settings().urls)]
    with pytest.raises((DirectoryError, SignInRefused), match=why) as raised:
        Directory(server.settings(**{**more, "urls": urls})).sign_in("aminah", WORD.encode())
    assert WORD not in str(raised.value)


def test_start_tls_and_the_servers_in_turn(server: LdapServer) -> None:
    urls = [f"ldap://localhost:{server.port}"]
    assert said(server, "aminah", WORD, urls=urls, start_tls=True) == "aminah"
    assert said(server, "aminah", WORD, urls=["ldaps://localhost:1", *server.settings().urls]) == "aminah"


def test_it_is_back_after_it_was_killed(tmp_path: Path) -> None:
    with an_ldap_server(tmp_path / "ldap") as own:
        asked = Directory(own.settings())
        assert asked.sign_in("aminah", WORD.encode()) == "aminah"
        own.kill()
        with pytest.raises(DirectoryError):
            asked.sign_in("aminah", WORD.encode())
        own.start()
        assert asked.sign_in("aminah", WORD.encode()) == "aminah"


def test_all_of_many_entries_come_in_pages(server: LdapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Directory(server.settings())
    found = {entry.first("uid"): entry for entry in asked.entries("(objectClass=person)", ["uid", "cn"])}
    assert len(found) == MANY + 4
    assert found["aminah"].first("CN") == "Aminah binti Contoh"
    monkeypatch.setattr("gerbang.directory.MOST_ENTRIES", 1000)
    with pytest.raises(DirectoryError, match="more than 1,000 entries"):
        list(asked.entries("(objectClass=person)", ["uid"]))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563", "wrong-password"),
        ("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 775, v4563", "locked"),
        ("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 533, v4563", "disabled"),
        ("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 999, v4563", "refused"),
        ("", "refused"),
    ],
)
def test_what_active_directory_says_beside(
    server: LdapServer, monkeypatch: pytest.MonkeyPatch, told: str, why: str
) -> None:
    from ldap3 import Connection

    real = Connection.bind

    def bind(self: Connection, *given: Any, **more: Any) -> bool:
        done = real(self, *given, **more)
        if self.result["result"] == 49:
            self.result["message"] = told
        return done

    monkeypatch.setattr(Connection, "bind", bind)
    assert said(server, "aminah", "salah") == f"refused: {why}"


def test_the_server_that_is_lost_while_it_tells_is_said(server: LdapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Directory(server.settings())
    entries = asked.entries("(objectClass=person)", ["uid"])
    assert next(entries).dn

    def lost(*_: Any, **__: Any) -> None:
        raise LDAPException("socket closed")

    monkeypatch.setattr("ldap3.Connection.search", lost)
    with pytest.raises(DirectoryError, match="the directory was lost: socket closed"):
        list(entries)
