"""A stand-in for X: its page, its GraphQL, media upload and API."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gerbang.demo.standins.reception import Reception

HOSTS = ("x.com", "api.x.com", "upload.x.com", "caps.x.com", "api.twitter.com", "upload.twitter.com")


def site(reception: Reception) -> Starlette:
    async def graphql(request: Request) -> Response:
        await reception.keep(request)
        operation = request.path_params["operation"]
        if operation in {"CreateTweet", "CreateNoteTweet"}:
            result = {"rest_id": str(reception.new_id()), "__typename": "Tweet"}
            return JSONResponse({"data": {"create_tweet": {"tweet_results": {"result": result}}}})
        return JSONResponse({"data": {operation: "Done"}})

    async def upload(request: Request) -> Response:
        await reception.keep(request)
        identity = request.query_params.get("media_id") or str(reception.new_id())
        return JSONResponse({"media_id_string": identity, "expires_after_secs": 86400})

    async def api(request: Request) -> Response:
        await reception.keep(request)
        return JSONResponse({"data": {"id": str(reception.new_id())}}, 201)

    page = reception.page("x.html", cookies)
    return Starlette(
        routes=[
            Route("/", page),
            Route("/home", page),
            Route("/i/api/graphql/{query_id}/{operation}", graphql, methods=["GET", "POST"]),
            Route("/i/media/upload.json", upload, methods=["POST"]),
            Route("/i/api/1.1/{rest:path}", reception.done, methods=["GET", "POST"]),
            Route("/1.1/{rest:path}", reception.done, methods=["GET", "POST"]),
            Route("/2/{rest:path}", api, methods=["GET", "POST", "DELETE", "PUT"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["https://x.com"],
                allow_methods=["*"],
                allow_headers=["*"],
                allow_credentials=True,
            )
        ],
    )


def cookies(request: Request) -> dict[str, str]:
    """`?as=ID` signs the browser in as that account, as X's own cookie names it."""
    account = request.query_params.get("as")
    there = "; Domain=x.com"
    return {"twid": f"u%3D{account}{there}", "ct0": f"f00dfeed{there}"} if account and account.isdecimal() else {}
