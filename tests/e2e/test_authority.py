"""What the office's PCs trust: Chromium takes a platform from the gate's CA, and refuses a bank signed with its key."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from playwright.sync_api import Error, Playwright

from e2e.browser import a_browser
from e2e.office import Office
from gerbang.demo.standins.bank import BANK
from gerbang.gate.authority import Authority

pytestmark = pytest.mark.needs_chromium


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is not a server's log."""


class Thief(Authority):
    """Somebody who has the intermediate's key, and signs for any name at all."""

    def covers(self, host: str) -> bool:
        return bool(host)


def thief_of(office: Office) -> Thief:
    data = (office.folder / "state" / "ca" / "intermediate.pem").read_bytes()
    key = load_pem_private_key(data, None)
    return Thief(key, x509.load_pem_x509_certificate(data))  # type: ignore[arg-type]  # it is the key that was made


@contextmanager
def a_server(thief: Thief, host: str, folder: Path) -> Iterator[int]:
    """A server for `host` with a leaf that the intermediate's key signed; its port."""
    leaf = thief.leaf(host)
    assert leaf is not None
    chain = folder / f"{host}.pem"
    secret = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(
        secret + leaf.certificate.public_bytes(Encoding.PEM) + thief.certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = HTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("host", "accepted"), [("x.com", True), (BANK, False), ("accounts.google.com", False)])
def test_chromium_holds_the_ca_to_the_platforms(
    host: str, accepted: bool, morning: Office, playwright: Playwright, tmp_path: Path
) -> None:
    with a_server(thief_of(morning), host, tmp_path) as port:
        browser = a_browser(playwright, morning, f"--host-resolver-rules=MAP {host} 127.0.0.1:{port}", proxied=False)
        try:
            page = browser.new_page()
            if accepted:
                response = page.goto(f"https://{host}/")
                assert response is not None
                assert response.status == 200
            else:
                with pytest.raises(Error, match="ERR_CERT"):
                    page.goto(f"https://{host}/")
        finally:
            browser.close()
