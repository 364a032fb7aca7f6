"""What YouTube answers: each step of an upload gives the id by which the next one names it."""

import json

import pytest

from gerbang.bundled import bundled
from gerbang.model import Activity, Request
from gerbang.recognition.outcome import Outcome, outcome
from gerbang.recognition.recognise import recognise
from gerbang.recognition.signature import compile_platforms, parse_platform

FILE = bundled("policies/platforms/youtube.yaml")
PLATFORMS = compile_platforms([parse_platform(FILE.read_text("utf-8"), str(FILE))])


def act(url: str, body: object = None, method: str = "POST", **headers: str) -> Activity:
    host, _, target = url.partition("/")
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    if body is not None and not isinstance(body, bytes):
        sent.append(("content-type", "application/json"))
    (activity,) = recognise(Request(method, host, f"/{target}", tuple(sent), data), PLATFORMS).activities
    return activity


def answered(activity: Activity, body: object = None, status: int = 200, **headers: str) -> Outcome:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return outcome(activity, status, sent, json.dumps(body).encode() if body is not None else b"", PLATFORMS)


def test_the_steps_of_a_studio_upload_are_joined_by_ids() -> None:
    start = act("upload.youtube.com/upload/studio?authuser=0", {"frontendUploadId": "a"}, x_goog_upload_command="start")
    where = "https://upload.youtube.com/upload/studio?authuser=0&upload_id=UP1&upload_protocol=resumable"
    session = answered(start, x_goog_upload_url=where).id
    sent = act(f"upload.youtube.com/?upload_id={session}", b"\0film", x_goog_upload_command="upload, finalize")
    assert sent.media[0].id == session
    resource = answered(sent, {"status": "STATUS_SUCCESS", "scottyResourceId": "S1"}).id
    draft = {"title": {"newTitle": "a"}, "draftState": {"isDraft": True}}
    created = {"resourceId": {"scottyResourceId": {"id": resource}}, "initialMetadata": draft}
    made = act("studio.youtube.com/youtubei/v1/upload/createvideo", created)
    assert made.media[0].id == resource
    video = answered(made, {"videoId": "mY7kLp2Qx_w"})
    assert video.url == "https://youtu.be/mY7kLp2Qx_w"
    published = act(
        "studio.youtube.com/youtubei/v1/video_manager/metadata_update",
        {"encryptedVideoId": video.id, "title": {"newTitle": "a"}, "privacyState": {"newPrivacy": "PUBLIC"}},
    )
    assert published.media[0].id == video.id == published.target


def test_a_picture_and_its_post_are_joined_by_ids() -> None:
    announced = act("www.youtube.com/channel_image_upload/posts", x_goog_upload_command="start")
    where = "https://www.youtube.com/channel_image_upload/posts?upload_id=UP1&upload_protocol=resumable"
    session = answered(announced, x_goog_upload_url=where).id
    sent = act(f"www.youtube.com/channel_image_upload/posts?upload_id={session}", b"\x89PNG\0")
    assert sent.media[0].id == session
    blob = answered(sent, {"encryptedBlobId": "AKx9"}).id
    images = {"imagesAttachment": {"imagesData": [{"encryptedBlobId": blob}]}}
    post = act("www.youtube.com/youtubei/v1/backstage/create_post", {"commentText": "a", **images})
    assert post.media[0].id == blob
    ids = {"actions": [{"runAttestationCommand": {"ids": [{"externalPostId": "Ugkx1"}]}}]}
    assert answered(post, ids).url == "https://www.youtube.com/post/Ugkx1"


def test_an_announced_upload_of_the_official_api_and_its_bytes_are_joined_by_ids() -> None:
    url = "youtube.googleapis.com/upload/youtube/v3/videos?uploadType=resumable"
    session = answered(act(url, {"snippet": {"title": "a"}}), location=f"https://{url}&upload_id=UP1").id
    sent = act(f"{url}&upload_id={session}", b"\0film", "PUT")
    assert sent.media[0].id == session
    assert answered(sent, {"id": "mY7kLp2Qx_w"}).id == "mY7kLp2Qx_w"


COMMENTED = {"payload": {"commentEntityPayload": {"properties": {"commentId": "Ugx1"}}}}
THREAD = {"contents": {"commentThreadRenderer": {"comment": {"commentRenderer": {"commentId": "Ugx1"}}}}}


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        ("comment/create_comment", {"frameworkUpdates": {"entityBatchUpdate": {"mutations": [{}, COMMENTED]}}}),
        ("comment/create_comment", {"actions": [{"createCommentAction": THREAD}]}),
        (
            "comment/create_comment_reply",
            {"actions": [{"createCommentReplyAction": {"contents": {"commentRenderer": {"commentId": "Ugx1"}}}}]},
        ),
        (
            "live_chat/send_message",
            {"actions": [{"addChatItemAction": {"item": {"liveChatTextMessageRenderer": {"id": "Ugx1"}}}}]},
        ),
    ],
)
def test_the_answer_names_what_was_written(endpoint: str, answer: object) -> None:
    written = act(f"www.youtube.com/youtubei/v1/{endpoint}", {"commentText": "a"})
    assert answered(written, answer) == Outcome(200, accepted=True, id="Ugx1")


def test_an_error_names_nothing() -> None:
    written = act("www.youtube.com/youtubei/v1/comment/create_comment", {"commentText": "a"})
    assert answered(written, {"error": {"code": 403}}, 403) == Outcome(403, accepted=False)
