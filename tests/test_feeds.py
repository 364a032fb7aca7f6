"""What one process tells another by a feed arrives whole, in order and once, whatever happens to the file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gerbang.errors import FeedError
from gerbang.feeds import LARGEST_FEED, LONGEST_LINE, Feed, Follower, News

NOTHING = News(False, [])


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path / "feeds", "trial")


@pytest.fixture
def follower(feed: Feed) -> Follower:
    return Follower(feed.folder, "trial")


def numbered(*numbers: int) -> list[dict[str, int]]:
    return [{"n": number} for number in numbers]


def test_what_is_told_arrives_once_and_in_order(feed: Feed, follower: Follower) -> None:
    assert follower.news() == News(True, []), "the first time what was known before is void, though there is no file"
    assert follower.news() == NOTHING
    feed.append(numbered(1, 2))
    assert follower.news() == News(True, numbered(1, 2))
    feed.append(numbered(3))
    feed.append(numbered(4))
    assert follower.news() == News(False, numbered(3, 4))
    assert follower.news() == NOTHING
    assert feed.read() == numbered(1, 2, 3, 4)


def test_who_follows_late_reads_all(feed: Feed) -> None:
    feed.append(numbered(*range(100)))
    late = Follower(feed.folder, "trial")
    assert late.news() == News(True, numbered(*range(100)))
    assert late.news() == NOTHING


def test_only_the_owner_reads_it(feed: Feed) -> None:
    feed.append(numbered(1))
    feed.compact(lambda _: True)
    assert {file.name: file.stat().st_mode & 0o777 for file in feed.folder.iterdir()} == {
        "trial.jsonl": 0o600,
        "trial.lock": 0o600,
    }
    assert feed.folder.stat().st_mode & 0o777 == 0o700


WRITER = """
import sys
from pathlib import Path
from gerbang.feeds import Feed
feed, who = Feed(Path(sys.argv[1]), "trial"), int(sys.argv[2])
for number in range(0, 60, 3):
    feed.append([{"who": who, "n": number + one, "filled": "x" * 3000} for one in range(3)])
    if number % 20 == who:
        feed.compact(lambda _: True)
"""


def test_several_processes_write_and_compact_while_one_follows(feed: Feed, follower: Follower) -> None:
    """Nothing is lost, doubled, or out of order for its writer."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, feed.folder, str(who)]) for who in range(4)]
    known: list[dict[str, int]] = []
    try:
        ended = False
        while not ended:
            ended = all(writer.poll() is not None for writer in writers)  # then one last look
            news = follower.news()
            known = [*([] if news.afresh else known), *news.records]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert [writer.returncode for writer in writers] == [0] * 4
    assert known == feed.read()
    for who in range(4):
        mine = [record["n"] for record in known if record["who"] == who]
        assert mine == list(range(60))


def test_half_a_line_is_not_taken_and_the_next_record_stands(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1))
    follower.news()
    with feed.file.open("ab") as file:
        file.write(b'{"n": 2')
    assert follower.news() == NOTHING
    assert feed.read() == numbered(1)
    feed.append(numbered(3))
    assert follower.news() == News(False, numbered(3))
    assert feed.read() == numbered(1, 3)


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[1]", b"\xff\xfe", b"[" * 5000, b'{"n":' * 2000, b"{" + b" " * LONGEST_LINE + b"}"]
)
def test_a_line_that_is_none_is_passed_over(feed: Feed, follower: Follower, line: bytes) -> None:
    feed.append(numbered(1))
    with feed.file.open("ab") as file:
        file.write(line + b"\n")
    feed.append(numbered(2))
    assert follower.news() == News(True, numbered(1, 2))
    feed.compact(lambda _: True)
    assert follower.news() == News(True, numbered(1, 2))
    assert line not in feed.file.read_bytes().splitlines() or line == b""


def test_compaction_asks_of_the_newest_first(feed: Feed, follower: Follower) -> None:
    feed.append([{"who": who, "n": number} for number in range(3) for who in "ab"])
    follower.news()
    seen = set()

    def latest(record: dict[str, object]) -> bool:
        new = record["who"] not in seen
        seen.add(record["who"])
        return new

    feed.compact(latest)
    assert follower.news() == News(True, [{"who": "a", "n": 2}, {"who": "b", "n": 2}])
    feed.append(numbered(9))
    assert follower.news() == News(False, numbered(9))


def test_another_file_of_the_same_length_is_another_file(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1, 2))
    follower.news()
    for _ in range(5):  # an inode may be used again
        feed.compact(lambda _: True)
        assert follower.news() == News(True, numbered(1, 2))


def test_a_file_that_is_gone_leaves_nothing_known(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1))
    assert follower.news().records == numbered(1)
    feed.file.unlink()
    assert follower.news() == News(True, [])
    assert follower.news() == NOTHING
    assert feed.read() == []
    feed.append(numbered(2))
    assert follower.news() == News(True, numbered(2))


def test_a_file_that_is_none_of_ours_is_not_taken(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1))
    follower.news()
    feed.file.write_text('{"n": 666}\n' * 20)
    assert follower.news() == News(True, [])


def test_a_file_that_cannot_be_read_keeps_what_was_known(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1))
    follower.news()
    there = feed.file.with_suffix(".kept")
    feed.file.rename(there)
    feed.file.mkdir()
    with pytest.raises(FeedError, match="the feed `trial` cannot be used: is a directory"):
        follower.news()
    feed.file.rmdir()
    there.rename(feed.file)
    feed.append(numbered(2))
    assert follower.news() == News(False, numbered(2))


# A disk with so much room and no more: the kernel writes what fits and then fails.
SHORT = """
import resource, signal, sys
from pathlib import Path
from gerbang.errors import FeedError
from gerbang.feeds import Feed
feed, room = Feed(Path(sys.argv[1]), "trial"), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    {call}
except FeedError as error:
    print(error)
"""


def with_room(feed: Feed, room: int, call: str) -> str:
    program = SHORT.replace("{call}", call)
    ran = subprocess.run(
        [sys.executable, "-c", program, feed.folder, str(room)], capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_a_full_disk_takes_all_of_a_batch_or_nothing(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1))
    follower.news()
    before = feed.file.read_bytes()
    said = with_room(feed, len(before) + 20, "feed.append([{'n': n} for n in range(2, 9)])")
    assert "the feed `trial` cannot be used: file too large" in said
    assert feed.file.read_bytes() == before
    assert follower.news() == NOTHING
    feed.append(numbered(10))
    assert follower.news() == News(False, numbered(10))


def test_a_full_disk_leaves_the_old_file_where_a_new_one_does_not_fit(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(*range(50)))
    follower.news()
    before = feed.file.read_bytes()
    assert "cannot be used: file too large" in with_room(feed, 200, "feed.compact(lambda _: True)")
    assert feed.file.read_bytes() == before
    assert sorted(file.name for file in feed.folder.iterdir()) == ["trial.jsonl", "trial.lock"]
    assert follower.news() == NOTHING


def test_a_first_file_that_does_not_fit_is_not_there(feed: Feed) -> None:
    assert "cannot be used: file too large" in with_room(feed, 10, "feed.append([{'n': 1}])")
    assert not feed.file.exists()
    feed.append(numbered(1))
    assert feed.read() == numbered(1)


def test_what_was_taken_and_then_given_up_is_taken_back(feed: Feed, follower: Follower) -> None:
    """A group of lines whose write fails is cut off again, and who saw some of them by then reads anew."""
    feed.append(numbered(1))
    size = feed.file.stat().st_size
    feed.append(numbered(2))
    assert follower.news().records == numbered(1, 2)
    os.truncate(feed.file, size)
    feed.append(numbered(3, 4))
    assert follower.news() == News(True, numbered(1, 3, 4))


def test_a_writer_that_is_killed_holds_nobody_up(feed: Feed) -> None:
    program = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); print('held', flush=True); input()"
    feed.append(numbered(1))
    holder = subprocess.Popen(
        [sys.executable, "-c", program, feed.folder / "trial.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
    feed.append(numbered(2))
    assert feed.read() == numbered(1, 2)


def test_a_line_is_bounded(feed: Feed) -> None:
    room = LONGEST_LINE - len('{"text":""}\n')
    feed.append([{"text": "x" * room}])
    assert len(feed.read()) == 1
    with pytest.raises(FeedError, match=f"longer than {LONGEST_LINE} bytes"):
        feed.append([{"text": "x"}, {"text": "x" * (room + 1)}])
    assert len(feed.read()) == 1


def test_a_feed_is_bounded_and_compaction_makes_room(feed: Feed, follower: Follower) -> None:
    feed.append(numbered(1))
    record = {"text": "x" * (LONGEST_LINE - len('{"text":""}\n'))}
    room = (LARGEST_FEED - feed.file.stat().st_size) // LONGEST_LINE
    feed.append([record] * room)
    assert len(follower.news().records) == room + 1
    with pytest.raises(FeedError, match=r"the feed `trial` is full; what is past must go first"):
        feed.append([record])
    feed.compact(lambda record: "n" in record)
    feed.append([record])
    assert follower.news() == News(True, [*numbered(1), record])


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "A", "x" * 33])
def test_no_feed_is_outside_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a feed"):
        Feed(tmp_path, name)


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "feeds").write_text("a file where the folder should be")
    with pytest.raises(FeedError, match="the feed `trial` cannot be used: file exists; check the disk"):
        Feed(tmp_path / "feeds", "trial").append(numbered(1))


def test_a_record_is_plain_json(feed: Feed) -> None:
    feed.append([{"name": "Aminah\n\u2028Ω", "half": "\ud800"}])
    assert feed.read() == [{"name": "Aminah\n\u2028Ω", "half": "\ud800"}]
    assert json.loads(feed.file.read_bytes().splitlines()[1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        feed.append([{"n": float("nan")}])
