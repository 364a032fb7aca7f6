"""A Squid of the test's own, as Debian sets one up, with more of the test's words."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gerbang.demo.office import free_port

# The rules of Debian's squid.conf (squid 5.7-2) in their order, where `conf.d` is read before the last two.
CONFIGURATION = """
acl SSL_ports port 443 {tls}
acl Safe_ports port 80 443 1025-65535
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost manager
http_access deny manager
include {folder}/conf.d/*.conf
http_access allow localhost
http_access deny all
http_port 127.0.0.1:{port}
hosts_file {folder}/hosts
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
pid_filename {folder}/squid.pid
coredump_dir {folder}
shutdown_lifetime 1 seconds
"""


@dataclass(frozen=True, slots=True)
class Squid:
    address: tuple[str, int]
    folder: Path

    def complaints(self) -> list[str]:
        """What it found wrong with what it was told."""
        words = ("WARNING", "ERROR", "FATAL", "Bungled")
        lines = (self.folder / "cache.log").read_text().splitlines()
        # Debian's build says this of each start without its own log folder's pinger.
        return [line for line in lines if any(word in line for word in words) and "pinger" not in line]

    def ways(self, target: str, least: int = 1) -> list[str]:
        """By which way each request for a target went; a tunnel is written down when it ends."""
        found: list[str] = []
        until = time.monotonic() + 60
        while len(found) < least and time.monotonic() < until:
            lines = (line.split() for line in (self.folder / "access.log").read_text().splitlines())
            found = [parts[8].partition("/")[0] for parts in lines if parts[6] == target]
            time.sleep(0.05)
        return found


@contextmanager
def a_squid(files: Mapping[str, str], hosts: Mapping[str, str], tls: int) -> Iterator[Squid]:
    """Squid with those files, in which `{folder}` is its own; `hosts` are names it knows, `tls` a port for tunnels."""
    folder = Path(tempfile.mkdtemp(prefix="squid-"))
    port = free_port()
    (folder / "conf.d").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)))
    (folder / "conf.d" / "empty.conf").touch()  # a pattern of no file is an error
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in hosts.items()))
    (folder / "squid.conf").write_text(CONFIGURATION.format(folder=folder, port=port, tls=tls))
    if os.geteuid() == 0:  # it gives up being root
        shutil.chown(folder, "proxy")
    process = subprocess.Popen(["squid", "-N", "-f", folder / "squid.conf"], stderr=subprocess.PIPE, text=True)
    try:
        _await(port, process)
        yield Squid(("127.0.0.1", port), folder)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def _await(port: int, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"Squid does not listen: {process.communicate()[1]}")
