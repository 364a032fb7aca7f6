"""`gerbang platforms test`: whether the signatures hold their cases."""

from pathlib import Path
from typing import Annotated

import typer

from gerbang.cli.output import JsonOption, console, emit, table
from gerbang.cli.platforms.entries import entries_of
from gerbang.recognition.cases import Failure, run_cases


def run_platforms(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of platform documents; else the settings' ones.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run every case of every platform. Exit status 1 where one fails."""
    rows: list[tuple[str, int, int, int]] = []
    failures: list[Failure] = []
    entries = entries_of(folder)
    # A folder's document may use one that stands in another.
    used = [entry.document for entry in (*(entries_of() if folder else ()), *entries)]
    for entry in entries:
        failed = run_cases(entry.cases, entry.document, used) if entry.cases else ()
        failures += failed
        trials = len(entry.cases.trials) if entry.cases else 0
        broken = len({failure.trial.place for failure in failed})
        rows.append((entry.document.platform, trials, trials - broken, broken))
    if as_json:
        emit(
            {
                "platforms": [dict(zip(("platform", "cases", "passed", "failed"), row, strict=True)) for row in rows],
                "failures": [str(failure) for failure in failures],
            }
        )
    else:
        # Those that need a look come last, where the terminal stands.
        last = sorted(rows, key=lambda row: row[3])
        table(("platform", "cases", "passed", "failed"), last, as_json=False)
        for failure in failures:
            _say(str(failure))
        without = [platform for platform, cases, *_ in rows if not cases]
        if without:
            _say(f"without cases: {', '.join(without)}")
        total, wrong = sum(row[1] for row in rows), sum(row[3] for row in rows)
        _say(
            f"{wrong} of {total} cases fail, in {sum(1 for row in rows if row[3])} of {len(rows)} platforms"
            if failures
            else f"all {total} cases hold, of {len(rows)} platform{'s' if len(rows) > 1 else ''}"
        )
    if failures:
        raise typer.Exit(1)


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)
