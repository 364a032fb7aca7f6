"""What client libraries really send, recorded once with invented words: each act is known, with the exact words.

`tests/recordings/NAME.jsonl` are requests as `gerbang platforms recognise` reads them, `NAME.acts.jsonl` the acts that
are in them, as a person has checked them: index, platform, activity, signature, account, texts and target.
"""

import json
from pathlib import Path

import pytest

from gerbang.cli.platforms.recordings import recorded
from gerbang.recognition.recognise import recognise
from gerbang.recognition.signature import Platforms, compile_platforms
from platform_builders import shipped_documents

FOLDER = Path(__file__).parents[1] / "recordings"
SITES = {
    "blog.contoh.my": "wordpress",
    "forum.contoh.my": "discourse",
    "xenforo.contoh.my": "xenforo",
    "nota.contoh.my": "ghost",
    "suara.contoh.my": "mastodon",
    "misskey.contoh.my": "misskey",
    "pds.contoh.my": "bluesky",
}
FILES = [file for file in sorted(FOLDER.glob("*.jsonl")) if not file.name.endswith(".acts.jsonl")]


@pytest.fixture(scope="module")
def platforms() -> Platforms:
    return compile_platforms(shipped_documents(), SITES)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_each_act_of_a_real_client_is_known_with_its_exact_words(file: Path, platforms: Platforms) -> None:
    acts = []
    for index, request in enumerate(recorded(file)):
        assert request is not None
        for act in recognise(request, platforms).activities:
            words = [text.value for text in act.texts]
            account = act.account.id or act.account.handle
            acts.append([index, act.platform, str(act.kind), act.signature, account, words, act.target])
    expected = (file.parent / f"{file.stem}.acts.jsonl").read_text("utf-8").splitlines()
    assert acts == [json.loads(line) for line in expected]
