"""What holds of every shipped platform, whatever its requests look like: each case's request, written in any other way
that is the same to a server, is the same acts; and no request that is spoilt makes recognition fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gerbang.model import SOCKET, Activity, Request
from gerbang.recognition.cases import ENCODERS, Trial
from gerbang.recognition.matcher import HostRole, Platforms, compile_platforms
from gerbang.recognition.recognise import _Reading, recognise
from gerbang.recognition.signature import INERT_ROLES
from gerbang.wire.message import Message
from platform_builders import NAMES, shipped_cases, shipped_documents

type Header = tuple[str, str]


CASES = {name: shipped_cases(name) for name in NAMES}
PLATFORMS = compile_platforms(
    shipped_documents(), {site: cases.platform for cases in CASES.values() for site in cases.sites}
)
BODIED = {name: [one for one in cases.trials if one.request.body] for name, cases in CASES.items()}

each_platform = pytest.mark.parametrize("name", NAMES)


def acts(request: Request, platforms: Platforms = PLATFORMS) -> tuple[Activity, ...]:
    return recognise(request, platforms).activities


def unlike(trial: Trial, written: Request) -> list[str]:
    """Where a request that is written otherwise is something else than the case's."""
    meant, found = acts(trial.request), acts(written)
    return [] if meant == found else [f"{trial.place}: {trial.name}: {found} and not {meant}"]


# ---------------------------------------------------------------- the same, written otherwise


def plain(trial: Trial) -> bool:
    """Whether it is a request (and no message), whose body is not compressed yet."""
    return trial.request.method != SOCKET and trial.request.header("content-encoding") is None


@each_platform
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, zstd"])
def test_a_compressed_body_is_the_same_act(name: str, encoding: str) -> None:
    """Brotli and zstd alone leave short texts as they are, which PHP reads with what stands around them."""
    different = [
        what
        for trial in BODIED[name]
        if plain(trial) and not read_twice(trial.request)
        for what in unlike(trial, compressed(trial.request, encoding))
    ]
    assert not different


def compressed(request: Request, encoding: str) -> Request:
    body = request.body or b""
    for one in encoding.split(", "):
        body = ENCODERS[one](body)
    return replace(request, headers=(*request.headers, ("Content-Encoding", encoding)), body=body)


def read_twice(request: Request) -> bool:
    """Whether the bytes count as they came besides: to PHP, and where they are what is uploaded."""
    role = PLATFORMS.at(request.host)
    platform = PLATFORMS.platform(role.platform) if role else None
    return (platform is not None and platform.document.php) or uploads_body(request)


def uploads_body(request: Request) -> bool:
    """Whether the body itself is what is uploaded, of which each byte counts."""
    return any(media.digest is not None for act in acts(request) for media in act.media)


@each_platform
def test_json_is_the_same_act_with_escapes_and_spaces_and_in_another_charset(name: str) -> None:
    different = [
        what
        for trial in BODIED[name]
        if plain(trial) and not uploads_body(trial.request)
        for body in rewritten_json(trial.request.body or b"")
        for what in unlike(trial, replace(trial.request, body=body))
    ]
    assert not different


def rewritten_json(body: bytes) -> Iterator[bytes]:
    """The same value with everything escaped, with spaces between, and in UTF-8 with a mark and UTF-16."""
    if not body.lstrip().startswith((b"{", b"[")):
        return
    try:
        value = json.loads(body, object_pairs_hook=pairs_of)
    except ValueError:
        return
    yield json.dumps(value, ensure_ascii=True, indent=1).encode()
    yield json.dumps(value, ensure_ascii=False).encode("utf-8-sig")
    yield json.dumps(value, ensure_ascii=False).encode("utf-16")


def pairs_of(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice, which a rewriting would lose")
    return dict(pairs)


@each_platform
def test_a_form_is_the_same_act_with_every_character_escaped(name: str) -> None:
    different = [
        what
        for trial in BODIED[name]
        if plain(trial) and is_form(trial.request)
        for what in unlike(trial, replace(trial.request, body=escaped(trial.request.body or b"")))
    ]
    assert not different


def is_form(request: Request) -> bool:
    """Whether it is a form, and no JSON or file that is only called one."""
    called = "urlencoded" in (request.header("content-type") or "")
    return called and not uploads_body(request) and not (request.body or b"").lstrip().startswith((b"{", b"["))


def escaped(form: bytes) -> bytes:
    def every(text: str) -> str:
        written = unquote_plus(text, errors="surrogateescape").encode(errors="surrogateescape")
        return "".join(f"%{byte:02x}" for byte in written)

    fields = (field.partition("=") for field in form.decode("latin-1").split("&"))
    return "&".join(every(key) + between + every(value) for key, between, value in fields).encode()


@each_platform
def test_headers_are_the_same_in_any_case_and_hosts_with_a_dot_and_in_capitals(name: str) -> None:
    different = []
    for trial in CASES[name].trials:
        request = trial.request
        if trial.given_up is not None or (request.body is None and trial.awaits_body):
            continue
        shouted = tuple((key.upper(), value) for key, value in request.headers)
        written = replace(request, headers=shouted, host=f"{request.host.upper()}.")
        meant, found = acts(request), acts(written)
        if [(one.signature, one.texts, one.account) for one in meant] != [
            (one.signature, one.texts, one.account) for one in found
        ]:
            different.append(f"{trial.place}: {trial.name}")
    assert not different


# ---------------------------------------------------------------- spoilt requests

KINDS = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/xml",
    "x",
    "",
]
SPOILERS = st.lists(
    st.tuples(st.sampled_from(["cut", "flip", "insert", "double"]), st.integers(0, 4000), st.binary(max_size=12)),
    min_size=1,
    max_size=4,
)


def spoilt(body: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for what, place, extra in changes:
        at = place % (len(body) + 1)
        match what:
            case "cut":
                body = body[:at]
            case "flip":
                body = body[:at] + bytes(byte ^ 0x55 for byte in body[at : at + 2]) + body[at + 2 :]
            case "insert":
                body = body[:at] + extra + body[at:]
            case _:
                body = body[:at] + body
    return body


@each_platform
@settings(max_examples=40)
@given(data=st.data())
def test_no_spoilt_request_makes_recognition_fail(name: str, data: st.DataObject) -> None:
    """Below the net too: what the net would catch is a mistake of ours."""
    trial = data.draw(st.sampled_from(CASES[name].trials))
    request = trial.request
    role = PLATFORMS.at(request.host)
    if role is None or role.role in INERT_ROLES:
        return
    body = spoilt(request.body or b"", data.draw(SPOILERS))
    kind = data.draw(st.none() | st.sampled_from(KINDS))
    encoding = data.draw(st.none() | st.sampled_from(["gzip", "br", "deflate", "zstd", "identity, x"]))
    headers = [one for one in request.headers if kind is None or one[0].lower() != "content-type"]
    headers += [("Content-Type", kind)] if kind is not None else []
    headers += [("Content-Encoding", encoding)] if encoding else []
    target = request.target if data.draw(st.booleans()) else request.target + data.draw(st.text(max_size=20))
    for activity in below_the_net(role, request.method, request.host, target, tuple(headers), body):
        for text in activity.texts:
            text.value.encode()


def below_the_net(
    role: HostRole, method: str, host: str, target: str, headers: tuple[Header, ...], body: bytes
) -> tuple[Activity, ...]:
    platform = PLATFORMS.platform(role.platform)
    assert platform is not None
    message = Message(method, target, headers, body, php=platform.document.php, camel=platform.document.camel)
    return _Reading(platform, role.role, host).recognise(message).activities
