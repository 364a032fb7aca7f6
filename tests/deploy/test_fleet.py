"""Browsers that are told by nothing but the files of `gerbang fleet`, where their makers have them read."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from deploy.relay import Relay
from e2e.office import Office

CHROME = ("chromium", "opt/chrome", "opt/chrome_for_testing")
PAGE = "https://x.com/home?as=2003"


def apart(etc: Path, program: str, folder: Path) -> Path:
    """A program that starts another with `etc` laid over this machine's `/etc`, which stays as it is."""
    script = folder / "apart"
    script.write_text(
        "#!/bin/sh\n"
        f'exec unshare --mount sh -c \'mount -t overlay overlay -o lowerdir={etc}:/etc /etc && exec "$0" "$@"\' '
        f'{program} "$@"\n'
    )
    script.chmod(0o755)
    return script


def told(office: Office, *command: str) -> str:
    done = office.gerbang("fleet", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def a_chrome(playwright: Playwright, policies: str, folder: Path) -> Iterator[Browser]:
    etc, program = folder / "etc", shutil.which("chromium")
    assert program is not None
    for name in CHROME:
        file = etc / name / "policies" / "managed" / "gerbang.json"
        file.parent.mkdir(parents=True)
        file.write_text(policies)
    home = folder / "home"
    home.mkdir()
    browser = playwright.chromium.launch(
        executable_path=apart(etc, program, folder),
        args=["--no-sandbox", "--no-first-run"],
        env={"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    try:
        yield browser
    finally:
        browser.close()


@pytest.mark.needs_chromium
@pytest.mark.needs_pid_one
def test_chromium_finds_the_gate_and_trusts_it(
    office: Office, relay: Relay, playwright: Playwright, tmp_path: Path
) -> None:
    with a_chrome(playwright, told(office, "chrome"), tmp_path) as browser:
        page = browser.new_page()
        assert page.goto(PAGE).status == 200  # type: ignore[union-attr]
        assert "x.com" in relay.hosts()
        page.goto("chrome://policy")
        page.locator("policy-row .policy.row").first.wait_for()
        rows = dict(text.split(maxsplit=1) for text in page.locator("policy-row .policy.row").all_inner_texts())
    for name in json.loads(told(office, "chrome")):
        assert rows[name].split()[-2:] == ["Mandatory", "OK"]


@pytest.mark.needs_firefox
def test_firefox_finds_the_gate_and_trusts_it(office: Office, tmp_path: Path) -> None:
    program = shutil.which("firefox-esr")
    assert program is not None
    policies = told(office, "firefox", "--certificate", str(office.root))
    for name in ("firefox", "firefox-esr"):
        file = tmp_path / "etc" / name / "policies" / "policies.json"
        file.parent.mkdir(parents=True)
        file.write_text(policies)
    profile, home, picture = tmp_path / "profile", tmp_path / "home", tmp_path / "page.png"
    for folder in (profile, home):
        folder.mkdir()
    before = len(office.standins.arrived)
    asked = [
        apart(tmp_path / "etc", program, tmp_path),
        "--headless",
        "--profile",
        profile,
        "--screenshot",
        picture,
        PAGE,
    ]
    done = subprocess.run(
        asked, env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, timeout=120, check=False
    )
    arrived = [arrival for arrival in office.standins.arrived[before:] if arrival.host == "x.com"]
    assert [arrival.target for arrival in arrived if arrival.method == "GET"], done.stderr
    assert picture.exists()
