"""A stand-in for Telegram's Bot API."""

from starlette.applications import Starlette

from gerbang.demo.standins.reception import Reception

API = "api.telegram.org"
HOSTS = (API,)
SENT = ("/sendMessage", "/editMessageText", "/sendPhoto", "/sendPoll")


def site(reception: Reception) -> Starlette:
    return reception.calls(answered)


def answered(path: str, new: str) -> object:
    chat = {"id": -1001, "type": "channel", "title": "Saluran"}
    message = {"message_id": int(new) % 1_000_000, "date": 1_795_000_000, "chat": chat}
    return {"ok": True, "result": message if path.endswith(SENT) else True}
