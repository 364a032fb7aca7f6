"""What every stand-in does with a request: keeps it, numbers what it makes, answers pages."""

import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

PAGES = Path(__file__).parent / "pages"

type Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached a platform. `at` is `time.time_ns()` when its body was whole."""

    at: int
    host: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class Reception:
    """Where all requests arrive, whatever platform they are for."""

    arrived: list[Arrival] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_970_000_000_000_000_001))

    def new_id(self) -> int:
        return next(self._ids)

    def arrivals(self) -> list[Arrival]:
        with self._lock:
            return list(self.arrived)

    def forget(self) -> None:
        with self._lock:
            self.arrived.clear()

    async def keep(self, request: Request) -> bytes:
        """The body, once the request is kept."""
        body = await request.body()
        arrival = Arrival(
            at=time.time_ns(),
            host=request.url.hostname or "",
            method=request.method,
            target=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            headers=tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers.raw),
            body=body,
        )
        with self._lock:
            self.arrived.append(arrival)
        return body

    def page(self, name: str, cookies: Callable[[Request], dict[str, str]] = lambda _: {}) -> Endpoint:
        """A page of the folder `pages`, which signs the browser in by cookies of the platform's own names."""
        content = (PAGES / name).read_text("utf-8")

        async def endpoint(request: Request) -> Response:
            await self.keep(request)
            response = HTMLResponse(content)
            for key, value in cookies(request).items():
                response.headers.append("set-cookie", f"{key}={value}; Path=/; Secure; SameSite=None")
            return response

        return endpoint

    async def done(self, request: Request) -> Response:
        """An answer that says no more than that it went well."""
        await self.keep(request)
        return JSONResponse({"ok": True})

    def calls(self, answered: Callable[[str, str], object]) -> Starlette:
        """A site of JSON alone: `answered` says what comes back for a path, with an id that is new."""

        async def endpoint(request: Request) -> Response:
            await self.keep(request)
            return JSONResponse(answered(request.url.path, str(self.new_id())))

        return Starlette(routes=[Route("/{rest:path}", endpoint, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])])
