"""What the API answers where it does not do what was asked: problem+json (RFC 9457)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from gerbang.errors import GerbangError

API: Final = "/api/"
API_BODY_LIMIT: Final = 1 << 20  # bytes
TITLES: Final = {
    400: "this is not what is expected",
    401: "a token is needed",
    403: "the token may not do that",
    404: "there is nothing here",
    405: "this cannot be done here",
    409: "that does not go together with what is there",
    413: "the body is too long",
    414: "the address is too long",
    415: "JSON is expected",
    421: "the console is not asked for by that name",
    422: "a value will not do",
    429: "too many wrong tokens",
    500: "a fault of the console's own",
    503: "not now",
    507: "there is no room for more",
}


class Problem(Exception):
    """What was asked cannot be done. `more` are further members of the answer."""

    def __init__(
        self, status: int, detail: str, more: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more, self.headers = status, detail, dict(more or {}), dict(headers or {})


def is_api(request: Request) -> bool:
    return request.url.path.startswith(API)


def problem(
    status: int,
    detail: str | None = None,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    told = {"type": "about:blank", "title": TITLES.get(status, "that failed"), "status": status}
    told |= ({"detail": detail} if detail else {}) | dict(more or {})
    body = json.dumps(told, ensure_ascii=True).encode()
    return Response(body, status, headers=dict(headers or {}), media_type="application/problem+json")


def told(error: GerbangError) -> str:
    """An error's sentence without its place, which is a path of this machine."""
    return error.what + (f"; {error.hint}" if error.hint else "")
