"""Ways to dress a post up so that a filter sees something else: each is judged as what the platform would understand,
or refused.

The words are an official secret and it is night, so that only who reads them refuses them.
"""

import base64
import gzip
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard

from gate_builders import (
    TUESDAY_AT_NIGHT,
    Http2Client,
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    office_settings,
    receive,
    server_context,
    tunnel,
)

SECRET = "SULIT\nRuj. Kami: CONTOH.600-1/2/3 Jld. 2 (45)\nTuan,"
HARMLESS = "Selamat malam semua"
ADDRESS = "203.0.113.7"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "facebook.com", "gerbang.internal"])


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    server = Upstream(server_context(trust, "x.com", tmp_path, ["h2", "http/1.1"]))
    yield server
    server.close()


@pytest.fixture
def blog() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def gate(tmp_path: Path, platform: Upstream, blog: Upstream, trust: Trust) -> Iterator[RunningGate]:
    """X over TLS, a blog in the clear, both also by their address, and a name that is not listed."""
    secure, plain = f"127.0.0.1:{platform.address[1]}", f"127.0.0.1:{blog.address[1]}"
    hosts = {"x.com": secure, "blog.contoh.my": plain, ADDRESS: plain, "front.example": secure}
    hosts |= dict.fromkeys(("m.facebook.com", "mbasic.facebook.com", "web.facebook.com"), secure)
    settings = office_settings(
        tmp_path,
        gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}},
        sites=[{"host": "blog.contoh.my", "platform": "wordpress"}],
    )
    with a_gate(settings, trust, at=TUESDAY_AT_NIGHT) as running:
        yield running


def request(body: bytes, *lines: str, target: str = "/i/api/graphql/AbC/CreateTweet", host: str = "x.com") -> bytes:
    named = {line.partition(":")[0].lower() for line in lines}
    given = [f"Host: {host}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    given = [line for line in given if line.partition(":")[0].lower() not in named]
    if "transfer-encoding" in named:
        given = [line for line in given if not line.startswith("Content-Length")]
    return "\r\n".join([f"POST {target} HTTP/1.1", *given, *lines, "", ""]).encode() + body


def tweet(text: str = SECRET) -> bytes:
    return json.dumps({"variables": {"tweet_text": text}, "queryId": "AbC"}).encode()


def chunked(body: bytes, size: int = 7, trailer: bytes = b"") -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


TWICE = b'{"variables": {"tweet_text": "Selamat"}, "variables": %b}' % json.dumps({"tweet_text": SECRET}).encode()
TWICE_WITHIN = b'{"variables": {"tweet_text": %b, "tweet_text": "Selamat"}}' % json.dumps(SECRET).encode()
ESCAPED = tweet().replace(b"tweet_text", b"tweet\\u005ftext")

UNDERSTOOD = {
    "in chunks, with extensions and a trailer": lambda: request(
        chunked(tweet(), trailer=b"X-More: 1\r\n"), "Transfer-Encoding: chunked"
    ),
    "compressed": lambda: request(gzip.compress(tweet()), "Content-Encoding: gzip"),
    "compressed by an old name": lambda: request(gzip.compress(tweet()), "Content-Encoding: x-gzip"),
    "compressed, in two gzip members": lambda: request(
        gzip.compress(tweet()[:20]) + gzip.compress(tweet()[20:]), "Content-Encoding: gzip"
    ),
    "compressed three times": lambda: request(
        brotli.compress(zstandard.ZstdCompressor().compress(gzip.compress(tweet()))),
        "Content-Encoding: gzip, zstd, br",
    ),
    "compressed, and in chunks": lambda: request(
        chunked(gzip.compress(tweet())), "Transfer-Encoding: chunked", "Content-Encoding: GZip"
    ),
    "with two headers for one encoding each": lambda: request(
        brotli.compress(gzip.compress(tweet())), "Content-Encoding: gzip", "Content-Encoding: br"
    ),
    "with a mark in front": lambda: request(b"\xef\xbb\xbf" + tweet()),
    "in UTF-16": lambda: request(tweet().decode().encode("utf-16")),
    "in UTF-32 without a mark": lambda: request(tweet().decode().encode("utf-32-le")),
    "as another charset": lambda: request(tweet(), "Content-Type: application/json; charset=utf-7"),
    "as plain text": lambda: request(tweet(), "Content-Type: text/plain"),
    "as a picture": lambda: request(tweet(), "Content-Type: image/png"),
    "as nothing": lambda: request(tweet(), "Content-Type:"),
    "with two content types": lambda: request(tweet(), "Content-Type: image/png", "Content-Type: application/json"),
    "with a name twice, the last of which counts": lambda: request(TWICE),
    "with a name twice, the first of which counts": lambda: request(TWICE_WITHIN),
    "with a name in escapes": lambda: request(ESCAPED),
    "with letters of the path escaped": lambda: request(tweet(), target="/i/api/graphql/AbC/Create%54weet"),
    "with more slashes": lambda: request(tweet(), target="//i/api//graphql/AbC/CreateTweet/"),
    "with a detour in the path": lambda: request(tweet(), target="/i/api/graphql/AbC/x/../CreateTweet"),
    "in absolute form": lambda: request(tweet(), target="https://x.com/i/api/graphql/AbC/CreateTweet"),
    "with the host in capitals and a dot": lambda: request(tweet(), host="X.COM."),
    "with the port in the host": lambda: request(tweet(), host="x.com:443"),
    "with another host in a header": lambda: request(tweet(), "X-Forwarded-Host: news.example"),
    "with another method in a header": lambda: request(tweet(), "X-HTTP-Method-Override: GET"),
    "as what a browser loads by itself": lambda: request(
        tweet(), "Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors", "Sec-Purpose: prefetch"
    ),
    "as sent by a worker": lambda: request(tweet(), "Service-Worker: script", "Sec-Fetch-Dest: serviceworker"),
}


@pytest.mark.parametrize("dressed", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_a_post_is_read_however_it_is_dressed_up(
    gate: RunningGate, platform: Upstream, dressed: Callable[[], bytes]
) -> None:
    with gate.tls() as connection:
        connection.sendall(dressed())
        assert receive(connection).startswith(b"HTTP/1.1 403")
    assert platform.requests == []
    (decision,) = gate.decisions()
    assert decision["activity"] == "post"
    assert "official-information" in {finding["category"] for finding in decision["findings"]}


UNREADABLE = {
    "compressed once too often": (
        lambda: request(brotli.compress(b"\x1f" + tweet()), "Content-Encoding: br, br, br, br, br"),
        {"unknown-encoding", "unreadable"},
    ),
    "in an encoding that nobody knows": (
        lambda: request(tweet(), "Content-Encoding: rahsia"),
        {"unknown-encoding"},
    ),
    "compressed and cut off": (
        lambda: request(gzip.compress(tweet())[:-20], "Content-Encoding: gzip"),
        {"unreadable"},
    ),
}


@pytest.mark.parametrize(("dressed", "gaps"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_could_not_be_read_is_a_gap_of_a_post(
    gate: RunningGate, dressed: Callable[[], bytes], gaps: set[str]
) -> None:
    """The words may be found all the same, in what could be read; then it is refused for them."""
    with gate.tls() as connection:
        connection.sendall(dressed())
        assert receive(connection).startswith((b"HTTP/1.1 200", b"HTTP/1.1 403"))
    (decision,) = gate.decisions()
    assert decision["activity"] == "post"
    assert gaps & {gap["reason"] for gap in decision["gaps"]}


REFUSED = {
    "a length and chunks": lambda: request(chunked(tweet()), "Content-Length: 9", "Transfer-Encoding: chunked"),
    "two lengths": lambda: request(tweet(), "Content-Length: 5", f"Content-Length: {len(tweet())}"),
    "chunks by a name that is none": lambda: request(chunked(tweet()), "Transfer-Encoding: xchunked"),
    "another host in an absolute form": lambda: request(
        tweet(), target="https://front.example/i/api/graphql/AbC/CreateTweet"
    ),
    "another host in the header": lambda: request(tweet(), host="front.example"),
    "two hosts": lambda: request(tweet(), "Host: x.com", "Host: front.example"),
}


@pytest.mark.parametrize("dressed", REFUSED.values(), ids=REFUSED)
def test_what_servers_would_understand_differently_does_not_reach_one(
    gate: RunningGate, platform: Upstream, dressed: Callable[[], bytes]
) -> None:
    with gate.tls() as connection:
        connection.sendall(dressed())
        connection.settimeout(5)
        with suppress(TimeoutError, ssl.SSLError):
            assert not receive(connection).startswith(b"HTTP/1.1 200")
    assert platform.requests == []


@pytest.mark.parametrize("host", ["m.facebook.com", "mbasic.facebook.com", "web.facebook.com"])
def test_other_hosts_of_the_platform_are_the_platform(gate: RunningGate, platform: Upstream, host: str) -> None:
    variables = json.dumps({"input": {"actor_id": "1000", "message": {"text": SECRET}, "audience": {}}})
    form = urlencode({"av": "1000", "fb_api_req_friendly_name": "ComposerStoryCreateMutation", "variables": variables})
    lines = ["Content-Type: application/x-www-form-urlencoded"]
    with gate.tls(f"{host}:443") as connection:
        connection.sendall(request(form.encode(), *lines, target="/api/graphql/", host=host))
        assert b"gerbang" in receive(connection).lower()
    assert platform.requests == []
    (decision,) = gate.decisions()
    assert (decision["platform"], decision["activity"], decision["effect"]) == ("facebook", "post", "block")


def test_the_name_in_the_hello_counts_where_the_address_is_asked_for(gate: RunningGate, platform: Upstream) -> None:
    gate.gate._targets._hosts[ADDRESS] = platform.address
    with gate.tls(f"{ADDRESS}:443", sni="x.com") as connection:
        connection.sendall(request(tweet()))
        assert receive(connection).startswith(b"HTTP/1.1 403")
    assert platform.requests == []


@pytest.mark.parametrize("target", ["pro.x.com:8443", "pro.x.com:80443", "pro.x.com:22"])
def test_another_port_is_no_way_around(gate: RunningGate, target: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        tunnel(gate.address, target)


COMMENT = urlencode({"comment_post_ID": "7", "author": "Ali", "comment": SECRET}).encode()
FORM = "Content-Type: application/x-www-form-urlencoded"
IN_THE_CLEAR = {
    "by the address, with the host in the header": lambda: request(
        COMMENT, FORM, target="/wp-comments-post.php", host="blog.contoh.my"
    ),
    "by the address, with the host in the absolute form": lambda: request(
        COMMENT, FORM, target="http://blog.contoh.my/wp-comments-post.php", host=ADDRESS
    ),
}


@pytest.mark.parametrize("dressed", IN_THE_CLEAR.values(), ids=IN_THE_CLEAR)
def test_the_address_of_a_site_is_no_way_to_the_site(
    gate: RunningGate, blog: Upstream, dressed: Callable[[], bytes]
) -> None:
    with tunnel(gate.address, f"{ADDRESS}:80") as connection:
        connection.sendall(dressed())
        connection.settimeout(5)
        with suppress(TimeoutError):
            receive(connection)
    assert not [head for head in blog.requests if b"blog.contoh.my" in head]


FIELDS = {
    "the same field twice, the harmless one last": b"&".join([COMMENT, b"comment=Selamat"]),
    "the same field twice, the harmless one first": b"&".join([b"comment=Selamat", COMMENT]),
    "the field as a list": COMMENT.replace(b"&comment=", b"&comment%5B%5D="),
    "each letter escaped": b"&".join(
        b"=".join(b"".join(b"%%%02x" % byte for byte in part) for part in pair)
        for pair in ([b"comment_post_ID", b"7"], [b"comment", SECRET.encode()])
    ),
}


@pytest.mark.parametrize("body", FIELDS.values(), ids=FIELDS)
def test_a_form_is_read_however_it_is_written(gate: RunningGate, blog: Upstream, body: bytes) -> None:
    with socket.create_connection(gate.address, 5) as connection:
        connection.sendall(
            request(body, FORM, target="http://blog.contoh.my/wp-comments-post.php", host="blog.contoh.my")
        )
        assert not receive(connection).startswith(b"HTTP/1.1 200")
    assert blog.requests == []


@pytest.mark.parametrize(
    ("header", "passes"),
    [("X-HTTP-Method-Override: GET", True), ("X-HTTP-Method-Override: PUT", False), ("X-HTTP-Method: GET", False)],
)
def test_only_the_header_that_the_server_heeds_makes_another_method(
    gate: RunningGate, blog: Upstream, header: str, passes: bool
) -> None:
    """To WordPress a post that is overridden to GET is a question, whatever its body holds."""
    target = "http://blog.contoh.my/wp-json/wp/v2/posts"
    body = json.dumps({"title": "Notis", "content": SECRET, "status": "publish"}).encode()
    with socket.create_connection(gate.address, 5) as connection:
        connection.sendall(request(body, header, target=target, host="blog.contoh.my"))
        assert receive(connection).startswith(b"HTTP/1.1 200") is passes
    assert bool(blog.requests) is passes


def test_a_post_by_http2_says_its_host_once(gate: RunningGate, platform: Upstream) -> None:
    with gate.tls(alpn=["h2"]) as connection:
        client = Http2Client(connection)
        client.h2.config.validate_outbound_headers = False
        headers = [("content-type", "application/json"), ("host", "front.example")]
        number = client.start("POST", "x.com", "/i/api/graphql/AbC/CreateTweet", headers)
        with suppress(ConnectionError):  # the connection may be closed before all is sent
            client.h2.send_data(number, tweet(), end_stream=True)
            client.flush()
            assert client.answer(number).status != 200
    assert platform.requests == []


def test_words_in_the_address_are_words(gate: RunningGate, platform: Upstream) -> None:
    target = f"/1.1/statuses/update.json?status={quote(SECRET)}"
    with gate.tls() as connection:
        connection.sendall(request(b"", target=target))
        assert receive(connection).startswith(b"HTTP/1.1 403")
    assert platform.requests == []


def test_words_in_base64_where_the_platform_takes_them_so(gate: RunningGate, blog: Upstream) -> None:
    """XML-RPC has a type for it."""
    value = base64.b64encode(SECRET.encode()).decode()
    call = (
        "<methodCall><methodName>wp.newComment</methodName><params><param><value>1</value></param>"
        "<param><value>ali</value></param><param><value>x</value></param><param><value>7</value></param>"
        f"<param><value><struct><member><name>content</name><value><base64>{value}</base64></value></member>"
        "</struct></value></param></params></methodCall>"
    ).encode()
    with socket.create_connection(gate.address, 5) as connection:
        target = "http://blog.contoh.my/xmlrpc.php"
        connection.sendall(request(call, "Content-Type: text/xml", target=target, host="blog.contoh.my"))
        receive(connection)
    assert blog.requests == []
