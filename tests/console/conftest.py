from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from console_builders import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path)
    yield found
    found.client.close()
    found.journal.close()
    found.store.close()


@pytest.fixture
def auditor(office: Office) -> TestClient:
    office.account()
    assert office.sign_in().status_code == 303
    return office.client
