"""Which page made a browser send a request, so far as the request says.

A foreign page can have a browser post in its user's name (a `no-cors` fetch, a form). `Sec-Fetch-Site` says so and no
page can change it (W3C Fetch Metadata, seen 2026-11-24); older browsers send `Origin` alone. A program may claim what
it likes, so this is a fact for the record and decides nothing.
"""

import re
from typing import Final

from gerbang.model import DEFAULT_PORTS, Provenance, Request

SITES: Final = frozenset({"same-origin", "same-site", "cross-site", "none"})
ORIGIN: Final = re.compile(r"(https?)://([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?")


def provenance(request: Request) -> Provenance | None:
    """`None` where the request says nothing of it. The host is named for another site's page only.

    >>> provenance(Request("POST", "x.com", "/", (("Origin", "https://jahat.example"),)))
    Provenance(site='cross-site', host='jahat.example')
    """
    origin = ORIGIN.fullmatch((request.header("Origin") or "").strip().lower())
    said = (request.header("Sec-Fetch-Site") or "").strip().lower()
    site = said if said in SITES else _site(request, origin)
    if site is None:
        return None
    return Provenance(site, origin[2] if origin and site == "cross-site" else None)


def _site(request: Request, origin: re.Match[str] | None) -> str | None:
    """What `Origin` alone tells: of two hosts of one site it is sure only where one stands below the other."""
    if origin is None:
        # A page without an origin of its own (a sandbox, a file) is nobody's.
        return "cross-site" if request.header("Origin") else None
    scheme, host = origin[1], origin[2]
    if (scheme, host, int(origin[3] or DEFAULT_PORTS[scheme])) == (request.scheme, request.host, request.port):
        return "same-origin"
    related = host == request.host or host.endswith(f".{request.host}") or request.host.endswith(f".{host}")
    return "same-site" if related else "cross-site"
