"""`gerbang platforms unclaimed`: the writes that no signature claimed."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from gerbang.cli import configuration
from gerbang.cli.index import indexed
from gerbang.cli.output import JsonOption, console, table
from gerbang.cli.platforms.entries import entries_of
from gerbang.cli.slot import now
from gerbang.errors import SettingsError, one_of
from gerbang.recognition.document import PlatformDocument
from gerbang.recognition.shape import Unclaimed, grouped, skeleton
from gerbang.store.drift import sightings


def list_unclaimed(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days to look back.")] = 30,
    platform: Annotated[str | None, typer.Option(help="Only of this platform.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Writes that no signature claimed: what they look like, how often they came, and a signature to begin with."""
    documents = {entry.document.platform: entry.document for entry in entries_of()}
    if platform is not None and platform not in documents:
        raise SettingsError(f"unknown platform `{platform}`", hint=one_of(documents, platform))
    found = unclaimed_since(now() - timedelta(days=days), platform)
    rows = [_unclaimed_row(one, documents.get(one.platform)) for one in found]
    columns = ("platform", "judged", "counted", "last", "method", "path", "name", "fields", "skeleton")
    if as_json:
        table(columns, rows, as_json=True)
        return
    if not rows:
        console.print(f"no unclaimed write in the last {days} days; what came, the signatures knew")
        return
    table(columns[:-2], [row[:-2] for row in rows], as_json=False)
    for row in rows:
        console.print(f"\n{row[0]}: {row[4]} {row[5]} {row[6]}".rstrip(), style="bold", markup=False, highlight=False)
        console.print(f"fields: {', '.join(row[7])}", markup=False, highlight=False, soft_wrap=True)
        console.print(str(row[8]), markup=False, highlight=False, soft_wrap=True)
    console.print("`judged` were judged as posts; `counted` had no words of a person, and passed.", markup=False)


def unclaimed_since(since: datetime, platform: str | None = None) -> tuple[Unclaimed, ...]:
    """The operations that no signature claimed, from the database."""
    store = indexed(configuration.settings())
    try:
        return grouped(sightings(store, since, platform))
    finally:
        store.close()


def _unclaimed_row(one: Unclaimed, document: PlatformDocument | None) -> tuple[Any, ...]:
    shape = one.shape
    month = one.last.strftime("%Y-%m")
    drawn = skeleton(document, shape, month) if document else ""
    last = one.last.isoformat(timespec="minutes")
    return one.platform, one.judged, one.counted, last, shape.method, shape.path, shape.name, list(shape.fields), drawn
