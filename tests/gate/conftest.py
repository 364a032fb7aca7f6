"""What the gate's tests have in common: a CA for X, a stand-in for it, and one in the clear."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_builders import Trust, Upstream, a_trust, server_context


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "gerbang.internal"])


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    server = Upstream(server_context(trust, "x.com", tmp_path))
    yield server
    server.close()


@pytest.fixture
def plain_host() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()
