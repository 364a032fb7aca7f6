"""`gerbang init`: from the few questions that matter to a gate that can be started."""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from gerbang.answers.words import Language
from gerbang.cli import configuration
from gerbang.cli.ca import PASSPHRASE_VARIABLE, PassphraseFile
from gerbang.cli.ca import passphrase as read_passphrase
from gerbang.cli.output import errors, table
from gerbang.console.users import LONGEST_PASSWORD, SHORTEST_PASSWORD, Role
from gerbang.errors import GerbangError, SettingsError, StartError, one_of
from gerbang.gate.authority import PASSPHRASE_MINIMUM
from gerbang.installing import plan as answers
from gerbang.installing.composing import next_steps
from gerbang.installing.placing import Secrets, place, refuse_existing, targets
from gerbang.installing.plan import SIGN_INS, Known, Plan, load_known, proposed_listen
from gerbang.installing.words import said
from gerbang.settings import DEFAULT_FILE

CONSOLE_VARIABLE = "GERBANG_CONSOLE_PASSWORD"
OFFICER_VARIABLE = "GERBANG_OFFICER_PASSWORD"

# What nothing can be proposed for.
NEEDED = ("organisation", "state", "network")

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[str | None, typer.Option(help="Where gerbang.toml goes; else it is asked for.")] = None,
    state_folder: Annotated[
        str,
        typer.Option(help="The folder for journal, CA and registers, seen from there."),
    ] = "state",
    organisation: Annotated[str | None, typer.Option(help="The agency's name, as certificates show it.")] = None,
    office: Annotated[str | None, typer.Option(help="A short name for the office, in small letters.")] = None,
    state: Annotated[str | None, typer.Option(help="The state that the office is in, such as PJY.")] = None,
    legal_regime: Annotated[str | None, typer.Option(help="Whose regulations hold: federal, state, ...")] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="A network of the office's PCs; may be given several times.")
    ] = None,
    guest_network: Annotated[
        list[str] | None, typer.Option(help="A network of personal devices; may be given several times.")
    ] = None,
    sign_in: Annotated[str | None, typer.Option(help="htpasswd, or none where nobody is to be known.")] = None,
    officer: Annotated[str | None, typer.Option(help="The first sign-in name of the htpasswd file.")] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(help="An official site: HOST=PLATFORM, or HOST of a WordPress blog; may be given several times."),
    ] = None,
    authority: Annotated[str | None, typer.Option(help="Under what traffic is opened; without it nothing is.")] = None,
    notice: Annotated[str | None, typer.Option(help="The version of the notice that officers were given.")] = None,
    listen: Annotated[str | None, typer.Option(help="Where the proxy listens, such as 10.1.0.5:8080.")] = None,
    console_listen: Annotated[str, typer.Option(help="Where the console listens.")] = "127.0.0.1:8081",
    account: Annotated[str | None, typer.Option(help="The console's first account.")] = None,
    role: Annotated[str | None, typer.Option(help="Its role: auditor, or admin, who sees no content.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read that account's password from standard input.")
    ] = False,
    root_out: Annotated[
        str | None, typer.Option(help="Where the CA's root goes; keep that file offline, not on the gate.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    owner: Annotated[
        str | None, typer.Option(help="The user that the service runs as, to whom all but the root is given.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="ms or en; else the locale's, else ms.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take what is proposed.")] = False,
) -> None:
    """Set up a gate: settings, registers, a CA and the console's first account. Nothing is overwritten."""
    if configuration.chosen() is not None:
        raise SettingsError("`--config` names a file to read", hint=f"`--folder` says where {DEFAULT_FILE} is made")
    speaks = _language(language)
    given = {
        "folder": folder,
        "organisation": organisation,
        "office": office,
        "state": state,
        "legal-regime": legal_regime,
        "network": _joined(network),
        "guest-network": _joined(guest_network),
        "sign-in": sign_in,
        "officer": officer,
        "site": _joined(site),
        "authority": authority,
        "notice": notice,
        "listen": listen,
        "account": account,
        "role": role,
        "root-out": root_out,
    }
    asker = Asker(speaks, given, asks=not yes and sys.stdin.isatty())
    where = asker.answer("folder", _folder, default=".")
    refuse_existing((where / DEFAULT_FILE,))
    _check_complete(asker, password_stdin=password_stdin, passphrase_file=passphrase_file)
    known = load_known()
    chosen = _plan(asker, known, where, state_folder, console_listen)
    refuse_existing(targets(chosen))
    hidden = _secrets(asker, chosen, password_stdin=password_stdin, passphrase_file=passphrase_file)
    made = place(chosen, known, hidden, datetime.now(UTC), owner)
    typer.echo(said("made", speaks))
    for file in made.files:
        typer.echo(f"  {file}")
    typer.echo(said("fingerprint", speaks, value=made.fingerprint))
    if not chosen.decrypts:
        typer.echo(said("sealed", speaks))
    typer.echo(said("next", speaks))
    for number, step in enumerate(next_steps(chosen, owner), 1):
        typer.echo(f"  {number}. {step}")


def _plan(asker: "Asker", known: Known, folder: Path, state_folder: str, console_listen: str) -> Plan:
    organisation = asker.answer("organisation", answers.organisation)
    office = asker.answer("office", answers.office, default="hq")
    if asker.asks and asker.given["state"] is None:
        columns = (said("states.code", asker.language), said("states.name", asker.language))
        table(columns, [(code, names[0]) for code, names in known.states.items()], as_json=False)
    state = asker.answer("state", lambda text: answers.state(text, known))
    regimes = known.legal_regimes
    legal_regime = asker.answer(
        "legal-regime",
        lambda text: answers.chosen(text, regimes, "the legal regime"),
        default="federal",
        words=", ".join(regimes),
    )
    networks = asker.answer("network", _some_networks)
    guests = asker.answer(
        "guest-network", lambda text: answers.apart(answers.networks(text), networks), default="", may_be_empty=True
    )
    sign_in = asker.answer("sign-in", lambda text: answers.chosen(text, SIGN_INS, "the sign-in"), default="htpasswd")
    officer = None
    if sign_in == "htpasswd":
        officer = asker.answer("officer", _or_none(answers.sign_in_name), default="", may_be_empty=True)
    elif asker.given["officer"]:
        raise SettingsError("`--officer` names who signs in, and with `--sign-in none` nobody does")
    sites = asker.answer("site", lambda text: answers.sites(text, known), default="", may_be_empty=True)
    authority = asker.answer("authority", answers.plain, default="", may_be_empty=True)
    notice = ""
    if authority or asker.given["notice"]:
        notice = asker.answer("notice", answers.plain, default="", may_be_empty=not authority)
    if bool(authority) != bool(notice):
        lacking = "notice" if authority else "authority"
        raise SettingsError(
            f"`--{lacking}` is missing: traffic is opened under both or not at all", hint="give both, or leave both out"
        )
    listen = asker.answer("listen", answers.listen, default=proposed_listen(networks))
    account = asker.answer("account", answers.account, default="auditor")
    role = asker.answer("role", lambda text: answers.chosen(text, tuple(Role), "the role"), default=Role.AUDITOR.value)
    root_out = asker.answer("root-out", _file, default=str(folder / "gerbang-root.p12"))
    return Plan(
        folder=folder,
        state_folder=Path(answers.plain(state_folder) or "state"),
        root_out=root_out,
        language=asker.language,
        organisation=organisation,
        office=office,
        state=state,
        legal_regime=legal_regime,
        networks=networks,
        guest_networks=guests,
        sign_in=cast(answers.SignInKind, sign_in),
        officer=officer,
        sites=sites,
        authority=authority,
        notice=notice,
        listen=listen,
        console_listen=answers.listen(console_listen),
        account=account,
        role=Role(role),
    )


def _secrets(asker: "Asker", plan: Plan, *, password_stdin: bool, passphrase_file: Path | None) -> Secrets:
    """What nobody may see: from the terminal, twice; else from the environment, a file or standard input."""
    officer = None
    if plan.officer is not None:
        officer = asker.secret(
            "officer-password", answers.officer_password, OFFICER_VARIABLE, name=plan.officer, least=SHORTEST_PASSWORD
        )
    if password_stdin:
        account = answers.console_password(sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n"))
    else:
        account = asker.secret(
            "password", answers.console_password, CONSOLE_VARIABLE, name=plan.account, least=SHORTEST_PASSWORD
        )
    if passphrase_file is not None:
        words = answers.passphrase(read_passphrase(passphrase_file).decode())
    else:
        words = asker.secret("passphrase", answers.passphrase, PASSPHRASE_VARIABLE, least=PASSPHRASE_MINIMUM)
    return Secrets(words, account, officer)


class Asker:
    """Gives an answer that was given as an option, or that is typed, or that is proposed; each is checked."""

    def __init__(self, language: Language, given: Mapping[str, str | None], *, asks: bool) -> None:
        self.language, self.given, self.asks = language, given, asks

    def answer[Answer](
        self,
        key: str,
        parse: Callable[[str], Answer],
        *,
        default: str | None = None,
        may_be_empty: bool = False,
        **words: object,
    ) -> Answer:
        """Raises what `parse` does for an option; what is typed wrongly is asked for again."""
        given = self.given[key]
        if given is not None:
            return parse(given)
        if not self.asks:
            if default is None:
                raise SettingsError(f"`--{key}` is missing")
            return parse(default)
        question = said(key, self.language, **words)
        while True:
            typed = str(typer.prompt(question, default=default, show_default=bool(default)))
            if not typed.strip() and not may_be_empty:
                continue
            try:
                return parse(typed)
            except GerbangError as error:
                errors.print(f"  {error}", markup=False, highlight=False, soft_wrap=True)

    def secret(self, key: str, parse: Callable[[str], str], variable: str, **words: object) -> str:
        """From the environment, or typed twice where nobody can see it."""
        if given := os.environ.get(variable):
            return parse(given)
        while True:
            typed = str(typer.prompt(said(key, self.language, **words), hide_input=True))
            try:
                parse(typed)
            except GerbangError as error:
                errors.print(f"  {error}", markup=False, highlight=False, soft_wrap=True)
                continue
            if str(typer.prompt(said("again", self.language), hide_input=True)) == typed:
                return typed
            errors.print(f"  {said('differ', self.language)}", markup=False, highlight=False)


def _check_complete(asker: Asker, *, password_stdin: bool, passphrase_file: Path | None) -> None:
    """Where nobody can be asked, all that has no proposal must be given: one sentence names what is missing."""
    if asker.asks:
        return
    missing = [f"`--{key}`" for key in NEEDED if asker.given[key] is None]
    if not password_stdin and not os.environ.get(CONSOLE_VARIABLE):
        missing.append(f"`--password-stdin` (or `{CONSOLE_VARIABLE}`)")
    if passphrase_file is None and not os.environ.get(PASSPHRASE_VARIABLE):
        missing.append(f"`--passphrase-file FILE` (or `{PASSPHRASE_VARIABLE}`)")
    if asker.given["officer"] and not os.environ.get(OFFICER_VARIABLE):
        missing.append(f"`{OFFICER_VARIABLE}`")
    if missing:
        raise SettingsError(
            f"nobody can be asked, and this is missing: {', '.join(missing)}", hint="see `gerbang init --help`"
        )


def _language(chosen: str | None) -> Language:
    if chosen is not None:
        if chosen not in set(Language):
            raise SettingsError(f"`{chosen}` is no language of the program's", hint=one_of(Language, chosen))
        return Language(chosen)
    wanted = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return Language.EN if wanted.lower().startswith("en") else Language.MS


def _joined(given: list[str] | None) -> str | None:
    return " ".join(given) if given else None


def _folder(text: str) -> Path:
    path = _file(text)
    if path.exists() and not path.is_dir():
        raise StartError(f"`{path}` is no folder")
    return path


def _file(text: str) -> Path:
    path = answers.plain(text)
    if not path:
        raise SettingsError("a path is expected")
    return Path(path).expanduser().absolute()


def _some_networks(text: str) -> tuple[answers.Network, ...]:
    found = answers.networks(text)
    if not found:
        raise SettingsError("at least one network is needed", hint="write one such as `10.1.0.0/16`")
    return found


def _or_none(parse: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: parse(text) if text.strip() else None
