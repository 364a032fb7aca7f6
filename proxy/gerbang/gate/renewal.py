"""A CA that is renewed while the gate runs is taken without a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from gerbang.errors import GerbangError
from gerbang.gate.authority import INTERMEDIATE, Authority, load_authority

log = structlog.get_logger()

EVERY: Final = 1.0  # seconds between two looks


async def follow(folder: Path, take: Callable[[Authority], None]) -> None:
    """Give each CA that takes the place of the one before to `take`, on the event loop; files are read in a thread.

    What cannot be read, or is no CA, is told once, and the one in force goes on. A file counts once nothing has changed
    since the look before: somebody may be copying it.
    """
    file = folder / INTERMEDIATE
    seen = before = await asyncio.to_thread(_signature, file)
    while True:
        await asyncio.sleep(EVERY)
        now = await asyncio.to_thread(_signature, file)
        still, before = now == before, now
        if now is None or now == seen or not still:
            continue
        seen = now
        try:
            authority = await asyncio.to_thread(load_authority, folder)
        except GerbangError as error:
            log.error("ca-refused", error=str(error), in_force="the CA as it was")
            continue
        take(authority)
        log.info("ca-taken", until=str(authority.certificate.not_valid_after_utc.date()))


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
