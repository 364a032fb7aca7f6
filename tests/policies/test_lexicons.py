"""The bundled vocabularies hold their cases, and every check has some of either kind."""

from functools import cache
from pathlib import Path

import pytest

from gerbang.bundled import bundled
from gerbang.checks import CHECKS, Checks, compile_checks, parse_lexicon
from gerbang.checks.cases import parse_cases, run_cases, unmark

FOLDER = bundled("policies/lexicons")
CASES = sorted(FOLDER.glob("*.cases.yaml"))


@cache
def checks() -> Checks:
    paths = [path for path in sorted(FOLDER.glob("*.yaml")) if path not in CASES]
    return compile_checks([parse_lexicon(path.read_text(), path.name) for path in paths])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_the_cases_hold(path: Path) -> None:
    failures = run_cases(parse_cases(path.read_text(), path.name), checks())
    assert not failures, "\n".join(f"{failure.place}: {failure.what}" for failure in failures)


def test_every_check_has_cases_of_both_kinds() -> None:
    kinds: dict[str, set[bool]] = {}
    for path in CASES:
        document = parse_cases(path.read_text(), path.name)
        kinds[document.check] = {bool(unmark(case.text)[1]) for case in document.cases}
    for name in (*(check.ID for check in CHECKS), *checks().combined):
        assert kinds.get(name) == {True, False}, name
