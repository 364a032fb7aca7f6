"""`gerbang checks`: JSON lines in and out, and one sentence for a wrong line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gerbang.cli.checks import app
from gerbang.errors import GerbangError


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


def test_every_check_is_listed() -> None:
    names = {row["check"] for row in json.loads(run("list", "--json"))}
    assert {"classification-label", "identity-card", "political", "personal-attack", "correction"} <= names


def test_a_failing_case_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "b.cases.yaml").write_text("check: identity-card\ncases: ['[x]']\n")
    with pytest.raises(GerbangError, match=r"b\.cases\.yaml:2:9: `x`: `x` is not found"):
        run("test", a_folder(tmp_path))


@pytest.mark.parametrize("folder", ["none", "."])
def test_a_folder_without_vocabularies_is_an_error(tmp_path: Path, folder: str) -> None:
    with pytest.raises(GerbangError, match=r"no such folder|no vocabularies here"):
        run("test", str(tmp_path / folder))
