"""The unit: what systemd says of it, and a service that it really starts."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from gerbang.serving import ENDING, PATIENCE

CHECKOUT = Path(__file__).parents[2]
UNIT = CHECKOUT / "deploy" / "systemd" / "gerbang.service"
# systemd's own measure, 0 to 10; what is left of it is the network, a port below 1024 and executable memory.
EXPOSURE = 1.8


def said(unit: Path, *question: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *question, str(unit)], capture_output=True, text=True)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    copy = tmp_path / "gerbang.service"
    copy.write_text(UNIT.read_text().replace("/opt/gerbang/bin/gerbang", "/bin/true"))
    return copy


@pytest.mark.needs_systemd
def test_systemd_has_nothing_to_say_against_the_unit(unit: Path) -> None:
    done = said(unit, "verify", "--man=no")
    assert (done.returncode, [line for line in done.stderr.splitlines() if "gerbang" in line]) == (0, [])


@pytest.mark.needs_systemd
def test_a_misspelt_line_would_be_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome", "ProtektHome"))
    assert "ProtektHome" in said(unit, "verify", "--man=no").stderr


@pytest.mark.needs_systemd
@pytest.mark.parametrize(("taken_out", "within"), [("", True), ("ProtectSystem=strict\nProtectHome=yes\n", False)])
def test_the_unit_is_as_closed_as_it_is_meant_to_be(unit: Path, taken_out: str, within: bool) -> None:
    whole = unit.read_text()
    assert taken_out in whole
    unit.write_text(whole.replace(taken_out, "") if taken_out else whole)
    done = said(unit, "security", "--offline=true", f"--threshold={round(EXPOSURE * 10)}")
    assert (done.returncode == 0) is within, done.stdout[-200:]


@pytest.mark.needs_systemd
def test_the_timer_and_what_it_starts_are_sound_and_closed(tmp_path: Path) -> None:
    for name in ("gerbang-officers.service", "gerbang-officers.timer"):
        text = (UNIT.parent / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/gerbang/bin/gerbang", "/bin/true"))
    service, timer = tmp_path / "gerbang-officers.service", tmp_path / "gerbang-officers.timer"
    for one in (service, timer):
        done = said(one, "verify", "--man=no")
        assert (done.returncode, [line for line in done.stderr.splitlines() if "gerbang" in line]) == (0, [])
    closed = said(service, "security", "--offline=true", f"--threshold={round(EXPOSURE * 10)}")
    assert closed.returncode == 0, closed.stdout[-200:]
    assert "officers sync --yes" in (UNIT.parent / service.name).read_text()


def test_systemd_waits_as_long_as_the_parts_may_take() -> None:
    stop = next(line for line in UNIT.read_text().splitlines() if line.startswith("TimeoutStopSec="))
    assert int(stop.partition("=")[2]) > PATIENCE * len(ENDING)


# ---------------------------------------------------------------- a systemd of its own


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was found in a trial: a wheel in /opt/gerbang, the shipped unit, an act through the service."""
    folder = tmp_path_factory.mktemp("boot")
    run = {"check": True, "capture_output": True, "text": True}
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, CHECKOUT], **run)
    (wheel,) = folder.glob("gerbang-*.whl")
    environment = folder / "venv"
    venv.create(environment, with_pip=True, symlinks=True)
    subprocess.run(
        [environment / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel], **run
    )
    _move(environment)
    work = folder / "work"
    work.mkdir()
    (packages,) = Path(sys.prefix, "lib").glob("python*/site-packages")
    script = CHECKOUT / "tests" / "deploy" / "boot.sh"
    asked = [script, work, CHECKOUT, environment, sys.base_prefix, packages, sys.executable]
    done = subprocess.run(["bash", *asked], capture_output=True, text=True, timeout=240)
    logs = [file.read_text() for name in ("trial.log", "serve.log") if (file := work / name).exists()]
    assert (work / "found.json").exists(), "\n".join([done.stdout, done.stderr, *logs])
    return {**json.loads((work / "found.json").read_text()), "log": logs[-1]}


def _move(environment: Path) -> None:
    """Make a venv one of /opt/gerbang, of the Python in /opt/python: as an admin's is, who has both there."""
    python = environment / "bin" / "python"
    name = os.path.basename(os.path.realpath(sys.executable))
    python.unlink()
    python.symlink_to(f"/opt/python/bin/{name}")
    config = environment / "pyvenv.cfg"
    lines = (line for line in config.read_text().splitlines() if not line.startswith(("home", "executable", "command")))
    config.write_text("\n".join(["home = /opt/python/bin", *lines]) + "\n")
    command = environment / "bin" / "gerbang"
    command.write_text(command.read_text().replace(str(environment), "/opt/gerbang"))
    (packages,) = (environment / "lib").glob("python*/site-packages")
    (packages / "shared.pth").write_text("/opt/packages\n")


@pytest.mark.needs_pid_one
def test_the_service_judges_an_act_and_writes_it_down(trial: dict[str, Any]) -> None:
    assert trial["answer"] in {200, 403}
    assert (trial["answer"] == 200) is (trial["arrived"] == ["status=Selamat+petang+semua"])
    assert "decision" in trial["kinds"]


@pytest.mark.needs_pid_one
def test_the_pac_file_is_served_on_a_port_that_needs_the_one_privilege(trial: dict[str, Any]) -> None:
    assert "FindProxyForURL" in trial["pac"]
    # CAP_NET_BIND_SERVICE is capability 10.
    assert [int(trial["status"][name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == [1 << 10] * 4
    assert trial["status"]["NoNewPrivs"] == "1"
    assert trial["status"]["Seccomp"] == "2"


@pytest.mark.needs_pid_one
def test_the_service_can_write_to_its_state_alone(trial: dict[str, Any]) -> None:
    reached = trial["reached"]
    assert [place for place, writable in reached.items() if writable] == ["/var/lib/gerbang"]
    assert trial["modes"] == {"gerbang": "700", "keys": "700"}


@pytest.mark.needs_pid_one
def test_the_service_ends_in_order(trial: dict[str, Any]) -> None:
    assert trial["result"] == "success"
    assert trial["kinds"][-1] in {"stop", "seal"}
    assert "Traceback" not in trial["log"]
