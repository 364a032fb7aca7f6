"""`/healthz` and `/metrics` on the console's listener: for programs, without a sign-in of the console's.

`/healthz` says of each part whether it is at work. `/metrics` holds numbers that tell how much an office posts: a
token opens it, or else a listener that only this machine can reach.
"""

import hmac
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from gerbang.console.health import State, Watch, health
from gerbang.console.metrics import CONTENT_TYPE, exposition


def add_endpoints(
    app: FastAPI, watch: Watch, token: str | None, *, loopback: bool, tokens: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Add both. `loopback` tells whether the console listens for this machine only; `tokens` are those of the API that
    were refused, by the reason."""
    refused = _access(token, loopback=loopback)

    @app.get("/healthz")
    def healthz() -> Response:
        whole, told = health(watch.look())
        return JSONResponse(told, 503 if whole is State.BAD else 200)

    @app.get("/metrics")
    def metrics(request: Request) -> Response:
        return refused(request) or Response(exposition(watch, tokens), media_type=CONTENT_TYPE)


def _access(token: str | None, *, loopback: bool) -> Callable[[Request], Response | None]:
    """What answers a request that may not read the figures, `None` for one that may."""

    def refused(request: Request) -> Response | None:
        if token is None:
            if loopback:
                return None
            return PlainTextResponse("the console listens for other machines: set console.metrics_token\n", 403)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # As bytes: a header may hold what is no ASCII. The comparison takes as long wherever they differ.
        right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
        if scheme.lower() == "bearer" and right:
            return None
        return PlainTextResponse("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"})

    return refused
