"""Following a feed from the event loop: the file is read in a thread, what came is taken on the loop."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from gerbang.errors import FeedError

log = structlog.get_logger()

LOOK_SECONDS: Final = 0.5


async def follow[News](look: Callable[[], News], take: Callable[[News], None]) -> None:
    """Give what each look finds to `take`, where that is anything, until cancelled.

    Where the file cannot be read, what was known stays so.
    """
    away = False
    while True:
        try:
            news = await asyncio.to_thread(look)
            away = False
            if news:
                take(news)
        except FeedError as error:
            if not away:
                log.error("feed-out-of-reach", error=str(error))
            away = True
        except Exception:
            # A bug of ours costs one look; without this task nothing would be known any more.
            log.exception("fault-while-following")
        await asyncio.sleep(LOOK_SECONDS)
