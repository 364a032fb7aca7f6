"""The browser of the end-to-end tests, and the offices that they share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from e2e.browser import a_browser
from e2e.office import Office, an_office


@pytest.fixture(scope="session")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Ten in the morning of a working Tuesday."""
    with an_office(tmp_path_factory.mktemp("morning"), "10:00:00") as office:
        yield office


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Seven in the evening of the same day."""
    with an_office(tmp_path_factory.mktemp("evening"), "19:00:00") as office:
        yield office


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """For one module: as long as it runs, its event loop stands in the way of other tests' own."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def morning_browser(playwright: Playwright, morning: Office) -> Iterator[Browser]:
    browser = a_browser(playwright, morning)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def evening_browser(playwright: Playwright, evening: Office) -> Iterator[Browser]:
    browser = a_browser(playwright, evening)
    yield browser
    browser.close()
