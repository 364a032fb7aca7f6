"""Microseconds of each part of a judgement, on a 2 KB post with everything that ships loaded."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

from bench.proxies import a_comment, a_post
from gerbang.checks.examine import examine
from gerbang.gate.figures import Figures
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.loading import load_world
from gerbang.model import Actor, Device, Earlier, Effect, Kind, Media, Officer, Request, Text
from gerbang.pipeline import World, facts_of, judge
from gerbang.policy.decide import decide
from gerbang.recognition.earlier import joined
from gerbang.recognition.recognise import recognise
from gerbang.recognition.signature import compile_platforms
from gerbang.record.event import Event, RecordKeys, decision_event
from gerbang.settings import OfficeSettings, Settings, ZoneSettings

FIVE = ("x", "facebook", "youtube", "wordpress", "blogger")
"""The platforms with which the others must not make recognition slower: hosts are looked up, not gone through."""

EVENING = datetime(2026, 11, 24, 11, tzinfo=UTC)


def microseconds(act: Callable[[], object], seconds: float = 0.6) -> float:
    """The median over batches that together take about `seconds`."""
    batch, started = 1, time.perf_counter()
    while True:
        before = time.perf_counter()
        for _ in range(batch):
            act()
        took = time.perf_counter() - before
        if took > 0.01:
            break
        batch *= 4
    times = [took / batch]
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        for _ in range(batch):
            act()
        times.append((time.perf_counter() - before) / batch)
    return statistics.median(times) * 1e6


def ratio_of(one: Callable[[], object], other: Callable[[], object], rounds: int = 60) -> float:
    """How many times as long the one takes as the other: the median over short batches that take turns."""
    ratios = []
    for _ in range(rounds):
        times = []
        for act in (one, other):
            before = time.process_time()
            for _ in range(200):
                act()
            times.append(time.process_time() - before)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios)


def report() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            state=Path(folder),
            offices=(OfficeSettings(name="hq", state="PJY"),),
            zones=(ZoneSettings(name="hq", networks=(ip_network("10.0.0.0/8"),), office="hq", device=Device.MANAGED),),
        )
        world = load_world(settings)
        _report(world, settings)


def _report(world: World, settings: Settings) -> None:
    body = a_post()
    headers = (("Content-Type", "application/json"), ("Cookie", "twid=u%3D2001; ct0=f00d"))
    request = Request("POST", "x.com", "/i/api/graphql/AbCd/CreateTweet", headers, body)
    elsewhere = Request("GET", "news.example.my", "/", (), b"")
    (activity,) = recognise(request, world.platforms).activities
    assert activity.kind is Kind.POST
    actor = Actor(world.zones[0], "10.0.0.1", Officer("aminah", "Aminah binti Contoh", office="hq"))
    findings = examine(activity.texts, world.checks)
    facts, _ = facts_of(activity, actor, world, EVENING, findings)
    decision = judge(activity, actor, world, EVENING, "K7Q4-M2XP")
    keys = load_keys(settings.keys_folder)
    record_keys = RecordKeys.made_of(keys.record, os.urandom)

    def line(name: str, value: float, unit: str = "us") -> None:
        print(f"  {name:<44} {value:9.1f} {unit}")

    line("recognise a 2 KB post on X", microseconds(lambda: recognise(request, world.platforms)))
    comment = Request("POST", "www.youtube.com", "/youtubei/v1/comment/create_comment", *a_comment())
    line("recognise a 2 KB comment on YouTube, in gzip", microseconds(lambda: recognise(comment, world.platforms)))
    line("pass a request to a host that is not listed", microseconds(lambda: world.platforms.at(elsewhere.host)))
    few = compile_platforms([one for one in world.platforms.documents if one.platform in FIVE])
    ratio = ratio_of(lambda: recognise(request, world.platforms), lambda: recognise(request, few))
    what = f"recognise it with {len(world.platforms.documents)} platforms, to with {len(few.documents)}"
    print(f"  {what:<44} {ratio:9.2f} times")
    line("examine its text by all checks", microseconds(lambda: examine(activity.texts, world.checks)))
    line("decide by all rules", microseconds(lambda: decide(world.policy, facts)))
    line(
        "judge (checks, calendar, facts, rules, digest)",
        microseconds(lambda: judge(activity, actor, world, EVENING, "K7")),
    )
    figures = Figures()
    line("count what came of it", microseconds(lambda: _count(figures)))
    find = {"1": Earlier(("A",), (Text("json.alt_text.text", "Poster"),), (Media("1", digest="d" * 64, size=9),))}.get
    pictured = replace(activity, media=(Media("1"),))
    line("look for earlier steps of an act that has none", microseconds(lambda: joined(activity, find)))
    line("join a post and its picture", microseconds(lambda: joined(pictured, find)))
    line("make the journal's event", microseconds(lambda: decision_event(decision, "forwarded", (), record_keys)))
    journal = Journal(settings.journal_folder, "bench", 0, seal_key=keys.seal)
    try:
        line(
            "append one event and wait for the disk",
            microseconds(lambda: _append(journal, decision_event(decision, "forwarded", (), record_keys), 1)),
        )
        line(
            "append 100 events at once, each",
            microseconds(lambda: _append(journal, decision_event(decision, "forwarded", (), record_keys), 100)) / 100,
        )
    finally:
        journal.close()


def _count(figures: Figures) -> None:
    """What the gate adds up for `/metrics` of one post that goes out."""
    figures.judged.observe(0.0004)
    figures.requests["sent"] += 1
    figures.decisions[Effect.ALLOW, Kind.POST, "x"] += 1


def _append(journal: Journal, event: Event, count: int) -> None:
    wait([journal.append(event) for _ in range(count)])
