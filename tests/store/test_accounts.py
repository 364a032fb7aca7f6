"""From the record to the accounts that acted lately: of how many people, how often, and masked where one's own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import TUESDAY_MORNING, a_decision, an_activity
from gerbang.model import Account, Decision, Effect, Officer, Standing
from gerbang.record.event import decision_event
from gerbang.record.number import decision_number
from gerbang.store import Forwarder, Store, open_store, upgrade
from gerbang.store.accounts import AccountSeen, accounts_seen, names_of
from gerbang.store.erasure import forget
from journal_builders import KEYS, a_journal, lines

DEVI = Officer("devi", "Devi anak Contoh")
PAGE, OWN = Account("1001", "jabatancontoh"), Account("2002")
LATER = TUESDAY_MORNING + timedelta(hours=3)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    upgrade(url)
    opened = open_store(url)
    yield opened
    opened.close()


def acts() -> Iterator[Decision]:
    """Two officers by a page, one of them twice by her own account, two unknown ones, and an act that names nobody."""
    first = a_decision(Effect.ALLOW)
    aminah = first.actor
    devi = replace(aminah, officer=DEVI)
    for number, (actor, account, standing, moment) in enumerate(
        [
            (aminah, PAGE, Standing.PERSONAL, TUESDAY_MORNING),
            (devi, PAGE, Standing.OFFICIAL, LATER),
            (devi, OWN, Standing.PERSONAL, TUESDAY_MORNING),
            (devi, OWN, Standing.PERSONAL, LATER),
            (replace(aminah, officer=None, client="10.0.0.8"), Account("3003"), Standing.PERSONAL, LATER),
            (replace(aminah, officer=None, client="10.0.0.9"), Account("3003"), Standing.PERSONAL, LATER),
            (aminah, Account(), Standing.UNKNOWN, LATER),
        ]
    ):
        activity = replace(an_activity(f"Notis {number}"), account=account)
        named = decision_number(bytes([number]) * 7)
        yield replace(first, number=named, actor=actor, activity=activity, standing=standing, moment=moment)


@pytest.fixture
def folder(tmp_path: Path, store: Store) -> Path:
    folder = tmp_path / "journal"
    journal = a_journal(folder)
    for decision in acts():
        journal.append(decision_event(decision, "forwarded", [], KEYS)).result(10)
    journal.close()
    Forwarder(folder, store).once()
    return folder


SEEN = (
    AccountSeen("x", "1001", "jabatancontoh", "official", 2, 2, LATER),
    AccountSeen("x", "3003", None, "personal", 2, 2, LATER),
    AccountSeen("x", "2002", None, "personal", 2, 1, LATER),
)


@pytest.mark.usefixtures("folder")
def test_accounts_come_by_how_many_people_acted_by_them(store: Store) -> None:
    assert accounts_seen(store, TUESDAY_MORNING) == SEEN
    assert accounts_seen(store, TUESDAY_MORNING, "facebook") == ()
    later = accounts_seen(store, LATER)
    assert [(one.id, one.acts, one.people) for one in later] == [("3003", 2, 2), ("1001", 1, 1), ("2002", 1, 1)]


def test_what_is_likely_a_persons_own_is_masked() -> None:
    assert [names_of(one, whole=False) for one in SEEN] == [("1001", "jabatancontoh"), ("3003", ""), ("2•••", "")]
    assert names_of(SEEN[2], whole=True) == ("2002", "")


def test_what_was_erased_is_not_there_any_more(store: Store, folder: Path) -> None:
    forget(store, [line.link.id for line in lines(folder)])
    assert accounts_seen(store, TUESDAY_MORNING) == ()
