"""`gerbang platforms`: which are known, whether their signatures hold, what a recording would be taken for."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import typer

from gerbang.cli import configuration
from gerbang.cli.index import indexed
from gerbang.cli.output import JsonOption, console, emit, table
from gerbang.cli.slot import now
from gerbang.errors import DocumentError, Place, SettingsError, one_of, reason
from gerbang.fleet.pac import listed_hosts, squid_list
from gerbang.loading import cases_beside, each, is_cases, policy_folders, read_document, sources
from gerbang.model import Activity, Media, Request
from gerbang.recognition.cases import BOUNDARY, Cases, Failure, PartOfForm, multipart, parse_cases, run_cases
from gerbang.recognition.document import PlatformDocument
from gerbang.recognition.recognise import Recognition, message_on, recognise, recognise_as
from gerbang.recognition.series import Answer, Series
from gerbang.recognition.shape import Unclaimed, grouped, skeleton
from gerbang.recognition.signature import UNTOLD, HostRole, Platforms, compile_platforms, parse_platform
from gerbang.store.drift import sightings
from gerbang.wire.message import Message

app = typer.Typer(no_args_is_help=True, help="Platforms: list them, test their signatures, recognise a recording.")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A platform document, with its cases where there are some."""

    file: Path
    document: PlatformDocument
    cases: Cases | None


def _entries(folder: Path | None = None) -> tuple[_Entry, ...]:
    """The documents of the settings' folders, or of one folder (its `platforms/` where it has one)."""
    if folder is None:
        found = sources(policy_folders(configuration.settings()), "platforms")
        files = [source.file for source in found]
        documents = each(found, parse_platform)
    else:
        if not folder.is_dir():
            raise DocumentError(f"`{folder}` is no folder", hint="name a folder of platform documents (NAME.yaml)")
        inner = folder / "platforms"
        files = [file for file in sorted((inner if inner.is_dir() else folder).glob("*.yaml")) if not is_cases(file)]
        if not files:
            raise DocumentError(f"no platform document in `{folder}`", hint="name a folder that holds NAME.yaml")
        documents = tuple(parse_platform(read_document(file), str(file)) for file in files)
    return tuple(
        _Entry(file, document, _cases(file, document)) for file, document in zip(files, documents, strict=True)
    )


def _cases(file: Path, document: PlatformDocument) -> Cases | None:
    beside = cases_beside(file)
    if beside is None:
        return None
    cases = parse_cases(read_document(beside), str(beside))
    if cases.platform != document.platform:
        what = f"these are cases of `{cases.platform}`, beside the document of `{document.platform}`"
        raise DocumentError(what, place=Place(str(beside)))
    return cases


@app.command("list")
def list_platforms(as_json: JsonOption = False) -> None:
    """The platforms, with their hosts and how many signatures and cases each has."""
    rows = []
    for entry in _entries():
        document = entry.document
        kinds = sorted({str(signature.activity) for signature in document.signatures})
        reported = sum(1 for signature in document.signatures if signature.confidence == "reported")
        rows.append(
            (
                document.platform,
                [host for role in document.hosts.values() for host in role] or "any (sites)",
                kinds,
                len(document.signatures),
                len(entry.cases.trials) if entry.cases else 0,
                {"confirmed": len(document.signatures) - reported, "reported": reported},
            )
        )
    columns = ("platform", "hosts", "activities", "signatures", "cases", "confidence")
    table(columns, rows, as_json=as_json)


@app.command("hosts")
def list_hosts(
    squid: Annotated[bool, typer.Option("--squid", help="As a list for Squid's `acl ... dstdomain`.")] = False,
) -> None:
    """The listed hosts, one a line: sites and the gate's own included, `*.` for all below a domain."""
    chosen = configuration.settings()
    hosts = listed_hosts(chosen)
    typer.echo(squid_list(hosts) if squid else "".join(f"{host}\n" for host in sorted(hosts)), nl=False)


@app.command("test")
def run_platforms(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of platform documents; else the settings' ones.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run every case of every platform. Exit status 1 where one fails."""
    rows: list[tuple[str, int, int, int]] = []
    failures: list[Failure] = []
    entries = _entries(folder)
    # A folder's document may use one that stands in another.
    used = [entry.document for entry in (*(_entries() if folder else ()), *entries)]
    for entry in entries:
        failed = run_cases(entry.cases, entry.document, used) if entry.cases else ()
        failures += failed
        trials = len(entry.cases.trials) if entry.cases else 0
        broken = len({failure.trial.place for failure in failed})
        rows.append((entry.document.platform, trials, trials - broken, broken))
    if as_json:
        emit(
            {
                "platforms": [dict(zip(("platform", "cases", "passed", "failed"), row, strict=True)) for row in rows],
                "failures": [str(failure) for failure in failures],
            }
        )
    else:
        table(("platform", "cases", "passed", "failed"), rows, as_json=False)
        for failure in failures:
            console.print(str(failure), markup=False, highlight=False, soft_wrap=True)
    if failures:
        raise typer.Exit(1)


@app.command("recognise")
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


@app.command("unclaimed")
def list_unclaimed(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days to look back.")] = 30,
    platform: Annotated[str | None, typer.Option(help="Only of this platform.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Writes that no signature claimed: what they look like, how often they came, and a signature to begin with."""
    documents = {entry.document.platform: entry.document for entry in _entries()}
    if platform is not None and platform not in documents:
        raise SettingsError(f"unknown platform `{platform}`", hint=one_of(documents, platform))
    found = unclaimed_since(now() - timedelta(days=days), platform)
    rows = [_unclaimed_row(one, documents.get(one.platform)) for one in found]
    columns = ("platform", "judged", "counted", "last", "method", "path", "name", "fields", "skeleton")
    if as_json:
        table(columns, rows, as_json=True)
        return
    if not rows:
        console.print(f"no unclaimed write in the last {days} days; what came, the signatures knew")
        return
    table(columns[:-2], [row[:-2] for row in rows], as_json=False)
    for row in rows:
        console.print(f"\n{row[0]}: {row[4]} {row[5]} {row[6]}".rstrip(), style="bold", markup=False, highlight=False)
        console.print(f"fields: {', '.join(row[7])}", markup=False, highlight=False, soft_wrap=True)
        console.print(str(row[8]), markup=False, highlight=False, soft_wrap=True)
    console.print("`judged` were judged as posts; `counted` had no words of a person, and passed.", markup=False)


def unclaimed_since(since: datetime, platform: str | None = None) -> tuple[Unclaimed, ...]:
    """The operations that no signature claimed, from the database."""
    store = indexed(configuration.settings())
    try:
        return grouped(sightings(store, since, platform))
    finally:
        store.close()


def _unclaimed_row(one: Unclaimed, document: PlatformDocument | None) -> tuple[Any, ...]:
    shape = one.shape
    month = one.last.strftime("%Y-%m")
    drawn = skeleton(document, shape, month) if document else ""
    last = one.last.isoformat(timespec="minutes")
    return one.platform, one.judged, one.counted, last, shape.method, shape.path, shape.name, list(shape.fields), drawn


@app.command("housekeeping")
def list_housekeeping(
    platform: Annotated[str | None, typer.Argument(help="Only of this platform.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The writes that are known to be no act, and why."""
    entries = _entries()
    names = [entry.document.platform for entry in entries]
    if platform is not None and platform not in names:
        raise SettingsError(f"unknown platform `{platform}`", hint=one_of(names, platform))
    rows = [
        (entry.document.platform, claim.reason, claim.surface, list(claim.name), list(claim.path), sorted(claim.where))
        for entry in entries
        if platform in (None, entry.document.platform)
        for claim in entry.document.housekeeping
    ]
    table(("platform", "reason", "surface", "names", "paths", "where"), rows, as_json=as_json)


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
        marked = platforms.presumed(Message(request.method, request.target, request.headers, request.body))
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


# ---------------------------------------------------------------- recordings


def recorded(file: Path) -> Iterator[Request | None]:
    """The requests of a recording, in order. Raises `DocumentError` with the line of what is wrong."""
    return (request for request, _ in exchanged(file))


def exchanged(file: Path) -> Iterator[tuple[Request | None, Answer | None]]:
    """The same, each with its answer where the recording has one."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DocumentError(f"`{file}` cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise DocumentError("the recording is not UTF-8 text", place=Place(str(file))) from None
    if not text.strip():
        raise DocumentError("the recording is empty", place=Place(str(file)))
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        whole = json.loads(text)
    except RecursionError:
        raise DocumentError("the recording is nested too deeply", place=Place(str(file))) from None
    except ValueError as error:
        if _is_json(first):
            yield from _json_lines(text, file)
            return
        place = Place(str(file), getattr(error, "lineno", 1), getattr(error, "colno", None))
        raise DocumentError("not JSON", place=place, hint="expected a HAR 1.2 file or JSON lines") from None
    if isinstance(whole, dict) and "log" in whole:
        yield from _har(whole, file)
    elif isinstance(whole, dict):
        yield _exchange(whole, Place(str(file), 1))
    else:
        raise DocumentError("not a recording", place=Place(str(file), 1), hint="expected a HAR 1.2 file or JSON lines")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json_lines(text: str, file: Path) -> Iterator[tuple[Request | None, Answer | None]]:
    for number, one in enumerate(text.split("\n"), 1):
        if not one.strip():
            continue
        place = Place(str(file), number)
        try:
            value = json.loads(one)
        except ValueError as error:
            column = getattr(error, "colno", None)
            raise DocumentError("not JSON", place=Place(str(file), number, column)) from None
        except RecursionError:
            raise DocumentError("nested too deeply", place=place) from None
        if not isinstance(value, dict):
            raise DocumentError("not an object with `method` and `url`", place=place)
        yield _exchange(value, place)


def _exchange(value: Mapping[str, Any], place: Place) -> tuple[Request | None, Answer | None]:
    """A request, and under `answer` what came of it: `status`, `headers`, `body_base64`."""
    answer = value.get("answer")
    if answer is None:
        return _request(value, place), None
    if not isinstance(answer, Mapping) or not isinstance(status := answer.get("status", 200), int):
        raise DocumentError("`answer` must be an object with a `status` that is a number", place=place)
    return _request(value, place), Answer(status, tuple(_headers(answer, place)), _body(answer, place))


def _request(value: Mapping[str, Any], place: Place) -> Request | None:
    body = _body(value, place)
    return _built(value.get("method", "POST" if body else "GET"), value.get("url"), _headers(value, place), body, place)


def _body(value: Mapping[str, Any], place: Place) -> bytes:
    encoded = value.get("body_base64")
    if not isinstance(encoded, str | None):
        raise DocumentError("`body_base64` must be a text", place=place)
    try:
        return base64.b64decode(encoded or "", validate=True)
    except (binascii.Error, ValueError):
        raise DocumentError("`body_base64` is not base64", place=place) from None


def _headers(value: Mapping[str, Any], place: Place) -> list[tuple[str, str]]:
    """Pairs, an object, or HAR's objects of `name` and `value`; a browser's pseudo headers are left out."""
    given = value.get("headers") or []
    pairs: list[tuple[Any, Any]] = []
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, list):
        for entry in given:
            if isinstance(entry, Mapping):
                pairs.append((entry.get("name"), entry.get("value")))
            elif isinstance(entry, list) and len(entry) == 2:
                pairs.append((entry[0], entry[1]))
            else:
                raise DocumentError("`headers` must be a list of [name, value]", place=place)
    else:
        raise DocumentError("`headers` must be a list of [name, value]", place=place)
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in pairs):
        raise DocumentError("`headers` must hold texts", place=place)
    return [(name, text) for name, text in pairs if not name.startswith(":")]


def _built(method: Any, url: Any, headers: list[tuple[str, str]], body: bytes, place: Place) -> Request | None:
    if not isinstance(method, str) or not method:
        raise DocumentError("`method` must be a text such as `POST`", place=place)
    if not isinstance(url, str) or not url:
        raise DocumentError("`url` is missing", place=place)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise DocumentError("`url` is no address", place=place) from None
    if parts.scheme not in ("http", "https", "ws", "wss"):
        if parts.scheme and ":" in url:
            return None  # data:, blob:, chrome-extension: and the like are in every recording
        raise DocumentError("`url` must be whole, as in `https://x.com/home`", place=place)
    if not host:
        raise DocumentError("`url` has no host", place=place)
    secure = parts.scheme in ("https", "wss")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    scheme = "https" if secure else "http"
    return Request(method.upper(), host, target, tuple(headers), body, scheme, port or (443 if secure else 80))


def _har(whole: Mapping[str, Any], file: Path) -> Iterator[tuple[Request | None, Answer | None]]:
    log = whole["log"]
    entries = log.get("entries") if isinstance(log, Mapping) else None
    if not isinstance(entries, list):
        raise DocumentError("no `log.entries`", place=Place(str(file)), hint="expected a HAR 1.2 file")
    for number, entry in enumerate(entries):
        request = entry.get("request") if isinstance(entry, Mapping) else None
        try:
            if not isinstance(request, Mapping):
                raise DocumentError("no `request`")
            yield (sent := _har_request(request)), _har_answer(entry.get("response"))
            yield from ((message, None) for message in (_har_messages(entry, sent) if sent is not None else ()))
        except DocumentError as error:
            raise DocumentError(f"entry {number}: {error.what}", place=Place(str(file))) from None


def _har_answer(response: Any) -> Answer | None:
    """What was answered, where the browser kept it: not every recording has the bodies, and some have no status."""
    if not isinstance(response, Mapping) or not isinstance(status := response.get("status"), int) or status <= 0:
        return None
    content: Any = response.get("content")
    content = content if isinstance(content, Mapping) else {}
    body = b""
    if isinstance(text := content.get("text"), str):
        body = text.encode("utf-8", "replace")
        if content.get("encoding") == "base64":
            with suppress(binascii.Error, ValueError):
                body = base64.b64decode(text)
    try:
        headers = _headers(response, Place(""))
    except DocumentError:
        headers = []
    # The browser has undone the compression.
    return Answer(status, tuple(header for header in headers if header[0].lower() != "content-encoding"), body)


def _har_request(request: Mapping[str, Any]) -> Request | None:
    place = Place("")
    headers = _headers(request, place)
    names = {name.lower() for name, _ in headers}
    cookies = request.get("cookies")
    if "cookie" not in names and isinstance(cookies, list):
        pairs = [f"{one.get('name')}={one.get('value')}" for one in cookies if isinstance(one, Mapping)]
        headers += [("cookie", "; ".join(pairs))] if pairs else []
    data = request.get("postData")
    body = b""
    if isinstance(data, Mapping):
        body, content_type, decoded = _har_body(data)
        if decoded:
            # What the browser wrote down as text is no longer compressed.
            headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
        if content_type and ("content-type" not in names or content_type.startswith("multipart/")):
            headers = [(name, value) for name, value in headers if name.lower() != "content-type"]
            headers.append(("content-type", content_type))
    return _built(request.get("method", "GET"), request.get("url"), headers, body, place)


def _har_messages(entry: Mapping[str, Any], opened: Request) -> Iterator[Request]:
    """What the page sent on a socket, as Chromium writes it down (`_webSocketMessages`, seen 2026-11)."""
    messages = entry.get("_webSocketMessages")
    response = entry.get("response")
    answered = _headers(response, Place("")) if isinstance(response, Mapping) else []
    chosen = next((value for name, value in answered if name.lower() == "sec-websocket-protocol"), None)
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, Mapping) or message.get("type") != "send":
            continue
        data = message.get("data")
        if not isinstance(data, str):
            raise DocumentError("`data` of a message must be a text")
        try:
            content = base64.b64decode(data, validate=True) if message.get("opcode") == 2 else data.encode()
        except (binascii.Error, ValueError):
            raise DocumentError("`data` of a binary message is not base64") from None
        yield message_on(opened, content, chosen)


def _har_body(data: Mapping[str, Any]) -> tuple[bytes, str | None, bool]:
    """A body as it was sent, the type to give it where that had to be made anew, and whether it is text by now."""
    text, kind, params = data.get("text"), data.get("mimeType"), data.get("params")
    kind = kind if isinstance(kind, str) else ""
    if isinstance(text, str) and text:
        if data.get("encoding") == "base64" or data.get("_encoding") == "base64":
            try:
                return base64.b64decode(text, validate=True), kind or None, False
            except (binascii.Error, ValueError):
                raise DocumentError("`postData.text` is not base64") from None
        compressed = text[:2] in ("\x1f\x8b", "(\xb5") and max(text) < "\u0100"
        given = None if kind.startswith("multipart/") else kind or None
        return (text.encode("latin-1"), given, False) if compressed else (text.encode("utf-8", "replace"), given, True)
    if isinstance(params, list):
        fields = [one for one in params if isinstance(one, Mapping)]
        if kind.startswith("multipart/"):
            parts = tuple(
                PartOfForm(
                    name=str(one.get("name") or ""),
                    text=str(one.get("value") or ""),
                    filename=one.get("fileName") if isinstance(one.get("fileName"), str) else None,
                    type=one.get("contentType") if isinstance(one.get("contentType"), str) else None,
                )
                for one in fields
            )
            return multipart(parts), f"multipart/form-data; boundary={BOUNDARY}", True
        # Chrome writes the names and values of `params` as they were on the wire where it also writes the text.
        pairs = [(str(one.get("name") or ""), str(one.get("value") or "")) for one in fields]
        return urlencode(pairs).encode(), kind or "application/x-www-form-urlencoded", True
    return b"", kind or None, False
