"""The example of a whole office: it loads, and means what its comments say."""

import json
import tomllib
from pathlib import Path

import pytest

from e2e.office import run_gerbang
from gerbang.fleet.pac import directions_of
from gerbang.gate.identity.zones import Zones
from gerbang.gate.targets import parse_allowed
from gerbang.loading import load_world
from gerbang.model import Device
from gerbang.settings import Settings, load_settings

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = CHECKOUT / "deploy" / "gerbang.toml"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(EXAMPLE, {})


def test_the_pcs_are_opened_and_sign_in_and_the_guests_are_not_and_do_not(settings: Settings, tmp_path: Path) -> None:
    world = load_world(settings.model_copy(update={"state": tmp_path}))
    zones = Zones(world.zones)
    wired, guest, stranger = (zones.of(address) for address in ("10.1.7.3", "10.9.200.1", "10.2.0.1"))
    assert wired is not None
    assert guest is not None
    assert (wired.device, wired.sign_in) == (Device.MANAGED, ("htpasswd",))
    assert (guest.device, guest.sign_in) == (Device.PERSONAL, ())
    assert stranger is None
    assert settings.interception.authority
    assert settings.interception.notice
    assert world.official_hosts == {"blog.example.my"}
    for entry in settings.gate.allow_targets:
        parse_allowed(entry)


@pytest.mark.parametrize(("time", "refused"), [("10:00", True), ("18:30", False)])
def test_a_guest_is_refused_a_platform_in_office_hours_only(tmp_path: Path, time: str, refused: bool) -> None:
    (tmp_path / "gerbang.toml").write_text(EXAMPLE.read_text().replace("/var/lib/gerbang", str(tmp_path)))
    act = ["--platform", "x", "--activity", "use", "--zone", "guest-wifi", "--time", f"2026-11-24T{time}+08:00"]
    done = run_gerbang(tmp_path, "policy", "explain", *act, "--json")
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["effect"] == "block") is refused


def test_the_listeners_are_addresses_of_one_machine_and_the_pac_file_names_the_gate(settings: Settings) -> None:
    assert settings.pac.listen == "10.1.0.5:80"
    directions = directions_of(settings)
    assert directions.proxies == ("PROXY 10.1.0.5:8080",)
    assert settings.gate.listen == "10.1.0.5:8080"
    assert not directions.fallback


def test_each_commented_out_line_would_be_taken_too(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text().splitlines()
    shown = [
        line.removeprefix("# ") for line in lines if line.startswith(("# policies =", "# witness =", "# proxies ="))
    ]
    assert len(shown) == 3
    replaced = {line.partition(" =")[0] for line in shown}
    kept = [
        line.removeprefix("# ") if line.removeprefix("# ") in shown else line
        for line in lines
        if line.partition(" =")[0] not in replaced
    ]
    file = tmp_path / "gerbang.toml"
    file.write_text("\n".join(kept))
    assert tomllib.loads(file.read_text())["pac"]["proxies"] == ["https://gerbang.internal:8080"]
    assert directions_of(load_settings(file, {}).model_copy(update={"policies": ("bundled",)})).proxies == (
        "HTTPS gerbang.internal:8080",
    )


def test_every_table_says_what_it_is_for() -> None:
    tables = EXAMPLE.read_text().split("\n[")[1:]
    assert [table.partition("]")[0] for table in tables if "#" not in table] == []
