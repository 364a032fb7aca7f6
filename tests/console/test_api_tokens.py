"""Who may ask the API: a token and its right, nothing else, and an error is a problem that quotes no secret."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from console_builders import PASSWORD, Office
from gerbang.console.api.problems import API_BODY_LIMIT
from gerbang.console.api.tokens import Caller, Entrance
from gerbang.console.app import create_app
from gerbang.console.sessions import TRIES, WINDOW
from gerbang.console.users import Role
from gerbang.tokens import Right, Tokens

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Api:
    def __init__(self, office: Office) -> None:
        self.office = office
        self.tokens = Tokens(office.folder)
        self.seconds = 0.0
        self.entrance = Entrance(
            self.tokens, office.users, lambda: self.seconds, lambda: NOW + timedelta(seconds=self.seconds)
        )
        Sessions = Annotated[Caller, Depends(self.entrance.may(Right.SESSIONS))]

        def endpoints(app: FastAPI) -> None:
            @app.api_route("/api/v1/trial", methods=["GET", "POST"])
            def trial(caller: Sessions) -> dict[str, str | None]:
                return {"token": caller.token.name, "user": caller.user.name if caller.user else None}

            @app.get("/api/v1/fault")
            def fault(_: Sessions) -> None:
                raise RuntimeError("rahsia")

        app = create_app(
            office.store, office.users, lambda _: None, hosts=frozenset({"testserver"}), endpoints=endpoints
        )
        self.client = TestClient(app, raise_server_exceptions=False)

    def token(self, name: str = "radius", *may: Right, user: str | None = None, until: datetime | None = None) -> str:
        return self.tokens.add(name, may or (Right.SESSIONS,), NOW, user, until)[1]

    def get(self, token: str | None, path: str = "/api/v1/trial") -> tuple[int, dict[str, object]]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = self.client.get(path, headers=headers)
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
            assert not token or token not in answer.text
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, answer.json()


@pytest.fixture
def api(office: Office) -> Api:
    return Api(office)


def test_a_token_with_the_right_is_let_in_and_its_use_is_noted(api: Api) -> None:
    token = api.token()
    assert api.get(token) == (200, {"token": "radius", "user": None})
    assert api.tokens.last_used() == {"radius": NOW}


@pytest.mark.parametrize(
    ("make", "status", "why"),
    [
        (lambda _: None, 401, "missing"),
        (lambda _: "gbt_" + "x" * 43, 401, "wrong"),
        (lambda _: "", 401, "wrong"),
        (lambda _: "x" * 8000, 401, "wrong"),
        (lambda api: api.token("days", Right.DAYS), 403, "may-not"),
        (lambda api: api.token(until=NOW), 401, "ended"),
        (lambda api: api.token(user="nora"), 403, "may-not"),
    ],
)
def test_any_other_is_refused_and_counted(api: Api, make: Callable[[Api], str | None], status: int, why: str) -> None:
    assert api.get(make(api))[0] == status
    assert dict(api.entrance.refused) == {why: 1}
    assert api.tokens.last_used() == {}


@pytest.mark.parametrize("header", ["Basic {}", "{}", "Token {}", "Bearer{}", "Bearer {} x"])
def test_another_scheme_is_no_token(api: Api, header: str) -> None:
    answer = api.client.get("/api/v1/trial", headers={"Authorization": header.format(api.token())})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="gerbang"'


def test_two_headers_are_none(api: Api) -> None:
    token = api.token()
    both = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert api.client.get("/api/v1/trial", headers=both).status_code == 401


def test_a_token_acts_for_the_account_it_was_made_for_and_for_no_later_one(api: Api) -> None:
    api.office.users.add("nora", Role.ADMIN, PASSWORD, NOW - timedelta(days=1))
    token = api.token(user="nora")
    assert api.get(token) == (200, {"token": "radius", "user": "nora"})
    api.office.users.remove("nora")
    assert api.get(token)[0] == 403
    api.office.users.add("nora", Role.ADMIN, PASSWORD, NOW + timedelta(days=1))
    assert api.get(token)[0] == 403


def test_wrong_tokens_of_an_address_are_limited_and_right_ones_are_not(api: Api) -> None:
    right = api.token()
    assert [api.get("gbt_" + "x" * 43)[0] for _ in range(TRIES + 1)] == [401] * TRIES + [429]
    assert api.get(right)[0] == 200
    api.seconds = WINDOW + 1
    assert api.get("gbt_" + "x" * 43)[0] == 401


def test_a_session_of_the_console_opens_nothing(api: Api, auditor: TestClient) -> None:
    api.client.cookies.update(dict(auditor.cookies))
    answer = api.client.get("/api/v1/trial")
    assert answer.status_code == 401


def test_what_goes_wrong_is_a_problem_and_quotes_nothing(api: Api) -> None:
    token = api.token()
    status, told = api.get(token, "/api/v1/fault")
    assert (status, told["title"]) == (500, "a fault of the console's own")
    assert "rahsia" not in str(told)
    assert api.get(token, "/api/v1/nothing")[0] == 404
    api.tokens.file.write_text("{")
    assert api.get(token)[0] == 503


@pytest.mark.parametrize(("length", "status"), [(API_BODY_LIMIT, 200), (API_BODY_LIMIT + 1, 413)])
def test_a_body_is_bounded(api: Api, length: int, status: int) -> None:
    headers = {"Authorization": f"Bearer {api.token()}"}
    assert api.client.post("/api/v1/trial", content=b"x" * length, headers=headers).status_code == status


def test_a_name_that_is_none_of_ours_is_not_answered(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.token()}", "Host": "evil.example"}
    answer = api.client.get("/api/v1/trial", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")
