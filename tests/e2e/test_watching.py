"""What an admin watches with, at a gate that people use: the figures are what the journal has."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from e2e.office import Office, an_office
from journal_builders import entries
from waiting import until

type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office of its own, so that nobody else's acts are counted; the test may stop its gate."""
    with an_office(tmp_path_factory.mktemp("watched"), "19:00:00") as running:
        yield running


def scraped(office: Office) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(httpx.get(f"{office.console}/metrics", timeout=20).text)
        for sample in family.samples
    }


def by(samples: Samples, name: str, *labels: str) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for (called, with_labels), value in samples.items():
        if called == name:
            found[tuple(dict(with_labels)[label] for label in labels)] += int(value)
    return found


def told(office: Office) -> tuple[int, str]:
    answer = httpx.get(f"{office.console}/healthz", timeout=20)
    return answer.status_code, answer.json()["state"]


def test_the_figures_are_what_the_journal_has(office: Office) -> None:
    office.tweet("aminah", "selamat pagi semua")
    office.tweet("farid", "nombor kad pengenalan dia 900101-14-5678")
    office.tweet("devi", "mesyuarat esok", account="9001")
    office.send(
        "aminah",
        "POST",
        "https://x.com/i/api/2/unheard.json",
        {"Content-Type": "application/json"},
        b'{"words": "ini satu ayat yang cukup panjang untuk dinilai"}',
    )
    lines = office.decisions()
    wanted = Counter((body["effect"], body["activity"], body["platform"]) for body in lines)
    assert len(lines) >= 3
    until(lambda: sum(by(scraped(office), "gerbang_decisions_total", "slot").values()) >= len(lines))
    samples = scraped(office)
    assert by(samples, "gerbang_decisions_total", "effect", "activity", "platform") == wanted
    assert by(samples, "gerbang_judge_seconds_count")[()] == sum(
        by(samples, "gerbang_requests_total", "outcome")[outcome,] for outcome in ("sent", "refused")
    )
    unclaimed = Counter((body["platform"],) for body in lines if body.get("unclaimed"))
    assert unclaimed
    assert by(samples, "gerbang_unclaimed_writes_total", "platform") == unclaimed
    appended = [line for line in entries(office.journal) if line["kind"] not in {"start", "seal"}]
    until(lambda: by(scraped(office), "gerbang_journal_append_seconds_count")[()] == len(appended))
    until(lambda: sum(by(scraped(office), "gerbang_forwarder_backlog_lines", "slot").values()) == 0)
    assert by(samples, "gerbang_gate_up", "slot") == {("gate-0",): 1}
    assert by(samples, "gerbang_database_up")[()] == 1
    assert by(samples, "gerbang_journal_writable", "slot") == {("gate-0",): 1}
    assert by(samples, "gerbang_calendar_coverage_days", "state")["PJY",] > 0


def test_no_name_account_address_or_text_is_told(office: Office) -> None:
    account = "100200300400500600700"  # longer than any figure
    office.tweet("aminah", "perkataan-istimewa-untuk-dicari", account)
    text = httpx.get(f"{office.console}/metrics", timeout=20).text
    for secret in ("aminah", "farid", account, "127.0.0.1", "istimewa", "CreateTweet"):
        assert secret not in text, secret


def test_all_is_well_and_then_the_gate_hangs(office: Office) -> None:
    until(lambda: told(office) == (200, "good"))
    (snapshot,) = (office.folder / "state/status").glob("*.json")
    gate = json.loads(snapshot.read_text())["pid"]
    os.kill(gate, signal.SIGSTOP)
    try:
        until(lambda: told(office) == (503, "bad"))
        assert by(scraped(office), "gerbang_gate_up", "slot") == {("gate-0",): 0}
        assert not by(scraped(office), "gerbang_decisions_total", "slot"), "what nobody vouches for is not told"
    finally:
        os.kill(gate, signal.SIGCONT)
    until(lambda: told(office)[0] == 200)


def test_a_gate_that_ended_as_told_leaves_nothing_to_read(office: Office) -> None:
    folder: Path = office.folder / "state/status"
    office.stop()
    assert list(folder.glob("*.json")) == []
