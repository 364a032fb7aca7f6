"""What a look at one thing says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from gerbang.model import Registers
from gerbang.pipeline import World
from gerbang.registers import load_registers
from gerbang.settings import Settings
from gerbang.status import Snapshot, read_snapshots
from gerbang.trying import Loaded, load_policies, trial_world


class Level(StrEnum):
    """`WARNING`: it works, and somebody should know. `BAD`: it does not, or will not."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line: what was found, and what to do about it."""

    level: Level
    what: str
    todo: str | None = None
    about: str | None = None
    """Of what, where that is another thing than the exam was of: a document that it had to read."""


def good(what: str) -> Diagnosis:
    return Diagnosis(Level.GOOD, what)


def warning(what: str, todo: str) -> Diagnosis:
    return Diagnosis(Level.WARNING, what, todo)


def bad(what: str, todo: str) -> Diagnosis:
    return Diagnosis(Level.BAD, what, todo)


@dataclass(frozen=True)
class Patient:
    """An installation: its settings, where they come from, and what is loaded of it once it is asked for.

    What cannot be loaded raises a `GerbangError` in each check that needs it. Nothing here makes or changes a file.
    """

    settings: Settings
    file: Path | None
    now: datetime
    online: bool = False

    @cached_property
    def registers(self) -> Registers:
        return load_registers(self.settings.registers_folder)

    @cached_property
    def loaded(self) -> Loaded:
        return load_policies(self.settings, None)

    @cached_property
    def world(self) -> World:
        """As a gate has it, but for its keys."""
        return trial_world(self.loaded, self.settings, registers=self.registers)

    @cached_property
    def gates(self) -> tuple[Snapshot, ...]:
        """The gates that are at work now."""
        return tuple(one for one in read_snapshots(self.settings.status_folder) if one.fresh)

    @property
    def running(self) -> bool:
        return bool(self.gates)


@dataclass(frozen=True, slots=True)
class Exam:
    """A thing to look at. `slow` where it takes more than a moment."""

    name: str
    look: Callable[[Patient], Iterable[Diagnosis]]
    slow: bool = False
