"""A door before the gate that writes down who knocked: what reached the gate, and what went around it."""

import socket
from contextlib import suppress
from threading import Thread
from typing import Self

READ = 64 << 10


class Relay:
    """Passes connections on to `target`. Use as a context manager; `asked` has the first line of each."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.target: tuple[str, int] | None = None
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self._server.close()

    def hosts(self) -> set[str]:
        """The hosts that were asked for, by tunnel or plainly."""
        targets = (line.split(" ")[1].removeprefix("http://") for line in self.asked if line.count(" ") == 2)
        return {target.partition("/")[0].partition(":")[0] for target in targets}

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        assert self.target is not None
        with suppress(OSError), client, socket.create_connection(self.target) as gate:
            first = client.recv(READ)
            self.asked.append(first.partition(b"\r\n")[0].decode("latin-1"))
            gate.sendall(first)
            back = Thread(target=_copy, args=(gate, client), daemon=True)
            back.start()
            _copy(client, gate)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(READ):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
