"""A stand-in for Slack's Web API."""

from starlette.applications import Starlette

from gerbang.demo.standins.reception import Reception

API = "slack.com"
HOSTS = (API,)


def site(reception: Reception) -> Starlette:
    return reception.calls(answered)


def answered(_: str, new: str) -> object:
    return {"ok": True, "ts": f"{new}.0001", "channel": "C0CONTOH", "message": {"text": ""}}
