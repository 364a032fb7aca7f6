"""The registers: taken whole, or refused with the file, the line, the column and what would do."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang import csv_files
from gerbang.errors import RegisterError
from gerbang.model import Officer, Registers, Standing
from gerbang.registers import RegisterWatch, load_registers

OFFICERS = "id,name,unit,office,service_group,groups,pattern\n"
ACCOUNTS = "platform,account,handle,name,standing,unit\n"
APPROVALS = "id,grantee,purpose,authority,reference,valid_from,valid_to,withdrawn\n"

AMINAH = "P-1001,Aminah binti Contoh,Komunikasi,hq,professional,official-social-media;spokesperson,flexi\n"


def load(folder: Path, officers: str = "", accounts: str = "", approvals: str = "") -> Registers:
    for name, text in (("officers", officers), ("accounts", accounts), ("approvals", approvals)):
        if text:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return load_registers(folder)


def refusal(folder: Path, **texts: str) -> str:
    """The error's sentence, without the folder."""
    with pytest.raises(RegisterError) as caught:
        load(folder, **texts)
    return str(caught.value).replace(f"{folder}/", "")


# ---------------------------------------------------------------- what is taken


def test_no_files_are_empty_registers(tmp_path: Path) -> None:
    assert load_registers(tmp_path) == Registers()
    assert load_registers(tmp_path / "not-there") == Registers()


def test_an_officer_is_taken_with_all_that_is_on_file(tmp_path: Path) -> None:
    found = load(tmp_path, officers=OFFICERS + AMINAH + "P-1002,Budi Contoh,,,,,\n")
    assert found.officers == {
        "P-1001": Officer(
            "P-1001",
            "Aminah binti Contoh",
            "Komunikasi",
            "hq",
            "professional",
            frozenset({"official-social-media", "spokesperson"}),
            "flexi",
        ),
        "P-1002": Officer("P-1002", "Budi Contoh"),
    }


def test_an_account_is_known_by_its_number_and_its_handle_in_any_case(tmp_path: Path) -> None:
    text = "x,2001,@AgensiContoh,Agensi Contoh,,Komunikasi\nx,,lama_contoh,,personal,\nfacebook,2001,,,unknown,\n"
    assert load(tmp_path, accounts=ACCOUNTS + text).accounts == {
        ("x", "2001"): Standing.OFFICIAL,
        ("x", "@agensicontoh"): Standing.OFFICIAL,
        ("x", "@lama_contoh"): Standing.PERSONAL,
        ("facebook", "2001"): Standing.UNKNOWN,
    }


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "first", "after_last"),
    [
        ("2026-11-01", "2026-11-30", "2026-11-01T00:00+08:00", "2026-12-01T00:00+08:00"),
        ("2026-11-01T08:00", "2026-11-01T17:00", "2026-11-01T08:00+08:00", "2026-11-01T17:00+08:00"),
        ("2026-11-01T08:00Z", "2026-11-01T17:00+07:00", "2026-11-01T16:00+08:00", "2026-11-01T18:00+08:00"),
        ("2026-11-01", "2026-11-01", "2026-11-01T00:00+08:00", "2026-11-02T00:00+08:00"),
        ("2026-11-01", "", "2026-11-01T00:00+08:00", None),
    ],
)
def test_a_date_is_the_whole_day_in_malaysia(
    tmp_path: Path, valid_from: str, valid_to: str, first: str, after_last: str | None
) -> None:
    row = f"K-1,P-1001,political,KPPA,KPPA 1/2026,{valid_from},{valid_to},\n"
    (found,) = load(tmp_path, approvals=APPROVALS + row).approvals["P-1001"]
    assert found.valid_from == datetime.fromisoformat(first)
    assert found.valid_to == (datetime.fromisoformat(after_last) if after_last else None)


def test_a_withdrawal_holds_from_the_start_of_its_day(tmp_path: Path) -> None:
    row = "K-1,group:spokesperson,statement,Menteri,M 1/2026,2026-01-01,,2026-06-15\n"
    (found,) = load(tmp_path, approvals=APPROVALS + row).approvals["group:spokesperson"]
    assert found.withdrawn == datetime(2026, 6, 15, tzinfo=ZoneInfo("Asia/Kuala_Lumpur"))


def test_a_grantees_approvals_stay_together(tmp_path: Path) -> None:
    rows = "".join(f"K-{number},P-1,political,KPPA,r,2026-01-01,,\n" for number in (1, 2))
    assert [one.id for one in load(tmp_path, approvals=APPROVALS + rows).approvals["P-1"]] == ["K-1", "K-2"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + OFFICERS + AMINAH,  # Excel's `CSV UTF-8`
        (OFFICERS + AMINAH).replace("\n", "\r\n"),
        OFFICERS + "\n,,,,,,\n" + AMINAH + "\n",
        (OFFICERS + AMINAH).removesuffix("\n"),
        OFFICERS.upper() + AMINAH.replace(",", " , "),
        OFFICERS + AMINAH.replace("Aminah binti Contoh", '"Aminah binti Contoh"'),
    ],
)
def test_the_ways_of_a_spreadsheet_make_no_difference(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, officers=text).officers["P-1001"].name == "Aminah binti Contoh"


def test_columns_may_come_in_any_order_and_the_optional_ones_may_be_missing(tmp_path: Path) -> None:
    found = load(tmp_path, officers="name,id\nAminah binti Contoh,P-1001\n")
    assert found.officers["P-1001"] == Officer("P-1001", "Aminah binti Contoh")


def test_a_value_may_hold_commas_and_quotes(tmp_path: Path) -> None:
    found = load(tmp_path, officers='id,name,unit\nP-1,"Contoh, ""Ali"" bin",Unit ; A\n')
    assert (found.officers["P-1"].name, found.officers["P-1"].unit) == ('Contoh, "Ali" bin', "Unit ; A")


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("register", "text", "sentence"),
    [
        (
            "officers",
            OFFICERS + AMINAH + AMINAH,
            "officers.csv:3: the officer `P-1001` is already on line 2; give each officer one line",
        ),
        ("officers", OFFICERS + AMINAH + AMINAH.lower(), "officers.csv:3: the officer `p-1001` is already on line 2"),
        (
            "officers",
            OFFICERS + "P-1,Contoh,,,profesional,,\n",
            "officers.csv:2: `service_group` cannot be `profesional`; did you mean `professional`? expected one of",
        ),
        (
            "officers",
            "id,nama\nP-1,Contoh\n",
            "officers.csv:1: unknown column `nama`; did you mean `name`? expected one of `id`, `name`, `unit`,",
        ),
        ("officers", "id,name,id\nP-1,Contoh,P-2\n", "officers.csv:1: the column `id` is there twice"),
        ("officers", "id\nP-1\n", "officers.csv:1: the column `name` is missing; the columns are id, name, unit"),
        ("officers", "id;name\nP-1;Contoh\n", "officers.csv:1: has its columns separated by semicolons; separate them"),
        ("officers", OFFICERS + "unknown,Contoh,,,,,\n", "officers.csv:2: `id` cannot be `unknown`; a sign-in name is"),
        ("officers", OFFICERS + "group:x,Contoh,,,,,\n", "officers.csv:2: `id` cannot be `group:x`; a sign-in name is"),
        ("officers", OFFICERS + ",Contoh,,,,,\n", "officers.csv:2: `id` has no value"),
        (
            "officers",
            OFFICERS + "P-1,Contoh, Ali,,,,,\n",
            "officers.csv:2: has 8 values for 7 columns; put a value that has a comma in it in double quotes",
        ),
        (
            "officers",
            OFFICERS + "P-1,Contoh\n",
            "officers.csv:2: has 2 values for 7 columns; write a comma for each value that is left out",
        ),
        (
            "officers",
            OFFICERS + AMINAH + 'P-2,"Contoh,,,,,\nP-3,Contoh,,,,,\n',
            "officers.csv:3: a double quote is opened here and never closed; close it",
        ),
        (
            "officers",
            OFFICERS + 'P-2,"Contoh" Ali,,,,,\n',
            "officers.csv:2: text follows a closing double quote; write a double quote within a value twice",
        ),
        (
            "officers",
            OFFICERS + 'P-2,"Contoh\nAli",,,,,\n',
            "officers.csv:2: `name` has a line break or another control character in it; write it on one line",
        ),
        ("officers", OFFICERS + "P-2,Contoh\x1b[31m,,,,,\n", "officers.csv:2: `name` has a line break or another"),
        (
            "officers",
            OFFICERS + "P-2,Con\x00toh,,,,,\n",
            "officers.csv:2: has a NUL byte in it; save it as `CSV UTF-8`",
        ),
        (
            "officers",
            OFFICERS + "P-2,Contoh,,,,Jurucakap Rasmi,\n",
            "officers.csv:2: `groups` cannot be `Jurucakap Rasmi`; small letters, digits and hyphens, separated by",
        ),
        (
            "officers",
            OFFICERS + "P-2,Contoh,,,professional,spokesperson;support,\n",
            "officers.csv:2: `groups` cannot be `spokesperson;support`; `support` is a service group; write it under",
        ),
        ("officers", OFFICERS + "P-2,Contoh,,,,,Flexi\n", "officers.csv:2: `pattern` cannot be `Flexi`; small letters"),
        (
            "officers",
            OFFICERS + f"P-2,{'a' * 501},,,,,\n",
            "officers.csv:2: `name` is longer than 500 characters; look for a missing double quote before it",
        ),
        (
            "officers",
            OFFICERS + f"P-2,{'a' * 200_000},,,,,\n",
            "officers.csv:2: a value is far too long; look for a double quote that is never closed",
        ),
        (
            "accounts",
            ACCOUNTS + "x,,,Agensi,,\n",
            "accounts.csv:2: neither `account` nor `handle` has a value; give at least one of them",
        ),
        (
            "accounts",
            ACCOUNTS + "x,1,@a,,,\nx,2,A,,,\n",
            "accounts.csv:3: the account `@a` on `x` is already on",
        ),
        (
            "accounts",
            ACCOUNTS + "x,1,,,rasmi,\n",
            "accounts.csv:2: `standing` cannot be `rasmi`; expected one of `official`, `personal`, `unknown`",
        ),
        ("accounts", ACCOUNTS + "X.com,1,,,,\n", "accounts.csv:2: `platform` cannot be `X.com`; small letters"),
        (
            "approvals",
            APPROVALS + "K-1,P-1,political,KPPA,r,2026-01-01,,\n" * 2,
            "approvals.csv:3: the approval `K-1` is already on line 2; give each approval an `id` of its own",
        ),
        (
            "approvals",
            APPROVALS + "K-1,P-1,political,KPPA,r,1/1/2026,,\n",
            "approvals.csv:2: `valid_from` cannot be `1/1/2026`; write a date as `2026-12-31`, or a time as",
        ),
        ("approvals", APPROVALS + "K-1,P-1,political,KPPA,r,2026-02-30,,\n", "`valid_from` cannot be `2026-02-30`"),
        ("approvals", APPROVALS + "K-1,P-1,political,KPPA,r,20260101,,\n", "`valid_from` cannot be `20260101`"),
        ("approvals", APPROVALS + "K-1,P-1,political,KPPA,r,0001-01-01,,\n", "`valid_from` cannot be `0001-01-01`"),
        (
            "approvals",
            APPROVALS + "K-1,P-1,political,KPPA,r,2026-01-01,9999-12-31,\n",
            "`valid_to` cannot be",
        ),
        (
            "approvals",
            APPROVALS + "K-1,P-1,political,KPPA,r,2026-06-01,2026-05-31,\n",
            "approvals.csv:2: `valid_to` is `2026-05-31`, before `valid_from`; exchange them, or correct one",
        ),
        (
            "approvals",
            APPROVALS + "K-1,group:Semua Orang,political,KPPA,r,2026-01-01,,\n",
            "approvals.csv:2: `grantee` cannot be `group:Semua Orang`; an officer's id or `group:NAME` is expected",
        ),
        ("approvals", APPROVALS + "K-1,P-1,political,,r,2026-01-01,,\n", "approvals.csv:2: `authority` has no value"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, register: str, text: str, sentence: str) -> None:
    assert sentence in refusal(tmp_path, **{register: text})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ((OFFICERS + AMINAH).encode("utf-16"), "officers.csv: is UTF-16; save it as `CSV UTF-8`"),
        ((OFFICERS + AMINAH).encode("utf-16-be"), "officers.csv:1: has a NUL byte in it; save it as `CSV UTF-8`"),
        (OFFICERS.encode() + b"P-1,Contoh caf\xe9,,,,,\n", "officers.csv:2: is not UTF-8; save it as `CSV UTF-8`"),
    ],
)
def test_another_encoding_is_named_not_guessed(tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "officers.csv").write_bytes(data)
    assert refusal(tmp_path) == sentence


def test_one_bad_line_refuses_all_registers(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, officers=OFFICERS + AMINAH, approvals=APPROVALS + "K-1,P-1001,,,,,,\n")
    assert sentence == "approvals.csv:2: `purpose` has no value"


def test_what_is_no_plain_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "officers.csv")
    assert refusal(tmp_path) == "officers.csv: is not a plain file"
    (tmp_path / "officers.csv").unlink()
    (tmp_path / "officers.csv").mkdir()
    assert refusal(tmp_path) == "officers.csv: is not a plain file"
    (tmp_path / "a-file").touch()
    assert "officers.csv: cannot be read: not a directory" in refusal(tmp_path / "a-file")


def test_size_and_lines_are_bounded_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = OFFICERS + AMINAH + "P-1002,Budi Contoh,,,,,\n"
    monkeypatch.setattr(csv_files, "MAX_BYTES", len(text))
    monkeypatch.setattr(csv_files, "MAX_ROWS", 2)
    assert len(load(tmp_path, officers=text).officers) == 2
    monkeypatch.setattr(csv_files, "MAX_ROWS", 1)
    assert refusal(tmp_path) == "officers.csv:3: has more than 1 lines; this is no register"
    monkeypatch.setattr(csv_files, "MAX_BYTES", len(text) - 1)
    assert refusal(tmp_path) == "officers.csv: is larger than 0 MiB; this is no register"


@given(data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (OFFICERS + text).encode("utf-8")))
def test_no_bytes_raise_anything_but_our_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("registers")
    (folder / "officers.csv").write_bytes(data)
    try:
        found = load_registers(folder)
    except RegisterError as error:
        place = error.place
    else:
        assert all(officer.name and officer.id == key for key, officer in found.officers.items())
        return
    assert place is not None
    assert place.file.endswith("officers.csv")


def test_fifty_thousand_officers_load_in_seconds(tmp_path: Path) -> None:
    rows = (f"P-{number},Pegawai Contoh {number},Unit {number % 50},hq,support,a;b,flexi\n" for number in range(50_000))
    text = OFFICERS + "".join(rows)
    began = time.process_time()
    found = load(tmp_path, officers=text)
    assert time.process_time() - began < 5  # 0.4 s on a small machine
    assert len(found.officers) == 50_000


# ---------------------------------------------------------------- noticing a change


def settle(file: Path) -> None:
    """Set the file's time to a minute ago, as though it had been written then."""
    then = time.time() - 60
    os.utime(file, (then, then))


def test_a_change_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "officers.csv"
    watch = RegisterWatch(tmp_path)
    assert not watch.changed()
    file.write_text(OFFICERS, encoding="utf-8")
    settle(file)
    assert watch.changed()
    assert not watch.changed()
    file.unlink()
    assert watch.changed()
    assert not watch.changed()


def test_a_file_of_the_same_size_and_time_that_took_the_others_place_is_a_change(tmp_path: Path) -> None:
    file, fresh = tmp_path / "officers.csv", tmp_path / "fresh.csv"
    file.write_text(OFFICERS + AMINAH, encoding="utf-8")
    fresh.write_text(OFFICERS + AMINAH.replace("1001", "1009"), encoding="utf-8")
    settle(file)
    os.utime(fresh, ns=(file.stat().st_mtime_ns,) * 2)
    watch = RegisterWatch(tmp_path)
    fresh.rename(file)
    assert watch.changed()


def test_a_file_that_is_still_being_written_is_left_until_it_rests(tmp_path: Path) -> None:
    watch = RegisterWatch(tmp_path)
    file = tmp_path / "officers.csv"
    file.write_text(OFFICERS, encoding="utf-8")
    assert not watch.changed()
    settle(file)
    assert watch.changed()


def test_a_file_with_a_time_to_come_is_a_change_all_the_same(tmp_path: Path) -> None:
    watch = RegisterWatch(tmp_path)
    file = tmp_path / "officers.csv"
    file.write_text(OFFICERS, encoding="utf-8")
    ahead = time.time() + timedelta(days=1).total_seconds()
    os.utime(file, (ahead, ahead))
    assert watch.changed()


def test_a_remark_is_no_line_and_the_lines_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "officers.csv").write_text(
        '# daftar pegawai\nid,name\n#contoh,Pegawai "Contoh", dengan koma\n#,"\naminah,Aminah\n', "utf-8"
    )
    assert list(load_registers(tmp_path).officers) == ["aminah"]
    with (tmp_path / "officers.csv").open("a") as file:
        file.write("# satu lagi\nbad id,X\n")
    with pytest.raises(RegisterError, match=r"officers\.csv:7"):
        load_registers(tmp_path)


def test_a_mark_in_the_middle_is_no_remark(tmp_path: Path) -> None:
    (tmp_path / "officers.csv").write_text("id,name,unit\naminah,# Aminah,#\n", "utf-8")
    assert load_registers(tmp_path).officers["aminah"].unit == "#"


# ---------------------------------------------------------------- own days


def test_own_days_by_officer(tmp_path: Path) -> None:
    (tmp_path / "own-days.csv").write_text(
        "officer,kind,from,until,reference,by,office\n"
        "aminah,leave,2026-11-24,2026-11-25,C 1/2026,devi,\n"
        "aminah,clock-in,2026-11-26T08:07:59,,,,\n"
        "farid,elsewhere,2026-11-24,,E 2/2026,devi,johor\n"
    )
    own = load_registers(tmp_path).own_days
    leave, clock = own["aminah"].entries
    assert (leave.kind, leave.whole, leave.since, leave.until) == (
        "leave",
        True,
        datetime.fromisoformat("2026-11-24"),
        datetime.fromisoformat("2026-11-26"),
    )
    assert (clock.since, clock.until) == (datetime.fromisoformat("2026-11-26T08:07"), None)
    assert own["farid"].entries[0].office == "johor"


def test_an_own_day_that_cannot_be_taken_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "own-days.csv"
    file.write_text("officer,kind,from,until,reference,by\naminah,errand,2026-11-24T08:00,2026-11-24T12:01,U 1,devi\n")
    with pytest.raises(RegisterError) as told:
        load_registers(tmp_path)
    assert str(told.value) == (f"{file}:2: an errand is longer than 4 hours; write it as `leave`, or correct its times")


def test_a_changed_own_day_is_noticed(tmp_path: Path) -> None:
    watch = RegisterWatch(tmp_path)
    file = tmp_path / "own-days.csv"
    file.write_text("officer,kind,from\n")
    os.utime(file, (1, 1))
    assert watch.changed()
