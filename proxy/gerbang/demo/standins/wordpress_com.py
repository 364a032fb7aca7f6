"""A stand-in for WordPress.com: its Reader, its API with the frame that speaks for its pages, a blog, and a blog
elsewhere into which Jetpack puts its comment form."""

import re

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Host, Route

from gerbang.demo.standins import wordpress
from gerbang.demo.standins.reception import Endpoint, Reception

READER, API, JETPACK, HOSTED = (
    "wordpress.com",
    "public-api.wordpress.com",
    "jetpack.wordpress.com",
    "kedai.wordpress.com",
)
# No site of anybody's settings: only what stands in its frame is the gate's business.
ELSEWHERE = "akhbar.contoh.my"
HOSTS = (READER, API, JETPACK, HOSTED, ELSEWHERE)


def site(reception: Reception) -> Starlette:
    async def v1(request: Request) -> Response:
        """An envelope with a status of its own, where one is asked for."""
        await reception.keep(request)
        new = reception.new_id() % 100_000
        body = {"ID": new, "URL": f"https://{HOSTED}/?p={new}", "media": [{"ID": new}]}
        if request.query_params.get("http_envelope"):
            return JSONResponse({"code": 200, "headers": [], "body": body})
        return JSONResponse(body)

    async def v2(request: Request) -> Response:
        await reception.keep(request)
        number = int(found[1]) if (found := re.search(r"posts/(\d+)", request.url.path)) else 731
        return JSONResponse({"id": number, "status": "publish", "link": f"https://{HOSTED}/?p={number}"})

    async def jetpack(request: Request) -> Response:
        """Sends the browser on to the blog with what it signed, as the real one does."""
        await reception.keep(request)
        where = f"https://{ELSEWHERE}/wp-comments-post.php?for=jetpack"
        form = f'<form action="{where}" method="post"><input name="comment_post_ID" value="731"></form>'
        return HTMLResponse(f"<!doctype html><title>Jetpack</title>{form}<script>document.forms[0].submit()</script>")

    async def comment(request: Request) -> Response:
        await reception.keep(request)
        new = reception.new_id() % 1000
        if request.query_params.get("for") == "jetpack":
            return HTMLResponse(f'<!doctype html><title>Komen</title><p id="done">comment-{new}</p>')
        return RedirectResponse(f"/#comment-{new}", 302)

    def host(name: str, *routes: Route) -> Host:
        rest = Route("/{rest:path}", reception.done, methods=["GET", "POST", "PUT", "DELETE"])
        return Host(name, Starlette(routes=[*routes, rest]))

    def page(name: str) -> Endpoint:
        return reception.page(name, cookies)

    return Starlette(
        routes=[
            host(READER, Route("/", page("wordpress-com.html"))),
            host(
                API,
                Route("/wp-admin/rest-proxy/", page("rest-proxy.html")),
                Route("/rest/{version}/{rest:path}", v1, methods=["GET", "POST"]),
                Route("/wp/v2/{rest:path}", v2, methods=["GET", "POST", "PUT", "DELETE"]),
            ),
            host(
                JETPACK,
                Route("/jetpack-comment/", page("jetpack-comment.html")),
                Route("/jetpack-comment/", jetpack, methods=["POST"]),
            ),
            host(
                HOSTED,
                Route("/", page("blog.html")),
                Route("/wp-comments-post.php", comment, methods=["POST"]),
                Route("/xmlrpc.php", wordpress.xmlrpc(reception), methods=["POST"]),
            ),
            host(
                ELSEWHERE,
                Route("/", reception.page("jetpack-blog.html")),
                Route("/wp-comments-post.php", comment, methods=["POST"]),
            ),
        ]
    )


def cookies(request: Request) -> dict[str, str]:
    """`?as=NAME` signs the browser in as that user, as WordPress.com's own cookie names it."""
    user = request.query_params.get("as")
    value = f"{user}%7C1790000000%7Ctoken%7Chmac; Domain=wordpress.com"
    return {"wordpress_logged_in": value} if user and user.isalnum() else {}
