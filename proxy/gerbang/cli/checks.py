"""`gerbang checks`: run the content checks on texts, list them, and test them against their cases."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gerbang.bundled import bundled
from gerbang.checks.cases import parse_cases, run_cases
from gerbang.checks.examine import CHECKS, compile_checks, examine
from gerbang.checks.lexicon import LexiconDocument, parse_lexicon
from gerbang.cli.output import JsonOption, console, emit, table
from gerbang.errors import DocumentError, DocumentErrors, GerbangError, Place
from gerbang.model import Finding, Text

app = typer.Typer(no_args_is_help=True, help="Content checks: what a post says.")

MAX_LINE = 16 << 20  # characters

FolderOption = Annotated[
    Path | None, typer.Option("--lexicons", help="A folder of vocabularies instead of the bundled ones.")
]


@app.command()
def run(
    file: Annotated[str, typer.Argument(help="JSON lines of {id, text}; - reads the standard input.")],
    lexicons: FolderOption = None,
) -> None:
    """Read JSON lines of {id, text}; print the findings of each as a JSON line."""
    checks = compile_checks(lexicons_in(lexicons or bundled("policies/lexicons")))
    for key, text in _texts(file):
        found = examine([Text("text", text)], checks)
        emit({"id": key, "findings": [_shown(finding) for finding in found]})


@app.command("list")
def list_(as_json: JsonOption = False, lexicons: FolderOption = None) -> None:
    """The checks, with their category and title."""
    documents = lexicons_in(lexicons or bundled("policies/lexicons"))
    compile_checks(documents)
    rows = [(check.ID, check.CATEGORY, check.TITLE["ms"], check.TITLE["en"], "built in") for check in CHECKS]
    rows += [
        (document.lexicon, document.category, document.title.ms, document.title.en, Path(document.file).name)
        for document in documents
        if document.findings
    ]
    table(("check", "category", "tajuk", "title", "from"), rows, as_json=as_json, title="Checks")


@app.command("test")
def run_all(
    folder: Annotated[Path | None, typer.Argument(help="A folder with *.yaml and *.cases.yaml.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the cases that lie beside the vocabularies; any failure is an error."""
    where = folder or bundled("policies/lexicons")
    checks = compile_checks(lexicons_in(where))
    rows: list[tuple[object, ...]] = []
    failures: list[GerbangError] = []
    for path in sorted(where.glob("*.cases.yaml")):
        document = parse_cases(_read(path), str(path))
        failed = run_cases(document, checks)
        failures.extend(DocumentError(failure.what, place=failure.place) for failure in failed)
        rows.append((document.check, len(document.cases), len(failed)))
    if not rows:
        raise DocumentError("no case files here", place=Place(str(where)), hint="cases are files named *.cases.yaml")
    table(("check", "cases", "failed"), rows, as_json=as_json, title="Cases")
    if failures:
        raise DocumentErrors(failures)
    if not as_json:
        console.print("every case holds")


def lexicons_in(folder: Path) -> Sequence[LexiconDocument]:
    """The vocabularies of a folder, or every mistake in them."""
    if not folder.is_dir():
        raise DocumentError("no such folder", place=Place(str(folder)))
    documents: list[LexiconDocument] = []
    errors: list[GerbangError] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name.endswith(".cases.yaml"):
            continue
        try:
            documents.append(parse_lexicon(_read(path), str(path)))
        except DocumentErrors as error:
            errors.extend(error.errors)
    if errors:
        raise DocumentErrors(errors)
    if not documents:
        raise DocumentError(
            "no vocabularies here", place=Place(str(folder)), hint="vocabularies are files named *.yaml"
        )
    return documents


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DocumentError("not written in UTF-8", place=Place(str(path))) from None
    except OSError as error:
        raise DocumentError(
            f"cannot be read: {(error.strerror or 'unknown').lower()}", place=Place(str(path))
        ) from None


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
