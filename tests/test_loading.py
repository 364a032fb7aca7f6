"""The world that follows its registers and activations while the gate runs."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from gate_builders import office_settings
from gerbang import loading
from gerbang.loading import LivingWorld

HEAD = "id,name,unit,office,service_group,groups,pattern\n"


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivingWorld]:
    monkeypatch.setattr(loading, "POLL_SECONDS", 0.02)
    settings = office_settings(tmp_path)
    settings.registers_folder.mkdir(parents=True)
    world = LivingWorld(settings)
    yield world
    world.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_bug_of_ours_is_said_and_the_next_change_is_taken(living: LivingWorld, tmp_path: Path) -> None:
    file = tmp_path / "state" / "registers" / "officers.csv"
    real, failures = loading.load_registers, [ZeroDivisionError("a bug")]

    def once_broken(folder: Path) -> object:
        if failures:
            raise failures.pop()
        return real(folder)

    with pytest.MonkeyPatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(loading, "load_registers", once_broken)
        living.start()
        file.write_text(HEAD + "aminah,Aminah,,hq,professional,,\n")
        until(lambda: not failures and any(entry["event"] == "fault-while-following" for entry in logs))
        assert all(entry["exc_info"] for entry in logs if entry["event"] == "fault-while-following")
        file.write_text(HEAD + "badrul,Badrul,,hq,professional,,\n")
        until(lambda: set(living.world.registers.officers) == {"badrul"})
