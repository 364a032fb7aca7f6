"""The PAC file as a browser fetches it from a running gate, and the way that it sends each host."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Playwright

from deploy.relay import Relay
from e2e.browser import a_browser
from e2e.office import Office, run_gerbang
from gerbang.demo.office import free_port
from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.wordpress import BLOG

ISSUER = "Gerbang Intermediate CA"


@pytest.fixture
def browser(playwright: Playwright, office: Office, public: str) -> Iterator[Browser]:
    """A browser that knows where the PAC file is, and the bank's address, and no other host's."""
    flags = [
        f"--proxy-pac-url=http://{public}/proxy.pac",
        f"--host-resolver-rules=MAP {BANK} 127.0.0.1:{office.standins.port}",
    ]
    started = a_browser(playwright, office, *flags, proxied=False)
    yield started
    started.close()


@pytest.mark.needs_chromium
def test_a_browser_reaches_listed_hosts_by_the_gate_and_others_directly(browser: Browser, relay: Relay) -> None:
    page = browser.new_page()
    answer = page.goto("https://x.com/home?as=2003")
    assert answer is not None
    assert _issuer(answer) == ISSUER
    assert page.goto(f"https://{BLOG}/").status == 200  # type: ignore[union-attr]  # a site of the settings
    assert page.goto("http://gerbang.internal/notice").status == 200  # type: ignore[union-attr]
    answer = page.goto(f"https://{BANK}/")
    assert answer is not None
    assert page.locator("h1").inner_text() == "Baki akaun"
    assert _issuer(answer) != ISSUER
    assert {"x.com", BLOG, "gerbang.internal"} <= relay.hosts()
    assert BANK not in relay.hosts()


def _issuer(answer: Any) -> str:
    return str((answer.security_details() or {}).get("issuer"))


def test_the_three_public_files_and_nothing_else(office: Office, public: str) -> None:
    with httpx.Client(base_url=f"http://{public}") as client:
        pac, wpad, root = (client.get(path) for path in ("/proxy.pac", "/wpad.dat", "/gerbang-root.crt"))
        assert client.get("/sign-in").status_code == 404
    assert {pac.headers["content-type"], wpad.headers["content-type"]} == {"application/x-ns-proxy-autoconfig"}
    assert root.headers["content-type"] == "application/x-x509-ca-cert"
    assert root.content == office.root.read_bytes()
    assert pac.text == wpad.text == office.gerbang("pac").stdout


def test_a_gate_on_every_address_must_say_how_browsers_reach_it(tmp_path: Path) -> None:
    zone = '[[offices]]\nname = "a"\nstate = "PJY"\n[[zones]]\nname = "b"\nnetworks = ["127.0.0.0/8"]\noffice = "a"\n'
    listen = f'[gate]\nlisten = "0.0.0.0:{free_port()}"\n[pac]\nlisten = "127.0.0.1:{free_port()}"\n'
    (tmp_path / "gerbang.toml").write_text(listen + f'[console]\nlisten = "127.0.0.1:{free_port()}"\n' + zone)
    done = run_gerbang(tmp_path, "serve")
    assert done.returncode == 2
    assert 'name the gate as browsers reach it: `[pac] proxies = ["10.1.0.5:8080"]`' in done.stderr
