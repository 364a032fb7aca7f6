"""What programs ask the console's listener: who may read the figures, and what health says when parts are away."""

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from console_builders import Office
from gerbang.console import health as healths
from gerbang.console.app import create_app
from gerbang.console.endpoints import add_endpoints
from gerbang.console.health import PATIENCE, State, Watch, health
from gerbang.status import write_snapshot
from gerbang.store import Backlog, Store
from journal_builders import an_event
from status_builders import a_snapshot
from waiting import until

TOKEN = "rahsia-cubaan-0123456789"


@pytest.fixture
def watch(office: Office, tmp_path: Path) -> Iterator[Watch]:
    write_snapshot(tmp_path / "status", a_snapshot())
    watching = Watch(tmp_path, tmp_path / "status", office.folder / "journal", office.store)
    yield watching
    watching.close()


def asked(office: Office, watch: Watch, token: str | None, *, loopback: bool) -> TestClient:
    def endpoints(app: FastAPI) -> None:
        add_endpoints(app, watch, token, loopback=loopback)

    app = create_app(office.store, office.users, lambda _: None, hosts=frozenset({"testserver"}), endpoints=endpoints)
    return TestClient(app)


@pytest.mark.parametrize(
    ("token", "loopback", "header", "status"),
    [
        (None, True, None, 200),
        (None, True, "Bearer whatever", 200),
        (None, False, None, 403),
        (None, False, "Bearer ", 403),
        (TOKEN, True, None, 401),
        (TOKEN, True, f"Bearer {TOKEN}", 200),
        (TOKEN, False, f"Bearer {TOKEN}", 200),
        (TOKEN, False, f"bearer  {TOKEN} ", 200),
        (TOKEN, False, f"Basic {TOKEN}", 401),
        (TOKEN, False, f"Bearer {TOKEN}x", 401),
        (TOKEN, False, f"Bearer {TOKEN[:-1]}", 401),
        (TOKEN, False, "Bearer", 401),
        (TOKEN, False, "Bearer \xe9", 401),
    ],
)
def test_the_figures_are_for_this_machine_or_for_who_has_the_token(
    office: Office, watch: Watch, token: str | None, loopback: bool, header: str | None, status: int
) -> None:
    headers = {} if header is None else {b"authorization": header.encode("latin-1")}
    client = asked(office, watch, token, loopback=loopback)
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("gerbang_gate_up" in answer.text) is (status == 200)
    assert TOKEN not in answer.text
    assert client.get("/healthz").status_code == 200, "health is for whoever can reach it"


def test_health_holds_no_secret_and_figures_no_cookie(office: Office, watch: Watch) -> None:
    client = asked(office, watch, None, loopback=True)
    told = client.get("/healthz")
    assert told.json()["parts"].keys() == {"gate", "journal", "forwarder", "database"}
    assert str(office.folder) not in told.text
    assert "set-cookie" not in told.headers
    assert client.get("/metrics").headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("snapshots", "whole"),
    [
        ([], State.BAD),
        ([{}], State.GOOD),
        ([{"writable": False}], State.BAD),
        ([{"monotonic": time.monotonic() - 60}], State.BAD),
        ([{}, {"slot": "gate-1", "monotonic": 0.0}], State.DEGRADED),
        ([{}, {"slot": "gate-1", "writable": False}], State.BAD),
        ([{"closed": "there is no CA"}], State.GOOD),
        ([{"refused": "x.yaml:3:1: `signatures` is missing"}], State.DEGRADED),
    ],
)
def test_health_is_what_people_can_still_do(
    office: Office, tmp_path: Path, snapshots: list[Mapping[str, object]], whole: State
) -> None:
    for one in snapshots:
        fresh = {"monotonic": time.monotonic()}
        write_snapshot(tmp_path / "status", a_snapshot(**(fresh | one)))
    watch = Watch(tmp_path, tmp_path / "status", office.folder / "journal", office.store)
    assert health(watch.look())[0] is whole
    watch.close()


def test_a_database_that_is_away_or_slow_does_not_stop_the_gate(
    office: Office, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate does not need it, so whoever restarts what is bad must not restart the gate."""
    office.store.engine.dispose()
    monkeypatch.setattr(healths, "PATIENCE", 0.2)
    asks, answers = [], threading.Event()

    def slow(folder: Path, _: Store) -> Mapping[str, Backlog]:
        asks.append(folder)
        answers.wait(20)
        return {}

    monkeypatch.setattr(healths, "backlog", slow)
    assert PATIENCE < 5, "who asks for health waits no longer"
    whole, told = health(watch.look())
    assert whole is State.DEGRADED
    assert told["parts"]["database"]["state"] is State.DEGRADED  # type: ignore[index]
    monkeypatch.setattr(healths, "KEPT", 0.0)
    watch.look()
    assert len(asks) == 1, "one question at a time"
    answers.set()
    until(lambda: health(watch.look())[0] is State.GOOD)


def test_a_look_is_kept_however_many_ask(office: Office, watch: Watch) -> None:
    seen = watch.look()
    office.journal.append(an_event()).result(10)
    assert watch.look() is seen


def test_what_waits_is_told(office: Office, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    office.forwarder.once()
    office.journal.append(an_event()).result(10)
    view = watch.look()
    assert (view.lines, health(view)[0]) == (1, State.GOOD)
    monkeypatch.setattr(healths, "LATE", -1.0)
    assert health(view)[0] is State.DEGRADED
