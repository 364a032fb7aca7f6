"""A policy that came into force is kept whole, found by its digest, and never taken for another."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gerbang.activations import LIST, Activation, Activations
from gerbang.errors import StartError
from gerbang.policy.document import compile_policy, parse_policy
from policy_builders import a_policy_text, a_rule

TEXT = a_policy_text(a_rule("hours", when={"activity": "post"}))
DIGEST = compile_policy([parse_policy(TEXT, "x")]).digest
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def activations(tmp_path: Path) -> Activations:
    return Activations(tmp_path / "state")


def an_activation(digest: str = DIGEST, minutes: int = 0) -> Activation:
    return Activation(NOON + timedelta(minutes=minutes), digest, ("trial",))


def test_nothing_was_activated_yet(activations: Activations) -> None:
    assert activations.read() == ()
    assert not activations.changed()


def test_what_is_kept_comes_back_whole(activations: Activations) -> None:
    activations.keep(DIGEST, {"trial": TEXT})
    assert activations.documents(DIGEST) == {"trial": TEXT}
    assert activations.policy(DIGEST).digest == DIGEST


def test_line_ends_are_kept_as_they_were_written(activations: Activations) -> None:
    activations.keep(DIGEST, {"trial": TEXT.replace("\n", "\r\n")})
    assert (activations.folder / DIGEST / "trial.yaml").read_bytes() == TEXT.replace("\n", "\r\n").encode()


def test_what_is_kept_is_not_written_over(activations: Activations) -> None:
    activations.keep(DIGEST, {"trial": TEXT})
    activations.keep(DIGEST, {"trial": "something else"})
    assert activations.documents(DIGEST) == {"trial": TEXT}
    assert [file.name for file in activations.folder.iterdir()] == [DIGEST]


def test_the_list_is_in_order_and_a_change_is_seen_once(activations: Activations) -> None:
    other = Activations(activations.folder.parent)
    activations.note(an_activation())
    activations.note(an_activation("a" * 64, 5))
    assert [entry.digest for entry in activations.read()] == [DIGEST, "a" * 64]
    assert other.changed()
    assert not other.changed()
    activations.note(an_activation(minutes=9))
    assert other.changed()


def test_a_line_that_was_cut_is_passed_over_and_the_next_one_stands(activations: Activations) -> None:
    activations.note(an_activation())
    with (activations.folder / LIST).open("a") as file:
        file.write('{"moment": "2026-11-24T12:0')
    activations.note(an_activation("b" * 64, 5))
    assert [entry.digest for entry in activations.read()] == [DIGEST, "b" * 64]


@pytest.mark.parametrize(
    "line",
    ["", "null", "[]", '{"digest": 1}', f'{{"moment": "2026-11-24T12:00:00", "digest": "{DIGEST}", "documents": []}}'],
)
def test_a_line_that_is_none_is_passed_over(activations: Activations, line: str) -> None:
    activations.note(an_activation())
    with (activations.folder / LIST).open("a") as file:
        file.write(line + "\n")
    assert activations.read() == (an_activation(),)


def test_a_kept_policy_that_was_changed_is_refused(activations: Activations) -> None:
    activations.keep(DIGEST, {"trial": TEXT})
    (activations.folder / DIGEST / "trial.yaml").write_text(TEXT.replace('"block"', '"allow"'))
    with pytest.raises(StartError, match="they were changed after they were activated"):
        activations.policy(DIGEST)


@pytest.mark.parametrize("digest", ["../../etc", "c" * 64, ""])
def test_a_policy_that_is_not_kept(activations: Activations, digest: str) -> None:
    with pytest.raises(StartError, match="is not kept here"):
        activations.policy(digest)


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden"])
def test_no_document_is_kept_outside_its_folder(activations: Activations, name: str) -> None:
    with pytest.raises(StartError, match="cannot be kept under the name"):
        activations.keep(DIGEST, {name: TEXT})
    assert not (activations.folder / DIGEST).exists()
    assert list(activations.folder.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "policies").write_text("a file where the folder should be")
    with pytest.raises(StartError, match="the policies cannot be kept: not a directory"):
        Activations(tmp_path).keep(DIGEST, {"trial": TEXT})
    with pytest.raises(StartError, match="the policies cannot be kept"):
        Activations(tmp_path).note(an_activation())
