"""Network namespaces: machines of a test's own, each with its addresses, its firewall and nothing beyond its wires."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

RUN = Path("/run/netns")


@dataclass(frozen=True)
class Machine:
    """A namespace by the name that `ip netns` has it under."""

    name: str

    def run(self, *command: str | Path, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """What a command prints there. Raises where it fails."""
        return subprocess.run(self.command(*command), check=True, capture_output=True, text=True, timeout=timeout)

    def command(self, *command: str | Path) -> list[str]:
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread makes in the block are that machine's, and stay so."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(RUN / self.name, os.O_RDONLY)
        try:
            os.setns(there, os.CLONE_NEWNET)
            yield
        finally:
            os.setns(here, os.CLONE_NEWNET)
            os.close(there)
            os.close(here)

    def connect(self, address: str, port: int, timeout: float = 10) -> socket.socket:
        with self.entered():
            return socket.create_connection((address, port), timeout)


@contextmanager
def machines(*names: str) -> Iterator[tuple[Machine, ...]]:
    """Machines without a wire, their loopback up; gone with the block, and with them all that was in them."""
    with ExitStack() as made:
        found = tuple(Machine(f"gerbang-{os.getpid()}-{name}") for name in names)
        for machine in found:
            subprocess.run(["ip", "netns", "add", machine.name], check=True)
            made.callback(subprocess.run, ["ip", "netns", "delete", machine.name], check=True)
            machine.run("ip", "link", "set", "lo", "up")
        yield found


def wire(one: Machine, own: str, other: Machine, theirs: str) -> None:
    """A cable between two machines, with the names of its ends."""
    subprocess.run(
        ["ip", "link", "add", own, "netns", one.name, "type", "veth", "peer", "name", theirs, "netns", other.name],
        check=True,
    )
    for machine, end in ((one, own), (other, theirs)):
        machine.run("ip", "link", "set", end, "up")


def addressed(machine: Machine, interface: str, *addresses: str) -> None:
    for address in addresses:
        # Without the second in which IPv6 asks whether somebody else has it.
        more = ("nodad",) if ":" in address else ()
        machine.run("ip", "address", "add", address, "dev", interface, *more)
