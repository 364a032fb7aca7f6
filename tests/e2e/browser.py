"""Debian's Chromium as an office PC has it, and the profile of one officer."""

import shutil
import subprocess

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from e2e.office import WORD, Office

PURPOSE = "Memantau aduan orang awam di media sosial"
FLAGS = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def a_browser(playwright: Playwright, office: Office, *flags: str, proxied: bool = True) -> Browser:
    """Debian's Chromium as an office PC has it: it trusts the gate's root, and the stand-ins' as if public."""
    home = office.folder / "home"
    database = home / ".pki" / "nssdb"
    if not database.exists():
        database.mkdir(parents=True)
        subprocess.run(["certutil", "-N", "-d", f"sql:{database}", "--empty-password"], check=True)
        for name, file in (("gate", office.root), ("stand-ins", office.standins.trusted_ca)):
            trust = ["-A", "-t", "C,,", "-n", name, "-i", str(file)]
            subprocess.run(["certutil", "-d", f"sql:{database}", *trust], check=True)
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=[*FLAGS, "--no-sandbox", *flags],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        proxy={"server": "http://{}:{}".format(*office.proxy)} if proxied else None,
    )


def signed_in(browser: Browser, office: Office, officer: str, locale: str = "ms-MY") -> BrowserContext:
    """A fresh profile whose proxy sign-in is that officer's."""
    proxy = {"server": "http://{}:{}".format(*office.proxy), "username": officer, "password": WORD}
    context = browser.new_context(proxy=proxy, locale=locale)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    return context


def opened(browser: Browser, office: Office, officer: str, url: str, shows: str) -> Page:
    """A platform's page, known by the element `shows`, after a purpose was stated where the visit is held."""
    page = signed_in(browser, office, officer).new_page()
    page.goto(url)
    state_purpose(page, shows)
    return page


def state_purpose(page: Page, shows: str) -> None:
    """From the page of a held visit to the page that was asked for; nothing where a purpose still covers it."""
    if page.locator(shows).count():
        return
    page.click("a.button")
    page.fill('textarea[name="ask.official-purpose"]', PURPOSE)
    page.click('form[action*="/confirm"] button[type="submit"]')
    page.wait_for_selector(shows)


def said(page: Page, act: str, text: str | None = None) -> str:
    """What the page tells the person after a press on one of its buttons."""
    page.evaluate("document.getElementById('said').textContent = ''")
    if text is not None:
        page.fill("#text", text)
    page.click(f"#{act}")
    expect(page.locator("#said")).not_to_be_empty(timeout=15_000)
    return page.locator("#said").inner_text()
