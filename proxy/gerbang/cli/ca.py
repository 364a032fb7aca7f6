"""`gerbang ca`: the certificate authority that managed machines are told to trust."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, table
from gerbang.errors import StartError, reason
from gerbang.gate import authority
from gerbang.loading import load_platforms
from gerbang.settings import Settings

PASSPHRASE_VARIABLE = "GERBANG_CA_PASSPHRASE"  # noqa: S105  # the name of a variable

app = typer.Typer(no_args_is_help=True, help="The certificate authority that managed machines are told to trust.")

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help=f"A file whose first line is the root's passphrase; else {PASSPHRASE_VARIABLE}, else it is asked for."
    ),
]


@app.command()
def create(
    root_out: Annotated[Path, typer.Option(help="Where to write the root; keep that file offline, not on the gate.")],
    passphrase_file: PassphraseFile = None,
    organisation: Annotated[str, typer.Option(help="The name that people see in the certificate.")] = "Gerbang",
) -> None:
    """Make a root, which leaves the gate, and an intermediate that can sign for the listed hosts only."""
    chosen = settings()
    folder = chosen.authority_folder
    if (folder / authority.INTERMEDIATE).exists():
        raise StartError(
            f"there is a CA in `{folder}` already",
            hint="`gerbang ca renew --root FILE` takes in new hosts; for a new root, move that folder away first",
        )
    hosts = signed_hosts(chosen)
    now = datetime.now(UTC)
    if not 0 < len(organisation) <= 64:
        raise StartError("the organisation's name has no or too many characters", hint="use 1 to 64 of them")
    root = authority.create_root(organisation, now)
    key, certificate = authority.create_intermediate(root, organisation, hosts, now)
    authority.write_root(root, root_out, passphrase(passphrase_file, confirm=True))
    try:
        authority.write_intermediate(folder, key, certificate, root.certificate)
    except StartError:
        root_out.unlink()  # half a CA is of no use, and its root would be in the way of the next try
        raise
    typer.echo(f"root key and certificate: {root_out} (move it offline; it opens with the passphrase only)")
    typer.echo(f"root certificate, for managed machines to trust: {folder / authority.ROOT_CERTIFICATE}")
    typer.echo(f"SHA-256 of the root: {authority.fingerprint(root.certificate)}")
    typer.echo(f"the gate may sign for {len(authority.constraints_of(certificate))} names and what is below them")


@app.command()
def renew(
    root: Annotated[Path, typer.Option(help="The file that `ca create` wrote.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a new intermediate under the same root: when the list of hosts has grown, or the old one is about to end."""
    chosen = settings()
    opened = authority.read_root(root, passphrase(passphrase_file))
    organisation = authority.organisation_of(opened.certificate)
    key, certificate = authority.create_intermediate(opened, organisation, signed_hosts(chosen), datetime.now(UTC))
    authority.write_intermediate(chosen.authority_folder, key, certificate, opened.certificate)
    names = len(authority.constraints_of(certificate))
    typer.echo(f"renewed until {certificate.not_valid_after_utc:%Y-%m-%d}, for {names} names and what is below them")
    typer.echo("restart `gerbang serve` to use it")


@app.command()
def show(json: JsonOption = False) -> None:
    """What the CA may sign for, until when, and which listed hosts it does not cover."""
    chosen = settings()
    ours = authority.load_authority(chosen.authority_folder)
    missing = ours.missing(signed_hosts(chosen))
    rows: list[tuple[str, object]] = [
        ("root", "" if ours.root is None else authority.fingerprint(ours.root)),
        ("root until", "" if ours.root is None else f"{ours.root.not_valid_after_utc:%Y-%m-%d}"),
        ("intermediate", authority.fingerprint(ours.certificate)),
        ("intermediate until", f"{ours.certificate.not_valid_after_utc:%Y-%m-%d}"),
        ("permitted names", sorted(ours.names)),
        ("listed but not permitted", missing),
    ]
    if json:
        table([name for name, _ in rows], [[value for _, value in rows]], as_json=True)
    else:
        table(["", "value"], rows, as_json=False)
    if missing:
        typer.echo("run `gerbang ca renew --root FILE` to take those in", err=True)


def signed_hosts(chosen: Settings) -> tuple[str, ...]:
    """Every host for which the gate may need a leaf."""
    sites = (site.host for site in chosen.sites)
    return (*load_platforms(chosen).hosts(), *sites, chosen.gate.host)


def passphrase(file: Path | None, *, confirm: bool = False) -> bytes:
    """The root's passphrase, from a file, the environment or the terminal. Raises `StartError`."""
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"
            raise StartError(f"the passphrase file `{file}` cannot be read: {why}") from None
        if not lines or not lines[0]:
            raise StartError(f"the passphrase file `{file}` is empty")
        return lines[0].encode()
    if given := os.environ.get(PASSPHRASE_VARIABLE):
        return given.encode()
    if not sys.stdin.isatty():
        raise StartError(
            "the root needs a passphrase", hint=f"use `--passphrase-file FILE` or set `{PASSPHRASE_VARIABLE}`"
        )
    return str(typer.prompt("Passphrase for the root", hide_input=True, confirmation_prompt=confirm)).encode()
