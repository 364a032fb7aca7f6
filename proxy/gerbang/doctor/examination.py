"""All exams, in the order in which an admin would put things right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from gerbang.doctor import certificates, machine, records, rules, running
from gerbang.doctor.outcome import Diagnosis, Exam, Level, Patient, bad
from gerbang.errors import GerbangError

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
    Exam("ca", certificates.authority, slow=True),
    Exam("root", certificates.root_key),
    Exam("policy", rules.policies, slow=True),
    Exam("in-force", rules.in_force),
    Exam("platforms", rules.platforms),
    Exam("registers", rules.registers),
    Exam("calendar", rules.calendars),
    Exam("keys", records.record_keys),
    Exam("journal", records.journal),
    Exam("witness", records.witness),
    Exam("database", records.database, slow=True),
    Exam("upstream", running.upstream),
    Exam("dns", running.names, slow=True),
    Exam("gate", running.gate, slow=True),
)


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
                yield Told(exam.name, found)


def diagnoses(exam: Exam, patient: Patient) -> Iterator[Diagnosis]:
    """What one exam says. What it needs and cannot have is a diagnosis too."""
    try:
        yield from exam.look(patient)
    except GerbangError as error:
        yield _trouble(error)
    except Exception as error:
        log.error("fault-in-exam", exam=exam.name, exc_info=error)
        yield bad(f"a fault of our own in this exam ({type(error).__name__})", "send us what the log says of it")


def trouble(error: GerbangError) -> Told:
    """Settings that cannot be read, as the one line that there is to say."""
    return Told("settings", _trouble(error))


def _trouble(error: GerbangError) -> Diagnosis:
    return bad(
        (f"{error.place}: " if error.place else "") + str(error.what),
        error.hint or "correct it there, and run this again",
    )


def is_bad(told: Iterator[Told] | list[Told]) -> bool:
    return any(one.found.level is Level.BAD for one in told)
