"""The lists of targets as files: what is taken, what is refused and where, and that a later folder replaces a list."""

from datetime import date
from pathlib import Path

import pytest

from gerbang.bundled import bundled
from gerbang.errors import RegisterError
from gerbang.target_lists import BEGINNINGS, ENTRIES, load_targets

PLATFORMS = frozenset({"x", "facebook"})
DAY = date(2026, 11, 24)


def a_folder(folder: Path, text: str, name: str = "parties") -> Path:
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    (folder / "targets" / f"{name}.csv").write_text(text, "utf-8")
    return folder


def test_a_list_is_read_with_remarks_dates_and_names(tmp_path: Path) -> None:
    written = "# ours\nplatform,target,name,from,until\nx,@particontoh,Parti Contoh,2026-01-01,2026-12-31\n"
    targets = load_targets([a_folder(tmp_path, written)], PLATFORMS)
    assert targets.of("x", "particontoh", DAY) == {"parties"}
    assert targets.of("x", "particontoh", date(2027, 1, 1)) == frozenset()
    assert targets.names == {"parties"}


def test_a_later_folder_replaces_a_list_whole_and_adds_others(tmp_path: Path) -> None:
    first = a_folder(tmp_path / "one", "platform,target\nx,satu\n")
    second = a_folder(a_folder(tmp_path / "two", "platform,target\nx,dua\n"), "platform,target\nx,satu\n", "unions")
    targets = load_targets([first, second], PLATFORMS)
    assert targets.of("x", "satu", DAY) == {"unions"}
    assert targets.of("x", "dua", DAY) == {"parties"}


def test_the_digest_is_of_what_the_lists_say(tmp_path: Path) -> None:
    one = load_targets([a_folder(tmp_path / "1", "platform,target\nx,satu\n")], PLATFORMS).digest
    remarked = load_targets([a_folder(tmp_path / "2", "# remark\nplatform,target,name\nx,satu,Satu\n")], PLATFORMS)
    other = load_targets([a_folder(tmp_path / "3", "platform,target\nx,dua\n")], PLATFORMS).digest
    assert (remarked.digest, len(one)) == (one, 64)
    assert other != one
    assert load_targets([tmp_path], PLATFORMS).digest == ""


@pytest.mark.parametrize(
    ("written", "line", "said"),
    [
        ("platform,target\nsembang,satu\n", 2, "unknown platform `sembang`"),
        ("platform,target\nfacebok,satu\n", 2, "unknown platform `facebok`; did you mean `facebook`? `gerbang "),
        ("platform,target\nx,\n", 2, "`target` has no value"),
        ("platform\nx\n", 1, "the column `target` is missing"),
        ("platform,target\nx,*\n", 2, "`target` cannot be `*`"),
        ("platform,target\nx,a*b*\n", 2, "`target` cannot be `a*b*`"),
        ("platform,target,from\nx,satu,24.11.2026\n", 2, "`from` cannot be `24.11.2026`"),
        ("platform,target,from,until\nx,satu,2026-02-01,2026-01-31\n", 2, "`until` is `2026-01-31`, before `from`"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, written: str, line: int, said: str) -> None:
    with pytest.raises(RegisterError) as refused:
        load_targets([a_folder(tmp_path, written)], PLATFORMS)
    assert str(refused.value).startswith(f"{tmp_path}/targets/parties.csv:{line}: {said}")


def test_a_list_has_a_name_that_a_rule_can_ask_for(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="a list cannot be called `Parti Kita`"):
        load_targets([a_folder(tmp_path, "platform,target\nx,satu\n", "Parti Kita")], PLATFORMS)


@pytest.mark.parametrize(("count", "suffix"), [(ENTRIES, ""), (BEGINNINGS, "*")])
def test_lists_are_read_to_their_bounds(tmp_path: Path, count: int, suffix: str) -> None:
    lines = [f"x,akaun{number}{suffix}\n" for number in range(count + 1)]
    assert load_targets([a_folder(tmp_path, "platform,target\n" + "".join(lines[:-1]))], PLATFORMS).digest
    with pytest.raises(RegisterError, match=f":{count + 2}: "):
        load_targets([a_folder(tmp_path, "platform,target\n" + "".join(lines))], PLATFORMS)


def test_the_shipped_lists_are_read() -> None:
    assert load_targets([bundled("policies")], PLATFORMS).names == {"political-parties"}
