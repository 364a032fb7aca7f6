"""A stand-in for the official APIs that client libraries are tried with: it answers what they need to go on."""

import base64
import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gerbang.demo.standins import mastodon, slack, telegram
from gerbang.demo.standins.reception import Reception

MASTODON, FORUM = "sosial.contoh.my", "forum.contoh.my"
HOSTS = (
    MASTODON,
    FORUM,
    "api.telegram.org",
    "api.tumblr.com",
    "bsky.social",
    "discord.com",
    "oauth.reddit.com",
    "slack.com",
    "www.reddit.com",
    "www.slack.com",
)
DID = "did:plc:contoh000000000000000000"


def site(reception: Reception) -> Starlette:
    async def answer(request: Request) -> Response:
        await reception.keep(request)
        new = str(reception.new_id())
        if request.method == "DELETE" and request.url.hostname in ("discord.com", FORUM):
            return Response(status_code=204)
        content = answered(request.url.hostname or "", request.url.path, new)
        return JSONResponse(content, media_type="application/json; charset=utf-8")

    return Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])])


def answered(host: str, path: str, new: str) -> object:
    match host:
        case "bsky.social":
            return bluesky(path, new)
        case "www.reddit.com" | "oauth.reddit.com":
            return reddit(path, new)
        case "discord.com":
            return discord(new)
        case "slack.com" | "www.slack.com":
            return slack.answered(path, new)
        case "api.telegram.org":
            return telegram.answered(path, new)
        case "api.tumblr.com":
            return {"meta": {"status": 201, "msg": "Created"}, "response": {"id": int(new), "id_string": new}}
        case _ if host == MASTODON:
            return mastodon.answered(path, new, host, "devi")
    return {"id": int(new), "post_number": 2, "topic_id": 7, "success": "OK"}


def a_token() -> str:
    """A token of the form that clients look into for its end."""
    parts = ({"alg": "ES256K"}, {"sub": DID, "exp": 4_000_000_000, "scope": "com.atproto.access"})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "c2ln"]
    )


def bluesky(path: str, new: str) -> object:
    if path.endswith("createSession"):
        token = a_token()
        return {"did": DID, "handle": "devi.bsky.social", "accessJwt": token, "refreshJwt": token, "active": True}
    if path.endswith("getProfile"):
        return {"did": DID, "handle": "devi.bsky.social"}
    if path.endswith("uploadBlob"):
        link = "bafkreibcontohcontohcontohcontohcontohcontohcontohcontohcon"
        return {"blob": {"$type": "blob", "ref": {"$link": link}, "mimeType": "image/png", "size": 9}}
    return {"uri": f"at://{DID}/app.bsky.feed.post/{new}", "cid": "bafyreibcontoh", "commit": None}


def reddit(path: str, new: str) -> object:
    if path.endswith("access_token"):
        return {"access_token": "t-contoh", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
    if path.endswith("/api/submit"):
        return {"json": {"errors": [], "data": {"id": "1q8z", "name": "t3_1q8z", "url": "https://www.reddit.com/r/c/"}}}
    thing = {"kind": "t1", "data": {"id": new[-6:], "name": f"t1_{new[-6:]}", "body": "", "link_id": "t3_1q8z"}}
    return {"json": {"errors": [], "data": {"things": [thing]}}}


def discord(new: str) -> object:
    author = {"id": "1", "username": "devi", "discriminator": "0", "avatar": None}
    times = {"timestamp": "2026-11-24T11:00:00+00:00", "edited_timestamp": None}
    lists: dict[str, list[object]] = {
        name: [] for name in ("attachments", "embeds", "mentions", "mention_roles", "components")
    }
    more = {"tts": False, "mention_everyone": False, "pinned": False, "type": 0, "flags": 0}
    return {"id": new, "channel_id": "77", "content": "", "author": author, **times, **lists, **more}
