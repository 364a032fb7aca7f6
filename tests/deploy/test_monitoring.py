"""The alarms and the dashboard: every expression is one that Prometheus takes, of figures and labels that there are."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
from ruamel.yaml import YAML

from status_builders import figures_told

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES = YAML(typ="safe").load((FOLDER / "gerbang.rules.yml").read_text("utf-8"))
ALARMS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((FOLDER / "gerbang-dashboard.json").read_text("utf-8"))
PANELS = DASHBOARD["panels"]
# What Prometheus itself puts on each value that it reads.
OF_PROMETHEUS = {"job", "instance"}


def series() -> dict[str, set[str]]:
    """What can be asked for, by its full name, with its labels."""
    found: dict[str, set[str]] = {}
    for name, (labels, kind) in figures_told().items():
        known = {*labels, *OF_PROMETHEUS}
        if kind == "histogram":
            found |= {f"{name}_sum": known, f"{name}_count": known, f"{name}_bucket": known | {"le"}}
        else:
            found[name] = known
    return found


SERIES = series()


def wrong(expression: str) -> list[str]:
    """What is the matter with an expression."""
    try:
        parsed = promql.parse(expression)
    except ValueError as error:
        return [str(error)]
    return [*_names(parsed), *_labels(parsed)]


def _selectors(node: Any) -> Iterator[Any]:
    if isinstance(node, promql.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "vs", "param"):
        child = getattr(node, name, None)
        if isinstance(child, promql.Expr):
            yield from _selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from _selectors(child)


def _names(parsed: Any) -> Iterator[str]:
    found = list(_selectors(parsed))
    if not found:
        yield "it asks for no figure"
    for one in found:
        if one.name not in SERIES:
            yield f"there is no figure {one.name}"
            continue
        for matcher in one.matchers.matchers:
            if matcher.name not in SERIES[one.name]:
                yield f"{one.name} has no label {matcher.name}"


def _labels(parsed: Any) -> Iterator[str]:
    """Labels that an aggregation keeps must be those of every figure within it."""
    if isinstance(parsed, promql.AggregateExpr) and parsed.modifier is not None:
        for one in _selectors(parsed.expr):
            for label in parsed.modifier.labels:
                if label not in SERIES.get(one.name, {label}):
                    yield f"{one.name} has no label {label}"
    for name in ("expr", "lhs", "rhs"):
        child = getattr(parsed, name, None)
        if isinstance(child, promql.Expr):
            yield from _labels(child)
    for child in getattr(parsed, "args", None) or ():
        yield from _labels(child)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: str(alarm["alert"]))
def test_an_alarm_is_one_that_prometheus_takes(alarm: dict[str, Any]) -> None:
    assert set(alarm) <= {"alert", "expr", "for", "labels", "annotations"}
    assert wrong(alarm["expr"]) == []
    assert alarm["labels"]["severity"] in {"critical", "warning", "info"}
    assert re.fullmatch(r"\d+[mh]", alarm.get("for", "1m"))
    assert set(alarm["annotations"]) == {"summary", "description"}
    for text in alarm["annotations"].values():
        for label in re.findall(r"\$labels\.(\w+)", text):
            assert any(label in SERIES[one.name] for one in _selectors(promql.parse(alarm["expr"]))), label


def test_alarms_have_names_of_their_own() -> None:
    names = [alarm["alert"] for alarm in ALARMS]
    assert len(names) == len(set(names))
    asked = {one.name for alarm in ALARMS for one in _selectors(promql.parse(alarm["expr"]))}
    for vital in (
        "gerbang_gate_up",
        "gerbang_journal_writable",
        "gerbang_forwarder_lag_seconds",
        "gerbang_faults_total",
    ):
        assert vital in asked


def expressions() -> Iterator[tuple[str, str, str]]:
    for panel in PANELS:
        yield from ((panel["title"], target["expr"], target["legendFormat"]) for target in panel["targets"])
    yield from ((one["name"], one["expr"], one["titleFormat"]) for one in DASHBOARD["annotations"]["list"])


@pytest.mark.parametrize(("title", "expression", "legend"), list(expressions()))
def test_a_panel_asks_for_figures_that_there_are(title: str, expression: str, legend: str) -> None:
    # What Grafana puts in before it asks.
    asked = expression.replace("$__rate_interval", "5m").replace("$slot", "gate-0")
    assert "$" not in asked, title
    assert wrong(asked) == []
    for label in re.findall(r"{{(\w+)}}", legend):
        assert all(label in SERIES[one.name] for one in _selectors(promql.parse(asked))), label


def test_the_dashboard_is_laid_out_without_gaps_in_its_names() -> None:
    assert [panel["id"] for panel in PANELS] == list(range(1, len(PANELS) + 1))
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${source}"}
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
    for one in DASHBOARD["templating"]["list"]:
        if one["type"] == "query":
            figure, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", one["definition"]).groups()  # type: ignore[union-attr]
            assert label in SERIES[figure]


def test_figures_that_are_nowhere_shown_are_few() -> None:
    """A figure that nobody looks at is not worth counting: each is in an alarm, a panel, or named here."""
    asked = {
        one.name
        for expression in (*(alarm["expr"] for alarm in ALARMS), *(shown for _, shown, _ in expressions()))
        for one in _selectors(promql.parse(expression.replace("$__rate_interval", "5m").replace("$slot", "x")))
    }
    shown = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in asked}
    by_hand = {
        "gerbang_alerts_sent_total",  # whether it works, which `gerbang alerts list` says too
        "gerbang_alerts_summarised_total",
        "gerbang_build_info",  # which version runs
        "gerbang_certificate_refused_total",  # whose app it is, once the alarm came
        "gerbang_journal_unavailable_seconds_total",  # how long it was, for a report
        "gerbang_not_written_total",
    }
    assert set(figures_told()) - shown == by_hand


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("gerbang_gate_upp == 0", "there is no figure gerbang_gate_upp"),
        ("sum by (sloth) (gerbang_gate_up)", "gerbang_gate_up has no label sloth"),
        ('gerbang_gate_up{sloth="x"}', "gerbang_gate_up has no label sloth"),
        ("rate(gerbang_faults_total)", "expected type matrix"),
        ("rate(gerbang_judge_seconds[5m])", "there is no figure gerbang_judge_seconds"),
        ("histogram_quantile(0.9, sum by (where) (rate(gerbang_judge_seconds_bucket[5m])))", "has no label where"),
        ("1 + 1", "it asks for no figure"),
        ("sum(", "unclosed"),
    ],
)
def test_the_test_can_tell(expression: str, said: str) -> None:
    found = wrong(expression)
    assert found
    assert said in found[0]
