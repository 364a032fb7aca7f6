"""`gerbang fleet`: files by which an office's browsers and Macs are told of the gate."""

import sys
from typing import Annotated

import typer
from cryptography import x509

from gerbang.cli.configuration import settings
from gerbang.errors import SettingsError, StartError, reason
from gerbang.fleet.pac import is_unspecified, proxies_of
from gerbang.fleet.policies import apple_profile, chrome_policies, firefox_policies
from gerbang.settings import Settings, host_and_port

app = typer.Typer(no_args_is_help=True, help="Files by which an office's browsers and Macs are told of the gate.")

PacUrlOption = Annotated[
    str | None, typer.Option("--pac-url", help="Where the PAC file is; else as `[pac] listen` serves it.")
]


@app.command()
def firefox(
    certificate: Annotated[
        str, typer.Option(help="Where the PCs have the root's certificate.")
    ] = "/usr/local/share/ca-certificates/gerbang-root.crt",
    pac_url: PacUrlOption = None,
) -> None:
    """Print Firefox's `policies.json`."""
    chosen = settings()
    typer.echo(firefox_policies(certificate, _pac_url(chosen, pac_url), _tickets_for(chosen)), nl=False)


@app.command()
def chrome(pac_url: PacUrlOption = None) -> None:
    """Print a policy file for Chrome, Chromium and Edge, with the root's certificate inside."""
    chosen = settings()
    typer.echo(chrome_policies(_root(chosen), _pac_url(chosen, pac_url), _tickets_for(chosen)), nl=False)


@app.command()
def apple(
    pac_url: PacUrlOption = None,
    organisation: Annotated[str, typer.Option(help="The name that people see in the profile.")] = "Gerbang",
) -> None:
    """Print a .mobileconfig for macOS and supervised iOS, with the root's certificate inside."""
    chosen = settings()
    sys.stdout.write(apple_profile(_root(chosen), _pac_url(chosen, pac_url), organisation).decode())


def _pac_url(chosen: Settings, given: str | None) -> str:
    proxies_of(chosen)
    if given is not None:
        if not given.startswith(("http://", "https://")):
            raise SettingsError(f"`{given}` is no address for `--pac-url`", hint="such as `http://10.1.0.5/proxy.pac`")
        return given
    listen = chosen.pac.listen
    host, port = host_and_port(listen) if listen else ("", 0)
    if not listen or is_unspecified(host):
        raise SettingsError(
            "it is not known where browsers find the PAC file",
            hint="give `--pac-url http://10.1.0.5/proxy.pac`, or set `[pac] listen` to an address that they reach",
        )
    return f"http://{listen}/proxy.pac" if port != 80 else f"http://{listen.removesuffix(':80')}/proxy.pac"


def _tickets_for(chosen: Settings) -> str | None:
    """The host to which browsers are to show Kerberos tickets."""
    return chosen.kerberos.host if chosen.uses_kerberos else None


def _root(chosen: Settings) -> x509.Certificate:
    file = chosen.root_certificate
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except FileNotFoundError:
        raise StartError(
            f"there is no root's certificate at `{file}`", hint="make a CA with `gerbang ca create --root-out FILE`"
        ) from None
    except OSError as error:
        raise StartError(f"the root's certificate `{file}` cannot be read: {reason(error)}") from None
    except ValueError:
        raise StartError(f"`{file}` holds no certificate in PEM") from None
