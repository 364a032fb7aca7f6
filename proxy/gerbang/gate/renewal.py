"""A CA or a certificate of the proxy that is renewed while the gate runs is taken without a restart."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from gerbang.errors import GerbangError
from gerbang.gate.authority import INTERMEDIATE, Authority, load_authority
from gerbang.proxy_certificate import ProxyCertificate, load_proxy_certificate

log = structlog.get_logger()

EVERY: Final = 1.0  # seconds between two looks


async def follow_authority(folder: Path, take: Callable[[Authority], None]) -> None:
    """Give each CA that takes the place of the one before to `take`, on the event loop, until this is cancelled."""

    def refused(error: GerbangError) -> None:
        log.error("ca-refused", error=str(error), in_force="the CA as it was")

    def taken(authority: Authority) -> None:
        take(authority)
        log.info("ca-taken", until=str(authority.certificate.not_valid_after_utc.date()))

    await _follow((folder / INTERMEDIATE,), lambda: load_authority(folder), taken, refused)


async def follow_proxy_certificate(certificate: Path, key: Path, take: Callable[[ProxyCertificate], None]) -> None:
    """The same of the certificate by which the proxy itself is known."""

    def refused(error: GerbangError) -> None:
        log.error("proxy-certificate-refused", error=str(error), in_force="the certificate as it was")

    def taken(found: ProxyCertificate) -> None:
        take(found)
        log.info("proxy-certificate-taken", until=str(found.certificate.not_valid_after_utc.date()))

    await _follow((certificate, key), lambda: load_proxy_certificate(certificate, key), taken, refused)


async def _follow[Read](
    files: Sequence[Path],
    load: Callable[[], Read],
    taken: Callable[[Read], None],
    refused: Callable[[GerbangError], None],
) -> None:
    """Load files anew when they have changed; they are read in a thread.

    What cannot be read is told once, and what is in force goes on. A change counts once nothing has changed since the
    look before: somebody may be copying it.
    """

    def signatures() -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_signature, files))

    seen = before = await asyncio.to_thread(signatures)
    while True:
        await asyncio.sleep(EVERY)
        now = await asyncio.to_thread(signatures)
        still, before = now == before, now
        if None in now or now == seen or not still:
            continue
        seen = now
        try:
            found = await asyncio.to_thread(load)
        except GerbangError as error:
            refused(error)
            continue
        taken(found)


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
