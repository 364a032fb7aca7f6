"""Own days by the API: into the register or the day's file, whole or refused with reasons, once, and seen by a gate."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from console_builders import KEYS, Office
from gate_builders import office_settings
from gerbang import clockings
from gerbang.clockings import DAYS_KEPT, MOST_A_DAY, Clockings, Desk, clocked_of
from gerbang.console.api.days import add_days
from gerbang.console.api.sessions import BATCH
from gerbang.console.api.tokens import Entrance
from gerbang.console.app import create_app
from gerbang.errors import FeedError
from gerbang.living import LivingWorld
from gerbang.model import Actor, Hours, OwnDay, OwnKind
from gerbang.pipeline import hours_of
from gerbang.tokens import Right, Tokens
from journal_builders import entries
from waiting import until

# A Tuesday, at 12:30 of Putrajaya.
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
OFFICERS = """id,name,unit,office,service_group,groups,pattern
aminah,Aminah,,hq,professional,,
farid,Farid,,hq,professional,,
devi,Devi,,hq,professional,,flexi
"""
LEAVE = {"officer": "aminah", "kind": "leave", "from": "2026-11-25", "until": "2026-11-26", "reference": "C 1/2026"}


class Api:
    def __init__(self, office: Office) -> None:
        self.moment = NOW
        self.settings = office_settings(office.folder)
        self.settings.registers_folder.mkdir(parents=True)
        (self.settings.registers_folder / "officers.csv").write_text(OFFICERS)
        tokens = Tokens(self.settings.state)
        entrance = Entrance(tokens, office.users, lambda: 0.0, self.now)
        self.office = office

        def endpoints(app: FastAPI) -> None:
            add_days(app, entrance, self.settings, lambda: nullcontext((office.journal, KEYS)), self.now)

        hosts = frozenset({"testserver"})
        app = create_app(office.store, office.users, lambda _: None, hosts=hosts, endpoints=endpoints)
        token = tokens.add("hr", (Right.DAYS,), NOW)[1]
        self.radius = tokens.add("radius", (Right.SESSIONS,), NOW)[1]
        self.client = TestClient(app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})

    def now(self) -> datetime:
        return self.moment

    def post(self, *said: Any, status: int = 200) -> Any:
        answer = self.client.post("/api/v1/days", json=list(said))
        assert answer.status_code == status, answer.text
        return answer.json()

    def month(self, officer: str = "aminah", month: str = "2026-11") -> Any:
        return self.client.get(f"/api/v1/officers/{officer}/days", params={"month": month}).json()

    def register(self) -> list[str]:
        file = self.settings.registers_folder / "own-days.csv"
        return file.read_text().splitlines()[1:] if file.exists() else []

    def changes(self) -> list[dict[str, Any]]:
        return [one for one in entries(self.office.folder / "journal") if one["kind"] == "register-changed"]


@pytest.fixture
def api(office: Office) -> Iterator[Api]:
    yield Api(office)
    office.journal.close()


def clock(officer: str = "aminah", at: str = "2026-11-24T08:07+08:00", kind: str = "clock-in") -> dict[str, str]:
    return {"officer": officer, "kind": kind, "from": at}


def test_leave_goes_into_the_register_once_with_who_said_so(api: Api) -> None:
    taken = api.post(
        LEAVE, {"officer": "hilang", "kind": "shift", "from": "2026-11-25T08:00", "until": "2026-11-25T16:00"}
    )
    assert taken == {"taken": 2, "new": 2, "changed": 0, "unknown_officers": ["hilang"]}
    assert api.register() == [
        "aminah,leave,2026-11-25,2026-11-26,C 1/2026,api: hr,",
        "hilang,shift,2026-11-25T08:00,2026-11-25T16:00,,api: hr,",
    ]
    assert api.post(LEAVE)["new"] == 0
    longer = LEAVE | {"until": "2026-11-27", "by": "devi"}
    assert api.post(longer, longer) == {"taken": 2, "new": 0, "changed": 1, "unknown_officers": []}
    assert "aminah,leave,2026-11-25,2026-11-27,C 1/2026,devi," in api.register()
    told = [(one["body"]["added"], one["body"]["changed"], one["body"]["by"]) for one in api.changes()]
    assert told == [(2, 0, "token: hr"), (0, 1, "token: hr")]
    assert "aminah" not in json.dumps([one["body"] for one in api.changes()])


def test_an_own_day_is_taken_back_by_its_reference(api: Api) -> None:
    api.post(LEAVE, LEAVE | {"officer": "farid"}, clock() | {"reference": "J/1"})
    assert api.client.delete("/api/v1/days/C 1/2026?officer=aminah").status_code == 204
    assert api.client.delete("/api/v1/days/C%201%2F2026?officer=aminah").status_code == 204, "again is no error"
    assert [line.split(",")[0] for line in api.register()] == ["farid"]
    assert api.client.delete("/api/v1/days/J/1?officer=aminah").status_code == 204
    assert api.month()["own"] == []
    assert api.client.delete("/api/v1/days/J/1").status_code == 422
    assert [one["body"]["change"] for one in api.changes()] == ["told", "told", "taken-back", "taken-back"]


def test_clock_ins_are_told_once_and_leave_the_register_alone(api: Api) -> None:
    assert api.post(clock(), clock("farid", "2026-11-24T09:30"), clock("farid", "2026-11-24T01:30Z"))["new"] == 2
    assert api.post(clock())["new"] == 0
    assert api.register() == []
    (change,) = api.changes()
    body = {name: change["body"][name] for name in ("register", "change", "added", "by")}
    assert body == {"register": "clockings", "change": "told", "added": 2, "by": "token: hr"}
    assert "aminah" not in json.dumps(change["body"])
    file = api.settings.clockings_folder / "2026-11-24.jsonl"
    assert file.stat().st_mode & 0o77 == 0
    assert len(file.read_text().splitlines()) == 3


def test_a_month_tells_own_days_and_each_day_s_stretches(api: Api) -> None:
    api.post(LEAVE, clock("devi"))
    month = api.month()
    assert (month["office"], month["month"], len(month["days"])) == ("hq", "2026-11", 30)
    (own,) = month["own"]
    assert (own["kind"], own["from"], own["until"]) == ("leave", "2026-11-25", "2026-11-26")
    day = month["days"][24]
    assert (day["date"], day["own"]) == ("2026-11-25", True)
    assert {"outside-hours"} == {one["regime"] for one in day["stretches"]}
    facts = [(one["from"][11:16], one["fact"]) for one in api.month("devi")["days"][23]["stretches"]]
    assert ("08:07", "clocked-in") in facts
    assert api.month(month="2026-10")["own"] == []


@pytest.mark.parametrize(
    ("officer", "month", "status"), [("hilang", "2026-11", 404), ("aminah", "2026-13", 422), ("aminah", "", 422)]
)
def test_a_month_that_cannot_be_told(api: Api, officer: str, month: str, status: int) -> None:
    assert api.month(officer, month)["status"] == status


@pytest.mark.parametrize(
    ("entry", "field", "detail"),
    [
        (LEAVE | {"kind": "holiday"}, "kind", "expected one of"),
        (LEAVE | {"from": "25.11.2026"}, "from", "write a date as"),
        (LEAVE | {"until": "2026-11-24"}, "until", "does not lie after"),
        (LEAVE | {"reference": ""}, "reference", "rests on somebody's word"),
        (LEAVE | {"reference": "x" * 101}, "reference", "longer than 100"),
        (LEAVE | {"officer": "a b"}, "officer", "no sign-in name"),
        (LEAVE | {"officer": 7}, "officer", "valid string"),
        (LEAVE | {"note": "x"}, "note", "not permitted"),
        (LEAVE | {"by": "de\nvi"}, "by", "control characters"),
        (LEAVE | {"office": "hq"}, "office", "goes with `elsewhere`"),
        (LEAVE | {"kind": "elsewhere", "office": "moon"}, "office", "expected one of `hq`"),
        (LEAVE | {"kind": "errand", "from": "2026-11-25T08:00", "until": "2026-11-25T12:01"}, "kind", "longer than 4"),
        (clock() | {"until": "2026-11-24T09:00"}, "until", "one moment"),
        (clock(at="2026-11-24"), "from", "write the time too"),
        (clock(at="2026-11-24T12:36+08:00"), "from", "lies ahead"),
        (clock(at="2025-10-20T08:00+08:00"), "from", "too long ago"),
        ({"officer": "aminah", "kind": "leave"}, "from", "required"),
    ],
)
def test_what_will_not_do_is_named_and_nothing_of_the_batch_is_taken(
    api: Api, entry: dict[str, Any], field: str, detail: str
) -> None:
    told = api.post(LEAVE, clock(), entry, status=422)
    (error,) = told["errors"]
    assert (error["entry"], error["field"]) == (2, field), error
    assert detail in error["detail"]
    assert (api.register(), api.changes(), api.month()["own"]) == ([], [], [])


def test_an_errand_takes_no_more_than_half_of_its_day_s_work(api: Api, office: Office) -> None:
    errand = LEAVE | {"kind": "errand", "from": "2026-11-26T08:00", "until": "2026-11-26T12:00"}
    folder = office.folder / "ours" / "calendars"
    folder.mkdir(parents=True)
    assert api.post(errand)["new"] == 1
    override = (
        '{date: 2026-12-03, offices: [hq], kind: add, between: "12:30-24:00", ms: Separuh, en: Half, source: notice}'
    )
    (folder / "ours.yaml").write_text(f"calendar: ours\noverrides:\n  - {override}\n")
    object.__setattr__(api.settings, "policies", ("bundled", str(folder.parent)))
    told = api.post(errand | {"from": "2026-12-03T08:00", "until": "2026-12-03T12:00"}, status=422)
    assert "more than half of the" in told["errors"][0]["detail"]
    assert api.post(errand | {"from": "2026-12-03T08:00", "until": "2026-12-03T10:00"})["new"] == 1


def test_a_batch_has_a_bound_and_so_has_an_officer_s_day(api: Api) -> None:
    assert api.post(*[clock()] * BATCH)["new"] == 1
    api.post(*[clock()] * (BATCH + 1), status=422)
    many = [clock("farid", f"2026-11-24T08:{minute:02}+08:00") for minute in range(MOST_A_DAY + 1)]
    assert "more than 40" in api.post(*many, status=422)["detail"]
    assert api.post(*many[:-1])["new"] == MOST_A_DAY
    api.post(many[-1], status=422)


def test_another_s_token_will_not_do(api: Api) -> None:
    for send in (api.client.post, api.client.delete):
        assert send("/api/v1/days/x", headers={"Authorization": f"Bearer {api.radius}"}).status_code in (403, 405)
    headers = {"Authorization": f"Bearer {api.radius}"}
    assert api.client.post("/api/v1/days", json=[LEAVE], headers=headers).status_code == 403
    assert api.client.get("/api/v1/officers/aminah/days?month=2026-11", headers=headers).status_code == 403
    assert (
        api.client.get("/api/v1/officers/aminah/days?month=2026-11", headers={"Authorization": ""}).status_code == 401
    )


def test_where_the_disk_or_a_register_fails_nothing_is_taken(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise FeedError("the feed `x` is full")

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "write", broken)
        api.post(clock(), status=507)
    assert api.post(clock())["new"] == 1, "sent again it is taken"
    (api.settings.registers_folder / "officers.csv").write_text("id,name\naminah\n")
    until(lambda: api.client.post("/api/v1/days", json=[LEAVE]).status_code == 503)
    assert api.register() == []


# ---------------------------------------------------------------- what a gate sees


def test_a_gate_at_work_sees_clock_ins_and_leave_and_its_world_is_not_made_anew_by_the_clock(api: Api) -> None:
    api.post(clock("devi"))
    living = LivingWorld(api.settings, api.now)
    actors = {
        name: Actor(living.world.zones[0], "10.0.0.1", officer)
        for name, officer in living.world.registers.officers.items()
    }

    def asked(name: str, moment: datetime = NOW - timedelta(hours=4)) -> Hours:
        return hours_of(actors[name], living.world, moment)

    assert asked("devi").fact == "clocked-in", "read whole at the start"
    before = living.world
    living.start()
    try:
        assert asked("farid").regime == "flexible"
        api.post(clock("farid"), clock("aminah", kind="clock-out", at="2026-11-24T08:10+08:00"))
        until(lambda: asked("farid").fact == "clocked-in" and asked("aminah").fact == "clocked-out")
        assert living.world is before
        api.post(LEAVE)
        until(lambda: asked("aminah", NOW + timedelta(days=1)).fact == "leave")
        assert asked("farid").fact == "clocked-in", "also after the register was read anew"
        api.moment = NOW + timedelta(days=3)
        until(lambda: asked("farid").regime == "flexible")
    finally:
        living.close()
    day = NOW.date()
    assert [one.kind for one in clocked_of(api.settings.clockings_folder, "farid", day, day)] == ["clock-in"]


def test_files_of_days_that_are_long_past_go(api: Api) -> None:
    api.post(clock())
    api.moment = NOW + timedelta(days=DAYS_KEPT)
    api.post(clock(at=f"{api.moment:%Y-%m-%dT%H:%M}Z"))
    assert len(list(api.settings.clockings_folder.glob("*.jsonl"))) == 2
    api.moment += timedelta(days=1)
    api.post(clock(at=f"{api.moment:%Y-%m-%dT%H:%M}Z"))
    assert not (api.settings.clockings_folder / "2026-11-24.jsonl").exists()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"o":"aminah","k":"leave","t":"2026-11-24T00:00Z"}',
        '{"o":"aminah","k":"clock-in","t":"2026-11-24T00:00"}',
        '{"o":7,"k":"clock-in","t":"2026-11-24T00:00Z"}',
        '{"o":"aminah","k":[],"t":"2026-11-24T00:00Z"}',
        '{"o":"aminah","k":"clock-in","t":null}',
    ],
)
def test_a_line_that_is_none_is_passed_over(tmp_path: Path, line: str) -> None:
    entry = OwnDay("aminah", OwnKind.CLOCK_IN, NOW.replace(second=0), by="api: hr")
    Desk(tmp_path).write([entry])
    with (tmp_path / "2026-11-24.jsonl").open("a") as file:
        file.write(line + "\n")
    assert clocked_of(tmp_path, "aminah", NOW.date(), NOW.date()) == (entry,)
    known = Clockings(tmp_path, lambda: NOW)
    assert known.changed()
    assert known.of("aminah") == (entry,)
    assert clockings.entry_of(clockings.record_of(entry)) == entry
