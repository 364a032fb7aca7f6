"""Platform documents that change under a running gate: taken when they are right, and no request lost meanwhile."""

import json
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from e2e.office import Office, an_office
from gerbang.bundled import bundled
from journal_builders import entries
from waiting import until

SHOUT = "https://x.com/i/api/graphql/AbCdEf/CreateShout"
WORDS = "Mesyuarat pagi ini ditunda ke petang"
CASE = f"""
  - name: a shout is a post
    request:
      url: {SHOUT}
      json: {{variables: {{tweet_text: {WORDS}}}}}
    expect: {{activity: post, signature: post, texts: [{WORDS}]}}
"""


def shipped(name: str) -> str:
    return (bundled("policies") / "platforms" / name).read_text("utf-8")


def renamed() -> str:
    """X's document as it would be once the platform has a new name for its posts."""
    text = shipped("x.yaml")
    post = text.index("- id: post\n")
    return text[:post] + text[post:].replace("CreateTweet, ", "CreateTweet, CreateShout, ", 1)


def shout(office: Office) -> str | None:
    """The signature by which a post of the new name is recognised, `None` where it is unclaimed."""
    body = json.dumps({"variables": {"tweet_text": WORDS}}).encode()
    headers = {"Content-Type": "application/json", "Cookie": "twid=u%3D2001", "Sec-Fetch-Site": "same-origin"}
    assert office.send("farid", "POST", SHOUT, headers, body).status == 403
    return str(office.decisions()[-1]["signature"]) or None


def told(folder: Path, event: str) -> list[dict[str, Any]]:
    lines = (folder / "serve.log").read_text("utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]


def health(office: Office) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{office.console}/healthz").json()["parts"]["gate"]
    return answer


def test_a_running_gate_takes_changed_documents_or_keeps_the_old_ones(tmp_path: Path) -> None:
    own = tmp_path / "rules" / "platforms"
    own.mkdir(parents=True)
    environment = {"GERBANG_POLICIES": json.dumps(["bundled", str(tmp_path / "rules")]), "GERBANG_LOG__FORMAT": "json"}
    with an_office(tmp_path, "10:00:00", environment=environment) as office:
        assert shout(office) is None
        before = office.decisions()[-1]["basis"]["platforms"]
        done, answered = Event(), list[int]()

        def go_on() -> None:
            while not done.is_set():
                answered.append(office.tweet("devi", f"Pagi ke-{len(answered)}, ada kuih di pantri").status)
                done.wait(0.2)

        others = Thread(target=go_on)
        others.start()
        try:
            (own / "x.cases.yaml").write_text(shipped("x.cases.yaml") + CASE, "utf-8")
            (own / "x.yaml").write_text(renamed(), "utf-8")
            until(lambda: told(tmp_path, "platforms-taken"))
            assert shout(office) == "post"
            after = office.decisions()[-1]["basis"]["platforms"]
            assert after != before

            (own / "x.yaml").write_text(renamed().replace("surface: graphql", "surface: grafql", 1), "utf-8")
            until(lambda: told(tmp_path, "platforms-refused"))
            (refused,) = told(tmp_path, "platforms-refused")
            assert refused["error"].startswith(f"{own}/x.yaml:")
            assert "unknown surface `grafql`" in refused["error"]
            assert refused["in_force"] == after
            until(lambda: health(office)["state"] == "degraded")
            assert "documents were not taken" in health(office)["why"]
            assert shout(office) == "post"

            (own / "x.yaml").write_text(shipped("x.yaml"), "utf-8")
            until(lambda: len(told(tmp_path, "platforms-refused")) == 2)
            assert "a shout is a post" in told(tmp_path, "platforms-refused")[1]["error"], "its own case does not hold"
            assert shout(office) == "post"
            assert office.decisions()[-1]["basis"]["platforms"] == after

            (own / "x.yaml").write_text(renamed().replace("version: 2026-11-24", "version: 2026-11-25", 1), "utf-8")
            until(lambda: len(told(tmp_path, "platforms-taken")) == 2)
            until(lambda: health(office)["state"] == "good")
        finally:
            done.set()
            others.join()
        assert len(answered) > 5
        assert set(answered) == {403}, "nothing went unanswered, and nothing went by"
        activated = [entry["body"]["basis"]["platforms"] for entry in entries(office.journal, "policy-activated")]
        assert activated == [before, after, told(tmp_path, "platforms-taken")[1]["platforms"]]
        assert told(tmp_path, "fault") == told(tmp_path, "fault-while-following") == []
