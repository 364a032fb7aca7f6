"""One TLS server for all stand-ins, by the Host header. Whatever reaches it is kept, so that a test can say
what the gate let through, and when."""

import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Host, Mount

from gerbang.demo.standins import (
    bank,
    blogger,
    facebook,
    instagram,
    linkedin,
    mastodon,
    slack,
    telegram,
    whatsapp,
    wordpress,
    wordpress_com,
    x,
    youtube,
)
from gerbang.demo.standins.certificate import certify
from gerbang.demo.standins.reception import Arrival, Reception


class Site(Protocol):
    """A module that stands in for a platform."""

    @property
    def HOSTS(self) -> tuple[str, ...]: ...

    def site(self, reception: Reception) -> Starlette: ...


SITES: tuple[Site, ...] = (
    *(x, facebook, instagram, youtube, linkedin, whatsapp, slack, telegram),
    *(mastodon, wordpress, wordpress_com, blogger, bank),
)
HOSTS = tuple(host for each in SITES for host in each.HOSTS)


class StandIns:
    """The platforms' servers, in a thread of this process. Use as a context manager.

    `folder` receives `standins-ca.pem`, the authority that signed their certificate, for
    `[gate.upstream] trusted_ca`. Hosts of no stand-in are answered as the blog is. `more` are modules like those here.
    """

    def __init__(self, folder: Path, hosts: tuple[str, ...] = HOSTS, more: Sequence[Site] = ()) -> None:
        self.sites: tuple[Site, ...] = (*SITES, *more)
        self.hosts = (*hosts, *(host for each in more for host in each.HOSTS))
        self.trusted_ca = folder / "standins-ca.pem"
        self._reception = Reception()
        certificate = folder / "standins.pem"
        certify(self.hosts, self.trusted_ca, certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        # Connections inherit it: asyncio leaves it out for a socket made like this, and each answer comes 40 ms late.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=self._routes()),
            ssl_certfile=str(certificate),
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
            log_config=None,
            lifespan="off",
            ws="wsproto",  # what mitmproxy brings along
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="stand-ins", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)
        return self

    def __exit__(self, *trouble: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def upstream(self) -> dict[str, str]:
        """What `[gate.upstream] hosts` says, so that the names lead here."""
        return dict.fromkeys(self.hosts, f"127.0.0.1:{self.port}")

    @property
    def arrived(self) -> list[Arrival]:
        return self._reception.arrivals()

    def forget(self) -> None:
        """What arrived so far, where a bench sends more than memory should hold."""
        self._reception.forget()

    def writes(self) -> list[Arrival]:
        """What arrived that could have been an act, without page loads and preflights."""
        return [arrival for arrival in self.arrived if arrival.method not in {"GET", "HEAD", "OPTIONS"}]

    def _routes(self) -> list[Any]:
        apps = {host: app for each in self.sites for app in (each.site(self._reception),) for host in each.HOSTS}
        blog = apps[wordpress.BLOG]
        return [Host(host, apps.get(host, blog)) for host in self.hosts] + [Mount("/", blog)]
