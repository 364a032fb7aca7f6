"""What all tests share: which of them this machine can run."""

import os
from importlib import import_module

import pytest
import structlog
from hypothesis import settings

from system import missing

# The commands' console keeps for good a width that the environment names when it is made: it is made without one, and
# asks each time.
os.environ.pop("COLUMNS", None)
import_module("gerbang.cli.output")

# The default writes down every local of a traceback, and all platforms are among ours: that takes longer than tests
# wait.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# How long one example takes says how busy the machine is.
settings.register_profile("gerbang", deadline=None)
settings.load_profile("gerbang")

# Modules for other processes' start, which must not be imported here.
collect_ignore_glob = ["e2e/faults/*", "e2e/leaks/*"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=3, help="how often the gate is killed under load (chaos: 50)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _in_order(items)
    _leave_out(config, items)


def _in_order(items: list[pytest.Item]) -> None:
    """Where several processes share the tests (`make test`), each file stays in one, and so does `deploy/`, whose
    files have a machine's ports and addresses between them. What mostly waits comes first, so that it does not come
    last."""
    for item in items:
        folder = item.path.relative_to(item.config.rootpath).parts[:2]
        item.add_marker(pytest.mark.xdist_group("deploy" if folder == ("tests", "deploy") else str(item.path)))
    items.sort(key=lambda item: not {"e2e", "deploy"} & set(item.path.parts))


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, by name, the tests for whose programs this machine has no package; CI leaves nothing out."""
    lacking = {need.marker for need in missing()}
    if os.environ.get("CI") or not lacking:
        return
    left_out = [item for item in items if lacking & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for need in missing():
        terminalreporter.write_line(f"left out: tests marked {need.marker}; to run them {need.how}")
