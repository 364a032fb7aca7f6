"""A stand-in for Facebook: its page, its GraphQL, uploads of photos and films, the plain-HTML site, the Graph API."""

import base64
import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gerbang.demo.standins.reception import Reception

SITE, PLAIN, PHOTOS = "www.facebook.com", "mbasic.facebook.com", "upload.facebook.com"
FILMS, BYTES = "vupload-edge.facebook.com", "rupload-sin2-1.up.facebook.com"
API, API_FILMS = "graph.facebook.com", "graph-video.facebook.com"
HOSTS = (SITE, PLAIN, PHOTOS, FILMS, BYTES, API, API_FILMS)

SCRIPT = "application/x-javascript; charset=utf-8"
# What a page may send to the hosts for uploads beside what any page may.
HEADERS = ["offset", "x-entity-length", "x-entity-name", "x-entity-type", "product_media_id", "x-fb-friendly-name"]


def site(reception: Reception) -> Starlette:
    async def graphql(request: Request) -> Response:
        await reception.keep(request)
        name = str((await request.form()).get("fb_api_req_friendly_name", ""))
        data = ANSWERS.get(name, _nothing)(str(reception.new_id()))
        # The first text has what was asked for; what a page can wait for follows it.
        texts = ({"data": data, "extensions": {"is_final": False}}, {"label": f"{name}$defer", "path": [], "data": {}})
        return Response("\r\n".join(map(json.dumps, texts)), media_type='text/html; charset="utf-8"')

    async def guarded(request: Request) -> Response:
        """The answer to an upload, behind what keeps other sites' scripts from running it."""
        await reception.keep(request)
        new = reception.new_id()
        payload: dict[str, Any] = {"photoID": str(new), "fbid": new}
        if request.url.hostname == FILMS:
            payload = {"video_id": str(new), "upload_session_id": str(new + 1), "start_offset": 0, "skip_upload": False}
        return Response(f"for (;;);{json.dumps({'__ar': 1, 'payload': payload})}", media_type=SCRIPT)

    async def received(request: Request) -> Response:
        await reception.keep(request)
        return JSONResponse({"h": f"4:{reception.new_id()}"})

    async def plain(request: Request) -> Response:
        await reception.keep(request)
        return RedirectResponse("/?posted=1", 302)

    async def api(request: Request) -> Response:
        await reception.keep(request)
        if request.method == "DELETE":
            return JSONResponse({"success": True})
        return JSONResponse({"id": f"61550000000001_{reception.new_id()}"})

    page = reception.page("facebook.html", cookies)
    of_host = {SITE: page, PLAIN: reception.page("facebook-plain.html", cookies)}

    async def front(request: Request) -> Response:
        return await of_host.get(request.url.hostname or "", page)(request)

    async def anything(request: Request) -> Response:
        return await (api if request.url.hostname in {API, API_FILMS} else reception.done)(request)

    return Starlette(
        routes=[
            Route("/", front),
            Route("/api/graphql/", graphql, methods=["POST"]),
            Route("/ajax/{rest:path}/upload", guarded, methods=["POST"]),
            Route("/ajax/video/upload/requests/{step}/", guarded, methods=["POST"]),
            Route("/fb_video/{name}", received, methods=["POST"]),
            Route("/composer/mbasic/", plain, methods=["POST"]),
            Route("/a/comment.php", plain, methods=["POST"]),
            Route("/{rest:path}", anything, methods=["GET", "POST", "DELETE"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=[f"https://{SITE}"],
                allow_methods=["*"],
                allow_headers=HEADERS,
                allow_credentials=True,
            )
        ],
    )


def cookies(request: Request) -> dict[str, str]:
    """`?as=ID` signs the browser in as that person, `?page=ID` switches them into a page of theirs."""
    there = "; Domain=facebook.com"
    named = {"c_user": request.query_params.get("as"), "i_user": request.query_params.get("page")}
    return {cookie: f"{identity}{there}" for cookie, identity in named.items() if identity and identity.isdecimal()}


def _nothing(_: str) -> dict[str, Any]:
    return {}


def _story(new: str) -> dict[str, Any]:
    story = {"legacy_story_hideable_id": new, "url": f"https://{SITE}/contoh/posts/{new}"}
    return {"story_create": {"story": story}}


def _comment(new: str) -> dict[str, Any]:
    identity = base64.b64encode(f"comment:1221_{new}".encode()).decode()
    return {"comment_create": {"feedback_comment_edge": {"node": {"id": identity, "legacy_fbid": new}}}}


ANSWERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "ComposerStoryCreateMutation": _story,
    "useCometFeedToFeedReshare_FeedToFeedMutation": _story,
    "useCometUFICreateCommentMutation": _comment,
}
