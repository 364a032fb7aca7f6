"""A stand-in for Blogger: its editor, a blog with the comment form in a frame, photo upload and the API."""

import json
import re

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Host, Route

from gerbang.demo.standins.reception import Reception

EDITOR, HOSTED, API = "www.blogger.com", "kedai.blogspot.com", "blogger.googleapis.com"
HOSTS = (EDITOR, HOSTED, API)


def site(reception: Reception) -> Starlette:
    async def call(request: Request) -> Response:
        """Each operation's answer as JSON within JSON, behind a guard and its length."""
        await reception.keep(request)
        form = await request.form()
        asked = json.loads(str(form.get("f.req", "[[]]")))[0]
        chunk = json.dumps([["wrb.fr", one[0], json.dumps([None, str(reception.new_id())])] for one in asked])
        return Response(f")]}}'\n\n{len(chunk)}\n{chunk}\n", media_type="application/json")

    async def photos(request: Request) -> Response:
        await reception.keep(request)
        known = request.query_params.get("upload_id")
        if known is None:
            return JSONResponse({}, headers={"X-GUploader-UploadID": f"AHm{reception.new_id()}"})
        return JSONResponse({"sessionStatus": {"state": "FINALIZED", "upload_id": known}})

    async def comment(request: Request) -> Response:
        await reception.keep(request)
        return HTMLResponse('<!doctype html><title>Komen</title><p id="done">Komen anda telah disiarkan.</p>')

    async def api(request: Request) -> Response:
        body = await reception.keep(request)
        if request.url.path == "/batch":
            return together(body)
        if request.method == "DELETE":
            return Response(status_code=204)
        new = str(reception.new_id())
        return JSONResponse({"kind": "blogger#post", "id": new, "url": f"http://{HOSTED}/2026/11/{new}.html"})

    def together(body: bytes) -> Response:
        """Each request's answer in a part of its own, by the part's id."""
        parts = [
            b"--b\r\nContent-Type: application/http\r\nContent-ID: <response-" + name + b">\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}\r\n"
            for name in re.findall(rb"Content-ID: <([^>]+)>", body)
        ]
        return Response(b"".join(parts) + b"--b--\r\n", media_type="multipart/mixed; boundary=b")

    rest = Route("/{rest:path}", reception.done, methods=["GET", "POST"])
    editor = Starlette(
        routes=[
            Route("/blog/post/edit/{blog}/{post}", reception.page("blogger.html")),
            Route("/comment/frame/{blog}", reception.page("blogger-comment.html")),
            Route("/comment-iframe.do", comment, methods=["POST"]),
            Route("/_/{program}/data/batchexecute", call, methods=["POST"]),
            Route("/upload/blogger/photos/resumable", photos, methods=["POST"]),
            rest,
        ]
    )
    return Starlette(
        routes=[
            Host(EDITOR, editor),
            Host(HOSTED, Starlette(routes=[Route("/", reception.page("blogspot.html")), rest])),
            Host(
                API,
                Starlette(
                    routes=[Route("/{rest:path}", api, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])],
                ),
            ),
        ]
    )
