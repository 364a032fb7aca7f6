"""The log of a whole `gerbang serve`, with faults that would say what nobody may read."""

import base64
import json
from contextlib import suppress
from pathlib import Path

import httpx

from e2e.office import WORD, an_office

LEAKS = Path(__file__).parent / "leaks"
SECRETS = {
    "cookie": "zzkuki-sangat-rahsia",
    "bearer": "zztoken-sangat-rahsia",
    "words": "zzkata-sangat-rahsia",
    "console": "zzsesi-sangat-rahsia",
}


def test_each_line_has_the_same_keys_and_none_a_secret(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(LEAKS), "GERBANG_LOG__FORMAT": "json"}
    with an_office(tmp_path, "10:00:00", environment=environment) as office:
        headers = {
            "Cookie": f"twid=u%3D2001; auth_token={SECRETS['cookie']}",
            "Authorization": f"Bearer {SECRETS['bearer']}",
        }
        body = json.dumps({"variables": {"tweet_text": SECRETS["words"]}}).encode()
        refused = office.send("farid", "POST", "https://x.com/i/api/graphql/A/CreateTweet", headers, body)
        assert refused.status == 503
        with suppress(OSError):  # what becomes of a fault that is mitmproxy's to log is not the point
            office.send("farid", "GET", "http://blog.kementerian-contoh.my/", headers)
            office.send("farid", "GET", "http://bank.contoh.my/", headers)
        failed = httpx.get(f"{office.console}/decisions", headers={"Cookie": f"gerbang-console={SECRETS['console']}"})
        assert failed.status_code == 500
    text = (tmp_path / "serve.log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"timestamp", "level", "part", "event"} <= set.intersection(*(set(line) for line in lines))
    assert {line["part"] for line in lines} >= {"serve", "gate", "console"}
    (fault,) = [line for line in lines if line["event"] == "fault" and line["host"] is not None]
    assert fault["part"] == "gate"
    assert fault["host"] == "x.com"
    assert "ValueError (what it says is left out)" in fault["exception"]
    assert "judging.py" in fault["exception"], "one can still see where"
    (console,) = [line for line in lines if line["part"] == "console" and "exception" in line]
    assert (console["event"], console["library"]) == ("library", "uvicorn.error")
    assert [line for line in lines if line.get("library", "").startswith("mitmproxy")], "mitmproxy's own log is in it"
    word = base64.b64encode(f"farid:{WORD}".encode()).decode()
    for secret in (*SECRETS.values(), WORD, word):
        assert secret not in text
