"""A stand-in for a WordPress blog: its page, its editor, comments, REST API and XML-RPC."""

import re

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gerbang.demo.standins.reception import Endpoint, Reception

BLOG = "blog.contoh.my"
HOSTS = (BLOG,)
CALLS = ("wp.newPost", "wp.editPost", "wp.deletePost", "wp.newComment", "wp.editComment", "wp.uploadFile")
METHODS = "<array><data>" + "".join(f"<value><string>{call}</string></value>" for call in CALLS) + "</data></array>"


def site(reception: Reception) -> Starlette:
    async def comment(request: Request) -> Response:
        await reception.keep(request)
        return RedirectResponse("/#comment-" + str(reception.new_id() % 1000), 302)

    async def rest(request: Request) -> Response:
        await reception.keep(request)
        number = int(found[1]) if (found := re.search(r"/(\d+)", request.url.path)) else 731
        link = f"https://{BLOG}/?p={number}"
        return JSONResponse({"id": number, "status": "publish", "link": link}, 200 if found else 201)

    return Starlette(
        routes=[
            Route("/", reception.page("blog.html", cookies)),
            Route("/wp-admin/post-new.php", reception.page("editor.html", cookies)),
            Route("/wp-comments-post.php", comment, methods=["POST"]),
            Route("/wp-json/{rest:path}", rest, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/xmlrpc.php", xmlrpc(reception), methods=["POST"]),
            Route("/{rest:path}", reception.done, methods=["GET", "POST"]),
        ]
    )


def xmlrpc(reception: Reception) -> Endpoint:
    async def answer(request: Request) -> Response:
        body = await reception.keep(request)
        value = METHODS if b"mt.supportedMethods" in body else "<string>731</string>"
        told = f"<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
        return Response(f'<?xml version="1.0"?>{told}', media_type="text/xml")

    return answer


def cookies(request: Request) -> dict[str, str]:
    """`?as=NAME` signs the browser in as that user, as WordPress's own cookie names it."""
    user = request.query_params.get("as")
    return (
        {f"wordpress_logged_in_{'5f' * 16}": f"{user}%7C1790000000%7Ctoken%7Chmac"} if user and user.isalnum() else {}
    )
