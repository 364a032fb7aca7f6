"""`gerbang ca`, as an admin types it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

GERBANG = Path(sys.executable).with_name("gerbang")
SETTINGS = 'state = "state"\n[[sites]]\nhost = "blog.contoh.my"\nplatform = "wordpress"\n'


WORDS = "a passphrase for trials"


def gerbang(folder: Path, *arguments: str, passphrase: str | None = WORDS) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GERBANG_")}
    if passphrase is not None:
        environment["GERBANG_CA_PASSPHRASE"] = passphrase
    return subprocess.run(
        [GERBANG, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gerbang.toml").write_text(SETTINGS)
    return tmp_path


def test_a_ca_from_making_to_renewing(folder: Path) -> None:
    made = gerbang(folder, "ca", "create", "--root-out", "root.p12")
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE((folder / "root.p12").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "state/ca/intermediate.pem").stat().st_mode) == 0o600
    assert {path.name for path in (folder / "state/ca").iterdir()} == {"intermediate.pem", "root.crt"}

    shown = json.loads(gerbang(folder, "ca", "show", "--json").stdout)[0]
    assert {"x.com", "blog.contoh.my", "gerbang.internal"} <= set(shown["permitted names"])
    assert shown["listed but not permitted"] == []
    assert shown["root"] in made.stdout

    with (folder / "gerbang.toml").open("a") as file:
        file.write('[[sites]]\nhost = "suara.contoh.my"\nplatform = "wordpress"\n')
    before = gerbang(folder, "ca", "show", "--json")
    assert json.loads(before.stdout)[0]["listed but not permitted"] == ["suara.contoh.my"]
    assert "ca renew" in before.stderr
    renewed = gerbang(folder, "ca", "renew", "--root", "root.p12")
    assert renewed.returncode == 0, renewed.stderr
    after = json.loads(gerbang(folder, "ca", "show", "--json").stdout)[0]
    assert after["listed but not permitted"] == []
    assert (after["root"], after["intermediate"] == shown["intermediate"]) == (shown["root"], False)
    result = subprocess.run(
        ["openssl", "verify", "-CAfile", "state/ca/root.crt", "state/ca/intermediate.pem"],
        cwd=folder,
        capture_output=True,
    )
    assert result.returncode == 0


def test_the_passphrase_from_a_file_of_its_own(folder: Path) -> None:
    (folder / "word").write_text("another passphrase for trials\nnot this\n")
    assert (
        gerbang(
            folder, "ca", "create", "--root-out", "root.p12", "--passphrase-file", "word", passphrase=None
        ).returncode
        == 0
    )
    wrong = gerbang(folder, "ca", "renew", "--root", "root.p12")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == (
        "gerbang: `root.p12` cannot be opened; the passphrase is wrong, or this is no root that `ca create` wrote\n"
    )


CREATE = ("ca", "create", "--root-out")
RENEW = ("ca", "renew", "--root")
MAKE_ONE = "make one with `gerbang ca create --root-out FILE`"
NO_ROOT = "the passphrase is wrong, or this is no root that `ca create` wrote"
MISSING = "no such file or directory"
LONG = "long enough to do"


@pytest.mark.parametrize(
    ("arguments", "passphrase", "said"),
    [
        (("ca", "show"), None, "there is no CA in `{folder}/state/ca`; " + MAKE_ONE),
        ((*CREATE, "root.p12"), "short", "the passphrase for the root is too short; use 12 characters or more"),
        (
            (*CREATE, "root.p12"),
            None,
            "the root needs a passphrase; use `--passphrase-file FILE` or set `GERBANG_CA_PASSPHRASE`",
        ),
        (
            (*CREATE, "gerbang.toml"),
            LONG,
            "the file `gerbang.toml` exists already; a root is never overwritten; name another",
        ),
        ((*CREATE, "none/root.p12"), LONG, f"the root cannot be written to `none/root.p12`: {MISSING}"),
        ((*RENEW, "none.p12"), LONG, f"the root `none.p12` cannot be read: {MISSING}"),
        ((*RENEW, "gerbang.toml"), LONG, f"`gerbang.toml` cannot be opened; {NO_ROOT}"),
        ((*CREATE, "r", "--passphrase-file", "none"), None, f"the passphrase file `none` cannot be read: {MISSING}"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    folder: Path, arguments: tuple[str, ...], passphrase: str | None, said: str
) -> None:
    result = gerbang(folder, *arguments, passphrase=passphrase)
    assert result.returncode == 2
    assert result.stderr == f"gerbang: {said.format(folder=folder)}\n"
    assert not (folder / "state" / "ca").exists()


def test_a_second_ca_does_not_take_the_place_of_the_first(folder: Path) -> None:
    assert gerbang(folder, "ca", "create", "--root-out", "root.p12").returncode == 0
    kept = (folder / "state/ca/intermediate.pem").read_bytes()
    again = gerbang(folder, "ca", "create", "--root-out", "other.p12")
    assert again.returncode == 2
    assert "there is a CA in" in again.stderr
    assert (folder / "state/ca/intermediate.pem").read_bytes() == kept
    assert not (folder / "other.p12").exists()
