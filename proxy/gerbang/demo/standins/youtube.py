"""A stand-in for YouTube: its page, its Studio, uploads and the official API."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gerbang.demo.standins.reception import Reception

SITE, STUDIO, UPLOAD, API = "www.youtube.com", "studio.youtube.com", "upload.youtube.com", "youtube.googleapis.com"
HOSTS = (SITE, STUDIO, UPLOAD, API)


def site(reception: Reception) -> Starlette:
    async def innertube(request: Request) -> Response:
        await reception.keep(request)
        new = str(reception.new_id())
        return JSONResponse(ANSWERS.get(request.path_params["operation"], done)(new))

    async def upload(request: Request) -> Response:
        """Announcing gives an address, the bytes give the id by which a video or post names them."""
        await reception.keep(request)
        new = str(reception.new_id())
        if request.headers.get("x-goog-upload-command") == "start":
            where = f"https://{request.url.hostname}{request.url.path}?upload_id={new}&upload_protocol=resumable"
            return Response(headers={"X-Goog-Upload-URL": where, "X-Goog-Upload-Status": "active"})
        return JSONResponse({"status": "STATUS_SUCCESS", "scottyResourceId": new, "encryptedBlobId": new})

    async def api(request: Request) -> Response:
        await reception.keep(request)
        if request.method == "DELETE":
            return Response(status_code=204)
        return JSONResponse({"kind": "youtube#thing", "id": str(reception.new_id())})

    async def api_upload(request: Request) -> Response:
        await reception.keep(request)
        new = str(reception.new_id())
        if request.query_params.get("uploadType") == "resumable" and "upload_id" not in request.query_params:
            return Response(headers={"Location": f"{request.url}&upload_id={new}"})
        return JSONResponse({"kind": "youtube#video", "id": new})

    return Starlette(
        routes=[
            Route("/watch", reception.page("youtube.html")),
            Route("/upload", reception.page("youtube-studio.html")),
            Route("/youtubei/v1/{operation:path}", innertube, methods=["POST"]),
            Route("/channel_image_upload/{kind}", upload, methods=["POST"]),
            Route("/upload/youtube/v3/{rest:path}", api_upload, methods=["POST", "PUT"]),
            Route("/upload/{kind}", upload, methods=["POST"]),
            Route("/youtube/v3/{rest:path}", api, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/{rest:path}", reception.done, methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=[f"https://{SITE}", f"https://{STUDIO}"],
                allow_methods=["*"],
                allow_headers=["*"],
                allow_credentials=True,
                expose_headers=["X-Goog-Upload-URL", "X-Goog-Upload-Status"],
            )
        ],
    )


def done(_: str) -> object:
    return {"responseContext": {}, "actionResult": {"status": "STATUS_SUCCEEDED"}}


def commented(new: str) -> object:
    payload = {"commentEntityPayload": {"properties": {"commentId": f"Ugx{new}"}}}
    return {
        "actionResult": {"status": "STATUS_SUCCEEDED"},
        "frameworkUpdates": {"entityBatchUpdate": {"mutations": [{"payload": payload}]}},
    }


def posted(new: str) -> object:
    return {"actions": [{"runAttestationCommand": {"ids": [{"externalPostId": f"Ugk{new}"}]}}]}


def said_in_chat(new: str) -> object:
    return {"actions": [{"addChatItemAction": {"item": {"liveChatTextMessageRenderer": {"id": new}}}}]}


ANSWERS: dict[str, Callable[[str], object]] = {
    "comment/create_comment": commented,
    "comment/create_comment_reply": commented,
    "backstage/create_post": posted,
    "live_chat/send_message": said_in_chat,
    "upload/createvideo": lambda new: {"videoId": f"v{new[-10:]}", "contents": {}},
    "video_manager/metadata_update": lambda _: {"overallResult": {"resultCode": "UPDATE_SUCCESS"}},
}
