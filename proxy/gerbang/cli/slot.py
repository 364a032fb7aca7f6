"""The journal as commands write it: in a slot of their own, since the gate's is taken while it runs."""

import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gerbang.journal.writer import Journal, SlotTaken
from gerbang.record.event import RecordKeys
from gerbang.serving import open_journal
from gerbang.settings import Settings

CLI_SLOT = "cli"
# How long a command waits for another one to leave the slot, in seconds.
PATIENCE = 5.0
_NOBODY = 2**32 - 1


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def cli_journal(settings: Settings) -> Iterator[tuple[Journal, RecordKeys]]:
    """The commands' slot, open for writing. RecordError where it cannot be had."""
    journal, keys = _opened(settings)
    try:
        yield journal, keys
    finally:
        journal.close()


def _opened(settings: Settings) -> tuple[Journal, RecordKeys]:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return open_journal(settings, CLI_SLOT, now)
        except SlotTaken:
            if time.monotonic() >= until:
                raise
            time.sleep(0.05)


def who() -> str:
    """Whoever runs this, by the system's names: `aminah`, or `aminah as root` where the sign-in was another's."""
    login, acting = _signed_in(), os.getuid()
    return _name(acting) if login in (None, acting) else f"{_name(login)} as {_name(acting)}"


def person() -> str:
    """The person behind this command: who signed in to the machine, whatever user the command runs as; else that."""
    login = _signed_in()
    return _name(os.getuid() if login is None else login)


def _signed_in() -> int | None:
    """The user who signed in to the machine, which neither sudo nor su changes (Linux; `man 5 proc`)."""
    try:
        login = int(Path("/proc/self/loginuid").read_text("ascii"))
    except (OSError, ValueError):
        return None
    return None if login == _NOBODY else login


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
