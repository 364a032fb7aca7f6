"""Software that anybody may run: on its well-known hosts, on the sites of the settings, and told by its markers."""

import json
from collections.abc import Mapping

import pytest

from gerbang.bundled import bundled
from gerbang.model import SOCKET, Activity, Gap, Kind, Request
from gerbang.recognition.asked import TOLD
from gerbang.recognition.claims import CompiledClaim
from gerbang.recognition.earlier import place_of
from gerbang.recognition.recognise import Recognition, recognise, recognise_unread
from gerbang.recognition.signature import UNTOLD, Platforms, compile_platforms, parse_platform
from gerbang.recognition.sockets import socket_refusal

WARUNG = """\
platform: warung
title: Warung
self_hosted: true
hosts: {app: [warung.example], api: [api.warung.example]}
markers: [{path: "/papan/v1/{rest...}"}]
refusal: {hosts: api, body: '{"salah": "{message}"}'}
surfaces:
  api: {hosts: api, under: /papan/v1}
  room: {hosts: api, method: SOCKET, under: /papan/v1/bilik, refusal: {message: '{"salah": "{message}"}'}}
signatures:
  - {id: post, activity: post, surface: api, path: /tulis, texts: json.kata, uses: json.gambar}
  - {id: say, activity: message, surface: room, texts: json.kata}
housekeeping:
  - {surface: api, path: /baca, reason: read}
"""
RUMAH = """\
platform: rumah
title: Rumah
markers: [{path: "/papan/v1/{rest...}"}, {where: {header.x-rumah: {present: true}}}]
refusal: {body: '{"rumah": "{message}"}'}
surfaces:
  api: {hosts: app, under: /papan/v1}
signatures:
  - {id: shout, activity: comment, surface: api, path: /sorak, texts: json.kata}
  - {id: late, activity: post, surface: api, path: /baca, texts: json.kata}
"""
WORDS = "Kaunter dibuka semula pada hari Isnin"
BODY = json.dumps({"kata": WORDS, "gambar": "7"}).encode()


def platforms(sites: Mapping[str, str], *texts: str) -> Platforms:
    return compile_platforms([parse_platform(text, "a.yaml") for text in texts or (WARUNG, RUMAH)], sites)


def asked(host: str, path: str, body: bytes | None = BODY, method: str = "POST", **headers: str) -> Request:
    named = {"content_type": "application/json", **headers}
    return Request(method, host, path, tuple((name.replace("_", "-"), value) for name, value in named.items()), body)


def acts(found: Recognition) -> list[tuple[str, str, str, bool]]:
    return [(act.platform, str(act.kind), act.signature, act.unclaimed) for act in found.activities]


POST = ("warung", "post", "post", False)
LOOSE = ("warung", "post", "", True)


@pytest.mark.parametrize(
    ("host", "act"),
    [
        ("api.warung.example", POST),
        ("warung.contoh.my", POST),
        ("WARUNG.contoh.my.", POST),
        ("warung.lain.my", None),
        ("a.warung.contoh.my", None),
    ],
)
def test_it_is_spoken_on_its_own_hosts_and_on_a_site_whatever_the_role(host: str, act: tuple[object, ...]) -> None:
    found = recognise(asked(host, "/papan/v1/tulis"), platforms({"warung.contoh.my": "warung"}))
    assert acts(found) == ([act] if act else [])


def test_so_is_what_has_hosts_of_its_own_and_says_nothing_of_others() -> None:
    closed = WARUNG.replace("self_hosted: true\n", "")
    assert acts(recognise(asked("a.my", "/papan/v1/tulis"), platforms({"a.my": "warung"}, closed))) == [POST]
    of = platforms({}, closed)
    assert acts(recognise(asked("warung.example", "/papan/v1/tulis"), of)) == [LOOSE]
    assert acts(recognise(asked("api.warung.example", "/papan/v1/tulis"), of)) == [POST]


def test_a_refusal_has_its_shape_on_a_site_too() -> None:
    of = platforms({"a.my": "warung"})
    shape = of.refusal("api.warung.example")
    assert shape is not None
    assert shape == of.refusal("a.my", "/papan/v1/tulis")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (WARUNG, "api.warung.example"),
        (WARUNG.replace("self_hosted: true\n", ""), ""),
        (WARUNG.replace("self_hosted: true\n", "uses: rumah\n"), "api.warung.example"),
    ],
)
def test_ids_count_for_one_host_of_what_others_run_too(text: str, place: str) -> None:
    of = platforms({}, text, RUMAH)
    (act,) = recognise(asked("api.warung.example", "/papan/v1/tulis"), of).activities
    assert place_of(act, of) == place


def test_what_another_sites_page_sends_with_a_token_is_a_programs() -> None:
    of = platforms({"a.my": "warung"})
    page = {"origin": "https://klien.example", "sec_fetch_site": "cross-site"}
    assert recognise(asked("a.my", "/lain", **page), of).reason == "embed"
    assert acts(recognise(asked("a.my", "/lain", authorization="Bearer abc", **page), of)) == [LOOSE]
    wordless = recognise(asked("a.my", "/lain", b"{}", authorization="Bearer abc", **page), of)
    assert acts(wordless) == [("warung", "write", "", True)]


# ---------------------------------------------------------------- sites of which nothing is said

ANY = platforms({"a.my": UNTOLD, "b.my": UNTOLD})


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (asked("a.my", "/papan/v1/tulis"), [POST]),
        # Both mark the path, and one of them knows the operation, whichever comes first.
        (asked("a.my", "/papan/v1/sorak"), [("rumah", "comment", "shout", False)]),
        # What is no act to the one is one to the other.
        (asked("b.my", "/papan/v1/baca"), [("rumah", "post", "late", False)]),
        (asked("b.my", "/papan/v1/lain"), [LOOSE]),
        (asked("b.my", "/lain", x_rumah="1"), [("rumah", "post", "", True)]),
        (asked("a.my", "/lain"), [("site", "post", "", True)]),
        (asked("a.my", "/lain", b'{"a": 1}'), [("site", "write", "", True)]),
        (asked("c.my", "/papan/v1/tulis"), []),
    ],
)
def test_markers_tell_for_each_request_what_a_site_runs(request_: Request, found: list[tuple[object, ...]]) -> None:
    assert acts(recognise(request_, ANY)) == found


def test_a_visit_of_it_is_one() -> None:
    found = recognise(asked("a.my", "/", None, "GET", sec_fetch_dest="document"), ANY)
    assert acts(found) == [("site", "view", "", False)]
    assert acts(recognise(asked("a.my", "/", None, "GET", sec_fetch_dest="image"), ANY)) == []


def test_its_body_is_waited_for_like_anothers() -> None:
    assert recognise(asked("a.my", "/papan/v1/tulis", None), ANY).awaits_body
    assert recognise(asked("a.my", "/lain", None), ANY).awaits_body
    gap = Gap("too-large")
    (act,) = recognise_unread(asked("a.my", "/papan/v1/tulis", None), gap, ANY).activities
    assert (act.platform, act.signature, act.gaps) == ("warung", "post", (gap,))
    (act,) = recognise_unread(asked("a.my", "/lain", None), gap, ANY).activities
    assert (act.platform, act.unclaimed, act.gaps) == ("site", True, (gap,))


def test_a_refusal_there_has_the_shape_of_what_was_told() -> None:
    assert ANY.refusal("a.my", "/papan/v1/tulis") is None
    shape = ANY.refusal("a.my", "/papan/v1/tulis", "warung")
    assert shape is not None
    assert shape.body == '{"salah": "{message}"}'
    named = platforms({"a.my": "rumah"}).refusal("a.my", "/papan/v1/tulis", "warung")
    assert named is not None
    assert named.body == '{"rumah": "{message}"}'


def test_messages_on_a_socket_there_are_judged_and_refused_by_what_was_told() -> None:
    message = asked("a.my", "/papan/v1/bilik", method=SOCKET)
    assert acts(recognise(message, ANY)) == [("warung", "message", "say", False)]
    shape = socket_refusal(message, ANY)
    assert shape is not None
    assert shape.message == '{"salah": "{message}"}'
    assert socket_refusal(asked("a.my", "/lain", method=SOCKET), ANY) is None


def test_ids_count_for_the_site() -> None:
    (act,) = recognise(asked("b.my", "/papan/v1/tulis"), ANY).activities
    assert place_of(act, ANY) == "b.my"
    assert place_of(Activity(UNTOLD, Kind.POST, "b.my"), ANY) == "b.my"


def test_a_listed_host_stays_what_its_document_says() -> None:
    of = platforms({"warung.example": UNTOLD})
    role = of.at("warung.example")
    assert role is not None
    assert role.platform == "warung"


def test_a_fault_in_a_marker_lets_no_write_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> tuple[tuple[str, ...], bool]:
        raise RuntimeError("rosak")

    monkeypatch.setattr(Platforms, "presumed", broken)
    assert acts(recognise(asked("a.my", "/papan/v1/tulis"), ANY)) == [("site", "post", "", True)]


PASAR = """\
platform: pasar
title: Pasar
markers: [{where: {header.x-pasar: {present: true}}}, {path: /pasar/tulis}]
surfaces:
  page: {hosts: app, under: "/{base...}", name: query.action}
signatures:
  - {id: enter, activity: login, surface: page, name: enter}
  - {id: like, activity: react, surface: page, name: like}
  - {id: send, activity: upload, surface: page, name: send}
  - {id: say, activity: comment, surface: page, name: say, texts: json.ayat}
housekeeping:
  - {surface: page, name: save, reason: draft}
"""
MIXED = platforms({"a.my": UNTOLD}, WARUNG, RUMAH, PASAR)
PRETENDED = {"x_pasar": "1"}


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("save", []),
        ("enter", [("pasar", "login", "enter", False)]),
        ("like", [("pasar", "react", "like", False)]),
        ("send", [("pasar", "upload", "send", False)]),
    ],
)
def test_a_marker_that_anybody_may_add_hides_no_words(name: str, others: list[tuple[object, ...]]) -> None:
    """Whoever writes to a forum could say with a header that it is for a shop, which takes it for a draft."""
    loose = ("site", "post", "", True)
    assert acts(recognise(asked("a.my", f"/bual?action={name}", **PRETENDED), MIXED)) == [*others, loose]
    assert recognise(asked("a.my", f"/bual?action={name}", None, **PRETENDED), MIXED).awaits_body
    # What has no words, and what only this software has at such a path, is as it says.
    for path, body in ((f"/bual?action={name}", b'{"a": 1}'), (f"/pasar/tulis?action={name}", BODY)):
        assert acts(recognise(asked("a.my", path, body, **PRETENDED), MIXED)) == others


@pytest.mark.parametrize(("name", "kind"), [("save", "write"), ("enter", "login"), ("send", "upload")])
def test_nor_a_body_that_is_not_read(name: str, kind: str) -> None:
    found = recognise_unread(asked("a.my", f"/bual?action={name}", None, **PRETENDED), Gap("too-large"), MIXED)
    assert found.activities[0].kind == kind
    assert found.streams is (name == "send")
    assert (len(found.activities) == 2) is (name == "enter")


def test_what_several_claim_is_what_each_says() -> None:
    both = json.dumps({"kata": WORDS, "ayat": "Hai"}).encode()
    found = recognise(asked("a.my", "/papan/v1/tulis?action=say", both, **PRETENDED), MIXED)
    assert acts(found) == [POST, ("pasar", "comment", "say", False)]
    assert [text.value for act in found.activities for text in act.texts] == [WORDS, "Hai"]
    found = recognise(asked("a.my", "/papan/v1/tulis?action=enter", **PRETENDED), MIXED)
    assert acts(found) == [POST, ("pasar", "login", "enter", False)]


@pytest.mark.parametrize("more", [0, 1])
def test_markers_of_more_software_than_one_site_runs_are_a_gap(more: int) -> None:
    """Each would have to read the body for itself."""
    shops = [PASAR.replace("platform: pasar", f"platform: pasar-{number}") for number in range(TOLD + more)]
    of = platforms({"a.my": UNTOLD}, *shops)
    (act, *others) = recognise(asked("a.my", "/bual?action=say", b'{"ayat": "Hai"}', **PRETENDED), of).activities
    assert (act.unclaimed, [gap.reason for gap in act.gaps]) == ((True, ["unreadable"]) if more else (False, []))
    assert len(others) == (0 if more else TOLD - 1)


def test_the_bundled_software_is_told_by_its_markers() -> None:
    files = [file for file in sorted(bundled("policies/platforms").glob("*.yaml")) if "." not in file.stem]
    of = compile_platforms([parse_platform(file.read_text("utf-8"), file.name) for file in files], {"a.my": UNTOLD})
    request = asked("a.my", "/wp-comments-post.php", f"comment={WORDS}".encode(), content_type="text/plain")
    (act,) = recognise(request, of).activities
    assert (act.platform, act.signature) == ("wordpress", "comment-form")
    call = (
        "<methodCall><methodName>new_topic</methodName><params><param><value>2</value></param>"
        f"<param><value>Notis</value></param><param><value>{WORDS}</value></param></params></methodCall>"
    )
    request = asked("a.my", "/mobiquo/mobiquo.php", call.encode(), content_type="text/xml")
    (act,) = recognise(request, of).activities
    assert (act.signature, [text.value for text in act.texts]) == ("tapatalk-topic", ["Notis", WORDS])


def test_a_fault_lets_no_write_pass_that_looks_like_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As what bots and old forums are sent; pages are still to be read."""
    by_get = WARUNG.replace(
        "api: {hosts: api, under: /papan/v1}", "api: {hosts: api, method: [GET, POST], under: /papan/v1}"
    )
    of = platforms({"a.my": "warung"}, by_get)
    monkeypatch.setattr(CompiledClaim, "holds", lambda *_: 1 / 0)
    (act,) = recognise(asked("a.my", "/papan/v1/tulis?kata=Hai", None, "GET"), of).activities
    assert (act.kind, act.unclaimed, [gap.reason for gap in act.gaps]) == (Kind.WRITE, True, ["unreadable"])
    assert recognise(asked("a.my", "/papan/v1/baca", None, "GET"), of).reason == "read"
