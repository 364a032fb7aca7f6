"""A stand-in for WhatsApp Web: its page, and the socket over which all goes that is said."""

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gerbang.demo.standins.reception import Reception

SITE = "web.whatsapp.com"
HOSTS = (SITE,)


def site(reception: Reception) -> Starlette:
    return Starlette(
        routes=[
            Route("/", reception.page("whatsapp.html")),
            WebSocketRoute("/ws/chat", chat),
            Route("/{rest:path}", reception.done, methods=["GET", "POST"]),
        ]
    )


async def chat(socket: WebSocket) -> None:
    """Open for as long as the other side is, and silent: what is said is sealed."""
    await socket.accept()
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
