"""`gerbang checks`: JSON lines in and out, and one sentence for a wrong line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gerbang.cli import checks, configuration
from gerbang.cli.checks import app
from gerbang.errors import GerbangError


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    configuration.choose(None)
    yield
    configuration.choose(None)


def run(*arguments: str, text: str | None = None) -> str:
    result = CliRunner().invoke(app, list(arguments), input=text)
    if result.exception:
        raise result.exception
    return result.output


def a_folder(path: Path) -> str:
    """A folder with one small vocabulary: the bundled ones take a second to read."""
    (path / "a.yaml").write_text("lexicon: a\ntitle: {ms: A, en: A}\ncategory: rights\ngroups: {x: [y]}\n")
    return str(path)


def test_findings_come_back_by_id_with_offsets_of_the_original(tmp_path: Path) -> None:
    text = "kau b\u200b0d0h 😂"
    file = tmp_path / "posts.jsonl"
    file.write_text(
        json.dumps({"id": "a", "text": text}) + "\n\n" + json.dumps({"id": 7, "text": "selamat pagi"}) + "\n"
    )
    first, second = (json.loads(line) for line in run("run", str(file)).splitlines())
    (finding,) = first["findings"]
    assert set(finding) == {"check", "category", "likelihood", "start", "end"}
    assert text[finding["start"] : finding["end"]] == "b\u200b0d0h"
    assert second == {"id": 7, "findings": []}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("nonsense", "standard input:2: not JSON"),
        ("[1]", "standard input:2: not a JSON object"),
        ('{"id": 1}', "standard input:2: `text` is missing"),
        ('{"text": "x"}', "standard input:2: `id` is missing"),
        ('{"id": 1, "text": 5}', "standard input:2: `text` is no text"),
        ('{"id": [], "text": "x"}', "standard input:2: `id` is neither text nor a whole number"),
        ("[" * 100_000, "standard input:2: not JSON"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(GerbangError) as raised:
        run("run", "-", "--lexicons", a_folder(tmp_path), text='{"id": 1, "text": "x"}\n' + line + "\n")
    assert str(raised.value).startswith(sentence)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GerbangError, match="cannot be read: no such file"):
        run("run", str(tmp_path / "none.jsonl"), "--lexicons", a_folder(tmp_path))


def test_every_check_is_listed_with_its_title_in_both_languages() -> None:
    rows = {row["check"]: row for row in json.loads(run("list", "--json"))}
    assert {"classification-label", "identity-card", "political", "personal-attack", "correction"} <= set(rows)
    assert all(set(row) == {"check", "category", "title", "from"} for row in rows.values())
    assert rows["political"]["title"] == {"ms": "Aktiviti politik", "en": "Political activity"}


def test_a_failing_case_is_status_one_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "b.cases.yaml").write_text("check: identity-card\ncases: ['[x]', 'y']\n")
    result = CliRunner().invoke(app, ["test", a_folder(tmp_path), "--json"])
    assert result.exit_code == 1
    said = json.loads(result.output)
    assert said["cases"] == 2
    (failed,) = said["failed"]
    assert (Path(failed["file"]).name, failed["line"], failed["check"]) == ("b.cases.yaml", 2, "identity-card")
    assert failed["failure"] == "`x`: `x` is not found"
    told = CliRunner().invoke(app, ["test", str(tmp_path)])
    assert told.exit_code == 1
    assert "b.cases.yaml:2: identity-card: `x`: `x` is not found" in told.output
    assert told.output.endswith("2 cases, 1 hold, 1 do not\n")


def test_the_settings_say_which_vocabularies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that replaces a shipped vocabulary leaves the shipped one's cases out, and no others."""
    own = tmp_path / "own" / "lexicons"
    own.mkdir(parents=True)
    text = "lexicon: rights\ntitle: {ms: A, en: A}\ncategory: rights\ngroups: {x: [helang]}\n"
    (own / "rights.yaml").write_text(text + "findings: [{find: x, likelihood: likely}]\n")
    (own / "rights.cases.yaml").write_text("check: rights\ncases: ['[helang]', 'download percuma movie penuh']\n")
    (tmp_path / "gerbang.toml").write_text(f'policies = ["bundled", "{tmp_path / "own"}"]\n')
    configuration.choose(tmp_path / "gerbang.toml")
    monkeypatch.chdir(tmp_path)
    said = json.loads(run("run", "-", text='{"id": 1, "text": "helang"}\n'))
    assert [one["check"] for one in said["findings"]] == ["rights"]
    files = [path.parent.parent.name for path in checks._case_files(None) if path.name == "rights.cases.yaml"]
    assert files == ["own"]
    result = CliRunner().invoke(app, ["test", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["failed"] == []


@pytest.mark.parametrize("folder", ["none", "."])
def test_a_folder_without_vocabularies_is_an_error(tmp_path: Path, folder: str) -> None:
    with pytest.raises(GerbangError, match=r"no such folder|no vocabularies here"):
        run("test", str(tmp_path / folder))
