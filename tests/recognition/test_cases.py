"""The case runner: what it says of a case that does not hold."""

import pytest

from gerbang.errors import DocumentErrors
from gerbang.recognition.cases import parse_cases, run_cases
from gerbang.recognition.signature import parse_platform

DOCUMENT = """\
platform: contoh
title: Contoh
hosts: {app: [contoh.my]}
surfaces: {api: {hosts: app, under: /post}}
signatures:
  - {id: post, activity: post, surface: api, texts: field.text, target: field.to, media: {file: form.file}}
"""
CASE = """\
platform: contoh
cases:
  - name: a post
    request: {url: https://contoh.my/post, json: {text: Selamat, to: "9"}}
    expect: {activity: post, texts: [Selamat], target: 9}
"""


def failures(cases: str) -> list[str]:
    return [
        str(one) for one in run_cases(parse_cases(cases, "contoh.cases.yaml"), parse_platform(DOCUMENT, "contoh.yaml"))
    ]


def test_a_case_that_holds_says_nothing() -> None:
    assert failures(CASE) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("activity: post", "activity: share", "contoh.cases.yaml:3:5: a post: activity is `post`, not `share`"),
        ("[Selamat]", "[Salam]", "texts is `('Selamat',)`, not `('Salam',)`"),
        ("target: 9", "target: 8", "target is `9`, not `8`"),
        ("target: 9", "signature: pos", "signature is `post`, not `pos`"),
        ("target: 9", "gaps: [encrypted]", "gaps is `()`, not `('encrypted',)`"),
        ("target: 9", "media: [{id: 1}]", "has 0 attachments, not 1"),
        ("{activity: post, texts: [Selamat], target: 9}", "null", "gives `post` by `post`, not no act"),
        ("contoh.my/post", "contoh.my/baca", "unclaimed is `True`, not `False`"),
        (
            "url: https://contoh.my/post, json",
            "url: https://lain.my/post, json",
            "gives no act (not-listed), not `post`",
        ),
        ("target: 9}", "target: 9}\n    awaits_body: true", "the body is not wanted"),
    ],
)
def test_a_case_that_does_not_hold_says_how(old: str, new: str, said: str) -> None:
    assert old in CASE
    assert any(said in failure for failure in failures(CASE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("expect:", "expct:", "contoh.cases.yaml:5:5: unknown key `expct`; did you mean `expect`?"),
        ("https://contoh.my/post", "/post", "contoh.cases.yaml:4:20: `/post` is no whole address; write it like"),
        ("json: {", "jsn: {", "contoh.cases.yaml:4:44: unknown key `jsn`; did you mean `json`?"),
        (
            "target: 9}",
            "target: 9}\n    near:\n      - {name: x, drop: [nope], expect: null}",
            "contoh.cases.yaml:7:9: `x` changes a field that is not there",
        ),
        (
            "target: 9}",
            "target: 9}\n    near:\n      - {name: x, request: {methd: GET}, expect: null}",
            "contoh.cases.yaml:7:29: unknown key `methd`; did you mean `method`?",
        ),
        ("platform: contoh\n", "", "`platform` is missing"),
    ],
)
def test_a_case_document_that_is_wrong_says_where(old: str, new: str, said: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        parse_cases(CASE.replace(old, new), "contoh.cases.yaml")
    assert said in str(raised.value)


def test_a_near_case_changes_its_case() -> None:
    near = """
    near:
      - {name: other words, set: {text: Salam}, expect: {activity: post, texts: [Salam]}}
      - {name: no words, drop: [text], expect: {activity: post}}
      - {name: looked at, request: {method: GET, json: null}, expect: null, reason: read}
      - {name: as a form, request: {form: {text: Salam, to: "9"}}, expect: {activity: post, texts: [Salam], target: 9}}
      - {name: compressed, request: {encoding: br}, expect: {activity: post, texts: [Selamat]}}
      - name: with a file
        request: {parts: [{name: file, filename: a.png, base64: AAEC}]}
        expect: {activity: post, media: [{size: 3}]}
"""
    assert failures(CASE + near) == []
    assert len(failures(CASE + near.replace("Salam", "Salah", 1))) == 1
