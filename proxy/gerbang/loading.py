"""From folders to a `World`: whole or not at all.

`policies = ["bundled", "/etc/gerbang/policies"]`: a later folder adds to the earlier ones, or replaces a
document of the same name. In a folder stand policies (`NAME/policy.yaml` or `NAME.yaml`), `platforms/`,
`lexicons/`, `calendars/`, `targets/` (CSV), `protected.yaml` and `notice.yaml`; `*.cases.yaml` beside each is for the
case runner.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gerbang.answers.notice import Notice, parse_notice
from gerbang.bundled import bundled
from gerbang.checks.examine import compile_checks
from gerbang.checks.lexicon import parse_lexicon
from gerbang.errors import (
    DocumentError,
    DocumentErrors,
    GerbangError,
    Place,
    RegisterError,
    SettingsError,
    one_of,
    reason,
)
from gerbang.journal.keys import load_keys
from gerbang.model import Office, Registers, Zone
from gerbang.pipeline import World
from gerbang.policy.calendar import Calendar, compile_calendar, parse_calendar
from gerbang.policy.calendar_cases import parse_calendar_cases, run_calendar_cases
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.policy.protected import Protected, parse_protected
from gerbang.recognition.signature import UNTOLD, PlatformDocument, Platforms, compile_platforms, parse_platform
from gerbang.registers import OWN_DAYS_FILE, load_registers
from gerbang.settings import Settings
from gerbang.target_lists import load_targets

CASES = ".cases.yaml"
# Documents of which there is one, beside the policies.
ALONE = frozenset({"protected", "notice"})
DOCUMENT_LIMIT = 4 << 20  # bytes; the shipped ones are well under a tenth of it
# Cases that do not hold, of which each is told.
CASES_TOLD = 5
NO_CALENDAR = "there is none in the folders of `policies`; add `bundled` to them"


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was found: the name by which a later folder replaces it, its file and its text."""

    name: str
    file: Path
    text: str


@dataclass(frozen=True, slots=True)
class Pack:
    """The platform documents of the settings' folders, each with where it was found."""

    found: tuple[Source, ...]
    documents: tuple[PlatformDocument, ...]


def policy_folders(settings: Settings) -> tuple[Path, ...]:
    """The folders of the setting `policies`, in order. Raises `SettingsError` for one that is not there."""
    folders = []
    for name in settings.policies:
        folder = bundled("policies") if name == "bundled" else Path(name)
        if not folder.is_dir():
            raise SettingsError(
                f"the policy folder `{name}` does not exist", hint="correct `policies` in the settings, or make it"
            )
        folders.append(folder)
    return tuple(folders)


def sources(folders: tuple[Path, ...], kind: str) -> tuple[Source, ...]:
    """The documents of one kind (`policy`, `platforms`, `lexicons`, `calendars`, `protected`, `notice`)."""
    found: dict[str, Source] = {}
    for folder in folders:
        for name, file in _files(folder, kind):
            found[name] = Source(name, file, read_document(file))
    return tuple(found.values())


def _files(folder: Path, kind: str) -> Iterator[tuple[str, Path]]:
    if kind == "policy":
        yield from ((file.parent.name, file) for file in sorted(folder.glob("*/policy.yaml")))
        loose = (file for file in sorted(folder.glob("*.yaml")) if not file.name.endswith(CASES))
        yield from ((file.stem, file) for file in loose if file.stem not in ALONE)
    elif kind in ALONE:
        yield from ((kind, file) for file in folder.glob(f"{kind}.yaml"))
    else:
        yield from ((file.stem, file) for file in sorted(_yaml_files(folder / kind)) if not is_cases(file))


def is_cases(file: Path) -> bool:
    return file.name.endswith(CASES)


def cases_beside(file: Path) -> Path | None:
    """The case file of a document, where there is one."""
    beside = file.with_name(file.name.removesuffix(".yaml") + CASES)
    return beside if beside.exists() else None


def read_document(file: Path) -> str:
    """The text of a document. Raises `DocumentError` where it cannot be had or is out of all proportion."""
    place = Place(str(file))
    try:
        if file.stat().st_size > DOCUMENT_LIMIT:
            raise DocumentError(f"the document is larger than {DOCUMENT_LIMIT >> 20} MiB", place=place)
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"the document cannot be read: {reason(error)}", place=place) from None
    except UnicodeDecodeError:
        raise DocumentError("the document is not UTF-8 text", place=place, hint="save it as UTF-8") from None


def each[Parsed](found: tuple[Source, ...], parse: Callable[[str, str], Parsed]) -> tuple[Parsed, ...]:
    """Every document parsed; the errors of all of them together where there are any."""
    parsed: list[Parsed] = []
    errors: list[GerbangError] = []
    for source in found:
        try:
            parsed.append(parse(source.text, str(source.file)))
        except DocumentErrors as several:
            errors += several.errors
        except DocumentError as error:
            errors.append(error)
    if errors:
        raise DocumentErrors(errors)
    return tuple(parsed)


def load_world(settings: Settings, registers: Path | None = None, pack: Pack | None = None) -> World:
    """All that a decision rests on, from the settings' folders. Raises a `GerbangError`; gives no half a world.

    `pack` are the platform documents, where they have been read already.
    """
    folders = policy_folders(settings)
    calendar = compile_calendar(each(sources(folders, "calendars"), parse_calendar))
    protected = each(sources(folders, "protected"), parse_protected)
    platforms = compile_pack(pack or read_pack(settings), settings)
    world = World(
        platforms=platforms,
        policy=compile_policy(each(sources(folders, "policy"), parse_policy)),
        calendar=calendar,
        checks=compile_checks(each(sources(folders, "lexicons"), parse_lexicon)),
        registers=load_registers(registers or settings.registers_folder),
        offices=offices_of(settings, calendar),
        zones=tuple(Zone(z.name, z.networks, z.office, z.device, z.sign_in) for z in settings.zones),
        official_hosts=frozenset(site.host for site in settings.sites if site.official),
        protected=protected[-1] if protected else Protected(),
        key=content_key(load_keys(settings.keys_folder).record),
        targets=load_targets(folders, known_platforms(platforms)),
    )
    check_officers(world, settings)
    return world


def load_notice(settings: Settings) -> Notice:
    """The notice to officers: the last folder's. Raises a `GerbangError`."""
    found = sources(policy_folders(settings), "notice") or sources((bundled("policies"),), "notice")
    (shape,) = each(found[-1:], parse_notice)
    return Notice(settings.interception.notice, settings.interception.authority, shape)


def known_platforms(platforms: Platforms) -> frozenset[str]:
    return frozenset(document.platform for document in platforms.documents)


def policy_documents(settings: Settings) -> dict[str, str]:
    """The text of each policy document, by its name."""
    return {source.name: source.text for source in sources(policy_folders(settings), "policy")}


def load_platforms(settings: Settings) -> Platforms:
    """The signatures, with the settings' sites."""
    return compile_pack(read_pack(settings), settings)


def read_pack(settings: Settings, before: Pack | None = None) -> Pack:
    """The platform documents; those of `before` that read as they did are not parsed anew."""
    known = {}
    if before is not None:
        given = zip(before.found, before.documents, strict=True)
        known = {(source.text, str(source.file)): document for source, document in given}
    found = sources(policy_folders(settings), "platforms")
    return Pack(found, each(found, lambda text, file: known.get((text, file)) or parse_platform(text, file)))


def compile_pack(pack: Pack, settings: Settings) -> Platforms:
    """Raises `SettingsError` where a site is of a platform that has no document."""
    known = {document.platform for document in pack.documents}
    for site in settings.sites:
        if site.platform and site.platform not in known:
            raise SettingsError(
                f"the site `{site.host}` names the platform `{site.platform}`, which has no signatures",
                hint=one_of(sorted(known), site.platform),
            )
    return compile_platforms(pack.documents, {site.host: site.platform or UNTOLD for site in settings.sites})


def platform_files(settings: Settings) -> frozenset[tuple[Path, int, int, int]]:
    return _standing(settings, "platforms")


def calendar_files(settings: Settings) -> frozenset[tuple[Path, int, int, int]]:
    return _standing(settings, "calendars")


def _standing(settings: Settings, kind: str) -> frozenset[tuple[Path, int, int, int]]:
    """Each file of the folders of a kind as it stands, cases included: path, time, size and number.

    Raises `SettingsError` where a folder cannot be looked into: what stands there is not gone.
    """
    found = set()
    for folder in policy_folders(settings):
        for file in _yaml_files(folder / kind):
            with suppress(OSError):
                status = file.stat()
                found.add((file, status.st_mtime_ns, status.st_size, status.st_ino))
    return frozenset(found)


def _yaml_files(folder: Path) -> list[Path]:
    """As `glob` gives them, which takes a folder that cannot be read for an empty one."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        what = f"the folder `{folder}` cannot be read: {reason(error)}"
        raise SettingsError(what, hint="let the user who runs gerbang read it") from None
    return [folder / name for name in names if name.endswith(".yaml")]


def offices_of(settings: Settings, calendar: Calendar) -> Mapping[str, Office]:
    """The offices of the settings. Raises `SettingsError` for one whose state or pattern no calendar has."""
    offices = {}
    for entry in settings.offices:
        state = calendar.state(entry.state)
        if state is None:
            raise SettingsError(
                f"office `{entry.name}` names the state `{entry.state}`, which no calendar has",
                hint=one_of(calendar.states, entry.state) if calendar.states else NO_CALENDAR,
            )
        if entry.pattern not in calendar.patterns:
            raise SettingsError(
                f"office `{entry.name}` names the working pattern `{entry.pattern}`, which no calendar has",
                hint=one_of(calendar.patterns, entry.pattern) if calendar.patterns else NO_CALENDAR,
            )
        zone = entry.timezone or state.timezone
        offices[entry.name] = Office(entry.name, entry.state, zone, entry.legal_regime, entry.pattern)
    return offices


def check_officers(world: World, settings: Settings) -> None:
    """Raises `RegisterError` for an officer who would be judged by somebody else's calendar."""
    check_people(world.registers, world.offices, world.calendar, settings)


def check_people(registers: Registers, offices: Mapping[str, Office], calendar: Calendar, settings: Settings) -> None:
    """What `check_officers` checks, without the rest of a world."""
    place = Place(str(settings.registers_folder / "officers.csv"))
    for officer in registers.officers.values():
        if officer.office and officer.office not in offices:
            raise RegisterError(
                f"officer `{officer.id}` is at the office `{officer.office}`, which the settings do not list",
                place=place,
                hint=one_of(sorted(offices), officer.office) if offices else "add an `[[offices]]` entry",
            )
        if officer.pattern and officer.pattern not in calendar.patterns:
            raise RegisterError(
                f"officer `{officer.id}` has the working pattern `{officer.pattern}`, which no calendar has",
                place=place,
                hint=one_of(calendar.patterns, officer.pattern),
            )
    place = Place(str(settings.registers_folder / OWN_DAYS_FILE))
    for name in {entry.office for own in registers.own_days.values() for entry in own.entries if entry.office}:
        if name not in offices:
            what = f"an officer works at the office `{name}`, which the settings do not list"
            hint = one_of(sorted(offices), name) if offices else "add an `[[offices]]` entry"
            raise RegisterError(what, place=place, hint=hint)


def load_calendar(settings: Settings) -> Calendar:
    """The calendar of the settings' folders, by itself."""
    return compile_calendar(each(calendar_sources(settings), parse_calendar))


def calendar_sources(settings: Settings) -> tuple[Source, ...]:
    return sources(policy_folders(settings), "calendars")


def tried_calendar(found: tuple[Source, ...], differing: frozenset[Path]) -> Calendar:
    """The calendar of these documents, if the cases hold of those that differ; else a `GerbangError` that names some.

    The others' are not tried: a day off that an office adds may be one on which a shipped case has a working day.
    """
    calendar = compile_calendar(each(found, parse_calendar))
    failed = [
        DocumentError(f"{case.name}: {'; '.join(case.failures)}", place=Place(case.file, case.line))
        for source in found
        if (file := cases_beside(source.file)) and not differing.isdisjoint({source.file, file})
        for case in run_calendar_cases(parse_calendar_cases(read_document(file), str(file)), calendar)
        if case.failures
    ]
    if failed:
        raise DocumentErrors(failed[:CASES_TOLD])
    return calendar


def content_key(record: bytes) -> bytes:
    """The key of the content digests, made of the installation's so that no two uses share one."""
    return hashlib.sha256(b"gerbang.content-digest-key.v1\n" + record).digest()
