"""`gerbang policy test`: whether the documents do what was meant."""

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say
from gerbang.cli.policy.options import FolderArgument
from gerbang.trying import load_policies, trial_world, tried


def run_all_cases(folder: FolderArgument = None, as_json: JsonOption = False) -> None:
    """Run the cases of policies. Exit status 1 where one does not hold."""
    chosen = settings()
    loaded = load_policies(chosen, folder)
    results = tried(loaded, trial_world(loaded, chosen))
    failed = [result for result in results if not result.passed]
    if as_json:
        emit(
            {
                "cases": len(results),
                "failed": [
                    {"file": r.file, "line": r.line, "name": r.name, "failures": list(r.failures)} for r in failed
                ],
            }
        )
    else:
        for result in failed:
            say(f"{result.file}:{result.line}: {result.name}")
            for failure in result.failures:
                say(f"    {failure}")
        met = {match.rule for result in results for match in result.decision.matches}
        for document, _ in loaded.cases:
            unmet = [rule.id for rule in document.shape.rules if f"{document.name}/{rule.id}" not in met]
            if unmet:
                say(f"note: no case of {document.name} meets {', '.join(unmet)}")
        say(f"{len(results)} cases, {len(results) - len(failed)} hold, {len(failed)} do not")
    if failed:
        raise typer.Exit(1)
