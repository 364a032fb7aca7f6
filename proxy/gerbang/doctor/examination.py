"""All exams, in the order in which an admin would put things right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from gerbang.doctor import alerting, certificates, machine, people, records, rules, running
from gerbang.doctor.outcome import Diagnosis, Exam, Level, Patient, bad
from gerbang.errors import DocumentErrors, GerbangError

log = structlog.get_logger()

EXAMS = (
    Exam("settings", machine.settings_file),
    Exam("state", machine.state_folder),
    Exam("disk", machine.disk),
    Exam("files", machine.open_files),
    Exam("clock", machine.clock),
    Exam("ports", machine.listeners),
    Exam("interception", certificates.interception),
    Exam("zones", rules.zones, slow=True),
    Exam("policy", rules.policies, slow=True),
    Exam("in-force", rules.in_force),
    Exam("platforms", rules.platforms),
    Exam("ca", certificates.authority, slow=True),
    Exam("root", certificates.root_key),
    Exam("proxy-tls", certificates.proxy_tls),
    Exam("registers", rules.registers),
    Exam("directory", people.directory, slow=True),
    Exam("sessions", people.sessions),
    Exam("kerberos", people.kerberos, slow=True),
    Exam("calendar", rules.calendars),
    Exam("keys", records.record_keys),
    Exam("journal", records.journal),
    Exam("witness", records.witness),
    Exam("database", records.database, slow=True),
    Exam("alerts", alerting.alerts),
    Exam("upstream", running.upstream),
    Exam("dns", running.names, slow=True),
    Exam("gate", running.gate, slow=True),
)

BY_FOLDER: Final = {
    "platforms": "platforms",
    "targets": "policy",
    "registers": "registers",
    "calendars": "calendar",
    "lexicons": "platforms",
}
"""Of what a file is whose folder has this name: whichever exam asks for it first says what is wrong with it."""

NAMED: Final = 5  # errors of documents that are told, a line each


@dataclass(frozen=True, slots=True)
class Told:
    """A diagnosis, and of what."""

    about: str
    found: Diagnosis


def examine(patient: Patient, begun: Callable[[Exam], None] = lambda _: None) -> Iterator[Told]:
    """Every exam's diagnoses. `begun` is told of each exam before it starts."""
    said: set[Diagnosis] = set()
    for exam in EXAMS:
        begun(exam)
        for found in diagnoses(exam, patient):
            # The same document or register stands in the way of several exams: once is enough.
            if found not in said or found.level is Level.GOOD:
                said.add(found)
                yield Told(found.about or exam.name, found)


def diagnoses(exam: Exam, patient: Patient) -> Iterator[Diagnosis]:
    """What one exam says. What it needs and cannot have is a diagnosis too."""
    try:
        yield from exam.look(patient)
    except DocumentErrors as errors:
        told = [_trouble(error) for error in errors.errors]
        yield from told[:NAMED]
        if more := told[NAMED:]:
            todo = "correct those that are named, and run this again"
            yield replace(bad(f"{len(more)} more errors in documents", todo), about=more[0].about)
    except GerbangError as error:
        yield _trouble(error)
    except Exception as error:
        log.error("fault-in-exam", exam=exam.name, exc_info=error)
        yield bad(f"a fault of our own in this exam ({type(error).__name__})", "send us what the log says of it")


def trouble(error: GerbangError) -> Told:
    """Settings that cannot be read, as the one line that there is to say."""
    return Told("settings", _trouble(error))


def _trouble(error: GerbangError) -> Diagnosis:
    found = bad(
        (f"{error.place}: " if error.place else "") + str(error.what),
        error.hint or "correct it there, and run this again",
    )
    return replace(found, about=BY_FOLDER.get(Path(error.place.file).parent.name)) if error.place else found


def is_bad(told: Iterator[Told] | list[Told]) -> bool:
    return any(one.found.level is Level.BAD for one in told)
