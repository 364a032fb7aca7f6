"""The public files: what anybody gets, what nobody gets, and that nobody can hold the door."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gerbang.errors import StartError
from gerbang.fleet import serve
from gerbang.fleet.serve import PublicFile, PublicServer, public_files, run_public_files
from gerbang.settings import PacSettings, Settings

PAC = PublicFile("application/x-ns-proxy-autoconfig", b"// pac")


@asynccontextmanager
async def served(seconds: float = serve.SECONDS) -> AsyncIterator[int]:
    server = await asyncio.start_server(PublicServer({"/proxy.pac": PAC}, seconds).answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def get(path: str, method: str = "GET", host: str = "wpad.contoh.my") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


async def test_the_file_is_answered_with_its_type_and_the_connection_ends() -> None:
    async with served() as port:
        head, _, body = (await ask(port, get("/proxy.pac?x=1"))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: application/x-ns-proxy-autoconfig" in head.lower()
    assert b"connection: close" in head.lower()
    assert body == PAC.body


async def test_head_tells_the_length_only() -> None:
    async with served() as port:
        head, _, body = (await ask(port, get("/proxy.pac", "HEAD"))).partition(b"\r\n\r\n")
    assert b"content-length: 6" in head.lower()
    assert body == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (get("/"), b"404"),
        (get("/../ca/intermediate.pem"), b"404"),
        (get("/proxy.pac/"), b"404"),
        (get("http://x.com/proxy.pac"), b"404"),
        (get("/proxy.pac", "POST"), b"405"),
        (b"CONNECT x.com:443 HTTP/1.1\r\nHost: x.com\r\n\r\n", b"405"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET /proxy.pac HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /" + b"a" * (serve.HEAD_LIMIT + 1), b"431"),
    ],
)
async def test_anything_else_is_refused(sent: bytes, status: bytes) -> None:
    async with served() as port:
        assert (await ask(port, sent)).partition(b" ")[2][:3] == status


async def test_a_head_at_the_bound_is_read() -> None:
    start = b"GET /proxy.pac HTTP/1.1\r\nHost: a\r\nX: "
    async with served() as port:
        filled = start + b"a" * (serve.HEAD_LIMIT - len(start) - 4) + b"\r\n\r\n"
        assert len(filled) == serve.HEAD_LIMIT
        assert b" 200 " in await ask(port, filled)


async def test_whoever_does_not_end_a_request_is_let_go() -> None:
    async with served(seconds=0.2) as port:
        assert await ask(port, b"GET /proxy.pac HTTP/1.1\r\n") == b""


@pytest.mark.parametrize("bound", ["CONNECTIONS_OF_ADDRESS", "CONNECTIONS"])
async def test_connections_that_say_nothing_are_bounded(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(serve, bound, 2)
    async with served(seconds=5) as port:
        waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in waiting:
            writer.write(b"GET")
            await writer.drain()
        await asyncio.sleep(0.1)
        assert await ask(port, get("/proxy.pac")) == b""
        for _, writer in waiting:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert b" 200 " in await ask(port, get("/proxy.pac"))


def test_the_root_is_public_and_the_rest_of_the_folder_is_not(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    assert set(public_files(settings)) == {"/proxy.pac", "/wpad.dat"}
    settings.authority_folder.mkdir()
    settings.root_certificate.write_bytes(b"-----BEGIN CERTIFICATE-----")
    files = public_files(settings)
    assert set(files) == {"/proxy.pac", "/wpad.dat", "/gerbang-root.crt"}
    assert files["/gerbang-root.crt"] == PublicFile("application/x-x509-ca-cert", b"-----BEGIN CERTIFICATE-----")
    assert files["/proxy.pac"] == files["/wpad.dat"]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path, taken: int) -> None:
    address = f"127.0.0.1:{taken}"
    with pytest.raises(StartError) as refused:
        run_public_files(Settings(state=tmp_path, pac=PacSettings(listen=address)))
    assert str(refused.value) == (
        f"the public files cannot listen on `{address}`: address already in use; set another `pac.listen`"
    )


async def test_the_pac_file_follows_the_platforms_and_keeps_the_old_where_one_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "LOOK_SECONDS", 0.01)
    made: list[bytes] = [b"// new", b"// newer"]

    def files(_: Settings) -> dict[str, PublicFile]:
        if len(made) == 1:
            made.append(b"")
            raise StartError("a document is wrong")
        return {"/proxy.pac": PublicFile(PAC.media_type, made.pop(0))}

    monkeypatch.setattr(serve, "public_files", files)
    folder = tmp_path / "rules" / "platforms"
    folder.mkdir(parents=True)
    settings = Settings.model_validate({"policies": [str(folder.parent)]})
    public = PublicServer({"/proxy.pac": PAC})
    following = asyncio.ensure_future(serve._follow(settings, public, serve.platform_files(settings)))
    (folder / "a.yaml").write_text("a")
    while public.files["/proxy.pac"] == PAC:
        await asyncio.sleep(0.01)
    assert public.files["/proxy.pac"].body == b"// new"
    (folder / "a.yaml").write_text("ab")
    while len(made) == 1:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert public.files["/proxy.pac"].body == b"// new"
    following.cancel()
