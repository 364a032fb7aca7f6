"""Settings: one file, the environment over it, and a sentence with a place for whatever is wrong."""

from datetime import date
from pathlib import Path

import pytest

from gerbang.errors import SettingsError
from gerbang.settings import Settings, load_settings

GOOD = """
state = "state"
policies = ["bundled", "mine"]

[gate]
listen = "127.0.0.1:9000"
body_limit = "2 MiB"

[gate.upstream]
trusted_ca = "ca.pem"
hosts = { "X.com" = "127.0.0.1:9443" }

[[offices]]
name = "hq"
state = "PJY"

[[zones]]
name = "pejabat"
networks = ["10.1.0.0/16", "fd00::/8"]
office = "hq"
"""


def settings_of(folder: Path, text: str, **environment: str) -> Settings:
    file = folder / "gerbang.toml"
    file.write_text(text, "utf-8")
    return load_settings(file, environment)


def test_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, GOOD)
    assert settings.state == tmp_path / "state"
    assert settings.policies == ("bundled", str(tmp_path / "mine"))
    assert settings.gate.upstream.trusted_ca == tmp_path / "ca.pem"
    assert settings.gate.upstream.hosts == {"x.com": "127.0.0.1:9443"}
    assert settings.gate.body_limit == 2 << 20
    assert settings.database_url == f"sqlite:///{tmp_path / 'state' / 'gerbang.db'}"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, GOOD, GERBANG_GATE__LISTEN="[::1]:9001", GERBANG_POLICIES='["bundled"]', GERBANG_CONFIG="elsewhere"
    )
    assert settings.gate.listen == "[::1]:9001"
    assert settings.gate.body_limit == 2 << 20
    assert settings.policies == ("bundled",)


ZONE = '[[offices]]\nname = "hq"\nstate = "PJY"\n[[zones]]\nname = "a"\nnetworks = ["10.0.0.0/8"]\noffice = "hq"\n'
PIN = '[[zones.pinned]]\nhost = "x.com"\nreason = "it pins"\nuntil = 2026-12-31\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('stat = "x"', "gerbang.toml:1:1: unknown setting `stat`; did you mean `state`?"),
        (
            '[gate]\nlisten = "127.0.0.1"',
            "gerbang.toml:2:1: `gate.listen`: `127.0.0.1` is no address; expected `host:port`",
        ),
        ('[gate]\nlistn = "x"', "gerbang.toml:2:1: unknown setting `gate.listn`; did you mean `listen`?"),
        ('[gate]\nbody_limit = "many"', "`many` is no size; expected bytes or a number with a unit"),
        ('[gate]\non_fault = "shrug"', "`shrug` will not do for `gate.on_fault`; expected one of `refuse-writes`"),
        ("[gate\n", "gerbang.toml:1:6: this is no TOML"),
        ('[[zones]]\nname = "a"\n', "gerbang.toml:1: the setting `zones[1].networks` is missing"),
        (ZONE.replace("10.0.0.0/8", "10.0.0.1/8"), "`10.0.0.1/8` is no network"),
        (
            ZONE.replace('office = "hq"', 'office = "hk"'),
            "gerbang.toml:7:1: zone `a` names the office `hk`, which is not",
        ),
        (
            ZONE + 'device = "mobile"\n',
            "`mobile` will not do for `zones[1].device`; expected one of `managed`, `personal`",
        ),
        (ZONE + 'sign_in = "htpasswd"\n', "zone `a` signs people in by htpasswd but names no file"),
        (ZONE + 'sign_in = "ldap"\n', "zone `a` signs people in by a directory, and none is set; add `urls"),
        ('[ldap]\nurls = ["http://x"]\n', "`http://x` is no address of a directory; expected one such as `ldaps://"),
        ('[ldap]\nurls = ["ldaps://x:99999"]\n', "is no address of a directory"),
        ('[ldap]\nurls = ["ldaps://u:p@x"]\n', "is no address of a directory"),
        ('[ldap]\nurls = ["ldaps://x"]\n', "the directory has no `base`"),
        (
            '[ldap]\nurls = ["ldap://x"]\nbase = "dc=my"\n',
            "passwords would go to `ldap://x` in clear; write `ldaps://`",
        ),
        ('[ldap]\nurls = ["ldaps://x"]\nbase = "dc=my"\nbind_dn = "cn=g"\n', "`ldap.bind_dn` has no password"),
        ('[ldap]\nurls = ["ldaps://x"]\nbase = "dc=my"\npassword_file = "f"\n', "has nobody whose password it is"),
        ('[ldap]\nuser_filter = "uid={user}"\n', "a filter in parentheses with `{user}` in it is expected"),
        ('[ldap]\nuser_dn = "uid=x"\n', "a name with `{user}` in it is expected"),
        ('[ldap]\nbind_password = "x"\n', "unknown setting `ldap.bind_password`"),
        (ZONE + 'sign_in = ["none", "htpasswd"]\n', "`none` stands alone; take it or the others out"),
        (ZONE + 'sign_in = ["htpasswd", "htpasswd"]\n', "a way stands there twice"),
        (ZONE + 'sign_in = ["htpaswd"]\n', "`htpaswd` will not do for `zones[1].sign_in[1]`"),
        (ZONE + "sign_in = 7\n", "`7` will not do for `zones[1].sign_in`: a list is expected"),
        (
            ZONE + 'sign_in = "htpasswd"\nhtpasswd = "x"\nunknown_officers = "judge"\n',
            "gerbang.toml:10:1: zone `a` asks people to sign in by htpasswd, and would let pass who does not; take",
        ),
        (
            ZONE + 'unknown_officers = "refuse"\n',
            "gerbang.toml:8:1: zone `a` refuses officers who are not known, and has no way to know them; set `sign_in`",
        ),
        (
            ZONE + '[[zones]]\nname = "b"\nnetworks = ["10.0.0.0/8"]\noffice = "hq"\n',
            "gerbang.toml:10:1: the network `10.0.0.0/8` stands in zone `a` and in zone `b`",
        ),
        (ZONE + '[[zones]]\nname = "a"\nnetworks = ["11.0.0.0/8"]\noffice = "hq"\n', "two zones have the name `a`"),
        (
            ZONE + PIN + PIN.replace("x.com", "api.x.com").replace("2026-12-31", '"soon"'),
            "gerbang.toml:15:1: `zones[1].pinned[2].until`: `soon` is no day; expected one such as `2027-06-30`",
        ),
        (ZONE + PIN.replace("2026-12-31", "2026-12-31T10:00:00"), "`2026-12-31 10:00:00` is no day"),
        (ZONE + PIN.replace("2026-12-31", "0"), "`0` is no day"),
        (
            ZONE + PIN.replace("x.com", "*.*.com"),
            "gerbang.toml:9:1: `zones[1].pinned[1].host`: `*.com` is no host name",
        ),
        (ZONE + PIN.replace('"it pins"', '""'), "a text is expected that is not empty"),
        (ZONE + PIN + "since = 2026-01-01\n", "gerbang.toml:12:1: unknown setting `zones[1].pinned[1].since`"),
        (ZONE + PIN.replace("until = 2026-12-31\n", ""), "the setting `zones[1].pinned[1].until` is missing"),
        (
            ZONE
            + PIN
            + ZONE.partition("[[zones]]")[2].join(["[[zones]]", ""]).replace('"a"', '"b"').replace("10.", "11.")
            + PIN
            + PIN,
            "gerbang.toml:21:1: zone `b` exempts `x.com` twice",
        ),
        (ZONE + 'device = "personal"\n' + PIN, "gerbang.toml:10:1: zone `a` is of personal devices, which are never"),
        ('[gate.upstream]\nhosts = { "x.com" = "nowhere" }', "`nowhere` is no address"),
        ('[[sites]]\nhost = "http://a"\nplatform = "x"', "`http://a` is no host name"),
        ('[journal]\nnode = "Big Node"', "small letters, digits and hyphens are expected"),
        ("[journal]\ngroup_wait_ms = -1", "it must be at least 0"),
    ],
)
def test_what_is_wrong_has_a_sentence_and_a_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(tmp_path, text)
    assert sentence in str(caught.value)


def test_an_exemption_is_a_table_within_a_zone(tmp_path: Path) -> None:
    (pin,) = settings_of(tmp_path, ZONE + PIN.replace("x.com", "*.X.com.")).zones[0].pinned
    assert (pin.host, pin.reason, pin.until) == ("*.x.com", "it pins", date(2026, 12, 31))
    zones = '[{"name": "a", "networks": ["10.0.0.0/8"], "office": "hq", "pinned": '
    zones += '[{"host": "x.com", "reason": "it pins", "until": "2026-12-31"}]}]'
    (pin,) = settings_of(tmp_path, GOOD, GERBANG_ZONES=zones).zones[0].pinned
    assert pin.until == date(2026, 12, 31)


def test_an_unknown_variable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="unknown environment variable `GERBANG_GAET__LISTEN`; did you mean `GERBANG_GATE`"
    ):
        settings_of(tmp_path, GOOD, GERBANG_GAET__LISTEN="127.0.0.1:1")


def test_a_missing_file_is_an_error_only_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).gate == Settings().gate
    with pytest.raises(SettingsError, match="there is no settings file"):
        load_settings(tmp_path / "none.toml", {})
