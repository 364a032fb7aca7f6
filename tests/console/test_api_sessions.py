"""Sessions by the API: taken whole or refused with reasons, later ones replace earlier ones, and they end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from console_builders import Office
from gate_builders import office_settings
from gerbang.console.api.sessions import BATCH, add_sessions
from gerbang.console.api.tokens import Entrance
from gerbang.console.app import create_app
from gerbang.feeds import Feed
from gerbang.sessions import MOST_SESSIONS, SPARE_RECORDS, Book, Desk, Session, session_of
from gerbang.tokens import Right, Tokens

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ZONES = [
    {"name": "wifi", "networks": ["10.0.0.0/8", "2001:db8::/32"], "office": "hq", "sign_in": "session"},
    {"name": "kaunter", "networks": ["10.9.0.0/16"], "office": "hq"},
]


class Api:
    def __init__(self, office: Office) -> None:
        self.seconds = 0.0
        self.settings = office_settings(office.folder, zones=ZONES)
        tokens = Tokens(self.settings.state)
        entrance = Entrance(tokens, office.users, lambda: self.seconds, self.now)

        def endpoints(app: FastAPI) -> None:
            add_sessions(app, entrance, self.settings, self.now)

        hosts = frozenset({"testserver"})
        app = create_app(office.store, office.users, lambda _: None, hosts=hosts, endpoints=endpoints)
        token = tokens.add("radius", (Right.SESSIONS,), NOW)[1]
        self.days = tokens.add("days", (Right.DAYS,), NOW)[1]
        self.client = TestClient(app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def post(self, *entries: Any, status: int = 200) -> Any:
        answer = self.client.post("/api/v1/sessions", json=list(entries))
        assert answer.status_code == status, answer.text
        return answer.json()

    def standing(self) -> dict[str, str]:
        return {one["address"]: one["officer"] for one in self.client.get("/api/v1/sessions").json()["sessions"]}


@pytest.fixture
def api(office: Office) -> Api:
    return Api(office)


def a_session(address: str = "10.1.2.3", officer: str = "aminah", **more: Any) -> dict[str, Any]:
    return {"address": address, "officer": officer, **more}


def test_a_session_stands_until_its_time(api: Api) -> None:
    assert api.post(a_session(seconds=60)) == {"taken": 1, "new": 1}
    assert api.post(a_session("2001:DB8::1", "farid", until="2026-11-24T12:00+08:00")) == {"taken": 1, "new": 1}
    assert api.standing() == {"10.1.2.3": "aminah", "2001:db8::1": "farid"}
    api.seconds = 60
    assert api.standing() == {"2001:db8::1": "farid"}
    api.seconds = 3601
    assert api.standing() == {}


def test_one_object_alone_will_do_and_says_who_told_it(api: Api) -> None:
    assert api.client.post("/api/v1/sessions", json=a_session(device="personal")).status_code == 200
    (one,) = api.client.get("/api/v1/sessions").json()["sessions"]
    assert one == {
        "address": "10.1.2.3",
        "officer": "aminah",
        "device": "personal",
        "until": "2026-11-25T03:00:00+00:00",
        "by": "radius",
    }


def test_the_same_again_changes_nothing_and_a_later_one_replaces(api: Api) -> None:
    entry = a_session(until="2026-11-24T12:00+08:00")
    api.post(entry)
    size = (api.settings.feeds_folder / "sessions.jsonl").stat().st_size
    assert api.post(entry) == {"taken": 1, "new": 0}
    assert (api.settings.feeds_folder / "sessions.jsonl").stat().st_size == size
    api.post(a_session("::ffff:10.1.2.3", "farid"))
    assert api.standing() == {"10.1.2.3": "farid"}


def test_a_session_ends_by_delete_or_by_a_time_that_is_past(api: Api) -> None:
    api.post(a_session(), a_session("10.1.2.4", "farid"), a_session("2001:db8::1", "siti"))
    assert api.client.delete("/api/v1/sessions/10.1.2.3").status_code == 204
    assert api.client.delete("/api/v1/sessions/10.1.2.3").status_code == 204, "again is no error"
    assert api.client.delete("/api/v1/sessions/2001:db8:0::1").status_code == 204
    api.post(a_session("10.1.2.4", "farid", seconds=0))
    assert api.standing() == {}
    assert api.client.delete("/api/v1/sessions/x").status_code == 422


def test_the_late_end_of_an_earlier_session_leaves_the_next_one(api: Api) -> None:
    api.post(a_session(officer="farid"))
    api.client.delete("/api/v1/sessions/10.1.2.3?officer=aminah")
    api.post(a_session(officer="aminah", seconds=0))
    assert api.standing() == {"10.1.2.3": "farid"}


@pytest.mark.parametrize(
    ("entry", "field", "detail"),
    [
        (a_session("10.1.2"), "address", "`10.1.2` is no IPv4 or IPv6 address"),
        (a_session("203.0.113.9"), "address", "`203.0.113.9` is in no zone"),
        (a_session("10.9.1.1"), "address", "is in the zone `kaunter`"),
        (a_session(officer=""), "officer", "a sign-in name is expected"),
        (a_session(officer="unknown"), "officer", "a sign-in name is expected"),
        (a_session(officer="a b"), "officer", "a sign-in name is expected"),
        (a_session(officer="a\x00"), "officer", "a sign-in name is expected"),
        (a_session(officer=7), "officer", "input should be a valid string"),  # type: ignore[arg-type]
        (a_session(device="phone"), "device", "'managed' or 'personal'"),
        (a_session(until="2026-11-24T12:00"), "until", "timezone"),
        (a_session(until="soon"), "until", "valid datetime"),
        (a_session(until="2026-11-25T11:00:01+08:00"), "until", "at most 24 hours ahead"),
        (a_session(seconds=86401), "seconds", "0 to 86400 are expected"),
        (a_session(seconds=-1), "seconds", "0 to 86400 are expected"),
        (a_session(seconds=1, until="2026-11-24T12:00+08:00"), "seconds", "either `until` or `seconds`"),
        (a_session(unit="x"), "unit", "extra inputs are not permitted"),
        ({"address": "10.1.2.3"}, "officer", "field required"),
    ],
)
def test_what_will_not_do_is_named_and_nothing_of_the_batch_is_taken(
    api: Api, entry: dict[str, Any], field: str, detail: str
) -> None:
    told = api.post(a_session("10.1.2.9"), entry, status=422)
    (error,) = told["errors"]
    assert (error["entry"], error["field"]) == (1, field)
    assert detail in error["detail"]
    assert api.standing() == {}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"7", "application/json", 422),
        (b"[1]", "application/json", 422),
        (b"{}", "text/plain", 415),
        (json.dumps([{}] * (BATCH + 1)).encode(), "application/json", 422),
    ],
)
def test_a_body_that_is_none(api: Api, body: bytes, kind: str, status: int) -> None:
    answer = api.client.post("/api/v1/sessions", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_batch_at_the_bound_is_taken_and_listed_in_pages(api: Api) -> None:
    entries = [a_session(f"10.1.{n // 250}.{n % 250}", f"pegawai{n}") for n in range(BATCH)]
    assert api.post(*entries) == {"taken": BATCH, "new": BATCH}
    api.post(a_session("2001:db8::1"))
    first = api.client.get("/api/v1/sessions").json()
    second = api.client.get("/api/v1/sessions", params={"after": first["after"]}).json()
    assert (first["count"], len(first["sessions"])) == (BATCH + 1, BATCH)
    assert [one["address"] for one in second["sessions"]] == ["2001:db8::1"]
    assert second["after"] is None


@pytest.mark.parametrize(
    "act",
    [
        lambda c, h: c.post("/api/v1/sessions", json=a_session(), headers=h),
        lambda c, h: c.get("/api/v1/sessions", headers=h),
        lambda c, h: c.delete("/api/v1/sessions/10.1.2.3", headers=h),
    ],
)
def test_a_forged_session_is_refused(api: Api, act: Callable[..., Any]) -> None:
    for token, status in (("", 401), ("gbt_" + "x" * 43, 401), (api.days, 403)):
        assert act(api.client, {"Authorization": f"Bearer {token}"}).status_code == status
    assert not api.settings.feeds_folder.exists()


def test_a_disk_that_fails_takes_nothing_and_says_so(api: Api) -> None:
    api.settings.feeds_folder.parent.mkdir(exist_ok=True)
    api.settings.feeds_folder.write_text("a file where the folder should be")
    answer = api.client.post("/api/v1/sessions", json=a_session())
    assert answer.status_code == 503
    assert str(api.settings.state) not in answer.text


# ---------------------------------------------------------------- the book


def many(count: int) -> list[Session]:
    return [Session(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", "aminah", NOW + timedelta(hours=1)) for n in range(count)]


def test_sessions_are_bounded(office: Office) -> None:
    folder = office.folder / "feeds"
    Feed(folder, "sessions").append([one.record() for one in many(MOST_SESSIONS)])
    desk = Desk(folder)
    assert len(desk.standing(NOW)) == MOST_SESSIONS
    with pytest.raises(Exception, match="there are 100000 sessions already"):
        desk.say([Session("10.200.0.1", "farid", NOW + timedelta(hours=1))], NOW)
    desk.say([Session("10.0.0.1", "farid", NOW + timedelta(hours=1))], NOW)
    desk.say([Session("10.0.0.1", None, NOW)], NOW)
    assert desk.say([Session("10.200.0.1", "farid", NOW + timedelta(hours=1))], NOW) == 1


def test_what_is_past_is_left_out_of_a_new_file(office: Office) -> None:
    folder = office.folder / "feeds"
    desk, book = Desk(folder), Book()
    desk.say(many(3), NOW)
    past = [Session("10.0.0.2", "aminah", NOW + timedelta(seconds=n)).record() for n in range(SPARE_RECORDS + 5)]
    Feed(folder, "sessions").append(past)
    desk.say([Session("10.0.0.1", "farid", NOW + timedelta(hours=1))], NOW)
    left = Feed(folder, "sessions").read()
    assert len(left) == 3
    assert [one.officer for one in desk.standing(NOW)] == ["aminah", "farid", "aminah"]
    assert len(book) == 0


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"address": 1, "officer": "a", "device": None, "until": "2026-11-24T12:00+08:00", "by": ""},
        {"address": "10.0.0.1", "officer": "a", "device": None, "until": "2026-11-24T12:00", "by": ""},
        {"address": "10.0.0.1", "officer": "a", "device": "x", "until": "2026-11-24T12:00+08:00", "by": ""},
        {"address": "10.0.0.1", "officer": [], "device": None, "until": 7, "by": ""},
    ],
)
def test_a_record_that_is_none_is_passed_over(record: dict[str, Any]) -> None:
    assert session_of(record) is None
