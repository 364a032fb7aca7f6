"""What `gerbang doctor` says of a real directory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from directory import BASE, LdapServer, an_ldap_server
from gate_builders import office_settings
from gerbang.doctor.outcome import Level
from gerbang.doctor.people import directory

pytestmark = pytest.mark.needs_openldap


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    with an_ldap_server(tmp_path_factory.mktemp("ldap")) as running:
        yield running


@pytest.mark.parametrize(
    ("more", "level", "said"),
    [
        ({}, Level.GOOD, "its people have an id and a name"),
        ({"ca": None}, Level.BAD, "CERTIFICATE_VERIFY_FAILED"),
        ({"urls": ["ldaps://localhost:1"]}, Level.BAD, "ldaps://localhost:1"),
        ({"bind_dn": f"cn=none,{BASE}"}, Level.BAD, "refuses `cn=none"),
        ({"base": f"ou=none,{BASE}"}, Level.BAD, "there is no `ou=none"),
        ({"id": "employeeNumber"}, Level.BAD, "has a `employeeNumber`"),
        ({"sync": {"name": "displayName"}}, Level.WARNING, "has a `displayName`"),
        ({"sync": {"filter": "(uid=none)"}}, Level.WARNING, "no entry matches"),
        ({"sync": {"filter": "(uid="}}, Level.BAD, "filter"),
        ({"password_file": Path("none")}, Level.BAD, "cannot be read"),
    ],
)
def test_what_is_wrong_with_it_is_said(
    tmp_path: Path, server: LdapServer, more: dict[str, Any], level: Level, said: str
) -> None:
    chosen = server.settings(**more)
    patient: Any = type("P", (), {"settings": office_settings(tmp_path, ldap=chosen.model_dump())})()
    found = [(one.level, one.what) for one in directory(patient)]
    assert any(one is level and said in what for one, what in found), found


def test_where_there_is_none_nothing_is_said(tmp_path: Path) -> None:
    patient: Any = type("P", (), {"settings": office_settings(tmp_path)})()
    assert list(directory(patient)) == []
