"""Policies that came into force: each kept whole under its digest, and the list of when.

`state/policies/DIGEST/NAME.yaml` are the documents as they were written; `activations.jsonl` has a line for each
coming into force, the last of which is what a gate follows. `plans.jsonl` has what is yet to come: proposed and
waiting for another person, or waiting for its instant. The journal has the same for an inquiry; this is for the gate,
which must come to a policy without reading the journal.
"""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gerbang.errors import Place, StartError
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.policy.rules import Policy

LIST = "activations.jsonl"
PLANS = "plans.jsonl"
MOST_PLANS = 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True, slots=True)
class Activation:
    """A policy that came into force at `moment`, and the names of its documents."""

    moment: datetime
    digest: str
    documents: tuple[str, ...]


class Step(StrEnum):
    """What became of a policy that is to come into force."""

    PROPOSED = "proposed"  # waits for another person
    SCHEDULED = "scheduled"  # waits for its instant
    CANCELLED = "cancelled"
    DONE = "done"  # it came into force, or another did after its instant


@dataclass(frozen=True, slots=True)
class Plan:
    """A policy that is to come into force at `start` (`None`: as soon as it is confirmed), and who said so at `moment`.

    `by` is the person of the step, `proposed_by` the one before where there were two.
    """

    moment: datetime
    step: Step
    digest: str
    documents: tuple[str, ...]
    start: datetime | None
    by: str
    proposed_by: str | None = None


class Activations:
    """The activations of a state folder. Raises `StartError` where the folder cannot be used."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "policies"
        self.list = self.folder / LIST
        self.plans = self.folder / PLANS
        self._seen, self._plans_seen = _stamp(self.list), _stamp(self.plans)

    def keep(self, digest: str, documents: Mapping[str, str]) -> None:
        """Store the documents whole under the digest; what is there already stays as it is."""
        kept = self.folder / digest
        if kept.is_dir():
            return
        draft = self.folder / f".{digest[:12]}.{secrets.token_hex(4)}"
        try:
            draft.mkdir(mode=0o700, parents=True)
            for name, text in documents.items():
                if not _NAME.fullmatch(name):
                    raise StartError(f"a policy cannot be kept under the name `{name}`", place=Place(str(kept)))
                _write(draft / f"{name}.yaml", text)
            _sync(draft)
            try:
                draft.rename(kept)
            except OSError:
                if not kept.is_dir():  # else another process was first, with the same documents
                    raise
            _sync(self.folder)
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            if draft.is_dir():
                for file in draft.iterdir():
                    file.unlink()
                draft.rmdir()

    def note(self, activation: Activation) -> None:
        """Add a line to the list, durably. Gates follow it."""
        line = {
            "moment": activation.moment.isoformat(),
            "digest": activation.digest,
            "documents": list(activation.documents),
        }
        self._append(self.list, line)

    def plan(self, plan: Plan) -> None:
        """Add a step to the plans, durably. Gates follow it."""
        line = {
            "moment": plan.moment.isoformat(),
            "step": plan.step,
            "digest": plan.digest,
            "documents": list(plan.documents),
            "from": plan.start.isoformat() if plan.start else None,
            "by": plan.by,
            "proposed_by": plan.proposed_by,
        }
        self._append(self.plans, line)

    def _append(self, file: Path, line: Mapping[str, Any]) -> None:
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    data = b"\n" + data  # half a line, left by a crash, stays a line of its own
                os.write(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sync(self.folder)
        except OSError as error:
            raise self._unusable(error) from None

    def read(self) -> tuple[Activation, ...]:
        """All activations, oldest first; a line that a crash cut in half is passed over."""
        return tuple(activation for line in self._lines(self.list) if (activation := _activation(line)))

    def open_plans(self) -> tuple[Plan, ...]:
        """What is yet to come: proposals first, then what waits for its instant, the earliest first."""
        latest: dict[str, Plan] = {}
        for line in self._lines(self.plans):
            if plan := _plan(line):
                latest[plan.digest] = plan
        proposed = [plan for plan in latest.values() if plan.step is Step.PROPOSED]
        return (*proposed, *sorted((plan for plan in latest.values() if _waits(plan)), key=_start))

    def scheduled(self) -> tuple[tuple[datetime, Plan], ...]:
        """What waits for its instant, with that, the earliest first."""
        return tuple((_start(plan), plan) for plan in self.open_plans() if _waits(plan))

    def at(self, moment: datetime) -> tuple[datetime, str] | None:
        """The policy that was in force at a moment, or will be as things stand, and since when; `None` before all."""
        known = [(entry.moment, entry.digest) for entry in self.read()]
        known += [(start, plan.digest) for start, plan in self.scheduled()]
        before = [entry for entry in sorted(known, key=lambda entry: entry[0]) if entry[0] <= moment]
        return before[-1] if before else None

    def _lines(self, file: Path) -> Sequence[str]:
        try:
            return file.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unusable(error) from None

    def documents(self, digest: str) -> dict[str, str]:
        """The documents of a policy, whole, by name."""
        kept = self.folder / digest
        try:
            files = sorted(kept.glob("*.yaml")) if _DIGEST.fullmatch(digest) else []
            texts = {file.stem: file.read_text("utf-8") for file in files}
        except (OSError, UnicodeDecodeError):
            texts = {}
        if not texts:
            raise StartError(f"the policy `{digest[:12]}` is not kept here", place=Place(str(self.folder)))
        return texts

    def policy(self, digest: str) -> Policy:
        """A kept policy, compiled. Raises `StartError` where what is kept is no longer what was activated."""
        texts = self.documents(digest)
        place = Place(str(self.folder / digest))
        policy = compile_policy([parse_policy(text, f"{place}/{name}.yaml") for name, text in texts.items()])
        if policy.digest != digest:
            raise StartError(
                f"the documents kept here make the policy `{policy.digest[:12]}`",
                place=place,
                hint="they were changed after they were activated; activate the policy again",
            )
        return policy

    def changed(self) -> bool:
        """Whether an activation was added since this was last asked."""
        stamp = _stamp(self.list)
        if stamp == self._seen:
            return False
        self._seen = stamp
        return True

    def plans_changed(self) -> bool:
        """Whether a step was added to the plans since this was last asked."""
        stamp = _stamp(self.plans)
        if stamp == self._plans_seen:
            return False
        self._plans_seen = stamp
        return True

    def _unusable(self, error: OSError) -> StartError:
        return StartError(
            f"the policies cannot be kept: {(error.strerror or 'input or output error').lower()}",
            place=Place(str(self.folder)),
            hint="check `state` in the settings",
        )


def _activation(line: str) -> Activation | None:
    with suppress(ValueError, KeyError, TypeError):
        entry = json.loads(line)
        moment, digest = datetime.fromisoformat(entry["moment"]), str(entry["digest"])
        if _DIGEST.fullmatch(digest) and moment.tzinfo is not None:
            return Activation(moment, digest, tuple(str(name) for name in entry["documents"]))
    return None


def _plan(line: str) -> Plan | None:
    with suppress(ValueError, KeyError, TypeError):
        entry = json.loads(line)
        moment, digest = datetime.fromisoformat(entry["moment"]), str(entry["digest"])
        start = datetime.fromisoformat(entry["from"]) if entry["from"] is not None else None
        names = tuple(str(name) for name in entry["documents"])
        before = str(entry["proposed_by"]) if entry["proposed_by"] is not None else None
        if _DIGEST.fullmatch(digest) and moment.tzinfo and (start is None or start.tzinfo):
            return Plan(moment, Step(entry["step"]), digest, names, start, str(entry["by"]), before)
    return None


def _waits(plan: Plan) -> bool:
    return plan.step is Step.SCHEDULED and plan.start is not None


def _start(plan: Plan) -> datetime:
    return plan.start or plan.moment


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _write(file: Path, text: str) -> None:
    with file.open("x", encoding="utf-8", newline="") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
