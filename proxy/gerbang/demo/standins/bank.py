"""A bank, which is never listed: the gate must not touch it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gerbang.demo.standins.reception import Reception

BANK = "bank.contoh.my"
HOSTS = (BANK,)


def site(reception: Reception) -> Starlette:
    async def balance(request: Request) -> Response:
        await reception.keep(request)
        return HTMLResponse("<!doctype html><title>Bank</title><h1>Baki akaun</h1>")

    return Starlette(routes=[Route("/{rest:path}", balance, methods=["GET", "POST"])])
