"""`gerbang doctor`, as an admin types it: before and after the first start, and where something is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cli_builders import an_office, free_port, policy, settings

GERBANG = Path(sys.executable).with_name("gerbang")
HIDDEN = {"GERBANG_CONSOLE_PASSWORD": "empat perkataan panjang", "GERBANG_CA_PASSPHRASE": "satu frasa laluan cubaan"}


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GERBANG_")}
    return {**clean, "COLUMNS": "60", **more}


def gerbang(folder: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [GERBANG, *arguments], cwd=folder, capture_output=True, text=True, env=environment(**more), timeout=120
    )


def told(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """What the doctor says of each part: level and words."""
    asked = gerbang(folder, "doctor", "--json")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    found: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(asked.stdout):
        assert (one["todo"] is None) is (one["level"] == "good")
        found.setdefault(one["about"], []).append((one["level"], one["what"]))
    return found


def test_a_gate_that_init_made_is_well_before_and_after_its_start(tmp_path: Path) -> None:
    gate, console = free_port(), free_port()
    listeners = ("--listen", f"127.0.0.1:{gate}", "--console-listen", f"127.0.0.1:{console}")
    who = ("--organisation", "Jabatan Contoh", "--state", "PJY", "--network", "127.0.0.0/8", "--sign-in", "none")
    authority = ("--authority", "Arahan 1/2026", "--notice", "1")
    made = gerbang(tmp_path, "init", *who, *listeners, *authority, **HIDDEN)
    assert made.returncode == 0, made.stderr

    before = told(tmp_path)
    assert ("warning", "no gate is at work here") in before["gate"]
    assert ("good", f"gate.listen: 127.0.0.1:{gate} is free") in before["ports"]

    with (tmp_path / "log").open("w") as log:
        serve = subprocess.Popen(
            [GERBANG, "serve"], cwd=tmp_path, stderr=log, env=environment(), start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{console}/healthz", serve)
        after = told(tmp_path)
    finally:
        serve.send_signal(signal.SIGTERM)
        serve.wait(30)
    assert [level for level, _ in after["gate"]] == ["good"]
    assert "gerbang.internal shows a certificate of our CA" in after["gate"][0][1]
    assert ("good", f"gate.listen: 127.0.0.1:{gate} is held by the running gate") in after["ports"]
    assert ("good", f"console.listen: 127.0.0.1:{console} is held by the running gate") in after["ports"]
    assert any("gate-0 is being written" in what for _, what in after["journal"])
    assert any("those in force since" in what for _, what in after["in-force"])
    assert [level for level, _ in after["database"]] == ["good"]


def wait_for(url: str, serve: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while True:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert serve.poll() is None, "serve ended"
        assert time.monotonic() < until, "serve does not come to listen"
        time.sleep(0.2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    an_office(tmp_path)
    year = datetime.now(UTC).year
    known = [{"year": one, "states": ["PJY"]} for one in (year, year + 1)]
    with (tmp_path / "rules/calendars/ours.yaml").open("a") as file:
        file.write(f"complete_for: {known}\n")
    return tmp_path


def test_a_person_reads_lines_with_what_to_do_below(folder: Path) -> None:
    shown = gerbang(folder, "doctor")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"good    settings     {folder}/gerbang.toml is read whole\n")
    assert "warning ca           there is no CA in" in shown.stdout
    assert "\n                     -> make one with `gerbang ca create --root-out FILE`\n" in shown.stdout
    assert shown.stderr.endswith("to know of, 0 bad\n")
    assert "\x1b" not in shown.stdout


def test_what_is_bad_is_status_1(folder: Path) -> None:
    policy("effect: block", "effect: record")(folder)
    shown = gerbang(folder, "doctor")
    assert shown.returncode == 1
    assert "bad     policy       1 of 1 cases do not hold; the first: a post is stopped" in shown.stdout
    assert shown.stderr.endswith("1 bad\n")


def test_settings_that_cannot_be_read_are_a_line_too(folder: Path) -> None:
    settings("[gate]", "[gaet]")(folder)
    shown = gerbang(folder, "doctor")
    assert shown.returncode == 1
    assert shown.stdout.startswith("bad     settings     gerbang.toml:")
    assert "unknown setting `gaet`" in shown.stdout
    assert json.loads(gerbang(folder, "doctor", "--json").stdout)[0]["level"] == "bad"


@pytest.mark.parametrize("arguments", [("--config", "none.toml"), ("--whatever",), ("extra",)])
def test_what_is_typed_wrongly_is_status_2(folder: Path, arguments: tuple[str, ...]) -> None:
    shown = gerbang(folder, "doctor", *arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("gerbang: ")
