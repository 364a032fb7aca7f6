"""The shipped platform documents with their cases, read once for all tests."""

from functools import cache

from gerbang.bundled import bundled
from gerbang.recognition.cases import Cases, parse_cases
from gerbang.recognition.document import PlatformDocument, parse_platform

FOLDER = bundled("policies/platforms")
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml") if "." not in file.stem)


@cache
def shipped(name: str) -> PlatformDocument:
    file = FOLDER / f"{name}.yaml"
    return parse_platform(file.read_text(encoding="utf-8"), str(file))


@cache
def shipped_cases(name: str) -> Cases:
    file = FOLDER / f"{name}.cases.yaml"
    return parse_cases(file.read_text(encoding="utf-8"), str(file))


@cache
def shipped_documents() -> tuple[PlatformDocument, ...]:
    return tuple(shipped(name) for name in NAMES)
