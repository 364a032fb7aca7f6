"""The public files, for devices that have no proxy yet: the PAC file and the certificate of the CA's root.

A process of its own: whoever is on the office's network may ask it, so it holds neither a key nor the record. One
request a connection and a bound on time: a web framework would wait for the end of a request's head for ever.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import h11

from gerbang import __version__
from gerbang.errors import GerbangError, StartError, reason
from gerbang.fleet.pac import directions_of, pac_file
from gerbang.loading import platform_files
from gerbang.settings import Settings, host_and_port

PAC_TYPE = "application/x-ns-proxy-autoconfig"
CERTIFICATE_TYPE = "application/x-x509-ca-cert"

CONNECTIONS = 1000
CONNECTIONS_OF_ADDRESS = 64
HEAD_LIMIT = 8 << 10  # bytes
SECONDS = 10.0
LOOK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PublicFile:
    media_type: str
    body: bytes


def public_files(settings: Settings) -> Mapping[str, PublicFile]:
    """What anybody may have, by path: the PAC file by its two names, and the root's certificate where there is a CA.

    Raises a `GerbangError`.
    """
    pac = PublicFile(PAC_TYPE, pac_file(directions_of(settings), made_by()).encode())
    files = {"/proxy.pac": pac, "/wpad.dat": pac}
    root = settings.root_certificate
    try:
        files["/gerbang-root.crt"] = PublicFile(CERTIFICATE_TYPE, root.read_bytes())
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StartError(f"the root's certificate `{root}` cannot be read: {reason(error)}") from None
    return files


def made_by() -> str:
    return f"Which hosts go to the gate; made by gerbang {__version__}"


def run_public_files(settings: Settings) -> None:
    """Serve the files on `pac.listen` until SIGTERM. Raises a `GerbangError` before it listens."""
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    address = settings.pac.listen
    if address is None:
        raise StartError("there is no address for the public files", hint="set `[pac] listen`")
    seen = platform_files(settings)
    public, (host, port) = PublicServer(public_files(settings)), host_and_port(address)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        server = await asyncio.start_server(public.answer, host, port, backlog=512)
    except OSError as error:
        raise StartError(
            f"the public files cannot listen on `{address}`: {os.strerror(error.errno or 0).lower()}",
            hint="set another `pac.listen`",
        ) from None
    async with server:
        following = asyncio.ensure_future(_follow(settings, public, seen))
        await stop.wait()
        following.cancel()


async def _follow(settings: Settings, public: "PublicServer", seen: object) -> None:
    """Make the files anew when the platforms change. What is wrong then changes nothing; the gate's log says it."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with suppress(GerbangError):
            now = await asyncio.to_thread(platform_files, settings)
            if now != seen:
                seen = now
                public.files = await asyncio.to_thread(public_files, settings)


class PublicServer:
    """One request a connection, answered from memory."""

    def __init__(self, files: Mapping[str, PublicFile], seconds: float = SECONDS) -> None:
        self.files = files
        self._seconds = seconds
        self._open: Counter[str] = Counter()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str(writer.get_extra_info("peername", ("",))[0])
        if self._open.total() >= CONNECTIONS or self._open[address] >= CONNECTIONS_OF_ADDRESS:
            writer.transport.abort()
            return
        self._open[address] += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._exchange(reader, writer)
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError):
            pass
        finally:
            writer.transport.abort()
            self._open -= Counter((address,))

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(HEAD_LIMIT))
        except h11.RemoteProtocolError as error:
            writer.write(_reply(connection, error.error_status_hint))
        else:
            if isinstance(event, h11.Request):
                writer.write(self._reply(connection, event))
        await writer.drain()

    def _reply(self, connection: h11.Connection, request: h11.Request) -> bytes:
        if request.method not in {b"GET", b"HEAD"}:
            return _reply(connection, 405, (("Allow", "GET, HEAD"),))
        path = request.target.partition(b"?")[0].decode("latin-1")
        file = self.files.get(path)
        if file is None:
            return _reply(connection, 404)
        headers = (("Content-Type", file.media_type), ("Cache-Control", "no-cache"))
        if request.method == b"HEAD":
            return _reply(connection, 200, headers, length=len(file.body))
        return _reply(connection, 200, headers, file.body)


def _reply(
    connection: h11.Connection,
    status: int,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    length: int | None = None,
) -> bytes:
    """An answer whole; `length` is of a body that is only told of."""
    told = str(len(body) if length is None else length)
    fixed = (("Content-Length", told), ("X-Content-Type-Options", "nosniff"), ("Connection", "close"))
    head = connection.send(
        h11.Response(status_code=status, reason=HTTPStatus(status).phrase, headers=[*headers, *fixed])
    )
    return (head or b"") + (connection.send(h11.Data(data=body)) or b"")
