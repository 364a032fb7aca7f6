"""A platform document that is wrong says where, what, and what would do."""

import json

import pytest

from gerbang.errors import DocumentErrors, SettingsError
from gerbang.model import Request
from gerbang.recognition.recognise import recognise
from gerbang.recognition.signature import compile_platforms, parse_platform

GOOD = """\
platform: contoh
title: Contoh
hosts:
  app: [contoh.my]
account:
  - id: cookie.user
surfaces:
  api: {hosts: app, under: /api, name: json.operation}
signatures:
  - id: post
    activity: post
    surface: api
    name: CreatePost
    where:
      json.draft: {truthy: false}
    texts: json.text
"""


def wrong(old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(DocumentErrors) as raised:
        parse_platform(GOOD.replace(old, new), "contoh.yaml")
    return str(raised.value)


def test_a_right_one_is_taken() -> None:
    document = parse_platform(GOOD, "contoh.yaml")
    assert document.signatures[0].texts == ("json.text",)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "activity: post",
            "activity: pots",
            "contoh.yaml:11:15: unknown activity `pots`; did you mean `post`? expected one of `view`, `login`, `post`",
        ),
        (
            "    texts: json.text",
            "    text: json.text",
            "contoh.yaml:16:5: unknown key `text`; did you mean `texts`? expected one of",
        ),
        (
            "surface: api",
            "surface: ap",
            "contoh.yaml:12:14: unknown surface `ap`; did you mean `api`? expected one of `api`",
        ),
        (
            "texts: json.text",
            "texts: jsn.text",
            "contoh.yaml:16:12: `jsn.text` must start with one of `query`, `header`",
        ),
        ("texts: json.text", "texts: json.text | upper", "contoh.yaml:16:12: unknown transform `upper`"),
        (
            "title: Contoh",
            "title: Contoh\ncharset: gbkk",
            "contoh.yaml:3:10: unknown charset `gbkk`; write one such as `gbk`",
        ),
        ("texts: json.text", "texts: json.password", "contoh.yaml:16:12: `json.password` is named like a secret"),
        (
            "{truthy: false}",
            "{truthy: false, thruthy: true}",
            "contoh.yaml:15:35: unknown key `thruthy`; did you mean `truthy`?",
        ),
        ("{truthy: false}", "{matches: '('}", "contoh.yaml:15:29: `(` is no RE2 pattern: missing )"),
        ("app: [contoh.my]", "ap: [contoh.my]", "contoh.yaml:4:3: unknown key `ap`; did you mean `app`?"),
        ("[contoh.my]", "['https://contoh.my']", "contoh.yaml:4:9: `https://contoh.my` is no host; write"),
        ("id: post", "id: Post", "contoh.yaml:10:9: `Post` is no name; use small letters, digits and hyphens"),
        ("    texts:", "    seen: November\n    texts:", "contoh.yaml:16:11: `November` is no month; write"),
        ("under: /api", "under: api", "contoh.yaml:10:5: path `api` must start with `/`"),
        ("    activity: post\n", "", "contoh.yaml:10:5: `activity` is missing"),
        ("activity: post", "activity: login", "contoh.yaml:10:5: `post` is a login, whose body is never read"),
        (
            "title: Contoh",
            "title: Contoh\nrefusal: {under: ajax, body: no}",
            "path `ajax` must start with `/`",
        ),
        (
            "title: Contoh",
            "title: Contoh\ntitle: Lagi",
            "contoh.yaml:3:1: `title` stands here a second time; the first is on line 2",
        ),
        ("title: Contoh", "title: [", "contoh.yaml:4:6: this is no YAML: expected `,` or `]`, but got `:`"),
        ("title: Contoh", "title: !!python/object:os.system a", "contoh.yaml:2:8: the tag `!!python/"),
        (", name: json.operation", "", "contoh.yaml:13:5: surface `api` has no `name`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, sentence: str) -> None:
    assert sentence in wrong(old, new)


def test_every_mistake_is_said_at_once() -> None:
    said = wrong("activity: post\n    surface: api", "activity: pots\n    surfaces: api")
    assert [line.split("; ")[0] for line in said.splitlines()] == [
        "contoh.yaml:11:15: unknown activity `pots`",
        "contoh.yaml:12:5: unknown key `surfaces`",
    ]
    said = wrong("app: [contoh.my]\n", "app: [contoh.my]\n  ap: [a.my]\nrefusal: {status: banyak, body: a}\n")
    assert len(said.splitlines()) == 2


def test_a_signature_that_stands_twice_is_an_error() -> None:
    again = GOOD[GOOD.index("  - id: post") :]
    with pytest.raises(DocumentErrors) as raised:
        parse_platform(GOOD + again, "contoh.yaml")
    assert str(raised.value) == "contoh.yaml:17:9: two signatures are called `post`; the first is on line 10"


@pytest.mark.parametrize("text", ["", "- a", "selamat", "a: &a [*a]", "[" * 1000, "\x00", "a: b: c"])
def test_what_is_no_document_is_said(text: str) -> None:
    with pytest.raises(DocumentErrors):
        parse_platform(text, "contoh.yaml")


def test_a_document_of_aliases_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DocumentErrors, match="too large"):
        parse_platform("\n".join(lines), "contoh.yaml")


def test_a_site_of_a_platform_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SettingsError, match="did you mean `contoh`"):
        compile_platforms([parse_platform(GOOD, "contoh.yaml")], {"blog.my": "conto"})


def test_a_later_document_replaces_one_of_its_name() -> None:
    later = parse_platform(GOOD.replace("contoh.my", "lain.my"), "contoh.yaml")
    platforms = compile_platforms([parse_platform(GOOD, "contoh.yaml"), later])
    assert platforms.at("contoh.my") is None
    assert platforms.at("lain.my") is not None


BASE = """\
platform: perisian
title: Perisian
php: true
account: [{handle: cookie.name}]
refusal: {body: "{}"}
surfaces:
  api: {hosts: app, under: /api, name: json.op}
  page: {hosts: app, under: /page}
signatures:
  - {id: post, activity: post, surface: api, name: post, texts: json.text}
  - {id: like, activity: react, surface: api, name: like}
  - {id: form, activity: comment, surface: page, texts: form.text}
housekeeping:
  - {surface: api, name: draft, reason: draft}
"""
USER = """\
platform: rumah
title: Rumah
uses: perisian
hosts: {app: [rumah.my], api: [api.rumah.my]}
surfaces:
  api: {hosts: [app, api], under: /v2, name: json.op}
signatures:
  - {id: like, activity: follow, surface: api, name: like}
"""


def reading(url_host: str, path: str, body: str, *texts: str) -> list[tuple[str, str, str]]:
    platforms = compile_platforms([parse_platform(text, "a.yaml") for text in texts], {"blog.my": "perisian"})
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    request = Request("POST", url_host, path, (("cookie", "name=aminah"), ("content-type", kind)), body.encode())
    acts = recognise(request, platforms).activities
    return [(act.platform, act.signature, act.account.handle or "") for act in acts]


def test_what_a_document_uses_is_taken_unless_it_says_so_itself() -> None:
    post = '{"op": "post", "text": "Selamat"}'
    assert reading("api.rumah.my", "/v2", post, BASE, USER) == [("rumah", "post", "aminah")]
    assert reading("api.rumah.my", "/v2", post, USER, BASE) == [("rumah", "post", "aminah")]
    assert reading("rumah.my", "/page", "text=Selamat", BASE, USER) == [("rumah", "form", "aminah")]
    assert reading("rumah.my", "/v2", '{"op": "draft"}', BASE, USER) == []
    assert reading("rumah.my", "/api", '{"op": "like"}', BASE, USER) == [("rumah", "", "aminah")]
    platforms = compile_platforms([parse_platform(text, "a.yaml") for text in (BASE, USER)])
    assert platforms.refusal("rumah.my") is not None
    (act,) = recognise(Request("POST", "rumah.my", "/v2", (), b'{"op": "like"}'), platforms).activities
    assert (act.kind, act.signature) == ("follow", "like")


def test_the_used_one_is_left_as_it_is() -> None:
    assert reading("blog.my", "/api", '{"op": "like"}', BASE, USER) == [("perisian", "like", "aminah")]
    assert reading("blog.my", "/v2", '{"op": "like"}', BASE, USER) == [("perisian", "", "aminah")]


def test_a_document_that_uses_what_is_not_there_or_uses_another_is_an_error() -> None:
    with pytest.raises(SettingsError, match="`rumah` uses `perisian`, which has no document"):
        compile_platforms([parse_platform(USER, "a.yaml")])
    third = USER.replace("rumah", "pejabat").replace("uses: perisian", "uses: rumah")
    with pytest.raises(SettingsError, match="`pejabat` uses `rumah`, which uses another itself; use `perisian`"):
        compile_platforms([parse_platform(text, "a.yaml") for text in (BASE, USER, third)])


def test_words_below_a_place_tell_a_request() -> None:
    text = GOOD.replace("json.draft: {truthy: false}", "json.body.**: {words: true}")
    platforms = compile_platforms([parse_platform(text, "contoh.yaml")])

    def signature(*body: object) -> str:
        sent = json.dumps({"operation": "CreatePost", "body": body}).encode()
        request = Request("POST", "contoh.my", "/api", (("content-type", "application/json"),), sent)
        return recognise(request, platforms).activities[0].signature

    assert signature("Kaunter dibuka", "<p>semula esok</p>") == "post"
    assert signature("Kaunter") == ""
    assert signature("4821093377120456610", "https://contoh.my/kaunter-dibuka-semula-esok") == ""


def test_what_is_autosaved_says_what_and_where() -> None:
    said = wrong("    texts: json.text", "    texts: json.text\n    autosaved: true")
    assert said == (
        "contoh.yaml:17:5: `post` is autosaved without both; say what is saved and where: `texts` and `target`"
    )


def test_a_signature_below_posts_is_no_secret_and_one_of_a_request_is() -> None:
    document = parse_platform(GOOD.replace("texts: json.text", "texts: form.signature_html"), "contoh.yaml")
    assert document.signatures[0].texts == ("form.signature_html",)
    assert "`form.x_signature` is named like a secret" in wrong("texts: json.text", "texts: form.x_signature")
