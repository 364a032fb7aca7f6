"""The PAC file, read by an interpreter of the old language that such files are written in."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import dukpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certificates import a_pair
from gerbang.errors import SettingsError
from gerbang.fleet.pac import Directions, directions_of, listed_hosts, pac_file, proxies_of, squid_list
from gerbang.loading import load_platforms
from gerbang.recognition.signature import Platforms
from gerbang.settings import GateSettings, PacSettings, Settings, SiteSettings

GATE = "PROXY 10.1.0.5:8080"
SETTINGS = Settings(
    gate=GateSettings(listen="10.1.0.5:8080"),
    sites=(SiteSettings(host="blog.contoh.my", platform="wordpress"),),
)


def ways(text: str, hosts: Iterable[str]) -> list[str]:
    """What the file says of each host."""
    calls = "hosts.map(function (host) { return FindProxyForURL('https://' + host + '/', host); })"
    answers: list[str] = dukpy.evaljs(f"{text}\nvar hosts = {json.dumps(list(hosts))};\n{calls}")
    return answers


def way(host: str, **chosen: object) -> str:
    pac = PacSettings.model_validate(chosen)
    text = pac_file(directions_of(SETTINGS.model_copy(update={"pac": pac})), "trial")
    return ways(text, [host])[0]


@cache
def the_file() -> str:
    return pac_file(directions_of(SETTINGS), "trial")


@pytest.mark.parametrize(
    "host", ["x.com", "X.COM", "x.com.", "api.twitter.com", "pbs.twimg.com", "a.b.twimg.com", "blog.contoh.my"]
)
def test_a_listed_host_goes_to_the_gate_and_nowhere_else(host: str) -> None:
    assert way(host) == GATE


def test_the_gates_own_pages_go_to_the_gate() -> None:
    assert way("gerbang.internal") == GATE


@pytest.mark.parametrize(
    "host", ["bank.contoh.my", "contoh.my", "notx.com", "x.com.contoh.my", "twimg.com", "hasOwnProperty", "", "[::1]"]
)
def test_what_is_not_listed_goes_direct(host: str) -> None:
    assert way(host) == "DIRECT"


@cache
def listed_ones() -> Platforms:
    return load_platforms(SETTINGS)


LABELS = st.sampled_from(["x", "com", "twimg", "api", "twitter", "blog", "contoh", "my", "www", "constructor", "a-b"])


@settings(max_examples=25, deadline=None)
@given(hosts=st.lists(st.lists(LABELS, min_size=1, max_size=6).map(".".join), min_size=20, max_size=40))
@example(["__proto__", "constructor.twimg.com"])
def test_the_file_and_the_gate_agree_on_each_host(hosts: list[str]) -> None:
    platforms = listed_ones()
    assert ways(the_file(), hosts) == [GATE if platforms.at(host) else "DIRECT" for host in hosts]


def test_every_listed_pattern_is_in_the_file() -> None:
    hosts = [host.replace("*.", "under.") for host in listed_hosts(SETTINGS)]
    assert len(hosts) > 20
    assert set(ways(the_file(), hosts)) == {GATE}


def test_only_who_asks_for_it_gets_a_way_past_the_gate() -> None:
    two = ("10.1.0.5:8080", "10.1.0.6:8080")
    assert way("x.com", proxies=two) == "PROXY 10.1.0.5:8080; PROXY 10.1.0.6:8080"
    assert way("x.com", proxies=two, fallback="direct") == "PROXY 10.1.0.5:8080; PROXY 10.1.0.6:8080; DIRECT"


def test_a_browser_may_speak_tls_to_the_gate_by_its_own_name() -> None:
    assert way("x.com", proxies=("https://gerbang.internal:8080",)) == "HTTPS gerbang.internal:8080"


def test_where_tls_is_required_browsers_are_told_so_without_more_ado() -> None:
    chosen = Settings(gate=GateSettings(tls="required", listen="0.0.0.0:3128"))
    assert proxies_of(chosen) == ("HTTPS gerbang.internal:3128",)


@pytest.mark.parametrize(("tls", "told"), [("offered", "PROXY"), ("required", "HTTPS")])
def test_where_tickets_are_taken_browsers_ask_for_the_proxy_by_the_services_name(tls: str, told: str) -> None:
    chosen = Settings.model_validate(
        {
            "gate": {"listen": "10.1.0.5:3128", "host": "gerbang.contoh.my", "tls": tls},
            "kerberos": {"service": "HTTP/gerbang.contoh.my@CONTOH.MY", "keytab": "k"},
            "zones": [{"name": "a", "networks": ["10.0.0.0/8"], "office": "hq", "sign_in": "kerberos"}],
        }
    )
    assert proxies_of(chosen) == (f"{told} gerbang.contoh.my:3128",)


def test_a_gate_without_a_certificate_for_the_services_host_says_how_it_gets_one() -> None:
    chosen = Settings.model_validate(
        {
            "gate": {"listen": "10.1.0.5:3128", "tls": "required"},
            "kerberos": {"service": "HTTP/gerbang.contoh.my@CONTOH.MY", "keytab": "k"},
            "zones": [{"name": "a", "networks": ["10.0.0.0/8"], "office": "hq", "sign_in": "kerberos"}],
        }
    )
    with pytest.raises(SettingsError, match=r"as `gerbang\.contoh\.my`.*set `\[gate\] host = \"gerbang\.contoh\.my\"`"):
        proxies_of(chosen)


@pytest.mark.parametrize(("host", "told"), [("pintu.contoh.my", True), ("lain.contoh.my", False), ("10.1.0.5", True)])
def test_a_certificate_of_the_admins_own_says_which_names_do(tmp_path: Path, host: str, told: bool) -> None:
    certificate, _ = a_pair(tmp_path, ["pintu.contoh.my"], addresses=["10.1.0.5"])
    chosen = Settings(
        gate=GateSettings(tls_certificate=certificate, tls_key=tmp_path / "not-read"),
        pac=PacSettings(proxies=(f"https://{host}:8080",)),
    )
    if told:
        assert proxies_of(chosen) == (f"HTTPS {host}:8080",)
    else:
        with pytest.raises(SettingsError, match=r"not for `lain\.contoh\.my`.*pintu\.contoh\.my"):
            proxies_of(chosen)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("x.com", GATE),
        ("bank.contoh.my", GATE),
        ("10.example.my", GATE),
        ("fd-example.my", GATE),
        ("8.8.8.8", GATE),
        ("172.32.0.1", GATE),
        ("100.128.0.1", GATE),
        ("2606:4700::1111", GATE),
        ("intranet", "DIRECT"),
        ("localhost", "DIRECT"),
        ("10.1.2.3", "DIRECT"),
        ("127.0.0.1", "DIRECT"),
        ("169.254.1.1", "DIRECT"),
        ("172.16.0.1", "DIRECT"),
        ("172.31.255.255", "DIRECT"),
        ("192.168.1.1", "DIRECT"),
        ("100.64.0.1", "DIRECT"),
        ("::1", "DIRECT"),
        ("[fd00::1]", "DIRECT"),
        ("fe80::1", "DIRECT"),
        ("hr.jabatan.contoh.my", "DIRECT"),
        ("jabatan.contoh.my", GATE),
        ("blog.contoh.my", GATE),
    ],
)
def test_with_all_traffic_only_the_offices_inside_goes_direct(host: str, expected: str) -> None:
    assert way(host, traffic="all", direct=("*.jabatan.contoh.my", "blog.contoh.my")) == expected


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (Settings(gate=GateSettings(mode="transparent")), "no browser can be pointed at the gate"),
        (Settings(gate=GateSettings(listen="0.0.0.0:8080")), "no address that a browser could ask"),
        (Settings(gate=GateSettings(listen="[::]:8080")), "no address that a browser could ask"),
        (Settings(pac=PacSettings(proxies=("https://10.1.0.5:8080",))), "no certificate for `10.1.0.5`"),
        (
            Settings(
                gate=GateSettings(tls="required", host="contoh.my", listen="10.1.0.5:80"),
                pac=PacSettings(proxies=("https://lain.my:80",)),
            ),
            "no certificate for `lain.my`",
        ),
        (Settings(pac=PacSettings(proxies=("https://xgerbang.internal:80",))), "no certificate for"),
    ],
)
def test_a_proxy_that_no_browser_could_use_is_named(chosen: Settings, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        proxies_of(chosen)


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert proxies_of(Settings(gate=GateSettings(listen="[fd00::5]:8080"))) == ("PROXY [fd00::5]:8080",)


def test_a_text_cannot_leave_its_comment_or_table() -> None:
    odd = Directions(listed=('"};x', "*.a"), proxies=("PROXY a:1",))
    assert ways(pac_file(odd, "trial"), ['"};x', "b.a"]) == ["PROXY a:1", "PROXY a:1"]


HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join)


@given(st.lists(st.tuples(st.booleans(), HOSTS).map(lambda pair: ("*." if pair[0] else "") + pair[1])), HOSTS)
def test_squids_list_covers_what_is_listed_and_no_line_covers_another(listed: list[str], host: str) -> None:
    lines = squid_list(listed).splitlines()

    def covered(name: str, line: str) -> bool:
        return name == line or (line.startswith(".") and (name == line[1:] or name.endswith(line)))

    here = host in listed or any(p.startswith("*.") and host.endswith(p[1:]) for p in listed)
    assert not here or any(covered(host, line) for line in lines)
    names = [line.removeprefix(".") for line in lines]
    assert not [(a, b) for a in names for b in lines if a != b.removeprefix(".") and covered(a, b)]
    assert len(set(names)) == len(names)
