"""What decisions rest on: policies and their cases, platforms, vocabularies, registers, calendars, zones."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Final

from gerbang.activations import Activations, Step
from gerbang.console.approvers import told_without, without_approver
from gerbang.console.users import users_of
from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import GerbangError
from gerbang.gate.identity.htpasswd import parse_htpasswd
from gerbang.gate.run import check_sign_in
from gerbang.loading import check_officers
from gerbang.model import Device, Office
from gerbang.recognition.matcher import Platforms
from gerbang.settings import ZoneSettings
from gerbang.trying import tried

SOON: Final = 60  # days before a year whose holidays are not known
NAMED: Final = 3  # things that are named in a line
COMING: Final = 366  # days in which an estimated holiday is named


def policies(patient: Patient) -> Iterator[Diagnosis]:
    """The documents: right, and doing what they were meant to."""
    loaded = patient.loaded
    rules = len(loaded.policy.rules)
    names = ", ".join(document.name for document in loaded.documents)
    cited = {regime for clause in loaded.policy.clauses.values() for regime in clause.cites}
    for office in patient.settings.offices:
        if cited and office.legal_regime not in cited:
            yield warning(
                f"no clause cites a law for `{office.legal_regime}`, the regime of office `{office.name}`",
                f"use one of {', '.join(sorted(cited))}, or cite it in a policy",
            )
    rules_of, officers = loaded.policy.rules.values(), patient.registers.officers
    for rule, named in without_approver(rules_of, users_of(patient.settings).all(), officers):
        yield warning(*told_without(rule, named))
    results = tried(loaded, patient.world)
    failed = [result for result in results if result.failures]
    if failed:
        first = failed[0]
        yield bad(
            f"{len(failed)} of {len(results)} cases do not hold; the first: {first.name}",
            "run `gerbang policy test`",
        )
    else:
        yield good(f"{names}: {rules} rules, and all {len(results)} cases hold")


def in_force(patient: Patient) -> Iterator[Diagnosis]:
    """Whether what is on the disk is what decides."""
    digest = patient.loaded.policy.digest
    activations = Activations(patient.settings.state)
    activated = activations.read()
    if not activated:
        yield good(f"no policy is in force yet; `gerbang serve` puts {digest[:12]} into force")
        return
    last = activated[-1]
    activations.policy(last.digest)
    for gate in patient.gates:
        if gate.policy != last.digest:
            yield bad(
                f"the running gate decides by {gate.policy[:12]}, and {last.digest[:12]} was activated last",
                "read its log for `policy-refused`",
            )
    plans = activations.open_plans()
    for plan in plans:
        if plan.step is Step.PROPOSED:
            yield warning(
                f"the policy {plan.digest[:12]} was proposed by {plan.by} and waits for another person",
                f"run `gerbang policy confirm {plan.digest[:12]}`, or `gerbang policy cancel {plan.digest[:12]}`",
            )
        elif plan.start is not None:
            yield good(f"the policy {plan.digest[:12]} comes into force at {plan.start.isoformat()}")
    if digest in {plan.digest for plan in plans}:
        yield good(f"the policies on the disk wait; in force are those of {last.digest[:12]}")
    elif last.digest != digest and patient.settings.policy.activation == "two-persons":
        yield warning(
            f"the policies on the disk ({digest[:12]}) are not those in force ({last.digest[:12]}), and wait",
            "run `gerbang policy activate`, and let another person run `gerbang policy confirm`",
        )
    elif last.digest != digest:
        yield warning(
            f"the policies on the disk ({digest[:12]}) are not those in force ({last.digest[:12]})",
            "run `gerbang policy activate`, or start `gerbang serve` again",
        )
    else:
        yield good(f"the policies on the disk are those in force since {last.moment:%Y-%m-%d %H:%M} UTC")


def platforms(patient: Patient) -> Iterator[Diagnosis]:
    """Signatures and vocabularies load."""
    world = patient.world
    digest = world.platforms.digest
    yield good(f"{len(world.platforms.documents)} platforms, {len(world.platforms.hosts())} listed hosts")
    for gate in patient.gates:
        if gate.refused is not None:
            yield bad(f"the running gate has not taken changed documents: {gate.refused}", "correct what is named")
        elif gate.platforms not in ("", digest):
            yield warning(
                f"the running gate goes by {gate.platforms[:12]}, and the documents on the disk are {digest[:12]}",
                "wait some seconds for it to take them; if it does not, read its log",
            )
    for host, names in _listed_twice(world.platforms).items():
        yield warning(
            f"{host} is listed by {' and by '.join(names)}, and is taken for {names[-1]} only",
            "take it out of one document, so that the other's signatures count",
        )
    for site in patient.settings.sites:
        found = world.platforms.at(site.host)
        if found is None or site.platform not in (None, found.platform):
            yield bad(
                f"the site {site.host} is taken for {found.platform if found else 'nothing'}", "correct `[[sites]]`"
            )


def _listed_twice(platforms: Platforms) -> dict[str, list[str]]:
    """Hosts of several documents with the documents, of which the last gets the host."""
    found: dict[str, list[str]] = {}
    for document in platforms.documents:
        for host in {host for hosts in document.hosts.values() for host in hosts}:
            found.setdefault(host, []).append(document.platform)
    return {host: names for host, names in sorted(found.items()) if len(names) > 1}


def registers(patient: Patient) -> Iterator[Diagnosis]:
    """Officers, accounts and approvals, and whether who signs in is among them."""
    found = patient.registers
    check_officers(patient.world, patient.settings)
    folder = patient.settings.registers_folder
    approvals = sum(len(granted) for granted in found.approvals.values())
    yield good(f"{len(found.officers)} officers, {len(found.accounts)} accounts, {approvals} approvals")
    if not found.officers and any(zone.sign_in for zone in patient.settings.zones):
        yield warning("no officer is in the register", f"fill in {folder / 'officers.csv'}: group, office and pattern")
    if not found.accounts and not any(site.official for site in patient.settings.sites):
        yield warning(
            "no official account is in the register, so every account counts as personal",
            f"fill in {folder / 'accounts.csv'}",
        )


def calendars(patient: Patient) -> Iterator[Diagnosis]:
    """For each office, whether its holidays are known for this year and the coming one, and how surely."""
    calendar, today = patient.world.calendar, patient.now.date()
    for office in patient.world.offices.values():
        known = calendar.years(office.state)
        next_year = date(today.year + 1, 1, 1)
        if today.year not in known:
            yield bad(
                f"office {office.name}: the holidays of {today.year} are not known for {office.state}, so nothing is "
                "refused there for the time of day",
                f"run `gerbang calendar build --year {today.year} --out FOLDER/calendars`, with FOLDER in `policies`",
            )
        elif next_year.year not in known:
            days = (next_year - today).days
            told = f"office {office.name}: the holidays of {next_year.year} are not known for {office.state}"
            todo = f"run `gerbang calendar build --year {next_year.year} --out FOLDER/calendars`"
            yield warning(told, todo + (f"; {days} days are left" if days <= SOON else ""))
        else:
            yield good(f"office {office.name}: the holidays of {today.year} and {next_year.year} are known")
        yield from _estimated(patient, office, today)


def _estimated(patient: Patient, office: Office, today: date) -> Iterator[Diagnosis]:
    coming = (today + timedelta(days=ahead) for ahead in range(COMING))
    calendar = patient.world.calendar
    doubtful = [
        f"{day} {one.ms}"
        for day in coming
        for one in calendar.holidays(office.state, day, office=office.name)
        if one.estimated
    ]
    if doubtful:
        named = ", ".join(doubtful[:NAMED]) + (f" and {len(doubtful) - NAMED} more" if len(doubtful) > NAMED else "")
        yield warning(
            f"office {office.name}: {len(doubtful)} holidays of the coming year are estimated: {named}",
            "once they are announced, put what differs into a calendar of your own",
        )


# ---------------------------------------------------------------- zones


def zones(patient: Patient) -> Iterator[Diagnosis]:
    """Whom the gate serves, as what, and how they sign in."""
    chosen = patient.settings
    if not chosen.zones:
        yield bad("no zone is set, so the gate would serve nobody", "run `gerbang init`, or add `[[zones]]`")
        return
    try:
        check_sign_in(chosen)
    except GerbangError as error:
        yield bad(error.what, error.hint or "correct `gate.mode`")
    for zone in chosen.zones:
        networks = ", ".join(str(network) for network in zone.networks)
        kind = "office PCs" if zone.device is Device.MANAGED else "personal devices, never decrypted"
        yield good(f"zone {zone.name}: {networks}, {kind}, at {zone.office}")
        yield from _sign_in(patient, zone)
        yield from _pinned(patient, zone)
    yield from _overlaps(chosen.zones)


def _sign_in(patient: Patient, zone: ZoneSettings) -> Iterator[Diagnosis]:
    if not zone.sign_in:
        if zone.device is Device.MANAGED:
            yield warning(
                f"zone {zone.name}: nobody signs in, so no officer is known there and group rules and approvals rest",
                'set `sign_in = "htpasswd"`',
            )
        return
    if "htpasswd" not in zone.sign_in:
        return
    file = zone.htpasswd or Path()
    try:
        users = parse_htpasswd(file.read_text("utf-8"), str(file))
    except GerbangError as error:
        yield bad(f"zone {zone.name}: {error.place}: {error.what}", error.hint or f"correct {file}")
        return
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8 text"
        yield bad(f"zone {zone.name}: {file} cannot be read: {why}", "let the user who runs gerbang read it")
        return
    if not users:
        yield warning(f"zone {zone.name}: nobody can sign in yet", f"run `htpasswd -B {file} NAME` for each officer")
        return
    if file.stat().st_mode & 0o007:
        yield warning(f"everybody on this machine can read {file}", f"run `chmod 640 {file}`")
    strangers = sorted(set(users) - set(patient.registers.officers))
    if strangers:
        yield warning(
            f"zone {zone.name}: {len(strangers)} of {len(users)} who can sign in are not in officers.csv",
            f"add them, so that their group, office and pattern count: {', '.join(strangers[:NAMED])}"
            + (" ..." if len(strangers) > NAMED else ""),
        )
    else:
        yield good(f"zone {zone.name}: {len(users)} can sign in, all of them in officers.csv")


def _pinned(patient: Patient, zone: ZoneSettings) -> Iterator[Diagnosis]:
    today = patient.now.date()
    for pin in zone.pinned:
        if pin.until < today:
            yield warning(
                f"zone {zone.name}: the exemption of {pin.host} ended on {pin.until}", "take it out, or state a new day"
            )


def _overlaps(all_zones: tuple[ZoneSettings, ...]) -> Iterator[Diagnosis]:
    for one, other in combinations(all_zones, 2):
        for here in one.networks:
            for there in other.networks:
                if here.version == there.version and here.overlaps(there):
                    inner, outer = (one, other) if here.prefixlen > there.prefixlen else (other, one)
                    small, large = sorted((here, there), key=lambda network: -network.prefixlen)
                    yield good(f"{small} lies within {large}: zone {inner.name} goes before zone {outer.name} there")
