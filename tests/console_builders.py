"""A console over a real journal and database, for its tests."""

import os
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from builders import TUESDAY_MORNING, a_decision, a_match, an_activity, an_actor
from gerbang.console.app import create_app
from gerbang.console.looks import write_down
from gerbang.console.users import Users
from gerbang.journal.writer import Journal
from gerbang.model import Basis, Decision, Effect, Finding, Hours, Kind, Likelihood, Mode, Regime, Release
from gerbang.policy.document import compile_policy, parse_policy
from gerbang.record.event import (
    Done,
    RecordKeys,
    decision_event,
    objection_event,
    outcome_event,
    policy_activated,
    release_event,
)
from gerbang.record.number import decision_number
from gerbang.store import Forwarder, Store, open_store, upgrade

DONE: dict[Effect, Done] = {Effect.BLOCK: "answered", Effect.COACH: "held", Effect.APPROVE: "held"}
PASSWORD = "empat perkataan panjang sekali"
KEYS = RecordKeys(b"p" * 32, os.urandom)
ZONE = ZoneInfo("Asia/Kuala_Lumpur")
NUMBERS = [decision_number(bytes([n]) * 7) for n in range(200)]

POLICY = """
policy: trial
title: {ms: Dasar cubaan, en: Trial policy}
laws: {LAW-1: {ms: Peraturan Contoh 1, en: Example Regulation 1}}
clauses:
  R3: {text: {ms: Teks klausa tiga, en: Text of clause three}, cites: {federal: LAW-1}}
rules:
  - id: rule
    title: {ms: Tajuk peraturan, en: Title of the rule}
    clause: R3
    when: {activity: post}
    effect: block
  - id: never
    title: {ms: Peraturan yang tidak sepadan, en: A rule that never matched}
    clause: R3
    when: {activity: live}
    effect: block
"""


@cache
def empty_database() -> bytes:
    """The bytes of a database as `upgrade` makes it, which is slow to do for every test."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "gerbang.db"
        upgrade(f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


class Office:
    """A journal, a database and a console over them, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "gerbang.db").write_bytes(empty_database())
        self.store: Store = open_store(f"sqlite:///{folder / 'gerbang.db'}")
        self.journal = Journal(folder / "journal", "gate", 0, seal_key=Ed25519PrivateKey.generate())
        self.forwarder = Forwarder(folder / "journal", self.store)
        self.users = Users(folder / "console" / "users.json", rounds=4)
        self.now = 0.0
        app = create_app(
            self.store,
            self.users,
            lambda look: write_down(look, self.journal, TUESDAY_MORNING, KEYS),
            hosts=frozenset({"localhost"}),
            platforms=("wordpress", "x"),
            zone=ZONE,
            clock=lambda: self.now,
        )
        self.app = app
        self.client = self.browser()

    def browser(self, **headers: str) -> TestClient:
        return TestClient(
            self.app,
            base_url="http://localhost",
            headers={"Accept-Language": "en"} | headers,
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def record(self, *decisions: Decision, excerpts: tuple[str, ...] = ()) -> None:
        for decision in decisions:
            done: Done = DONE.get(decision.effect, "forwarded")
            self.journal.append(decision_event(decision, done, excerpts, KEYS)).result()
        self.forwarder.once()

    def account(self, name: str = "nora", role: str = "auditor") -> None:
        self.users.add(name, role, PASSWORD, TUESDAY_MORNING)

    def sign_in(self, name: str = "nora", password: str = PASSWORD, client: TestClient | None = None, **more: str):
        client = client or self.client
        page = client.get("/sign-in").text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token
        return client.post("/sign-in", data={"name": name, "password": password, "csrf": token[1]} | more)


def a_blocked_post(number: str = NUMBERS[1], minutes: int = 0, **more) -> Decision:
    moment = TUESDAY_MORNING + timedelta(minutes=minutes)
    hours = Hours(
        Regime.OFFICE_HOURS,
        "hq",
        moment.astimezone(ZONE),
        "working-hours",
        {"from": "07:30", "to": "18:00"},
        moment + timedelta(hours=3),
    )
    decision = a_decision(
        number=number,
        moment=moment,
        hours=hours,
        activity=an_activity("IC saya 1234"),
        findings=(Finding("identity-card", "personal-data", Likelihood.LIKELY, 8, 12),),
        matches=(
            a_match(),
            a_match("trial/spared", Effect.COACH, exempted_by="group: official-social-media"),
            a_match("trial/watched", Effect.BLOCK, mode=Mode.OBSERVE),
        ),
    )
    return replace(decision, **more)


def a_full_day(office: Office) -> Decision:
    """A policy in force, a blocked post with what followed it, and some other acts."""
    policy = compile_policy([parse_policy(POLICY, "trial")])
    basis = Basis(policy.digest, "1" * 64, "2" * 64, "3" * 64)
    office.journal.append(policy_activated(basis, {"trial": POLICY}, TUESDAY_MORNING, KEYS)).result()
    blocked = a_blocked_post(basis=basis)
    match = replace(blocked.matches[0], citation=replace(blocked.matches[0].citation, law="LAW-1"))
    blocked = replace(blocked, matches=(match, *blocked.matches[1:]))
    allowed = a_decision(
        Effect.ALLOW, number=NUMBERS[2], moment=TUESDAY_MORNING + timedelta(hours=9), activity=an_activity("x")
    )
    held = a_decision(
        Effect.COACH,
        number=NUMBERS[3],
        actor=an_actor(None),
        activity=an_activity(kind=Kind.VIEW, platform="wordpress"),
    )
    office.record(blocked, excerpts=("IC saya 1•••",))
    office.record(allowed, held)
    release = Release(
        "abc",
        frozenset({"trial/rule"}),
        "x",
        TUESDAY_MORNING + timedelta(minutes=10),
        officer="P-1001",
        answers={"official-purpose": "Menyemak komen awam"},
    )
    for event in (
        release_event(release, blocked.number, TUESDAY_MORNING, KEYS),
        objection_event(blocked.number, "P-1001", "Ini nombor contoh sahaja", TUESDAY_MORNING, KEYS),
        outcome_event(a_decision(number=NUMBERS[2]), 200, True, "17", None, KEYS),
    ):
        office.journal.append(event).result()
    office.forwarder.once()
    return blocked
