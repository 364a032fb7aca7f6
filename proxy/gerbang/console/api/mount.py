"""The routes of the API, put together."""

import time

from fastapi import FastAPI

from gerbang.console.api.days import OpenedJournal, add_days
from gerbang.console.api.sessions import add_sessions
from gerbang.console.api.tokens import Entrance
from gerbang.console.users import Users
from gerbang.settings import Settings
from gerbang.tokens import Tokens


def add_api(app: FastAPI, settings: Settings, users: Users, journal: OpenedJournal) -> Entrance:
    """Add all of `/api/v1/`; what it refused is counted in what this gives."""
    entrance = Entrance(Tokens(settings.state), users, time.monotonic)
    add_sessions(app, entrance, settings)
    add_days(app, entrance, settings, journal)
    return entrance
