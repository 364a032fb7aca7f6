"""`gerbang checks`: run the content checks on texts, list them, and test them against their cases."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gerbang.checks.cases import parse_cases, run_cases
from gerbang.checks.examine import CHECKS, compile_checks, examine
from gerbang.checks.lexicon import LexiconDocument, parse_lexicon
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, console, emit, table
from gerbang.errors import DocumentError, GerbangError, Place
from gerbang.loading import Source, each, policy_folders, read_document, sources
from gerbang.model import Finding, Text

app = typer.Typer(no_args_is_help=True, help="Content checks: what a post says.")

MAX_LINE = 16 << 20  # characters

FolderOption = Annotated[
    Path | None, typer.Option("--lexicons", help="A folder of vocabularies instead of those of the settings.")
]
CASES = ".cases.yaml"


@app.command()
def run(
    file: Annotated[str, typer.Argument(help="JSON lines of {id, text}; - reads the standard input.")],
    lexicons: FolderOption = None,
) -> None:
    """Read JSON lines of {id, text}; print the findings of each as a JSON line."""
    checks = compile_checks(vocabularies(lexicons))
    for key, text in _texts(file):
        found = examine([Text("text", text)], checks)
        emit({"id": key, "findings": [_shown(finding) for finding in found]})


@app.command("list")
def list_(as_json: JsonOption = False, lexicons: FolderOption = None) -> None:
    """The checks, with their category and title."""
    documents = vocabularies(lexicons)
    compile_checks(documents)
    rows = [(check.ID, check.CATEGORY, dict(check.TITLE), "built in") for check in CHECKS]
    rows += [
        (document.lexicon, document.category, document.title.model_dump(), Path(document.file).name)
        for document in documents
        if document.findings
    ]
    if as_json:
        table(("check", "category", "title", "from"), rows, as_json=True)
        return
    shown = [(check, category, title["ms"], title["en"], where) for check, category, title, where in rows]
    table(("check", "category", "title (ms)", "title (en)", "from"), shown, as_json=False, title="Checks")


@app.command("test")
def run_all(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder with *.yaml and *.cases.yaml; else those of the settings.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the cases that lie beside the vocabularies. Exit status 1 where one does not hold."""
    checks = compile_checks(vocabularies(folder))
    number = 0
    failed: list[dict[str, object]] = []
    for path in _case_files(folder):
        document = parse_cases(read_document(path), str(path))
        number += len(document.cases)
        failed += [
            {"file": failure.place.file, "line": failure.place.line, "check": document.check, "failure": failure.what}
            for failure in run_cases(document, checks)
        ]
    if not number:
        place = Place(str(folder)) if folder else None
        raise DocumentError("no case files here", place=place, hint="cases are files named *.cases.yaml")
    if as_json:
        emit({"cases": number, "failed": failed})
    else:
        for one in failed:
            console.print(
                f"{one['file']}:{one['line']}: {one['check']}: {one['failure']}", markup=False, soft_wrap=True
            )
        lines = len({(one["file"], one["line"]) for one in failed})
        console.print(f"{number} cases, {number - lines} hold, {lines} do not")
    if failed:
        raise typer.Exit(1)


def vocabularies(folder: Path | None) -> Sequence[LexiconDocument]:
    """The vocabularies of a folder, else of the settings' policy folders; or every mistake in them."""
    found = _in_folder(folder) if folder else sources(policy_folders(settings()), "lexicons")
    if not found:
        place = Place(str(folder)) if folder else None
        raise DocumentError("no vocabularies here", place=place, hint="vocabularies are files named *.yaml")
    return each(found, parse_lexicon)


def _in_folder(folder: Path) -> tuple[Source, ...]:
    if not folder.is_dir():
        raise DocumentError("no such folder", place=Place(str(folder)))
    files = [path for path in sorted(folder.glob("*.yaml")) if not path.name.endswith(CASES)]
    return tuple(Source(path.stem, path, read_document(path)) for path in files)


def _case_files(folder: Path | None) -> Sequence[Path]:
    """The case files of the vocabularies that hold: one beside a vocabulary that another folder replaces does not."""
    if folder:
        return sorted(folder.glob(f"*{CASES}"))
    folders = policy_folders(settings())
    holds = {source.name: source.file.parent for source in sources(folders, "lexicons")}
    found: dict[str, Path] = {}
    for where in (each_folder / "lexicons" for each_folder in folders):
        for path in sorted(where.glob(f"*{CASES}")):
            name = path.name.removesuffix(CASES)
            if holds.get(name, where) == where:
                found[name] = path
    return list(found.values())


def _texts(file: str) -> Iterator[tuple[Any, str]]:
    name = "standard input" if file == "-" else file
    try:
        lines = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise GerbangError(f"cannot be read: {(error.strerror or 'unknown').lower()}", place=Place(name)) from None
    with lines:
        try:
            for number, raw in enumerate(lines, 1):
                if raw.strip():
                    yield _text(raw, Place(name, number))
        except OSError as error:
            what = f"cannot be read: {(error.strerror or 'unknown').lower()}"
            raise GerbangError(what, place=Place(name)) from None


def _text(raw: bytes, place: Place) -> tuple[Any, str]:
    expected = "each line is an object with `id` and `text`"
    if len(raw) > MAX_LINE:
        raise GerbangError("the line is longer than 16 MiB", place=place)
    try:
        value = json.loads(raw)
    except UnicodeDecodeError:
        raise GerbangError("not written in UTF-8", place=place) from None
    except (ValueError, RecursionError):
        raise GerbangError("not JSON", place=place, hint=expected) from None
    if not isinstance(value, dict):
        raise GerbangError("not a JSON object", place=place, hint=expected)
    for key in ("id", "text"):
        if key not in value:
            raise GerbangError(f"`{key}` is missing", place=place, hint=expected)
    if not isinstance(value["text"], str):
        raise GerbangError("`text` is no text", place=place, hint=expected)
    if not isinstance(value["id"], str | int):
        raise GerbangError("`id` is neither text nor a whole number", place=place, hint=expected)
    return value["id"], value["text"]


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "category": finding.category,
        "likelihood": finding.likelihood.value,
        "start": finding.start,
        "end": finding.end,
    }
