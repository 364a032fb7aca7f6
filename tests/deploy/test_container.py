"""The container's files. No engine runs them here: they are linted, their steps are done by hand, and what they say of
ports, paths and health is tried on a gate that their own build made."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from e2e.office import environment_of
from gerbang.demo.office import free_port
from gerbang.serving import ENDING, PATIENCE
from gerbang.settings import Settings, load_settings

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "deploy" / "container"
CONTAINERFILE = FOLDER / "Containerfile"
TOOLS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction of the Containerfile; `stage` counts from 0."""

    stage: int
    word: str
    rest: str


def steps() -> tuple[Step, ...]:
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found, stage = [], -1
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word:
            continue
        stage += word == "FROM"
        found.append(Step(stage, word, rest.strip()))
    return tuple(found)


def of(stage: int, word: str) -> list[str]:
    return [step.rest for step in steps() if (step.stage, step.word) == (stage, word)]


def variables(stage: int) -> dict[str, str]:
    pairs = (pair.partition("=") for rest in of(stage, "ENV") for pair in shlex.split(rest))
    return {name: value for name, _, value in pairs}


def compose() -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(FOLDER / "compose.yaml")
    return read


# ---------------------------------------------------------------- what can be read


@pytest.mark.parametrize(("spoilt", "status"), [("", 0), ("RUN cd /tmp && sudo pip install x\n", 1)])
def test_the_linter_has_nothing_to_say_against_the_containerfile(tmp_path: Path, spoilt: str, status: int) -> None:
    file = tmp_path / "Containerfile"
    file.write_text(CONTAINERFILE.read_text() + spoilt)
    done = subprocess.run([TOOLS / "hadolint", file], capture_output=True, text=True)
    assert done.returncode == status, done.stdout


@pytest.mark.parametrize(("wrong", "status"), [("", 0), ("  gate:\n    portz: []\n", 1)])
def test_the_compose_file_is_one_by_its_published_schema(tmp_path: Path, wrong: str, status: int) -> None:
    file = tmp_path / "compose.yaml"
    text = (FOLDER / "compose.yaml").read_text()
    file.write_text(f"services:\n{wrong}" if wrong else text)
    asked = [TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == status, done.stdout


def test_nobody_is_root_and_nothing_can_be_written_but_the_volumes() -> None:
    uid = of(1, "USER")[-1]
    assert uid.split(":")[0] not in {"0", "root"}
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in {"0", "root", "0:0"}, name
    assert compose()["services"]["gate"]["user"] == uid
    assert f"--uid {uid.split(':')[0]} " in of(1, "RUN")[0]


def test_the_database_is_reached_by_the_gate_alone() -> None:
    database = compose()["services"]["db"]
    assert "ports" not in database
    assert database["networks"] == ["inside"]
    assert compose()["networks"]["inside"]["internal"] is True


def test_no_secret_is_inside() -> None:
    copied = " ".join(rest for stage in (0, 1) for rest in of(stage, "COPY"))
    assert "state" not in copied
    services = compose()["services"]
    secrets = [services["gate"]["environment"]["PGPASSWORD"], services["db"]["environment"]["POSTGRES_PASSWORD"]]
    assert all(value.startswith("${GERBANG_DATABASE_PASSWORD:?") for value in secrets)


def test_the_versions_are_those_of_the_project() -> None:
    pinned = re.search(r"^UV_VERSION := (\S+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert pinned is not None
    assert of(0, "RUN")[0].endswith(f" uv=={pinned[1]}")
    python = ".".join((CHECKOUT / ".python-version").read_text().strip().split(".")[:2])
    assert variables(0)["UV_PYTHON"].endswith(f"/python{python}")
    assert all(f"/python:{python}-slim" in step.rest for step in steps() if step.word == "FROM")


def test_an_engine_waits_as_long_as_the_parts_may_take() -> None:
    assert int(compose()["services"]["gate"]["stop_grace_period"].removesuffix("s")) > PATIENCE * len(ENDING)


@pytest.fixture
def contained(tmp_path: Path) -> Settings:
    """The example's settings as they are in the container."""
    service = compose()["services"]["gate"]
    file = tmp_path / "gerbang.toml"
    file.write_text((FOLDER.parent / "gerbang.toml").read_text())
    given = {**variables(1), **service["environment"]}
    return load_settings(file, {name: value for name, value in given.items() if name.startswith("GERBANG_")})


def test_ports_volumes_and_settings_agree(contained: Settings) -> None:
    service = compose()["services"]["gate"]
    published = {each.rpartition(":")[2]: each.rpartition(":")[0] for each in service["ports"]}
    gate, console, pac = (
        address.rpartition(":")[2]
        for address in (contained.gate.listen, contained.console.listen, contained.pac.listen or "")
    )
    assert set(published) == {gate, console, pac}
    assert published[console].startswith("127.0.0.1:")
    assert {gate, console} == set(of(1, "EXPOSE")[0].split())
    assert f"'localhost', {console}," in of(1, "HEALTHCHECK")[0]
    mounts = [volume.split(":")[1] for volume in service["volumes"]]
    assert str(contained.state) in mounts
    assert str(contained.state) == of(1, "VOLUME")[0] == of(1, "WORKDIR")[0]
    assert variables(1)["GERBANG_CONFIG"] in mounts
    assert [str(zone.htpasswd) in mounts for zone in contained.zones if zone.htpasswd] == [True]
    assert contained.gate.transparent == ()
    # What the browsers are told is the machine's address, with the port that it publishes.
    assert contained.pac.proxies[0].endswith(f":{published[gate]}")


# ---------------------------------------------------------------- what can be done by hand


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the build stage makes: of nothing but what it copies, by the step that it runs."""
    folder = tmp_path_factory.mktemp("build")
    source, environment = folder / "src", folder / "gerbang"
    source.mkdir()
    for rest in of(0, "COPY"):
        *names, target = rest.split()
        for name in names:
            place = source / (name if target == "./" else target)
            if (CHECKOUT / name).is_dir():
                shutil.copytree(CHECKOUT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(CHECKOUT / name, place)
    step = shlex.split(of(0, "RUN")[-1])
    assert step[0] == "uv"
    given = {**variables(0), "UV_PROJECT_ENVIRONMENT": str(environment), "UV_PYTHON": sys.executable}
    given |= {"UV_COMPILE_BYTECODE": "0", "UV_LINK_MODE": "hardlink"}  # quicker, and the same files
    clean = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run([uv(), *step[1:]], cwd=source, env={**clean, **given}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)  # as in the image: only the environment is taken on
    return environment


def uv() -> str:
    """The uv that `make` uses: one that runs, not one that is only named."""
    for candidate in (CHECKOUT / ".tools" / "bin" / "uv", shutil.which("uv")):
        if candidate and subprocess.run([candidate, "--version"], capture_output=True).returncode == 0:
            return str(candidate)
    raise AssertionError("there is no uv, neither in .tools nor on the PATH")


def test_the_entry_point_answers_and_the_tools_of_development_are_not_inside(built: Path) -> None:
    assert of(1, "ENTRYPOINT") == ['["gerbang"]']
    done = subprocess.run([built / "bin" / "gerbang", "version"], capture_output=True, text=True, cwd=built)
    assert done.stdout.startswith("gerbang ")
    names = {path.name for path in (built / "bin").iterdir()}
    assert "gerbang" in names
    assert not {"pytest", "mypy", "ruff", "hadolint"} & names
    code = "import psycopg, gerbang; print(gerbang.__file__)"
    asked = [built / "bin" / "python", "-c", code]
    where = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=built).stdout
    assert where.startswith(str(built))


@contextmanager
def serving(built: Path, folder: Path, console: int) -> Iterator[None]:
    """The image's command, with its variables, on ports of the test's own."""
    (folder / "gerbang.toml").write_text(
        '[[offices]]\nname = "hq"\nstate = "PJY"\n[[zones]]\nname = "a"\nnetworks = ["127.0.0.0/8"]\noffice = "hq"\n'
    )
    own = {
        "GERBANG_CONFIG": str(folder / "gerbang.toml"),
        "GERBANG_STATE": str(folder / "state"),
        "GERBANG_GATE__LISTEN": f"0.0.0.0:{free_port()}",
        "GERBANG_CONSOLE__LISTEN": f"0.0.0.0:{console}",
    }
    assert own.keys() == {name for name in variables(1) if name.startswith("GERBANG_")}
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [built / "bin" / "gerbang", "serve"], cwd=folder, env=environment_of(**own), stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.send_signal(getattr(signal, of(1, "STOPSIGNAL")[0]))
            assert process.wait(60) == 0, (folder / "serve.log").read_text()


def test_the_health_check_tells_a_gate_at_work_from_one_that_is_not(built: Path, tmp_path: Path) -> None:
    console = free_port()
    words = of(1, "HEALTHCHECK")[0].partition(" CMD ")[2]
    command: list[str] = YAML(typ="safe").load(words)
    asked = [str(built / "bin" / command[0]), *(word.replace("8081", str(console)) for word in command[1:])]

    def healthy() -> bool:
        return subprocess.run(asked, capture_output=True, cwd=tmp_path).returncode == 0

    assert not healthy()
    with serving(built, tmp_path, console):
        until = time.monotonic() + 120
        while not (well := healthy()) and time.monotonic() < until:
            time.sleep(0.2)
        assert well, (tmp_path / "serve.log").read_text()
    assert not healthy()
