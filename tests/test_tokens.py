"""A token is shown once, kept as a digest, and ends when it is told to."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from builders import TUESDAY_MORNING as NOW
from gerbang.errors import RegisterError
from gerbang.kept import KEPT_LIMIT
from gerbang.tokens import MOST_TOKENS, Right, Token, Tokens, rights

SESSIONS = (Right.SESSIONS,)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path)


def test_a_token_is_found_by_what_was_shown_and_by_nothing_near_it(tokens: Tokens) -> None:
    token, shown = tokens.add("radius", SESSIONS, NOW)
    other, second = tokens.add("nac", SESSIONS, NOW)
    assert (tokens.find(shown), tokens.find(second)) == (token, other)
    for wrong in ("", "gbt_", shown[:-1], shown + "x", shown.lower(), token.digest, "gbt_" + "é" * 43, shown + "\n"):
        assert tokens.find(wrong) is None


def test_what_is_kept_is_no_token_and_for_its_owner_only(tokens: Tokens, tmp_path: Path) -> None:
    token, shown = tokens.add("radius", SESSIONS, NOW)
    tokens.used(token, NOW)
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert shown not in file.read_text()
    assert shown not in repr(token)
    assert token.digest not in repr(token)
    assert len(shown) == 47, "256 bits"


def test_a_revoked_token_is_gone_for_who_had_read_the_file(tokens: Tokens, tmp_path: Path) -> None:
    running = Tokens(tmp_path)
    _, shown = tokens.add("radius", SESSIONS, NOW)
    assert running.find(shown) is not None
    tokens.revoke("radius")
    assert running.find(shown) is None
    with pytest.raises(RegisterError, match="there is no token `radius`"):
        tokens.revoke("radius")


@pytest.mark.parametrize(("seconds", "ended"), [(-1, False), (0, True), (1, True)])
def test_a_token_ends_at_its_instant(tokens: Tokens, seconds: int, ended: bool) -> None:
    token, _ = tokens.add("radius", SESSIONS, NOW, until=NOW)
    assert token.ended(NOW + timedelta(seconds=seconds)) is ended


def test_use_is_noted_to_the_minute_and_forgotten_with_the_token(tokens: Tokens) -> None:
    token, _ = tokens.add("radius", SESSIONS, NOW)
    other, _ = tokens.add("nac", SESSIONS, NOW)
    for seconds in (0, 30, 59):
        tokens.used(token, NOW + timedelta(seconds=seconds))
    assert tokens.last_used() == {"radius": NOW}
    tokens.used(token, NOW + timedelta(seconds=60))
    assert tokens.last_used() == {"radius": NOW + timedelta(seconds=60)}
    tokens.revoke("radius")
    tokens.used(other, NOW)
    assert tokens.last_used() == {"nac": NOW}


def test_several_processes_add_and_none_is_lost(tokens: Tokens, tmp_path: Path) -> None:
    program = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from gerbang.tokens import Right, Tokens
for number in range(8):
    Tokens(Path(sys.argv[1])).add(f"{sys.argv[2]}-{number}", (Right.DAYS,), datetime.now(UTC))
"""
    running = [subprocess.Popen([sys.executable, "-c", program, tmp_path, who]) for who in "abc"]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    assert len(tokens.all()) == 24


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "-a", "x" * 33])
def test_a_name_that_will_not_do(tokens: Tokens, name: str) -> None:
    with pytest.raises(RegisterError, match="will not do for the name of a token"):
        tokens.add(name, SESSIONS, NOW)


def test_a_token_that_may_nothing_or_is_there_already(tokens: Tokens) -> None:
    with pytest.raises(RegisterError, match="the token may do nothing"):
        tokens.add("radius", (), NOW)
    tokens.add("radius", SESSIONS, NOW)
    with pytest.raises(RegisterError, match="there is a token `radius` already; run `gerbang tokens revoke radius`"):
        tokens.add("radius", SESSIONS, NOW)


def test_tokens_are_bounded(tokens: Tokens) -> None:
    kept = [
        Token(name=f"t{number}", digest="0" * 64, may=SESSIONS, added=NOW).model_dump(mode="json")
        for number in range(MOST_TOKENS - 1)
    ]
    tokens.file.write_text(json.dumps(kept))
    tokens.add("last", SESSIONS, NOW)
    with pytest.raises(RegisterError, match="there are 200 tokens already"):
        tokens.add("more", SESSIONS, NOW)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "the tokens cannot be read"),
        ("{}", "the tokens cannot be read"),
        ('[{"name": "x"}]', "the tokens cannot be read: 0.digest: field required"),
        (" " * (KEPT_LIMIT + 1), "larger than 1048576 bytes"),
    ],
)
def test_a_broken_file_is_one_sentence(tokens: Tokens, content: str, said: str) -> None:
    tokens.file.write_text(content)
    with pytest.raises(RegisterError, match=said):
        tokens.find("gbt_" + "x" * 43)
    tokens.file.write_text("[]".ljust(KEPT_LIMIT))
    assert tokens.all() == ()


def test_rights_are_words() -> None:
    assert rights(" sessions, days,sessions") == (Right.DAYS, Right.SESSIONS)
    assert rights(",") == ()
    with pytest.raises(RegisterError, match="unknown right `session`; did you mean `sessions`"):
        rights("session")
