"""What `gerbang doctor` says of those who tell of sessions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gate_builders import office_settings
from gerbang.doctor.outcome import Level
from gerbang.doctor.people import SILENT, sessions
from gerbang.sessions import Desk, Session

ZONE = {"name": "wifi", "networks": ["127.0.0.0/8"], "office": "hq"}


def found(folder: Path, now: datetime, **zone: str) -> list[tuple[Level, str]]:
    settings = office_settings(folder, zones=[{**ZONE, **zone}])
    patient: Any = type("P", (), {"settings": settings, "now": now})()
    return [(one.level, one.what) for one in sessions(patient)]


def test_how_many_stand_and_how_old_the_last_word_is(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert found(tmp_path, now) == []
    assert found(tmp_path, now, sign_in="session") == [(Level.WARNING, "nobody has told of a session yet")]
    desk = Desk(office_settings(tmp_path).feeds_folder)
    hour = timedelta(hours=1)
    desk.say([Session("10.1.2.3", "aminah", now + hour), Session("10.1.2.4", "devi", now + 40 * hour)], now)
    ((level, said),) = found(tmp_path, now, sign_in="session")
    assert (level, said.startswith("2 sessions stand; ")) == (Level.GOOD, True)
    ((level, said),) = found(tmp_path, now + SILENT + hour, sign_in="session")
    assert (level, said.startswith("1 sessions stand; ")) == (Level.WARNING, True)
