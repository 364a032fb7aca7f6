"""A CA that is renewed while the gate runs: new connections get its leaves, open ones go on, a damaged one changes
nothing."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from gate_builders import (
    TUESDAY_AT_NIGHT,
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
)
from gerbang.gate import renewal
from gerbang.gate.authority import INTERMEDIATE, create_intermediate, write_intermediate
from waiting import until

BIRTHDAY = "Selamat hari lahir, semoga panjang umur dan murah rezeki"


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return a_trust(tmp_path, ["twimg.com", "gerbang.internal"])


@pytest.fixture
def gate(tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningGate]:
    """A gate whose CA may not sign for X yet."""
    monkeypatch.setattr(renewal, "EVERY", 0.05)
    theirs = a_trust(tmp_path, ["x.com"], "theirs")
    platform = Upstream(server_context(theirs, "x.com", tmp_path), json.dumps({"data": {}}).encode())
    hosts = {"x.com": f"127.0.0.1:{platform.address[1]}"}
    settings = office_settings(tmp_path, gate={"upstream": {"hosts": hosts, "trusted_ca": theirs.file}})
    renewed(settings.authority_folder, trust, ["gerbang.internal"])
    with a_gate(settings, trust, at=TUESDAY_AT_NIGHT) as running:
        yield running
    platform.close()


def renewed(folder: Path, trust: Trust, hosts: list[str]) -> None:
    key, certificate = create_intermediate(trust.root, "Trial", hosts, datetime.now(UTC))
    write_intermediate(folder, key, certificate, trust.root.certificate)


def test_a_renewed_ca_opens_what_the_one_before_could_not(gate: RunningGate, trust: Trust) -> None:
    assert not gate.gate._covers("x.com")
    renewed(gate.settings.authority_folder, trust, ["x.com", "gerbang.internal"])
    until(lambda: gate.gate._covers("x.com"))
    with gate.tls() as connection:
        connection.sendall(a_tweet(BIRTHDAY))
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_a_damaged_ca_changes_nothing_and_is_told_once(gate: RunningGate, trust: Trust) -> None:
    renewed(gate.settings.authority_folder, trust, ["x.com", "gerbang.internal"])
    until(lambda: gate.gate._covers("x.com"))
    with structlog.testing.capture_logs() as logs:
        (gate.settings.authority_folder / INTERMEDIATE).write_bytes(b"rosak")
        until(lambda: any(entry["event"] == "ca-refused" for entry in logs))
        time.sleep(0.3)
    assert [entry["event"] for entry in logs].count("ca-refused") == 1
    assert gate.gate._covers("x.com")
