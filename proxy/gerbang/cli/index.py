"""The database that lists and pages read, opened for a command: looking must not create an empty one."""

from gerbang.errors import RecordError
from gerbang.settings import Settings
from gerbang.store import Store, open_store


def indexed(chosen: Settings) -> Store:
    """The database, or `RecordError` where there is none yet."""
    if not has_database(chosen):
        raise RecordError(
            f"there is no database at `{chosen.state / 'gerbang.db'}`",
            hint="`gerbang serve` or `gerbang db upgrade` makes it",
        )
    return open_store(chosen.database_url)


def has_database(chosen: Settings) -> bool:
    return chosen.database.url is not None or (chosen.state / "gerbang.db").exists()
