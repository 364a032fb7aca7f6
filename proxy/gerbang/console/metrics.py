"""Figures for Prometheus: what the gates say of themselves, and what the console can see.

Every label is a word of ours: an effect, an activity, a platform, a reason, a kind of host. No name, no account, no
address and no text is ever one.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gerbang.alerts.state import AlertState
from gerbang.console.health import Watch
from gerbang.status import Shown, Snapshot, process_figures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a gate's snapshot, as Prometheus is told it."""

    key: str
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


GATE: Final = (
    Figure(
        "decisions",
        "gerbang_decisions",
        "counter",
        "Decisions that stand in the journal, since the gate started.",
        ("effect", "activity", "platform"),
    ),
    Figure(
        "requests",
        "gerbang_requests",
        "counter",
        "Requests to listed hosts that were recognised, by what became of them: sent, refused (or held), unchanged, "
        "no-act.",
        ("outcome",),
    ),
    Figure("judged", "gerbang_judge_seconds", "histogram", "From taking a request up to its decision."),
    Figure(
        "unclaimed",
        "gerbang_unclaimed_writes",
        "counter",
        "Writes to listed hosts that no signature knows.",
        ("platform",),
    ),
    Figure(
        "not-written",
        "gerbang_not_written",
        "counter",
        "Acts that no rule has an opinion on, so that no line was written.",
        ("activity",),
    ),
    Figure("gaps", "gerbang_gaps", "counter", "Acts of which something could not be inspected.", ("reason",)),
    Figure(
        "tls-refused",
        "gerbang_tls_refused",
        "counter",
        "Handshakes for listed hosts that were ended by the gate, or by a client that does not trust its CA.",
        ("by", "role"),
    ),
    Figure(
        "certificate-refused",
        "gerbang_certificate_refused",
        "counter",
        "Connections that a client ended on the gate's certificate, by the host as it is listed.",
        ("platform", "host", "zone", "how", "has_ca"),
    ),
    Figure("faults", "gerbang_faults", "counter", "Faults of the gate's own code, by the step.", ("where",)),
    Figure("counted", "gerbang_counted", "counter", "What else the gate counts, by its own words.", ("what",)),
    Figure("latency", "gerbang_journal_append_seconds", "histogram", "From taking an event to having it on the disk."),
    Figure("groups", "gerbang_journal_group_events", "histogram", "Events that went to the disk together."),
    Figure(
        "journal-unavailable",
        "gerbang_journal_unavailable_seconds",
        "counter",
        "Time for which the journal could not be written.",
    ),
    Figure("journal-failures", "gerbang_journal_failures", "counter", "Groups of events that could not be written."),
    Figure("last-seal", "gerbang_journal_last_seal_timestamp_seconds", "gauge", "When the last seal was written."),
    Figure("bodies", "gerbang_bodies_bytes", "gauge", "Bodies that are in memory now."),
    Figure("bodies-budget", "gerbang_bodies_budget_bytes", "gauge", "What they may take together."),
    Figure("connections", "gerbang_connections", "gauge", "Client connections that are open."),
    Figure("releases", "gerbang_releases", "gauge", "Confirmations that still run."),
    Figure("sessions", "gerbang_sessions", "gauge", "Sessions that other programs told of and that stand."),
    Figure(
        "sessions-told", "gerbang_sessions_told_timestamp_seconds", "gauge", "When a session was told of or ended last."
    ),
    Figure(
        "ca-until",
        "gerbang_ca_expiry_timestamp_seconds",
        "gauge",
        "When a certificate of the CA ends.",
        ("certificate",),
    ),
    Figure(
        "calendar",
        "gerbang_calendar_coverage_days",
        "gauge",
        "Days from today for which a state's holidays are known.",
        ("state",),
    ),
)
PROCESS: Final = (
    Figure("cpu", "gerbang_process_cpu_seconds", "counter", "CPU that a process has used.", ("part",)),
    Figure("memory", "gerbang_process_resident_memory_bytes", "gauge", "Memory that a process holds.", ("part",)),
    Figure("files", "gerbang_process_open_fds", "gauge", "Files and sockets that a process has open.", ("part",)),
    Figure("files-limit", "gerbang_process_max_fds", "gauge", "How many it may have open.", ("part",)),
)


class Figures(Collector):
    """Reads the figures anew each time that it is asked."""

    def __init__(self, watch: Watch, tokens: Mapping[str, int]) -> None:
        self._watch, self._tokens = watch, tokens

    def collect(self) -> Iterator[Metric]:
        view = self._watch.look()
        fresh = tuple(gate for gate in view.gates if gate.fresh)
        up = GaugeMetricFamily("gerbang_gate_up", "Whether a gate is at work.", labels=["slot"])
        decrypts = GaugeMetricFamily("gerbang_gate_decrypts", "Whether a gate opens listed hosts.", labels=["slot"])
        writable = GaugeMetricFamily("gerbang_journal_writable", "Whether the journal takes events.", labels=["slot"])
        started = GaugeMetricFamily("gerbang_gate_start_timestamp_seconds", "When a gate started.", labels=["slot"])
        policy = InfoMetricFamily("gerbang_policy", "The policy in force.", labels=["slot"])
        build = InfoMetricFamily("gerbang_build", "What runs.", labels=["slot"])
        for gate in view.gates:
            up.add_metric([gate.slot], float(gate.fresh))
        for gate in fresh:
            decrypts.add_metric([gate.slot], float(gate.closed is None))
            writable.add_metric([gate.slot], float(gate.writable))
            started.add_metric([gate.slot], gate.started)
            policy.add_metric([gate.slot], {"digest": gate.policy})
            build.add_metric([gate.slot], {"version": gate.program, "mitmproxy": gate.engine})
        if not view.gates:
            up.add_metric([""], 0.0)
        yield from (up, decrypts, writable, started, policy, build)
        yield from (_family(figure, fresh) for figure in GATE)
        yield from _processes(fresh)
        yield GaugeMetricFamily(
            "gerbang_database_up", "Whether the database answers.", value=float(view.waiting is not None)
        )
        waiting = GaugeMetricFamily(
            "gerbang_forwarder_backlog_lines", "Lines of the journal that wait for the database.", labels=["slot"]
        )
        late = GaugeMetricFamily(
            "gerbang_forwarder_lag_seconds", "How long the oldest of them has waited.", labels=["slot"]
        )
        for slot, one in (view.waiting or {}).items():
            waiting.add_metric([slot], one.lines)
            late.add_metric([slot], one.seconds(view.at))
        yield from (waiting, late)
        yield from _alerts(view.alerts)
        refused = CounterMetricFamily(
            "gerbang_tokens_refused", "Requests to the API that were refused by their token.", labels=["because"]
        )
        for because, count in sorted(self._tokens.items()):
            refused.add_metric([because], count)
        yield refused
        free = GaugeMetricFamily("gerbang_state_free_bytes", "Room on the disk of the state folder.")
        with suppress(OSError):  # then there is no such figure
            free.add_metric([], float(shutil.disk_usage(self._watch.state).free))
        yield free


def _alerts(states: Mapping[str, AlertState]) -> Iterator[Metric]:
    sent = CounterMetricFamily("gerbang_alerts_sent", "Alerts that were taken by their receiver.", labels=["alert"])
    failed = CounterMetricFamily("gerbang_alerts_failed", "Alerts that were given up.", labels=["alert"])
    more = CounterMetricFamily(
        "gerbang_alerts_summarised", "Decisions that were told in a summary only.", labels=["alert"]
    )
    failing = GaugeMetricFamily("gerbang_alerts_failing", "Whether an alert cannot be sent now.", labels=["alert"])
    for name, state in states.items():
        sent.add_metric([name], state.sent)
        failed.add_metric([name], state.failed)
        more.add_metric([name], state.summarised)
        failing.add_metric([name], float(state.failing is not None))
    yield from (sent, failed, more, failing)


def exposition(watch: Watch, tokens: Mapping[str, int]) -> bytes:
    """All figures in the text that Prometheus reads. A registry of its own: the library's global one stays as it is."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(watch, tokens))
    return generate_latest(registry)


def _family(figure: Figure, gates: Sequence[Snapshot]) -> Metric:
    labels = ["slot", *figure.labels]
    if figure.kind == "histogram":
        histogram = HistogramMetricFamily(figure.name, figure.help, labels=labels)
        for gate in gates:
            if (shown := gate.histograms.get(figure.key)) is not None:
                histogram.add_metric([gate.slot], _buckets(shown), shown.total)
        return histogram
    make = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    family = make(figure.name, figure.help, labels=labels)
    for gate in gates:
        for values, count in gate.figures.get(figure.key, ()):
            family.add_metric([gate.slot, *values], count)
    return family


def _buckets(shown: Shown) -> list[tuple[str, float]]:
    """Prometheus counts in each bucket what is in the smaller ones too."""
    counts = [sum(shown.counts[: place + 1]) for place in range(len(shown.counts))]
    return [*zip((str(bound) for bound in shown.bounds), counts, strict=False), ("+Inf", counts[-1])]


def _processes(gates: Sequence[Snapshot]) -> Iterator[Metric]:
    own = process_figures()
    for figure in PROCESS:
        make = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
        family = make(figure.name, figure.help, labels=["slot", "part"])
        for gate in gates:
            for _, value in gate.figures.get(figure.key, ()):
                family.add_metric([gate.slot, "gate"], value)
        family.add_metric(["", "console"], own[figure.key])
        yield family
