"""Acts of several steps through the gate: uploads, drafts and the acts that publish them, over real sockets."""

import hashlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate_builders import (
    TUESDAY_AT_NIGHT,
    TUESDAY_AT_TEN,
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    office_settings,
    receive,
    server_context,
)
from gerbang.gate.addon import READ_AT_ONCE
from gerbang.gate.parts import KEPT_FOR
from gerbang.journal.reader import read
from gerbang.journal.sidecar import read_private
from gerbang.loading import load_world
from gerbang.pipeline import World
from gerbang.recognition.signature import compile_platforms

HOSTS = ["x.com", "upload.x.com", "api.x.com", "gerbang.internal"]
LARGE = READ_AT_ONCE + 4096
ATTACK = "Siap kau, aku belasah kau nanti"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), HOSTS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(office_settings(tmp_path_factory.mktemp("world")))


class Platform:
    """Stand-ins for the three hosts of X, whose next answer a test sets."""

    def __init__(self, trust: Trust, folder: Path) -> None:
        self.hosts = {host: Upstream(server_context(trust, host, folder)) for host in HOSTS[:3]}

    def answer(self, body: Any, headers: bytes = b"") -> None:
        for upstream in self.hosts.values():
            upstream.answer = json.dumps(body).encode()
            upstream.headers = headers

    @property
    def requests(self) -> list[bytes]:
        return [request for upstream in self.hosts.values() for request in upstream.requests]


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Platform]:
    standing = Platform(trust, tmp_path)
    yield standing
    for upstream in standing.hosts.values():
        upstream.close()


@contextmanager
def opened(
    tmp_path: Path, platform: Platform, trust: Trust, world: World, at: Any = TUESDAY_AT_NIGHT
) -> Iterator[RunningGate]:
    hosts = {host: f"127.0.0.1:{upstream.address[1]}" for host, upstream in platform.hosts.items()}
    settings = office_settings(tmp_path, gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}})
    with a_gate(settings, trust, world=world, at=at) as gate:
        yield gate


@pytest.fixture
def gate(tmp_path: Path, platform: Platform, trust: Trust, world: World) -> Iterator[RunningGate]:
    """A managed zone without sign-in, on a Tuesday night."""
    with opened(tmp_path, platform, trust, world) as running:
        yield running


def send(
    gate: RunningGate, host: str, target: str, body: bytes = b"", kind: str = "", source: str = "127.0.0.1"
) -> int:
    """One request by whoever is at an address; gives the status of its answer."""
    head = [f"POST {target} HTTP/1.1", f"Host: {host}", "Cookie: twid=u%3D2001", f"Content-Length: {len(body)}"]
    if kind:
        head.append(f"Content-Type: {kind}")
    with socket.create_connection(gate.address, 10, (source, 0)) as plain:
        plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert receive(plain).startswith(b"HTTP/1.1 200")
        context = ssl.create_default_context(cafile=gate.trust.file)
        with context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
            return int(receive(connection)[9:12])


def a_form(data: bytes, **fields: str) -> tuple[bytes, str]:
    body = b"".join(
        f'--garis\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += b'--garis\r\nContent-Disposition: form-data; name="media"; filename="blob"\r\n'
    body += b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--garis--\r\n"
    return body, "multipart/form-data; boundary=garis"


def upload(gate: RunningGate, platform: Platform, media: str, *pieces: bytes, **more: Any) -> None:
    """A picture as X's web client sends it: begun, its parts, ended."""
    where, size = "/i/media/upload.json", sum(map(len, pieces))
    platform.answer({"media_id_string": media})
    begin = f"{where}?command=INIT&total_bytes={size}&media_type=image%2Fpng&media_category=tweet_image"
    assert send(gate, "upload.x.com", begin, **more) == 200
    for number, piece in enumerate(pieces):
        target = f"{where}?command=APPEND&media_id={media}&segment_index={number}"
        assert send(gate, "upload.x.com", target, *a_form(piece), **more) == 200
    assert send(gate, "upload.x.com", f"{where}?command=FINALIZE&media_id={media}", **more) == 200
    platform.answer({})


def alternative(gate: RunningGate, media: str, words: str, **more: Any) -> int:
    body = json.dumps({"media_id": media, "alt_text": {"text": words}}).encode()
    return send(gate, "api.x.com", "/1.1/media/metadata/create.json", body, "application/json", **more)


def post(gate: RunningGate, words: str, *media: str, **more: Any) -> int:
    named = {"media_entities": [{"media_id": one} for one in media]}
    body = json.dumps({"variables": {"tweet_text": words, "media": named}}).encode()
    return send(gate, "x.com", "/i/api/graphql/AbC/CreateTweet", body, "application/json", **more)


def last(gate: RunningGate) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last decision's chained and private members."""
    line = [one for one in read(gate.settings.journal_folder) if one.link.kind == "decision"][-1]
    return json.loads(line.raw)["body"], dict(read_private(line))


def numbers(gate: RunningGate) -> list[str]:
    return [decision["number"] for decision in gate.decisions()]


# ---------------------------------------------------------------- uploads


@pytest.mark.parametrize(
    ("size", "in_thread"),
    [(5, 1 << 20), (5, 0), (LARGE, 1 << 20)],
    ids=["read at once", "read in a thread", "streamed"],
)
def test_a_post_is_judged_with_what_was_uploaded_for_it(
    gate: RunningGate, platform: Platform, size: int, in_thread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gerbang.gate.judging.IN_THREAD", in_thread)
    pieces = (b"\x89PNG" + b"a" * size, b"\0" * size)
    upload(gate, platform, "71", *pieces)
    assert alternative(gate, "71", "Poster gotong-royong") == 200
    assert post(gate, "Jemput datang", "71") == 200
    *earlier, own = numbers(gate)
    decision, private = last(gate)
    assert decision["number"] == own
    assert decision["sent_earlier"] == earlier
    assert len(earlier) == 5
    assert decision["gaps"] == []
    assert decision["texts"] == 2
    assert decision["media"] == [{"type": "image/png", "size": sum(map(len, pieces))}]
    assert private["media"][0]["digest"] == hashlib.sha256(b"".join(pieces)).hexdigest()
    steps = [each["belongs_to"] for each in gate.decisions()]
    assert steps == [[], [earlier[0]], [earlier[0]], [earlier[0]], [earlier[0]], []]


def test_a_post_with_a_picture_that_the_gate_has_not_seen_goes_out_with_a_gap(gate: RunningGate) -> None:
    """As after a restart, or from a phone: nothing unusual, and recorded."""
    assert post(gate, "Jemput datang", "71") == 200
    decision, _ = last(gate)
    assert [gap["reason"] for gap in decision["gaps"]] == ["unseen-media"]
    assert "malaysia-public-service/unread-content" in {match["rule"] for match in decision["matches"]}
    assert (decision["effect"], decision["sent_earlier"]) == ("record", [])


def test_parts_out_of_order_are_a_gap(gate: RunningGate, platform: Platform) -> None:
    platform.answer({"media_id_string": "71"})
    for number in (1, 0, 2, 1):
        target = f"/i/media/upload.json?command=APPEND&media_id=71&segment_index={number}"
        assert send(gate, "upload.x.com", target, *a_form(b"abc")) == 200
    assert post(gate, "Jemput datang", "71") == 200
    decision, private = last(gate)
    assert [gap["reason"] for gap in decision["gaps"]] == ["unseen-media"]
    assert private["media"][0]["digest"] is None


def test_the_fields_of_a_streamed_form_name_its_picture(gate: RunningGate) -> None:
    """Older programs name the picture and the part in the form, which is not read before it goes out."""
    pieces = (b"\0" + b"a" * LARGE, b"\1" + b"b" * LARGE)
    for number, piece in enumerate(pieces):
        form = a_form(piece, command="APPEND", media_id="71", segment_index=str(number))
        assert send(gate, "upload.x.com", "/1.1/media/upload.json", *form) == 200
    assert post(gate, "Jemput datang", "71") == 200
    decision, private = last(gate)
    assert decision["gaps"] == []
    assert private["media"][0]["digest"] == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_the_same_picture_under_another_id_is_the_same_content(gate: RunningGate, platform: Platform) -> None:
    """What a person confirmed holds where the page uploads anew, and for no other picture."""
    digests = []
    for media, data in (("71", b"\0abc"), ("72", b"\0abc"), ("73", b"\0abd")):
        upload(gate, platform, media, data)
        assert post(gate, "Jemput datang", media) == 200
        digests.append(last(gate)[0]["digest"])
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_one_persons_upload_is_unseen_in_anothers_post(gate: RunningGate, platform: Platform) -> None:
    upload(gate, platform, "71", b"\0abc")
    assert alternative(gate, "71", "Poster orang lain") == 200
    assert post(gate, "Jemput datang", "71", source="127.0.0.2") == 200
    decision, _ = last(gate)
    assert [gap["reason"] for gap in decision["gaps"]] == ["unseen-media"]
    assert (decision["sent_earlier"], decision["texts"]) == ([], 1)
    assert post(gate, "Jemput datang", "71") == 200
    assert last(gate)[0]["gaps"] == []


def test_an_upload_is_forgotten_after_a_day(gate: RunningGate, platform: Platform) -> None:
    upload(gate, platform, "71", b"\0abc")
    gate.clock.set(gate.clock() + KEPT_FOR)
    assert post(gate, "Jemput datang", "71") == 200
    assert [gap["reason"] for gap in last(gate)[0]["gaps"]] == ["unseen-media"]


# ---------------------------------------------------------------- what is published is what counts


def test_a_text_that_was_refused_is_not_judged_again_with_the_post(gate: RunningGate, platform: Platform) -> None:
    upload(gate, platform, "71", b"\0abc")
    sent = len(platform.requests)
    assert alternative(gate, "71", ATTACK) == 403
    assert len(platform.requests) == sent
    assert post(gate, "Jemput datang", "71") == 200
    assert last(gate)[0]["texts"] == 1


def test_what_the_platform_refused_is_not_judged_with_the_post(gate: RunningGate, platform: Platform) -> None:
    upload(gate, platform, "71", b"\0abc")
    platform.answer({"errors": [{"message": "no"}]})
    assert alternative(gate, "71", "Poster") == 200
    platform.answer({})
    assert post(gate, "Jemput datang", "71") == 200
    assert last(gate)[0]["texts"] == 1


def an_article(gate: RunningGate, name: str, **variables: Any) -> int:
    body = json.dumps({"variables": variables}).encode()
    return send(gate, "x.com", f"/i/api/graphql/AbC/ArticleEntity{name}", body, "application/json")


def test_a_draft_is_no_act_and_its_words_are_judged_when_it_is_published(gate: RunningGate, platform: Platform) -> None:
    platform.answer({"data": {}})
    content = {"blocks": [{"text": ATTACK}]}
    assert an_article(gate, "UpdateContent", articleEntityId="31", content_state=content) == 200
    assert gate.decisions() == []
    assert an_article(gate, "Publish", articleEntityId="31") == 403
    decision, _ = last(gate)
    assert decision["gaps"] == []
    assert "malaysia-public-service/personal-attack" in {match["rule"] for match in decision["matches"]}
    better = {"blocks": [{"text": "Terima kasih kepada semua"}]}
    assert an_article(gate, "UpdateContent", articleEntityId="31", content_state=better) == 200
    assert an_article(gate, "Publish", articleEntityId="31") == 200
    assert last(gate)[0]["gaps"] == []


def test_a_draft_is_published_by_the_hours_of_its_publishing(
    tmp_path: Path, platform: Platform, trust: Trust, world: World
) -> None:
    platform.answer({"data": {}})
    content = {"blocks": [{"text": "Selamat pagi"}]}
    with opened(tmp_path, platform, trust, world, at=TUESDAY_AT_TEN) as gate:
        assert an_article(gate, "UpdateContent", articleEntityId="31", content_state=content) == 200
        assert an_article(gate, "Publish", articleEntityId="31") == 403


def test_a_draft_that_was_too_large_to_read_leaves_its_gap(
    tmp_path: Path, platform: Platform, trust: Trust, world: World
) -> None:
    hosts = {host: f"127.0.0.1:{upstream.address[1]}" for host, upstream in platform.hosts.items()}
    settings = office_settings(
        tmp_path, gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}, "body_limit": 65536}
    )
    platform.answer({"data": {}})
    with a_gate(settings, trust, world=world, at=TUESDAY_AT_NIGHT) as gate:
        content = {"blocks": [{"text": "a " * 40_000}]}
        assert an_article(gate, "UpdateContent", articleEntityId="31", content_state=content) == 200
        assert gate.decisions() == []
        assert an_article(gate, "Publish", articleEntityId="31") == 200
        assert [gap["reason"] for gap in last(gate)[0]["gaps"]] == ["sent-earlier"]


def outcomes(gate: RunningGate, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while len(found := gate.lines("outcome")) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_the_outcome_keeps_what_the_ids_stand_for_privately(gate: RunningGate, platform: Platform) -> None:
    upload(gate, platform, "1970000000000000071", b"\0abc", b"def")
    found = outcomes(gate, 4)
    assert len(found) == 4
    assert "1970000000000000071" not in json.dumps(found)
    told = (line for line in read(gate.settings.journal_folder) if line.link.kind == "outcome")
    parts = [read_private(line)["part"] for line in told]
    assert parts[-1] == {
        "ids": ["1970000000000000071"],
        "digest": hashlib.sha256(b"\0abcdef").hexdigest(),
        "size": 7,
        "place": "",
    }


# ---------------------------------------------------------------- documents that change meanwhile


def changed(world: World) -> World:
    """The world with a document that says another version of itself."""
    documents = [
        document.model_copy(update={"version": "2026-11-25"}) if document.platform == "x" else document
        for document in world.platforms.documents
    ]
    return replace(world, platforms=compile_platforms(documents))


def test_what_was_uploaded_is_known_after_the_documents_changed(
    gate: RunningGate, platform: Platform, world: World
) -> None:
    upload(gate, platform, "71", b"\x89PNG")
    gate.holder.world = changed(world)
    assert post(gate, "Jemput datang", "71") == 200
    decision, _ = last(gate)
    assert decision["gaps"] == []
    assert len(decision["sent_earlier"]) == 3
    assert decision["basis"]["platforms"] == gate.holder.world.platforms.digest


def test_a_request_that_is_under_way_ends_by_the_documents_with_which_it_began(gate: RunningGate, world: World) -> None:
    body = json.dumps({"variables": {"tweet_text": "Jemput datang"}}).encode()
    head = f"POST /i/api/graphql/AbC/CreateTweet HTTP/1.1\r\nHost: x.com\r\nContent-Length: {len(body)}\r\n"
    with gate.tls() as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body[:5])
        deadline = time.monotonic() + 60
        while not gate.gate.busy:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.2)
        gate.holder.world = changed(world)
        connection.sendall(body[5:])
        assert receive(connection).startswith(b"HTTP/1.1 200")
    assert post(gate, "Jemput datang lagi") == 200
    first, second = (decision["basis"]["platforms"] for decision in gate.decisions())
    assert first == world.platforms.digest
    assert second == gate.holder.world.platforms.digest != first
