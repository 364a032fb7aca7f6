"""What people read on a terminal is what was said, to the letter."""

import pytest

from gerbang.cli import output
from gerbang.errors import StartError

# Rich would make pictures of `:AB:` and `:100:`, a style of `[bold]`, and nothing of a backslash before a bracket.
WORDS = ["85:A4:B2:AB:1D", "policy.yaml:100:5", "[bold]kuat[/bold]", r"C:\[folder]"]


@pytest.mark.parametrize("said", WORDS)
def test_a_cell_is_shown_to_the_letter(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("one", "several", "named"), [(said, [said], {"a": said})], as_json=False)
    assert capsys.readouterr().out.count(said) == 3


@pytest.mark.parametrize("said", WORDS)
def test_an_error_is_said_to_the_letter(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> None:
        raise StartError(said)

    assert output.guarded(failing) == 2
    assert capsys.readouterr().err == f"gerbang: {said}\n"
