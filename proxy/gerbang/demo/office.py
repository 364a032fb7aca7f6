"""An office in a folder: settings, registers, sign-ins, CA and a console account, as an admin would set them up."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import bcrypt

from gerbang.demo.standins.server import StandIns
from gerbang.demo.standins.wordpress import BLOG
from gerbang.gate import authority
from gerbang.loading import load_platforms
from gerbang.settings import Settings, load_settings

GUEST = "127.0.0.2"
PASSPHRASE = b"only for trials"
TEMPLATE = """# An office for trials on one machine.
state = "state"
policies = [{policies}]

[gate]
listen = "127.0.0.1:{gate}"

[gate.upstream]                 # the platforms' names lead to stand-ins
trusted_ca = "{trusted}"
hosts = {{ {hosts} }}

[interception]
authority = "Arahan Ketua Jabatan bil. 1/2026 (trial)"
notice = "2026-01"

[[offices]]
name = "ibu-pejabat"
state = "PJY"

[[zones]]
name = "pejabat"
networks = ["127.0.0.0/8"]
office = "ibu-pejabat"
sign_in = "htpasswd"
htpasswd = "htpasswd"

[[zones]]
name = "tetamu"                 # the guest Wi-Fi, as this machine can have one
networks = ["{guest}/32"]
office = "ibu-pejabat"
device = "personal"

[[sites]]
host = "{blog}"
platform = "wordpress"

[console]
listen = "127.0.0.1:{console}"
"""


@dataclass(frozen=True, slots=True)
class Registers:
    """The text of the three registers."""

    officers: str
    accounts: str
    approvals: str = "id,grantee,purpose,authority,reference,valid_from,valid_to,withdrawn\n"


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def settle(
    folder: Path,
    standins: StandIns,
    registers: Registers,
    sign_ins: Mapping[str, str],
    *,
    extra: str = "",
    policies: Sequence[str] = ("bundled",),
) -> Settings:
    """Make an office in `folder`, which may have been one before; its settings, with ports that are free now.

    `sign_ins` are names and passwords; `extra` is TOML that follows what the template says.
    """
    file = folder / "gerbang.toml"
    text = TEMPLATE.format(
        policies=", ".join(f'"{name}"' for name in policies),
        gate=free_port(),
        console=free_port(),
        trusted=standins.trusted_ca,
        hosts=", ".join(f'"{host}" = "{address}"' for host, address in standins.upstream.items()),
        blog=BLOG,
        guest=GUEST,
    )
    file.write_text(text + extra, "utf-8")
    settings = load_settings(file, {})
    settings.registers_folder.mkdir(parents=True, exist_ok=True)
    for name in ("officers", "accounts", "approvals"):
        (settings.registers_folder / f"{name}.csv").write_text(getattr(registers, name), "utf-8")
    # A cheap hash: these passwords protect nothing.
    hashed = {name: bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode() for name, word in sign_ins.items()}
    (folder / "htpasswd").write_text("".join(f"{name}:{line}\n" for name, line in hashed.items()), "utf-8")
    if not (settings.authority_folder / authority.INTERMEDIATE).exists():
        _make_authority(settings, folder / "root-key.pem")
    return settings


def _make_authority(settings: Settings, root_file: Path) -> None:
    now = datetime.now(UTC)
    root = authority.create_root("Gerbang (trial)", now)
    hosts = (*load_platforms(settings).hosts(), *(site.host for site in settings.sites), settings.gate.host)
    key, certificate = authority.create_intermediate(root, "Gerbang (trial)", hosts, now)
    authority.write_root(root, root_file, PASSPHRASE)
    authority.write_intermediate(settings.authority_folder, key, certificate, root.certificate)
