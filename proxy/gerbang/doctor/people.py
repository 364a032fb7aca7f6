"""The directory: each server, what the gate's account may see, and how an entry becomes an officer. Sessions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from gerbang.directory import Directory, DirectoryError
from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import FeedError, SettingsError
from gerbang.feeds import Feed, News
from gerbang.sessions import FEED, Book

FEW = 5  # entries that are looked at
SILENT: Final = timedelta(days=1)  # after which nobody is believed to tell of sessions any more


def directory(patient: Patient) -> Iterator[Diagnosis]:
    """Whether it can be asked, and what it says of a few people."""
    chosen = patient.settings.ldap
    if not chosen.urls:
        return
    file = chosen.password_file
    if file is not None and file.is_file() and file.stat().st_mode & 0o007:
        yield warning(f"everybody on this machine can read {file}", f"run `chmod 640 {file}`")
    asked = Directory(chosen)
    try:
        answered = False
        for name, error in asked.servers():
            if error is None:
                answered = True
                yield good(f"{name} answers")
            else:
                yield bad(f"{name}: {error.what}", error.hint or "look at `[ldap]`, and at the server")
        if not answered:
            return
        if not asked.look():
            yield bad(f"there is no `{chosen.base}` in the directory, or nothing of it is shown", "correct `ldap.base`")
            return
        found = list(islice(asked.entries(chosen.sync.filter, [chosen.id, chosen.sync.name]), FEW))
    except (DirectoryError, SettingsError) as error:
        yield bad(error.what, error.hint or "look at `[ldap]`")
        return
    named = [entry for entry in found if entry.first(chosen.id)]
    if not found:
        yield warning("no entry matches `ldap.sync.filter`", "correct it, or let the gate's account read people")
    elif not named:
        yield bad(f"none of {len(found)} entries has a `{chosen.id}`", "correct `ldap.id`, or let the account read it")
    elif not any(entry.first(chosen.sync.name) for entry in named):
        yield warning(f"none of {len(named)} entries has a `{chosen.sync.name}`", "correct `ldap.sync.name`")
    else:
        yield good("its base is there, and its people have an id and a name")


def sessions(patient: Patient) -> Iterator[Diagnosis]:
    """Whether somebody tells the gate who is at which address, and how lately."""
    if not any("session" in zone.sign_in for zone in patient.settings.zones):
        return
    try:
        records = Feed(patient.settings.feeds_folder, FEED).read()
        book = Book()
        book.take(News(True, records), patient.now)
        told = datetime.fromtimestamp((patient.settings.feeds_folder / f"{FEED}.jsonl").stat().st_mtime, UTC)
    except FileNotFoundError:
        yield warning("nobody has told of a session yet", "see docs/api.md: `gerbang tokens add NAME --may sessions`")
        return
    except (FeedError, OSError) as error:
        yield bad(f"the feed of sessions cannot be read: {error}", "see to the folder `state/feeds`")
        return
    standing = len(book.all(patient.now))
    when = f"{standing} sessions stand; the last word came {told:%Y-%m-%d %H:%M} UTC"
    if patient.now - told > SILENT:
        yield warning(when, "see whether what tells of them still does")
    else:
        yield good(when)
