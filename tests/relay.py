"""What goes over the wire: a relay before a server that keeps every byte of both directions."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Relay:
    """Listens on a port of its own, and passes everything on to an address.

    `sent` is what clients said and `answered` what they were told, of all connections; `connections` counts those.
    """

    def __init__(self, to: tuple[str, int]) -> None:
        self.sent, self.answered = bytearray(), bytearray()
        self.connections = 0
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def seen(self) -> bytes:
        return bytes(self.sent) + bytes(self.answered)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._to)
                for one, other, kept in ((client, server, self.sent), (server, client, self.answered)):
                    threading.Thread(target=self._pass, args=(one, other, kept), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, kept: bytearray) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                kept += data
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)
