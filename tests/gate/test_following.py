"""A gate's loop is told what a feed says, and outlives what fails while it looks."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from structlog.testing import capture_logs

from gerbang.feeds import Feed, Follower, News
from gerbang.gate.following import follow


def test_news_arrive_while_the_file_comes_goes_and_fails(tmp_path: Path) -> None:
    feed = Feed(tmp_path / "feeds", "trial")
    seen: list[News] = []

    def take(news: News) -> None:
        seen.append(news)
        if news.records == [{"n": 2}]:
            raise RuntimeError("a fault of ours")

    async def met(what: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not what():
                await asyncio.sleep(0.02)

    async def run() -> None:
        task = asyncio.create_task(follow(Follower(feed.folder, "trial").news, take))
        await met(lambda: len(seen) == 1)
        feed.append([{"n": 1}])
        await met(lambda: len(seen) == 2)
        feed.append([{"n": 2}])
        await met(lambda: len(seen) == 3)
        feed.file.rename(tmp_path / "kept")
        feed.file.mkdir()
        await met(lambda: [line["event"] for line in logged] == ["fault-while-following", "feed-out-of-reach"])
        feed.file.rmdir()
        (tmp_path / "kept").rename(feed.file)
        feed.append([{"n": 3}])
        await met(lambda: len(seen) == 4)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with capture_logs() as logged:
        asyncio.run(run())
    assert seen == [News(True, []), News(True, [{"n": 1}]), News(False, [{"n": 2}]), News(False, [{"n": 3}])]
