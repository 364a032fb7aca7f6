"""Requests in the shapes in which the platforms' pages, apps and API clients really send them, as the demo's people
make them."""

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from gerbang.demo.standins.mastodon import SERVER
from gerbang.demo.standins.wordpress import BLOG

X_POST = "1970000000000000099"
FACEBOOK_POST = base64.b64encode(b"feedback:122100000000000011").decode()
VIDEO = "CTHkaunter01"
PICTURE = "1795516320123"  # Instagram's page numbers what it uploads itself
PHOTO = "PHOTO"  # stands for the id that Facebook gave to the photo that was sent last


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a browser or an app sends it."""

    method: str
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def visit(url: str) -> Sent:
    headers = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
    return Sent("GET", url, headers=headers)


# ---------------------------------------------------------------- X


def on_x(account: str, operation: str, variables: Mapping[str, object]) -> Sent:
    """An operation of X's web client."""
    body = json.dumps({"variables": variables, "features": {"articles_preview_enabled": True}, "queryId": "AbCdEf"})
    return Sent("POST", f"https://x.com/i/api/graphql/AbCdEf/{operation}", body.encode(), _on_x(account))


def post_on_x(account: str, text: str, reply_to: str | None = None) -> Sent:
    reply = {"reply": {"in_reply_to_tweet_id": reply_to, "exclude_reply_user_ids": []}} if reply_to else {}
    return on_x(account, "CreateTweet", {"tweet_text": text, "media": {"media_entities": []}, **reply})


def upload_to_x(account: str, size: int) -> Sent:
    body, kind = _form_of_parts({}, ("media", "blob", "application/octet-stream", bytes(size)))
    where = "https://upload.x.com/i/media/upload.json?command=APPEND&media_id=1970000000000000001&segment_index=0"
    return Sent("POST", where, body, {**_on_x(account), "Content-Type": kind, "Sec-Fetch-Site": "same-site"})


def follow_on_x(account: str, followed: str) -> Sent:
    form = urlencode({"include_profile_interstitial_type": "1", "skip_status": "true", "user_id": followed})
    headers = {**_on_x(account), "Content-Type": "application/x-www-form-urlencoded"}
    return Sent("POST", "https://x.com/i/api/1.1/friendships/create.json", form.encode(), headers)


def _on_x(account: str) -> dict[str, str]:
    return {**_script("https://x.com"), "Cookie": f"twid=u%3D{account}; ct0=f00dfeed"}


# ---------------------------------------------------------------- Facebook


def on_facebook(account: str, operation: str, variables: Mapping[str, object], person: str | None = None) -> Sent:
    """A GraphQL call of Facebook's web client; `person` is who has switched into the page that acts."""
    form = {
        "av": account,
        "__user": person or account,
        "__a": "1",
        "fb_dtsg": "NAfcontoh:12:1790000000",
        "fb_api_caller_class": "RelayModern",
        "fb_api_req_friendly_name": operation,
        "variables": json.dumps(variables),
        "server_timestamps": "true",
        "doc_id": "28778531428503134",
    }
    headers = {
        **_script("https://www.facebook.com", "application/x-www-form-urlencoded"),
        "X-FB-Friendly-Name": operation,
        "Cookie": f"c_user={person or account}",
    }
    return Sent("POST", "https://www.facebook.com/api/graphql/", urlencode(form).encode(), headers)


def post_on_facebook(account: str, text: str, photos: tuple[str, ...] = (), person: str | None = None) -> Sent:
    story = {
        "composer_type": "feed",
        "source": "WWW",
        "attachments": [{"photo": {"id": photo}} for photo in photos],
        "audience": {"privacy": {"base_state": "EVERYONE", "allow": [], "deny": []}},
        "message": {"ranges": [], "text": text},
        "actor_id": account,
        "client_mutation_id": "3",
    }
    return on_facebook(account, "ComposerStoryCreateMutation", {"input": story, "isFeed": True}, person)


def comment_on_facebook(account: str, text: str) -> Sent:
    remark = {"feedback_id": FACEBOOK_POST, "message": {"ranges": [], "text": text}, "client_mutation_id": "7"}
    return on_facebook(account, "useCometUFICreateCommentMutation", {"input": remark})


def share_on_facebook(account: str, text: str) -> Sent:
    link = {"link": {"share_scrape_data": json.dumps({"share_type": 22, "share_params": [122100000000000011]})}}
    story = {
        "composer_entry_point": "share_modal",
        "composer_type": "share",
        "attachments": [link],
        "reshare_original_post": "RESHARE_ORIGINAL_POST",
        "message": {"ranges": [], "text": text},
        "actor_id": account,
    }
    return on_facebook(account, "ComposerStoryCreateMutation", {"input": story})


def typing_on_facebook(account: str) -> Sent:
    typing = {"input": {"feedback_id": FACEBOOK_POST, "actor_id": account}}
    return on_facebook(account, "CometUFILiveTypingBroadcastMutation_StartMutation", typing)


def photo_to_facebook(account: str, size: int) -> Sent:
    body, kind = _form_of_parts(
        {"source": "8", "profile_id": account, "waterfallxapp": "comet", "upload_id": "jsc_c_1a"},
        ("farr", "kaunter.jpg", "image/jpeg", b"\xff\xd8\xff\xe0" + bytes(size)),
    )
    where = f"https://upload.facebook.com/ajax/react_composer/attachments/photo/upload?av={account}&__user={account}"
    headers = {**_script("https://www.facebook.com", kind), "Cookie": f"c_user={account}"}
    return Sent("POST", where, body, {**headers, "Sec-Fetch-Site": "same-site"})


# ---------------------------------------------------------------- Instagram


def photo_to_instagram(account: str, size: int) -> Sent:
    """The first of two steps: the bytes, under a number that the page chooses."""
    name = f"fb_uploader_{PICTURE}"
    content = b"\xff\xd8\xff\xe0" + bytes(size)
    headers = {
        **_on_instagram(account, "image/jpeg"),
        "Sec-Fetch-Site": "same-site",
        "Offset": "0",
        "X-Entity-Name": name,
        "X-Entity-Length": str(len(content)),
        "X-Entity-Type": "image/jpeg",
        "X-Instagram-Rupload-Params": json.dumps({"media_type": 1, "upload_id": PICTURE, "upload_media_height": 1350}),
    }
    return Sent("POST", f"https://i.instagram.com/rupload_igphoto/{name}", content, headers)


def post_on_instagram(account: str, caption: str) -> Sent:
    """The second: the post, which names the number."""
    form = {"caption": caption, "disable_comments": "0", "source_type": "library", "upload_id": PICTURE}
    return _call_of_instagram(account, "media/configure/", form)


def comment_on_instagram(account: str, text: str) -> Sent:
    return _call_of_instagram(account, "web/comments/3800000000000000011/add/", {"comment_text": text})


def _call_of_instagram(account: str, path: str, form: Mapping[str, str]) -> Sent:
    headers = _on_instagram(account, "application/x-www-form-urlencoded")
    return Sent("POST", f"https://www.instagram.com/api/v1/{path}", urlencode(form).encode(), headers)


def _on_instagram(account: str, kind: str) -> dict[str, str]:
    cookie = f"ds_user_id={account}; sessionid={account}%3AAbCdEf%3A12; csrftoken=f00dfeed"
    return {**_script("https://www.instagram.com", kind), "X-CSRFToken": "f00dfeed", "Cookie": cookie}


# ---------------------------------------------------------------- YouTube


def on_youtube(call: str, words: Mapping[str, object], channel: str | None = None) -> Sent:
    """A call of YouTube's web client, gzipped as it sends them; `channel` is a brand account's that acts."""
    client = {"clientName": "WEB", "clientVersion": "2.20261120.01.00", "hl": "ms", "gl": "MY"}
    body = gzip.compress(json.dumps({"context": {"client": client}, **words}).encode(), mtime=0)
    headers = {
        **_script("https://www.youtube.com"),
        "Content-Encoding": "gzip",
        "X-Goog-AuthUser": "0",
        "X-Youtube-Client-Name": "1",
        **({"X-Goog-PageId": channel} if channel else {}),
    }
    return Sent("POST", f"https://www.youtube.com/youtubei/v1/{call}?prettyPrint=false", body, headers)


def comment_on_youtube(text: str, channel: str | None = None) -> Sent:
    # Field 2 of the token is the video, as the page makes it.
    token = quote(base64.b64encode(b"\x12" + bytes([len(VIDEO)]) + VIDEO.encode() + b"\x50\x07"))
    return on_youtube("comment/create_comment", {"createCommentParams": token, "commentText": text}, channel)


def like_on_youtube() -> Sent:
    return on_youtube("like/like", {"target": {"videoId": VIDEO}})


# ---------------------------------------------------------------- blogs


def comment_on_blog(text: str) -> Sent:
    form = urlencode({"comment": text, "submit": "Post Comment", "comment_post_ID": "731", "comment_parent": "0"})
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
    }
    return Sent("POST", f"https://{BLOG}/wp-comments-post.php", form.encode(), headers)


def write_on_blog(title: str, text: str, path: str = "", status: str = "publish") -> Sent:
    """A save of WordPress's block editor, gzipped as some clients send it."""
    body = {
        "id": 731,
        "title": title,
        "content": f"<!-- wp:paragraph -->\n<p>{text}</p>\n<!-- /wp:paragraph -->",
        "status": status,
    }
    headers = {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "X-WP-Nonce": "3f9ac0d21b",
        "Cookie": "wordpress_logged_in_5f5f=ibarat%7C1790000000%7Ctoken%7Chmac",
        "X-HTTP-Method-Override": "PUT",
    }
    where = f"https://{BLOG}/wp-json/wp/v2/posts/731{path}?_locale=user"
    return Sent("POST", where, gzip.compress(json.dumps(body).encode(), mtime=0), headers)


def write_on_blogger(title: str, html: str) -> Sent:
    """A save of Blogger's editor: which of its calls it is, only the post in it shows."""
    inner = json.dumps([None, [None, title, html], "8070105920543249955"], ensure_ascii=False)
    call = json.dumps([[["XyZ12a", inner, None, "generic"]]], ensure_ascii=False)
    form = urlencode({"f.req": call, "at": "AContoh:1790000000000"})
    where = "https://www.blogger.com/_/BloggerUi/data/batchexecute?rpcids=XyZ12a&rt=c"
    headers = _script("https://www.blogger.com", "application/x-www-form-urlencoded;charset=UTF-8")
    return Sent("POST", where, form.encode(), {**headers, "X-Same-Domain": "1"})


# ---------------------------------------------------------------- chats


def chat_on_whatsapp() -> Sent:
    """The socket that WhatsApp's page opens, over which all is said and read."""
    headers = {
        "Origin": "https://web.whatsapp.com",
        "Sec-Fetch-Dest": "websocket",
        "Sec-Fetch-Mode": "websocket",
        "Sec-Fetch-Site": "same-origin",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"the demo's chat.").decode(),
    }
    return Sent("GET", "https://web.whatsapp.com/ws/chat", headers=headers)


def message_on_slack(channel: str, text: str) -> Sent:
    """As Slack's own library for Python sends it."""
    form = urlencode({"channel": channel, "text": text})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer xoxb-contoh"}
    return Sent("POST", "https://slack.com/api/chat.postMessage", form.encode(), headers)


def post_on_telegram(bot: str, channel: str, text: str) -> Sent:
    body = json.dumps({"chat_id": channel, "text": text}).encode()
    where = f"https://api.telegram.org/bot{bot}:AAHcontohContohContohContohContoh/sendMessage"
    return Sent("POST", where, body, {"Content-Type": "application/json"})


# ---------------------------------------------------------------- LinkedIn, Mastodon


def post_on_linkedin(organisation: str, text: str) -> Sent:
    """A post by the official API, as a company's programme sends it."""
    post = {
        "author": f"urn:li:organization:{organisation}",
        "commentary": text,
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    headers = {
        "Content-Type": "application/json",
        "Authorization": "Bearer AQXcontoh",
        "LinkedIn-Version": "202611",
        "X-RestLi-Protocol-Version": "2.0.0",
    }
    return Sent("POST", "https://api.linkedin.com/rest/posts", json.dumps(post).encode(), headers)


def post_on_mastodon(text: str) -> Sent:
    status: dict[str, object] = {"status": text, "in_reply_to_id": None, "media_ids": [], "visibility": "public"}
    headers = {**_script(f"https://{SERVER}"), "Authorization": "Bearer contoh", "Idempotency-Key": "0f1e-2d3c"}
    return Sent("POST", f"https://{SERVER}/api/v1/statuses", json.dumps(status).encode(), headers)


# ---------------------------------------------------------------- forms


def _script(origin: str, kind: str = "application/json") -> dict[str, str]:
    """What a browser sends of a page's own script."""
    return {
        "Content-Type": kind,
        "Accept": "*/*",
        "Origin": origin,
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-origin",
    }


def _form_of_parts(fields: Mapping[str, str], file: tuple[str, str, str, bytes]) -> tuple[bytes, str]:
    """A form with a file (its field, name, type and bytes), and its content type."""
    boundary = "----WebKitFormBoundaryDemo"
    name, filename, kind, content = file
    parts = [f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}' for key, value in fields.items()]
    parts.append(
        f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
    )
    head = f"--{boundary}\r\n" + f"\r\n--{boundary}\r\n".join(parts)
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
