"""An office that nobody signs in to, whose gate serves the PAC file, behind a door that writes down who knocks."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from deploy.relay import Relay
from e2e.office import Office, an_office
from gerbang.demo.office import free_port

OPEN_ZONE = [{"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "ibu-pejabat"}]


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay() as door:
        yield door


@pytest.fixture(scope="module")
def public() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, relay: Relay, public: str) -> Iterator[Office]:
    """An office in the evening, which nobody signs in to, with the PAC file served."""
    extra = f'[pac]\nlisten = "{public}"\nproxies = ["{relay.address}"]\n'
    zones = {"GERBANG_ZONES": json.dumps(OPEN_ZONE)}
    with an_office(tmp_path_factory.mktemp("pac"), "19:00:00", extra=extra, environment=zones) as running:
        relay.target = running.proxy
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running
