"""The texts of the files that a new gate begins with. Pure: a plan in, texts out."""

import json
from collections.abc import Iterator
from itertools import batched
from shlex import quote

from gerbang.csv_files import Column
from gerbang.installing.plan import Known, Plan
from gerbang.installing.words import said
from gerbang.registers import ACCOUNTS, APPROVALS, EXEMPTIONS, OFFICERS
from gerbang.settings import is_loopback

_STATES_ON_A_LINE = 6

EXAMPLES = {
    "officers.csv": (OFFICERS, "contoh-1,Pegawai Contoh,Unit Contoh,{office},professional,,"),
    "accounts.csv": (ACCOUNTS, "x,,jabatan-contoh,Jabatan Contoh,official,Unit Contoh,contoh-1;group:media,,,"),
    "approvals.csv": (
        APPROVALS,
        "CONTOH-1,contoh-1,political,Ketua Jabatan Contoh,Surat contoh bil. 0,2020-01-01,2020-01-02,2020-01-01,"
        "outside-office-hours",
    ),
    "exemptions.csv": (
        EXEMPTIONS,
        "CONTOH-1,malaysia-public-service/viewing-in-office-hours,group:media,,,Kempen contoh,Ketua Jabatan Contoh,"
        "Surat contoh bil. 0,2020-01-01,2020-01-02,",
    ),
}


def settings_text(plan: Plan, known: Known, token: str) -> str:
    """`gerbang.toml`, each section with two lines that explain it. `token` goes in where the console needs one."""
    return "\n\n".join(_sections(plan, known, token)) + "\n"


def _sections(plan: Plan, known: Known, token: str) -> Iterator[str]:
    yield _remark("head", plan)
    yield _remark("state", plan) + f"\nstate = {_text(str(plan.state_folder))}"
    yield _remark("policies", plan) + '\npolicies = ["bundled"]'
    yield _remark("gate", plan) + f"\n[gate]\nlisten = {_text(plan.listen)}"
    authority = plan.authority or "Arahan Ketua Jabatan bil. 1/2026"
    notice = plan.notice or "2026-01"
    off = "" if plan.decrypts else "# "
    yield (
        _remark("interception", plan)
        + f"\n[interception]\n{off}authority = {_text(authority)}\n{off}notice = {_text(notice)}"
    )
    states = ", ".join(
        f"{code} {names[0].removeprefix('Wilayah Persekutuan ')}" for code, names in known.states.items()
    )
    yield (
        _remark("office", plan, states=states)
        + f"\n[[offices]]\nname = {_text(plan.office)}\nstate = {_text(plan.state)}"
        + f"\nlegal_regime = {_text(plan.legal_regime)}"
    )
    yield _remark("zone", plan) + "\n" + _zone(plan, "office-pcs", plan.networks, "managed")
    if plan.guest_networks:
        yield _remark("guests", plan) + "\n" + _zone(plan, "guest-wifi", plan.guest_networks, "personal")
    for number, site in enumerate(plan.sites):
        remark = _remark("site", plan) + "\n" if number == 0 else ""
        yield f"{remark}[[sites]]\nhost = {_text(site.host)}\nplatform = {_text(site.platform)}\nofficial = true"
    secret = "" if is_loopback(plan.console_listen) else f"\nmetrics_token = {_text(token)}"
    yield (
        _remark("console", plan)
        + f"\n[console]\nlisten = {_text(plan.console_listen)}\nlanguage = {_text(plan.language.value)}{secret}"
    )
    yield _remark("log", plan) + '\n[log]\nformat = "text"'


def _states(known: Known) -> str:
    """The codes of the states with their names, some to a line."""
    told = [f"{code} {names[0].removeprefix('Wilayah Persekutuan ')}" for code, names in known.states.items()]
    return ",\n".join(", ".join(part) for part in batched(told, _STATES_ON_A_LINE, strict=False))


def _zone(plan: Plan, name: str, networks: tuple[object, ...], device: str) -> str:
    listed = ", ".join(_text(str(network)) for network in networks)
    sign_in = ""
    if device == "managed":
        sign_in = f"\nsign_in = {_text(plan.sign_in)}"
        if plan.sign_in == "htpasswd":
            sign_in += f"\nhtpasswd = {_text(plan.htpasswd_file.name)}"
    return (
        f"[[zones]]\nname = {_text(name)}\nnetworks = [{listed}]\noffice = {_text(plan.office)}\n"
        f"device = {_text(device)}{sign_in}"
    )


def _remark(key: str, plan: Plan, **arguments: object) -> str:
    lines = said(f"toml.{key}", plan.language, **arguments).splitlines()
    return "\n".join(f"# {line}" for line in lines)


def _text(value: str) -> str:
    """A TOML basic string. What is printable needs no more escaping than JSON's."""
    return json.dumps(value, ensure_ascii=False)


def register_texts(plan: Plan) -> dict[str, str]:
    """Each register with its columns and one example, which is a remark and so never counts."""
    return {
        name: f"{_heading(columns)}\n# {said('register', plan.language)}\n#{example.format(office=plan.office)}\n"
        for name, (columns, example) in EXAMPLES.items()
    }


def _heading(columns: tuple[Column, ...]) -> str:
    return ",".join(column.name for column in columns)


def htpasswd_text(plan: Plan, hashed: bytes | None) -> str:
    """The file of sign-ins: how to add one, and the first where there is one."""
    lines = [f"# {said('htpasswd', plan.language, file=quote(str(plan.htpasswd_file)))}"]
    if plan.officer is not None and hashed is not None:
        lines.append(f"{plan.officer}:{hashed.decode('ascii')}")
    return "\n".join((*lines, ""))


def next_steps(plan: Plan, owner: str | None = None) -> tuple[str, ...]:
    """What the admin does now, in order; as `owner` where the gate is another user's."""

    def step(key: str, **arguments: object) -> str:
        return said(f"next.{key}", plan.language, **arguments)

    state = plan.folder / plan.state_folder
    steps = [step("root", file=plan.root_out), step("trust", file=state / "ca" / "root.crt")]
    steps.append(step("registers", folder=state / "registers"))
    if plan.sign_in == "htpasswd":
        steps.append(step("officers", file=quote(str(plan.htpasswd_file))))
    if not plan.decrypts:
        steps.append(step("authority", file=plan.settings_file))
    run = f"runuser -u {quote(owner)} -- " if owner else ""
    steps += [step(command, run=run, file=quote(str(plan.settings_file))) for command in ("doctor", "serve")]
    reached = not is_loopback(plan.listen) or all(network.is_loopback for network in plan.networks)
    steps.append(
        step(
            "proxy" if reached else "proxy-elsewhere",
            file=plan.settings_file,
            listen=plan.listen,
            console=plan.console_listen,
        )
    )
    return tuple(steps)
