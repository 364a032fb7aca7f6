"""What is installed from a wheel works as a checkout does: its data lies inside it."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `gerbang` command of a wheel that was built here and installed away from the checkout.

    The environment sees this one's packages by a path file, so that only Gerbang itself comes from the wheel.
    """
    folder = tmp_path_factory.mktemp("wheel")
    run = {"check": True, "capture_output": True, "text": True}
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, CHECKOUT], **run)
    (wheel,) = folder.glob("gerbang-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], **run)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (shared,) = Path(sys.prefix, "lib").glob("python*/site-packages")
    # Last on the path, and without the checkout's own link, so that `gerbang` can only be the wheel's.
    (packages / "shared.pth").write_text(f"{shared}\n")
    return python.parent / "gerbang"


def gerbang(command: Path, folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GERBANG_")}
    done = subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_bundled_policies_pass_their_cases(installed: Path, tmp_path: Path) -> None:
    assert "0 do not" in gerbang(installed, tmp_path, "policy", "test")


def test_the_database_is_made_and_migrated(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "gerbang.toml").write_text('state = "state"\n')
    gerbang(installed, tmp_path, "db", "upgrade")
    assert (tmp_path / "state" / "gerbang.db").exists()


def test_the_program_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    python = installed.parent / "python"
    code = "import gerbang.bundled as b; print(b.bundled('policies'))"
    where = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert str(installed.parent.parent) in where


def test_the_files_for_deploying_come_with_it(installed: Path) -> None:
    """Beside the environment's programs, where an admin without a checkout finds them."""
    shipped = {path.relative_to(CHECKOUT / "deploy") for path in (CHECKOUT / "deploy").rglob("*") if path.is_file()}
    folder = installed.parents[1] / "share" / "gerbang" / "deploy"
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == shipped
    assert Path("systemd/gerbang.service") in shipped
