"""What a gate says of itself, as others read it."""

import time
from pathlib import Path

import pytest

from gerbang.status import (
    FRESH,
    MOST_GATES,
    MOST_SERIES,
    SNAPSHOT_LIMIT,
    Snapshot,
    read_snapshots,
    remove_snapshot,
    series,
    write_snapshot,
)
from status_builders import a_snapshot


def test_what_is_written_is_read_by_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "status"
    write_snapshot(folder, a_snapshot())
    assert read_snapshots(folder) == (Snapshot.model_validate_json((folder / "gate-0.json").read_bytes()),)
    assert [file.name for file in folder.iterdir()] == ["gate-0.json"]
    assert (folder / "gate-0.json").stat().st_mode & 0o777 == 0o600
    remove_snapshot(folder, "gate-0")
    remove_snapshot(folder, "gate-0")
    assert read_snapshots(folder) == ()


def test_no_folder_says_nothing(tmp_path: Path) -> None:
    assert read_snapshots(tmp_path / "none") == ()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b"\xff\xfe", b" " * (SNAPSHOT_LIMIT + 1)])
def test_what_cannot_be_read_is_left_out(tmp_path: Path, content: bytes) -> None:
    write_snapshot(tmp_path, a_snapshot())
    (tmp_path / "gate-1.json").write_bytes(content)
    (tmp_path / "gate-2.new").write_bytes(b"half")
    assert [one.slot for one in read_snapshots(tmp_path)] == ["gate-0"]


def test_a_snapshot_at_the_bound_is_read_and_gates_are_bounded(tmp_path: Path) -> None:
    for number in range(MOST_GATES + 1):
        write_snapshot(tmp_path, a_snapshot(slot=f"gate-{number:02}"))
    assert len(read_snapshots(tmp_path)) == MOST_GATES
    first = tmp_path / "gate-00.json"
    first.write_bytes(first.read_bytes().ljust(SNAPSHOT_LIMIT))
    assert read_snapshots(tmp_path)[0].slot == "gate-00"


def test_series_are_bounded() -> None:
    assert len(series({(str(number),): 1.0 for number in range(MOST_SERIES + 1)})) == MOST_SERIES


@pytest.mark.parametrize(("ago", "fresh"), [(0.0, True), (FRESH - 1, True), (FRESH + 1, False), (-60.0, False)])
def test_a_gate_is_there_while_it_speaks_whatever_the_wall_clock_says(ago: float, fresh: bool) -> None:
    """A time that lies ahead is from before the machine was started anew."""
    assert a_snapshot(monotonic=time.monotonic() - ago, at=0.0).fresh is fresh
