"""The shape of the database: bringing it to today's by the numbered migrations, and refusing any other."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, text

from gerbang.bundled import bundled
from gerbang.errors import RecordError
from gerbang.store.engine import make_engine, place_of, plain_errors

# Any number of ours: two programs that start at once do not migrate at once.
_MIGRATING = 0x67657262


def upgrade(url: str) -> tuple[str, str]:
    """Bring the database at `url` to today's shape, creating it where it is not there; the revision before and after.

    RecordError where that fails, or where a newer version has been at work.
    """
    engine = make_engine(url)
    try:
        with plain_errors(engine.url), engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            before = _revisions(connection, engine.url)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            after = _revisions(connection, engine.url)
        return ", ".join(sorted(before)), ", ".join(sorted(after))
    finally:
        engine.dispose()


def check_shape(engine: Engine) -> None:
    """RecordError where the database cannot be reached, is empty, or has another version's shape."""
    with plain_errors(engine.url), engine.connect() as connection:
        revisions = _revisions(connection, engine.url)
        if revisions != set(_script().get_heads()):
            raise RecordError(
                "the database has the shape of an older version"
                if revisions
                else "there is nothing of Gerbang in the database yet",
                place=place_of(engine.url),
                hint="run `gerbang db upgrade`",
            )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")).replace("%", "%%"))
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revisions(connection: Connection, url: URL) -> set[str]:
    """The revision that the database is at; RecordError where this program does not know it."""
    found = set(MigrationContext.configure(connection).get_current_heads())
    script = _script()
    for revision in found:
        try:
            script.get_revision(revision)
        except CommandError:
            raise RecordError(
                f"the database is from a newer version of Gerbang (revision `{revision}`)",
                place=place_of(url),
                hint="install that version, or restore the backup from before it",
            ) from None
    return found
