"""The map of ARCHITECTURE.md, held against the imports: arrows point down, and the core does no I/O."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "proxy" / "gerbang"

# Room: what of ours it may import. `*` stands for everything.
VALUES = frozenset({"model", "errors"})
READING = VALUES | {"documents"}
CORE = frozenset({"wire", "recognition", "checks", "policy", "answers", "record"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "__init__": frozenset(),
    "model": frozenset(),
    "errors": frozenset(),
    "figures": frozenset(),
    "documents": VALUES,
    "wire": VALUES,
    "recognition": READING | {"wire"},
    "checks": READING,
    "policy": READING,
    "answers": READING,
    "record": VALUES,
    "pipeline": VALUES | CORE,
    "cases": READING | CORE | {"pipeline"},
    "bundled": VALUES,
    "status": frozenset({"figures"}),
    "settings": VALUES,
    "proxy_certificate": VALUES,
    "logs": VALUES | {"settings"},
    "csv_files": VALUES,
    "registers": VALUES | {"csv_files", "policy"},
    "target_lists": VALUES | {"policy", "csv_files", "registers"},
    "activations": VALUES | {"policy"},
    "feeds": VALUES,
    "clockings": VALUES | {"feeds"},
    "kept": VALUES,
    "tokens": VALUES | {"kept"},
    "approving": VALUES | {"record", "feeds"},
    "sessions": VALUES | {"settings", "feeds"},
    "loading": VALUES
    | CORE
    | {"pipeline", "cases", "bundled", "settings", "registers", "target_lists", "activations", "journal"},
    "directory": VALUES | {"settings"},
    "enrolment": VALUES | {"settings", "directory", "csv_files", "registers", "registering"},
    "registering": VALUES | {"record", "journal", "settings", "csv_files", "registers", "loading"},
    "trying": VALUES | CORE | {"pipeline", "cases", "settings", "loading", "target_lists"},
    "living": VALUES
    | {
        "pipeline",
        "settings",
        "csv_files",
        "registers",
        "target_lists",
        "activations",
        "loading",
        "trying",
        "clockings",
    },
    "journal": VALUES | {"record", "figures"},
    "alerts": VALUES | {"policy", "answers", "record", "settings", "activations", "journal"},
    "store": VALUES | {"record", "journal", "bundled"},
    "gate": VALUES
    | CORE
    | {"pipeline", "bundled", "settings", "proxy_certificate", "loading", "journal", "figures", "status", "feeds"}
    | {"directory", "registers", "sessions", "approving"},
    "console": VALUES
    | CORE
    | {"bundled", "settings", "journal", "store", "status", "feeds", "kept", "tokens", "sessions", "registers"}
    | {"alerts", "approving", "clockings", "csv_files", "loading", "registering"},
    "fleet": VALUES | {"settings", "proxy_certificate", "loading"},
    "installing": frozenset({"*"}),
    "doctor": frozenset({"*"}),
    "serving": frozenset({"*"}),
    "mitmdump": frozenset({"*"}),
    "demo": frozenset({"*"}),
    "cli": frozenset({"*"}),
}

IO = frozenset(
    {"os", "socket", "subprocess", "threading", "asyncio", "sqlite3", "shutil", "tempfile", "time", "logging"}
)
FRAMEWORKS = frozenset(
    {"mitmproxy", "sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "structlog", "typer", "rich"}
)
NEVER: dict[str, frozenset[str]] = {
    **dict.fromkeys((*CORE, "model", "errors", "figures", "documents", "pipeline", "cases"), IO | FRAMEWORKS),
    **dict.fromkeys(
        (
            "bundled",
            "settings",
            "directory",
            "enrolment",
            "proxy_certificate",
            "logs",
            "csv_files",
            "registers",
            "target_lists",
        ),
        frozenset({"mitmproxy", "fastapi"}),
    ),
    **dict.fromkeys(
        (
            "activations",
            "feeds",
            "clockings",
            "kept",
            "tokens",
            "sessions",
            "loading",
            "registering",
            "trying",
            "living",
            "journal",
            "store",
            "status",
            "alerts",
        ),
        frozenset({"mitmproxy", "fastapi"}),
    ),
    "gate": frozenset({"fastapi", "starlette", "uvicorn", "sqlalchemy"}),
    "console": frozenset({"mitmproxy"}),
    "fleet": frozenset({"mitmproxy", "fastapi", "starlette", "uvicorn", "sqlalchemy"}),
}


def rooms() -> Iterator[tuple[str, Path]]:
    for file in sorted(SOURCE.rglob("*.py")):
        room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        yield room, file


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every dotted name that a module imports, with its line; a name for type checkers only counts too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports by dots"
            module = node.module or ""
            if module == "gerbang":
                yield from ((node.lineno, f"gerbang.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def broken(room: str, name: str) -> bool:
    top, *rest = name.split(".")
    if top in NEVER.get(room, frozenset()):
        return True
    allowed = MAY_IMPORT[room]
    if top != "gerbang" or "*" in allowed or not rest or rest[0] == "__version__":
        return False
    return rest[0] != room and rest[0] not in allowed


def test_every_room_is_on_the_map() -> None:
    assert {room for room, _ in rooms()} <= set(MAY_IMPORT)


def test_no_room_imports_what_it_must_not() -> None:
    wrong = [
        f"{file.relative_to(SOURCE)}:{line} imports {name}"
        for room, file in rooms()
        for line, name in imports(file)
        if broken(room, name)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("room", "name", "wrong"),
    [
        ("policy", "gerbang.checks.examine", True),
        ("policy", "gerbang.model", False),
        ("policy", "gerbang.documents", False),
        ("documents", "gerbang.policy.document", True),
        ("record", "gerbang.documents", True),
        ("recognition", "gerbang.wire.forms", False),
        ("wire", "gerbang.recognition", True),
        ("checks", "mitmproxy.http", True),
        ("record", "time", True),
        ("console", "gerbang.gate.addon", True),
        ("gate", "fastapi", True),
    ],
)
def test_the_map_can_tell(room: str, name: str, wrong: bool) -> None:
    assert broken(room, name) is wrong
