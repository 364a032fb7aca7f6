"""E-mail to a real server and posts to a real receiver, and both at their worst."""

import hmac
import json
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alert_receivers import PASSWORD, USER, a_hook, a_mail_server
from certificates import a_pair
from gerbang.alerts import sending
from gerbang.alerts.sending import SECRET_LIMIT, SHORTEST_SECRET, deliver
from gerbang.alerts.telling import trial
from gerbang.errors import AlertError
from gerbang.settings import AlertSettings

MESSAGE = trial("unit", "ms", datetime(2026, 11, 24, 2, tzinfo=UTC))
NOW = 1795485600.0
SECRET = "0123456789abcdef-rahsia"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return a_pair(tmp_path, ["localhost"], addresses=["127.0.0.1"])


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE", 0.4)


def a_secret(folder: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    file = folder / "rahsia"
    file.write_text(text + "\n")
    file.chmod(mode)
    return file


def by_mail(port: int, **more: object) -> AlertSettings:
    email = {"to": ["integriti@contoh.my", "audit@contoh.my"], "server": f"127.0.0.1:{port}", "from": "g@contoh.my"}
    return AlertSettings.model_validate({"name": "unit", "email": email | more})


def by_hook(url: str, secret: Path, **more: object) -> AlertSettings:
    webhook = {"url": url, "secret_file": secret}
    return AlertSettings.model_validate({"name": "unit", "webhook": webhook | more})


def refused(alert: AlertSettings) -> str:
    with pytest.raises(AlertError) as caught:
        deliver(alert, MESSAGE, NOW)
    said = str(caught.value)
    assert SECRET not in said
    assert PASSWORD not in said
    assert "laluan/" not in said
    assert "rahsia-di-laluan" not in said
    assert caught.value.__cause__ is None
    return said


# ---------------------------------------------------------------- e-mail


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_mail_is_taken_after_a_sign_in_within_tls(tmp_path: Path, pair: tuple[Path, Path], tls: str) -> None:
    password = a_secret(tmp_path, PASSWORD)
    with a_mail_server(pair, at_once=tls == "tls") as server:
        deliver(by_mail(server.port, tls=tls, ca=pair[0], user=USER, password_file=password), MESSAGE, NOW)
    ((to, mail),) = server.taken
    assert (server.signed_in, server.encrypted) == ([True], [True])
    assert to == ["integriti@contoh.my", "audit@contoh.my"]
    assert mail["Subject"] == "[Gerbang] amaran percubaan"
    assert mail["Message-ID"] == f"<{MESSAGE.id}@contoh.my>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == MESSAGE.text.splitlines()


def test_a_server_on_this_machine_may_be_without_tls() -> None:
    with a_mail_server() as server:
        deliver(by_mail(server.port, tls="none"), MESSAGE, NOW)
    assert server.encrypted == [False]


def test_what_is_wrong_with_a_mail_server_is_a_sentence(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    wrong = a_secret(tmp_path, "bukan-ini-kata-laluan")
    with a_mail_server(pair) as server:
        signing_in = by_mail(server.port, ca=pair[0], user=USER, password_file=wrong)
        assert "refuses the sign-in (535); look at `email.user`" in refused(signing_in)
        assert "is not known by its certificate: self-signed certificate" in refused(by_mail(server.port))
        server.refuses = "550 nobody of that name"
        assert "refuses every recipient (550)" in refused(by_mail(server.port, ca=pair[0]))
        assert not server.taken
    assert "cannot be reached: connection refused" in refused(by_mail(server.port, ca=pair[0]))
    with a_mail_server() as plain:
        assert "offers no STARTTLS" in refused(by_mail(plain.port, ca=pair[0]))
        assert not plain.taken


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    other = a_pair(tmp_path, ["mel.contoh.my"], called="lain")
    with a_mail_server(other) as server:
        assert "is not known by its certificate: ip address mismatch" in refused(by_mail(server.port, ca=other[0]))
        assert not server.taken


def endless_reply(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-selamat datang\r\n" * 1000)


def no_line_feed(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"2" * 10000)


def two_at_once(connection: socket.socket) -> None:
    connection.sendall(b"220 hai\r\n250 terima kasih\r\n")
    connection.recv(100)


def gone(connection: socket.socket) -> None:
    connection.close()


@pytest.mark.parametrize("hostile", [endless_reply, no_line_feed, two_at_once, gone])
def test_no_reply_of_a_mail_server_is_endless_or_out_of_turn(hostile: object) -> None:
    with a_mail_server(hostile=hostile) as server:
        assert "ended the connection, or is no mail server" in refused(by_mail(server.port, tls="none"))


@pytest.mark.usefixtures("hurried")
def test_a_mail_server_that_drips_is_left() -> None:
    over = threading.Event()

    def drips(connection: socket.socket) -> None:
        while not over.wait(0.05):
            connection.sendall(b"2")

    with a_mail_server(hostile=drips) as server:
        assert "does not answer within" in refused(by_mail(server.port, tls="none"))
        over.set()


# ---------------------------------------------------------------- webhooks


def test_a_post_is_signed_and_within_tls(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    with a_hook(pair) as hook:
        deliver(by_hook(hook.url, a_secret(tmp_path), ca=pair[0]), MESSAGE, NOW)
    ((headers, body),) = hook.taken
    assert json.loads(body) == dict(MESSAGE.data)
    right = hmac.new(SECRET.encode(), b"1795485600." + body, "sha256").hexdigest()
    assert headers["x-gerbang-signature"] == f"sha256={right}"
    assert headers["x-gerbang-timestamp"] == "1795485600"
    assert headers["x-gerbang-id"] == MESSAGE.id


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    with a_hook() as inside, a_hook(status=307, headers={"Location": inside.url}) as hook:
        assert "answers 307, and no redirect is followed" in refused(by_hook(hook.url, a_secret(tmp_path)))
        assert len(hook.taken) == 1
        assert not inside.taken


def test_no_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with a_hook() as hook:
        deliver(by_hook(hook.url, a_secret(tmp_path)), MESSAGE, NOW)
    assert len(hook.taken) == 1


def test_what_is_wrong_with_a_webhook_is_a_sentence(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    secret = a_secret(tmp_path)
    with a_hook(status=500) as hook:
        assert refused(by_hook(hook.url, secret)).endswith(f"the webhook at `127.0.0.1:{hook.port}` answers 500")
    assert "cannot be reached: connection refused" in refused(by_hook(hook.url, secret))
    with a_hook(pair) as hook:
        assert "is not known by its certificate: self-signed certificate" in refused(by_hook(hook.url, secret))
        assert not hook.taken
    lost = by_hook(hook.url, secret, ca=tmp_path / "tiada.pem")
    assert "the certificates of `ca` cannot be read" in refused(lost)


def endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-A: " + b"a" * 1000 + b"\r\n")


def test_an_endless_head_is_left(tmp_path: Path) -> None:
    with a_hook(hostile=endless_head) as hook:
        assert "answers what cannot be understood" in refused(by_hook(hook.url, a_secret(tmp_path)))


def test_an_endless_body_is_not_read(tmp_path: Path) -> None:
    sent: list[int] = []

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            sent.append(connection.send(b"a" * 65536))

    with a_hook(hostile=endless) as hook:
        deliver(by_hook(hook.url, a_secret(tmp_path)), MESSAGE, NOW)
    assert sum(sent) < 64 << 20


@pytest.mark.usefixtures("hurried")
def test_a_receiver_that_drips_is_left(tmp_path: Path) -> None:
    over = threading.Event()

    def drips(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not over.wait(0.05):
            connection.sendall(b"a")

    with a_hook(hostile=drips) as hook:
        assert "does not answer within" in refused(by_hook(hook.url, a_secret(tmp_path)))
        over.set()


# ---------------------------------------------------------------- secrets


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o620])
def test_a_secret_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = a_secret(tmp_path, mode=mode)
    said = refused(by_hook("https://amaran.contoh.my/x", file))
    assert said == f"others can read or change `webhook.secret_file`: {file}; run `chmod 600 {file}`"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a" * (SHORTEST_SECRET - 1), f"has fewer than {SHORTEST_SECRET} bytes"),
        ("a" * SECRET_LIMIT, f"is larger than {SECRET_LIMIT} bytes"),
    ],
)
def test_a_secret_has_a_length(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(by_hook("https://amaran.contoh.my/x", a_secret(tmp_path, text)))


def test_a_secret_may_be_for_a_group_to_read_and_is_read_anew(tmp_path: Path) -> None:
    file = a_secret(tmp_path, mode=0o640)
    with a_hook() as hook:
        deliver(by_hook(hook.url, file), MESSAGE, NOW)
        a_secret(tmp_path, "another-secret-of-some-length")
        deliver(by_hook(hook.url, file), MESSAGE, NOW)
    first, second = (headers["x-gerbang-signature"] for headers, _ in hook.taken)
    assert first != second


def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    assert "no such file or directory" in refused(by_hook("https://amaran.contoh.my/x", tmp_path / "tiada"))
