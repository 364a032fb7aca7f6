"""A stand-in for a Mastodon server, here the agency's own."""

from starlette.applications import Starlette

from gerbang.demo.standins.reception import Reception

SERVER = "sosial.jabatan.contoh.my"
HOSTS = (SERVER,)


def site(reception: Reception) -> Starlette:
    return reception.calls(lambda path, new: answered(path, new, SERVER, "jabatan"))


def answered(path: str, new: str, host: str, who: str) -> object:
    account = {"id": "9", "username": who, "acct": who, "url": f"https://{host}/@{who}", "display_name": who.title()}
    if "/media" in path:
        return {"id": new, "type": "image", "url": f"https://{host}/media/{new}.png", "description": None}
    status = {"id": new, "uri": f"https://{host}/@{who}/{new}", "url": f"https://{host}/@{who}/{new}", "content": ""}
    return {**status, "account": account, "created_at": "2026-11-24T11:00:00.000Z", "visibility": "public"}
