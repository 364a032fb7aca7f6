"""The invented platform of the tests whose people write on WebSockets: `tests/sembang` is a folder of policies."""

from pathlib import Path

FOLDER = Path(__file__).with_name("sembang")
HOST = "sembang.example"
CHAT = "ws.sembang.example"
SUBPROTOCOL = "sembang.v1"
DOCUMENT = (FOLDER / "platforms" / "sembang.yaml").read_text("utf-8")
CASES = (FOLDER / "platforms" / "sembang.cases.yaml").read_text("utf-8")
