"""The console as a process of its own."""

import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import FastAPI

from gerbang.answers.words import Language
from gerbang.approving import Queue
from gerbang.bundled import bundled
from gerbang.console.api.mount import add_api
from gerbang.console.api.requests import Requests, add_requests
from gerbang.console.app import create_app
from gerbang.console.endpoints import add_endpoints
from gerbang.console.health import Watch
from gerbang.console.looks import PATIENCE, Look, write_down
from gerbang.console.policies import PastPolicies
from gerbang.console.users import users_of
from gerbang.errors import StartError
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Journal
from gerbang.record.event import Event, RecordKeys
from gerbang.registers import load_registers
from gerbang.settings import Settings, host_and_port
from gerbang.store import open_store

MALAYSIA = "Asia/Kuala_Lumpur"
SLOT = "console"  # of the journal: who looked at what


def run_console(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Serve the console until the process is told to stop. `clock` is a trial's, by which requests are answered.

    Raises `StartError` where it cannot listen, and `RecordError` where it cannot write down who looks.
    """
    host, port = host_and_port(settings.console.listen)
    named = urlsplit(settings.console.url or "").hostname
    keys = load_keys(settings.keys_folder)
    record_keys = RecordKeys.made_of(keys.record, os.urandom)
    with (
        _listener(host, port) as listener,
        closing(
            Journal(
                settings.journal_folder,
                settings.journal.node,
                SLOT,
                seal_key=keys.seal,
                group_wait=settings.journal.group_wait_ms / 1000,
                witness=settings.journal.witness,
            )
        ) as journal,
        # The console waits for a database that is away; its pages say so meanwhile.
        closing(open_store(settings.database_url, checked=False)) as store,
        closing(
            Watch(
                settings.state,
                settings.status_folder,
                settings.journal_folder,
                store,
                alerts=[alert.name for alert in settings.alerts],
            )
        ) as watch,
    ):

        def look(one: Look) -> None:
            write_down(one, journal, datetime.now(UTC), record_keys)

        users = users_of(settings)

        def durable(event: Event) -> None:
            journal.append(event).result(PATIENCE)

        def endpoints(app: FastAPI) -> None:
            entrance = add_api(app, settings, users, lambda: nullcontext((journal, record_keys)))
            # Behind a proxy that brings people from elsewhere, that the listener is loopback's tells nothing.
            alone = _loopback(host) and named is None
            token = settings.console.metrics_token
            add_endpoints(app, watch, token, loopback=alone, tokens=entrance.refused)
            desk = Requests(
                store,
                Queue(settings.feeds_folder),
                lambda: load_registers(settings.registers_folder).officers,
                PastPolicies(store).wording,
                look,
                durable,
                record_keys,
                clock,
            )
            add_requests(app, entrance, desk)

        app = create_app(
            store,
            users,
            look,
            hosts=own_names(host) | ({named} if named else set()),
            platforms=_platforms(settings),
            language=Language(settings.console.language),
            zone=ZoneInfo(next((office.timezone for office in settings.offices if office.timezone), MALAYSIA)),
            endpoints=endpoints,
        )
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,  # by our log's handler
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=64,
                timeout_keep_alive=10,
                h11_max_incomplete_event_size=16 << 10,
            )
        )
        # uvicorn raises the signal again once it has stopped; by the default handler the journal would stay unclosed.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        server.run(sockets=[listener])


def own_names(host: str) -> frozenset[str]:
    """The names by which a browser may ask for the console: of its loopback, of the listener, of this machine."""
    names = {"localhost", host.lower()}
    if not _loopback(host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _platforms(settings: Settings) -> tuple[str, ...]:
    """The names of the platforms that have signatures, by their files."""
    folders = (bundled("policies") if name == "bundled" else Path(name) for name in settings.policies)
    files = (file for folder in folders for file in (folder / "platforms").glob("*.yaml"))
    return tuple(sorted({file.stem for file in files if not file.name.endswith(".cases.yaml")}))


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise StartError(
            f"the console cannot listen on `{host}:{port}`: {(error.strerror or str(error)).lower()}",
            hint="set `[console] listen` to a free address, or stop what has it",
        ) from None
    listener.setblocking(False)
    return listener
