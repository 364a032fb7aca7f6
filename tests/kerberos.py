"""A Kerberos realm of the tests' own: a key distribution centre on a free port, and who has tickets.

Nothing outside its folder is read or written: `krb5.conf` names the centre by address, and each process is told of it
by its environment.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, SOCK_STREAM, create_connection, socket

from system import program
from waiting import until

REALM = "CONTOH.MY"
HOST = "gerbang.contoh.my"
SERVICE = f"HTTP/{HOST}@{REALM}"
PASSWORD = "a trial's word"

_CLIENT = """[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 0
{more}
[realms]
{realm} = {{
  kdc = 127.0.0.1:{port}
}}
[domain_realm]
.contoh.my = {realm}
"""
_CENTRE = """[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/kadm5.acl
  max_life = 10h
  supported_enctypes = aes256-cts:normal aes128-cts:normal
}}
[logging]
kdc = FILE:{folder}/kdc.log
"""


@dataclass
class Realm:
    """A running realm. `add` makes principals, `keytab` writes their keys, `tickets` signs somebody in."""

    folder: Path
    name: str
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def environment(self, who: str | None = None, **more: str) -> dict[str, str]:
        """For a process: whose tickets it has, nobody's by default."""
        return {
            **os.environ,
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self.cache(who or 'nobody')}",
            "KRB5_KTNAME": str(self.folder / "none.keytab"),
            "KRB5RCACHEDIR": str(self.folder),
            **more,
        }

    def cache(self, who: str) -> Path:
        return self.folder / f"cache-{who.replace('/', '-')}"

    def add(self, principal: str, *options: str) -> None:
        """A principal whose password is `PASSWORD`, or with `-randkey` in `options` none."""
        chosen = options or ("-pw", f'"{PASSWORD}"')
        self._admin(f"addprinc {' '.join(chosen)} {principal}")

    def keytab(self, file: Path, *principals: str) -> Path:
        """The keys of principals, which stay as they are, for nobody else to read."""
        for principal in principals:
            self._admin(f"ktadd -k {file} -norandkey {principal}")
        file.chmod(0o600)
        return file

    def rekey(self, principal: str) -> None:
        self._admin(f"cpw -randkey {principal}")

    def tickets(self, who: str, *options: str) -> Mapping[str, str]:
        """Sign somebody in by password; the environment that has the tickets."""
        environment = self.environment(who)
        self._run(["kinit", *options, who], environment, f"{PASSWORD}\n")
        return environment

    def ticket_for(self, who: str, service: str) -> None:
        """Have the centre give a ticket for a service into the person's cache."""
        self._run(["kvno", service], self.environment(who))

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def start(self) -> None:
        command = [_program("krb5kdc"), "-n", "-P", str(self.folder / "kdc.pid")]
        with (self.folder / "kdc.out").open("ab") as out:
            self.process = subprocess.Popen(command, env=self.environment(), stdout=out, stderr=out)
        until(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "kdc.out").read_text()
        with suppress(OSError), create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _admin(self, query: str) -> None:
        self._run([_program("kadmin.local"), "-r", self.name, "-q", query], self.environment())

    def _run(self, command: list[str], environment: Mapping[str, str], given: str = "") -> None:
        done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, timeout=60)
        # kadmin.local ends well whatever came of its query, and says so on standard error.
        said = [line for line in done.stderr.splitlines() if not line.startswith(("No policy", "WARNING: no policy"))]
        assert done.returncode == 0, done.stderr
        assert "kadmin" not in command[0] or not said, said


@contextmanager
def a_realm(folder: Path, name: str = REALM, *, more: str = "") -> Iterator[Realm]:
    """A realm until the block ends; `more` are lines of its clients' `[libdefaults]`."""
    folder.mkdir(parents=True, exist_ok=True)
    realm = Realm(folder, name, _free_port())
    (folder / "krb5.conf").write_text(_CLIENT.format(realm=name, port=realm.port, more=more))
    (folder / "kdc.conf").write_text(_CENTRE.format(realm=name, port=realm.port, folder=folder))
    create = [_program("kdb5_util"), "create", "-s", "-r", name, "-P", "master of a trial", "-W"]
    done = subprocess.run(create, env=realm.environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    realm.start()
    try:
        yield realm
    finally:
        realm.stop()


def _free_port() -> int:
    """One that is free for TCP and for UDP."""
    for _ in range(50):
        with socket(AF_INET, SOCK_STREAM) as tcp, socket(AF_INET, SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            with suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no port is free for both")


def _program(name: str) -> str:
    """Debian keeps the servers' programs in `sbin`, which is not on everybody's PATH."""
    return program(name) or f"/usr/sbin/{name}"


# A process of its own: libkrb5 reads its settings from the environment.
_TOKEN = """
import base64, sys, gssapi
name = gssapi.Name(sys.argv[1], gssapi.NameType.hostbased_service)
mech = None if sys.argv[2] == "krb5" else gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
for _ in range(int(sys.argv[3])):
    context = gssapi.SecurityContext(name=name, usage="initiate", mech=mech or gssapi.MechType.kerberos)
    print(base64.b64encode(context.step()).decode())
"""


def tokens(environment: Mapping[str, str], host: str = HOST, *, raw: bool = False, count: int = 1) -> list[str]:
    """`Negotiate` headers of somebody with tickets, each with a token of its own; `raw` without SPNEGO around it."""
    command = [sys.executable, "-c", _TOKEN, f"HTTP@{host}", "krb5" if raw else "spnego", str(count)]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [f"Negotiate {line}" for line in done.stdout.split()]
