"""Stand-ins for X and for a WordPress blog, on loopback under their real names.

One TLS server answers for all of them, by the Host header. Whatever reaches it is kept in `arrived`, so that
a test can say what the gate let through, and when.
"""

import itertools
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Self

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Host, Mount, Route

X_HOSTS = ("x.com", "api.x.com", "upload.x.com", "caps.x.com")
BLOG = "blog.contoh.my"
BANK = "bank.contoh.my"  # never listed: the gate must not touch it
PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached a platform. `at` is `time.time_ns()` when its body was whole."""

    at: int
    host: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class StandIns:
    """The platforms' servers, in a thread of this process. Use as a context manager.

    `folder` receives `standins-ca.pem`, the authority that signed their certificate, for
    `[gate.upstream] trusted_ca`.
    """

    def __init__(self, folder: Path, hosts: tuple[str, ...] = (*X_HOSTS, BLOG, BANK)) -> None:
        self.arrived: list[Arrival] = []
        self.hosts = hosts
        self.trusted_ca = folder / "standins-ca.pem"
        self._lock = Lock()
        self._ids = itertools.count(1_970_000_000_000_000_001)
        certificate = folder / "standins.pem"
        _certify(hosts, self.trusted_ca, certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        # Connections inherit it: asyncio leaves it out for a socket made like this, and each answer comes 40 ms late.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=self._routes()),
            ssl_certfile=str(certificate),
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
            log_config=None,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="stand-ins", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)
        return self

    def __exit__(self, *trouble: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def upstream(self) -> dict[str, str]:
        """What `[gate.upstream] hosts` says, so that the names lead here."""
        return dict.fromkeys(self.hosts, f"127.0.0.1:{self.port}")

    def writes(self) -> list[Arrival]:
        """What arrived that could have been an act, without page loads and preflights."""
        with self._lock:
            return [arrival for arrival in self.arrived if arrival.method not in {"GET", "HEAD", "OPTIONS"}]

    # ------------------------------------------------------------ the servers

    def _routes(self) -> list[Any]:
        x = Starlette(
            routes=[
                Route("/", self._page("x.html", x_cookies)),
                Route("/home", self._page("x.html", x_cookies)),
                Route("/i/api/graphql/{query_id}/{operation}", self._x_graphql, methods=["GET", "POST"]),
                Route("/i/media/upload.json", self._x_upload, methods=["POST"]),
                Route("/i/api/1.1/{rest:path}", self._answer_json, methods=["GET", "POST"]),
                Route("/1.1/{rest:path}", self._answer_json, methods=["GET", "POST"]),
                Route("/2/{rest:path}", self._x_api, methods=["GET", "POST", "DELETE", "PUT"]),
            ],
            middleware=[
                Middleware(
                    CORSMiddleware,
                    allow_origins=["https://x.com"],
                    allow_methods=["*"],
                    allow_headers=["*"],
                    allow_credentials=True,
                )
            ],
        )
        blog = Starlette(
            routes=[
                Route("/", self._page("blog.html", wordpress_cookies)),
                Route("/wp-admin/post-new.php", self._page("editor.html", wordpress_cookies)),
                Route("/wp-comments-post.php", self._wordpress_comment, methods=["POST"]),
                Route("/wp-json/{rest:path}", self._wordpress_rest, methods=["GET", "POST", "PUT", "DELETE"]),
                Route("/xmlrpc.php", self._xmlrpc, methods=["POST"]),
                Route("/{rest:path}", self._answer_json, methods=["GET", "POST"]),
            ]
        )
        bank = Starlette(routes=[Route("/{rest:path}", self._bank, methods=["GET", "POST"])])
        apps = dict.fromkeys(X_HOSTS, x) | {BLOG: blog, BANK: bank}
        return [Host(host, apps.get(host, blog)) for host in self.hosts] + [Mount("/", blog)]

    async def _arrival(self, request: Request) -> bytes:
        body = await request.body()
        arrival = Arrival(
            at=time.time_ns(),
            host=request.url.hostname or "",
            method=request.method,
            target=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            headers=tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers.raw),
            body=body,
        )
        with self._lock:
            self.arrived.append(arrival)
        return body

    def _page(self, name: str, cookies: Callable[[Request], dict[str, str]]) -> Callable[[Request], Any]:
        content = (PAGES / name).read_text("utf-8")

        async def page(request: Request) -> Response:
            await self._arrival(request)
            response = HTMLResponse(content)
            for key, value in cookies(request).items():
                response.headers.append("set-cookie", f"{key}={value}; Path=/; Secure; SameSite=None")
            return response

        return page

    async def _x_graphql(self, request: Request) -> Response:
        await self._arrival(request)
        operation = request.path_params["operation"]
        if operation in {"CreateTweet", "CreateNoteTweet"}:
            result = {"rest_id": str(next(self._ids)), "__typename": "Tweet"}
            return JSONResponse({"data": {"create_tweet": {"tweet_results": {"result": result}}}})
        return JSONResponse({"data": {operation: "Done"}})

    async def _x_upload(self, request: Request) -> Response:
        await self._arrival(request)
        identity = request.query_params.get("media_id") or str(next(self._ids))
        return JSONResponse({"media_id_string": identity, "expires_after_secs": 86400})

    async def _x_api(self, request: Request) -> Response:
        await self._arrival(request)
        return JSONResponse({"data": {"id": str(next(self._ids))}}, 201)

    async def _answer_json(self, request: Request) -> Response:
        await self._arrival(request)
        return JSONResponse({"ok": True})

    async def _wordpress_comment(self, request: Request) -> Response:
        await self._arrival(request)
        return RedirectResponse("/#comment-" + str(next(self._ids) % 1000), 302)

    async def _wordpress_rest(self, request: Request) -> Response:
        await self._arrival(request)
        number = int(found[1]) if (found := re.search(r"/(\d+)", request.url.path)) else 731
        link = f"https://{BLOG}/?p={number}"
        return JSONResponse({"id": number, "status": "publish", "link": link}, 200 if found else 201)

    async def _xmlrpc(self, request: Request) -> Response:
        await self._arrival(request)
        answer = "<methodResponse><params><param><value><string>731</string></value></param></params></methodResponse>"
        return Response(f'<?xml version="1.0"?>{answer}', media_type="text/xml")

    async def _bank(self, request: Request) -> Response:
        await self._arrival(request)
        return HTMLResponse("<!doctype html><title>Bank</title><h1>Baki akaun</h1>")


def x_cookies(request: Request) -> dict[str, str]:
    """`?as=ID` signs the browser in as that account, as X's own cookie names it."""
    account = request.query_params.get("as")
    there = "; Domain=x.com"
    return {"twid": f"u%3D{account}{there}", "ct0": f"f00dfeed{there}"} if account and account.isdecimal() else {}


def wordpress_cookies(request: Request) -> dict[str, str]:
    """`?as=NAME` signs the browser in as that user, as WordPress's own cookie names it."""
    user = request.query_params.get("as")
    return (
        {f"wordpress_logged_in_{'5f' * 16}": f"{user}%7C1790000000%7Ctoken%7Chmac"} if user and user.isalnum() else {}
    )


def _certify(hosts: tuple[str, ...], authority_file: Path, certificate_file: Path) -> None:
    """A throw-away authority, and a certificate of it for all the hosts, valid for a week around today."""
    start = datetime.now(UTC) - timedelta(days=1)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stand-in platforms (trial)")])

    def builder(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=8))
        )

    authority = (
        builder(authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_only_signs_certificates(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    certificate = (
        builder(subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    authority_file.write_bytes(authority.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate_file.write_bytes(private + certificate.public_bytes(pem))
    certificate_file.chmod(0o600)


def _only_signs_certificates() -> x509.KeyUsage:
    # Python 3.13 verifies strictly: an authority with a path length must say that it signs certificates.
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
