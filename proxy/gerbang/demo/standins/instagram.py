"""A stand-in for Instagram: the host for pictures' bytes, and the calls that its page and its app share."""

from starlette.applications import Starlette

from gerbang.demo.standins.reception import Reception

SITE, BYTES = "www.instagram.com", "i.instagram.com"
HOSTS = (SITE, BYTES)


def site(reception: Reception) -> Starlette:
    return reception.calls(answered)


def answered(path: str, new: str) -> object:
    if "/rupload_" in path:
        return {"upload_id": path.rpartition("_")[2], "status": "ok"}
    if "/media/configure" in path:
        return {"media": {"pk": new, "code": f"DContoh{new[-4:]}"}, "status": "ok"}
    return {"id": new, "status": "ok"}
