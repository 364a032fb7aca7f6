"""What is tried beside a systemd of its own, as root: an act through the service, and how it stands. Run by boot.sh."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from gerbang.demo.client import send
from gerbang.demo.standins.server import StandIns

STATE = Path("/var/lib/gerbang")
GATE = ("127.0.0.1", 8080)
SETTINGS = """
state = "/var/lib/gerbang"

[gate]
listen = "127.0.0.1:8080"

[gate.upstream]
trusted_ca = "standins-ca.pem"
hosts = {{ "x.com" = "{standin}" }}

[interception]
authority = "Arahan Ketua Jabatan bil. 1/2026 (trial)"
notice = "2026-01"

[[offices]]
name = "hq"
state = "PJY"

[[zones]]
name = "pejabat"
networks = ["127.0.0.0/8"]
office = "hq"

[pac]
listen = "127.0.0.1:80"

[log]
format = "json"
"""


def main(work: Path) -> None:
    with StandIns(work) as standins:
        _settle(standins)
        subprocess.run(["systemctl", "start", "gerbang"], check=True)
        found: dict[str, Any] = {"pac": _pac()}
        trusted = (STATE / "ca" / "root.crt", standins.trusted_ca)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        posted = b"status=Selamat+petang+semua"
        url = "https://x.com/i/api/1.1/statuses/update.json"
        answer = send(GATE, "nobody", "none", trusted, "POST", url, headers, posted)
        found["answer"] = answer.status
        found["arrived"] = [arrival.body.decode() for arrival in standins.writes()]
    found["status"] = _status()
    found["modes"] = {path.name: f"{path.stat().st_mode & 0o777:o}" for path in (STATE, STATE / "keys")}
    found["reached"] = _reached()
    began = time.monotonic()
    subprocess.run(["systemctl", "stop", "gerbang"], check=True)
    found["stopped in"] = time.monotonic() - began
    shown = subprocess.run(["systemctl", "show", "-P", "Result", "gerbang"], capture_output=True, text=True, check=True)
    found["result"] = shown.stdout.strip()
    lines = (line for file in STATE.glob("journal/gate-0/*.jsonl") for line in file.read_text().splitlines())
    found["kinds"] = [json.loads(line)["kind"] for line in lines]
    (work / "found.json").write_text(json.dumps(found))


def _settle(standins: StandIns) -> None:
    """The settings, which the service may read, and the CA, made as its user."""
    folder = Path("/etc/gerbang")
    (folder / "standins-ca.pem").write_bytes(standins.trusted_ca.read_bytes())
    (folder / "gerbang.toml").write_text(SETTINGS.format(standin=standins.upstream["x.com"]))
    for file in folder.iterdir():
        shutil.chown(file, "root", "gerbang")
        file.chmod(0o640)
    environment = {**os.environ, "LD_LIBRARY_PATH": "/opt/python/lib", "GERBANG_CA_PASSPHRASE": "a trial's passphrase"}
    gerbang = ["/opt/gerbang/bin/gerbang", "--config", "/etc/gerbang/gerbang.toml"]
    as_user = [
        "runuser",
        "-u",
        "gerbang",
        "--",
        *gerbang,
        "ca",
        "create",
        "--root-out",
        "/var/lib/gerbang/root-key.pem",
    ]
    subprocess.run(as_user, check=True, env=environment, cwd="/")


def _pac() -> str:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        with suppress(OSError), urlopen("http://127.0.0.1/proxy.pac", timeout=5) as answer:
            return str(answer.read().decode())
        time.sleep(0.2)
    raise TimeoutError("the PAC file is not served")


def _main_process() -> int:
    shown = subprocess.run(
        ["systemctl", "show", "-P", "MainPID", "gerbang"], capture_output=True, text=True, check=True
    )
    return int(shown.stdout)


def _status() -> dict[str, str]:
    lines = Path(f"/proc/{_main_process()}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _reached() -> dict[str, bool]:
    """What the service could write to, looked at from its own view of the files and as its own user."""
    view = f"/proc/{_main_process()}/root"
    code = "import os,sys; print(*(int(os.access(path, os.W_OK)) for path in sys.argv[1:]))"
    places = ("/var/lib/gerbang", "/etc/gerbang", "/opt/gerbang", "/usr", "/home")
    user = os.stat(STATE)

    def demote() -> None:
        os.chroot(view)
        os.chdir("/")
        os.setgid(user.st_gid)
        os.setuid(user.st_uid)

    environment = {"LD_LIBRARY_PATH": "/opt/python/lib"}
    asked = ["/opt/gerbang/bin/python", "-c", code, *places]
    done = subprocess.run(asked, preexec_fn=demote, env=environment, capture_output=True, text=True, check=True)
    return dict(zip(places, (word == "1" for word in done.stdout.split()), strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
