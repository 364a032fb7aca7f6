"""Editing registers: whole, checked, journalled, or not at all; and what is not touched stays as it was written."""

import os
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from builders import TUESDAY_MORNING
from gate_builders import office_settings
from gerbang import living as following
from gerbang import registering
from gerbang.cli.slot import cli_journal
from gerbang.errors import RecordError, RegisterError
from gerbang.journal.reader import Line, read
from gerbang.journal.sidecar import read_private
from gerbang.journal.writer import Journal
from gerbang.living import LivingWorld
from gerbang.record.event import RecordKeys
from gerbang.registering import ByHand, Edited, Sheet, edit
from gerbang.registers import REGISTERS, load_registers
from gerbang.settings import Settings
from gerbang.store import rows as store_rows
from journal_builders import KEYS, Faulty, a_journal
from waiting import until

APPROVALS = """\
# Kelulusan, disimpan oleh Unit Integriti
reference,id,grantee,purpose,authority,valid_from
KPPA 1/2026,K-1,aminah,political,KPPA,2026-01-01

# lama
"KPPA 2/2026, jld 2",K-2,group:media,political,KPPA,2026-02-01
"""


@pytest.fixture
def office(tmp_path: Path) -> Settings:
    settings = office_settings(tmp_path)
    settings.registers_folder.mkdir(parents=True)
    return settings


def file_of(office: Settings, register: str) -> Path:
    return office.registers_folder / REGISTERS[register].file


def changed(office: Settings, change: Any, register: str = "approvals", kind: str = "changed", **more: Any) -> Edited:
    arguments = {"by": "nora", "journal": partial(cli_journal, office)} | more
    return edit(office, register, change, kind=kind, **arguments)


def grant(number: str, **values: str) -> Any:
    given = {
        "id": number,
        "grantee": "aminah",
        "purpose": "political",
        "authority": "KPPA",
        "reference": "r",
        "valid_from": "2026-01-01",
    }
    return lambda sheet: sheet.add(**(given | values))


def told(office: Settings) -> list[Line]:
    return [line for line in read(office.journal_folder) if line.link.kind == "register-changed"]


# ---------------------------------------------------------------- what stays


def test_what_is_not_touched_stays_as_it_was_written(office: Settings) -> None:
    file = file_of(office, "approvals")
    file.write_text(APPROVALS)

    def withdraw(sheet: Sheet) -> None:
        (line,) = sheet.lines(id="K-1")
        line.set(withdrawn="2026-11-24")

    assert changed(office, withdraw, kind="withdrawn") == Edited("approvals", changed=1)
    assert file.read_text() == APPROVALS.replace("valid_from\n", "valid_from,withdrawn\n").replace(
        "KPPA,2026-01-01\n", "KPPA,2026-01-01,2026-11-24\n"
    ).replace("KPPA,2026-02-01\n", "KPPA,2026-02-01,\n")
    assert load_registers(office.registers_folder).approvals["aminah"][0].withdrawn is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "id,grantee,purpose,authority,reference,valid_from"),
        ("", "id,grantee"),
        ("# only a remark", "# only a remark\nid,grantee"),
        ("\ufeffid,grantee,purpose,authority,reference,valid_from\r\n", "\ufeffid,grantee"),
        ("id,grantee,purpose,authority,reference,valid_from", "id,grantee"),
    ],
)
def test_a_line_is_added_whatever_the_file_was(office: Settings, before: str | None, after: str) -> None:
    file = file_of(office, "approvals")
    if before is not None:
        file.write_bytes(before.encode())
    changed(office, grant("K-9", reference='a, "b"'), kind="added")
    text = file.read_bytes().decode()
    assert text.startswith(after)
    assert text.endswith("\r\n" if before and "\r\n" in before else "\n")
    assert text.count("\n") - text.count("\r\n") in (0, text.count("\n"))
    (found,) = load_registers(office.registers_folder).approvals["aminah"]
    assert found.reference == 'a, "b"'


def test_a_first_value_that_would_be_a_remark_stays_a_line(office: Settings) -> None:
    file_of(office, "approvals").write_text(APPROVALS)
    changed(office, grant("K-3", reference="#3/2026"), kind="added")
    assert {one.reference for one in load_registers(office.registers_folder).approvals["aminah"]} == {
        "KPPA 1/2026",
        "#3/2026",
    }


def test_a_line_is_removed_and_the_remarks_stay(office: Settings) -> None:
    file = file_of(office, "approvals")
    file.write_text(APPROVALS)
    assert changed(office, lambda sheet: sheet.lines(id="K-1")[0].remove(), kind="removed").removed == 1
    assert file.read_text() == APPROVALS.replace("KPPA 1/2026,K-1,aminah,political,KPPA,2026-01-01\n", "")


def test_the_rights_of_the_file_stay_and_a_new_one_is_nobody_elses(office: Settings) -> None:
    file = file_of(office, "approvals")
    changed(office, grant("K-1"), kind="added")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    changed(office, grant("K-2"), kind="added")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert {path.name for path in office.registers_folder.iterdir()} == {"approvals.csv", ".lock", "known.json"}
    for name in (".lock", "known.json"):
        assert stat.S_IMODE((office.registers_folder / name).stat().st_mode) == 0o600


def test_a_link_stays_a_link(office: Settings, tmp_path: Path) -> None:
    real = tmp_path / "shared.csv"
    real.write_text(APPROVALS)
    file_of(office, "approvals").symlink_to(real)
    changed(office, grant("K-3"), kind="added")
    assert file_of(office, "approvals").is_symlink()
    assert "K-3" in real.read_text()


# ---------------------------------------------------------------- what is written down


def test_an_edit_is_an_event_without_names_in_the_chain(office: Settings) -> None:
    file_of(office, "approvals").write_text(APPROVALS)
    registering._remember(office.registers_folder, {"approvals": registering.digest_of(APPROVALS.encode())})
    changed(office, grant("K-3", grantee="devi", reference="Surat 9"), kind="added", clock=lambda: TUESDAY_MORNING)
    (line,) = told(office)
    body = dict(line.link.body)
    assert {name: body[name] for name in ("register", "change", "entry", "added", "changed", "removed")} == {
        "register": "approvals",
        "change": "added",
        "entry": "K-3",
        "added": 1,
        "changed": 0,
        "removed": 0,
    }
    for private in (b"devi", b"Surat 9", b"nora"):
        assert private not in line.raw
    kept: Mapping[str, Any] = read_private(line)
    assert kept["by"] == "nora"
    (one,) = kept["lines"]
    assert (one["change"], one["before"], one["after"]["grantee"]) == ("added", {}, "devi")
    assert kept["digests"]["after"] == load_registers(office.registers_folder).digests["approvals"]
    assert store_rows.rows_of(line)


def test_an_officers_id_is_not_chained(office: Settings) -> None:
    changed(office, lambda sheet: sheet.add(id="aminah", name="Aminah"), "officers", "added")
    (line,) = told(office)
    assert line.link.body["entry"] is None
    assert b"aminah" not in line.raw


def test_an_edit_that_changes_nothing_writes_nothing(office: Settings) -> None:
    file_of(office, "approvals").write_text(APPROVALS)

    def same(sheet: Sheet) -> None:
        sheet.lines(id="K-1")[0].set(purpose="political", withdrawn="")

    assert not changed(office, same).made
    assert file_of(office, "approvals").read_text() == APPROVALS
    assert not office.journal_folder.exists()


def test_an_import_tells_a_hundred_lines_and_how_many_more(office: Settings) -> None:
    def many(sheet: Sheet) -> None:
        for number in range(registering.MOST_TOLD + 1):
            sheet.add(id=f"P-{number}", name="Pegawai")

    assert changed(office, many, "officers", "imported").added == registering.MOST_TOLD + 1
    (line,) = told(office)
    kept: Mapping[str, Any] = read_private(line)
    assert (len(kept["lines"]), kept["lines_left_out"]) == (registering.MOST_TOLD, 1)


def test_long_lines_are_told_up_to_a_size(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "TOLD_BYTES", 700)

    def two(sheet: Sheet) -> None:
        for number in range(2):
            sheet.add(id=f"P-{number}", name="P" * 400)

    changed(office, two, "officers", "imported")
    kept: Mapping[str, Any] = read_private(told(office)[0])
    assert (len(kept["lines"]), kept["lines_left_out"]) == (1, 1)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("register", "change", "sentence"),
    [
        ("approvals", grant("K-1"), "the approval `K-1` is already on line 3"),
        ("approvals", grant("K-3", valid_from="kelmarin"), "`valid_from` cannot be `kelmarin`; write a date"),
        ("approvals", grant("K-3", authority=""), "`authority` has no value"),
        ("approvals", grant("K-3", authority="a\nb"), "a line break or another control character"),
        ("approvals", grant("K-3", colour="red"), "unknown column `colour`; expected one of `id`"),
        ("officers", lambda s: s.add(id="a", name="A", office="hk"), "at the office `hk`, which the settings do not"),
        ("officers", lambda s: s.add(id="a", name="A", pattern="night"), "pattern `night`, which no calendar has"),
    ],
)
def test_a_refused_edit_changes_nothing(office: Settings, register: str, change: Any, sentence: str) -> None:
    file_of(office, "approvals").write_text(APPROVALS)
    with pytest.raises(RegisterError) as caught:
        changed(office, change, register, "added")
    assert sentence in str(caught.value)
    assert file_of(office, "approvals").read_text() == APPROVALS
    assert {path.name for path in office.registers_folder.iterdir()} <= {"approvals.csv", ".lock"}
    assert not office.journal_folder.exists()


def test_no_edit_makes_wrong_registers_right_or_worse(office: Settings) -> None:
    """Another register that is wrong stops the edit: the gate would not take it."""
    file_of(office, "officers").write_text("id,name\na,A\na,B\n")
    with pytest.raises(RegisterError, match=r"officers\.csv:3: the officer `a` is already on line 2"):
        changed(office, grant("K-1"), kind="added")
    assert not file_of(office, "approvals").exists()


@contextmanager
def ledger(journal: Journal) -> Iterator[tuple[Journal, RecordKeys]]:
    yield journal, KEYS


def test_without_its_line_there_is_no_change(office: Settings, tmp_path: Path) -> None:
    file_of(office, "approvals").write_text(APPROVALS)
    faulty = Faulty()
    with closing(a_journal(tmp_path / "elsewhere", disk=faulty.disk())) as journal:
        faulty.fails("fsync", 100)
        with pytest.raises(RecordError):
            changed(office, grant("K-3"), kind="added", journal=lambda: ledger(journal))
        faulty.fails("fsync", 0)
    assert file_of(office, "approvals").read_text() == APPROVALS
    assert {path.name for path in office.registers_folder.iterdir()} == {"approvals.csv", ".lock"}


def test_a_file_that_another_program_writes_meanwhile_is_not_overwritten(office: Settings) -> None:
    file = file_of(office, "approvals")
    file.write_text(APPROVALS)

    @contextmanager
    def slow() -> Iterator[tuple[Journal, RecordKeys]]:
        file.write_text(APPROVALS + "KPPA 3/2026,K-7,devi,political,KPPA,2026-03-01\n")
        with cli_journal(office) as opened:
            yield opened

    with pytest.raises(RegisterError, match="was changed by somebody else meanwhile; try again"):
        changed(office, grant("K-3"), kind="added", journal=slow)
    assert "K-7" in file.read_text()
    assert "K-3" not in file.read_text()
    assert [line.link.body["change"] for line in told(office)][-2:] == ["added", "given-up"]


def test_edits_wait_for_each_other_and_none_is_lost(office: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: changed(office, grant(f"K-{number}"), kind="added"), range(8)))
    assert {one.id for one in load_registers(office.registers_folder).approvals["aminah"]} == {
        f"K-{number}" for number in range(8)
    }
    assert len(told(office)) == 8


def test_an_edit_that_waits_too_long_says_so(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "PATIENCE", 0.1)
    with (
        registering.locked(office.registers_folder),
        pytest.raises(RegisterError, match="are being edited by another command; try again"),
    ):
        changed(office, grant("K-1"), kind="added")


# ---------------------------------------------------------------- by hand


@pytest.fixture
def following_gate(office: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LivingWorld, Faulty]]:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.02)
    world = LivingWorld(office)
    faulty = Faulty()
    with closing(a_journal(office.journal_folder, disk=faulty.disk())) as journal:
        by_hand = ByHand(office, journal, KEYS, lambda: TUESDAY_MORNING)
        by_hand(world.world.registers)
        world.before_registers = by_hand
        world.start()
        yield world, faulty
        world.close()


def test_a_change_in_an_editor_is_taken_and_written_down_once(
    office: Settings, following_gate: tuple[LivingWorld, Faulty]
) -> None:
    world, _ = following_gate
    file_of(office, "approvals").write_text(APPROVALS)
    until(lambda: "aminah" in world.world.registers.approvals)
    (line,) = told(office)
    assert (line.link.body["by"], line.link.body["change"]) == ("file", "added")
    kept: Mapping[str, Any] = read_private(line)
    assert kept["digests"] == {"before": None, "after": world.world.registers.digests["approvals"]}
    file_of(office, "approvals").unlink()
    until(lambda: not world.world.registers.approvals)
    assert [line.link.body["change"] for line in told(office)] == ["added", "removed"]


def test_what_a_command_changed_is_taken_and_not_written_down_again(
    office: Settings, following_gate: tuple[LivingWorld, Faulty]
) -> None:
    world, _ = following_gate
    changed(office, grant("K-1"), kind="added")
    until(lambda: "aminah" in world.world.registers.approvals)
    changed(office, grant("K-2", grantee="devi"), kind="added")
    until(lambda: "devi" in world.world.registers.approvals)
    assert [line.link.body["change"] for line in told(office)] == ["added", "added"]
    assert all(line.link.body["by"] != "file" for line in told(office))


def test_a_change_that_cannot_be_written_down_does_not_count_until_it_can(
    office: Settings, following_gate: tuple[LivingWorld, Faulty]
) -> None:
    world, faulty = following_gate
    with structlog.testing.capture_logs() as logs:
        faulty.fails("fsync", 1_000_000)
        file_of(office, "approvals").write_text(APPROVALS)
        until(lambda: any(entry["event"] == "registers-refused" for entry in logs))
        assert not world.world.registers.approvals
        faulty.fails("fsync", 0)
        until(lambda: "aminah" in world.world.registers.approvals)
    assert sum(entry["event"] == "registers-refused" for entry in logs) <= 2


def test_a_file_that_never_rests_does_not_flood_the_journal(office: Settings) -> None:
    with closing(a_journal(office.journal_folder)) as journal:
        by_hand = ByHand(office, journal, KEYS, lambda: TUESDAY_MORNING)
        for number in range(registering.BY_HAND_AT_ONCE):
            file_of(office, "approvals").write_text(APPROVALS + f"# {number}\n")
            by_hand(load_registers(office.registers_folder))
        file_of(office, "approvals").write_text(APPROVALS)
        with pytest.raises(RecordError, match="changed by hand too often"):
            by_hand(load_registers(office.registers_folder))
    assert len(told(office)) == registering.BY_HAND_AT_ONCE


def test_a_change_by_hand_that_nobody_saw_is_written_down_before_the_next_edit(office: Settings) -> None:
    changed(office, grant("K-1"), kind="added")
    with file_of(office, "approvals").open("a") as file:
        file.write("# a remark\n")
    changed(office, grant("K-2"), kind="added")
    assert [line.link.body["by"] == "file" for line in told(office)] == [False, True, False]


def test_a_change_of_before_the_start_is_written_down_at_the_start(office: Settings) -> None:
    changed(office, grant("K-1"), kind="added")
    os.truncate(file_of(office, "approvals"), 0)
    with closing(a_journal(office.journal_folder)) as journal:
        ByHand(office, journal, KEYS, lambda: TUESDAY_MORNING)(load_registers(office.registers_folder))
    assert [line.link.body["by"] == "file" for line in told(office)].count(True) == 1


def test_what_a_command_changes_while_a_gate_reads_is_no_change_by_hand(office: Settings) -> None:
    changed(office, grant("K-1"), kind="added")
    registers = load_registers(office.registers_folder)
    changed(office, grant("K-2"), kind="added")
    with closing(a_journal(office.journal_folder)) as journal:
        by_hand = ByHand(office, journal, KEYS, lambda: TUESDAY_MORNING)
        with pytest.raises(RecordError, match="changed while they were read"):
            by_hand(registers)
        by_hand(load_registers(office.registers_folder))
    assert not [line for line in told(office) if line.link.body["by"] == "file"]


def test_a_crash_between_the_line_and_the_file_is_told_by_the_next_start(
    office: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(office, grant("K-1"), kind="added")
    before = file_of(office, "approvals").read_bytes()
    remember = registering._remember

    def killed(*_: object) -> None:
        monkeypatch.setattr(registering, "_remember", lambda *_: None)  # a process that is gone puts nothing right
        raise KeyboardInterrupt

    with monkeypatch.context() as here:
        here.setattr(Path, "replace", lambda file, to: killed() if to.name == "approvals.csv" else os.replace(file, to))
        with pytest.raises(KeyboardInterrupt):
            changed(office, grant("K-2"), kind="added")
    monkeypatch.setattr(registering, "_remember", remember)
    assert file_of(office, "approvals").read_bytes() == before
    with closing(a_journal(office.journal_folder)) as journal:
        ByHand(office, journal, KEYS, lambda: TUESDAY_MORNING)(load_registers(office.registers_folder))
    (back,) = (line for line in told(office) if line.link.body["by"] == "file")
    *_, added = (line for line in told(office) if line.link.id != back.link.id)
    kept: tuple[Mapping[str, Any], ...] = (read_private(added), read_private(back))
    assert kept[1]["digests"] == {"before": kept[0]["digests"]["after"], "after": kept[0]["digests"]["before"]}
