import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from gerbang.console.serve import own_names, run_console
from gerbang.errors import StartError
from gerbang.settings import ConsoleSettings, Settings


def test_a_port_in_use_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartError) as refused:
            run_console(Settings(state=tmp_path, console=ConsoleSettings(listen=listen)))
    assert str(refused.value) == (
        f"the console cannot listen on `{listen}`: address already in use; "
        "set `[console] listen` to a free address, or stop what has it"
    )


def test_the_names_of_the_machine_are_served_only_where_it_is_reachable() -> None:
    assert own_names("127.0.0.1") == {"localhost", "127.0.0.1"}
    assert own_names("konsol.contoh.my") >= {"konsol.contoh.my", socket.gethostname().lower()}


def test_the_console_runs_as_a_process_and_waits_for_its_database(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "gerbang.toml"
    settings.write_text(f'state = "{tmp_path}"\n[console]\nlisten = "127.0.0.1:{port}"\nlanguage = "en"\n')
    program = (
        "import sys; from pathlib import Path; from gerbang.settings import load_settings;"
        "from gerbang.console.serve import run_console; run_console(load_settings(Path(sys.argv[1])))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(settings)])
    try:
        reply = _first_answer(f"http://127.0.0.1:{port}/sign-in", process)
        assert reply.status_code == 200
        assert '<html lang="en">' in reply.text
        assert "server" not in reply.headers
        rebound = httpx.get(f"http://127.0.0.1:{port}/sign-in", headers={"Host": "evil.example"})
        assert rebound.status_code == 421
    finally:
        process.terminate()
    assert process.wait(60) == 0
    kinds = [json.loads(line)["kind"] for file in tmp_path.rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert kinds[0] == "start"
    assert "stop" in kinds


def _first_answer(url: str, process: subprocess.Popen[bytes]) -> httpx.Response:
    until = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            assert process.poll() is None, "the console ended"
            assert time.monotonic() < until, "the console does not answer"
            time.sleep(0.1)
