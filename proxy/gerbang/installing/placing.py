"""Putting a new gate's files in place: all of them, or none."""

import os
import pwd
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import bcrypt

from gerbang.console.users import users_of
from gerbang.errors import StartError, reason
from gerbang.gate import authority
from gerbang.installing.composing import htpasswd_text, register_texts, settings_text
from gerbang.installing.plan import Known, Plan
from gerbang.loading import load_platforms
from gerbang.settings import DEFAULT_FILE, Settings, load_settings


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was typed where nobody could see it."""

    passphrase: str = field(repr=False)
    account: str = field(repr=False)
    officer: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """The files that there are now, and the root's fingerprint."""

    files: tuple[Path, ...]
    fingerprint: str


def targets(plan: Plan) -> tuple[Path, ...]:
    """Every file that will be made, none of which may be there."""
    state = plan.folder / plan.state_folder
    files = [plan.settings_file]
    if plan.sign_in == "htpasswd":
        files.append(plan.htpasswd_file)
    files += [state / "registers" / name for name in register_texts(plan)]
    files += [state / "ca" / name for name in (authority.ROOT_CERTIFICATE, authority.INTERMEDIATE)]
    return (*files, state / "console" / "users.json", plan.root_out)


def refuse_existing(files: tuple[Path, ...]) -> None:
    """Raises `StartError` that names each file that is there already."""
    there = [file for file in files if os.path.lexists(file)]
    if there:
        names = ", ".join(f"`{file}`" for file in there)
        be = "is" if len(there) == 1 else "are"
        raise StartError(
            f"{names} {be} there already, and nothing is overwritten",
            hint="name another `--folder`, or move that away; nothing was written",
        )


def place(plan: Plan, known: Known, hidden: Secrets, now: datetime, owner: str | None = None) -> Made:
    """Make all of it. Raises a `GerbangError`, after taking away what was made, or naming what could not be."""
    files = targets(plan)
    refuse_existing(files)
    user = _user(owner) if owner else None
    text = settings_text(plan, known, secrets.token_urlsafe(24))
    chosen = _settings_of(text, plan)
    known_hosts = (*load_platforms(chosen).hosts(), *(site.host for site in chosen.sites), chosen.gate.host)
    folders, given = tuple(_missing_folders(files)), tuple(_missing_folders(files[:-1]))
    try:
        fingerprint = _write(plan, text, chosen, known_hosts, hidden, now)
        if user is not None:
            _give(user, files[:-1], given, chosen)
    except BaseException as error:
        left = _take_away(files, folders, chosen)
        what = f"{_what(error)}; " if isinstance(error, OSError | StartError) else ""
        if left:
            names = ", ".join(f"`{path}`" for path in left)
            raise StartError(f"{what}not all could be taken away again: {names}") from error
        if isinstance(error, OSError):
            raise StartError(f"{what}what was made before was taken away again") from None
        raise
    return Made(files, fingerprint)


def _settings_of(text: str, plan: Plan) -> Settings:
    """The settings as they will be read, before anything is written where it stays."""
    with tempfile.TemporaryDirectory(prefix="gerbang-init-") as folder:
        file = Path(folder) / DEFAULT_FILE
        file.write_text(text, "utf-8")
        read = load_settings(file, {})
    return read.model_copy(update={"state": plan.folder / plan.state_folder})


def _write(plan: Plan, text: str, chosen: Settings, hosts: tuple[str, ...], hidden: Secrets, now: datetime) -> str:
    """Write everything; the settings last, since they are what makes the rest a gate."""
    for folder in (plan.folder, chosen.state, chosen.registers_folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = authority.create_root(plan.organisation, now)
    key, certificate = authority.create_intermediate(root, plan.organisation, hosts, now)
    plan.root_out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority.write_root(root, plan.root_out, hidden.passphrase.encode(errors="surrogatepass"))
    authority.write_intermediate(chosen.authority_folder, key, certificate, root.certificate)
    users_of(chosen).add(plan.account, plan.role, hidden.account, now)
    for name, content in register_texts(plan).items():
        _new(chosen.registers_folder / name, content)
    if plan.sign_in == "htpasswd":
        hashed = bcrypt.hashpw(hidden.officer.encode(), bcrypt.gensalt()) if hidden.officer is not None else None
        _new(plan.htpasswd_file, htpasswd_text(plan, hashed))
    _new(plan.settings_file, text)
    return authority.fingerprint(root.certificate)


def _new(file: Path, text: str) -> None:
    """A file that was not there, for its owner only."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(text.encode("utf-8"))
        out.flush()
        os.fsync(out.fileno())


def _missing_folders(files: tuple[Path, ...]) -> Iterator[Path]:
    """The folders that are not there yet, the inner ones first."""
    seen: set[Path] = set()
    for file in files:
        seen.update(folder for folder in file.parents if not folder.exists())
    yield from sorted(seen, key=lambda folder: len(folder.parts), reverse=True)


def _take_away(files: tuple[Path, ...], folders: tuple[Path, ...], chosen: Settings) -> tuple[Path, ...]:
    """Remove what was made; what could not be."""
    besides = (users_of(chosen).file.with_suffix(".lock"), users_of(chosen).file.with_suffix(".new"))
    for path in (*files, *besides):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
    return tuple(path for path in (*files, *folders) if os.path.lexists(path))


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        hint = "make it first, or leave out `--owner`"
        raise StartError(f"there is no user `{name}` on this machine", hint=hint) from None


def _give(user: pwd.struct_passwd, files: tuple[Path, ...], folders: tuple[Path, ...], chosen: Settings) -> None:
    """Everything is the service's own, but for the root, which is to leave the machine."""
    for path in (*files, users_of(chosen).file.with_suffix(".lock"), *folders):
        # Whoever may write to a folder that was there could have put a link in the place of what was made.
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _what(error: BaseException) -> str:
    if not isinstance(error, OSError):
        return str(error)
    where = f"`{error.filename}`" if error.filename else "a file"
    return f"{where} cannot be written: {reason(error)}"
