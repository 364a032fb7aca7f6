"""`gerbang platforms`: recordings in both forms, and what is said of one that is wrong."""

import base64
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from builders import a_decision, an_activity
from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.cli.platforms import listing
from gerbang.cli.slot import now
from gerbang.errors import GerbangError
from gerbang.model import Shape
from gerbang.recognition.signature import parse_platform
from gerbang.record.event import decision_event
from gerbang.store import Forwarder, open_store
from journal_builders import KEYS, a_journal

TWEET = "https://x.com/i/api/graphql/AbC/CreateTweet"
TWEET_BODY = json.dumps({"variables": {"tweet_text": "Selamat pagi"}})
COMMENT = "comment=Terima+kasih&comment_post_ID=731&comment_parent=0"


def run(*arguments: str) -> str:
    """What a command prints; an error of ours is raised."""
    configuration.choose(None)
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.output


def lines(file: Path, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("platforms", "recognise", str(file), *options).splitlines()]


def recording(folder: Path, rows: Iterable[object]) -> Path:
    file = folder / "rakaman.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def row(url: str, body: bytes = b"", method: str = "POST", **headers: str) -> dict[str, Any]:
    pairs = [[name.replace("_", "-"), value] for name, value in headers.items()]
    return {"method": method, "url": url, "headers": pairs, "body_base64": base64.b64encode(body).decode()}


def har(folder: Path, *requests: dict[str, Any]) -> Path:
    file = folder / "rakaman.har"
    log = {
        "version": "1.2",
        "creator": {"name": "a", "version": "1"},
        "entries": [{"request": one} for one in requests],
    }
    file.write_text(json.dumps({"log": log}, indent=1), encoding="utf-8")
    return file


def har_request(url: str, method: str = "POST", headers: Iterable[tuple[str, str]] = (), **data: Any) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in headers]
    return {"method": method, "url": url, "headers": listed, "cookies": [], **({"postData": data} if data else {})}


def test_json_lines_are_recognised_one_line_each(tmp_path: Path) -> None:
    file = recording(
        tmp_path,
        [
            row(TWEET, TWEET_BODY.encode(), content_type="application/json", cookie="twid=u%3D12"),
            row("https://x.com/i/api/graphql/AbC/HomeLatestTimeline", b"{}"),
            row("https://bank.contoh.my/bayar", b"a=b"),
            row("data:text/plain,a", method="GET"),
        ],
    )
    post, read, bank, data = lines(file)
    assert {
        key: post[key] for key in ("index", "platform", "activity", "account", "texts", "media", "signature", "gaps")
    } == {
        "index": 0,
        "platform": "x",
        "activity": "post",
        "account": "12",
        "texts": ["Selamat pagi"],
        "media": [],
        "signature": "post",
        "gaps": [],
    }
    assert (read["index"], read["platform"], read["activity"], read["reason"]) == (1, "x", None, "read")
    assert (bank["platform"], bank["activity"], bank["reason"]) == (None, None, "not-listed")
    assert (data["index"], data["activity"]) == (3, None)


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ({"mimeType": "application/json", "text": TWEET_BODY}, [("Content-Type", "application/json")]),
        ({"mimeType": "application/json", "text": TWEET_BODY}, []),
        ({"mimeType": "application/json", "text": TWEET_BODY}, [("content-encoding", "gzip")]),
        (
            {
                "mimeType": "application/json",
                "text": base64.b64encode(gzip.compress(TWEET_BODY.encode())).decode(),
                "encoding": "base64",
            },
            [("content-encoding", "gzip")],
        ),
        (
            {"mimeType": "application/json", "text": gzip.compress(TWEET_BODY.encode()).decode("latin-1")},
            [("content-encoding", "gzip")],
        ),
    ],
)
def test_a_har_says_the_same_whichever_way_a_browser_wrote_the_body(
    tmp_path: Path, data: dict[str, Any], headers: list[tuple[str, str]]
) -> None:
    (post,) = lines(har(tmp_path, har_request(TWEET, headers=[(":authority", "x.com"), *headers], **data)))
    assert (post["activity"], post["texts"], post["gaps"]) == ("post", ["Selamat pagi"], [])


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=asal"])
def test_a_har_may_hold_the_fields_in_place_of_the_body(tmp_path: Path, kind: str) -> None:
    params = [{"name": "comment", "value": "Terima kasih"}, {"name": "comment_post_ID", "value": "731"}]
    params.append({"name": "file", "value": "", "fileName": "a.png", "contentType": "image/png"})
    request = har_request(
        "https://blog.contoh.my/wp-comments-post.php", headers=[("content-type", kind)], mimeType=kind, params=params
    )
    (comment,) = lines(har(tmp_path, request))
    assert (comment["activity"], comment["texts"], comment["target"]) == ("comment", ["Terima kasih"], "731")


def test_what_a_page_sent_on_a_socket_is_a_line_each(tmp_path: Path) -> None:
    file = har(tmp_path, har_request("wss://chat-ws.x.com/ws", "GET"))
    document = json.loads(file.read_text("utf-8"))
    document["log"]["entries"][0] |= {
        "response": {"headers": [{"name": "Sec-WebSocket-Protocol", "value": "a"}]},
        "_webSocketMessages": [
            {"type": "receive", "time": 1, "opcode": 1, "data": "{}"},
            {"type": "send", "time": 2, "opcode": 2, "data": "CgQIARAC"},
            {"type": "send", "time": 3, "opcode": 1, "data": "{}"},
        ],
    }
    file.write_text(json.dumps(document), encoding="utf-8")
    assert [(line["signature"], line["gaps"]) for line in lines(file)] == [
        ("chat-socket", ["encrypted"]),
        ("chat-socket", ["unreadable", "encrypted"]),
        ("chat-socket", ["encrypted"]),
    ]


def test_cookies_of_a_har_may_stand_beside_the_headers(tmp_path: Path) -> None:
    request = har_request(TWEET, mimeType="application/json", text=TWEET_BODY)
    request["cookies"] = [{"name": "twid", "value": "u%3D12"}]
    assert lines(har(tmp_path, request))[0]["account"] == "12"


def test_a_blog_is_known_by_its_marks_without_being_listed(tmp_path: Path) -> None:
    file = recording(
        tmp_path,
        [
            row("https://apa.contoh.my/blog/wp-comments-post.php", COMMENT.encode()),
            row("https://apa.contoh.my/?rest_route=/wp/v2/posts/7", b"title=a&status=publish"),
            row(
                "https://apa.contoh.my/",
                method="GET",
                sec_fetch_dest="document",
                cookie="wordpress_logged_in_a=mina%7C1",
            ),
            row("https://apa.contoh.my/hubungi", b"pesan=Kandungan+yang+cukup+panjang+di+sini"),
        ],
    )
    comment, post, visit, other = lines(file)
    assert (comment["platform"], comment["activity"], comment["texts"]) == ("wordpress", "comment", ["Terima kasih"])
    assert (post["activity"], visit["activity"], visit["account"]) == ("post", "view", "mina")
    assert (other["platform"], other["activity"]) == (None, None)
    *_, listed = lines(file, "--site", "apa.contoh.my=wordpress")
    assert (listed["activity"], listed["unclaimed"]) == ("post", True)


def test_the_rest_of_a_batch_stands_in_also(tmp_path: Path) -> None:
    requests = [{"method": "POST", "path": "/wp/v2/comments", "body": {"content": word}} for word in ("satu", "dua")]
    body = json.dumps({"requests": requests}).encode()
    (found,) = lines(recording(tmp_path, [row("https://blog.contoh.my/wp-json/batch/v1", body)]))
    assert (found["texts"], [one["texts"] for one in found["also"]]) == (["satu"], [["dua"]])


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "the recording is empty"),
        ("selamat", "rakaman:1:1: not JSON; expected a HAR 1.2 file or JSON lines"),
        ("[1]", "rakaman:1: not a recording; expected a HAR 1.2 file or JSON lines"),
        ('{"log": {}}', "no `log.entries`; expected a HAR 1.2 file"),
        ('{"log": {"entries": [{}]}}', "rakaman: entry 0: no `request`"),
        ('{"log": {"entries": [', "rakaman:1:22: not JSON"),
        ('{"method": "GET"}', "rakaman:1: `url` is missing"),
        ('{"url": "/home"}', "rakaman:1: `url` must be whole, as in `https://x.com/home`"),
        ('{"url": "https://"}', "rakaman:1: `url` has no host"),
        ('{"url": "https://x.com:port/"}', "rakaman:1: `url` is no address"),
        ('{"url": "https://x.com/"}\n{"url": ', "rakaman:2:9: not JSON"),
        ('{"url": "https://x.com/"}\n\n[1]', "rakaman:3: not an object with `method` and `url`"),
        ('{"url": "https://x.com/", "body_base64": "%"}', "rakaman:1: `body_base64` is not base64"),
        ('{"url": "https://x.com/", "body_base64": 7}', "rakaman:1: `body_base64` must be a text"),
        ('{"url": "https://x.com/", "headers": [["a"]]}', "rakaman:1: `headers` must be a list of [name, value]"),
        ('{"url": "https://x.com/", "headers": [["a", 1]]}', "rakaman:1: `headers` must hold texts"),
        ('{"url": "https://x.com/", "method": 7}', "rakaman:1: `method` must be a text"),
        ("[" * 100_000, "the recording is nested too deeply"),
    ],
)
def test_a_recording_that_is_wrong_says_where(tmp_path: Path, written: str, sentence: str) -> None:
    file = tmp_path / "rakaman"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(GerbangError) as raised:
        run("platforms", "recognise", str(file))
    assert sentence in str(raised.value)


def test_a_recording_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(GerbangError, match="cannot be read"):
        run("platforms", "recognise", str(tmp_path / "tiada"))
    (tmp_path / "bait").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(GerbangError, match="not UTF-8"):
        run("platforms", "recognise", str(tmp_path / "bait"))


def test_a_site_of_no_platform_is_an_error(tmp_path: Path) -> None:
    file = recording(tmp_path, [])
    with pytest.raises(GerbangError, match="did you mean `wordpress`"):
        run("platforms", "recognise", str(file), "--site", "a.my=wordpres")


def test_the_list_names_every_platform() -> None:
    listed = {entry["platform"]: entry for entry in json.loads(run("platforms", "list", "--json"))}
    assert {"x", "wordpress"} <= set(listed)
    assert listed["x"]["cases"] > listed["x"]["signatures"] > 50
    assert "x.com" in listed["x"]["hosts"]


def test_an_admins_folder_is_tested_and_a_case_that_fails_is_the_exit_status(tmp_path: Path) -> None:
    folder = tmp_path / "platforms"
    folder.mkdir()
    document = (
        "platform: contoh\ntitle: Contoh\nhosts: {app: [contoh.my]}\nsurfaces: {api: {hosts: app, under: /post}}\n"
    )
    document += "signatures: [{id: post, activity: post, surface: api, texts: form.text}]\n"
    (folder / "contoh.yaml").write_text(document, encoding="utf-8")
    case = (
        "platform: contoh\ncases:\n  - name: a post\n    request: {url: https://contoh.my/post, form: {text: Salam}}\n"
    )
    (folder / "contoh.cases.yaml").write_text(case + "    expect: {activity: post, texts: [Salam]}\n", encoding="utf-8")
    for path in (folder, tmp_path):
        assert json.loads(run("platforms", "test", str(path), "--json"))["failures"] == []
    (folder / "contoh.cases.yaml").write_text(case + "    expect: null\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["platforms", "test", str(folder)])
    assert result.exit_code == 1
    assert "gives `post` by `post`, not no act" in result.output
    with pytest.raises(GerbangError, match="no platform document"):
        run("platforms", "test", str(tmp_path.parent / tmp_path.name / ".."))


# ---------------------------------------------------------------- drift

NEW = Shape("app", "POST", "/i/api/graphql/{}/CreateStatement", "graphql", "CreateStatement", (), ("variables.text",))


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state in whose record an unclaimed post stands."""
    monkeypatch.setenv("GERBANG_STATE", str(tmp_path))
    journal = a_journal(tmp_path / "journal")
    activity = an_activity("teks", unclaimed=True, shape=NEW, signature="")
    journal.append(decision_event(a_decision(activity=activity, moment=now()), "answered", [], KEYS)).result(10)
    journal.close()
    run("db", "upgrade")
    store = open_store(f"sqlite:///{tmp_path / 'gerbang.db'}")
    Forwarder(tmp_path / "journal", store).once()
    store.close()
    return tmp_path


@pytest.mark.usefixtures("strange")
def test_unclaimed_writes_are_shown_with_a_skeleton_and_no_person() -> None:
    (told,) = json.loads(run("platforms", "unclaimed", "--json"))
    assert (told["platform"], told["judged"], told["counted"], told["name"]) == ("x", 1, 0, "CreateStatement")
    assert "    name: CreateStatement\n    texts: [variables.text]\n" in told["skeleton"]
    shown = run("platforms", "unclaimed", "--platform", "x", "--days", "1")
    assert "surface: graphql" in shown
    assert "Aminah" not in shown
    assert "teks" not in shown


def test_where_everything_was_known_that_is_said(strange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the signatures knew" in run("platforms", "unclaimed", "--platform", "wordpress")
    monkeypatch.setenv("GERBANG_STATE", str(strange / "elsewhere"))
    with pytest.raises(GerbangError, match="there is no database"):
        run("platforms", "unclaimed")
    with pytest.raises(GerbangError, match="unknown platform `fecebook`"):
        run("platforms", "unclaimed", "--platform", "fecebook")


def test_housekeeping_is_listed_with_its_reason() -> None:
    rows = json.loads(run("platforms", "housekeeping", "x", "--json"))
    assert {row["platform"] for row in rows} == {"x"}
    assert all(row["reason"] for row in rows)
    assert "telemetry" in run("platforms", "housekeeping")
    with pytest.raises(GerbangError, match="unknown platform"):
        run("platforms", "housekeeping", "fecebook")


UPLOAD = "https://upload.x.com/i/media/upload.json?command="
ALTERNATIVE = "https://api.x.com/1.1/media/metadata/create.json"
POST_WITH_PICTURE = {"variables": {"tweet_text": "Notis", "media": {"media_entities": [{"media_id": "71"}]}}}


def test_an_act_of_several_steps_is_shown_with_what_went_before_it(tmp_path: Path) -> None:
    answer = {"status": 202, "body_base64": base64.b64encode(b'{"media_id_string": "71"}').decode()}
    words = json.dumps({"media_id": "71", "alt_text": {"text": "Poster"}}).encode()
    rows = [
        {**row(f"{UPLOAD}INIT&total_bytes=3&media_type=image%2Fpng"), "answer": answer},
        {**row(ALTERNATIVE, words, content_type="application/json"), "answer": {}},
        row(TWEET, json.dumps(POST_WITH_PICTURE).encode(), content_type="application/json"),
    ]
    begun, described, post = lines(recording(tmp_path, rows))
    assert "earlier" not in begun
    assert described["earlier"] == {"belongs_to": [0], "sent_earlier": [], "texts": [], "media": [], "gaps": []}
    assert (post["texts"], post["gaps"]) == (["Notis"], []), "the request alone"
    assert post["earlier"] == {
        "belongs_to": [],
        "sent_earlier": [0, 1],
        "texts": ["Poster"],
        "media": [{"id": "71", "type": "image/png", "size": 3}],
        "gaps": ["unseen-media"],
    }


@pytest.mark.parametrize("encoding", ["base64", None])
def test_a_browsers_recording_tells_what_was_answered(tmp_path: Path, encoding: str | None) -> None:
    text = '{"media_id_string": "71"}'
    content = {"text": base64.b64encode(text.encode()).decode(), "encoding": encoding} if encoding else {"text": text}
    begin = {"method": "POST", "url": f"{UPLOAD}INIT&total_bytes=3", "headers": []}
    post = {
        "method": "POST",
        "url": TWEET,
        "headers": [],
        "postData": {"mimeType": "application/json", "text": json.dumps(POST_WITH_PICTURE)},
    }
    entries = [
        {"request": begin, "response": {"status": 202, "headers": [], "content": content}},
        {"request": begin, "response": {"status": 0, "content": []}},
        {"request": post, "response": "none"},
    ]
    file = tmp_path / "rakaman.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    assert lines(file)[2]["earlier"]["sent_earlier"] == [0]


@pytest.mark.parametrize("answer", [7, {"status": "ok"}, {"body_base64": "%"}, {"headers": 7}])
def test_an_answer_that_is_none_is_named(tmp_path: Path, answer: object) -> None:
    file = recording(tmp_path, [{**row(TWEET), "answer": answer}])
    with pytest.raises(GerbangError) as raised:
        lines(file)
    assert str(raised.value).startswith(f"{file}:1")


def test_the_list_fits_a_hundred_columns_and_json_keeps_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    # Told to the console that prints, and not by the environment, which it may have asked long ago.
    console = listing.table.__globals__["console"]
    monkeypatch.setattr(console, "_width", 100)
    monkeypatch.setattr(console, "_height", 50)
    listed = json.loads(run("platforms", "list", "--json"))
    table = run("platforms", "list").splitlines()
    assert max(map(len, table)) <= 100
    assert len(table) == len(listed) + 4, "a line each"
    (x,) = (one for one in listed if one["platform"] == "x")
    assert {"x.com", "api.x.com"} <= set(x["hosts"])
    assert x["signatures"] == sum(x["confidence"].values())
    assert {"post", "delete"} <= set(x["activities"])
    (row,) = (line for line in table if "│x " in line)
    assert f"x.com +{len(x['hosts']) - 1}" in row
    assert f"post +{len(x['activities']) - 1}" in row
    assert f"confirmed {x['confidence']['confirmed']}, reported {x['confidence']['reported']}" in row


def test_all_hosts_are_listed_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    shown = run("platforms", "list", "--hosts")
    assert "x.com +" not in shown
    assert "api.x.com, " in shown


def test_one_platform_is_shown_with_its_hosts_signatures_and_what_is_no_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = run("platforms", "show", "x")
    assert shown.startswith("X (x")
    assert "\ncdn: " in shown
    assert "d60/twikit" in shown
    assert "no act:" in shown
    told = json.loads(run("platforms", "show", "x", "--json"))
    assert {"activity": "post", "signature": "post", "confidence": "confirmed"}.items() <= told["signatures"][
        [one["signature"] for one in told["signatures"]].index("post")
    ].items()
    assert told["housekeeping"]
    assert told["file"].endswith("x.yaml")


def test_a_platform_that_is_not_there_is_not_shown() -> None:
    with pytest.raises(GerbangError, match="unknown platform `y`"):
        run("platforms", "show", "y")


OWN = """platform: {name}
title: Own
version: 1.4.2
hosts: {{app: [{name}.example]}}
surfaces: {{api: {{hosts: app}}}}
signatures:
  - {{id: say, activity: post, surface: api, path: /say, texts: json.text}}
"""
OWN_CASES = """platform: {name}
cases:
  - name: said
    request: {{url: "https://{name}.example/say", json: {{text: Selamat pagi}}}}
    expect: {{activity: post, texts: [Selamat {word}]}}
"""


def test_a_folder_of_ones_own_is_tried_and_what_has_no_case_is_named(tmp_path: Path) -> None:
    (tmp_path / "kedai.yaml").write_text(OWN.format(name="kedai"))
    (tmp_path / "warung.yaml").write_text(OWN.format(name="warung"))
    (tmp_path / "warung.cases.yaml").write_text(OWN_CASES.format(name="warung", word="pagi"))
    told = run("platforms", "test", str(tmp_path))
    assert "without cases: kedai" in told
    assert "all 1 cases hold, of 2 platforms" in told


def test_the_platforms_that_fail_stand_last_and_are_counted(tmp_path: Path) -> None:
    for name, word in (("arus", "petang"), ("warung", "pagi")):
        (tmp_path / f"{name}.yaml").write_text(OWN.format(name=name))
        (tmp_path / f"{name}.cases.yaml").write_text(OWN_CASES.format(name=name, word=word))
    configuration.choose(None)
    result = CliRunner().invoke(app, ("platforms", "test", str(tmp_path)))
    assert result.exit_code == 1
    assert result.output.index("│warung") < result.output.index("│arus")
    assert "arus.cases.yaml:3:5: said: texts" in result.output
    assert "1 of 2 cases fail, in 1 of 2 platforms" in result.output


def test_a_document_of_ones_own_stands_for_the_shipped_one_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rules" / "platforms"
    folder.mkdir(parents=True)
    (folder / "burung.yaml").write_text(OWN.format(name="x"))
    (folder / "burung.cases.yaml").write_text(OWN_CASES.format(name="x", word="pagi"))
    monkeypatch.setenv("GERBANG_POLICIES", json.dumps(["bundled", str(folder.parent)]))
    (mine,) = [one for one in json.loads(run("platforms", "list", "--json")) if one["platform"] == "x"]
    assert (mine["version"], mine["cases"], mine["hosts"]) == ("1.4.2", 1, ["x.example"])
    tried = json.loads(run("platforms", "test", "--json"))
    assert {"platform": "x", "cases": 1, "passed": 1, "failed": 0} in tried["platforms"]


def test_a_version_is_a_day_or_numbers() -> None:
    for version, right in (("2026-11-24", True), ("3", True), ("1.4.2", True), ("new", False), ("24/11/2026", False)):
        text = OWN.format(name="x").replace("1.4.2", version)
        if right:
            assert parse_platform(text, "x.yaml").version == version
        else:
            with pytest.raises(GerbangError, match="write a day as `2026-11-24`"):
                parse_platform(text, "x.yaml")


MARKER = "Kuih lapis ada di pantri"


def learning(folder: Path, **more: object) -> Path:
    body = json.dumps({"op": "reply", "body": MARKER, "token": "zzrahsia"})
    return har(
        folder,
        har_request("https://warung.example/api/replies", mimeType="application/json", text=body)
        | {"headers": [{"name": "Cookie", "value": "sid=zzrahsia"}]}
        | more,
    )


def test_what_is_learnt_is_written_and_passes_platforms_test(tmp_path: Path) -> None:
    told = run("platforms", "learn", str(learning(tmp_path)), "--marker", MARKER, "--out", str(tmp_path / "rules"))
    files = sorted((tmp_path / "rules" / "platforms").iterdir())
    assert [file.name for file in files] == ["warung.cases.yaml", "warung.yaml"]
    assert f"written: {files[1]}" in told
    assert "zzrahsia" not in told + "".join(file.read_text("utf-8") for file in files)
    assert "all 5 cases hold, of 1 platform" in run("platforms", "test", str(tmp_path / "rules"))


def test_without_a_folder_it_is_printed_and_nothing_written(tmp_path: Path) -> None:
    file = learning(tmp_path)
    told = run("platforms", "learn", str(file), "--marker", MARKER, "--platform", "kedai", "--activity", "post")
    assert "# write as platforms/kedai.yaml\n" in told
    assert "activity: post\n" in told
    assert "# write as platforms/kedai.cases.yaml\n" in told
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_is_written_over_only_if_somebody_says_so(tmp_path: Path) -> None:
    file, rules = learning(tmp_path), tmp_path / "rules"
    there = rules / "platforms" / "warung.yaml"
    there.parent.mkdir(parents=True)
    there.write_text("# mine\n")
    arguments = ("platforms", "learn", str(file), "--marker", MARKER, "--out", str(rules))
    for answer, text in (("n\n", "# mine\n"), ("", "# mine\n"), ("y\n", "# Learnt from a recording")):
        configuration.choose(None)
        result = CliRunner().invoke(app, arguments, input=answer)
        assert "is there already; write over it?" in result.output
        assert there.read_text("utf-8").startswith(text)
        assert (there.with_name("warung.cases.yaml").exists()) is (answer == "y\n")


def test_a_signature_for_a_known_platform_is_printed_as_what_is_to_be_added(tmp_path: Path) -> None:
    url = "https://x.com/i/api/graphql/AbC/CreateShout"
    body = json.dumps({"operationName": "CreateShout", "variables": {"shout": MARKER}})
    file = har(tmp_path, har_request(url, mimeType="application/json", text=body))
    told = run("platforms", "learn", str(file), "--marker", MARKER, "--activity", "post")
    assert "# add to platforms/x.yaml\n# under `surfaces`:\n" in told
    assert "- id: post-2\n" in told
    assert "title: X" not in told


def test_the_day_of_a_recording_is_that_on_which_it_was_made(tmp_path: Path) -> None:
    file = learning(tmp_path)
    document = json.loads(file.read_text("utf-8"))
    document["log"]["entries"][0]["startedDateTime"] = "2026-03-09T08:00:00.000Z"
    file.write_text(json.dumps(document), "utf-8")
    assert "seen: 2026-03\n" in run("platforms", "learn", str(file), "--marker", MARKER)
