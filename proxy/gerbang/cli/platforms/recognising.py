"""`gerbang platforms recognise`: what each request of a recording would be taken for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gerbang.cli import configuration
from gerbang.cli.output import emit
from gerbang.cli.platforms.recordings import exchanged
from gerbang.errors import SettingsError, one_of
from gerbang.loading import each, policy_folders, sources
from gerbang.model import Activity, Media, Request
from gerbang.recognition.recognise import Recognition, recognise, recognise_as
from gerbang.recognition.series import Answer, Series
from gerbang.recognition.signature import UNTOLD, HostRole, Platforms, compile_platforms, parse_platform
from gerbang.wire.message import Message


def recognise_file(
    file: Annotated[Path, typer.Argument(help="A HAR 1.2 file, or JSON lines of method, url, headers, body_base64.")],
    site: Annotated[
        list[str] | None, typer.Option(help="HOST=PLATFORM for self-hosted software; may be given more than once.")
    ] = None,
) -> None:
    """What each recorded request would be taken for: one JSON line a request, `activity` null where it is no act.

    `earlier` is what the requests before it say of an act of several steps, where the recording has their answers.
    """
    platforms = _platforms(site or [])
    series = Series(platforms)
    for index, (request, answer) in enumerate(exchanged(file)):
        emit(line(index, request, platforms, series, answer))


def _platforms(given: list[str]) -> Platforms:
    documents = each(sources(policy_folders(configuration.settings()), "platforms"), parse_platform)
    names = [document.platform for document in documents]
    sites = {site.host: site.platform or UNTOLD for site in configuration.settings().sites}
    for word in given:
        host, _, platform = word.partition("=")
        if not host or platform not in names:
            raise SettingsError(f"`--site {word}` is not HOST=PLATFORM", hint=one_of(names, platform))
        sites[host.lower()] = platform
    return compile_platforms(documents, sites)


def line(
    index: int,
    request: Request | None,
    platforms: Platforms,
    series: Series | None = None,
    answer: Answer | None = None,
) -> dict[str, Any]:
    """One line of the answer. `also` holds the rest of a batch; a request that is no HTTP is `None`.

    `series` are the requests before this one, to which it is added with its `answer`.
    """
    if request is None:
        return {"index": index, **_told(None, None, Recognition((), "not-http"))}
    role = platforms.at(request.host)
    found = recognise(request, platforms)
    if role is None and not found.activities:
        # Offline nobody has listed the sites, so the marks of the software have to do.
        marked, _ = platforms.presumed(Message(request.method, request.target, request.headers, request.body))
        if marked:
            role = HostRole(marked[0], "app")
            found = recognise_as(request, HostRole(UNTOLD, "app"), platforms)
    platform = role.platform if role else None
    first, *rest = found.activities or (None,)
    told: dict[str, Any] = {"index": index, **_told(platform, first, found, series)}
    if rest:
        told["also"] = [_told(platform, one, found, series) for one in rest]
    if series is not None and answer is not None:
        series.goes_out(request, found, answer, str(index))
    return told


def _told(
    platform: str | None, activity: Activity | None, found: Recognition, series: Series | None = None
) -> dict[str, Any]:
    if activity is None:
        return {
            "platform": platform,
            "activity": None,
            "account": None,
            "texts": [],
            "media": [],
            "signature": None,
            "gaps": [],
            "reason": found.reason,
        }
    return {
        "platform": activity.platform,
        "activity": str(activity.kind),
        "account": activity.account.id or activity.account.handle,
        "texts": [text.value for text in activity.texts],
        "media": [_media(media) for media in activity.media],
        "signature": activity.signature or None,
        "gaps": [gap.reason for gap in activity.gaps],
        "audience": activity.audience,
        "target": activity.target,
        "changes": activity.changes,
        "unclaimed": activity.unclaimed,
        "confidence": str(activity.confidence) if not activity.unclaimed else None,
        "reason": found.reason,
        **_earlier(activity, series),
    }


def _media(media: Media) -> dict[str, Any]:
    names = ("id", "type", "name", "digest", "size")
    return {name: value for name in names if (value := getattr(media, name)) is not None}


def _earlier(activity: Activity, series: Series | None) -> dict[str, Any]:
    """What went out before an act and belongs to it: by which requests, and what the gate judges besides."""
    whole = series.with_earlier(activity) if series is not None else activity
    if not whole.sent_earlier and not whole.belongs_to:
        return {}
    return {
        "earlier": {
            "belongs_to": [int(number) for number in whole.belongs_to],
            "sent_earlier": [int(number) for number in whole.sent_earlier],
            "texts": [text.value for text in whole.texts if text not in activity.texts],
            "media": [_media(media) for media in whole.media if media not in activity.media],
            "gaps": [gap.reason for gap in whole.gaps],
        }
    }
