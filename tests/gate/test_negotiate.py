"""Sign-in by Kerberos against a real key distribution centre: who is known, and each way in which nobody is."""

import asyncio
import base64
import os
import shutil
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import pytest
import structlog

from gate_builders import RunningGate, a_gate, a_trust, office_settings, receive
from gerbang.errors import GerbangError, SettingsError
from gerbang.gate.identity import negotiate
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.keytab import KEYTAB_LIMIT, read_keytab
from gerbang.gate.identity.negotiate import ADVICE, TOKEN_LIMIT, Names, NegotiateDoor, Refused, token_of
from gerbang.settings import KerberosSettings, load_settings
from kerberos import HOST, REALM, SERVICE, Realm, a_realm, tokens
from keytabs import a_keytab
from waiting import until

OTHER = f"HTTP/lain.contoh.my@{REALM}"


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with a_realm(tmp_path_factory.mktemp("realm")) as running:
        for person in ("aminah", "Devi", "PC-07$", "svc/gaji.contoh.my"):
            running.add(person)
        for service in (SERVICE, OTHER):
            running.add(service, "-randkey")
        yield running


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The gate needs no krb5.conf: clocks may differ by a second here, so that tickets are soon too old."""
    file = tmp_path / "acceptor.conf"
    file.write_text("[libdefaults]\nclockskew = 2\n")
    monkeypatch.setenv("KRB5_CONFIG", str(file))


@pytest.fixture
def keytab(realm: Realm, tmp_path: Path) -> Path:
    return realm.keytab(tmp_path / "gerbang.keytab", SERVICE)


class Entry:
    """A door, and what comes of knocking at it with each header."""

    def __init__(self, keytab: Path, folder: Path, **chosen: Any) -> None:
        self.counts: Counter[str] = Counter()
        settings = KerberosSettings.model_validate({"keytab": keytab, "service": SERVICE, **chosen})
        self.door = NegotiateDoor(settings, folder / "kerberos", self.counts)

    def knock(self, *headers: str | None) -> list[SignIn]:
        async def all_of_them() -> list[SignIn]:
            knocks = (Knock(header, "10.1.0.7", lambda _: None) for header in headers)
            return await asyncio.gather(*(self.door.check(knock) for knock in knocks))

        return asyncio.run(all_of_them())

    def why(self, header: str) -> str:
        """The reason for which a header is refused."""
        self.counts.clear()
        (found,) = self.knock(header)
        assert (found.outcome, found.user) == (Outcome.WRONG, None)
        (said,) = self.counts
        return said.removeprefix("kerberos-")


@pytest.fixture
def entry(keytab: Path, tmp_path: Path) -> Iterator[Entry]:
    made = Entry(keytab, tmp_path)
    yield made
    made.door.close()


# ---------------------------------------------------------------- who is known


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("raw", [False, True])
def test_whoever_has_a_ticket_is_known(realm: Realm, entry: Entry, raw: bool) -> None:
    (header,) = tokens(realm.tickets("aminah"), raw=raw)
    (found,) = entry.knock(header)
    assert (found.outcome, found.user) == (Outcome.SIGNED_IN, "aminah")
    assert entry.door.speaks(header)
    assert not entry.counts


@pytest.mark.needs_kerberos
def test_many_come_at_once(realm: Realm, entry: Entry) -> None:
    found = entry.knock(*tokens(realm.tickets("aminah"), count=60))
    assert {(one.outcome, one.user) for one in found} == {(Outcome.SIGNED_IN, "aminah")}


@pytest.mark.needs_kerberos
def test_a_name_is_as_the_ticket_has_it_unless_the_settings_say_small_letters(
    realm: Realm, keytab: Path, tmp_path: Path
) -> None:
    exact, lower = tokens(realm.tickets("Devi"), count=2)
    assert Entry(keytab, tmp_path).knock(exact)[0].user == "Devi"
    assert Entry(keytab, tmp_path, names="lower").knock(lower)[0].user == "devi"


@pytest.mark.needs_kerberos
def test_no_centre_is_asked_for_who_has_a_ticket_already(realm: Realm, entry: Entry) -> None:
    environment = realm.tickets("aminah")
    realm.ticket_for("aminah", SERVICE)
    realm.stop()
    try:
        (header,) = tokens(environment)
        assert entry.knock(header)[0].user == "aminah"
    finally:
        realm.start()


def test_nobody_who_says_nothing_is_known(keytab_free: Entry) -> None:
    assert keytab_free.knock(None)[0].outcome is Outcome.MISSING


@pytest.fixture
def keytab_free(tmp_path: Path) -> Entry:
    """A door whose keytab was written here, so that no centre is needed."""
    file = tmp_path / "written.keytab"
    file.write_bytes(a_keytab(SERVICE))
    file.chmod(0o600)
    return Entry(file, tmp_path)


# ---------------------------------------------------------------- who is not


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("raw", [False, True])
def test_what_came_once_is_refused_when_it_comes_again(
    realm: Realm, entry: Entry, keytab: Path, tmp_path: Path, raw: bool
) -> None:
    (header,) = tokens(realm.tickets("aminah"), raw=raw)
    assert entry.knock(header)[0].user == "aminah"
    assert entry.why(header) == "replayed"
    assert Entry(keytab, tmp_path).why(header) == "replayed", "another gate, or one that was started again, knows it"


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("raw", [False, True])
def test_a_ticket_whose_time_is_over_is_refused(realm: Realm, entry: Entry, raw: bool) -> None:
    (header,) = tokens(realm.tickets("aminah", "-l", "2s"), raw=raw)
    time.sleep(5)  # the two seconds of the ticket, and two by which clocks may differ
    assert entry.why(header) == "expired"


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("raw", [False, True])
def test_clocks_that_differ_are_named(realm: Realm, entry: Entry, raw: bool) -> None:
    (header,) = tokens(realm.tickets("aminah"), raw=raw)
    time.sleep(4)
    with structlog.testing.capture_logs() as logs:
        assert entry.why(header) == "clock"
    assert "set both right" in logs[0]["because"]


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("raw", [False, True])
def test_a_ticket_for_another_service_is_refused(realm: Realm, entry: Entry, raw: bool) -> None:
    (header,) = tokens(realm.tickets("aminah"), "lain.contoh.my", raw=raw)
    assert entry.why(header) == "wrong-service"


@pytest.mark.needs_kerberos
def test_a_ticket_for_another_service_is_refused_where_the_keytab_has_its_key_too(realm: Realm, tmp_path: Path) -> None:
    both = realm.keytab(tmp_path / "both.keytab", SERVICE, OTHER)
    (header,) = tokens(realm.tickets("aminah"), "lain.contoh.my")
    assert Entry(both, tmp_path).why(header) == "wrong-service"


@pytest.mark.needs_kerberos
def test_a_realm_that_the_settings_do_not_name_is_refused(realm: Realm, keytab: Path, tmp_path: Path) -> None:
    (header,) = tokens(realm.tickets("aminah"))
    assert Entry(keytab, tmp_path, realms=["LAIN.MY"]).why(header) == "realm"


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("principal", ["PC-07$", "svc/gaji.contoh.my"])
def test_machines_and_services_pass_only_where_they_are_allowed(
    realm: Realm, keytab: Path, tmp_path: Path, principal: str
) -> None:
    refused, allowed = tokens(realm.tickets(principal), count=2)
    assert Entry(keytab, tmp_path).why(refused) == "not-a-person"
    (found,) = Entry(keytab, tmp_path, allow=[f"{principal}@{REALM}"]).knock(allowed)
    assert (found.outcome, found.user) == (Outcome.SIGNED_IN, principal)


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("raw", [False, True])
def test_a_changed_or_cut_token_is_refused(realm: Realm, entry: Entry, raw: bool) -> None:
    (header,) = tokens(realm.tickets("aminah"), raw=raw)
    token = token_of(header) or b""
    for altered in (token[:-1] + bytes([token[-1] ^ 1]), token[:-20], token[: len(token) // 2], token[1:]):
        assert entry.why(negotiated(altered)) in {"damaged", "other-mechanism", "other", "wrong-service"}


NTLM = b"NTLMSSP\0\1\0\0\0" + bytes(24)
# SPNEGO's first word with NTLM as the only mechanism (RFC 4178, 4.2), as a PC without a ticket sends it.
WRAPPED_NTLM = bytes.fromhex("604806062b0601050502a03e303ca00e300c060a2b06010401823702020aa22a0428") + NTLM + bytes(4)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("Negotiate", "damaged"),
        ("Negotiate ", "damaged"),
        ("Negotiate !", "damaged"),
        ("Negotiate YWJj", "damaged"),
        ("Negotiate " + base64.b64encode(NTLM).decode(), "ntlm"),
        ("Negotiate " + base64.b64encode(WRAPPED_NTLM).decode(), "ntlm"),
        ("Negotiate " + "A" * (TOKEN_LIMIT - len("Negotiate ")), "damaged"),
        ("Negotiate " + "A" * (TOKEN_LIMIT + 1 - len("Negotiate ")), "too-long"),
    ],
    ids=range(8),
)
def test_what_is_no_ticket_is_refused_and_counted(keytab_free: Entry, header: str, why: str) -> None:
    assert keytab_free.why(header) == why


def test_the_log_says_each_reason_once_a_minute_and_nothing_of_the_token(keytab_free: Entry) -> None:
    header = "Negotiate " + base64.b64encode(NTLM + b"RAHSIA").decode()
    with structlog.testing.capture_logs() as logs:
        keytab_free.knock(*[header] * 50, "Negotiate YWJj")
    assert [(entry["event"], entry["why"]) for entry in logs] == [
        ("kerberos-refused", "ntlm"),
        ("kerberos-refused", "damaged"),
    ]
    assert keytab_free.counts["kerberos-ntlm"] == 50
    assert "RAHSIA" not in str(logs)
    assert header.partition(" ")[2] not in str(logs)


def test_too_many_at_once_are_told_to_come_again(keytab_free: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negotiate, "CHECKS_WAITING", 3)
    outcomes = [found.outcome for found in keytab_free.knock(*["Negotiate YWJj"] * 4)]
    assert outcomes == [Outcome.WRONG] * 3 + [Outcome.LIMITED]


@pytest.mark.needs_kerberos
def test_where_replays_cannot_be_known_nobody_passes(realm: Realm, entry: Entry, tmp_path: Path) -> None:
    (tmp_path / "kerberos" / "replays").mkdir()
    with structlog.testing.capture_logs() as logs:
        (found,) = entry.knock(*tokens(realm.tickets("aminah")))
    assert (found.outcome, found.user) == (Outcome.UNAVAILABLE, None)
    assert logs[0]["log_level"] == "error"
    assert "Is a directory" in logs[0]["because"]


@pytest.mark.parametrize(
    ("principal", "why"),
    [
        ("aminah@LAIN.MY", "realm"),
        ("aminah@contoh.my", "realm"),
        ("aminah", "realm"),
        ("HTTP/pc.contoh.my@CONTOH.MY", "not-a-person"),
        ("PC-07$@CONTOH.MY", "not-a-person"),
        ("aminah\\@contoh.my@CONTOH.MY", "not-a-person"),
        ("@CONTOH.MY", "not-a-person"),
        ("unknown@CONTOH.MY", "not-a-person"),
        ("a" * 65 + "@CONTOH.MY", "not-a-person"),
        ("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", "realm"),
    ],
)
def test_no_officer_is_made_of_another_kind_of_principal(principal: str, why: str) -> None:
    with pytest.raises(Refused, match=f"^{why}$"):
        Names(frozenset({REALM})).officer(principal)


def test_the_longest_name_is_an_officers() -> None:
    assert Names(frozenset({REALM})).officer("a" * 64 + "@CONTOH.MY") == "a" * 64


def test_each_reason_has_its_advice() -> None:
    assert {why for _, why in negotiate.SAID} <= set(ADVICE)


# ---------------------------------------------------------------- the keytab


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "does not begin as one"),
        (b"\x05\x01", "does not begin as one"),
        (b"hello", "does not begin as one"),
        (a_keytab(SERVICE)[:-5], "ends in the middle"),
        (b"\x05\x02\x00\x00\x00\x40abc", "ends in the middle"),
        (b"\x05\x02\x00\x00\x00\x04\xff\xff\x00\x00", "ends in the middle"),
        (b"\x05\x02", "has no key for .*it is empty"),
        (a_keytab(OTHER), "has no key for .*it has `HTTP/lain"),
        (a_keytab("HTTP/GERBANG.contoh.my@CONTOH.MY"), "has no key for"),
        (bytes(KEYTAB_LIMIT + 1), "larger than 1 MiB"),
    ],
    ids=range(10),
)
def test_a_keytab_that_will_not_do_is_refused_at_the_start(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "a.keytab"
    file.write_bytes(data)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=said):
        Entry(file, tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_keytab_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "a.keytab"
    file.write_bytes(a_keytab(SERVICE))
    file.chmod(mode)
    with pytest.raises(SettingsError, match="can be read by others; run `chmod 600"):
        Entry(file, tmp_path)


def test_a_keytab_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no keytab"):
        Entry(tmp_path / "none", tmp_path)


def test_holes_of_deleted_keys_are_stepped_over(tmp_path: Path) -> None:
    file = tmp_path / "a.keytab"
    whole = a_keytab(SERVICE)
    file.write_bytes(whole[:2] + struct.pack(">i", -6) + bytes(6) + whole[2:] + struct.pack(">i", 0) + b"left over")
    file.chmod(0o600)
    assert [entry.kind for entry in read_keytab(file, SERVICE).entries] == ["aes256-cts-hmac-sha1-96"]


def test_no_key_is_in_what_is_said_of_a_keytab(tmp_path: Path) -> None:
    file = tmp_path / "a.keytab"
    file.write_bytes(a_keytab(SERVICE))
    file.chmod(0o600)
    assert repr(read_keytab(file, SERVICE)) == "Keytab(1 keys)"


@pytest.mark.needs_kerberos
def test_a_changed_keytab_is_taken_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    with a_realm(tmp_path / "realm") as realm:
        realm.add("aminah")
        realm.add(SERVICE, "-randkey")
        keytab = realm.keytab(tmp_path / "gerbang.keytab", SERVICE)
        entry = Entry(keytab, tmp_path)
        before = tokens(realm.tickets("aminah"), count=2)
        assert entry.knock(before[0])[0].user == "aminah"
        with structlog.testing.capture_logs() as logs:
            keytab.write_bytes(b"rosak")
            entry.door.refresh()
            entry.door.refresh()
        assert [one["event"] for one in logs] == ["keytab-refused"]
        assert entry.knock(before[1])[0].user == "aminah"
        realm.rekey(SERVICE)
        (after,) = tokens(realm.tickets("aminah"))
        assert entry.why(after) == "other-key"
        shutil.copy(realm.keytab(tmp_path / "new.keytab", SERVICE), keytab)
        entry.door.refresh()
        (after,) = tokens(realm.tickets("aminah"))
        assert entry.knock(after)[0].user == "aminah"


# ---------------------------------------------------------------- settings


KERBEROS = f'[kerberos]\nkeytab = "a.keytab"\nservice = "{SERVICE}"\n'
ZONE = '[[offices]]\nname = "hq"\nstate = "PJY"\n[[zones]]\nname = "a"\nnetworks = ["10.0.0.0/8"]\noffice = "hq"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ZONE + 'sign_in = "kerberos"\n', "`kerberos.keytab` is not set"),
        (ZONE + 'sign_in = "kerberos"\n[kerberos]\nkeytab = "k"\n', "`kerberos.service` is not set"),
        ('[kerberos]\nservice = "HTTP/gerbang.contoh.my"\n', r"gerbang.toml:2:1: .*is no principal"),
        ('[kerberos]\nservice = "http/gerbang.contoh.my@CONTOH.MY"\n', "expected `HTTP/HOST@REALM`"),
        ('[kerberos]\nservice = "HTTP/Gerbang.contoh.my@CONTOH.MY"\n', "HOST in small letters"),
        ('[kerberos]\nallow = ["PC-07$"]\n', "is no principal"),
        ('[kerberos]\nnames = "upper"\n', "`upper` will not do"),
        ('[kerberos]\nkeytabs = "a"\n', "unknown setting `kerberos.keytabs`; did you mean `keytab`"),
    ],
)
def test_wrong_settings_are_told_with_what_would_do(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "gerbang.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        load_settings(file, {})


def test_right_settings_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "gerbang.toml"
    file.write_text(
        KERBEROS + 'realms = ["ANAK.CONTOH.MY"]\n' + ZONE + 'sign_in = ["kerberos", "htpasswd"]\nhtpasswd = "h"\n'
    )
    chosen = load_settings(file, {})
    assert chosen.kerberos.keytab == tmp_path / "a.keytab"
    assert (chosen.kerberos.known_realms, chosen.kerberos.host) == (("ANAK.CONTOH.MY",), HOST)
    assert chosen.uses_kerberos


def test_without_the_extra_the_gate_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gssapi", None)
    file = tmp_path / "a.keytab"
    file.write_bytes(a_keytab(SERVICE))
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=r"is not installed; install gerbang\[kerberos\]"):
        Entry(file, tmp_path)


# ---------------------------------------------------------------- connections


@pytest.fixture
def gate(keytab: Path, tmp_path: Path) -> Iterator[RunningGate]:
    trust = a_trust(tmp_path, ["x.com", "gerbang.internal"])
    zone = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": ["kerberos"]}
    settings = office_settings(tmp_path, zones=[zone], kerberos={"keytab": keytab, "service": SERVICE})
    with a_gate(settings, trust) as running:
        yield running


def ask(connection: socket, header: str | None = None, *more: str) -> int:
    """The status with which the gate's own page answers on a connection."""
    lines = [f"Proxy-Authorization: {header}"] if header else []
    head = "\r\n".join(["GET http://gerbang.internal/ HTTP/1.1", "Host: gerbang.internal", *lines, *more])
    connection.sendall(f"{head}\r\n\r\n".encode())
    return int(receive(connection)[9:12])


@pytest.mark.needs_kerberos
def test_a_person_stays_for_a_connection_and_no_longer(realm: Realm, gate: RunningGate) -> None:
    header, second = tokens(realm.tickets("aminah"), count=2)
    with closing(create_connection(gate.address, 10)) as connection:
        assert ask(connection) == 407
        assert ask(connection, header) == 200
        assert [ask(connection) for _ in range(3)] == [200] * 3
        assert ask(connection, second) == 200, "who sends a token with each request is known by each"
    with closing(create_connection(gate.address, 10)) as connection:
        assert ask(connection) == 407
        assert ask(connection, header) == 407


@pytest.mark.needs_kerberos
def test_what_fails_later_ends_who_was_known_before(realm: Realm, gate: RunningGate) -> None:
    (header,) = tokens(realm.tickets("aminah"))
    with closing(create_connection(gate.address, 10)) as connection:
        assert ask(connection, header) == 200
        assert ask(connection, header) == 407
        assert ask(connection) == 407


@pytest.mark.needs_kerberos
@pytest.mark.parametrize("sign", ["Via: 1.1 squid", "X-Forwarded-For: 10.1.0.9", "Forwarded: for=10.1.0.9"])
def test_behind_a_shared_proxy_each_request_must_say_whose_it_is(realm: Realm, gate: RunningGate, sign: str) -> None:
    first, second = tokens(realm.tickets("aminah"), count=2)
    with closing(create_connection(gate.address, 10)) as connection:
        assert ask(connection, first, sign) == 200
        assert ask(connection) == 407
        assert ask(connection, second) == 200
        assert ask(connection) == 407, "a proxy was seen on this connection"
    with closing(create_connection(gate.address, 10)) as connection:
        (third,) = tokens(realm.tickets("aminah"))
        assert ask(connection, third) == 200
        assert ask(connection, None, sign) == 407


@pytest.mark.needs_kerberos
def test_the_largest_token_that_windows_makes_arrives_whole(gate: RunningGate) -> None:
    with closing(create_connection(gate.address, 10)) as connection:
        assert ask(connection, negotiated(bytes(48_000))) == 407
    assert gate.gate.counts["kerberos-damaged"] == 1
    assert gate.gate.counts["kerberos-too-long"] == 0


@pytest.mark.needs_kerberos
def test_a_changed_keytab_is_taken_by_a_running_gate_within_seconds(
    realm: Realm, gate: RunningGate, keytab: Path
) -> None:
    with structlog.testing.capture_logs() as logs:
        os.utime(keytab)
        until(lambda: [entry for entry in logs if entry["event"] == "keytab-taken"])
    with closing(create_connection(gate.address, 10)) as connection:
        assert ask(connection, *tokens(realm.tickets("aminah"))) == 200


@pytest.mark.needs_kerberos
def test_a_gate_without_its_keytab_does_not_start(tmp_path: Path, gate: RunningGate) -> None:
    missing = {"keytab": tmp_path / "none", "service": SERVICE}
    zone = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": ["kerberos"]}
    settings = office_settings(tmp_path / "second", zones=[zone], kerberos=missing)
    with pytest.raises(GerbangError, match="there is no keytab"), a_gate(settings, gate.trust):
        pass


def negotiated(token: bytes) -> str:
    return f"Negotiate {base64.b64encode(token).decode()}"
