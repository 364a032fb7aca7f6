"""An office's Squid before the gate, and a parent Squid behind it: what is judged, what arrives, which way it went."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.relay import Relay
from deploy.squid import Squid, a_squid
from e2e.office import ACCOUNTS, OFFICERS, WORD, Office, an_office, running
from gerbang.demo.client import Answer, send
from gerbang.demo.office import Registers, free_port, settle
from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.server import StandIns

pytestmark = pytest.mark.needs_squid

CHECKOUT = Path(__file__).parents[2]
SHIPPED = CHECKOUT / "deploy" / "squid" / "gerbang.conf"
HARMLESS = "Selamat petang semua, jumpa di gerai esok"
CAMPAIGN = "Undilah parti contoh pada pilihan raya ini"


def posted(words: str) -> tuple[dict[str, str], bytes]:
    """A post as X's web client sends it."""
    headers = {
        "Content-Type": "application/json",
        "Cookie": "twid=u%3D2003; ct0=f00dfeed",
        "Origin": "https://x.com",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
    }
    return headers, json.dumps({"variables": {"tweet_text": words}, "queryId": "AbCdEf"}).encode()


def by(proxy: tuple[str, int], office: Office, method: str, url: str, words: str = "") -> Answer:
    headers, body = posted(words) if words else ({}, b"")
    trusted = (office.root, office.standins.trusted_ca)
    return send(proxy, "devi", WORD, trusted, method, url, headers, body)


TWEET = "https://x.com/i/api/graphql/AbCdEf/CreateTweet"


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay() as door:
        yield door


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, relay: Relay) -> Iterator[Office]:
    with an_office(tmp_path_factory.mktemp("squid"), "19:00:00") as office:
        relay.target = office.proxy
        yield office


@contextmanager
def told(office: Office, gate: str) -> Iterator[Squid]:
    """Squid with the shipped file, the gate's own list, and names that lead straight to the stand-ins."""
    text, listed = SHIPPED.read_text(), office.gerbang("platforms", "hosts", "--squid").stdout
    for shipped, here in (("10.1.0.5 parent 8080", gate.replace(":", " parent ")), ("/etc/squid/", "{folder}/")):
        assert shipped in text
        text = text.replace(shipped, here)
    names = dict.fromkeys((BANK, "x.com"), "127.0.0.1")
    files = {"conf.d/gerbang.conf": text, "gerbang-hosts": listed}
    with a_squid(files, names, office.standins.port) as started:
        yield started


@pytest.fixture(scope="module")
def squid(office: Office, relay: Relay) -> Iterator[Squid]:
    with told(office, relay.address) as started:
        yield started


def test_squid_has_nothing_to_say_against_the_file(squid: Squid) -> None:
    assert squid.complaints() == []


def test_a_refused_post_is_refused_and_its_answer_is_the_gates(office: Office, squid: Squid) -> None:
    answer, straight = (by(proxy, office, "POST", TWEET, CAMPAIGN) for proxy in (squid.address, office.proxy))
    assert answer.status == straight.status == 403
    assert set(json.loads(answer.body)) == set(json.loads(straight.body))
    assert json.loads(answer.body)["errors"][0]["message"]
    assert not [arrival for arrival in office.standins.writes() if CAMPAIGN.encode() in arrival.body]


def test_an_allowed_post_arrives_unharmed(office: Office, squid: Squid) -> None:
    assert by(squid.address, office, "POST", TWEET, HARMLESS).status == 200
    (arrival,) = [arrival for arrival in office.standins.writes() if HARMLESS.encode() in arrival.body]
    assert arrival.body == posted(HARMLESS)[1]
    assert set(squid.ways("x.com:443")) == {"FIRSTUP_PARENT"}


def test_a_page_arrives_unharmed(office: Office, squid: Squid) -> None:
    url = "https://x.com/home?as=2003"
    ours, straight = (by(proxy, office, "GET", url) for proxy in (squid.address, office.proxy))
    assert (ours.status, ours.body) == (straight.status, straight.body)
    assert ours.status == 200


def test_the_gates_own_pages_are_reached_and_not_kept(office: Office, squid: Squid) -> None:
    for _ in range(2):
        answer = by(squid.address, office, "GET", "http://gerbang.internal/mine")
        assert answer.status == 200
    assert squid.ways("http://gerbang.internal/mine", 2) == ["FIRSTUP_PARENT"] * 2


def test_who_has_not_signed_in_is_asked_to_by_the_gate(squid: Squid) -> None:
    connection = http.client.HTTPConnection(*squid.address, timeout=20)
    connection.request("CONNECT", "x.com:443", headers={"Host": "x.com:443"})
    answer = connection.getresponse()
    assert answer.status == 407
    assert (answer.getheader("Proxy-Authenticate") or "").startswith("Basic")
    connection.close()


def test_an_unlisted_host_goes_direct_and_never_reaches_the_gate(office: Office, squid: Squid, relay: Relay) -> None:
    answer = by(squid.address, office, "GET", f"https://{BANK}:{office.standins.port}/")
    assert b"Baki akaun" in answer.body
    assert squid.ways(f"{BANK}:{office.standins.port}") == ["HIER_DIRECT"]
    assert BANK not in relay.hosts()
    assert "x.com" in relay.hosts()


def test_without_the_gate_a_listed_host_is_not_reached(office: Office) -> None:
    before, target = len(office.standins.arrived), f"x.com:{office.standins.port}"
    with told(office, f"127.0.0.1:{free_port()}") as lonely:
        for _ in range(3):
            # Squid's own words: 500 for no way to forward, 503 for a way that does not answer.
            answer = by(lonely.address, office, "POST", f"https://{target}/i/api/1.1/x.json", HARMLESS)
            assert answer.status in {500, 503}
        # It knows the way, and takes it for a host that is not listed.
        assert b"Baki akaun" in by(lonely.address, office, "GET", f"https://{BANK}:{office.standins.port}/").body
        assert "HIER_DIRECT" not in lonely.ways(target)
    assert not [arrival for arrival in office.standins.arrived[before:] if arrival.host != BANK]


# ---------------------------------------------------------------- the other way round


def test_a_gate_that_must_leave_by_a_parent_proxy_judges_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("parent")
    with StandIns(folder) as standins, a_squid({}, {"x.com": "127.0.0.1"}, standins.port) as parent:
        officers = Registers(OFFICERS, ACCOUNTS)
        settings = settle(folder, standins, officers, {"devi": WORD})
        mode = {"GERBANG_GATE__MODE": "upstream:http://{}:{}".format(*parent.address)}
        target = f"x.com:{standins.port}"
        tweet = f"https://{target}/i/api/graphql/AbCdEf/CreateTweet"
        with running(settings, folder, standins, "19:00:00", mode) as office:
            assert by(office.proxy, office, "POST", tweet, CAMPAIGN).status == 403
            assert by(office.proxy, office, "POST", tweet, HARMLESS).status == 200
            bodies = [arrival.body for arrival in standins.writes()]
        assert bodies == [posted(HARMLESS)[1]]
        assert set(parent.ways(target)) == {"HIER_DIRECT"}
