"""A stand-in for LinkedIn's official API, which names what it made in a header."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gerbang.demo.standins.reception import Reception

API = "api.linkedin.com"
HOSTS = (API,)


def site(reception: Reception) -> Starlette:
    async def made(request: Request) -> Response:
        await reception.keep(request)
        return Response(status_code=201, headers={"x-restli-id": f"urn:li:share:{reception.new_id()}"})

    return Starlette(
        routes=[
            Route("/rest/{rest:path}", made, methods=["POST"]),
            Route("/{rest:path}", reception.done, methods=["GET", "POST", "PUT", "DELETE"]),
        ]
    )
