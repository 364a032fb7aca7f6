"""Real databases: SQLite in a file, and a PostgreSQL server of the tests' own."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import program

SERVER = {"fsync": "off", "max_connections": "30", "shared_buffers": "16MB"}


def as_owner(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root: then its own account runs it."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """The folder of the socket of a running server, which is gone with its data after the tests."""
    initdb, server = program("initdb"), program("pg_ctl")
    assert initdb is not None
    assert server is not None
    folder = Path(tempfile.mkdtemp(prefix="gerbang-pg-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = str(folder / "data")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    try:
        subprocess.run(as_owner(initdb, "-D", data, "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync"), **quiet)
        options = " ".join(f"-c {name}={value}" for name, value in SERVER.items())
        options += f" -c listen_addresses= -c unix_socket_directories={folder}"
        start = as_owner(server, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        subprocess.run(start, **quiet)
        try:
            yield folder
        finally:
            subprocess.run(as_owner(server, "-D", data, "-m", "immediate", "stop"), **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def a_database(server: Path) -> str:
    """The address of an empty database on that server: a schema of its own, which costs a hundredth of a database."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"host={server} user=tester dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[call-overload]  # the name is ours
    return f"postgresql://tester@/postgres?host={server}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gerbang.db'}"
    return a_database(request.getfixturevalue("postgresql"))
