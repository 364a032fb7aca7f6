"""A server that is no directory, or means harm: it is given up in time, takes no memory, and the next one is asked."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from gerbang import directory
from gerbang.directory import Directory, DirectoryError
from gerbang.settings import LdapSettings


@contextmanager
def a_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(4096)
            answer(connection)

    threading.Thread(target=run, daemon=True).start()
    yield f"ldap://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def drip(connection: socket.socket) -> None:
    connection.sendall(b"\x30\x82\x7f\xff")
    while True:
        connection.sendall(b"\x02")
        time.sleep(0.2)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"\x30\x84\x7f\xff\xff\xff")
    while True:
        connection.sendall(b"x" * 65536)


def deep(connection: socket.socket) -> None:
    connection.sendall(b"\x30\x80" * 3000)


def another(connection: socket.socket) -> None:
    connection.sendall(bytes.fromhex("300c02016361070a010004000400"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (drip, "its answer takes too long"),
        (endless, "its answer is too large"),
        (deep, "what it sends is no LDAP"),
        (another, "invalid messageId"),
    ],
)
def test_it_is_given_up(monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], None], said: str) -> None:
    monkeypatch.setattr(directory, "PATIENCE", 1)
    with a_server(answer) as first, a_server(answer) as second:
        settings = LdapSettings(urls=(first, second), base="dc=x", user_dn="uid={user},dc=x", timeout=1)
        with pytest.raises(DirectoryError) as told:
            Directory(settings).sign_in("aminah", b"kata")
        assert told.value.what.count(said) == 2, told.value.what
        assert "kata" not in told.value.what
        assert [error is not None and said in error.what for _, error in Directory(settings).servers()] == [True, True]
