"""A new gate's files: all of them, as they were planned, or none."""

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gerbang.answers.words import Language
from gerbang.console.users import Role, Users, users_of
from gerbang.errors import StartError
from gerbang.gate.authority import load_authority, read_root
from gerbang.gate.identity.htpasswd import parse_htpasswd
from gerbang.installing import placing
from gerbang.installing.composing import next_steps, settings_text
from gerbang.installing.placing import Secrets, place, targets
from gerbang.installing.plan import Known, Plan, Site, load_known
from gerbang.installing.words import SAID
from gerbang.loading import load_world
from gerbang.model import Device
from gerbang.settings import (
    ConsoleSettings,
    GateSettings,
    InterceptionSettings,
    OfficeSettings,
    Settings,
    SiteSettings,
    ZoneSettings,
    load_settings,
)

HIDDEN = Secrets("satu frasa laluan cubaan", "empat perkataan panjang sekali", "tiga perkataan panjang")
NOW = datetime.now(UTC)
TOKEN = "token-cubaan-0123456789"


@pytest.fixture(scope="module")
def known() -> Known:
    return load_known()


def a_plan(folder: Path, **more: Any) -> Plan:
    return replace(
        Plan(
            folder=folder,
            state_folder=Path("state"),
            root_out=folder / "root.p12",
            language=Language.EN,
            organisation='Jabatan "Contoh" \\ 1',
            office="hq",
            state="JHR",
            legal_regime="state",
            networks=(ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")),
            guest_networks=(ip_network("10.9.0.0/16"),),
            sign_in="htpasswd",
            officer="aminah",
            sites=(Site("blog.contoh.my", "wordpress"), Site("suara.contoh.my", "wordpress")),
            authority='Arahan "KJ" bil. 1/2026 # \\',
            notice="2026-01",
            listen="10.1.0.5:8080",
            console_listen="127.0.0.1:8081",
            account="nora",
            role=Role.AUDITOR,
        ),
        **more,
    )


def planned(plan: Plan) -> Settings:
    """The settings as the answers mean them."""
    signing_in = {"sign_in": "htpasswd", "htpasswd": plan.htpasswd_file} if plan.sign_in == "htpasswd" else {}
    zones = [ZoneSettings(name="office-pcs", networks=plan.networks, office="hq", **signing_in)]
    if plan.guest_networks:
        zones.append(ZoneSettings(name="guest-wifi", networks=plan.guest_networks, office="hq", device=Device.PERSONAL))
    return Settings(
        state=plan.folder / plan.state_folder,
        gate=GateSettings(listen=plan.listen),
        interception=InterceptionSettings(authority=plan.authority, notice=plan.notice),
        offices=(OfficeSettings(name="hq", state=plan.state, legal_regime=plan.legal_regime),),
        zones=tuple(zones),
        sites=tuple(SiteSettings(host=site.host, platform=site.platform, official=True) for site in plan.sites),
        console=ConsoleSettings(
            listen=plan.console_listen,
            language=plan.language.value,
            metrics_token=None if plan.console_listen.startswith("127.") else TOKEN,
        ),
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"language": Language.MS},
        {"guest_networks": (), "sites": (), "officer": None},
        {"sign_in": "none", "officer": None},
        {"authority": "", "notice": ""},
        {"console_listen": "10.1.0.5:8081"},
        {"state_folder": Path("/var/lib/gerbang-of-a-trial")},
    ],
    ids=lambda more: ",".join(more) or "all",
)
def test_the_file_that_is_written_says_what_was_answered(tmp_path: Path, known: Known, more: dict[str, Any]) -> None:
    plan = a_plan(tmp_path, **more)
    plan.settings_file.write_text(settings_text(plan, known, TOKEN), "utf-8")
    assert load_settings(plan.settings_file, {}) == planned(plan)


def test_each_section_is_explained_in_both_languages(tmp_path: Path, known: Known) -> None:
    for language in Language:
        text = settings_text(a_plan(tmp_path, language=language), known, TOKEN)
        for block in text.strip().split("\n\n"):
            lines = block.splitlines()
            if "[[sites]]" not in block or "suara" not in block:
                assert [line[:2] for line in lines[:2]] == ["# ", "# "], block
    assert all(phrase.ms != phrase.en for key, phrase in SAID.items() if key != "network")


def test_what_is_made_is_a_gate(tmp_path: Path, known: Known) -> None:
    plan = a_plan(tmp_path / "etc", root_out=tmp_path / "usb" / "root.p12")
    made = place(plan, known, HIDDEN, NOW)
    chosen = load_settings(plan.settings_file, {})
    assert set(made.files) == {path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"}
    for path in made.files:
        wanted = 0o644 if path.name == "root.crt" else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    world = load_world(chosen)
    assert world.registers.officers == {}, "an example does not count"
    assert world.registers.accounts == {}
    assert world.registers.approvals == {}
    assert load_authority(chosen.authority_folder).missing(world.platforms.hosts()) == ()
    assert load_authority(chosen.authority_folder).covers("suara.contoh.my")
    assert read_root(plan.root_out, HIDDEN.passphrase.encode()).certificate is not None
    assert users_of(chosen).check("nora", HIDDEN.account) is not None
    assert list(parse_htpasswd(plan.htpasswd_file.read_text("utf-8"), "htpasswd")) == ["aminah"]


def test_an_example_without_its_mark_is_a_line_that_is_taken(tmp_path: Path, known: Known) -> None:
    plan = a_plan(tmp_path)
    place(plan, known, HIDDEN, NOW)
    for file in (tmp_path / "state/registers").iterdir():
        heading, _, example = file.read_text().splitlines()
        file.write_text(f"{heading}\n{example.removeprefix('#')}\n")
    registers = load_world(load_settings(plan.settings_file, {})).registers
    assert list(registers.officers) == ["contoh-1"]
    assert len(registers.accounts) == 1
    ((approval,),) = registers.approvals.values()
    assert approval.withdrawn is not None, "and even then it allows nothing"
    assert approval.valid_to is not None
    assert approval.valid_to < NOW


@pytest.mark.parametrize("number", range(9))
def test_nothing_is_overwritten_and_what_is_there_is_named(tmp_path: Path, known: Known, number: int) -> None:
    plan = a_plan(tmp_path / "etc")
    file = targets(plan)[number]
    file.parent.mkdir(parents=True)
    file.write_text("somebody's")
    with pytest.raises(StartError, match="is there already, and nothing is overwritten") as refused:
        place(plan, known, HIDDEN, NOW)
    assert str(file) in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "somebody's"


FAILING: list[tuple[object, str, BaseException]] = [
    (placing.authority, "write_root", OSError(28, "No space left on device", "root.p12")),
    (placing.authority, "write_intermediate", StartError("the CA cannot be written")),
    (Users, "add", OSError(28, "No space left on device")),
    (placing, "htpasswd_text", KeyboardInterrupt()),
    (placing.authority, "fingerprint", RuntimeError("a fault of ours")),
]


@pytest.mark.parametrize(("where", "name", "error"), FAILING, ids=lambda one: str(one)[:20])
def test_a_failure_midway_leaves_nothing(
    tmp_path: Path, known: Known, monkeypatch: pytest.MonkeyPatch, where: object, name: str, error: BaseException
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(where, name, fails)
    (tmp_path / "kept").write_text("somebody's")
    with pytest.raises(StartError if isinstance(error, OSError) else type(error)) as told:
        place(a_plan(tmp_path / "etc"), known, HIDDEN, NOW)
    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]
    if isinstance(error, OSError):
        assert "no space left on device; what was made before was taken away again" in str(told.value)


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path, known: Known) -> None:
    """Nobody, not even root, makes a file there."""
    plan = a_plan(tmp_path / "etc", root_out=Path("/proc/gerbang-root.p12"))
    with pytest.raises(StartError, match="the root cannot be written"):
        place(plan, known, HIDDEN, NOW)
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_taken_away_is_named(tmp_path: Path, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    def stays(path: Path, missing_ok: bool = False) -> None:
        if path.name == "root.p12":
            raise OSError(1, "Operation not permitted")
        unlink(path, missing_ok)

    unlink: Callable[[Path, bool], None] = Path.unlink
    monkeypatch.setattr(placing, "htpasswd_text", fails)
    monkeypatch.setattr(Path, "unlink", stays)
    with pytest.raises(StartError, match="not all could be taken away again: ") as told:
        place(a_plan(tmp_path / "etc"), known, HIDDEN, NOW)
    assert str(tmp_path / "etc" / "root.p12") in str(told.value)


def test_an_owner_that_is_nobody_is_told_before_anything_is_made(tmp_path: Path, known: Known) -> None:
    with pytest.raises(StartError, match="there is no user `nobody-of-that-name`"):
        place(a_plan(tmp_path / "etc"), known, HIDDEN, NOW, "nobody-of-that-name")
    assert list(tmp_path.iterdir()) == []


def test_all_but_the_root_is_given_to_its_owner(tmp_path: Path, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    given: set[Path] = set()

    def chown(path: Path, _uid: int, _gid: int, *, follow_symlinks: bool = True) -> None:
        assert not follow_symlinks, "a link may stand there by now, to a file of root's"
        given.add(path)

    monkeypatch.setattr(os, "chown", chown)
    plan = a_plan(tmp_path / "etc", root_out=tmp_path / "usb" / "root.p12")
    place(plan, known, HIDDEN, NOW, "daemon")
    assert given == {path for path in tmp_path.rglob("*") if "usb" not in path.parts}


def test_what_to_do_next_is_told_in_order(tmp_path: Path) -> None:
    steps = next_steps(a_plan(tmp_path / "a folder", authority="", notice=""))
    assert len(steps) == 8
    assert steps[5] == f"Check: gerbang doctor --config '{tmp_path}/a folder/gerbang.toml'"
    assert "[interception]" in steps[4]


def test_what_to_do_next_is_done_as_the_gates_owner(tmp_path: Path) -> None:
    doctor, serve = next_steps(a_plan(tmp_path), "gerbang")[-3:-1]
    assert doctor == f"Check: runuser -u gerbang -- gerbang doctor --config {tmp_path}/gerbang.toml"
    assert serve == f"Start: runuser -u gerbang -- gerbang serve --config {tmp_path}/gerbang.toml"


@pytest.mark.parametrize(
    ("listen", "network", "reached"),
    [
        ("127.0.0.1:8080", "10.1.0.0/16", False),
        ("127.0.0.1:8080", "127.0.0.0/8", True),
        ("10.1.0.5:8080", "10.1.0.0/16", True),
    ],
)
def test_pcs_are_not_sent_to_an_address_that_only_the_gate_reaches(
    tmp_path: Path, listen: str, network: str, reached: bool
) -> None:
    step = next_steps(a_plan(tmp_path, listen=listen, networks=(ip_network(network),)))[-1]
    assert ("set `listen` under [gate]" not in step) is reached
    assert (f"Set the proxy of the office's PCs to {listen}" in step) is reached
