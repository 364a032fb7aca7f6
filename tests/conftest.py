"""What all tests share: which of them this machine can run."""

import os

import pytest
import structlog

from system import missing

# The default writes down every local of a traceback, and all platforms are among ours: that takes longer than tests
# wait.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# Modules for other processes' start, which must not be imported here.
collect_ignore_glob = ["e2e/faults/*", "e2e/leaks/*"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=3, help="how often the gate is killed under load (chaos: 50)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
