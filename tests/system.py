"""The system's own programs that some tests need: which they are, whether they are here, how to get them.

Run as a script it installs what is missing where it may (as root on a Debian-like machine), and else says
which tests will be left out.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Need:
    """A marker of tests, the programs they call, the Debian packages that bring those, and whether it takes root."""

    marker: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    as_root: bool = False

    @property
    def met(self) -> bool:
        return all(program(name) for name in self.programs) and (os.geteuid() == 0 or not self.as_root)

    @property
    def how(self) -> str:
        """What would have to be done."""
        return f"install {' '.join(self.packages)}{', and be root' if self.as_root else ''}"


NEEDS = (
    Need("needs_chromium", ("chromium", "certutil"), ("chromium", "libnss3-tools", "fonts-dejavu-core")),
    Need("needs_postgresql", ("postgres", "initdb"), ("postgresql",)),
    Need("needs_openssl", ("openssl",), ("openssl",)),
    Need(
        "needs_namespaces",
        ("ip", "nft", "sysctl", "curl", "faketime"),
        ("iproute2", "nftables", "procps", "curl", "faketime"),
        as_root=True,
    ),
    Need("needs_firefox", ("firefox-esr", "unshare"), ("firefox-esr", "util-linux"), as_root=True),
    Need("needs_squid", ("squid",), ("squid",)),
    Need("needs_openldap", ("slapd", "slapadd", "ldapsearch"), ("slapd", "ldap-utils")),
    Need(
        "needs_kerberos",
        ("krb5kdc", "kadmin.local", "kdb5_util", "kinit", "krb5-config", "curl"),
        ("krb5-kdc", "krb5-admin-server", "krb5-user", "libkrb5-dev", "gcc", "curl"),
    ),
    Need("needs_freeradius", ("freeradius", "radclient"), ("freeradius", "freeradius-rest", "freeradius-utils")),
    Need("needs_systemd", ("systemd-analyze",), ("systemd",)),
    Need("needs_pid_one", ("systemctl", "unshare", "ip"), ("systemd", "util-linux", "iproute2"), as_root=True),
)


def program(name: str) -> str | None:
    """Where a program is; Debian keeps PostgreSQL's off the PATH."""
    if found := shutil.which(name):
        return found
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(kept[-1]) if kept else None


def missing() -> tuple[Need, ...]:
    return tuple(need for need in NEEDS if not need.met)


def main() -> None:
    lacking = missing()
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = [package for need in lacking for package in need.packages]
        print("installing for the tests:", " ".join(packages), flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", *step], check=True, env=environment, stdout=subprocess.DEVNULL)
    for need in missing():
        print(f"left out: the tests marked {need.marker}, which use {', '.join(need.programs)} (Debian: {need.how})")
    if missing() and os.environ.get("CI"):
        sys.exit("CI leaves nothing out")


if __name__ == "__main__":
    main()
